"""The log-normal model of spend: what a customer's next purchase is worth, where the Gamma-Gamma model does not fit."""

from __future__ import annotations

import numpy as np
from scipy.special import ndtr

from crmintel.lifetime._histories import Vector
from crmintel.lifetime._lognormal_likelihood import LogNormalLikelihood, moments
from crmintel.lifetime._mle import Optimum
from crmintel.lifetime._model import Estimate
from crmintel.lifetime._spend import SpendModel

_ALIKE = 0.01  # customers, or a customer's purchases, that differ by less than 1 %


class LogNormalSpend(SpendModel):
    """Expected spend per purchase where spend is log-normal, each customer's mean shrunk towards the population's.

    The logarithm of a customer's mean spend is normal over customers (``mu``, ``sigma``); purchases of one customer
    are log-normal around that mean, with the coefficient of variation ``cv``. Its mean is finite whatever the data,
    also where that of `GammaGamma` is not (``q_ <= 1``).

    Parameters
    ----------
    tol : float, default=1e-9
        The fit ends when the gradient per customer, by log-parameter, is smaller.
    max_iter : int, default=200
        Newton steps at most.

    Attributes
    ----------
    mu_, sigma_ : float
        Mean and standard deviation over customers of the logarithm of mean spend; exp(mu) is the median customer's.
    cv_ : float
        Standard deviation of a customer's purchases over their mean.
    params_ : dict
        The same by name.
    covariance_ : ndarray of shape (3, 3)
        Inverse observed information, in the order of ``params_``.
    standard_errors_ : dict
        Square roots of its diagonal, by name.
    population_mean_ : float
        Expected spend per purchase of a customer of whom nothing is known: exp(mu + sigma^2 / 2).
    log_likelihood_, aic_ : float
        Total over the customers used, and Akaike's information criterion; to compare with `GammaGamma`'s.
    correlation_, correlation_pvalue_ : float
        Correlation of frequency and mean spend, and the p value of none, as in `GammaGamma`.
    n_ignored_ : int
        Customers with purchases but mean spend <= 0, left out with a warning.
    n_used_ : int
        Customers the fit rests on.
    converged_, gradient_norm_, n_iter_, message_
        How the fit ended, as in `BetaGeoNBD`.
    n_features_in_, feature_names_in_
        The columns of ``X``.

    See Also
    --------
    GammaGamma : The usual model.
    CorrelatedSpend : Where heavy buyers spend more, or less, per purchase.

    Notes
    -----
    The rows hold mean spend, not single purchases. The mean of x log-normal purchases is taken as log-normal with their
    exact mean and variance, so that ``cv`` is told from ``sigma`` by how the spread of log spend falls with frequency;
    a base where everybody bought equally often cannot tell them apart, and is warned of. With ``cv`` above 2 or so the
    mean of few purchases is no longer close to log-normal, and ``sigma`` comes out too low.

    References
    ----------
    Fenton, L. F. (1960). The sum of log-normal probability distributions in scatter transmission systems. IRE
    Transactions on Communications Systems 8(1), 57-67.

    Examples
    --------
    >>> from crmintel import LogNormalSpend
    >>> model = LogNormalSpend.from_params(mu=3.4, sigma=0.5, cv=0.6)
    >>> model.predict([[2, 22.35], [20, 22.35], [0, 0.0]]).round(2)  # frequency, mean spend per purchase
    array([27.75, 23.17, 33.95])
    """

    _parameters = ("mu", "sigma", "cv")
    _signed = ("mu",)

    def _maximise(self, x: Vector, m: Vector, weights: Vector) -> Estimate:
        likelihood = LogNormalLikelihood(x, m, weights)
        found = likelihood.minimise(self.tol, self.max_iter)
        mu = found.theta[0] + likelihood.centre
        sigma, cv = np.exp(found.theta[1:])
        scale = np.array([1.0, sigma, cv])
        return Estimate(
            {"mu": float(mu), "sigma": float(sigma), "cv": float(cv)},
            found.inverse_hessian() * np.outer(scale, scale) / likelihood.total,
            -found.value * likelihood.total,
            int(found.free.sum()),
            found,
            _limit(found, likelihood.x.size),
        )

    def _of_mean(self, x: Vector, m: Vector) -> tuple[Vector, Vector]:
        """Mean and variance of the logarithm of each customer's own mean."""
        seen = x > 0
        variance, within = moments(np.where(seen, x, 1.0), self.sigma_**2, self.cv_**2)
        own = np.where(seen, self.sigma_**2 / variance, 0.0)  # the weight of the customer's own spend
        with np.errstate(divide="ignore"):
            log_m = np.log(np.where(seen, m, 1.0))
        pull = own * (log_m + within / 2.0 - self.mu_)
        return self.mu_ + pull, self.sigma_**2 * (1.0 - own)

    def _expected(self, x: Vector, m: Vector) -> Vector:
        mean, variance = self._of_mean(x, m)
        return np.exp(mean + variance / 2.0)

    def _second_moments(self, x: Vector, m: Vector) -> tuple[Vector, Vector]:
        mean, variance = self._of_mean(x, m)
        different = np.exp(2.0 * (mean + variance))
        return different, different * (1.0 + self.cv_**2)

    def _standardised(self, x: Vector, m: Vector) -> tuple[Vector, Vector]:
        variance, within = moments(x, self.sigma_**2, self.cv_**2)
        return (np.log(m) - self.mu_ + within / 2.0) / np.sqrt(variance), variance

    def _log_density(self, x: Vector, m: Vector) -> Vector:
        score, variance = self._standardised(x, m)
        return -(score**2 + np.log(2.0 * np.pi * variance)) / 2.0 - np.log(m)

    def _distribution(self, x: Vector, m: Vector) -> Vector:
        return ndtr(self._standardised(x, m)[0])


def _limit(found: Optimum, n_frequencies: int) -> str | None:
    """Say which limit the data ask for, or what they cannot tell, if anything."""
    sigma, cv = np.exp(found.theta[1:3])
    if n_frequencies == 1:
        return (
            "every customer used has the same frequency, so what lies between customers (sigma) cannot be told from "
            "what lies between the purchases of each (cv); the split is a guess. Watch longer"
        )
    if sigma < _ALIKE:
        return f"the best fit is a limit of the model (sigma = {sigma:.3g}): customers hardly differ in mean spend"
    if cv < _ALIKE:
        return f"the best fit is a limit of the model (cv = {cv:.3g}): the purchases of each customer hardly differ"
    if not found.free.all():
        return "the best fit ran to the edge of the search"
    return None
