"""Regular buyers: against random buyers, the definition at many digits, and simulation."""

from __future__ import annotations

import pickle

import mpmath as mp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crmintel import (
    BetaGeoCNBD,
    BetaGeoNBD,
    CustomerSummary,
    ModifiedBetaGeoCNBD,
    ModifiedBetaGeoNBD,
    TransactionLog,
)
from crmintel.exceptions import ColumnError, FitWarning, InputError, InputTypeError
from crmintel.features.rows import CustomerRows
from crmintel.lifetime._cnbd_likelihood import StagesLikelihood, with_stages
from crmintel.lifetime._histories import read_histories
from tests.oracles import cnbd as oracle

TRUTH = {"r": 1.2, "alpha": 2.0, "a": 0.8, "b": 2.5}
PAIRS = [(BetaGeoCNBD, BetaGeoNBD), (ModifiedBetaGeoCNBD, ModifiedBetaGeoNBD)]
KINDS = [BetaGeoCNBD, ModifiedBetaGeoCNBD]
SPACED = ("frequency", "recency", "T", "sum_log_gaps")
POINTS = [  # k, x, t_x, T, parameters
    (2, 3, 20.0, 30.0, (0.7, 3.0, 0.8, 2.5)),
    (5, 8, 30.0, 34.0, (1.2, 2.0, 0.3, 4.0)),
    (12, 10, 48.0, 52.0, (3.0, 2.0, 0.5, 2.0)),
    (3, 0, 0.0, 12.0, (0.4, 5.0, 0.8, 2.0)),
]


def known(kind, params, k):
    return kind.from_params(**dict(zip(TRUTH, params, strict=True)), k=k)


def simulated_gaps(kind, k, n, T, seed):
    """Rows with sum_log_gaps, drawn customer by customer."""
    rng = np.random.default_rng(seed)
    rows = np.zeros((n, 4))
    for row in rows:
        rate, p = rng.gamma(TRUTH["r"], 1 / TRUTH["alpha"]), rng.beta(TRUTH["a"], TRUTH["b"])
        row[2] = T
        if kind is ModifiedBetaGeoCNBD and rng.random() < p:
            continue
        while True:
            gap = rng.gamma(k) / rate
            if row[1] + gap > T:
                break
            row += [1, gap, 0, np.log(gap)]
            if rng.random() < p:
                break
    return CustomerRows(rows, SPACED, "week")


@pytest.fixture(scope="module")
def rows():
    return known(BetaGeoCNBD, TRUTH.values(), 3).sample(2000, T=52.0, random_state=0)


# -- k = 1 is random buying -------------------------------------------------------------------------------------


@pytest.mark.parametrize(("kind", "random"), PAIRS)
def test_one_stage_is_random_buying(kind, random, rows):
    one, base = kind(k=1).fit(rows), random().fit(rows)
    assert one.params_ == pytest.approx(base.params_, rel=1e-12)
    assert one.covariance_ == pytest.approx(base.covariance_, rel=1e-9)
    assert (one.log_likelihood_, one.aic_) == pytest.approx((base.log_likelihood_, base.aic_), rel=1e-13)
    assert one.log_likelihood(rows) == pytest.approx(base.log_likelihood(rows), rel=1e-12, abs=1e-12)
    for t in (0.1, 5.0, 1000.0):
        assert one.expected_purchases(rows, t) == pytest.approx(base.expected_purchases(rows, t), rel=1e-12)
        assert one.probability_alive(rows, t) == pytest.approx(base.probability_alive(rows, t), abs=1e-14)
        assert one.probability_no_purchase(rows, t) == pytest.approx(
            base.probability_no_purchase(rows, t), abs=1e-14
        )
        assert one.purchase_count_pmf(rows, t, [0, 1, 7]) == pytest.approx(
            base.purchase_count_pmf(rows, t, [0, 1, 7]), abs=1e-14
        )
        assert np.array_equal(one.predict_interval(rows, t), base.predict_interval(rows, t))
    assert one.next_purchase_quantile(rows, 0.3) == pytest.approx(
        base.next_purchase_quantile(rows, 0.3), rel=1e-12
    )
    for horizon in (52.0, np.inf):
        ask = {"rate": 0.003, "horizon": horizon}
        assert one.discounted_expected_transactions(rows[:100], **ask) == pytest.approx(
            base.discounted_expected_transactions(rows[:100], **ask), rel=1e-12
        )
    assert np.asarray(one.sample(500, 30.0, 1)) == pytest.approx(
        np.asarray(base.sample(500, 30.0, 1)), rel=1e-9
    )


