"""Intervals of value: of one customer, of segments and of the base, against customers simulated on to their future."""

from __future__ import annotations

import numpy as np
import pytest

from crmintel import (
    NBD,
    BetaGeoBetaBinomial,
    BetaGeoNBD,
    CorrelatedSpend,
    GammaGamma,
    LifetimeValue,
    LogNormalSpend,
    ModifiedBetaGeoNBD,
    ParetoNBD,
    SeasonalModel,
    SeasonalProfile,
)
from crmintel.exceptions import InputError, InputTypeError

BUYS = {"r": 0.6, "alpha": 6.0, "a": 0.9, "b": 3.0}
SPENDS = {"p": 6.0, "q": 4.0, "v": 15.0}
YEARLY = 0.1


def known(transactions=None, spend=None, **terms):
    """A value of known models, as if fitted."""
    value = LifetimeValue(horizon=52, discount_rate=YEARLY).set_params(**terms)
    value.transactions_ = transactions or BetaGeoNBD.from_params(unit="week", **BUYS)
    value.spend_ = spend or GammaGamma.from_params(**SPENDS)
    value.unit_ = value.transactions_.unit_
    return value


def shop(n, rng, weeks=52.0, yearly=YEARLY):
    """Histories of ``n`` customers with mean spend, and the discounted sales of each in the 52 weeks after."""
    rate = rng.gamma(BUYS["r"], 1 / BUYS["alpha"], n)
    leave = rng.beta(BUYS["a"], BUYS["b"], n)
    thrift = rng.gamma(SPENDS["q"], 1 / SPENDS["v"], n)
    T = rng.uniform(weeks / 2, weeks, n)
    x, t_x, spent, future, clock = np.zeros((5, n))
    there = np.arange(n)
    while there.size:
        clock[there] += rng.exponential(size=there.size) / rate[there]
        there = there[clock[there] <= T[there] + 52]
        amount = rng.gamma(SPENDS["p"], 1 / thrift[there])
        past = clock[there] <= T[there]
        old, new = there[past], there[~past]
        x[old] += 1
        t_x[old] = clock[old]
        spent[old] += amount[past]
        future[new] += amount[~past] * (1 + yearly) ** (-7 / 365.25 * (clock[new] - T[new]))
        there = there[rng.random(there.size) >= leave[there]]
    return np.column_stack([x, t_x, T, spent / np.maximum(x, 1)]), future


@pytest.fixture(scope="module")
def base():
    return shop(60_000, np.random.default_rng(0))


