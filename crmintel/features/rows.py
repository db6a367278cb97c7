"""Customer rows that know their columns and their unit of time."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crmintel._frames import build_frame, frame_columns, is_frame
from crmintel._validation import as_numbers
from crmintel.exceptions import ColumnError, InputError
from crmintel.transactions.calendar import unit_name

UNIT_KEY = "crmintel_unit"  # of what frames of pandas and pyarrow note about themselves
SUMMARY_COLUMNS = ("frequency", "recency", "T", "monetary_value")
_POSITIONS = {2: ("frequency", "monetary_value"), 3: ("frequency", "recency", "T")}


class CustomerRows(np.ndarray):
    """A float64 array, one row per customer, that carries ``columns`` and ``unit``.

    Slicing rows keeps both, so they pass through ``Pipeline`` and ``GridSearchCV``; slicing columns and
    arithmetic give plain values without them.

    Attributes
    ----------
    columns : tuple of str or None
        Name of each column.
    unit : str or None
        Unit of time of ``recency`` and ``T``, e.g. ``"week"``.
    """

    columns: tuple[str, ...] | None
    unit: str | None

    def __new__(cls, values: Any, columns: Sequence[str], unit: str | None = None) -> CustomerRows:
        """View ``values`` as rows with ``columns`` in ``unit``."""
        rows = np.asarray(values, dtype=np.float64).view(cls)
        if rows.ndim != 2 or rows.shape[1] != len(columns):
            raise InputError(
                f"values of shape {rows.shape} do not have the {len(columns)} columns {list(columns)}."
            )
        rows.columns, rows.unit = tuple(columns), unit
        return rows

    def __array_finalize__(self, parent: Any) -> None:
        # Views are nameless until proven to be rows: numpy finalizes a transpose before it has its own shape.
        self.columns, self.unit = None, None

    def _name(self, rows: Any) -> Any:
        rows.columns, rows.unit = self.columns, self.unit
        return rows

    def __array_wrap__(self, array: Any, context: Any = None, return_scalar: bool = False) -> Any:
        # The result of arithmetic is no longer made of these columns in this unit.
        return array[()] if return_scalar else np.asarray(array)

    def __getitem__(self, key: Any) -> Any:
        picked = super().__getitem__(key)
        if not isinstance(picked, CustomerRows):
            return picked
        rows_only = not isinstance(key, tuple) or all(
            isinstance(k, type(Ellipsis)) or (isinstance(k, slice) and k == slice(None)) for k in key[1:]
        )
        if self.columns is None or not rows_only or picked.ndim != 2 or picked.shape[1] != len(self.columns):
            return np.asarray(picked)
        return self._name(picked)

    def copy(self, order: Any = "C") -> Any:
        """Return a copy with the same columns and unit."""
        return self._name(super().copy(order))

    def to_frame(self, library: str | None = None) -> Any:
        """Return the rows as a frame of ``library`` ("pandas", "polars", "pyarrow"); None: a dict of arrays.

        Frames of pandas and pyarrow, and Parquet files written from them, note the unit (``attrs["crmintel_unit"]``,
        metadata of the schema), so that a model fitted in another refuses them. Polars and dicts cannot.

        Raises
        ------
        InputError
            If the columns have no names any more.
        """
        if self.columns is None:
            raise InputError("these rows have lost the names of their columns; make a frame before that.")
        values = np.asarray(self)
        frame = build_frame({name: np.array(values[:, k]) for k, name in enumerate(self.columns)}, library)
        return note_unit(frame, self.unit)

    def __copy__(self) -> Any:
        return self.copy()

    def __deepcopy__(self, memo: Any) -> Any:
        return self.copy()

    def __reduce__(self) -> Any:
        if self.columns is None:
            return np.asarray(self).__reduce__()
        return CustomerRows, (np.asarray(self), self.columns, self.unit)


def named_columns(X: Any, names: Sequence[str]) -> dict[str, NDArray[np.float64]]:
    """Return the columns ``names`` of ``X`` as float64 vectors.

    Frames, dicts of arrays and `CustomerRows` are read by name; a plain array by position: two columns are ``frequency,
    monetary_value``, three ``frequency, recency, T``, four or more ``frequency, recency, T, monetary_value``.

    Raises
    ------
    ColumnError
        If a name is missing; the message lists what is there.
    """
    if isinstance(X, Mapping) or is_frame(X):
        return frame_columns(X, names)
    columns = getattr(X, "columns", None)
    array = as_numbers(X, "X")
    if array.ndim != 2:
        apart = " Columns that are apart go in together: {'frequency': ..., 'recency': ..., 'T': ...}."
        raise InputError(
            f"X must be two-dimensional (customers x columns), got shape {array.shape}."
            f"{apart if array.ndim == 1 else ''}"
        )
    if columns is None:
        columns = _POSITIONS.get(array.shape[1], SUMMARY_COLUMNS if array.shape[1] >= 4 else ())
    missing = [name for name in names if name not in columns]
    if missing:
        raise ColumnError(
            f"X lacks {missing}; it has {list(columns)}. CustomerSummary makes them from a log."
        )
    return {name: np.ascontiguousarray(array[:, list(columns).index(name)]) for name in names}


def unit_of(X: Any) -> str | None:
    """Return the unit of time that rows carry, or a frame notes; None where there is none.

    Raises
    ------
    UnitError
        If a frame notes what is no unit.
    """
    if isinstance(X, CustomerRows):
        return X.unit
    noted = _noted_unit(X)
    return None if noted is None else unit_name(noted, f"{UNIT_KEY!r} noted in the frame")


def note_unit(frame: Any, unit: str | None) -> Any:
    """Return ``frame`` with its unit of time noted, where it is of a library whose frames can."""
    if unit is not None and hasattr(frame, "attrs"):
        frame.attrs[UNIT_KEY] = unit
    elif unit is not None and hasattr(frame, "replace_schema_metadata"):
        return frame.replace_schema_metadata({UNIT_KEY: unit})
    return frame


def _noted_unit(X: Any) -> Any:
    attrs = getattr(X, "attrs", None)
    if isinstance(attrs, Mapping):
        return attrs.get(UNIT_KEY)
    metadata = getattr(getattr(X, "schema", None), "metadata", None) or {}
    if UNIT_KEY.encode() in metadata:
        return metadata[UNIT_KEY.encode()].decode()
    # attrs as pandas writes them to Parquet, and as pyarrow takes them over
    written = json.loads(metadata.get(b"PANDAS_ATTRS", b"{}"))
    taken = json.loads(metadata.get(b"pandas", b"{}")).get("attributes") or {}
    return {**taken, **written}.get(UNIT_KEY)
