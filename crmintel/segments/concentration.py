"""How concentrated sales are: x % of the customers make y % of the money."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from crmintel._validation import check_number, exact
from crmintel.exceptions import InputError
from crmintel.segments._money import ceil_of, money_of


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
    values = np.sort(_check_money(money))
    n = values.size
    ranks = np.arange(1 - n, n + 1, 2, dtype=np.float64)  # 2 i - n - 1
    return max(0.0, float(np.sum(ranks * values) / (n * np.sum(values))))


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
    check_number(fraction, "fraction", low=0.0, high=1.0)
    values = np.sort(_check_money(money))
    best = ceil_of(exact(fraction), values.size)
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
