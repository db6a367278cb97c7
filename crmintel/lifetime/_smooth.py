"""Functions of a count and a smooth variable, for many customers: few exact values, then polynomials between them.

Customers differ in much, but what their future takes an integral for depends on the count of purchases and on one
number more. Counts that many customers share get a piecewise polynomial through exact values; it is kept only where
its last coefficients show that it is as exact as they are.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from crmintel.kernels.pieces import evaluate_pieces
from crmintel.lifetime._histories import Vector

_NODES = 13  # a piece half as wide as here converges twelvefold a node where singularities are pi / 2 away
_WIDTH = 0.5
_MOST_CELLS = 64.0
_TOLERANCE = 1e-12  # of the last two coefficients; what follows is smaller

Function = Callable[[Vector, Vector], Vector]


class SmoothByCount:
    """``function(x, v)``, smooth in v, made ready for customers with counts ``x`` and v from ``low`` to ``high``.

    Parameters
    ----------
    function : callable
        ``function(x, v)`` gives one positive value a row.
    x : ndarray of float
        The counts of the customers; whole numbers.
    low, high : float
    uses : int, default=1
        How often each customer is going to be asked for.
    """

    def __init__(self, function: Function, x: Vector, low: float, high: float, uses: int = 1) -> None:
        self._function, self._low, self._span = function, low, high - low or 1.0
        rows = np.bincount(x.astype(np.int64)) * uses
        self._place = np.full(rows.size, -1)
        starts: list[int] = []
        cells: list[int] = []
        pieces: list[NDArray[np.float64]] = []
        begin = 0
        n_cells = max(1.0, np.ceil(self._span / _WIDTH))
        open_counts = np.flatnonzero(rows > 0)
        while n_cells <= _MOST_CELLS:
            open_counts = open_counts[rows[open_counts] > _NODES * n_cells]
            if not open_counts.size:
                break
            polynomials, exact = self._pieces(open_counts.astype(np.float64), int(n_cells))
            settled = np.flatnonzero(exact)
            self._place[open_counts[settled]] = len(starts) + np.arange(settled.size)
            starts.extend((begin + int(n_cells) * np.arange(settled.size)).tolist())
            cells.extend([int(n_cells)] * settled.size)
            pieces.append(polynomials[settled].reshape(-1, _NODES))
            begin += pieces[-1].shape[0]
            open_counts = open_counts[~exact]
            n_cells *= 2.0
        self._start, self._cells = np.array(starts, dtype=np.int64), np.array(cells, dtype=np.int64)
        self._coefficients = np.concatenate(pieces) if pieces else np.empty((0, _NODES))

    def _pieces(self, counts: Vector, n_cells: int) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """Polynomials of shape (n_counts, n_cells, nodes), highest power first, and for which counts they are exact."""
        edges = self._low + self._span * np.arange(n_cells) / n_cells
        v = (edges[:, None] + self._span / n_cells * (_Y + 1.0) / 2.0).ravel()
        values = self._function(np.repeat(counts, v.size), np.tile(v, counts.size))
        values = values.reshape(counts.size, n_cells, _NODES)
        series = values @ _TO_SERIES
        left_out = np.abs(series[..., -2:]).sum(axis=2)
        exact = (left_out <= _TOLERANCE * values.min(axis=2)).all(axis=1)
        return series @ _TO_POWERS, exact

    def __call__(self, x: Vector, v: Vector) -> Vector:
        """Return the function of each customer."""
        out = np.empty(x.size)
        evaluate_pieces(
            x, v, self._low, self._span, self._place, self._start, self._cells, self._coefficients, out
        )
        if (self._place < 0).any():
            rare = np.flatnonzero(self._place[x.astype(np.int64)] < 0)
            if rare.size:
                out[rare] = self._function(x[rare], v[rare])
        return out


def smooth_by_scale(function: Function, x: Vector, scale: Vector) -> Vector:
    """Return ``function(x, scale)``, where few exact values tell all: scale > 0, and its logarithm the smooth variable.

    Integrals over a horizon (discounted purchases, lifetimes) take dozens of expectations, but depend on no more than
    one of them does.
    """
    v = np.log(scale)
    ends = float(v.min(initial=np.inf)), float(v.max(initial=-np.inf))
    return SmoothByCount(lambda x, v: function(x, np.exp(v)), x, *ends)(x, v)


def _bases() -> tuple[Vector, NDArray[np.float64], NDArray[np.float64]]:
    """Chebyshev nodes, the matrix from values there to Chebyshev coefficients, and from those to falling powers."""
    angle = (np.arange(_NODES)[::-1] + 0.5) * np.pi / _NODES
    to_series = np.cos(np.outer(angle, np.arange(_NODES))) * (2.0 / _NODES)
    to_series[:, 0] /= 2.0
    chebyshev = np.polynomial.chebyshev
    to_powers = np.zeros((_NODES, _NODES))
    for k in range(_NODES):
        to_powers[k, _NODES - 1 - k :] = chebyshev.cheb2poly(np.eye(_NODES)[k])[: k + 1][::-1]
    return np.cos(angle), to_series, to_powers


_Y, _TO_SERIES, _TO_POWERS = _bases()
