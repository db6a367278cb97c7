"""MBG/NBD: published numbers, accuracy, fitting and its relation to the BG/NBD."""

from __future__ import annotations

import csv

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crmintel import BetaGeoNBD, CustomerSummary, LifetimeValue, ModifiedBetaGeoNBD, TransactionLog
from crmintel.exceptions import FitWarning
from crmintel.lifetime._histories import read_histories
from crmintel.lifetime.nbd import NBD
from tests.lifetime.box import assert_right, points
from tests.oracles import btyd

NAMES = ("r", "alpha", "a", "b")
CDNOW = (0.525, 6.183, 0.891, 1.614)
TRUTH = {"r": 0.5, "alpha": 6.0, "a": 0.8, "b": 2.5}
HISTORIES = [(0, 0, 0), (0, 0, 38.86), (2, 30.43, 38.86), (26, 30.857, 31)]

MODELS = st.builds(
    lambda *params: ModifiedBetaGeoNBD.from_params(**dict(zip(NAMES, params, strict=True))),
    *(st.floats(0.05, 20.0) for _ in range(4)),
)


def model_of(params):
    return ModifiedBetaGeoNBD.from_params(**dict(zip(NAMES, params, strict=True)))


@pytest.fixture(scope="module")
def rows():
    return ModifiedBetaGeoNBD.from_params(**TRUTH, unit="week").sample(3000, T=52.0, random_state=0)


@pytest.fixture(scope="module")
def fitted(rows):
    return ModifiedBetaGeoNBD(horizon=13).fit(rows)


# -- published numbers ---------------------------------------------------------------------------------------


def test_cdnow(shared_data):
    path = shared_data / "transactions" / "cdnow_customers_summary_with_transactions.csv"
    with path.open(newline="") as file:
        rows = [[float(line[k]) for k in ("x", "t_x", "T")] for line in csv.DictReader(file)]
    model = ModifiedBetaGeoNBD().fit(rows)
    assert list(model.params_.values()) == pytest.approx([0.524838, 6.182992, 0.8913562, 1.6139993], rel=1e-6)
    assert model.log_likelihood_ == pytest.approx(-9582.13268, abs=1e-5)
    assert model.converged_


@pytest.mark.parametrize(
    ("file", "columns", "until", "n", "params", "log_likelihood"),
    [
        ("cdnow_master", ("customer_id", "date"), "1997-09-30", 23_570,
         [0.6371, 7.3103, 0.8075, 1.2284], -95336.958),
        ("apparel_trans", ("Id", "Date"), "2006-12-31", 600, [1.8914, 45.827, 0.6024, 1.5824], -5848.045),
    ],
)  # fmt: skip
def test_other_shops(shared_data, file, columns, until, n, params, log_likelihood):
    table = pq.read_table(shared_data / "transactions" / f"{file}.parquet")
    log = TransactionLog.from_frame(table, customer=columns[0], time=columns[1]).until(until)
    rows = CustomerSummary(unit="week").fit_transform(log)
    model = ModifiedBetaGeoNBD().fit(rows)
    assert len(rows) == n
    assert list(model.params_.values()) == pytest.approx(params, rel=1e-4)
    assert model.log_likelihood_ == pytest.approx(log_likelihood, abs=2e-3)


# -- accuracy ------------------------------------------------------------------------------------------------


def check_box(n, seed):
    for params, t, history in points(n, seed):
        model, row = model_of(params), [list(history)]
        assert_right(model.log_likelihood(row)[0], float(btyd.mbgnbd_log_likelihood(params, *history)), 1e-12)
        assert_right(model.probability_alive(row)[0], float(btyd.mbgnbd_alive(params, *history)), 1e-290)
        expected = model.expected_purchases(row, t)[0]
        assert_right(expected, float(btyd.mbgnbd_expected(params, t, *history)), 1e-290)
        truth = float(btyd.mbgnbd_alive_after(params, t, *history))
        assert_right(model.probability_alive(row, after=t)[0], truth, 1e-14)
        count = max(round(float(expected)), 1)
        pmf = model.purchase_count_pmf(row, t, [0, count])[0]
        for n_purchases, value in zip((0, count), pmf, strict=True):
            assert_right(value, float(btyd.mbgnbd_pmf(params, n_purchases, t, *history)), 1e-14)


def test_the_box():
    check_box(100, seed=21)


@pytest.mark.slow
def test_the_box_at_length():
    check_box(10_000, seed=22)


@pytest.mark.parametrize("history", HISTORIES[1:])
@pytest.mark.parametrize("params", [CDNOW, (0.11, 2.24, 0.31, 0.5)])
def test_the_closed_forms_are_averages_over_individuals(params, history):
    value, alive, expected = btyd.mbgnbd_by_integral(params, 39, *history)
    model = model_of(params)
    assert model.log_likelihood([history])[0] == pytest.approx(float(value), rel=1e-12, abs=1e-12)
    assert model.probability_alive([history])[0] == pytest.approx(float(alive), rel=1e-12)
    assert model.expected_purchases([history], 39)[0] == pytest.approx(float(expected), rel=1e-10)


