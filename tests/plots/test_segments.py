"""The displays of segments: their numbers, and that the picture shows them."""

from __future__ import annotations

import sys
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.cluster import HDBSCAN
from sklearn.exceptions import NotFittedError

import crmintel as ci
from crmintel import plots
from crmintel.exceptions import InputError, MissingExtraError

RNG = np.random.default_rng(0)
N = 400
TIERS = ["gold", "silver", "base"]
MONEY = RNG.gamma(1.0, 100.0, N)
LABELS = np.array(TIERS)[RNG.integers(0, 3, N)]
AFTER = np.where(RNG.random(N) < 0.7, LABELS, np.array(TIERS)[RNG.integers(0, 3, N)]).astype(object)
AFTER[:40] = None
ROWS = {"time_since_last": RNG.integers(0, 300, N), "n_purchases": RNG.geometric(0.2, N), "spend": MONEY}
POINTS = RNG.normal(size=(N, 2)) + 6.0 * (LABELS == "gold")[:, None]


@pytest.fixture(scope="module")
def log():
    return ci.datasets.make_transactions(200, weeks=40, random_state=0)[0]


@pytest.fixture(scope="module")
def scorer():
    return ci.RFMScorer().fit(ROWS)


@pytest.fixture(scope="module")
def migration():
    later = np.where([tier is None for tier in AFTER], 0.0, MONEY[::-1])
    return ci.SegmentMigration(order=TIERS).fit(LABELS, AFTER, money_before=MONEY, money_after=later)


@pytest.fixture(scope="module")
def selection():
    return ci.ClusterSelection(k=range(2, 5), n_bootstrap=2, n_splits=1, random_state=0).fit(POINTS)


@pytest.fixture(scope="module")
def displays(log, scorer, migration, selection):
    return {
        "heatmap": plots.RFMHeatmapDisplay.from_estimator(scorer, ROWS),
        "treemap": plots.SegmentTreemapDisplay.from_labels(LABELS, MONEY),
        "profile": plots.SegmentProfileDisplay.from_estimator(ci.SegmentProfile().fit(POINTS, LABELS)),
        "silhouette": plots.SilhouetteDisplay.from_silhouette(ci.silhouette(POINTS, LABELS)),
        "selection": plots.ClusterSelectionDisplay.from_estimator(selection),
        "matrix": plots.MigrationMatrixDisplay.from_estimator(migration),
        "sankey": plots.MigrationSankeyDisplay.from_estimator(migration, of="money"),
        "cohorts": plots.CohortDisplay.from_table(ci.cohort_table(log)),
        "bridge": plots.RevenueBridgeDisplay.from_bridge(ci.revenue_bridge(log)),
        "satisfaction": plots.SatisfactionDisplay.from_estimator(
            ci.SatisfactionLoyalty(n_resamples=50, random_state=0).fit(
                RNG.integers(1, 6, N), RNG.random(N) < 0.5
            )
        ),
    }


def test_every_display_draws_where_it_is_told(displays, agg):
    for name, display in displays.items():
        assert display.plot().figure_ is display.ax_.figure, name
        display.figure_.canvas.draw()
        _, axes = agg.subplots()
        assert display.plot(ax=axes).ax_ is axes, name
        agg.close("all")


