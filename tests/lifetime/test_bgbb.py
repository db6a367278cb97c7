"""BG/BB: published numbers, accuracy, properties of its answers, fitting, limits and inputs."""

from __future__ import annotations

import csv
import time
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crmintel import BetaGeoBetaBinomial, CustomerSummary, LifetimeValue
from crmintel.exceptions import FitWarning, InputError
from crmintel.features.rows import CustomerRows
from crmintel.lifetime._bgbb_likelihood import (
    BetaBinomialLikelihood,
    BetaGeoBetaBinomialLikelihood,
    distinct_histories,
)
from crmintel.lifetime._histories import Histories, read_histories
from tests.lifetime.box import assert_right, log_uniform
from tests.oracles import btyd

NAMES = ("alpha", "beta", "gamma", "delta")
DONATIONS = (1.204, 0.750, 0.657, 2.783)
TRUTH = {"alpha": 1.2, "beta": 0.8, "gamma": 0.7, "delta": 4.0}
HISTORIES = [(0, 0, 0), (0, 0, 6), (1, 6, 6), (4, 5, 6), (6, 6, 6), (3, 4, 9)]


def model_of(params, **settings):
    return BetaGeoBetaBinomial.from_params(**dict(zip(NAMES, params, strict=True)), **settings)


MODELS = st.builds(lambda *params: model_of(params), *(st.floats(0.05, 20.0) for _ in NAMES))


@st.composite
def histories(draw, longest=20):
    T = draw(st.integers(0, longest))
    t_x = draw(st.integers(0, T))
    return (draw(st.integers(1, t_x)) if t_x else 0, t_x, T)


@pytest.fixture(scope="module")
def donations(shared_data):
    with (shared_data / "transactions" / "donations.csv").open(newline="") as file:
        cells = np.array([[float(line[k]) for k in line] for line in csv.DictReader(file)])
    return cells[:, :3], cells[:, 3]


@pytest.fixture(scope="module")
def rows():
    return BetaGeoBetaBinomial.from_params(**TRUTH, unit="month").sample(
        3000, T=np.arange(3000) % 12, random_state=0
    )


@pytest.fixture(scope="module")
def fitted(rows):
    return BetaGeoBetaBinomial(horizon=6).fit(rows)


# -- published numbers ---------------------------------------------------------------------------------------


def test_donations_match_fader_hardie_shang_2010(donations):
    rows, donors = donations
    model = BetaGeoBetaBinomial(horizon=5).fit(rows, sample_weight=donors)
    assert donors.sum() == 11_104
    assert donors @ rows[:, 0] == 24_615
    assert list(model.params_.values()) == pytest.approx([1.2035, 0.7497, 0.6567, 2.7834], abs=5e-5)
    assert model.log_likelihood_ == pytest.approx(-33225.58, abs=5e-3)
    assert model.converged_
    assert model.expected_purchases(None, 10) == pytest.approx(3.179805, abs=5e-5)
    assert model.expected_purchases([[0, 0, 6], [4, 5, 6]], 10) == pytest.approx(
        [0.1302169, 3.627858], abs=2e-4
    )
    assert donors @ model.predict(rows) == pytest.approx(12_884.2, abs=0.1)
    in_sample = donors.sum() * model.purchase_count_pmf(None, 6, [0, 6])
    assert in_sample == pytest.approx([3454.9, 1253.1], abs=0.5)


def test_the_chances_to_give_again_of_table_6():
    model = model_of(DONATIONS, unit="year")
    assert model.probability_alive([[0, 0, 6], [6, 6, 6]], after="1Y") == pytest.approx(
        [0.11, 0.93], abs=5e-3
    )


# -- accuracy ------------------------------------------------------------------------------------------------


