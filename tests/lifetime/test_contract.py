"""Contracts: published numbers, accuracy, properties of the answers, fitting, limits and inputs."""

from __future__ import annotations

import pickle
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone

from crmintel import BetaDiscreteWeibull, ShiftedBetaGeometric
from crmintel.exceptions import ColumnError, CrmintelError, FitWarning, InputError
from crmintel.features.rows import CustomerRows
from crmintel.lifetime._contract_likelihood import ContractLikelihood
from crmintel.lifetime._contracts import cohort_contracts, read_contracts
from tests.lifetime.box import assert_right, log_uniform
from tests.oracles import contract as oracle

# Fader & Hardie (2007), table 1: of 1,000 customers, those left after 0, 1, ..., 12 years.
HIGH_END = [1000, 869, 743, 653, 593, 551, 517, 491, 468, 445, 427, 409, 394]
REGULAR = [1000, 631, 468, 382, 326, 289, 262, 241, 223, 207, 194, 183, 173]
MODELS = [ShiftedBetaGeometric, BetaDiscreteWeibull]


def model_of(params):
    return BetaDiscreteWeibull.from_params(**dict(zip(("alpha", "beta", "c"), params, strict=True)))


def names_of(kind):
    return ("alpha", "beta", "c")[: 2 + (kind is BetaDiscreteWeibull)]


def at_random(n, seed, most_c=3.0):
    rng = np.random.default_rng(seed)
    for _ in range(n):
        params = log_uniform(rng, 0.01, 30), log_uniform(rng, 0.01, 30), log_uniform(rng, 0.3, most_c)
        yield params, int(rng.choice([0, 1, 3, 12, 100, 1000])), rng


shapes = st.floats(0.02, 20.0)
any_model = st.builds(lambda *params: model_of(params), shapes, shapes, st.floats(0.3, 3.0))
any_sbg = st.builds(lambda a, b: ShiftedBetaGeometric.from_params(alpha=a, beta=b), shapes, shapes)


# -- published ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("left", "alpha", "beta", "likelihood"),
    [(HIGH_END, 0.668, 3.806, -1611.16), (REGULAR, 0.704, 1.182, -1680.27)],
)
def test_seven_years_of_the_paper(left, alpha, beta, likelihood):
    model = ShiftedBetaGeometric().fit_cohorts(left[:8])
    assert [model.alpha_, model.beta_] == pytest.approx([alpha, beta], abs=5e-4)
    assert model.log_likelihood_ == pytest.approx(likelihood, abs=5e-3)
    truth = sum(
        n * oracle.log_likelihood((alpha, beta, 1), t, 1) for t, n in enumerate(-np.diff(left[:8]), start=1)
    ) + left[7] * oracle.log_likelihood((alpha, beta, 1), 7, 0)
    assert float(truth) == pytest.approx(model.log_likelihood_, abs=1e-3)
    assert model.survival(np.arange(8, 13)) == pytest.approx(np.array(left[8:]) / 1000, abs=0.02)
    t = np.arange(1, 13)
    assert model.retention_rate(t) == pytest.approx(
        (model.beta_ + t - 1) / (model.alpha_ + model.beta_ + t - 1), rel=1e-13
    )


def test_four_years_of_the_paper_on_duration_dependence():
    model = BetaDiscreteWeibull().fit_cohorts(HIGH_END[:5])
    assert list(model.params_.values()) == pytest.approx([0.259, 1.722, 1.584], abs=1e-3)
    smaller = ShiftedBetaGeometric().fit_cohorts(HIGH_END[:5])
    assert model.aic_ < smaller.aic_
    off = [abs(m.survival(12) - 0.394) for m in (model, smaller)]
    assert off[0] < off[1] / 3


# -- accuracy ----------------------------------------------------------------------------------------------------


def test_the_oracles_agree():
    for params, t in [((0.7, 1.2, 1.0), 7), ((2.5, 4.0, 1.6), 3)]:
        closed, integral = oracle.survival(params, t), oracle.survival_by_integral(params, t)
        assert float(closed / integral - 1) == pytest.approx(0, abs=1e-12)
    sums = oracle.renewals((0.7, 1.2, 1.0), 2, 0.5, 200) * 1.5
    assert float(sums / oracle.residual_lifetime((0.7, 1.2, 1.0), 0.5, 2) - 1) == pytest.approx(0, abs=1e-30)


