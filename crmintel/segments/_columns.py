"""Columns of numbers, from whatever holds them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from crmintel._frames import is_frame, open_frame
from crmintel._validation import as_numbers, check_vector
from crmintel.exceptions import ColumnError, InputError

_LARGEST = 1e38  # squares of it, and the single precision of scikit-learn's trees, hold no more


def read_columns(X: Any) -> tuple[list[str], NDArray[np.float64]]:
    """Return the names and the values (n, p) of the columns of ``X``, finite or NaN."""
    if is_frame(X) or isinstance(X, dict):
        table = open_frame(X, "X")
        names = list(table.names)
        values = np.array([table.numbers(name) for name in names]).T
    else:
        values = as_numbers(X, "X")
        if values.ndim != 2:
            raise InputError(f"X must be two-dimensional (customers x columns), got shape {values.shape}.")
        names = list(getattr(X, "columns", None) or _unnamed(values.shape[1]))
    if not names:
        raise InputError(f"X has no columns (shape {values.shape}); at least one is needed.")
    for j, name in enumerate(names):
        check_column(values[:, j], name)
    return names, np.asarray(values)


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
