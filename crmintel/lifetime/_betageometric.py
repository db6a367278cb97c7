"""The beta-geometric family: customers buy at random, and at each chance to leave some of them do.

The models differ in one thing only: whether the first purchase, like every later one, is a chance to leave.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy.special import betainc, betaln, expit

from crmintel.kernels.nbd import (
    bgnbd_gone,
    pairs_over_dropout,
    purchases_over_dropout,
    survival_over_dropout,
)
from crmintel.lifetime._count_sums import (
    log_rising,
    log_staying,
    row_sums_below,
    staying_parts,
    staying_terms,
)
from crmintel.lifetime._covariate_likelihood import Effect, RowTerms
from crmintel.lifetime._covariate_model import CovariateModel
from crmintel.lifetime._dropout_averages import average_over_dropout
from crmintel.lifetime._histories import Histories, Vector, coded, in_blocks
from crmintel.lifetime._likelihood import ALIKE, SAME_RATE, same_chance
from crmintel.lifetime._mle import Optimum
from crmintel.lifetime._model import Estimate
from crmintel.lifetime._smooth import smooth_by_scale
from crmintel.lifetime.nbd import NBDLikelihood, nobody_leaves

_LARGEST = np.finfo(np.float64).max


class BetaGeometricLikelihood(NBDLikelihood):
    """Mean negative log-likelihood by log-parameters, with gradient and Hessian.

    Gamma and beta functions of whole-number steps are sums of logarithms:
    log G(r + x) - log G(r) = sum over j < x of log(r + j). Summed over customers, each j counts for all who bought
    more than j times, so no special function is called and nothing cancels for large parameters. Large j are summed
    by a quadrature rule, so that the time does not depend on the counts.

    Attributes
    ----------
    at_start : int
        Chances to leave before the first repeat purchase.
    """

    at_start: ClassVar[int] = 0
    leaves_at_once: ClassVar[str] = "every customer leaves right after the first repeat purchase (b / a -> 0)"
    smaller = NBDLikelihood
    unseen = "a -> 0, b -> inf"
    names = ("r", "alpha", "a", "b")
    effects = (*NBDLikelihood.effects, Effect("a", "a", 1.0), Effect("b", "b", 1.0))
    staying: ClassVar[dict[str, float]] = {"a": 0.0, "b": np.inf}
    starts = (  # r, stretch of alpha, a, b: rates differ; customers buy alike, and leave at once or never; between
        (0.5, 1.0, 0.8, 2.5),
        (20.0, 0.2, 0.2, 0.3),
        (2.0, 1.0, 0.3, 3.0),
        (0.2, 2.0, 2.0, 2.0),
        (0.5, 0.5, 0.1, 0.1),
    )

    def __init__(self, h: Histories, weights: Vector, penalty: float) -> None:
        super().__init__(h, weights, penalty)
        again = np.flatnonzero(h.x > 0)
        t_x, self.t_x = coded(h.t_x[again])
        x, counts = coded(h.x[again])
        rows: list[NDArray[Any]] = [x, t_x, self.T_codes[again], weights[again]]
        if self.at_start:  # those who have not bought again may have left, too; they differ by T alone
            once = np.bincount(self.T_codes, weights * (h.x == 0), self.T.size)
            T = np.flatnonzero(once).astype(np.int32)
            never = [np.full_like(T, counts.size), np.full_like(T, self.t_x.size), T, once[T]]
            counts, self.t_x = np.append(counts, 0.0), np.append(self.t_x, 0.0)
            rows = [np.concatenate([some, more]) for some, more in zip(rows, never, strict=True)]
        self.rows, self.x = rows, counts
        self.before = np.maximum(counts + self.at_start, 1.0) - 1.0  # chances before the last one
        self.chance = np.concatenate([np.arange(self.at_start), self.j + self.at_start])
        self.had_chance = np.concatenate([np.full(self.at_start, self.total), self.more_than])

    def start(self, guess: tuple[float, ...]) -> Vector:
        return np.concatenate([super().start(guess), np.log(guess[2:])])

    def terms(self, theta: Vector) -> tuple[float, Vector, NDArray[np.float64]]:
        """The NBD's, the chances not to leave before the last purchase, and the silence after it."""
        r, alpha, a, b = np.exp(theta)
        out, hessian = np.empty(15), np.zeros((4, 4))
        tables = [f for t in (self.t_x, self.T) for f in (np.log1p(t / alpha), t / (alpha + t))]
        tables += [r + self.x, theta[2] - np.log(b + self.before), b / (b + self.before)]
        bgnbd_gone(*self.rows, *tables, r, out)
        hessian[np.triu_indices(4)] = out[5:]
        hessian += np.triu(hessian, 1).T
        buys, slope, bend = super().terms(theta[:2])
        hessian[:2, :2] += bend
        stays, slope_of_staying, bend = staying_terms(a, b, self.chance, self.had_chance)
        hessian[2:, 2:] += bend
        return buys + stays + out[0], out[1:5] + np.concatenate([slope, slope_of_staying]), hessian

    @classmethod
    def row_terms(cls, h: Histories, params: Sequence[Any]) -> RowTerms:
        """The same customer by customer, where alpha, a and b may differ."""
        r, alpha, a, b = params
        chances = h.x + cls.at_start
        slope, bend = np.zeros((4, len(h))), np.zeros((4, 4, len(h)))
        value, slope[:2], bend[:2, :2] = super().row_terms(h, params)
        stays = row_sums_below(chances, lambda rows, j: staying_parts(a[rows], b[rows], j))
        value, slope[2:] = value + stays[0], stays[1:3]
        bend[2, 2], bend[2, 3], bend[3, 3] = stays[3:]
        q, before = r + h.x, np.maximum(chances - 1.0, 0.0)
        silence = np.log1p((h.T - h.t_x) / (alpha + h.t_x))
        k, k_x, share = h.T / (alpha + h.T), h.t_x / (alpha + h.t_x), b / (b + before)
        log_odds = np.where(chances > 0, q * silence + np.log(a) - np.log(b + before), -np.inf)
        gone, change = expit(log_odds), np.zeros((4, 4, len(h)))
        by = np.stack([r * silence, q * (k_x - k), np.ones(len(h)), -share])
        change[0, 0], change[0, 1], change[3, 3] = by[0], r * (k_x - k), -share * (1.0 - share)
        change[1, 1] = q * (k * (1.0 - k) - k_x * (1.0 - k_x))
        bend += gone * (change + (1.0 - gone) * by[:, None] * by)
        return value + np.logaddexp(0.0, log_odds), slope + gone * by, bend

    def nested(self, best: Optimum, tol: float, max_iter: int) -> Estimate | None:
        a, b = np.exp(best.theta[2:])
        if self.penalty > 0.0 or (a / (a + b) > 1e-3 and self.limit(best) is None):
            return None
        return nobody_leaves(self, best, self.unseen, tol, max_iter)

    def limit(self, found: Optimum) -> str | None:
        r, _, a, b = np.exp(found.theta)
        reasons = [SAME_RATE] if r > ALIKE else []
        reasons += same_chance(
            a,
            b,
            alike="all customers leave with the same chance (only a / (a + b) is known)",
            always=self.leaves_at_once,
            never="hardly any customer leaves (a / b -> 0)",
            either="customers leave at their first chance or never (a, b -> 0, only a / (a + b) is known)",
        )
        return self.described(found, reasons)