# -- the definition, at many digits -----------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("k", "x", "t_x", "T", "params"), POINTS)
def test_likelihood_and_chance_alive_are_those_of_the_definition(kind, k, x, t_x, T, params):
    modified, model = int(kind is ModifiedBetaGeoCNBD), known(kind, params, k)
    log_gaps = 0.9 * x * np.log(t_x / x) if x else 0.0
    with mp.workdps(20):
        likelihood = oracle.log_likelihood(params, k, x, t_x, T, log_gaps, modified)
        alive = oracle.alive(params, k, x, t_x, T, modified)
    row = CustomerRows([[x, t_x, T, log_gaps]], SPACED)
    assert model.log_likelihood(row)[0] == pytest.approx(float(likelihood), rel=1e-10)
    assert model.probability_alive(row)[0] == pytest.approx(float(alive), rel=1e-10)


@pytest.mark.parametrize(("k", "x", "t_x", "T", "params"), POINTS[:3])
def test_the_future_is_that_of_a_renewal_process_in_the_middle_of_a_gap(k, x, t_x, T, params):
    model, t, row = known(BetaGeoCNBD, params, k), 4.0, [[x, t_x, T]]
    with mp.workdps(15):
        forever = float(oracle.discounted(params, k, x, t_x, T, 0.01, 0))
    counts = [oracle.at_least(params, k, x, t_x, T, t, n) for n in (1, 2, 3)]
    alive = model.probability_alive(row)[0]
    assert 1 - model.probability_no_purchase(row, t)[0] == pytest.approx(alive * counts[0], rel=1e-8)
    a, b = params[2], params[3] + x
    one_or_more, two_or_more = alive * counts[0], alive * b / (a + b) * counts[1]
    assert model.purchase_count_pmf(row, t, 1)[0] == pytest.approx(one_or_more - two_or_more, rel=1e-8)
    three = two_or_more * (b + 1) / (a + b + 1) * counts[2] / counts[1]
    assert model.purchase_count_pmf(row, t, 2)[0] == pytest.approx(two_or_more - three, rel=1e-8)
    assert model.discounted_expected_transactions(row, 0.01)[0] == pytest.approx(alive * forever, rel=1e-9)


# -- properties ---------------------------------------------------------------------------------------------------

MODELS = st.builds(
    lambda kind, k, *params: known(kind, params, k),
    st.sampled_from(KINDS),
    st.integers(1, 12),
    *(st.floats(0.05, 20.0) for _ in range(4)),
)


@given(model=MODELS, x=st.integers(1, 60), T=st.floats(2.0, 100.0))
@settings(max_examples=60, deadline=None)
def test_the_more_recent_the_last_purchase_the_likelier_alive(model, x, T):
    alive = model.probability_alive([[x, share * T, T] for share in (0.01, 0.3, 0.7, 1.0)])
    assert ((alive >= 0) & (alive <= 1)).all()
    assert (np.diff(alive) >= 0).all()


