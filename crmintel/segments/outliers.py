"""Customers unlike the others, and the column that tells why; nobody is deleted."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, OutlierMixin
from sklearn.ensemble import IsolationForest
from sklearn.utils.validation import check_is_fitted

from crmintel._compat import as_generator
from crmintel._validation import check_number
from crmintel.exceptions import InputError
from crmintel.segments._columns import read_columns, read_same_columns

COMBINATION = "combination"
_MAD = 1.482602218505602  # of a normal distribution: standard deviation / median absolute deviation
_TREE = 8192  # customers a tree sees; of 256, the usual number, two planted combinations ranked 30th and 95th, not 3rd
_MEAN_DEVIATION = 1.2533141373155001  # the same for the mean absolute deviation


class CustomerOutliers(OutlierMixin, BaseEstimator):
    """Find customers who stand far out in a column, or in a combination of columns, and say in which.

    Parameters
    ----------
    threshold : float, default=3.5
        Robust z score in one column from which a customer is an outlier.
    contamination : float, default=0.01
        Share of the customers of ``fit`` that the isolation forest may add for rare combinations; 0 for none.
    random_state : int, numpy.random.Generator, numpy.random.RandomState or None, default=None
        Source of the forest.

    Attributes
    ----------
    columns_ : list of str
        Names of the columns.
    center_, scale_ : ndarray of shape (n_columns,)
        Median, and median absolute deviation scaled to a standard deviation (of a column in which more than half of
        the customers are equal: the mean absolute deviation so scaled; 0 for a constant column).
    forest_ : sklearn.ensemble.IsolationForest or None
        The forest.
    offset_ : float
        Score of the forest below which a combination is rare.
    n_features_in_ : int
        Number of columns.

    Notes
    -----
    Give skewed columns such as money as logarithms, or half of the good customers are outliers. An outlier is a
    question (a reseller? a test account? a data error?), not an error: nothing is removed.

    References
    ----------
    Iglewicz, B. & Hoaglin, D. (1993). How to Detect and Handle Outliers. ASQC Quality Press.
    Liu, F. T., Ting, K. M. & Zhou, Z.-H. (2008). Isolation forest. ICDM, 413-422.

    Examples
    --------
    >>> import numpy as np
    >>> import crmintel as ci
    >>> rng = np.random.default_rng(0)
    >>> X = {"log_spend": np.append(rng.normal(4, 1, 200), 12.0), "visits": np.append(rng.poisson(5, 200), 6)}
    >>> outliers = ci.CustomerOutliers(contamination=0.0).fit(X)
    >>> np.flatnonzero(outliers.predict(X) == -1).tolist(), str(outliers.explain(X)[-1])
    ([200], 'log_spend')
    """

    def __init__(
        self, *, threshold: float = 3.5, contamination: float = 0.01, random_state: Any = None
    ) -> None:
        self.threshold = threshold
        self.contamination = contamination
        self.random_state = random_state

    def fit(self, X: Any, y: Any = None) -> CustomerOutliers:
        """Learn what is usual.

        Parameters
        ----------
        X : frame, CustomerRows or array of shape (n_customers, n_columns)
            Numbers; NaN where a value is not known, which is never an outlier.
        y : None
            Ignored.

        Returns
        -------
        CustomerOutliers
            The fitted estimator.

        Raises
        ------
        InputError
            If a column holds infinite values or nothing but NaN, or there are fewer than three customers.
        """
        check_number(self.threshold, "threshold", low=0.0, strict_low=True)
        share = check_number(self.contamination, "contamination", low=0.0, high=0.5)
        names, values = read_columns(X)
        if len(values) < 3:
            raise InputError(f"X has {len(values)} customers; at least 3 are needed to tell who stands out.")
        empty = np.flatnonzero(np.isnan(values).all(axis=0))
        if empty.size:
            raise InputError(f"column {names[empty[0]]!r} of X is NaN throughout; leave it out.")
        self.columns_, self.n_features_in_ = names, len(names)
        self.center_ = np.nanmedian(values, axis=0)
        away = np.abs(values - self.center_)
        middle = np.nanmedian(away, axis=0)
        self.scale_ = np.where(middle > 0.0, _MAD * middle, _MEAN_DEVIATION * np.nanmean(away, axis=0))
        self.forest_, self.offset_ = None, -np.inf
        if share > 0.0:
            seed = int(as_generator(self.random_state).integers(2**31))
            shape = self._clipped(values)
            self.forest_ = IsolationForest(max_samples=min(len(values), _TREE), random_state=seed).fit(shape)
            self.offset_ = float(np.quantile(self.forest_.score_samples(shape), share))
        return self

    def z_scores(self, X: Any) -> NDArray[np.float64]:
        """Return the robust z score of each customer in each column, shape (n_customers, n_columns); 0 for NaN."""
        return self._scores(self._values(X))

    def score_samples(self, X: Any) -> NDArray[np.float64]:
        """Return minus the largest absolute z score of each customer; lower is stranger."""
        return -np.abs(self.z_scores(X)).max(axis=1)

    def predict(self, X: Any) -> NDArray[np.int64]:
        """Return -1 for outliers and 1 for others."""
        return np.where(self.explain(X) == "", 1, -1)

    def explain(self, X: Any) -> NDArray[np.str_]:
        """Return, for each customer, the column with the largest z score.

        Returns
        -------
        ndarray of str, shape (n_customers,)
            Empty for customers who are no outliers, ``"combination"`` for those whom only the forest found.
        """
        scores = np.abs(self.z_scores(X))
        reason = np.where(
            scores.max(axis=1) > self.threshold, np.array(self.columns_)[scores.argmax(axis=1)], ""
        )
        if self.forest_ is not None:
            rare = self.forest_.score_samples(self._clipped(self._values(X))) < self.offset_
            reason = np.where((reason == "") & rare, COMBINATION, reason)
        return reason

    def _clipped(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """What the forest sees: z scores, unknown ones 0, without those that a column alone tells."""
        return np.clip(self._scores(values), -self.threshold, self.threshold)

    def _scores(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        away = values - self.center_
        with np.errstate(divide="ignore", invalid="ignore"):
            scores = away / self.scale_
        return np.where(np.isnan(away) | (away == 0.0), 0.0, scores)

    def _values(self, X: Any) -> NDArray[np.float64]:
        check_is_fitted(self)
        return read_same_columns(X, self.columns_)
