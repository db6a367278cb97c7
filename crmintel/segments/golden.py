"""Golden customers: those who spend much, and steadily."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from crmintel._validation import check_number, exact
from crmintel.exceptions import InputError
from crmintel.features.rows import CustomerRows
from crmintel.segments._money import ceil_of
from crmintel.segments._periods import activity, whole_periods
from crmintel.transactions.log import TransactionLog
from crmintel.transactions.reader import LogReader, check_log

COLUMNS = ("periods", "money_per_period", "variation", "active_share")
LABELS = GOLDEN, UNSTEADY, STEADY, OTHER, NEW = "golden", "high but unsteady", "steady", "other", "too new"


class GoldenCustomers(LogReader, TransformerMixin, BaseEstimator):
    """Tell customers of high and stable spend from those of one great order.

    Parameters
    ----------
    top : float, default=0.2
        Share of the customers, by money per period, whose spend counts as high.
    max_variation : float, default=1.0
        Largest coefficient of variation of the money per period that counts as stable: the standard deviation of a
        sample (``ddof=1``) over the mean.
    unit : {"day", "week", "month", "quarter", "year"}, default="month"
        Periods of the calendar.
    min_periods : int, default=3
        Whole periods that a customer must have been seen for, from the one of the first purchase on.

    Attributes
    ----------
    edge_ : float
        Money per period that a customer must exceed to be high.
    labels_ : ndarray of str
        What `predict` may answer, best first: `segment_history` takes it for the order of the segments.
    unit_ : str
        Full name of the unit.

    See Also
    --------
    ValueTiers : Tiers by money alone.
    SegmentProfile : What distinguishes golden customers, given other columns.

    Examples
    --------
    >>> import crmintel as ci
    >>> months = [f"2024-{m:02d}-10" for m in range(1, 7)]
    >>> log = ci.TransactionLog.from_arrays(
    ...     customer=["ann"] * 6 + ["bob"] + ["cid"] * 6,
    ...     time=[*months, "2024-01-15", *months],
    ...     amount=[50.0, 60, 55, 50, 65, 60] + [400.0] + [5.0] * 6,
    ...     end="2024-06-30",
    ... )
    >>> golden = ci.GoldenCustomers(top=0.6, min_periods=2).fit(log)
    >>> golden.predict(log).tolist()
    ['golden', 'high but unsteady', 'steady']
    """

    def __init__(
        self, *, top: float = 0.2, max_variation: float = 1.0, unit: str = "month", min_periods: int = 3
    ) -> None:
        self.top = top
        self.max_variation = max_variation
        self.unit = unit
        self.min_periods = min_periods

    def fit(self, X: TransactionLog, y: Any = None) -> GoldenCustomers:
        """Learn how much is much.

        Parameters
        ----------
        X : TransactionLog
            With amounts.
        y : None
            Ignored.

        Returns
        -------
        GoldenCustomers
            The fitted estimator.

        Raises
        ------
        ColumnError
            If the log has no amounts.
        DateRangeError
            If it does not hold one whole period.
        InputError
            If no customer was seen for ``min_periods``.
        """
        check_number(self.top, "top", low=0.0, high=1.0, strict_low=True)
        check_number(self.max_variation, "max_variation", low=0.0)
        least = check_number(self.min_periods, "min_periods", low=2, integer=True)
        rows = self._describe(X)
        known = rows[:, 0] >= least
        if not known.any():
            raise InputError(
                f"no customer was seen for min_periods={least} whole periods of a {self.unit}; the longest for "
                f"{int(rows[:, 0].max(initial=0))}. Take a shorter unit or fewer periods."
            )
        self.labels_ = np.array(LABELS)
        self.unit_ = whole_periods(X, self.unit, partial=True).grain
        falling = np.sort(rows[known, 1])[::-1]
        best = ceil_of(exact(self.top), falling.size)
        self.edge_ = float(falling[best]) if best < falling.size else -np.inf
        return self

    def transform(self, X: TransactionLog) -> CustomerRows:
        """Return ``periods, money_per_period, variation, active_share`` of each customer.

        Parameters
        ----------
        X : TransactionLog
            With amounts.

        Returns
        -------
        CustomerRows of shape (n_customers, 4)
            Whole periods from the first purchase on; the mean and the coefficient of variation of the money in them
            (NaN below two periods or without money); and the share of them with a purchase.
        """
        check_is_fitted(self)
        return CustomerRows(self._describe(X), COLUMNS)

    def predict(self, X: TransactionLog) -> NDArray[np.str_]:
        """Return ``golden``, ``high but unsteady``, ``steady``, ``other`` or ``too new`` for each customer."""
        check_is_fitted(self)
        periods, mean, variation, _ = self._describe(X).T
        high, stable = mean > self.edge_, variation <= self.max_variation
        return np.select(
            [periods < self.min_periods, high & stable, high, stable], [NEW, GOLDEN, UNSTEADY, STEADY], OTHER
        )

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[Any]:
        """Return the names of the columns of `transform`."""
        return np.array(COLUMNS, dtype=object)

    def _describe(self, X: TransactionLog) -> NDArray[np.float64]:
        check_log(X)
        periods = whole_periods(X, self.unit, partial_start=True)
        entries = activity(X, periods, "GoldenCustomers")
        begin = np.full(len(X), len(periods))
        np.minimum.at(begin, entries.owner, entries.period)
        seen = len(periods) - begin
        owner, money = entries.owner, entries.money
        active = np.bincount(owner, minlength=len(X))
        with np.errstate(invalid="ignore", divide="ignore"):
            mean = np.bincount(owner, money, len(X)) / seen
            away = np.bincount(owner, (money - mean[owner]) ** 2, len(X)) + (seen - active) * mean**2
            variation = np.sqrt(away / (seen - 1.0)) / mean
            share = active / seen
        variation[(seen < 2) | (mean <= 0.0)] = np.nan
        return np.column_stack([seen, np.where(seen > 0, mean, np.nan), variation, share])
