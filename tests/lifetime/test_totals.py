"""Totals, means and lifetimes: what is expected of many customers, and how far off it may be."""

from __future__ import annotations

import mpmath
import numpy as np
import pytest

from crmintel import NBD, BetaGeoBetaBinomial, BetaGeoNBD, ModifiedBetaGeoNBD, ParetoNBD
from crmintel.exceptions import CrmintelError, InputError
from crmintel.kernels.nbd import pairs_over_dropout
from crmintel.lifetime._uncertainty import UncertainAnswers

MODELS = [
    BetaGeoNBD.from_params(r=0.6, alpha=5.0, a=1.9, b=4.0, unit="week"),
    ModifiedBetaGeoNBD.from_params(r=0.6, alpha=5.0, a=1.9, b=4.0, unit="week"),
    ParetoNBD.from_params(r=0.6, alpha=5.0, s=1.6, beta=20.0, unit="week"),
    NBD.from_params(r=0.6, alpha=5.0, unit="week"),
    BetaGeoBetaBinomial.from_params(alpha=1.2, beta=0.75, gamma=1.6, delta=2.8, unit="week"),
]
NAMES = [type(model).__name__ for model in MODELS]
ROWS = [[0, 0, 0], [0, 0, 20], [3, 10, 20], [14, 18, 20]]


@pytest.mark.parametrize("model", MODELS, ids=NAMES)
@pytest.mark.parametrize("horizon", [1, 12, 300])
def test_variances_are_those_of_the_pmf(model, horizon):
    h, n = model._read(ROWS), np.arange(4000 if horizon == 300 else 900)
    pmf = model.purchase_count_pmf(ROWS, horizon, n)
    mean = pmf @ n
    variance = pmf @ n**2 - mean**2
    assert pmf.sum(axis=1) == pytest.approx(1.0, abs=1e-9)
    own = model._times_alive(h, model._pairs(h, horizon)) + model._mean(h, horizon) * (
        1 - model._mean(h, horizon)
    )
    assert own == pytest.approx(variance, rel=1e-6)


@pytest.mark.parametrize("model", MODELS, ids=NAMES)
def test_pairs_are_the_sum_over_tails(model):
    h = model._read(ROWS)
    assert model._pairs(h, 12.0) == pytest.approx(UncertainAnswers._pairs(model, h, 12.0), rel=1e-9)


@pytest.mark.parametrize("s", [0.3, 1.0, 2.0, 2.5])
@pytest.mark.parametrize("horizon", [1e-5, 1.9e-5, 2.1e-5, 1.0, 500.0])
def test_pairs_of_pareto_over_short_and_long_times(s, horizon):
    model = ParetoNBD.from_params(r=0.6, alpha=5.0, s=s, beta=20.0)
    v = np.log1p(horizon / 20.0) * (np.polynomial.legendre.leggauss(60)[0] + 1) / 2
    weight = np.log1p(horizon / 20.0) * np.polynomial.legendre.leggauss(60)[1] / 2
    square = 2 * 20.0**2 * weight @ (np.expm1(v) * np.exp((1 - s) * v))
    assert model._pairs(model._read([[0, 0, 0]]), horizon)[0] == pytest.approx(
        0.6 * 1.6 / 25 * square, rel=1e-7
    )


@pytest.mark.parametrize("R", [0.01, 0.7, 1.0, 30.0])
@pytest.mark.parametrize("y", [1e-6, 0.99, 1.01, 40.0, 1e12])  # at 1e12 a sum over the counts would never end
def test_pairs_of_a_customer_with_a_known_chance_to_leave(R, y):
    p, out = np.array([0.25]), np.empty(1)
    pairs_over_dropout(np.zeros(1, np.int32), y / p, np.array([R]), np.arange(2), p, np.ones(1), out)
    with mpmath.workdps(60):
        many = mpmath.mpf(y)
        tail = 1 - (1 + many) ** -R * (1 + R * many / (1 + many))
        assert out[0] == pytest.approx(float(2 * 0.75 * tail / many**2), rel=1e-14)


@pytest.mark.parametrize("model", MODELS, ids=NAMES)
def test_a_lifetime_is_the_sum_of_the_chances_to_be_there(model):
    if isinstance(model, BetaGeoBetaBinomial):
        expected = np.sum([model.probability_alive(ROWS, after=t) for t in range(1, 31)], axis=0)
    else:
        nodes, weights = np.polynomial.legendre.leggauss(40)
        chances = [model.probability_alive(ROWS, after=15.0 * (node + 1)) for node in nodes]
        expected = 15.0 * weights @ np.array(chances)
    assert model.expected_lifetime(ROWS, 30) == pytest.approx(expected, rel=1e-8)
    assert model.expected_lifetime(ROWS, "30W") == pytest.approx(expected, rel=1e-8)
    assert isinstance(model.expected_lifetime(horizon=30), float)