@given(model=MODELS, x=st.integers(0, 20), t=st.floats(0.1, 30.0))
@settings(max_examples=40, deadline=None)
def test_the_pmf_sums_to_one_and_has_the_expectation_as_mean(model, x, t):
    row, n = [[x, 15.0 if x else 0.0, 20.0]], np.arange(3000)
    pmf = model.purchase_count_pmf(row, t, n)[0]
    assert (pmf >= 0).all()
    if pmf[-1] < 1e-13:
        assert pmf.sum() == pytest.approx(1.0, abs=1e-9)
        assert pmf @ n == pytest.approx(model.expected_purchases(row, t)[0], rel=1e-6, abs=1e-9)
    assert pmf[0] == pytest.approx(model.probability_no_purchase(row, t)[0], abs=1e-12)


@given(model=MODELS, x=st.integers(0, 60), t=st.floats(0.01, 4000.0))
@settings(max_examples=40, deadline=None)
def test_expectations_grow_and_survival_falls(model, x, t):
    row = [[x, 15.0 if x else 0.0, 20.0]]
    expected = [model.expected_purchases(row, share * t)[0] for share in (0.0, 0.5, 0.51, 1.0)]
    assert expected[0] == 0.0
    assert (np.diff(expected) >= -1e-11 * expected[-1]).all()
    alive = [model.probability_alive(row, share * t)[0] for share in (0.0, 0.5, 0.51, 1.0)]
    assert (np.diff(alive) <= 1e-14).all()
    assert alive[-1] >= 0.0


@given(model=MODELS, x=st.integers(0, 60), q=st.floats(0.001, 0.999))
@settings(max_examples=40, deadline=None)
def test_quantiles_of_the_next_purchase_are_where_its_chance_is_q(model, x, q):
    row = [[x, 15.0 if x else 0.0, 20.0]]
    t = model.next_purchase_quantile(row, q)[0]
    if np.isfinite(t):
        assert 1 - model.probability_no_purchase(row, t)[0] == pytest.approx(q, abs=1e-10)
    else:
        assert model.probability_alive(row)[0] <= q or model.r_ < 0.2


def test_sums_by_roots_of_unity_equal_sums_by_terms(monkeypatch):
    from crmintel.lifetime import _stages

    R, z = np.array([0.6, 20.0, 200.0]), np.array([30.0, 3.0, 0.5])
    for leaving in (False, True):
        for k in (1, 2, 3, 6, 12):
            args = (k, R, z, 0.4, np.array([2.0, 8.0, 8.0]))
            direct = _stages.purchases_while_alive(*args, leaving=leaving)
            with monkeypatch.context() as patch:
                patch.setattr(_stages, "_TERMS", 20_000)
                assert direct == pytest.approx(
                    _stages.purchases_while_alive(*args, leaving=leaving), rel=1e-11
                )


def test_discounting_ends_at_no_discount_and_at_no_horizon(rows):
    model, some = known(BetaGeoCNBD, TRUTH.values(), 6), rows[:10]
    plain = model.expected_purchases(some, 13)
    assert model.discounted_expected_transactions(some, 1e-12, 13) == pytest.approx(plain, rel=1e-10)
    endless = model.discounted_expected_transactions(some, 0.02)
    assert model.discounted_expected_transactions(some, 0.02, 2000.0) == pytest.approx(endless, rel=1e-12)
    assert model.discounted_expected_transactions(some, 0.02, 400.0) == pytest.approx(endless, rel=1e-3)
    assert (model.discounted_expected_transactions(some, 0.02, 400.0) < endless).all()


def test_nobody_leaves_at_a_equal_to_zero():
    model = BetaGeoCNBD.from_params(**TRUTH, k=3)
    model._set_parameters({"r": 1.2, "alpha": 2.0, "a": 0.0, "b": np.inf})
    row = [[8, 40.0, 42.0]]
    n = np.arange(1, 400)
    tails = np.array([model._at_least(model._read(row), 20.0, np.array(float(m)))[0] for m in n])
    assert model.expected_purchases(row, 20.0)[0] == pytest.approx(tails.sum(), rel=1e-12)
    assert model.probability_alive(row, 100).tolist() == [1.0]


