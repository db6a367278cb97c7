"""Likelihood-ratio tests of models that are special cases of others."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from scipy.stats import chi2

from crmintel import (
    NBD,
    BetaDiscreteWeibull,
    BetaGeoNBD,
    GammaGamma,
    ModifiedBetaGeoNBD,
    ParetoNBD,
    ShiftedBetaGeometric,
    likelihood_ratio_test,
)
from crmintel.exceptions import FitWarning, InputError, InputTypeError

ROWS = BetaGeoNBD.from_params(r=0.5, alpha=6, a=0.8, b=2.5, unit="week").sample(400, T=52.0, random_state=0)


@pytest.mark.filterwarnings("ignore::crmintel.exceptions.FitWarning")
@pytest.mark.parametrize("larger", [BetaGeoNBD, ModifiedBetaGeoNBD, ParetoNBD])
def test_dropout_is_at_the_edge(larger):
    small, large = NBD().fit(ROWS), larger().fit(ROWS)
    found = likelihood_ratio_test(small, large)
    assert found.statistic == pytest.approx(2 * (large.log_likelihood_ - small.log_likelihood_))
    assert (found.df, found.boundary) == (2, True)
    expected = (chi2.sf(found.statistic, 1) + chi2.sf(found.statistic, 2)) / 2
    assert found.p_value == pytest.approx(expected)


def test_the_power_of_duration_is_inside():
    active = [1000, 869, 743, 653, 593, 551, 517, 491]
    small = ShiftedBetaGeometric().fit_cohorts(active)
    large = BetaDiscreteWeibull().fit_cohorts(active)
    found = likelihood_ratio_test(small, large)
    assert (found.df, found.boundary) == (1, False)
    assert found.p_value == pytest.approx(chi2.sf(found.statistic, 1))


def test_covariates_are_inside():
    rng = np.random.default_rng(0)
    table = {name: np.asarray(ROWS)[:, i] for i, name in enumerate(("frequency", "recency", "T"))}
    table["noise"] = rng.normal(size=len(ROWS))
    small = BetaGeoNBD().fit(table)
    large = BetaGeoNBD(purchase_covariates=("noise",)).fit(table)
    found = likelihood_ratio_test(small, large)
    assert (found.df, found.boundary) == (1, False)
    assert found.p_value > 0.01


def test_no_dropout_gives_no_evidence_of_it():
    rows = np.asarray(NBD.from_params(r=1.0, alpha=8.0).sample(300, T=50.0, random_state=0))
    rows[:, 1] = (rows[:, 1] + rows[:, 2]) / 2 * (rows[:, 0] > 0)  # later than at random
    with pytest.warns(FitWarning):
        large = BetaGeoNBD().fit(rows)
    found = likelihood_ratio_test(NBD().fit(rows), large)
    assert found.statistic == pytest.approx(0.0, abs=1e-2)
    assert found.p_value > 0.9


def test_it_rejects_no_more_than_it_says():
    rejected, n, truth = 0, 60, NBD.from_params(r=1.0, alpha=8.0)
    for seed in range(n):
        rows = truth.sample(300, T=50.0, random_state=seed)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FitWarning)
            rejected += likelihood_ratio_test(NBD().fit(rows), BetaGeoNBD().fit(rows)).p_value < 0.1
    assert rejected / n < 0.2


def test_what_is_no_special_case():
    nbd, bg, mbg = NBD().fit(ROWS), BetaGeoNBD().fit(ROWS), ModifiedBetaGeoNBD().fit(ROWS)
    for small, large in [
        (bg, nbd),
        (bg, mbg),
        (bg, bg),
        (nbd, ShiftedBetaGeometric().fit_cohorts([9, 5, 3])),
    ]:
        with pytest.raises(InputError, match="no special case"):
            likelihood_ratio_test(small, large)
    for none in (None, GammaGamma()):
        with pytest.raises(InputTypeError, match="models of purchases or contracts, got"):
            likelihood_ratio_test(nbd, none)
    with pytest.raises(InputError, match="the smaller one stands first"):
        likelihood_ratio_test(bg, nbd)
    with pytest.raises(InputError, match="known parameters"):
        likelihood_ratio_test(NBD.from_params(r=1, alpha=1), bg)
    with pytest.raises(InputError, match="penalty"):
        likelihood_ratio_test(nbd, BetaGeoNBD(penalty=1.0).fit(ROWS))
    with pytest.raises(InputError, match="fit both to the same rows"):
        likelihood_ratio_test(nbd, BetaGeoNBD().fit(np.repeat(np.asarray(ROWS), 2, axis=0), None))
    with pytest.raises(InputError, match="the larger model has the smaller log-likelihood"):
        likelihood_ratio_test(
            NBD(unit="week").fit(ROWS), BetaGeoNBD(unit="week").fit(np.vstack([ROWS, ROWS]))
        )
