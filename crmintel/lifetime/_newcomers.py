"""New customers as a model sees them: what it tells apart before they buy, and how old they are in its own time."""

from __future__ import annotations

import copy
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crmintel.features.rows import named_columns
from crmintel.lifetime._histories import Vector
from crmintel.lifetime.seasonal import SeasonalModel


def covariates_of(models: Iterable[Any]) -> list[str]:
    """Return the names of all covariates that the models know, once each."""
    parameters = ("purchase_covariates", "dropout_covariates")
    fitted = [getattr(model, "model_", model) for model in models]
    return list(
        dict.fromkeys(name for each in fitted for key in parameters for name in getattr(each, key, ()))
    )


def needed_extras(models: Iterable[Any]) -> list[str]:
    """Return what the rows of the models hold beside the history: covariates, and the day on which it ends."""
    models = list(models)
    seasonal = any(isinstance(model, SeasonalModel) for model in models)
    return [*covariates_of(models), *(["as_of"] if seasonal else [])]


def dated(model: Any) -> Any:
    """Return the model, told by each row on which day its history ends."""
    return copy.copy(model).set_params(end=None) if isinstance(model, SeasonalModel) else model


class Newcomers:
    """Customers by kind (distinct covariates, numbered as they come) and age in the time of a model."""

    def __init__(self, model: Any) -> None:
        self.season = model if isinstance(model, SeasonalModel) else None
        self.model = model if self.season is None else self.season.model_
        self.names = covariates_of([model])
        self._codes: dict[tuple[float, ...], int] = {}

    def by_age(self, X: Any, weights: Vector | None = None) -> tuple[Vector, NDArray[np.float64]]:
        """Return the distinct ages of the rows of ``X``, and how many customers have each kind (rows) and age."""
        if self.season is not None:
            X, _ = self.season._on_the_clock(X, str(self.season.unit_), self.model)
        T = named_columns(X, ("T",))["T"]
        codes = self._kinds(X) if self.names else np.zeros(T.size, dtype=np.int64)
        ages, places = np.unique(T, return_inverse=True)
        n_kinds = max(len(self._codes), 1)
        counts = np.bincount(codes * ages.size + places, weights, n_kinds * ages.size)
        return ages, counts.reshape(n_kinds, ages.size).astype(np.float64)

    def ask(self, verb: str, *args: Any) -> NDArray[np.float64]:
        """Return what the model says of a new customer of each kind."""
        answer = getattr(self.model, verb)
        if not self.names:
            return np.asarray(answer(None, *args))[None]
        known = np.array(list(self._codes)).T
        return np.asarray(answer(dict(zip(self.names, known, strict=True)), *args))

    def _kinds(self, X: Any) -> NDArray[np.int64]:
        values = np.column_stack(list(named_columns(X, self.names).values()))
        distinct, places = np.unique(values, axis=0, return_inverse=True)
        codes = [self._codes.setdefault(tuple(row), len(self._codes)) for row in distinct.tolist()]
        return np.array(codes, dtype=np.int64)[places]
