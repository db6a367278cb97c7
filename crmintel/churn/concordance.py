"""Does a score put those first who leave first?"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from crmintel._validation import check_number, check_vector
from crmintel.churn._durations import chance_watched, check_durations, check_train
from crmintel.exceptions import InputError
from crmintel.kernels.concordance import rank_among_later


def concordance_index(duration: ArrayLike, event: ArrayLike, risk: ArrayLike) -> float:
    """Return Harrell's C: of two customers, how often the one with the higher risk leaves first.

    A pair counts if it is known who left first; a tie of risks counts half. Customers who leave at the same time are no
    pair; one who leaves when another is last seen is.

    Parameters
    ----------
    duration : array-like of shape (n_customers,)
        Tenure at which a customer left, or was last seen.
    event : array-like of shape (n_customers,)
        1 for customers who left, 0 for those still there.
    risk : array-like of shape (n_customers,)
        The higher, the sooner the customer is expected to leave.

    Returns
    -------
    float
        0.5 for a risk that says nothing, 1 for a perfect order.

    Raises
    ------
    InputError
        If lengths differ, a value is missing, or no pair can be compared.

    See Also
    --------
    concordance_ipcw : Does not depend on how long customers happened to be watched.

    References
    ----------
    Harrell, F. E., Lee, K. L. & Mark, D. B. (1996). Multivariable prognostic models. Statistics in Medicine 15(4),
    361-387.

    Examples
    --------
    >>> import crmintel as ci
    >>> ci.concordance_index([2, 5, 6, 9], [1, 1, 0, 0], risk=[0.9, 0.2, 0.4, 0.1])
    0.8
    """
    lasted, left = check_durations(duration, event)
    return _concordance(lasted, left, check_vector(risk, "risk", n=lasted.size), left.astype(np.float64))


def concordance_ipcw(
    duration: ArrayLike,
    event: ArrayLike,
    risk: ArrayLike,
    *,
    train: tuple[ArrayLike, ArrayLike] | None = None,
    until: float | None = None,
) -> float:
    """Return Uno's C: concordance in which pairs count by the inverse of their chance to be seen.

    Parameters
    ----------
    duration, event, risk : array-like of shape (n_customers,)
        As in `concordance_index`.
    train : (duration, event), optional
        Customers from whom it is learned how long customers are watched; None takes those given.
    until : float, optional
        Only customers who left before this tenure begin a pair. Late departures that hardly any customer was watched
        long enough for get weights without bound; None leaves nobody out.

    Returns
    -------
    float

    Raises
    ------
    InputError
        As `concordance_index`, or if nobody is watched as long as some customer who left.

    References
    ----------
    Uno, H., Cai, T., Pencina, M. J., D'Agostino, R. B. & Wei, L. J. (2011). On the C-statistics for evaluating overall
    adequacy of risk prediction procedures with censored survival data. Statistics in Medicine 30(10), 1105-1117.

    Examples
    --------
    >>> import crmintel as ci
    >>> round(ci.concordance_ipcw([2, 5, 6, 9], [1, 1, 0, 0], risk=[0.9, 0.2, 0.4, 0.1], until=6), 3)
    0.8
    """
    lasted, left = check_durations(duration, event)
    scores = check_vector(risk, "risk", n=lasted.size)
    known = check_train(train, lasted, left)
    begins = left if until is None else left & (lasted < check_number(until, "until", low=0.0))
    watched = chance_watched(known, lasted[begins])
    if (watched == 0.0).any():
        raise InputError(
            f"no customer is watched beyond {lasted[begins][watched == 0.0].min():g}, when one left: its weight would "
            "be infinite; choose until=... at or below that."
        )
    weight = np.zeros(lasted.size)
    weight[begins] = watched**-2.0
    return _concordance(lasted, left, scores, weight)


def _concordance(
    lasted: NDArray[np.float64], left: NDArray[np.bool_], risk: NDArray[Any], weight: NDArray[np.float64]
) -> float:
    _, group = np.unique(lasted, return_inverse=True)
    _, rank = np.unique(risk, return_inverse=True)
    n = lasted.size
    later, lower, tied = np.zeros((3, n), dtype=np.int64)
    rank_among_later(
        order=np.lexsort((left, -lasted)),
        group=group,
        left=left,
        rank=rank + 1,
        tree=np.zeros(n + 1, dtype=np.int64),
        same=np.zeros(n + 1, dtype=np.int64),
        later=later,
        lower=lower,
        tied=tied,
    )
    pairs = float(weight @ later)
    if pairs == 0.0:
        raise InputError(
            f"no pair of the {n} customers can be compared: nobody is seen to leave before another one's end."
        )
    return float(weight @ (lower + 0.5 * tied)) / pairs
