"""The beta-geometric / NBD model: customers buy at random and may leave after any repeat purchase."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy.special import betainc, betaln, expit

from crmintel.kernels.ids import factorize_integers
from crmintel.kernels.nbd import (
    bgnbd_coupled,
    purchases_over_dropout,
    survival_over_dropout,
)
from crmintel.lifetime._histories import Histories, Vector
from crmintel.lifetime._likelihood import ALIKE, SAME_RATE, Likelihood
from crmintel.lifetime._mle import Optimum
from crmintel.lifetime._model import Estimate, PurchaseModel
from crmintel.lifetime._quadrature import beta_rule
from crmintel.lifetime.nbd import nobody_leaves


class BetaGeoNBD(PurchaseModel):
    """BG/NBD: how many purchases to expect from each customer, and who is still one.

    While customers stay they buy at random with their own rate, gamma distributed (``r``, ``alpha``); after every
    repeat purchase they leave for good with their own chance, beta distributed (``a``, ``b``). Whoever has not
    bought again yet cannot have left.

    Parameters
    ----------
    horizon : float or str, default=1.0
        How far `predict` and `transform` look: a number in the unit of the rows, or text like ``"52W"``.
    penalty : float, default=0.0
        Precision of a normal prior on the logarithms of ``r, alpha / (mean of T), a, b`` around 0. The likelihood
        is maximised less ``penalty / 2`` times their squares. It does not depend on the unit of time.
    unit : str, optional
        Unit of time of ``recency`` and ``T``. None: as the rows carry it.
    tol : float, default=1e-9
        The fit ends when the gradient per customer, by log-parameter, is smaller.
    max_iter : int, default=200
        Newton steps at most.

    Attributes
    ----------
    r_, alpha_, a_, b_ : float
        The parameters; ``alpha_`` has the unit of T. Where no customer is seen to leave ``a_`` is 0 and ``b_`` inf.
    params_ : dict
        The same by name.
    covariance_ : ndarray of shape (4, 4)
        Inverse observed information, in the order of ``params_``; 0 for parameters held at a limit.
    log_likelihood_ : float
        Total, without the penalty, in the unit of the rows.
    aic_ : float
        Akaike's information criterion.
    converged_ : bool
        Whether the gradient vanishes at the estimate.
    gradient_norm_ : float
        Its largest component per customer, by log-parameter.
    n_iter_ : int
        Newton steps on all customers.
    message_ : str
        How the fit ended, in words.
    unit_ : str or None
        Unit of time of the fit.
    n_features_in_ : int
        Number of columns of ``X``.
    feature_names_in_ : ndarray of str
        Their names, where they have names.

    See Also
    --------
    GammaGamma : What a purchase is worth.
    LifetimeValue : Both together, discounted.

    References
    ----------
    Fader, P. S., Hardie, B. G. S. & Lee, K. L. (2005). "Counting your customers" the easy way: an alternative to the
    Pareto/NBD model. Marketing Science 24(2), 275-284.

    Examples
    --------
    >>> from crmintel import BetaGeoNBD
    >>> model = BetaGeoNBD.from_params(r=0.243, alpha=4.414, a=0.793, b=2.426, unit="week")
    >>> customer = [[2, 30.43, 38.86]]  # frequency, recency, T
    >>> model.expected_purchases(customer, horizon=39).round(3)
    array([1.226])
    >>> rows = model.sample(2_000, T=52, random_state=0)
    >>> fitted = BetaGeoNBD(horizon="13W").fit(rows)
    >>> fitted.converged_
    True
    >>> fitted.predict(rows).shape
    (2000,)
    """

    _parameters = ("r", "alpha", "a", "b")

    def __init__(
        self,
        horizon: float | str = 1.0,
        *,
        penalty: float = 0.0,
        unit: str | None = None,
        tol: float = 1e-9,
        max_iter: int = 200,
    ) -> None:
        self.horizon = horizon
        self.penalty = penalty
        self.unit = unit
        self.tol = tol
        self.max_iter = max_iter

    def _maximise(self, histories: Histories, weights: Vector) -> Estimate:
        return _Likelihood.maximise(
            histories, weights, penalty=self.penalty, tol=self.tol, max_iter=self.max_iter
        )

    def _log_likelihood(self, h: Histories) -> Vector:
        r, alpha, a, b = self.r_, self.alpha_, self.a_, self.b_
        j = np.arange(h.x.max(initial=0.0))
        stay = np.zeros(j.size) if a == 0.0 else np.log1p(a / (b + j))
        per_count = np.concatenate([[0.0], np.cumsum(np.log(r + j) - stay)])[h.x.astype(np.int64)]
        times = -r * np.log1p(h.T / alpha) - h.x * np.log(alpha + h.T)
        return per_count + times + np.logaddexp(0.0, self._log_odds_gone(h))

    def _log_odds_gone(self, h: Histories) -> Vector:
        if self.a_ == 0.0:
            return np.full(len(h), -np.inf)
        shape = np.where(h.x > 0, self.b_ + h.x - 1.0, 1.0)
        silence = (self.r_ + h.x) * np.log1p((h.T - h.t_x) / (self.alpha_ + h.t_x))
        return np.where(h.x > 0, np.log(self.a_) - np.log(shape) + silence, -np.inf)

    def _alive(self, h: Histories) -> Vector:
        return expit(-self._log_odds_gone(h))

    def _alive_after(self, h: Histories, t: float) -> Vector:
        return self._over_dropout(survival_over_dropout, h, t)

    def _expected(self, h: Histories, t: float | Vector) -> Vector:
        return self._over_dropout(purchases_over_dropout, h, t)

    def _over_dropout(self, mix: Callable[..., None], h: Histories, t: float | Vector) -> Vector:
        """Average over the dropout chance of a live customer, Beta(a, b + x).

        It depends on x and T only; where ``t`` is one time per customer, it must be the same for the same T.
        """
        x_codes, x_values = factorize_integers(h.x.astype(np.int64))
        T_codes, _ = factorize_integers(h.T.view(np.int64))
        pairs, labels = factorize_integers(T_codes.astype(np.int64) * x_values.size + x_codes)
        code = (labels % x_values.size).astype(np.int64)
        z = np.empty(code.size)
        z[pairs] = t / (self.alpha_ + h.T)
        shape = self.r_ + x_values.astype(np.float64)
        rules = [
            beta_rule(self.a_, self.b_ + float(x), R * float(z.max(initial=0.0)))
            for x, R in zip(x_values, shape, strict=True)
        ]
        start = np.cumsum([0, *(p.size for p, _ in rules)])
        p, weight = (np.concatenate(parts) for parts in zip(*rules, strict=True))
        out = np.empty(code.size)
        mix(code, z, shape, start, p, weight, out)
        return out[pairs]

    def _waiting(self, h: Histories, t: float) -> Vector:
        return np.exp(-(self.r_ + h.x) * np.log1p(t / (self.alpha_ + h.T)))

    def _waiting_quantile(self, h: Histories, q: Vector) -> Vector:
        with np.errstate(over="ignore"):  # who hardly ever buys waits for longer than numbers reach: inf
            return (self.alpha_ + h.T) * np.expm1(-np.log1p(-q) / (self.r_ + h.x))

    def _pmf(self, h: Histories, t: float, n: Vector) -> NDArray[np.float64]:
        R = (self.r_ + h.x)[:, None]
        z = (t / (self.alpha_ + h.T))[:, None]
        w = z / (1.0 + z)
        none = -R * np.log1p(z)
        positive, last = n > 0, np.maximum(n, 1.0)
        with np.errstate(divide="ignore"):
            some = last * np.log(w) - np.log(last) - betaln(last, R)
        # n purchases in t: none of the n drop-out chances taken ...
        table = np.exp(none + np.where(positive, some, 0.0) + self._log_stay(h.x[:, None], n))
        # ... or the n-th taken, after at least n purchase times came up in t.
        if self.a_ > 0.0:
            leave = self.a_ / (self.a_ + self.b_ + h.x[:, None] + last - 1.0)
            tail = leave * np.exp(self._log_stay(h.x[:, None], last - 1.0)) * betainc(last, R, w)
            table += np.where(positive, tail, 0.0)
        return table

    def _at_least(self, h: Histories, t: float, n: Vector) -> Vector:
        z = t / (self.alpha_ + h.T)
        # n purchase times come up in t, and the first n - 1 drop-out chances are not taken.
        return np.exp(self._log_stay(h.x, n - 1.0)) * betainc(n, self.r_ + h.x, z / (1.0 + z))

    def _log_stay(self, x: NDArray[np.float64], n: Vector) -> NDArray[np.float64]:
        """Log of E[(1 - p)^n] over Beta(a, b + x)."""
        if self.a_ == 0.0:
            return np.zeros(np.broadcast_shapes(x.shape, n.shape))
        return betaln(self.a_, self.b_ + x + n) - betaln(self.a_, self.b_ + x)

    def _simulate(self, T: Vector, rng: np.random.Generator) -> tuple[Vector, Vector]:
        rate = rng.gamma(self.r_, 1.0 / self.alpha_, T.size)
        leave = np.zeros(T.size) if self.a_ == 0.0 else rng.beta(self.a_, self.b_, T.size)
        x, t_x, clock = np.zeros(T.size), np.zeros(T.size), np.zeros(T.size)
        active = np.flatnonzero(rate > 0.0)
        while active.size:
            clock[active] += rng.exponential(size=active.size) / rate[active]
            active = active[clock[active] <= T[active]]
            x[active] += 1.0
            t_x[active] = clock[active]
            active = active[rng.random(active.size) >= leave[active]]
        return x, t_x

    def _time_scale(self, h: Histories) -> Vector:
        return self.alpha_ + h.T


class _Likelihood(Likelihood):
    """Mean negative log-likelihood by log-parameters, with gradient and Hessian.

    Gamma and beta functions of whole-number steps are sums of logarithms:
    log G(r + x) - log G(r) = sum over j < x of log(r + j). Summed over customers, each j counts for all who bought
    more than j times, so no special function is called and nothing cancels for large parameters. Large j are summed
    by a quadrature rule, so that the time does not depend on the counts.
    """

    names = ("r", "alpha", "a", "b")
    staying: ClassVar[dict[str, float]] = {"a": 0.0, "b": np.inf}
    starts = ((0.5, 1.0, 0.8, 2.5), (2.0, 1.0, 0.3, 3.0), (0.2, 2.0, 2.0, 2.0))  # r, stretch of alpha, a, b

    def start(self, guess: tuple[float, ...]) -> Vector:
        r, stretch, a, b = guess
        return np.log([r, self.alpha_of(r, stretch), a, b])

    def terms(self, theta: Vector) -> tuple[float, Vector, NDArray[np.float64]]:
        r, alpha, a, b = np.exp(theta)
        out = np.empty(15)
        h, j, S = self.h, self.j, self.more_than
        bgnbd_coupled(h.x, h.t_x, h.T, self.weights, r, alpha, theta[2], b, out)
        hessian = np.zeros((4, 4))
        hessian[np.triu_indices(4)] = out[5:]
        gradient = out[1:5].copy()
        grow, stay, keep = r / (r + j), a / (a + b + j), b / (b + j)
        value = out[0] + S @ (np.log(r + j) - np.log1p(a / (b + j)))
        bend = keep * stay
        gradient += np.array([S @ grow, 0.0, -(S @ stay), S @ bend])
        hessian[0, 0] += S @ (grow * (1.0 - grow))
        hessian[2, 2] -= S @ (stay * (1.0 - stay))
        hessian[2, 3] += S @ (stay * b / (a + b + j))
        hessian[3, 3] += S @ (bend * (1.0 - keep - b / (a + b + j)))
        return value, gradient, hessian + np.triu(hessian, 1).T

    def nested(self, best: Optimum, tol: float, max_iter: int) -> Estimate | None:
        a, b = np.exp(best.theta[2:])
        if self.penalty > 0.0 or a / (a + b) > 1e-3:
            return None
        return nobody_leaves(self, best, "a -> 0, b -> inf", tol, max_iter)

    def limit(self, found: Optimum) -> str | None:
        r, _, a, b = np.exp(found.theta)
        reasons = [SAME_RATE] if r > ALIKE else []
        if min(a, b) > ALIKE:
            reasons.append("all customers leave with the same chance (only a / (a + b) is known)")
        elif a / (a + b) > 1.0 - 1.0 / ALIKE:
            reasons.append("every customer leaves right after the first repeat purchase (b / a -> 0)")
        elif a / (a + b) < 1.0 / ALIKE:
            reasons.append("hardly any customer leaves (a / b -> 0)")
        return self.described(found, reasons)
