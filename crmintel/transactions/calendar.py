"""The ruler and the grain: units of time as fractions of days, and the calendar buckets purchases merge in.

The *ruler* measures: 272 days are 38.857 weeks, a month is 365.25 / 12 days, in every unit and everywhere.
The *grain* merges: purchases in one calendar bucket (day, week from Monday, month, ...) count as one.
"""

from __future__ import annotations

import datetime as dt
import numbers
import re
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from crmintel._validation import check_number
from crmintel.exceptions import InputError, InputTypeError, UnitError

MICROSECONDS_PER_DAY = 86_400_000_000

UNIT_DAYS: dict[str, float] = {
    "second": 1 / 86_400,
    "minute": 1 / 1_440,
    "hour": 1 / 24,
    "day": 1.0,
    "week": 7.0,
    "month": 365.25 / 12,
    "quarter": 365.25 / 4,
    "year": 365.25,
}
GRAINS = ("hour", "day", "week", "month", "quarter", "year")
_ALIASES = {
    "s": "second",
    "min": "minute",
    "h": "hour",
    "d": "day",
    "w": "week",
    "m": "month",  # as "M" only, see unit_name
    "q": "quarter",
    "y": "year",
}
_OFFSET = re.compile(r"(?:UTC)?([+-])(\d\d):?(\d\d)(?::(\d\d(?:\.\d+)?))?")
_DURATION = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([A-Za-z]+)\s*")
_TEXTS = "'30min', '12h', '90D', '52W', '3M' (months), '2Q' or '1Y' (seconds are 's', words such as '3 months' do too)"


def unit_name(unit: Any, name: str = "unit") -> str:
    """Return the unit's full name; ``"W"``, ``"weeks"`` and ``"week"`` are the same.

    A small ``"m"`` is refused: it is minutes to numpy and polars, and a month here as ``"M"``.
    """
    if isinstance(unit, str):
        if unit.strip() == "m":
            raise UnitError(f"{name}: 'm' may mean minutes or months; write 'min' or 'M'.")
        text = unit.strip().lower()
        text = _ALIASES.get(text, text.removesuffix("s"))
        if text in UNIT_DAYS:
            return text
    raise UnitError(f"{name} must be one of {', '.join(UNIT_DAYS)}; got {unit!r}.")


def grain_name(collapse: Any) -> str:
    """Return the grain's full name, one of `GRAINS`."""
    text = unit_name(collapse, "collapse")
    if text not in GRAINS:
        raise UnitError(f"collapse must be one of {', '.join(GRAINS)}; got {collapse!r}.")
    return text


def names_unit(value: Any) -> bool:
    """Tell whether a length of time says itself what it counts: text, a timedelta of Python, pandas or numpy."""
    return isinstance(value, str | dt.timedelta | np.timedelta64) or type(value).__name__ == "NaTType"


def is_endless(value: Any) -> bool:
    """Tell whether a length of time is the number inf."""
    return isinstance(value, numbers.Real) and value == np.inf


def duration(value: Any, unit: str | None, name: str = "horizon") -> float:
    """Return a length of time in ``unit``: a number is taken as it is, what names its own unit is converted.

    Text is a number and a unit: ``"45s"``, ``"30min"``, ``"12h"``, ``"90D"``, ``"52W"``, ``"3M"`` (months), ``"2Q"``,
    ``"1Y"`` or words such as ``"3 months"``. A small ``"m"`` could be minutes or months and is refused.

    Raises
    ------
    UnitError
        If ``value`` names a unit and ``unit`` is None: the length cannot be converted.
    """
    if not names_unit(value):
        return check_number(value, name, low=0.0)
    days = _text_in_days(value, name) if isinstance(value, str) else _timedelta_in_days(value, name)
    if unit is None:
        raise UnitError(
            f"{name}={value!r} names a unit, but the unit of the rows is not known. Fit on CustomerSummary's own "
            f"output, set unit= on the model, or give {name} as a number in the unit of T."
        )
    return days / UNIT_DAYS[unit]


def _text_in_days(text: str, name: str) -> float:
    match = _DURATION.fullmatch(text)
    if match is None:
        raise InputError(f"{name} must be a number, a timedelta or text like {_TEXTS}; got {text!r}.")
    if match.group(2) == "m":
        n = match.group(1)
        raise UnitError(f"{name}={text!r} may mean minutes or months; write '{n}min' or '{n}M'.")
    return float(match.group(1)) * UNIT_DAYS[unit_name(match.group(2), name)]


