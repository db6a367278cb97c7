"""How far foretold survival is from what happened, where not everybody was watched to the end."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from crmintel._validation import as_numbers, check_vector, raise_if_any
from crmintel.churn._durations import chance_watched, check_durations, check_train
from crmintel.exceptions import InputError


def survival_brier_score(
    duration: ArrayLike,
    event: ArrayLike,
    survival: ArrayLike,
    times: ArrayLike,
    *,
    train: tuple[ArrayLike, ArrayLike] | None = None,
) -> NDArray[np.float64]:
    """Return the mean squared error of the foretold chance to be still there, at each time.

    Customers last seen before a time say nothing about it; the others count by the inverse of the chance to be watched
    that long, so that they stand for all.

    Parameters
    ----------
    duration, event : array-like of shape (n_customers,)
        Tenure at which a customer left (1) or was last seen (0).
    survival : array-like of shape (n_customers, n_times)
        Foretold chance that each customer stays longer than each time.
    times : array-like of shape (n_times,)
        Tenures, rising, below the longest duration of ``train``.
    train : (duration, event), optional
        Customers from whom it is learned how long customers are watched; None takes those given.

    Returns
    -------
    ndarray of float64, shape (n_times,)
        0 is perfect, .25 what the chance 1/2 for all gives.

    Raises
    ------
    InputError
        If shapes do not fit, a chance is not in [0, 1], or nobody is watched longer than one of the times.

    References
    ----------
    Graf, E., Schmoor, C., Sauerbrei, W. & Schumacher, M. (1999). Assessment and comparison of prognostic classification
    schemes for survival data. Statistics in Medicine 18(17-18), 2529-2545.

    Examples
    --------
    >>> import crmintel as ci
    >>> chance = [[0.2, 0.1], [0.8, 0.6], [0.9, 0.7]]
    >>> ci.survival_brier_score([1, 3, 5], [1, 0, 0], chance, times=[1, 2]).round(3).tolist()
    [0.03, 0.087]
    """
    lasted, left = check_durations(duration, event)
    at = check_vector(times, "times", low=0.0, min_length=1)
    raise_if_any(np.diff(at, prepend=-1.0) <= 0.0, at, "times", "must rise")
    chance = as_numbers(survival, "survival")
    if chance.shape != (lasted.size, at.size):
        raise InputError(
            f"survival must have one row per customer and one column per time, {(lasted.size, at.size)}; "
            f"got shape {chance.shape}."
        )
    if not ((chance >= 0.0) & (chance <= 1.0)).all():
        raise InputError("survival must hold chances from 0 to 1, without missing values.")
    known = check_train(train, lasted, left)
    watched_until = chance_watched(known, at)
    gone_by = left[:, None] & (lasted[:, None] <= at)
    watched_then = np.where(gone_by.any(axis=1), chance_watched(known, lasted), 1.0)
    if (watched_until == 0.0).any() or (watched_then == 0.0).any():
        raise InputError(
            f"times must lie below the longest time a customer was watched, {known[0].max():g}; got {at.max():g}."
        )
    gone_weight = gone_by / watched_then[:, None]
    there_weight = (lasted[:, None] > at) / watched_until
    return np.mean(chance**2 * gone_weight + (1.0 - chance) ** 2 * there_weight, axis=0)


def integrated_brier_score(
    duration: ArrayLike,
    event: ArrayLike,
    survival: ArrayLike,
    times: ArrayLike,
    *,
    train: tuple[ArrayLike, ArrayLike] | None = None,
) -> float:
    """Return the mean of the Brier score from the first to the last time (trapezoids).

    Parameters
    ----------
    duration, event, survival, times, train
        As in `survival_brier_score`; at least two times.

    Returns
    -------
    float

    Raises
    ------
    InputError
        As `survival_brier_score`, or with one time only.

    Examples
    --------
    >>> import crmintel as ci
    >>> chance = [[0.2, 0.1], [0.8, 0.6], [0.9, 0.7]]
    >>> round(ci.integrated_brier_score([1, 3, 5], [1, 0, 0], chance, times=[1, 2]), 4)
    0.0583
    """
    at = check_vector(times, "times", low=0.0, min_length=2)
    score = survival_brier_score(duration, event, survival, at, train=train)
    return float(np.trapezoid(score, at) / (at[-1] - at[0]))
