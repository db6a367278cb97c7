"""How concentrated sales are: x % of the customers make y % of the money."""

from __future__ import annotations

from typing import Any
from warnings import warn

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit

from crmintel._compat import as_generator
from crmintel._validation import check_choice, check_number, exact
from crmintel.exceptions import DataWarning, InputError
from crmintel.segments._money import ceil_of, money_of

_FEW = 20  # customers; of 10 with lognormal money, 59 of 100 intervals of level 0.9 hold the true Gini coefficient


def lorenz_curve(money: Any) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the Lorenz curve: the share of the money made by the smallest customers.

    Parameters
    ----------
    money : TransactionLog or array-like of shape (n_customers,)
        Money of each customer, not negative; of a log its ``spend()``.

    Returns
    -------
    customers : ndarray of shape (n_customers + 1,)
        Share of the customers, from 0 to 1, smallest first.
    share : ndarray of shape (n_customers + 1,)
        Share of the money they make together, from 0 to 1.

    Raises
    ------
    InputError
        If an amount is negative, missing or infinite, or there is no money at all.

    See Also
    --------
    crmintel.plots.lorenz.LorenzDisplay : Draws the curve.

    References
    ----------
    M. O. Lorenz, "Methods of measuring the concentration of wealth", Publications of the American Statistical
    Association 9, 1905.

    Examples
    --------
    >>> import crmintel as ci
    >>> customers, share = ci.lorenz_curve([10, 10, 20, 60])
    >>> share.tolist()
    [0.0, 0.1, 0.2, 0.4, 1.0]
    """
    values = np.sort(_check_money(money))
    sums = np.concatenate([[0.0], np.cumsum(values)])
    return np.arange(sums.size) / values.size, sums / sums[-1]


def gini(money: Any) -> float:
    """Return the Gini coefficient: 0 if all customers spend the same, towards 1 if one makes all the sales.

    Parameters
    ----------
    money : TransactionLog or array-like of shape (n_customers,)
        Money of each customer, not negative; of a log its ``spend()``.

    Returns
    -------
    float
        Between 0 and 1 - 1 / n_customers.

    Raises
    ------
    InputError
        If an amount is negative, missing or infinite, or there is no money at all.

    Notes
    -----
    The coefficient of these customers, ``sum |x_i - x_j| / (2 n^2 mean)``, without a correction for small samples.

    References
    ----------
    C. Gini, "Variabilita e mutabilita", 1912.

    Examples
    --------
    >>> import crmintel as ci
    >>> ci.gini([10, 10, 20, 60])
    0.4
    """
    return _gini(np.sort(_check_money(money)))


def top_share(money: Any, fraction: float) -> float:
    """Return the share of the money made by the best ``fraction`` of the customers.

    Parameters
    ----------
    money : TransactionLog or array-like of shape (n_customers,)
        Money of each customer, not negative; of a log its ``spend()``.
    fraction : float
        Share of the customers, between 0 and 1. The number of customers is rounded up, and counted with the
        decimal as written: 0.28 of 25 customers are 7, though the nearest binary number would give 8.

    Returns
    -------
    float
        Share of the money, between 0 and 1.

    Raises
    ------
    InputError
        If an amount is negative, missing or infinite, there is no money at all, or the fraction is out of bounds.

    Examples
    --------
    >>> import crmintel as ci
    >>> ci.top_share([10, 10, 20, 60], 0.25)
    0.6
    """
    _check_fraction(fraction)
    values = np.sort(_check_money(money))
    return _top_share(values, ceil_of(exact(fraction), values.size))


def concentration_interval(
    money: Any,
    statistic: str = "gini",
    *,
    fraction: float = 0.2,
    level: float = 0.9,
    n_resamples: int = 999,
    random_state: Any = None,
) -> tuple[float, float]:
    """Return a bootstrap interval for the Gini coefficient or the share of the best customers.

    Parameters
    ----------
    money : TransactionLog or array-like of shape (n_customers,)
        Money of each customer, not negative; of a log its ``spend()``.
    statistic : {"gini", "top_share"}, default="gini"
        What the interval is for.
    fraction : float, default=0.2
        Share of the customers, for ``"top_share"``.
    level : float, default=0.9
        Level of the interval.
    n_resamples : int, default=999
        Bootstrap samples of the customers.
    random_state : int, numpy.random.Generator, numpy.random.RandomState or None, default=None
        Source of the samples.

    Returns
    -------
    low, high : float

    Raises
    ------
    InputError
        As `gini` and `top_share`, if there is one customer only, or a parameter is out of bounds.

    Warns
    -----
    DataWarning
        If there are fewer than 20 customers: the interval says little.

    Notes
    -----
    Percentiles of the bootstrap, moved by its median bias on the scale of ``log(s / (1 - s))``. With few customers and
    a few of them very large every such interval is too short, for the largest customers of the next sample are not in
    this one: of the intervals of level 0.9 for lognormal money (sigma 1), 73 % hold the true Gini coefficient with 60
    customers and 82 % with 400; for gamma money of shape 0.5, 89 % and 92 %.

    References
    ----------
    B. Efron and R. Tibshirani, "An Introduction to the Bootstrap", 1993, ch. 13.

    Examples
    --------
    >>> import numpy as np
    >>> import crmintel as ci
    >>> money = np.random.default_rng(0).lognormal(3.0, 1.0, 2000)
    >>> low, high = ci.concentration_interval(money, random_state=0)
    >>> bool(low < ci.gini(money) < high)
    True
    """
    check_choice(statistic, "statistic", ("gini", "top_share"))
    _check_fraction(fraction)
    level = check_number(level, "level", low=0.0, high=1.0, strict_low=True, strict_high=True)
    n_resamples = int(check_number(n_resamples, "n_resamples", low=1, integer=True))
    values = np.sort(_check_money(money))
    if values.size < 2:
        raise InputError(
            "an interval needs 2 customers or more, got 1: samples of one customer are all the same."
        )
    if values.size < _FEW:
        warn(
            f"the interval rests on {values.size} customers: below {_FEW} it is too short, and says little. Take "
            "more customers, or report the single amounts.",
            DataWarning,
            stacklevel=2,
        )
    generator = as_generator(random_state)
    best = ceil_of(exact(fraction), values.size)
    found = np.empty(n_resamples)
    for b in range(n_resamples):
        sample = np.repeat(
            values, np.bincount(generator.integers(0, values.size, values.size), minlength=values.size)
        )
        if sample[-1] == 0.0:  # none of those who spend anything was drawn: no shares
            found[b] = np.nan
        else:
            found[b] = _gini(sample) if statistic == "gini" else _top_share(sample, best)
    here = _gini(values) if statistic == "gini" else _top_share(values, best)
    found = found[~np.isnan(found)]
    if not 0.0 < here < 1.0 or not found.size:
        return here, here
    odds = logit(np.clip(found, 1e-12, 1.0 - 1e-12))
    ends = np.quantile(odds, [(1.0 - level) / 2.0, (1.0 + level) / 2.0]) + logit(here) - np.median(odds)
    low, high = expit(ends)
    return float(low), float(high)


def _check_fraction(fraction: Any) -> None:
    number = check_number(fraction, "fraction", low=0.0)
    if number > 1.0:
        hint = f"; {number:g} % is {number / 100.0:g}" if number <= 100.0 else ""
        raise InputError(f"fraction must be >= 0.0 and <= 1.0, got {fraction!r}{hint}.")


def _gini(values: NDArray[np.float64]) -> float:
    n = values.size
    ranks = np.arange(1 - n, n + 1, 2, dtype=np.float64)  # 2 i - n - 1
    return max(0.0, float(np.sum(ranks * values) / (n * np.sum(values))))


def _top_share(values: NDArray[np.float64], best: int) -> float:
    return float(np.sum(values[values.size - best :]) / np.sum(values))


def _check_money(money: Any) -> NDArray[np.float64]:
    values = money_of(money)
    negative = values < 0.0
    if negative.any():
        row = int(np.argmax(negative))
        raise InputError(
            f"money must be >= 0 to be shared out: {int(negative.sum())} of {values.size} customers are below, the "
            f"first in row {row} ({values[row]}). Net returns against their purchases (LogCleaner), count them as "
            "nothing (np.maximum(money, 0)) or leave these customers out (money[money >= 0])."
        )
    if not values.any():
        raise InputError(f"there is no money to share out: all {values.size} customers have 0.")
    largest = values.max()
    return values / largest if largest > 1e300 else values  # the sum would overflow
