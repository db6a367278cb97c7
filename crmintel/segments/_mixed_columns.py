"""Rows of numbers and categories, from a mixed frame or an array."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crmintel._frames import Table, is_frame, open_frame
from crmintel.exceptions import ColumnError, InputError, InputTypeError
from crmintel.segments._columns import check_column

UNSEEN = -1  # a category that fit did not see; it equals no code
_NO_CATEGORY = complex | dt.date | dt.time | dt.timedelta | np.datetime64 | np.timedelta64


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
        return numbers, self.codes(table)

    def codes(self, table: Table) -> NDArray[np.int32]:
        """Return the codes (n, q) of the categories of a table."""
        codes = np.empty((table.n_rows, len(self.categorical)), dtype=np.int32)
        for j, name in enumerate(self.categorical):
            found, labels = table.ids(name)
            known = {label: code for code, label in enumerate(self.categories[j].tolist())}
            code_of = [known.get(label, UNSEEN) for label in labels.tolist()]
            codes[:, j] = np.array([*code_of, len(known)], dtype=np.int32)[found]  # -1, missing, is the last
        return codes

    def labels(self, codes: NDArray[np.int32]) -> NDArray[Any]:
        """Return the categories (n, q) that codes stand for, None for missing ones."""
        found = np.empty(codes.shape, dtype=object)
        for j, seen in enumerate(self.categories):
            found[:, j] = np.array([*seen.tolist(), None], dtype=object)[codes[:, j]]
        return found

    def rows(self, numbers: NDArray[np.float64], codes: NDArray[np.int32]) -> dict[Any, NDArray[Any]]:
        """Return the table that `read` gives as numbers and codes."""
        parts = dict(zip(self.numeric, numbers.T, strict=True))
        parts |= dict(zip(self.categorical, self.labels(codes).T, strict=True))
        return {name: parts[name] for name in self.names}


def keep_columns(model: Any, columns: MixedColumns) -> None:
    """Note the columns in attributes of a fitted model that can be saved."""
    model.columns_, model.numeric_, model.categorical_ = columns.names, columns.numeric, columns.categorical
    model.categories_, model.n_features_in_ = columns.categories, len(columns.names)


def kept_columns(model: Any) -> MixedColumns:
    """Return the columns that a fitted model has noted."""
    return MixedColumns(model.columns_, model.numeric_, model.categorical_, model.categories_)


def learn_columns(X: Any, categorical: Sequence[Any] | None) -> MixedColumns:
    """Tell numbers from categories: those named, or the text and truth columns of a frame."""
    table = _open(X)
    if table.n_rows == 0 or not table.names:
        raise InputError(
            f"X has {table.n_rows} rows and {len(table.names)} columns; at least one of each is needed."
        )
    if categorical is None:
        chosen = [name for name in table.names if _is_category(table, name)]
    else:
        chosen = _named(categorical, table.names)
    numeric = [name for name in table.names if name not in chosen]
    return MixedColumns(list(table.names), numeric, chosen, [table.ids(name)[1] for name in chosen])


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


def _is_category(table: Table, name: Any) -> bool:
    """Tell text and truth values from numbers; what is neither has to be made one."""
    values = table.values(name)
    kind: str = values.dtype.kind
    if kind in "OSUT":  # numbers with missing cells, or text
        cells = [cell for cell in values.tolist() if cell is not None]
        if cells and all(isinstance(cell, Real | Decimal) and not isinstance(cell, bool) for cell in cells):
            return False
        strange = next((cell for cell in cells if isinstance(cell, _NO_CATEGORY)), None)
        kind = kind if strange is None else "c" if isinstance(strange, complex) else "M"
    if kind in "cmM":
        raise InputTypeError(
            f"the column {name!r} of X holds {'complex numbers' if kind == 'c' else 'times'}, neither numbers nor "
            "categories; make numbers of it, such as the days since a date, name it in categorical=[...], or leave "
            "it out."
        )
    return kind not in "fiu"


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
