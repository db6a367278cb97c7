"""Pareto/NBD and NBD answers against many digits over a wide box, where formulas break, and in print."""

from __future__ import annotations

import csv

import numpy as np
import pyarrow.parquet as pq
import pytest
from scipy.stats import nbinom

from crmintel import NBD, CustomerSummary, ParetoNBD, TransactionLog
from tests.lifetime.box import assert_right, log_uniform, points
from tests.oracles import paretonbd as oracle

NAMES = ("r", "alpha", "s", "beta")
CDNOW = (0.553, 10.578, 0.606, 11.669)
CUSTOMER = (2, 30.43, 38.86)


def model_of(params):
    return ParetoNBD.from_params(**dict(zip(NAMES, params, strict=True)))


def check_box(n, seed):
    """Every other point has a beta of the size of alpha, [.1, 1e4]."""
    rng = np.random.default_rng(seed)
    for i, (params, t, history) in enumerate(points(n, seed)):
        if i % 2:
            params = (*params[:3], log_uniform(rng, 0.1, 1e4))
        model, row = model_of(params), [list(history)]
        assert_right(model.log_likelihood(row)[0], float(oracle.log_likelihood(params, *history)), 1e-12)
        assert_right(model.probability_alive(row)[0], float(oracle.alive(params, *history)), 1e-290)
        assert_right(model.expected_purchases(row, t)[0], float(oracle.expected(params, t, *history)), 1e-290)
        assert_right(
            model.probability_alive(row, t)[0], float(oracle.alive_after(params, t, *history)), 1e-290
        )
        count = max(round(float(model.expected_purchases(row, t)[0])), 1) * (i % 4)
        value = model.purchase_count_pmf(row, t, count)[0]
        assert_right(value, float(oracle.pmf(params, count, t, *history)), 1e-290)


def test_the_box():
    check_box(30, seed=11)


@pytest.mark.slow
def test_the_box_at_length():
    check_box(10_000, seed=12)


@pytest.mark.parametrize(
    ("params", "history"),
    [
        (CDNOW, (221, 103.43, 103.57)),  # heavy buyers: lifetimes answers NaN
        (CDNOW, (350, 103.43, 103.57)),
        (CDNOW, (2000, 729, 730)),
        (CDNOW, (20_000, 19_999, 20_000)),
        (CDNOW, (5, 30, 30)),  # the last purchase at the end of observation
        ((0.5, 11, 0.6, 11), (5, 30, 30)),  # alpha = beta
        ((0.5, 11, 0.6, 11), (5, 3, 30)),
        ((0.5, 11, 0.6, 11 + 1e-9), (5, 3, 30)),
        ((0.53, 38.06, 64.28, 7721.5), (2, 30, 38)),
        ((5, 0.1, 30, 0.01), (999, 0.2, 4000)),
        ((0.01, 1e4, 0.01, 1e4), (0, 0, 1)),
    ],
)
def test_points_at_which_formulas_break(params, history):
    model = model_of(params)
    assert_right(model.log_likelihood([history])[0], float(oracle.log_likelihood(params, *history)), 1e-12)
    assert_right(model.probability_alive([history])[0], float(oracle.alive(params, *history)), 1e-290)
    assert_right(
        model.expected_purchases([history], 39)[0], float(oracle.expected(params, 39, *history)), 1e-290
    )


def test_a_customer_seen_for_no_time():
    model = model_of(CDNOW)
    assert model.log_likelihood([(0, 0, 0)]).tolist() == [0.0]
    assert model.probability_alive([(0, 0, 0)]).tolist() == [1.0]


@pytest.mark.parametrize("s", [1.0, 1 - 1e-9, 1 + 1e-9, 1e-6, 1e4])
def test_expectations_around_s_1_and_far_from_it(s):
    params = (0.9, 10, s, 12)
    truth = float(oracle.expected(params, 39, *CUSTOMER))
    assert model_of(params).expected_purchases([CUSTOMER], 39)[0] == pytest.approx(truth, rel=1e-12)
    if s == 1.0:
        assert truth == pytest.approx(1.35625398928, rel=1e-11)


def test_short_times_and_none():
    model = model_of(CDNOW)
    short, shorter = (model.expected_purchases([CUSTOMER], t)[0] for t in (1e-6, 1e-9))
    assert short / shorter == pytest.approx(1000, rel=1e-6)
    assert model.expected_purchases([CUSTOMER], 0).tolist() == [0.0]
    assert model.purchase_count_pmf([CUSTOMER], 0, [0, 1, 7]).tolist() == [[1.0, 0.0, 0.0]]
    pmf = model.purchase_count_pmf([CUSTOMER], 1e-9, [1, 2])[0]
    for n, value in zip((1, 2), pmf, strict=True):
        assert_right(value, float(oracle.pmf(CDNOW, n, 1e-9, *CUSTOMER)), 0.0)


