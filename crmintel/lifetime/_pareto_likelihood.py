"""The likelihood of the Pareto / NBD model, with derivatives, for all customers and row by row."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from crmintel.kernels.ids import factorize_integers
from crmintel.lifetime._count_sums import rising_parts
from crmintel.lifetime._covariate_likelihood import Effect, RowLikelihood, RowTerms
from crmintel.lifetime._decay_integrals import decay_moments
from crmintel.lifetime._histories import Histories, Vector, coded
from crmintel.lifetime._likelihood import ALIKE, SAME_RATE
from crmintel.lifetime._mle import Optimum
from crmintel.lifetime._model import Estimate
from crmintel.lifetime.nbd import NBDLikelihood, nobody_leaves

_BLOCK = 4096  # customers whose moments are held at once
_UPPER = np.triu_indices(4)
_PAIRS = tuple(zip(*(places.tolist() for places in _UPPER), strict=True))


class ParetoLikelihood(RowLikelihood):
    """Mean negative log-likelihood by log-parameters, with gradient and Hessian.

    A customer's term is that of the NBD, less s log(1 + T / beta), plus log(1 + G), where G is the odds of having
    left: an integral over the time y of leaving. Its logarithm has the mean of the integrand's derivatives as
    gradient, and the mean of their second derivatives plus their covariance as Hessian. Equal histories are put
    together first, which pays here: an integral takes longer than finding its twin.
    """

    smaller = NBDLikelihood
    unseen = "s -> 0, beta -> inf"
    names = ("r", "alpha", "s", "beta")
    effects = (*NBDLikelihood.effects, Effect("dropout", "beta", -1.0))
    times = ("alpha", "beta")
    staying: ClassVar[dict[str, float]] = {"s": 0.0, "beta": np.inf}
    # r, stretch of alpha, s, beta by the mean of T. The second finds the best where some leave at once, the third where
    # most do and the others buy alike.
    starts = ((0.5, 1.0, 0.6, 0.5), (0.5, 1.0, 0.1, 1e-3), (4.0, 0.005, 0.3, 1e-5), (2.0, 1.0, 2.0, 3.0))
    basins = 3
    sample = 5_000

    def __init__(self, h: Histories, weights: Vector, penalty: float) -> None:
        super().__init__(*_distinct(h, weights), penalty)

    def start(self, guess: tuple[float, ...]) -> Vector:
        r, stretch, s, beta = guess
        return np.log([r, self.alpha_of(r, stretch), s, beta * self.mean_time])

    def terms(self, theta: Vector) -> tuple[float, Vector, NDArray[np.float64]]:
        r, S = np.exp(theta[0]), self.more_than
        grow = r / (r + self.j)
        value, gradient, hessian = S @ np.log(r + self.j), np.zeros(4), np.zeros((4, 4))
        gradient[0], hessian[0, 0] = S @ grow, S @ (grow * (1.0 - grow))
        for first in range(0, len(self.h), _BLOCK):
            rows = slice(first, first + _BLOCK)
            each, slope, bend = _time_terms(self.h[rows], *np.exp(theta))
            w = self.weights[rows]
            value, gradient = value + w @ each, gradient + slope @ w
            hessian[_UPPER] += bend @ w
        return value, gradient, hessian + np.triu(hessian, 1).T

    @classmethod
    def row_terms(cls, h: Histories, params: Sequence[Any]) -> RowTerms:
        value, slope, bend = _time_terms(h, *params)
        rising, first, second = rising_parts(params[0], h.x)
        slope[0] += first
        bend[0] += second
        matrix = np.zeros((4, 4, len(h)))
        matrix[_UPPER] = bend
        return value + rising, slope, matrix

    def nested(self, best: Optimum, tol: float, max_iter: int) -> Estimate | None:
        if self.penalty > 0.0 or (self._leaving(best) > 1e-3 and self.limit(best) is None):
            return None
        return nobody_leaves(self, best, self.unseen, tol, max_iter)

    def limit(self, found: Optimum) -> str | None:
        r, _, s, beta = np.exp(found.theta)
        reasons = [SAME_RATE] if r > ALIKE else []
        if s > ALIKE:
            reasons.append("all customers leave at the same rate (only s / beta is known)")
        if self._leaving(found) < 1.0 / ALIKE:
            reasons.append("hardly any customer leaves (s / beta -> 0)")
        elif beta < self.mean_time / ALIKE:
            reasons.append("who leaves does so right after the first purchase (beta -> 0)")
        return self.described(found, reasons)

    def _leaving(self, found: Optimum) -> float:
        """How often a customer is expected to leave within the mean of T."""
        _, _, s, beta = np.exp(found.theta)
        return float(s * np.log1p(self.mean_time / beta))


def _time_terms(h: Histories, r: float, alpha: Any, s: Any, beta: Any) -> RowTerms:
    """The terms of each row, gradients and upper triangles of Hessians, but for those of r and x alone."""
    q, silence, A, B = r + h.x, h.T - h.t_x, alpha + h.t_x, beta + h.t_x
    c, k = np.log1p(h.T / alpha), alpha / (alpha + h.T)
    d, l = np.log1p(h.T / beta), beta / (beta + h.T)
    log_J, mean, square = decay_moments(A, q, B, s + 1.0, silence)
    # With y = t_x + u the logarithm of the integrand has the derivatives
    #   r (log(alpha + T) - log(alpha + y)),    q (k - alpha / (alpha + y)),
    #   1 + s (log(beta + T) - log(beta + y)),  s l - (s + 1) beta / (beta + y),
    # each linear in one of the four functions that have been averaged.
    to_alpha, to_beta = np.log1p(silence / A), np.log1p(silence / B)
    factor = np.empty((4, len(h)))
    factor[0], factor[1], factor[2], factor[3] = -r, -q * alpha / A, -s, -(s + 1.0) * beta / B
    log_odds = np.log(s) - np.log(B) + log_J + q * to_alpha + s * to_beta
    gone = expit(log_odds)
    weighed, part = gone * factor, factor * mean
    by = part + np.stack([r * to_alpha, q * k, 1.0 + s * to_beta, s * l])
    slope = gone * by
    doubt, weighed_part = slope * (1.0 - gone), weighed * mean
    bend = np.empty((10, len(h)))
    for row, (i, j) in enumerate(_PAIRS):
        bend[row] = weighed[i] * factor[j] * square[row] - weighed_part[i] * part[j] + doubt[i] * by[j]
    bend[0] += slope[0] - r * c
    bend[1] += r * (slope[1] / q + (1.0 - k))
    bend[4] += weighed[1] * (mean[1] - alpha / A * square[4]) - (1.0 - gone) * q * k * (1.0 - k)
    bend[7] += slope[2] - gone - s * d
    bend[8] += s * (gone * (l - beta / B * mean[3]) + (1.0 - l))
    bend[9] += weighed[3] * (mean[3] - beta / B * square[9]) - (1.0 - gone) * s * l * (1.0 - l)
    slope += np.stack([-r * c, r - q * k, -s * d, s * (1.0 - l)])
    value = np.logaddexp(0.0, log_odds) - r * c - h.x * (np.log(alpha) + c) - s * d
    return value, slope, bend


def _distinct(h: Histories, weights: Vector) -> tuple[Histories, Vector]:
    """Return the histories that differ, and the weight of each."""
    T, times = coded(h.T)
    if times.size > len(h) // 2:  # times to the second: few twins
        return h, weights
    t_x, recencies = coded(h.t_x)
    pair, pairs = factorize_integers(T.astype(np.int64) * recencies.size + t_x)
    counts = np.int64(h.x.max() + 1.0)
    codes, triples = factorize_integers(pair.astype(np.int64) * counts + h.x.astype(np.int64))
    pair_of, x = np.divmod(triples, counts)
    T_of, t_x_of = np.divmod(pairs[pair_of], recencies.size)
    distinct = Histories(x.astype(np.float64), recencies[t_x_of], times[T_of])
    return distinct, np.bincount(codes, weights=weights).astype(np.float64)
