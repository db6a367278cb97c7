"""Nearest and second-nearest centre of a tile of points in single precision, with a bound on its errors.

Half the squared distance, less half the square of the point, is ``|c|^2 / 2 - x.c``: two operations a column, and
twice as many points to a vector register as in double precision. Together that is three times as fast as squared
differences of doubles. A comparison that the errors could turn is left open, to be decided in doubles.
"""

from __future__ import annotations

import numpy as np

from crmintel.kernels._jit import helper

TILE = 64  # points; with 32, what a loop over them costs before its first point shows
ABREAST = 4  # candidates that are compared in one pass
GROUP = 4  # columns that pass through registers together; tiles and centres are filled up with zeros
_UNIT = 2.0**-24
_LEAST = np.float32(1e-36)  # above what underflow can take away
FAR = 1e30  # no gap is called wider, so that all fit in single precision
SHRINK = 1.0 - 2.0**-20  # gaps give way by more than their own rounding


def tile_rows(d):
    """Rows of a tile: the columns and the square of the point, filled up with zeros to whole groups of columns."""
    return max(-(-d // GROUP) * GROUP, d + 1)


def room_for_tile():
    """Room for the comparisons of one tile; each thread needs its own."""
    singles = (np.empty(TILE, np.float32) for _ in range(6))
    return *singles, np.empty(TILE, np.int32), np.empty(TILE, np.float32)


def single_centres(centres):
    """Centres (k, d) in single precision and their half squares.

    One score is off by at most ``e (|c|^2 + |x|^2 / 2)``, with e the unit roundoff times the roundings on the way.
    The half squares are lowered by twice the part of the centre, so that scores are lower bounds for every centre
    but for the part of the point. The last row is no centre and scores infinity.
    """
    k, d = centres.shape
    singles = np.zeros((k + 1, -(-d // GROUP) * GROUP), np.float32)
    half = np.full(k + 1, np.inf, np.float32)
    squares = np.einsum("cj,cj->c", centres, centres)
    if squares.max() < 1e36:  # else everything is left undecided
        singles[:k, :d] = centres
        half[:k] = (0.5 - 2.0 * point_share(d)) * squares
    return singles, half


def point_share(d):
    """What a score may be off by, per squared size of the point."""
    return (-(-d // GROUP) + 8) * _UNIT


@helper
def fill_tile(points, b, tile):
    """Bring the points of block b and their squares into ``tile``."""
    d = points.shape[1]
    for i in range(TILE):
        tile[d, i] = 0.0
    for j in range(d):
        for i in range(TILE):
            x = np.float32(points[b, j, i])
            tile[j, i] = x
            tile[d, i] += x * x


@helper
def screen(tile, d, singles, half, share, candidates, m, largest, room):
    """Compare the points of a tile (d columns and, in row d, their squares) with the first m candidates.

    Fill ``nearest`` and ``gap``, a lower bound of half of d(x, second)^2 - d(x, nearest)^2; not positive is undecided.
    ``candidates`` has three more places than the m that count. ``largest`` bounds the squares of the points.
    """
    score_u, score_v, score_w, score_z, best, second, nearest, gap = room
    while m % ABREAST > 0:
        candidates[m] = singles.shape[0] - 1
        m += 1
    for i in range(best.size):
        best[i] = np.inf
        second[i] = np.inf
        nearest[i] = candidates[0]
    for a in range(0, m, ABREAST):
        u = np.int32(candidates[a])
        v = np.int32(candidates[a + 1])
        w = np.int32(candidates[a + 2])
        z = np.int32(candidates[a + 3])
        half_u = half[u]
        half_v = half[v]
        half_w = half[w]
        half_z = half[z]
        u0 = singles[u, 0]
        u1 = singles[u, 1]
        u2 = singles[u, 2]
        u3 = singles[u, 3]
        v0 = singles[v, 0]
        v1 = singles[v, 1]
        v2 = singles[v, 2]
        v3 = singles[v, 3]
        w0 = singles[w, 0]
        w1 = singles[w, 1]
        w2 = singles[w, 2]
        w3 = singles[w, 3]
        z0 = singles[z, 0]
        z1 = singles[z, 1]
        z2 = singles[z, 2]
        z3 = singles[z, 3]
        for i in range(best.size):
            x0 = tile[0, i]
            x1 = tile[1, i]
            x2 = tile[2, i]
            x3 = tile[3, i]
            score_u[i] = half_u - ((u0 * x0 + u1 * x1) + (u2 * x2 + u3 * x3))
            score_v[i] = half_v - ((v0 * x0 + v1 * x1) + (v2 * x2 + v3 * x3))
            score_w[i] = half_w - ((w0 * x0 + w1 * x1) + (w2 * x2 + w3 * x3))
            score_z[i] = half_z - ((z0 * x0 + z1 * x1) + (z2 * x2 + z3 * x3))
        for j in range(GROUP, d, GROUP):
            u0 = singles[u, j]
            u1 = singles[u, j + 1]
            u2 = singles[u, j + 2]
            u3 = singles[u, j + 3]
            v0 = singles[v, j]
            v1 = singles[v, j + 1]
            v2 = singles[v, j + 2]
            v3 = singles[v, j + 3]
            w0 = singles[w, j]
            w1 = singles[w, j + 1]
            w2 = singles[w, j + 2]
            w3 = singles[w, j + 3]
            z0 = singles[z, j]
            z1 = singles[z, j + 1]
            z2 = singles[z, j + 2]
            z3 = singles[z, j + 3]
            for i in range(best.size):
                x0 = tile[j, i]
                x1 = tile[j + 1, i]
                x2 = tile[j + 2, i]
                x3 = tile[j + 3, i]
                score_u[i] -= (u0 * x0 + u1 * x1) + (u2 * x2 + u3 * x3)
                score_v[i] -= (v0 * x0 + v1 * x1) + (v2 * x2 + v3 * x3)
                score_w[i] -= (w0 * x0 + w1 * x1) + (w2 * x2 + w3 * x3)
                score_z[i] -= (z0 * x0 + z1 * x1) + (z2 * x2 + z3 * x3)
        for i in range(best.size):
            su = score_u[i]
            sv = score_v[i]
            sw = score_w[i]
            sz = score_z[i]
            low = min(su, sv)
            lower = min(sw, sz)
            near = v if sv < su else u
            nearer = z if sz < sw else w
            loser = min(max(low, lower), max(sw, sz) if lower < low else max(su, sv))
            near = nearer if lower < low else near
            low = min(low, lower)
            s = best[i]
            closer = low < s
            second[i] = min(loser, s) if closer else min(low, second[i])
            best[i] = low if closer else s
            nearest[i] = near if closer else nearest[i]
    two = np.float32(2.0)
    blur = two * np.float32(share * largest) + _LEAST
    shrink = np.float32(SHRINK)
    slope = np.float32(17.0 * share)
    for i in range(best.size):
        over = slope * (tile[d, i] + best[i] + blur)
        gap[i] = shrink * (second[i] - best[i] - blur - over)
