"""Behaviour features: how often, how recently, how regularly and how broadly each customer buys."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from crmintel._validation import check_names, check_number
from crmintel.exceptions import ColumnError, InputError, InputTypeError
from crmintel.features.rows import CustomerRows
from crmintel.kernels.behaviour import describe_behaviour
from crmintel.transactions.calendar import MICROSECONDS_PER_DAY, in_days
from crmintel.transactions.log import TransactionLog
from crmintel.transactions.reader import LogReader, check_log

QUARTERS = ("night", "morning", "afternoon", "evening")  # from midnight, 6 hours each
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
FIELDS = ("amount", "quantity", "discount", "item", "category")
_OWN_SHARES = {"discount", "return", *QUARTERS, *WEEKDAYS}
_COUNTED = {"purchases": None, "spend": "amount", "items": "item", "categories": "category"}  # in each window
_WHOLE_HISTORY = np.iinfo(np.int64).max
_MAX_WINDOW = 1_000_000  # days


class BehaviourFeatures(LogReader, TransformerMixin, BaseEstimator):
    """Describe each customer's behaviour on the as-of day of their history: one row per sample of the log.

    Only lines up to a sample's as-of day are in its history (`TransactionLog.as_of`), so a feature cannot see what
    came later. A purchase is a day with at least one line that is no return. Columns for which the log has no field
    are left out: without amounts there are no money columns.

    ======================  =============================================================================  ==========
    column                  meaning                                                                        needs
    ======================  =============================================================================  ==========
    ``purchases_30d``       purchases on the as-of day and the 29 days before; one column a window
    ``spend_30d``           net money of the window, in the currency of the log; one column a window       amount
    ``items_30d``           distinct items bought in the window; one column a window                       item
    ``categories_30d``      distinct categories bought in the window; one column a window                  category
    ``trend_30d``           log((1 + purchases in the window) / (1 + purchases in the window before));
                            NaN when the first purchase is younger than both windows
    ``acceleration_30d``    this trend less the one a window ago: log((1 + purchases in the window)
                            (1 + in the second before) / (1 + in the one before)**2); NaN when younger
                            than three windows
    ``category_shift_30d``  how far the mix of categories has moved: half the sum of the changes of their      category
                            shares of the lines bought, from before the window to within; 0 to 1
    ``purchases``           purchases of the whole history
    ``spend``               net money of the whole history                                                 amount
    ``items``               distinct items ever bought                                                     item
    ``categories``          distinct categories ever bought                                                category
    ``time_since_last``     days from the last purchase to the as-of day
    ``tenure``              days from the first purchase to the as-of day
    ``mean_gap``            mean days between purchases; NaN below 2 purchases
    ``sd_gap``              sample standard deviation of those gaps, in days; NaN below 3 purchases
    ``overdue_ratio``       ``time_since_last / mean_gap``; NaN below 2 purchases
    ``spend_per_purchase``  ``spend / purchases``                                                          amount
    ``discount_share``      share of the lines bought whose discount is not 0                              discount
    ``return_share``        share of all lines that are returns                                            amount or
                                                                                                           quantity
    ``coupon_share``        share of the lines bought where the kept number column ``coupon`` is not 0;    ``shares``
                            one column for each name in ``shares``
    ``night_share``         share of the lines bought from 0 to 6 o'clock; likewise ``morning_share``,     times of day
                            ``afternoon_share`` and ``evening_share``
    ``monday_share``        share of the lines bought on a Monday; one column for each weekday
    ======================  =============================================================================  ==========

    What is undefined is NaN, which `sklearn.ensemble.HistGradientBoostingClassifier` takes as it is; a customer
    without any purchase has counts and sums of 0 and is NaN elsewhere.

    Parameters
    ----------
    windows : sequence of number or str, default=("30D", "90D", "365D")
        Lengths of the windows: days, or text such as ``"13W"``; rounded to whole days, which the names carry. The
        columns come from the shortest window to the longest.
    shares : sequence of str, default=()
        Kept number columns of the log, such as a discount by coupon, of which the share of lines is wanted where they
        are not 0.

    Attributes
    ----------
    fields_ : tuple of str
        Fields of the log that are used, of amount, quantity, discount, item and category: those seen in ``fit``.
    has_hours_ : bool
        Whether the log seen in ``fit`` has times of day.
    windows_ : ndarray of int64
        The windows in days, rising.
    columns_ : tuple of str
        Names of the columns that `transform` gives.

    Examples
    --------
    >>> import crmintel as ci
    >>> log = ci.TransactionLog.from_arrays(
    ...     customer=["ann", "ann", "ann", "bob"],
    ...     time=["2024-01-01", "2024-01-11", "2024-01-31", "2024-01-16"],
    ...     end="2024-02-15",
    ... )
    >>> features = ci.BehaviourFeatures(windows=["30D"]).set_output(transform="pandas")
    >>> features.fit_transform(log)[["purchases_30d", "time_since_last", "mean_gap", "overdue_ratio"]]
       purchases_30d  time_since_last  mean_gap  overdue_ratio
    0            1.0             15.0      15.0            1.0
    1            0.0             30.0       NaN            NaN
    """

    def __init__(
        self, windows: Sequence[Any] = ("30D", "90D", "365D"), *, shares: Sequence[str] = ()
    ) -> None:
        self.windows = windows
        self.shares = shares

    def fit(self, X: TransactionLog, y: Any = None) -> Self:
        """Learn which fields the log has.

        Parameters
        ----------
        X : TransactionLog
        y : None
            Ignored.

        Returns
        -------
        BehaviourFeatures

        Raises
        ------
        InputError
            If a window is not between 1 and 1,000,000 days, two are the same, or a name in ``shares`` is that of a
            share which is a column anyway.
        ColumnError
            If the log does not keep a column named in ``shares``.
        """
        check_log(X)
        for name in check_names(self.shares, "shares"):
            if name in _OWN_SHARES:
                raise InputError(
                    f"shares names {name!r}, but {name}_share is another column; rename the kept column."
                )
        self.windows_ = _window_days(self.windows)
        self.fields_ = tuple(name for name in FIELDS if getattr(X.lines, name) is not None)
        self.has_hours_ = bool((X.lines.time % MICROSECONDS_PER_DAY != 0).any())
        self.columns_ = tuple(self._columns(X[:0]))
        return self

    def transform(self, X: TransactionLog) -> CustomerRows:
        """Describe each history.

        Parameters
        ----------
        X : TransactionLog

        Returns
        -------
        CustomerRows of shape (n_samples, n_columns)
            A float64 array that knows its ``columns``; times are in days.

        Raises
        ------
        ColumnError
            If the log lacks a field that it had in ``fit``.
        """
        check_is_fitted(self)
        check_log(X)
        for name in self.fields_:
            X.lines.need(name, "BehaviourFeatures, which was fitted with it,")
        columns = self._columns(X)
        return CustomerRows(np.column_stack(list(columns.values())), self.columns_, "day")

    def _columns(self, log: TransactionLog) -> dict[str, NDArray[np.float64]]:
        run = _describe(log, self.windows_, self.fields_)
        columns = _columns(run, log.as_of.astype(np.int64), self.windows_.tolist(), self.fields_)
        bought = run["lines"][:, 0]
        for name in self.shares:
            columns[f"{name}_share"] = _ratio(_marked(log, name, self.fields_), bought)
        quarters, days = run["lines"][:, 3:7], run["lines"][:, 7:]
        if self.has_hours_:
            columns.update({f"{name}_share": _ratio(n, bought) for name, n in zip(QUARTERS, quarters.T)})
        columns.update({f"{name}_share": _ratio(n, bought) for name, n in zip(WEEKDAYS, days.T)})
        return columns

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[Any]:
        """Return the column names that `transform` gives.

        Parameters
        ----------
        input_features : None
            Ignored: a log has no features.

        Returns
        -------
        ndarray of str
        """
        check_is_fitted(self)
        return np.array(self.columns_, dtype=object)


def _window_days(windows: Any) -> NDArray[np.int64]:
    if isinstance(windows, str) or not np.iterable(windows):
        raise InputError(f"windows must be a list of lengths, got {windows!r}; write windows=[{windows!r}].")
    days = [round(check_number(in_days(w, "windows"), "windows", low=1, high=_MAX_WINDOW)) for w in windows]
    if len(set(days)) < len(days):
        raise InputError(f"windows must differ; {list(windows)} are {days} days.")
    return np.array(sorted(days), dtype=np.int64)


def _columns(
    run: dict[str, NDArray[Any]], as_of: NDArray[np.int64], windows: Sequence[int], fields: Sequence[str]
) -> dict[str, NDArray[np.float64]]:
    """Name what was found."""
    counted = [name for name, field in _COUNTED.items() if field is None or field in fields]
    n = run["purchases"][:, -1]
    since_last = np.where(n > 0, as_of - run["last"], np.nan)
    tenure = np.where(n > 0, as_of - run["first"], np.nan)
    n_gaps, span = n - 1, tenure - since_last
    mean_gap = _ratio(span, n_gaps)
    variance = _ratio(n_gaps * run["square_gaps"] - span**2, n_gaps * (n_gaps - 1))  # of whole numbers: exact
    bought, discounted, returned = run["lines"][:, :3].T

    columns: dict[str, NDArray[np.float64]] = {}
    for w, days in enumerate(windows):
        columns.update({f"{name}_{days}d": run[name][:, w] for name in counted})
        now, before, earlier = (1 + run[name][:, w] for name in ("purchases", "previous", "earlier"))
        columns[f"trend_{days}d"] = np.where(tenure >= 2 * days - 1, np.log(now / before), np.nan)
        change = np.log(now * earlier / before**2)
        columns[f"acceleration_{days}d"] = np.where(tenure >= 3 * days - 1, change, np.nan)
        if "category" in fields:
            columns[f"category_shift_{days}d"] = run["shift"][:, w]
    columns.update({name: run[name][:, -1] for name in counted})
    columns["time_since_last"] = since_last
    columns["tenure"] = tenure
    columns["mean_gap"] = mean_gap
    columns["sd_gap"] = np.sqrt(variance)
    columns["overdue_ratio"] = _ratio(since_last, mean_gap)
    if "amount" in fields:
        columns["spend_per_purchase"] = _ratio(run["spend"][:, -1], n)
    if "discount" in fields:
        columns["discount_share"] = _ratio(discounted, bought)
    if "amount" in fields or "quantity" in fields:
        columns["return_share"] = _ratio(returned, bought + returned)
    return columns


def _describe(
    log: TransactionLog, windows: NDArray[np.int64], fields: Sequence[str]
) -> dict[str, NDArray[Any]]:
    """Call the kernel with the fields that are used; the last window holds the whole history."""
    n, n_windows = len(log), windows.size + 1
    numbers = {
        name: log.lines.numbers(name) if name in fields else np.empty(0)
        for name in ("amount", "quantity", "discount")
    }
    codes, distinct = {}, {}
    for name in ("item", "category"):
        labels = getattr(log.lines, name) if name in fields else None
        codes[name] = np.empty(0, np.int32) if labels is None else labels.codes
        distinct[name] = 0 if labels is None else labels.values.size
    found = {
        "purchases": np.empty((n, n_windows), np.int64),
        "previous": np.empty((n, n_windows - 1), np.int64),
        "earlier": np.empty((n, n_windows - 1), np.int64),
        "spend": np.empty((n, n_windows) if "amount" in fields else (0, 0)),
        "items": np.empty((n, n_windows) if "item" in fields else (0, 0), np.int64),
        "categories": np.empty((n, n_windows) if "category" in fields else (0, 0), np.int64),
        "shift": np.empty((n, n_windows - 1) if "category" in fields else (0, 0)),
        "first": np.empty(n, np.int64),
        "last": np.empty(n, np.int64),
        "square_gaps": np.empty(n),
        "lines": np.empty((n, 3 + len(QUARTERS) + len(WEEKDAYS)), np.int64),
    }
    describe_behaviour(
        starts=log.starts,
        stops=log.stops,
        time=log.lines.time,
        as_of=log.as_of.astype(np.int64),
        windows=np.append(windows, _WHOLE_HISTORY),
        **numbers,
        **codes,
        item_met=np.full(distinct["item"], -1, np.int64),
        category_lines=np.zeros((distinct["category"], n_windows), np.int64),
        category_found=np.empty(distinct["category"], np.int64),
        **found,
    )
    return found


def _marked(log: TransactionLog, name: str, fields: Sequence[str]) -> NDArray[np.int64]:
    """Return how many of the lines bought by each customer have a value other than 0 in a kept column."""
    values = log.lines.kept.get(name)
    if values is None:
        raise ColumnError(
            f"shares names {name!r}, which the log does not keep; it keeps {sorted(log.lines.kept)}. Name it in "
            f"TransactionLog.from_frame(..., keep=[{name!r}])."
        )
    if values.dtype.kind not in "biuf":
        raise InputTypeError(f"shares needs number columns, but {name!r} holds {values.dtype}.")
    bought = np.isfinite(values) & (values != 0)
    for field in ("amount", "quantity"):
        if field in fields:
            bought &= getattr(log.lines, field) >= 0
    so_far = np.concatenate([[0], np.cumsum(bought)])
    return so_far[log.stops] - so_far[log.starts]


def _ratio(above: NDArray[Any], below: NDArray[Any]) -> NDArray[np.float64]:
    """Divide, NaN where the divisor is not positive."""
    return np.divide(above, below, out=np.full(len(above), np.nan), where=below > 0)
