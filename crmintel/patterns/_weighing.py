"""Itemsets of weighted baskets: FP-growth adds weights, not ones; fractions are mined rounded up, then weighed."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from crmintel.kernels.itemsets import weigh_members
from crmintel.patterns._found import Flat, Trie, choose
from crmintel.patterns._mining import mine
from crmintel.transactions.baskets import Baskets

# Sums of weights that the prefix trees can hold, and what fractions are scaled to: rounding up adds one a basket.
_LARGEST = 2**31 - 1
_SCALE = 2**30

# Relative room for the rounding of sums of fractions: three weights of 0.1 reach 0.3.
_ROUNDING = 1e-12


def mine_weighted(
    baskets: Baskets,
    weights: NDArray[np.float64],
    *,
    min_weight: float,
    max_length: int | None,
    n_threads: int,
    max_itemsets: int,
    verbose: bool | int,
) -> Trie | Flat:
    """Return all itemsets whose baskets weigh ``min_weight`` or more.

    Raises
    ------
    CapacityError
        If there are more than ``max_itemsets``.
    """
    whole = bool(np.all(weights == np.floor(weights)))
    total = float(weights.sum())
    unit = 1.0 if whole and total <= _LARGEST else total / _SCALE
    least = min_weight if whole else min_weight * (1 - _ROUNDING)
    # With a unit of 1 nothing is rounded. Otherwise sums can only come out too large, and too many itemsets are found.
    trie = mine(
        baskets,
        min_count=max(1, int(np.ceil(least) if unit == 1.0 else least / unit * (1 - _ROUNDING))),
        max_length=max_length,
        algorithm="fpgrowth",
        n_threads=n_threads,
        max_itemsets=max_itemsets,
        verbose=verbose,
        weights=np.ceil(weights / unit).astype(np.int32),
    )
    if unit == 1.0:
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
        weights=weights,
        sums=sums,
    )
    numbers = np.flatnonzero(sums >= least)
    return choose(
        Flat(found.items, found.offsets, sums.astype(np.int64) if whole else sums, "fpgrowth"), numbers
    )
