"""In how many baskets the sides of rules stand, by AND over columns of bits."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from crmintel.transactions.baskets import Baskets

_BYTES = 1 << 26  # of the baskets looked at at a time, one byte a basket and item
_WORDS = 1 << 17  # of a block of rules: 1 MiB, which caches hold


def recount(antecedents: Any, consequents: Any, baskets: Baskets) -> list[NDArray[np.int64]]:
    """Return ``n_ab``, ``n_a`` and ``n_b`` of rules whose columns are those of ``baskets``."""
    n_rules = antecedents.shape[0]
    counts = [np.zeros(n_rules, dtype=np.int64) for _ in range(3)]
    used = np.unique(np.concatenate([antecedents.indices, consequents.indices]))
    place = np.zeros(baskets.shape[1], dtype=np.int64)
    place[used] = np.arange(used.size)
    held = baskets.matrix[:, used]
    step = max(64, _BYTES // max(used.size, 1))
    for low in range(0, len(baskets), step):
        rows = held[low : low + step].toarray()
        columns, every = _pack(np.ascontiguousarray(rows.T)), _pack(np.ones((1, rows.shape[0]), dtype=bool))
        block = max(1, _WORDS // every.size)
        for first in range(0, n_rules, block):
            part = slice(first, min(first + block, n_rules))
            left, right = (_marks(side, part, place, columns, every) for side in (antecedents, consequents))
            for count, marks in zip(counts, (left & right, left, right), strict=True):
                count[part] += np.bitwise_count(marks).sum(axis=1, dtype=np.int64)
    return counts


def _pack(rows: NDArray[np.bool_]) -> NDArray[np.uint64]:
    """Return rows of booleans as words of 64 bits, the last filled up with zeros."""
    packed = np.packbits(rows, axis=1)
    return np.pad(packed, ((0, 0), (0, -packed.shape[1] % 8))).view(np.uint64)


def _marks(
    side: Any, part: slice, place: NDArray[np.int64], columns: NDArray[np.uint64], every: NDArray[np.uint64]
) -> NDArray[np.uint64]:
    """Return which baskets hold all items of one side, for the rules of ``part``."""
    first, last = side.indptr[part], side.indptr[part.start + 1 : part.stop + 1]
    marks = np.repeat(every, first.size, axis=0)
    for j in range(int((last - first).max(initial=0))):
        longer = np.flatnonzero(last - first > j)
        marks[longer] &= columns[place[side.indices[first[longer] + j]]]
    return marks
