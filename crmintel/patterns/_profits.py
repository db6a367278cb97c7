"""Baskets with what each item in them brought, read from everything that holds both."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from crmintel._frames import Table, is_frame, open_frame
from crmintel._validation import as_numbers, check_vector
from crmintel.exceptions import InputError, InputTypeError
from crmintel.transactions.baskets import Baskets
from crmintel.transactions.grouping import in_millionths, profits_of
from crmintel.transactions.log import TransactionLog


@dataclass(frozen=True, slots=True)
class Profits:
    """Baskets, and for each entry of their ``indices`` the utility in whole millionths."""

    baskets: Baskets
    utilities: NDArray[np.int64]

    def __post_init__(self) -> None:
        if np.abs(self.utilities, dtype=np.float64).sum() > 2.0**62:
            raise InputError(
                "the utilities sum to more than whole millionths can count (4.6e12); divide all money by a thousand."
            )


def read_profits(X: Any, utilities: Any) -> Profits:
    """Return ``X`` with its utilities, which stand beside it for Baskets only.

    Raises
    ------
    InputTypeError
        If it is nothing that can be read, or Baskets without utilities.
    InputError
        If a utility is missing, infinite, or belongs to an item that is not in the basket.
    """
    if isinstance(X, Baskets):
        return Profits(X, _beside(X, utilities))
    if utilities is not None:
        raise InputError(
            "utilities= belongs to Baskets; other inputs bring their own, a log its amount and cost."
        )
    if isinstance(X, TransactionLog):
        return Profits(*profits_of(X))
    if isinstance(X, list | tuple):
        return _from_dicts(X)
    if is_frame(X):
        table = open_frame(X, "X")
        columns = [_column(table, name) for name in table.names]
        dense = np.column_stack(columns) if columns else np.empty((table.n_rows, 0))
        return _from_matrix(dense, table.names, table.library)
    if sparse.issparse(X) or isinstance(X, np.ndarray):
        return _from_matrix(X, None, None)
    raise InputTypeError(
        "X must be a log, Baskets with utilities=, a list of dicts {item: money}, or a matrix or frame of utilities; "
        f"got {type(X).__name__}."
    )


def _column(table: Table, name: str) -> NDArray[np.float64]:
    try:
        return check_vector(table.numbers(name), repr(name))
    except InputTypeError as error:  # text or dates
        raise InputTypeError(
            f"{error} A frame of utilities has one column of money per item and one row per basket; a long table of "
            "lines is read by TransactionLog.from_frame(frame, customer=..., time=..., basket=..., item=..., "
            "amount=...)."
        ) from None


def _beside(baskets: Baskets, utilities: Any) -> NDArray[np.int64]:
    if utilities is None:
        raise InputTypeError(
            "Baskets say what was bought, not what it brought: give utilities=, a matrix of their shape (e.g. "
            "quantity times unit profit), or fit on a log with amounts."
        )
    matrix = _matrix_of(utilities, "utilities")
    if matrix.shape != baskets.shape:
        raise InputError(f"utilities has shape {matrix.shape}, the baskets have {baskets.shape}.")
    at = _keys(baskets)
    found = np.searchsorted(at, _keys(matrix))
    inside = (
        at[np.minimum(found, at.size - 1)] == _keys(matrix) if at.size else np.zeros(found.size, dtype=bool)
    )
    stray = ~inside & (matrix.data != 0)
    if stray.any():
        entry = int(np.argmax(stray))
        row = int(np.searchsorted(matrix.indptr, entry, "right")) - 1
        item = baskets.items[matrix.indices[entry]]
        raise InputError(
            f"utilities has {int(stray.sum())} entries for items that are not in the basket, the first in basket "
            f"{row} for item {item!r} ({matrix.data[entry]})."
        )
    aligned = np.zeros(at.size)
    aligned[found[inside]] = matrix.data[inside]
    return in_millionths(aligned, "utilities")


def _keys(csr: Any) -> NDArray[np.int64]:
    """Number the entries of a canonical CSR matrix row by row: rising."""
    rows = np.repeat(np.arange(csr.shape[0], dtype=np.int64), np.diff(csr.indptr))
    return rows * csr.shape[1] + csr.indices


def _matrix_of(values: Any, name: str) -> Any:
    """Return numbers as a canonical CSR matrix of finite float64; stored zeros stay."""
    if sparse.issparse(values):
        matrix = sparse.csr_array(values, copy=True)
        if matrix.ndim != 2 or matrix.dtype.kind not in "biuf":
            raise InputTypeError(
                f"{name} must be a matrix of numbers, got {matrix.ndim}-d of {matrix.dtype}."
            )
        matrix = matrix.astype(np.float64)
        matrix.sum_duplicates()
    else:
        array = as_numbers(values, name)
        if array.ndim != 2:
            raise InputError(f"{name} must be two-dimensional (baskets x items), got shape {array.shape}.")
        matrix = sparse.csr_array(array)
    bad = ~np.isfinite(matrix.data)
    if bad.any():
        entry = int(np.argmax(bad))
        row = int(np.searchsorted(matrix.indptr, entry, "right")) - 1
        raise InputError(
            f"{name} must be finite: {int(bad.sum())} entries are not, the first in basket {row}, column "
            f"{matrix.indices[entry]} ({matrix.data[entry]}); fill or drop the missing values first."
        )
    return matrix


def _from_matrix(values: Any, items: Any, library: str | None) -> Profits:
    matrix = _matrix_of(values, "X")
    matrix.eliminate_zeros()
    baskets = Baskets(matrix.astype(bool), items, library=library)
    return Profits(baskets, in_millionths(matrix.data, "X"))


def _from_dicts(rows: Any) -> Profits:
    for number, row in enumerate(rows):
        if not isinstance(row, Mapping):
            raise InputTypeError(f"basket {number} must be a dict {{item: money}}, got {row!r:.80}.")
    baskets = Baskets.from_lists([list(row) for row in rows])
    money = check_vector([value for row in rows for value in row.values()], "the utilities")
    whole = in_millionths(money, "the utilities")
    place = {label: code for code, label in enumerate(baskets.items.tolist())}
    codes = np.fromiter((place[label] for row in rows for label in row), np.int64, whole.size)
    owners = np.repeat(np.arange(len(rows)), [len(row) for row in rows])
    return Profits(baskets, whole[np.lexsort((codes, owners))])
