"""The covariance of the parameters is the inverse of the observed information, by differences of 40-digit oracles."""

from __future__ import annotations

import mpmath as mp
import numpy as np
import pytest

from crmintel import (
    NBD,
    BetaDiscreteWeibull,
    BetaGeoBetaBinomial,
    BetaGeoCNBD,
    BetaGeoNBD,
    CorrelatedSpend,
    GammaGamma,
    LogNormalSpend,
    ModifiedBetaGeoCNBD,
    ModifiedBetaGeoNBD,
    ParetoNBD,
    ShiftedBetaGeometric,
)
from tests.oracles import btyd, cnbd, contract, paretonbd


def nbd_log_likelihood(params, x, t_x, T):
    r, alpha = params
    return mp.loggamma(r + x) - mp.loggamma(r) + r * mp.log(alpha) - (r + x) * mp.log(alpha + T)


def lognormal_log_likelihood(params, x, m):
    mu, sigma, cv = map(mp.mpf, params)
    within = mp.log(1 + cv**2 / x)
    return mp.log(mp.npdf(mp.log(m), mu - within / 2, mp.sqrt(sigma**2 + within)) / m)


def correlated_log_likelihood(params, x, m):
    p, q, v, slope = params
    return btyd.gammagamma_log_likelihood((p, q, v * ((1 + x) / 2) ** slope), x, m)


BG = {"r": 0.9, "alpha": 5.0, "a": 0.9, "b": 2.5}
# what the rows are drawn with, how long they are watched, and the oracle
CASES = {
    NBD: ({"r": 0.9, "alpha": 5.0}, 40.0, nbd_log_likelihood),
    BetaGeoNBD: (BG, 40.0, btyd.bgnbd_log_likelihood),
    ModifiedBetaGeoNBD: (BG, 40.0, btyd.mbgnbd_log_likelihood),
    ParetoNBD: ({"r": 0.9, "alpha": 5.0, "s": 0.7, "beta": 10.0}, 40.0, paretonbd.log_likelihood),
    BetaGeoBetaBinomial: (
        {"alpha": 1.2, "beta": 0.8, "gamma": 0.7, "delta": 4.0},
        6,
        lambda params, *row: btyd.bgbb_log_likelihood(params, *map(int, row)),
    ),
    ShiftedBetaGeometric: (
        {"alpha": 0.8, "beta": 3.0},
        8,
        lambda params, duration, churned: contract.log_likelihood((*params, 1.0), int(duration), churned),
    ),
    BetaDiscreteWeibull: (
        {"alpha": 0.8, "beta": 3.0, "c": 1.3},
        8,
        lambda params, duration, churned: contract.log_likelihood(params, int(duration), churned),
    ),
    GammaGamma: ({"p": 6.0, "q": 4.0, "v": 15.0}, None, btyd.gammagamma_log_likelihood),
    LogNormalSpend: ({"mu": 3.0, "sigma": 0.6, "cv": 0.5}, None, lognormal_log_likelihood),
    CorrelatedSpend: ({"p": 6.0, "q": 4.0, "v": 15.0, "slope": 0.1}, None, correlated_log_likelihood),
}
WHOLE_LINE = ("mu", "slope")  # the other parameters are positive


def rows_of(kind, params, T, rng):
    """A few histories that many customers share, and how many."""
    if isinstance(T, int):
        return np.unique(
            kind.from_params(**params).sample(3000, T, random_state=rng), axis=0, return_counts=True
        )
    if T is not None:
        drawn = np.unique(np.asarray(kind.from_params(**params).sample(400, T, random_state=rng)), axis=0)
        rows = drawn[:: len(drawn) // 40 + 1]
    else:
        x = np.arange(120) % 6 + 1.0
        rows = np.column_stack([x, rng.gamma(6.0 * x) / (x * rng.gamma(4.0, 1 / 15.0, 120))])
    return rows, rng.integers(20, 60, len(rows))


def information(total, theta, h):
    """Minus the second differences of ``total`` at ``theta``."""
    steps = h * np.eye(theta.size)
    middle = total(theta)
    beside = [(total(theta + e), total(theta - e)) for e in steps]
    found = np.diag([2 * middle - up - down for up, down in beside]).astype(object)
    for i, e in enumerate(steps):
        for j, f in enumerate(steps[:i]):
            both = total(theta + e + f) + total(theta - e - f) - total(theta + e - f) - total(theta - e + f)
            found[i, j] = found[j, i] = -both / 4
    return (found / h**2).astype(float)


def check(fitted, rows, weights, oracle, h):
    names, values = list(fitted.params_), np.array(list(fitted.params_.values()))
    positive = ~np.isin(names, WHOLE_LINE)

    def total(theta):
        at = np.where(positive, np.exp(np.where(positive, theta, 0.0)), theta)
        return sum(w * oracle(at, *row) for w, row in zip(weights, rows, strict=True))

    theta = np.where(positive, np.log(np.where(positive, values, 1.0)), values)
    by_theta = np.linalg.inv(information(total, theta, h))
    scale = np.where(positive, values, 1.0)
    expected = by_theta * np.outer(scale, scale)
    errors = np.sqrt(np.diag(expected))
    assert np.array_equal(fitted.covariance_, fitted.covariance_.T)
    assert np.diag(fitted.covariance_) == pytest.approx(np.diag(expected), rel=1e-4)
    assert fitted.covariance_ / np.outer(errors, errors) == pytest.approx(
        expected / np.outer(errors, errors), abs=1e-4
    )
    assert list(fitted.standard_errors_.values()) == pytest.approx(errors, rel=1e-4)


@pytest.mark.parametrize("kind", CASES)
def test_covariance(kind):
    params, T, oracle = CASES[kind]
    rng = np.random.default_rng(0)
    rows, weights = rows_of(kind, params, T, rng)
    fitted = kind().fit(rows, sample_weight=weights)
    assert fitted.converged_
    check(fitted, rows, weights, oracle, h=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize("kind", [BetaGeoCNBD, ModifiedBetaGeoCNBD])
def test_covariance_of_regular_buyers(kind):
    """Their oracle integrates over the rate, by 25 digits."""
    rng = np.random.default_rng(6)
    rows = np.asarray(kind.from_params(**BG, k=3).sample(12, 40.0, random_state=rng))
    weights = rng.integers(20, 60, len(rows))
    fitted = kind(k=3).fit(rows[:, :3], sample_weight=weights)
    modified = kind is ModifiedBetaGeoCNBD

    def oracle(params, x, t_x, T):
        with mp.workdps(25):
            return cnbd.log_likelihood(params, 3, int(x), t_x, T, 0.0, modified)

    check(fitted, rows[:, :3], weights, oracle, h=1e-3)
