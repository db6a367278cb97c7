"""What a churn model reads: a log, a mixed frame of customer rows, or an array of numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, TransformerMixin, clone
from sklearn.preprocessing import OneHotEncoder
from sklearn.utils.validation import check_is_fitted

from crmintel._frames import Table, is_frame, open_frame
from crmintel._validation import check_number
from crmintel.churn._texts import warn_of_strange_texts
from crmintel.exceptions import ColumnError, InputError, InputTypeError
from crmintel.features.behaviour import BehaviourFeatures
from crmintel.features.rows import CustomerRows
from crmintel.transactions.log import TransactionLog


class SampleRows(CustomerRows):
    """Rows that know whose they are, which folds must know; rows selected from them do not.

    Numbers are in single precision: sums of the same money in another order are then the same, and no cut of a tree
    falls between them.
    """

    customers: NDArray[Any] | None = None

    @classmethod
    def of(cls, log: TransactionLog, values: Any, columns: Sequence[str]) -> SampleRows:
        """Return the rows of a log's samples."""
        rows = cls(np.round(np.asarray(values), 6).astype(np.float32), columns)
        rows.customers = log.customers
        return rows


class ChurnInputs(TransformerMixin, BaseEstimator):
    """Turn a log, a mixed frame or an array into numbers for a classifier.

    A log becomes its behaviour features. Of a frame, number and truth columns are taken as they are (missing values
    become NaN), and each text column becomes one 0/1 column per category; a category that ``fit`` did not see counts
    to the infrequent ones where there are any, and is 0 in all columns otherwise. An array of numbers passes through.

    A text column whose values nearly all read as numbers, or nearly all differ as ids do, gives a `DataWarning` with
    the way out; a categorical dtype says that they are categories indeed.

    Parameters
    ----------
    features : transformer, default=None
        What a log becomes; None is `BehaviourFeatures`.
    max_categories : int, default=30
        Most 0/1 columns a text column may have: beyond it the rarest categories share one.

    Attributes
    ----------
    kind_ : str
        "log", "frame" or "array": what ``fit`` saw, and `transform` therefore needs.
    columns_ : tuple of str
        Names of the columns that `transform` gives.
    features_ : transformer
        The fitted features; with a log only.
    numbers_, texts_ : list of str
        The columns read as numbers and as text; with a frame only.
    encoder_ : OneHotEncoder
        The categories of the text columns; with a frame only.

    Examples
    --------
    >>> from crmintel.churn.inputs import ChurnInputs
    >>> import pandas as pd
    >>> customers = pd.DataFrame({"months": [3, 40, None], "contract": ["monthly", "yearly", "monthly"]})
    >>> inputs = ChurnInputs().fit(customers)
    >>> inputs.transform(customers)
    CustomerRows([[ 3.,  1.,  0.],
                  [40.,  0.,  1.],
                  [nan,  1.,  0.]])
    >>> inputs.columns_
    ('months', 'contract_monthly', 'contract_yearly')
    """

    def __init__(self, features: Any = None, max_categories: int = 30) -> None:
        self.features = features
        self.max_categories = max_categories

    def fit(self, X: Any, y: Any = None) -> Self:
        """Learn the columns, and the categories of text columns.

        Parameters
        ----------
        X : TransactionLog, frame, dict of arrays, or array of shape (n_samples, n_columns)
        y : None
            Ignored.

        Returns
        -------
        ChurnInputs

        Raises
        ------
        InputError
            If there is no row or column, or a number is infinite or beyond 1e100.
        InputTypeError
            If a column holds dates, an array no numbers, or ``features`` is no transformer.
        """
        self.kind_ = _kind(X)
        if self.kind_ == "log":
            features = BehaviourFeatures() if self.features is None else self.features
            if isinstance(features, type) or not hasattr(features, "transform"):
                raise InputTypeError(
                    f"features must be a transformer of logs such as BehaviourFeatures(), got {features!r}."
                )
            self.features_ = clone(features)
            self.features_.fit(X)
            self.columns_ = tuple(self.features_.get_feature_names_out())
        elif self.kind_ == "frame":
            self._fit_frame(open_frame(X, "X"))
        else:
            self.columns_ = tuple(f"x{j}" for j in range(_array(X).shape[1]))
        if not self.columns_:
            raise InputError("X has no columns; a churn model needs at least one.")
        return self

    def transform(self, X: Any) -> CustomerRows:
        """Return the numbers.

        Parameters
        ----------
        X : TransactionLog, frame, dict of arrays, or array of shape (n_samples, n_columns)
            Of the kind seen in ``fit``; a frame is read by name, and further columns are left alone.

        Returns
        -------
        CustomerRows of shape (n_samples, n_columns)
            A float64 array that knows its ``columns``; NaN where a number is missing.

        Raises
        ------
        ColumnError
            If a column is missing.
        InputTypeError
            If X, or one of its columns, is of another kind than in ``fit``.
        """
        check_is_fitted(self)
        kind = _kind(X)
        if kind != self.kind_:
            raise InputTypeError(
                f"X is {_NAMES[kind]} ({type(X).__name__}), but fit saw {_NAMES[self.kind_]}; give the same kind."
            )
        if kind == "log":
            return SampleRows.of(X, self.features_.transform(X), self.columns_)
        if kind == "frame":
            return self._transform_frame(open_frame(X, "X"))
        values = _array(X)
        if values.shape[1] != len(self.columns_):
            raise InputError(f"X has {values.shape[1]} columns, but fit saw {len(self.columns_)}.")
        return CustomerRows(values, self.columns_)

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[Any]:
        """Return the column names that `transform` gives.

        Parameters
        ----------
        input_features : None
            Ignored.

        Returns
        -------
        ndarray of str
        """
        check_is_fitted(self)
        return np.array(self.columns_, dtype=object)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False
        return tags

    def _fit_frame(self, table: Table) -> None:
        most = int(check_number(self.max_categories, "max_categories", low=2, integer=True))
        if table.n_rows == 0:
            raise InputError(f"X has no rows; its columns: {table.names}.")
        read = {name: _column(table, name) for name in table.names}
        self.numbers_ = [name for name, values in read.items() if values.dtype.kind == "f"]
        self.texts_ = [name for name in table.names if name not in self.numbers_]
        undeclared = [name for name in self.texts_ if not table.is_category(name)]
        warn_of_strange_texts({name: read[name] for name in undeclared}, _MISSING)
        self.encoder_ = OneHotEncoder(
            max_categories=most, handle_unknown="infrequent_if_exist", sparse_output=False
        )
        encoded: list[str] = []
        if self.texts_:
            self.encoder_.fit(np.column_stack([read[name] for name in self.texts_]))
            encoded = self.encoder_.get_feature_names_out(self.texts_).tolist()
        self.columns_ = (*self.numbers_, *encoded)

    def _transform_frame(self, table: Table) -> CustomerRows:
        missing = [name for name in (*self.numbers_, *self.texts_) if name not in table.names]
        if missing:
            raise ColumnError(f"X lacks {missing}, which fit saw; it has {table.names}.")
        parts = [np.empty((table.n_rows, 0))]
        for name in self.numbers_:
            values = _column(table, name)
            if values.dtype.kind != "f":
                raise InputTypeError(
                    f"column {name!r} held numbers in fit and holds text now, e.g. {values[0]!r}."
                )
            parts.append(values[:, None])
        texts = [_column(table, name) for name in self.texts_]
        for name, values in zip(self.texts_, texts):
            if values.dtype.kind == "f" and not np.isnan(values).all():
                raise InputTypeError(
                    f"column {name!r} held text in fit and holds numbers now, e.g. {values[0]!r}."
                )
        if texts:
            none = np.full(table.n_rows, _MISSING, dtype=object)
            words = [none if values.dtype.kind == "f" else values for values in texts]
            parts.append(self.encoder_.transform(np.column_stack(words)))
        return CustomerRows(np.hstack(parts), self.columns_)


