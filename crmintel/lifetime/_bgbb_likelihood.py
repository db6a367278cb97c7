"""The likelihood of the BG/BB model and of its limit in which nobody leaves, on distinct histories."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from crmintel.kernels.bgbb import bgbb_silence
from crmintel.kernels.ids import factorize_integers
from crmintel.lifetime._count_sums import rule_below, staying_terms
from crmintel.lifetime._histories import Histories, Vector
from crmintel.lifetime._likelihood import Likelihood, same_chance
from crmintel.lifetime._mle import Optimum
from crmintel.lifetime._model import Estimate

_SINGULAR = 1e-10  # of the largest curvature: a direction in which the likelihood does not change


def distinct_histories(h: Histories) -> tuple[NDArray[np.int32], Histories]:
    """Return the code of each history of whole numbers, and the distinct ones, by x, T and falling t_x."""
    base = int(h.T.max(initial=0.0)) + 1
    x, silence, T = (v.astype(np.int64) for v in (h.x, h.T - h.t_x, h.T))
    codes, keys = factorize_integers((x * base + T) * base + silence)
    T, silence = keys // base % base, keys % base
    return codes, Histories(*(v.astype(np.float64) for v in (keys // base**2, T - silence, T)))


class BetaBinomialLikelihood(Likelihood):
    """Customers who buy with their own chance and never leave, by the logarithms of alpha and beta.

    Counts of x purchases and k other opportunities before t_x, and of the silence after it, which here are chances
    not taken like the others.
    """

    names: ClassVar[tuple[str, ...]] = ("alpha", "beta")
    times: ClassVar[tuple[str, ...]] = ()
    staying: ClassVar[dict[str, float]] = {}
    starts: ClassVar[tuple[tuple[float, ...], ...]] = ((2.0,), (20.0,), (0.2,))

    def __init__(self, h: Histories, weights: Vector, penalty: float) -> None:
        super().__init__(h, weights, penalty)
        self.counted(h.T)

    def counted(self, until: Vector) -> None:
        """Set the rules for sums over the opportunities ``until`` which histories are counted."""
        self.passed = rule_below(until - self.h.x, self.weights)
        self.had = rule_below(until, self.weights)
        self.share = np.clip(self.purchases / max(float(self.weights @ until), 1.0), 0.01, 0.99)

    def start(self, guess: tuple[float, ...]) -> Vector:
        return np.log([guess[0] * self.share, guess[0] * (1.0 - self.share)])

    def terms(self, theta: Vector) -> tuple[float, Vector, NDArray[np.float64]]:
        """Sums of log(alpha + j), log(beta + j) and -log(alpha + beta + j) over purchases, passes and both."""
        alpha, beta = np.exp(theta)
        (k, passed), (n, had) = self.passed, self.had
        buy, wait = alpha / (alpha + self.j), beta / (beta + k)
        p, q = alpha / (alpha + beta + n), beta / (alpha + beta + n)
        value = (
            self.more_than @ np.log(alpha + self.j)
            + passed @ np.log(beta + k)
            - had @ np.log(alpha + beta + n)
        )
        gradient = np.array([self.more_than @ buy - had @ p, passed @ wait - had @ q])
        cross = had @ (p * q)
        bends = (
            self.more_than @ (buy * (1.0 - buy)) - had @ (p * (1.0 - p)),
            passed @ (wait * (1.0 - wait)) - had @ (q * (1.0 - q)),
        )
        return value, gradient, np.array([[bends[0], cross], [cross, bends[1]]])

    def limit(self, found: Optimum) -> str | None:
        return self.described(found, self.limits_of_buying(found))

    def limits_of_buying(self, found: Optimum) -> list[str]:
        """Say which limit the chance to buy has run to, if any."""
        alpha, beta = np.exp(found.theta[:2])
        return same_chance(
            alpha,
            beta,
            alike="all customers buy with the same chance (only alpha / (alpha + beta) is known)",
            always="customers buy at every opportunity until they leave (beta / alpha -> 0)",
            never="hardly any customer buys (alpha / beta -> 0)",
        )

    def hardly_buying(self) -> dict[str, float]:
        return {"alpha": 1e-12, "beta": 1.0}


class BetaGeoBetaBinomialLikelihood(BetaBinomialLikelihood):
    """Customers who also leave with their own chance, by log alpha, beta, gamma, delta.

    Until its last purchase a history is a row of chances to buy and to stay, whose logarithms add up over customers
    as in the other models; the silence after it is left to the kernel.
    """

    names = ("alpha", "beta", "gamma", "delta")
    staying: ClassVar[dict[str, float]] = {"gamma": 0.0, "delta": np.inf}
    # alpha + beta, gamma + delta, share of gamma; together they led all of 400 simulated bases to their best end
    starts = ((2.0, 2.0, 0.1), (0.1, 5.0, 0.9), (1.0, 1.0, 0.3), (0.2, 0.1, 0.5), (0.05, 2.0, 0.005))
    basins = 5

    def __init__(self, h: Histories, weights: Vector, penalty: float) -> None:
        super().__init__(h, weights, penalty)
        self.counted(h.t_x)
        self.rows = tuple(v.astype(np.int64) for v in (h.x, h.t_x, h.T))

    def start(self, guess: tuple[float, ...]) -> Vector:
        _, leaving, share = guess
        return np.concatenate([super().start(guess), np.log([leaving * share, leaving * (1.0 - share)])])

    def terms(self, theta: Vector) -> tuple[float, Vector, NDArray[np.float64]]:
        alpha, beta, gamma, delta = np.exp(theta)
        out, hessian = np.empty(15), np.zeros((4, 4))
        bgbb_silence(*self.rows, self.weights, alpha, beta, gamma, delta, out)
        hessian[np.triu_indices(4)] = out[5:]
        hessian += np.triu(hessian, 1).T
        bought, slope, bend = super().terms(theta[:2])
        hessian[:2, :2] += bend
        stayed, slope_of_staying, bend = staying_terms(gamma, delta, *self.had)
        hessian[2:, 2:] += bend
        return out[0] + bought + stayed, out[1:5] + np.concatenate([slope, slope_of_staying]), hessian

    def nested(self, best: Optimum, tol: float, max_iter: int) -> Estimate | None:
        """The fit with customers who never leave, where it is as good."""
        gamma, delta = np.exp(best.theta[2:])
        if self.penalty > 0.0 or gamma / (gamma + delta) > 1e-3:
            return None
        stayers = BetaBinomialLikelihood(self.h, self.weights, 0.0)
        found = stayers.minimise(best.theta[:2], tol, max_iter)
        if (found.value - best.value) * self.total > 1e-3:
            return None
        alpha, beta = np.exp(found.theta).tolist()
        limit = (
            "no customer is seen to leave (gamma -> 0, delta -> inf: the beta-binomial model), so P(alive) is 1 for "
            "everybody and the model cannot tell who is gone. Watch longer, check that recency is the last "
            "opportunity with a purchase, or set penalty > 0"
        )
        return self.estimate(found, {"alpha": alpha, "beta": beta, **self.staying}, limit)

    def limit(self, found: Optimum) -> str | None:
        gamma, delta = np.exp(found.theta[2:])
        reasons = self.limits_of_buying(found) + same_chance(
            gamma,
            delta,
            alike="all customers leave with the same chance (only gamma / (gamma + delta) is known)",
            always="every customer leaves before the first opportunity (delta / gamma -> 0)",
            never="hardly any customer leaves (gamma / delta -> 0)",
        )
        curvature = np.linalg.eigvalsh(found.hessian)
        if not reasons and curvature[0] < _SINGULAR * curvature[-1]:
            reasons.append(
                "so few opportunities do not tell how customers differ (other parameters fit as well)"
            )
        return self.described(found, reasons)
