"""A change of grain: from the lines of customers to their sequences."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from crmintel._validation import check_choice
from crmintel.transactions.calendar import GRAINS, MICROSECONDS_PER_DAY, period_index
from crmintel.transactions.histories import Histories
from crmintel.transactions.lines import Lines
from crmintel.transactions.returns import is_return
from crmintel.transactions.sequences import Sequences


def sequences_of(log: Histories, level: Any, of: Any) -> Sequences:
    """Return what each customer bought, one element per receipt or per period of the calendar."""
    level = check_choice(level, "level", ("basket", *GRAINS))
    of = check_choice(of, "of", ("item", "category"))
    lines = log.compact().lines
    labels = lines.need(of, "sequences()")
    bought = (labels.codes >= 0) & ~is_return(lines)
    if level == "basket" and lines.basket is not None:
        bought &= lines.basket.codes >= 0
        times = _first_times(log.owners(), lines)
    else:
        times = _period_starts(lines.time, "day" if level == "basket" else level)
    return Sequences.from_lines(
        log.owners()[bought],
        times[bought].view("datetime64[us]"),
        labels.codes[bought],
        labels=labels.values,
        customers=log.customers,
        library=log.library,
    )


def _first_times(owners: NDArray[np.int64], lines: Lines) -> NDArray[np.int64]:
    """Return, for each line, the time of the first line on its receipt; a number may come back at another owner."""
    assert lines.basket is not None
    codes = lines.basket.codes.astype(np.int64)
    keys = owners * (int(codes.max(initial=0)) + 2) + codes + 1
    _, first, receipt = np.unique(keys, return_index=True, return_inverse=True)
    return lines.time[first][receipt]


def _period_starts(times: NDArray[np.int64], grain: str) -> NDArray[np.int64]:
    """Return the first instant of the calendar period that each time lies in."""
    periods = period_index(times, grain)
    if grain == "hour":
        return periods * (MICROSECONDS_PER_DAY // 24)
    if grain == "day":
        return periods * MICROSECONDS_PER_DAY
    if grain == "week":
        return (periods * 7 - 3) * MICROSECONDS_PER_DAY
    months = periods * {"month": 1, "quarter": 3, "year": 12}[grain]
    return months.astype("datetime64[M]").astype("datetime64[us]").astype(np.int64)