def test_chances_at_40_digits():
    for params, t, _ in at_random(150, 1, most_c=5.0):
        model = model_of(params)
        assert_right(model.survival(t), float(oracle.survival(params, t)), 1e-300)
        assert_right(
            model.retention_rate(t + 1),
            float(oracle.survival(params, t + 1) / oracle.survival(params, t)),
            0.0,
        )
        for churned in (0, 1):
            value = model.log_likelihood([[t + churned, churned]])[0]
            assert_right(value, float(oracle.log_likelihood(params, t + churned, churned)), 1e-12)


def test_residual_lifetime_at_40_digits():
    for (alpha, beta, _), tenure, rng in at_random(150, 2):
        rate = log_uniform(rng, 1e-5, 1.0)
        model = ShiftedBetaGeometric.from_params(alpha=alpha, beta=beta)
        value = model.discounted_expected_renewals([[tenure, 0]], rate, renewal_due=True)[0]
        assert_right(value, float(oracle.residual_lifetime((alpha, beta, 1), rate, tenure)), 0.0)


def test_finite_sums_term_by_term():
    for params, tenure, rng in at_random(12, 3):
        rate, horizon = float(rng.choice([0.0, 0.01, 0.3])), int(rng.choice([1, 63, 64, 70, 150, 700]))
        value = model_of(params).discounted_expected_renewals([[tenure, 0]], rate, horizon)[0]
        assert_right(value, float(oracle.renewals(params, tenure, rate, horizon)), 0.0)


def test_absurd_numbers_are_answered():
    model = model_of((0.5, 1.0, 20.0))
    assert np.isfinite(model.discounted_expected_renewals(discount_rate=5e-324))
    assert model.discounted_expected_renewals(discount_rate=1e300) == pytest.approx(0.0, abs=1e-290)
    assert 0.0 <= model.survival(10**15) < 1e-100
    assert model_of((1e-12, 1.0, 1.0)).survival(100) == pytest.approx(1.0)


# -- properties --------------------------------------------------------------------------------------------------


@given(any_model, st.integers(0, 200))
def test_survival_falls_from_one_and_is_made_of_its_parts(model, start):
    t = np.arange(start, start + 30)
    survival = model.survival(t)
    assert model.survival(0) == 1.0
    assert (np.diff(survival) <= 0).all()
    assert model.survival(10**12) <= survival[0]
    assert survival[1:] == pytest.approx(survival[:-1] * model.retention_rate(t[1:]), rel=1e-11)
    assert survival[:-1] - survival[1:] == pytest.approx(model.churn_probability(t[1:]), rel=1e-9, abs=1e-13)
    row = [[start, 0]]
    assert model.probability_alive(row, 7)[0] == pytest.approx(
        model.survival(start + 7) / survival[0], rel=1e-11
    )
    likelihood = model.log_likelihood(np.column_stack([t[1:], np.ones(29)]))
    assert np.exp(likelihood) == pytest.approx(model.churn_probability(t[1:]), rel=1e-10)


@given(any_sbg)
def test_retention_of_a_cohort_rises_towards_one(model):
    retention = model.retention_rate(np.arange(1, 50))
    assert (np.diff(retention) >= 0).all()
    assert model.retention_rate(10**9) == pytest.approx(1.0, abs=1e-7)


@given(any_sbg, st.integers(0, 60), st.floats(0.0, 1.0))
def test_sbg_is_bdw_at_c_1(model, tenure, rate):
    same = BetaDiscreteWeibull.from_params(**model.params_, c=1.0)
    rows = [[tenure, 0], [tenure + 1, 1]]
    assert same.log_likelihood(rows) == pytest.approx(model.log_likelihood(rows), rel=1e-13)
    assert same.discounted_expected_renewals(rows, rate, 40) == pytest.approx(
        model.discounted_expected_renewals(rows, rate, 40), rel=1e-13
    )


@given(any_model, st.integers(0, 60), st.floats(0.02, 1.0))
@settings(max_examples=50)
def test_residual_value_is_the_limit_of_finite_sums(model, tenure, rate):
    row = [[tenure, 0]]
    endless = model.discounted_expected_renewals(row, rate)[0]
    ends = [model.discounted_expected_renewals(row, rate, n)[0] for n in (1, 10, 100, 3000)]
    assert (np.diff(ends) >= -1e-12 * endless).all()
    assert ends[-1] == pytest.approx(endless, rel=1e-11)
    due = model.discounted_expected_renewals(row, rate, renewal_due=True)[0]
    assert due == pytest.approx(endless * (1 + rate), rel=1e-14)
    again = model.probability_alive(row, 1)[0] * (
        1 + model.discounted_expected_renewals([[tenure + 1, 0]], rate)[0]
    )
    assert again / (1 + rate) == pytest.approx(endless, rel=1e-11)


