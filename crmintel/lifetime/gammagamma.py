"""The Gamma-Gamma model: what a customer's next purchase is worth."""

from __future__ import annotations

import numpy as np
from scipy.special import betainc, betaln

from crmintel.lifetime._gammagamma_likelihood import maximise
from crmintel.lifetime._histories import Vector
from crmintel.lifetime._model import Estimate
from crmintel.lifetime._spend import SpendModel


class GammaGamma(SpendModel):
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
    standard_errors_ : dict
        Square roots of its diagonal, by name.
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

    See Also
    --------
    LogNormalSpend : Where spend is so unequal that ``q_ <= 1``, or the tail too heavy or too light.
    CorrelatedSpend : Where heavy buyers spend more, or less, per purchase.
    compare_models : Which of them fits.

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

    _parameters = ("p", "q", "v")

    def _maximise(self, x: Vector, m: Vector, weights: Vector) -> Estimate:
        return maximise(x, m, weights, correlated=False, tol=self.tol, max_iter=self.max_iter)

    def _expected(self, x: Vector, m: Vector) -> Vector:
        p, q, v = self.p_, self.q_, self.v_
        weight = p * x + q - 1.0
        spend = p * (v + x * m) / np.where(weight > 0, weight, 1.0)
        return np.where(weight > 0, spend, np.inf)

    def _second_moments(self, x: Vector, m: Vector) -> tuple[Vector, Vector]:
        p, q, v = self.p_, self.q_, self.v_
        weight = p * x + q
        finite = weight > 2.0
        parts = np.where(finite, (weight - 1.0) * (weight - 2.0), 1.0)
        square = np.where(finite, (v + x * m) ** 2 / parts, np.inf)
        return p * p * square, p * (p + 1.0) * square

    def _log_density(self, x: Vector, m: Vector) -> Vector:
        p, q, v = self.p_, self.q_, self.v_
        spend = x * m
        shares = -q * np.log1p(spend / v) - p * x * np.log1p(v / spend)
        return -betaln(p * x, q) + shares - np.log(m)

    def _distribution(self, x: Vector, m: Vector) -> Vector:
        spend = x * m
        return betainc(self.p_ * x, self.q_, spend / (spend + self.v_))
