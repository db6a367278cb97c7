"""RFM scores: how recently, how often and for how much each customer bought."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from crmintel._frames import is_frame, open_frame
from crmintel._validation import as_numbers, check_choice, check_number, check_vector
from crmintel.exceptions import ColumnError, InputError, InputTypeError
from crmintel.features._breaks import kmeans_cuts, quantile_cuts
from crmintel.features.rfm_segments import RFM_SEGMENTS, name_table
from crmintel.features.rows import CustomerRows
from crmintel.transactions.log import TransactionLog

COLUMNS = ("time_since_last", "n_purchases", "spend")
SCORES = ("recency_score", "frequency_score", "monetary_score", "rfm_score")


class RFMScorer(TransformerMixin, BaseEstimator):
    """Scores from 1 (worst) to ``n_bins`` (best) for recency, frequency and money, and the segment they mean.

    The cut points are learned: next month's log is scored on this month's scale, and a customer who moves has changed,
    not the scale.

    Parameters
    ----------
    n_bins : int, default=5
        Number of scores, 2 to 9.
    cuts : {"quantile", "kmeans"} or mapping, default="quantile"
        Where the columns are cut: at their quantiles, so that every score has about as many customers; or where the
        groups are tightest (k-means in one dimension, the optimum itself), so that customers far above the others
        have a score of their own. Or at fixed points, ``{column: points}``, each the largest value of its bin;
        columns left out are cut at their quantiles.
    segments : mapping or None, default=None
        Names and their scores, ``{name: ((r_low, r_high), (f_low, f_high), (m_low, m_high))}``, both ends included,
        or ``{name: [555, 554, ...]}``. The first that fits is taken, "Others" if none does. None is ``RFM_SEGMENTS``
        of ``crmintel.features.rfm_segments``, ten segments for five bins; ``RFM_SEGMENTS_11`` is the other usual
        table. Copy and edit them: ``{**RFM_SEGMENTS, "Lost": ...}``.
    weights : sequence of three float or None, default=None
        Weights of recency, frequency and money. With them ``rfm_score`` is the weighted mean of the three scores, by
        which customers can be ranked. None reads the scores as one number: 3, 4 and 3 are 343.

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
    W. D. Fisher, "On grouping for maximum homogeneity", JASA 53, 1958: the cut points of k-means.

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

    def __init__(
        self,
        n_bins: int = 5,
        *,
        cuts: str | Mapping[str, Any] = "quantile",
        segments: Mapping[str, Any] | None = None,
        weights: Sequence[float] | None = None,
    ) -> None:
        self.n_bins = n_bins
        self.cuts = cuts
        self.segments = segments
        self.weights = weights

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
            name_table(self.segments, n_bins)
        _check_weights(self.weights)
        fixed = _fixed_cuts(self.cuts, n_bins)
        learn = kmeans_cuts if self.cuts == "kmeans" else quantile_cuts
        self.edges_ = {
            name: fixed[name] if name in fixed else learn(values[np.isfinite(values)], n_bins)
            for name, values in rfm_columns(X).items()
        }
        return self

    def transform(self, X: Any) -> NDArray[Any]:
        """Return ``recency_score, frequency_score, monetary_score, rfm_score`` of each customer.

        Parameters
        ----------
        X : TransactionLog, frame, dict of arrays or array-like of shape (n_customers, 3)
            As in `fit`; a later log of the same customers, for example.

        Returns
        -------
        ndarray of int64, shape (n_customers, 4)
            With ``weights`` of float64.
        """
        check_is_fitted(self)
        scores = np.column_stack(self._scores(X))
        weights = _check_weights(self.weights)
        together = scores @ np.array([100, 10, 1]) if weights is None else scores @ weights
        return np.column_stack([scores, together])

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
                "money)} with scores that fit, or use transform."
            )
        names, table = name_table(RFM_SEGMENTS if self.segments is None else self.segments, n_bins)
        return names[table[tuple(scores - 1 for scores in self._scores(X))]]

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
        bins = [np.searchsorted(self.edges_[name], values) + 1 for name, values in rfm_columns(X).items()]
        return self.edges_["time_since_last"].size + 2 - bins[0], bins[1], bins[2]

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False
        tags.requires_fit = True
        return tags


def rfm_columns(X: Any) -> dict[str, NDArray[np.float64]]:
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


def _fixed_cuts(cuts: Any, n_bins: int) -> dict[str, NDArray[np.float64]]:
    """Return the cut points that are given, by column."""
    if not isinstance(cuts, Mapping):
        check_choice(cuts, "cuts", ("quantile", "kmeans"))
        return {}
    unknown = [name for name in cuts if name not in COLUMNS]
    if unknown:
        raise ColumnError(f"cuts names {unknown}; the columns are {', '.join(COLUMNS)}.")
    fixed = {name: check_vector(points, f"cuts[{name!r}]") for name, points in cuts.items()}
    for name, points in fixed.items():
        if points.size != n_bins - 1 or np.any(np.diff(points) <= 0):
            raise InputError(
                f"cuts[{name!r}] must be {n_bins - 1} rising points for n_bins={n_bins}, each the largest value of its "
                f"bin; got {points.tolist()}."
            )
    return fixed


def _check_weights(weights: Any) -> NDArray[np.float64] | None:
    if weights is None:
        return None
    values = check_vector(weights, "weights (recency, frequency, money)", low=0.0)
    if values.size != 3:
        raise InputError(f"weights must be three, of recency, frequency and money; got {values.size}.")
    if values.sum() == 0.0:
        raise InputError("weights must not all be 0.")
    return values / values.sum()