def test_tenure_without_end_goes_to_its_mean_where_it_has_one():
    model = ShiftedBetaGeometric.from_params(alpha=3.0, beta=5.0)
    assert model.expected_renewals([[2, 0]], 10**9)[0] == pytest.approx((5.0 + 2) / (3.0 - 1), rel=1e-12)
    grows = ShiftedBetaGeometric.from_params(alpha=0.8, beta=5.0)
    assert grows.expected_renewals(None, 10**9) > 5 * grows.expected_renewals(None, 10**5)


def test_those_who_have_left_are_worth_nothing():
    model = ShiftedBetaGeometric.from_params(alpha=1.0, beta=2.0, horizon=12)
    rows = CustomerRows([[3, 0], [3, 1]], ("duration", "churned"))
    assert model.transform(rows)[1].tolist() == [0.0, 0.0]
    assert model.predict(rows)[0] == model.expected_renewals(rows, 12)[0] > 0
    assert model.discounted_expected_renewals(rows, 0.1)[1] == 0.0
    assert model.probability_alive(rows).tolist() == [1.0, 0.0]


def test_samples_follow_the_curve():
    model = model_of((0.7, 1.9, 1.4))
    rows = model.sample(200_000, T=6, random_state=0)
    assert rows.columns == ("duration", "churned")
    for t in range(1, 7):
        lost = np.mean((rows[:, 0] == t) & (rows[:, 1] == 1))
        assert lost == pytest.approx(model.churn_probability(t), abs=5 * np.sqrt(lost / 200_000))
    assert (rows[rows[:, 1] == 0, 0] == 6).all()
    assert model.sample(3, T=[0, 2, 4], random_state=1)[0].tolist() == [0.0, 0.0]


# -- fitting -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", MODELS)
@pytest.mark.parametrize("theta", [(0.7, 2.0, 1.4), (0.02, 0.05, 3.0), (300.0, 900.0, 0.5)])
def test_gradient_and_hessian_match_differences(kind, theta):
    rng = np.random.default_rng(0)
    rows = np.column_stack([rng.integers(1, 30, 500), rng.integers(0, 2, 500)])
    likelihood = ContractLikelihood(read_contracts(rows), rng.uniform(0, 2, 500), 0.3, names_of(kind))
    theta = np.log(theta[: len(names_of(kind))])
    _, gradient, hessian = likelihood(theta)
    steps = 1e-5 * np.eye(theta.size)
    values = [(likelihood(theta + e)[0] - likelihood(theta - e)[0]) / 2e-5 for e in steps]
    slopes = [(likelihood(theta + e)[1] - likelihood(theta - e)[1]) / 2e-5 for e in steps]
    assert gradient == pytest.approx(values, rel=1e-7, abs=1e-8)
    assert hessian == pytest.approx(np.array(slopes), rel=1e-7, abs=1e-8)


@pytest.mark.parametrize(
    ("kind", "truth"),
    [
        (ShiftedBetaGeometric, {"alpha": 0.7, "beta": 1.2}),
        (BetaDiscreteWeibull, {"alpha": 0.6, "beta": 2.0, "c": 1.5}),
    ],
)
def test_parameters_are_recovered(kind, truth):
    rows = kind.from_params(**truth).sample(40_000, T=np.arange(40_000) % 20, random_state=3)
    model = kind().fit(rows)
    errors = np.sqrt(np.diag(model.covariance_))
    for name, error in zip(truth, errors, strict=True):
        assert abs(model.params_[name] - truth[name]) < 4 * error
        assert error < 0.2 * truth[name]
    assert model.converged_
    assert model.log_likelihood_ == pytest.approx(model.log_likelihood(rows).sum(), rel=1e-12)
    assert model.score(rows) == pytest.approx(model.log_likelihood_ / len(rows), rel=1e-12)


def test_intervals_of_the_parameters_cover_the_truth():
    """90 % intervals by log-parameter over 100 simulated cohorts: 90 expected, standard deviation 3."""
    truth = {"alpha": 1.0, "beta": 3.0}
    ready, covered = ShiftedBetaGeometric.from_params(**truth), 0
    for seed in range(100):
        model = ShiftedBetaGeometric().fit(ready.sample(800, T=10, random_state=seed))
        error = np.sqrt(model.covariance_[1, 1]) / model.beta_
        covered += abs(np.log(model.beta_ / truth["beta"])) < 1.645 * error
    assert 81 <= covered <= 98


