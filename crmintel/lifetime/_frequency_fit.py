"""Do as many customers buy 0, 1, 2, ... times as a model says? Chi-square on the histogram of frequencies."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import chi2

from crmintel.lifetime._histories import Vector

_MOST_AGES = 128  # customers of about one age are foretold together; more ages change no digit that is shown
_FEWEST = 5.0  # customers expected in a bin, the usual rule for chi-square
_MOST_BINS = 50
_LONGEST = 500  # counts beyond are one bin


@dataclass(frozen=True, slots=True)
class FrequencyFit:
    """Observed and expected customers by frequency, and the test of their difference.

    Attributes
    ----------
    first : ndarray
        Lowest frequency of each bin; the last holds everything from there on.
    misfit : float
        Cohen's w, sqrt(chi-square / n): how large the difference is, whatever the number of customers.
    """

    first: NDArray[np.int64]
    observed: Vector
    expected: Vector
    chi_square: float
    degrees_of_freedom: int
    p_value: float
    misfit: float


def ages(T: Vector) -> tuple[Vector, Vector]:
    """Return at most `_MOST_AGES` times since the first purchase that stand for all, and how many have each."""
    values, counts = np.unique(T, return_counts=True)
    if values.size > _MOST_AGES:
        ordered = np.sort(T)
        groups = np.array_split(ordered, _MOST_AGES)
        values, counts = (
            np.array([group[group.size // 2] for group in groups]),
            np.array([g.size for g in groups]),
        )
    return values, counts.astype(np.float64)


def frequency_fit(model: Any, x: Vector, T: Vector, n_parameters: int) -> FrequencyFit:
    """Compare the frequencies ``x`` of customers watched for ``T`` with what a fitted model expects of new ones.

    The parameters were estimated from more than the histogram, so that the p value is a little too small.
    """
    top = int(min(np.sort(x)[max(x.size - int(_FEWEST), 0)], _LONGEST))
    counts = np.arange(top + 1)
    expected = np.zeros(top + 2)
    for age, customers in zip(*ages(T), strict=True):
        chance = np.zeros(top + 1)
        if age > 0:
            chance = model.purchase_count_pmf(None, float(age), counts)
        else:
            chance[0] = 1.0
        expected[:-1] += customers * chance
    expected[-1] = max(x.size - expected.sum(), 0.0)
    observed = np.bincount(np.minimum(x, top + 1).astype(np.int64), minlength=top + 2).astype(np.float64)
    first = _bins(expected, max(_FEWEST, x.size / _MOST_BINS))
    observed, expected = np.add.reduceat(observed, first), np.add.reduceat(expected, first)
    with np.errstate(divide="ignore", invalid="ignore"):
        parts = np.where(
            expected > 0, (observed - expected) ** 2 / expected, np.where(observed > 0, np.inf, 0.0)
        )
    statistic = float(parts.sum())
    freedom = max(first.size - 1 - n_parameters, 0)
    p_value = float(chi2.sf(statistic, freedom)) if freedom else np.nan
    misfit = float(np.sqrt(statistic / x.size))
    return FrequencyFit(first, observed, expected, statistic, freedom, p_value, misfit)


def _bins(expected: Vector, enough: float) -> NDArray[np.int64]:
    """Return the first count of each bin: neighbours are joined until enough customers are expected."""
    first, held = [0], 0.0
    for count, customers in enumerate(expected.tolist()):
        if held >= enough:
            first.append(count)
            held = 0.0
        held += customers
    if held < enough and len(first) > 1:
        first.pop()
    return np.array(first)
