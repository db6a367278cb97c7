"""Times as they are written, read as wall-clock microseconds since 1970."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crmintel._cells import is_missing, read_only
from crmintel.exceptions import InputError, InputTypeError

MISSING_TIME = np.iinfo(np.int64).min  # the integer of NaT
_LAST_TIME = 2**62 - 1  # so that the distance of two instants is an int64
_SECOND = 1_000_000
_MICROSECONDS = {
    "Y": 31_556_952 * _SECOND, "M": 2_629_746 * _SECOND,  # on average
    "W": 604_800 * _SECOND, "D": 86_400 * _SECOND, "h": 3_600 * _SECOND, "m": 60 * _SECOND,
    "s": _SECOND, "ms": 1_000, "us": 1,
}  # fmt: skip


def read_instants(values: NDArray[Any], name: str) -> tuple[NDArray[np.int64], str | None]:
    """Return the instants (`MISSING_TIME` where missing) and the time zone that the values carry."""
    if values.dtype.kind == "M":
        return _microseconds(values, name), None
    if values.dtype.kind in "OUT":
        return _parse_instants(values, name)
    raise InputTypeError(
        f"the times in {name!r} have dtype {values.dtype}; datetimes, dates or ISO text such as '2017-09-30' are "
        "needed. Numbers have no unit: convert them first, e.g. with pandas.to_datetime(..., unit='s')."
    )


def _microseconds(values: NDArray[Any], name: str) -> NDArray[np.int64]:
    unit, step = np.datetime_data(values.dtype)
    ticks = read_only(values, values.dtype.newbyteorder("=")).view(np.int64)
    any_missing = ticks.size > 0 and ticks.min() == MISSING_TIME
    present = ticks[ticks != MISSING_TIME] if any_missing else ticks
    # before anything is multiplied, since numpy wraps around in silence; finer units cannot reach that far
    bound = _LAST_TIME // (step * _MICROSECONDS[unit]) if unit in _MICROSECONDS else None
    if bound is not None and present.size and (present.min() < -bound or present.max() > bound):
        row = int(np.argmax((ticks != MISSING_TIME) & ((ticks < -bound) | (ticks > bound))))
        try:
            first = f" ({values[row]})"
        except OverflowError:  # numpy 2.5 cannot write years of ten digits
            first = ""
        raise InputError(
            f"the times in {name!r} reach beyond the year 148,000, the first in row {row}{first}; drop those rows or "
            "mend them."
        )
    if unit == "us" and step == 1:
        return ticks
    if unit not in ("s", "ms", "ns") or step != 1:
        return values.astype("datetime64[us]").view(np.int64)
    exact = ticks // 1000 if unit == "ns" else ticks * _MICROSECONDS[unit]
    if any_missing:
        exact[ticks == MISSING_TIME] = MISSING_TIME
    return exact


def _parse_instants(values: NDArray[Any], name: str) -> tuple[NDArray[np.int64], str | None]:
    codes = np.empty(values.size, np.int64)
    labels: list[int] = []
    offsets: set[str | None] = set()
    seen: dict[Any, int] = {}
    for row, value in enumerate(values.tolist()):
        # Text and dates come again and again; moments of two zones may be equal and are not the same wall clock.
        remembered = type(value) in (str, dt.date)
        code = seen.get(value) if remembered else None
        if code is None:
            code = len(labels)
            if remembered:
                seen[value] = code
            labels.append(_parse_instant(value, name, row, offsets))
        codes[row] = code
    if len(offsets) > 1:
        raise InputError(
            f"the times in {name!r} mix time zones {sorted(map(str, offsets))}; convert them to one zone first."
        )
    zone = next(iter(offsets), None)
    return np.array(labels, dtype=np.int64).reshape(-1)[codes], zone


def _parse_instant(value: Any, name: str, row: int, offsets: set[str | None]) -> int:
    if is_missing(value):
        return int(MISSING_TIME)
    if isinstance(value, str):
        try:
            value = dt.datetime.fromisoformat(value.strip())
        except ValueError:
            raise InputError(
                f"row {row} of {name!r} is {value!r}, which is no ISO date ('2017-09-30', '20170930' or "
                "'2017-09-30 15:00:00'). Parse other formats first, e.g. with pandas.to_datetime(column, "
                "format='%d/%m/%Y') or, in polars, str.to_datetime('%d/%m/%Y')."
            ) from None
    if isinstance(value, np.datetime64):
        value = value.astype("datetime64[us]").item()
    if isinstance(value, dt.datetime):
        offsets.add(_zone_of(value))
        value = value.replace(tzinfo=None)
    elif not isinstance(value, dt.date):
        raise InputTypeError(
            f"row {row} of {name!r} is {value!r} of type {type(value).__name__}, not a date."
        )
    return int(np.datetime64(value, "us").astype(np.int64))


def _zone_of(moment: dt.datetime) -> str | None:
    if moment.tzinfo is None:
        return None
    name = getattr(moment.tzinfo, "key", None) or getattr(moment.tzinfo, "zone", None)
    return name or str(dt.timezone(moment.utcoffset() or dt.timedelta(0)))
