"""How far a parameter can be from its estimate before the data object: intervals from the profile likelihood."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import brentq
from scipy.special import chdtri
from sklearn.utils.validation import check_is_fitted

from crmintel._validation import check_choice, check_number
from crmintel.exceptions import InputError, InputTypeError
from crmintel.lifetime._contract_model import ContractModel
from crmintel.lifetime._histories import Vector, read_weights
from crmintel.lifetime._mle import minimise
from crmintel.lifetime._model import PurchaseModel


def profile_interval(
    model: Any, X: Any, parameter: str, level: float = 0.9, sample_weight: ArrayLike | None = None
) -> tuple[float, float]:
    """Return the values of a parameter that the data do not reject, whatever the other parameters are.

    For each value tried the other parameters are fitted anew; it is rejected where twice the log-likelihood then falls
    short of the best by more than the quantile of chi-square with one degree of freedom. Unlike the estimate plus and
    minus standard errors, such an interval need not be symmetric, holds no impossible values, does not depend on how
    the parameter is written, and says inf (or 0) where the data set no limit, as with few customers.

    Parameters
    ----------
    model : fitted model of purchases or contracts
        Without covariates. Its penalty, if any, is part of the likelihood.
    X : rows
        Those that the model was fitted to.
    parameter : str
        One of ``model.params_``.
    level : float, default=0.9
        Chance that the interval is to hold the true value.
    sample_weight : array of shape (n_customers,), optional
        As in ``fit``.

    Returns
    -------
    low, high : float

    Raises
    ------
    InputTypeError
        If the model is none of these.
    InputError
        If the model has no such parameter, was not fitted, or has covariates.

    References
    ----------
    Venzon, D. J. & Moolgavkar, S. H. (1988). A method for computing profile-likelihood-based confidence intervals.
    Journal of the Royal Statistical Society C 37(1), 87-94.

    Examples
    --------
    >>> from crmintel import BetaGeoNBD, profile_interval
    >>> rows = BetaGeoNBD.from_params(r=0.5, alpha=6, a=0.8, b=2.5).sample(2_000, T=52, random_state=0)
    >>> model = BetaGeoNBD().fit(rows)
    >>> low, high = profile_interval(model, rows, "r")
    >>> bool(low < model.r_ < high)
    True
    """
    if not isinstance(model, PurchaseModel | ContractModel):
        raise InputTypeError(f"model must be a fitted model of purchases or contracts, got {model!r:.80}.")
    check_is_fitted(model)
    if not hasattr(model, "covariance_"):
        raise InputError(
            f"{type(model).__name__} has known parameters, which no data can question; fit it first."
        )
    level = check_number(level, "level", low=0.0, high=1.0, strict_low=True, strict_high=True)
    h: Any = model._read(X)
    objective = model._objective(h, read_weights(sample_weight, len(h)))
    place = list(objective.names).index(check_choice(parameter, "parameter", list(objective.names)))
    with np.errstate(divide="ignore"):
        start = np.log([model.params_[name] for name in objective.names])
    search = _Profile(
        objective, start, place, float(chdtri(1.0, 1.0 - level)) / (2.0 * objective.total), model
    )
    return search.end(-1.0), search.end(1.0)


class _Profile:
    """The rise of the mean negative log-likelihood with one log-parameter held, the others at their best."""

    def __init__(self, objective: Any, start: Vector, place: int, allowed: float, model: Any) -> None:
        self.objective, self.place, self.allowed = objective, place, allowed
        self.stop = {"tol": model.tol, "max_iter": model.max_iter}
        self.best = minimise(objective, start, low=objective.low, high=objective.high, **self.stop)
        error = np.sqrt(self.best.inverse_hessian()[place, place])
        self.step = float(np.clip(np.sqrt(2.0 * allowed) * error, 1e-3, 2.0))

    def end(self, side: float) -> float:
        """Return where the profile crosses what is allowed on one side; 0 or inf where it never does."""
        bound = float((self.objective.low if side < 0.0 else self.objective.high)[self.place])
        inside, theta, step = float(self.best.theta[self.place]), self.best.theta, self.step
        while inside != bound:
            outside = min(inside + step, bound) if side > 0.0 else max(inside - step, bound)
            excess, theta = self._excess(outside, theta)
            if excess > 0.0:
                return float(np.exp(brentq(self._excess_from(theta), inside, outside, xtol=1e-9, rtol=1e-9)))
            inside, step = outside, 2.0 * step
        return 0.0 if side < 0.0 else np.inf

    def _excess_from(self, theta: Vector) -> Callable[[float], float]:
        return lambda at: self._excess(at, theta)[0]

    def _excess(self, at: float, theta: Vector) -> tuple[float, Vector]:
        low, high = self.objective.low.copy(), self.objective.high.copy()
        low[self.place] = high[self.place] = at
        found = minimise(self.objective, theta, low=low, high=high, **self.stop)
        rise = max(found.value - self.best.value, 0.0)
        return float(np.sqrt(rise) - np.sqrt(self.allowed)), found.theta
