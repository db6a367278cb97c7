"""How a model of repeat purchases is made: from data, or from known parameters."""

from __future__ import annotations

import warnings
from abc import abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import clone

from crmintel._validation import check_number, check_parameters
from crmintel.exceptions import FitWarning, InputError
from crmintel.lifetime._histories import (
    Histories,
    Vector,
    learned_unit,
    read_weights,
    remember_columns,
)
from crmintel.lifetime._intervals import plausible_parameters
from crmintel.lifetime._mle import Optimum
from crmintel.lifetime._penalty import cross_validated
from crmintel.lifetime._uncertainty import UncertainAnswers
from crmintel.transactions.calendar import unit_name

if TYPE_CHECKING:
    from crmintel.lifetime._likelihood import Likelihood


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a fit found: natural parameters, their covariance, and how the search ended."""

    params: dict[str, float]
    covariance: Vector
    log_likelihood: float
    n_free: int
    optimum: Optimum
    limit: str | None  # which limit of the model the data ask for, in words

    def hand_to(self, model: Any) -> None:
        """Set the learned attributes of ``model``, and warn where its user should know about the end of the fit."""
        model._set_parameters(self.params)
        model.covariance_ = self.covariance
        errors = np.sqrt(np.maximum(np.diag(self.covariance), 0.0)).tolist()
        model.standard_errors_ = dict(zip(self.params, errors, strict=True))
        model.log_likelihood_ = self.log_likelihood
        model.aic_ = 2.0 * self.n_free - 2.0 * self.log_likelihood
        model.converged_ = self.optimum.converged
        model.gradient_norm_ = self.optimum.gradient_norm
        model.condition_number_ = self.optimum.condition_number
        model.n_iter_ = self.optimum.n_iter
        model.message_ = self.limit or self.optimum.message
        if self.limit or not model.converged_:
            warnings.warn(f"{type(model).__name__}: {model.message_}.", FitWarning, stacklevel=3)


class PurchaseModel(UncertainAnswers):
    """Base of the models of repeat purchases: their constructor, and how they come by parameters.

    A model names its ``_parameters``, and gives ``_maximise`` (by ``penalty_``) and the formulas of its answers.
    """

    _parameters: ClassVar[tuple[str, ...]]

    def __init__(
        self,
        horizon: float | str = 1.0,
        *,
        penalty: float | Literal["cv"] = 0.0,
        unit: str | None = None,
        tol: float = 1e-9,
        max_iter: int = 200,
    ) -> None:
        self.horizon = horizon
        self.penalty = penalty
        self.unit = unit
        self.tol = tol
        self.max_iter = max_iter

    def fit(self, X: Any, y: Any = None, sample_weight: ArrayLike | None = None) -> Self:
        """Estimate the parameters by maximum likelihood.

        Parameters
        ----------
        X : CustomerRows, frame or array of shape (n_customers, >= 3)
            ``frequency``, ``recency`` (time of the last purchase) and ``T``, as `CustomerSummary` makes them.
        y : ignored
        sample_weight : array of shape (n_customers,), optional
            How many customers share each history. Equal to repeating the rows.

        Returns
        -------
        self

        Raises
        ------
        InputError
            If a history is impossible; the message names the column, the rule and the first bad row.
        UnitError
            If ``unit`` contradicts the unit that ``X`` carries.

        Warns
        -----
        FitWarning
            If the search did not converge or the best fit lies at a limit of the model.
        """
        histories = self._read_to_fit(X)
        weights = read_weights(sample_weight, len(histories))
        if len(histories) == 1 and weights[0] <= 1:
            raise InputError("X has one customer; at least 2 are needed to see how customers differ.")
        chosen = isinstance(self.penalty, str) and self.penalty == "cv"
        penalty = 0.0 if chosen else check_number(self.penalty, "penalty", low=0.0)
        check_number(self.max_iter, "max_iter", low=1, integer=True)
        check_number(self.tol, "tol", low=0.0, high=1.0, strict_low=True, strict_high=True)
        unit = learned_unit(X, self.unit)
        check_number(self._duration(self.horizon, unit), "horizon", low=0.0, strict_low=True)
        self.unit_ = unit
        remember_columns(self, X)
        self.penalty_ = self._cross_validated(histories, weights) if chosen else penalty
        self._maximise(histories, weights).hand_to(self)
        return self

    @classmethod
    def from_params(cls, *, unit: str | None = None, horizon: float | str = 1.0, **params: Any) -> Self:
        """Return a ready model with known parameters.

        Parameters
        ----------
        unit : str, optional
            Unit of time of the parameters, needed for horizons such as ``"52W"``.
        horizon : float or str, default=1.0
            As in the constructor.
        **params : float
            Every parameter of the model by name, each > 0.

        Returns
        -------
        model
            Usable like a fitted one; it has no ``covariance_``.
        """
        check_parameters(params, cls._parameters, cls.__name__)
        model = cls(horizon=horizon, unit=unit)
        model.unit_ = None if unit is None else unit_name(unit)
        model._set_parameters(
            {name: check_number(params[name], name, low=0.0, strict_low=True) for name in cls._parameters}
        )
        return model

    def _read_to_fit(self, X: Any) -> Histories:
        return self._read(X)

    def _cross_validated(self, histories: Histories, weights: Vector) -> float:
        def held_out(penalty: float, fitted: Vector, left: Vector) -> float:
            twin = clone(self)
            twin.penalty_, twin.unit_ = penalty, self.unit_
            try:
                twin._set_parameters(twin._maximise(histories, fitted).params)
            except InputError as error:
                raise InputError(
                    f"penalty='cv' fits four fifths of the customers at a time: {error}"
                ) from None
            rows = np.flatnonzero(left)
            return float(left[rows] @ twin._log_likelihood(histories[rows]))

        return cross_validated(held_out, weights)

    def _set_parameters(self, params: dict[str, float]) -> None:
        self.params_ = dict(params)
        for name, value in params.items():
            setattr(self, f"{name}_", value)

    def _plausible_models(self) -> list[Self]:
        if not hasattr(self, "covariance_"):
            return [self]
        points = self._plausible_points()
        models = [type(self)(unit=self.unit) for _ in points]
        for model, point in zip(models, points, strict=True):
            model.unit_ = self.unit_
            model._set_parameters(dict(zip(self.params_, point.tolist(), strict=True)))
        return models

    def _plausible_points(self) -> NDArray[np.float64]:
        return plausible_parameters(np.array(list(self.params_.values())), self.covariance_)

    @abstractmethod
    def _maximise(self, histories: Histories, weights: Vector) -> Estimate: ...

    @abstractmethod
    def _objective(self, histories: Histories, weights: Vector) -> Likelihood: ...
