"""Churn labels: who stops buying, as seen from one or many as-of dates."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from crmintel._validation import check_number
from crmintel.exceptions import DateRangeError, InputError
from crmintel.features.behaviour import BehaviourFeatures
from crmintel.kernels.behaviour import bought_until
from crmintel.kernels.runs import cut_runs
from crmintel.transactions.calendar import MICROSECONDS_PER_DAY, in_days, last_microsecond
from crmintel.transactions.log import TransactionLog
from crmintel.transactions.reader import check_log


def churn_labels(
    past: TransactionLog, future: TransactionLog, horizon: Any, *, gap: Any = 0, overdue: float | None = None
) -> NDArray[np.int64]:
    """Label each customer of ``past``: 1 for no purchase within the horizon after ``past.end``, else 0.

    A purchase is a day with at least one line that is no return. The horizon must have been watched to its last day:
    a customer of whom nothing was seen yet has not churned, so a label is never made from a part of it.

    Parameters
    ----------
    past, future : TransactionLog
        The halves of `TransactionLog.split`: the same customers in the same order.
    horizon : number or str
        Days, or text such as ``"90D"`` or ``"13W"``.
    gap : number or str, default=0
        Time between ``past.end`` and the begin of the horizon, for those who need it to act; what is bought in it does
        not count.
    overdue : float, optional
        Each customer's own rhythm in place of one horizon for all: a customer has this many of their own mean gaps
        between purchases to come back, in whole days and ``horizon`` at most. Who has bought once has no rhythm, and
        the whole horizon.

    Returns
    -------
    ndarray of int64, shape (n_customers,)
        1 where the customer left, 0 where they bought.

    Raises
    ------
    InputError
        If the halves do not hold the same customers in the same order.
    DateRangeError
        If the horizon ends after ``future.end``.

    Examples
    --------
    >>> import crmintel as ci
    >>> log = ci.TransactionLog.from_arrays(
    ...     customer=["ann", "bob", "ann"], time=["2024-01-05", "2024-01-09", "2024-03-01"], end="2024-05-31"
    ... )
    >>> past, future = log.split("2024-01-31")
    >>> ci.churn_labels(past, future, horizon="90D")
    array([0, 1])
    """
    days, gap_days = _horizon_and_gap(horizon, gap)
    if overdue is not None:
        check_number(overdue, "overdue", low=0.0, strict_low=True)
    for name, log in (("past", past), ("future", future)):
        check_log(log, name)
    if not np.array_equal(past.customers, future.customers):
        raise InputError(
            f"past and future must hold the same customers in the same order, got {len(past)} and {len(future)}; "
            "make both with past, future = log.split(date)."
        )
    if (past.as_of != past.end.astype("datetime64[D]")).any():
        raise InputError(
            "past is a log of snapshots with many ends; churn_snapshots makes those with their labels."
        )
    begin = last_microsecond(past.end) + _microseconds(gap_days)
    if begin + _microseconds(days) > last_microsecond(future.end):
        watched = (last_microsecond(future.end) - last_microsecond(past.end)) / MICROSECONDS_PER_DAY
        raise DateRangeError(
            f"horizon={horizon!r}{f' after gap={gap!r}' if gap_days else ''} reaches {days + gap_days:g} days beyond "
            f"{past.end}, but future ends {future.end}, {watched:g} days beyond it; choose a shorter horizon or split "
            "earlier."
        )
    wait = np.full(len(past), _microseconds(days))
    if overdue is not None:
        own = np.ceil(overdue * _mean_gaps(past))
        wait = np.where(own < days, own * MICROSECONDS_PER_DAY, wait).astype(np.int64)  # NaN is not less
    first, bought = np.empty(len(future), np.int64), np.empty(len(future), np.bool_)
    lines = future.lines
    cut_runs(future.starts, future.stops, lines.time, np.full(len(future), begin, np.int64), first)
    bought_until(
        starts=first,
        stops=future.stops,
        time=lines.time,
        amount=lines.numbers("amount"),
        quantity=lines.numbers("quantity"),
        last=begin + wait,
        bought=bought,
    )
    return (~bought).astype(np.int64)


def churn_snapshots(
    log: TransactionLog,
    horizon: Any,
    *,
    gap: Any = 0,
    step: Any = None,
    window: Any = None,
    overdue: float | None = None,
) -> tuple[TransactionLog, NDArray[np.int64]]:
    """Return samples to learn churn from: each customer at many as-of dates, and whether they left after each.

    The last as-of date is the latest whole day after which gap and horizon still fit into the log; from there the
    dates go back by ``step`` as long as the log holds ``window`` days up to them (``horizon`` days without a window),
    so that no sample is judged by a few days of history.

    Parameters
    ----------
    log : TransactionLog
    horizon : number or str
        A customer without a purchase for this long after the as-of date (and the gap) has left: days, or text
        such as ``"90D"``.
    gap : number or str, default=0
        Time between the as-of date and the begin of the horizon.
    step : number or str, default=None
        Distance of the as-of dates, in whole days; None is the horizon, so that horizons do not overlap.
    window : number or str, default=None
        Only customers with a purchase in this many days up to the as-of date are samples: those long gone teach
        nothing, and make any score look good. None keeps every customer seen so far.
    overdue : float, optional
        Label by each customer's own rhythm, as in `churn_labels`.

    Returns
    -------
    snapshots : TransactionLog
        One sample per customer and as-of date, date by date, with ``customers`` and ``as_of``; histories end there.
    labels : ndarray of int64, shape (len(snapshots),)
        As from `churn_labels`.

    Raises
    ------
    DateRangeError
        If not even one as-of date fits into the log.
    InputError
        If no customer is active within ``window`` at any of the dates.

    Examples
    --------
    >>> import crmintel as ci
    >>> log = ci.TransactionLog.from_arrays(
    ...     customer=["ann", "ann", "ann", "bob"],
    ...     time=["2024-01-01", "2024-02-20", "2024-03-15", "2024-01-10"],
    ...     end="2024-03-31",
    ... )
    >>> snapshots, labels = ci.churn_snapshots(log, horizon="30D")
    >>> [str(day) for day in snapshots.as_of], snapshots.customers.tolist(), labels.tolist()
    (['2024-01-31', '2024-01-31', '2024-03-01', '2024-03-01'], ['ann', 'bob', 'ann', 'bob'], [0, 1, 0, 1])
    """
    check_log(log, "log")
    days, gap_days = _horizon_and_gap(horizon, gap)
    step_days = max(1, round(days)) if step is None else _whole_days(step, "step")
    history = days if window is None else _whole_days(window, "window")
    dates = _as_of_dates(log, days + gap_days, step_days, history)
    snapshots = log.snapshots(dates)
    labels = np.concatenate(
        [churn_labels(*log.split(date), horizon, gap=gap, overdue=overdue) for date in dates]
    )
    if window is None:
        return snapshots, labels
    active = snapshots.time_since_last() < history
    if not active.any():
        raise InputError(
            f"no customer has a purchase within window={window!r} before any of the {len(dates)} as-of dates "
            f"({dates[0]} to {dates[-1]}); choose a longer window."
        )
    return snapshots[active], labels[active]


def _mean_gaps(log: TransactionLog) -> NDArray[np.float64]:
    """Return the mean days between each customer's purchases; NaN below two."""
    features = BehaviourFeatures(["1D"])
    rows = np.asarray(features.fit_transform(log))
    return rows[:, features.columns_.index("mean_gap")]