@pytest.mark.parametrize("size", [10, 100, 1000])
def test_totals_of_groups_hold_what_came(base, size):
    rows, future = base
    totals = known().predict_total(rows, groups=np.arange(len(rows)) // size)
    came = np.bincount(np.arange(len(rows)) // size, future)
    error = 3 * np.sqrt(0.05 * 0.95 / came.size)
    assert (came < totals.low).mean() == pytest.approx(0.05, abs=error + 0.015)
    assert (came > totals.high).mean() == pytest.approx(0.05, abs=error + 0.015)


def test_variances_are_those_of_simulated_customers(base):
    rows, future = base
    total = known().predict_total(rows)
    by = known().predict_total(rows, groups=rows[:, 0])
    off = (np.bincount(rows[:, 0].astype(int), future)[by.groups.astype(int)] - by.expected) / by.process_std
    assert np.abs(off).max() < 4.5
    residual = future - known().predict(rows)
    assert np.sqrt(np.sum(residual**2)) == pytest.approx(total.process_std, rel=0.03)
    assert total.parameter_std == 0


def test_intervals_of_customers_hold_what_came(base):
    rows, future = base
    low, high = known().predict_interval(rows).T
    assert (future > high).mean() == pytest.approx(0.05, abs=0.015)
    assert (future < low).mean() < 0.05
    again = known().predict_total(rows, groups=np.arange(len(rows)))
    assert np.array_equal(again.low, low)


def coverage(n_customers, n_bases, seed):
    rng = np.random.default_rng(seed)
    held = 0
    for _ in range(n_bases):
        rows, future = shop(n_customers, rng, yearly=0.0)
        value = LifetimeValue(BetaGeoNBD(unit="week"), horizon=52).fit(rows)
        total = value.predict_total(rows)
        held += total.low <= future.sum() <= total.high
    return held / n_bases


def test_the_base_is_held_with_estimated_parameters():
    assert coverage(1000, 100, 0) == pytest.approx(0.9, abs=0.09)  # three standard errors


@pytest.mark.slow
@pytest.mark.parametrize("n_customers", [1000, 5000])
def test_the_base_is_held_in_nine_of_ten_simulations(n_customers):
    assert coverage(n_customers, 2000, 1) == pytest.approx(0.9, abs=0.02)


MODELS = [
    BetaGeoNBD.from_params(unit="week", **BUYS),
    ModifiedBetaGeoNBD.from_params(unit="week", **BUYS),
    ParetoNBD.from_params(unit="week", r=0.6, alpha=6.0, s=1.6, beta=20.0),
    NBD.from_params(unit="week", r=0.6, alpha=6.0),
    BetaGeoBetaBinomial.from_params(unit="week", alpha=1.2, beta=0.75, gamma=1.6, delta=2.8),
]


@pytest.mark.parametrize("model", MODELS, ids=lambda model: type(model).__name__)
def test_discounted_pairs(model):
    """From the pairs by the later purchase, with the earlier one anywhere alike before it."""
    h, rate, end = model._read([[0, 0, 30], [3, 10, 30]]), 0.03, 40
    steps = 1 if isinstance(model, BetaGeoBetaBinomial) else 50
    ends = np.arange(1, end * steps + 1) / steps
    pairs = np.array([model._pairs(h, float(t)) for t in ends])
    new = np.diff(pairs, axis=0, prepend=0)
    later = ends if steps == 1 else ends - 0.5 / steps
    earlier = [np.exp(-rate * np.arange(1, t)).mean() if t > 1 else 1.0 for t in later]
    if steps > 1:
        earlier = -np.expm1(-rate * later) / (rate * later)
    expected = np.sum(new * (np.exp(-rate * later) * np.asarray(earlier))[:, None], axis=0)
    assert model._discounted_pairs(h, rate, float(end)) == pytest.approx(expected, rel=1e-3)
    assert model._discounted_pairs(h, 0.0, float(end)) == pytest.approx(pairs[-1], rel=1e-12)
    assert model._discounted_pairs(h, 1e-9, float(end)) == pytest.approx(pairs[-1], rel=1e-6)


@pytest.mark.parametrize(
    "spend",
    [
        GammaGamma.from_params(p=6.0, q=6.0, v=25.0),
        CorrelatedSpend.from_params(p=6.0, q=6.0, v=25.0, slope=0.3),
        LogNormalSpend.from_params(mu=3.0, sigma=0.4, cv=0.5),
    ],
    ids=lambda spend: type(spend).__name__,
)
def test_second_moments_of_spend(spend):
    """By the law of the next two purchases, integrated over what the model knows of a customer's mean."""
    x, m = np.array([0.0, 3.0]), np.array([0.0, 40.0])
    rng, n = np.random.default_rng(0), 400_000
    different, same = spend._second_moments(x, m)
    for i in range(2):
        if isinstance(spend, LogNormalSpend):
            mean, variance = spend._of_mean(x, m)
            own = np.exp(rng.normal(mean[i], np.sqrt(variance[i]), n))
            s2 = np.log1p(spend.cv_**2)
            first, second = own * np.exp(rng.normal(-s2 / 2, np.sqrt(s2), (2, n)))
        else:
            scale = ((1 + max(x[i], 1)) / 2) ** getattr(spend, "slope_", 0.0)
            thrift = rng.gamma(spend.p_ * x[i] + spend.q_, 1 / (spend.v_ + x[i] * m[i] / scale), n)
            first, second = scale * rng.gamma(spend.p_, 1 / thrift, (2, n))
        assert np.mean(first) == pytest.approx(spend._expected(x, m)[i], rel=0.01)
        assert np.mean(first * second) == pytest.approx(different[i], rel=0.03)
        assert np.mean(first * first) == pytest.approx(same[i], rel=0.04)


@pytest.fixture(scope="module")
def fitted():
    rows, _ = shop(3000, np.random.default_rng(3))
    return LifetimeValue(BetaGeoNBD(unit="week"), horizon=52, discount_rate=YEARLY).fit(rows), rows


def test_the_mean_of_a_customer(fitted):
    value, rows = fitted
    low, high = value.expected_value_interval(rows).T
    expected = value.predict(rows)
    assert (low < expected).all()
    assert (expected < high).all()
    assert (high - low <= np.diff(value.expected_value_interval(rows, level=0.99))[:, 0]).all()
    truth = known().predict(rows)
    assert (
        (low < truth) & (truth < high)
    ).mean() > 0.5  # one draw of the parameters moves all customers together
    none = known().expected_value_interval(rows)
    assert none == pytest.approx(np.column_stack([truth, truth]))


@pytest.mark.parametrize(
    "spend", [GammaGamma(), LogNormalSpend(), CorrelatedSpend()], ids=lambda s: type(s).__name__
)
@pytest.mark.parametrize("buys", [BetaGeoNBD, ParetoNBD], ids=lambda model: model.__name__)
def test_totals_add_up(fitted, buys, spend):
    _, rows = fitted
    terms = {"margin": 0.3, "retention_cost": 2.0, "horizon": "26W"}
    value = LifetimeValue(buys(unit="week"), spend, **terms).fit(rows)
    by = value.predict_total(rows, groups=rows[:, 0] > 0)
    total = value.predict_total(rows)
    assert total.expected == pytest.approx(value.predict(rows).sum())
    assert by.expected.sum() == pytest.approx(total.expected)
    assert np.sum(by.process_std**2) == pytest.approx(total.process_std**2)
    assert total.parameter_std > 0
    assert (by.low < by.expected).all()
    assert (by.expected < by.high).all()
    assert total.to_frame().keys() == by.to_frame().keys() - {"groups"}


def test_margins_and_costs(base):
    rows = base[0][:500]
    plain = known().predict_total(rows)
    loss = known(margin=-0.5, retention_cost=1.0).predict_total(rows)
    assert loss.low == pytest.approx(-0.5 * plain.high - 500)
    assert loss.high == pytest.approx(-0.5 * plain.low - 500)
    assert loss.process_std == pytest.approx(0.5 * plain.process_std)
    nothing = known(margin=0.0, retention_cost=1.0).predict_total(rows)
    assert (nothing.low, nothing.expected, nothing.high, nothing.process_std) == (-500, -500, -500, 0)
    assert known(margin=0.0).expected_value_interval(rows) == pytest.approx(np.zeros((500, 2)))


def test_an_endless_horizon(base):
    rows = base[0][:2000]
    endless = known(horizon=np.inf).predict_total(rows)
    long = known(horizon="200Y").predict_total(rows)
    assert endless.high == pytest.approx(long.high, rel=1e-3)
    assert np.isfinite(endless.high)


def test_spend_without_a_variance_or_mean(base):
    rows = base[0][:300]
    wild = known(spend=GammaGamma.from_params(p=2.0, q=1.5, v=15.0)).predict_total(rows)
    assert (wild.low, wild.high, wild.process_std) == (0.0, np.inf, np.inf)
    wilder = known(spend=GammaGamma.from_params(p=2.0, q=0.5, v=15.0))
    assert wilder.predict_total(rows).high == np.inf
    ends = wilder.expected_value_interval(rows)
    assert not np.isnan(ends).any()
    once = rows[:, 0] == 0
    assert (ends[once] == [0.0, np.inf]).all()
    assert known(spend=wilder.spend_, margin=0.0).predict_total(rows).high == 0.0


def test_what_has_no_intervals_says_so(base):
    rows = base[0][:300]
    season = SeasonalModel(BetaGeoNBD(unit="week"), SeasonalProfile([1.0] * 12), end="2024-01-01")
    value = LifetimeValue(season, horizon="26W").fit(rows)
    with pytest.raises(InputTypeError, match="without intervals"):
        value.predict_total(rows)
    with pytest.raises(InputError, match="one label per row"):
        known().predict_total(rows, groups=["a"])
    with pytest.raises(InputError, match="level must be"):
        known().predict_interval(rows, level=1.0)
