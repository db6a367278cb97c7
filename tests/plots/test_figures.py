"""What every picture promises: all of it lies in its figure, and a wrong object is named."""

from __future__ import annotations

import inspect

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

import crmintel as ci
from crmintel import plots
from crmintel.exceptions import InputError, InputTypeError

RNG = np.random.default_rng(0)


@pytest.fixture(scope="module")
def log():
    return ci.datasets.make_transactions(400, weeks=60, random_state=0)[0]


@pytest.fixture(scope="module")
def history(log):
    return ci.segment_history(log, ci.RFMScorer())


@pytest.fixture(scope="module")
def displays(log, history):
    """One of each, with the long names that cut a picture off."""
    early = log.until("2023-09-30")
    rows = ci.CustomerSummary(unit="week").fit_transform(early)
    model = ci.BetaGeoNBD().fit(rows)
    scorer, moves = ci.RFMScorer().fit(log), history.migration()
    segments = scorer.predict(log)
    X = {"days since the last purchase": RNG.random(400), "purchases of any kind": log.purchases()}
    points = np.column_stack([log.purchases(), log.spend()])
    groups = np.array(["those who come every week", "others"])[RNG.integers(0, 2, 400)]
    selection = ci.ClusterSelection(k=range(2, 4), n_bootstrap=0, n_splits=0, random_state=0).fit(points)
    answer = np.arange(400) % 5 + 1
    Z = RNG.normal(size=(400, 3))
    left = (Z[:, 0] + RNG.normal(size=400) > 1.0).astype(int)
    churn = LogisticRegression().fit(Z, left)
    chance = churn.predict_proba(Z)[:, 1]
    baskets = [["a very long name of tea", "cup"], ["cup", "spoon"], ["gin", "tonic water in bottles"]] * 5
    rules = ci.AssociationRules(ci.FrequentItemsets(2)).fit(baskets)
    bought = early.purchases() - 1
    made = [
        plots.AliveHistoryDisplay.from_estimator(model, log, log.customers[0]),
        plots.CalibrationHoldoutDisplay.from_predictions(bought, actual=bought, expected=bought),
        plots.ChurnCalibrationDisplay.from_predictions(left, chance),
        plots.ClusterSelectionDisplay.from_estimator(selection),
        plots.CohortDisplay.from_table(ci.cohort_table(log)),
        plots.FrequencyRecencyDisplay.from_estimator(model, rows),
        plots.GainDisplay.from_predictions(left, chance),
        plots.HeterogeneityDisplay.from_estimator(model),
        plots.IsoValueDisplay.from_estimator(model, rows),
        plots.LorenzDisplay.from_money(log),
        plots.MigrationMatrixDisplay.from_estimator(moves),
        plots.MigrationSankeyDisplay.from_estimator(moves, of="money"),
        plots.ProfitCurveDisplay.from_curves(ci.profit_curve(left, chance, accept=0.5)),
        plots.PurchaseCountDisplay.from_estimator(model, rows),
        plots.RFMHeatmapDisplay.from_estimator(scorer, log),
        plots.ReasonsDisplay.from_reasons(ci.churn_reasons(churn, Z[:4], Z), 0),
        plots.RevenueBridgeDisplay.from_bridge(ci.revenue_bridge(log)),
        plots.RuleGraphDisplay.from_rules(rules),
        plots.RuleMatrixDisplay.from_rules(rules),
        plots.RuleScatterDisplay.from_rules(rules),
        plots.SatisfactionDisplay.from_estimator(
            ci.SatisfactionLoyalty(n_resamples=20, random_state=0).fit(answer, answer > 4)
        ),
        plots.SegmentProfileDisplay.from_estimator(ci.SegmentProfile().fit(X, groups)),
        plots.SegmentTreemapDisplay.from_labels(segments, log.spend()),
        plots.SilhouetteDisplay.from_silhouette(ci.silhouette(points, groups)),
        plots.SurvivalDisplay.from_curves(ci.survival_curve(RNG.integers(1, 24, 400), left)),
        plots.TrackingDisplay.from_estimator(model, log),
        plots.ValueTiersDisplay.from_money(log),
    ]
    return {type(display).__name__: display for display in made}


@pytest.mark.parametrize("name", plots.__all__)
def test_all_of_a_picture_lies_in_its_figure(displays, name, agg):
    figure = displays[name].plot().figure_
    figure.canvas.draw()
    drawn = figure.get_tightbbox().padded(-1.0 / figure.dpi)
    assert drawn.xmin >= 0.0
    assert drawn.ymin >= 0.0
    assert drawn.xmax <= figure.get_figwidth()
    assert drawn.ymax <= figure.get_figheight()


@pytest.mark.parametrize("name", plots.__all__)
def test_the_figure_of_the_user_keeps_its_layout_and_its_size(displays, name, agg):
    figure, axes = agg.subplots(figsize=(5.0, 4.0))
    displays[name].plot(axes)
    assert figure.get_layout_engine() is None
    assert tuple(figure.get_size_inches()) == (5.0, 4.0)


MAKERS = [
    (name, maker)
    for name in plots.__all__
    for maker, _ in inspect.getmembers(getattr(plots, name), inspect.ismethod)
    if maker.startswith("from_")
]


@pytest.mark.parametrize(("name", "maker"), MAKERS)
def test_a_wrong_object_is_named(history, name, maker):
    make = getattr(getattr(plots, name), maker)
    needed = [
        each
        for each in list(inspect.signature(make).parameters.values())[1:]
        if each.default is inspect.Parameter.empty
    ]
    for wrong in (history, object()):
        with pytest.raises(InputTypeError, match=rf"must .*\b{type(wrong).__name__}\b"):
            make(wrong, **{each.name: wrong for each in needed})
    for wrong in (None, 3, "text"):
        with pytest.raises((InputTypeError, InputError), match="must"):
            make(wrong, **{each.name: wrong for each in needed})


def test_the_way_out_of_a_wrong_object_is_named(history):
    with pytest.raises(
        InputTypeError, match=r"SegmentHistory; segment_history\(log\)\.migration\(\) makes one"
    ):
        plots.MigrationMatrixDisplay.from_estimator(history)
    with pytest.raises(InputTypeError, match=r"a Silhouette, got ndarray; silhouette\(X, labels\) makes one"):
        plots.SilhouetteDisplay.from_silhouette(np.zeros((4, 2)))
