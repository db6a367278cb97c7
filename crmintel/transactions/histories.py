"""A frozen ragged array: one history per customer, pointers into shared lines."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from crmintel._cells import read_only
from crmintel.exceptions import InputError, InputTypeError
from crmintel.kernels.runs import cut_runs, gather_runs, sum_runs, summarize_runs
from crmintel.transactions.calendar import MICROSECONDS_PER_DAY
from crmintel.transactions.lines import Lines
from crmintel.transactions.reading import SetAside

_NOTHING = SetAside({}, {})


class Histories:
    """What `TransactionLog` is made of: the sample axis, its selection, its sums. See there."""

    __slots__ = (
        "_ends", "attributes", "customers", "end", "library", "lines", "newcomers", "set_aside", "start", "starts",
        "stops", "timezone",
    )  # fmt: skip

    customers: NDArray[Any]
    lines: Lines
    starts: NDArray[np.int64]
    stops: NDArray[np.int64]
    start: np.datetime64
    end: np.datetime64
    _ends: NDArray[np.datetime64] | None
    attributes: dict[str, NDArray[Any]]
    timezone: str | None
    library: str | None
    newcomers: int
    set_aside: SetAside

    def __init__(
        self,
        customers: NDArray[Any],
        lines: Lines | None = None,
        starts: NDArray[np.int64] | None = None,
        stops: NDArray[np.int64] | None = None,
        *,
        start: np.datetime64 | None = None,
        end: np.datetime64 | None = None,
        ends: NDArray[np.datetime64] | None = None,
        attributes: dict[str, NDArray[Any]] | None = None,
        timezone: str | None = None,
        library: str | None = None,
        newcomers: int = 0,
        set_aside: SetAside = _NOTHING,
    ) -> None:
        if not isinstance(lines, Lines):
            raise InputTypeError(
                "a TransactionLog is made by TransactionLog.from_frame(frame, customer=..., time=...) or from_arrays."
            )
        put = object.__setattr__
        put(self, "customers", read_only(customers))
        put(self, "lines", lines)
        put(self, "starts", starts)
        put(self, "stops", stops)
        put(self, "start", start)
        put(self, "end", end)
        put(self, "_ends", ends)
        put(self, "attributes", attributes or {})
        put(self, "timezone", timezone)
        put(self, "library", library)
        put(self, "newcomers", newcomers)
        put(self, "set_aside", set_aside)

    # -- the sample axis --------------------------------------------------------------------------------------

    def __len__(self) -> int:
        return self.customers.shape[0]

    @property
    def shape(self) -> tuple[int]:
        """``(n_customers,)``: the log has one axis, the customers."""
        return (len(self),)

    def __getitem__(self, key: Any) -> Self:
        if isinstance(key, tuple):
            if len(key) != 2 or key[1] is not Ellipsis:
                raise InputError(f"a log has one axis, the customers; got the index {key!r}.")
            key = key[0]
        index = np.asarray(key) if not isinstance(key, slice) else key
        if isinstance(index, np.ndarray):
            if index.dtype == bool and index.shape != (len(self),):
                raise InputError(f"a mask over this log needs {len(self)} values, got {index.shape}.")
            if index.size == 0:
                index = index.astype(np.int64)
            if index.dtype.kind not in "iub":
                raise InputTypeError(
                    f"customers are selected by position, slice or mask; got {key!r} ({index.dtype}). By id: "
                    "log[log.customers == id], or log[numpy.isin(log.customers, ids)]."
                )
            index = np.atleast_1d(index)
            if index.ndim > 1:
                raise InputError(f"a log has one axis, the customers; got an index of shape {index.shape}.")
        return self._select(index)

    def __array__(self, *args: Any, **kwargs: Any) -> NDArray[Any]:
        raise InputTypeError(
            "a TransactionLog is no array of numbers; CustomerSummary and BehaviourFeatures make rows of it."
        )

    def __iter__(self) -> Iterator[Self]:
        return (self[i] for i in range(len(self)))

    def _select(self, index: Any) -> Self:
        return self._view(
            customers=self.customers[index],
            starts=np.ascontiguousarray(self.starts[index]),
            stops=np.ascontiguousarray(self.stops[index]),
            ends=None if self._ends is None else self._ends[index],
            attributes={name: values[index] for name, values in self.attributes.items()},
        )

    def _view(self, **changes: Any) -> Self:
        same: dict[str, Any] = {
            "customers": self.customers, "lines": self.lines, "starts": self.starts, "stops": self.stops,
            "start": self.start, "end": self.end, "ends": self._ends, "attributes": self.attributes,
            "timezone": self.timezone, "library": self.library,
        }  # fmt: skip
        return type(self)(**{**same, **changes})

    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError(
            f"a TransactionLog is frozen; {name!r} cannot be set. Its methods return new logs."
        )

    def __delattr__(self, name: str) -> None:
        raise AttributeError(f"a TransactionLog is frozen; {name!r} cannot be removed.")

    def __reduce__(self) -> Any:
        log = self.compact()
        return _restore, (
            type(log),
            {name: getattr(log, name) for name in Histories.__slots__},
        )

    def __repr__(self) -> str:
        return (
            f"TransactionLog({len(self):,} customers, {self.n_purchases:,} purchases, {self.n_lines:,} lines, "
            f"{self.start.astype('datetime64[D]')}..{self.end.astype('datetime64[D]')})"
        )

    # -- sizes and sums ---------------------------------------------------------------------------------------

    @property
    def n_customers(self) -> int:
        """Number of customers, ``len(log)``."""
        return len(self)

    @property
    def n_lines(self) -> int:
        """Number of lines of all customers."""
        return int((self.stops - self.starts).sum())

    @property
    def n_purchases(self) -> int:
        """Number of purchases of all customers, see `purchases`."""
        return int(self.purchases().sum())

    @property
    def as_of(self) -> NDArray[np.datetime64]:
        """The day each customer's history ends: ``end``, or the as-of date of a snapshot."""
        if self._ends is not None:
            return self._ends
        return np.full(len(self), self.end.astype("datetime64[D]"), dtype="datetime64[D]")

    def purchases(self) -> NDArray[np.int64]:
        """Return the number of purchases per customer: days with at least one line that is no return.

        Returns
        -------
        ndarray of int64, shape (n_customers,)
        """
        return self.runs(MICROSECONDS_PER_DAY, 0)[0]

    def time_since_last(self) -> NDArray[np.float64]:
        """Return the days from each customer's last purchase day to the end of their history; NaN without one.

        Returns
        -------
        ndarray of float64, shape (n_customers,)
        """
        counts, _, last, _, _ = self.runs(MICROSECONDS_PER_DAY, 0)
        days = self.as_of.astype(np.int64) - last
        return np.where(counts > 0, days, np.nan)

    def spend(self) -> NDArray[np.float64]:
        """Return the net money of each customer: purchases less returns.

        Returns
        -------
        ndarray of float64, shape (n_customers,)
        """
        sums = np.empty(len(self))
        sum_runs(self.starts, self.stops, self.lines.need("amount", "spend"), sums)
        return sums

    def spend_since(self, first_days: NDArray[np.datetime64]) -> NDArray[np.float64]:
        """Return the net money of each customer from a day on.

        Parameters
        ----------
        first_days : ndarray of datetime64[D], shape (n_customers,)
            First day that counts, for each customer.

        Returns
        -------
        ndarray of float64, shape (n_customers,)
        """
        before, sums = np.empty(len(self), dtype=np.int64), np.empty(len(self))
        last = first_days.astype(np.int64) * MICROSECONDS_PER_DAY - 1
        cut_runs(self.starts, self.stops, self.lines.time, last, before)
        sum_runs(before, self.stops, self.lines.need("amount", "spend"), sums)
        return sums

    def runs(
        self, width: int, shift: int, periods: NDArray[np.int64] | None = None, gaps: bool = False
    ) -> tuple[
        NDArray[np.int64], NDArray[np.int64], NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]
    ]:
        """Merge each history into buckets of ``width`` microseconds and describe the purchases among them.

        Parameters
        ----------
        width, shift : int
            A line belongs to the bucket ``(time + shift) // width``.
        periods : ndarray of int64, shape (n_lines of ``lines``,), optional
            Bucket numbers that stand in for ``time`` where buckets differ in length (months).
        gaps : bool, default=False
            Whether to sum the logarithms of the gaps; ``log_gaps`` is empty otherwise.

        Returns
        -------
        counts, first, last, repeat_spend, log_gaps : ndarray of shape (n_customers,)
            See `crmintel.kernels.runs.summarize_runs`.
        """
        n = len(self)
        counts, first, last = np.empty(n, np.int64), np.empty(n, np.int64), np.empty(n, np.int64)
        repeat_spend, log_gaps = np.empty(n), np.empty(n if gaps else 0)
        summarize_runs(
            starts=self.starts,
            stops=self.stops,
            time=self.lines.time if periods is None else periods,
            amount=self.lines.numbers("amount"),
            quantity=self.lines.numbers("quantity"),
            width=width,
            shift=shift,
            counts=counts,
            first=first,
            last=last,
            spend=repeat_spend,
            log_gaps=log_gaps,
        )
        return counts, first, last, repeat_spend, log_gaps

    def compact(self) -> Self:
        """Return the same log with lines of its own: only its customers' lines, customer by customer."""
        offsets = np.append(0, np.cumsum(self.stops - self.starts))
        if offsets[-1] == len(self.lines) and np.array_equal(self.starts, offsets[:-1]):
            return self
        return self._view(
            lines=self.lines.take(self.line_numbers()),
            starts=offsets[:-1].copy(),
            stops=offsets[1:].copy(),
            newcomers=self.newcomers,
            set_aside=self.set_aside,
        )

    def rebuilt(
        self,
        chosen: NDArray[np.bool_],
        lines: Lines,
        starts: NDArray[np.int64],
        stops: NDArray[np.int64],
        *,
        start: np.datetime64,
        end: np.datetime64,
    ) -> Self:
        """Return the ``chosen`` customers on other lines, in another window."""
        return self._select(chosen)._view(lines=lines, starts=starts, stops=stops, start=start, end=end)

    def line_numbers(self) -> NDArray[np.int64]:
        """Return the positions in ``lines`` of all lines of this log, customer by customer."""
        numbers = np.empty(self.n_lines, dtype=np.int64)
        gather_runs(self.starts, self.stops, numbers)
        return numbers

    def owners(self) -> NDArray[np.int64]:
        """Return, for each of `line_numbers`, the position of its customer."""
        return np.repeat(np.arange(len(self)), self.stops - self.starts)


def _restore(kind: type[Histories], state: dict[str, Any]) -> Histories:
    log = object.__new__(kind)
    for name, value in {**state, "customers": read_only(state["customers"])}.items():
        object.__setattr__(log, name, value)
    return log
