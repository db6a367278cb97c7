"""What every model of contracts can be asked: who stays, for how long, and what that is worth."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from crmintel._compat import as_generator
from crmintel._validation import as_numbers, check_number, check_parameters, check_vector, raise_if_any
from crmintel.exceptions import InputError
from crmintel.features.rows import CustomerRows
from crmintel.lifetime._contract_likelihood import ContractLikelihood
from crmintel.lifetime._contracts import (
    COLUMNS,
    MOST_PERIODS,
    NEW_CONTRACT,
    Contracts,
    Vector,
    cohort_contracts,
    read_contracts,
)
from crmintel.lifetime._histories import read_weights, remember_columns
from crmintel.lifetime._survival import discounted_survival, exposure, log_survival
from crmintel.transactions.calendar import is_endless


class ContractModel(TransformerMixin, BaseEstimator):
    """Base of the models of contracts: the share of a cohort left after t renewals is E[(1 - p)^(t^c)].

    p is a customer's chance to leave at the first renewal, beta distributed. A model names its ``_parameters``.
    """

    _parameters: ClassVar[tuple[str, ...]]

    def __init__(
        self, horizon: int = 1, *, penalty: float = 0.0, tol: float = 1e-9, max_iter: int = 200
    ) -> None:
        self.horizon = horizon
        self.penalty = penalty
        self.tol = tol
        self.max_iter = max_iter

    def fit(self, X: Any, y: Any = None, sample_weight: ArrayLike | None = None) -> Self:
        """Estimate the parameters by maximum likelihood.

        Parameters
        ----------
        X : CustomerRows, frame or array of shape (n_customers, 2)
            ``duration``, how many renewals came due while the customer was watched, and ``churned``, 1 where the last
            of them was not made, 0 where the customer is still there. Duration 0 is a customer before the first
            renewal, who tells nothing.
        y : ignored
        sample_weight : array of shape (n_customers,), optional
            How many customers share each row. Equal to repeating the rows.

        Returns
        -------
        self

        Raises
        ------
        InputError
            If a contract is impossible; the message names the column, the rule and the first bad row.

        Warns
        -----
        FitWarning
            If the search did not converge, the best fit lies at a limit of the model, or the data cannot tell.
        """
        contracts = self._read(X)
        weights = read_weights(sample_weight, len(contracts))
        if len(contracts) == 1 and weights[0] <= 1:
            raise InputError("X has one customer; at least 2 are needed to see how customers differ.")
        if weights @ contracts.duration == 0:
            raise InputError(
                "X has no customer who came to a renewal (duration >= 1); there is nothing to learn."
            )
        check_number(self.penalty, "penalty", low=0.0)
        check_number(self.max_iter, "max_iter", low=1, integer=True)
        check_number(self.tol, "tol", low=0.0, high=1.0, strict_low=True, strict_high=True)
        check_number(self.horizon, "horizon", low=1, integer=True)
        remember_columns(self, X)
        self._objective(contracts, weights).maximise(self.tol, self.max_iter).hand_to(self)
        return self

    def fit_cohorts(self, active: ArrayLike) -> Self:
        """Estimate the parameters from how many customers of each cohort are left.

        Parameters
        ----------
        active : array of shape (n_periods,) or (n_cohorts, n_periods)
            Customers at the start, after the first renewal, after the second, ... Cohorts that began later end in NaN.

        Returns
        -------
        self

        Raises
        ------
        InputError
            If a cohort grows, has a hole or starts with nobody.
        """
        rows, weights = cohort_contracts(active)
        return self.fit(rows, sample_weight=weights)

    @classmethod
    def from_params(cls, *, horizon: int = 1, **params: float) -> Self:
        """Return a ready model with known parameters.

        Parameters
        ----------
        horizon : int, default=1
            As in the constructor.
        **params : float
            Every parameter of the model by name, each > 0.

        Returns
        -------
        model
            Usable like a fitted one; it has no ``covariance_``.
        """
        check_parameters(params, cls._parameters, cls.__name__)
        model = cls(horizon=horizon)
        model._set_parameters(
            {name: check_number(params[name], name, low=0.0, strict_low=True) for name in cls._parameters}
        )
        return model

    # -- the curve of a cohort ----------------------------------------------------------------------------

    def survival(self, t: ArrayLike) -> Any:
        """Return the share of a cohort that is left after ``t`` renewals.

        Parameters
        ----------
        t : int or array of int
            Renewals, >= 0.

        Returns
        -------
        float or ndarray of the shape of ``t``
        """
        return self._curve(t, 0, lambda t: np.exp(self._log_survival(0.0, t)))

    def retention_rate(self, t: ArrayLike) -> Any:
        """Return the share of the customers there before renewal ``t`` (>= 1) who make it."""
        return self._curve(t, 1, lambda t: np.exp(self._log_survival(t - 1.0, 1.0)))

    def churn_probability(self, t: ArrayLike) -> Any:
        """Return the share of a cohort that is lost at renewal ``t`` (>= 1)."""
        return self._curve(
            t,
            1,
            lambda t: np.exp(self._log_survival(0.0, t - 1.0)) * -np.expm1(self._log_survival(t - 1.0, 1.0)),
        )

    # -- one customer -------------------------------------------------------------------------------------

    def predict(self, X: Any) -> Vector:
        """Return the renewals expected within ``horizon``, one number per customer; 0 for those who have left."""
        return self._answer(X, self._renewals(0.0, self._horizon(None)))

    def transform(self, X: Any) -> NDArray[np.float64]:
        """Return the columns ``p_alive`` (after ``horizon`` renewals) and ``expected_renewals`` (until then)."""
        horizon = self._horizon(None)
        return np.column_stack([self.probability_alive(X, horizon), self.expected_renewals(X, horizon)])

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[Any]:
        """Return the names of the columns of `transform`."""
        return np.array(["p_alive", "expected_renewals"], dtype=object)

    def score(self, X: Any, y: Any = None, sample_weight: ArrayLike | None = None) -> float:
        """Return the mean log-likelihood per customer; higher is better."""
        values = self.log_likelihood(X)
        return float(np.average(values, weights=read_weights(sample_weight, values.size)))

    def log_likelihood(self, X: Any) -> Vector:
        """Return the log-likelihood of each customer's contract."""

        def formula(contracts: Contracts) -> Vector:
            before = contracts.duration - contracts.churned
            stayed = self._log_survival(0.0, before)
            with np.errstate(divide="ignore"):  # where nobody can leave, a loss is impossible: -inf
                lost = np.log(-np.expm1(self._log_survival(before, 1.0)))
            return stayed + np.where(contracts.churned, lost, 0.0)

        return self._answer(X, formula)

    def probability_alive(self, X: Any = None, after: int = 0) -> Any:
        """Return the chance that the customer is still one after ``after`` more renewals.

        Parameters
        ----------
        X : rows, optional
            None means a new customer; the answer is then a float.
        after : int, default=0
            Renewals that come due.

        Returns
        -------
        ndarray of shape (n_customers,) or float
            0 for those who have left.
        """
        more = check_number(after, "after", low=0, integer=True)
        return self._answer(
            X, lambda c: np.where(c.churned, 0.0, np.exp(self._log_survival(c.duration, more)))
        )

    def expected_renewals(self, X: Any = None, horizon: int | None = None) -> Any:
        """Return the renewals that the customer is expected to make of the next ``horizon``: the remaining tenure.

        Parameters
        ----------
        X : rows, optional
            None means a new customer; the answer is then a float.
        horizon : int, optional
            Renewals that come due; None takes the constructor's. Without an end the expectation can be infinite.

        Returns
        -------
        ndarray of shape (n_customers,) or float
            0 for those who have left.
        """
        return self._answer(X, self._renewals(0.0, self._horizon(horizon)))

    def discounted_expected_renewals(
        self, X: Any = None, discount_rate: float = 0.0, horizon: float = np.inf, renewal_due: bool = False
    ) -> Any:
        """Return the expected renewals to come, each discounted to today (DERL).

        Times the margin of a period it is the residual value of the customer.

        Parameters
        ----------
        X : rows, optional
            None means a new customer. As the first payment is not among the renewals, 1 more is the discounted
            expected lifetime (DEL) of somebody still to be won.
        discount_rate : float
            Per period: the k-th renewal from now counts 1 / (1 + discount_rate)^k.
        horizon : int, default=inf
            Renewals after it do not count. Without discounting it must be finite.
        renewal_due : bool, default=False
            False: the last renewal was made just now, the next is a period away. True: the next is due now, and not
            discounted.

        Returns
        -------
        ndarray of shape (n_customers,) or float
            0 for those who have left.
        """
        rate = check_number(discount_rate, "discount_rate", low=0.0)
        if not isinstance(renewal_due, bool | np.bool_):
            raise InputError(f"renewal_due must be True or False, got {renewal_due!r}.")
        endless = is_endless(horizon)
        if endless and rate == 0.0:
            raise InputError(
                "discount_rate=0 needs a finite horizon: undiscounted renewals may add up for ever."
            )
        formula = self._renewals(rate, np.inf if endless else self._horizon(horizon))
        return self._answer(X, lambda c: formula(c) * (1.0 + rate if renewal_due else 1.0))

    def sample(self, n: int, T: ArrayLike, random_state: Any = None) -> CustomerRows:
        """Draw ``n`` customers watched for ``T`` renewals and return their ``duration`` and ``churned``.

        Parameters
        ----------
        n : int
            Number of customers.
        T : int or array of shape (n,)
            Renewals that would have come due by the end of observation.
        random_state : int, Generator, RandomState or None

        Returns
        -------
        CustomerRows of shape (n, 2)
        """
        check_is_fitted(self)
        n = int(check_number(n, "n", low=0, integer=True))
        watched = np.broadcast_to(self._whole(T, "T", 0, MOST_PERIODS), n) if np.ndim(T) == 0 else T
        watched = check_vector(self._whole(watched, "T", 0, MOST_PERIODS), "T", n=n)
        rng = as_generator(random_state)
        leave = rng.beta(self.alpha_, self.beta_, n) if self.alpha_ > 0.0 else np.zeros(n)
        with np.errstate(divide="ignore", over="ignore"):  # who hardly ever leaves lasts for ever
            lasts = (rng.exponential(size=n) / -np.log1p(-leave)) ** (1.0 / self._c)
        end = np.maximum(np.ceil(lasts), 1.0)
        return CustomerRows(np.column_stack([np.minimum(end, watched), end <= watched]), COLUMNS)

    # -- shared machinery ---------------------------------------------------------------------------------

    def _read(self, X: Any) -> Contracts:
        return read_contracts(X)

    def _objective(self, contracts: Contracts, weights: Vector) -> ContractLikelihood:
        return ContractLikelihood(contracts, weights, self.penalty, self._parameters)

    @property
    def _c(self) -> float:
        """The power of duration."""
        return float(self.params_.get("c", 1.0))

    def _log_survival(self, tenure: ArrayLike, more: ArrayLike) -> Vector:
        start = exposure(self._c, 0.0, tenure)
        return log_survival(self.alpha_, self.beta_ + start, exposure(self._c, tenure, more))

    def _renewals(self, rate: float, horizon: float) -> Callable[[Contracts], Vector]:
        def formula(contracts: Contracts) -> Vector:
            params = self.alpha_, self.beta_, self._c
            sums = discounted_survival(*params, contracts.duration, rate, horizon)
            return np.where(contracts.churned, 0.0, sums)

        return formula

    def _answer(self, X: Any, formula: Callable[[Contracts], Vector]) -> Any:
        """Apply ``formula`` to each distinct contract: there are few, whatever the number of customers."""
        check_is_fitted(self)
        contracts = NEW_CONTRACT if X is None else self._read(X)
        codes = (2.0 * contracts.duration + contracts.churned).astype(np.intp)
        distinct = np.flatnonzero(np.bincount(codes))
        table = np.empty(distinct[-1] + 1)
        table[distinct] = formula(Contracts((distinct // 2).astype(np.float64), distinct % 2 == 1))
        return float(table[0]) if X is None else table[codes]

    def _curve(self, t: ArrayLike, low: int, formula: Callable[[Vector], Vector]) -> Any:
        check_is_fitted(self)
        times = self._whole(t, "t", low)
        values = formula(times)
        return float(values) if times.ndim == 0 else values

    def _whole(self, values: ArrayLike, name: str, low: int, high: float | None = None) -> Vector:
        numbers = as_numbers(values, name)
        flat = check_vector(numbers.ravel(), name, low=low, high=high)
        raise_if_any(flat != np.floor(flat), flat, name, "must hold whole numbers")
        return flat.reshape(numbers.shape)

    def _horizon(self, horizon: Any) -> int:
        value = self.horizon if horizon is None else horizon
        return int(check_number(value, "horizon", low=1, integer=True))

    def _set_parameters(self, params: dict[str, float]) -> None:
        self.params_ = dict(params)
        for name, value in params.items():
            setattr(self, f"{name}_", value)
