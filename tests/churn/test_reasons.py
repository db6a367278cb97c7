"""Reasons and importance: exact Shapley values, sentences, groups of inputs, wrong inputs."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.tree import DecisionTreeClassifier

import crmintel as ci
from crmintel.exceptions import ColumnError, InputError, InputTypeError
from tests.oracles.shapley import shapley

RNG = np.random.default_rng(0)
X = RNG.normal(size=(400, 4))
Y = X[:, 0] + X[:, 1] * X[:, 2] + 0.3 * RNG.normal(size=400) > 0
CUSTOMERS = pd.DataFrame(
    {
        "months": [float(each) if each % 7 else None for each in range(300)],
        "contract": ["monthly", "yearly", "monthly"] * 100,
        "pay": ["card", None, "cheque", "card"] * 75,
    }
)
LEFT = np.where((CUSTOMERS["contract"] == "monthly") & (CUSTOMERS["months"].fillna(0) < 150), "Yes", "No")
LEFT[::9] = "Yes"


def test_sampling_finds_shapley_values():
    forest = RandomForestClassifier(20, max_depth=4, random_state=0).fit(X, Y)
    background = X[:30]
    reasons = ci.churn_reasons(forest, X[100:103], background, n_samples=1500, random_state=1)
    assert reasons.unit == "probability"
    for found, error, x in zip(reasons.contributions, reasons.standard_error, X[100:103], strict=True):
        exact = shapley(lambda rows: forest.predict_proba(rows)[:, 1], x, background, [[j] for j in range(4)])
        assert (np.abs(found - exact) < 4 * error + 1e-12).all()
        assert found == pytest.approx(exact, abs=0.02)


def test_shares_sum_to_the_difference():
    model = ci.make_churn_pipeline(HistGradientBoostingClassifier(max_iter=10), "none").fit(CUSTOMERS, LEFT)
    reasons = ci.churn_reasons(model, CUSTOMERS[:40], CUSTOMERS, n_samples=6)
    assert reasons.names == ("months", "contract", "pay")
    total = reasons.contributions.sum(axis=1) + reasons.base
    assert total == pytest.approx(model.predict_proba(CUSTOMERS[:40])[:, 1], abs=1e-12)
    again = ci.churn_reasons(model, CUSTOMERS[:40], CUSTOMERS, n_samples=6)
    assert np.array_equal(again.contributions, reasons.contributions)
    one = ci.churn_reasons(model, CUSTOMERS[7:8], CUSTOMERS, n_samples=6)
    assert one.contributions[0] == pytest.approx(reasons.contributions[7], abs=1e-12)


def test_an_input_the_model_does_not_use_has_no_share():
    y = X[:, 0] > 0
    trees = HistGradientBoostingClassifier(max_iter=10, max_leaf_nodes=2).fit(X, y)
    reasons = ci.churn_reasons(trees, X[:5], X, n_samples=10)
    assert not reasons.contributions[:, 1:].any()
    assert len(reasons.sentences(0)) == 2


def test_logistic_regression_is_exact():
    pipeline = ci.make_churn_pipeline(LogisticRegression(), calibration="none")
    model = pipeline.fit(CUSTOMERS, LEFT)
    reasons = ci.churn_reasons(model, CUSTOMERS[:20], CUSTOMERS)
    assert reasons.unit == "log-odds"
    chance = model.predict_proba(CUSTOMERS[:20])[:, 1]
    assert reasons.contributions.sum(axis=1) + reasons.base == pytest.approx(np.log(chance / (1 - chance)))
    numbers, others = (np.asarray(model[0].transform(each)) for each in (CUSTOMERS[:1], CUSTOMERS))
    exact = shapley(
        lambda rows: np.log(np.divide(*model[1].predict_proba(rows).T[::-1])), numbers[0], others,
        [[0], [1, 2], [3, 4, 5]],
    )  # fmt: skip
    assert reasons.contributions[0] == pytest.approx(exact)
    assert ci.churn_reasons(model, CUSTOMERS[:2], CUSTOMERS, method="sampling").unit == "probability"
    plain = LogisticRegression().fit(X, Y)
    assert ci.churn_reasons(plain, X[:2], X).contributions == pytest.approx(
        plain.coef_ * (X[:2] - X.mean(axis=0))
    )


@pytest.mark.filterwarnings("ignore:Skipping features")
def test_a_column_that_the_imputer_drops_has_no_share():
    X = np.random.default_rng(4).normal(size=(200, 3))
    y = X[:, 0] + X[:, 2] > 0
    X[:, 1] = np.nan
    model = make_pipeline(SimpleImputer(), LogisticRegression()).fit(X, y)
    reasons = ci.churn_reasons(model, X[:4], X)
    assert not reasons.contributions[:, 1].any()
    assert reasons.base + reasons.contributions.sum(axis=1) == pytest.approx(model.predict_proba(X[:4])[:, 1])
    with pytest.raises(InputError, match="method='linear' needs"):
        ci.churn_reasons(model, X[:4], X, method="linear")


def test_sentences_have_the_customers_own_numbers():
    model = ci.make_churn_pipeline(LogisticRegression(), calibration="none").fit(CUSTOMERS, LEFT)
    said = ci.churn_reasons(model, CUSTOMERS[:3], CUSTOMERS).sentences(
        0, n=3, labels={"months": "Months as a customer"}
    )
    assert said[0].startswith("Leaves with a chance of ")
    together = " ".join(said)
    assert (
        "Months as a customer is not known (typical 150), which multiplies the odds of leaving by "
        in together
    )
    assert "contract is monthly (as is typical)" in together
    unknown = ci.churn_reasons(model, CUSTOMERS[1:2], CUSTOMERS).sentences(0)
    assert any("pay is not known (typical card)" in each for each in unknown)
    sampled = ci.churn_reasons(model, CUSTOMERS[1:2], CUSTOMERS, method="sampling")
    for line, share in zip(
        sampled.sentences(0)[1:], sorted(sampled.contributions[0], key=abs)[::-1], strict=True
    ):
        assert f"{'adds' if share > 0 else 'takes'} {abs(100 * share):.1f} points" in line
    big = ci.churn_reasons(LogisticRegression().fit(1e6 * X, Y), 1e6 * X[:1], 1e6 * X).sentences(0)
    assert "e+" not in " ".join(big).split("which")[0]


def test_frames_of_reasons():
    frame = ci.churn_reasons(LogisticRegression().fit(X, Y), X[:5], X).to_frame("pandas")
    assert list(frame.columns) == ["chance", "x0", "x1", "x2", "x3"]
    assert len(frame) == 5


def test_logs_and_profit_classifiers():
    log, _ = ci.datasets.make_transactions(150, random_state=0)
    snapshots, labels = ci.churn_snapshots(log, horizon="60D")
    pipeline = ci.make_churn_pipeline(LogisticRegression(max_iter=1000))
    decides = ci.ProfitClassifier(pipeline).fit(snapshots, labels)
    reasons = ci.churn_reasons(decides, log[:3], snapshots, n_samples=4)
    assert reasons.names == tuple(decides.classifier_[0].columns_)
    found = ci.churn_importance(decides, snapshots, labels, n_repeats=2, random_state=0)
    assert set(found.names) == set(reasons.names)


def test_importance_by_hand():
    trees = DecisionTreeClassifier(max_depth=5, random_state=0).fit(X, Y)
    found = ci.churn_importance(trees, X, Y, n_repeats=3, random_state=5)
    rng, chance = np.random.default_rng(5), trees.predict_proba(X)[:, 1]
    assert found.value == roc_auc_score(Y, chance)
    by_hand = []
    for j in range(4):
        falls = []
        for _ in range(3):
            other = X.copy()
            other[:, j] = X[rng.permutation(400), j]
            falls.append(found.value - roc_auc_score(Y, trees.predict_proba(other)[:, 1]))
        by_hand.append(np.mean(falls))
    order = np.argsort(by_hand)[::-1]
    assert found.names == tuple(f"x{j}" for j in order)
    assert found.importance == pytest.approx(np.array(by_hand)[order])
    assert list(found.to_frame("polars").columns) == ["name", "importance", "standard_error"]


def test_twins_are_missed_only_together():
    twins = np.column_stack([X[:, 0], X[:, 0], X[:, 1]])
    forest = RandomForestClassifier(50, max_features=1, random_state=0).fit(twins, X[:, 0] > 0)
    for measure in ("roc_auc", "average_precision", "brier"):
        ask = {"measure": measure, "n_repeats": 3, "random_state": 0}
        alone = ci.churn_importance(forest, twins, X[:, 0] > 0, **ask)
        both = ci.churn_importance(forest, twins, X[:, 0] > 0, groups={"both": ["x0", "x1"]}, **ask)
        assert both.names[0] == "both"
        assert both.importance[0] > 2 * alone.importance.max()


def test_progress_is_shown_when_asked(capsys):
    model = DecisionTreeClassifier(max_depth=2, random_state=0).fit(X, Y)
    silent = ci.churn_importance(model, X, Y, n_repeats=2, random_state=0)
    shares = ci.churn_reasons(model, X[:3], X, n_samples=2)
    assert capsys.readouterr().err == ""
    found = ci.churn_importance(model, X, Y, n_repeats=2, random_state=0, verbose=True)
    assert "inputs: 100%" in capsys.readouterr().err
    np.testing.assert_array_equal(found.importance, silent.importance)
    found = ci.churn_reasons(model, X[:3], X, n_samples=2, verbose=True)
    assert "customers: 100%" in capsys.readouterr().err
    np.testing.assert_array_equal(found.contributions, shares.contributions)


def test_a_text_column_is_one_input():
    model = ci.make_churn_pipeline(LogisticRegression()).fit(CUSTOMERS, LEFT)
    found = ci.churn_importance(model, CUSTOMERS, LEFT, n_repeats=2, random_state=0)
    assert sorted(found.names) == ["contract", "months", "pay"]


def test_wrong_inputs():
    model = LogisticRegression().fit(X, Y)
    with pytest.raises(InputTypeError, match="predict_proba"):
        ci.churn_reasons(Ridge().fit(X, Y), X, X)
    with pytest.raises(InputError, match="background has no customers"):
        ci.churn_reasons(model, X, X[:0])
    with pytest.raises(InputError, match="without calibration"):
        ci.churn_reasons(HistGradientBoostingClassifier(max_iter=2).fit(X, Y), X, X, method="linear")
    with pytest.raises(InputError, match="method must be one of"):
        ci.churn_reasons(model, X, X, method="shap")
    with pytest.raises(InputError, match="n_samples"):
        ci.churn_reasons(model, X, X, n_samples=1)
    with pytest.raises(InputError, match="X must have 4 columns"):
        ci.churn_reasons(model, X[:, :2], X)
    with pytest.raises(InputError, match="row must be"):
        ci.churn_reasons(model, X[:2], X).sentences(2)
    for y, message in ((Y[:3], "one label per row"), (np.ones(400), "both"), (["a"] * 400, "both")):
        with pytest.raises(InputError, match=message):
            ci.churn_importance(model, X, y)
    with pytest.raises(ColumnError, match="no inputs of the model"):
        ci.churn_importance(model, X, Y, groups={"g": ["x9"]})
    with pytest.raises(InputTypeError, match="groups must be a dict"):
        ci.churn_importance(model, X, Y, groups=["x0"])
    with pytest.raises(InputError, match="one group at most"):
        ci.churn_importance(model, X, Y, groups={"g": ["x0"], "h": ["x0"]})
    with pytest.raises(InputError, match="called like inputs"):
        ci.churn_importance(model, X, Y, groups={"x1": ["x0"]})
    with pytest.raises(InputError, match="measure"):
        ci.churn_importance(model, X, Y, measure="auc")
