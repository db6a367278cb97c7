"""The customer summary: frequency, recency, T and monetary value, as the purchase models read them."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from crmintel._compat import output_library
from crmintel._validation import check_names
from crmintel.exceptions import ColumnError, DataWarning, InputError, InputTypeError
from crmintel.features.rows import SUMMARY_COLUMNS, CustomerRows
from crmintel.transactions.calendar import (
    MICROSECONDS_PER_DAY,
    UNIT_DAYS,
    grain_name,
    last_microsecond,
    period_index,
    unit_name,
)
from crmintel.transactions.log import TransactionLog
from crmintel.transactions.reader import LogReader, check_log

EXTRAS = ("spend", "spend_last_year", "sum_log_gaps", "as_of")
_FIXED_GRAINS = {
    "hour": (MICROSECONDS_PER_DAY // 24, 0),
    "day": (MICROSECONDS_PER_DAY, 0),
    "week": (7 * MICROSECONDS_PER_DAY, 3 * MICROSECONDS_PER_DAY),
}
_MONTHS = {"month": 1, "quarter": 3, "year": 12}


class CustomerSummary(LogReader, TransformerMixin, BaseEstimator):
    """Summarise each customer's purchases: the input of the lifetime models.

    ``unit`` is the ruler and ``collapse`` the grain: with ``unit="week", collapse="day"`` the purchases of a day are
    one purchase and 272 days are 38.857 weeks. With ``collapse == unit`` time counts calendar buckets instead: whole
    numbers, weeks from Monday, the end snapped to its bucket too (lifetimes' ``freq="W"``, and the purchase
    opportunities of the BG/BB model in column ``T``).

    A bucket with at least one line that is no return is a purchase, even at a total of 0; a bucket of returns alone
    is none, and its money is not in ``monetary_value`` (lifetimes counts it as a purchase).

    Parameters
    ----------
    unit : str, default="day"
        Unit of ``recency`` and ``T``: second, minute, hour, day, week, month (365.25 / 12 days), quarter, year.
    collapse : str, default="day"
        Calendar bucket in which purchases merge: hour, day, week, month, quarter or year.
    extra : sequence of str, default=()
        Further columns: ``"spend"`` (net money until the end), ``"spend_last_year"`` (of the last 365 days),
        ``"sum_log_gaps"`` (sum of the logarithms of the gaps between purchases, in ``unit``), ``"as_of"`` (the last
        day of the history, counted from 1970-01-01: `SeasonalModel` asks for it), or the name of a
        numeric customer attribute (`TransactionLog.with_customers`).

    Attributes
    ----------
    n_features_out_ : int
        Number of columns that `transform` gives.

    See Also
    --------
    crmintel.RFMScorer : Scores time *since the last purchase*, which is not the recency of this summary.

    References
    ----------
    Fader, Hardie and Lee (2005), "RFM and CLV: Using Iso-Value Curves for Customer Base Analysis", Journal of
    Marketing Research 42(4).

    Examples
    --------
    >>> import crmintel as ci
    >>> log = ci.TransactionLog.from_arrays(
    ...     customer=["ann", "ann", "ann", "bob"],
    ...     time=["2024-01-01", "2024-01-08", "2024-01-22", "2024-01-08"],
    ...     amount=[10.0, 20.0, 40.0, 5.0],
    ...     end="2024-02-05",
    ... )
    >>> ci.CustomerSummary(unit="week").fit_transform(log)
    CustomerRows([[ 2.,  3.,  5., 30.],
                  [ 0.,  0.,  4.,  0.]])
    """

    def __init__(self, unit: str = "day", collapse: str = "day", extra: Sequence[str] = ()) -> None:
        self.unit = unit
        self.collapse = collapse
        self.extra = extra

    def fit(self, X: TransactionLog, y: Any = None) -> Self:
        """Check the parameters against the log; nothing is learned from its values.

        Parameters
        ----------
        X : TransactionLog
        y : None
            Ignored.

        Returns
        -------
        CustomerSummary

        Raises
        ------
        UnitError
            If the unit or the grain is none of the known ones.
        ColumnError
            If an extra is neither known nor a customer attribute of the log.
        """
        self._columns(X)
        self.n_features_out_ = len(SUMMARY_COLUMNS) + len(tuple(self.extra))
        return self

    def transform(self, X: TransactionLog) -> CustomerRows:
        """Summarise each history.

        Parameters
        ----------
        X : TransactionLog

        Returns
        -------
        CustomerRows of shape (n_customers, 4 + number of extras)
            ``frequency`` (repeat purchases), ``recency`` (first to last purchase, in ``unit``), ``T`` (first purchase
            to the end of the history, in ``unit``), ``monetary_value`` (mean money of a repeat purchase; 0 where there
            is none, or where the log has no amounts), then the extras.

        Warns
        -----
        DataWarning
            If customers have returns but no purchase: they get frequency 0 and a T from their first line on.
        """
        check_is_fitted(self)
        unit, grain = self._columns(X)
        if not (X.stops > X.starts).all():
            empty = int((X.stops == X.starts).sum())
            raise InputError(
                f"{empty} of {len(X)} customers have no line, so no first purchase (the future half of a split?). "
                "Summarise the past half, or select log[log.stops > log.starts]."
            )
        periods, grain = _periods(X, unit, grain)
        width, shift = (1, 0) if periods is not None else _FIXED_GRAINS[grain]
        counts, first, last, repeat_spend, log_gaps = X.runs(
            width, shift, periods=periods, gaps="sum_log_gaps" in self.extra
        )
        none = counts == 0
        if none.any():
            warnings.warn(
                f"{int(none.sum())} of {len(X)} customers have returns but no purchase; they count as frequency 0 "
                "from their first line on. LogCleaner removes them.",
                DataWarning,
                stacklevel=2,
            )
        frequency = np.maximum(counts - 1, 0).astype(np.float64)
        recency: NDArray[Any]
        age: NDArray[Any]
        if unit == grain:
            recency, age = last - first, _end_buckets(X, grain) - first
        else:
            day_of_first = _first_day(first, grain)
            last_day = (
                _first_day(_end_buckets(X, grain), grain) if grain == "hour" else X.as_of.astype(np.float64)
            )
            recency = (_first_day(last, grain) - day_of_first) / UNIT_DAYS[unit]
            age = (last_day - day_of_first) / UNIT_DAYS[unit]
        monetary = np.divide(repeat_spend, frequency, out=np.zeros(len(X)), where=frequency > 0)
        columns: list[NDArray[Any]] = [frequency, recency, age, monetary]
        for name in self.extra:
            if name == "spend":
                columns.append(X.spend())
            elif name == "spend_last_year":
                columns.append(_spend_last_year(X))
            elif name == "sum_log_gaps":
                columns.append(log_gaps - frequency * np.log(UNIT_DAYS[unit] / UNIT_DAYS[grain]))
            elif name == "as_of":
                columns.append(X.as_of.astype(np.float64))
            else:
                columns.append(_attribute(X, name))
        rows = CustomerRows(np.column_stack(columns), [*SUMMARY_COLUMNS, *self.extra], unit)
        # scikit-learn would make a frame of pandas that does not know the unit
        return rows.to_frame("pandas") if output_library(self) == "pandas" else rows

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
        return np.array([*SUMMARY_COLUMNS, *self.extra], dtype=object)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.requires_fit = True
        return tags

    def _columns(self, X: Any) -> tuple[str, str]:
        check_log(X)
        unit, grain = unit_name(self.unit), grain_name(self.collapse)
        for name in check_names(self.extra, "extra"):
            if name in SUMMARY_COLUMNS:
                raise ColumnError(
                    f"extra={name!r} is the name of a column of the summary itself; rename the customer attribute."
                )
            if name in ("spend", "spend_last_year"):
                X.lines.need("amount", f"the extra {name!r}")
            elif name not in EXTRAS and name not in X.attributes:
                raise ColumnError(
                    f"extra={name!r} is none of {list(EXTRAS)} nor a customer attribute of the log "
                    f"({list(X.attributes)}); attach attributes with log.with_customers(...)."
                )
        return unit, grain


def _periods(log: TransactionLog, unit: str, grain: str) -> tuple[NDArray[np.int64] | None, str]:
    """Return the bucket of each line where buckets differ in length, and the grain in which buckets are counted.

    Months measured with another ruler are numbered by their first day.
    """
    if grain in _FIXED_GRAINS:
        return None, grain
    buckets = period_index(log.lines.time, grain)
    if unit == grain:
        return buckets, grain
    months = (buckets * _MONTHS[grain]).astype("datetime64[M]")
    return months.astype("datetime64[D]").astype(np.int64), "day"


def _first_day(buckets: NDArray[np.int64], grain: str) -> NDArray[np.float64]:
    """Return the day on which each bucket starts, counted from 1970."""
    if grain == "day":
        return buckets.astype(np.float64)
    width, shift = _FIXED_GRAINS[grain]
    return (buckets * width - shift) / MICROSECONDS_PER_DAY


def _end_buckets(log: TransactionLog, grain: str) -> NDArray[np.int64]:
    if grain == "day":
        return log.as_of.astype(np.int64)
    if grain != "hour":
        return period_index(log.as_of.astype(np.int64) * MICROSECONDS_PER_DAY, grain)
    last = (log.as_of.astype(np.int64) + 1) * MICROSECONDS_PER_DAY - 1
    return period_index(np.minimum(last, last_microsecond(log.end)), grain)


def _spend_last_year(log: TransactionLog) -> NDArray[np.float64]:
    first_days = log.as_of - np.timedelta64(364, "D")
    return log.spend_since(first_days)


def _attribute(log: TransactionLog, name: str) -> NDArray[np.float64]:
    values = log.attributes[name]
    if values.dtype.kind not in "fiub":
        raise InputTypeError(
            f"the customer attribute {name!r} has dtype {values.dtype}; the models need numbers, so encode it as 0/1 "
            "columns before with_customers."
        )
    return values.astype(np.float64)
