"""Which baskets hold which itemset, as a sparse matrix."""

from __future__ import annotations

from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from crmintel.exceptions import CapacityError
from crmintel.kernels.itemsets import find_members
from crmintel.kernels.itemsets_members import count_marks, list_marks, mark_members, set_item_columns
from crmintel.transactions.baskets import Baskets

_MOST_MEMBERS = 1 << 28  # entries of a membership matrix: 1.3 GiB when done
_MOST_WORDS = 1 << 24  # of columns of bits: 128 MiB
_BLOCK_WORDS = 1 << 17  # of a block of itemsets: 1 MiB, which caches hold

# Nanoseconds, measured: an AND of two words, a mark that is read, a look-up of an item in a basket.
_WORD_COST, _MARK_COST, _LOOKUP_COST = 1.5, 1.5, 20.0


def memberships(items: NDArray[np.int32], offsets: NDArray[np.int64], baskets: Baskets) -> Any:
    """Return which of ``baskets`` hold which itemset: a boolean CSR matrix, baskets x itemsets.

    Raises
    ------
    CapacityError
        If the matrix would hold more than 2**28 entries.
    """
    n_sets, n_baskets = offsets.size - 1, len(baskets)
    used = np.unique(items)
    n_words = -(-n_baskets // 64)
    held = np.bincount(baskets.indices, minlength=baskets.shape[1])
    candidates = np.minimum.reduceat(held[items], offsets[:-1]) if n_sets else held[:0]
    by_lookups = _LOOKUP_COST * (candidates * np.diff(offsets)).sum()
    by_columns = _WORD_COST * n_words * items.size + _MARK_COST * n_baskets * n_sets
    if used.size * n_words <= _MOST_WORDS and by_columns < by_lookups:
        return _by_columns(items, offsets, used, baskets)
    return _by_lookups(items, offsets, int(candidates.sum()), baskets)


def _by_columns(
    items: NDArray[np.int32], offsets: NDArray[np.int64], used: NDArray[np.int32], baskets: Baskets
) -> Any:
    n_sets, n_words = offsets.size - 1, -(-len(baskets) // 64)
    place = np.full(baskets.shape[1], -1, dtype=np.int32)
    place[used] = np.arange(used.size)
    columns = np.zeros((used.size, n_words), dtype=np.uint64)
    set_item_columns(indptr=baskets.indptr, indices=baskets.indices, place=place, columns=columns)
    step = max(1, _BLOCK_WORDS // max(1, n_words))
    blocks = [(first, min(first + step, n_sets)) for first in range(0, n_sets, step)]
    marks = np.empty((n_words, step), dtype=np.uint64)
    sets = {"items": items, "item_offsets": offsets, "place": place, "columns": columns, "marks": marks}
    counts = np.zeros(len(baskets), dtype=np.int64)
    for first, last in blocks:
        mark_members(first=first, last=last, **sets)
        count_marks(n=last - first, marks=marks, counts=counts)
    indptr = np.append(0, np.cumsum(counts))
    if indptr[-1] > _MOST_MEMBERS:
        _refuse(n_sets, baskets)
    indices = np.empty(indptr[-1], dtype=np.int32)
    fill = indptr[:-1].copy()
    for first, last in blocks:
        mark_members(first=first, last=last, **sets)
        list_marks(first=first, n=last - first, marks=marks, fill=fill, indices=indices)
    shape = (len(baskets), n_sets)
    return sparse.csr_array((np.ones(indices.size, dtype=bool), indices, indptr), shape=shape)


def _by_lookups(items: NDArray[np.int32], offsets: NDArray[np.int64], most: int, baskets: Baskets) -> Any:
    n_sets = offsets.size - 1
    columns = baskets.matrix.tocsc()
    column_start, column_rows = columns.indptr.astype(np.int64), columns.indices.astype(np.int32)
    starts = np.zeros(n_sets + 1, dtype=np.int64)
    # Pages that are not written take no memory.
    rows = np.empty(min(most, _MOST_MEMBERS), dtype=np.int32)
    done = find_members(
        start=0, items=items, item_offsets=offsets, indptr=baskets.indptr, indices=baskets.indices,
        column_start=column_start, column_rows=column_rows, offsets=starts, rows=rows,
    )  # fmt: skip
    if done < n_sets:
        _refuse(n_sets, baskets)
    rows = rows[: starts[-1]]
    shape = (len(baskets), n_sets)
    return sparse.csc_array((np.ones(rows.size, dtype=bool), rows, starts), shape=shape).tocsr()


def _refuse(n_sets: int, baskets: Baskets) -> NoReturn:
    raise CapacityError(
        f"{len(baskets):,} baskets hold {n_sets:,} itemsets more than {_MOST_MEMBERS:,} times. Raise min_support, set "
        "max_length, or transform fewer baskets at a time."
    )
