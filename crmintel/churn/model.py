"""A churn model: behaviour or customer rows in, calibrated probabilities of leaving out."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassifierMixin, clone, is_classifier
from sklearn.calibration import CalibratedClassifierCV
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted

from crmintel._compat import few_rows_one_thread
from crmintel._validation import check_choice
from crmintel.churn.folds import content_order, customer_folds
from crmintel.churn.inputs import ChurnInputs, SampleRows
from crmintel.churn.preparation import with_preparation
from crmintel.churn.stacking import WEIGHING_FOLDS, CurvesAndTrees
from crmintel.exceptions import InputError, InputTypeError

# Below about 1,000 cases a sigmoid calibrates better (Niculescu-Mizil and Caruana 2005, section 4.2). Counted in the
# rarer class, which bounds what can be learned: with 313 to 448 churners of Complete Journey its Brier score is lower.
_ISOTONIC_FROM = 1_000


def make_churn_pipeline(
    classifier: Any = None, calibration: str = "auto", *, random_state: Any = 0
) -> Pipeline:
    """Return a pipeline from a log, or from rows of customers, to the probability that each customer leaves.

    Parameters
    ----------
    classifier : classifier, default=None
        Any scikit-learn classifier; None is a logistic regression on piecewise linear curves and a gradient boosting of
        trees, added with weights learned on held-out customers, so that smooth and jagged problems both do well. One
        that takes no NaN gets the median in its place, and standardised columns.
    calibration : {"auto", "sigmoid", "isotonic", "none"}, default="auto"
        How scores become probabilities, learned on held-out fifths of the customers; "auto" is isotonic where both
        classes have 1,000 samples or more, else sigmoid. The default classifier is a sigmoid of its own, so that only
        "isotonic" adds anything to it.
    random_state : int, RandomState instance or None, default=0
        Of the default classifier; one that is given keeps its own.

    Returns
    -------
    Pipeline
        ``fit(X, y)``, ``predict_proba(X)[:, 1]`` (the probability of churn), ``classes_``. X is a `TransactionLog` (of
        snapshots or not; `BehaviourFeatures` are computed), a frame with one row per customer, whose text columns and
        missing values are taken as they are, or an array of numbers. y is 0/1, bool or "no"/"yes": churn is the
        second.

    Notes
    -----
    The steps are ``inputs`` and ``classifier``: their parameters are set as in any pipeline, e.g.
    ``set_params(inputs__features=BehaviourFeatures(windows=["26W"]))``.

    References
    ----------
    Niculescu-Mizil and Caruana (2005), "Predicting Good Probabilities with Supervised Learning", ICML.

    Examples
    --------
    >>> import crmintel as ci
    >>> log, _ = ci.datasets.make_transactions(300, random_state=0)
    >>> model = ci.make_churn_pipeline().fit(*ci.churn_snapshots(log, horizon="90D"))
    >>> model.predict_proba(log).shape
    (300, 2)
    """
    if classifier is None:
        classifier = CurvesAndTrees(random_state=random_state)
    return Pipeline(
        [("inputs", ChurnInputs()), ("classifier", ChurnClassifier(classifier, calibration=calibration))]
    )


class ChurnClassifier(ClassifierMixin, BaseEstimator):
    """A classifier with two classes, stay and leave, and calibrated probabilities.

    Parameters
    ----------
    classifier : classifier
        Fitted on rows of numbers; where it takes no NaN, after imputing medians and standardising.
    calibration : {"auto", "sigmoid", "isotonic", "none"}, default="auto"
        As in `make_churn_pipeline`.

    Attributes
    ----------
    classes_ : ndarray of shape (2,)
        Stay and leave, as y has them.
    calibration_ : str
        What "auto" chose.
    model_ : classifier
        The fitted model, calibrated or not.

    Examples
    --------
    >>> from sklearn.linear_model import LogisticRegression
    >>> from crmintel.churn.model import ChurnClassifier
    >>> model = ChurnClassifier(LogisticRegression(), calibration="none")
    >>> model.fit([[1.0], [2.0], [30.0], [None]], [0, 0, 1, 1]).predict([[25.0]])
    array([1])
    """

    def __init__(self, classifier: Any, *, calibration: str = "auto") -> None:
        self.classifier = classifier
        self.calibration = calibration

    def fit(self, X: Any, y: ArrayLike) -> Self:
        """Fit the classifier and its calibration.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_columns)
        y : array-like of shape (n_samples,)
            0/1, bool, or "no"/"yes", both in lower or upper case or capitalised.

        Returns
        -------
        ChurnClassifier

        Raises
        ------
        InputError
            If y has another length, misses a value, has one class only, other values, or too few customers of a
            class for the calibration.
        """
        check_choice(self.calibration, "calibration", ("auto", "sigmoid", "isotonic", "none"))
        customers = X.customers if isinstance(X, SampleRows) else None
        X = np.asarray(X, dtype=np.float64)
        labels = _labels(y, len(X))
        order = content_order(X, labels)
        X, labels = X[order], labels[order]
        customers = None if customers is None else customers[order]
        self.classes_, counts = np.unique(labels, return_counts=True)
        _check_classifier(self.classifier, self.calibration)
        is_own = isinstance(self.classifier, CurvesAndTrees)
        self.calibration_ = self.calibration
        if self.calibration == "auto":
            self.calibration_ = "sigmoid" if is_own or counts.min() < _ISOTONIC_FROM else "isotonic"
        model = clone(self.classifier) if is_own else with_preparation(clone(self.classifier))
        left, options = labels == self.classes_[1], {}
        if is_own and self.calibration_ != "isotonic":
            options = {"folds": customer_folds(left, customers, n_folds=WEIGHING_FOLDS)}
        elif self.calibration_ != "none":
            folds = customer_folds(left, customers)
            model = CalibratedClassifierCV(model, method=self.calibration_, cv=folds)
        with few_rows_one_thread(len(X)):
            self.model_ = model.fit(X, labels, **options)
        return self

    def predict_proba(self, X: Any) -> NDArray[np.float64]:
        """Return the probabilities of staying and of leaving.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_columns)

        Returns
        -------
        ndarray of shape (n_samples, 2)
        """
        check_is_fitted(self)
        return self.model_.predict_proba(np.asarray(X, dtype=np.float64))

    def predict(self, X: Any) -> NDArray[Any]:
        """Return the likelier class.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_columns)

        Returns
        -------
        ndarray of shape (n_samples,)
        """
        leaves = self.predict_proba(X)[:, 1] > 0.5
        return self.classes_[leaves.astype(np.int64)]

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.classifier_tags.multi_class = False
        return tags


def _check_classifier(classifier: Any, calibration: str) -> None:
    if isinstance(classifier, type) or not hasattr(classifier, "fit") or not is_classifier(classifier):
        raise InputTypeError(
            f"classifier must be a scikit-learn classifier such as LogisticRegression(), got {classifier!r}."
        )
    if calibration == "none" and not hasattr(classifier, "predict_proba"):
        raise InputError(f"{classifier!r} has no predict_proba; calibration='sigmoid' gives it one.")


def churn_codes(y: Any, n: int) -> NDArray[np.int64]:
    """Return 1 where the customer left, of labels as `make_churn_pipeline` takes them."""
    labels = _labels(y, n)
    return (labels == np.unique(labels)[1]).astype(np.int64)


def _lower(value: Any) -> Any:
    return value.lower() if isinstance(value, str) else value


def _labels(y: Any, n: int) -> NDArray[Any]:
    """Return y, checked to say for each customer whether they left."""
    labels = np.asarray(y)
    if labels.shape != (n,):
        raise InputError(f"y must hold one label per customer ({n}), got shape {labels.shape}.")
    values = set(labels.tolist())
    words = {_lower(value) for value in values}
    known = words <= {0, 1} or words <= {"no", "yes"}
    # "Yes" stands before "no", so that the second class would be those who stay
    if len(words) < len(values) or not known or sorted(words) != [_lower(value) for value in sorted(values)]:
        raise InputError(
            "y must be 0/1, bool or 'no'/'yes', both in the same case (1 and 'yes': the customer left), got "
            f"{sorted(map(repr, values))[:5]}; write y == 'the value that means churn'."
        )
    if len(values) < 2:
        raise InputError(
            f"y has one class only ({values or 'no value'}): churn is learned from customers who left and customers "
            "who stayed. Choose another horizon or more customers."
        )
    return labels.astype(np.int64) if labels.dtype == object and words <= {0, 1} else labels
