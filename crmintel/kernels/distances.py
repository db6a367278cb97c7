"""Distances of points to centres: the nearest centre of each row, seeds of k-means++, inertia."""

from __future__ import annotations

import numpy as np

from crmintel.kernels._jit import kernel
from crmintel.kernels.kmeans import decide
from crmintel.kernels.screen import screen


@kernel
def label_distances(points, centres, labels, squared, first, last):
    """Squared distance of every point of the blocks ``first`` to ``last`` to the centre of its label."""
    for b in range(first, last):
        for i in range(points.shape[2]):
            c = labels[b, i]
            s = 0.0
            for j in range(points.shape[1]):
                e = points[b, j, i] - centres[j, c]
                s += e * e
            squared[b, i] = s


@kernel
def try_seed(points, weights, low, high, seed, nearest, farthest, potential, trial, keep, room, first, last):
    """Weighted sum of squared distances per block, were ``seed`` one more centre (``trial``).

    ``nearest`` holds the squared distance of each point to its nearest centre so far, ``farthest`` the largest of a
    block and ``potential`` the weighted sum; a block whose box is farther from the seed than that cannot gain.
    With ``keep`` the three are brought up to date.
    """
    d, size = points.shape[1], points.shape[2]
    dist = room
    for b in range(first, last):
        s = 0.0
        for j in range(d):
            e = max(low[b, j] - seed[j, 0], seed[j, 0] - high[b, j], 0.0)
            s += e * e
        trial[b] = potential[b]
        if s >= farthest[b]:
            continue
        for i in range(size):
            dist[i] = 0.0
        for j in range(d):
            x = seed[j, 0]
            for i in range(size):
                e = points[b, j, i] - x
                dist[i] += e * e
        for i in range(size):
            dist[i] = min(dist[i], nearest[b, i])
        s = 0.0
        for i in range(size):
            s += weights[b, i] * dist[i]
        trial[b] = s
        if keep:
            potential[b] = s
            far = 0.0
            for i in range(size):
                nearest[b, i] = dist[i]
                far = max(far, dist[i])
            farthest[b] = far


@kernel
def nearest_rows(
    X, centres, shift, singles, half, share, labels, squared, block, tile, everyone, room, first, last
):
    """Nearest centre, lowest index on ties, and squared distance of the rows ``first`` to ``last``.

    The rows pass through ``block`` (1, d, TILE) as they are and through ``tile`` less ``shift``, as ``singles`` are.
    """
    d, k = centres.shape
    nearest, gap = room[-2:]
    size = gap.size
    for start in range(first, last, size):
        m = min(size, last - start)
        largest = 0.0
        for i in range(m):
            s = 0.0
            for j in range(d):
                block[0, j, i] = X[start + i, j]
                x = X[start + i, j] - shift[j]
                tile[j, i] = x
                s += x * x
            tile[d, i] = s
            largest = max(largest, s)
        screen(tile, d, singles, half, share, everyone, k, largest, room)
        for i in range(m):
            c = np.int64(nearest[i])
            if not gap[i] > 0.0:
                c, _ = decide(block, np.int64(0), i, centres, everyone, k)
            labels[start + i] = c
            s = 0.0
            for j in range(d):
                e = block[0, j, i] - centres[j, c]
                s += e * e
            squared[start + i] = s
