"""The one door for frames: the only module that knows Narwhals.

pandas, polars and pyarrow frames and dicts of arrays come in; NumPy arrays go on; results go back in the library
they came from (dicts for dicts). Rules: value columns become float64 here, missing ids are counted here (code -1),
time becomes wall-clock microseconds here, and nothing is aggregated in a frame.
"""

from __future__ import annotations

import datetime as dt
import numbers
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

import narwhals.stable.v2 as nw
import numpy as np
from numpy.typing import NDArray

from crmintel._cells import is_missing, read_only
from crmintel._instants import read_instants
from crmintel._validation import reads_as_number
from crmintel.exceptions import ColumnError, InputError, InputTypeError
from crmintel.kernels.ids import factorize_integers

_NATIVE = str | int | float | bytes | dt.date | Decimal  # what every library has a column type for
_LIBRARIES = ("pandas", "polars", "pyarrow")
_CONVERT = "convert them first, e.g. astype(float), with a decimal point and no thousands separator"


def is_frame(obj: Any) -> bool:
    """Return whether ``obj`` is a frame of any library that Narwhals knows, lazy ones included."""
    if isinstance(obj, np.ndarray | Mapping | list | tuple) or obj is None:
        return False
    return _from_native(obj, "X") is not obj


def _from_native(obj: Any, what: str) -> Any:
    try:
        return nw.from_native(obj, pass_through=True, allow_series=False)
    except nw.exceptions.DuplicateError as error:
        raise ColumnError(
            f"{what} has columns of the same name: {' '.join(str(error).split())}. Rename or drop one of each."
        ) from None


def open_frame(frame: Any, what: str = "frame") -> Table:
    """Open an eager frame or a dict of arrays for reading.

    Raises
    ------
    InputTypeError
        If it is lazy (collect it first) or no frame at all.
    """
    if isinstance(frame, Mapping):
        return Table({name: _as_column(values, name) for name, values in frame.items()}, None)
    native = _from_native(frame, what)
    if isinstance(native, nw.LazyFrame):
        raise InputTypeError(
            f"{what} is lazy ({type(frame).__name__}): call collect() first. Data beyond memory has to be cut or "
            "aggregated before that; a summarize() that runs where the data is does not exist yet."
        )
    if not isinstance(native, nw.DataFrame):
        raise InputTypeError(
            f"{what} must be a pandas, polars or pyarrow frame or a dict of arrays, got {type(frame).__name__}."
        )
    library = native.implementation.value
    return Table(native, library if library in _LIBRARIES else "pandas")


def _as_column(values: Any, name: str) -> Any:
    native = nw.from_native(values, pass_through=True, allow_series=True)
    if isinstance(native, nw.Series):
        return native
    if isinstance(values, np.ma.MaskedArray) and np.ma.is_masked(values):
        raise InputTypeError(
            f"{name} is a masked array; fill its {np.ma.count_masked(values)} masked values or drop those rows first."
        )
    try:
        array = np.asarray(values)
    except ValueError:
        raise InputError(f"{name} must be one-dimensional, got a list of lists.") from None
    if array.ndim != 1:
        raise InputError(f"{name} must be one-dimensional, got shape {array.shape}.")
    if array.dtype.kind in "SU" and not isinstance(values, np.ndarray):
        array = np.empty(array.size, dtype=object)  # numpy turned [1, "1"] and ["a", nan] into text
        array[:] = values
    return array


class Table:
    """Columns by name, read as what they stand for: ids, instants or numbers."""

    def __init__(self, columns: Any, library: str | None) -> None:
        self._columns = columns
        self.library = library
        self.names: list[str] = list(columns.columns if library else columns)
        lengths = {name: len(columns[name]) for name in self.names} if library is None else {}
        if len(set(lengths.values())) > 1:
            raise InputError(f"the columns have different lengths: {lengths}.")
        self.n_rows: int = len(columns) if library else next(iter(lengths.values()), 0)

    def column(self, name: str, role: str | None = None) -> Any:
        """Return the Narwhals series or NumPy array called ``name``."""
        if name not in self.names:
            wanted = f"{role}={name!r}" if role else f"{name!r}"
            raise ColumnError(f"the frame has no column {wanted}; it has {self.names}.")
        # get_column, since [0] would be a row to Narwhals where a pandas column is called 0
        return self._columns[name] if self.library is None else self._columns.get_column(name)

    def ids(self, name: str, role: str | None = None) -> tuple[NDArray[np.int32], NDArray[Any]]:
        """Return codes (-1 where missing) and the sorted distinct ids of a column."""
        return _ids(self.column(name, role), name)

    def instants(self, name: str, role: str | None = None) -> tuple[NDArray[np.int64], str | None]:
        """Return wall-clock microseconds since 1970 (`MISSING_TIME` where missing) and the time zone."""
        return _instants(self.column(name, role), name)

    def numbers(self, name: str, role: str | None = None, *, words: str = _CONVERT) -> NDArray[np.float64]:
        """Return a column as float64, NaN where it is missing; ``words`` is the way out for text."""
        return _numbers(self.column(name, role), name, words)

    def is_category(self, name: str) -> bool:
        """Return whether the frame declares a column to be of categories."""
        column = self.column(name)
        return isinstance(column, nw.Series) and column.dtype in (nw.Categorical, nw.Enum)

    def values(self, name: str) -> NDArray[Any]:
        """Return a column as it is, as a NumPy array."""
        column = self.column(name)
        return column if isinstance(column, np.ndarray) else _to_numpy(column)


