"""Kinds of customers: those whom a model cannot tell apart before they buy."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crmintel.features.rows import named_columns
from crmintel.lifetime._histories import Vector


def covariates_of(models: Iterable[Any]) -> list[str]:
    """Return the names of all covariates that the models know, once each."""
    parameters = ("purchase_covariates", "dropout_covariates")
    return list(
        dict.fromkeys(name for model in models for each in parameters for name in getattr(model, each, ()))
    )


class Kinds:
    """Distinct covariates, numbered as they come; without covariates all customers are of kind 0."""

    def __init__(self, models: Iterable[Any]) -> None:
        self.names = covariates_of(models)
        self._codes: dict[tuple[float, ...], int] = {}

    def __len__(self) -> int:
        return len(self._codes) if self.names else 1

    def of(self, X: Any, n: int) -> NDArray[np.int64]:
        """Return the kind of each of the ``n`` rows of ``X``."""
        if not self.names:
            return np.zeros(n, dtype=np.int64)
        values = np.column_stack(list(named_columns(X, self.names).values()))
        distinct, places = np.unique(values, axis=0, return_inverse=True)
        codes = [self._codes.setdefault(tuple(row), len(self._codes)) for row in distinct.tolist()]
        return np.array(codes, dtype=np.int64)[places]

    def by_age(self, X: Any, T: Vector, weights: Vector | None = None) -> tuple[Vector, NDArray[np.float64]]:
        """Return the distinct ages, and how many customers there are of each kind (rows) and age (columns)."""
        codes = self.of(X, T.size)
        ages, places = np.unique(T, return_inverse=True)
        counts = np.bincount(codes * ages.size + places, weights, len(self) * ages.size)
        return ages, counts.reshape(len(self), ages.size).astype(np.float64)

    def ask(self, model: Any, verb: Callable[..., Any], *args: Any) -> NDArray[np.float64]:
        """Return what ``verb`` of ``model`` says of a new customer of each kind; of one, where it knows no kinds."""
        names = covariates_of([model])
        if not names:
            return np.asarray(verb(None, *args))[None]
        known = np.array(list(self._codes))
        return np.asarray(verb({name: known[:, self.names.index(name)] for name in names}, *args))