@pytest.mark.parametrize("kind", KINDS)
def test_answers_against_simulation(kind):
    k, T, t, n = 4, 30.0, 13.0, 200_000
    model = known(kind, TRUTH.values(), k)
    # one stream of histories watched until T and until T + t
    longer = model.sample(n, T + t, random_state=7)
    now = longer[longer[:, 1] <= T]  # who has not bought since T has the same x and t_x at T
    silent_rows = CustomerRows(
        np.column_stack([now[:, :2], np.full(len(now), T)]), ("frequency", "recency", "T")
    )
    new = model.expected_purchases(None, T + t)
    assert longer[:, 0].mean() == pytest.approx(new, abs=5 * longer[:, 0].std() / np.sqrt(n))
    # as many are silent in t as the histories that can be seen at T say, over all of them
    at_T = model.sample(n, T, random_state=8)
    silent = model.probability_no_purchase(at_T, t)
    assert len(silent_rows) / n == pytest.approx(silent.mean(), abs=5 * 0.5 / np.sqrt(n))
    pmf = model.purchase_count_pmf(None, T, np.arange(6))
    seen = np.bincount(at_T[:, 0].astype(int))[:6] / n
    assert seen == pytest.approx(pmf, abs=5 * 0.5 / np.sqrt(n))


# -- fitting ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("penalty", [0.0, 2.0])
def test_gradient_and_hessian_match_differences(kind, rows, penalty):
    weights = np.random.default_rng(0).uniform(0, 2, len(rows))
    for k, likelihood in ((4, kind._likelihood), (4, StagesLikelihood)):
        f = with_stages(likelihood, k)(read_histories(rows), weights, penalty)
        theta = np.array([0.3, 1.0, -0.5, 0.4])[: len(f.names)]
        _, gradient, hessian = f(theta)
        steps = 1e-5 * np.eye(theta.size)
        values = [(f(theta + e)[0] - f(theta - e)[0]) / 2e-5 for e in steps]
        slopes = [(f(theta + e)[1] - f(theta - e)[1]) / 2e-5 for e in steps]
        assert gradient == pytest.approx(values, abs=1e-8)
        assert hessian == pytest.approx(np.array(slopes), abs=1e-8)


@pytest.mark.parametrize("kind", KINDS)
def test_parameters_and_regularity_are_recovered(kind):
    sample = simulated_gaps(kind, 3, 6_000, 52.0, seed=2)
    fitted = kind().fit(sample)
    assert fitted.k_ == 3
    assert max(fitted.log_likelihood_by_k_, key=fitted.log_likelihood_by_k_.get) == 3
    assert list(fitted.log_likelihood_by_k_) == [1, 2, 3, 4]
    for (name, truth), error in zip(TRUTH.items(), np.sqrt(np.diag(fitted.covariance_)), strict=True):
        assert abs(fitted.params_[name] - truth) < 4 * error
        assert error < 0.2 * truth
    assert fitted.log_likelihood(sample).sum() == pytest.approx(fitted.log_likelihood_, rel=1e-12)
    assert fitted.aic_ == pytest.approx(10 - 2 * fitted.log_likelihood_)
    random = kind(k=1).fit(sample)
    assert random.log_likelihood_ == pytest.approx(fitted.log_likelihood_by_k_[1], rel=1e-13)
    assert fitted.log_likelihood_ > random.log_likelihood_ + 100


def test_the_unit_of_time_changes_alpha_and_nothing_else():
    sample = np.asarray(simulated_gaps(BetaGeoCNBD, 2, 800, 52.0, seed=3))
    days = sample * [1, 7, 7, 1] + np.outer(sample[:, 0] * np.log(7), [0, 0, 0, 1])
    weekly, daily = (BetaGeoCNBD(penalty=0.5).fit(CustomerRows(s, SPACED)) for s in (sample, days))
    assert daily.k_ == weekly.k_
    assert [daily.r_, daily.alpha_ / 7, daily.a_, daily.b_] == pytest.approx(
        list(weekly.params_.values()), rel=1e-8
    )
    assert daily.log_likelihood_ == pytest.approx(weekly.log_likelihood_ - sample[:, 0].sum() * np.log(7))


