"""Customer value: what a customer has brought, brings now, and will bring."""

from __future__ import annotations

import warnings
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, TransformerMixin, clone
from sklearn.metrics import r2_score
from sklearn.utils.validation import check_is_fitted

from crmintel._validation import check_number, check_vector, raise_if_any
from crmintel.exceptions import ColumnError, DataWarning, InputError, InputTypeError, UnitError
from crmintel.features.rows import CustomerRows, named_columns
from crmintel.lifetime._histories import Vector, read_weights, remember_columns
from crmintel.lifetime._value_intervals import ValueIntervals
from crmintel.lifetime.bgnbd import BetaGeoNBD
from crmintel.lifetime.gammagamma import GammaGamma
from crmintel.transactions.calendar import UNIT_DAYS, duration, is_endless

COLUMNS = ("historic", "current", "potential")


class LifetimeValue(ValueIntervals, TransformerMixin, BaseEstimator):
    """Historic, current and potential value of each customer, in money.

    ``potential`` is margin x expected purchases x expected spend per purchase over the horizon, every purchase
    discounted from the day it is expected to the end of the data, less the retention cost. The models expect neither
    purchases nor spend below 0, so that it is negative for two reasons only: a margin below 0, which is warned of, or a
    retention cost above the expected profit, which says that the customer is not worth it.

    Parameters
    ----------
    transactions : estimator, optional
        Model of repeat purchases; None means ``BetaGeoNBD()``. It is cloned, and the horizon here overrides its own.
    spend : estimator, optional
        Model of spend per purchase; None means ``GammaGamma()``. It is cloned.
    horizon : float or str, default="1Y"
        How far into the future value counts: a number in the unit of the rows, or text like ``"52W"``. With a discount
        rate it may be ``numpy.inf``.
    discount_rate : float, default=0.0
        Effective rate per year, in [0, 1], 10 % is 0.1: money in one year is worth 1 / (1 + rate) today, and in between
        by exact time.
    margin : float, default=1.0
        Share of sales that is profit, in [-1, 1]: 30 % is 0.3; below 0 every sale loses money.
    retention_cost : float, default=0.0
        Money spent on each customer during the horizon to keep it.

    Attributes
    ----------
    transactions_ : estimator
        The fitted model of purchases.
    spend_ : estimator
        The fitted model of spend.
    unit_ : str or None
        Unit of time of the rows.
    n_features_in_, feature_names_in_
        The columns of ``X``.

    See Also
    --------
    ValueQuadrants : What to do with customers of high or low current and potential value.

    References
    ----------
    Fader, P. S., Hardie, B. G. S. & Lee, K. L. (2005). RFM and CLV: using iso-value curves for customer base analysis.
    Journal of Marketing Research 42(4), 415-430.

    Examples
    --------
    >>> import numpy as np
    >>> from crmintel import BetaGeoNBD, LifetimeValue
    >>> rng = np.random.default_rng(0)
    >>> buyers = BetaGeoNBD.from_params(r=0.5, alpha=6, a=0.8, b=2.5).sample(500, T=52, random_state=0)
    >>> mean_spend = np.where(buyers[:, 0] > 0, rng.gamma(6, 5, size=500), 0)
    >>> X = np.column_stack([buyers, mean_spend])  # frequency, recency, T, monetary_value
    >>> value = LifetimeValue(transactions=BetaGeoNBD(unit="week"), horizon="52W", discount_rate=0.1, margin=0.3)
    >>> value.fit(X).predict(X).shape
    (500,)
    >>> total = value.predict_total(X)
    >>> total.low < total.expected < total.high
    True
    """

    def __init__(
        self,
        transactions: Any = None,
        spend: Any = None,
        *,
        horizon: float | str = "1Y",
        discount_rate: float = 0.0,
        margin: float = 1.0,
        retention_cost: float = 0.0,
    ) -> None:
        self.transactions = transactions
        self.spend = spend
        self.horizon = horizon
        self.discount_rate = discount_rate
        self.margin = margin
        self.retention_cost = retention_cost

    def fit(self, X: Any, y: Any = None) -> Self:
        """Fit both models.

        Parameters
        ----------
        X : CustomerRows, frame or array
            ``frequency, recency, T, monetary_value``, as `CustomerSummary` makes them.
        y : ignored

        Returns
        -------
        self

        Raises
        ------
        UnitError
            If the unit of time is not known and ``discount_rate`` or a horizon in text needs it.
        InputTypeError
            If ``transactions`` or ``spend`` cannot answer what is asked of them here.

        Warns
        -----
        DataWarning
            If the margin is negative.
        FitWarning
            As the two models do.
        """
        transactions = BetaGeoNBD() if self.transactions is None else self.transactions
        spend = GammaGamma() if self.spend is None else self.spend
        if not _is_purchase_model(transactions):
            raise InputTypeError(
                f"transactions must be a model of repeat purchases such as BetaGeoNBD(), got {transactions!r:.80}. "
                "Customers under contract are worth margin x payment x discounted_expected_renewals of their model."
            )
        money = hasattr(spend, "fit") and hasattr(spend, "predict") and not isinstance(spend, type)
        if not money or _is_purchase_model(spend):
            raise InputTypeError(f"spend must be a model of spend such as GammaGamma(), got {spend!r:.80}.")
        named_columns(X, ("frequency", "recency", "T", "monetary_value"))
        self.transactions_ = clone(transactions).fit(X)
        self.unit_ = self.transactions_.unit_
        self._terms()  # a horizon or rate that cannot work fails here, not at the first prediction
        if self.margin < 0:
            warnings.warn(
                f"margin={self.margin!r} is negative: every sale loses money, and the customers who buy most have the "
                "lowest value.",
                DataWarning,
                stacklevel=2,
            )
        self.spend_ = clone(spend).fit(X)
        remember_columns(self, X)
        return self

    def predict(self, X: Any) -> Vector:
        """Return ``potential``, one number per customer; ``spend`` columns are not needed.

        It is inf where the spend model has no finite mean.
        """
        check_is_fitted(self)
        horizon, rate = self._terms()
        purchases = self.transactions_.discounted_expected_transactions(X, rate=rate, horizon=horizon)
        buying = purchases > 0  # 0 x inf: who buys nothing spends nothing, whatever the model of spend
        sales = np.where(buying, purchases, 0.0) * np.where(buying, self.spend_.predict(X), 0.0)
        return self._profit(sales) - self.retention_cost

    def score(self, X: Any, y: ArrayLike, sample_weight: ArrayLike | None = None) -> float:
        """Return the coefficient of determination R2 of `predict`, as scikit-learn's regressors do.

        Parameters
        ----------
        X : CustomerRows, frame or array
            As in `fit`.
        y : array of shape (n_customers,)
            The profit that each customer really brought within the horizon after T, in money: margin x sales, less
            the retention cost.
        sample_weight : array of shape (n_customers,), optional
            How many customers share each row.

        Returns
        -------
        float
            1 at best, 0 for the mean of ``y``, negative if worse.
        """
        predicted = self.predict(X)
        if y is None:
            raise InputTypeError(
                "score needs y: the profit that each customer really brought within the horizon."
            )
        earned = check_vector(y, "y", n=predicted.size)
        rule = "must be finite to be scored; the spend model has no finite mean"
        raise_if_any(~np.isfinite(predicted), predicted, "the prediction", rule)
        return float(r2_score(earned, predicted, sample_weight=read_weights(sample_weight, predicted.size)))

    def transform(self, X: Any) -> CustomerRows:
        """Return the columns ``historic``, ``current`` and ``potential``.

        Parameters
        ----------
        X : CustomerRows or frame
            Also with ``spend`` and ``spend_last_year``, the sums of all sales and of those of the last year.

        Raises
        ------
        ColumnError
            If they are missing; `predict` does without.
        """
        check_is_fitted(self)
        try:
            money = named_columns(X, ("spend", "spend_last_year"))
        except ColumnError as error:
            raise ColumnError(
                f"{error} Historic and current value need CustomerSummary(extra=('spend', 'spend_last_year')); "
                "predict gives the potential without them."
            ) from None
        historic, current = (self._profit(check_vector(money[name], name)) for name in money)
        return CustomerRows(np.column_stack([historic, current, self.predict(X)]), COLUMNS)

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[Any]:
        """Return the names of the columns of `transform`."""
        return np.array(COLUMNS, dtype=object)

    def _profit(self, sales: Vector) -> Vector:
        return self.margin * sales if self.margin else np.zeros(sales.size)  # also where sales are infinite

    def _terms(self) -> tuple[float, float]:
        """The horizon, and the continuous discount rate, per unit of time."""
        check_number(self.margin, "margin", low=-1.0, high=1.0)
        check_number(self.retention_cost, "retention_cost", low=0.0)
        yearly = check_number(self.discount_rate, "discount_rate", low=0.0)
        if yearly > 1.0:
            raise InputError(
                f"discount_rate={self.discount_rate!r} is {yearly:.0%} a year, and must be <= 1: 10 % is 0.1. Where "
                "money loses more than half in a year, count it in a stable currency."
            )
        endless = is_endless(self.horizon)
        if endless and yearly == 0.0:
            raise InputError(
                "horizon=inf needs discount_rate > 0: undiscounted purchases may add up for ever."
            )
        length = np.inf if endless else duration(self.horizon, self.unit_)
        horizon = check_number(length, "horizon", low=0.0, strict_low=True, finite=False)
        if yearly == 0.0:
            return horizon, 0.0
        if self.unit_ is None:
            raise UnitError(
                f"discount_rate={self.discount_rate!r} is per year, but the unit of time of X is not known. Fit on "
                "CustomerSummary's own output, or set transactions=BetaGeoNBD(unit='week')."
            )
        return horizon, float(np.log1p(yearly)) * UNIT_DAYS[self.unit_] / UNIT_DAYS["year"]


def _is_purchase_model(model: Any) -> bool:
    return hasattr(model, "discounted_expected_transactions") and not isinstance(model, type)
