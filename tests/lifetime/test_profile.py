"""Profile-likelihood intervals, standard errors and the condition of a fit."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.exceptions import NotFittedError

from crmintel import NBD, BetaGeoBetaBinomial, BetaGeoNBD, ParetoNBD, ShiftedBetaGeometric, profile_interval
from crmintel.exceptions import FitWarning, InputError, InputTypeError

TRUTH = {"r": 0.5, "alpha": 6.0, "a": 0.8, "b": 2.5}


@pytest.fixture(scope="module")
def rows():
    return np.asarray(BetaGeoNBD.from_params(**TRUTH).sample(800, T=52.0, random_state=0))


@pytest.fixture(scope="module")
def fitted(rows):
    return BetaGeoNBD().fit(rows)


@pytest.mark.parametrize("parameter", ["r", "b"])
def test_the_ends_are_where_the_likelihood_has_fallen_by_the_quantile(rows, fitted, parameter):
    others = [name for name in TRUTH if name != parameter]
    for end in profile_interval(fitted, rows, parameter):
        # the best of the other parameters, by steps that know nothing of derivatives
        best = {**fitted.params_, parameter: end}
        value, step = BetaGeoNBD.from_params(**best).log_likelihood(rows).sum(), 0.1
        while step > 1e-4:
            tries = [
                {**best, one: best[one] * np.exp(i * step), two: best[two] * np.exp(j * step)}
                for one in others
                for two in others
                for i in (-1, 0, 1)
                for j in (-1, 0, 1)
            ]
            values = [BetaGeoNBD.from_params(**params).log_likelihood(rows).sum() for params in tries]
            if max(values) > value + 1e-9:
                value, best = max(values), tries[int(np.argmax(values))]
            else:
                step /= 2
        assert 2 * (fitted.log_likelihood_ - value) == pytest.approx(2.7055, abs=2e-3)


def test_with_many_customers_it_is_the_estimate_plus_and_minus_errors():
    rows = np.asarray(NBD.from_params(r=1.0, alpha=10.0).sample(40_000, T=50.0, random_state=0))
    model = NBD().fit(rows)
    for name in ("r", "alpha"):
        low, high = profile_interval(model, rows, name, level=0.95)
        middle, error = model.params_[name], model.standard_errors_[name]
        assert low == pytest.approx(middle - 1.96 * error, abs=0.03 * error)
        assert high == pytest.approx(middle + 1.96 * error, abs=0.03 * error)


@pytest.mark.parametrize(
    ("model", "truth", "T"),
    [
        (ParetoNBD, {"r": 0.6, "alpha": 10.0, "s": 0.6, "beta": 12.0}, 60.0),
        (BetaGeoBetaBinomial, {"alpha": 1.2, "beta": 0.75, "gamma": 0.65, "delta": 2.8}, 12),
        (ShiftedBetaGeometric, {"alpha": 0.7, "beta": 1.6}, 8),
    ],
)
def test_intervals_of_other_models_hold_the_truth(model, truth, T):
    rows = model.from_params(**truth).sample(3000, T=T, random_state=1)
    found = model().fit(rows)
    for name, value in truth.items():
        low, high = profile_interval(found, rows, name, level=0.999)
        assert low < value < high
        assert low < found.params_[name] < high


def test_weights_are_repeated_rows(rows, fitted):
    counts = np.random.default_rng(2).integers(1, 4, len(rows))
    weighted = BetaGeoNBD().fit(rows, sample_weight=counts)
    twice = np.repeat(rows, counts, axis=0)
    assert profile_interval(weighted, rows, "a", sample_weight=counts) == pytest.approx(
        profile_interval(BetaGeoNBD().fit(twice), twice, "a"), rel=1e-6
    )


def test_where_the_data_set_no_limit():
    rows = np.asarray(NBD.from_params(r=1.0, alpha=8.0).sample(300, T=50.0, random_state=0))
    rows[:, 1] = (rows[:, 1] + rows[:, 2]) / 2 * (rows[:, 0] > 0)  # later than at random
    with pytest.warns(FitWarning, match="no customer is seen to leave"):
        model = BetaGeoNBD().fit(rows)
    assert profile_interval(model, rows, "a")[0] == 0.0
    assert profile_interval(model, rows, "b")[1] == np.inf
    assert np.isfinite(profile_interval(model, rows, "r")).all()


@pytest.mark.slow
def test_coverage():
    inside, n, exact = np.zeros(4), 400, BetaGeoNBD.from_params(**TRUTH)
    for seed in range(n):
        sample = np.asarray(exact.sample(400, T=52.0, random_state=seed))
        model = BetaGeoNBD().fit(sample)
        ends = [profile_interval(model, sample, name) for name in TRUTH]
        inside += [low < value < high for (low, high), value in zip(ends, TRUTH.values(), strict=True)]
    assert (np.abs(inside / n - 0.9) < 0.05).all()


def test_errors_and_condition(rows, fitted):
    assert list(fitted.standard_errors_.values()) == pytest.approx(np.sqrt(np.diag(fitted.covariance_)))
    values = np.array(list(fitted.params_.values()))
    information = np.linalg.inv(fitted.covariance_ / np.outer(values, values))
    assert fitted.condition_number_ == pytest.approx(np.linalg.cond(information), rel=1e-6)


def test_wrong_arguments(rows, fitted):
    with pytest.raises(InputError, match="parameter must be one of 'r', 'alpha', 'a', 'b'; got 'beta'"):
        profile_interval(fitted, rows, "beta")
    with pytest.raises(InputError, match="level"):
        profile_interval(fitted, rows, "r", level=1.0)
    with pytest.raises((InputError, InputTypeError)):
        profile_interval(fitted, None, "r")
    with pytest.raises(InputTypeError, match="fitted model of purchases or contracts, got None"):
        profile_interval(None, rows, "r")
    with pytest.raises(NotFittedError):
        profile_interval(BetaGeoNBD(), rows, "r")
    with pytest.raises(InputError, match="fit it first"):
        profile_interval(BetaGeoNBD.from_params(**TRUTH), rows, "r")