def check_box(n_points, seed, longest=1000):
    """alpha ... delta in [.01, 30], up to ``longest`` opportunities past and to come."""
    rng = np.random.default_rng(seed)
    for _ in range(n_points):
        params = tuple(log_uniform(rng, 0.01, 30) for _ in NAMES)
        n, m = (round(log_uniform(rng, 1, longest)) for _ in range(2))
        rate = log_uniform(rng, 1e-4, 1)
        t_x = int(rng.choice([0, n, rng.integers(0, n + 1)]))
        history = (int(rng.choice([1, t_x, rng.integers(1, t_x + 1)])) if t_x else 0, t_x, n)
        model, row = model_of(params), [history]
        assert_right(model.log_likelihood(row)[0], float(btyd.bgbb_log_likelihood(params, *history)), 1e-12)
        assert_right(model.probability_alive(row)[0], float(btyd.bgbb_alive(params, *history)), 1e-290)
        truth = float(btyd.bgbb_alive(params, *history, m))
        assert_right(model.probability_alive(row, after=m)[0], truth, 1e-290)
        expected = model.expected_purchases(row, m)[0]
        assert_right(expected, float(btyd.bgbb_expected(params, m, *history)), 1e-290)
        endless = model.discounted_expected_transactions(row, rate)[0]
        assert_right(endless, float(btyd.bgbb_discounted(params, rate, *history)), 1e-290)
        counts = [0, min(max(round(float(expected)), 1), m)]
        for k, value in zip(counts, model.purchase_count_pmf(row, m, counts)[0], strict=True):
            assert_right(value, float(btyd.bgbb_pmf(params, k, m, *history)), 1e-14)


def test_the_box():
    check_box(25, seed=31, longest=250)


@pytest.mark.slow
def test_the_box_at_length():
    check_box(10_000, seed=32)


@pytest.mark.parametrize("params", [DONATIONS, (0.3, 5.0, 1.0, 0.4)])
@pytest.mark.parametrize("history", HISTORIES)
def test_answers_are_averages_over_individuals(params, history):
    value, alive, expected = btyd.bgbb_by_rule(params, 7, *history)
    model = model_of(params)
    assert model.log_likelihood([history])[0] == pytest.approx(value, rel=1e-11, abs=1e-12)
    assert model.probability_alive([history])[0] == pytest.approx(alive, rel=1e-11)
    assert model.expected_purchases([history], 7)[0] == pytest.approx(expected, rel=1e-11)


