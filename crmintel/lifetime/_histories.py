"""Purchase histories as the models read them: checked vectors of frequency, recency and T."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crmintel._frames import is_frame, open_frame
from crmintel._validation import check_vector, check_weights, raise_if_any
from crmintel.exceptions import InputError, UnitError
from crmintel.features.rows import named_columns, unit_of
from crmintel.kernels.histories import count_impossible
from crmintel.kernels.ids import factorize_integers
from crmintel.transactions.calendar import unit_name

_BLOCK = 16_384  # rows: half a dozen vectors of them fit into the second-level cache
_LOOKED_AT = 4096  # numbers that tell whether they repeat
COLUMNS = ("frequency", "recency", "T")
LONGEST = 1e100  # its square is a number still
MOST_PURCHASES = 1_000_000  # the models' tables are this long at most; no customer buys so often

Vector = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Histories:
    """One customer per element: purchases after the first, time of the last one, and time watched.

    Where a model has covariates, those of buying and of leaving are matrices with one column each.
    """

    x: Vector
    t_x: Vector
    T: Vector
    purchase: NDArray[np.float64] | None = None
    dropout: NDArray[np.float64] | None = None

    def __len__(self) -> int:
        return self.x.size

    def __getitem__(self, rows: Any) -> Histories:
        if self.purchase is None or self.dropout is None:
            return Histories(self.x[rows], self.t_x[rows], self.T[rows])
        purchase, dropout = self.purchase[rows], self.dropout[rows]
        return Histories(self.x[rows], self.t_x[rows], self.T[rows], purchase, dropout)


def in_blocks(formula: Callable[[Histories], Vector], h: Histories) -> Vector:
    """Return ``formula(h)``, one value per customer, with what it needs on the way kept small enough for the cache."""
    out = np.empty(len(h))
    for first in range(0, len(h), _BLOCK):
        rows = slice(first, first + _BLOCK)
        out[rows] = formula(h[rows])
    return out


NEW_CUSTOMER = Histories(np.zeros(1), np.zeros(1), np.zeros(1))


def read_histories(X: Any) -> Histories:
    """Return the checked histories in ``X`` (columns ``frequency, recency, T``).

    Raises
    ------
    InputError
        Naming the column, the rule, the number of rows that break it and the first of them.
    """
    columns = named_columns(X, COLUMNS)
    h = Histories(
        *(np.require(values, requirements="W") for values in columns.values())
    )  # kernels take no others
    if not len(h) or count_impossible(h.x, h.t_x, h.T, MOST_PURCHASES, LONGEST):
        _explain(*(check_vector(values, name, low=0.0, min_length=1) for name, values in columns.items()))
    return h


def _explain(x: Vector, t_x: Vector, T: Vector) -> None:
    raise_if_any(x != np.floor(x), x, "frequency", "must hold whole numbers")
    raise_if_any(x > MOST_PURCHASES, x, "frequency", f"must be <= {MOST_PURCHASES:,}")
    raise_if_any(T > LONGEST, T, "T", f"must be <= {LONGEST}")
    raise_if_any(t_x > T, t_x, "recency", "must not exceed T (it is the time of the last purchase)")
    raise_if_any((x > 0) & (t_x == 0), t_x, "recency", "must be > 0 where frequency > 0")
    raise_if_any((x == 0) & (t_x > 0), t_x, "recency", "must be 0 where frequency is 0")


def coded(numbers: Vector) -> tuple[NDArray[np.int32], Vector]:
    """Return codes and values with ``numbers == values[codes]``, so that functions of them become short tables.

    Counts and whole days are their own codes; other numbers that repeat (days in weeks) are looked up; where hardly any
    repeats each is its own value.
    """
    top = numbers.max(initial=0.0)
    if top < 2 * numbers.size:
        codes = numbers.astype(np.int32)
        if np.array_equal(codes, numbers):
            return codes, np.arange(top + 1.0)
    some = numbers[:: max(1, numbers.size // _LOOKED_AT)]
    if 2 * np.unique(some).size > some.size:
        return np.arange(numbers.size, dtype=np.int32), numbers
    codes, labels = factorize_integers(numbers.view(np.int64))
    return codes, labels.view(np.float64)


def distinct(h: Histories) -> tuple[NDArray[np.int32], Histories]:
    """Return codes and histories with ``h == histories[codes]``, for answers that cost more than a look-up.

    Histories with covariates come back as they are.
    """
    if h.purchase is not None or h.dropout is not None:
        return np.arange(len(h), dtype=np.int32), h
    x, _ = coded(h.x)
    (t_x, t_x_values), (T, T_values) = coded(h.t_x), coded(h.T)
    key = (x.astype(np.int64) * t_x_values.size + t_x) * T_values.size + T
    codes, keys = factorize_integers(key)
    one = np.empty(keys.size, dtype=np.int64)
    one[codes] = np.arange(len(h))
    return codes, h[one]


def read_weights(sample_weight: Any, n: int) -> Vector:
    """Return one non-negative weight per row, ones for None."""
    if sample_weight is None:
        return np.ones(n)
    weights = check_weights(sample_weight, n).copy()
    if weights.sum() <= 0:
        raise InputError("sample_weight is 0 everywhere; at least one row must count.")
    return weights


def learned_unit(X: Any, unit: str | None) -> str | None:
    """Return the unit of time to fit in: what ``X`` carries, what the user says, or None where neither does."""
    said = None if unit is None else unit_name(unit)
    carried = unit_of(X)
    check_same_unit(carried, said, "unit= says")
    return said or carried


def check_same_unit(carried: str | None, known: str | None, who: str) -> None:
    """Raise if rows carry another unit of time than the one already known."""
    if carried is not None and known is not None and carried != known:
        raise UnitError(
            f"the rows of X count time in {carried}s, {who} {known}s. Make them with CustomerSummary(unit={known!r})."
        )


def column_names(X: Any) -> list[Any] | None:
    """Return the names of the columns of ``X``, or None where they have none."""
    if is_frame(X):
        return list(open_frame(X).names)
    names = X if isinstance(X, Mapping) else getattr(X, "columns", None)
    return None if names is None else list(names)


def remember_columns(estimator: Any, X: Any) -> None:
    """Set ``n_features_in_``, and ``feature_names_in_`` where the columns of ``X`` have names."""
    names = column_names(X)
    estimator.n_features_in_ = np.shape(X)[1] if names is None else len(names)
    if names is not None:
        estimator.feature_names_in_ = np.array(names, dtype=object)
    elif hasattr(estimator, "feature_names_in_"):
        del estimator.feature_names_in_