def _timedelta_in_days(value: Any, name: str) -> float:
    if isinstance(value, np.timedelta64):
        unit, _ = np.datetime_data(value)
        if unit in ("M", "Y", "generic"):  # no length that numpy would convert
            raise InputError(f"{name}={value!r} has no certain length; write text like {_TEXTS}.")
        days = float(value / np.timedelta64(1, "D"))
    elif isinstance(value, dt.timedelta):
        days = value.total_seconds() * UNIT_DAYS["second"]
    else:
        days = np.nan
    if not days >= 0:
        raise InputError(f"{name} must be >= 0, got {value!r}.")
    return days


def in_days(value: Any, name: str) -> float:
    """Return a length of time in days: a number counts days, text such as ``"90D"`` or a timedelta names its unit."""
    return duration(value, "day", name)


def period_index(microseconds: NDArray[np.int64], grain: str) -> NDArray[np.int64]:
    """Number the calendar bucket of each instant; neighbours differ by one, weeks start on Monday."""
    if grain == "hour":
        return microseconds // (MICROSECONDS_PER_DAY // 24)
    days = microseconds // MICROSECONDS_PER_DAY
    if grain == "day":
        return days
    if grain == "week":
        return (days + 3) // 7  # 1970-01-01 was a Thursday
    months = days.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)
    return months // {"month": 1, "quarter": 3, "year": 12}[grain]


def as_date(value: Any, name: str, zone: str | None = None) -> np.datetime64:
    """Read one date as the user writes it.

    A date, a date string or a midnight is a whole day (``datetime64[D]``); anything with a time of day is that
    instant (``datetime64[us]``). Instants with a time zone are moved to ``zone``, the wall clock of the log.
    """
    if isinstance(value, str):
        try:
            value = dt.datetime.fromisoformat(value.strip())
        except ValueError:
            raise InputError(f"{name} must be a date such as '2017-09-30'; got {value!r}.") from None
    if type(value).__name__ == "NaTType":  # of pandas: calls itself a datetime and is none
        value = np.datetime64("NaT", "us")
    if isinstance(value, dt.datetime):
        if value.tzinfo is not None:
            if zone is None:
                raise InputError(
                    f"{name}={value!r} has a time zone, the log has none: remove it with replace(tzinfo=None)."
                )
            try:
                value = value.astimezone(_zone_info(zone)).replace(tzinfo=None)
            except OverflowError:
                raise InputError(
                    f"{name}={value!r} lies outside the years that a calendar has on the clock of {zone}."
                ) from None
        moment = np.datetime64(value.replace(tzinfo=None), "us")
    elif isinstance(value, dt.date):
        moment = np.datetime64(value, "us")
    elif isinstance(value, np.datetime64):
        if not np.isnat(value) and abs(int(value.astype("datetime64[Y]").astype(np.int64))) > 9999:
            raise InputError(f"{name}={value} lies outside the years that a calendar has; mend the date.")
        moment = value.astype("datetime64[us]")
    else:
        raise InputTypeError(
            f"{name} must be a date, a datetime or text such as '2017-09-30'; got {value!r}."
        )
    if np.isnat(moment):
        raise InputError(f"{name} is missing (NaT); give a date such as '2017-09-30'.")
    day = moment.astype("datetime64[D]")
    return day if day == moment else moment


def _zone_info(zone: str) -> dt.tzinfo:
    offset = _OFFSET.fullmatch(zone)
    if offset is None:
        return ZoneInfo(zone)
    span = dt.timedelta(hours=int(offset[2]), minutes=int(offset[3]), seconds=float(offset[4] or 0))
    return dt.timezone(-span if offset[1] == "-" else span)


def last_microsecond(date: np.datetime64) -> int:
    """Return the last microsecond that belongs to ``date``: the end of a whole day, or the instant itself."""
    if date.dtype == np.dtype("datetime64[D]"):
        return (int(date.astype(np.int64)) + 1) * MICROSECONDS_PER_DAY - 1
    return int(date.astype("datetime64[us]").astype(np.int64))


def first_microsecond(date: np.datetime64) -> int:
    """Return the first microsecond that belongs to ``date``."""
    return int(date.astype("datetime64[us]").astype(np.int64))


def next_moment(date: np.datetime64) -> np.datetime64:
    """Return the day after a whole day, or the microsecond after an instant."""
    whole = date.dtype == np.dtype("datetime64[D]")
    return date + (np.timedelta64(1, "D") if whole else np.timedelta64(1, "us"))
