"""The Gamma-Gamma model: what a customer's next purchase is worth."""

from __future__ import annotations

import warnings
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import betaln, digamma, polygamma, stdtr
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from crmintel._validation import check_number, check_vector, raise_if_any
from crmintel.exceptions import DataWarning, FitWarning, InputError
from crmintel.features.rows import named_columns
from crmintel.kernels.gammagamma import spend_sums
from crmintel.lifetime._histories import Vector, coded, read_weights, remember_columns
from crmintel.lifetime._mle import Optimum, minimise

_LOW, _HIGH = (
    np.array([-14.0, -14.0, -30.0]),
    np.array([14.0, 14.0, 30.0]),
)  # log p, log q, log v / mean spend
_START = (6.0, 4.0)  # p, q
_SAMPLE = 50_000
_ALIKE = 1e4


class GammaGamma(BaseEstimator):
    """Expected spend per purchase, each customer's mean shrunk towards the population's.

    Purchases of one customer are gamma distributed (shape ``p``) around their own mean, whose rate is gamma
    distributed over customers (``q``, ``v``). The fewer purchases, the closer to the population mean.

    Parameters
    ----------
    tol : float, default=1e-9
        The fit ends when the gradient per customer, by log-parameter, is smaller.
    max_iter : int, default=200
        Newton steps at most.

    Attributes
    ----------
    p_, q_, v_ : float
        The parameters; ``v_`` is money.
    params_ : dict
        The same by name.
    covariance_ : ndarray of shape (3, 3)
        Inverse observed information, in the order of ``params_``.
    population_mean_ : float
        Expected spend per purchase of a customer of whom nothing is known; inf where ``q_ <= 1``.
    log_likelihood_, aic_ : float
        Total over the customers used, and Akaike's information criterion.
    correlation_ : float
        Correlation of frequency and mean spend over the customers used. The model assumes independence: far from
        0 its predictions lie for heavy buyers.
    correlation_pvalue_ : float
        Two-sided p value of no correlation (t test).
    n_ignored_ : int
        Customers with purchases but mean spend <= 0, left out with a warning.
    n_used_ : int
        Customers the fit rests on.
    converged_, gradient_norm_, n_iter_, message_
        How the fit ended, as in `BetaGeoNBD`.
    n_features_in_, feature_names_in_
        The columns of ``X``.

    References
    ----------
    Fader, P. S. & Hardie, B. G. S. (2013). The Gamma-Gamma model of monetary value. brucehardie.com/notes/025.

    Examples
    --------
    >>> import numpy as np
    >>> from crmintel import GammaGamma
    >>> model = GammaGamma.from_params(p=6.25, q=3.74, v=15.44)
    >>> model.predict(np.array([[2, 22.35], [0, 0.0]])).round(2)  # frequency, mean spend per purchase
    array([24.66, 35.22])
    """

    def __init__(self, *, tol: float = 1e-9, max_iter: int = 200) -> None:
        self.tol = tol
        self.max_iter = max_iter

    def fit(self, X: Any, y: Any = None, sample_weight: ArrayLike | None = None) -> Self:
        """Estimate the parameters by maximum likelihood.

        Parameters
        ----------
        X : CustomerRows, frame or array
            ``frequency`` and ``monetary_value`` (mean spend of the repeat purchases). Customers without a repeat
            purchase are left out.
        y : ignored
        sample_weight : array of shape (n_customers,), optional
            How many customers share each row.

        Returns
        -------
        self

        Warns
        -----
        DataWarning
            If customers are left out because their mean spend is not positive.
        FitWarning
            If the search did not converge, or the estimate has no finite mean.
        """
        x, m = _read(X)
        weights = read_weights(sample_weight, x.size)
        check_number(self.max_iter, "max_iter", low=1, integer=True)
        check_number(self.tol, "tol", low=0.0, high=1.0, strict_low=True, strict_high=True)
        remember_columns(self, X)
        self.n_ignored_ = int(np.count_nonzero((x > 0) & (m <= 0)))
        if self.n_ignored_:
            warnings.warn(
                f"GammaGamma leaves out {self.n_ignored_} of {np.count_nonzero(x > 0)} repeat buyers whose mean "
                "spend is not positive; match refunds to their purchase with LogCleaner first.",
                DataWarning,
                stacklevel=2,
            )
        used = (x > 0) & (m > 0) & (weights > 0)
        self.n_used_ = int(np.count_nonzero(used))
        if self.n_used_ < 2 or np.ptp(m[used]) == 0:
            raise InputError(
                f"X has {self.n_used_} repeat buyers with positive mean spend, {np.unique(m[used]).size} distinct; "
                "at least 2 with different means are needed."
            )
        x, m, weights = x[used], m[used], weights[used]
        self.correlation_, self.correlation_pvalue_ = _correlation(x, m, weights)
        likelihood = _Likelihood(x, m, weights)
        start = likelihood.start()
        if x.size > 4 * _SAMPLE:
            every = np.arange(0, x.size, x.size // _SAMPLE)
            start = (
                _Likelihood(x[every], m[every], weights[every]).minimise(start, self.tol, self.max_iter).theta
            )
        found = likelihood.minimise(start, self.tol, self.max_iter)
        params = np.exp(found.theta)
        self._set_parameters(*params.tolist())
        self.covariance_ = found.inverse_hessian() * np.outer(params, params) / likelihood.total
        self.log_likelihood_ = -found.value * likelihood.total
        self.aic_ = 2.0 * int(found.free.sum()) - 2.0 * self.log_likelihood_
        self.converged_, self.gradient_norm_ = found.converged, found.gradient_norm
        self.n_iter_ = found.n_iter
        limit = _limit(found)
        self.message_ = limit or found.message
        if limit or not self.converged_:
            warnings.warn(f"GammaGamma: {self.message_}.", FitWarning, stacklevel=2)
        return self

    @classmethod
    def from_params(cls, *, p: float, q: float, v: float) -> Self:
        """Return a ready model with known parameters, each > 0."""
        model = cls()
        model._set_parameters(
            *(
                check_number(value, name, low=0.0, strict_low=True)
                for value, name in ((p, "p"), (q, "q"), (v, "v"))
            )
        )
        return model

    def predict(self, X: Any) -> Vector:
        """Return the expected spend per purchase.

        Customers without a repeat purchase get the population mean. A mean spend below 0 counts as 0: the model
        knows no negative money.

        Returns
        -------
        ndarray of shape (n_customers,)
            inf where the model has no finite mean (``p x + q <= 1``).
        """
        check_is_fitted(self)
        x, m = _read(X)
        p, q, v = self.p_, self.q_, self.v_
        weight = p * x + q - 1.0
        spend = p * (v + x * np.maximum(m, 0.0)) / np.where(weight > 0, weight, 1.0)
        return np.where(weight > 0, spend, np.inf)

    def log_likelihood(self, X: Any) -> Vector:
        """Return the log-likelihood of each customer's mean spend; 0 without a repeat purchase.

        A mean spend <= 0 is impossible under the model: -inf.
        """
        check_is_fitted(self)
        x, m = _read(X)
        likely = np.zeros(x.size)
        likely[(x > 0) & (m <= 0)] = -np.inf
        used = (x > 0) & (m > 0)
        likely[used] = _log_density(self.p_, self.q_, self.v_, x[used], m[used])
        return likely

    def score(self, X: Any, y: Any = None, sample_weight: ArrayLike | None = None) -> float:
        """Return the mean log-likelihood per customer with a repeat purchase; higher is better."""
        values = self.log_likelihood(X)
        used = _read(X)[0] > 0
        if not used.any():
            raise InputError("X has no customer with a repeat purchase; there is nothing to score.")
        return float(np.average(values[used], weights=read_weights(sample_weight, values.size)[used]))

    def _set_parameters(self, p: float, q: float, v: float) -> None:
        self.params_ = {"p": p, "q": q, "v": v}
        self.p_, self.q_, self.v_ = p, q, v
        self.population_mean_ = p * v / (q - 1.0) if q > 1.0 else np.inf


class _Likelihood:
    """Mean negative log-likelihood by log-parameters, with gradient and Hessian.

    Gamma functions depend on the frequency only and are called once per distinct frequency; what depends on spend is
    added up by frequency. With s = v / (x m + v), d log(x m + v) = s by log v.
    """

    def __init__(self, x: Vector, m: Vector, weights: Vector) -> None:
        codes, values = coded(x)
        counts = np.bincount(codes, weights, values.size)
        self.here, self.shape = np.flatnonzero(counts), (values.size, 3)
        self.counts, self.x = counts[self.here], values[self.here]
        self.total = float(weights.sum())
        self.rows = codes, x * m, weights
        self.mean = float(np.einsum("i,i", weights, self.rows[1])) / float(self.counts @ self.x)
        self.log_spend = self._sums(0.0)[0]

    def _sums(self, v: float) -> NDArray[np.float64]:
        """Sums of log(x m + v), s and s (1 - s), by frequency."""
        out = np.empty(self.shape)
        spend_sums(*self.rows, v, out)
        return out[self.here].T

    def start(self) -> Vector:
        p, q = _START
        return np.log([p, q, self.mean * (q - 1.0) / p])

    def minimise(self, start: Vector, tol: float, max_iter: int) -> Optimum:
        shift = np.array([0.0, 0.0, np.log(self.mean)])
        return minimise(self, start, low=_LOW + shift, high=_HIGH + shift, tol=tol, max_iter=max_iter)

    def __call__(self, theta: Vector) -> tuple[float, Vector, NDArray[np.float64]]:
        p, q, v = np.exp(theta)
        c, k = self.counts, self.x
        log_total, share, bend = self._sums(v)
        inside, both, first = polygamma(1, p * k), polygamma(1, p * k + q), digamma(p * k + q)
        # log L = -betaln(p x, q) + q log(v / (x m + v)) + p x log(x m / (x m + v)) - log m
        log_share = theta[2] * self.total - log_total.sum()
        log_rest = k @ (self.log_spend - log_total)
        log_m = self.log_spend.sum() - c @ np.log(k)
        value = -(c @ betaln(p * k, q)) + q * log_share + p * log_rest - log_m
        to_p = c @ (k * (first - digamma(p * k))) + log_rest
        to_q = c @ (first - digamma(q)) + log_share
        to_v = q * self.total - (p * k + q) @ share
        gradient = np.array([p * to_p, q * to_q, to_v])
        hessian = np.empty((3, 3))
        hessian[0, 0] = p * p * (c @ (k * k * (both - inside))) + gradient[0]
        hessian[0, 1] = hessian[1, 0] = p * q * (c @ (k * both))
        hessian[1, 1] = q * q * (c @ both - self.total * polygamma(1, q)) + gradient[1]
        hessian[0, 2] = hessian[2, 0] = -p * (k @ share)
        hessian[1, 2] = hessian[2, 1] = q * (self.total - share.sum())
        hessian[2, 2] = -((p * k + q) @ bend)
        return -value / self.total, -gradient / self.total, -hessian / self.total


def _log_density(p: float, q: float, v: float, x: Vector, m: Vector) -> Vector:
    spend = x * m
    shares = -q * np.log1p(spend / v) - p * x * np.log1p(v / spend)
    return -betaln(p * x, q) + shares - np.log(m)


def _read(X: Any) -> tuple[Vector, Vector]:
    columns = named_columns(X, ("frequency", "monetary_value"))
    x = check_vector(columns["frequency"], "frequency", low=0.0, min_length=1)
    m = check_vector(columns["monetary_value"], "monetary_value")
    raise_if_any(x != np.floor(x), x, "frequency", "must hold whole numbers")
    return x, m


def _correlation(x: Vector, m: Vector, weights: Vector) -> tuple[float, float]:
    """Weighted Pearson correlation and its two-sided p value; (0, 1) where one of the two does not vary."""
    dx, dm = x - np.average(x, weights=weights), m - np.average(m, weights=weights)
    spread = np.sqrt((weights @ (dx * dx)) * (weights @ (dm * dm)))
    if spread == 0.0:
        return 0.0, 1.0
    correlation = float(np.clip(weights @ (dx * dm) / spread, -1.0, 1.0))
    freedom = float(weights.sum()) - 2.0
    if freedom <= 0.0 or abs(correlation) == 1.0:
        return correlation, 1.0 if freedom <= 0.0 else 0.0
    t = abs(correlation) * np.sqrt(freedom / (1.0 - correlation**2))
    return correlation, float(2.0 * stdtr(freedom, -t))


def _limit(found: Optimum) -> str | None:
    p, q, _ = np.exp(found.theta)
    if q <= 1.0:
        return (
            f"q = {q:.3g} <= 1: spend is so unequal that its mean over customers is infinite, and so is the "
            "prediction for customers without repeat purchases. Look for a few extreme orders, or a mix of retail "
            "and wholesale customers to be modelled apart"
        )
    if p > _ALIKE or q > _ALIKE or not found.free.all():
        return (
            f"the best fit is a limit of the model (p = {p:.3g}, q = {q:.3g}): customers, or the purchases of each, "
            "hardly differ in spend"
        )
    return None