@pytest.mark.parametrize("model", MODELS, ids=NAMES)
def test_an_endless_lifetime_is_the_limit_or_inf(model):
    endless = model.expected_lifetime(ROWS)
    later = model.expected_lifetime(ROWS, 10**6)
    earlier = model.expected_lifetime(ROWS, 10**5)
    finite = np.isfinite(endless)
    assert (later[finite] < endless[finite]).all()
    assert later[finite] == pytest.approx(endless[finite], rel=0.01)
    assert (later[~finite] > 1.3 * earlier[~finite]).all()


def test_lifetimes_of_simulated_customers():
    rng = np.random.default_rng(0)
    rate, leave = rng.gamma(3.0, 1 / 5.0, 200_000), rng.beta(3.0, 4.0, 200_000)
    stays = rng.exponential(size=rate.size) / (rate * leave)  # leaving comes with purchases
    model = BetaGeoNBD.from_params(r=3.0, alpha=5.0, a=3.0, b=4.0)
    assert model.expected_lifetime() == pytest.approx(stays.mean(), rel=0.02)
    assert model.expected_lifetime(horizon=10) == pytest.approx(np.minimum(stays, 10).mean(), rel=0.01)


def test_where_nobody_leaves_lifetimes_are_endless():
    for model, params in ((BetaGeoNBD, {"a": 0.0, "b": np.inf}), (ParetoNBD, {"s": 0.0, "beta": np.inf})):
        loyal = model.from_params(**dict.fromkeys(model._parameters, 1.0))
        loyal._set_parameters({"r": 2.0, "alpha": 3.0, **params})
        assert np.isinf(loyal.expected_lifetime(ROWS)).all()
        assert loyal.expected_lifetime(ROWS, 7.0) == pytest.approx(np.full(4, 7.0))
        assert loyal.predict_total(ROWS, 5).expected == pytest.approx(10 / 3 + 10 / 23 + 25 / 23 + 80 / 23)


@pytest.mark.parametrize("model", MODELS, ids=NAMES)
def test_totals_are_sums_with_independent_variances(model):
    total = model.predict_total(ROWS, 12)
    by_group = model.predict_total(ROWS, 12, groups=["b", "a", "b", "a"])
    each = model.expected_purchases(ROWS, 12)
    assert total.expected == pytest.approx(each.sum())
    assert total.n_customers == 4
    assert by_group.groups.tolist() == ["a", "b"]
    assert by_group.expected == pytest.approx([each[[1, 3]].sum(), each[[0, 2]].sum()])
    assert (by_group.process_std**2).sum() == pytest.approx(total.process_std**2)
    assert (total.parameter_std, by_group.parameter_std.tolist()) == (0.0, [0.0, 0.0])
    assert total.low <= total.expected <= total.high
    frame = by_group.to_frame("polars")
    assert frame.columns[:4] == ["groups", "n_customers", "expected", "low"]
    assert list(total.to_frame()) == [
        "n_customers",
        "expected",
        "low",
        "high",
        "process_std",
        "parameter_std",
    ]


@pytest.mark.parametrize("n", [30, 1000])
def test_totals_of_simulated_bases_fall_into_their_intervals(n):
    truth = BetaGeoNBD.from_params(r=0.6, alpha=5.0, a=0.9, b=2.0)
    held, tries = 0, 120
    for seed in range(tries):
        rows, later = _past_and_future(truth, n, np.random.default_rng(seed))
        total = truth.predict_total(rows, 20)
        held += total.low <= later.sum() <= total.high
    assert 0.84 <= held / tries <= 0.97


def test_parameters_count_for_the_whole_base():
    truth = BetaGeoNBD.from_params(r=0.6, alpha=5.0, a=0.9, b=2.0)
    held, means, tries, exact = 0, 0, 60, truth.expected_purchases(None, 20)
    for seed in range(tries):
        rows, later = _past_and_future(truth, 1500, np.random.default_rng(1000 + seed))
        model = BetaGeoNBD().fit(rows)
        total = model.predict_total(rows, 20)
        assert total.parameter_std > 0
        held += total.low <= later.sum() <= total.high
        low, high = model.expected_purchases_interval(None, 20)
        means += low <= exact <= high
    assert held / tries >= 0.8
    assert means / tries >= 0.8


