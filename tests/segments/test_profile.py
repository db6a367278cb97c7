"""Profiles, affinities, rules, outliers: against slow formulas, planted truth and bad input."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

import crmintel as ci
from crmintel.exceptions import InputError, InputTypeError

numbers = st.floats(-1e3, 1e3).map(lambda x: round(x, 3))


@settings(deadline=None)
@given(st.lists(st.tuples(numbers, numbers, st.sampled_from("abc")), min_size=8, max_size=50))
def test_effects_are_hedges_g(rows):
    X = np.array([row[:2] for row in rows])
    y = np.array([row[2] for row in rows])
    if len(set(y)) < 2:
        return
    profile = ci.SegmentProfile(level=0.9).fit(X, y)
    for i, name in enumerate(profile.segments_):
        for j in range(2):
            a, b = X[y == name, j], X[y != name, j]
            if min(a.size, b.size) < 2:
                assert np.isnan(profile.effects_[i, j])
                continue
            freedom = a.size + b.size - 2
            pooled = np.sqrt(((a.size - 1) * a.var(ddof=1) + (b.size - 1) * b.var(ddof=1)) / freedom)
            if pooled < 1e-9 * (1.0 + np.abs(X[:, j]).max()):
                continue
            g = (a.mean() - b.mean()) / pooled * (1 - 3 / (4 * freedom - 1))
            assert profile.effects_[i, j] == pytest.approx(g, rel=1e-7, abs=1e-9)
            error = np.sqrt((a.size + b.size) / (a.size * b.size) + g * g / 2 / (a.size + b.size))
            low, high = profile.intervals_[i, j]
            assert high - low == pytest.approx(2 * stats.norm.ppf(0.95) * error, rel=1e-7)


def test_the_interval_covers():
    rng = np.random.default_rng(0)
    inside = 0
    for _ in range(600):
        y = np.repeat([0, 1], [40, 160])
        X = rng.normal(size=(200, 1)) + 0.5 * y[:, None]
        low, high = ci.SegmentProfile(level=0.9).fit(X, y).intervals_[1, 0]
        inside += low <= 0.5 <= high
    assert 0.87 < inside / 600 < 0.93


def test_shares_and_sentences():
    X = pl.DataFrame({"spend": [1.0, 2, 1, 2, 50, 60], "noise": [1.0, 2, 3, 1, 2, 3]})
    profile = ci.SegmentProfile().fit(X, ["b"] * 4 + ["g", "g"], money=X["spend"])
    assert profile.customer_share_.tolist() == [4 / 6, 2 / 6]
    assert profile.money_share_[1] == pytest.approx(110 / 116)
    assert profile.sentences_["g"] == (
        "g: 2 customers (33.3%), 94.8% of the money; spend far higher (55, others 1.5)."
    )
    alike = ci.SegmentProfile().fit(X.select("noise"), ["a", "b"] * 3)
    assert all(text.endswith("much like the others.") for text in alike.sentences_.values())
    assert isinstance(profile.to_frame("polars"), pl.DataFrame)
    assert profile.to_frame()["others"][0] == 55.0


def test_missing_values_and_constant_columns():
    X = np.array([[1.0, 5, np.nan], [2, 5, 1], [np.nan, 5, 2], [3, 5, 3], [4, 5, 4]])
    profile = ci.SegmentProfile().fit(X, [0, 0, 1, 1, 1])
    assert profile.means_[0].tolist() == [1.5, 5.0, 1.0]
    assert profile.effects_[:, 1].tolist() == [0.0, 0.0]
    assert np.isnan(profile.effects_[0, 2])  # one known value
    assert ci.SegmentProfile().fit(X, [0, 0, None, 1, 1]).sizes_.tolist() == [2, 2]


@pytest.mark.parametrize(
    ("X", "y", "message"),
    [
        ([[1.0], [2.0]], [0, 0], "2 are needed"),
        ([[1.0], [2.0]], [0], "has 1 labels, expected 2"),
        ([1.0, 2.0], [0, 1], "two-dimensional"),
        ([[1.0], [np.inf]], [0, 1], "column 'x0' of X must be finite"),
        ({"a": ["x", "y"]}, [0, 1], "a"),
    ],
)
def test_bad_profiles(X, y, message):
    with pytest.raises((InputError, InputTypeError), match=message):
        ci.SegmentProfile().fit(X, y)


# -- items of a segment ----------------------------------------------------------------------------------------


def test_affinity_is_fishers_test():
    rng = np.random.default_rng(1)
    bought = rng.random((300, 12)) < 0.3
    segment = rng.integers(0, 3, 300)
    bought[segment == 2, 4] = rng.random((segment == 2).sum()) < 0.8
    found = ci.over_represented(ci.Baskets(bought, items=np.arange(12)), segment, false_discoveries=1.0)
    raw = []
    for k in range(3):
        for item in range(12):
            table = [
                [(bought[segment == k, item]).sum(), (~bought[segment == k, item]).sum()],
                [(bought[segment != k, item]).sum(), (~bought[segment != k, item]).sum()],
            ]
            raw.append(stats.fisher_exact(table, alternative="greater").pvalue)
    adjusted = stats.false_discovery_control(raw).reshape(3, 12)
    for k, item, pvalue, lift in zip(found.segment, found.item, found.pvalue, found.lift, strict=True):
        assert pvalue == pytest.approx(adjusted[k, item], rel=1e-9)
        share = bought[segment == k, item].mean() / bought[segment != k, item].mean()
        assert lift == pytest.approx(share)
    assert ci.over_represented(ci.Baskets(bought, items=np.arange(12)), segment).of(2) == [4]


def test_rare_items_and_many_segments_are_no_discoveries():
    rng = np.random.default_rng(3)
    segment = np.repeat(np.arange(16), 60)
    # a buyer in each pair on average: five of them are rare, but there are 24,000 pairs to find them in
    found = [len(ci.over_represented(rng.random((960, 1500)) < 16 / 960, segment)) for _ in range(5)]
    assert sum(found) == 0


def test_independent_items_are_hardly_ever_found():
    rng = np.random.default_rng(2)
    found = [
        len(ci.over_represented(rng.random((200, 20)) < 0.3, rng.integers(0, 2, 200), false_discoveries=0.05))
        for _ in range(100)
    ]
    assert np.mean(np.array(found) > 0) <= 0.09  # no true pair: the rate of false discoveries is that of any


def test_affinity_of_a_log_counts_customers():
    log = ci.TransactionLog.from_arrays(
        customer=np.repeat(np.arange(20), 2),
        time=["2024-01-01", "2024-01-02"] * 20,
        item=["wine", "wine"] * 10 + ["bread", "bread"] * 10,
    )
    found = ci.over_represented(log, ["a"] * 10 + ["b"] * 10)
    assert found.customers.tolist() == [10, 10]
    assert found.lift.tolist() == [np.inf, np.inf]
    with pytest.raises(InputError, match="has 3 labels, expected 20"):
        ci.over_represented(log, ["a", "a", "b"])


# -- rules -----------------------------------------------------------------------------------------------------


def test_rules_say_what_they_predict():
    rng = np.random.default_rng(3)
    X = {"spend": rng.gamma(2, 50, 2000).round(2), "days": rng.integers(0, 300, 2000)}
    y = np.where(X["days"] > 120, "lapsed", np.where(X["spend"] > 150, "gold", "base"))
    rules = ci.SegmentRules().fit(X, y)
    assert rules.fidelity_ > 0.98 > rules.baseline_
    named = np.full(2000, "?", dtype=object)
    for rule in rules.rules_:
        met = np.ones(2000, dtype=bool)
        for column, low, high, or_missing in rule.conditions:
            assert not or_missing
            met &= (X[column] > low) & (X[column] <= high)
        assert met.sum() == rule.customers
        assert np.mean(y[met] == rule.segment) == pytest.approx(rule.purity)
        assert (named[met] == "?").all()
        named[met] = rule.segment
    assert named.tolist() == rules.predict(X).tolist()


def test_customers_with_missing_values_meet_one_rule_too():
    rng = np.random.default_rng(7)
    spend = np.where(rng.random(1000) < 0.2, np.nan, rng.gamma(2, 50, 1000))
    X = {"spend": spend, "days": rng.integers(0, 300, 1000).astype(float)}
    y = np.where(np.isnan(spend), "unknown", np.where(spend > 100, "gold", "base"))
    rules = ci.SegmentRules().fit(X, y)
    met = np.zeros(1000, dtype=int)
    for rule in rules.rules_:
        inside = np.ones(1000, dtype=bool)
        for column, low, high, or_missing in rule.conditions:
            inside &= ((X[column] > low) & (X[column] <= high)) | (or_missing & np.isnan(X[column]))
        assert inside.sum() == rule.customers
        met += inside
    assert (met == 1).all()
    text = " ".join(map(str, rules.rules_))
    assert "inf" not in text
    assert "unknown: spend is missing (" in text


def test_rules_of_noise_have_no_fidelity():
    rng = np.random.default_rng(4)
    rules = ci.SegmentRules().fit(rng.normal(size=(1000, 3)), rng.integers(0, 4, 1000))
    assert rules.fidelity_ < 0.32
    with pytest.raises(InputError, match="fewer than cv=5 folds"):
        ci.SegmentRules().fit([[1.0]] * 9, [0] * 7 + [1] * 2)
    with pytest.raises(InputError, match="customer 1 is in no segment"):
        ci.SegmentRules().fit([[1.0]] * 3, [0, None, 1])


# -- outliers --------------------------------------------------------------------------------------------------


def test_planted_outliers_are_found_and_explained():
    rng = np.random.default_rng(5)
    group = 10.0 * rng.integers(0, 2, 2000)
    X = np.column_stack([group, group, np.zeros(2000)]) + rng.normal(size=(2000, 3))
    X[0, 2], X[1, 0], X[1, 1] = 40.0, -90.0, -60.0
    X[2, :2] = 0.0, 10.0  # usual in each column, never together
    outliers = ci.CustomerOutliers(random_state=0).fit({"a": X[:, 0], "b": X[:, 1], "c": X[:, 2]})
    assert outliers.explain(X)[:2].tolist() == ["c high", "a low, b low"]
    assert outliers.explain(X)[2] == "combination: a low, b high"
    assert np.array_equal(outliers.explain(X) != "", outliers.predict(X) == -1)
    assert (outliers.predict(X) == -1).mean() < 0.02
    assert outliers.z_scores(X)[0, 2] == pytest.approx((40.0 - outliers.center_[2]) / outliers.scale_[2])
    assert np.argmin(outliers.score_samples(X)) == 0


def test_reasons_have_a_side_and_name_three_columns_at_most():
    X = np.random.default_rng(1).normal(size=(3000, 4))
    X[0] = 6.0, -9.0, 7.0, -8.0
    X[1] = 2.7, 0.0, -2.8, 0.0  # rare together
    outliers = ci.CustomerOutliers(random_state=0).fit(X)
    assert outliers.explain(X[:2]).tolist() == ["x1 low, x2 high, x3 low", "combination: x0 high, x2 low"]
    assert outliers.explain(np.zeros((1, 4))).tolist() == [""]
    assert outliers.explain(X[::-1]).tolist() == outliers.explain(X)[::-1].tolist()
    alone = ci.CustomerOutliers(contamination=0.1, random_state=0).fit(
        X[:, :1]
    )  # one column is no combination
    assert set(alone.explain(X[:, :1])) == {"x0 low", "x0 high", ""}


def test_normal_columns_get_normal_scores():
    X = np.random.default_rng(6).normal(10, 3, (20_000, 2))
    outliers = ci.CustomerOutliers(contamination=0.0).fit(X)
    assert outliers.scale_ == pytest.approx([3, 3], rel=0.03)
    # 3.5 standard deviations leave .05 % outside, of two columns .1 %
    assert (outliers.predict(X) == -1).mean() == pytest.approx(0.00093, abs=0.0006)


def test_columns_that_hardly_vary():
    X = np.zeros((50, 2))
    X[0, 0] = 1.0
    outliers = ci.CustomerOutliers(contamination=0.0).fit(X)
    assert outliers.explain(X)[0] == "x0 high"
    assert outliers.explain([[0.0, 1e-9], [0.0, 0.0]]).tolist() == ["x1 high", ""]
    assert outliers.explain([[np.nan, 0.0]]).tolist() == [""]
    with pytest.raises(InputError, match="is NaN throughout"):
        ci.CustomerOutliers().fit([[np.nan], [np.nan], [np.nan]])
    with pytest.raises(InputError, match="has 3 columns"):
        outliers.predict(np.zeros((2, 3)))
