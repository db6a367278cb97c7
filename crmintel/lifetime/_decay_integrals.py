"""Integrals over the time at which a customer left, for vectors of customers."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crmintel.kernels.paretonbd import decay_integrals
from crmintel.lifetime._histories import Vector

_MOST_NODES = 22  # what the steepest and widest panel takes


def log_decay_integral(n: Any, A: Any, p: Any, B: Any, q: Any, L: Any) -> NDArray[np.float64]:
    """Return the logarithm of int_0^L (u / (A + u))^n (1 + u / A)^-p (1 + u / B)^-q du, -inf where L = 0.

    Parameters
    ----------
    n : array of int, >= 0
    A, B : array of float, > 0
        One of them may be inf.
    p, q : array of float, >= 0
    L : array of float, >= 0
        All are broadcast.
    """
    shape = np.broadcast_shapes(*(np.shape(v) for v in (n, A, p, B, q, L)))
    return _integrals(1, n, A, p, B, q, L, shape)[0].reshape(shape)


def decay_moments(
    A: Vector, p: Vector, B: Vector, q: float, L: Vector
) -> tuple[Vector, Vector, NDArray[np.float64]]:
    """Return, for n = 0, the logarithm of the integral and averages over its integrand.

    Returns
    -------
    log_integral : ndarray of shape (n,)
    mean : ndarray of shape (4, n)
        Averages of log(1 + u / A), 1 / (1 + u / A), log(1 + u / B) and 1 / (1 + u / B).
    square : ndarray of shape (10, n)
        Averages of their products, in the order of an upper triangle.
    """
    out = _integrals(15, 0.0, A, p, B, q, L, L.shape)
    return out[0], out[1:5], out[5:]


def _integrals(rows: int, *args: Any) -> NDArray[np.float64]:
    *values, shape = args
    vectors = [np.array(np.broadcast_to(v, shape), dtype=np.float64).ravel() for v in values]
    out = np.empty((rows, vectors[0].size))
    decay_integrals(*vectors, *_rules(), out)
    return out


@cache
def _rules() -> tuple[Vector, Vector]:
    """Gauss-Legendre nodes and weights of 1, 2, 3, ... nodes, one rule after the other."""
    rules = [np.polynomial.legendre.leggauss(n) for n in range(1, _MOST_NODES + 1)]
    nodes, weights = zip(*rules, strict=True)
    return np.concatenate(nodes), np.concatenate(weights)