def test_where_other_libraries_break():
    assert model_of((1.2, 0.75, 1, 2.8)).expected_purchases([(2, 4, 6)], 5)[0] == pytest.approx(
        0.80035795183, rel=1e-10
    )
    for gamma in (1 - 1e-9, 1 + 1e-9, 1e-8, 1e4):  # the printed sum divides by gamma - 1
        params = (1.2, 0.75, gamma, 2.8)
        truth = float(btyd.bgbb_expected(params, 5, 2, 4, 6))
        assert model_of(params).expected_purchases([(2, 4, 6)], 5)[0] == pytest.approx(truth, rel=1e-10)
    for n in (24, 48, 52, 60, 100, 400):  # the likelihood is far below 1e-15
        history = (n // 3, n // 3 + 2, n)
        truth = float(btyd.bgbb_log_likelihood(DONATIONS, *history))
        assert model_of(DONATIONS).log_likelihood([history])[0] == pytest.approx(truth, rel=1e-13)
        truth = float(btyd.bgbb_alive(DONATIONS, *history))
        assert model_of(DONATIONS).probability_alive([history])[0] == pytest.approx(truth, rel=1e-11)


def test_long_histories_and_far_horizons():
    model, history = model_of(DONATIONS), (1000, 2990, 3000)
    truth = float(btyd.bgbb_log_likelihood(DONATIONS, *history))
    assert model.log_likelihood([history])[0] == pytest.approx(truth, rel=1e-12)
    row = [(400_000, 999_999, 1_000_000)]
    assert 0.99 < model.probability_alive(row)[0] < 1.0
    assert np.isfinite(model.log_likelihood(row)).all()
    far = model.expected_purchases(row, 1_000_000)[0]
    assert 0.0 < far < 400_000
    assert model.purchase_count_pmf(row, 1000, np.arange(1001)).sum() == pytest.approx(1.0, abs=1e-9)


# -- properties ----------------------------------------------------------------------------------------------


@given(model=MODELS, x=st.integers(1, 8), T=st.integers(8, 30))
@settings(max_examples=40, deadline=None)
def test_the_more_recent_the_last_purchase_the_likelier_alive(model, x, T):
    alive = model.probability_alive([[x, t_x, T] for t_x in range(x, T + 1)])
    assert ((alive >= 0) & (alive <= 1)).all()
    assert (np.diff(alive) >= 0).all()
    assert alive[-1] == 1.0


@given(model=MODELS, history=histories(), m=st.integers(0, 60), level=st.floats(0.05, 0.99))
@settings(max_examples=80, deadline=None)
def test_the_pmf_sums_to_one_has_the_mean_and_the_quantiles(model, history, m, level):
    pmf = model.purchase_count_pmf([history], m, np.arange(m + 2))[0]
    assert (pmf[:-1] >= 0).all()
    assert pmf[-1] == 0.0
    assert pmf.sum() == pytest.approx(1.0, abs=1e-12)
    assert pmf @ np.arange(m + 2) == pytest.approx(
        model.expected_purchases([history], m)[0], rel=1e-9, abs=1e-12
    )
    assert pmf[0] == pytest.approx(model.probability_no_purchase([history], m)[0], abs=1e-14)
    low, high = model.predict_interval([history], m, level)[0]
    for count, tail in ((low, (1 - level) / 2), (high, (1 + level) / 2)):
        assert pmf[: int(count) + 1].sum() >= tail - 1e-9
        assert count == 0 or pmf[: int(count)].sum() < tail + 1e-9


@given(model=MODELS, history=histories(), m=st.integers(1, 30))
@settings(max_examples=60, deadline=None)
def test_silence_continued_is_a_longer_history(model, history, m):
    x, t_x, T = history
    now, later = model.log_likelihood([history])[0], model.log_likelihood([(x, t_x, T + m)])[0]
    assert later - now == pytest.approx(np.log(model.probability_no_purchase([history], m)[0]), abs=1e-11)


@given(model=MODELS, history=histories(), q=st.floats(0.0, 0.9))
@settings(max_examples=60, deadline=None)
def test_the_quantile_is_the_first_opportunity_with_that_chance(model, history, q):
    t = model.next_purchase_quantile([history], q)[0]
    if np.isinf(t):
        assert 1.0 - model.probability_no_purchase([history], 100_000)[0] < q
    elif t <= 10_000:
        assert 1.0 - model.probability_no_purchase([history], t)[0] >= q - 1e-12
        assert t == 0 or 1.0 - model.probability_no_purchase([history], t - 1)[0] < q + 1e-12


@given(model=MODELS, history=histories(), rate=st.floats(0.01, 1.0), m=st.integers(1, 50))
@settings(max_examples=60, deadline=None)
def test_discounting_adds_up_opportunities(model, history, rate, m):
    steps = np.diff([model.expected_purchases([history], j)[0] for j in range(m + 1)])
    assert (steps >= -1e-12).all()
    total = steps @ np.exp(-rate * np.arange(1, m + 1))
    discounted = model.discounted_expected_transactions([history], rate, m)[0]
    assert discounted == pytest.approx(total, rel=1e-9, abs=1e-12)
    endless = model.discounted_expected_transactions([history], rate)[0]
    assert endless >= discounted * (1 - 1e-12)
    assert model.discounted_expected_transactions([history], 0.0, m) == model.expected_purchases([history], m)


def test_a_new_customer_is_an_empty_history():
    model = model_of(DONATIONS)
    assert model.log_likelihood([[0, 0, 0]]).tolist() == [0.0]
    assert model.probability_alive() == 1.0
    assert isinstance(model.expected_purchases(None, 5), float)
    assert model.expected_purchases(None, 5) == model.expected_purchases([[0, 0, 0]], 5)[0]
    assert model.purchase_count_pmf(None, 5, [0, 1, 2]).shape == (3,)
    assert model.purchase_count_pmf([[0, 0, 0]] * 2, 5, 1).shape == (2,)
    assert model.purchase_count_pmf(None, 0, [0, 1]).tolist() == [1.0, 0.0]
    assert model.predict_interval(None, 5).shape == (2,)


def test_the_future_of_simulated_customers_is_what_was_promised():
    n, model = 60_000, model_of(tuple(TRUTH.values()))
    rng = np.random.default_rng(0)
    buy, leave = rng.beta(1.2, 0.8, n), rng.beta(0.7, 4.0, n)
    x, t_x, later, waited, there = np.zeros(n), np.zeros(n), np.zeros(n), np.full(n, np.inf), np.ones(n, bool)
    alive = {}
    for t in range(1, 13):
        there &= rng.random(n) >= leave
        alive[t] = there.copy()
        bought = there & (rng.random(n) < buy)
        if t <= 6:
            x += bought
            t_x[bought] = t
        else:
            later += bought
            waited[bought & np.isinf(waited)] = t - 6
    rows = np.column_stack([x, t_x, np.full(n, 6.0)])
    for group in (x == 0, (x > 0) & (t_x < 4), (x < 4) & (t_x >= 4), x >= 4):
        here, error = rows[group], 2.5 / np.sqrt(group.sum())
        assert abs(alive[6][group].mean() - model.probability_alive(here).mean()) < error
        assert abs(alive[9][group].mean() - model.probability_alive(here, 3).mean()) < error
        assert abs(later[group].mean() - model.expected_purchases(here, 6).mean()) < error * later.std()
        assert abs((later[group] == 2).mean() - model.purchase_count_pmf(here, 6, 2).mean()) < error
        assert abs((waited[group] > 2).mean() - model.probability_no_purchase(here, 2).mean()) < error
    drawn = np.asarray(model.sample(n, T=6, random_state=1))
    for column in (0, 1):
        ours, theirs = (np.bincount(table[:, column].astype(int), minlength=7) / n for table in (drawn, rows))
        assert ours == pytest.approx(theirs, abs=0.01)
    assert np.cov(drawn[:, 0], drawn[:, 1])[0, 1] == pytest.approx(np.cov(x, t_x)[0, 1], rel=0.03)


def test_samples_of_extreme_customers():
    for params in ((1e-3, 1e-3, 1e-3, 1e-3), (1e4, 1e-3, 1e-3, 1e4), (30, 30, 30, 0.01)):
        drawn = model_of(params).sample(200, T=50, random_state=0)
        read_histories(drawn)
        assert (drawn[:, 0] <= drawn[:, 1]).all()


# -- fitting -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "theta"),
    [(BetaGeoBetaBinomialLikelihood, [0.3, -0.4, -1.0, 0.5]), (BetaBinomialLikelihood, [0.3, -0.4])],
)
@pytest.mark.parametrize("penalty", [0.0, 2.0])
def test_gradient_and_hessian_match_differences(rows, kind, theta, penalty):
    weights = np.random.default_rng(0).uniform(0, 2, len(rows))
    codes, distinct = distinct_histories(read_histories(rows))
    likelihood = kind(distinct, np.bincount(codes, weights=weights), penalty)
    theta = np.array(theta)
    _, gradient, hessian = likelihood(theta)
    steps = 1e-5 * np.eye(theta.size)
    values = [(likelihood(theta + e)[0] - likelihood(theta - e)[0]) / 2e-5 for e in steps]
    slopes = [(likelihood(theta + e)[1] - likelihood(theta - e)[1]) / 2e-5 for e in steps]
    assert gradient == pytest.approx(values, abs=1e-8)
    assert hessian == pytest.approx(np.array(slopes), abs=1e-8)


