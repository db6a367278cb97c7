"""The likelihood of mean spend under the log-normal model: a few sums for each frequency tell it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from crmintel.lifetime._histories import Vector, coded
from crmintel.lifetime._mle import Optimum, minimise

_LOW, _HIGH = np.array([-50.0, -9.0, -9.0]), np.array([50.0, 4.0, 6.0])
_BETWEEN = (0.7, 0.2)  # guesses of the share of the variance of log spend that lies between customers


def moments(x: Vector, sigma2: float, cv2: float) -> tuple[Vector, Vector]:
    """Return V and its part s2 within customers: log m has mean mu - s2 / 2 and variance V at frequency x.

    The mean of x purchases keeps the mean of one, and has 1 / x of its squared coefficient of variation; matched by a
    log-normal distribution (exact at x = 1), s2 = log(1 + cv2 / x).
    """
    within = np.log1p(cv2 / x)
    return sigma2 + within, within


class LogNormalLikelihood:
    """Mean negative log-likelihood by mu, log sigma and log cv, with gradient and Hessian.

    ``mu`` is counted from ``centre``, the mean of log m, so that the currency does not matter.
    """

    def __init__(self, x: Vector, m: Vector, weights: Vector) -> None:
        log_m = np.log(m)
        self.total = float(weights.sum())
        self.log_m = float(np.einsum("i,i", weights, log_m))
        self.centre = self.log_m / self.total
        codes, values = coded(x)
        off = log_m - self.centre
        sums = [np.bincount(codes, weights * power, values.size) for power in (1.0, off, off * off)]
        here = sums[0] > 0
        self.n, self.first, self.second = (each[here] for each in sums)
        self.x = values[here]

    def minimise(self, tol: float, max_iter: int) -> Optimum:
        """Search from a base of different customers, and from one of different purchases."""
        variance = max(float(self.second.sum()) / self.total, 1e-12)
        found = []
        for between in _BETWEEN:
            within = np.log(np.expm1(np.minimum((1.0 - between) * variance, 20.0)))
            start = np.array([0.0, np.log(between * variance) / 2.0, within / 2.0])
            found.append(minimise(self, start, low=_LOW, high=_HIGH, tol=tol, max_iter=max_iter))
        return min(found, key=lambda each: (round(each.value, 12), not each.converged))

    def __call__(self, theta: Vector) -> tuple[float, Vector, NDArray[np.float64]]:
        n = self.n
        sigma2, cv2 = np.exp(2.0 * theta[1]), np.exp(2.0 * theta[2])
        V, within = moments(self.x, sigma2, cv2)
        M = theta[0] - within / 2.0
        error, square = self.first - n * M, self.second - 2.0 * M * self.first + n * M * M
        value = -self.log_m - (n @ np.log(2.0 * np.pi * V) + (square / V).sum()) / 2.0
        # by M and V, then by the chain rule: within' = 2 r and within'' = 4 r (1 - r) by log cv
        to_M, to_V = error / V, (square / V - n) / (2.0 * V)
        M_M, M_V, V_V = -n / V, -error / V**2, (n / 2.0 - square / V) / V**2
        r = cv2 / (self.x + cv2)
        J_M = np.stack([np.ones_like(r), np.zeros_like(r), -r])
        J_V = np.stack([np.zeros_like(r), np.full_like(r, 2.0 * sigma2), 2.0 * r])
        gradient = J_M @ to_M + J_V @ to_V
        mixed = (J_M * M_V) @ J_V.T
        hessian = (J_M * M_M) @ J_M.T + mixed + mixed.T + (J_V * V_V) @ J_V.T
        hessian[1, 1] += 4.0 * sigma2 * to_V.sum()
        hessian[2, 2] += (2.0 * r * (1.0 - r)) @ (2.0 * to_V - to_M)
        return -value / self.total, -gradient / self.total, -hessian / self.total