def test_without_matplotlib(displays, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    for display in displays.values():
        with pytest.raises(MissingExtraError, match=r"pip install 'crmintel\[plot\]'"):
            display.plot()


def test_heatmap(displays, scorer, agg):
    data = displays["heatmap"].data
    scores = scorer.transform(ROWS)
    for i, recency in enumerate(data["recency_score"]):
        for j, frequency in enumerate(data["frequency_score"]):
            there = (scores[:, 0] == recency) & (scores[:, 1] == frequency)
            assert data["customers"][i, j] == there.sum()
            expected = MONEY[there].mean() if there.any() else np.nan
            np.testing.assert_allclose(data["money"][i, j], expected)
    drawn = displays["heatmap"].plot()
    assert drawn.ax_.yaxis_inverted()
    assert [t.get_text() for t in drawn.ax_.get_yticklabels()] == ["5", "4", "3", "2", "1"]
    assert len(drawn.ax_.texts) == np.count_nonzero(data["customers"])


def test_the_rectangles_of_a_treemap_are_the_shares(displays):
    data = displays["treemap"].data
    for name, customers, money in zip(data["segment"], data["customers"], data["money"], strict=True):
        assert customers == np.sum(name == LABELS)
        assert money == pytest.approx(MONEY[name == LABELS].mean())
    np.testing.assert_allclose(data["width"] * data["height"], 1.6 * data["customers"] / N)
    with_none = plots.SegmentTreemapDisplay.from_labels([None, "a", "b", "a"]).data
    assert with_none["customers"].tolist() == [2, 1]
    assert np.isnan(with_none["money"]).all()


@given(st.lists(st.integers(1, 1000), min_size=1, max_size=12))
def test_the_rectangles_of_a_treemap_fill_the_picture_and_do_not_overlap(sizes):
    labels = np.repeat(np.arange(len(sizes)), sizes)
    data = plots.SegmentTreemapDisplay.from_labels(labels).data
    x, y, width, height = (data[name] for name in ("x", "y", "width", "height"))
    np.testing.assert_allclose(width * height, 1.6 * data["customers"] / sum(sizes), rtol=1e-9)
    assert np.all((x >= -1e-9) & (y >= -1e-9) & (x + width <= 1.6 + 1e-9) & (y + height <= 1.0 + 1e-9))
    for i in range(len(sizes)):
        for j in range(i):
            across = min(x[i] + width[i], x[j] + width[j]) - max(x[i], x[j])
            along = min(y[i] + height[i], y[j] + height[j]) - max(y[i], y[j])
            assert min(across, along) < 1e-9


def test_every_segment_of_a_treemap_can_be_read(agg):
    sizes = {"Potential Loyalist": 1060, "Lost": 430, "Loyal Customers": 390, "About To Sleep": 230, "Champions": 140,
             "New Customers": 120, "Can't Lose Them": 50, "At Risk": 30, "Promising": 5, "Others $1$": 1}  # fmt: skip
    labels = np.repeat(list(sizes), list(sizes.values()))
    money = RNG.gamma(1.0, 100.0, labels.size)
    for priced in (None, money):
        drawn = plots.SegmentTreemapDisplay.from_labels(labels, priced).plot()
        drawn.figure_.canvas.draw()
        ax, data = drawn.ax_, drawn.data
        named = [text.get_text() for text in ax.texts]
        legend = [text.get_text() for text in ax.get_legend().get_texts()]
        for i, (name, text) in enumerate(zip(data["segment"], ax.texts, strict=True)):
            inside = " ".join(named[i].split()).startswith(name)
            assert inside != any(f"  {name} " in line for line in legend)
            if named[i]:
                x, y, width, height = (data[side][i] for side in ("x", "y", "width", "height"))
                (left, low), (right, high) = ax.transData.transform([[x, y + height], [x + width, y]])
                extent = text.get_window_extent()
                assert text.get_fontsize() >= 6
                assert left <= extent.x0 < extent.x1 <= right
                assert low <= extent.y0 < extent.y1 <= high
        assert legend[-1].endswith(f"  Others $1$ {1 / labels.size:.1%}")


def test_profile_bars_are_the_effects(displays, agg):
    data = displays["profile"].data
    profile = ci.SegmentProfile().fit(POINTS, LABELS)
    np.testing.assert_array_equal(data["effect"], profile.effects_.ravel())
    np.testing.assert_array_equal(data["low"], profile.intervals_[..., 0].ravel())
    drawn = displays["profile"].plot()
    np.testing.assert_array_equal([bar.get_width() for bar in drawn.ax_.patches], data["effect"])


def test_a_profile_with_effects_that_are_not_known_or_infinite(agg):
    profile = ci.SegmentProfile().fit({"a": [1.0, 2, 3, 4], "b": [5.0, 5, 6, 6]}, [0, 0, 1, 1])
    plots.SegmentProfileDisplay.from_estimator(profile).plot().figure_.canvas.draw()
    alone = ci.SegmentProfile().fit({"a": [1.0, 2, 3]}, [0, 0, 1])
    plots.SegmentProfileDisplay.from_estimator(alone).plot().figure_.canvas.draw()


def test_silhouettes_fall_within_segments(displays, agg):
    data, found = displays["silhouette"].data, ci.silhouette(POINTS, LABELS)
    assert data["mean"].tolist() == [found.value]
    for name in TIERS:
        own = data["silhouette"][data["segment"] == name]
        assert np.all(np.diff(own) <= 0)
        np.testing.assert_array_equal(np.sort(own), np.sort(found.samples[name == LABELS]))
    sampled = ci.silhouette(POINTS, LABELS, n_samples=50, random_state=0)
    np.testing.assert_array_equal(sampled.labels, LABELS[sampled.rows])
    assert plots.SilhouetteDisplay.from_silhouette(sampled).plot().ax_.get_ylim() == (50, 0)


def test_selection(displays, selection):
    display = displays["selection"]
    assert (display.criterion, display.best_k) == ("gap", selection.best_k_)
    np.testing.assert_array_equal(display.data["error"], selection.table_["gap_error"])
    other = plots.ClusterSelectionDisplay.from_estimator(selection, criterion="jaccard")
    np.testing.assert_array_equal(other.data["value"], selection.table_["jaccard"])
    with pytest.raises(InputError, match="criterion must be one of 'gap'"):
        plots.ClusterSelectionDisplay.from_estimator(selection, criterion="elbow")


def test_a_criterion_without_values_says_what_to_set():
    without = ci.ClusterSelection(k=range(2, 4), n_bootstrap=0, n_splits=0, random_state=0).fit(POINTS)
    for criterion, parameter in (("jaccard", "n_bootstrap"), ("prediction_strength", "n_splits")):
        with pytest.raises(
            InputError, match=f"criterion='{criterion}' has no value .*: {parameter}=0 leaves"
        ):
            plots.ClusterSelectionDisplay.from_estimator(without, criterion=criterion)


def test_a_selection_over_k_is_a_line_of_rising_k(agg):
    mixed = ci.ClusterSelection(k=[4, 2, 3], n_bootstrap=0, n_splits=0, random_state=0).fit(POINTS)
    drawn = plots.ClusterSelectionDisplay.from_estimator(mixed).plot()
    assert drawn.ax_.get_lines()[0].get_xdata().tolist() == [1, 2, 3, 4]
    assert drawn.ax_.get_lines()[0].get_ydata()[3] == mixed.table_["gap"][1]


def test_a_selection_over_settings_shows_them_in_the_order_tried(agg):
    grid = {"min_cluster_size": [60, 390, 20], "min_samples": [5]}
    chosen = ci.ClusterSelection(
        HDBSCAN(copy=True), param_grid=grid, n_bootstrap=0, n_splits=0, random_state=0
    ).fit(POINTS)
    for criterion in (None, "silhouette"):
        drawn = plots.ClusterSelectionDisplay.from_estimator(chosen, criterion=criterion).plot()
        labels = [label.get_text() for label in drawn.ax_.get_yticklabels()]
        tried = [f"min_cluster_size={n}, min_samples=5" for n in grid["min_cluster_size"]]
        found = chosen.table_["k"][1:]
        assert labels == ["all in one", *(f"{a} (found {n})" for a, n in zip(tried, found, strict=True))]
        assert drawn.ax_.yaxis_inverted()
        points, line = drawn.ax_.get_lines()[0], drawn.ax_.get_lines()[-1]
        assert points.get_linestyle() == "None"
        np.testing.assert_array_equal(points.get_xdata(), drawn.data["value"])
        assert line.get_ydata() == [chosen.best_index_] * 2
        assert drawn.data["chosen"].tolist().index(True) == chosen.best_index_


def test_migration(displays, migration, agg):
    matrix = displays["matrix"].data
    np.testing.assert_array_equal(matrix["share"], migration.transition_matrix_)
    assert np.all((matrix["low"] <= matrix["share"]) & (matrix["share"] <= matrix["high"]))
    assert [t.get_text() for t in displays["matrix"].plot().ax_.get_xticklabels()] == [*TIERS, "absent"]


def test_names_of_many_segments_do_not_overlap(migration, agg):
    names = [f"segment no {i}" for i in range(10)]
    many = ci.SegmentMigration(order=names).fit(names, names[::-1])
    display = plots.MigrationMatrixDisplay.from_estimator(many).plot()
    assert {label.get_rotation() for label in display.ax_.get_xticklabels()} == {45.0}
    few = plots.MigrationMatrixDisplay.from_estimator(migration).plot()
    assert {label.get_rotation() for label in few.ax_.get_xticklabels()} == {0.0}
    few.figure_.canvas.draw()
    boxes = [label.get_window_extent() for label in few.ax_.get_xticklabels()]
    assert all(left.x1 < right.x0 for left, right in pairwise(boxes))


def test_streams_sum_to_the_segments_and_meet_their_bars(displays, migration, agg):
    people = plots.MigrationSankeyDisplay.from_estimator(migration)
    assert people.data["left"].sum() == N
    money = displays["sankey"].data
    for state, name in enumerate(migration.states_):
        assert money["left"][money["before"] == name].sum() == pytest.approx(
            migration.money_before_[state].sum()
        )
        assert money["right"][money["after"] == name].sum() == pytest.approx(
            migration.money_after_[:, state].sum()
        )
    drawn = displays["sankey"].plot()
    bars = [patch for patch in drawn.ax_.patches if hasattr(patch, "get_height")]
    assert sum(bar.get_height() for bar in bars) == pytest.approx(money["left"].sum() + money["right"].sum())


def test_names_of_small_streams_do_not_overlap(agg):
    names = [f"a segment with a name, {i}" for i in range(10)]
    labels = [*names, *["a large one"] * 500]
    moves = ci.SegmentMigration(order=[*names, "a large one"]).fit(labels, labels)
    drawn = plots.MigrationSankeyDisplay.from_estimator(moves).plot()
    drawn.figure_.canvas.draw()
    low, high = drawn.ax_.bbox.intervalx
    for side in ("right", "left"):
        boxes = [
            super(type(text), text).get_window_extent() for text in drawn.ax_.texts if text.get_ha() == side
        ]
        assert len(boxes) == 11
        assert all(upper.y0 >= lower.y1 for upper, lower in pairwise(boxes))
        assert all(low <= box.x0 < box.x1 <= high for box in boxes)


def test_streams_that_carry_nothing_have_no_names(agg):
    moves = ci.SegmentMigration().fit([None, None], ["a", "b"], money_before=[0, 0], money_after=[3.0, 4.0])
    drawn = plots.MigrationSankeyDisplay.from_estimator(moves, of="money").plot()
    assert [text.get_text() for text in drawn.ax_.texts] == ["a 3", "b 4"]


def test_wrong_streams():
    moves = ci.SegmentMigration().fit([0, 1], [1, 0])
    with pytest.raises(InputError, match="no money: fit it with money_before"):
        plots.MigrationSankeyDisplay.from_estimator(moves, of="money")
    moves.fit([0, 1], [1, 0], money_before=[-1.0, 2.0], money_after=[1.0, 1.0])
    with pytest.raises(InputError, match="below 0, which has no width"):
        plots.MigrationSankeyDisplay.from_estimator(moves, of="money")
    moves.fit([0, 1], [1, 0], money_before=[0.0, 0.0], money_after=[0.0, 0.0])
    with pytest.raises(InputError, match="all flows of money are 0"):
        plots.MigrationSankeyDisplay.from_estimator(moves, of="money")
    with pytest.raises(InputError, match="of must be one of"):
        plots.MigrationSankeyDisplay.from_estimator(moves, of="tears")


def test_cohorts_not_observed_are_grey(displays, log, agg):
    table, display = ci.cohort_table(log), displays["cohorts"]
    np.testing.assert_array_equal(display.data["value"], table.retention)
    drawn = display.plot()
    assert drawn.ax_.get_facecolor()[:3] == pytest.approx((0.8275,) * 3, abs=1e-3)
    mesh = drawn.ax_.collections[0]
    np.testing.assert_array_equal(
        np.ma.getmaskarray(mesh.get_array()).reshape(table.values.shape), np.isnan(table.values)
    )
    assert len(drawn.ax_.texts) == np.sum(~np.isnan(table.values))
    money = plots.CohortDisplay.from_table(ci.cohort_table(log, value="money"), of="values")
    assert money.of == "money"
    money.data["value"] = money.data["value"] * 1e4
    written = [text.get_text() for text in money.plot().ax_.texts]
    assert written[0] == f"{money.data['value'][0, 0] / 1000:,.0f}k"


def test_labels_of_many_cohorts_do_not_overlap(log, agg):
    display = plots.CohortDisplay.from_table(ci.cohort_table(log, unit="week", partial=True))
    display.data["cohort"] = display.data["cohort"][:1] + np.arange(52) * np.timedelta64(7, "D")
    display.data["size"], display.data["age"] = np.full(52, 12), np.arange(52)
    display.data["value"] = np.tri(52)[::-1]
    drawn = display.plot()
    drawn.figure_.canvas.draw()
    down = [label.get_window_extent() for label in drawn.ax_.get_yticklabels()]
    across = [label.get_window_extent() for label in drawn.ax_.get_xticklabels()]
    assert len(down) > 10
    assert len(across) > 5
    assert all(upper.y0 > lower.y1 for upper, lower in pairwise(down))
    assert all(left.x1 < right.x0 for left, right in pairwise(across))
    places = (drawn.ax_.get_yticks() - 0.5).astype(int)
    assert [label.get_text()[:10] for label in drawn.ax_.get_yticklabels()] == list(
        drawn.data["cohort"][places].astype(str)
    )


def test_the_waterfall_ends_where_the_next_period_stands(displays, log, agg):
    bridge, data = ci.revenue_bridge(log), displays["bridge"].data
    assert data["start"][-2] + data["money"][-2] == pytest.approx(bridge.after[-1], abs=0.005)
    first = plots.RevenueBridgeDisplay.from_bridge(bridge, step=0)
    assert first.data["money"][0] == bridge.before[0]
    assert first.data["customers"][1] == bridge.customers["new"][0]
    drawn = displays["bridge"].plot()
    np.testing.assert_allclose([bar.get_height() for bar in drawn.ax_.patches], data["money"])
    with pytest.raises(InputError, match=r"step=99 is none of the \d+ steps"):
        plots.RevenueBridgeDisplay.from_bridge(bridge, step=99)


def test_a_step_without_any_sales_is_drawn(agg):
    log = ci.TransactionLog.from_arrays(customer=["a"], time=["2024-01-01"], amount=[5.0], end="2024-03-31")
    drawn = plots.RevenueBridgeDisplay.from_bridge(ci.revenue_bridge(log)).plot()
    assert drawn.ax_.get_ylim() == (-1.0, 1.0)


def test_satisfaction_without_a_rise_has_no_thresholds(agg):
    flat = ci.SatisfactionLoyalty(n_resamples=5, random_state=0).fit([1, 2, 3] * 5, [1, 1, 1] * 5)
    drawn = plots.SatisfactionDisplay.from_estimator(flat).plot()
    assert drawn.ax_.get_legend() is None
    np.testing.assert_array_equal(drawn.data["loyalty"], flat.loyalty_)


@pytest.mark.parametrize(
    ("display", "estimator"),
    [
        (plots.SegmentProfileDisplay, ci.SegmentProfile()),
        (plots.ClusterSelectionDisplay, ci.ClusterSelection()),
        (plots.MigrationMatrixDisplay, ci.SegmentMigration()),
        (plots.MigrationSankeyDisplay, ci.SegmentMigration()),
        (plots.SatisfactionDisplay, ci.SatisfactionLoyalty()),
    ],
)
def test_not_fitted(display, estimator):
    with pytest.raises(NotFittedError):
        display.from_estimator(estimator)
