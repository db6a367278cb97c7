"""Cut points of one column: at quantiles, or where the groups are tightest (one-dimensional k-means)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float64]


def quantile_cuts(values: Vector, n_bins: int) -> Vector:
    """Quantiles of type 7 at i / n_bins, their positions in whole numbers so that no rounding moves a cut point."""
    ordered = np.sort(values)
    if ordered.size == 0:
        return np.zeros(n_bins - 1)
    position = np.arange(1, n_bins) * (ordered.size - 1)
    low = position // n_bins
    high = np.minimum(low + 1, ordered.size - 1)
    return ordered[low] + (position % n_bins) / n_bins * (ordered[high] - ordered[low])


def kmeans_cuts(values: Vector, n_bins: int) -> Vector:
    """Return the largest value of each group but the last, of the groups with the least sum of squares.

    The optimum itself, without random starts (Fisher 1958): in one dimension groups are intervals, and the best start
    of the last interval grows with its end, so that each end halves the search for the others. With fewer different
    values than groups each has its own, the lowest groups first.
    """
    x, counts = np.unique(values, return_counts=True)
    if x.size <= n_bins:
        last = x[-1] if x.size else 0.0
        return np.append(x, np.full(n_bins, last))[: n_bins - 1]
    costs = _Costs(x, counts)
    best = costs.between(np.zeros(x.size, dtype=np.int64), np.arange(x.size))
    starts = []
    for groups in range(1, n_bins):
        best, start = _one_more(best, costs, groups)
        starts.append(start)
    cuts, end = np.empty(n_bins - 1), x.size - 1
    for group in reversed(range(n_bins - 1)):
        end = int(starts[group][end]) - 1
        cuts[group] = x[end]
    return cuts


class _Costs:
    """Sum of squares about the mean of each run of ``x``, from running sums."""

    def __init__(self, x: Vector, counts: NDArray[np.int64]) -> None:
        centred = (x - np.average(x, weights=counts)) / (
            x[-1] - x[0]
        )  # no digits are lost to the level or the unit
        self._n = np.append(0.0, np.cumsum(counts))
        self._sum = np.append(0.0, np.cumsum(counts * centred))
        self._square = np.append(0.0, np.cumsum(counts * centred**2))

    def between(self, first: NDArray[np.int64], last: NDArray[np.int64]) -> Vector:
        """Return the cost of the runs from ``first`` to ``last``, both included."""
        n, s, q = (total[last + 1] - total[first] for total in (self._n, self._sum, self._square))
        return np.maximum(q - s * s / n, 0.0)


def _one_more(best: Vector, costs: _Costs, groups: int) -> tuple[Vector, NDArray[np.int64]]:
    """Return the least cost up to each end with one group after ``groups``, and where that starts.

    Ends are solved in rounds, the middle of every gap at once.
    """
    n = best.size
    cost, start = np.zeros(n), np.zeros(n, dtype=np.int64)
    step = 1 << (n - 1).bit_length()
    while step:
        ends = np.arange(step, n, 2 * step)
        if ends.size:
            below = start[ends - step]
            above = np.where(ends + step < n, start[np.minimum(ends + step, n - 1)], n)
            low = np.minimum(np.maximum(below, groups), ends)  # no group before is empty
            high = np.minimum(np.maximum(above, low), ends)
            width = high - low + 1
            edge = np.cumsum(width) - width
            end = np.repeat(ends, width)
            candidate = np.arange(width.sum()) - np.repeat(edge - low, width)
            value = best[candidate - 1] + costs.between(candidate, end)
            least = np.minimum.reduceat(value, edge)
            at = np.flatnonzero(value == np.repeat(least, width))
            group = np.repeat(np.arange(ends.size), width)[at]
            first = at[np.searchsorted(group, np.arange(ends.size))]
            cost[ends], start[ends] = least, candidate[first]
        step //= 2
    return cost, start