@pytest.mark.parametrize("a", [1.0, 1 - 1e-9, 1 + 1e-9, 1e-6, 300.0, 1e4])
@pytest.mark.parametrize("t", [1e-9, 39, 1e6])
def test_expectations_where_the_published_formula_breaks(a, t):
    params, history = (0.243, 4.414, a, 2.426), (2, 30.43, 38.86)
    truth = float(btyd.mbgnbd_expected(params, t, *history))
    assert model_of(params).expected_purchases([history], t)[0] == pytest.approx(truth, rel=1e-10)


def test_heavy_buyers():
    for history in [(2000, 729, 730), (2000, 730, 730), (20_000, 19_999, 20_000)]:
        model = model_of(CDNOW)
        truth = float(btyd.mbgnbd_expected(CDNOW, 365, *history))
        assert model.expected_purchases([history], 365)[0] == pytest.approx(truth, rel=1e-10)
    truth = float(btyd.mbgnbd_pmf(CDNOW, 5000, 20000, 20000, 19999, 20000))
    assert model.purchase_count_pmf([(20000, 19999, 20000)], 20000, 5000)[0] == pytest.approx(truth, rel=1e-8)


@pytest.mark.parametrize("history", HISTORIES)
def test_discounted_transactions(history):
    model, delta = model_of(CDNOW), np.log1p(0.1) / 52.18
    endless = model.discounted_expected_transactions([history], rate=delta)[0]
    assert endless == pytest.approx(float(btyd.mbgnbd_discounted(CDNOW, delta, *history)), rel=1e-9)
    year = model.discounted_expected_transactions([history], rate=delta, horizon=52)[0]
    assert year == pytest.approx(float(btyd.mbgnbd_discounted(CDNOW, delta, *history, 52)), rel=1e-10)


def test_a_new_customer_may_leave_at_once():
    model = model_of(CDNOW)
    assert model.probability_alive() == pytest.approx(1.614 / (0.891 + 1.614), rel=1e-14)
    assert model.log_likelihood([[0, 0, 0]])[0] == pytest.approx(0.0, abs=1e-15)
    assert model.purchase_count_pmf(None, 0, [0, 1]) == pytest.approx([1.0, 0.0])
    assert model.expected_purchases(None, 39) == model.expected_purchases([[0, 0, 0]], 39)[0]
    assert model.next_purchase_quantile(None, 0.7) == np.inf


# -- properties ----------------------------------------------------------------------------------------------


@given(model=MODELS, x=st.integers(1, 60), T=st.floats(2.0, 100.0))
@settings(max_examples=40, deadline=None)
def test_the_more_recent_the_last_purchase_the_likelier_alive(model, x, T):
    alive = model.probability_alive([[x, share * T, T] for share in (0.01, 0.3, 0.7, 1.0)])
    assert ((alive >= 0) & (alive <= 1)).all()
    assert (np.diff(alive) >= 0).all()
    silent = model.probability_alive([[0, 0, T], [0, 0, 2 * T]])
    assert silent[1] <= silent[0]


@given(model=MODELS, x=st.integers(0, 20), t=st.floats(0.1, 30.0), level=st.floats(0.05, 0.99))
@settings(max_examples=40, deadline=None)
def test_the_pmf_sums_to_one_and_has_the_expectation_as_mean(model, x, t, level):
    row, n = [[x, 15.0 if x else 0.0, 20.0]], np.arange(6000)
    pmf = model.purchase_count_pmf(row, t, n)[0]
    assert (pmf >= 0).all()
    assert pmf[0] == pytest.approx(model.probability_no_purchase(row, t)[0], abs=1e-13)
    low, high = model.predict_interval(row, t, level)[0]
    if pmf[-1] < 1e-13 and high < 6000:
        below = pmf.cumsum()
        assert below[-1] == pytest.approx(1.0, abs=1e-9)
        assert pmf @ n == pytest.approx(model.expected_purchases(row, t)[0], rel=1e-6, abs=1e-9)
        for count, tail in ((low, (1 - level) / 2), (high, (1 + level) / 2)):
            assert below[int(count)] >= tail - 1e-9
            assert count == 0 or below[int(count) - 1] < tail + 1e-9


@given(model=MODELS, x=st.integers(0, 20), q=st.floats(0.0, 0.95))
@settings(max_examples=40, deadline=None)
def test_the_quantile_is_where_waiting_ends(model, x, q):
    row = [[x, 15.0 if x else 0.0, 20.0]]
    t = model.next_purchase_quantile(row, q)[0]
    if np.isinf(t):
        assert q >= model.probability_alive(row)[0]
    elif t < 1e12:
        assert 1.0 - model.probability_no_purchase(row, float(t))[0] == pytest.approx(q, abs=1e-9)