class BetaGeometricModel(CovariateModel):
    """Base of the models of the family. A model names its ``_likelihood``, which says how often customers may leave."""

    _parameters = ("r", "alpha", "a", "b")
    _likelihood: ClassVar[type[BetaGeometricLikelihood]]

    def _chances(self, x: Vector) -> Vector:
        """How often a customer with x purchases after the first could have left."""
        return x + self._likelihood.at_start

    def _leaving(self, h: Histories) -> tuple[Any, Any]:
        return self._own("a", h), self._own("b", h)

    def _log_likelihood(self, h: Histories) -> Vector:
        alpha = self._own("alpha", h)
        times = -self.r_ * np.log1p(h.T / alpha) - h.x * np.log(alpha + h.T)
        buys = log_rising(self.r_, h.x) + times
        stays = log_staying(*self._leaving(h), self._chances(h.x))
        if self.a_ == 0.0:
            return buys + stays
        return (
            buys + stays + np.where(self._chances(h.x) > 0.0, np.logaddexp(0.0, self._log_odds_gone(h)), 0.0)
        )

    def _log_odds_gone(self, h: Histories) -> Vector:
        """As if everybody had had a chance to leave."""
        a, b = self._leaving(h)
        silence = (self.r_ + h.x) * np.log1p((h.T - h.t_x) / (self._own("alpha", h) + h.t_x))
        return silence + (np.log(a) - np.log(b + np.maximum(self._chances(h.x) - 1.0, 0.0)))

    def _alive(self, h: Histories) -> Vector:
        def formula(h: Histories) -> Vector:
            with np.errstate(over="ignore"):
                odds = np.minimum(np.exp(self._log_odds_gone(h)), _LARGEST)
            # a product, since masks and exp(-inf) take longer than the rest
            return 1.0 / (1.0 + odds * np.minimum(self._chances(h.x), 1.0))

        return np.ones(len(h)) if self.a_ == 0.0 else in_blocks(formula, h)

    def _alive_after(self, h: Histories, t: float | Vector) -> Vector:
        staying = self._smooth(survival_over_dropout, h, t / (self._own("alpha", h) + h.T))
        return np.minimum(staying, 1.0)  # rounding of the quadrature

    def _expected(self, h: Histories, t: float | Vector) -> Vector:
        z = t / (self._own("alpha", h) + h.T)
        z *= self._smooth(purchases_over_dropout, h, z)
        return z

    def _smooth(self, mix: Callable[..., None], h: Histories, z: Vector) -> Vector:
        """Average over the dropout chance of a live customer with z = t / (alpha + T)."""
        return average_over_dropout(mix, h.x, z, self.r_, *self._leaving(h), self._likelihood.at_start)

    def _pairs(self, h: Histories, t: float | Vector) -> Vector:
        z = t / (self._own("alpha", h) + h.T)
        return z * z * self._smooth(pairs_over_dropout, h, z)

    def _endless_lifetime(self, h: Histories) -> Vector:
        """E[1 / (rate x dropout chance)]: purchases at which customers leave come at random, too."""
        R, (a, b) = self.r_ + h.x - 1.0, self._leaving(h)
        a, b = np.broadcast_to(a, len(h)) - 1.0, b + self._chances(h.x)
        ends = (R > 0.0) & (a > 0.0)
        parts = np.where(ends, R * a, 1.0)
        return np.where(ends, (self._own("alpha", h) + h.T) * (a + b) / parts, np.inf)

    def _waiting(self, h: Histories, t: float) -> Vector:
        return np.exp(-(self.r_ + h.x) * np.log1p(t / (self._own("alpha", h) + h.T)))

    def _waiting_quantile(self, h: Histories, q: Vector) -> Vector:
        with np.errstate(over="ignore"):  # who hardly ever buys waits for longer than numbers reach: inf
            return (self._own("alpha", h) + h.T) * np.expm1(-np.log1p(-q) / (self.r_ + h.x))

    def _pmf(self, h: Histories, t: float, n: Vector) -> NDArray[np.float64]:
        R = (self.r_ + h.x)[:, None]
        z = (t / (self._own("alpha", h) + h.T))[:, None]
        w = z / (1.0 + z)
        none = -R * np.log1p(z)
        positive, last = n > 0, np.maximum(n, 1.0)
        with np.errstate(divide="ignore"):
            some = last * np.log(w) - np.log(last) - betaln(last, R)
        # n purchases in t: none of the n drop-out chances taken ...
        a, b = (np.reshape(v, (-1, 1)) for v in self._leaving(h))
        b = b + self._chances(h.x)[:, None]
        table = np.exp(none + np.where(positive, some, 0.0) + self._log_stay(a, b, n))
        # ... or the n-th taken, after at least n purchase times came up in t.
        if self.a_ > 0.0:
            leave = a / (a + b + last - 1.0)
            tail = leave * np.exp(self._log_stay(a, b, last - 1.0)) * betainc(last, R, w)
            table += np.where(positive, tail, 0.0)
        return table

    def _at_least(self, h: Histories, t: float | Vector, n: Vector) -> Vector:
        z = t / (self._own("alpha", h) + h.T)
        a, b = self._leaving(h)
        # n purchase times come up in t, and the first n - 1 drop-out chances are not taken.
        stay = np.exp(self._log_stay(a, b + self._chances(h.x), n - 1.0))
        return stay * betainc(n, self.r_ + h.x, z / (1.0 + z))

    def _log_stay(self, a: Any, b: Any, n: Vector) -> Any:
        """Log of E[(1 - p)^n] over p ~ Beta(a, b)."""
        return betaln(a, b + n) - betaln(a, b) if self.a_ > 0.0 else 0.0

    def _simulate(self, h: Histories, rng: np.random.Generator) -> tuple[Vector, Vector]:
        rate = rng.gamma(self.r_, 1.0 / self._own("alpha", h), len(h))
        leave = np.zeros(len(h)) if self.a_ == 0.0 else rng.beta(*self._leaving(h), len(h))
        x, t_x, clock = np.zeros(len(h)), np.zeros(len(h)), np.zeros(len(h))
        stays = rng.random(len(h)) >= leave if self._likelihood.at_start else True
        active = np.flatnonzero((rate > 0.0) & stays)
        while active.size:
            with np.errstate(over="ignore"):  # who hardly ever buys: inf
                clock[active] += rng.exponential(size=active.size) / rate[active]
            active = active[clock[active] <= h.T[active]]
            x[active] += 1.0
            t_x[active] = clock[active]
            active = active[rng.random(active.size) >= leave[active]]
        return x, t_x

    def _time_scale(self, h: Histories) -> Vector:
        return self._own("alpha", h) + h.T

    def _discounted(self, h: Histories, rate: float, end: float) -> Vector:
        return self._by_scale(super()._discounted, h, rate, end)

    def _discounted_pairs(self, h: Histories, rate: float, end: float) -> Vector:
        return self._by_scale(super()._discounted_pairs, h, rate, end)

    def _lifetime(self, h: Histories, end: float) -> Vector:
        return self._by_scale(super()._lifetime, h, end)

    def _by_scale(self, formula: Callable[..., Vector], h: Histories, *args: float) -> Vector:
        """An answer for live customers: with the same chances to leave they differ by count and alpha + T alone."""
        if np.ndim(self._own("a", h)) > 0:
            return formula(h, *args)

        def exact(x: Vector, scale: Vector) -> Vector:
            return formula(Histories(x, np.zeros(x.size), scale - self.alpha_), *args)

        return smooth_by_scale(exact, h.x, self._time_scale(h))
