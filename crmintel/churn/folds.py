"""Folds in which every customer is on one side only, however many dates they are seen at."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from crmintel.exceptions import InputError


def content_order(X: NDArray[np.float64], y: NDArray[Any]) -> NDArray[np.int64]:
    """Return an order of the rows by what they hold: sums, folds and draws then do not depend on how the rows came."""
    return np.lexsort((y, *X.T))


def customer_folds(
    left: NDArray[np.bool_], customers: NDArray[Any] | None = None, *, n_folds: int = 5
) -> list[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Return train and test positions of up to ``n_folds`` folds with about the same share of leavers.

    Neither the order of the samples nor that of the customers matters where ``customers`` are given; without them every
    sample is a customer of its own.

    Raises
    ------
    InputError
        If fewer than two customers left, or stayed.
    """
    n = left.size
    owner = np.arange(n) if customers is None else np.unique(customers, return_inverse=True)[1]
    n_left = np.bincount(owner, weights=left)
    n_stayed = np.bincount(owner, weights=~left)
    fewest = int(min((n_left > 0).sum(), (n_stayed > 0).sum()))
    if fewest < 2:
        raise InputError(
            f"a calibration needs 2 customers of each class, but of {n_left.size} customers {int((n_left > 0).sum())} "
            f"left and {int((n_stayed > 0).sum())} stayed; use calibration='none'."
        )
    n_folds = min(n_folds, fewest)
    is_rare = (
        n_left > 0 if (n_left > 0).sum() == fewest else n_stayed > 0
    )  # these are dealt first, one to each fold
    order = np.lexsort((np.random.default_rng(0).random(n_left.size), n_left, ~is_rare))
    fold = np.empty(n_left.size, dtype=np.int64)
    fold[order] = np.arange(n_left.size) % n_folds
    return [(np.flatnonzero(fold[owner] != k), np.flatnonzero(fold[owner] == k)) for k in range(n_folds)]