@given(model=MODELS, x=st.integers(1, 20), t=st.floats(0.1, 30.0))
@settings(max_examples=40, deadline=None)
def test_buyers_are_those_of_a_bgnbd_with_one_more_chance_passed(model, x, t):
    other = BetaGeoNBD.from_params(r=model.r_, alpha=model.alpha_, a=model.a_, b=model.b_ + 1.0)
    row = [[x, 15.0, 20.0]]
    assert model.probability_alive(row) == pytest.approx(other.probability_alive(row), rel=1e-14)
    assert model.expected_purchases(row, t) == pytest.approx(other.expected_purchases(row, t), rel=1e-12)


# -- fitting -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("penalty", [0.0, 2.0])
def test_gradient_and_hessian_match_differences(rows, penalty):
    weights = np.random.default_rng(0).uniform(0, 2, len(rows))
    likelihood = ModifiedBetaGeoNBD._likelihood(read_histories(rows), weights, penalty)
    theta = np.array([0.3, 2.0, -1.0, 0.5])
    _, gradient, hessian = likelihood(theta)
    steps = 1e-5 * np.eye(4)
    values = [(likelihood(theta + e)[0] - likelihood(theta - e)[0]) / 2e-5 for e in steps]
    slopes = [(likelihood(theta + e)[1] - likelihood(theta - e)[1]) / 2e-5 for e in steps]
    assert gradient == pytest.approx(values, abs=1e-8)
    assert hessian == pytest.approx(np.array(slopes), abs=1e-8)


def test_the_fit_is_the_best_and_sums_its_rows(rows, fitted):
    assert fitted.log_likelihood(rows).sum() == pytest.approx(fitted.log_likelihood_, rel=1e-12)
    rng = np.random.default_rng(1)
    for _ in range(50):
        near = {name: value * np.exp(rng.normal(scale=0.05)) for name, value in fitted.params_.items()}
        assert ModifiedBetaGeoNBD.from_params(**near).score(rows) < fitted.score(rows)


def test_weights_are_repeated_rows_and_the_unit_is_alphas_alone(rows):
    counts = np.random.default_rng(2).integers(0, 4, len(rows))
    weighted = ModifiedBetaGeoNBD().fit(rows, sample_weight=counts)
    repeated = ModifiedBetaGeoNBD().fit(np.repeat(np.asarray(rows), counts, axis=0) * [1, 7, 7])
    assert [*weighted.params_.values()] == pytest.approx(
        [*repeated.params_.values()] / np.array([1, 7, 1, 1]), rel=1e-7
    )
    purchases = counts @ rows[:, 0]
    assert weighted.log_likelihood_ == pytest.approx(
        repeated.log_likelihood_ + purchases * np.log(7), rel=1e-11
    )


def test_parameters_are_recovered():
    sample = ModifiedBetaGeoNBD.from_params(**TRUTH).sample(60_000, T=78.0, random_state=3)
    model = ModifiedBetaGeoNBD().fit(sample)
    for name, error in zip(TRUTH, np.sqrt(np.diag(model.covariance_)), strict=True):
        assert abs(model.params_[name] - TRUTH[name]) < 4 * error
        assert error < 0.1 * TRUTH[name]


def test_the_future_of_simulated_customers_is_what_was_promised():
    model, n = model_of(tuple(TRUTH.values())), 40_000
    long, past = (
        np.asarray(model.sample(n, T=60.0, random_state=0)),
        np.asarray(model.sample(n, 40.0, random_state=0)),
    )
    assert long[:, 0].mean() == pytest.approx(model.expected_purchases(None, 60), rel=0.03)
    assert (long[:, 0] == 0).mean() == pytest.approx(model.probability_no_purchase(None, 60), abs=0.01)
    future = past[:, 0].mean() + model.expected_purchases(past, 20).mean()
    assert future == pytest.approx(long[:, 0].mean(), rel=0.03)


def test_shops_nobody_leaves_and_shops_nobody_returns_to():
    stays = NBD.from_params(r=1.0, alpha=8.0).sample(2000, T=50.0, random_state=6)
    stays = np.asarray(stays).copy()
    stays[:, 1] = np.where(stays[:, 0] > 0, 0.5 * (stays[:, 1] + 50.0), 0.0)  # later than at random
    stays = stays[stays[:, 0] > 0]
    with pytest.warns(FitWarning, match="no customer is seen to leave"):
        model = ModifiedBetaGeoNBD().fit(stays)
    assert (model.probability_alive(stays) == 1).all()
    assert np.isfinite(model.transform(stays)).all()
    once = np.column_stack([np.zeros(20), np.zeros(20), np.arange(1.0, 21)])
    with pytest.warns(FitWarning, match="not identified: no customer has bought again"):
        assert ModifiedBetaGeoNBD().fit(once).expected_purchases(once, 10) == pytest.approx(0, abs=1e-9)


def test_a_lifetime_value_of_it(cdnow_rows):
    value = LifetimeValue(ModifiedBetaGeoNBD(), horizon="39W", discount_rate=0.1).fit(cdnow_rows)
    assert (value.predict(cdnow_rows) > 0).all()
