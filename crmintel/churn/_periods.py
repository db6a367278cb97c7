"""Customers by period: one row for each period in which somebody could have left."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from crmintel._validation import as_numbers, check_vector, raise_if_any
from crmintel.churn._outcomes import refuse_answers
from crmintel.exceptions import InputError


def check_stretches(
    y: Any, entry: Any, n: int
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.bool_]]:
    """Return the periods before and up to which each row was watched, and whether the customer left in the last."""
    if isinstance(y, np.ndarray) and y.ndim == 2:
        refuse_answers(y[:, 1:], "event")
    target = as_numbers(y, "y")
    if target.shape != (n, 2):
        raise InputError(
            f"y must have one row (duration, event) per row of X, {(n, 2)}; got shape {target.shape}. "
            "np.column_stack([duration, event]) makes it."
        )
    end = check_vector(target[:, 0], "duration", low=0.0)
    left = check_vector(target[:, 1], "event")
    begin = np.zeros(n) if entry is None else check_vector(entry, "entry", n=n, low=0.0)
    for values, name in ((end, "duration"), (begin, "entry")):
        raise_if_any(
            values != np.floor(values), values, name, "must be whole periods; np.ceil(days / 30) makes some"
        )
        raise_if_any(values > 1e6, values, name, "must be at most 1e6 periods; take longer ones")
    raise_if_any((left != 0) & (left != 1), left, "event", "must be 0 (still there) or 1 (left)")
    raise_if_any(begin > end, begin, "entry", "must not lie behind duration")
    raise_if_any(
        (begin == end) & (left == 1), end, "duration", "must be at least a period after entry for who left"
    )
    return begin.astype(np.int64), end.astype(np.int64), left == 1


def person_periods(
    begin: NDArray[np.int64], end: NDArray[np.int64], left: NDArray[np.bool_]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.bool_]]:
    """Return for each period watched its row, its number (from 1) and whether the customer left in it."""
    watched = end - begin
    row = np.repeat(np.arange(begin.size), watched)
    first = np.cumsum(watched) - watched
    period = begin[row] + np.arange(row.size) - first[row] + 1
    return row, period, left[row] & (period == end[row])


class BaselinePeriods(TransformerMixin, BaseEstimator):
    """Turn the last column, the number of the period, into 0/1 columns for groups of successive periods.

    Each group has ``min_events`` customers who left, so that its hazard can be estimated; the last one stands for all
    later periods.

    Parameters
    ----------
    min_events : int, default=30
        Customers who left, in each group.

    Attributes
    ----------
    first_ : ndarray
        First period of each group but the earliest.

    Examples
    --------
    >>> import numpy as np
    >>> from crmintel.churn._periods import BaselinePeriods
    >>> BaselinePeriods(min_events=1).fit_transform(np.array([[5.0, 1], [6, 2], [7, 3]]), [1, 0, 1])
    array([[5., 1., 0.],
           [6., 0., 1.],
           [7., 0., 1.]])
    """

    def __init__(self, min_events: int = 30) -> None:
        self.min_events = min_events

    def fit(self, X: NDArray[np.float64], y: Any) -> Self:
        """Choose the groups."""
        periods, place = np.unique(X[:, -1], return_inverse=True)
        before = np.cumsum(np.bincount(place, np.asarray(y)))
        first, counted = [], 0.0
        for k in range(periods.size - 1):
            if before[k] - counted >= self.min_events and before[-1] - before[k] >= self.min_events:
                first.append(periods[k + 1])
                counted = before[k]
        self.first_ = np.array(first)
        return self

    def transform(self, X: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return X with the groups in place of the last column."""
        check_is_fitted(self)
        group = np.searchsorted(self.first_, X[:, -1], side="right")
        return np.hstack([X[:, :-1], group[:, None] == np.arange(self.first_.size + 1)])

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        return tags
