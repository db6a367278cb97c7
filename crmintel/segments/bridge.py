"""The revenue bridge: from one period's sales to the next by new, returning, grown, shrunk and lost customers."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crmintel._frames import build_frame
from crmintel.exceptions import DateRangeError
from crmintel.segments._periods import activity, coverage, whole_periods
from crmintel.transactions.log import TransactionLog
from crmintel.transactions.reader import check_log

FLOWS = ("new", "back", "up", "down", "lost")


class RevenueBridge:
    """How sales moved from each period to the next, in customers and in money; made by `revenue_bridge`.

    Attributes
    ----------
    period : ndarray of datetime64, shape (n_periods - 1,)
        First day of the period each row leads to.
    unit : str
        Length of a period.
    before, after : ndarray of float64, shape (n_periods - 1,)
        Sales of the previous period and of this one.
    money : dict of ndarray
        Change by ``new, back, up, down, lost``; the last two are negative or 0.
    customers : dict of ndarray
        Customers behind each flow; ``same`` those who spent exactly as much.

    Examples
    --------
    >>> import crmintel as ci
    >>> log = ci.TransactionLog.from_arrays(
    ...     customer=["ann", "bob", "ann", "cid"],
    ...     time=["2024-01-01", "2024-01-31", "2024-02-10", "2024-02-29"],
    ...     amount=[50.0, 20.0, 60.0, 15.0],
    ... )
    >>> bridge = ci.revenue_bridge(log, unit="month")
    >>> print(bridge)
    period      before  new  back  up  down  lost  after
    2024-02-01      70   15     0  10     0   -20     75
    """

    def __init__(
        self,
        period: NDArray[np.datetime64],
        unit: str,
        before: NDArray[np.float64],
        after: NDArray[np.float64],
        money: dict[str, NDArray[np.float64]],
        customers: dict[str, NDArray[np.int64]],
        library: str | None = None,
        covers: str | None = None,
    ) -> None:
        self.period, self.unit = period, unit
        self.before, self.after = before, after
        self.money, self.customers = money, customers
        self._library, self._covers = library, covers

    def __len__(self) -> int:
        return self.period.size

    def __repr__(self) -> str:
        covers = f"; {self._covers}" if self._covers else ""
        return f"RevenueBridge({len(self)} steps from {self.unit} to {self.unit}, last {self.period[-1]}{covers})"

    def __str__(self) -> str:
        names = ["period", "before", *FLOWS, "after"]
        columns = [self.before, *(self.money[flow] for flow in FLOWS), self.after]
        cells = [[str(day) for day in self.period]]
        cells += [[f"{value + 0.0:,.0f}" for value in np.round(column)] for column in columns]
        widths = [max(map(len, [name, *column])) for name, column in zip(names, cells, strict=True)]
        rows = [names, *zip(*cells, strict=True)]
        lines = [
            "  ".join(
                cell.ljust(width) if i == 0 else cell.rjust(width)
                for i, (cell, width) in enumerate(zip(row, widths, strict=True))
            )
            for row in rows
        ]
        return "\n".join([*lines, self._covers] if self._covers else lines)

    def to_frame(self) -> Any:
        """Return one row per step: ``period, before``, the flows, ``after``, and customers as ``new_customers``, ..."""
        return build_frame(
            {
                "period": self.period,
                "before": self.before,
                **self.money,
                "after": self.after,
                **{f"{flow}_customers": count for flow, count in self.customers.items()},
            },
            self._library,
        )


def revenue_bridge(log: TransactionLog, unit: str = "month", *, partial: bool = False) -> RevenueBridge:
    """Explain each period's sales by the customers who came, came back, spent more, spent less or stayed away.

    Parameters
    ----------
    log : TransactionLog
        With amounts.
    unit : {"hour", "day", "week", "month", "quarter", "year"}, default="month"
        Periods of the calendar; weeks start on Monday.
    partial : bool, default=False
        Whether the first and last period count although the log holds only a part of them. Their steps compare a part
        with a whole: of a month of one day nearly all customers are *lost*.

    Returns
    -------
    RevenueBridge
        Of each step ``before + new + back + up + down + lost = after``, to the rounding of a float: to the cent.

    Raises
    ------
    ColumnError
        If the log has no amounts.
    DateRangeError
        If it holds fewer than two whole periods.

    Notes
    -----
    Periods that the log holds only in part are left out, and their sales with them: what is printed says so, and the
    sums are those of the whole periods, not of the log.

    A customer takes part in a period with at least one line in it. *New* is the money of those whose first line of
    all lies in the period, *back* of those who paused in the period before, *lost* what those who stay away spent in
    the period before; *up* and *down* are the differences of those in both. Returns count in the period they come in.

    References
    ----------
    Peppers, D. & Rogers, M. (2016). Managing Customer Experience and Relationships, 3rd ed., ch. 11.

    Examples
    --------
    >>> import crmintel as ci
    >>> log = ci.datasets.make_transactions(200, weeks=26, random_state=0)[0]
    >>> bridge = ci.revenue_bridge(log)
    >>> total = bridge.before + sum(bridge.money.values())
    >>> bool((abs(total - bridge.after) < 0.005).all())
    True
    """
    check_log(log, "log")
    periods = whole_periods(log, unit, partial=partial)
    if len(periods) < 2:
        raise DateRangeError(
            f"a bridge leads from one {periods.grain} to the next; the log ({log.start} to {log.end}) holds one "
            f"whole {periods.grain}. Take a shorter unit, or partial=True."
        )
    entries = activity(log, periods, "revenue_bridge")
    ever = activity(log, whole_periods(log, unit, partial=True), "revenue_bridge")
    shift = periods.first - ever.periods.first
    debut = np.full(len(log), np.iinfo(np.int64).max)
    np.minimum.at(debut, ever.owner, ever.period - shift)

    n = len(periods)
    steps = n - 1
    owner, period, money = entries.owner, entries.period, entries.money
    follows = np.zeros(owner.size, dtype=bool)  # an entry of the same customer in the period before
    follows[1:] = (owner[1:] == owner[:-1]) & (period[1:] == period[:-1] + 1)
    followed = np.append(follows[1:], False)
    change = np.zeros(owner.size)
    change[follows] = money[follows] - money[np.flatnonzero(follows) - 1]
    fresh = debut[owner] == period
    late = period > 0
    flows = {
        "new": (fresh & late, money, period),
        "back": (~fresh & ~follows & late, money, period),
        "up": (follows & (change > 0.0), change, period),
        "down": (follows & (change < 0.0), change, period),
        "lost": (~followed & (period < n - 1), -money, period + 1),
        "same": (follows & (change == 0.0), change, period),
    }
    sums, people = {}, {}
    for flow, (mask, value, to) in flows.items():
        people[flow] = np.bincount(to[mask] - 1, minlength=steps)
        sums[flow] = _sums(to[mask] - 1, value[mask], steps)
    del sums["same"]
    sales = _sums(period, money, n)
    covers = coverage(log, periods) if n < len(ever.periods) else None
    return RevenueBridge(
        periods.starts[1:], periods.grain, sales[:-1], sales[1:], sums, people, log.library, covers
    )


def _sums(group: NDArray[np.int64], values: NDArray[np.float64], n: int) -> NDArray[np.float64]:
    """Sum ``values`` by group, pairwise: a running sum over millions of customers would lose the cents."""
    order = np.argsort(group, kind="stable")
    edges = np.searchsorted(group[order], np.arange(n + 1))
    return np.array([values[order[a:b]].sum() for a, b in pairwise(edges)])
