"""k-means on blocks: exact assignment that leaves out what cannot change.

Each point keeps by how much its nearest centre wins, and is looked at again only when the centres that may be nearest
in its block (`crmintel.kernels.blocks`) can have made that up. Where that is so for many points of a block, the whole
block is looked at, without the centres that are nowhere nearest in its box (Pelleg & Moore 1999; Kanungo et al.
2002); those left out are watched by how far centres have drifted (Hamerly 2010). Every bound is exact: the labels are
those that comparing everything in double precision would give.
"""

from __future__ import annotations

import numpy as np

from crmintel.kernels._jit import helper, kernel
from crmintel.kernels.blocks import weight_row
from crmintel.kernels.kmeans_bounds import (
    FEW,
    SLACK,
    all_among,
    apart,
    filter_centres,
    late_points,
    loss,
    single,
)
from crmintel.kernels.screen import ABREAST, TILE, fill_tile, room_for_tile, screen, tile_rows

CHUNK = 256  # blocks; sums are kept per chunk and added in order, so the number of threads changes no bit
RIVALS = 16  # centres of a block that are kept in mind; where there are more, all are


def scratch(k, d):
    """Room for the comparisons with k centres of d columns; each thread needs its own."""
    return (
        *(np.empty(k), np.empty(k), np.empty(k, np.int64), np.empty(k + ABREAST - 1, np.int64)),
        *(np.empty(TILE, np.int64), np.zeros((tile_rows(d), TILE), np.float32), room_for_tile()),
    )


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
        closer = s < best
        loser = best if closer else s
        second = loser if loser < second else second
        best = s if closer else best
        nearest = c if closer else nearest
    return nearest, 0.5 * ((1.0 - SLACK) * second - best)


@helper
def _hand_over(points, weights, labels, sums, mass, members, chunk, b, i, new):
    """Give a point its new label, and its share of the sums to the new centre; 1 if it weighs something."""
    old = labels[b, i]
    labels[b, i] = new
    w = weights[weight_row(b, points.shape[0], weights), i]
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
def _look(points, b, low, high, centres, singles, half, share, rivals, m, most, bound, tile, room):
    """Find the nearest of m rivals for all points of block b and by how much it wins, ``most`` at the most."""
    nearest, found = room[-2:]
    fill_tile(points, b, tile)
    largest = 0.0
    for j in range(points.shape[1]):
        x = max(abs(low[b, j]), abs(high[b, j]))
        largest += x * x
    screen(tile, points.shape[1], singles, half, share, rivals, m, largest, room)
    cap = single(most)
    undecided = 0
    for i in range(found.size):
        x = found[i]
        undecided += not x > 0.0
        bound[b, i] = x if x < cap else cap
    if undecided > 0:
        for i in range(found.size):
            if not found[i] > 0.0:
                c, x = decide(points, b, i, centres, rivals, m)
                nearest[i] = c
                bound[b, i] = single(min(x, most))


