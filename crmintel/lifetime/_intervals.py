"""Intervals of a count: the parameters it may come from, and the search for its quantiles."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from crmintel.exceptions import CapacityError

_FARTHEST = 3.0  # log units: beyond a factor of e^3 along a flat direction predictions no longer change
_FIRST = 8.0  # most customers buy rarely: nearly all are answered below it
_MOST = 2.0**53  # beyond it a float does not tell one count from the next
_SLACK = 1e-12  # rounding of a chance


def plausible_parameters(
    estimate: NDArray[np.float64], covariance: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return equally weighted parameters with the mean and covariance of log-parameters ~ N(estimate, covariance).

    These are the points of the cubature rule of degree 3. Parameters of variance 0 stay where they are.
    """
    moving = np.diag(covariance) > 0
    if not moving.any():
        return estimate[None, :]
    centre = estimate[moving]
    values, vectors = np.linalg.eigh(covariance[np.ix_(moving, moving)] / np.outer(centre, centre))
    spread = np.minimum(np.sqrt(np.maximum(values, 0.0) * centre.size), _FARTHEST)
    offsets = (vectors * spread).T
    points = np.tile(estimate, (2 * centre.size, 1))
    points[:, moving] *= np.exp(np.concatenate([offsets, -offsets]))
    return points


def outcome_interval(
    n_rows: int,
    level: float,
    at_least: Callable[[NDArray[np.int64], NDArray[np.float64]], NDArray[np.float64]],
) -> NDArray[np.float64]:
    """Return the smallest counts at which the distribution function reaches (1 -+ level) / 2.

    Parameters
    ----------
    n_rows : int
        Number of customers.
    level : float
        Chance that the interval is to hold.
    at_least : callable
        ``at_least(rows, counts)`` gives each row's chance of its count (>= 1) or more, shape (len(rows),).

    Returns
    -------
    ndarray of shape (n_rows, 2)

    Raises
    ------
    CapacityError
        If a count is beyond 2**53.
    """
    above = ((1.0 + level) / 2.0, (1.0 - level) / 2.0)
    return np.column_stack([_quantiles(n_rows, tail + _SLACK, at_least) for tail in above])


def _quantiles(
    n_rows: int,
    tail: float,
    at_least: Callable[[NDArray[np.int64], NDArray[np.float64]], NDArray[np.float64]],
) -> NDArray[np.float64]:
    """Return the smallest count of each row that is exceeded with chance <= ``tail``: doubling, then bisection."""
    low, high = np.full(n_rows, -1.0), np.full(n_rows, _FIRST)  # the answer is in (low, high]
    rows = np.arange(n_rows)
    while rows.size:
        rows = rows[at_least(rows, high[rows] + 1.0) > tail]
        low[rows] = high[rows]
        high[rows] *= 2.0
        if rows.size and high[rows[0]] > _MOST:
            raise CapacityError(
                f"row {rows[0]} makes more than 2**53 purchases within the horizon; shorten the horizon."
            )
    rows = np.arange(n_rows)
    while rows.size:
        middle = np.floor((low[rows] + high[rows]) / 2.0)
        enough = at_least(rows, middle + 1.0) <= tail
        high[rows[enough]] = middle[enough]
        low[rows[~enough]] = middle[~enough]
        rows = rows[high[rows] - low[rows] > 1.0]
    return high
