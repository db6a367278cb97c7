"""Fitting Pareto/NBD and NBD: derivatives, weights, units, covariance, penalty, limits, recovery."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

from crmintel import NBD, BetaGeoNBD, ParetoNBD
from crmintel.exceptions import FitWarning, InputError
from crmintel.lifetime import _pareto_likelihood, nbd
from crmintel.lifetime._histories import Histories, read_histories

TRUTH = {
    ParetoNBD: {"r": 0.6, "alpha": 8.0, "s": 0.7, "beta": 10.0},
    NBD: {"r": 0.6, "alpha": 8.0},
}
LIKELIHOOD = {ParetoNBD: _pareto_likelihood.ParetoLikelihood, NBD: nbd.NBDLikelihood}


@pytest.fixture(scope="module", params=TRUTH, ids=lambda model: model.__name__)
def model(request):
    return request.param


@pytest.fixture(scope="module")
def rows(model):
    return model.from_params(**TRUTH[model], unit="week").sample(2000, T=52.0, random_state=0)


@pytest.fixture(scope="module")
def fitted(model, rows):
    return model(horizon=13).fit(rows)


@pytest.mark.parametrize("penalty", [0.0, 2.0])
def test_gradient_and_hessian_match_differences(model, rows, penalty):
    weights = np.random.default_rng(0).uniform(0, 2, len(rows))
    likelihood = LIKELIHOOD[model](read_histories(rows), weights, penalty)
    theta = np.array([0.3, 2.0, -1.0, 1.5])[: len(TRUTH[model])]
    _, gradient, hessian = likelihood(theta)
    steps = 1e-5 * np.eye(theta.size)
    values = [(likelihood(theta + e)[0] - likelihood(theta - e)[0]) / 2e-5 for e in steps]
    slopes = [(likelihood(theta + e)[1] - likelihood(theta - e)[1]) / 2e-5 for e in steps]
    assert gradient == pytest.approx(values, abs=1e-8)
    assert hessian == pytest.approx(np.array(slopes), abs=1e-8)


def test_the_objective_is_the_sum_of_the_rows(rows, fitted):
    assert fitted.log_likelihood(rows).sum() == pytest.approx(fitted.log_likelihood_, rel=1e-12)
    assert fitted.score(rows) == pytest.approx(fitted.log_likelihood_ / len(rows), rel=1e-12)
    assert fitted.aic_ == pytest.approx(2 * len(fitted.params_) - 2 * fitted.log_likelihood_)


def test_no_neighbour_is_better(model, rows, fitted):
    rng = np.random.default_rng(1)
    for _ in range(30):
        near = {name: value * np.exp(rng.normal(scale=0.05)) for name, value in fitted.params_.items()}
        assert model.from_params(**near).score(rows) < fitted.score(rows)


def test_covariance_is_the_inverse_observed_information(model, rows, fitted):
    h, values = 1e-3, np.array(list(fitted.params_.values()))

    def total(shift):
        moved = dict(zip(fitted.params_, values * (1 + shift), strict=True))
        return model.from_params(**moved).log_likelihood(rows).sum()

    steps = h * np.eye(values.size)
    information = np.array(
        [
            [-(total(e + f) - total(e - f) - total(f - e) + total(-e - f)) / (4 * h * h) for f in steps]
            for e in steps
        ]
    )
    expected = np.linalg.inv(information) * np.outer(values, values)
    assert np.array_equal(fitted.covariance_, fitted.covariance_.T)
    assert fitted.covariance_ == pytest.approx(expected, rel=1e-3)


def test_weights_are_repeated_rows(model, rows):
    counts = np.random.default_rng(2).integers(0, 4, len(rows))
    weighted = model().fit(rows, sample_weight=counts)
    repeated = model().fit(np.repeat(np.asarray(rows), counts, axis=0))
    assert weighted.params_ == pytest.approx(repeated.params_, rel=1e-8)
    assert weighted.log_likelihood_ == pytest.approx(repeated.log_likelihood_, rel=1e-12)
    assert weighted.covariance_ == pytest.approx(repeated.covariance_, rel=1e-6)


@pytest.mark.parametrize("penalty", [0.0, 5.0])
@pytest.mark.parametrize("factor", [604_800.0, 1 / 52.18])
def test_the_unit_of_time_changes_the_times_and_nothing_else(model, rows, penalty, factor):
    scaled = np.asarray(rows) * [1, factor, factor]
    base, other = model(penalty=penalty).fit(np.asarray(rows)), model(penalty=penalty).fit(scaled)
    back = {n: v / factor if n in ("alpha", "beta") else v for n, v in other.params_.items()}
    assert back == pytest.approx(base.params_, rel=1e-8)
    purchases = rows[:, 0].sum()
    assert other.log_likelihood_ == pytest.approx(
        base.log_likelihood_ - purchases * np.log(factor), rel=1e-10
    )
    assert other.expected_purchases(scaled, 13 * factor) == pytest.approx(
        base.expected_purchases(np.asarray(rows), 13), rel=1e-7
    )


def test_parameters_are_recovered(model):
    sample = model.from_params(**TRUTH[model]).sample(30_000, T=78.0, random_state=3)
    fitted = model().fit(sample)
    errors = np.sqrt(np.diag(fitted.covariance_))
    for name, error in zip(TRUTH[model], errors, strict=True):
        assert abs(fitted.params_[name] - TRUTH[model][name]) < 4 * error
        assert error < 0.1 * TRUTH[model][name]


def test_a_large_fit_started_from_a_sample_ends_at_the_same_optimum(model, monkeypatch):
    sample = model.from_params(**TRUTH[model]).sample(10_000, T=52.0, random_state=4)
    direct = model().fit(sample)
    monkeypatch.setattr(LIKELIHOOD[model], "sample", 2_000)
    sampled = model().fit(sample)
    assert sampled.n_iter_ <= direct.n_iter_
    assert sampled.params_ == pytest.approx(direct.params_, rel=1e-7)


def test_small_random_bases_always_end_in_an_answer(model):
    rng = np.random.default_rng(5)
    for _ in range(12):
        truth = {
            name: np.exp(rng.uniform(np.log(0.05), np.log(20))) * (5 if name in ("alpha", "beta") else 1)
            for name in TRUTH[model]
        }
        sample = model.from_params(**truth).sample(int(rng.choice([10, 40, 200])), T=40.0, random_state=rng)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            found = model(horizon=10).fit(sample)
        assert found.converged_ or caught
        assert np.isfinite(found.transform(sample)).all()
        assert np.isfinite(found.covariance_).all()
        if sample[:, 0].any():
            assert found.score(sample) >= model.from_params(**truth).score(sample) - 1e-6


def test_a_base_without_repeat_purchases_is_not_identified(model):
    rows = np.column_stack([np.zeros(20), np.zeros(20), np.arange(1.0, 21)])
    with pytest.warns(FitWarning, match="not identified: no customer has bought again"):
        found = model().fit(rows)
    assert not found.converged_
    assert (found.probability_alive(rows) == 1).all()
    assert found.expected_purchases(rows, 10) == pytest.approx(np.zeros(20), abs=1e-9)
    assert found.predict_interval(rows, 10).tolist() == [[0.0, 0.0]] * 20
    assert (found.next_purchase_quantile(rows) > 1e9).all()
    penalised = model(penalty=1.0).fit(rows)
    assert penalised.converged_
    assert (penalised.expected_purchases(rows, 10) > 0).all()


def test_the_penalty_pulls_towards_its_centre(model, rows):
    free, firm = model().fit(rows), model(penalty=1e7).fit(rows)
    mean = rows[:, 2].mean()
    centre = {name: mean if name in ("alpha", "beta") else 1.0 for name in TRUTH[model]}
    assert firm.params_ == pytest.approx(centre, rel=1e-2)
    assert firm.log_likelihood_ < free.log_likelihood_


def test_a_missed_convergence_is_told(model, rows):
    with pytest.warns(FitWarning, match="max_iter=1 "):
        found = model(max_iter=1).fit(rows)
    assert not found.converged_


# -- limits -----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def loyal():
    """Customers who never leave: their last purchases come later than at random."""
    rng = np.random.default_rng(6)
    x = rng.poisson(rng.gamma(1.0, 1 / 8.0, 1000) * 50.0).astype(float)
    last = 50.0 * rng.random(1000) ** (0.5 / np.maximum(x, 1)) * (x > 0)
    return np.column_stack([x, last, np.full(1000, 50.0)])


@pytest.mark.parametrize("model_with_dropout", [ParetoNBD, BetaGeoNBD])
def test_where_nobody_leaves_the_models_are_the_nbd(model_with_dropout, loyal):
    with pytest.warns(FitWarning, match="no customer is seen to leave"):
        found = model_with_dropout().fit(loyal)
    limit, some = NBD().fit(loyal), loyal[:5]
    assert found.converged_
    assert (found.r_, found.alpha_) == pytest.approx((limit.r_, limit.alpha_), rel=1e-8)
    assert found.log_likelihood_ == pytest.approx(limit.log_likelihood_, rel=1e-12)
    assert found.covariance_[:2, :2] == pytest.approx(limit.covariance_, rel=1e-6)
    assert not found.covariance_[2:].any()
    twin = NBD.from_params(r=found.r_, alpha=found.alpha_)
    for ask in (
        lambda m: m.log_likelihood(some),
        lambda m: m.probability_alive(some),
        lambda m: m.probability_alive(some, after=10),
        lambda m: m.expected_purchases(some, 10),
        lambda m: m.expected_purchases(None, 10),
        lambda m: m.probability_no_purchase(some, 10),
        lambda m: m.purchase_count_pmf(some, 10, [0, 1, 2, 5]),
        lambda m: m.next_purchase_quantile(some, 0.7),
        lambda m: m.discounted_expected_transactions(some, 0.01),
    ):
        assert ask(found) == pytest.approx(ask(twin), rel=1e-11)
    assert found.predict_interval(some, 10).tolist() == limit.predict_interval(some, 10).tolist()
    assert np.isfinite(found.sample(10, 39.0, random_state=0)).all()


def test_little_dropout_is_nearly_none():
    near = ParetoNBD.from_params(r=0.5, alpha=6.0, s=1e-9, beta=10.0)
    limit, row = NBD.from_params(r=0.5, alpha=6.0), [[4, 30, 35]]
    assert near.log_likelihood(row) == pytest.approx(limit.log_likelihood(row), rel=1e-7)
    assert near.expected_purchases(row, 20) == pytest.approx(limit.expected_purchases(row, 20), rel=1e-7)


def test_customers_with_one_rate_are_named_alike():
    alike = ParetoNBD.from_params(r=1e6, alpha=1e6, s=3e5, beta=3e6)
    rows = np.asarray(alike.sample(300, T=10.0, random_state=0))
    with pytest.warns(FitWarning, match="all customers buy at the same rate"):
        found = ParetoNBD().fit(rows)
    assert found.r_ / found.alpha_ == pytest.approx(1.0, rel=0.15)
    assert np.isfinite(found.transform(rows)).all()


def test_the_better_of_two_good_ends_is_found():
    """The search from the first start ends well, but to say that some leave at once is better."""
    truth = ParetoNBD.from_params(r=1.0, alpha=40.0, s=0.07, beta=1e-3)
    rows = np.asarray(truth.sample(100, T=60.0, random_state=0))
    with pytest.warns(FitWarning, match="right after the first purchase"):
        found = ParetoNBD().fit(rows)
    likelihood = _pareto_likelihood.ParetoLikelihood(read_histories(rows), np.ones(100), 0.0)
    first = likelihood.minimise(likelihood.start(likelihood.starts[0]), 1e-9, 200)
    assert first.converged
    assert likelihood.limit(first) is None
    assert found.log_likelihood_ > 0.5 - 100 * first.value


def test_who_leaves_at_once_is_named():
    """Half of the customers never come back, the others never leave."""
    rng = np.random.default_rng(0)
    x = rng.poisson(rng.gamma(1.0, 0.2, 1000) * 50) * (rng.random(1000) < 0.5)
    last = np.where(x > 0, 50 * rng.random(1000) ** (1 / np.maximum(x, 1)), 0.0)
    rows = np.column_stack([x, last, np.full(1000, 50.0)])
    with pytest.warns(FitWarning, match="right after the first purchase"):
        found = ParetoNBD().fit(rows)
    alive = found.probability_alive(rows)
    assert alive[x == 0].max() < 0.2
    assert alive[x > 2].mean() > 0.95


def test_equal_histories_are_put_together():
    rng = np.random.default_rng(1)
    T = rng.integers(1, 9, 400) / 7
    x = rng.integers(0, 3, 400).astype(float)
    h = Histories(x, np.where(x > 0, T * 0.5, 0.0), T)
    weights = rng.random(400)
    few, sums = _pareto_likelihood._distinct(h, weights)
    together = {}
    for row in zip(h.x, h.t_x, h.T, weights, strict=True):
        together[row[:3]] = together.get(row[:3], 0.0) + row[3]
    found = {row[:3]: row[3] for row in zip(few.x, few.t_x, few.T, sums, strict=True)}
    assert found == pytest.approx(together)
    assert len(few) == len(together)


# -- manners and long proofs ------------------------------------------------------------------------------------


def test_impossible_histories_and_parameters_are_named(model):
    good = np.array([[0, 0, 10.0], [2, 5, 10], [1, 3, 8]])
    for row, column, value, message in [
        (1, 1, 10.5, "recency must not exceed T"),
        (1, 1, 0, "recency must be > 0 where frequency > 0"),
        (0, 1, 2, "recency must be 0 where frequency is 0"),
        (0, 2, -1, "T must be >= 0"),
        (2, 0, 1.5, "frequency must hold whole numbers"),
        (2, 1, np.nan, "recency must be finite"),
    ]:
        bad = good.copy()
        bad[row, column] = value
        with pytest.raises(InputError, match=message):
            model().fit(bad)
    for params in ({"r": 1}, {**TRUTH[model], "r": 0.0}, {**TRUTH[model], "extra": 1}):
        with pytest.raises(InputError, match=r"needs exactly the parameters|r must be > 0"):
            model.from_params(**params)
    ready = model.from_params(**TRUTH[model])
    with pytest.raises(InputError, match="rate=0 needs a finite horizon"):
        ready.discounted_expected_transactions(good, 0.0)
    with pytest.raises(InputError, match="horizon must be >= 0"):
        ready.expected_purchases(good, -1)


@pytest.mark.slow
def test_a_thousand_bases_end_in_an_answer():
    rng = np.random.default_rng(7)

    def log_uniform(low, high):
        return float(np.exp(rng.uniform(np.log(low), np.log(high))))

    for i in range(1000):
        truth = {
            "r": log_uniform(0.01, 30),
            "alpha": log_uniform(0.1, 1e4),
            "s": log_uniform(0.01, 30),
            "beta": log_uniform(0.1, 1e4) if i % 2 else log_uniform(0.01, 30),
        }
        n = 100_000 if i % 250 == 0 else int(log_uniform(10, 5000))
        rows = np.asarray(ParetoNBD.from_params(**truth).sample(n, rng.uniform(10, 200, n), random_state=rng))
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            found = ParetoNBD(horizon=10).fit(rows)
        assert found.converged_ or caught
        assert not any(w.category is not FitWarning for w in caught)
        assert np.isfinite(found.transform(rows[:200])).all()
        if rows[:, 0].any():
            assert found.score(rows) >= ParetoNBD.from_params(**truth).score(rows) - 1e-9


@pytest.mark.slow
def test_intervals_of_the_parameters_cover_the_truth():
    truth = TRUTH[ParetoNBD]
    exact, inside, n = ParetoNBD.from_params(**truth), np.zeros(4), 2000
    for seed in range(n):
        found = ParetoNBD().fit(np.asarray(exact.sample(2000, T=60.0, random_state=seed)))
        errors = np.sqrt(np.diag(found.covariance_)) / list(found.params_.values())
        off = np.log(list(found.params_.values())) - np.log(list(truth.values()))
        inside += np.abs(off) <= 1.6449 * errors
    assert (np.abs(inside / n - 0.9) < 0.02).all()