def test_weights_are_repeated_rows(rows):
    counts = np.random.default_rng(2).integers(0, 4, len(rows))
    weighted = ModifiedBetaGeoCNBD(k=3).fit(rows, sample_weight=counts)
    repeated = ModifiedBetaGeoCNBD(k=3).fit(np.repeat(np.asarray(rows), counts, axis=0))
    assert weighted.params_ == pytest.approx(repeated.params_, rel=1e-8)
    assert weighted.log_likelihood_ == pytest.approx(repeated.log_likelihood_, rel=1e-12)
    assert weighted.covariance_ == pytest.approx(repeated.covariance_, rel=1e-6)


def test_covariance_is_the_inverse_observed_information(rows):
    fitted, h = BetaGeoCNBD(k=3).fit(rows), 1e-3

    def total(shift):
        moved = {n: v * (1 + s) for (n, v), s in zip(fitted.params_.items(), shift, strict=True)}
        return BetaGeoCNBD.from_params(**moved, k=3).log_likelihood(rows).sum()

    steps = h * np.eye(4)
    information = -np.array(
        [[total(e + f) - total(e - f) - total(f - e) + total(-e - f) for f in steps] for e in steps]
    )
    values = np.array(list(fitted.params_.values()))
    expected = np.linalg.inv(information / (4 * h * h)) * np.outer(values, values)
    assert fitted.covariance_ == pytest.approx(expected, rel=1e-3)
    assert np.ptp(fitted.predict_interval(rows[:20], 26, 0.9), axis=1).min() >= 0


def test_regular_buyers_who_never_leave():
    rng = np.random.default_rng(6)
    rate, rows = rng.gamma(4.0, 1 / 8.0, 500), np.zeros((500, 3))
    for row, each in zip(rows, rate, strict=True):
        times = np.cumsum(rng.gamma(3, 1 / each, 400))
        x = int((times <= 50).sum())
        row[:] = x, times[x - 1] if x else 0.0, 50.0
    with pytest.warns(FitWarning, match="no customer is seen to leave"):
        model = BetaGeoCNBD(k=3).fit(rows)
    assert model.converged_
    assert (model.a_, model.b_) == (0.0, np.inf)
    assert (model.r_, model.alpha_) == pytest.approx((4.0, 8.0), rel=0.2)
    assert (model.probability_alive(rows) == 1).all()
    assert np.isfinite(model.transform(rows)).all()
    assert np.isfinite(model.predict_interval(rows, 10)).all()


def test_a_base_without_repeat_purchases_is_not_identified():
    rows = CustomerRows(np.column_stack([np.zeros((20, 2)), np.arange(1.0, 21), np.zeros(20)]), SPACED)
    with pytest.warns(FitWarning, match="not identified: no customer has bought again"):
        model = BetaGeoCNBD().fit(rows)
    assert model.k_ == 1
    assert model.expected_purchases(rows, 10) == pytest.approx(np.zeros(20), abs=1e-9)


def test_heavy_buyers_seen_on_the_last_day():
    model = BetaGeoCNBD.from_params(r=2.0, alpha=20.0, a=0.05, b=2.0, k=12)
    heavy = [[900, 364.0, 364.0], [900, 100.0, 364.0], [1, 1e-9, 364.0]]
    answers = [
        model.probability_alive(heavy),
        model.expected_purchases(heavy, 364),
        model.log_likelihood(heavy),
    ]
    assert np.isfinite(answers).all()
    assert answers[0][0] > 0.99
    assert answers[1][0] == pytest.approx(900, rel=0.2)


# -- columns, parameters, errors --------------------------------------------------------------------------------


