"""Points in blocks of neighbours: order along a Morton curve, then 64 points a block, one column after another.

Customers next to each other on the curve are close in space, so a block's box is small and one test can settle all
of its points (`crmintel.kernels.kmeans`). The columns of a block lie apart, so that loops over its points run in
vector registers.
"""

from __future__ import annotations

from crmintel.kernels._jit import kernel
from crmintel.kernels.screen import TILE

BLOCK = TILE  # neighbours
KEY_BITS = 24  # two passes of a 12-bit counting sort; finer cells than points at any n that fits in memory
DIGITS = 1 << (KEY_BITS // 2)


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
def sort_by_digit(keys, order, shift, start, sorted_order):
    """One stable counting-sort pass of ``order`` by 12 bits of ``keys[order]`` from bit ``shift`` on.

    ``start`` comes in as ``DIGITS + 1`` zeros.
    """
    for i in range(keys.size):
        start[((keys[i] >> shift) & (DIGITS - 1)) + 1] += 1
    for digit in range(DIGITS):
        start[digit + 1] += start[digit]
    for i in range(order.size):
        digit = (keys[order[i]] >> shift) & (DIGITS - 1)
        sorted_order[start[digit]] = order[i]
        start[digit] += 1


@kernel
def fill_blocks(X, sample_weight, mean, order, points, rounded, weights, low, high):
    """Copy the rows, centred, into blocks and note each block's box.

    The last block is filled up with copies of its last point that weigh nothing.
    """
    n, d = X.shape
    for b in range(points.shape[0]):
        for i in range(BLOCK):
            at = b * BLOCK + i
            row = order[min(at, n - 1)]
            weights[b, i] = sample_weight[row] if at < n else 0.0
            square = 0.0
            for j in range(d):
                x = X[row, j] - mean[j]
                points[b, j, i] = x
                rounded[b, j, i] = x
                square += x * x
            rounded[b, d, i] = square
        for j in range(d):
            lo = points[b, j, 0]
            hi = lo
            for i in range(1, BLOCK):
                x = points[b, j, i]
                lo = x if x < lo else lo
                hi = x if x > hi else hi
            low[b, j] = lo
            high[b, j] = hi
