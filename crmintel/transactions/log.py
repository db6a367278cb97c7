"""The transaction log: every customer's history, customer by customer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from crmintel._frames import build_frame, open_frame
from crmintel.exceptions import DateRangeError, InputError, InputTypeError
from crmintel.kernels.runs import cut_runs
from crmintel.transactions.attributes import attributes_of
from crmintel.transactions.baskets import Baskets
from crmintel.transactions.calendar import as_date, first_microsecond, last_microsecond, next_moment
from crmintel.transactions.grouping import baskets_of
from crmintel.transactions.histories import Histories
from crmintel.transactions.reading import read_lines
from crmintel.transactions.sequences import Sequences
from crmintel.transactions.timelines import sequences_of


class TransactionLog(Histories):
    """Purchase histories with the customer as the sample axis; frozen.

    ``len(log)`` counts customers, ``log[mask]`` and ``log[indices]`` select them (views: no line is copied), so a
    log passes through scikit-learn's pipelines and cross-validation as rows do. Make one with `from_frame` or
    `from_arrays`; the columns are named there once. Time is the wall clock of the data, to the microsecond.

    Attributes
    ----------
    customers : ndarray of shape (n_customers,)
        The customers' ids, sorted. In a log of snapshots an id stands once per as-of date.
    start, end : numpy.datetime64
        The observed window; a whole day is observed to its last moment.
    as_of : ndarray of shape (n_customers,)
        The day each history ends: ``end``, or the as-of date of the snapshot.
    lines : Lines
        The columns, shared by all views; customer ``i`` owns the lines ``starts[i]`` to ``stops[i] - 1``.
    starts, stops : ndarray of int64
    timezone : str or None
        Time zone whose wall clock the times are on.
    newcomers : int
        In the future half of a split: customers first seen after the split, who are in neither half.
    set_aside : SetAside
        Rows of the input that no history can hold: ``.rows`` and ``.money`` by reason.
    library : str or None
        Frame library the log came from; None for arrays.

    Examples
    --------
    >>> import crmintel as ci
    >>> log = ci.TransactionLog.from_arrays(
    ...     customer=["ann", "bob", "ann"], time=["2024-01-05", "2024-01-09", "2024-03-01"], amount=[30.0, 12.5, 20.0]
    ... )
    >>> log
    TransactionLog(2 customers, 3 purchases, 3 lines, 2024-01-05..2024-03-01)
    >>> log.spend()
    array([50. , 12.5])
    """

    __slots__ = ()

    @classmethod
    def from_frame(
        cls,
        frame: Any,
        *,
        customer: str,
        time: str,
        amount: str | None = None,
        quantity: str | None = None,
        item: str | None = None,
        basket: str | None = None,
        cost: str | None = None,
        discount: str | None = None,
        category: str | None = None,
        keep: Sequence[str] = (),
        end: Any = None,
    ) -> TransactionLog:
        """Read a frame with one row per line (or per purchase); name the columns once.

        Parameters
        ----------
        frame : pandas, polars or pyarrow frame, or dict of arrays
            In any row order.
        customer, time : str
            Columns of the customer's id (any type, one type) and of the time: datetimes, dates or ISO text. Times
            with a zone are read on that zone's wall clock.
        amount, quantity, cost, discount : str, optional
            Number columns: money of the line (negative for a return), units, cost of the goods, discount. Money is
            of the whole line, not per unit: multiply a unit price or a unit cost by the quantity first.
        item, basket, category : str, optional
            Columns that name the product, the receipt and the product's category.
        keep : sequence of str
            Further columns to carry along.
        end : date, optional
            Last observed day; by default the day of the last line. Later lines are set aside and counted.

        Returns
        -------
        TransactionLog

        Raises
        ------
        ColumnError
            If a column is not there.
        InputError, InputTypeError
            For an empty frame, NaN or infinite numbers, ids of mixed type, or times that cannot be read.

        Warns
        -----
        DataWarning
            If rows without customer or time, or after ``end``, are set aside.
        """
        table = open_frame(frame)
        roles = {
            "customer": customer, "time": time, "amount": amount, "quantity": quantity, "cost": cost,
            "discount": discount, "item": item, "basket": basket, "category": category,
        }  # fmt: skip
        read = read_lines(table, roles, keep, end)
        return cls(
            read.customers,
            read.lines,
            read.offsets[:-1].copy(),
            read.offsets[1:].copy(),
            start=read.start,
            end=read.end,
            timezone=read.zone,
            library=table.library,
            set_aside=read.set_aside,
        )

    @classmethod
    def from_arrays(
        cls,
        *,
        customer: ArrayLike,
        time: ArrayLike,
        keep: Mapping[str, ArrayLike] | None = None,
        end: Any = None,
        **columns: Any,
    ) -> TransactionLog:
        """Read one array per column; as `from_frame`, with the arrays themselves in place of names.

        Parameters
        ----------
        customer, time : array-like of shape (n_lines,)
        keep : mapping of str to array-like, optional
            Further columns to carry along.
        end : date, optional
            Last observed day.
        **columns : array-like of shape (n_lines,)
            ``amount``, ``quantity``, ``cost``, ``discount``, ``item``, ``basket``, ``category``.

        Returns
        -------
        TransactionLog
        """
        known = ("amount", "quantity", "cost", "discount", "item", "basket", "category")
        unknown = sorted(set(columns) - set(known))
        if unknown:
            raise InputError(
                f"from_arrays knows no column {unknown}; it knows {list(known)}, others go into keep=."
            )
        roles = {name: name for name, values in columns.items() if values is not None}
        arrays = {"customer": customer, "time": time, **{name: columns[name] for name in roles}}
        if keep is not None and not isinstance(keep, Mapping):
            raise InputTypeError(
                f"keep must map names to arrays, got {type(keep).__name__}; write keep={{'name': values}}."
            )
        extra = dict(keep or {})
        return cls.from_frame(
            {**arrays, **extra}, customer="customer", time="time", keep=list(extra), end=end, **roles
        )

    # -- the calendar -----------------------------------------------------------------------------------------

    def split(self, date: Any) -> tuple[TransactionLog, TransactionLog]:
        """Split in calibration and holdout: the same customers in the same order on both sides.

        Parameters
        ----------
        date : date
            Last day on the left. A moment with a time of day cuts there.

        Returns
        -------
        past, future : TransactionLog
            Both hold exactly the customers seen in ``past``; ``future.newcomers`` counts the others. A customer
            who did not come back has an empty history in ``future``.

        Raises
        ------
        DateRangeError
            If a side would be empty: the date must lie in ``[start, end)``.

        Examples
        --------
        >>> import crmintel as ci
        >>> log = ci.TransactionLog.from_arrays(customer=[1, 2, 1], time=["2024-01-05", "2024-01-09", "2024-03-01"])
        >>> past, future = log.split("2024-01-31")
        >>> past.customers, future.n_lines, str(past.end)
        (array([1, 2]), 1, '2024-01-31')
        """
        cut = self._date(date, "the split date")
        if last_microsecond(cut) >= last_microsecond(self.end):
            raise DateRangeError(f"the split date {cut} must lie before the end of the log ({self.end}).")
        past, cuts, seen = self._until(cut)
        future = self._view(
            customers=past.customers,
            starts=cuts[seen],
            stops=self.stops[seen],
            start=next_moment(cut),
            attributes=past.attributes,
            newcomers=int((~seen).sum()),
        )
        return past, future

    def until(self, date: Any) -> TransactionLog:
        """Return the log as it stood at the end of ``date``: later lines and newcomers are not in it.

        Parameters
        ----------
        date : date
            May lie after the last line: the log is then known to be quiet until that day.

        Returns
        -------
        TransactionLog

        Raises
        ------
        DateRangeError
            If the date lies before the first line.
        """
        return self._until(self._date(date, "the date"))[0]

    def since(self, date: Any) -> TransactionLog:
        """Return the log from ``date`` on: earlier lines, and customers without a later one, are not in it.

        Parameters
        ----------
        date : date
            First day that stays.

        Returns
        -------
        TransactionLog

        Raises
        ------
        DateRangeError
            If the date lies after the end of the log.
        """
        self._need_one_end("since")
        first = self._date(date, "the date")
        if first_microsecond(first) > last_microsecond(self.end):
            raise DateRangeError(f"the date {first} lies after the end of the log ({self.end}).")
        cuts = self._cuts(first_microsecond(first) - 1)
        seen = cuts < self.stops
        return self._select(seen)._view(starts=cuts[seen], start=max(self.start, first))

    def snapshots(self, dates: Sequence[Any]) -> TransactionLog:
        """Return one sample per customer and as-of date: the history up to that date, by pointers.

        Parameters
        ----------
        dates : sequence of dates
            Whole days, each in ``[start, end]``; a customer is a sample at the dates from their first line on.

        Returns
        -------
        TransactionLog
            With ``customers`` and ``as_of`` per sample, date by date.
        """
        days = [] if isinstance(dates, str) or not np.iterable(dates) else list(dates)
        if not days:
            raise InputError(f"dates must be a sequence of at least one date, got {dates!r}.")
        self._need_one_end("snapshots")
        cuts = [self._date(day, "the as-of date") for day in days]
        moment = next((cut for cut in cuts if cut.dtype != np.dtype("datetime64[D]")), None)
        if moment is not None:
            raise DateRangeError(f"the as-of date {moment} has a time of day; snapshots end with whole days.")
        parts = [self._until(cut)[0] for cut in cuts]
        late = [part.end for part in parts if last_microsecond(part.end) > last_microsecond(self.end)]
        if late:
            raise DateRangeError(f"the as-of date {late[0]} lies after the end of the log ({self.end}).")
        return self._view(
            customers=np.concatenate([part.customers for part in parts]),
            starts=np.concatenate([part.starts for part in parts]),
            stops=np.concatenate([part.stops for part in parts]),
            ends=np.concatenate([part.as_of for part in parts]),
            end=max(part.end for part in parts),
            attributes={
                name: np.concatenate([part.attributes[name] for part in parts]) for name in self.attributes
            },
        )

    def _date(self, date: Any, name: str) -> np.datetime64:
        cut = as_date(date, name, self.timezone)
        if last_microsecond(cut) < first_microsecond(self.start):
            raise DateRangeError(f"{name} {cut} lies before the start of the log ({self.start}).")
        return cut

    def _need_one_end(self, method: str) -> None:
        if self._ends is not None:
            raise InputError(f"{method}() needs one end for all customers; this is a log of snapshots.")

    def _cuts(self, last: int) -> NDArray[np.int64]:
        cuts = np.empty(len(self), dtype=np.int64)
        cut_runs(self.starts, self.stops, self.lines.time, np.full(len(self), last, dtype=np.int64), cuts)
        return cuts

    def _until(self, cut: np.datetime64) -> tuple[TransactionLog, NDArray[np.int64], NDArray[np.bool_]]:
        self._need_one_end("until")
        cuts = self._cuts(last_microsecond(cut))
        seen = cuts > self.starts
        if not seen.any():
            raise DateRangeError(f"no customer has a line until {cut}; the log starts {self.start}.")
        return self._select(seen)._view(stops=cuts[seen], end=cut), cuts, seen

    # -- other shapes -----------------------------------------------------------------------------------------

    def with_customers(self, frame: Any, *, customer: str) -> TransactionLog:
        """Attach attributes of customers: the other columns of ``frame``, one row per customer.

        Parameters
        ----------
        frame : frame or dict of arrays
            Customers that are not in the log are left out.
        customer : str
            Its column of ids.

        Returns
        -------
        TransactionLog
            With ``attributes[name]``: NaN (numbers) or None where the frame has no row for a customer.

        Raises
        ------
        InputError
            If a customer has two rows, or none of them is in the log.
        """
        return self._view(attributes={**self.attributes, **attributes_of(self.customers, frame, customer)})

    def baskets(self) -> Baskets:
        """Return the baskets: the distinct items of each receipt, or of each customer's day without receipts.

        Returns
        -------
        Baskets
            Return lines and lines without an item are left out; ``.customers`` is the position of the owner. A receipt
            whose items are all missing is no basket, so that support is a share of the receipts with a known item;
            `Baskets.from_frame` refuses missing items.
        """
        return baskets_of(self)

    def sequences(self, *, level: str = "basket", of: str = "item") -> Sequences:
        """Return each customer's purchases in the order of time: an element is the set bought at one time.

        Parameters
        ----------
        level : {"basket", "hour", "day", "week", "month", "quarter", "year"}, default="basket"
            What makes one element: a receipt (at the time of its first line; receipts of a customer at one time are
            one element, and without receipts a day is), or a period of the calendar (at its first moment).
        of : {"item", "category"}, default="item"
            Which column names what was bought.

        Returns
        -------
        Sequences
            One per customer, in the order of the log, also where nothing was bought. Return lines and lines without
            an item are left out.

        Examples
        --------
        >>> import crmintel as ci
        >>> log = ci.TransactionLog.from_arrays(
        ...     customer=[1, 1, 2], time=["2024-01-05", "2024-01-09", "2024-01-05"], item=["milk", "tea", "tea"]
        ... )
        >>> log.sequences().to_lists()
        [[['milk'], ['tea']], [['tea']]]
        """
        return sequences_of(self, level, of)

    def to_frame(self) -> Any:
        """Return the lines as a frame of the library the log came from (a dict for arrays).

        Returns
        -------
        frame
            Columns ``customer``, ``time`` and those that were named, in customer order.
        """
        lines = self.compact().lines
        columns = {"customer": self.customers[self.owners()], **lines.columns()}
        return build_frame(columns, self.library)
