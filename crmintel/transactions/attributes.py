"""Attributes of customers: columns of a frame with one row per customer, in the order of a log."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from crmintel._frames import open_frame
from crmintel.exceptions import InputError


def attributes_of(customers: NDArray[Any], frame: Any, customer: str) -> dict[str, NDArray[Any]]:
    """Return the other columns of ``frame`` for each of ``customers``: NaN or None where it has no row.

    Raises
    ------
    InputError
        If a customer has two rows, or none of them is among ``customers``.
    """
    table = open_frame(frame)
    codes, ids = table.ids(customer, "customer")
    twice = np.flatnonzero(np.bincount(codes[codes >= 0], minlength=ids.size) > 1)
    if twice.size:
        raise InputError(
            f"{twice.size} customers have more than one row, e.g. {ids[twice[:1]].tolist()[0]!r}; keep one each."
        )
    row_of = dict(zip(ids[codes[codes >= 0]].tolist(), np.flatnonzero(codes >= 0).tolist()))
    rows = np.array([row_of.get(c, -1) for c in customers.tolist()], dtype=np.int64)
    if (rows < 0).all():
        raise InputError(
            f"no customer of the log is in the frame: ids there are like {ids[:1].tolist()}, "
            f"in the log like {customers[:1].tolist()}; bring them to one type."
        )
    return {name: _pick(table.values(name), rows) for name in table.names if name != customer}


def _pick(values: NDArray[Any], rows: NDArray[np.int64]) -> NDArray[Any]:
    picked = values[rows]
    absent = rows < 0
    if absent.any():
        if values.dtype.kind not in "mM":
            picked = picked.astype(np.float64 if values.dtype.kind in "fiub" else object)
        picked[absent] = {"f": np.nan, "O": None}.get(picked.dtype.kind, "NaT")
    return picked
