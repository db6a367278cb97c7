"""Cleaning a log, with a report in which every row and every cent of the input is accounted for."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, TransformerMixin

from crmintel._frames import build_frame
from crmintel._validation import check_choice
from crmintel.exceptions import DateRangeError, InputError
from crmintel.transactions.calendar import MICROSECONDS_PER_DAY, as_date, last_microsecond
from crmintel.transactions.lines import Lines
from crmintel.transactions.log import TransactionLog
from crmintel.transactions.reader import LogReader, check_log
from crmintel.transactions.returns import is_return, undo_returns


@dataclass(frozen=True)
class CleaningReport:
    """What a cleaning left out and why; rows and money add up to the input.

    Attributes
    ----------
    rows, money : dict of str to int, float
        Rows left out and their net money, by reason. A return matched to its purchase leaves out both, net 0 but
        for what rounding left.
    rows_kept, money_kept : int, float
        What the cleaned log holds.
    n_reduced : int
        Purchase lines that stay with a smaller amount, because a part of them came back.
    n_customers_left_out : int
        Customers of whom no line stayed.
    library : str or None
        Frame library of the log.
    """

    rows: dict[str, int]
    money: dict[str, float]
    rows_kept: int
    money_kept: float
    n_reduced: int
    n_customers_left_out: int
    library: str | None = None

    @property
    def rows_in(self) -> int:
        """Rows of the input: those kept and those left out."""
        return self.rows_kept + sum(self.rows.values())

    @property
    def money_in(self) -> float:
        """Money of the input: that kept and that left out."""
        return self.money_kept + sum(self.money.values())

    def to_frame(self) -> Any:
        """Return the report as a frame with the columns ``reason``, ``rows``, ``money``."""
        reasons = ["input", *self.rows, "kept"]
        return build_frame(
            {
                "reason": np.array(reasons, dtype=object),
                "rows": np.array([self.rows_in, *self.rows.values(), self.rows_kept], dtype=np.int64),
                "money": np.array([self.money_in, *self.money.values(), self.money_kept]),
            },
            self.library,
        )

    def __repr__(self) -> str:
        entries = [("input", self.rows_in, self.money_in)]
        entries += [(f"- {reason}", self.rows[reason], self.money[reason]) for reason in self.rows]
        entries += [("kept", self.rows_kept, self.money_kept)]
        width = max(len(name) for name, _, _ in entries)
        lines = [f"{name:<{width}} {rows:>12,} rows {money:>z18,.2f}" for name, rows, money in entries]
        lines.append(
            f"{self.n_reduced:,} purchases reduced by partial returns; "
            f"{self.n_customers_left_out:,} customers without any line left"
        )
        return "\n".join(lines)


class LogCleaner(LogReader, TransformerMixin, BaseEstimator):
    """Clean a log: impossible dates, exact duplicates, returns, zero amounts. Currency is left alone.

    It runs before a pipeline, since it may leave out customers. Each line has at most one reason to go: first
    impossible and future dates, then duplicates, then returns, then zero amounts; rows that
    `TransactionLog.from_frame` set aside are reported too.

    Parameters
    ----------
    returns : {"match", "net", "drop", "keep"}, default="match"
        A return is a line with a negative amount or quantity. ``"match"`` undoes the purchase it belongs to: the
        customer's latest earlier purchase of that item with exactly that amount, or else the latest ones as far as
        it takes; of a purchase that came back in part, the same share of quantity, cost and discount goes.
        ``"net"`` takes returns out of the customer's latest earlier purchases of any item. ``"drop"`` leaves returns
        out, ``"keep"`` leaves them in. What no purchase can take is an unmatched return and left out, and so is
        a return without negative money (its quantity is negative and its amount is not).
    duplicates : {"drop", "keep"}, default="drop"
        Whether lines equal in every column are left out but for the first. Logs without times of day, items and
        receipts cannot tell a duplicate from a second equal purchase: keep them there.
    zero : {"keep", "drop"}, default="keep"
        Whether lines with an amount of 0 (gifts, coupons) stay.
    earliest : date, default="1980-01-01"
        Lines before this day are left out as impossible.
    latest : date or "today", default="today"
        Lines after this day are left out as lying in the future; today ends where it ends last on Earth.

    Attributes
    ----------
    report_ : CleaningReport
        Rows and money by reason, of the log cleaned last.

    Examples
    --------
    >>> import crmintel as ci
    >>> log = ci.TransactionLog.from_arrays(
    ...     customer=["ann", "ann", "ann", "bob", "bob"],
    ...     time=["2024-01-05", "2024-01-06", "2024-01-09", "2024-01-07", "2024-01-07"],
    ...     item=["tea", "cup", "tea", "tea", "tea"],
    ...     amount=[30.0, 12.5, -30.0, 5.0, 5.0],
    ... )
    >>> cleaner = ci.LogCleaner()
    >>> cleaner.fit_transform(log).spend()
    array([12.5,  5. ])
    >>> cleaner.report_
    input                       5 rows              22.50
    - duplicate                 1 rows               5.00
    - matched return            2 rows               0.00
    kept                        2 rows              17.50
    0 purchases reduced by partial returns; 0 customers without any line left
    """

    def __init__(
        self,
        returns: str = "match",
        duplicates: str = "drop",
        zero: str = "keep",
        earliest: Any = "1980-01-01",
        latest: Any = "today",
    ) -> None:
        self.returns = returns
        self.duplicates = duplicates
        self.zero = zero
        self.earliest = earliest
        self.latest = latest

    def fit(self, X: TransactionLog, y: Any = None) -> Self:
        """Clean a log for its report.

        Parameters
        ----------
        X : TransactionLog
        y : None
            Ignored.

        Returns
        -------
        LogCleaner
        """
        self._clean(X)
        return self

    def fit_transform(self, X: TransactionLog, y: Any = None, **fit_params: Any) -> TransactionLog:
        """Clean a log and keep the report.

        Parameters
        ----------
        X : TransactionLog
        y : None
            Ignored.
        **fit_params : dict
            Ignored.

        Returns
        -------
        TransactionLog
        """
        return self._clean(X)

    def transform(self, X: TransactionLog) -> TransactionLog:
        """Clean a log by the same rules; `report_` is then about this log.

        Parameters
        ----------
        X : TransactionLog

        Returns
        -------
        TransactionLog
            With the customers of whom a line stays.

        Raises
        ------
        InputError
            If no line stays.
        """
        return self._clean(X)

    def set_output(self, *, transform: str | None = None) -> Self:
        """Change nothing: a cleaned log stays a log, so that pipelines with a cleaner in front can choose frames.

        Parameters
        ----------
        transform : str, optional
            Ignored.

        Returns
        -------
        LogCleaner
        """
        return self

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.requires_fit = False
        return tags

    def _clean(self, X: Any) -> TransactionLog:
        check_log(X)
        check_choice(self.returns, "returns", ("match", "net", "drop", "keep"))
        check_choice(self.duplicates, "duplicates", ("drop", "keep"))
        check_choice(self.zero, "zero", ("keep", "drop"))
        log = X.compact()
        lines, owners = log.lines, log.owners()
        ledger = _Ledger(lines)
        self._drop_dates(log, ledger)
        start, end = _window(log, ledger.keep)
        if self.duplicates == "drop":
            ledger.drop(_duplicates(lines, owners, ledger.keep), "duplicate")
        if self.returns != "keep":
            lines = self._undo_returns(lines, owners, ledger)
        if self.zero == "drop" and lines.amount is not None:
            ledger.drop(lines.amount == 0.0, "zero amount")
        if not ledger.keep.any():
            raise InputError(
                f"no line of {len(lines)} is left after cleaning: {ledger.rows}. Loosen the rules."
            )
        cleaned = _kept_log(log, lines, owners, ledger.keep, start, end)
        self.report_ = CleaningReport(
            rows={**X.set_aside.rows, **ledger.rows},
            money={**X.set_aside.money, **ledger.money},
            rows_kept=len(cleaned.lines),
            money_kept=0.0 if cleaned.lines.amount is None else float(cleaned.lines.amount.sum()),
            n_reduced=ledger.n_reduced,
            n_customers_left_out=len(log) - len(cleaned),
            library=log.library,
        )
        return cleaned

    def _drop_dates(self, log: TransactionLog, ledger: _Ledger) -> None:
        earliest = as_date(self.earliest, "earliest", log.timezone)
        if isinstance(self.latest, str) and self.latest == "today":
            # A log without a time zone may come from the Line Islands, 14 hours ahead of UTC.
            latest: np.datetime64 = np.datetime64(
                dt.datetime.now(dt.timezone(dt.timedelta(hours=14))).date(), "D"
            )
        else:
            latest = as_date(self.latest, "latest", log.timezone)
        if latest < earliest:
            raise DateRangeError(f"latest={latest} lies before earliest={earliest}.")
        time = log.lines.time
        ledger.drop(time < int(earliest.astype("datetime64[us]").astype(np.int64)), "impossible date")
        ledger.drop(time > last_microsecond(latest), "future date")

    def _undo_returns(self, lines: Lines, owners: NDArray[np.int64], ledger: _Ledger) -> Lines:
        returns = ledger.keep & is_return(lines)
        if self.returns == "drop" or not returns.any():
            ledger.drop(returns, "return")
            return lines
        undone = undo_returns(lines, owners, ledger.keep, returns, by_item=self.returns == "match")
        ledger.n_reduced = undone.n_reduced
        ledger.drop(undone.matched, "matched return", money=undone.matched_money)
        ledger.drop(undone.unmatched, "unmatched return", money=undone.unmatched_money)
        return undone.lines


class _Ledger:
    """Which lines stay, and the account of those that do not."""

    def __init__(self, lines: Lines) -> None:
        self.amount = lines.amount
        self.keep = np.ones(len(lines), dtype=bool)
        self.rows: dict[str, int] = {}
        self.money: dict[str, float] = {}
        self.n_reduced = 0

    def drop(self, lines: NDArray[np.bool_], reason: str, money: float | None = None) -> None:
        gone = lines & self.keep
        if gone.any():
            self.keep &= ~gone
            self.rows[reason] = int(gone.sum())
            if money is None:
                money = 0.0 if self.amount is None else float(self.amount[gone].sum())
            self.money[reason] = money


def _duplicates(lines: Lines, owners: NDArray[np.int64], keep: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Mark lines equal to an earlier one in every column: by a hash first, then exactly among equal hashes."""
    keys = [owners, *lines.keys()]
    mixed = np.zeros(len(lines), dtype=np.uint64)
    for key in keys:
        mixed = (mixed ^ key.astype(np.int64).view(np.uint64)) * np.uint64(0x9E3779B97F4A7C15)
        mixed ^= mixed >> np.uint64(29)
    order = np.argsort(mixed, kind="stable")
    equal = mixed[order][1:] == mixed[order][:-1]
    candidates = np.zeros(len(lines), dtype=bool)
    candidates[order[1:][equal]] = candidates[order[:-1][equal]] = True
    rows = np.flatnonzero(candidates & keep)
    order = rows[np.lexsort([key[rows] for key in keys])]
    same = np.ones(max(order.size - 1, 0), dtype=bool)
    for key in keys:
        same &= key[order][1:] == key[order][:-1]
    duplicates = np.zeros(len(lines), dtype=bool)
    duplicates[order[1:][same]] = True
    return duplicates


def _window(log: TransactionLog, keep: NDArray[np.bool_]) -> tuple[np.datetime64, np.datetime64]:
    """Return the observed window; lines whose dates are wrong do not set it."""
    start, end = log.start, log.end
    if keep.all() or not keep.any():
        return start, end
    first, last, kept_first, kept_last = (
        np.datetime64(int(moment // MICROSECONDS_PER_DAY), "D")
        for times in (log.lines.time, log.lines.time[keep])
        for moment in (times.min(), times.max())
    )
    return kept_first if start == first else start, kept_last if end == last else end


def _kept_log(
    log: TransactionLog,
    lines: Lines,
    owners: NDArray[np.int64],
    keep: NDArray[np.bool_],
    start: np.datetime64,
    end: np.datetime64,
) -> TransactionLog:
    counts = np.bincount(owners[keep], minlength=len(log))
    seen = counts > 0
    offsets = np.concatenate([[0], np.cumsum(counts[seen])])
    kept = lines.take(np.flatnonzero(keep))
    return log.rebuilt(seen, kept, offsets[:-1].copy(), offsets[1:].copy(), start=start, end=end)
