"""Customers in blocks of neighbours, built once and shared by all restarts."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crmintel._compat import thread_count
from crmintel.kernels.blocks import BLOCK, DIGITS, KEY_BITS, curve_keys, fill_blocks, sort_keys
from crmintel.kernels.kmeans import CHUNK

# Bits of a column; with fewer (9 columns and more) boxes are so wide that fetching the rows in order costs more.
_MIN_BITS = 3
_SAMPLE = 16_384  # rows that tell the range of a column where there are more than twice as many


@dataclass(frozen=True, slots=True)
class Blocks:
    """Points along a Morton curve: ``points[b, j, i]`` is column j of point i of block b.

    They are less ``origin``, which is near their mean. ``few_weights`` has a row for every block or, where all weigh
    the same, one for all but the last and one for that, which is filled up with points of weight 0. ``low`` and
    ``high`` are the corners of the boxes, and ``variance`` is the mean over the columns of the weighted variance, the
    scale of ``tol``.
    """

    points: NDArray[np.float64]
    few_weights: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    origin: NDArray[np.float64]
    variance: float

    @property
    def weights(self) -> NDArray[np.float64]:
        """Weight of every point (n_blocks, BLOCK), 0 where the last block is filled up."""
        n_blocks = len(self.points)
        return self.few_weights[np.maximum(np.arange(n_blocks) - (n_blocks - len(self.few_weights)), 0)]

    @property
    def n_chunks(self) -> int:
        """Number of pieces whose sums are kept apart."""
        return -(-len(self.points) // CHUNK)


def build_blocks(X: NDArray[np.float64], sample_weight: NDArray[np.float64]) -> Blocks:
    """Sort the rows of ``X``, less those of weight 0, along a Morton curve and copy them into blocks."""
    if not sample_weight.all():
        X, sample_weight = X[sample_weight > 0.0], sample_weight[sample_weight > 0.0]
    exponent = int(np.frexp(sample_weight.max())[1])
    if exponent > 1:  # weighted squares of large values would overflow; a power of two changes no digit
        sample_weight = np.ldexp(sample_weight, -exponent)
    sample = X[:: max(1, len(X) // _SAMPLE)]
    return _filled(X, sample_weight, sample.mean(axis=0), _curve_order(X, sample))


def coreset(blocks: Blocks, size: int) -> Blocks:
    """Return ``size`` points that stand for all: the blocks of a lightweight coreset.

    Points are drawn by q, half the share of their weight and half the share of their squared distance to the origin,
    at even steps along the curve, which spreads them over space and takes everyone far out; they weigh w / q.

    References
    ----------
    O. Bachem, M. Lucic and A. Krause, "Scalable k-means clustering via lightweight coresets", KDD 2018.
    """
    w = blocks.weights
    squares = w * np.einsum("bji,bji->bi", blocks.points, blocks.points)
    q = w / w.sum()
    if squares.sum() > 0.0:
        q = 0.5 * (q + squares / squares.sum())
    ends = np.cumsum(q)
    picked = np.searchsorted(ends, (np.arange(size) + 0.5) / size * ends[-1])
    block, i = np.divmod(picked, BLOCK)
    origin = np.zeros(blocks.origin.size)
    return _filled(
        blocks.points[block, :, i],
        w[block, i] / (size * q[block, i]),
        origin,
        np.arange(size, dtype=np.int32),
    )


def _filled(
    X: NDArray[np.float64], weight: NDArray[np.float64], origin: NDArray[np.float64], order: NDArray[np.int32]
) -> Blocks:
    n, d = X.shape
    n_blocks = -(-n // BLOCK)
    mass = weight.sum()
    if weight.min() == weight.max():
        weight = weight[:1]
    points = np.empty((n_blocks, d, BLOCK))
    weights = np.empty((min(n_blocks, 2) if weight.size == 1 else n_blocks, BLOCK))
    low, high = np.empty((n_blocks, d)), np.empty((n_blocks, d))
    totals, squares = np.zeros(d), np.zeros(d)
    fill_blocks(X, weight, origin, order, points, weights, low, high, totals, squares)
    variance = np.maximum(squares / mass - (totals / mass) ** 2, 0.0).mean()
    return Blocks(points, weights, low, high, origin, float(variance))


def _curve_order(X: NDArray[np.float64], sample: NDArray[np.float64]) -> NDArray[np.int32]:
    """Order of the rows along the curve, or as they are where rows and columns are many.

    Of many rows the cells cover the middle 99 %, for tails would empty them.
    """
    n = len(X)
    if n <= 2 * _SAMPLE:
        low, high = X.min(axis=0), X.max(axis=0)
    else:
        low, high = np.quantile(sample, [0.005, 0.995], axis=0)
    columns = np.flatnonzero(high > low)[:KEY_BITS]
    order = np.arange(n, dtype=np.int32)
    if columns.size == 0 or (n > 2 * _SAMPLE and KEY_BITS // columns.size < _MIN_BITS):
        return order
    bits = min(KEY_BITS // columns.size, KEY_BITS // 2)
    low, width = low[columns], (high - low)[columns]
    cells = np.arange(1 << bits)
    spread = np.zeros((columns.size, cells.size), dtype=np.int32)
    for j in range(columns.size):
        for bit in range(bits):
            spread[j] |= (((cells >> bit) & 1) << (bit * columns.size + j)).astype(np.int32)
    keys = np.empty(n, dtype=np.int32)
    with np.errstate(over="ignore"):  # columns of subnormal width; any order will do
        scale = cells.size / width
    curve_keys(X, columns, low, scale, spread, keys)
    sort_keys(keys, np.zeros((2, DIGITS + 1), dtype=np.int64), np.empty(n, dtype=np.int64), order)
    return order


class Threads:
    """Runs kernels over ranges of chunks, here or on several threads; which one does what changes no bit."""

    def __init__(self, n_jobs: Any) -> None:
        self.count = thread_count(n_jobs)
        self._pool = ThreadPoolExecutor(self.count) if self.count > 1 else None

    def __enter__(self) -> Threads:
        return self

    def __exit__(self, *exception: object) -> None:
        if self._pool is not None:
            self._pool.shutdown()

    def run(self, call: Callable[[int, int], Any], n_chunks: int) -> list[Any]:
        """Return ``call(first, last)`` for ranges that make up ``range(n_chunks)``."""
        if self._pool is None or n_chunks == 1:
            return [call(0, n_chunks)]
        edges = np.linspace(0, n_chunks, min(self.count, n_chunks) + 1).astype(int).tolist()
        return list(self._pool.map(call, edges[:-1], edges[1:]))
