"""Profit measures and decisions: against slow twins, numerical integration, planted truth, bad input."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, stats
from sklearn.linear_model import LogisticRegression

import crmintel as ci
from crmintel.exceptions import InputError, InputTypeError
from tests.oracles import profit as slow

customers = st.lists(
    st.tuples(st.booleans(), st.integers(0, 6), st.floats(0, 500).map(lambda x: round(x, 2))),
    min_size=1,
    max_size=20,
)


@settings(deadline=None, max_examples=60)
@given(customers, st.sampled_from([(10.0, 1.0), (0.0, 1.0), (5.0, 0.0), (0.0, 0.0), (60.0, 20.0)]))
def test_expected_maximum_profit_is_the_definition(rows, costs):
    y, score, clv = (list(column) for column in zip(*rows, strict=True))
    incentive, contact = costs
    found = ci.expected_maximum_profit(y, score, clv, incentive=incentive, contact=contact)
    assert found == pytest.approx(
        slow.expected_maximum_profit(y, score, clv, incentive, contact), rel=1e-12, abs=1e-12
    )
    point = ci.expected_maximum_profit(y, score, clv, incentive=incentive, contact=contact, accept=0.3)
    lines = slow.campaign_lines(y, score, clv, incentive, contact)
    assert point == pytest.approx(max(float(0.3 * a + b) for a, b in lines), abs=1e-12)


def test_the_formula_by_numerical_integration():
    rng = np.random.default_rng(0)
    y = rng.random(300) < 0.3
    score = 0.8 * y + rng.normal(size=300)
    order = np.argsort(-score)
    churners = np.append(0, np.cumsum(y[order]))
    stayers = np.append(0, np.cumsum(~y[order]))
    for clv in (40.0, 200.0, 1000.0):

        def density(g, clv=clv):
            best = np.max(clv * (g * (1 - 10 / clv) - 1 / clv) * churners - 11 * stayers) / 300
            return best * stats.beta(6, 14).pdf(g)

        area = integrate.quad(density, 0, 1, limit=500, epsabs=1e-10)[0]
        assert ci.expected_maximum_profit(y, score, clv) == pytest.approx(area, rel=5e-7)


@given(customers)
def test_one_value_for_all_is_the_scalar_case(rows):
    y, score, _ = zip(*rows, strict=True)
    one = ci.expected_maximum_profit(y, score, 150.0)
    assert one == ci.expected_maximum_profit(y, score, [150.0] * len(y))
    assert one >= 0.0
    again = ci.expected_maximum_profit(y[::-1], score[::-1], 150.0)
    assert one == pytest.approx(again, rel=1e-12, abs=1e-15)


def test_the_curve_is_the_mean_over_acceptance():
    y, score = [1, 0, 1, 1, 0], [5, 4, 4, 2, 1]
    curve = ci.profit_curve(y, score, [100, 50, 80, 20, 10])
    lines = slow.campaign_lines(y, score, [100, 50, 80, 20, 10], 10.0, 1.0)
    assert curve.profit == pytest.approx([float(0.3 * a + b) for a, b in lines])
    assert curve.share.tolist() == [0.0, 0.2, 0.6, 0.8, 1.0]
    assert curve.best_profit <= ci.expected_maximum_profit(y, score, [100, 50, 80, 20, 10])


def test_limits():
    y, score = [1, 1, 1, 1], [4, 3, 2, 1]
    free = ci.expected_maximum_profit(y, score)
    assert free == pytest.approx(0.3 * 190 - 1, rel=1e-3)
    assert ci.expected_maximum_profit(y, score, capacity=2) == pytest.approx(free / 2, rel=1e-12)
    assert ci.expected_maximum_profit(y, score, capacity=0.5) == pytest.approx(free / 2, rel=1e-12)
    assert ci.expected_maximum_profit(y, score, budget=33.0) == pytest.approx(free * 0.75, rel=1e-12)
    assert ci.expected_maximum_profit(y, score, budget=10.0) == 0.0
    assert ci.profit_curve(y, score, capacity=1).share.tolist() == [0.0, 0.25]
    assert (
        ci.profit_curve(y, score, incentive=0.0, contact=0.1, budget=0.3).share[-1] == 0.75
    )  # 3 * 0.1 > 0.3
    assert ci.profit_curve([1] * 100, np.arange(100), capacity=0.29).share[-1] == 0.29  # 0.29 * 100 < 29


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"y": [1, 2]}, "y must be 0 or 1"),
        ({"y": []}, "y has 0 values"),
        ({"score": [1.0]}, "score has 1 values, expected 2"),
        ({"score": [1.0, np.nan]}, "score must be finite"),
        ({"clv": [1.0, np.inf]}, "clv must be finite"),
        ({"incentive": -1.0}, "incentive must be >= 0"),
        ({"contact": [1.0, -2.0]}, "contact must be >= 0"),
        ({"accept": 1.5}, "accept must be >= 0"),
        ({"accept": (1.0,)}, "two parameters of a beta"),
        ({"accept": (0.0, 1.0)}, r"accept\[0\] must be > 0"),
        ({"capacity": 1.5}, "whole number of customers or a share"),
        ({"capacity": 0}, "capacity must be > 0"),
        ({"budget": -5}, "budget must be >= 0"),
    ],
)
def test_bad_input(change, message):
    with pytest.raises((InputError, InputTypeError), match=message):
        ci.expected_maximum_profit(**{"y": [1, 0], "score": [0.2, 0.1], **change})


# -- decisions -------------------------------------------------------------------------------------------------


def base(rng, n):
    X = rng.normal(size=(n, 1))
    y = rng.random(n) < 1 / (1 + np.exp(-2 * X[:, 0]))
    return X, y.astype(int)


def test_decisions_follow_the_expected_profit():
    rng = np.random.default_rng(1)
    X, y = base(rng, 2000)
    clv = rng.gamma(1.0, 150.0, 2000)
    model = ci.ProfitClassifier(LogisticRegression(), incentive=20.0, contact=2.0, accept=0.4).fit(X, y)
    p = model.predict_proba(X)[:, 1]
    by_hand = p * (0.4 * (clv - 20) - 2) - (1 - p) * 22
    assert model.expected_profit(X, clv) == pytest.approx(by_hand)
    assert np.array_equal(model.predict(X, clv), (by_hand > 0).astype(int))
    few = ci.ProfitClassifier(LogisticRegression(), incentive=20.0, contact=2.0, accept=0.4, capacity=50).fit(
        X, y
    )
    chosen = few.predict(X, clv) == 1
    assert chosen.sum() == 50
    assert by_hand[chosen].min() >= by_hand[~chosen].max()
    half = ci.ProfitClassifier(LogisticRegression(), clv=1e6, capacity=0.5).fit(X, y)
    assert half.predict(X).sum() == 1000
    assert half.set_params(capacity=0.29).predict(X[:100]).sum() == 29  # 0.29 * 100 < 29


def test_knowing_each_value_pays():
    """Realised profit on new customers: own values beat the mean value, and both beat contacting the riskiest half."""
    rng = np.random.default_rng(2)
    X, y = base(rng, 4000)
    new, left = base(rng, 40_000)
    clv = rng.gamma(0.5, 300.0, 40_000)
    model = ci.ProfitClassifier(LogisticRegression(), clv=150.0, incentive=20.0, contact=2.0, accept=0.4).fit(
        X, y
    )
    accepts = rng.random(40_000) < 0.4
    brings = np.where(left == 1, accepts * (clv - 20.0) - 2.0, -22.0)
    own, mean = brings[model.predict(new, clv) == 1].sum(), brings[model.predict(new) == 1].sum()
    riskiest = brings[np.argsort(-model.predict_proba(new)[:, 1])[:20_000]].sum()
    assert own > 1.1 * mean > 1.1 * riskiest


def test_bad_decisions():
    X, y = base(np.random.default_rng(3), 100)
    for options, message in (
        ({"incentive": -1}, "incentive must be >= 0"),
        ({"capacity": -1}, "capacity must be > 0"),
        ({"capacity": 2.5}, "whole number of customers or a share"),
        ({"accept": 2}, "accept must be"),
    ):
        with pytest.raises(InputError, match=message):
            ci.ProfitClassifier(LogisticRegression(), **options).fit(X, y)
    model = ci.ProfitClassifier(LogisticRegression()).fit(X, y)
    with pytest.raises(InputError, match="clv has 3 values, expected 100"):
        model.predict(X, clv=[1.0, 2.0, 3.0])


# -- lift and gains --------------------------------------------------------------------------------------------


@settings(deadline=None)
@given(st.lists(st.tuples(st.booleans(), st.integers(0, 5)), min_size=4, max_size=60), st.integers(1, 4))
def test_gains_add_up(rows, n_groups):
    y, score = (np.array(column, dtype=float) for column in zip(*rows, strict=True))
    if not y.any():
        return
    table = ci.gain_table(y, score, n_groups=n_groups)
    assert table.churners.sum() == pytest.approx(y.sum())
    assert table.customers.sum() == pytest.approx(y.size)
    assert table.gain[-1] == pytest.approx(1.0)
    assert (table.lift @ table.customers) / y.size == pytest.approx(1.0)
    assert (table.rate_low <= table.rate + 1e-12).all()
    assert (table.rate <= table.rate_high + 1e-12).all()
    assert table.lift[0] == pytest.approx(ci.top_decile_lift(y, score, share=1 / n_groups))


def test_gain_intervals_cover():
    rng = np.random.default_rng(4)
    inside = 0
    for _ in range(300):
        score = rng.random(1000)
        y = rng.random(1000) < 0.5 * score
        table = ci.gain_table(y, score)
        truth = 0.5 * (1 - (np.arange(10) + 0.5) / 10)
        inside += np.mean((table.rate_low <= truth) & (truth <= table.rate_high))
    assert 0.87 < inside / 300 < 0.93
    with pytest.raises(InputError, match="n_groups=10 needs as many customers"):
        ci.gain_table([1, 0], [1, 2])
    with pytest.raises(InputError, match="no churner"):
        ci.gain_table([0] * 20, np.arange(20))
