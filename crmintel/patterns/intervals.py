"""Confidence intervals of what rules measure."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import betaincinv, ndtri

from crmintel._validation import check_number
from crmintel.patterns._measure import check_counts


def confidence_interval(
    n_ab: ArrayLike, n_a: ArrayLike, n_b: ArrayLike, n: ArrayLike, *, level: float = 0.95
) -> NDArray[np.float64]:
    """Return the exact interval of confidence, whose coverage is ``level`` at least [1]_.

    Parameters
    ----------
    n_ab, n_a, n_b, n : array-like of int
        Counts that broadcast.
    level : float, default=0.95

    Returns
    -------
    ndarray of shape (..., 2)
        (0, 1) where n_a = 0.

    References
    ----------
    .. [1] Clopper, C. J., Pearson, E. S. (1934). The use of confidence or fiducial limits illustrated in the case of
       the binomial. Biometrika 26, 404-413.

    Examples
    --------
    >>> from crmintel.patterns.intervals import confidence_interval
    >>> confidence_interval(12, 19, 327, 9835).round(3)
    array([0.384, 0.837])
    """
    tail = _tail(level)
    k, m = (count.astype(np.float64) for count in check_counts(n_ab, n_a, n_b, n)[:2])
    low = np.where(k > 0, betaincinv(np.maximum(k, 1.0), m - k + 1.0, tail), 0.0)
    high = np.where(k < m, betaincinv(k + 1.0, np.maximum(m - k, 1.0), 1.0 - tail), 1.0)
    return np.stack([low, high], axis=-1)


def lift_interval(
    n_ab: ArrayLike, n_a: ArrayLike, n_b: ArrayLike, n: ArrayLike, *, level: float = 0.95
) -> NDArray[np.float64]:
    """Return the interval of lift from the normal distribution of its logarithm, by the delta method.

    Half a basket is added to each of the four cells, so that it exists and covers for small counts too [1]_.

    Parameters
    ----------
    n_ab, n_a, n_b, n : array-like of int
        Counts that broadcast.
    level : float, default=0.95

    Returns
    -------
    ndarray of shape (..., 2)

    References
    ----------
    .. [1] Agresti, A. (1999). On logit confidence intervals for the odds ratio with small samples. Biometrics 55,
       597-602.

    Examples
    --------
    >>> from crmintel.patterns.intervals import lift_interval
    >>> lift_interval(12, 19, 327, 9835).round(1)
    array([13.3, 26.4])
    """
    z = -ndtri(_tail(level))
    n_ab, n_a, n_b, n = (count.astype(np.float64) for count in check_counts(n_ab, n_a, n_b, n))
    n_ab, n_a, n_b, n = n_ab + 0.5, n_a + 1.0, n_b + 1.0, n + 2.0
    lift = n_ab / n_a / n_b * n
    variance = (n_a - n_ab) / (n_ab * n_a) - 1 / n_b + (2 * lift - 1) / n
    return _around(lift, z * np.sqrt(np.maximum(variance, 0.0)))


def odds_ratio_interval(
    n_ab: ArrayLike, n_a: ArrayLike, n_b: ArrayLike, n: ArrayLike, *, level: float = 0.95
) -> NDArray[np.float64]:
    """Return Gart's interval of the odds ratio: normal in its logarithm, half a basket added to each cell [1]_.

    Parameters
    ----------
    n_ab, n_a, n_b, n : array-like of int
        Counts that broadcast.
    level : float, default=0.95

    Returns
    -------
    ndarray of shape (..., 2)

    References
    ----------
    .. [1] Gart, J. J. (1966). Alternative analyses of contingency tables. JRSS B 28, 164-179.

    Examples
    --------
    >>> from crmintel.patterns.intervals import odds_ratio_interval
    >>> odds_ratio_interval(12, 19, 327, 9835).round(1)
    array([ 20.2, 125. ])
    """
    z = -ndtri(_tail(level))
    n_ab, n_a, n_b, n = check_counts(n_ab, n_a, n_b, n)
    cells = (n_ab + 0.5, n_a - n_ab + 0.5, n_b - n_ab + 0.5, n - n_a - n_b + n_ab + 0.5)
    both, only_a, only_b, neither = cells
    return _around(both / only_a * (neither / only_b), z * np.sqrt(sum(1 / cell for cell in cells)))


INTERVALS = {
    "confidence": confidence_interval,
    "lift": lift_interval,
    "odds_ratio": odds_ratio_interval,
}


def _tail(level: float) -> float:
    number = check_number(level, "level", low=0.0, high=1.0, strict_low=True, strict_high=True)
    return (1.0 - number) / 2.0


def _around(centre: NDArray[np.float64], width: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.stack([centre * np.exp(-width), centre * np.exp(width)], axis=-1)
