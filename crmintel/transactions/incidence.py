"""Binary incidence matrices (baskets x items) and their labels: checked, canonical CSR."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse

from crmintel._frames import open_frame
from crmintel._validation import check_vector
from crmintel.exceptions import InputError, InputTypeError


def binary_csr(matrix: Any) -> Any:
    """Return ``matrix`` (sparse, or an array of booleans or 0 and 1) as canonical CSR without explicit zeros."""
    if np.ma.is_masked(matrix):
        raise InputTypeError(
            f"the matrix of baskets is a masked array; fill its {np.ma.count_masked(matrix)} masked values first, with "
            "False where the item was not bought."
        )
    if not sparse.issparse(matrix):
        array = np.asarray(matrix)
        if array.ndim != 2 or array.dtype.kind not in "biuf":
            raise InputError(
                "the matrix of baskets must be sparse or a two-dimensional array of booleans or 0 and 1; got shape "
                f"{array.shape}, dtype {array.dtype}. A list of lists is read by Baskets.from_lists."
            )
        width = array.shape[1]
        refuse_quantities(array.ravel(), lambda at: f"basket {at // width}, column {at % width}")
        return sparse.csr_array(array != 0)
    if matrix.dtype.kind not in "biuf" or matrix.ndim != 2:
        raise InputTypeError(
            "the matrix of baskets must be two-dimensional, of booleans or 0 and 1; got shape "
            f"{matrix.shape}, dtype {matrix.dtype}."
        )
    csr = sparse.csr_array(matrix)
    refuse_quantities(
        csr.data,
        lambda at: f"basket {np.searchsorted(csr.indptr, at, 'right') - 1}, column {csr.indices[at]}",
    )
    if not csr.has_canonical_format or not csr.data.all():
        csr = csr.astype(bool)
        csr.eliminate_zeros()
        csr.sum_duplicates()
    return csr


def refuse_quantities(values: NDArray[Any], where: Callable[[int], str]) -> None:
    """Raise an error that says ``where`` the first value other than 0 and 1 stands."""
    if values.dtype == bool:
        return
    bad = (values != 0) & (values != 1)
    if bad.any():
        at = int(np.argmax(bad))
        raise InputError(
            f"{where(at)} holds {values[at]}: baskets say whether an item was bought, with booleans or 0 and 1. "
            "For quantities pass X > 0; fill missing values first."
        )


def csr_of_pairs(rows: NDArray[Any], columns: NDArray[Any], shape: tuple[int, int]) -> Any:
    """Return the canonical CSR matrix of (row, column) pairs, repeats merged."""
    return sparse.coo_array((np.ones(rows.size, dtype=bool), (rows, columns)), shape=shape).tocsr()


def read_one_hot(frame: Any) -> tuple[Any, list[str], str | None]:
    """Return the CSR matrix, item names and library of a frame with one boolean column per item."""
    table = open_frame(frame, "X")
    rows, columns = [], []
    for code, name in enumerate(table.names):
        try:
            bought = table.numbers(name)
            refuse_quantities(bought, partial("row {1} of {0!r}".format, name))
        except (InputError, InputTypeError) as error:
            raise type(error)(
                f"{error} A frame of baskets has one boolean column per item; a long table of (basket, item) rows "
                "is read by Baskets.from_frame(frame, basket=..., item=...)."
            ) from None
        rows.append(np.flatnonzero(bought))
        columns.append(np.full(rows[-1].size, code))
    nothing = np.empty(0, dtype=np.int64)
    shape = (table.n_rows, len(table.names))
    csr = csr_of_pairs(np.concatenate([nothing, *rows]), np.concatenate([nothing, *columns]), shape)
    return csr, table.names, table.library


def refuse_repeats(labels: NDArray[Any], name: str) -> None:
    """Raise an error that names the first label that stands twice, or is missing."""
    codes, distinct = open_frame({name: labels}).ids(name)
    refuse_missing(codes, name)
    if distinct.size < labels.size:
        twice = distinct[np.argmax(np.bincount(codes) > 1)]
        raise InputError(f"{name} holds the label {twice!r} twice; rename or merge those columns.")


def check_labels(values: ArrayLike, name: str, n: int) -> NDArray[Any]:
    """Return ``n`` labels as a vector; a list of mixed types stays one of objects."""
    if isinstance(values, list | tuple):
        whole = all(type(value) is int for value in values)
        array = np.asarray(values) if whole else np.fromiter(values, dtype=object, count=len(values))
    else:
        array = np.asarray(values)
    if array.ndim != 1 or array.size != n:
        raise InputError(f"{name} must hold {n} labels, got shape {array.shape}.")
    return array


def check_owners(customers: ArrayLike, n: int) -> NDArray[np.int64]:
    """Return the positions of the ``n`` owners as int64."""
    owners = check_vector(customers, "customers", n=n, low=0)
    if np.any(owners != np.floor(owners)):
        raise InputTypeError("customers must be positions (whole numbers), one per basket.")
    return owners.astype(np.int64)


def refuse_missing(codes: NDArray[np.int32], name: str) -> None:
    """Raise an error if a code is -1, what `Table.ids` gives the missing ids."""
    missing = codes < 0
    if missing.any():
        raise InputError(
            f"{int(missing.sum())} of {codes.size} values of {name!r} are missing, the first in row "
            f"{int(np.argmax(missing))}; drop or fill them first."
        )
