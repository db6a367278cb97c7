"""Models of repeat purchases whose parameters may depend on what is known of a customer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from crmintel._validation import check_number
from crmintel.exceptions import InputError
from crmintel.features.rows import CustomerRows
from crmintel.lifetime._covariate_likelihood import RowLikelihood, maximise
from crmintel.lifetime._covariates import (
    Scales,
    covariate_names,
    plausible_coefficients,
    read_covariates,
)
from crmintel.lifetime._histories import COLUMNS, Histories, Vector, column_names, read_histories
from crmintel.lifetime._model import Estimate, PurchaseModel

_FARTHEST = (
    250.0  # log of a customer's parameter: e^250 units of time are for ever, and their square a number
)


class CovariateModel(PurchaseModel):
    """Base of the models that have covariates. A model names its ``_likelihood``, which names their effects."""

    _likelihood: ClassVar[type[RowLikelihood]]
    dropout_covariates: Sequence[str] = ()  # of models without dropout

    def __init__(
        self,
        horizon: float | str = 1.0,
        *,
        penalty: float | Literal["cv"] = 0.0,
        unit: str | None = None,
        purchase_covariates: Sequence[str] = (),
        dropout_covariates: Sequence[str] = (),
        tol: float = 1e-9,
        max_iter: int = 200,
    ) -> None:
        super().__init__(horizon, penalty=penalty, unit=unit, tol=tol, max_iter=max_iter)
        self.purchase_covariates = purchase_covariates
        self.dropout_covariates = dropout_covariates

    @classmethod
    def from_params(
        cls,
        *,
        unit: str | None = None,
        horizon: float | str = 1.0,
        purchase_coefficients: Mapping[str, float] | None = None,
        dropout_coefficients: Mapping[str, float] | None = None,
        **params: Any,
    ) -> Self:
        """Return a ready model with known parameters.

        Parameters
        ----------
        unit : str, optional
            Unit of time of the parameters, needed for horizons such as ``"52W"``.
        horizon : float or str, default=1.0
            As in the constructor.
        purchase_coefficients, dropout_coefficients : dict, optional
            Coefficients of covariates, as a fitted model has them in the attributes of these names.
        **params : float
            Every parameter of the model by name, each > 0.

        Returns
        -------
        model
            Usable like a fitted one; it has no ``covariance_``.
        """
        model = super().from_params(unit=unit, horizon=horizon, **params)
        purchase, dropout = dict(purchase_coefficients or {}), dict(dropout_coefficients or {})
        labels = [effect.label for effect in cls._likelihood.effects[1:]]
        known = {f"purchase.{name}": value for name, value in purchase.items()}
        known |= {f"dropout.{name}" if labels == ["dropout"] else name: v for name, v in dropout.items()}
        leavers = list(
            dict.fromkeys(name.split(".", 1)[-1] for name in known if name.split(".")[0] in labels)
        )
        names = cls._coefficient_names(list(purchase), leavers)
        if set(names) != set(known):
            raise InputError(
                f"{cls.__name__} needs exactly the coefficients {names}, got {sorted(known)}; see the attribute "
                "dropout_coefficients_ of a fitted model."
            )
        model.set_params(purchase_covariates=tuple(purchase))
        if leavers:
            model.set_params(dropout_covariates=tuple(leavers))
        model._set_parameters({**model.params_, **{name: check_number(known[name], name) for name in names}})
        return model

    def sample(self, n: int, T: ArrayLike, random_state: Any = None, covariates: Any = None) -> CustomerRows:
        """Draw ``n`` customers watched for ``T`` and return their ``frequency``, ``recency`` and ``T``.

        Parameters
        ----------
        n : int
            Number of customers.
        T : float or array of shape (n,)
            Time from the first purchase to the end of observation.
        random_state : int, Generator, RandomState or None
        covariates : frame, dict of arrays or CustomerRows with n rows, optional
            Needed where the model has covariates.

        Returns
        -------
        CustomerRows of shape (n, 3)
            With a model of covariates their columns follow.
        """
        h = self._watched(n, T)
        names = self._covariates()
        if not any(names):
            return self._drawn(h, random_state)
        if covariates is None:
            raise InputError(f"the model has covariates: sample needs {self._way_out()}.")
        known = read_covariates(covariates, *names)
        if len(known[0]) != n:
            raise InputError(f"covariates has {len(known[0])} rows, expected n={n}: one per customer.")
        drawn = self._drawn(Histories(h.x, h.t_x, h.T, *known), random_state)
        columns = dict(zip([*names[0], *names[1]], np.column_stack(known).T, strict=True))
        values = np.column_stack([drawn, *columns.values()])
        return CustomerRows(values, (*COLUMNS, *columns), self.unit_)

    # -- what depends on covariates ------------------------------------------------------------------------

    @classmethod
    def _coefficient_names(cls, purchase: Sequence[str], dropout: Sequence[str]) -> list[str]:
        return [
            f"{effect.label}.{name}"
            for effect in cls._likelihood.effects
            for name in (purchase if effect.label == "purchase" else dropout)
        ]

    def _covariates(self) -> tuple[list[str], list[str]]:
        """The names of the covariates of the parameters, in their order."""
        names = [name.split(".", 1) for name in self.params_ if "." in name]
        purchase = [name for label, name in names if label == "purchase"]
        return purchase, list(dict.fromkeys(name for label, name in names if label != "purchase"))

    def _way_out(self) -> str:
        purchase, dropout = self._covariates()
        names = list(dict.fromkeys([*purchase, *dropout]))
        return f"a frame with the columns {names}, one row per customer"

    def _set_parameters(self, params: dict[str, float]) -> None:
        super()._set_parameters({name: params[name] for name in self._parameters})
        self.params_ = dict(params)
        coefficients = {name: params[name] for name in params if "." in name}
        self.purchase_coefficients_ = {
            name.removeprefix("purchase."): value
            for name, value in coefficients.items()
            if name.startswith("purchase.")
        }
        self.dropout_coefficients_ = {
            name.removeprefix("dropout."): value
            for name, value in coefficients.items()
            if not name.startswith("purchase.")
        }

    def _own(self, name: str, h: Histories) -> Any:
        """A parameter: one number for all, or each customer's own."""
        value = self.params_[name]
        effect = next(each for each in self._likelihood.effects if each.on == name)
        matrix = h.purchase if effect.label == "purchase" else h.dropout
        if matrix is None or not 0.0 < value < np.inf:  # at a limit all customers are alike
            return value
        coefficients = [v for key, v in self.params_.items() if key.startswith(f"{effect.label}.")]
        logs = np.log(value) + effect.sign * (matrix @ coefficients)
        return np.exp(np.clip(logs, -_FARTHEST, _FARTHEST))

    def _read(self, X: Any) -> Histories:
        return self._read_with(X, *self._covariates())

    def _read_to_fit(self, X: Any) -> Histories:
        purchase = covariate_names(self.purchase_covariates, "purchase_covariates")
        dropout = covariate_names(self.dropout_covariates, "dropout_covariates")
        return self._read_with(X, purchase, dropout, new=False)

    def _read_with(
        self, X: Any, purchase: Sequence[str], dropout: Sequence[str], new: bool = True
    ) -> Histories:
        if not purchase and not dropout:
            return read_histories(X)
        known = read_covariates(X, purchase, dropout)
        columns = column_names(X)
        if new and columns is not None and not set(columns) & set(COLUMNS):
            nothing = np.zeros(len(known[0]))
            return Histories(nothing, nothing, nothing, *known)
        h = read_histories(X)
        return Histories(h.x, h.t_x, h.T, *known)

    def _new_customer(self) -> Histories:
        if any(self._covariates()):
            raise InputError(f"the model has covariates: for new customers X must be {self._way_out()}.")
        return super()._new_customer()

    def _maximise(self, histories: Histories, weights: Vector) -> Estimate:
        end: dict[str, Any] = {"penalty": self.penalty_, "tol": self.tol, "max_iter": self.max_iter}
        if histories.purchase is None or histories.dropout is None:
            return self._likelihood.maximise(histories, weights, **end)
        scales = (
            Scales.of(histories.purchase, weights, self.purchase_covariates, "purchase_covariates"),
            Scales.of(histories.dropout, weights, self.dropout_covariates, "dropout_covariates"),
        )
        return maximise(self._likelihood, histories, weights, *scales, **end)

    def _objective(self, histories: Histories, weights: Vector) -> RowLikelihood:
        if any(self._covariates()):
            raise InputError("the profile likelihood is there for models without covariates.")
        return self._likelihood(histories, weights, self.penalty_)

    def _plausible_points(self) -> NDArray[np.float64]:
        values, size = np.array(list(self.params_.values())), len(self._parameters)
        if values.size == size:
            return super()._plausible_points()
        return plausible_coefficients(values[:size], values[size:], self.covariance_)
