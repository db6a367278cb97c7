"""What cannot have changed since the last assignment of k-means: bounds for a block and for each of its points.

By how much the nearest of several centres wins, in half squared distance, changes by a linear function of the point
when centres move: at most by its worst over the vertices of the block's box. That is tighter than how far they went.
Centres that are nowhere nearest in the box are watched by that, though: there are more of them, and they are farther.
"""

from __future__ import annotations

import math

import numpy as np

from crmintel.kernels._jit import helper
from crmintel.kernels.screen import FAR, SHRINK, TILE

FEW = TILE // 8  # points that are decided one by one; that takes as long as looking at a whole block
SLACK = 1e-12  # bounds give way by this share, far above their rounding, so that a tie is never skipped
_ROUNDS_OFF = 1e-300  # squares below lose digits to underflow
_TINY = 1e-44  # what rounding to single precision can add near zero


@helper
def filter_centres(low, high, b, centres, boxes, near, excess, candidates):
    """Centres that may be nearest somewhere in the box of block b, and how safely the others are not.

    Without ``boxes`` that is all. With z nearest to the middle of the box, c is out if d(x, c)^2 - d(x, z)^2 > 0 at
    the vertex where it is least. Returned are how many remain, the least such difference over the box and all c that
    are out, and the largest d(x, z)^2.
    """
    d, k = centres.shape
    for c in range(k):
        near[c] = 0.0
        excess[c] = 0.0
        candidates[c] = c
    if not boxes:
        return k, np.inf, 0.0
    for j in range(d):
        middle = 0.5 * (low[b, j] + high[b, j])
        for c in range(k):
            e = middle - centres[j, c]
            near[c] += e * e
    z = 0
    for c in range(1, k):
        if near[c] < near[z]:
            z = c
    reach = 0.0
    for j in range(d):
        lo = low[b, j]
        hi = high[b, j]
        at = centres[j, z]
        e = max(at - lo, hi - at)
        reach += e * e
        for c in range(k):
            u = centres[j, c] - at
            v = hi if u > 0.0 else lo
            excess[c] += u * ((centres[j, c] - v) + (at - v))
    margin = SLACK * (reach + near[z]) + _ROUNDS_OFF
    least = np.inf
    m = 0
    for c in range(k):
        if c == z or excess[c] <= margin:
            candidates[m] = c
            m += 1
        else:
            least = min(least, excess[c] - margin)
    return m, least, reach


@helper
def apart(least, reach):
    """Least d(x, c) - d(x, z), from the least difference of their squares and the largest d(x, z)^2."""
    return (1.0 - SLACK) * math.sqrt(reach + least) - math.sqrt(reach) if least < np.inf else np.inf


@helper
def all_among(some, n, others, m):
    """Whether the first n of ``some`` are among the first m of ``others``; both ascend."""
    a = 0
    for e in range(m):
        a += a < n and some[a] == others[e]
    return a == n


@helper
def loss(moves, offsets, loose, low, high, b, rivals, m, gain, spread):
    """By how much at most one of m rivals has gained on another in the last move, anywhere in the box of block b.

    At a point x centre c has gained ``x.moves[c] - offsets[c]`` in half squared distance. ``loose`` is added for
    rounding.
    """
    d, k = moves.shape
    for c in range(k):
        gain[c] = -offsets[c]
        spread[c] = 0.0
    for j in range(d):
        middle = 0.5 * (low[b, j] + high[b, j])
        half = 0.5 * (high[b, j] - low[b, j])
        for c in range(k):
            e = moves[j, c]
            gain[c] += middle * e
            spread[c] += half * abs(e)
    most = -np.inf
    least = np.inf
    for a in range(m):
        c = rivals[a]
        most = max(most, gain[c] + spread[c])
        least = min(least, gain[c] - spread[c])
    return most - least + loose


@helper
def single(x):
    """A bound in single precision, not above it."""
    x = min(x, FAR)
    return np.float32(x - abs(x) * (1.0 - SHRINK) - _TINY)


@helper
def late_points(bound, b, spent, found):
    """Count the points of block b whose bound is spent; write down which, if they are few."""
    gone = np.float32(min(spent, FAR) * (2.0 - SHRINK) + _TINY)
    late = 0
    for i in range(TILE):
        late += not bound[b, i] > gone
    if 0 < late <= FEW:
        late = 0
        for i in range(TILE):  # without a branch, which would be guessed wrongly for most of them
            found[late] = i
            late += not bound[b, i] > gone
    return late
