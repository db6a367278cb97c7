"""The search for high-utility itemsets: from baskets to the arenas of the kernel, and back to sorted arrays."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from crmintel._progress import progress
from crmintel.exceptions import CapacityError
from crmintel.kernels import utility as kernels
from crmintel.patterns._profits import Profits

# Entries that are looked at between two moments in which Ctrl-C is heard: about 20 ms.
_BUDGET = 1 << 22

_MOST = 1 << 28  # items of all itemsets (1 GiB), or of the baskets along one path (7 GiB)

_ARENAS = {
    kernels.ROWS_FULL: ("rows",),
    kernels.ENTRIES_FULL: ("entries", "values"),
    kernels.MEMBERS_FULL: ("members",),
    kernels.FOUND_FULL: ("found",),
    kernels.ITEMS_FULL: ("found_items",),
}

Found = tuple[NDArray[np.int32], NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]


def search_itemsets(
    profits: Profits,
    *,
    threshold: int,
    top_k: int | None,
    max_length: int | None,
    max_itemsets: int,
    verbose: bool | int,
) -> Found:
    """Return items, offsets, utilities (millionths) and counts of the itemsets, the largest utility first.

    Raises
    ------
    CapacityError
        If there are more than ``max_itemsets``.
    """
    single = np.zeros(profits.baskets.shape[1], dtype=np.int64)
    np.add.at(single, profits.baskets.indices, profits.utilities)
    if top_k is not None and top_k <= single.size:
        threshold = max(threshold, int(np.partition(single, -top_k)[-top_k]))
    arenas = _arenas(profits, threshold, 0 if top_k is None else top_k)
    levels, state = arenas["levels"], arenas["state"]
    longest = np.iinfo(np.int32).max if max_length is None else max_length
    n_roots = int(levels[0, kernels.SIZE])
    status = -1
    for root in progress(range(n_roots + 1), verbose=verbose, label="itemsets", total=n_roots + 1):
        while status != kernels.DONE and levels[0, kernels.NEXT] <= root:
            status = kernels.search(max_length=longest, budget=_BUDGET, **arenas)
            if state[kernels.N_FOUND] > max_itemsets:
                raise CapacityError(
                    f"more than max_itemsets={max_itemsets:,} itemsets bring that much. Raise min_utility, set "
                    "max_length or top_k, or raise max_itemsets (an itemset takes 24 bytes, and 4 per item)."
                )
            if state[kernels.NEEDED] > _MOST:
                raise CapacityError(
                    f"the itemsets, or the baskets on the way to one, hold more than {_MOST:,} items; set max_length, "
                    "or raise min_utility."
                )
            for name in _ARENAS.get(status, ()):
                arenas[name] = _wider(arenas[name], int(state[kernels.NEEDED]))
    return _sorted(arenas, top_k)


def _arenas(profits: Profits, threshold: int, n_best: int) -> dict[str, Any]:
    """Rank the promising items by rising transaction-weighted utility and lay out the first level."""
    baskets = profits.baskets
    n, n_items = baskets.shape
    rows = np.repeat(np.arange(n), np.diff(baskets.indptr))
    gains = np.zeros(n, dtype=np.int64)
    np.add.at(gains, rows, np.maximum(profits.utilities, 0))
    weighted = np.zeros(n_items, dtype=np.int64)
    np.add.at(weighted, baskets.indices, gains[rows])
    codes = np.flatnonzero(weighted >= threshold)
    codes = codes[np.argsort(weighted[codes], kind="stable")]
    rank = np.full(n_items, -1, dtype=np.int32)
    rank[codes] = np.arange(codes.size, dtype=np.int32)
    keep = rank[baskets.indices] >= 0
    pairs = (rows[keep], rank[baskets.indices[keep]])
    kept = sparse.coo_array((profits.utilities[keep], pairs), shape=(n, max(1, codes.size))).tocsr()
    kept.sort_indices()
    lengths = np.diff(kept.indptr)

    arena_rows = np.zeros((3, 2 * n + 2), dtype=np.int64)
    arena_rows[kernels.START, : n + 1] = kept.indptr
    arena_rows[kernels.WEIGHT, :n] = 1
    entries = np.zeros((3, 2 * kept.nnz + 1), dtype=np.int32)
    entries[kernels.ITEM, : kept.nnz] = kept.indices
    values = np.zeros((2, 2 * kept.nnz + 1), dtype=np.int64)
    values[kernels.UTILITY, : kept.nnz] = kept.data
    members = np.zeros((3, 2 * codes.size + 1), dtype=np.int64)
    members[kernels.CODE, : codes.size] = codes
    deepest = int(lengths.max(initial=0)) + 2
    levels = np.zeros((deepest, 5), dtype=np.int64)
    levels[0, kernels.HIGH], levels[0, kernels.SIZE] = n, codes.size
    state = np.zeros(5, dtype=np.int64)
    state[kernels.THRESHOLD] = threshold
    kernels.index_level(arena_rows, entries, values, members, levels[0])
    return {
        "state": state,
        "levels": levels,
        "rows": arena_rows,
        "entries": entries,
        "values": values,
        "members": members,
        "local": np.zeros(codes.size, dtype=np.int64),
        "codes": np.empty(codes.size, dtype=np.int32),
        "masks": np.empty(n + 1, dtype=np.uint64),
        "slots": np.empty(4 * n + 4, dtype=np.int32),
        "best": np.empty(n_best, dtype=np.int64),
        "found": np.empty((3, 1024), dtype=np.int64),
        "found_items": np.empty(4096, dtype=np.int32),
        "path": np.empty(deepest, dtype=np.int32),
    }


def _wider(array: NDArray[Any], needed: int) -> NDArray[Any]:
    more = max(needed - array.shape[-1], array.shape[-1])
    return np.concatenate([array, np.empty((*array.shape[:-1], more), dtype=array.dtype)], axis=-1)


def _sorted(arenas: dict[str, Any], top_k: int | None) -> Found:
    """Put the itemsets in order, by falling utility, then length, and cut them at ``top_k``."""
    state = arenas["state"]
    stop, worth, count = arenas["found"][:, : state[kernels.N_FOUND]]
    lengths = np.diff(stop, prepend=0)
    chosen = np.lexsort((lengths, -worth))[:top_k]
    lengths = lengths[chosen]
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    places = np.repeat(stop[chosen] - offsets[1:], lengths) + np.arange(offsets[-1])
    return arenas["found_items"][places], offsets, worth[chosen], count[chosen]
