"""What every model of spend shares: reading, who is left out, the fit, and the answers."""

from __future__ import annotations

import warnings
from abc import abstractmethod
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import stdtr
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from crmintel._validation import check_number, check_parameters, check_vector, raise_if_any
from crmintel.exceptions import DataWarning, InputError
from crmintel.features.rows import named_columns
from crmintel.lifetime._histories import MOST_PURCHASES, Vector, read_weights, remember_columns
from crmintel.lifetime._intervals import plausible_parameters
from crmintel.lifetime._model import Estimate

_MOST_MONEY = 1e100  # its square is a number still


class SpendModel(BaseEstimator):
    """Base of the models of spend per purchase.

    A model names its ``_parameters`` and gives the formulas ``_maximise``, ``_expected``, ``_second_moments`` (expected
    product of what two purchases of the customer are worth, and square of one), ``_log_density`` and ``_distribution``
    (of the mean of x purchases).
    """

    population_mean_: float
    _parameters: ClassVar[tuple[str, ...]]
    _signed: ClassVar[tuple[str, ...]] = ()  # parameters that may be negative

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
            If the search did not converge, or ended at a limit of the model.
        """
        x, m = read_spend(X)
        weights = read_weights(sample_weight, x.size)
        check_number(self.max_iter, "max_iter", low=1, integer=True)
        check_number(self.tol, "tol", low=0.0, high=1.0, strict_low=True, strict_high=True)
        remember_columns(self, X)
        self.n_ignored_ = int(np.count_nonzero((x > 0) & (m <= 0)))
        if self.n_ignored_:
            warnings.warn(
                f"{type(self).__name__} leaves out {self.n_ignored_} of {np.count_nonzero(x > 0)} repeat buyers "
                "whose mean spend is not positive; match refunds to their purchase with LogCleaner first.",
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
        self._maximise(x, m, weights).hand_to(self)
        return self

    @classmethod
    def from_params(cls, **params: float) -> Self:
        """Return a ready model with known parameters.

        Parameters
        ----------
        **params : float
            Every parameter of the model by name, each > 0; ``mu`` and ``slope`` may be negative.

        Returns
        -------
        model
            Usable like a fitted one; it has no ``covariance_``.
        """
        check_parameters(params, cls._parameters, cls.__name__)
        model = cls()
        low = {name: None if name in cls._signed else 0.0 for name in cls._parameters}
        model._set_parameters(
            {name: check_number(params[name], name, low=low[name], strict_low=True) for name in low}
        )
        return model

    def predict(self, X: Any) -> Vector:
        """Return the expected spend per purchase.

        Customers without a repeat purchase get the population mean. A mean spend below 0 counts as 0: the model
        knows no negative money.

        Returns
        -------
        ndarray of shape (n_customers,)
            inf where the model has no finite mean (`GammaGamma` with ``p x + q <= 1``).
        """
        check_is_fitted(self)
        x, m = read_spend(X)
        return self._expected(x, np.maximum(m, 0.0))

    def log_likelihood(self, X: Any) -> Vector:
        """Return the log-likelihood of each customer's mean spend; 0 without a repeat purchase.

        A mean spend <= 0 is impossible under the model: -inf.
        """
        check_is_fitted(self)
        x, m = read_spend(X)
        likely = np.zeros(x.size)
        likely[(x > 0) & (m <= 0)] = -np.inf
        used = (x > 0) & (m > 0)
        likely[used] = self._log_density(x[used], m[used])
        return likely

    def score(self, X: Any, y: Any = None, sample_weight: ArrayLike | None = None) -> float:
        """Return the mean log-likelihood per customer with a repeat purchase; higher is better."""
        values = self.log_likelihood(X)
        used = read_spend(X)[0] > 0
        if not used.any():
            raise InputError("X has no customer with a repeat purchase; there is nothing to score.")
        return float(np.average(values[used], weights=read_weights(sample_weight, values.size)[used]))

    def _set_parameters(self, params: dict[str, float]) -> None:
        self.params_ = dict(params)
        for name, value in params.items():
            setattr(self, f"{name}_", value)
        self.population_mean_ = float(self._expected(np.zeros(1), np.zeros(1))[0])

    def _plausible_models(self) -> list[Self]:
        """Equally likely models around the estimate; the model itself where the parameters are known."""
        if not hasattr(self, "covariance_"):
            return [self]
        values, signed = np.array(list(self.params_.values())), np.isin(list(self.params_), self._signed)
        positive = np.where(signed, np.exp(np.where(signed, values, 0.0)), values)
        slope = np.where(signed, positive, 1.0)
        points = plausible_parameters(positive, self.covariance_ * np.outer(slope, slope))
        points[:, signed] = np.log(points[:, signed])
        models = [type(self)() for _ in points]
        for model, point in zip(models, points.tolist(), strict=True):
            model._set_parameters(dict(zip(self.params_, point, strict=True)))
        return models

    @abstractmethod
    def _maximise(self, x: Vector, m: Vector, weights: Vector) -> Estimate: ...

    @abstractmethod
    def _expected(self, x: Vector, m: Vector) -> Vector: ...

    @abstractmethod
    def _second_moments(self, x: Vector, m: Vector) -> tuple[Vector, Vector]: ...

    @abstractmethod
    def _log_density(self, x: Vector, m: Vector) -> Vector: ...

    @abstractmethod
    def _distribution(self, x: Vector, m: Vector) -> Vector: ...


def read_spend(X: Any) -> tuple[Vector, Vector]:
    """Return the checked columns ``frequency`` and ``monetary_value``."""
    columns = named_columns(X, ("frequency", "monetary_value"))
    x = check_vector(columns["frequency"], "frequency", low=0.0, min_length=1)
    m = check_vector(columns["monetary_value"], "monetary_value", high=_MOST_MONEY)
    raise_if_any(x != np.floor(x), x, "frequency", "must hold whole numbers")
    raise_if_any(x > MOST_PURCHASES, x, "frequency", f"must be <= {MOST_PURCHASES:,}")
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