_NAMES = {"log": "a log", "frame": "a frame of customer rows", "array": "an array"}
_FARTHEST = 1e100  # the squares of larger numbers are infinite
_MISSING = "missing"  # a category of its own: that nothing is known may say something


def _kind(X: Any) -> str:
    if isinstance(X, TransactionLog):
        return "log"
    return "frame" if is_frame(X) or isinstance(X, dict) else "array"


def _column(table: Table, name: str) -> NDArray[Any]:
    """Return a column as float64 where it holds numbers or truth values, else as an object array of text."""
    values = table.values(name)
    if values.dtype.kind in "mM":
        raise InputTypeError(
            f"column {name!r} holds dates or times ({values.dtype}); turn them into numbers, such as days until today, "
            "or drop the column."
        )
    try:
        numbers = table.numbers(name)
    except InputTypeError:
        codes, labels = table.ids(name)  # code -1, where the value is missing, is the last word
        return np.array([*map(str, labels.tolist()), _MISSING], dtype=object)[codes]
    _refuse_infinite(numbers, f"column {name!r} of X")
    return numbers


def _array(X: Any) -> NDArray[np.float64]:
    try:
        if np.iscomplexobj(X):
            raise TypeError
        values = np.asarray(X, dtype=np.float64)
    except (TypeError, ValueError):
        raise InputTypeError(
            f"X must be a TransactionLog, a frame of customer rows, or an array of numbers; got {type(X).__name__} "
            "with other values. Mixed columns need a frame."
        ) from None
    if values.ndim != 2:
        raise InputError(f"X must be two-dimensional (customers x columns), got shape {values.shape}.")
    _refuse_infinite(values, "X")
    return values


def _refuse_infinite(values: NDArray[np.float64], name: str) -> None:
    bad = np.abs(values) > _FARTHEST
    if bad.any():
        row = int(np.argmax(bad.any(axis=tuple(range(1, values.ndim)))))
        raise InputError(
            f"{name} must not be infinite or beyond {_FARTHEST:g} (NaN is fine); the first is in row {row}."
        )
