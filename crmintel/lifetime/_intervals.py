"""Intervals of a count: the parameters it may come from, and its probabilities asked for a few counts at a time."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

_FARTHEST = 3.0  # log units: beyond a factor of e^3 along a flat direction predictions no longer change
_BLOCK = 8  # most customers buy rarely: the first block answers nearly all of them
_CELLS = 1 << 20  # probabilities held at a time


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
    pmf: Callable[[NDArray[np.int64], NDArray[np.float64]], NDArray[np.float64]],
) -> NDArray[np.float64]:
    """Return the smallest counts at which the distribution function reaches (1 -+ level) / 2.

    Parameters
    ----------
    n_rows : int
        Number of customers.
    level : float
        Chance that the interval is to hold.
    pmf : callable
        ``pmf(rows, counts)`` gives the probabilities, shape (len(rows), len(counts)).

    Returns
    -------
    ndarray of shape (n_rows, 2)
    """
    tails = ((1.0 - level) / 2.0, (1.0 + level) / 2.0)
    bounds = np.zeros((n_rows, 2))
    for first in range(0, n_rows, _CELLS // _BLOCK):
        rows = np.arange(first, min(first + _CELLS // _BLOCK, n_rows))
        below = np.zeros(rows.size)  # chance of fewer than `start` purchases
        start, width = 0, _BLOCK
        while rows.size:
            counts = np.arange(start, start + width, dtype=np.float64)
            reached = below[:, None] + np.cumsum(pmf(rows, counts), axis=1)
            for side, tail in enumerate(tails):
                hit = (reached >= tail - 1e-12).any(axis=1) & (below < tail - 1e-12)
                bounds[rows[hit], side] = start + np.argmax(reached[hit] >= tail - 1e-12, axis=1)
            open_ = reached[:, -1] < tails[1] - 1e-12
            rows, below = rows[open_], reached[open_, -1]
            start, width = start + width, width * 2
    return bounds