def test_the_pmf_far_out():
    value = model_of(CDNOW).purchase_count_pmf(None, 2000, 171)
    assert value == pytest.approx(float(oracle.pmf(CDNOW, 171, 2000, 0, 0, 0)), rel=1e-11)
    heavy = (20_000, 19_999, 20_000)
    for n in (5_000, 19_000):
        truth = float(oracle.pmf(CDNOW, n, 20_000, *heavy))
        assert model_of(CDNOW).purchase_count_pmf([heavy], 20_000, n)[0] == pytest.approx(truth, rel=1e-9)


@pytest.mark.parametrize("params", [CDNOW, (0.53, 38.06, 64.28, 7721.5), (2.0, 0.5, 0.05, 0.02)])
@pytest.mark.parametrize("rate", [1e-6, 0.0027, 1.0, 100.0])
def test_discounted_transactions(params, rate):
    model = model_of(params)
    for history in ((0, 0, 0), CUSTOMER):
        endless = model.discounted_expected_transactions([history], rate)[0]
        assert endless == pytest.approx(float(oracle.discounted(params, rate, *history)), rel=1e-12)
        year = model.discounted_expected_transactions([history], rate, 52)[0]
        truth = float(oracle.discounted_by_integral(params, rate, *history, 52))
        assert year == pytest.approx(truth, rel=1e-12)


@pytest.mark.parametrize("params", [CDNOW, (2.0, 30.0, 3.0, 1.5), (2.0, 0.3, 3.0, 150)])
def test_the_two_oracles_agree(params):
    for history in (CUSTOMER, (0, 0, 38.86), (150, 2, 40)):
        closed = oracle.log_odds_gone(params, *history)
        by_integral = oracle.log_odds_gone_by_integral(params, *history)
        assert float(closed) == pytest.approx(float(by_integral), rel=1e-15, abs=1e-15)
    total = sum(oracle.pmf(params, n, 0.5, *CUSTOMER) * n for n in range(1, 9))
    assert float(total) == pytest.approx(float(oracle.expected(params, 0.5, *CUSTOMER)), rel=1e-9)
    endless = oracle.discounted(params, 0.01, *CUSTOMER)
    assert float(oracle.discounted_by_integral(params, 0.01, *CUSTOMER)) == pytest.approx(
        float(endless), rel=1e-12
    )


# -- NBD --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("history", [(0, 0, 38.86), CUSTOMER, (250, 30, 31)])
def test_nbd_is_a_negative_binomial(history):
    r, alpha, (x, _, T) = 0.385, 12.07, history
    model = NBD.from_params(r=r, alpha=alpha)
    of_new, posterior = nbinom(r, alpha / (alpha + T)), nbinom(r + x, (alpha + T) / (alpha + T + 39))
    # times and order of x purchases are told by the history, their number by the distribution
    known = x * np.log(T) - np.log(np.arange(1, x + 1)).sum()
    assert model.log_likelihood([history])[0] == pytest.approx(of_new.logpmf(x) - known, rel=1e-11)
    assert model.expected_purchases([history], 39)[0] == pytest.approx(posterior.mean(), rel=1e-12)
    n = np.arange(60)
    assert model.purchase_count_pmf([history], 39, n)[0] == pytest.approx(posterior.pmf(n), rel=1e-10)
    low, high = model.predict_interval([history], 39, 0.8)[0]
    assert (low, high) == (posterior.ppf(0.1), posterior.ppf(0.9))
    assert model.probability_alive([history], after=1e6).tolist() == [1.0]


# -- published --------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def fitted(cdnow_rows):
    return ParetoNBD(horizon=39).fit(cdnow_rows)


def test_cdnow_matches_fader_hardie_lee_and_the_standard_errors_of_clvtools(fitted):
    assert list(fitted.params_.values()) == pytest.approx([0.5533, 10.578, 0.6062, 11.669], rel=1e-4)
    assert fitted.log_likelihood_ == pytest.approx(-9594.976, abs=1e-3)
    errors = np.sqrt(np.diag(fitted.covariance_))
    assert errors == pytest.approx([0.04763, 0.8427, 0.1873, 6.2105], rel=1e-3)
    assert fitted.converged_


def test_cdnow_nbd(cdnow_rows):
    nbd = NBD().fit(cdnow_rows)
    assert [nbd.r_, nbd.alpha_] == pytest.approx([0.3848, 12.072], rel=1e-4)
    assert nbd.log_likelihood_ == pytest.approx(-9763.658, abs=1e-3)


