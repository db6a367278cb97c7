"""How good ranked lists are: measures of one list per customer, cut at k."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

METRICS = ("hit_rate", "precision", "recall", "ndcg", "mrr")


def ranking_metrics(
    hits: NDArray[np.bool_], n_relevant: NDArray[np.int64], cutoffs: Sequence[int]
) -> NDArray[np.float64]:
    """Return each of `METRICS` at each cutoff, for every customer.

    Parameters
    ----------
    hits : ndarray of bool of shape (n_customers, n)
        Whether the item at each place of the list is relevant.
    n_relevant : ndarray of int64 of shape (n_customers,)
        How many items are relevant, at least 1.
    cutoffs : sequence of int
        Each between 1 and n.

    Returns
    -------
    ndarray of float64 of shape (n_customers, len(METRICS), len(cutoffs))

    References
    ----------
    .. [1] Jarvelin, K., Kekalainen, J. (2002). Cumulated gain-based evaluation of IR techniques. ACM Transactions on
       Information Systems 20(4), 422-446. With relevance 0 or 1; a perfect list has NDCG 1.
    """
    n = hits.shape[1]
    discount = 1.0 / np.log2(np.arange(2, n + 2))
    ideal = np.cumsum(discount)
    found, gain = np.cumsum(hits, axis=1), np.cumsum(hits * discount, axis=1)
    first = np.where(hits.any(axis=1), hits.argmax(axis=1) + 1, n + 1)
    values = np.empty((len(hits), len(METRICS), len(cutoffs)))
    for at, k in enumerate(cutoffs):
        values[:, 0, at] = found[:, k - 1] > 0
        values[:, 1, at] = found[:, k - 1] / k
        values[:, 2, at] = found[:, k - 1] / n_relevant
        values[:, 3, at] = gain[:, k - 1] / ideal[np.minimum(n_relevant, k) - 1]
        values[:, 4, at] = (first <= k) / first
    return values
