"""How good a ranking of customers is where it is used: at its top."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from crmintel._validation import check_number, check_vector
from crmintel.churn._outcomes import check_outcome
from crmintel.exceptions import InputError


def top_decile_lift(y: ArrayLike, score: ArrayLike, *, share: float = 0.1) -> float:
    """Return how many times more churners the top of a ranking holds than as many customers drawn at random.

    Customers with the same score share the places they stand on: the lift is the mean over all orders of them, and
    the order of the rows does not matter. The last place counts in part where ``share`` of the customers is no whole
    number.

    Parameters
    ----------
    y : array-like of shape (n_customers,)
        1 or True for customers who left, 0 or False for the others.
    score : array-like of shape (n_customers,)
        The higher, the likelier to leave.
    share : float, default=0.1
        Share of the customers at the top, in (0, 1].

    Returns
    -------
    float
        1 for a ranking as good as chance, at most ``1 / share``.

    Raises
    ------
    InputError
        If nobody left, a value is missing, or the lengths differ.

    References
    ----------
    Neslin, Gupta, Kamakura, Lu and Mason (2006), "Defection Detection: Measuring and Understanding the Predictive
    Accuracy of Customer Churn Models", Journal of Marketing Research 43(2).

    Examples
    --------
    >>> import crmintel as ci
    >>> ci.top_decile_lift([1, 0, 0, 0, 1, 0, 0, 0, 0, 0], [0.9, 0.2, 0.1, 0.4, 0.3, 0.2, 0.2, 0.1, 0.1, 0.0])
    5.0
    >>> ci.top_decile_lift([1, 0, 0, 0], [0.5, 0.5, 0.5, 0.5])
    1.0
    """
    left = check_outcome(y)
    values = check_vector(score, "score", n=left.size)
    share = check_number(share, "share", low=0.0, high=1.0, strict_low=True)
    if not left.any():
        raise InputError(f"y has no churner among {left.size} customers; a lift needs at least one.")
    _, level = np.unique(-values, return_inverse=True)
    tied = np.bincount(level)
    churners = np.bincount(level, weights=left)
    places = share * left.size
    taken = np.clip(places - (np.cumsum(tied) - tied), 0.0, tied)
    return float((taken * (churners / tied)).sum() / places / left.mean())
