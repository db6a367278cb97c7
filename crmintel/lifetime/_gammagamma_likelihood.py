"""The likelihood of mean spend under the Gamma-Gamma model, and under the one in which it goes with frequency."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import betaln, digamma, polygamma

from crmintel.kernels.gammagamma import spend_sums
from crmintel.lifetime._histories import Vector, coded
from crmintel.lifetime._mle import Optimum, minimise
from crmintel.lifetime._model import Estimate

_NAMES = ("p", "q", "v", "slope")
_LOW = np.array([-14.0, -14.0, -30.0, -20.0])  # log p, log q, log v / typical spend, slope
_HIGH = np.array([15.0, 15.0, 30.0, 20.0])
_STARTS = ((6.0, 4.0), (0.3, 4.0), (50.0, 1.0))  # p, q: a customer's purchases are alike; unlike; the same
_SAMPLE = 50_000
_ALIKE = 1e4


def maximise(
    x: Vector, m: Vector, weights: Vector, *, correlated: bool, tol: float, max_iter: int
) -> Estimate:
    """Find the best parameters, from those of a sample where there are many customers, from other starts on doubt."""
    likelihood = SpendLikelihood(x, m, weights, correlated=correlated)
    starts = [likelihood.start(*guess) for guess in _STARTS]
    if x.size > 4 * _SAMPLE:
        every = np.arange(0, x.size, x.size // _SAMPLE)
        some = SpendLikelihood(x[every], m[every], weights[every], correlated=correlated)
        starts = [some.best(starts, tol, max_iter).theta]
    found = likelihood.best(starts, tol, max_iter)
    values = np.append(np.exp(found.theta[:3]), found.theta[3:])
    scale = np.append(values[:3], np.ones(values.size - 3))  # the slope is no logarithm
    return Estimate(
        dict(zip(_NAMES, values.tolist(), strict=False)),
        found.inverse_hessian() * np.outer(scale, scale) / likelihood.total,
        -found.value * likelihood.total,
        int(found.free.sum()),
        found,
        _limit(found),
    )


class SpendLikelihood:
    """Mean negative log-likelihood by log p, log q, log v and, if correlated, slope; gradient and Hessian.

    Gamma functions depend on the frequency only and are called once per distinct frequency; what depends on spend is
    added up by frequency. With s = v / (x m + v), d log(x m + v) = s by log v. The slope divides spend by
    ((1 + x) / 2)^slope.
    """

    def __init__(self, x: Vector, m: Vector, weights: Vector, *, correlated: bool = False) -> None:
        codes, values = coded(x)
        counts = np.bincount(codes, weights, values.size)
        self.here, self.shape = np.flatnonzero(counts), (values.size, 3)
        self.counts, self.x = counts[self.here], values[self.here]
        self.z, self.by_code = (np.log1p(v) - np.log(2.0) for v in (self.x, values))
        self.total = float(weights.sum())
        self.rows = codes, x * m, weights
        self.log_spend = self._sums(0.0, 0.0)[0]
        # The geometric mean: where q < 1 one purchase may be e^40 times what is typical, and with it their mean.
        self.typical = float(self.log_spend.sum() - self.counts @ np.log(self.x)) / self.total
        self.size = 4 if correlated else 3

    def _sums(self, v: float, slope: float) -> NDArray[np.float64]:
        """Sums of log(x m + v), s and s (1 - s), by frequency, with spend divided by ((1 + x) / 2)^slope."""
        codes, spend, weights = self.rows
        out = np.empty(self.shape)
        scaled = spend if slope == 0.0 else spend * np.exp(-slope * self.by_code)[codes]
        spend_sums(codes, scaled, weights, v, out)
        return out[self.here].T

    def start(self, p: float, q: float) -> Vector:
        """The parameters that go with typical spend."""
        return np.array([np.log(p), np.log(q), self.typical + digamma(q) - np.log(p), 0.0])[: self.size]

    def best(self, starts: list[Vector], tol: float, max_iter: int) -> Optimum:
        """Search from the first start, and where that ends at a limit from the others."""
        found = self.minimise(starts[0], tol, max_iter)
        if found.converged and _limit(found) is None:
            return found
        ends = [found, *(self.minimise(start, tol, max_iter) for start in starts[1:])]
        return min(ends, key=lambda end: (round(end.value, 12), not end.converged))

    def minimise(self, start: Vector, tol: float, max_iter: int) -> Optimum:
        shift = np.array([0.0, 0.0, self.typical, 0.0])
        low, high = (_LOW + shift)[: self.size], (_HIGH + shift)[: self.size]
        return minimise(self, start, low=low, high=high, tol=tol, max_iter=max_iter)

    def __call__(self, theta: Vector) -> tuple[float, Vector, NDArray[np.float64]]:
        p, q, v = np.exp(theta[:3])
        slope = theta[3] if self.size == 4 else 0.0
        c, k = self.counts, self.x
        log_total, share, bend = self._sums(v, slope)
        inside, both, first = polygamma(1, p * k), polygamma(1, p * k + q), digamma(p * k + q)
        # log L = -betaln(p x, q) + q log(v / (x m + v)) + p x log(x m / (x m + v)) - log m
        log_share = theta[2] * self.total - log_total.sum()
        log_rest = k @ (self.log_spend - slope * c * self.z - log_total)
        log_m = self.log_spend.sum() - c @ np.log(k)
        value = -(c @ betaln(p * k, q)) + q * log_share + p * log_rest - log_m
        to_p = c @ (k * (first - digamma(p * k))) + log_rest
        to_q = c @ (first - digamma(q)) + log_share
        # by the logarithm of v at each frequency, v ((1 + x) / 2)^slope: the slope moves it by z, log v by 1
        to_v, to_v_v = q * c - (p * k + q) * share, -(p * k + q) * bend
        moved = np.stack([np.ones_like(k), self.z])[: self.size - 2]
        gradient = np.concatenate([[p * to_p, q * to_q], moved @ to_v])
        hessian = np.empty((self.size, self.size))
        hessian[0, 0] = p * p * (c @ (k * k * (both - inside))) + gradient[0]
        hessian[0, 1] = hessian[1, 0] = p * q * (c @ (k * both))
        hessian[1, 1] = q * q * (c @ both - self.total * polygamma(1, q)) + gradient[1]
        hessian[0, 2:] = hessian[2:, 0] = -p * (moved @ (k * share))
        hessian[1, 2:] = hessian[2:, 1] = q * (moved @ (c - share))
        hessian[2:, 2:] = (moved * to_v_v) @ moved.T
        return -value / self.total, -gradient / self.total, -hessian / self.total


def _limit(found: Optimum) -> str | None:
    """Say which limit of the model the data ask for, if any."""
    p, q = np.exp(found.theta[:2])
    if q <= 1.0:
        return (
            f"q = {q:.3g} <= 1: spend is so unequal that its mean over customers is infinite, and so is the "
            "prediction for customers without repeat purchases. Look for a few extreme orders, or a mix of retail "
            "and wholesale customers to be modelled apart, or take LogNormalSpend"
        )
    if p > _ALIKE or q > _ALIKE or not found.free.all():
        return (
            f"the best fit is a limit of the model (p = {p:.3g}, q = {q:.3g}): customers, or the purchases of each, "
            "hardly differ in spend"
        )
    return None
