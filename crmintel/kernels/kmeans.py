"""k-means on blocks: exact assignment that leaves out what cannot change.

A point is looked at again only when the centres have drifted further than the gap between its nearest and its
second-nearest centre (Hamerly 2010), a block (`crmintel.kernels.blocks`) only when that is so for one of its points.
Where that is so for many of them, the whole block is looked at, without the centres that are nowhere nearest in its
box (Pelleg & Moore 1999; Kanungo et al. 2002); a few are gathered with those of other blocks. Every bound is exact:
the labels are those that comparing everything in double precision would give.
"""

from __future__ import annotations

import math

import numpy as np

from crmintel.kernels._jit import helper, kernel
from crmintel.kernels.screen import ABREAST, FAR, SHRINK, TILE, room_for_tile, screen, tile_rows

CHUNK = 256  # blocks; sums are kept per chunk and added in order, so the number of threads changes no bit
FEW = TILE // 4  # points of a block that are gathered: one costs as much as four of a whole block
_SLACK = 1e-12  # bounds give way by this share, far above their rounding, so that a tie is never skipped


def scratch(k, d):
    """Room for the comparisons with k centres of d columns; each thread needs its own."""
    return (
        *(np.empty(k), np.empty(k), np.empty(k + ABREAST - 1, np.int64), np.arange(k + ABREAST - 1)),
        *(np.empty(TILE), np.empty(2 * TILE, np.int64), np.zeros((1, tile_rows(d), TILE), np.float32)),
        *(room_for_tile(), room_for_tile()),
    )


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


@helper
def decide(points, b, i, centres, candidates, m):
    """Nearest of m candidates to one point, lowest index on ties, and its gap, by squared differences of doubles."""
    best = np.inf
    second = np.inf
    nearest = candidates[0]
    for a in range(m):
        c = candidates[a]
        s = 0.0
        for j in range(centres.shape[0]):
            e = points[b, j, i] - centres[j, c]
            s += e * e
        if s < best:
            second = best
            best = s
            nearest = c
        elif s < second:
            second = s
    return nearest, (1.0 - _SLACK) * math.sqrt(second) - math.sqrt(best)


@helper
def _least(values):
    """Smallest of the values, which are lost: they are folded over, since one by one each waits for the last."""
    h = values.size // 2
    while h >= 2:
        for i in range(h):
            x = values[i]
            y = values[i + h]
            values[i] = x if x < y else y
        h //= 2
    return min(values[0], values[1])


@helper
def _hand_over(points, weights, labels, sums, mass, members, chunk, b, i, new):
    """Give a point its new label, and its share of the sums to the new centre; 1 if it weighs something."""
    old = labels[b, i]
    labels[b, i] = new
    w = weights[b, i]
    if w == 0.0:
        return 0
    if old < 0:
        return 1
    mass[chunk, old] -= w
    mass[chunk, new] += w
    members[chunk, old] -= 1
    members[chunk, new] += 1
    for j in range(points.shape[1]):
        x = w * points[b, j, i]
        sums[chunk, old, j] -= x
        sums[chunk, new, j] += x
    return 1


@helper
def _gather(rounded, b, d, bound, spent, left, waiting, queued, m):
    """Append the points of block b whose bound is spent to the m that wait; ``left`` keeps the other bounds."""
    count = m
    for i in range(left.size):
        x = bound[b, i]
        left[i] = x if x > spent else np.inf
        waiting[count] = b * TILE + i
        count += x <= spent
    for q in range(m, count):
        i = waiting[q] % TILE
        for j in range(d + 1):
            queued[0, j, q] = rounded[b, j, i]
    return count


@helper
def _look(
    points, rounded, b, low, high, centres, singles, half, share, rivals, m, apart, spent, bound, left, room
):
    """Find the nearest of m rivals for all points of block b; return the smallest of their new bounds."""
    nearest, gap = room[-2:]
    largest = 0.0
    for j in range(points.shape[1]):
        x = max(abs(low[b, j]), abs(high[b, j]))
        largest += x * x
    screen(rounded, b, points.shape[1], singles, half, share, rivals, m, largest, room)
    cap = np.float32(min(apart, FAR) * SHRINK)
    undecided = 0
    for i in range(gap.size):
        x = gap[i]
        undecided += not x > 0.0
        x = x if x < cap else cap
        left[i] = spent + x
        bound[b, i] = left[i]
    if undecided > 0:
        for i in range(gap.size):
            if not gap[i] > 0.0:
                c, x = decide(points, b, i, centres, rivals, m)
                nearest[i] = c
                left[i] = spent + min(x, apart)
                bound[b, i] = left[i]
    return _least(left)