def _to_numpy(column: Any) -> NDArray[Any]:
    if column.dtype == nw.Categorical and column.implementation is nw.Implementation.PYARROW:
        values = np.empty(
            len(column), dtype=object
        )  # pyarrow's own to_numpy makes a missing value the first one
        values[:] = column.to_list()
        return values
    return column.to_numpy()


def _ids(column: Any, name: str) -> tuple[NDArray[np.int32], NDArray[Any]]:
    missing: NDArray[np.bool_] | None = None
    if isinstance(column, nw.Series):
        if column.dtype.is_integer() and column.null_count() > 0:
            missing = column.is_null().to_numpy()
            column = column.fill_null(0)
        values = _to_numpy(column)
    else:
        values = column
    if values.dtype.kind == "f":
        missing = np.isnan(values)
        whole = np.where(missing, 0.0, values)
        if np.any(whole != np.floor(whole)) or np.any(np.abs(whole) > 2**53):
            row = int(np.argmax((whole != np.floor(whole)) | (np.abs(whole) > 2**53)))
            raise InputError(
                f"the ids in {name!r} are fractional or too large for a float (row {row}: {whole[row]})."
            )
        values = whole.astype(np.int64)
    if values.dtype.kind in "iub":
        return _integer_ids(values, missing)
    if values.dtype.kind == "M":
        micro = values.astype("datetime64[us]")  # of which tolist() makes datetimes, of nanoseconds numbers
        values = micro if np.array_equal(micro, values, equal_nan=True) else values
        labels, codes = np.unique(values, return_inverse=True)  # NaT comes last
        n_labels = int((~np.isnat(labels)).sum())
        return np.where(codes < n_labels, codes, -1).astype(np.int32), labels[:n_labels]
    return _object_ids(values, name)


def _integer_ids(
    values: NDArray[Any], missing: NDArray[np.bool_] | None
) -> tuple[NDArray[np.int32], NDArray[Any]]:
    if missing is not None and missing.any():
        found, labels = _integer_ids(values[~missing], None)
        codes = np.full(values.size, -1, dtype=np.int32)
        codes[~missing] = found
        return codes, labels
    if values.dtype == np.uint64 and values.size and values.max() > np.iinfo(np.int64).max:
        labels, positions = np.unique(values, return_inverse=True)
        return positions.astype(np.int32), labels
    return factorize_integers(read_only(values, np.int64))


def _object_ids(values: NDArray[Any], name: str) -> tuple[NDArray[np.int32], NDArray[Any]]:
    seen: dict[Any, int] = {}
    try:
        codes = np.fromiter((seen.setdefault(v, len(seen)) for v in values.tolist()), np.int32, values.size)
    except TypeError as error:
        raise InputTypeError(
            f"the ids in {name!r} must be plain values such as int, str or UUID: {error}."
        ) from None
    keys = [k for k in seen if not is_missing(k)]
    kinds = {_kind_of(k) for k in keys}
    if kinds == {float}:
        return _ids(_numbers(values, name), name)
    if len(kinds) > 1:
        examples = {
            kind.__name__: next(k for k in keys if _kind_of(k) is kind) for kind in sorted(kinds, key=str)
        }
        raise InputTypeError(
            f"the ids in {name!r} have mixed types, e.g. {examples}; is 1 the same as '1'? Convert them "
            "to one type first, e.g. to text."
        )
    try:
        keys.sort()
    except TypeError as error:
        raise InputTypeError(f"the ids in {name!r} cannot be put in order: {error}.") from None
    rank = {key: i for i, key in enumerate(keys)}
    order = np.array([rank.get(k, -1) for k in seen] + [-1], dtype=np.int32)
    if kinds <= {int, bool}:
        labels = np.array(keys, dtype=np.int64 if all(-(2**63) <= k < 2**63 for k in keys) else object)
    else:
        labels = np.empty(len(keys), dtype=object)
        labels[:] = keys
    return order[codes], labels