def test_cdnow_summary_file_gives_the_optimum_of_50_digit_arithmetic(shared_data):
    path = shared_data / "transactions" / "cdnow_customers_summary_with_transactions.csv"
    with path.open(newline="") as file:
        rows = [[float(line[k]) for k in ("x", "t_x", "T")] for line in csv.DictReader(file)]
    model = ParetoNBD().fit(np.array(rows))
    assert list(model.params_.values()) == pytest.approx(
        [0.5532755, 10.5776123, 0.6062135, 11.6679103], rel=2e-7
    )
    assert model.log_likelihood_ == pytest.approx(-9594.97393, abs=1e-5)


def test_predictions_of_the_btyd_walkthrough(fitted):
    model = ParetoNBD.from_params(r=0.5534, alpha=10.58, s=0.6061, beta=11.67)
    heavy = [[26, 30.857, 31]]
    assert model.expected_purchases(heavy, 52)[0] == pytest.approx(25.45647, rel=1e-4)
    assert model.probability_alive(heavy)[0] == pytest.approx(0.997874, abs=5e-6)
    assert model.expected_purchases(None, 52) == pytest.approx(1.473434, abs=5e-4)
    rows = [[x, 20, 39] for x in (10, 15, 20, 25)]  # who buys more often and falls silent is likelier gone
    assert model.expected_purchases(rows, 52) == pytest.approx([0.7062, 0.1442, 0.02251, 0.00309], rel=2e-3)


def test_holdout_by_calibration_frequency_matches_the_btyd_walkthrough(fitted, cdnow_rows):
    group = np.minimum(cdnow_rows[:, 0], 7).astype(int)
    expected = np.bincount(group, weights=fitted.predict(cdnow_rows)) / np.bincount(group)
    assert expected == pytest.approx([0.138, 0.600, 1.196, 1.714, 2.399, 2.907, 3.819, 6.403], abs=8e-4)


def test_cdnow_master(shared_data):
    table = pq.read_table(shared_data / "transactions" / "cdnow_master.parquet")
    log = TransactionLog.from_frame(table, customer="customer_id", time="date", amount="amount")
    rows = CustomerSummary(unit="week").fit_transform(log.until("1997-09-30"))
    assert (rows.shape[0], rows[:, 0].sum()) == (23_570, 24_337)
    model, nbd = ParetoNBD().fit(rows), NBD().fit(rows)
    assert list(model.params_.values()) == pytest.approx([0.5974, 11.5857, 0.5222, 8.8278], abs=5e-5)
    assert model.log_likelihood_ == pytest.approx(-95415.119, abs=1e-3)
    assert list(nbd.params_.values()) == pytest.approx([0.3872, 12.2712], abs=5e-5)
    assert nbd.log_likelihood_ == pytest.approx(-96845.344, abs=1e-3)


def test_apparel_matches_the_vignette_of_clvtools(shared_data):
    table = pq.read_table(shared_data / "transactions" / "apparel_trans.parquet")
    log = TransactionLog.from_frame(table, customer="Id", time="Date", amount="Price")
    past, future = log.split("2006-12-31")
    rows = CustomerSummary(unit="week").fit_transform(past)
    assert (len(past), (rows[:, 0] == 0).sum(), future.purchases().sum()) == (600, 213, 1317)
    model = ParetoNBD().fit(rows)
    assert list(model.params_.values()) == pytest.approx([1.4490, 48.6361, 0.5613, 46.8844], rel=1e-4)
    assert np.sqrt(np.diag(model.covariance_)) == pytest.approx([0.2434, 7.4892, 0.2710, 35.61], rel=1e-3)
    assert model.log_likelihood_ == pytest.approx(-5848.0978, abs=1e-4)
    assert model.aic_ == pytest.approx(11704.196, abs=1e-3)
    nbd = NBD().fit(rows)
    assert [nbd.r_, nbd.alpha_] == pytest.approx([0.8337, 41.095], rel=1e-4)
    assert nbd.log_likelihood_ == pytest.approx(-5910.746, abs=1e-3)
    ids = past.customers.tolist()
    some = np.asarray(rows)[[ids.index("1"), ids.index("10"), int(np.argmax(rows[:, 0] == 0))]]
    assert model.probability_alive(some) == pytest.approx([0.9468478, 0.9825606, 0.2784686], rel=1e-5)
    assert model.expected_purchases(some, 207.142857) == pytest.approx(
        [7.3256573, 3.5198114, 0.4190901], rel=5e-5
    )
    discounted = model.discounted_expected_transactions(some, np.log(1.1))  # the vignette's rate, by week
    assert discounted == pytest.approx([0.46765602, 0.22469806, 0.02675392], rel=5e-5)
