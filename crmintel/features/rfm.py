"""RFM scores: how recently, how often and for how much each customer bought."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from crmintel._frames import is_frame, open_frame
from crmintel._validation import as_numbers, check_number, check_vector
from crmintel.exceptions import ColumnError, InputError, InputTypeError
from crmintel.features.rows import CustomerRows
from crmintel.transactions.log import TransactionLog

COLUMNS = ("time_since_last", "n_purchases", "spend")
SCORES = ("recency_score", "frequency_score", "monetary_score", "rfm_score")
OTHERS = "Others"

# Name: lowest and highest score of recency, frequency and money. The order counts: the first that fits is taken.
RFM_SEGMENTS: dict[str, tuple[tuple[int, int], tuple[int, int], tuple[int, int]]] = {
    "Champions": ((5, 5), (5, 5), (5, 5)),
    "Potential Loyalist": ((3, 5), (3, 5), (2, 5)),
    "Loyal Customers": ((2, 4), (2, 4), (2, 4)),
    "Promising": ((3, 4), (1, 3), (3, 5)),
    "New Customers": ((4, 5), (1, 3), (1, 5)),
    "Can't Lose Them": ((1, 2), (3, 4), (4, 5)),
    "At Risk": ((1, 2), (2, 5), (4, 5)),
    "Need Attention": ((1, 3), (3, 5), (3, 5)),
    "About To Sleep": ((2, 3), (1, 3), (1, 4)),
    "Lost": ((1, 1), (1, 5), (1, 5)),
}


class RFMScorer(TransformerMixin, BaseEstimator):
    """Scores from 1 (worst) to ``n_bins`` (best) for recency, frequency and money, and the segment they mean.

    Each column is cut at its quantiles, so that every score has about as many customers. The cut points are learned:
    next month's log is scored on this month's scale, and a customer who moves has changed, not the scale.

    Parameters
    ----------
    n_bins : int, default=5
        Number of scores, 2 to 9.
    segments : mapping or None, default=None
        Names and their scores, ``{name: ((r_low, r_high), (f_low, f_high), (m_low, m_high))}``, both ends included.
        The first that fits is taken, "Others" if none does. None is ``crmintel.features.rfm.RFM_SEGMENTS``, ten
        segments for five bins; copy and edit it: ``{**RFM_SEGMENTS, "Lost": ...}``.

    Attributes
    ----------
    edges_ : dict of ndarray of shape (n_bins - 1,)
        Cut points of ``time_since_last``, ``n_purchases`` and ``spend``, each the largest value of its bin.

    See Also
    --------
    crmintel.CustomerSummary : Rows for the lifetime models, whose ``recency`` is the first to the last purchase.

    Notes
    -----
    Recency here is the time *since* the last purchase, in days for a log; less is better. Cut points are
    quantiles of type 7 and belong to the bin below, as in the R package rfm (which, made for whole numbers, also
    counts those up to the next whole number as below). Equal values get equal scores, so bins
    are uneven where many customers are equal; if all are, they share the scores of the first bin. A customer of
    a log without any purchase (returns only) has recency score 1 and does not move the cut points of recency.

    References
    ----------
    A. M. Hughes, "Strategic Database Marketing", 1994.
    A. Hebbali, R package rfm: the table of ten segments.

    Examples
    --------
    >>> import crmintel as ci
    >>> rows = {"time_since_last": [3, 40, 200, 9], "n_purchases": [12, 2, 1, 4], "spend": [900, 80, 15, 210]}
    >>> scorer = ci.RFMScorer(n_bins=2).fit(rows)
    >>> scorer.transform(rows)[:, 3].tolist()
    [222, 111, 111, 222]
    >>> scorer.edges_["time_since_last"].tolist()
    [24.5]
    """

    def __init__(self, n_bins: int = 5, *, segments: Mapping[str, Any] | None = None) -> None:
        self.n_bins = n_bins
        self.segments = segments

    def fit(self, X: Any, y: Any = None) -> RFMScorer:
        """Learn the cut points.

        Parameters
        ----------
        X : TransactionLog, frame, dict of arrays or array-like of shape (n_customers, 3)
            A log, or one row per customer with the columns ``time_since_last, n_purchases, spend``: by name in a
            frame or dict, in this order in an array.
        y : None
            Ignored.

        Returns
        -------
        RFMScorer
            The fitted estimator.

        Raises
        ------
        InputError
            If a value is missing or negative (money may be negative), or X is a `CustomerSummary` array, whose
            columns mean something else.
        """
        n_bins = int(check_number(self.n_bins, "n_bins", low=2, high=9, integer=True))
        if self.segments is not None:
            _check_segments(self.segments, n_bins)
        columns = _rfm_columns(X)
        self.edges_ = {name: _quantiles(values, n_bins) for name, values in columns.items()}
        return self

    def transform(self, X: Any) -> NDArray[np.int64]:
        """Return ``recency_score, frequency_score, monetary_score, rfm_score`` of each customer.

        Parameters
        ----------
        X : TransactionLog, frame, dict of arrays or array-like of shape (n_customers, 3)
            As in `fit`; a later log of the same customers, for example.

        Returns
        -------
        ndarray of int64, shape (n_customers, 4)
            The last column reads the three scores as one number: 3, 4 and 3 are 343.
        """
        check_is_fitted(self)
        recency, frequency, money = self._scores(X)
        return np.column_stack([recency, frequency, money, 100 * recency + 10 * frequency + money])

    def predict(self, X: Any) -> NDArray[np.str_]:
        """Return the name of the segment of each customer.

        Parameters
        ----------
        X : TransactionLog, frame, dict of arrays or array-like of shape (n_customers, 3)
            As in `fit`.

        Returns
        -------
        ndarray of str, shape (n_customers,)
            Names of segments, "Others" where none fits.
        """
        check_is_fitted(self)
        n_bins = self.edges_["spend"].size + 1
        if self.segments is None and n_bins != 5:
            raise InputError(
                f"the ten segments are made for n_bins=5, not {n_bins}: pass segments={{name: (recency, frequency, "
                "money)}} with scores that fit, or use transform."
            )
        segments = RFM_SEGMENTS if self.segments is None else _check_segments(self.segments, n_bins)
        scores = self._scores(X)
        fits = [
            np.all([(low <= s) & (s <= high) for s, (low, high) in zip(scores, bounds, strict=True)], axis=0)
            for bounds in segments.values()
        ]
        return np.array([*segments, OTHERS])[np.argmax([*fits, np.ones_like(fits[0])], axis=0)]

    def fit_predict(self, X: Any, y: Any = None) -> NDArray[np.str_]:
        """Fit and return the segment of each customer; the parameters are those of ``fit``."""
        return self.fit(X).predict(X)

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[Any]:
        """Return the names of the columns that `transform` gives.

        Parameters
        ----------
        input_features : None
            Ignored.

        Returns
        -------
        ndarray of str
        """
        return np.array(SCORES, dtype=object)

    def _scores(self, X: Any) -> tuple[NDArray[np.int64], ...]:
        bins = [np.searchsorted(self.edges_[name], values) + 1 for name, values in _rfm_columns(X).items()]
        return self.edges_["time_since_last"].size + 2 - bins[0], bins[1], bins[2]

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False
        tags.requires_fit = True
        return tags


def _rfm_columns(X: Any) -> dict[str, NDArray[np.float64]]:
    """Return the three columns of a log, a frame, a dict or an array."""
    if isinstance(X, TransactionLog):
        since = X.time_since_last()
        since[np.isnan(since)] = np.inf  # no purchase yet: longer ago than anybody's
        return dict(zip(COLUMNS, (since, X.purchases().astype(np.float64), X.spend()), strict=True))
    if isinstance(X, CustomerRows):
        raise InputTypeError(
            f"X holds {X.columns or 'rows'} made by CustomerSummary, whose recency is the time from the first to the "
            "last purchase. RFM scores need the time since the last one: pass the log itself, or the columns "
            f"{', '.join(COLUMNS)}."
        )
    if is_frame(X) or isinstance(X, Mapping):
        table = open_frame(X, "X")
        missing = [name for name in COLUMNS if name not in table.names]
        if missing:
            raise ColumnError(f"X lacks {missing}; it has {table.names}. A TransactionLog has all three.")
        values = [table.numbers(name) for name in COLUMNS]
    else:
        array = as_numbers(X, "X")
        if array.ndim != 2 or array.shape[1] != len(COLUMNS):
            raise InputError(
                f"X must be a TransactionLog or have the {len(COLUMNS)} columns {', '.join(COLUMNS)}; got shape "
                f"{array.shape}."
            )
        values = list(array.T)
    lows = (0.0, 0.0, None)
    return {
        name: check_vector(column, name, low=low, min_length=1)
        for name, column, low in zip(COLUMNS, values, lows, strict=True)
    }


def _quantiles(values: NDArray[np.float64], n_bins: int) -> NDArray[np.float64]:
    """Quantiles of type 7 at i / n_bins, their positions in whole numbers so that no rounding moves a cut point."""
    ordered = np.sort(values[np.isfinite(values)])
    if ordered.size == 0:
        return np.zeros(n_bins - 1)
    position = np.arange(1, n_bins) * (ordered.size - 1)
    low = position // n_bins
    high = np.minimum(low + 1, ordered.size - 1)
    return ordered[low] + (position % n_bins) / n_bins * (ordered[high] - ordered[low])


def _check_segments(segments: Any, n_bins: int) -> Mapping[str, Any]:
    if not isinstance(segments, Mapping) or not segments:
        raise InputTypeError(
            f"segments must map names to three (low, high) pairs of scores, got {type(segments).__name__}."
        )
    for name, bounds in segments.items():
        if np.shape(bounds) != (3, 2):
            raise InputError(
                f"segments[{name!r}] must be three (low, high) pairs: recency, frequency and money; got {bounds!r}."
            )
        for what, (low, high) in zip(("recency", "frequency", "money"), bounds, strict=True):
            if not 1 <= low <= high <= n_bins:
                raise InputError(
                    f"segments[{name!r}]: {what} goes from {low} to {high}, which is not within 1 to n_bins={n_bins}."
                )
    return segments
