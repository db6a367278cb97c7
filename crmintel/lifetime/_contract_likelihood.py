"""The likelihood of contracts: who was lost at which renewal, and who stayed."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import polygamma

from crmintel.lifetime._contracts import Contracts
from crmintel.lifetime._likelihood import same_chance
from crmintel.lifetime._mle import Optimum, minimise
from crmintel.lifetime._model import Estimate
from crmintel.lifetime._survival import digamma_step, exposure, log_survival, trigamma_step

Vector = NDArray[np.float64]

_LOW, _HIGH = np.array([-16.0, -16.0, -4.0]), np.array([14.0, 14.0, 3.0])  # logs of alpha, beta, c
_SPREADS = (
    1.0,
    20.0,
    0.1,
)  # guesses of alpha + beta: customers differ, hardly, very much; each is the best at times
_POWERS = (1.0, 0.5, 2.0)  # guesses of c: each customer's chance to leave stays, falls, grows
_NOT_IDENTIFIED = "More renewals, or penalty > 0, would settle it"


class ContractLikelihood:
    """Mean negative log-likelihood by the logarithms of alpha, beta and c, with gradient and Hessian.

    Contracts enter by how many were lost at each renewal and how many stayed after the last that was seen. Without
    ``c`` among the ``names`` it is 1.
    """

    def __init__(self, contracts: Contracts, weights: Vector, penalty: float, names: tuple[str, ...]) -> None:
        periods = contracts.duration.astype(np.int64)
        self.names, self.penalty, self.total = names, penalty, float(weights.sum())
        lost = np.bincount(periods, weights * contracts.churned)
        kept = np.bincount(periods, weights * ~contracts.churned)
        self.seen = int(np.flatnonzero(lost + kept)[-1])  # renewals that somebody was watched at
        self.t = np.arange(self.seen + 1.0)
        self.lost, self.kept = lost[1 : self.seen + 1], kept[: self.seen + 1]
        self.low, self.high = _LOW[: len(names)], _HIGH[: len(names)]

    def maximise(self, tol: float, max_iter: int) -> Estimate:
        """Find the best parameters from several starts; each takes milliseconds, whatever the number of customers."""
        if self.lost.sum() == 0.0 and self.penalty == 0.0:
            return self._nobody_lost()
        at_risk = self.lost @ self.t[1:] + self.kept @ self.t
        share = min(max(float(self.lost.sum() / at_risk), 1e-3), 1.0 - 1e-3)
        powers = _POWERS if "c" in self.names else _POWERS[:1]
        starts = [(s * share, s * (1.0 - share), c) for c in powers for s in _SPREADS]
        found = [
            minimise(
                self,
                np.log(start[: len(self.names)]),
                low=self.low,
                high=self.high,
                tol=tol,
                max_iter=max_iter,
            )
            for start in starts
        ]
        best = min(found, key=lambda end: (round(end.value, 12), not end.converged))
        values = np.exp(best.theta)
        covariance = best.inverse_hessian() * np.outer(values, values) / self.total
        total = -best.value * self.total + self.penalty / 2.0 * float(best.theta @ best.theta)
        params = dict(zip(self.names, values.tolist(), strict=True))
        return Estimate(params, covariance, total, int(best.free.sum()), best, self._limit(best))

    def __call__(self, theta: Vector) -> tuple[float, Vector, NDArray[np.float64]]:
        value, gradient, hessian = self.terms(theta)
        value -= self.penalty / 2.0 * float(theta @ theta)
        gradient -= self.penalty * theta
        hessian -= self.penalty * np.eye(theta.size)
        return -value / self.total, -gradient / self.total, -hessian / self.total

    def terms(self, theta: Vector) -> tuple[float, Vector, NDArray[np.float64]]:
        """Total log-likelihood, its gradient and its Hessian.

        With L = log S(t) and h = L(t) - L(t - 1), a loss at renewal t has the chance S(t - 1) (1 - e^h).
        """
        alpha, beta, *power = np.exp(theta)
        c = float(power[0]) if power else 1.0
        u = exposure(c, 0.0, self.t)
        stay, slope, bend = log_survival(alpha, beta, u), *self._derivatives(alpha, beta, c, u)
        step = log_survival(alpha, beta + u[:-1], exposure(c, self.t[:-1], 1.0))
        slope_step, bend_step = np.diff(slope, axis=-1), np.diff(bend, axis=-1)
        odds = 1.0 / np.expm1(-step)  # of leaving, by one over
        before, lost = self.kept + np.append(self.lost, 0.0), self.lost  # who had stayed until t
        value = before @ stay + lost @ np.log(-np.expm1(step))
        gradient = slope @ before - slope_step @ (lost * odds)
        hessian = bend @ before - bend_step @ (lost * odds)
        hessian -= (slope_step * (lost * odds * (1.0 + odds))) @ slope_step.T
        return float(value), gradient, hessian

    def _derivatives(self, alpha: float, beta: float, c: float, u: Vector) -> tuple[Vector, Vector]:
        """Derivatives of L by the log-parameters, at every t: shapes (k, n) and (k, k, n)."""
        both, spent = alpha + beta, beta + u
        to_alpha = -alpha * digamma_step(both, u)
        to_u, to_uu = -digamma_step(spent, alpha), -trigamma_step(spent, alpha)
        to_beta = beta * (to_u + digamma_step(beta, alpha))
        across = -trigamma_step(both, u)
        aa = alpha * alpha * across + to_alpha
        ab = alpha * beta * across
        bb = beta * beta * (to_uu + trigamma_step(beta, alpha)) + to_beta
        if len(self.names) == 2:
            return np.stack([to_alpha, to_beta]), np.array([[aa, ab], [ab, bb]])
        grow = c * np.log(np.maximum(self.t, 1.0))  # of log u by log c
        du = u * grow
        ac, bc = -alpha * polygamma(1, alpha + spent) * du, beta * to_uu * du
        cc = to_uu * du * du + to_u * du * (1.0 + grow)
        return np.stack([to_alpha, to_beta, to_u * du]), np.array([[aa, ab, ac], [ab, bb, bc], [ac, bc, cc]])

    def _limit(self, found: Optimum) -> str | None:
        """Say which limit of the model an estimate has run to, or what the data cannot tell; else None."""
        if self.seen < len(self.names) and self.penalty == 0.0:
            return (
                f"not identified: customers were watched at {self.seen} renewals, and {len(self.names)} parameters "
                f"need as many. What lies beyond is a guess. {_NOT_IDENTIFIED}"
            )
        alpha, beta = np.exp(found.theta[:2])
        reasons = same_chance(
            alpha,
            beta,
            alike="all customers leave with the same chance (only alpha / (alpha + beta) is known)",
            always="every customer leaves at the first renewal (alpha / beta -> inf)",
            never="hardly any customer leaves (alpha / beta -> 0)",
            either="customers leave at the first renewal or never (alpha, beta -> 0)",
        )
        if not found.free.all() and not reasons:
            reasons = [
                f"{np.array(self.names)[~found.free].tolist()} ran to the edge of what numbers can hold"
            ]
        return (
            f"the best fit is a limit of the model: {'; '.join(reasons)}. {_NOT_IDENTIFIED}"
            if reasons
            else None
        )

    def _nobody_lost(self) -> Estimate:
        """The limit for contracts of which none has ended: the chance to leave is 0, and nothing else can be said."""
        size = len(self.names)
        message = (
            "not identified: no customer has left, so the chance to leave is 0 and contracts last for ever. "
            "Watch longer, or set penalty > 0"
        )
        params = dict(zip(self.names, (0.0, 1.0, 1.0), strict=False))
        held = np.zeros(size, dtype=bool)
        end = Optimum(np.zeros(size), 0.0, np.zeros(size), np.eye(size), held, 0, False, message)
        return Estimate(params, np.zeros((size, size)), 0.0, 0, end, message)
