"""The classifier that copes with smooth and with jagged problems: curves and trees, weighed on held-out customers."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import minimize
from scipy.special import expit
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.validation import check_is_fitted

from crmintel._compat import few_rows_one_thread
from crmintel.churn.curves import Curves
from crmintel.churn.folds import customer_folds
from crmintel.churn.preparation import EmptyColumns
from crmintel.exceptions import InputError

WEIGHING_FOLDS = 3  # a third of the time of a fit each
# Knots of a column and C of the logistic regression, from the stiffest. Telco and mlc suit the last, two of four dates
# of Complete Journey (94 and 193 leavers within 90 days) the first: AUC .906 over the four, .895 with the last alone.
BENDS = ((0, 0.02), (0, 0.5), (8, 0.02), (8, 0.5))
_FARTHEST = 12.0  # log-odds: a leaf or a curve that is surer than 1 in 160,000 is not believed


class CurvesAndTrees(ClassifierMixin, BaseEstimator):
    """Logistic regression on curves and gradient boosting, added with the weights that suit held-out rows.

    Where a problem is smooth and rows are few the curves win, where it has corners and interactions the trees do.
    Both give log-odds for rows they were not fitted on; the weights, none of them negative, and a constant maximise the
    likelihood of what happened. So the sum is calibrated, too: it is Platt's sigmoid with two scores instead of one.
    How far the curves may bend is chosen on the same rows: from straight lines that hardly tilt, for few cases, to
    curves with eight knots.

    Parameters
    ----------
    random_state : int, RandomState instance or None, default=0
        Of the trees.

    Attributes
    ----------
    classes_ : ndarray of shape (2,)
        The labels, rising.
    varies_ : ndarray of bool, shape (n_columns,)
        Columns that are used: those with more than one value, all if there is none.
    bend_ : (int, float)
        Knots of each column, and C of the logistic regression: the likeliest on held-out rows.
    weights_ : ndarray of shape (2,)
        Of the curves' and of the trees' log-odds.
    intercept_ : float
        The constant.
    parts_ : list of classifier
        Curves and trees, fitted on all rows.

    References
    ----------
    Breiman (1996), "Stacked Regressions", Machine Learning 24. Platt (1999), "Probabilistic Outputs for Support Vector
    Machines".

    Examples
    --------
    >>> import numpy as np
    >>> from crmintel.churn.stacking import CurvesAndTrees
    >>> x = np.random.default_rng(0).normal(size=(500, 2))
    >>> model = CurvesAndTrees().fit(x, x[:, 0] + x[:, 1] > 0)
    >>> model.predict([[1.0, 1.0], [-1.0, -1.0]])
    array([ True, False])
    """

    def __init__(self, *, random_state: Any = 0) -> None:
        self.random_state = random_state

    def fit(self, X: ArrayLike, y: ArrayLike, folds: Any = None) -> Self:
        """Fit both parts on all rows, and their weights on rows held out.

        Parameters
        ----------
        X : array-like of shape (n_rows, n_columns)
            NaN where a value is missing.
        y : array-like of shape (n_rows,)
            Two classes.
        folds : list of (train, test), optional
            Positions: each row is in one test part. None is three stratified folds.

        Returns
        -------
        CurvesAndTrees

        Raises
        ------
        InputError
            If y has not two classes of at least two rows each.
        """
        X = np.asarray(X, dtype=np.float64)
        self.classes_, codes = np.unique(np.asarray(y), return_inverse=True)
        if self.classes_.size != 2:
            raise InputError(f"y must have two classes, got {self.classes_.tolist()[:5]}.")
        if folds is None:
            folds = customer_folds(codes == 1, n_folds=WEIGHING_FOLDS)
        self.varies_ = _varies(X)
        X = X[:, self.varies_]
        curves, trees = np.zeros((len(X), len(BENDS))), np.zeros((len(X), 1))
        for train, test in folds:
            curves[test] = _log_odds([_curves(X[train], codes[train], bend) for bend in BENDS], X[test])
            trees[test] = _log_odds([self._trees(X[train], codes[train])], X[test])
        best = int(np.argmin([_weigh(score[:, None], codes)[2] for score in curves.T]))
        self.bend_ = BENDS[best]
        self.weights_, self.intercept_, _ = _weigh(np.column_stack([curves[:, best], trees]), codes)
        self.parts_ = [_curves(X, codes, self.bend_), self._trees(X, codes)]
        return self

    def decision_function(self, X: ArrayLike) -> NDArray[np.float64]:
        """Return the log-odds of the second class.

        Parameters
        ----------
        X : array-like of shape (n_rows, n_columns)

        Returns
        -------
        ndarray of shape (n_rows,)
        """
        check_is_fitted(self)
        X = np.asarray(X, dtype=np.float64)[:, self.varies_]
        return _log_odds(self.parts_, X) @ self.weights_ + self.intercept_

    def predict_proba(self, X: ArrayLike) -> NDArray[np.float64]:
        """Return the probabilities of both classes.

        Parameters
        ----------
        X : array-like of shape (n_rows, n_columns)

        Returns
        -------
        ndarray of shape (n_rows, 2)
        """
        second = expit(self.decision_function(X))
        return np.column_stack([1.0 - second, second])

    def predict(self, X: ArrayLike) -> NDArray[Any]:
        """Return the likelier class.

        Parameters
        ----------
        X : array-like of shape (n_rows, n_columns)

        Returns
        -------
        ndarray of shape (n_rows,)
        """
        return self.classes_[(self.decision_function(X) > 0.0).astype(np.int64)]

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.classifier_tags.multi_class = False
        return tags

    def _trees(self, X: NDArray[np.float64], codes: NDArray[np.int64]) -> Any:
        trees = HistGradientBoostingClassifier(
            learning_rate=0.05,
            max_iter=200,
            max_features=0.5,
            early_stopping=False,
            random_state=self.random_state,
        )
        with few_rows_one_thread(len(X)):
            return make_pipeline(EmptyColumns(), trees).fit(X, codes)


def _curves(X: NDArray[np.float64], codes: NDArray[np.int64], bend: tuple[int, float]) -> Any:
    n_knots, C = bend
    logistic = LogisticRegression(C=C, max_iter=1000)
    return make_pipeline(Curves(n_knots), StandardScaler(), logistic).fit(X, codes)


def _varies(X: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Return which columns hold more than one value: the trees draw their columns among these only."""
    same = (X[:1] == X).all(axis=0) | np.isnan(X).all(axis=0)
    return np.ones_like(same) if same.all() else ~same


def _log_odds(parts: list[Any], X: NDArray[np.float64]) -> NDArray[np.float64]:
    scores = np.column_stack([part.decision_function(X) for part in parts])
    return np.clip(scores, -_FARTHEST, _FARTHEST)


def _weigh(scores: NDArray[np.float64], codes: NDArray[np.int64]) -> tuple[NDArray[np.float64], float, float]:
    """Return the weights >= 0 and the constant of greatest likelihood, and minus its logarithm per row."""

    def loss(w: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        odds = scores @ w[:-1] + w[-1]
        off = expit(odds) - codes
        return float((np.logaddexp(0.0, odds) - codes * odds).mean()), np.append(
            off @ scores, off.sum()
        ) / codes.size

    k = scores.shape[1]
    found = minimize(loss, [1.0 / k] * k + [0.0], jac=True, bounds=[(0.0, None)] * k + [(None, None)])
    return found.x[:-1], float(found.x[-1]), float(found.fun)
