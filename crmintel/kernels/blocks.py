"""Points in blocks of neighbours: order along a Morton curve, then 64 points a block, one column after another.

Customers next to each other on the curve are close in space, so a block's box is small and one test can settle all
of its points (`crmintel.kernels.kmeans`). The columns of a block lie apart, so that loops over its points run in
vector registers.
"""

from __future__ import annotations

import numpy as np

from crmintel.kernels._jit import helper, kernel
from crmintel.kernels.prefetch import prefetch
from crmintel.kernels.screen import TILE

BLOCK = TILE  # neighbours
KEY_BITS = 24  # two passes of a 12-bit counting sort; finer cells than points at any n that fits in memory
DIGITS = 1 << (KEY_BITS // 2)
_AHEAD = 24  # rows that are asked for before they are needed


@kernel
def curve_keys(X, columns, low, scale, spread, keys):
    """Morton key of each row: column ``columns[j]`` falls in cell q of its range and adds ``spread[j, q]``."""
    last = spread.shape[1] - 1
    for i in range(X.shape[0]):
        key = 0
        for j in range(columns.size):
            cell = (X[i, columns[j]] - low[j]) * scale[j]
            q = 0
            if cell >= last:
                q = last
            elif cell > 0.0:
                q = int(cell)
            key |= spread[j, q]
        keys[i] = key


@kernel
def sort_keys(keys, start, half_sorted, order):
    """Stable order of the rows by their keys: a counting sort by the lower and one by the upper half of the bits.

    ``start`` comes in as (2, DIGITS + 1) zeros.
    """
    bits = KEY_BITS // 2
    for i in range(keys.size):
        start[0, (keys[i] & (DIGITS - 1)) + 1] += 1
        start[1, (keys[i] >> bits) + 1] += 1
    for digit in range(DIGITS):
        start[0, digit + 1] += start[0, digit]
        start[1, digit + 1] += start[1, digit]
    for i in range(keys.size):
        digit = keys[i] & (DIGITS - 1)
        # the row and what is left of its key travel together, for fetching the key by row would be a wait each
        half_sorted[start[0, digit]] = (np.int64(keys[i] >> bits) << 32) | i
        start[0, digit] += 1
    for i in range(keys.size):
        digit = half_sorted[i] >> 32
        order[start[1, digit]] = half_sorted[i] & 0xFFFFFFFF
        start[1, digit] += 1


@helper
def weight_row(b, n_blocks, weights):
    """Row of ``weights`` that block b finds its own in: where all weigh the same, all but the last share one."""
    return max(b - (n_blocks - weights.shape[0]), 0)


@kernel
def fill_blocks(X, sample_weight, origin, order, points, weights, low, high, totals, squares):
    """Copy the rows, less ``origin``, into blocks, note each block's box, add up the columns and their squares.

    ``sample_weight`` is one number where all weigh the same.
    The last block is filled up with copies of its last point that weigh nothing.
    """
    n, d = X.shape
    for b in range(points.shape[0]):
        for i in range(BLOCK):
            at = b * BLOCK + i
            row = order[min(at, n - 1)]
            later = order[min(at + _AHEAD, n - 1)]
            prefetch(X, np.int64(later) * d)
            prefetch(X, np.int64(later) * d + d - 1)
            w = sample_weight[row if sample_weight.size > 1 else 0] if at < n else 0.0
            weights[weight_row(b, points.shape[0], weights), i] = w
            for j in range(d):
                x = X[row, j] - origin[j]
                points[b, j, i] = x
                totals[j] += w * x
                squares[j] += w * x * x
        for j in range(d):
            lo = points[b, j, 0]
            hi = lo
            for i in range(1, BLOCK):
                x = points[b, j, i]
                lo = x if x < lo else lo
                hi = x if x > hi else hi
            low[b, j] = lo
            high[b, j] = hi
