"""Lift and gains by tenths of the customers, with intervals."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtri

from crmintel._frames import build_frame
from crmintel._validation import check_number, check_vector
from crmintel.churn._outcomes import check_outcome
from crmintel.exceptions import InputError


@dataclass(frozen=True, slots=True)
class GainTable:
    """Customers in groups of falling score; made by `gain_table`.

    Attributes
    ----------
    customers : ndarray of float64, shape (n_groups,)
        Customers of each group, the highest scores first.
    churners : ndarray of float64, shape (n_groups,)
        Those of them who left; customers with the same score on a border share it.
    rate, rate_low, rate_high : ndarray of float64, shape (n_groups,)
        Share who left, with Wilson's interval.
    lift, lift_low, lift_high : ndarray of float64, shape (n_groups,)
        The same over the rate of all.
    share, gain : ndarray of float64, shape (n_groups,)
        Share of the customers, and of all who left, in this group and those before it.

    Examples
    --------
    >>> import crmintel as ci
    >>> table = ci.gain_table([1, 1, 0, 0, 1, 0, 0, 0], [8, 7, 6, 5, 4, 3, 2, 1], n_groups=4)
    >>> table.rate.tolist(), table.gain.round(2).tolist()
    ([1.0, 0.0, 0.5, 0.0], [0.67, 0.67, 1.0, 1.0])
    """

    customers: NDArray[np.float64]
    churners: NDArray[np.float64]
    rate: NDArray[np.float64]
    rate_low: NDArray[np.float64]
    rate_high: NDArray[np.float64]
    lift: NDArray[np.float64]
    lift_low: NDArray[np.float64]
    lift_high: NDArray[np.float64]
    share: NDArray[np.float64]
    gain: NDArray[np.float64]

    def to_frame(self, library: str | None = None) -> Any:
        """Return one row per group as a frame of ``library`` (pandas, polars, pyarrow), or as a dict."""
        return build_frame({name: getattr(self, name) for name in self.__slots__}, library)


def gain_table(y: ArrayLike, score: ArrayLike, *, n_groups: int = 10, level: float = 0.9) -> GainTable:
    """Cut customers into equal groups by falling score and count who left.

    Parameters
    ----------
    y : array-like of shape (n_customers,)
        1 for customers who left, 0 for the others.
    score : array-like of shape (n_customers,)
        The higher, the likelier to leave.
    n_groups : int, default=10
        Number of groups.
    level : float, default=0.9
        Level of the intervals.

    Returns
    -------
    GainTable

    Raises
    ------
    InputError
        If nobody left, a value is missing, lengths differ, or there are fewer customers than groups.

    See Also
    --------
    top_decile_lift : The lift of the first group.

    Examples
    --------
    >>> import crmintel as ci
    >>> ci.gain_table([1, 0, 0, 0], [0.9, 0.5, 0.5, 0.1], n_groups=2).lift.tolist()
    [2.0, 0.0]
    """
    left = check_outcome(y)
    values = check_vector(score, "score", n=left.size)
    n = left.size
    groups = int(check_number(n_groups, "n_groups", low=1, integer=True))
    level = check_number(level, "level", low=0.0, high=1.0, strict_low=True, strict_high=True)
    if groups > n:
        raise InputError(f"n_groups={groups} needs as many customers or more, got {n}.")
    if not left.any():
        raise InputError(f"y has no churner among {n} customers; there is nothing to gain.")
    _, rank = np.unique(-values, return_inverse=True)
    tied = np.bincount(rank)
    # customers with one score are spread evenly over their places: the mean over all orders of them
    places = np.concatenate([[0.0], np.cumsum(tied)])
    found = np.concatenate([[0.0], np.cumsum(np.bincount(rank, left))])
    borders = np.arange(groups + 1) * n / groups
    reached = np.interp(borders, places, found)
    size, churners = np.diff(borders), np.diff(reached)
    rate, whole = churners / size, left.mean()
    z2 = float(ndtri((1.0 + level) / 2.0)) ** 2
    middle = (rate + z2 / (2.0 * size)) / (1.0 + z2 / size)
    spread = np.sqrt(z2 * (np.maximum(rate * (1.0 - rate), 0.0) / size + z2 / (4.0 * size**2))) / (
        1.0 + z2 / size
    )
    low, high = np.maximum(middle - spread, 0.0), np.minimum(middle + spread, 1.0)
    return GainTable(
        size,
        churners,
        rate,
        low,
        high,
        rate / whole,
        low / whole,
        high / whole,
        borders[1:] / n,
        reached[1:] / left.sum(),
    )
