"""Loyalty as it shows in behaviour: who keeps coming, more and more, for more and more things, since long."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from crmintel._validation import check_number
from crmintel.exceptions import InputError, InputTypeError
from crmintel.features.rows import CustomerRows
from crmintel.segments._periods import Activity, activity, whole_periods
from crmintel.transactions.calendar import MICROSECONDS_PER_DAY
from crmintel.transactions.log import TransactionLog
from crmintel.transactions.reader import LogReader, check_log

PARTS = ("active_share", "trend", "breadth", "tenure")


class LoyaltyIndex(LogReader, TransformerMixin, BaseEstimator):
    """Measure behavioural loyalty from 0 to 1: the weighted mean of four ranks among the customers of ``fit``.

    ================  ==================================================================================
    part              meaning
    ================  ==================================================================================
    ``active_share``  share of the whole periods since the first purchase with a line in them
    ``trend``         share active in the later half of those periods less that in the earlier half
    ``breadth``       distinct categories (without them: items) bought
    ``tenure``        days from the first line to the as-of day
    ================  ==================================================================================

    Parameters
    ----------
    unit : {"day", "week", "month", "quarter", "year"}, default="month"
        Periods of the calendar.
    weights : dict or None, default=None
        Weight of each part; None is 1 for each. A part of weight 0 is left out, so ``breadth=0`` serves logs without
        items.

    Attributes
    ----------
    ranks_ : dict of ndarray
        The sorted values of each part in ``fit``, in which new customers are ranked.
    weights_ : dict
        The weights, scaled to sum 1.

    See Also
    --------
    SatisfactionLoyalty : How loyalty depends on satisfaction.

    Notes
    -----
    The rank of a value is the share of the customers of ``fit`` below it, equals counted half (mid-rank): 0 is below
    all, 1 above all. A part that is not known, such as the trend of who has been there for less than two whole periods,
    is NaN and counts as rank .5. Of an odd number of periods the middle one belongs to the later half. Money plays no
    part.

    References
    ----------
    Dick, A. S. & Basu, K. (1994). Customer loyalty: toward an integrated conceptual framework. Journal of the Academy
    of Marketing Science 22, 99-113: repeat patronage is one side of loyalty; attitude, the other, no log shows.

    Examples
    --------
    >>> import crmintel as ci
    >>> log = ci.datasets.make_transactions(200, weeks=40, random_state=0)[0]
    >>> index = ci.LoyaltyIndex().fit(log)
    >>> index.get_feature_names_out().tolist()
    ['active_share', 'trend', 'breadth', 'tenure', 'loyalty']
    >>> scores = index.transform(log)[:, -1]
    >>> bool(((scores >= 0) & (scores <= 1)).all())
    True
    """

    def __init__(self, *, unit: str = "month", weights: Mapping[str, float] | None = None) -> None:
        self.unit = unit
        self.weights = weights

    def fit(self, X: TransactionLog, y: Any = None) -> LoyaltyIndex:
        """Learn how customers rank in each part.

        Parameters
        ----------
        X : TransactionLog
            With categories or items unless ``breadth`` has weight 0.
        y : None
            Ignored.

        Returns
        -------
        LoyaltyIndex
            The fitted estimator.

        Raises
        ------
        InputError
            If weights are negative, all 0, or of unknown parts.
        ColumnError
            If the log lacks what a part needs.
        DateRangeError
            If it does not hold one whole period.
        """
        self.weights_ = self._check_weights()
        parts = self._parts(X)
        self.ranks_ = {name: np.sort(parts[name][~np.isnan(parts[name])]) for name in self.weights_}
        return self

    def transform(self, X: TransactionLog) -> CustomerRows:
        """Return the parts and ``loyalty``, one row per customer.

        Parameters
        ----------
        X : TransactionLog
            The customers of ``fit`` or new ones.

        Returns
        -------
        CustomerRows of shape (n_customers, n_parts + 1)
            A part that cannot be told (fewer than two whole periods) is NaN, and ranks in the middle.
        """
        check_is_fitted(self)
        parts = self._parts(X)
        loyalty = np.zeros(len(X))
        for name, weight in self.weights_.items():
            loyalty += weight * _rank(parts[name], self.ranks_[name])
        names = (*self.weights_, "loyalty")
        return CustomerRows(np.column_stack([*(parts[name] for name in self.weights_), loyalty]), names)

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[Any]:
        """Return the names of the columns of `transform`."""
        check_is_fitted(self)
        return np.array([*self.weights_, "loyalty"], dtype=object)

    def _check_weights(self) -> dict[str, float]:
        if self.weights is not None and not isinstance(self.weights, Mapping):
            raise InputTypeError(f"weights must map parts to numbers, got {self.weights!r}.")
        given = dict.fromkeys(PARTS, 1.0) | dict(self.weights or {})
        unknown = sorted(set(given) - set(PARTS))
        if unknown:
            raise InputError(f"weights name the unknown parts {unknown}; the parts are {list(PARTS)}.")
        numbers = {name: check_number(each, f"weights[{name!r}]", low=0.0) for name, each in given.items()}
        total = sum(numbers.values())
        if total == 0.0:
            raise InputError("all weights are 0; give at least one part a positive weight.")
        return {name: each / total for name, each in numbers.items() if each > 0.0}

    def _parts(self, X: TransactionLog) -> dict[str, NDArray[np.float64]]:
        check_log(X)
        periods = whole_periods(X, self.unit, partial_start=True)
        entries = activity(X, periods)
        parts = _presence(entries, len(X), len(periods))
        parts["tenure"] = np.full(len(X), np.nan)
        seen = X.stops > X.starts  # who did not come back after a split has no line
        first_line = X.lines.time[X.starts[seen]] // MICROSECONDS_PER_DAY
        parts["tenure"][seen] = X.as_of[seen].astype(np.int64) - first_line
        if "breadth" in self.weights_:
            parts["breadth"] = _breadth(X)
        return parts


def _presence(entries: Activity, n: int, length: int) -> dict[str, NDArray[np.float64]]:
    begin = np.full(n, length)
    np.minimum.at(begin, entries.owner, entries.period)
    seen = length - begin
    half = begin + seen // 2  # of an odd number the later half has one period more
    later = entries.period >= half[entries.owner]
    late = np.bincount(entries.owner[later], minlength=n)
    early = np.bincount(entries.owner[~later], minlength=n)
    with np.errstate(invalid="ignore", divide="ignore"):
        trend = late / (seen - seen // 2) - early / (seen // 2)
        share = (late + early) / seen
    return {
        "active_share": np.where(seen > 0, share, np.nan),
        "trend": np.where(seen > 1, trend, np.nan),
    }


def _breadth(X: TransactionLog) -> NDArray[np.float64]:
    labels = (
        X.lines.category
        if X.lines.category is not None
        else X.lines.need("item", "the breadth of LoyaltyIndex")
    )
    codes = labels.codes[X.line_numbers()].astype(np.int64)
    pairs = np.unique((X.owners() * (labels.values.size + 1) + codes)[codes >= 0])
    return np.bincount(pairs // (labels.values.size + 1), minlength=len(X)).astype(np.float64)


def _rank(values: NDArray[np.float64], known: NDArray[np.float64]) -> NDArray[np.float64]:
    """Share of the ``known`` below each value, equals counted half; NaN is in the middle."""
    if known.size == 0:
        return np.full(values.size, 0.5)
    below = np.searchsorted(known, values, side="left") + np.searchsorted(known, values, side="right")
    return np.where(np.isnan(values), 0.5, below / (2.0 * known.size))
