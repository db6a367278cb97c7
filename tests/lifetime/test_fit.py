"""Fitting BG/NBD: derivatives, weights, units, covariance, penalty, limits, recovery."""

from __future__ import annotations

import pickle
import time
import warnings

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV

from crmintel import NBD, BetaGeoNBD
from crmintel.exceptions import FitWarning
from crmintel.features.rows import CustomerRows
from crmintel.lifetime._betageometric import BetaGeometricLikelihood as _Likelihood
from crmintel.lifetime._count_sums import count_rule
from crmintel.lifetime._histories import Histories, read_histories

TRUTH = {"r": 0.5, "alpha": 6.0, "a": 0.8, "b": 2.5}


@pytest.fixture(scope="module")
def rows():
    return BetaGeoNBD.from_params(**TRUTH, unit="week").sample(3000, T=52.0, random_state=0)


@pytest.fixture(scope="module")
def fitted(rows):
    return BetaGeoNBD(horizon=13).fit(rows)


@pytest.mark.parametrize("penalty", [0.0, 2.0])
def test_gradient_and_hessian_match_differences(rows, penalty):
    weights = np.random.default_rng(0).uniform(0, 2, len(rows))
    likelihood = _Likelihood(read_histories(rows), weights, penalty)
    theta = np.array([0.3, 2.0, -1.0, 0.5])
    _, gradient, hessian = likelihood(theta)
    steps = 1e-5 * np.eye(4)
    values = [(likelihood(theta + e)[0] - likelihood(theta - e)[0]) / 2e-5 for e in steps]
    slopes = [(likelihood(theta + e)[1] - likelihood(theta - e)[1]) / 2e-5 for e in steps]
    assert gradient == pytest.approx(values, abs=1e-8)
    assert hessian == pytest.approx(np.array(slopes), abs=1e-8)


def test_the_objective_is_the_sum_of_the_rows(rows, fitted):
    assert fitted.log_likelihood(rows).sum() == pytest.approx(fitted.log_likelihood_, rel=1e-12)
    assert fitted.score(rows) == pytest.approx(fitted.log_likelihood_ / len(rows), rel=1e-12)
    assert fitted.aic_ == pytest.approx(8 - 2 * fitted.log_likelihood_)


def test_no_neighbour_is_better(rows, fitted):
    rng = np.random.default_rng(1)
    for _ in range(50):
        near = {name: value * np.exp(rng.normal(scale=0.05)) for name, value in fitted.params_.items()}
        assert BetaGeoNBD.from_params(**near).score(rows) < fitted.score(rows)


def test_covariance_is_the_inverse_observed_information(rows, fitted):
    names, h = list(fitted.params_), 1e-3

    def total(shift):
        moved = {n: v * (1 + s) for (n, v), s in zip(fitted.params_.items(), shift, strict=True)}
        return BetaGeoNBD.from_params(**moved).log_likelihood(rows).sum()

    steps = h * np.eye(4)
    information = np.array(
        [
            [-(total(e + f) - total(e - f) - total(f - e) + total(-e - f)) / (4 * h * h) for f in steps]
            for e in steps
        ]
    )
    values = np.array([fitted.params_[n] for n in names])
    expected = np.linalg.inv(information) * np.outer(values, values)
    assert np.array_equal(fitted.covariance_, fitted.covariance_.T)
    assert fitted.covariance_ == pytest.approx(expected, rel=1e-3)


def test_weights_are_repeated_rows(rows):
    counts = np.random.default_rng(2).integers(0, 4, len(rows))
    weighted = BetaGeoNBD().fit(rows, sample_weight=counts)
    repeated = BetaGeoNBD().fit(np.repeat(np.asarray(rows), counts, axis=0))
    assert weighted.params_ == pytest.approx(repeated.params_, rel=1e-8)
    assert weighted.log_likelihood_ == pytest.approx(repeated.log_likelihood_, rel=1e-12)
    assert weighted.covariance_ == pytest.approx(repeated.covariance_, rel=1e-6)
    assert weighted.score(rows, sample_weight=counts) == pytest.approx(
        repeated.log_likelihood_ / counts.sum(), rel=1e-12
    )


@pytest.mark.parametrize("penalty", [0.0, 5.0])
@pytest.mark.parametrize("factor", [604_800.0, 7.0, 1 / 52.18])
def test_the_unit_of_time_changes_alpha_and_nothing_else(rows, penalty, factor):
    scaled = np.asarray(rows) * [1, factor, factor]
    base, other = BetaGeoNBD(penalty=penalty).fit(np.asarray(rows)), BetaGeoNBD(penalty=penalty).fit(scaled)
    assert [other.r_, other.alpha_ / factor, other.a_, other.b_] == pytest.approx(
        list(base.params_.values()), rel=1e-8
    )
    purchases = rows[:, 0].sum()
    assert other.log_likelihood_ == pytest.approx(
        base.log_likelihood_ - purchases * np.log(factor), rel=1e-10
    )
    assert other.expected_purchases(scaled, 13 * factor) == pytest.approx(
        base.expected_purchases(np.asarray(rows), 13), rel=1e-7
    )


