"""Are later customers like earlier ones? One model for all against one for each cohort."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.stats import chi2
from sklearn.base import clone

from crmintel.exceptions import FitWarning
from crmintel.lifetime._frequency_fit import ages
from crmintel.lifetime._histories import Histories, Vector

_FEWEST_CUSTOMERS, _FEWEST_BUYERS = 100, 30


@dataclass(frozen=True, slots=True)
class CohortDrift:
    """Customers by the time since their first purchase, oldest first, under one model for all.

    Attributes
    ----------
    youngest, oldest : ndarray
        Range of T in each cohort.
    customers, frequency : ndarray
        How many, and their mean number of repeat purchases.
    expected : ndarray
        The mean that the common model expects of new customers watched as long.
    statistic, degrees_of_freedom, p_value : float
        Likelihood-ratio test of one model for all against one for each cohort.
    """

    youngest: Vector
    oldest: Vector
    customers: Vector
    frequency: Vector
    expected: Vector
    statistic: float
    degrees_of_freedom: int
    p_value: float

    @property
    def ratio(self) -> Vector:
        """Actual over expected mean frequency of each cohort."""
        return self.frequency / np.where(self.expected > 0, self.expected, np.nan)


def cohort_drift(
    model: Any, h: Histories, take: Any, n_parameters: int, n_cohorts: int
) -> CohortDrift | None:
    """Compare cohorts of about equal size, fewer than ``n_cohorts`` where they would be small; None for fewer than 2.

    Parameters
    ----------
    model : fitted model
    h : Histories
    take : callable
        ``take(mask)`` gives the rows of ``h`` that a model is fitted on.
    n_parameters : int
        Free ones of ``model``.
    """
    cohorts = _cohorts(h, n_cohorts)
    if cohorts is None:
        return None
    own, means = 0.0, []
    for who in cohorts:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FitWarning)
            own += clone(model).fit(take(who)).log_likelihood_
        values, counts = ages(h.T[who])
        expected = [model.expected_purchases(None, float(age)) if age > 0 else 0.0 for age in values]
        means.append(float(np.average(expected, weights=counts)))
    statistic = max(2.0 * (own - model.log_likelihood_), 0.0)
    freedom = (len(cohorts) - 1) * n_parameters
    return CohortDrift(
        np.array([h.T[who].min() for who in cohorts]),
        np.array([h.T[who].max() for who in cohorts]),
        np.array([np.count_nonzero(who) for who in cohorts], dtype=np.float64),
        np.array([h.x[who].mean() for who in cohorts]),
        np.array(means),
        statistic,
        freedom,
        float(chi2.sf(statistic, freedom)),
    )


def _cohorts(h: Histories, wanted: int) -> list[Any] | None:
    for n in range(wanted, 1, -1):
        edges = np.unique(np.quantile(h.T, np.arange(1, n) / n, method="higher"))
        code = np.searchsorted(edges, h.T, side="right")
        groups = [code == each for each in np.unique(code)[::-1]]
        customers = min(np.count_nonzero(who) for who in groups)
        buyers = min(np.count_nonzero(h.x[who]) for who in groups)
        if len(groups) > 1 and customers >= _FEWEST_CUSTOMERS and buyers >= _FEWEST_BUYERS:
            return groups
    return None
