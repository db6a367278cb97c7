"""Which penalty predicts best: cross-validation of the log-likelihood."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from crmintel.exceptions import InputError
from crmintel.lifetime._histories import Vector

PENALTIES = (0.0, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0)
_FOLDS = 5


def cross_validated(held_out: Callable[[float, Vector, Vector], float], weights: Vector) -> float:
    """Return the one of `PENALTIES` with the highest log-likelihood of customers that were not fitted.

    Parameters
    ----------
    held_out : callable
        ``held_out(penalty, fitted, left)`` fits with the weights ``fitted`` and returns the log-likelihood of the
        customers weighted by ``left``.
    weights : ndarray of shape (n,)
        Customers of each row.
    """
    customers = weights.sum()
    if customers < 2 * _FOLDS:
        raise InputError(
            f"penalty='cv' needs at least {2 * _FOLDS} customers, got {customers:g}; set a number, e.g. penalty=1."
        )
    folds = _folds(weights)
    scores = [sum(held_out(penalty, weights - fold, fold) for fold in folds) for penalty in PENALTIES]
    return PENALTIES[int(np.argmax(np.nan_to_num(scores, nan=-np.inf)))]


def _folds(weights: Vector) -> NDArray[np.float64]:
    """Deal every customer out at random, always alike, those of one row one by one; shape (n_folds, n)."""
    rng = np.random.default_rng(0)
    whole = np.floor(weights)
    folds = rng.multinomial(whole.astype(np.int64), np.full(_FOLDS, 1.0 / _FOLDS)).T.astype(np.float64)
    folds[rng.integers(_FOLDS, size=weights.size), np.arange(weights.size)] += weights - whole
    return folds
