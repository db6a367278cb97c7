"""What a classifier needs before it can take rows with missing values."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils import get_tags
from sklearn.utils.validation import check_is_fitted


def with_preparation(classifier: Any) -> Any:
    """Return a pipeline that fills and standardises columns, or only empty ones where the classifier takes NaN."""
    if get_tags(classifier).input_tags.allow_nan:
        return make_pipeline(EmptyColumns(), classifier)
    return make_pipeline(
        SimpleImputer(strategy="median", keep_empty_features=True), StandardScaler(), classifier
    )


class EmptyColumns(TransformerMixin, BaseEstimator):
    """Set columns to 0 in which ``fit`` saw no value at all: HistGradientBoosting fails on them (scikit-learn 1.9).

    They are common among behaviour features, at the early dates that one fold may hold.

    Attributes
    ----------
    empty_ : ndarray of bool, shape (n_columns,)

    Examples
    --------
    >>> import numpy as np
    >>> from crmintel.churn.preparation import EmptyColumns
    >>> EmptyColumns().fit_transform(np.array([[1.0, np.nan], [np.nan, np.nan]]))
    array([[ 1.,  0.],
           [nan,  0.]])
    """

    def fit(self, X: NDArray[np.float64], y: Any = None) -> Self:
        """Find the columns without a value."""
        self.empty_ = np.isnan(X).all(axis=0)
        return self

    def transform(self, X: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return X with 0 in those columns."""
        check_is_fitted(self)
        return np.where(self.empty_, 0.0, X)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        return tags