def _kind_of(value: Any) -> type:
    """Return the type that decides whether ids can be compared: one of int for Python's and numpy's integers."""
    plain = {bool: bool, numbers.Integral: int, float: float, str: str}
    return next((kind for base, kind in plain.items() if isinstance(value, base)), type(value))


def _instants(column: Any, name: str) -> tuple[NDArray[np.int64], str | None]:
    zone = getattr(column.dtype, "time_zone", None) if isinstance(column, nw.Series) else None
    if zone is not None:
        if column.implementation.is_pandas() and "pyarrow" in str(column.to_native().dtype):
            # before version 3 pandas itself would give the clock of UTC
            column = nw.from_native(column.to_frame().to_arrow(), eager_only=True)[column.name]
        column = column.dt.replace_time_zone(None)
    values = _to_numpy(column) if isinstance(column, nw.Series) else column
    found, offset = read_instants(values, name)
    return found, zone or offset


def _numbers(column: Any, name: str, words: str = _CONVERT) -> NDArray[np.float64]:
    if isinstance(column, nw.Series) and (column.dtype.is_numeric() or column.dtype == nw.Boolean):
        column = column.cast(nw.Float64).to_numpy()
    values = _to_numpy(column) if isinstance(column, nw.Series) else column
    if values.dtype.kind in "fiub":
        return np.ascontiguousarray(values, dtype=np.float64)
    if values.dtype.kind in "OUT":
        try:
            return np.array(
                [np.nan if is_missing(v) else _real(v) for v in values.tolist()], dtype=np.float64
            )
        except (TypeError, ValueError, OverflowError):
            present = [(row, v) for row, v in enumerate(values.tolist()) if not is_missing(v)]
            strange = [(row, v) for row, v in present if not _is_real(v)]
            row, value = next(((r, v) for r, v in strange if not reads_as_number(v)), strange[0])
            raise InputTypeError(
                f"row {row} of {name!r} is {value!r}, not a number: {len(strange)} of {values.size} rows are none; "
                f"{_CONVERT if reads_as_number(value) else words}."
            ) from None
    raise InputTypeError(f"the column {name!r} has dtype {values.dtype}; numbers are needed.")


def _real(value: Any) -> float:
    if isinstance(value, str | bytes):
        raise TypeError(value)
    return float(value)


def _is_real(value: Any) -> bool:
    try:
        _real(value)
    except (TypeError, ValueError, OverflowError):
        return False
    return True


def frame_columns(frame: Any, names: Sequence[str]) -> dict[str, NDArray[np.float64]]:
    """Return the columns ``names`` of a frame of customer rows as float64, NaN where missing."""
    table = open_frame(frame, "X")
    missing = [name for name in names if name not in table.names]
    if missing:
        raise ColumnError(f"X lacks {missing}; it has {table.names}. CustomerSummary makes them from a log.")
    return {name: np.require(table.numbers(name), requirements="W") for name in names}


def build_frame(columns: Mapping[str, NDArray[Any]], library: str | None) -> Any:
    """Return ``columns`` as a frame of ``library`` (a dict of arrays for None)."""
    if library is None:
        return dict(columns)
    if library not in _LIBRARIES:
        raise InputError(
            f"library must be one of {', '.join(map(repr, _LIBRARIES))} or None; got {library!r}."
        )
    plain = {name: _as_native(values, library) for name, values in columns.items()}
    backend: Any = library  # checked above, which the types of narwhals cannot see
    return nw.from_dict(plain, backend=backend).to_native()


def _as_native(values: NDArray[Any], library: str) -> Any:
    if values.dtype.kind == "O":
        kinds = {type(v) for v in values.tolist() if v is not None}
        if library != "pandas" and not all(issubclass(k, _NATIVE) for k in kinds):
            return [None if v is None else str(v) for v in values.tolist()]  # e.g. UUID: no native type there
        return values.tolist() if library != "pandas" else values
    return values


def replace_columns(frame: Any, keep: Sequence[str], columns: Mapping[str, NDArray[Any]]) -> Any:
    """Return the columns ``keep`` of an eager frame as they are, then ``columns``, in the same library.

    A pandas index stays; a dict of arrays gives a dict.
    """
    table = open_frame(frame)
    kept = {name: table.column(name, "keep") for name in keep}
    if table.library is None:
        return {**kept, **columns}
    rows = nw.from_native(frame, eager_only=True)
    new = [
        nw.new_series(name, _as_native(values, table.library), backend=rows.implementation)
        for name, values in columns.items()
    ]
    return rows.with_columns(*new).select(*keep, *columns).to_native()
