"""When a customer leaves: the chance of leaving in each period, from any classifier."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, clone
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.validation import check_is_fitted

from crmintel._compat import few_rows_one_thread
from crmintel._validation import as_numbers, check_number, check_vector, raise_if_any
from crmintel.churn._periods import BaselinePeriods, check_stretches, person_periods
from crmintel.churn.folds import content_order
from crmintel.churn.inputs import ChurnInputs
from crmintel.exceptions import InputError, InputTypeError


class HazardModel(BaseEstimator):
    """Discrete-time survival: the chance that a customer who is still there leaves in the next period, and the next.

    Each customer becomes one row for each period watched, with the inputs, the number of the period, and whether the
    customer left in it; a classifier learns those rows. Customers who have not left yet count for as long as they were
    watched. Where inputs change over time, give one row of X for each stretch in which they did not, with ``entry``.

    Parameters
    ----------
    classifier : classifier, default=None
        Any with ``predict_proba``; it sees the inputs and, last, the number of the period. None is a logistic
        regression on standardised inputs, with a level of its own for each group of successive periods in which 30
        customers left. Class weights would make its chances useless.
    horizon : int, default=12
        How many periods ahead the answers look.

    Attributes
    ----------
    classifier_ : classifier
        Fitted.
    inputs_ : ChurnInputs
        How X becomes numbers: logs, mixed frames and arrays are read as by `make_churn_pipeline`.
    last_period_ : int
        The longest tenure watched; later periods are answered as this one.
    n_periods_ : int
        Rows that the classifier has learned from.

    See Also
    --------
    survival_curve : The same without inputs.
    make_churn_pipeline : Whether a customer leaves within one horizon.

    Notes
    -----
    Expected remaining tenure is that of the next ``horizon`` periods, a customer who leaves in the k-th counting k; it
    equals `SurvivalCurve.restricted_mean` where there are no inputs.

    References
    ----------
    Singer, J. D. & Willett, J. B. (1993). It's about time: using discrete-time survival analysis to study duration and
    the timing of events. Journal of Educational Statistics 18(2), 155-195.
    Tutz, G. & Schmid, M. (2016). Modeling discrete time-to-event data. Springer.

    Examples
    --------
    >>> import numpy as np
    >>> import crmintel as ci
    >>> rng = np.random.default_rng(0)
    >>> yearly = rng.integers(0, 2, 500)
    >>> life = rng.geometric(np.where(yearly, 0.05, 0.2))
    >>> y = np.column_stack([np.minimum(life, 12), life <= 12])
    >>> model = ci.HazardModel(horizon=6).fit(yearly[:, None], y)
    >>> model.predict_survival([[0], [1]])[:, -1].round(1).tolist()
    [0.3, 0.8]
    """

    def __init__(self, classifier: Any = None, *, horizon: int = 12) -> None:
        self.classifier = classifier
        self.horizon = horizon

    def fit(self, X: Any, y: ArrayLike, entry: ArrayLike | None = None) -> Self:
        """Learn the hazard.

        Parameters
        ----------
        X : TransactionLog, frame, dict of arrays, or array of shape (n_rows, n_columns)
            One row per customer, or per customer and stretch of time.
        y : array-like of shape (n_rows, 2)
            Duration and event: the period in which the customer left (1), counted from 1, or the last one in which they
            were still there (0). Whole numbers.
        entry : array-like of shape (n_rows,), optional
            Periods that had passed when the row begins; None is 0 for all.

        Returns
        -------
        HazardModel

        Raises
        ------
        InputError
            If shapes do not fit, durations are no whole periods, or nobody or everybody left in each period.
        InputTypeError
            If ``classifier`` has no ``predict_proba``.
        """
        self._ahead(None)
        if self.classifier is not None and not hasattr(self.classifier, "predict_proba"):
            raise InputTypeError(f"classifier must have predict_proba, got {self.classifier!r}.")
        inputs = ChurnInputs().fit(X)
        numbers = np.asarray(inputs.transform(X))
        row, period, left = person_periods(*check_stretches(y, entry, len(numbers)))
        if left.all() or not left.any():
            raise InputError(
                f"{int(left.sum())} of {left.size} periods watched end with a customer leaving; a hazard is learned "
                "from some that do and some that do not."
            )
        model = _default() if self.classifier is None else clone(self.classifier)
        cells = np.column_stack([numbers[row], period])
        order = content_order(cells, left)
        with few_rows_one_thread(row.size):
            self.classifier_ = model.fit(cells[order], left[order].astype(np.int64))
        self.inputs_, self.last_period_, self.n_periods_ = inputs, int(period.max()), int(row.size)
        return self

    def predict_hazard(
        self, X: Any, tenure: ArrayLike = 0, horizon: int | None = None
    ) -> NDArray[np.float64]:
        """Return the chance to leave in each period to come, given that the customer is still there.

        Parameters
        ----------
        X : as in ``fit``
            Inputs as they are now; they are taken to stay so.
        tenure : int or array-like of shape (n_rows,), default=0
            Periods that each customer has already been there.
        horizon : int, optional
            Periods ahead; None is the constructor's.

        Returns
        -------
        ndarray of float64, shape (n_rows, horizon)
        """
        check_is_fitted(self)
        numbers = np.asarray(self.inputs_.transform(X))
        passed = _tenures(tenure, len(numbers))
        hazard = np.empty((len(numbers), self._ahead(horizon)))
        for k in range(hazard.shape[1]):
            period = np.minimum(passed + k + 1, self.last_period_)
            hazard[:, k] = self.classifier_.predict_proba(np.column_stack([numbers, period]))[:, 1]
        return hazard

    def predict_survival(
        self, X: Any, tenure: ArrayLike = 0, horizon: int | None = None
    ) -> NDArray[np.float64]:
        """Return the chance to be still there after each period to come.

        Parameters
        ----------
        X, tenure, horizon
            As in `predict_hazard`.

        Returns
        -------
        ndarray of float64, shape (n_rows, horizon)
            Falling along each row.
        """
        staying: NDArray[np.float64] = 1.0 - self.predict_hazard(X, tenure, horizon)
        return staying.cumprod(axis=1)

    def expected_remaining(
        self, X: Any, tenure: ArrayLike = 0, horizon: int | None = None
    ) -> NDArray[np.float64]:
        """Return how many of the next periods each customer is expected to stay.

        Parameters
        ----------
        X, tenure, horizon
            As in `predict_hazard`.

        Returns
        -------
        ndarray of float64, shape (n_rows,)
            From 1 (gone in the next period for certain) to ``horizon``.
        """
        return 1.0 + self.predict_survival(X, tenure, horizon)[:, :-1].sum(axis=1)

    def predict(self, X: Any, tenure: ArrayLike = 0) -> NDArray[np.float64]:
        """Return the expected remaining tenure within ``horizon``.

        Parameters
        ----------
        X, tenure
            As in `predict_hazard`.

        Returns
        -------
        ndarray of float64, shape (n_rows,)
        """
        return self.expected_remaining(X, tenure)

    def score(self, X: Any, y: ArrayLike, entry: ArrayLike | None = None) -> float:
        """Return the mean log-likelihood of a period watched; the higher the better.

        Parameters
        ----------
        X, y, entry
            As in ``fit``.

        Returns
        -------
        float
        """
        check_is_fitted(self)
        numbers = np.asarray(self.inputs_.transform(X))
        row, period, left = person_periods(*check_stretches(y, entry, len(numbers)))
        if row.size == 0:
            raise InputError("no row was watched for a period; a score needs one.")
        period = np.minimum(period, self.last_period_)
        chance = self.classifier_.predict_proba(np.column_stack([numbers[row], period]))
        of_truth = np.where(left, chance[:, 1], chance[:, 0])
        return float(np.log(np.maximum(of_truth, np.finfo(float).tiny)).mean())

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.required = True
        tags.input_tags.two_d_array = False
        tags.input_tags.allow_nan = True
        return tags

    def _ahead(self, horizon: Any) -> int:
        value = self.horizon if horizon is None else horizon
        return int(check_number(value, "horizon", low=1, high=10_000, integer=True))


def _tenures(tenure: Any, n: int) -> NDArray[np.float64]:
    passed = as_numbers(tenure, "tenure")
    vector = check_vector(np.full(n, passed) if passed.ndim == 0 else passed, "tenure", n=n, low=0.0)
    raise_if_any(vector != np.floor(vector), vector, "tenure", "must be whole periods")
    return vector


def _default() -> Any:
    return make_pipeline(
        BaselinePeriods(),
        SimpleImputer(strategy="median", keep_empty_features=True),
        StandardScaler(),
        LogisticRegression(max_iter=1000),
    )