def _as_of_dates(log: TransactionLog, ahead: float, step: int, history: float) -> list[np.datetime64]:
    """Return the as-of days in order: ``ahead`` days fit after each, ``history`` days before."""
    if not (log.stops > log.starts).any():
        raise InputError("the log has no line; churn is learned from customers with a history.")
    begin = int(log.lines.time[log.starts[log.stops > log.starts]].min()) // MICROSECONDS_PER_DAY
    last = (last_microsecond(log.end) + 1 - _microseconds(ahead)) // MICROSECONDS_PER_DAY - 1
    earliest = begin + int(np.ceil(history)) - 1
    if last < earliest:
        needed, there = ahead + history, (last_microsecond(log.end) + 1) / MICROSECONDS_PER_DAY - begin
        raise DateRangeError(
            f"horizon, gap and history need {needed:g} days, but the log has {there:g} ({log.start} to {log.end}); "
            f"choose a shorter horizon{'' if history == ahead else ' or window'}."
        )
    return [np.datetime64(day, "D") for day in reversed(range(last, earliest - 1, -step))]


def _horizon_and_gap(horizon: Any, gap: Any) -> tuple[float, float]:
    days = check_number(in_days(horizon, "horizon"), "horizon", low=0.0, strict_low=True, high=1e6)
    return days, check_number(in_days(gap, "gap"), "gap", low=0.0, high=1e6)


def _whole_days(value: Any, name: str) -> int:
    return round(check_number(in_days(value, name), name, low=1, high=1e6))


def _microseconds(days: float) -> int:
    return round(days * MICROSECONDS_PER_DAY)