@kernel
def assign_blocks(
    points, rounded, weights, low, high, centres, singles, half, share, drift, limit, owner, bound, labels, sums,
    mass, members, boxes, room, first, last,
):  # fmt: skip
    """Label every point of the chunks ``first`` to ``last`` by its nearest centre, lowest index on ties.

    ``centres`` is (d, k); ``rounded``, ``singles``, ``half`` and ``share`` are as in `crmintel.kernels.screen`.
    ``drift[c]`` bounds how far the gaps of a block owned by c alone have shrunk since the start, ``drift[k]`` those
    of a block with several owners; at ``limit[b]`` block b has to be looked at and, where it has several owners, at
    ``bound[b, i]`` its point i. ``boxes`` tells to leave out centres by the boxes.
    A point that changes hands takes its share of ``sums``, ``mass`` and ``members`` along; the first label (-1
    before) is left to `tally_blocks`. Returns how many points that weigh something changed, how many centres there
    were for the boxes to leave out, and how many they kept.
    """
    n_blocks, d, size = points.shape
    k = centres.shape[1]
    near, excess, candidates, everyone, left, waiting, queued, queue, whole = room
    spent = drift[k]
    changed = 0
    tried = 0
    kept = 0
    for chunk in range(first, last):
        stop = min((chunk + 1) * CHUNK, n_blocks)
        b = chunk * CHUNK
        m_waiting = 0
        while b < stop or m_waiting > 0:
            late = 0
            if b < stop:
                if drift[owner[b]] < limit[b]:
                    b += 1
                    continue
                if owner[b] == k:
                    for i in range(size):
                        late += bound[b, i] <= spent
                else:
                    late = size
            if b == stop or (late <= FEW and m_waiting + late > size):
                largest = np.float32(0.0)
                for q in range(m_waiting):
                    largest = max(largest, queued[0, d, q])
                screen(queued, np.int64(0), d, singles, half, share, everyone, k, np.float64(largest), queue)
                for q in range(m_waiting):
                    home = waiting[q] // TILE
                    i = waiting[q] % TILE
                    c = np.int64(queue[-2][q])
                    x = np.float64(queue[-1][q])
                    if not x > 0.0:
                        c, x = decide(points, home, i, centres, everyone, k)
                    bound[home, i] = spent + x
                    limit[home] = min(limit[home], spent + x)
                    if labels[home, i] != c:
                        changed += _hand_over(points, weights, labels, sums, mass, members, chunk, home, i, c)
                m_waiting = 0
                continue
            if late <= FEW:
                m_waiting = _gather(rounded, b, d, bound, spent, left, waiting, queued, m_waiting)
                limit[b] = _least(left)
                b += 1
                continue
            rivals = everyone
            m = k
            apart = np.inf
            if boxes:
                rivals = candidates
                m, apart = _filter(low, high, b, centres, near, excess, candidates)
                tried += k
                kept += m
            nearest = whole[-2]
            if m == 1:
                z = np.int32(rivals[0])
                limit[b] = drift[z] + apart
                if owner[b] == z:
                    b += 1
                    continue
                owner[b] = z
                for i in range(size):
                    nearest[i] = z
            else:
                limit[b] = _look(
                    points, rounded, b, low, high, centres, singles, half, share, rivals, m, apart, spent, bound, left,
                    whole,
                )  # fmt: skip
                owner[b] = k
            differ = 0
            for i in range(size):
                differ += labels[b, i] != nearest[i]
            if differ > 0:
                for i in range(size):
                    if labels[b, i] != nearest[i]:
                        changed += _hand_over(
                            points, weights, labels, sums, mass, members, chunk, b, i, np.int64(nearest[i])
                        )
            b += 1
    return changed, tried, kept


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
