"""Itemsets of weighted baskets: FP-growth adds weights, not ones; fractions are mined rounded up, then weighed."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from crmintel.kernels.itemsets import weigh_members
from crmintel.patterns._found import Flat, Trie, choose
from crmintel.patterns._mining import mine
from crmintel.transactions.baskets import Baskets

# Sums of weights that the prefix trees can hold, and what fractions are scaled to: rounding up adds one a basket.
_LARGEST = 2**31 - 1
_SCALE = 2**30


def mine_weighted(
    baskets: Baskets,
    weights: NDArray[Any],
    *,
    min_weight: float,
    max_length: int | None,
    n_threads: int,
    max_itemsets: int,
    verbose: bool | int,
) -> Trie | Flat:
    """Return all itemsets whose baskets weigh ``min_weight`` or more; ``weights`` are int64 or float64.

    Raises
    ------
    CapacityError
        If there are more than ``max_itemsets``.
    """
    total = float(weights.sum())
    exactly = weights.dtype == np.int64 and total <= _LARGEST
    unit = 1.0 if exactly or total == 0 else total / _SCALE
    # Where weights are rounded up to units, sums can only come out too large, and too many itemsets are found.
    trie = mine(
        baskets,
        min_count=max(1, int(min_weight if exactly else min_weight / unit * (1 - 1e-12))),
        max_length=max_length,
        algorithm="fpgrowth",
        n_threads=n_threads,
        max_itemsets=max_itemsets,
        verbose=verbose,
        weights=np.ceil(weights / unit).astype(np.int32),
    )
    if exactly:
        return trie
    found = trie.flat()
    sums = np.zeros(found.counts.size)
    columns = baskets.matrix.tocsc()
    weigh_members(
        items=found.items,
        item_offsets=found.offsets,
        indptr=baskets.indptr,
        indices=baskets.indices,
        column_start=columns.indptr.astype(np.int64),
        column_rows=columns.indices.astype(np.int32),
        weights=weights.astype(np.float64),
        sums=sums,
    )
    weighed = Flat(found.items, found.offsets, sums.astype(weights.dtype), found.algorithm)
    return choose(weighed, np.flatnonzero(sums >= min_weight))
