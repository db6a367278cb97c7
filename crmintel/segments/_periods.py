"""What each customer did in each period of the calendar: the sparse table that bridges, cohorts and loyalty read."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from crmintel.exceptions import DateRangeError, InputError, UnitError
from crmintel.kernels.runs import sum_runs
from crmintel.transactions.calendar import (
    GRAINS,
    MICROSECONDS_PER_DAY,
    first_microsecond,
    last_microsecond,
    period_index,
    unit_name,
)
from crmintel.transactions.log import TransactionLog


@dataclass(frozen=True, slots=True)
class Periods:
    """The periods from ``first`` to ``last`` (numbers of `period_index`) that a log covers as a whole."""

    grain: str
    first: int
    last: int

    def __len__(self) -> int:
        return self.last - self.first + 1

    @property
    def starts(self) -> NDArray[np.datetime64]:
        """First day of each period (an instant for hours)."""
        return period_start(np.arange(self.first, self.last + 1), self.grain)


@dataclass(frozen=True, slots=True)
class Activity:
    """One entry per customer and period with a line, by customer and then by period.

    ``period`` counts from 0, the first of ``periods``; ``money`` is net of returns.
    """

    periods: Periods
    owner: NDArray[np.int64]
    period: NDArray[np.int64]
    money: NDArray[np.float64]


def period_start(numbers: NDArray[np.int64], grain: str) -> NDArray[np.datetime64]:
    """Return the first moment of calendar buckets, the inverse of `period_index`."""
    if grain == "hour":
        return (numbers * (MICROSECONDS_PER_DAY // 24)).astype("datetime64[us]")
    if grain in ("day", "week"):
        days = numbers if grain == "day" else numbers * 7 - 3
        return days.astype("datetime64[D]")
    months = numbers * {"month": 1, "quarter": 3, "year": 12}[grain]
    return months.astype("datetime64[M]").astype("datetime64[D]")


def whole_periods(
    log: TransactionLog, unit: str, *, partial: bool = False, partial_start: bool = False
) -> Periods:
    """Return the calendar periods that lie in the window of the log.

    With ``partial`` those it cuts count, too; with ``partial_start`` the first, for who follows each customer from the
    first purchase on has that in the middle of a period anyway.
    """
    grain = unit_name(unit)
    if grain not in GRAINS:
        raise UnitError(f"unit must be one of {', '.join(GRAINS)}; got {unit!r}.")
    if (log.as_of != log.end.astype("datetime64[D]")).any():
        raise InputError(
            "snapshots end on different days, so they share no periods; take one date at a time."
        )
    begin, end = first_microsecond(log.start), last_microsecond(log.end)
    first, last = (int(p) for p in period_index(np.array([begin, end]), grain))
    if not partial:
        edges = period_start(np.array([first, last + 1]), grain).astype("datetime64[us]").astype(np.int64)
        if not partial_start:
            first += int(edges[0] < begin - begin % MICROSECONDS_PER_DAY)
        last -= int(edges[1] > end + 1)
    if first > last:
        # who follows each customer has no parameter partial
        way_out = "a shorter unit" if partial_start else "a shorter unit or partial=True"
        raise DateRangeError(
            f"the log ({log.start} to {log.end}) does not hold one whole {grain}; take {way_out}."
        )
    return Periods(grain, first, last)


def coverage(log: TransactionLog, periods: Periods) -> str:
    """Say which dates the periods cover, and whether the log holds more."""
    unit = "datetime64[h]" if periods.grain == "hour" else "datetime64[D]"
    edges = period_start(np.array([periods.first, periods.last + 1]), periods.grain).astype("datetime64[us]")
    whole = (edges - np.array([0, 1])).astype(unit)
    held = np.array([first_microsecond(log.start), last_microsecond(log.end)], "datetime64[us]").astype(unit)
    first, last = max(whole[0], held[0]), min(whole[1], held[1])
    cut = f", without incomplete {periods.grain}s" if first > held[0] or last < held[1] else ""
    return f"{first} to {last}{cut}"


def activity(log: TransactionLog, periods: Periods, for_what: str | None = None) -> Activity:
    """Sum the lines of each customer by period; lines outside the periods do not count.

    ``for_what`` needs the money; None asks for presence alone, and the money is 0.
    """
    lines = log.line_numbers()
    period = period_index(log.lines.time[lines], periods.grain) - periods.first
    inside = (period >= 0) & (period < len(periods))
    amount = log.lines.need("amount", for_what)[lines] if for_what else np.zeros(lines.size)
    key = log.owners() * len(periods) + period
    key, amount = key[inside], amount[inside]
    # a customer's lines stand in the order of time: equal keys are neighbours
    begins = np.flatnonzero(np.diff(key, prepend=-1))
    money = np.empty(begins.size)
    sum_runs(begins, np.append(begins[1:], key.size), amount, money)
    owner, number = np.divmod(key[begins], len(periods))
    return Activity(periods, owner, number, money)