def test_parameters_are_recovered():
    sample = BetaGeoNBD.from_params(**TRUTH).sample(60_000, T=78.0, random_state=3)
    fitted = BetaGeoNBD().fit(sample)
    errors = np.sqrt(np.diag(fitted.covariance_))
    for name, error in zip(TRUTH, errors, strict=True):
        assert abs(fitted.params_[name] - TRUTH[name]) < 4 * error
        assert error < 0.1 * TRUTH[name]


def test_a_large_fit_started_from_a_sample_ends_at_the_same_optimum(monkeypatch):
    sample = BetaGeoNBD.from_params(**TRUTH).sample(20_000, T=52.0, random_state=4)
    direct = BetaGeoNBD().fit(sample)
    monkeypatch.setattr(_Likelihood, "sample", 2_000)
    sampled = BetaGeoNBD().fit(sample)
    assert sampled.n_iter_ < direct.n_iter_
    assert sampled.params_ == pytest.approx(direct.params_, rel=1e-7)


def test_small_random_bases_always_end_in_an_answer():
    rng = np.random.default_rng(5)
    for _ in range(60):
        logs = rng.uniform(np.log(0.05), np.log(20), 4)
        truth = dict(zip(TRUTH, np.exp(logs), strict=True))
        truth["alpha"] *= 5
        sample = BetaGeoNBD.from_params(**truth).sample(
            int(rng.choice([10, 40, 200])), T=40.0, random_state=rng
        )
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            model = BetaGeoNBD(horizon=10).fit(sample)
        assert model.converged_ or caught
        assert np.isfinite(model.transform(sample)).all()
        assert np.isfinite(model.covariance_).all()
        if sample[:, 0].any():
            assert model.score(sample) >= BetaGeoNBD.from_params(**truth).score(sample) - 1e-6


def test_customers_who_never_leave():
    rng = np.random.default_rng(6)
    rate = rng.gamma(1.0, 1 / 8.0, 2000)
    x = rng.poisson(rate * 50.0).astype(float)
    last = 50.0 * rng.random(2000) ** (0.5 / np.maximum(x, 1)) * (x > 0)  # later than at random
    rows = np.column_stack([x, last, np.full(2000, 50.0)])
    with pytest.warns(FitWarning, match="no customer is seen to leave"):
        model = BetaGeoNBD().fit(rows)
    assert model.converged_
    assert model.r_ == pytest.approx(1.0, rel=0.15)
    assert (model.probability_alive(rows) == 1).all()
    assert model.expected_purchases(rows, 5) == pytest.approx(
        (model.r_ + x) * 5 / (model.alpha_ + 50), rel=1e-12
    )


def test_customers_with_one_rate_and_one_chance_to_leave_are_named_alike():
    alike = BetaGeoNBD.from_params(r=1e6, alpha=1e6, a=3e5, b=7e5)
    rows = np.asarray(alike.sample(300, T=10.0, random_state=0))
    with pytest.warns(FitWarning, match="the best fit is a limit of the model"):
        model = BetaGeoNBD().fit(rows)
    assert model.r_ / model.alpha_ == pytest.approx(1.0, rel=0.15)
    assert model.a_ / (model.a_ + model.b_) == pytest.approx(0.3, rel=0.15)
    assert np.isfinite(model.transform(rows)).all()


def test_a_base_without_repeat_purchases_is_not_identified():
    rows = np.column_stack([np.zeros(20), np.zeros(20), np.arange(1.0, 21)])
    with pytest.warns(FitWarning, match="not identified: no customer has bought again"):
        model = BetaGeoNBD().fit(rows)
    assert not model.converged_
    assert (model.probability_alive(rows) == 1).all()
    assert model.expected_purchases(rows, 10) == pytest.approx(np.zeros(20), abs=1e-9)
    assert model.predict_interval(rows, 10).tolist() == [[0.0, 0.0]] * 20
    assert (
        np.isinf(model.next_purchase_quantile(rows, 0.5)).all()
        or (model.next_purchase_quantile(rows) > 1e9).all()
    )
    penalised = BetaGeoNBD(penalty=1.0).fit(rows)
    assert penalised.converged_
    assert (penalised.expected_purchases(rows, 10) > 0).all()


