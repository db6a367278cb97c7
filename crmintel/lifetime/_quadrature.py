"""A quadrature rule for averages over a beta distribution that stays accurate when the integrand is steep.

Gauss-Jacobi rules fail where the horizon is long against the history. In y = logit(p) the integrands of the
BG/NBD are analytic in a strip, so the trapezoid rule converges exponentially; beyond the region where anything
happens the axis is stretched so that slow tails (a = 0.01) end after a few nodes (Takahasi & Mori 1974).
Against 40-digit arithmetic the worst relative error over 2,000 points of the box in tests/lifetime/test_accuracy.py
is 8e-12, with 80 nodes on average.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

STEP = 0.2
MARGIN = 4.0
_SMALLEST_LOG_P = -345.0  # p = 1e-150: below it the integrands are constant, and 1 / p stays finite


def beta_rule(a: float, b: float, reach: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return nodes and weights (which sum to 1) for averages of f(p) over p ~ Beta(a, b).

    Parameters
    ----------
    a, b : float
        Shapes of the beta distribution. ``a = 0`` is the spike at p = 0.
    reach : float
        f may fall off as soon as p > 1 / reach.

    References
    ----------
    Takahasi, H. & Mori, M. (1974). Double exponential formulas for numerical integration. Publ. RIMS 9, 721-741.
    """
    if a == 0.0:
        return np.array([math.exp(_SMALLEST_LOG_P)]), np.ones(1)
    p, weights = beta_rules(*(np.array([v]) for v in (a, b, reach)))
    return p[0], weights[0]


def beta_rules(
    a: NDArray[np.float64], b: NDArray[np.float64], reach: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the same for vectors, one rule a row; short rules end in weights of 0."""
    a, b, reach = (v[:, None] for v in (a, b, reach))
    width = np.sqrt(1.0 / a + 1.0 / b)  # of the peak in y
    peak = np.log(a) - np.log(b)
    low = np.minimum(peak, -np.log1p(reach)) - MARGIN
    high = np.maximum(peak, -np.log(np.maximum(b, 1.0))) + MARGIN
    first = np.maximum(low - np.log1p(60.0 / a), peak - 120.0 / a - 22.0 * width)
    last = np.minimum(high + np.log1p(40.0 / b), peak + 80.0 / b + 22.0 * width)
    step = np.minimum(STEP, 0.7 * width)
    size = np.ceil((last - first) / step) + 1.0
    k = np.arange(size.max(initial=0.0))
    s = np.minimum(first + k * step, last + step)
    left, right = np.exp(low - s), np.exp(s - high)
    y = s - left + right
    log_p = -np.logaddexp(0.0, -y)
    log_density = a * log_p - b * np.logaddexp(0.0, y) + np.log1p(left + right)
    log_density[k >= size] = -np.inf
    weights = np.exp(log_density - log_density.max(axis=1, keepdims=True))
    return np.exp(np.maximum(log_p, _SMALLEST_LOG_P)), weights / weights.sum(axis=1, keepdims=True)