def _past_and_future(truth, n, rng):
    """Rows at T = 40 and the purchases in the 20 that follow."""
    rate, leave = rng.gamma(truth.r_, 1 / truth.alpha_, n), rng.beta(truth.a_, truth.b_, n)
    x, t_x, later, clock = np.zeros(n), np.zeros(n), np.zeros(n), np.zeros(n)
    active = np.arange(n)
    while active.size:
        clock[active] += rng.exponential(size=active.size) / rate[active]
        active = active[clock[active] <= 60.0]
        early = active[clock[active] <= 40.0]
        x[early] += 1
        t_x[early] = clock[early]
        later[active[clock[active] > 40.0]] += 1
        active = active[rng.random(active.size) >= leave[active]]
    return np.column_stack([x, t_x, np.full(n, 40.0)]), later


def test_intervals_of_means_shrink_with_the_base_and_hold_the_estimate():
    truth = BetaGeoNBD.from_params(r=0.6, alpha=5.0, a=0.9, b=2.0)
    width = []
    for n in (300, 30_000):
        model = BetaGeoNBD().fit(np.asarray(truth.sample(n, T=40.0, random_state=0)))
        ends = model.expected_purchases_interval(ROWS, 20)
        middle = model.expected_purchases(ROWS, 20)
        assert (ends[:, 0] < middle).all()
        assert (ends[:, 1] > middle).all()
        width.append(np.log(ends[:, 1] / ends[:, 0]))
    assert (width[1] < width[0] / 5).all()
    known = truth.expected_purchases_interval(ROWS, 20)
    assert known == pytest.approx(np.repeat(truth.expected_purchases(ROWS, 20)[:, None], 2, axis=1))
    assert truth.expected_purchases_interval(ROWS, 0).tolist() == [[0.0, 0.0]] * 4
    assert truth.expected_purchases_interval(None, 20).shape == (2,)


@pytest.mark.parametrize(
    "groups",
    [
        ["a", float("nan"), "b", "a"],
        ["a", None, "b", "a"],
        np.array([2.0, np.nan, 1.0, 2.0], object),
        np.array(["2024-01-01", "NaT", "2024-01-01", "2024-01-02"], "M8[ns]"),
        np.ma.masked_array([1, 1, 2, 2], [0, 1, 0, 0]),
    ],
    ids=["text", "None", "objects", "dates", "masked"],
)
def test_groups_without_a_label(groups):
    with pytest.raises(CrmintelError, match=r"1 missing label|1 masked value"):
        MODELS[0].predict_total(ROWS, 5, groups=groups)


def test_wrong_arguments():
    model = MODELS[0]
    for call, message in [
        (lambda: model.predict_total(ROWS, 5, groups=["a"]), "one label per row of X"),
        (lambda: model.predict_total(ROWS, 5, groups=[1.0, np.nan, 2.0, 1.0]), "groups holds 1 missing"),
        (
            lambda: model.predict_total(ROWS, 5, groups=np.array([1, "a", "b", 2], object)),
            "labels of one kind",
        ),
        (lambda: model.predict_total(ROWS, 5, groups=["a", 1, "a", 1]), "labels of one kind"),
        (lambda: model.predict_total(ROWS, 5, groups=[[1], [1, 2], [1], [2]]), "groups must be one-dim"),
        (lambda: model.predict_total(None, 5), "needs the rows"),
        (lambda: model.predict_total(ROWS, 5, level=0.0), "level"),
        (lambda: model.predict_total(ROWS, -5), "horizon must be >= 0"),
        (lambda: model.expected_lifetime(ROWS, -1), "horizon must be >= 0"),
        (lambda: model.expected_purchases_interval(ROWS, 5, level=1.5), "level"),
    ]:
        with pytest.raises(InputError, match=message):
            call()


def test_what_is_printed():
    model = BetaGeoNBD.from_params(r=0.243, alpha=4.414, a=0.793, b=2.426)
    rows = np.asarray(model.sample(100, T=39.0, random_state=0))
    whole = repr(model.predict_total(rows, horizon=39)).splitlines()
    assert whole[0] == "PurchaseTotals(100 customers)"
    assert whole[2].split()[:2] == ["total", "100"]
    many = repr(model.predict_total(rows, horizon=39, groups=np.arange(100) // 4)).splitlines()
    assert len(many) == 2 + 20 + 1
    assert many[-1] == "  ... and 5 more groups"
