"""Piecewise linear curves of each column, so that a linear model can bend."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted


class Curves(TransformerMixin, BaseEstimator):
    """Replace each column by itself and its excess over inner quantiles: a linear model of these is a curve.

    Values are kept within the range that ``fit`` saw, so that no curve runs on beyond it. Where values are missing the
    median stands in, beside a 0/1 column that says so.

    Parameters
    ----------
    n_knots : int, default=4
        Inner quantiles of a column, of which equal ones count once. A column of two values has none.

    Attributes
    ----------
    medians_, low_, high_ : ndarray of shape (n_columns,)
        Of the values seen; 0 for a column without any.
    knots_ : list of ndarray
        Where each column's curve may bend.
    gaps_ : ndarray of bool, shape (n_columns,)
        Columns in which ``fit`` saw values and missing ones.

    References
    ----------
    Friedman (1991), "Multivariate Adaptive Regression Splines", Annals of Statistics 19(1).

    Examples
    --------
    >>> import numpy as np
    >>> from crmintel.churn.curves import Curves
    >>> Curves(n_knots=1).fit_transform(np.array([[0.0], [1.0], [2.0], [9.0], [np.nan]]))
    array([[0. , 0. , 0. ],
           [1. , 0. , 0. ],
           [2. , 0.5, 0. ],
           [9. , 7.5, 0. ],
           [1.5, 0. , 1. ]])
    """

    def __init__(self, n_knots: int = 4) -> None:
        self.n_knots = n_knots

    def fit(self, X: NDArray[np.float64], y: Any = None) -> Self:
        """Learn medians, ranges and knots."""
        missing = np.isnan(X)
        self.gaps_ = missing.any(axis=0) & ~missing.all(axis=0)
        seen = [column[~gone] for column, gone in zip(X.T, missing.T)]
        seen = [values if values.size else np.zeros(1) for values in seen]
        self.medians_ = np.array([np.median(values) for values in seen])
        self.low_ = np.array([values.min() for values in seen])
        self.high_ = np.array([values.max() for values in seen])
        levels = np.linspace(0.0, 1.0, self.n_knots + 2)[1:-1]
        self.knots_ = []
        for values, low, high in zip(seen, self.low_, self.high_):
            knots = np.unique(np.quantile(values, levels))
            inner = (knots > low) & (knots < high) & bool(((values > low) & (values < high)).any())
            self.knots_.append(knots[inner])
        return self

    def transform(self, X: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the columns, their excesses over the knots, and where values are missing."""
        check_is_fitted(self)
        missing = np.isnan(X)
        values = np.clip(np.where(missing, self.medians_, X), self.low_, self.high_)
        bends = [np.maximum(values[:, [j]] - knots, 0.0) for j, knots in enumerate(self.knots_)]
        return np.hstack([values, *bends, missing[:, self.gaps_]])

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        return tags
