"""Behaviour features: how often, how recently, how regularly and how broadly each customer buys."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from crmintel._validation import check_number
from crmintel.exceptions import InputError
from crmintel.features.rows import CustomerRows
from crmintel.kernels.behaviour import describe_behaviour
from crmintel.transactions.calendar import in_days
from crmintel.transactions.log import TransactionLog
from crmintel.transactions.reader import LogReader, check_log

FIELDS = ("amount", "quantity", "discount", "item", "category")
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
    ``acceleration_30d``    this trend less the one a window ago: log((1 + purchases in the window) (1 + in the
                            second before) / (1 + in the one before)**2); NaN when younger than three windows
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

    Attributes
    ----------
    fields_ : tuple of str
        Fields of the log that are used, of amount, quantity, discount, item and category: those seen in ``fit``.
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

    def __init__(self, windows: Sequence[Any] = ("30D", "90D", "365D")) -> None:
        self.windows = windows

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
            If a window is not between 1 and 1,000,000 days, or two are the same.
        """
        check_log(X)
        self.windows_ = _window_days(self.windows)
        self.fields_ = tuple(name for name in FIELDS if getattr(X.lines, name) is not None)
        self.columns_ = tuple(_columns(X[:0], self.windows_, self.fields_))
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
        columns = _columns(X, self.windows_, self.fields_)
        return CustomerRows(np.column_stack(list(columns.values())), self.columns_, "day")

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
    log: TransactionLog, windows: NDArray[np.int64], fields: Sequence[str]
) -> dict[str, NDArray[np.float64]]:
    """Describe each history and name what was found."""
    run = _describe(log, windows, fields)
    counted = [name for name, field in _COUNTED.items() if field is None or field in fields]
    n = run["purchases"][:, -1]
    since_last = np.where(n > 0, log.as_of.astype(np.int64) - run["last"], np.nan)
    tenure = np.where(n > 0, log.as_of.astype(np.int64) - run["first"], np.nan)
    n_gaps, span = n - 1, tenure - since_last
    mean_gap = _ratio(span, n_gaps)
    variance = _ratio(n_gaps * run["square_gaps"] - span**2, n_gaps * (n_gaps - 1))  # of whole numbers: exact
    bought, discounted, returned = run["lines"].T

    columns: dict[str, NDArray[np.float64]] = {}
    for w, days in enumerate(windows.tolist()):
        columns.update({f"{name}_{days}d": run[name][:, w] for name in counted})
        change = np.log((1 + run["purchases"][:, w]) / (1 + run["previous"][:, w]))
        columns[f"trend_{days}d"] = np.where(tenure >= 2 * days - 1, change, np.nan)
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
    codes, met = {}, {}
    for name in ("item", "category"):
        labels = getattr(log.lines, name) if name in fields else None
        codes[name] = np.empty(0, np.int32) if labels is None else labels.codes
        met[f"{name}_met"] = np.full(0 if labels is None else labels.values.size, -1, np.int64)
    found = {
        "purchases": np.empty((n, n_windows), np.int64),
        "previous": np.empty((n, n_windows - 1), np.int64),
        "spend": np.empty((n, n_windows) if "amount" in fields else (0, 0)),
        "items": np.empty((n, n_windows) if "item" in fields else (0, 0), np.int64),
        "categories": np.empty((n, n_windows) if "category" in fields else (0, 0), np.int64),
        "first": np.empty(n, np.int64),
        "last": np.empty(n, np.int64),
        "square_gaps": np.empty(n),
        "lines": np.empty((n, 3), np.int64),
    }
    describe_behaviour(
        starts=log.starts,
        stops=log.stops,
        time=log.lines.time,
        as_of=log.as_of.astype(np.int64),
        windows=np.append(windows, _WHOLE_HISTORY),
        **numbers,
        **codes,
        **met,
        **found,
    )
    return found


def _ratio(above: NDArray[Any], below: NDArray[Any]) -> NDArray[np.float64]:
    """Divide, NaN where the divisor is not positive."""
    return np.divide(above, below, out=np.full(len(above), np.nan), where=below > 0)