def test_distinct_histories_are_sorted_for_the_kernel():
    h = Histories(*np.array([[1, 0, 1, 1, 0, 1], [3, 0, 2, 3, 0, 3], [5, 4, 5, 5, 5, 6]], dtype=float))
    codes, distinct = distinct_histories(h)
    assert np.column_stack([distinct.x, distinct.T, distinct.t_x]).tolist() == [
        [0, 4, 0], [0, 5, 0], [1, 5, 3], [1, 5, 2], [1, 6, 3],
    ]  # fmt: skip
    assert codes.tolist() == [2, 0, 3, 2, 1, 4]


def test_the_fit_is_the_best_and_sums_its_rows(rows, fitted):
    assert fitted.converged_
    assert fitted.unit_ == "month"
    assert fitted.log_likelihood(rows).sum() == pytest.approx(fitted.log_likelihood_, rel=1e-12)
    rng = np.random.default_rng(1)
    for _ in range(40):
        near = {name: value * np.exp(rng.normal(scale=0.05)) for name, value in fitted.params_.items()}
        assert BetaGeoBetaBinomial.from_params(**near).score(rows) < fitted.score(rows)


def test_weights_are_repeated_rows(rows):
    counts = np.random.default_rng(2).integers(0, 4, len(rows))
    weighted = BetaGeoBetaBinomial().fit(rows, sample_weight=counts)
    repeated = BetaGeoBetaBinomial().fit(np.repeat(np.asarray(rows), counts, axis=0))
    assert weighted.params_ == pytest.approx(repeated.params_, rel=1e-9)
    assert weighted.log_likelihood_ == pytest.approx(repeated.log_likelihood_, rel=1e-13)
    assert weighted.covariance_ == pytest.approx(repeated.covariance_, rel=1e-8)


