"""The beta-geometric / beta-binomial model: customers who can buy, or not, at each of a row of opportunities."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from crmintel._validation import raise_if_any
from crmintel.exceptions import InputError
from crmintel.kernels.bgbb import bgbb_counts, bgbb_next
from crmintel.lifetime._bgbb_likelihood import BetaGeoBetaBinomialLikelihood, distinct_histories
from crmintel.lifetime._count_sums import log_rising, log_staying
from crmintel.lifetime._histories import MOST_PURCHASES, Histories, Vector, read_histories
from crmintel.lifetime._model import Estimate, PurchaseModel
from crmintel.lifetime._quadrature import beta_rule

_WAY_OUT = "CustomerSummary(unit='week', collapse='week'), or any other unit twice, counts opportunities"
_TINY = np.finfo(np.float64).tiny


class BetaGeoBetaBinomial(PurchaseModel):
    """BG/BB: how many purchases to expect where customers can buy once a period, and who is still a customer.

    At each opportunity (a yearly appeal for donations, a monthly box, a weekly market day) a customer buys or does
    not, with a chance of the customer's own, beta distributed (``alpha``, ``beta``); before each opportunity customers
    may leave for good, again with their own chance, beta distributed (``gamma``, ``delta``).

    Time counts opportunities: ``T`` is their number since the first purchase, ``frequency`` says how many were used
    and ``recency`` which one was used last. `CustomerSummary` gives them where ``collapse`` equals ``unit``.
    Horizons are whole numbers of opportunities, at most a million.

    Parameters
    ----------
    horizon : float or str, default=1.0
        How far `predict` and `transform` look: a number of opportunities, or text like ``"52W"`` for rows in weeks.
    penalty : float or "cv", default=0.0
        Precision of a normal prior on the logarithms of ``alpha, beta, gamma, delta`` around 0. The likelihood is
        maximised less ``penalty / 2`` times their squares. "cv": of 0, 0.01, 0.03, ..., 100 the one with the
        highest likelihood of customers that were not fitted, in 5 folds that are always dealt alike; it costs 50
        fits.
    unit : str, optional
        Length of a period. None: as the rows carry it.
    tol : float, default=1e-9
        The fit ends when the gradient per customer, by log-parameter, is smaller.
    max_iter : int, default=200
        Newton steps at most.

    Attributes
    ----------
    alpha_, beta_, gamma_, delta_ : float
        The parameters. Where no customer is seen to leave ``gamma_`` is 0 and ``delta_`` inf.
    params_ : dict
        The same by name.
    covariance_ : ndarray of shape (4, 4)
        Inverse observed information, in the order of ``params_``; 0 for parameters held at a limit.
    standard_errors_ : dict
        Square roots of its diagonal, by name.
    log_likelihood_ : float
        Total, without the penalty.
    aic_ : float
        Akaike's information criterion.
    converged_ : bool
        Whether the gradient vanishes at the estimate.
    gradient_norm_ : float
        Its largest component per customer, by log-parameter.
    condition_number_ : float
        Ratio of the largest to the smallest curvature of the likelihood, by log-parameter: beyond 1e8 the data hardly
        tell the parameters apart; inf where they do not.
    n_iter_ : int
        Newton steps.
    message_ : str
        How the fit ended, in words.
    penalty_ : float
        The penalty of the fit.
    unit_ : str or None
        Length of a period of the fit.
    n_features_in_ : int
        Number of columns of ``X``.
    feature_names_in_ : ndarray of str
        Their names, where they have names.

    See Also
    --------
    BetaGeoNBD : Customers who can buy at any time.
    ModifiedBetaGeoNBD : The same, and they may leave right after the first purchase.

    Notes
    -----
    ``probability_alive(X)`` is the chance to have been a customer at the last opportunity, T; the chance to be one at
    the next, which the paper gives, is ``probability_alive(X, after=1)``. `next_purchase_quantile` says inf also where
    the purchase takes more than a million opportunities.

    References
    ----------
    Fader, P. S., Hardie, B. G. S. & Shang, J. (2010). Customer-base analysis in a discrete-time noncontractual setting.
    Marketing Science 29(6), 1086-1108.

    Examples
    --------
    >>> from crmintel import BetaGeoBetaBinomial
    >>> model = BetaGeoBetaBinomial.from_params(alpha=1.204, beta=0.750, gamma=0.657, delta=2.783, unit="year")
    >>> donors = [[0, 0, 6], [4, 5, 6]]  # gifts after the first, year of the last one, years since the first
    >>> model.probability_alive(donors, after=1).round(3)
    array([0.108, 0.697])
    >>> model.expected_purchases(donors, horizon="10Y").round(3)
    array([0.13 , 3.627])
    >>> rows = model.sample(5_000, T=6, random_state=0)
    >>> fitted = BetaGeoBetaBinomial(horizon=5).fit(rows)
    >>> fitted.converged_
    True
    """

    _parameters = ("alpha", "beta", "gamma", "delta")

    def _maximise(self, histories: Histories, weights: Vector) -> Estimate:
        few, counts = self._few(histories, weights)
        return BetaGeoBetaBinomialLikelihood.maximise(
            few, counts, penalty=self.penalty_, tol=self.tol, max_iter=self.max_iter
        )

    def _objective(self, histories: Histories, weights: Vector) -> BetaGeoBetaBinomialLikelihood:
        return BetaGeoBetaBinomialLikelihood(*self._few(histories, weights), self.penalty_)

    @staticmethod
    def _few(histories: Histories, weights: Vector) -> tuple[Histories, Vector]:
        codes, distinct = distinct_histories(histories)
        return distinct, np.bincount(codes, weights=weights).astype(np.float64)

    # -- opportunities are whole numbers ----------------------------------------------------------------------

    def _read(self, X: Any) -> Histories:
        h = read_histories(X)
        for values, name in ((h.T, "T"), (h.t_x, "recency")):
            raise_if_any(
                values != np.floor(values),
                values,
                name,
                f"must hold whole numbers of opportunities ({_WAY_OUT})",
            )
        raise_if_any(h.T > MOST_PURCHASES, h.T, "T", f"must be <= {MOST_PURCHASES:,} opportunities")
        rule = f"must not exceed recency: an opportunity is one purchase at most ({_WAY_OUT})"
        raise_if_any(h.x > h.t_x, h.x, "frequency", rule)
        return h

    def _duration(self, value: float | str, unit: str | None, name: str = "horizon") -> float:
        length = super()._duration(value, unit, name)
        whole = float(np.round(length))
        if abs(length - whole) > 1e-9 * max(whole, 1.0):
            raise InputError(
                f"{name}={value!r} is {length:.6g} opportunities, and they come whole; give a whole number of them, "
                f"or a length of time that is a multiple of the unit of the rows ({unit})."
            )
        if whole > MOST_PURCHASES:
            raise InputError(f"{name} must be <= {MOST_PURCHASES:,} opportunities, got {value!r}.")
        return whole

    def _answer(self, X: Any, formula: Callable[[Histories], Any]) -> Any:
        def once(h: Histories) -> Any:
            codes, distinct = distinct_histories(h)
            return formula(distinct)[codes]

        return super()._answer(X, once)

    # -- formulas ----------------------------------------------------------------------------------------------

    @property
    def _leaving(self) -> tuple[float, float]:
        return self.gamma_, self.delta_ if self.gamma_ > 0.0 else 1.0

    def _counts(
        self, h: Histories, since: Vector, m: ArrayLike, k: ArrayLike = 0, at_least: bool = False
    ) -> tuple[Vector, Vector]:
        """Log-chance of k purchases at the m opportunities after ``since`` for who is there then; P(there after)."""
        gamma, delta = self._leaving
        n = len(h)
        steps, counts = (np.broadcast_to(v, n).astype(np.int64) for v in (m, k))
        log_chance, there = np.empty(n), np.empty(n)
        alpha, beta = self.alpha_ + h.x, self.beta_ + (since - h.x)
        bgbb_counts(alpha, beta, gamma, delta + since, steps, counts, at_least, log_chance, there)
        return log_chance, there

    def _log_likelihood(self, h: Histories) -> Vector:
        alpha, beta = self.alpha_, self.beta_
        passed = h.t_x - h.x
        # The commoner of purchases and passes comes first: its chances are near 1, and nothing large cancels.
        together = log_rising(alpha + beta, h.t_x)
        buying = log_staying(beta, alpha, h.x) + log_rising(beta, passed) + log_rising(alpha + beta, h.x)
        passing = log_staying(alpha, beta, passed) + log_rising(alpha, h.x) + log_rising(alpha + beta, passed)
        known = np.where(h.x >= passed, buying, passing) - together + log_staying(*self._leaving, h.t_x)
        return known + self._counts(h, h.t_x, h.T - h.t_x)[0]

    def _alive(self, h: Histories) -> Vector:
        return self._counts(h, h.t_x, h.T - h.t_x)[1]

    def _alive_after(self, h: Histories, t: float | Vector) -> Vector:
        return np.exp(log_staying(*self._leaving, h.T + t) - log_staying(*self._leaving, h.T))

    def _expected(self, h: Histories, t: float | Vector) -> Vector:
        return self._discounted(h, 0.0, float(t))

    def _discounted(self, h: Histories, rate: float, end: float) -> Vector:
        """The chance to buy, times the discounted chances to be there at T + 1, ..., T + end, summed.

        With leaving chances p ~ Beta(gamma, delta + T) these are powers of q = exp(-rate) (1 - p); the first 1 - p is
        left to the distribution, so that the sum has no singularity.
        """
        gamma, delta = self._leaving
        reach = min(end, 1.0 / rate) if rate > 0.0 else end
        ages, codes = np.unique(h.T, return_inverse=True)
        there = np.empty(ages.size)
        for i, shape in enumerate(delta + ages):
            p, weight = beta_rule(gamma, shape + 1.0, reach)
            log_q = np.log1p(-np.minimum(p, 1.0 - 2.0**-53)) - rate
            there[i] = shape / (gamma + shape) * (weight @ (np.expm1(end * log_q) / np.expm1(log_q)))
        return (self.alpha_ + h.x) / (self.alpha_ + self.beta_ + h.T) * np.exp(-rate) * there[codes]

    def _pairs(self, h: Histories, t: float | Vector) -> Vector:
        return self._discounted_pairs(h, 0.0, float(t))

    def _discounted_pairs(self, h: Histories, rate: float, end: float) -> Vector:
        """E[p^2] of the chance to buy, times the discounted pairs of opportunities to come before leaving."""
        alpha, both = self.alpha_ + h.x, self.alpha_ + self.beta_ + h.T
        later = np.arange(2.0, end + 1.0)
        worth = np.exp(-rate * later)
        pairs = 2.0 * worth * np.cumsum(np.exp(-rate * (later - 1.0)))
        return alpha / both * (alpha + 1.0) / (both + 1.0) * self._over_stays(h, later, pairs)

    def _lifetime(self, h: Histories, end: float) -> Vector:
        more = np.arange(1.0, end + 1.0)
        return self._over_stays(h, more, np.ones(more.size))

    def _over_stays(self, h: Histories, more: Vector, weights: Vector) -> Vector:
        """Weighted sum of the chances to stay for so many opportunities more."""
        gamma, delta = self._leaving
        ages, codes = np.unique(h.T, return_inverse=True)
        sums = np.array([weights @ np.exp(log_staying(gamma, delta + age, more)) for age in ages])
        return sums[codes]

    def _endless_lifetime(self, h: Histories) -> Vector:
        gamma, delta = self._leaving
        return (delta + h.T) / (gamma - 1.0) if gamma > 1.0 else np.full(len(h), np.inf)

    def _waiting(self, h: Histories, t: float) -> Vector:
        return np.exp(self._counts(h, h.T, t)[0])

    def _waiting_quantile(self, h: Histories, q: Vector) -> Vector:
        gamma, delta = self._leaving
        alpha, beta, out = self.alpha_ + h.x, self.beta_ + (h.T - h.x), np.empty(len(h))
        bgbb_next(alpha, beta, gamma, delta + h.T, q, MOST_PURCHASES, out)
        return out

    def _pmf(self, h: Histories, t: float, n: Vector) -> NDArray[np.float64]:
        rows = h[np.repeat(np.arange(len(h)), n.size)]
        counts = np.minimum(np.tile(n, len(h)), t + 1.0)
        return np.exp(self._counts(rows, rows.T, t, counts)[0]).reshape(len(h), n.size)

    def _at_least(self, h: Histories, t: float | Vector, n: Vector) -> Vector:
        return np.exp(self._counts(h, h.T, t, np.minimum(n, t + 1.0), at_least=True)[0])

    def _simulate(self, h: Histories, rng: np.random.Generator) -> tuple[Vector, Vector]:
        raise_if_any(np.floor(h.T) != h.T, h.T, "T", "must hold whole numbers of opportunities")
        gamma, delta = self._leaving
        buy = rng.beta(self.alpha_, self.beta_, len(h))
        leave = np.zeros(len(h)) if gamma == 0.0 else rng.beta(gamma, delta, len(h))
        there = np.minimum(h.T, _failures(leave, rng))
        t_x = np.maximum(there - _failures(buy, rng), 0.0)  # counted back from the last opportunity
        before = rng.binomial(np.maximum(t_x - 1.0, 0.0).astype(np.int64), buy)
        return np.where(t_x > 0, 1.0 + before, 0.0), t_x


def _failures(chance: Vector, rng: np.random.Generator) -> Vector:
    """Draw the number of failures before the first success; inf where success is impossible."""
    with np.errstate(divide="ignore", over="ignore"):
        return np.floor(rng.exponential(size=chance.size) / np.maximum(-np.log1p(-chance), _TINY))
