"""The customer summary brought up to date: what came in yesterday joins what is known, without reading it all again."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone

from crmintel.exceptions import InputError, InputTypeError
from crmintel.features.rows import CustomerRows
from crmintel.features.summary import CustomerSummary
from crmintel.kernels.runs import cut_runs
from crmintel.transactions.calendar import last_microsecond
from crmintel.transactions.lines import Lines
from crmintel.transactions.log import TransactionLog
from crmintel.transactions.reader import check_log

_NUMBERS = ("amount", "quantity")  # what a summary reads of a line, beside its time


class SummaryPartial:
    """What a customer summary has to remember of purchases, and how two such memories become one.

    `update` with new lines, or `merge` of the parts of a log, gives the summary of all lines to the same bit: of
    customers old and new, of a day that is in both parts, of lines that come late. It keeps time, amount and sign of
    each line (24 bytes at most), since the sum of a day that is not over cannot be had from two rounded sums.

    Merging is associative to the same bit. It is commutative, too, up to the rounding of sums of lines with one time
    stamp, which are added up in the order in which they came, here as in a log.

    Attributes
    ----------
    customers : ndarray
        Their ids, sorted, in the order of `rows`.
    n_lines : int
        Lines that are remembered.
    start, end : numpy.datetime64
        The window that has been observed.

    See Also
    --------
    CustomerSummary : The summary itself, of a log that is all there.

    Examples
    --------
    >>> import crmintel as ci
    >>> march = ci.TransactionLog.from_arrays(
    ...     customer=["ann", "bob"], time=["2024-03-04", "2024-03-11"], amount=[10.0, 5.0], end="2024-03-31"
    ... )
    >>> april = ci.TransactionLog.from_arrays(
    ...     customer=["ann", "cid"], time=["2024-04-08", "2024-04-15"], amount=[30.0, 8.0], end="2024-04-30"
    ... )
    >>> known = ci.SummaryPartial.from_log(march).update(april)
    >>> known.customers.tolist()
    ['ann', 'bob', 'cid']
    >>> known.rows(ci.CustomerSummary(unit="week"), end="2024-04-29")
    CustomerRows([[ 1.,  5.,  8., 30.],
                  [ 0.,  0.,  7.,  0.],
                  [ 0.,  0.,  2.,  0.]])
    """

    __slots__ = ("_log",)

    def __init__(self, log: TransactionLog) -> None:
        self._log = log

    @classmethod
    def from_log(cls, log: TransactionLog) -> SummaryPartial:
        """Return what the summary of a log has to remember.

        Parameters
        ----------
        log : TransactionLog
            Customers without a line in it are left out; attributes of customers are not kept.

        Returns
        -------
        SummaryPartial

        Raises
        ------
        InputError
            If it is a log of snapshots, or nobody in it has a line.
        """
        check_log(log, "log")
        if log.as_of.size and (log.as_of != log.end.astype("datetime64[D]")).any():
            raise InputError("a log of snapshots has no one end; take the log that it was made of.")
        seen = log.stops > log.starts
        if not seen.any():
            raise InputError("no customer of the log has a line, so there is nothing to remember.")
        whole = (log if seen.all() else log[seen]).compact()
        lines = Lines(whole.lines.time, **{name: getattr(whole.lines, name) for name in _NUMBERS})
        return cls(
            TransactionLog(
                whole.customers,
                lines,
                whole.starts,
                whole.stops,
                start=whole.start,
                end=whole.end,
                timezone=whole.timezone,
                library=whole.library,
            )
        )

    def update(self, log: TransactionLog) -> SummaryPartial:
        """Return what is known after new lines have come in: ``merge(SummaryPartial.from_log(log))``.

        Parameters
        ----------
        log : TransactionLog
            The new lines only. They may be of any time and of customers old and new.

        Returns
        -------
        SummaryPartial
            A new one; this one stays as it is.
        """
        return self.merge(type(self).from_log(log))

    def merge(self, other: SummaryPartial) -> SummaryPartial:
        """Return what both know, the lines of ``other`` having come after.

        Parameters
        ----------
        other : SummaryPartial

        Returns
        -------
        SummaryPartial
            A new one; both stay as they are.

        Raises
        ------
        InputError
            If one has a column or a time zone that the other has not, or their ids are of different kinds.
        """
        if not isinstance(other, SummaryPartial):
            raise InputTypeError(
                f"other must be a SummaryPartial, got {type(other).__name__}; update(log) takes a log."
            )
        one, two = self._log, other._log
        _check_alike(one, two)
        customers, codes = np.unique(np.concatenate([one.customers, two.customers]), return_inverse=True)
        of_one, of_two = codes[: len(one)], codes[len(one) :]
        known, new = np.zeros(customers.size + 1, np.int64), np.zeros(customers.size + 1, np.int64)
        known[of_one + 1], new[of_two + 1] = one.stops - one.starts, two.stops - two.starts
        known, new = known.cumsum(), new.cumsum()
        # each line of two stands after those of one that are its customer's and not later
        owners, places = of_two[two.owners()], np.empty(two.n_lines, np.int64)
        cut_runs(known[owners], known[owners + 1], one.lines.time, two.lines.time, places)
        columns: dict[str, Any] = {
            name: np.insert(getattr(one.lines, name), places, getattr(two.lines, name))
            for name in ("time", *_NUMBERS)
            if getattr(one.lines, name) is not None
        }
        offsets = known + new
        return type(self)(
            TransactionLog(
                customers,
                Lines(**columns),
                offsets[:-1].copy(),
                offsets[1:].copy(),
                start=min(one.start, two.start),
                end=max(one.end, two.end, key=last_microsecond),
                timezone=one.timezone,
                library=one.library,
            )
        )

    def rows(self, summary: CustomerSummary | None = None, *, end: Any = None) -> CustomerRows:
        """Return one row per customer, as `CustomerSummary` makes them of all lines.

        Parameters
        ----------
        summary : CustomerSummary, optional
            Says unit, grain and extra columns; None means ``CustomerSummary()``.
        end : date, optional
            Last observed day; None takes the end of what is known. Earlier, the rows are those of that day: later lines
            do not count, and customers who came later are left out. Later, nobody has bought since.

        Returns
        -------
        CustomerRows
            In the order of ``customers``, or of ``until(end).customers`` where ``end`` is given.

        Raises
        ------
        ColumnError
            If an extra column is an attribute of customers.
        DateRangeError
            If ``end`` lies before the first line.
        """
        if summary is None:
            summary = CustomerSummary()
        if not isinstance(summary, CustomerSummary):
            raise InputTypeError(f"summary must be a CustomerSummary, got {type(summary).__name__}.")
        log = self._log if end is None else self._log.until(end)
        return clone(summary).fit(log).transform(log)

    def until(self, date: Any) -> SummaryPartial:
        """Return what was known at the end of ``date``, or will be if nobody buys until then.

        Parameters
        ----------
        date : date

        Returns
        -------
        SummaryPartial
        """
        return type(self).from_log(self._log.until(date))

    def to_frame(self) -> Any:
        """Return what is remembered as a frame of the library that the first log came from (a dict for arrays).

        Stored, it is read back by ``TransactionLog.from_frame(frame, customer="customer", time="time", ...)``.

        Returns
        -------
        frame
            Columns ``customer``, ``time``, and ``amount`` and ``quantity`` where lines have them.
        """
        return self._log.to_frame()

    @property
    def customers(self) -> NDArray[Any]:
        """The customers' ids, sorted."""
        return self._log.customers

    @property
    def n_lines(self) -> int:
        """Lines that are remembered."""
        return self._log.n_lines

    @property
    def start(self) -> np.datetime64:
        """First day of the window that has been observed."""
        return self._log.start

    @property
    def end(self) -> np.datetime64:
        """Last day of the window that has been observed."""
        return self._log.end

    def __len__(self) -> int:
        return len(self._log)

    def __repr__(self) -> str:
        return (
            f"SummaryPartial({len(self):,} customers, {self.n_lines:,} lines, "
            f"{self.start.astype('datetime64[D]')}..{self.end.astype('datetime64[D]')})"
        )


def _check_alike(one: TransactionLog, two: TransactionLog) -> None:
    for name in _NUMBERS:
        if (getattr(one.lines, name) is None) != (getattr(two.lines, name) is None):
            raise InputError(
                f"one part knows the {name} of its lines, the other does not; name the column for both in "
                f"TransactionLog.from_frame(..., {name}=...)."
            )
    if one.timezone != two.timezone:
        raise InputError(
            f"the parts are on the clocks of {one.timezone} and {two.timezone}; convert the times of one first."
        )
    examples = one.customers[:1].tolist()[0], two.customers[:1].tolist()[0]
    kinds = {_kind(values) for values in (one.customers, two.customers)}
    if len(kinds) > 1:
        raise InputTypeError(
            f"the ids of the parts are of different kinds, e.g. {examples[0]!r} and {examples[1]!r}; is 1 the same "
            "customer as '1'? Convert one to the type of the other."
        )


def _kind(ids: NDArray[Any]) -> str:
    """Return what decides whether ids can be compared: a kind of numpy's, or the type of what an array holds."""
    return type(ids[0]).__name__ if ids.dtype.kind == "O" else ids.dtype.kind
