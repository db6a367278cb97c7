"""The Pareto / NBD model: customers buy at random and may leave at any time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy.special import betaln, expit

from crmintel.kernels.ids import factorize_integers
from crmintel.lifetime._count_sums import log_rising, rising_parts
from crmintel.lifetime._covariate_likelihood import Effect, RowLikelihood, RowTerms
from crmintel.lifetime._covariate_model import CovariateModel
from crmintel.lifetime._decay_integrals import decay_moments, log_decay_integral
from crmintel.lifetime._histories import Histories, Vector, coded, in_blocks
from crmintel.lifetime._likelihood import ALIKE, SAME_RATE
from crmintel.lifetime._mle import Optimum
from crmintel.lifetime._model import Estimate
from crmintel.lifetime._smooth import SmoothByCount
from crmintel.lifetime.nbd import NBDLikelihood, nobody_leaves

_BLOCK = 4096  # customers whose moments are held at once
_NEVER = 1e300  # times beyond are inf
_MOST_STEPS = 200
_UPPER = np.triu_indices(4)
_PAIRS = tuple(zip(*(places.tolist() for places in _UPPER), strict=True))


class _Likelihood(RowLikelihood):
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
    # r, stretch of alpha, s, beta by the mean of T. The second finds the best where some leave at once.
    starts = ((0.5, 1.0, 0.6, 0.5), (0.5, 1.0, 0.1, 1e-3), (2.0, 1.0, 2.0, 3.0))
    basins = 2
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
        if self.penalty > 0.0 or self._leaving(best) > 1e-3:
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
        Precision of a normal prior on the logarithms of ``r, alpha / (mean of T), s, beta / (mean of T)`` around 0 and of the
        coefficients of standardised covariates.
        The likelihood is maximised less ``penalty / 2`` times their squares. It does not depend on the unit of
        time nor on the scale of a covariate. "cv": of 0, 0.01, 0.03, ..., 100 the one with the highest likelihood of customers that were not
        fitted, in 5 folds that are always dealt alike; it costs 50 fits.
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
    """

    _parameters = ("r", "alpha", "s", "beta")
    _likelihood = _Likelihood

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
        over_time = log_decay_integral(0, np.exp(-v), q, 1.0, self.s_ + 1.0, _NEVER)
        after = -q * v - (q + self.s_) * np.log(_NEVER) - np.log(q + self.s_)
        return np.exp(self._log_s + np.logaddexp(over_time, after))

    def _alive_after(self, h: Histories, t: float) -> Vector:
        return np.exp(-self.s_ * np.log1p(t / (self._own("beta", h) + h.T)))

    def _expected(self, h: Histories, t: float | Vector) -> Vector:
        alpha, beta = self._scales(h)
        y = t / (beta + h.T)
        z = np.log1p(y)
        c = (1.0 - self.s_) * z
        stays = t * _ratio(z, y) * _ratio(np.expm1(c), c)
        return (self.r_ + h.x) / (alpha + h.T) * stays

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
        with np.errstate(divide="ignore"):
            stay = np.minimum(h.T, rng.exponential(size=len(h)) / leave)
            x = rng.poisson(rate * stay).astype(np.float64)
            last = stay * np.exp(-rng.exponential(size=len(h)) / x)  # of x times in all of the stay alike
        return x, last

    def _time_scale(self, h: Histories) -> Vector:
        return np.minimum(*self._scales(h)) + h.T


def _ratio(numerator: Vector, denominator: Vector) -> Vector:
    """Return the ratio of two numbers that vanish together; 1 where they do."""
    return np.divide(numerator, denominator, out=np.ones_like(numerator), where=denominator != 0.0)