def test_parameters_are_recovered_within_their_errors():
    sample = BetaGeoBetaBinomial.from_params(**TRUTH).sample(60_000, T=24, random_state=3)
    model = BetaGeoBetaBinomial().fit(sample)
    for name, error in zip(TRUTH, np.sqrt(np.diag(model.covariance_)), strict=True):
        assert abs(model.params_[name] - TRUTH[name]) < 4 * error
        assert error < 0.1 * TRUTH[name]


def test_small_random_bases_always_end_in_an_answer():
    rng = np.random.default_rng(5)
    for _ in range(40):
        truth = model_of(np.exp(rng.uniform(np.log(0.05), np.log(20), 4)))
        sample = truth.sample(int(rng.choice([10, 40, 200])), T=int(rng.choice([1, 6, 30])), random_state=rng)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            model = BetaGeoBetaBinomial(horizon=4).fit(sample)
        assert model.converged_ or caught
        assert np.isfinite(model.transform(sample)).all()
        assert np.isfinite(model.covariance_).all()
        assert np.isfinite(model.predict_interval(sample)).all()
        if sample[:, 0].any():
            assert model.score(sample) >= truth.score(sample) - 1e-6


def test_customers_who_never_leave():
    rng = np.random.default_rng(6)
    bought = rng.random((2000, 20)) < rng.beta(2.0, 3.0, 2000)[:, None]
    bought[:, -3:] |= rng.random((2000, 3)) < 0.2  # later than at random
    t_x = np.where(bought.any(axis=1), 20 - np.argmax(bought[:, ::-1], axis=1), 0)
    rows = np.column_stack([bought.sum(axis=1), t_x, np.full(2000, 20)])
    with pytest.warns(FitWarning, match="no customer is seen to leave"):
        model = BetaGeoBetaBinomial().fit(rows)
    assert (model.gamma_, model.delta_) == (0.0, np.inf)
    assert model.alpha_ / (model.alpha_ + model.beta_) == pytest.approx(bought.mean(), rel=1e-3)
    assert (model.probability_alive(rows, 10) == 1).all()
    together = model.alpha_ + model.beta_ + 20
    assert model.expected_purchases(rows, 7) == pytest.approx(
        (model.alpha_ + rows[:, 0]) / together * 7, rel=1e-12
    )
    assert model.log_likelihood(rows).sum() == pytest.approx(model.log_likelihood_, rel=1e-12)
    assert model.purchase_count_pmf(None, 30, np.arange(31)).sum() == pytest.approx(1.0, abs=1e-13)
    assert model.discounted_expected_transactions(None, 0.1) == pytest.approx(
        model.alpha_ / (model.alpha_ + model.beta_) / np.expm1(0.1), rel=1e-12
    )
    assert np.isfinite(model.predict_interval(rows[:20], 10)).all()
    assert (model.sample(50, T=9, random_state=0)[:, 0] <= 9).all()


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([[0, 0, 4]] * 5 + [[0, 0, 3]], "not identified: no customer has bought again"),
        ([[1, 1, 1]] * 60 + [[0, 0, 1]] * 40, "so few opportunities do not tell how customers differ"),
        ([[5, 5, 5]] * 10 + [[3, 3, 8]] * 5 + [[1, 1, 8]] * 2, "buy at every opportunity"),
        ([[0, 0, 9]] * 100_000 + [[1, 9, 9]], "hardly any customer buys"),
    ],
)
def test_bases_that_lie_at_a_limit(rows, message):
    with pytest.warns(FitWarning, match=message):
        model = BetaGeoBetaBinomial(horizon=5).fit(rows)
    assert np.isfinite(model.transform(rows[:50])).all()
    assert np.isfinite(model.covariance_).all()
    assert BetaGeoBetaBinomial(penalty=1.0).fit(rows).converged_


