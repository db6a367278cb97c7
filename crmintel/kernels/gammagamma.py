"""Sums over customers for the Gamma-Gamma likelihood, in one pass: what depends on spend, added up by frequency."""

from __future__ import annotations

import math

from crmintel.kernels._jit import kernel


@kernel
def spend_sums(codes, spend, weights, v, out):
    """Add up ``log(z + v)``, ``s = v / (z + v)`` and ``s (1 - s)`` over customers of total spend z.

    Parameters
    ----------
    codes : int32 (n,)
        Row of ``out`` for each customer.
    spend, weights : float64 (n,)
    v : float64
    out : float64 (n_codes, 3)
        Overwritten.
    """
    out[:] = 0.0
    for i in range(codes.size):
        total = spend[i] + v
        share = v / total
        row = out[codes[i]]
        row[0] += weights[i] * math.log(total)
        row[1] += weights[i] * share
        row[2] += weights[i] * share * (1.0 - share)
