"""Properties every answer of a BG/NBD must have, and answers against simulation."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crmintel import NBD, BetaGeoNBD, ModifiedBetaGeoNBD, ParetoNBD
from crmintel.exceptions import CapacityError

MODELS = st.builds(
    lambda r, alpha, a, b: BetaGeoNBD.from_params(r=r, alpha=alpha, a=a, b=b, unit="week"),
    *(st.floats(0.05, 20.0) for _ in range(4)),
)
TIMES = st.floats(0.01, 200.0)


@given(model=MODELS, x=st.integers(1, 60), T=st.floats(2.0, 100.0))
@settings(max_examples=60, deadline=None)
def test_the_more_recent_the_last_purchase_the_likelier_alive(model, x, T):
    alive = model.probability_alive([[x, share * T, T] for share in (0.01, 0.3, 0.7, 1.0)])
    assert ((alive >= 0) & (alive <= 1)).all()
    assert (np.diff(alive) >= 0).all()


@given(model=MODELS, x=st.integers(0, 60), T=st.floats(2.0, 100.0), t=TIMES)
@settings(max_examples=60, deadline=None)
def test_expectations_start_at_zero_and_grow_ever_slower(model, x, T, t):
    row = [[x, 0.8 * T if x else 0.0, T]]
    e = [model.expected_purchases(row, share * t)[0] for share in (0.0, 0.5, 1.0)]
    assert e[0] == 0.0
    assert 0.0 <= e[1] <= e[2] * (1 + 1e-11)  # the accuracy of the quadrature
    assert e[2] - e[1] <= e[1] * (1 + 1e-9)


@given(model=MODELS, x=st.integers(0, 20), t=st.floats(0.1, 30.0))
@settings(max_examples=40, deadline=None)
def test_the_pmf_sums_to_one_and_has_the_expectation_as_mean(model, x, t):
    row, n = [[x, 15.0 if x else 0.0, 20.0]], np.arange(6000)
    pmf = model.purchase_count_pmf(row, t, n)[0]
    assert (pmf >= 0).all()
    if pmf[-1] < 1e-13:
        assert pmf.sum() == pytest.approx(1.0, abs=1e-9)
        assert pmf @ n == pytest.approx(model.expected_purchases(row, t)[0], rel=1e-6, abs=1e-9)
    assert pmf[0] == pytest.approx(model.probability_no_purchase(row, t)[0], abs=1e-13)


@given(model=MODELS, x=st.integers(0, 20), q=st.floats(0.0, 0.95))
@settings(max_examples=40, deadline=None)
def test_the_quantile_is_where_waiting_ends(model, x, q):
    row = [[x, 15.0 if x else 0.0, 20.0]]
    t = model.next_purchase_quantile(row, q)[0]
    if np.isinf(t):
        assert q >= model.probability_alive(row)[0] or t > 1e300
    elif t < 1e12:
        assert 1.0 - model.probability_no_purchase(row, float(t))[0] == pytest.approx(q, abs=1e-9)


@given(model=MODELS, rate=st.floats(0.001, 0.5))
@settings(max_examples=30, deadline=None)
def test_discounting_is_the_limit_of_finite_sums(model, rate):
    edges = np.linspace(0.0, 60.0 / rate, 4001)
    e = np.array([model.expected_purchases(None, t) for t in edges[:: max(1, len(edges) // 400)]])
    times = edges[:: max(1, len(edges) // 400)]
    low, high = (np.diff(e) @ np.exp(-rate * side) for side in (times[1:], times[:-1]))
    discounted = model.discounted_expected_transactions(None, rate)
    assert low * (1 - 1e-9) <= discounted <= high * (1 + 1e-9)


@pytest.mark.parametrize("steepness", [40.0, 500.0, 5000.0, 1e6])
def test_a_finite_horizon_beyond_all_discounting_is_an_endless_one(steepness):
    model = BetaGeoNBD.from_params(r=0.243, alpha=4.414, a=0.793, b=2.426)
    row, rate = [[2, 30.43, 38.86]], steepness / 39
    endless = model.discounted_expected_transactions(row, rate)
    assert model.discounted_expected_transactions(row, rate, 39) == pytest.approx(endless, rel=1e-12)


@pytest.mark.parametrize("rate", [1e-3, 1.0, 100.0])
@pytest.mark.parametrize("horizon", [1.0, 1e4, np.inf])
def test_discounting_does_not_depend_on_the_other_rows(rate, horizon):
    model = BetaGeoNBD.from_params(r=0.243, alpha=4.414, a=0.793, b=2.426)
    rows = [[0, 0, 0], [2, 30.43, 38.86], [5, 3000, 4000], [1000, 10, 11]]
    alone = [model.discounted_expected_transactions([row], rate, horizon)[0] for row in rows]
    assert model.discounted_expected_transactions(rows, rate, horizon) == pytest.approx(alone, rel=1e-10)


@pytest.mark.parametrize(
    "model",
    [
        BetaGeoNBD.from_params(r=0.243, alpha=4.414, a=0.793, b=2.426),
        ModifiedBetaGeoNBD.from_params(r=0.525, alpha=6.183, a=0.891, b=1.614),
        ParetoNBD.from_params(r=0.553, alpha=10.58, s=0.606, beta=11.67),
        ParetoNBD.from_params(r=0.553, alpha=10.58, s=0.606, beta=1.167),
        NBD.from_params(r=0.385, alpha=12.07),
    ],
    ids=lambda model: type(model).__name__,
)
@pytest.mark.parametrize("horizon", [13.0, np.inf])
def test_integrals_over_time_are_the_same_for_many_and_for_one(model, horizon):
    """Many customers share exact values, one has one of its own."""
    T = np.random.default_rng(0).uniform(0.0, 300.0, 3_000)
    rows = np.asarray(model.sample(T.size, T, random_state=1))
    few = rows[::250]
    many = model.discounted_expected_transactions(rows, 0.01, horizon)[::250]
    alone = [model.discounted_expected_transactions([row], 0.01, horizon)[0] for row in few]
    np.testing.assert_allclose(many, alone, rtol=1e-12)
    times = model.expected_lifetime(rows, 13.0)[::250]
    np.testing.assert_allclose(times, [model.expected_lifetime([row], 13.0)[0] for row in few], rtol=1e-12)


def test_a_new_customer_is_an_empty_history():
    model = BetaGeoNBD.from_params(r=0.243, alpha=4.414, a=0.793, b=2.426)
    assert isinstance(model.expected_purchases(None, 39), float)
    assert model.expected_purchases(None, 39) == model.expected_purchases([[0, 0, 0]], 39)[0]
    assert model.probability_alive(None) == 1.0
    assert model.purchase_count_pmf(None, 39, [0, 1, 2]).shape == (3,)
    assert isinstance(model.purchase_count_pmf(None, 39, 1), float)
    assert model.predict_interval(None, 39).shape == (2,)


def test_shapes_of_the_pmf():
    model = BetaGeoNBD.from_params(r=0.243, alpha=4.414, a=0.793, b=2.426)
    rows = [[0, 0, 10], [2, 5, 10]]
    assert model.purchase_count_pmf(rows, 4, 2).shape == (2,)
    assert model.purchase_count_pmf(rows, 4, [2]).shape == (2, 1)


def test_future_of_simulated_customers_is_what_was_promised():
    model = BetaGeoNBD.from_params(r=0.6, alpha=5.0, a=0.9, b=2.0, unit="week")
    rng = np.random.default_rng(0)
    n = 40_000
    rate, leave = rng.gamma(0.6, 1 / 5.0, n), rng.beta(0.9, 2.0, n)
    x, t_x, later, clock, gone_at = (np.zeros(n) for _ in range(5))
    gone_at[:] = np.inf
    active = np.arange(n)
    while active.size:
        clock[active] += rng.exponential(size=active.size) / rate[active]
        active = active[clock[active] <= 60.0]
        early = active[clock[active] <= 40.0]
        x[early] += 1
        t_x[early] = clock[early]
        later[active[clock[active] > 40.0]] += 1
        gone = rng.random(active.size) < leave[active]
        gone_at[active[gone]] = clock[active[gone]]
        active = active[~gone]
    rows = np.column_stack([x, t_x, np.full(n, 40.0)])
    for group in (x == 0, x == 1, (x > 1) & (x < 5), x >= 5):
        here = rows[group]
        error = 4 / np.sqrt(group.sum())
        expected = model.expected_purchases(here, 20)
        assert abs(later[group].mean() - expected.mean()) < error * later[group].std()
        assert abs((gone_at[group] > 40).mean() - model.probability_alive(here).mean()) < error * 0.5
        assert abs((gone_at[group] > 60).mean() - model.probability_alive(here, 20).mean()) < error * 0.5
        assert abs((later[group] == 0).mean() - model.probability_no_purchase(here, 20).mean()) < error * 0.5
        one = model.purchase_count_pmf(here, 20, 1)
        assert abs((later[group] == 1).mean() - one.mean()) < error * 0.5
    wait = model.next_purchase_quantile(rows, 0.1)
    reached = np.isfinite(wait)
    assert model.probability_no_purchase(rows[reached][:50], 0)[0] == 1.0
    inside = model.predict_interval(rows, 20, level=0.9)
    held = (later >= inside[:, 0]) & (later <= inside[:, 1])
    assert 0.9 <= held.mean() <= 0.985


def test_intervals_widen_with_the_level_and_with_few_customers():
    truth = BetaGeoNBD.from_params(r=0.6, alpha=5.0, a=0.9, b=2.0)
    rows = np.asarray(truth.sample(200, T=40.0, random_state=1))
    fitted = BetaGeoNBD().fit(rows)
    known = BetaGeoNBD.from_params(**fitted.params_)
    width = [np.ptp(fitted.predict_interval(rows, 30, level), axis=1).mean() for level in (0.5, 0.8, 0.95)]
    assert width[0] < width[1] < width[2]
    assert (
        np.ptp(fitted.predict_interval(rows, 30), axis=1).mean()
        >= np.ptp(known.predict_interval(rows, 30), axis=1).mean()
    )


def test_intervals_of_heavy_buyers_come_from_their_distribution():
    model = BetaGeoNBD.from_params(r=2.0, alpha=1.0, a=0.1, b=30.0)
    row = [[150, 52.0, 52.0]]
    low, high = model.predict_interval(row, 52.0, level=0.8)[0]
    below = np.cumsum(model.purchase_count_pmf(row, 52.0, np.arange(400))[0])
    assert low == np.argmax(below >= 0.1)
    assert high == np.argmax(below >= 0.9)


def test_intervals_of_huge_counts_take_no_longer():
    model = BetaGeoNBD.from_params(r=2.0, alpha=1.0, a=0.01, b=10.0)
    row = [[5, 9, 10]]
    low, high = model.predict_interval(row, 1e8)[0]
    assert high > 1e8
    below = np.cumsum(model.purchase_count_pmf(row, 1e8, np.arange(low + 1))[0])
    assert below[-2] < 0.05 <= below[-1]
    with pytest.raises(CapacityError, match="shorten the horizon"):
        model.predict_interval(row, 1e30)


@given(model=MODELS, x=st.integers(0, 40), t=TIMES, level=st.floats(0.05, 0.99))
@settings(max_examples=60, deadline=None)
def test_intervals_are_the_quantiles_of_the_pmf(model, x, t, level):
    row = [[x, 15.0 if x else 0.0, 20.0]]
    low, high = model.predict_interval(row, t, level)[0]
    if high > 5000:
        return
    below = np.cumsum(model.purchase_count_pmf(row, t, np.arange(high + 2))[0])
    for count, tail in ((low, (1 - level) / 2), (high, (1 + level) / 2)):
        assert below[int(count)] >= tail - 1e-9
        assert count == 0 or below[int(count) - 1] < tail + 1e-9


def test_horizons_in_words_and_numbers():
    model = BetaGeoNBD.from_params(r=0.243, alpha=4.414, a=0.793, b=2.426, unit="week", horizon="39W")
    row = [[2, 30.43, 38.86]]
    assert model.predict(row) == model.expected_purchases(row, 39) == model.expected_purchases(row, "273D")
    assert model.probability_alive(row, "1Y") == model.probability_alive(row, 365.25 / 7)
