"""Columns of numbers, from whatever holds them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from crmintel._frames import Table, is_frame, open_frame
from crmintel._validation import as_numbers, check_finite, check_vector
from crmintel.exceptions import ColumnError, InputError

CATEGORIES = (
    "numbers need a decimal point and no thousands separator; of categories make one-hot columns "
    "(pandas.get_dummies), or cluster with KPrototypes or GowerMedoids"
)
_LARGEST = 1e38  # squares of it, and the single precision of scikit-learn's trees, hold no more


def read_columns(X: Any) -> tuple[list[str], NDArray[np.float64]]:
    """Return the names and the values (n, p) of the columns of ``X``, finite or NaN."""
    if is_frame(X) or isinstance(X, dict):
        table = open_frame(X, "X")
        names, values = list(table.names), table_numbers(table)
    else:
        values = as_numbers(X, "X", words=CATEGORIES)
        check_two_dimensional(values)
        names = list(getattr(X, "columns", None) or _unnamed(values.shape[1]))
    if not names:
        raise InputError(f"X has no columns (shape {values.shape}); at least one is needed.")
    for j, name in enumerate(names):
        check_column(values[:, j], name)
    return names, np.asarray(values)


def library_of(X: Any) -> str | None:
    """Return the library of a frame, None for what is no frame."""
    return open_frame(X, "X").library if is_frame(X) else None


def table_numbers(table: Table) -> NDArray[np.float64]:
    """Return all columns of a table as numbers (n, p)."""
    columns = [table.numbers(name, words=CATEGORIES) for name in table.names]
    return np.array(columns).reshape(len(columns), table.n_rows).T


def check_two_dimensional(values: NDArray[Any]) -> None:
    """Raise unless ``values`` have the shape (customers, columns)."""
    if values.ndim != 2:
        hint = " Reshape your data with X.reshape(-1, 1) if it is one column." if values.ndim == 1 else ""
        raise InputError(f"X must be two-dimensional (customers x columns), got shape {values.shape}.{hint}")


def refuse_missing(values: NDArray[np.float64], names: Sequence[Any] | NDArray[Any] | None = None) -> None:
    """Name the first of the columns ``values`` (n, p) that holds NaN or inf, the row, and how many there are."""
    if np.isfinite(values).all():
        return
    for j, column in enumerate(values.T):
        name = f"column {j} of X" if names is None else f"column {names[j]!r} of X"
        if column.size > 1 and np.isnan(column).all():
            raise InputError(f"{name} is NaN throughout; leave the column out or impute it.")
        check_finite(column, name)


def read_same_columns(X: Any, names: list[str]) -> NDArray[np.float64]:
    """Return the values of ``X``, whose columns are those that ``fit`` saw; an array has no names to compare."""
    found, values = read_columns(X)
    if len(found) != len(names):
        raise InputError(f"X has {len(found)} columns, fit saw {len(names)}.")
    if found != names and _unnamed(len(names)) not in (found, names):
        raise ColumnError(
            f"X has the columns {found}, fit saw {names}; give the same ones in the same order."
        )
    return values


def _unnamed(n: int) -> list[str]:
    return [f"x{j}" for j in range(n)]


def check_column(values: ArrayLike, name: Any) -> NDArray[np.float64]:
    """Return one column of ``X``: numbers of a size that can be squared and added, or NaN."""
    return check_vector(
        values, f"column {name!r} of X", allow_nan=True, min_length=1, low=-_LARGEST, high=_LARGEST
    )
