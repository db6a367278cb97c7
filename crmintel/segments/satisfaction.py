"""Satisfied is not yet loyal: how loyalty rises with satisfaction, and where it turns."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.isotonic import IsotonicRegression
from sklearn.utils.validation import check_is_fitted

from crmintel._compat import as_generator
from crmintel._validation import as_numbers, check_number, check_vector
from crmintel.exceptions import InputError, InputTypeError


class SatisfactionLoyalty(RegressorMixin, BaseEstimator):
    """The curve of loyalty over satisfaction: rising, of any shape, with intervals and the two points where it turns.

    Parameters
    ----------
    level : float, default=0.9
        Level of the intervals.
    n_resamples : int, default=400
        Bootstrap samples of the customers.
    random_state : int, numpy.random.Generator, numpy.random.RandomState or None, default=None
        Source of the bootstrap.

    Attributes
    ----------
    satisfaction_ : ndarray of shape (n_levels,)
        The different scores, rising.
    customers_ : ndarray of int64, shape (n_levels,)
        Customers with each score.
    loyalty_ : ndarray of shape (n_levels,)
        Expected loyalty at each score.
    interval_ : ndarray of shape (n_levels, 2)
        Its bootstrap interval.
    thresholds_ : ndarray of shape (2,)
        The scores from which loyalty has risen by one and by two thirds of its whole rise: below lies the zone of
        defection, between them that of indifference, above that of affection. NaN where loyalty does not rise.
    threshold_intervals_ : ndarray of shape (2, 2)
        Bootstrap intervals of the two.
    nonlinearity_ : float
        Share of the variance between scores that a straight line leaves unexplained and the curve explains.
    n_features_in_ : int
        1.

    References
    ----------
    Jones, T. O. & Sasser, W. E. (1995). Why satisfied customers defect. Harvard Business Review 73(6), 88-99.
    Barlow, R. E. et al. (1972). Statistical Inference under Order Restrictions. Wiley.

    Examples
    --------
    >>> import numpy as np
    >>> import crmintel as ci
    >>> rng = np.random.default_rng(0)
    >>> satisfaction = rng.integers(1, 6, 2000)
    >>> stays = rng.random(2000) < np.array([0.1, 0.12, 0.15, 0.3, 0.85])[satisfaction - 1]
    >>> curve = ci.SatisfactionLoyalty(random_state=0).fit(satisfaction, stays)
    >>> curve.thresholds_.tolist()
    [5.0, 5.0]
    >>> curve.predict([3, 5]).round(1).tolist()
    [0.2, 0.9]
    """

    def __init__(self, *, level: float = 0.9, n_resamples: int = 400, random_state: Any = None) -> None:
        self.level = level
        self.n_resamples = n_resamples
        self.random_state = random_state

    def fit(self, X: ArrayLike, y: ArrayLike) -> SatisfactionLoyalty:
        """Fit the rising curve.

        Parameters
        ----------
        X : array-like of shape (n_customers,) or (n_customers, 1)
            Satisfaction of each customer, on any scale on which more is better.
        y : array-like of shape (n_customers,)
            Loyalty: `LoyaltyIndex`, a repurchase rate, or 1 for who stayed and 0 for who left.

        Returns
        -------
        SatisfactionLoyalty
            The fitted estimator.

        Raises
        ------
        InputError
            If lengths differ, values are missing, or there are fewer than three different scores.
        """
        level = check_number(self.level, "level", low=0.0, high=1.0, strict_low=True, strict_high=True)
        n_resamples = int(check_number(self.n_resamples, "n_resamples", low=1, integer=True))
        x = _scores(X)
        if y is None:
            raise InputTypeError(
                "SatisfactionLoyalty requires y to be passed, but the target y is None: give the loyalty of each "
                "customer, 1 for who stayed and 0 for who left."
            )
        loyalty = as_numbers(y, "y", words="give 1 for who stayed and 0 for who left, e.g. y == 'yes'")
        y = check_vector(loyalty, "y", n=x.size)
        scores, codes = np.unique(x, return_inverse=True)
        if scores.size < 3:
            raise InputError(f"X holds {scores.size} different scores; a curve needs 3 or more.")
        self.n_features_in_ = 1
        self.satisfaction_, self.customers_ = scores, np.bincount(codes)
        means = np.bincount(codes, y) / self.customers_
        self.loyalty_ = _rising(scores, means, self.customers_)
        self.thresholds_ = _thresholds(scores, self.loyalty_)
        self.nonlinearity_ = _nonlinearity(scores, means, self.loyalty_, self.customers_)
        generator = as_generator(self.random_state)
        curves, turns = np.empty((n_resamples, scores.size)), np.empty((n_resamples, 2))
        for b in range(n_resamples):
            drawn = generator.integers(0, x.size, x.size)
            count = np.bincount(codes[drawn], minlength=scores.size)
            some = count > 0
            total = np.bincount(codes[drawn], y[drawn], scores.size)
            curve = _rising(scores[some], total[some] / count[some], count[some])
            curves[b] = np.interp(scores, scores[some], curve)
            turns[b] = _thresholds(scores, curves[b])
        ends = [(1.0 - level) / 2.0, (1.0 + level) / 2.0]
        self.interval_ = np.quantile(curves, ends, axis=0).T
        known = turns[~np.isnan(turns).any(axis=1)]
        self.threshold_intervals_ = (
            np.quantile(known, ends, axis=0, method="nearest").T if known.size else np.full((2, 2), np.nan)
        )
        return self

    def predict(self, X: ArrayLike) -> NDArray[np.float64]:
        """Return the expected loyalty at each score; between known scores on a line, beyond them as at the last."""
        check_is_fitted(self)
        return np.interp(_scores(X), self.satisfaction_, self.loyalty_)


def _scores(X: Any) -> NDArray[np.float64]:
    values = as_numbers(X, "X", words="give each score as a number, higher for the more satisfied")
    if values.ndim == 2 and values.shape[1] == 1:
        values = values[:, 0]
    return check_vector(values, "X (satisfaction)", min_length=1)


def _rising(
    scores: NDArray[np.float64], means: NDArray[np.float64], weights: NDArray[np.int64]
) -> NDArray[np.float64]:
    return IsotonicRegression().fit(scores, means, sample_weight=weights).predict(scores)


def _thresholds(scores: NDArray[np.float64], loyalty: NDArray[np.float64]) -> NDArray[np.float64]:
    low, high = loyalty[0], loyalty[-1]
    if high <= low:
        return np.full(2, np.nan)
    risen = (loyalty - low) / (high - low)
    return np.array([scores[int(np.argmax(risen >= part - 1e-12))] for part in (1.0 / 3.0, 2.0 / 3.0)])


def _nonlinearity(
    scores: NDArray[np.float64],
    means: NDArray[np.float64],
    loyalty: NDArray[np.float64],
    weights: NDArray[np.int64],
) -> float:
    line = np.polynomial.Polynomial.fit(scores, means, 1, w=np.sqrt(weights))(scores)
    total = weights @ (means - np.average(means, weights=weights)) ** 2
    if total == 0.0:
        return 0.0
    return max(0.0, float(weights @ ((means - line) ** 2 - (means - loyalty) ** 2) / total))
