"""How sure a customer value is: of one customer, of a segment and of the whole base."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtri
from sklearn.utils.validation import check_is_fitted

from crmintel._validation import check_number
from crmintel.exceptions import InputTypeError
from crmintel.lifetime._histories import Histories, Vector
from crmintel.lifetime._spend import SpendModel, read_spend
from crmintel.lifetime._uncertainty import UncertainAnswers
from crmintel.lifetime.totals import ValueTotals, codes_of, sales_interval

_CUT_OFF = 50.0  # e^-50 of a purchase is left beyond this discounted age


class ValueIntervals:
    """Verbs of `LifetimeValue` about its uncertainty, by moments: nothing is drawn.

    Purchases and what each is worth are independent given the customer's own rate and mean, as are their parameters,
    which are fitted apart. So the variance of a customer's sales follows from first and second moments of both
    (Fader, Hardie & Lee 2005 for the means), and that of the parameters from either model's plausible ones.
    """

    transactions_: Any
    spend_: Any
    margin: float
    retention_cost: float

    def expected_value_interval(self, X: Any, level: float = 0.9) -> NDArray[np.float64]:
        """Return an interval for the *expected* potential of each customer, of which the parameters are uncertain.

        It says how well the mean is known, not how much money may come: for that see `predict_interval`.

        Parameters
        ----------
        X : rows
            As in `predict`.
        level : float, default=0.9
            Chance that the interval is to hold the mean.

        Returns
        -------
        ndarray of shape (n_customers, 2)
            From 0 to inf, before the retention cost, where the spend model has no finite mean.
        """
        level = _checked_level(level)
        purchases, spends = self._plausible(X)
        with np.errstate(divide="ignore", invalid="ignore"):
            variance = sum(np.var(np.log(each), axis=0) for each in (purchases[1:], spends[1:]))
            spread = np.multiply.outer(
                np.sqrt(variance), float(ndtri((1.0 + level) / 2.0)) * np.array([-1.0, 1.0])
            )
            ends = (purchases[0] * spends[0])[:, None] * np.exp(spread)
        ends[purchases[0] == 0.0] = 0.0
        return self._profits(np.where(np.isfinite(ends).all(axis=1)[:, None], ends, [0.0, np.inf]), 1.0)

    def predict_interval(self, X: Any, level: float = 0.9) -> NDArray[np.float64]:
        """Return an interval that holds the value each customer will have brought with chance >= ``level``.

        See `predict_total`, of which this is the case of groups of one customer. Most lower ends are what a customer
        who buys nothing brings: less the retention cost.

        Parameters
        ----------
        X : rows
            As in `predict`.
        level : float, default=0.9
            Chance that the interval is to hold the value.

        Returns
        -------
        ndarray of shape (n_customers, 2)
        """
        total = self.predict_total(X, level, groups=np.arange(read_spend(X)[0].size))
        return np.column_stack([total.low, total.high])

    def predict_total(self, X: Any, level: float = 0.9, groups: ArrayLike | None = None) -> ValueTotals:
        """Return the value of all customers together, or of each segment, with an interval.

        Customers are independent given the parameters, so their variances add up; the parameters are the same for
        all, so their error does not average out. Sales are taken as 0 with the chance that nobody buys, and gamma
        distributed with the right mean and variance otherwise.

        Parameters
        ----------
        X : rows
            As in `predict`.
        level : float, default=0.9
            Chance that an interval is to hold its total.
        groups : array of shape (n_customers,), optional
            A label per customer, such as a segment; None: one total.

        Returns
        -------
        ValueTotals
            With an upper end of inf where the spend of one customer has no finite variance (`GammaGamma` with
            ``p x + q <= 2``).

        Raises
        ------
        InputError
            If ``groups`` does not hold one label per customer.
        InputTypeError
            If the models of purchases and spend do not say how uncertain they are: a `SeasonalModel`, or a model of
            spend that is not of this library.
        """
        level = _checked_level(level)
        x, m = read_spend(X)
        codes, labels = codes_of(groups, x.size)
        purchases, spends = self._plausible(X)
        none, squares, pairs = self._answer_in_columns(X, self._moments_of_counts)
        mean = purchases[0] * spends[0]
        with np.errstate(invalid="ignore"):
            different, same = self.spend_._second_moments(x, np.maximum(m, 0.0))
            variance = np.where(purchases[0] > 0.0, squares * same + pairs * different - mean**2, 0.0)
            expected, process = (np.bincount(codes, each).astype(np.float64) for each in (mean, variance))
            sums = [np.bincount(codes, each * spends[0]) for each in purchases[1:]]
            more = [np.bincount(codes, each * purchases[0]) for each in spends[1:]]
            error = np.sqrt(np.var(sums, axis=0) + np.var(more, axis=0))
        process, error = (np.where(np.isnan(each), np.inf, each) for each in (process, error))
        nobody = np.exp(np.bincount(codes, np.log(np.maximum(none, np.finfo(np.float64).tiny))))
        ends = sales_interval(nobody, expected, np.maximum(process, 0.0) + error**2, level)
        people = np.bincount(codes)
        stds = (
            abs(self.margin) * std if self.margin else np.zeros(people.size) for std in (process**0.5, error)
        )
        columns = (people, self._profits(expected, people), *self._profits(ends, people[:, None]).T, *stds)
        if labels is None:
            columns = tuple(column[0].item() for column in columns)
        return ValueTotals(labels, *columns)

    # -- moments ------------------------------------------------------------------------------------------------

    def _profits(self, sales: Any, people: Any) -> Any:
        profits = self.margin * sales if self.margin else np.zeros_like(sales)
        return (
            profits if self.margin >= 0 or sales.ndim == 1 else profits[:, ::-1]
        ) - self.retention_cost * people

    def _plausible(self, X: Any) -> tuple[Any, Any]:
        """Discounted purchases and spend per purchase of each customer: as estimated, then by plausible models."""
        check_is_fitted(self)
        if not (isinstance(self.transactions_, UncertainAnswers) and isinstance(self.spend_, SpendModel)):
            raise InputTypeError(
                f"{self.transactions_!r:.40} with {self.spend_!r:.40} gives values without intervals; these need a "
                "model of repeat purchases without a season, and GammaGamma, LogNormalSpend or CorrelatedSpend."
            )
        models = [self.transactions_, *self.transactions_._plausible_models()]
        purchases = self._answer_in_columns(X, lambda h: [self._discounted_by(model, h) for model in models])
        return purchases, np.array(
            [self.spend_.predict(X), *(s.predict(X) for s in self.spend_._plausible_models())]
        )

    def _answer_in_columns(self, X: Any, formulas: Any) -> Any:
        return self.transactions_._answer(X, lambda h: np.column_stack(formulas(h))).T

    def _discounted_by(self, model: Any, h: Histories) -> Vector:
        end, rate = self._terms()
        return model._times_alive(
            h, model._discounted(h, rate, end) if rate > 0.0 else model._expected(h, end)
        )

    def _moments_of_counts(self, h: Histories) -> list[Vector]:
        """The chance of no purchase, and the discounted purchases squared: each by itself, and with every other."""
        model, (end, rate) = self.transactions_, self._terms()
        alive = model._alive(h)
        soon = min(end, np.ceil(_CUT_OFF / rate)) if rate > 0.0 else end
        squares = model._discounted(h, 2.0 * rate, end) if rate > 0.0 else model._expected(h, end)
        none = (1.0 - alive) + alive * model._waiting(h, soon)
        return [none, alive * squares, alive * model._discounted_pairs(h, rate, soon)]

    @abstractmethod
    def _terms(self) -> tuple[float, float]: ...


def _checked_level(level: float) -> float:
    return check_number(level, "level", low=0.0, high=1.0, strict_low=True, strict_high=True)
