"""Averages over the dropout chance of live customers of the beta-geometric family."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from crmintel.kernels.ids import factorize_integers
from crmintel.lifetime._histories import Vector
from crmintel.lifetime._quadrature import beta_rule, beta_rules
from crmintel.lifetime._smooth import SmoothByCount

_NO_TIME = 1e-100  # below it nothing depends on z any more
_RULES = 4096  # at a time
_FEW = 64  # customers with the same shapes, below which each has a rule of its own

Mix = Callable[..., None]


def average_over_dropout(mix: Mix, x: Vector, z: Vector, r: float, a: Any, b: Any, at_start: int) -> Vector:
    """Average a kernel's function of z = t / (alpha + T) over the dropout chance p ~ Beta(a, b + x + at_start).

    Parameters
    ----------
    mix : kernel
        ``mix(code, z, shape, start, p, weight, out)``, see `crmintel.kernels.nbd`.
    x, z : ndarray of shape (n,)
    r : float
    a, b : float, or ndarray of shape (n,) where customers differ by covariates
    at_start : int
        Chances to leave before the first repeat purchase.

    Returns
    -------
    ndarray of shape (n,)
    """
    if np.ndim(a) == 0:
        return _smooth(mix, x, z, r, a, b, at_start)
    first, _ = factorize_integers(a.view(np.int64))
    second, of_b = factorize_integers(b.view(np.int64))
    profile, profiles = factorize_integers(first.astype(np.int64) * of_b.size + second)
    out = np.empty(x.size)
    if _FEW * profiles.size > x.size:
        for begin in range(0, x.size, _RULES):
            rows = slice(begin, begin + _RULES)
            out[rows] = _one_by_one(mix, x[rows], z[rows], r, a[rows], b[rows] + (x[rows] + at_start))
        return out
    order = np.argsort(profile, kind="stable")
    for alike in np.split(order, np.cumsum(np.bincount(profile))[:-1]):
        one = alike[0]
        out[alike] = _smooth(mix, x[alike], z[alike], r, float(a[one]), float(b[one]), at_start)
    return out


def _smooth(mix: Mix, x: Vector, z: Vector, r: float, a: float, b: float, at_start: int) -> Vector:
    """For customers of one a and b: smooth in log z."""

    def exact(x: Vector, v: Vector) -> Vector:
        return _by_count(mix, x, np.exp(v), r, a, b + at_start)

    v = np.log(np.maximum(z, _NO_TIME))
    ends = float(v.min(initial=np.inf)), float(v.max(initial=-np.inf))
    return SmoothByCount(exact, x, *ends)(x, v)


def _by_count(mix: Mix, x: Vector, z: Vector, r: float, a: float, b: float) -> Vector:
    """By one quadrature rule for each count."""
    code, counts = factorize_integers(x.astype(np.int64))
    reach = float(z.max(initial=0.0))
    rules = [beta_rule(a, b + count, (r + count) * reach) for count in counts.tolist()]
    start = np.cumsum([0, *(p.size for p, _ in rules)])
    p, weight = (np.concatenate(parts) for parts in zip(*rules, strict=True))
    out = np.empty(x.size)
    mix(code, z, r + counts.astype(np.float64), start, p, weight, out)
    return out


def _one_by_one(mix: Mix, x: Vector, z: Vector, r: float, a: Vector, b: Vector) -> Vector:
    """By one quadrature rule for each customer."""
    z = np.maximum(z, _NO_TIME)
    p, weight = beta_rules(a, b, (r + x) * z)
    start = np.arange(x.size + 1) * p.shape[1]
    out = np.empty(x.size)
    mix(np.arange(x.size, dtype=np.int32), z, r + x, start, p.ravel(), weight.ravel(), out)
    return out