def test_a_million_customers_cost_what_their_distinct_histories_cost():
    model = BetaGeoBetaBinomial.from_params(**TRUTH)
    rows = np.asarray(model.sample(300_000, T=52, random_state=0))
    BetaGeoBetaBinomial().fit(rows[:100])
    start = time.process_time()
    BetaGeoBetaBinomial().fit(rows)
    assert time.process_time() - start < 3.0


# -- inputs --------------------------------------------------------------------------------------------------


def test_the_summary_counts_opportunities(cdnow):
    rows = CustomerSummary(unit="month", collapse="month").fit_transform(cdnow[0])
    model = BetaGeoBetaBinomial(horizon="1Y").fit(rows)
    assert model.converged_
    assert model.unit_ == "month"
    assert model.predict(rows) == pytest.approx(model.expected_purchases(rows, 12))
    value = LifetimeValue(BetaGeoBetaBinomial(), horizon="1Y", discount_rate=0.1)
    assert (
        value.fit(CustomerSummary(unit="month", collapse="month").fit_transform(cdnow[0])).predict(rows) > 0
    ).all()


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([[1, 2, 3.5], [0, 0, 2]], r"T must hold whole numbers of opportunities \(CustomerSummary"),
        ([[1, 1.5, 3], [0, 0, 2]], "recency must hold whole numbers of opportunities"),
        ([[3, 2, 4], [0, 0, 2]], "frequency must not exceed recency: an opportunity is one purchase at most"),
        ([[0, 0, 2e6], [0, 0, 2]], "T must be <= 1,000,000 opportunities"),
        ([[1, 3, 2], [0, 0, 2]], "recency must not exceed T"),
    ],
)
def test_impossible_histories(rows, message):
    with pytest.raises(InputError, match=message):
        BetaGeoBetaBinomial().fit(rows)
    with pytest.raises(InputError, match=message):
        model_of(DONATIONS).predict(rows)


def test_horizons_are_whole():
    model = model_of(DONATIONS, unit="week", horizon="52W")
    row = [[1, 2, 3]]
    assert model.predict(row) == model.expected_purchases(row, 52) == model.expected_purchases(row, "364D")
    for horizon, message in [
        (1.5, r"horizon=1\.5 is 1\.5 opportunities, and they come whole"),
        ("1Y", r"horizon='1Y' is 52\.1786 opportunities.*multiple of the unit of the rows \(week\)"),
        (2e6, "horizon must be <= 1,000,000 opportunities"),
    ]:
        with pytest.raises(InputError, match=message):
            model.expected_purchases(row, horizon)
    with pytest.raises(InputError, match=r"after=0\.5 is 0\.5 opportunities"):
        model.probability_alive(row, after=0.5)
    with pytest.raises(InputError, match="horizon='1Y' is 52"):
        BetaGeoBetaBinomial(horizon="1Y").fit(
            CustomerRows([[1, 2, 3], [0, 0, 3]], ("frequency", "recency", "T"), "week")
        )
    with pytest.raises(InputError, match="T must hold whole numbers of opportunities"):
        model.sample(3, T=2.5)
