"""Rows of numbers and categories, from a mixed frame or an array."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crmintel._frames import Table, is_frame, open_frame
from crmintel._validation import raise_if_any
from crmintel.exceptions import ColumnError, InputError, InputTypeError
from crmintel.segments._columns import check_column

UNSEEN = -1  # a category that fit did not see; it equals no code


@dataclass(frozen=True, slots=True)
class MixedColumns:
    """Which columns are numbers and which categories, with the categories seen; missing ones have the last code."""

    names: list[Any]
    numeric: list[Any]
    categorical: list[Any]
    categories: list[NDArray[Any]]

    def read(self, X: Any) -> tuple[NDArray[np.float64], NDArray[np.int32]]:
        """Return the numbers (n, p), NaN where missing, and the codes (n, q) of the categories."""
        table = _open(X)
        if table.names != self.names:
            raise ColumnError(f"X has the columns {table.names}, fit saw {self.names}.")
        numbers = np.empty((table.n_rows, len(self.numeric)))
        for j, name in enumerate(self.numeric):
            numbers[:, j] = check_column(table.numbers(name), name)
        codes = np.empty((table.n_rows, len(self.categorical)), dtype=np.int32)
        for j, name in enumerate(self.categorical):
            found, labels = table.ids(name)
            known = {label: code for code, label in enumerate(self.categories[j].tolist())}
            code_of = [known.get(label, UNSEEN) for label in labels.tolist()]
            codes[:, j] = np.array([*code_of, len(known)], dtype=np.int32)[found]  # -1, missing, is the last
        return numbers, codes


def learn_columns(X: Any, categorical: Sequence[Any] | None) -> MixedColumns:
    """Tell numbers from categories: those named, or the text and truth columns of a frame."""
    table = _open(X)
    if table.n_rows == 0 or not table.names:
        raise InputError(
            f"X has {table.n_rows} rows and {len(table.names)} columns; at least one of each is needed."
        )
    if categorical is None:
        chosen = [name for name in table.names if not _is_number(table, name)]
    else:
        chosen = _named(categorical, table.names)
    numeric = [name for name in table.names if name not in chosen]
    return MixedColumns(list(table.names), numeric, chosen, [table.ids(name)[1] for name in chosen])


def refuse_missing(numbers: NDArray[np.float64], columns: MixedColumns) -> None:
    """Name the first column of ``numbers`` that holds NaN."""
    for j, name in enumerate(columns.numeric):
        rule = "must not be missing; fill it or drop those rows first"
        raise_if_any(np.isnan(numbers[:, j]), numbers[:, j], f"column {name!r} of X", rule)


def _open(X: Any) -> Table:
    if is_frame(X) or isinstance(X, dict):
        return open_frame(X, "X")
    if isinstance(X, np.ma.MaskedArray) and np.ma.is_masked(X):
        raise InputTypeError("X is a masked array; fill its masked values first.")
    try:
        array = np.asarray(X, dtype=None if isinstance(X, np.ndarray) else object)
    except ValueError:
        raise InputTypeError("X must be a table, got rows of different lengths.") from None
    if array.ndim != 2:
        raise InputError(f"X must be two-dimensional (customers x columns), got shape {array.shape}.")
    names = getattr(X, "columns", None)
    names = [f"x{j}" for j in range(array.shape[1])] if names is None else list(names)
    return open_frame(dict(zip(names, array.T, strict=True)), "X")


def _is_number(table: Table, name: Any) -> bool:
    values = table.values(name)
    if values.dtype.kind in "OSUT":  # numbers with missing cells, or text
        cells = [cell for cell in values.tolist() if cell is not None]
        return bool(cells) and all(
            isinstance(cell, int | float) and not isinstance(cell, bool) for cell in cells
        )
    return values.dtype.kind in "fiu"


def _named(categorical: Sequence[Any], names: list[Any]) -> list[Any]:
    if isinstance(categorical, str) or not np.iterable(categorical):
        raise InputTypeError(
            f"categorical must be a list of columns, got {categorical!r}; write [{categorical!r}]."
        )
    chosen = []
    for column in categorical:
        if (
            column not in names
            and isinstance(column, int | np.integer)
            and -len(names) <= column < len(names)
        ):
            column = names[column]
        if column not in names:
            raise ColumnError(f"categorical names the column {column!r}; X has {names}.")
        chosen.append(column)
    return [name for name in names if name in chosen]