def test_the_penalty_pulls_towards_its_centre(rows):
    free, firm = BetaGeoNBD().fit(rows), BetaGeoNBD(penalty=1e7).fit(rows)
    centre = [1.0, rows[:, 2].mean(), 1.0, 1.0]
    assert list(firm.params_.values()) == pytest.approx(centre, rel=1e-2)
    assert firm.log_likelihood_ < free.log_likelihood_


def test_a_customer_seen_for_no_time_is_legal(rows):
    more = np.vstack([np.asarray(rows), [[0, 0, 0.0]]])
    fitted = BetaGeoNBD().fit(more)
    assert fitted.params_ == pytest.approx(BetaGeoNBD().fit(np.asarray(rows)).params_, rel=1e-7)
    assert fitted.log_likelihood([[0, 0, 0]]).tolist() == [0.0]
    assert fitted.probability_alive([[0, 0, 0]]).tolist() == [1.0]


def test_estimator_manners(rows, fitted):
    twin = clone(BetaGeoNBD(horizon=13, penalty=0.5))
    assert twin.get_params() == {
        "horizon": 13,
        "penalty": 0.5,
        "unit": None,
        "purchase_covariates": (),
        "dropout_covariates": (),
        "tol": 1e-9,
        "max_iter": 200,
    }
    copy = pickle.loads(pickle.dumps(fitted))
    assert np.array_equal(copy.predict(rows), fitted.predict(rows))
    before = np.asarray(rows).copy()
    fitted.transform(rows)
    assert np.array_equal(before, rows)
    assert fitted.get_feature_names_out().tolist() == ["p_alive", "expected_purchases"]
    assert fitted.feature_names_in_.tolist() == ["frequency", "recency", "T"]
    frame = BetaGeoNBD(horizon=13).set_output(transform="polars").fit(rows).transform(rows)
    assert frame.columns == ["p_alive", "expected_purchases"]
    search = GridSearchCV(BetaGeoNBD(), {"penalty": [0.0, 1e6]}, cv=3).fit(rows)
    assert search.best_params_ == {"penalty": 0.0}
    assert search.best_estimator_.unit_ == "week"


def test_a_missed_convergence_is_told(rows):
    with pytest.warns(FitWarning, match="max_iter=1 "):
        model = BetaGeoNBD(max_iter=1).fit(rows)
    assert not model.converged_


def test_rows_carry_their_unit_into_the_sample(fitted):
    drawn = fitted.sample(5, T=[1.0, 2.0, 3.0, 4.0, 5.0], random_state=0)
    assert isinstance(drawn, CustomerRows)
    assert (drawn.columns, drawn.unit) == (("frequency", "recency", "T"), "week")
    assert np.array_equal(drawn, fitted.sample(5, T=[1.0, 2.0, 3.0, 4.0, 5.0], random_state=0))


def test_histories_slice():
    h = Histories(np.arange(3.0), np.arange(3.0), np.arange(3.0))
    assert len(h[1:]) == 2


@pytest.mark.parametrize("size", [10, 512, 520, 700, 5000, 1_000_000])
def test_sums_over_counts(size):
    rng = np.random.default_rng(0)
    weights = np.cumsum(rng.exponential(size=size) * (rng.random(size) < 0.01))[::-1] + 1e-3
    nodes, masses = count_rule(weights)
    assert nodes.size < 512 + 12 * 12
    j = np.arange(size, dtype=float)
    for r in (1e-6, 0.3, 30.0, 1e5):
        for f in (
            lambda t, r=r: np.log(r + t),
            lambda t, r=r: r / (r + t),
            lambda t, r=r: r * t / (r + t) ** 2,
        ):
            assert masses @ f(nodes) == pytest.approx(weights @ f(j), rel=1e-12)


@pytest.mark.filterwarnings("ignore::crmintel.exceptions.FitWarning")
def test_counts_of_a_million_are_fitted_in_no_time():
    start = time.process_time()
    BetaGeoNBD().fit([[1_000_000, 1, 1]] * 3)
    assert time.process_time() - start < 8.0


@pytest.mark.parametrize(
    ("seed", "limit"),
    [(0, "leave at their first chance or never"), (1, "leave with the same chance"), (2, "is seen to leave")],
)
def test_what_chance_makes_of_a_base_that_nobody_leaves(seed, limit):
    """Half of all samples ask for a little dropout, most of them for a limit of it: the fit says so."""
    rows = NBD.from_params(r=0.72, alpha=9.4).sample(3_000, T=30, random_state=seed)
    with pytest.warns(FitWarning, match=limit):
        model = BetaGeoNBD().fit(rows)
    gain = model.log_likelihood_ - NBD().fit(rows).log_likelihood_
    assert model.converged_
    assert -1e-9 < gain < 3.0
    if model.a_ > 0.0:
        assert "That nobody leaves (the NBD model) is as likely but for chance" in model.message_
    else:
        assert (model.probability_alive(rows) == 1.0).all()
