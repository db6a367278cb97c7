"""The Pareto / NBD model: customers buy at random and may leave at any time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import betaln

from crmintel.lifetime._count_sums import log_rising
from crmintel.lifetime._covariate_model import CovariateModel
from crmintel.lifetime._decay_integrals import log_decay_integral
from crmintel.lifetime._histories import Histories, Vector, in_blocks
from crmintel.lifetime._pareto_likelihood import ParetoLikelihood
from crmintel.lifetime._smooth import SmoothByCount, smooth_by_scale

_NEVER = 1e300  # times beyond are inf
_MOST_STEPS = 200
_SHORT = 1e-6  # of a time, against that in which customers leave: two terms of its power series do


class ParetoNBD(CovariateModel):
    """Pareto/NBD: how many purchases to expect from each customer, and who is still one.

    While customers stay they buy at random with their own rate, gamma distributed (``r``, ``alpha``); they leave for
    good after a time that is exponential with their own rate, gamma distributed (``s``, ``beta``), whether they buy
    or not.

    Parameters
    ----------
    horizon : float or str, default=1.0
        How far `predict` and `transform` look: a number in the unit of the rows, or text like ``"52W"``.
    penalty : float or "cv", default=0.0
        Precision of a normal prior on the logarithms of ``r, alpha / (mean of T), s, beta / (mean of T)`` around 0
        and of the coefficients of standardised covariates. The likelihood is maximised less ``penalty / 2`` times
        their squares. It does not depend on the unit of time nor on the scale of a covariate. "cv": of 0, 0.01,
        0.03, ..., 100 the one with the highest likelihood of customers that were not fitted, in 5 folds that are
        always dealt alike; it costs 50 fits.
    unit : str, optional
        Unit of time of ``recency`` and ``T``. None: as the rows carry it.
    purchase_covariates : sequence of str, default=()
        Columns of ``X`` that tell how often a customer buys: alpha of a customer is ``alpha * exp(-c @ z)``, so that a
        covariate that is larger by 1 multiplies the purchase rate by exp(c). Numbers; a category becomes 0/1 columns,
        all but one.
    dropout_covariates : sequence of str, default=()
        Columns that tell when a customer leaves: beta of a customer is ``beta * exp(-c @ z)``, so that a covariate
        that is larger by 1 multiplies the rate of leaving by exp(c).
    tol : float, default=1e-9
        The fit ends when the gradient per customer, by log-parameter, is smaller.
    max_iter : int, default=200
        Newton steps at most.

    Attributes
    ----------
    r_, alpha_, s_, beta_ : float
        The parameters; ``alpha_`` and ``beta_`` have the unit of T. Where no customer is seen to leave ``s_`` is 0
        and ``beta_`` inf.
    params_ : dict
        The same by name, then the coefficients of covariates.
    covariance_ : ndarray of shape (n_params, n_params)
        Inverse observed information, in the order of ``params_``; 0 for parameters held at a limit.
    standard_errors_ : dict
        Square roots of its diagonal, by name.
    log_likelihood_ : float
        Total, without the penalty, in the unit of the rows.
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
        Newton steps on all customers.
    message_ : str
        How the fit ended, in words.
    penalty_ : float
        The penalty of the fit.
    purchase_coefficients_ : dict
        Coefficient of each purchase covariate; in ``params_`` it is called "purchase.<name>".
    dropout_coefficients_ : dict
        Coefficient of each dropout covariate; in ``params_`` it is called "dropout.<name>".
    unit_ : str or None
        Unit of time of the fit.
    n_features_in_ : int
        Number of columns of ``X``.
    feature_names_in_ : ndarray of str
        Their names, where they have names.

    See Also
    --------
    BetaGeoNBD : Customers may leave after a purchase only; faster.
    NBD : Nobody leaves.

    References
    ----------
    Schmittlein, D. C., Morrison, D. G. & Colombo, R. (1987). Counting your customers: who are they and what will
    they do next? Management Science 33(1), 1-24.

    Fader, P. S., Hardie, B. G. S. & Lee, K. L. (2005). RFM and CLV: using iso-value curves for customer base
    analysis. Journal of Marketing Research 42(4), 415-430.

    Fader, P. S. & Hardie, B. G. S. (2007). Incorporating time-invariant covariates into the Pareto/NBD and BG/NBD
    models. http://brucehardie.com/notes/019/

    Examples
    --------
    >>> from crmintel import ParetoNBD
    >>> model = ParetoNBD.from_params(r=0.553, alpha=10.58, s=0.606, beta=11.67, unit="week")
    >>> customer = [[26, 30.86, 31.0]]  # frequency, recency, T
    >>> model.probability_alive(customer).round(3)
    array([0.998])
    >>> model.expected_purchases(customer, horizon=52).round(1)
    array([25.5])
    >>> rows = model.sample(2_000, T=52, random_state=0)
    >>> fitted = ParetoNBD(horizon="13W").fit(rows)
    >>> fitted.converged_
    True

    Members buy more often; new ones are asked about by their covariates alone.

    >>> shop = ParetoNBD.from_params(r=0.9, alpha=7, s=0.7, beta=12, purchase_coefficients={"member": 0.5})
    >>> rows = shop.sample(2_000, T=52, random_state=0, covariates={"member": [0, 1] * 1_000})
    >>> told = ParetoNBD(purchase_covariates=["member"]).fit(rows)
    >>> round(told.purchase_coefficients_["member"], 1)
    0.5
    >>> told.expected_purchases({"member": [0, 1]}, horizon=52).shape
    (2,)
    """

    _parameters = ("r", "alpha", "s", "beta")
    _likelihood = ParetoLikelihood

    def _scales(self, h: Histories) -> tuple[Any, Any]:
        return self._own("alpha", h), self._own("beta", h)

    def _log_likelihood(self, h: Histories) -> Vector:
        alpha, beta = self._scales(h)
        times = self.r_ * np.log1p(h.T / alpha) + self.s_ * np.log1p(h.T / beta)
        stays = log_rising(self.r_, h.x) - times - h.x * np.log(alpha + h.T)
        return stays + np.logaddexp(0.0, self._log_odds_gone(h))

    def _log_odds_gone(self, h: Histories) -> Vector:
        alpha, beta = self._scales(h)
        A, B, q, silence = alpha + h.t_x, beta + h.t_x, self.r_ + h.x, h.T - h.t_x
        over_time = log_decay_integral(0, A, q, B, self.s_ + 1.0, silence)
        return (
            self._log_s - np.log(B) + over_time + q * np.log1p(silence / A) + self.s_ * np.log1p(silence / B)
        )

    @property
    def _log_s(self) -> float:
        return float(np.log(self.s_)) if self.s_ > 0.0 else -np.inf

    def _alive(self, h: Histories) -> Vector:
        """1 / (1 + R M(t_x) - M(T)), with M(y) the odds of leaving after y and R the fall of the rates since t_x.

        M depends on the ratio (beta + y) / (alpha + y) alone, and is below 1: the difference cannot lose the answer.
        """
        if self.s_ == 0.0:
            return np.ones(len(h))
        alpha, beta = self._scales(h)
        ends = [np.log((beta + y) / (alpha + y)) for y in (0.0, h.T.max(initial=0.0))]
        M = SmoothByCount(self._later_odds, h.x, float(np.min(ends)), float(np.max(ends)), uses=2)

        def formula(h: Histories) -> Vector:
            alpha, beta = self._scales(h)
            A, B, silence = alpha + h.t_x, beta + h.t_x, h.T - h.t_x
            odds = M(h.x, np.log(B / A))
            with np.errstate(over="ignore"):
                odds *= np.exp((self.r_ + h.x) * np.log1p(silence / A) + self.s_ * np.log1p(silence / B))
            odds -= M(h.x, np.log((B + silence) / (A + silence)))
            return 1.0 / (1.0 + odds)

        return in_blocks(formula, h)

    def _later_odds(self, x: Vector, v: Vector) -> Vector:
        """The odds to leave after now, as against to stay and buy nothing, both weighed with silence since."""
        q = self.r_ + x
        A, end = np.exp(-v), _NEVER * np.exp(-np.maximum(v, 0.0))
        over_time = log_decay_integral(0, A, q, 1.0, self.s_ + 1.0, end)
        after = -q * v - (q + self.s_) * np.log(end) - np.log(q + self.s_)
        return np.exp(self._log_s + np.logaddexp(over_time, after))

    def _alive_after(self, h: Histories, t: float | Vector) -> Vector:
        return np.exp(-self.s_ * np.log1p(t / (self._own("beta", h) + h.T)))

    def _expected(self, h: Histories, t: float | Vector) -> Vector:
        alpha, beta = self._scales(h)
        y = t / (beta + h.T)
        z = np.log1p(y)
        c = (1.0 - self.s_) * z
        stays = t * _ratio(z, y) * _ratio(np.expm1(c), c)
        return (self.r_ + h.x) / (alpha + h.T) * stays

    def _pairs(self, h: Histories, t: float | Vector) -> Vector:
        """E[rate^2] times the mean square of the time left to buy in: 2 u, weighed with the chance to stay for u."""
        alpha, beta = self._scales(h)
        R, A, B = self.r_ + h.x, alpha + h.T, beta + h.T
        y = t / B
        v = np.log1p(y)
        first, second = (v * _ratio(np.expm1(c), c) for c in ((1.0 - self.s_) * v, (2.0 - self.s_) * v))
        with np.errstate(invalid="ignore"):  # B may be inf
            square = np.where(y < _SHORT, t * t * (1.0 - self.s_ * y / 1.5), 2.0 * B * B * (second - first))
        return R * (R + 1.0) / (A * A) * square

    def _endless_lifetime(self, h: Histories) -> Vector:
        left = np.full(len(h), np.inf)
        return (self._own("beta", h) + h.T) / (self.s_ - 1.0) if self.s_ > 1.0 else left

    def _waiting(self, h: Histories, t: float) -> Vector:
        return self._pmf(h, t, np.zeros(1))[:, 0]

    def _waiting_quantile(self, h: Histories, q: Vector) -> Vector:
        """Newton's method for the cumulative hazard of a purchase, by that of a customer who never leaves.

        It is a concave function of the latter with slope <= 1, so that the search from the left cannot overshoot.
        """
        R, (A, B) = self.r_ + h.x, (v + h.T for v in self._scales(h))
        aim = -np.log1p(-q)
        hazard, times, rows = aim.copy(), np.empty(len(h)), np.arange(len(h))
        for _ in range(_MOST_STEPS):
            with np.errstate(over="ignore"):
                t = A[rows] * np.expm1(hazard[rows] / R[rows])
            times[rows] = np.where(t < _NEVER, t, np.inf)
            rows, t = rows[t < _NEVER], t[t < _NEVER]
            bought = np.minimum(self._at_least(h[rows], t, 1.0), 1.0 - 1e-16)
            missing = aim[rows] + np.log1p(-bought)
            alive = np.exp(-hazard[rows] - self.s_ * np.log1p(t / B[rows])) / (1.0 - bought)
            with np.errstate(divide="ignore", over="ignore", invalid="ignore"):  # nobody is left: inf or done
                step = np.maximum(missing, 0.0) / alive
            moving = step > 1e-13 * hazard[rows]
            hazard[rows] += step
            rows = rows[moving]
            if not rows.size:
                break
        return times

    def _pmf(self, h: Histories, t: float, n: Vector) -> NDArray[np.float64]:
        alpha, beta = self._scales(h)
        R, A, B = ((v + w)[:, None] for v, w in ((self.r_, h.x), (alpha, h.T), (beta, h.T)))
        z, last = np.log1p(t / A), np.maximum(n, 1.0)
        ways = np.where(n > 0, -np.log(last) - betaln(last, R), 0.0)  # log of G(R + n) / (G(R) n!)
        with np.errstate(divide="ignore", over="ignore"):
            counts = np.where(n > 0, -last * np.log1p(A / t), 0.0)
        stays = np.exp(ways + counts - R * z - self.s_ * np.log1p(t / B))
        leaves = log_decay_integral(n, A, R, B, self.s_ + 1.0, t) - np.log(B)
        return stays + np.exp(self._log_s + ways + leaves)

    def _at_least(self, h: Histories, t: float | Vector, n: float | Vector) -> Vector:
        # The n-th purchase comes at u < t, to who is still there.
        R, (A, B) = self.r_ + h.x, (v + h.T for v in self._scales(h))
        over_time = log_decay_integral(n - 1.0, A, R + 1.0, B, self.s_, t)
        return np.exp(over_time - np.log(A) - betaln(n, R))

    def _simulate(self, h: Histories, rng: np.random.Generator) -> tuple[Vector, Vector]:
        alpha, beta = self._scales(h)
        rate = rng.gamma(self.r_, 1.0 / alpha, len(h))
        leave = rng.gamma(self.s_, 1.0 / beta, len(h)) if self.s_ > 0.0 else np.zeros(len(h))
        with np.errstate(divide="ignore", over="ignore"):
            stay = np.minimum(h.T, rng.exponential(size=len(h)) / leave)
            x = rng.poisson(rate * stay).astype(np.float64)
            last = stay * np.exp(-rng.exponential(size=len(h)) / x)  # of x times in all of the stay alike
        return x, last

    def _time_scale(self, h: Histories) -> Vector:
        return np.minimum(*self._scales(h)) + h.T

    def _discounted(self, h: Histories, rate: float, end: float) -> Vector:
        return (self.r_ + h.x) / self.r_ * self._by_age(super()._discounted, h, rate, end)

    def _discounted_pairs(self, h: Histories, rate: float, end: float) -> Vector:
        R = self.r_ + h.x
        more = R * (R + 1.0) / (self.r_ * (self.r_ + 1.0))
        return more * self._by_age(super()._discounted_pairs, h, rate, end)

    def _lifetime(self, h: Histories, end: float) -> Vector:
        return self._by_age(super()._lifetime, h, end)

    def _by_age(self, formula: Callable[..., Vector], h: Histories, *args: float) -> Vector:
        """An answer for live customers who have not bought again: but for covariates, T alone tells them apart."""
        nothing = np.zeros(len(h))
        if h.purchase is not None:
            return formula(Histories(nothing, nothing, h.T, h.purchase, h.dropout), *args)
        shift = min(self.alpha_, self.beta_)

        def exact(x: Vector, scale: Vector) -> Vector:
            return formula(Histories(x, x, scale - shift), *args)

        return smooth_by_scale(exact, nothing, shift + h.T)


def _ratio(numerator: Vector, denominator: Vector) -> Vector:
    """Return the ratio of two numbers that vanish together; 1 where they do."""
    return np.divide(numerator, denominator, out=np.ones_like(numerator), where=denominator != 0.0)