@kernel
def assign_blocks(
    points, weights, low, high, centres, singles, half, share, moves, offsets, loose, drift, limit, rivals, known,
    spent, bound, labels, sums, mass, members, boxes, room, first, last,
):  # fmt: skip
    """Label every point of the chunks ``first`` to ``last`` by its nearest centre, lowest index on ties.

    ``centres`` is (d, k); ``singles``, ``half`` and ``share`` are as in `crmintel.kernels.screen`, ``moves``,
    ``offsets`` and ``loose`` tell the last move (`crmintel.kernels.kmeans_bounds.loss`).
    Of block b, ``known[b]`` centres are ``rivals`` (0: it was not looked at yet; above RIVALS: all are), of which one
    is the nearest of each point until ``drift`` reaches ``limit[b]``: ``drift[c]`` bounds how much nearer others have
    come where c is the only rival, ``drift[k]`` where there are several. What rivals may have gained on each other
    since the block was looked at is ``spent[b]``; its point i keeps its label until that reaches ``bound[b, i]``.
    ``boxes`` tells to leave out centres by the boxes.
    A point that changes hands takes its share of ``sums``, ``mass`` and ``members`` along; the first label (-1
    before) is left to `tally_blocks`. Returns how many points that weigh something changed, how many centres there
    were for the boxes to leave out, and how many they kept.
    """
    n_blocks, size = labels.shape
    k = centres.shape[1]
    near, excess, mine, candidates, some, tile, whole = room
    nearest = whole[-2]
    changed = 0
    tried = 0
    kept = 0
    for b in range(first * CHUNK, min(last * CHUNK, n_blocks)):
        chunk = b // CHUNK
        m = known[b]
        for a in range(m):
            mine[a] = a if m > RIVALS else rivals[b, a]
        own = mine[0] if m == 1 else k
        n = 0
        settled = True
        if drift[own] >= limit[b]:
            n, least, reach = filter_centres(low, high, b, centres, boxes, near, excess, candidates)
            settled = all_among(candidates, n, mine, m)
            if settled:
                limit[b] = (1.0 - SLACK) * (drift[own] + apart(least, reach))
        if settled and m == 1:
            continue
        if settled:
            spent[b] += loss(moves, offsets, loose, low, high, b, mine, m, near, excess)
            late = late_points(bound, b, spent[b], some)
            if late <= FEW:
                for q in range(late):
                    i = some[q]
                    c, x = decide(points, b, i, centres, mine, m)
                    bound[b, i] = single(spent[b] + x)
                    if labels[b, i] != c:
                        changed += _hand_over(points, weights, labels, sums, mass, members, chunk, b, i, c)
                continue
        if n == 0:
            n, least, reach = filter_centres(low, high, b, centres, boxes, near, excess, candidates)
        tried += k
        kept += n
        crowded = n > RIVALS
        known[b] = k if crowded else n
        if not crowded:
            for a in range(n):
                rivals[b, a] = candidates[a]
        own = candidates[0] if n == 1 else k
        # far below drift's own rounding: a centre that jumped leaves it large and coarse
        limit[b] = np.inf if crowded else (1.0 - SLACK) * (drift[own] + apart(least, reach))
        spent[b] = 0.0
        if n == 1:
            for i in range(size):
                nearest[i] = candidates[0]
        else:
            most = 0.5 * least if crowded else np.inf
            _look(
                points, b, low, high, centres, singles, half, share, candidates, n, most, bound, tile, whole
            )
        differ = 0
        for i in range(size):
            some[differ] = i
            differ += labels[b, i] != nearest[i]
        for q in range(differ):
            i = some[q]
            changed += _hand_over(
                points, weights, labels, sums, mass, members, chunk, b, i, np.int64(nearest[i])
            )
    return changed, tried, kept


@helper
def _sum(values):
    """Sum of the values, which are lost: they are folded over, since one by one each waits for the last."""
    h = values.size // 2
    while h >= 1:
        for i in range(h):
            values[i] += values[i + h]
        h //= 2
    return values[0]


@kernel
def tally_blocks(points, weights, labels, sums, mass, members, room, first, last):
    """Weighted sums, weight and number of members per chunk and label, from nothing."""
    n_blocks, d, size = points.shape
    for chunk in range(first, last):
        for c in range(mass.shape[1]):
            mass[chunk, c] = 0.0
            members[chunk, c] = 0
            for j in range(d):
                sums[chunk, c, j] = 0.0
        for b in range(chunk * CHUNK, min((chunk + 1) * CHUNK, n_blocks)):
            at = weight_row(b, n_blocks, weights)
            z = labels[b, 0]
            others = 0
            for i in range(size):
                others += labels[b, i] != z
            if others == 0:
                for i in range(size):
                    room[i] = weights[at, i]
                    members[chunk, z] += weights[at, i] > 0.0
                mass[chunk, z] += _sum(room)
                for j in range(d):
                    for i in range(size):
                        room[i] = weights[at, i] * points[b, j, i]
                    sums[chunk, z, j] += _sum(room)
                continue
            for i in range(size):
                c = labels[b, i]
                w = weights[at, i]
                mass[chunk, c] += w
                members[chunk, c] += w > 0.0
                for j in range(d):
                    sums[chunk, c, j] += w * points[b, j, i]