@pytest.mark.parametrize("kind", MODELS)
def test_weights_are_repeated_rows_and_cohorts_are_rows(kind):
    rows = kind.from_params(**dict(zip(names_of(kind), (0.9, 2.0, 1.3), strict=False))).sample(
        2000, T=np.arange(2000) % 9, random_state=4
    )
    counts = np.random.default_rng(5).integers(0, 3, 2000)
    weighted, repeated = kind().fit(rows, sample_weight=counts), kind().fit(np.repeat(rows, counts, axis=0))
    assert list(weighted.params_.values()) == pytest.approx(list(repeated.params_.values()), rel=1e-8)
    assert weighted.covariance_ == pytest.approx(repeated.covariance_, rel=1e-6)
    table = [HIGH_END[:8], [*REGULAR[:5], np.nan, np.nan, np.nan]]
    contracts, weights = cohort_contracts(table)
    one_each = np.repeat(contracts, weights.astype(int), axis=0)
    assert len(one_each) == 2000
    by_table, by_row = kind().fit_cohorts(table), kind().fit(one_each)
    assert list(by_table.params_.values()) == pytest.approx(list(by_row.params_.values()), rel=1e-9)


def test_the_bigger_model_fits_no_worse():
    for left in (HIGH_END, REGULAR):
        small, big = (kind().fit_cohorts(left) for kind in MODELS)
        assert big.log_likelihood_ >= small.log_likelihood_


@pytest.mark.parametrize("kind", MODELS)
def test_nobody_leaves(kind):
    with pytest.warns(FitWarning, match="no customer has left"):
        model = kind(horizon=5).fit([[3, 0], [5, 0]])
    assert not model.converged_
    assert model.alpha_ == 0.0
    assert model.survival([0, 10]).tolist() == [1.0, 1.0]
    assert model.expected_renewals([[3, 0]])[0] == pytest.approx(5.0)
    assert model.discounted_expected_renewals(None, 0.1) == pytest.approx(10.0)
    assert model.log_likelihood([[3, 0], [3, 1]]).tolist() == [0.0, -np.inf]
    assert model.sample(5, T=4, random_state=0)[:, 1].sum() == 0
    assert kind(penalty=1.0).fit([[3, 0], [5, 0]]).alpha_ > 0


@pytest.mark.parametrize(
    ("left", "message"),
    [
        ([1000, 900, 790, 670, 540, 400], "all customers leave with the same chance"),
        ([1000, 0], "not identified: customers were watched at 1 renewals"),
        ([1000, 600], "not identified: customers were watched at 1 renewals"),
        ([1000, 500, 500, 500, 500], "customers leave at the first renewal or never"),
        ([[1000, 0, 0], [1000, 0, 0]], "not identified|every customer leaves at the first renewal"),
    ],
)
def test_limits_are_told(left, message):
    with pytest.warns(FitWarning, match=message):
        model = ShiftedBetaGeometric().fit_cohorts(left)
    assert np.isfinite(list(model.params_.values())).all()
    assert np.isfinite(model.survival(np.arange(20))).all()


@pytest.mark.parametrize("kind", MODELS)
def test_small_bases_fit_or_say_why(kind):
    """No exception, no end that is silent: 50 simulated bases over the box, down to 5 customers."""
    for params, _, rng in at_random(50, 6):
        n, T = int(log_uniform(rng, 5, 2000)), int(rng.integers(1, 25))
        ready = kind.from_params(**dict(zip(names_of(kind), params, strict=False)))
        rows = ready.sample(n, T=T, random_state=int(rng.integers(1 << 30)))
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            model = kind().fit(rows)
        assert all(issubclass(w.category, FitWarning) for w in told)
        assert model.converged_ or told
        assert "no convergence" not in model.message_
        assert "no descent" not in model.message_
        assert np.isfinite(model.covariance_).all()
        if model.alpha_ > 0:
            assert model.log_likelihood_ >= ready.log_likelihood(rows).sum() - 1e-6


