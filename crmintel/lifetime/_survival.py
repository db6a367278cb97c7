"""Chances to stay when the chance to leave is beta distributed over customers: no digits lost, whatever the size."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

Vector = NDArray[np.float64]

_SHIFT = 16  # from here on five terms of Stirling's series are exact to the last digit
_LOG_GAMMA = (1 / 12, -1 / 360, 1 / 1260, -1 / 1680, 1 / 1188)
_DIGAMMA = (-1 / 12, 1 / 120, -1 / 252, 1 / 240, -1 / 132)
_TRIGAMMA = (1 / 6, -1 / 30, 1 / 42, -1 / 30, 5 / 66)
_FARTHEST = 1e250  # exposures beyond it are the same to every model, and their products still numbers
_EXACT = 64  # terms of their own
_NODES = 20  # per doubling of the period
_NOTHING = 45.0  # e^-45 is below rounding


def exposure(c: float, start: ArrayLike, periods: ArrayLike) -> Vector:
    """Return (start + periods)^c - start^c, also where the two powers are nearly the same."""
    start, periods = np.asarray(start, dtype=np.float64), np.asarray(periods, dtype=np.float64)
    begun = start > 0
    with np.errstate(over="ignore", invalid="ignore"):
        more = start**c * np.expm1(c * np.log1p(periods / np.where(begun, start, 1.0)))
        return np.minimum(np.where(begun, more, periods**c), _FARTHEST)


def log_survival(alpha: ArrayLike, beta: ArrayLike, u: ArrayLike) -> Vector:
    """Return log E[(1 - p)^u] over p ~ Beta(alpha, beta): log B(alpha, beta + u) - log B(alpha, beta).

    It is symmetric in alpha and u, so that the smaller can be the step by which two log-gamma functions differ.
    """
    step, other = np.minimum(alpha, u), np.maximum(alpha, u)
    return np.where(step > 0, _log_gamma_step(beta, step) - _log_gamma_step(beta + other, step), 0.0)


def digamma_step(z: ArrayLike, step: ArrayLike) -> Vector:
    """Return digamma(z + step) - digamma(z), with as many digits where the two are nearly the same."""
    z, step = np.asarray(z, dtype=np.float64), np.asarray(step, dtype=np.float64)
    y = z + _SHIFT
    value = np.log1p(step / y) + step / (2.0 * y * (y + step)) + _series_step(y, step, 2, _DIGAMMA)
    near, step = _below(z, step)
    return value + (step / (near * (near + step))).sum(axis=0)


def trigamma_step(z: ArrayLike, step: ArrayLike) -> Vector:
    """Return trigamma(z + step) - trigamma(z), with as many digits where the two are nearly the same."""
    z, step = np.asarray(z, dtype=np.float64), np.asarray(step, dtype=np.float64)
    y = z + _SHIFT
    value = _series_step(y, step, 3, _TRIGAMMA)
    value -= step / (y * (y + step)) * (1.0 + (1.0 / y + 1.0 / (y + step)) / 2.0)
    near, step = _below(z, step)
    far = near + step
    return value - (step / (near * far) * (1.0 / near + 1.0 / far)).sum(axis=0)


def _log_gamma_step(z: ArrayLike, step: ArrayLike) -> Vector:
    """Return log G(z + step) - log G(z) by Stirling's series, of which the large terms are subtracted on paper."""
    z, step = np.asarray(z, dtype=np.float64), np.asarray(step, dtype=np.float64)
    y = z + _SHIFT
    value = (y - 0.5) * np.log1p(step / y) + step * (np.log(y + step) - 1.0)
    value += _series_step(y, step, 1, _LOG_GAMMA)
    near, step = _below(z, step)
    return value - np.log1p(step / near).sum(axis=0)


def _below(z: Vector, step: Vector) -> tuple[Vector, Vector]:
    """Return z, z + 1, ..., z + 15 along a new first axis, and the step with that axis."""
    return z + np.arange(float(_SHIFT)).reshape(-1, *(1,) * max(z.ndim, step.ndim)), step[None]


def _series_step(y: Vector, step: Vector, first: int, factors: tuple[float, ...]) -> Vector:
    """Return the difference of sum_k factors[k] / y^(first + 2 k) over the step."""
    total = np.zeros(np.broadcast_shapes(y.shape, step.shape))
    for number, factor in enumerate(factors):
        power = -(first + 2 * number)
        total += factor * ((y + step) ** power - y**power)
    return total


def sum_rule(last: float) -> tuple[Vector, Vector]:
    """Return nodes and weights with f(1) + ... + f(last) = sum_k w_k f(node_k) for smooth f.

    Terms from 64 on are taken in blocks [m, 2m), each with the Gauss rule of equally spaced points, as in `count_rule`,
    but the recurrence of the polynomials (discrete Chebyshev) is known, so that the time does not depend on ``last``.
    """
    head = np.arange(1.0, min(last, _EXACT - 1.0) + 1.0)
    nodes, weights = [head], [np.ones(head.size)]
    first = float(_EXACT)
    while first <= last:
        n = min(first, last - first + 1.0)
        if n <= _NODES:
            node, weight = np.arange(n), np.ones(int(n))
        else:
            k = np.arange(1.0, _NODES)
            beside = k * np.sqrt((1.0 - (k / n) ** 2) / (4.0 * (4.0 * k * k - 1.0)))
            values, vectors = np.linalg.eigh(np.diag(beside, 1) + np.diag(beside, -1))
            node, weight = (n - 1.0) / 2.0 + n * values, n * vectors[0] ** 2
        nodes.append(first + node)
        weights.append(weight)
        first *= 2.0
    return np.concatenate(nodes), np.concatenate(weights)


def discounted_survival(
    alpha: float, beta: float, c: float, tenure: Vector, discount_rate: float, horizon: float
) -> Vector:
    """Return the sum over k = 1, ..., horizon of S(tenure + k) / S(tenure) / (1 + discount_rate)^k.

    S(t) = E[(1 - p)^(t^c)]. Without a discount the horizon must be finite.
    """
    rate = np.log1p(discount_rate)
    last = min(horizon, np.ceil(_NOTHING / max(rate, 1e-290))) if rate > 0.0 else horizon
    k, weights = sum_rule(last)
    weights = weights * np.exp(-rate * k)
    return np.array([weights @ np.exp(log_survival(alpha, beta + n**c, exposure(c, n, k))) for n in tenure])
