"""Customers unlike the others, and the columns that tell why; nobody is deleted."""

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

_MAD = 1.482602218505602  # of a normal distribution: standard deviation / median absolute deviation
_TREE = 8192  # customers a tree sees; of 256, the usual number, two planted combinations ranked 30th and 95th, not 3rd
_MEAN_DEVIATION = 1.2533141373155001  # the same for the mean absolute deviation
_NAMED = 3  # columns of a reason, at most
_OTHERS = 32  # customers to compare with; they name the same columns as 1,000 do in 103 of 108 combinations
_BLOCK = 1024  # customers explained at a time, for the memory of the comparisons


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
    others_ : ndarray of shape (n_others, n_columns)
        Scores of some customers of ``fit``, whom `explain` compares with; with a forest only.
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
    ([200], 'log_spend high')
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
        self.forest_: Any = None
        self.offset_ = -np.inf
        if share > 0.0:
            seed = int(as_generator(self.random_state).integers(2**31))
            shape = self._clipped(self._scores(values))
            self.forest_ = IsolationForest(max_samples=min(len(values), _TREE), random_state=seed).fit(shape)
            self.offset_ = float(np.quantile(self.forest_.score_samples(shape), share))
            drawn = np.random.default_rng(seed).permutation(len(shape))[:_OTHERS]
            self.others_ = shape[drawn]
        return self

    def z_scores(self, X: Any) -> NDArray[np.float64]:
        """Return the robust z score of each customer in each column, shape (n_customers, n_columns); 0 for NaN."""
        return self._scores(self._values(X))

    def score_samples(self, X: Any) -> NDArray[np.float64]:
        """Return minus the largest absolute z score of each customer; lower is stranger."""
        return -np.abs(self.z_scores(X)).max(axis=1)

    def predict(self, X: Any) -> NDArray[np.int64]:
        """Return -1 for outliers and 1 for others."""
        far, rare = self._strange(self.z_scores(X))
        return np.where(far | rare, -1, 1)

    def explain(self, X: Any) -> NDArray[np.str_]:
        """Return, for each customer, the columns that make an outlier of them, and on which side of the median.

        Returns
        -------
        ndarray of str, shape (n_customers,)
            Up to three columns, the strangest ones, in the order of the table: ``"visits high, spend low"`` where
            both z scores exceed the threshold; ``"combination: visits low, spend high"`` where only the forest found
            the customer; empty for who is no outlier.

        Notes
        -----
        What a column contributes to a combination: how much stranger the forest finds other customers who are given
        the value of this one, and how much less strange this one with the values of others, on average (the first
        and the last term of the Shapley value; of two columns the whole of it). Columns are named from half of the
        largest contribution on; where that is one alone, nothing is called a combination.

        References
        ----------
        Strumbelj, E. & Kononenko, I. (2014). Explaining prediction models and individual predictions with feature
        contributions. Knowledge and Information Systems 41, 647-665.
        """
        scores = self.z_scores(X)
        far, rare = self._strange(scores)
        reasons = np.full(len(scores), "", dtype=object)
        for i in np.flatnonzero(far):
            reasons[i] = ", ".join(self._name(scores[i], np.abs(scores[i]), self.threshold))
        odd = np.flatnonzero(rare & ~far)
        for block in (odd[first : first + _BLOCK] for first in range(0, odd.size, _BLOCK)):
            for i, parts in zip(block, self._contributions(scores[block]), strict=True):
                named = self._name(scores[i], parts, parts.max() - 0.5 * abs(parts.max()))
                reasons[i] = "combination: " * (len(named) > 1) + ", ".join(named)
        return reasons.astype(str)

    def _strange(self, scores: NDArray[np.float64]) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """Who is far out in a column, and whom the forest finds rare."""
        far: NDArray[np.bool_] = np.any(np.abs(scores) > self.threshold, axis=1)
        if self.forest_ is None:
            return far, np.zeros(len(scores), dtype=bool)
        return far, self.forest_.score_samples(self._clipped(scores)) < self.offset_

    def _name(self, scores: NDArray[np.float64], weights: NDArray[np.float64], least: float) -> list[str]:
        heaviest = np.argsort(-weights, kind="stable")[:_NAMED]
        sides = {-1.0: "low", 0.0: "usual", 1.0: "high"}
        return [
            f"{self.columns_[j]} {sides[np.sign(scores[j])]}"
            for j in np.sort(heaviest)
            if weights[j] >= least
        ]

    def _contributions(self, scores: NDArray[np.float64]) -> NDArray[np.float64]:
        rows, others, score = self._clipped(scores), self.others_, self.forest_.score_samples
        n, p = rows.shape
        parts = np.empty((n, p))
        for j in range(p):
            given = np.repeat(others[None], n, axis=0)
            given[:, :, j] = rows[:, None, j]
            taken = np.repeat(rows[:, None], len(others), axis=1)
            taken[:, :, j] = others[None, :, j]
            rise = score(taken.reshape(-1, p)) - score(given.reshape(-1, p))
            parts[:, j] = rise.reshape(n, -1).mean(axis=1)
        return 0.5 * (parts + (score(others).mean() - score(rows))[:, None])

    def _clipped(self, scores: NDArray[np.float64]) -> NDArray[np.float64]:
        """What the forest sees: z scores, unknown ones 0, without what a column alone tells."""
        return np.clip(scores, -self.threshold, self.threshold)

    def _scores(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        away = values - self.center_
        with np.errstate(divide="ignore", invalid="ignore"):
            scores = away / self.scale_
        return np.where(np.isnan(away) | (away == 0.0), 0.0, scores)

    def _values(self, X: Any) -> NDArray[np.float64]:
        check_is_fitted(self)
        return read_same_columns(X, self.columns_)
