"""Intervals of a count: the parameters it may come from, and the search for its quantiles."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from crmintel.exceptions import CapacityError

_FARTHEST = 3.0  # log units: beyond a factor of e^3 along a flat direction predictions no longer change
_FEW = 6
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
    tails = ((1.0 + level) / 2.0 + _SLACK, (1.0 - level) / 2.0 + _SLACK)
    low, high = np.zeros(n_rows), np.zeros(n_rows)
    rows = np.arange(n_rows)
    for n in range(1, _FEW + 1):  # most customers buy rarely: a step for each count tells both ends
        chance = at_least(rows, np.full(rows.size, float(n)))
        low[rows[chance > tails[0]]] = n
        rows = rows[chance > tails[1]]
        high[rows] = n
        if not rows.size:
            break
    for ends, tail in zip((low, high), tails, strict=True):
        often = np.flatnonzero(ends == _FEW)
        if often.size:
            ends[often] = _quantiles(often, tail, at_least)
    return np.column_stack([low, high])


def _quantiles(
    customers: NDArray[np.int64],
    tail: float,
    at_least: Callable[[NDArray[np.int64], NDArray[np.float64]], NDArray[np.float64]],
) -> NDArray[np.float64]:
    """Return the smallest count, from `_FEW` on, that is exceeded with chance <= ``tail``: doubling, then bisection."""
    low, high = (
        np.full(customers.size, _FEW - 1.0),
        np.full(customers.size, 2.0 * _FEW),
    )  # it is in (low, high]
    rows = np.arange(customers.size)
    while rows.size:
        rows = rows[at_least(customers[rows], high[rows] + 1.0) > tail]
        low[rows] = high[rows]
        high[rows] *= 2.0
        if rows.size and high[rows[0]] > _MOST:
            raise CapacityError("more than 2**53 purchases may come within the horizon; shorten the horizon.")
    rows = np.arange(customers.size)
    while rows.size:
        middle = np.floor((low[rows] + high[rows]) / 2.0)
        enough = at_least(customers[rows], middle + 1.0) <= tail
        high[rows[enough]] = middle[enough]
        low[rows[~enough]] = middle[~enough]
        rows = rows[high[rows] - low[rows] > 1.0]
    return high
