"""Answers about means, totals and lifetimes of customers: what is expected, and how far it may be off."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtri

from crmintel._validation import check_number
from crmintel.exceptions import InputError
from crmintel.lifetime._answers import PurchaseAnswers
from crmintel.lifetime._histories import Histories, Vector
from crmintel.lifetime.totals import PurchaseTotals, codes_of, total_interval
from crmintel.transactions.calendar import is_endless

_LAST_TERM = 1e-12
_NOTHING = 1e-290  # purchases: smaller means have lost their digits
_FARTHEST = 80.0  # log units: a mean known no better is not known at all


class UncertainAnswers(PurchaseAnswers):
    """Verbs that models of repeat purchases share, built on their formulas.

    A model may give ``_pairs``, the expectation of N (N - 1) for N purchases while alive, and ``_endless_lifetime``.
    """

    def expected_lifetime(self, X: Any = None, horizon: float | str = np.inf) -> Any:
        """Return the time that the customer is expected to remain one after T.

        Customers who may be gone count with 0 for that chance. Where leaving comes with a purchase, as in the
        beta-geometric family, the lifetime ends with the last purchase; opportunities are counted where the model
        counts opportunities.

        Parameters
        ----------
        X : rows, optional
            None means a new customer; the answer is then a float.
        horizon : float or str, default=inf
            Time after it does not count. Without an end the expectation is inf for many parameters (in Pareto/NBD
            where s <= 1, in the beta-geometric family where a <= 1 or r + frequency <= 1): so many customers stay
            nearly for ever.

        Returns
        -------
        ndarray of shape (n_customers,) or float
        """
        if is_endless(horizon):
            return self._answer(X, lambda h: self._times_alive(h, self._endless_lifetime(h)))
        t = self._horizon(horizon)
        return self._answer(X, lambda h: self._times_alive(h, self._lifetime(h, t)))

    def expected_purchases_interval(
        self, X: Any = None, horizon: float | str | None = None, level: float = 0.9
    ) -> NDArray[np.float64]:
        """Return an interval for the *expected* purchases within ``horizon``, of which the parameters are uncertain.

        It says how well a customer's mean is known, not how many purchases may come: for that see `predict_interval`.
        The logarithm of the expectation is taken as normal, with the variance over the points of a cubature rule for
        ``covariance_``. Without `fit` both ends are the expectation.

        Parameters
        ----------
        X : rows, optional
            None means a new customer.
        horizon : float or str, optional
            None takes the constructor's.
        level : float, default=0.9
            Chance that the interval is to hold the mean.

        Returns
        -------
        ndarray of shape (n_customers, 2), or (2,) without ``X``
        """
        t = self._horizon(horizon)
        level = check_number(level, "level", low=0.0, high=1.0, strict_low=True, strict_high=True)
        z = float(ndtri((1.0 + level) / 2.0))
        models = self._plausible_models()

        def formula(h: Histories) -> NDArray[np.float64]:
            middle = self._mean(h, t)
            logs = [np.log(np.maximum(model._mean(h, t), _NOTHING)) for model in models]
            spread = np.minimum(np.std(logs, axis=0), _FARTHEST)
            return middle[:, None] * np.exp(np.multiply.outer(spread, [-z, z]))

        return self._answer(X, formula)

    def predict_total(
        self,
        X: Any,
        horizon: float | str | None = None,
        level: float = 0.9,
        groups: ArrayLike | None = None,
    ) -> PurchaseTotals:
        """Return the purchases of all customers together within ``horizon``, or of each segment, with an interval.

        Customers are independent given the parameters, so their variances add up; the parameters are the same for
        all, so their error does not average out. The total is taken to be negative binomial with the variance of
        both together; for groups of a handful of customers that is rough.

        Parameters
        ----------
        X : rows
        horizon : float or str, optional
            None takes the constructor's.
        level : float, default=0.9
            Chance that an interval is to hold its total.
        groups : array of shape (n_customers,), optional
            A label per customer, such as a segment; None: one total.

        Returns
        -------
        PurchaseTotals

        Raises
        ------
        InputError
            If ``groups`` does not hold one label per customer.
        """
        t = self._horizon(horizon)
        level = check_number(level, "level", low=0.0, high=1.0, strict_low=True, strict_high=True)
        if X is None:
            raise InputError("X is None; a total needs the rows of its customers.")
        h = self._checked(X)
        codes, labels = codes_of(groups, len(h))
        mean = self._mean(h, t)
        variance = self._times_alive(h, self._pairs(h, t)) + mean - mean**2
        expected, process = (np.bincount(codes, values).astype(np.float64) for values in (mean, variance))
        totals = [np.bincount(codes, weights=model._mean(h, t)) for model in self._plausible_models()]
        error = np.std(totals, axis=0)
        ends = total_interval(expected, process + error**2, level)
        columns = (np.bincount(codes), expected, *ends.T, np.sqrt(np.maximum(process, 0.0)), error)
        if labels is None:
            columns = tuple(column[0].item() for column in columns)
        return PurchaseTotals(labels, *columns)

    # -- formulas -------------------------------------------------------------------------------------------

    def _mean(self, h: Histories, t: float) -> Vector:
        return self._times_alive(h, self._expected(h, t))

    def _times_alive(self, h: Histories, values: Vector) -> Vector:
        alive = self._alive(h)
        return np.multiply(alive, values, out=np.zeros(len(h)), where=alive > 0.0)

    def _lifetime(self, h: Histories, end: float) -> Vector:
        """The time that a live customer stays, up to ``end``: survival is smooth in log(1 + s / scale)."""
        scale = self._time_scale(h)
        span = np.log1p(end / scale)
        nodes, weights = np.polynomial.legendre.leggauss(16 + 8 * int(np.ceil(span.max(initial=0.0))))
        total = np.zeros(len(h))
        for node, weight in zip((nodes + 1.0) / 2.0, weights / 2.0, strict=True):
            s = scale * np.expm1(span * node)
            total += weight * span * (scale + s) * self._alive_after(h, s)
        return total

    def _endless_lifetime(self, h: Histories) -> Vector:
        raise InputError(f"the lifetimes of {type(self).__name__} need a finite horizon.")

    def _discounted_pairs(self, h: Histories, rate: float, end: float) -> Vector:
        """E[N (N - 1)] of a live customer up to ``end``, both purchases of a pair discounted.

        Of two purchases the earlier may have come at any time before the later alike, as to live customers purchases
        come at random. By parts, as for `_discounted`.
        """
        if rate == 0.0:
            return self._pairs(h, end)
        scale = self._time_scale(h)
        span = np.log1p(end / scale)
        nodes, weights = np.polynomial.legendre.leggauss(16 + 8 * int(np.ceil(span.max(initial=0.0))))
        total = _both(np.array(rate * end)) * self._pairs(h, end)
        for node, weight in zip((nodes + 1.0) / 2.0, weights / 2.0, strict=True):
            s = scale * np.expm1(span * node)
            total += weight * span * (scale + s) * rate * _loss(rate * s) * self._pairs(h, s)
        return total

    def _pairs(self, h: Histories, t: float | Vector) -> Vector:
        """E[N (N - 1)] of a live customer, from the chances of at least n purchases."""
        total, n = np.zeros(len(h)), 2.0
        rows, times = np.arange(len(h)), np.broadcast_to(t, len(h))
        while rows.size:
            term = 2.0 * (n - 1.0) * self._at_least(h[rows], times[rows], np.full(rows.size, n))
            total[rows] += term
            rows = rows[term > _LAST_TERM * total[rows]]
            n += 1.0
        return total


def _both(y: Any) -> Any:
    """Return the mean of e^-u e^-y over u in [0, y]: two purchases are discounted so, the later by y."""
    return -np.expm1(-y) / y * np.exp(-y)


def _loss(y: Vector) -> Vector:
    """Return minus the derivative of `_both`; near 0, where its terms cancel, by a series."""
    with np.errstate(divide="ignore", invalid="ignore"):
        loss = (_both(y) + np.exp(-y) - 2.0 * np.exp(-2.0 * y)) / y
    return np.where(y < 1e-4, 1.5 - 7.0 / 3.0 * y, loss)
