"""The Gamma-Gamma model of spend that goes with frequency: heavy buyers spend more each time, or less."""

from __future__ import annotations

import numpy as np

from crmintel.lifetime._gammagamma_likelihood import maximise
from crmintel.lifetime._histories import Vector
from crmintel.lifetime._model import Estimate
from crmintel.lifetime._spend import SpendModel
from crmintel.lifetime.gammagamma import GammaGamma


class CorrelatedSpend(SpendModel):
    """Expected spend per purchase where it goes with frequency: heavy buyers spend more each time, or less.

    The Gamma-Gamma model with one parameter more: the mean spend of customers with x repeat purchases is
    ((1 + x) / 2)^slope times that of customers with one. `GammaGamma` assumes slope 0 and is otherwise too high at one
    end of the base and too low at the other.

    Parameters
    ----------
    tol : float, default=1e-9
        The fit ends when the gradient per customer, by log-parameter, is smaller.
    max_iter : int, default=200
        Newton steps at most.

    Attributes
    ----------
    p_, q_, v_ : float
        As in `GammaGamma`; ``v_`` (money) is that of customers with one repeat purchase.
    slope_ : float
        Twice the purchases, the first counted with them, go with 2^slope times the spend per purchase.
    params_ : dict
        The same by name.
    covariance_ : ndarray of shape (4, 4)
        Inverse observed information, in the order of ``params_``.
    standard_errors_ : dict
        Square roots of its diagonal, by name.
    population_mean_ : float
        Expected spend per purchase of a customer without a repeat purchase, of whom no spend is known: that of
        customers with one, as whoever buys again will have one. inf where ``q_ <= 1``.
    log_likelihood_, aic_ : float
        Total over the customers used, and Akaike's information criterion. Twice the gain over `GammaGamma` is
        chi-square distributed with 1 degree of freedom where there is no bond.
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
    GammaGamma : Spend that does not depend on frequency.
    LogNormalSpend : Another distribution of spend.
    compare_models : Which of them fits.

    Notes
    -----
    Frequency grows with the time a customer was watched, so ``slope`` is meant for bases watched about equally long.
    It describes the base, and does not say that who is brought to buy more often will spend more.

    The bond is not continued to x = 0. On CDNOW (slope 0.23) that would give 27.0 dollars, where those who came back
    spent 35.0; what customers with one repeat purchase are expected to spend is 31.6.

    Examples
    --------
    >>> from crmintel import CorrelatedSpend
    >>> model = CorrelatedSpend.from_params(p=5, q=4, v=18, slope=0.15)
    >>> model.predict([[2, 22.35], [20, 22.35], [0, 0.0]]).round(2)  # frequency, mean spend per purchase
    array([24.55, 22.94, 30.  ])
    """

    _parameters = ("p", "q", "v", "slope")
    _signed = ("slope",)

    def _maximise(self, x: Vector, m: Vector, weights: Vector) -> Estimate:
        return maximise(x, m, weights, correlated=True, tol=self.tol, max_iter=self.max_iter)

    # -- Gamma-Gamma formulas, with money in units of ((1 + x) / 2)^slope ----------------------------------------

    def _scaled(self, x: Vector) -> tuple[GammaGamma, Vector]:
        more = np.log1p(np.maximum(x, 1.0)) - np.log(2.0)
        return GammaGamma.from_params(p=self.p_, q=self.q_, v=self.v_), np.exp(self.slope_ * more)

    def _expected(self, x: Vector, m: Vector) -> Vector:
        model, scale = self._scaled(x)
        return scale * model._expected(x, m / scale)

    def _second_moments(self, x: Vector, m: Vector) -> tuple[Vector, Vector]:
        model, scale = self._scaled(x)
        different, same = model._second_moments(x, m / scale)
        return scale * scale * different, scale * scale * same

    def _log_density(self, x: Vector, m: Vector) -> Vector:
        model, scale = self._scaled(x)
        return model._log_density(x, m / scale) - np.log(scale)

    def _distribution(self, x: Vector, m: Vector) -> Vector:
        model, scale = self._scaled(x)
        return model._distribution(x, m / scale)
