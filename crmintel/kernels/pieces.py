"""Kernel of piecewise polynomials: one function for each count, evaluated at many customers."""

from __future__ import annotations

from crmintel.kernels._jit import kernel


@kernel
def evaluate_pieces(x, v, low, span, place, start, cells, coefficients, out):
    """Write the function of count x[i] at v[i] in [low, low + span]; rows whose count has none are left alone.

    Function ``place[x]`` (-1: none) has ``cells`` pieces of equal width, from row ``start`` of ``coefficients`` on:
    polynomials in y in [-1, 1], the highest power first.
    """
    for i in range(x.size):
        f = place[int(x[i])]
        if f < 0:
            continue
        at = (v[i] - low) / span * cells[f]
        cell = min(max(int(at), 0), cells[f] - 1)
        y = 2.0 * (at - cell) - 1.0
        piece = coefficients[start[f] + cell]
        total = piece[0]
        for k in range(1, piece.size):
            total = total * y + piece[k]
        out[i] = total