def test_choosing_k_needs_the_gaps(rows):
    with pytest.raises(ColumnError, match=r"sum_log_gaps.*CustomerSummary\(extra="):
        BetaGeoCNBD().fit(rows)


def test_a_given_k_does_without_the_gaps_but_for_a_constant():
    sample = simulated_gaps(BetaGeoCNBD, 2, 500, 52.0, seed=4)
    with_gaps, without = BetaGeoCNBD(k=2).fit(sample), BetaGeoCNBD(k=2).fit(np.asarray(sample)[:, :3])
    assert with_gaps.params_ == without.params_
    constant = sample[:, 3].sum()  # (k - 1) x the sum of logarithms - x log (k - 1)!
    assert with_gaps.log_likelihood_ - without.log_likelihood_ == pytest.approx(constant)


@pytest.mark.parametrize(
    ("gaps", "words"),
    [(3.0, "another unit than recency"), (np.nan, "must be finite")],
)
def test_impossible_gaps_are_named(gaps, words):
    with pytest.raises(InputError, match=words):
        BetaGeoCNBD().fit(CustomerRows([[2, 4.0, 9.0, gaps], [0, 0, 9, 0]], SPACED))
    with pytest.raises(InputError, match="must be 0 where frequency is 0"):
        BetaGeoCNBD().fit(CustomerRows([[2, 4.0, 9.0, 1.0], [0, 0, 9, -1]], SPACED))


@pytest.mark.parametrize(
    ("k", "error", "words"),
    [
        (0, InputError, "k must be >= 1"),
        (101, InputError, "<= 100"),
        (1.5, InputTypeError, "whole number"),
        ("all", InputError, "'auto' or a whole number"),
        (None, InputTypeError, "whole number"),
    ],
)
def test_a_wrong_k_is_named(rows, k, error, words):
    with pytest.raises(error, match=words):
        BetaGeoCNBD(k=k).fit(rows)
    with pytest.raises(error, match=words):
        BetaGeoCNBD.from_params(**TRUTH, k=k)


def test_manners(rows):
    fitted = BetaGeoCNBD(horizon=13, k=2).fit(rows)
    copy = pickle.loads(pickle.dumps(fitted))
    assert np.array_equal(copy.predict(rows), fitted.predict(rows))
    known_k = BetaGeoCNBD.from_params(**TRUTH, k=3, unit="week", horizon="26W")
    assert known_k.get_params()["k"] == known_k.k_ == 3
    assert known_k.predict(rows).shape == (2000,)
    assert isinstance(known_k.expected_purchases(), float)


# -- data ---------------------------------------------------------------------------------------------------------


def test_cdnow_customers_buy_at_random(cdnow):
    rows = CustomerSummary(unit="week", extra=("sum_log_gaps",)).fit_transform(cdnow[0])
    model = BetaGeoCNBD().fit(rows)
    assert model.k_ == 1
    assert model.log_likelihood_ == pytest.approx(-9582.4, abs=0.05)  # Fader, Hardie & Lee (2005), table 2
    assert ModifiedBetaGeoCNBD().fit(rows).k_ == 1


def test_daily_habits_are_found_in_a_log():
    rng = np.random.default_rng(0)
    days, owners = [], []
    for customer in range(300):
        times = np.cumsum(np.maximum(rng.gamma(6, rng.gamma(9, 1 / 9) * 14 / 6, 60).round(), 1))
        stop = rng.geometric(rng.beta(1, 9))
        kept = np.append(0, times[:stop])[np.append(0, times[:stop]) < 300]
        days.extend(np.datetime64("2024-01-01") + kept.astype(int))
        owners.extend([customer] * kept.size)
    log = TransactionLog.from_arrays(customer=owners, time=days, end="2024-10-31")
    rows = CustomerSummary(unit="week", extra=("sum_log_gaps",)).fit_transform(log)
    assert BetaGeoCNBD().fit(rows).k_ in (5, 6, 7)
