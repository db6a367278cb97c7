"""Whom to contact: the customers whose expected profit pays for the call."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.utils.validation import check_is_fitted

from crmintel._validation import check_number
from crmintel.churn.model import churn_codes, make_churn_pipeline
from crmintel.churn.profit import check_capacity, mean_acceptance, per_customer


class ProfitClassifier(ClassifierMixin, BaseEstimator):
    """Decide by expected profit, with each customer's own value, whom a retention campaign should contact.

    A customer of value V who leaves with chance p brings ``p (g (V - incentive) - contact) - (1 - p)(incentive +
    contact)`` when contacted, g being the chance to accept. `predict` says 1 where that is positive, or for the best of
    them as far as ``capacity`` goes.

    Parameters
    ----------
    classifier : classifier or None, default=None
        Gives the chance to leave; its probabilities must be calibrated. None is `make_churn_pipeline`.
    clv : float, default=200.0
        Value of a customer where `predict` is not given their own.
    incentive, contact : float, default=10.0 and 1.0
        Costs in the same money.
    accept : float or (float, float), default=(6.0, 14.0)
        Chance g that a customer who would leave accepts, or the parameters of its beta distribution.
    capacity : float, optional
        Customers that can be contacted in one call of `predict`: a whole number, or a share below 1.

    Attributes
    ----------
    classifier_ : classifier
        Fitted.
    classes_ : ndarray of shape (2,)
        Stay and leave.

    See Also
    --------
    expected_maximum_profit : What such a campaign brings.

    Examples
    --------
    >>> import numpy as np
    >>> import crmintel as ci
    >>> from sklearn.linear_model import LogisticRegression
    >>> X = np.linspace(-3, 3, 400)[:, None]
    >>> y = np.random.default_rng(0).random(400) < 1 / (1 + np.exp(-X[:, 0]))
    >>> model = ci.ProfitClassifier(LogisticRegression(), incentive=20, contact=2).fit(X, y)
    >>> model.predict([[0.0], [0.0]], clv=[1000.0, 30.0]).tolist()
    [1, 0]
    """

    def __init__(
        self,
        classifier: Any = None,
        *,
        clv: float = 200.0,
        incentive: float = 10.0,
        contact: float = 1.0,
        accept: Any = (6.0, 14.0),
        capacity: float | None = None,
    ) -> None:
        self.classifier = classifier
        self.clv = clv
        self.incentive = incentive
        self.contact = contact
        self.accept = accept
        self.capacity = capacity

    def fit(self, X: Any, y: ArrayLike) -> Self:
        """Fit the classifier.

        Parameters
        ----------
        X : TransactionLog, frame or array
            As the classifier takes it.
        y : array-like of shape (n_samples,)
            Who left: 0/1, bool or "no"/"yes".

        Returns
        -------
        ProfitClassifier
            The fitted estimator.

        Raises
        ------
        InputError
            If a cost is negative or another parameter out of bounds, or y is not 0/1, bool or "no"/"yes", with both.
        """
        for name in ("incentive", "contact"):
            check_number(getattr(self, name), name, low=0.0)
        check_number(self.clv, "clv")
        mean_acceptance(self.accept)
        if self.capacity is not None:
            check_capacity(self.capacity, np.size(y))
        churn_codes(
            y, np.size(y)
        )  # stay and leave, as in every churn model: 'a' and 'b' would not say which is which
        model = make_churn_pipeline() if self.classifier is None else clone(self.classifier)
        self.classifier_ = model.fit(X, y)
        self.classes_ = self.classifier_.classes_
        return self

    def predict_proba(self, X: Any) -> NDArray[np.float64]:
        """Return the classifier's chances to stay and to leave."""
        check_is_fitted(self)
        return self.classifier_.predict_proba(X)

    def expected_profit(self, X: Any, clv: ArrayLike | None = None) -> NDArray[np.float64]:
        """Return the profit that contacting each customer is expected to bring.

        Parameters
        ----------
        X : TransactionLog, frame or array
            Customers.
        clv : array-like of shape (n_customers,), optional
            Their values; None is the constructor's for all.

        Returns
        -------
        ndarray of shape (n_customers,)
        """
        leaves = self.predict_proba(X)[:, 1]
        value = per_customer(self.clv if clv is None else clv, "clv", leaves.size)
        saved = mean_acceptance(self.accept) * (value - self.incentive) - self.contact
        return leaves * saved - (1.0 - leaves) * (self.incentive + self.contact)

    def predict(self, X: Any, clv: ArrayLike | None = None) -> NDArray[np.int64]:
        """Return 1 for customers to contact, 0 for the others.

        Parameters
        ----------
        X : TransactionLog, frame or array
            Customers.
        clv : array-like of shape (n_customers,), optional
            Their values; None is the constructor's for all.

        Returns
        -------
        ndarray of int64, shape (n_customers,)
            Where ``capacity`` binds, of customers with the same profit the first are taken.
        """
        profit = self.expected_profit(X, clv)
        chosen = profit > 0.0
        if self.capacity is not None:
            best = np.argsort(-profit, kind="stable")[: check_capacity(self.capacity, profit.size)]
            within = np.zeros(profit.size, dtype=bool)
            within[best] = True
            chosen &= within
        return chosen.astype(np.int64)
