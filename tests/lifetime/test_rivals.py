"""No rival finds a better optimum: scipy's searches from many starts, and lifetimes' fitters where they end."""

from __future__ import annotations

import warnings
from collections import Counter

import numpy as np
import pytest
from scipy.optimize import minimize

from crmintel import BetaGeoBetaBinomial, BetaGeoNBD, GammaGamma, ModifiedBetaGeoNBD, ParetoNBD
from crmintel.lifetime._betageometric import BetaGeometricLikelihood
from crmintel.lifetime._bgbb_likelihood import BetaGeoBetaBinomialLikelihood, distinct_histories
from crmintel.lifetime._gammagamma_likelihood import SpendLikelihood
from crmintel.lifetime._histories import read_histories
from crmintel.lifetime._pareto_likelihood import ParetoLikelihood
from crmintel.lifetime.mbgnbd import _Likelihood as ModifiedLikelihood
from tests.lifetime.bases import BOXES, base
from tests.oracles import btyd, paretonbd

LIKELIHOODS = {
    BetaGeoNBD: BetaGeometricLikelihood,
    ModifiedBetaGeoNBD: ModifiedLikelihood,
    ParetoNBD: ParetoLikelihood,
    BetaGeoBetaBinomial: BetaGeoBetaBinomialLikelihood,
    GammaGamma: SpendLikelihood,
}
FITTERS = {
    BetaGeoNBD: "BetaGeoFitter",
    ModifiedBetaGeoNBD: "ModifiedBetaGeoFitter",
    ParetoNBD: "ParetoNBDFitter",
    BetaGeoBetaBinomial: "BetaGeoBetaBinomFitter",
    GammaGamma: "GammaGammaFitter",
}
ORACLES = {
    BetaGeoNBD: btyd.bgnbd_log_likelihood,
    ModifiedBetaGeoNBD: btyd.mbgnbd_log_likelihood,
    ParetoNBD: paretonbd.log_likelihood,
    BetaGeoBetaBinomial: lambda params, *row: btyd.bgbb_log_likelihood(params, *map(int, row)),
    GammaGamma: btyd.gammagamma_log_likelihood,
}
TOLERANCE = 1e-6  # log-likelihood per customer


def best_of(kind, rows):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return kind().fit(rows)


def objective(kind, rows):
    """The mean negative log-likelihood by log-parameters with its gradient, and where to look for its minimum."""
    if kind is GammaGamma:
        likelihood = SpendLikelihood(*rows.T, np.ones(len(rows)))
        centre = np.array([0.0, 0.0, likelihood.typical])
    else:
        h, weights = read_histories(rows), np.ones(len(rows))
        if kind is BetaGeoBetaBinomial:
            codes, h = distinct_histories(h)
            weights = np.bincount(codes).astype(float)
        likelihood = LIKELIHOODS[kind](h, weights, 0.0)
        centre = likelihood.centre
    return (lambda theta: likelihood(theta)[:2]), centre


def scipys_ends(kind, rows, rng):
    """The values at which scipy's searches end, from ten starts anywhere, and within what numbers can hold."""
    function, centre = objective(kind, rows)
    box = [(c - 20.0, c + 20.0) for c in centre]
    for n in range(10):
        start = centre + rng.uniform(-4.0, 4.0, centre.size)
        with np.errstate(all="ignore"):
            if n < 8:
                found = minimize(function, start, jac=True, method="L-BFGS-B", bounds=box)
            else:
                simplex = {"method": "Nelder-Mead", "bounds": box, "options": {"maxfev": 1500}}
                found = minimize(lambda theta: function(theta)[0], start, **simplex)
        params = dict(zip(BOXES[kind], np.exp(found.x).tolist(), strict=True))
        # the sums of a fit lose digits where parameters are far beyond its own search: by the rows
        yield "L-BFGS-B" if n < 8 else "Nelder-Mead", -kind.from_params(**params).score(rows)