# -- inputs ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("X", "message"),
    [
        ([[1.5, 0], [2, 1]], r"duration must hold whole numbers.*row 0 \(1.5\)"),
        ([[-1, 0], [2, 1]], "duration must be >= 0.*row 0"),
        ([[2, 0], [0, 1]], "duration must be >= 1 where churned is 1.*row 1"),
        ([[2, 0], [1, 2]], r"churned must be 0 or 1.*row 1 \(2"),
        ([[2, 0], [np.nan, 1]], "duration must be finite.*row 1"),
        ([[2, np.inf], [2, 1]], "churned must be finite.*row 0"),
        ([[2, 0], [20_000, 1]], "duration must be <= 10,000 periods"),
        ([[2, 0]], "X has one customer"),
        ([[0, 0], [0, 0]], "nobody|no customer who came to a renewal"),
        (np.empty((0, 2)), "duration has 0 values"),
        ([1, 2, 3], "must have the columns"),
        ([[1, 2, 3]], "must have the columns"),
        ({"duration": [1, 2]}, "churned"),
        (CustomerRows([[1, 2.0]], ("frequency", "monetary_value")), "X lacks.*duration.*it has.*frequency"),
        ([["a", 0], ["b", 1]], "X must hold numbers"),
        (None, "must"),
    ],
)
def test_impossible_contracts(X, message):
    with pytest.raises(CrmintelError, match=message):
        ShiftedBetaGeometric().fit(X)


@pytest.mark.parametrize(
    ("active", "message"),
    [
        ([100, 90, 95], r"cohort 0\) must not grow.*row 2"),
        ([[100, 90], [0, 0]], r"cohort 1\) has no customer at the start"),
        ([[100, np.nan, 90]], "has a hole"),
        ([100, -5], "must be >= 0"),
        ([], "must be cohorts x periods"),
        ([[np.nan, np.nan]], "has 0 values"),
        ([100], "no customer who came to a renewal"),
        ([[[1.0]]], "must be cohorts x periods"),
        ("many", "must hold numbers"),
    ],
)
def test_impossible_cohorts(active, message):
    with pytest.raises(CrmintelError, match=message):
        ShiftedBetaGeometric().fit_cohorts(active)


def test_wrong_arguments():
    model = ShiftedBetaGeometric.from_params(alpha=1.0, beta=2.0)
    with pytest.raises(InputError, match="needs a finite horizon"):
        model.discounted_expected_renewals([[1, 0]])
    with pytest.raises(InputError, match="discount_rate must be >= 0"):
        model.discounted_expected_renewals([[1, 0]], -0.1)
    with pytest.raises(InputError, match="renewal_due must be True or False"):
        model.discounted_expected_renewals([[1, 0]], 0.1, renewal_due="now")
    with pytest.raises(InputError, match="horizon must be >= 1"):
        model.expected_renewals([[1, 0]], 0)
    with pytest.raises(CrmintelError, match="horizon must be a whole number"):
        model.expected_renewals([[1, 0]], 1.5)
    with pytest.raises(InputError, match="t must be >= 1"):
        model.retention_rate(0)
    with pytest.raises(InputError, match="t must hold whole numbers"):
        model.survival([0.5])
    with pytest.raises(InputError, match="needs exactly the parameters"):
        BetaDiscreteWeibull.from_params(alpha=1.0, beta=2.0)
    with pytest.raises(InputError, match="beta must be > 0"):
        ShiftedBetaGeometric.from_params(alpha=1.0, beta=0.0)
    with pytest.raises(InputError, match="penalty must be >= 0"):
        ShiftedBetaGeometric(penalty=-1.0).fit_cohorts(REGULAR)
    with pytest.raises(InputError, match="T has 2 values, expected 3"):
        model.sample(3, T=[1, 2])


def test_frames_shapes_and_pickles():
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame({"churned": [True, False, True], "duration": [1, 4, 2], "name": list("abc")})
    model = ShiftedBetaGeometric(horizon=3).fit(frame)
    assert model.feature_names_in_.tolist() == ["churned", "duration", "name"]
    plain = ShiftedBetaGeometric(horizon=3).fit([[1, 1], [4, 0], [2, 1]])
    assert plain.params_ == model.params_
    assert pickle.loads(pickle.dumps(model)).transform(frame).tolist() == plain.transform(frame).tolist()
    assert clone(model).get_params() == model.get_params()
    named = clone(model).set_output(transform="pandas").fit(frame).transform(frame)
    assert list(named.columns) == ["p_alive", "expected_renewals"]
    assert isinstance(model.survival(3), float)
    assert isinstance(model.expected_renewals(), float)
    assert model.survival([[0, 1], [2, 3]]).shape == (2, 2)
    fixed = np.array([[1.0, 1.0], [4.0, 0.0], [2.0, 1.0]])
    fixed.flags.writeable = False
    assert ShiftedBetaGeometric().fit(np.asfortranarray(fixed)).params_ == model.params_
    with pytest.raises(ColumnError):
        model.predict(frame[["duration"]])
