"""The NBD model: customers buy at random, each at their own rate, and never leave."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.special import betainc, betaln

from crmintel.lifetime._count_sums import log_rising, rising_parts
from crmintel.lifetime._covariate_likelihood import Effect, RowLikelihood, RowTerms
from crmintel.lifetime._covariate_model import CovariateModel
from crmintel.lifetime._histories import Histories, Vector, coded
from crmintel.lifetime._likelihood import ALIKE, NOBODY_LEAVES, SAME_RATE, UNSEEN, Likelihood
from crmintel.lifetime._mle import Optimum
from crmintel.lifetime._model import Estimate, PurchaseModel

_BY_CHANCE = 3.0  # log-likelihood that two parameters gain by chance in one of 20 samples
_AS_LIKELY = (
    ". That nobody leaves (the NBD model) is as likely but for chance (log-likelihood lower by {:.2g}), so P(alive) "
    "rests on next to nothing"
)


class NBDLikelihood(RowLikelihood):
    """Mean negative log-likelihood by the logarithms of r and alpha, with gradient and Hessian.

    Customers count by their T: how many there are, and how often they bought.
    """

    names: ClassVar[tuple[str, ...]] = ("r", "alpha")
    effects: ClassVar[tuple[Effect, ...]] = (Effect("purchase", "alpha", -1.0),)
    starts: ClassVar[tuple[tuple[float, ...], ...]] = (
        (0.5, 1.0),
        (5.0, 1.0),
        (0.05, 2.0),
    )  # r, stretch of alpha
    staying: ClassVar[dict[str, float]] = {}

    def __init__(self, h: Histories, weights: Vector, penalty: float) -> None:
        super().__init__(h, weights, penalty)
        self.T_codes, self.T = coded(h.T)
        self.watched = np.bincount(self.T_codes, weights, self.T.size)
        self.bought = np.bincount(self.T_codes, weights * h.x, self.T.size)

    def start(self, guess: tuple[float, ...]) -> Vector:
        """Log-parameters for a guess of r and of how far alpha is from what the purchase rate says."""
        r, stretch = guess[:2]
        return np.log([r, self.alpha_of(r, stretch)])

    def terms(self, theta: Vector) -> tuple[float, Vector, NDArray[np.float64]]:
        """The number of purchases in T, customers of one T together."""
        r, alpha = np.exp(theta)
        j, S, n, x = self.j, self.more_than, self.watched, self.bought
        c, k = np.log1p(self.T / alpha), self.T / (alpha + self.T)
        grow = r / (r + j)
        value = S @ np.log(r + j) - r * (n @ c) - x @ (theta[1] + c)
        slope = np.array([S @ grow - r * (n @ c), r * (n @ k) - x @ (1.0 - k)])
        cross = r * (n @ k)
        bend = -((r * n + x) @ (k * (1.0 - k)))
        return value, slope, np.array([[slope[0] - S @ grow**2, cross], [cross, bend]])

    @classmethod
    def row_terms(cls, h: Histories, params: Sequence[Any]) -> RowTerms:
        """The number of purchases in T, customer by customer."""
        r, alpha = params[:2]
        rising, first, second = rising_parts(r, h.x)
        c, k = np.log1p(h.T / alpha), h.T / (alpha + h.T)
        slope, bend = np.empty((2, len(h))), np.zeros((2, 2, len(h)))
        slope[0], slope[1] = first - r * c, r * k - h.x * (1.0 - k)
        bend[0, 0], bend[0, 1], bend[1, 1] = second - r * c, r * k, -(r + h.x) * k * (1.0 - k)
        return rising - r * c - h.x * (np.log(alpha) + c), slope, bend

    def limit(self, found: Optimum) -> str | None:
        """Whether customers differ at all."""
        return self.described(found, [SAME_RATE] if np.exp(found.theta[0]) > ALIKE else [])


def nobody_leaves(
    likelihood: Likelihood, best: Optimum, words: str, tol: float, max_iter: int
) -> Estimate | None:
    """Return the fit of the NBD, in the names of a model with dropout, where it is as good as ``best``.

    ``words`` say where the parameters of dropout went. Where ``best`` is a limit that chance alone may have preferred
    to the NBD it is returned, and says so; else None.
    """
    nbd = NBDLikelihood(likelihood.h, likelihood.weights, 0.0)
    found = nbd.minimise(best.theta[:2], tol, max_iter)
    gain = (found.value - best.value) * nbd.total
    if gain > UNSEEN:
        limit = likelihood.limit(best)
        if limit is None or gain > _BY_CHANCE:
            return None
        return likelihood.estimate(best, likelihood.natural(best), limit + _AS_LIKELY.format(gain))
    r, alpha = np.exp(found.theta).tolist()
    return likelihood.estimate(
        found, {"r": r, "alpha": alpha, **likelihood.staying}, NOBODY_LEAVES.format(words)
    )


class NBD(CovariateModel):
    """NBD: how many purchases to expect from customers who never leave.

    Customers buy at random with their own rate, gamma distributed (``r``, ``alpha``), for ever. It is the limit of
    `BetaGeoNBD` and `ParetoNBD` in which nobody leaves: fit it to see whether their dropout explains anything, or
    where customers are bound to stay. The time of the last purchase tells it nothing.

    Parameters
    ----------
    horizon : float or str, default=1.0
        How far `predict` and `transform` look: a number in the unit of the rows, or text like ``"52W"``.
    penalty : float or "cv", default=0.0
        Precision of a normal prior on the logarithms of ``r, alpha / (mean of T)`` around 0 and of the coefficients
        of standardised covariates. The likelihood is maximised less ``penalty / 2`` times their squares. It does
        not depend on the unit of time nor on the scale of a covariate. "cv": of 0, 0.01, 0.03, ..., 100 the one
        with the highest likelihood of customers that were not fitted, in 5 folds that are always dealt alike; it
        costs 50 fits.
    unit : str, optional
        Unit of time of ``T``. None: as the rows carry it.
    purchase_covariates : sequence of str, default=()
        Columns of ``X`` that tell how often a customer buys: alpha of a customer is ``alpha * exp(-c @ z)``, so that a
        covariate that is larger by 1 multiplies the purchase rate by exp(c). Numbers; a category becomes 0/1 columns,
        all but one.
    tol : float, default=1e-9
        The fit ends when the gradient per customer, by log-parameter, is smaller.
    max_iter : int, default=200
        Newton steps at most.

    Attributes
    ----------
    r_, alpha_ : float
        The parameters; ``alpha_`` has the unit of T. Purchases per unit of time are r / alpha on average.
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
        Empty.
    unit_ : str or None
        Unit of time of the fit.
    n_features_in_ : int
        Number of columns of ``X``.
    feature_names_in_ : ndarray of str
        Their names, where they have names.

    See Also
    --------
    BetaGeoNBD : Customers may leave after a purchase.
    ParetoNBD : Customers may leave at any time.

    References
    ----------
    Ehrenberg, A. S. C. (1959). The pattern of consumer purchases. Applied Statistics 8(1), 26-41.

    Fader, P. S. & Hardie, B. G. S. (2007). Incorporating time-invariant covariates into the Pareto/NBD and BG/NBD
    models. http://brucehardie.com/notes/019/

    Examples
    --------
    >>> from crmintel import NBD
    >>> model = NBD.from_params(r=0.385, alpha=12.07, unit="week")
    >>> customer = [[2, 30.43, 38.86]]  # frequency, recency, T
    >>> model.expected_purchases(customer, horizon=39).round(3)
    array([1.826])
    >>> rows = model.sample(2_000, T=52, random_state=0)
    >>> NBD(horizon="13W").fit(rows).converged_
    True
    """

    _parameters = ("r", "alpha")
    _likelihood = NBDLikelihood

    def __init__(
        self,
        horizon: float | str = 1.0,
        *,
        penalty: float | Literal["cv"] = 0.0,
        unit: str | None = None,
        purchase_covariates: Sequence[str] = (),
        tol: float = 1e-9,
        max_iter: int = 200,
    ) -> None:
        PurchaseModel.__init__(self, horizon, penalty=penalty, unit=unit, tol=tol, max_iter=max_iter)
        self.purchase_covariates = purchase_covariates

    def _log_likelihood(self, h: Histories) -> Vector:
        alpha = self._own("alpha", h)
        times = -self.r_ * np.log1p(h.T / alpha) - h.x * np.log(alpha + h.T)
        return log_rising(self.r_, h.x) + times

    def _alive(self, h: Histories) -> Vector:
        return np.ones(len(h))

    def _alive_after(self, h: Histories, t: float | Vector) -> Vector:
        return np.ones(len(h))

    def _expected(self, h: Histories, t: float | Vector) -> Vector:
        return (self.r_ + h.x) / (self._own("alpha", h) + h.T) * t

    def _pairs(self, h: Histories, t: float | Vector) -> Vector:
        R, z = self.r_ + h.x, t / (self._own("alpha", h) + h.T)
        return R * (R + 1.0) * z * z

    def _endless_lifetime(self, h: Histories) -> Vector:
        return np.full(len(h), np.inf)

    def _waiting(self, h: Histories, t: float) -> Vector:
        return np.exp(-(self.r_ + h.x) * np.log1p(t / (self._own("alpha", h) + h.T)))

    def _waiting_quantile(self, h: Histories, q: Vector) -> Vector:
        with np.errstate(over="ignore"):  # who hardly ever buys waits for longer than numbers reach: inf
            return (self._own("alpha", h) + h.T) * np.expm1(-np.log1p(-q) / (self.r_ + h.x))

    def _pmf(self, h: Histories, t: float, n: Vector) -> NDArray[np.float64]:
        R = (self.r_ + h.x)[:, None]
        z = (t / (self._own("alpha", h) + h.T))[:, None]
        last = np.maximum(n, 1.0)
        with np.errstate(divide="ignore", over="ignore"):
            some = -last * np.log1p(1.0 / z) - np.log(last) - betaln(last, R)
        return np.exp(np.where(n > 0, some, 0.0) - R * np.log1p(z))

    def _at_least(self, h: Histories, t: float | Vector, n: Vector) -> Vector:
        z = t / (self._own("alpha", h) + h.T)
        return betainc(n, self.r_ + h.x, z / (1.0 + z))

    def _simulate(self, h: Histories, rng: np.random.Generator) -> tuple[Vector, Vector]:
        x = rng.poisson(rng.gamma(self.r_, 1.0 / self._own("alpha", h), len(h)) * h.T).astype(np.float64)
        with np.errstate(divide="ignore"):  # the last of x times in T, each anywhere alike
            share = np.exp(-rng.exponential(size=len(h)) / x)
        return x, np.where(x > 0, h.T * share, 0.0)

    def _time_scale(self, h: Histories) -> Vector:
        return self._own("alpha", h) + h.T

    def _discounted(self, h: Histories, rate: float, end: float) -> Vector:
        return self._expected(h, -np.expm1(-rate * end) / rate)

    def _lifetime(self, h: Histories, end: float) -> Vector:
        return np.full(len(h), end)
