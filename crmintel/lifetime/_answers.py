"""What every model of repeat purchases can be asked, whatever its formulas."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from crmintel._compat import as_generator
from crmintel._validation import as_numbers, check_number, check_vector, raise_if_any
from crmintel.exceptions import InputError
from crmintel.features.rows import CustomerRows, unit_of
from crmintel.lifetime._histories import (
    COLUMNS,
    LONGEST,
    NEW_CUSTOMER,
    Histories,
    Vector,
    check_same_unit,
    distinct,
    read_histories,
    read_weights,
)
from crmintel.lifetime._intervals import outcome_interval
from crmintel.transactions.calendar import duration, is_endless

_CUT_OFF = 50.0  # e^-50 of a purchase is left beyond this discounted age
_AT_ONCE = 1 << 20  # customers: on the way formulas take up to 300 bytes for each of them


class PurchaseAnswers(TransformerMixin, BaseEstimator):
    """The verbs that models of repeat purchases share: predictions, chances, intervals and samples.

    A model gives the formulas ``_log_likelihood``, ``_alive``, ``_alive_after``, ``_expected``, ``_waiting`` (chance
    of no purchase while alive), ``_waiting_quantile``, ``_pmf`` and ``_at_least`` (counts while alive), ``_simulate``,
    and ``_time_scale`` or ``_discounted``; and the ``_plausible_models`` that an interval averages over.
    """

    horizon: float | str
    unit_: str | None

    def predict(self, X: Any) -> Vector:
        """Return the purchases expected within ``horizon``, one number per customer."""
        return self.expected_purchases(X)

    def transform(self, X: Any) -> NDArray[np.float64]:
        """Return the columns ``p_alive`` and ``expected_purchases`` (within ``horizon``)."""
        return np.column_stack([self.probability_alive(X), self.expected_purchases(X)])

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[Any]:
        """Return the names of the columns of `transform`."""
        return np.array(["p_alive", "expected_purchases"], dtype=object)

    def score(self, X: Any, y: Any = None, sample_weight: ArrayLike | None = None) -> float:
        """Return the mean log-likelihood per customer; higher is better."""
        if X is None:
            raise InputError("X is None; a score needs the rows of its customers.")
        values = self.log_likelihood(X)
        return float(np.average(values, weights=read_weights(sample_weight, values.size)))

    def log_likelihood(self, X: Any) -> Vector:
        """Return the log-likelihood of each customer's history, in the unit of the rows."""
        return self._answer(X, self._log_likelihood)

    def expected_purchases(self, X: Any = None, horizon: float | str | None = None) -> Any:
        """Return the purchases expected within ``horizon`` after T.

        Parameters
        ----------
        X : rows, optional
            None means a customer who has just made the first purchase; the answer is then a float. Where the model
            has covariates new customers need theirs: a frame of these columns alone, one row each.
        horizon : float or str, optional
            A number in the unit of the rows, or text like ``"52W"``; None takes the constructor's.

        Returns
        -------
        ndarray of shape (n_customers,) or float
        """
        t = self._horizon(horizon)
        return self._answer(X, lambda h: self._alive(h) * self._expected(h, t))

    def probability_alive(self, X: Any = None, after: float | str = 0.0) -> Any:
        """Return the chance that the customer is still one, ``after`` time units past T."""
        t = self._time(after, "after")
        if t == 0.0:
            return self._answer(X, self._alive)
        return self._answer(X, lambda h: self._alive(h) * self._alive_after(h, t))

    def probability_no_purchase(self, X: Any = None, horizon: float | str | None = None) -> Any:
        """Return the chance of no purchase within ``horizon``, gone customers included."""
        t = self._horizon(horizon)
        return self._answer(X, lambda h: (1.0 - self._alive(h)) + self._alive(h) * self._waiting(h, t))

    def purchase_count_pmf(self, X: Any = None, horizon: float | str | None = None, n: ArrayLike = 0) -> Any:
        """Return the chance of exactly ``n`` purchases within ``horizon``.

        Parameters
        ----------
        X : rows, optional
            None means a new customer.
        horizon : float or str, optional
            None takes the constructor's.
        n : int or array of int
            Counts, >= 0.

        Returns
        -------
        ndarray
            Shape (n_customers,) for one count, (n_customers, len(n)) for several; without ``X`` a float, or
            shape (len(n),).
        """
        t = self._horizon(horizon)
        counts = check_vector(np.atleast_1d(as_numbers(n, "n")), "n", low=0.0)
        raise_if_any(counts != np.floor(counts), counts, "n", "must hold whole numbers")

        def formula(h: Histories) -> NDArray[np.float64]:
            alive = self._alive(h)[:, None]
            table = alive * self._pmf(h, t, counts) + np.where(counts == 0, 1.0 - alive, 0.0)
            return table[:, 0] if np.ndim(n) == 0 else table

        return self._answer(X, formula)

    def next_purchase_quantile(self, X: Any = None, q: float = 0.5) -> Any:
        """Return the time after T by which the next purchase has come with chance ``q``; inf if it never does."""
        chance = check_number(q, "q", low=0.0, high=1.0, strict_high=True)

        def formula(h: Histories) -> Vector:
            alive = self._alive(h)
            reachable = chance < alive
            share = np.where(reachable, chance / np.where(reachable, alive, 1.0), 0.0)
            return np.where(reachable, self._waiting_quantile(h, share), np.inf)

        return self._answer(X, formula)

    def discounted_expected_transactions(
        self, X: Any = None, rate: float = 0.0, horizon: float | str = np.inf
    ) -> Any:
        """Return the expected purchases after T, each discounted to T.

        Parameters
        ----------
        X : rows, optional
            None means a new customer.
        rate : float
            Continuous discount rate per unit of time: a purchase at T + t counts exp(-rate t).
        horizon : float or str, default=inf
            Purchases after it do not count. Without discounting it must be finite.

        Returns
        -------
        ndarray of shape (n_customers,) or float
        """
        rate = check_number(rate, "rate", low=0.0)
        endless = is_endless(horizon)
        if endless and rate == 0.0:
            raise InputError("rate=0 needs a finite horizon: undiscounted purchases may add up for ever.")
        end = np.inf if endless else self._horizon(horizon)
        if rate == 0.0:
            return self.expected_purchases(X, end)
        return self._answer(X, lambda h: self._alive(h) * self._discounted(h, rate, end))

    def predict_interval(
        self, X: Any = None, horizon: float | str | None = None, level: float = 0.9
    ) -> NDArray[np.float64]:
        """Return an interval that holds the number of purchases within ``horizon`` with chance >= ``level``.

        The interval covers chance (who buys when) and, after `fit`, the uncertainty of the parameters: the
        distributions at the points of a cubature rule over ``covariance_`` are averaged.

        Returns
        -------
        ndarray of shape (n_customers, 2), or (2,) without ``X``
        """
        t = self._horizon(horizon)
        level = check_number(level, "level", low=0.0, high=1.0, strict_low=True, strict_high=True)
        models = self._plausible_models()

        def formula(h: Histories) -> NDArray[np.float64]:
            alike, one = distinct(h)
            alive = [model._alive(one) for model in models]

            def at_least(rows: NDArray[np.int64], n: Vector) -> Vector:
                some = one[rows]
                chances = [p[rows] * m._at_least(some, t, n) for m, p in zip(models, alive, strict=True)]
                return np.mean(chances, axis=0)

            return outcome_interval(len(one), level, at_least)[alike]

        return self._answer(X, formula)

    def sample(self, n: int, T: ArrayLike, random_state: Any = None) -> CustomerRows:
        """Draw ``n`` customers watched for ``T`` and return their ``frequency``, ``recency`` and ``T``.

        Parameters
        ----------
        n : int
            Number of customers.
        T : float or array of shape (n,)
            Time from the first purchase to the end of observation.
        random_state : int, Generator, RandomState or None

        Returns
        -------
        CustomerRows of shape (n, 3)
        """
        return self._drawn(self._watched(n, T), random_state)

    # -- shared machinery ---------------------------------------------------------------------------------

    def _checked(self, X: Any) -> Histories:
        check_is_fitted(self)
        check_same_unit(unit_of(X), self.unit_, "the model was fitted in")
        return self._read(X)

    def _answer(self, X: Any, formula: Callable[[Histories], Any]) -> Any:
        check_is_fitted(self)
        if X is None:
            answer = formula(self._new_customer())[0]
            return float(answer) if np.ndim(answer) == 0 else answer
        h = self._checked(X)
        if len(h) <= _AT_ONCE:
            return formula(h)
        return np.concatenate([formula(h[i : i + _AT_ONCE]) for i in range(0, len(h), _AT_ONCE)])

    def _watched(self, n: int, T: ArrayLike) -> Histories:
        check_is_fitted(self)
        n = int(check_number(n, "n", low=0, integer=True))
        watched = as_numbers(T, "T")
        watched = np.full(n, check_number(T, "T", low=0.0)) if watched.ndim == 0 else watched
        nothing = np.zeros(n)
        return Histories(nothing, nothing, check_vector(watched, "T", n=n, low=0.0))

    def _drawn(self, h: Histories, random_state: Any) -> CustomerRows:
        x, t_x = self._simulate(h, as_generator(random_state))
        return CustomerRows(np.column_stack([x, t_x, h.T]), COLUMNS, self.unit_)

    def _new_customer(self) -> Histories:
        return NEW_CUSTOMER

    def _read(self, X: Any) -> Histories:
        return read_histories(X)

    def _duration(self, value: float | str, unit: str | None, name: str = "horizon") -> float:
        return duration(value, unit, name)

    def _time(self, value: float | str, name: str) -> float:
        check_is_fitted(self)
        return check_number(self._duration(value, self.unit_, name), name, high=LONGEST)

    def _horizon(self, horizon: float | str | None) -> float:
        if horizon is not None:
            return self._time(horizon, "horizon")
        return check_number(self._time(self.horizon, "horizon"), "horizon", low=0.0, strict_low=True)

    # -- the formulas of a model ----------------------------------------------------------------------------

    def _discounted(self, h: Histories, rate: float, end: float) -> Vector:
        """The discounted purchases of a live customer; by parts: the expectation is smooth in log(1 + s / scale)."""
        end = min(end, _CUT_OFF / rate)
        scale = self._time_scale(h)
        span = np.log1p(end / scale)
        nodes, weights = np.polynomial.legendre.leggauss(16 + 8 * int(np.ceil(span.max())))
        total = np.exp(-rate * end) * self._expected(h, end)
        for node, weight in zip((nodes + 1.0) / 2.0, weights / 2.0, strict=True):
            s = scale * np.expm1(span * node)
            total += weight * span * rate * np.exp(span * node - rate * s) * scale * self._expected(h, s)
        return total

    @abstractmethod
    def _log_likelihood(self, h: Histories) -> Vector: ...

    @abstractmethod
    def _alive(self, h: Histories) -> Vector: ...

    @abstractmethod
    def _alive_after(self, h: Histories, t: float | Vector) -> Vector: ...

    @abstractmethod
    def _expected(self, h: Histories, t: float | Vector) -> Vector: ...

    @abstractmethod
    def _waiting(self, h: Histories, t: float) -> Vector: ...

    @abstractmethod
    def _waiting_quantile(self, h: Histories, q: Vector) -> Vector: ...

    @abstractmethod
    def _pmf(self, h: Histories, t: float, n: Vector) -> NDArray[np.float64]: ...

    @abstractmethod
    def _at_least(self, h: Histories, t: float | Vector, n: Vector) -> Vector: ...

    @abstractmethod
    def _simulate(self, h: Histories, rng: np.random.Generator) -> tuple[Vector, Vector]: ...

    @abstractmethod
    def _time_scale(self, h: Histories) -> Vector: ...

    @abstractmethod
    def _plausible_models(self) -> Sequence[Self]: ...