def lifetimes_end(kind, rows, lifetimes):
    """The value at which the fitter of lifetimes ends, by our likelihood, or NaN."""
    fitter = getattr(lifetimes, FITTERS[kind])()
    columns = (rows[rows[:, 0] > 0] if kind is GammaGamma else rows).T
    try:
        fitter.fit(*columns)
        params = dict(fitter.params_)
        return -kind.from_params(**params).score(rows)
    except Exception:  # whatever it fails of
        return np.nan


def small_bases(kind, count, most=1000):
    number = found = 0
    while found < count:
        number += 1
        if number % 250 == 1:
            continue
        _, rows, odd = base(kind, number)
        if len(rows) <= most and rows[:, 0].any():
            found += 1
            yield number, odd, rows


def test_of_two_ends_of_gamma_gamma_the_better_is_found():
    """The first search ends where the purchases of a customer are the same, 0.03 a customer worse."""
    _, rows, _ = base(GammaGamma, 14)
    found = GammaGamma().fit(rows)
    likelihood = SpendLikelihood(*rows.T, np.ones(len(rows)))
    first = likelihood.minimise(likelihood.start(6.0, 4.0), 1e-9, 200)
    assert first.converged
    assert np.exp(first.theta[0]) > 1e6
    assert found.score(rows) > 0.03 - first.value
    assert found.p_ == pytest.approx(0.29, abs=0.01)


@pytest.mark.slow
@pytest.mark.parametrize("kind", LIKELIHOODS)
def test_scipy_finds_nothing_better(kind, record_property):
    ends, better = Counter(), []
    for number, odd, rows in small_bases(kind, 50):
        own = -best_of(kind, rows).log_likelihood_ / len(rows)
        for method, value in scipys_ends(kind, rows, np.random.default_rng(number)):
            if own - value > TOLERANCE:
                better.append(f"{number} {odd} ({len(rows)} rows): {method} {own - value:.2g}")
            worse = not np.isfinite(value) or value - own > TOLERANCE
            ends[f"{method} {'worse' if worse else 'as good'}"] += 1
    record_property("ends", dict(ends))
    assert not better, "\n".join(better)


@pytest.mark.slow
@pytest.mark.parametrize("kind", LIKELIHOODS)
def test_lifetimes_finds_nothing_better(kind, record_property):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        lifetimes = pytest.importorskip("lifetimes")
    ends, better = Counter(), []
    for number, odd, rows in small_bases(kind, 50, most=300):
        own = -best_of(kind, rows).log_likelihood_ / len(rows)
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            value = lifetimes_end(kind, rows, lifetimes)
        if own - value > TOLERANCE:
            better.append(f"{number} {odd} ({len(rows)} rows): {own - value:.2g}")
        ends["no end" if np.isnan(value) else "worse" if value - own > TOLERANCE else "as good"] += 1
    record_property("ends", dict(ends))
    assert not better, "\n".join(better)


@pytest.mark.slow
@pytest.mark.parametrize("kind", LIKELIHOODS)
def test_at_many_digits_nothing_near_is_better(kind):
    """The simplex walks on the oracle's likelihood, from beside the optimum."""
    for number, odd, rows in small_bases(kind, 3, most=30):
        rows = rows[rows[:, 0] > 0] if kind is GammaGamma else rows
        found = best_of(kind, rows)
        params = np.array(list(found.params_.values()))
        if not (np.isfinite(params).all() and params.all()):
            continue

        def value(theta, rows=rows):
            return -float(sum(ORACLES[kind](np.exp(theta), *row) for row in rows)) / len(rows)

        own = value(np.log(params))
        assert own == pytest.approx(-found.log_likelihood_ / len(rows), rel=1e-10)
        start = np.log(params) + np.random.default_rng(number).normal(scale=0.3, size=params.size)
        rival = minimize(value, start, method="Nelder-Mead", options={"maxfev": 150})
        assert own - rival.fun < TOLERANCE, (number, odd)
