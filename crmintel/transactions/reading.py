"""From a frame to the lines of a log: columns are named here once, and nothing is lost silently."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crmintel._cells import read_only
from crmintel._frames import Table
from crmintel._instants import MISSING_TIME
from crmintel._validation import check_names, raise_if_any
from crmintel.exceptions import ColumnError, DataWarning, DateRangeError, InputError
from crmintel.kernels.runs import order_lines
from crmintel.transactions.calendar import as_date, last_microsecond
from crmintel.transactions.lines import LABEL_FIELDS, NUMBER_FIELDS, Labels, Lines


@dataclass(frozen=True, slots=True)
class SetAside:
    """Rows of the input that no customer's history can hold, and their money (0 without amounts)."""

    rows: dict[str, int]
    money: dict[str, float]

    def __bool__(self) -> bool:
        return bool(self.rows)


@dataclass(frozen=True, slots=True)
class Read:
    """What `read_lines` found."""

    customers: NDArray[Any]
    offsets: NDArray[np.int64]
    lines: Lines
    start: np.datetime64
    end: np.datetime64
    zone: str | None
    set_aside: SetAside


def read_lines(table: Table, roles: Mapping[str, str | None], keep: Sequence[str], end: Any) -> Read:
    """Read the columns that ``roles`` names and put the lines in customer order.

    Rows without a customer or a time, and rows after ``end`` (a date as the user writes it, or None for the day of
    the last line), are set aside with a `DataWarning` that counts them.
    """
    keep = check_names(keep, "keep")
    _check_roles(roles, keep)
    if table.n_rows == 0:
        raise InputError(
            f"the frame has no rows; a log needs at least one purchase. Its columns: {table.names}."
        )
    codes, customers = table.ids(str(roles["customer"]), "customer")
    moments, zone = table.instants(str(roles["time"]), "time")
    last = None if end is None else as_date(end, "end", zone)
    numbers = {
        name: table.numbers(column, name) for name in NUMBER_FIELDS if (column := roles[name]) is not None
    }
    for name, values in numbers.items():
        with np.errstate(over="ignore", invalid="ignore"):
            if np.isfinite(values.sum()):
                continue
        what = f"{name}={roles[name]!r}"
        raise_if_any(
            ~np.isfinite(values),
            values,
            what,
            "must be finite (a missing value is not 0: fill in what it is, or drop the rows)",
        )
        raise InputError(f"{what} sums to more than a float can hold; give it in a larger unit.")
    codes, set_aside = _set_aside(codes, moments, last, numbers.get("amount"))
    n_kept = int(codes.size - sum(set_aside.rows.values()))
    if n_kept == 0:
        if set_aside.rows.get("after the end"):
            first = np.datetime64(int(moments[moments != MISSING_TIME].min()), "us").astype("datetime64[D]")
            raise DateRangeError(f"end={last} lies before the first line ({first}).")
        raise InputError(f"no row is left for the log: {_reasons(set_aside)} of {codes.size:,} rows.")
    offsets, order, sorted_time, amount = _ordered(
        codes, moments, numbers.get("amount"), customers.size, n_kept
    )
    columns: dict[str, Any] = {name: values[order] for name, values in numbers.items() if name != "amount"}
    for name in LABEL_FIELDS:
        if (column := roles[name]) is not None:
            label_codes, labels = table.ids(column, name)
            columns[name] = Labels(label_codes[order], labels)
    kept = {name: table.values(name)[order] for name in keep}
    lines = Lines(time=sorted_time, amount=amount, kept=kept, **columns)
    if set_aside:
        seen = np.diff(offsets) > 0
        customers, offsets = customers[seen], np.append(0, offsets[1:][seen])
        warnings.warn(
            f"{sum(set_aside.rows.values()):,} of {codes.size:,} rows are set aside, since no history can hold them: "
            f"{_reasons(set_aside)}. log.set_aside counts them, LogCleaner reports them.",
            DataWarning,
            stacklevel=3,
        )
    first_day, last_day = (
        t.astype("datetime64[D]") for t in np.array([sorted_time.min(), sorted_time.max()], "M8[us]")
    )
    return Read(customers, offsets, lines, first_day, last_day if last is None else last, zone, set_aside)


def _check_roles(roles: Mapping[str, str | None], keep: Sequence[str]) -> None:
    for role, column in roles.items():
        if not (isinstance(column, str) or (column is None and role not in ("customer", "time"))):
            raise ColumnError(f"{role} must be the name of a column, got {column!r}.")
    clash = sorted(set(keep) & (set(roles) | {"customer", "time"}))
    if clash:
        raise ColumnError(
            f"keep={clash} would hide the log's own columns of that name; rename them in the frame."
        )


def _set_aside(
    codes: NDArray[np.int32],
    moments: NDArray[np.int64],
    end: np.datetime64 | None,
    amount: NDArray[np.float64] | None,
) -> tuple[NDArray[np.int32], SetAside]:
    rows: dict[str, int] = {}
    money: dict[str, float] = {}

    def put(bad: NDArray[np.bool_], reason: str) -> None:
        if bad.any():
            rows[reason] = int(bad.sum())
            money[reason] = 0.0 if amount is None else float(amount[bad].sum())

    latest = np.iinfo(np.int64).max if end is None else last_microsecond(end)
    if codes.min() >= 0 and moments.min() != MISSING_TIME and moments.max() <= latest:
        return codes, SetAside(rows, money)
    no_customer = codes < 0
    no_time = ~no_customer & (moments == MISSING_TIME)
    put(no_customer, "missing customer")
    put(no_time, "missing time")
    late = ~no_customer & ~no_time & (moments > latest)
    put(late, "after the end")
    out = no_time | late
    if out.any():
        codes = np.where(out, np.int32(-1), codes)
    return codes, SetAside(rows, money)


def _ordered(
    codes: NDArray[np.int32],
    moments: NDArray[np.int64],
    amount: NDArray[np.float64] | None,
    n_customers: int,
    n_kept: int,
) -> tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.int64], NDArray[np.float64] | None]:
    """Return offsets, the rows in customer order, their times and their amounts."""
    offsets = np.zeros(n_customers + 1, dtype=np.int64)
    order = np.empty(n_kept, dtype=np.int32)
    sorted_time = np.empty(n_kept, dtype=np.int64)
    carried = np.empty(0 if amount is None else n_kept)
    done = order_lines(
        codes=read_only(codes),
        time=read_only(moments),
        payload=read_only(np.empty(0, np.int64) if amount is None else amount.view(np.int64)),
        bits=max(0, n_customers.bit_length() - 11),
        records=np.empty((n_kept, 3), dtype=np.int64),
        offsets=offsets,
        order=order,
        sorted_time=sorted_time,
        sorted_payload=carried.view(np.int64),
    )
    if not done:
        offsets = np.append(0, np.cumsum(np.bincount(codes[codes >= 0], minlength=n_customers)))
        order = np.lexsort((moments, codes))[codes.size - n_kept :].astype(np.int32)
        sorted_time = moments[order]
        carried = carried if amount is None else amount[order]
    return offsets, order, sorted_time, None if amount is None else carried


def _reasons(set_aside: SetAside) -> str:
    return ", ".join(f"{reason} ({count:,})" for reason, count in set_aside.rows.items())
