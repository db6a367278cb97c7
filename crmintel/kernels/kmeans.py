"""k-means on blocks: exact assignment that leaves out what cannot change, and the step of greedy k-means++.

A block (`crmintel.kernels.blocks`) is looked at again only when the centres have drifted further than the smallest
gap between a point's nearest and second-nearest centre (Hamerly 2010, here once a block). When it is looked at,
centres that are nowhere nearest in its box are left out (Pelleg & Moore 1999; Kanungo et al. 2002) and the rest is
compared point by point. Both bounds are exact: every label is the one that comparing everything would give.

Loops over points and centres take their length from an array on purpose: with a constant length LLVM unrolls them
first and then finds nothing to put into vector registers (2-3 times slower).
"""

from __future__ import annotations

import math

import numpy as np

from crmintel.kernels._jit import helper, kernel
from crmintel.kernels.blocks import BLOCK

CHUNK = 512  # blocks; sums are kept per chunk and added in order, so the number of threads changes no bit
_SLACK = 1e-12  # bounds give way by this share, far above their rounding, so that a tie is never skipped


@helper
def _distances_to(points, b, centres, c, dist):
    """Squared distances from the points of block b to centre c, summed over the columns in order."""
    x = centres[0, c]
    for i in range(dist.size):
        e = points[b, 0, i] - x
        dist[i] = e * e
    for j in range(1, centres.shape[0]):
        x = centres[j, c]
        for i in range(dist.size):
            e = points[b, j, i] - x
            dist[i] += e * e


@helper
def _compare(points, b, centres, candidates, m, dist, best, second, nearest):
    """Nearest of the first m candidates for each point of block b, with the best and second squared distance."""
    _distances_to(points, b, centres, candidates[0], best)
    for i in range(dist.size):
        nearest[i] = candidates[0]
        second[i] = np.inf
    for a in range(1, m):
        c = candidates[a]
        _distances_to(points, b, centres, c, dist)
        for i in range(dist.size):
            t = dist[i]
            s = best[i]
            closer = t < s
            second[i] = s if closer else min(t, second[i])
            best[i] = t if closer else s
            nearest[i] = c if closer else nearest[i]


@helper
def _filter(low, high, b, centres, near, excess, candidates):
    """Centres that may be nearest somewhere in the box of block b, and how safely the others are not.

    With z nearest to the middle of the box, c is out if d(x, c)^2 - d(x, z)^2 > 0 at the vertex where it is least.
    Returned is how many remain and the least d(x, c) - d(x, z) over the box and all c that are out.
    """
    d, k = centres.shape
    for c in range(k):
        near[c] = 0.0
        excess[c] = 0.0
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
    margin = _SLACK * (reach + near[z])
    least = np.inf
    m = 0
    for c in range(k):
        if c == z or excess[c] <= margin:
            candidates[m] = c
            m += 1
        else:
            least = min(least, excess[c])
    return m, math.sqrt(reach + least) - math.sqrt(reach) if least < np.inf else np.inf


def scratch(k):
    """Room for the comparisons of one block with k centres; each thread needs its own."""
    return (
        *(np.empty(k), np.empty(k), np.empty(k, np.int64)),
        *(np.empty(BLOCK), np.empty(BLOCK), np.empty(BLOCK), np.empty(BLOCK, np.int64)),
    )


@kernel
def assign_blocks(
    points, weights, low, high, centres, drift, limit, owner, labels, sums, mass, members, room, first, last
):  # fmt: skip
    """Label every point of the chunks ``first`` to ``last`` by its nearest centre, lowest index on ties.

    ``centres`` is (d, k). ``drift[c]`` bounds how far the gaps of a block owned by c alone have shrunk since the
    start, ``drift[k]`` those of a block with several owners; at ``limit[b]`` block b has to be looked at.
    A point that changes hands takes its share of ``sums``, ``mass`` and ``members`` along; the first label (-1
    before) is left to `tally_blocks`. Returns how many points that weigh something changed.
    """
    n_blocks, d, size = points.shape
    k = centres.shape[1]
    near, excess, candidates, dist, best, second, nearest = room
    changed = 0
    for chunk in range(first, last):
        for b in range(chunk * CHUNK, min((chunk + 1) * CHUNK, n_blocks)):
            if drift[owner[b]] < limit[b]:
                continue
            m, gap = _filter(low, high, b, centres, near, excess, candidates)
            if m == 1:
                z = candidates[0]
                limit[b] = drift[z] + gap
                if owner[b] == z:
                    continue
                owner[b] = z
                for i in range(size):
                    nearest[i] = z
            else:
                _compare(points, b, centres, candidates, m, dist, best, second, nearest)
                for i in range(size):
                    dist[i] = (1.0 - _SLACK) * math.sqrt(second[i]) - math.sqrt(best[i])
                for i in range(size):
                    gap = min(gap, dist[i])
                limit[b] = drift[k] + gap
                owner[b] = k
            for i in range(size):
                old = labels[b, i]
                new = nearest[i]
                if old == new:
                    continue
                labels[b, i] = new
                w = weights[b, i]
                if w == 0.0:
                    continue
                changed += 1
                if old < 0:
                    continue
                mass[chunk, old] -= w
                mass[chunk, new] += w
                members[chunk, old] -= 1
                members[chunk, new] += 1
                for j in range(d):
                    x = w * points[b, j, i]
                    sums[chunk, old, j] -= x
                    sums[chunk, new, j] += x
    return changed


@kernel
def tally_blocks(points, weights, labels, sums, mass, members, first, last):
    """Weighted sums, weight and number of members per chunk and label, from nothing."""
    n_blocks, d, size = points.shape
    for chunk in range(first, last):
        for c in range(mass.shape[1]):
            mass[chunk, c] = 0.0
            members[chunk, c] = 0
            for j in range(d):
                sums[chunk, c, j] = 0.0
        for b in range(chunk * CHUNK, min((chunk + 1) * CHUNK, n_blocks)):
            for i in range(size):
                c = labels[b, i]
                w = weights[b, i]
                mass[chunk, c] += w
                members[chunk, c] += w > 0.0
                for j in range(d):
                    sums[chunk, c, j] += w * points[b, j, i]


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
    dist = room[3]
    for b in range(first, last):
        s = 0.0
        for j in range(d):
            e = max(low[b, j] - seed[j, 0], seed[j, 0] - high[b, j], 0.0)
            s += e * e
        trial[b] = potential[b]
        if s >= farthest[b]:
            continue
        _distances_to(points, b, seed, np.int64(0), dist)  # a bare 0 would be a type of its own
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
def nearest_rows(X, centres, labels, squared, tile, room, first, last):
    """Nearest centre, lowest index on ties, and squared distance of the rows ``first`` to ``last``.

    The rows pass through ``tile`` (1, d, BLOCK), a block of whatever rows come next.
    """
    k = centres.shape[1]
    _, _, everyone, dist, best, second, nearest = room
    for c in range(k):
        everyone[c] = c
    for start in range(first, last, dist.size):
        m = min(dist.size, last - start)
        for i in range(m):
            for j in range(X.shape[1]):
                tile[0, j, i] = X[start + i, j]
        _compare(tile, np.int64(0), centres, everyone, k, dist, best, second, nearest)
        for i in range(m):
            labels[start + i] = nearest[i]
            squared[start + i] = best[i]
