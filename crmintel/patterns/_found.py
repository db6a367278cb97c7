"""What a miner found, as a prefix tree or as lists, and choosing among it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from crmintel.kernels.itemsets import COUNT, ITEM, PARENT, expand, itemset_offsets


@dataclass(frozen=True, slots=True)
class Flat:
    """Itemsets as lists of rising item codes: number k is ``items[offsets[k]:offsets[k + 1]]``."""

    items: NDArray[np.int32]
    offsets: NDArray[np.int64]
    counts: NDArray[Any]
    algorithm: str


@dataclass(frozen=True, slots=True)
class Trie:
    """Itemsets as prefix trees of ranks, one behind the other, see `crmintel.kernels.itemsets`; ``codes`` by rank."""

    parts: list[NDArray[np.int32]]
    codes: NDArray[np.int32]
    counts: NDArray[np.int32]
    algorithm: str

    @classmethod
    def of(cls, parts: list[NDArray[np.int32]], codes: NDArray[np.int32], algorithm: str) -> Self:
        """Join the counts; all else is joined when it is asked for."""
        nothing = np.empty(0, dtype=np.int32)
        return cls(parts, codes, np.concatenate([nothing, *(part[COUNT] for part in parts)]), algorithm)

    def flat(self) -> Flat:
        """Return the same itemsets in the same order as lists."""
        offsets = np.zeros(self.counts.size + 1, dtype=np.int64)
        starts = np.cumsum([0, *(part.shape[1] for part in self.parts)]).tolist()
        for at, part in zip(starts, self.parts, strict=False):
            itemset_offsets(parent=part[PARENT], at=at, offsets=offsets)
        items = np.empty(offsets[-1], dtype=np.int32)
        for at, part in zip(starts, self.parts, strict=False):
            expand(
                parent=part[PARENT], item=part[ITEM], codes=self.codes, at=at, offsets=offsets, items=items
            )
        return Flat(items, offsets, self.counts, self.algorithm)


def as_flat(found: Trie | Flat) -> Flat:
    """Return itemsets as lists."""
    return found.flat() if isinstance(found, Trie) else found


def choose(flat: Flat, numbers: NDArray[np.int64]) -> Flat:
    """Return the itemsets of these numbers, in their order."""
    lengths = np.diff(flat.offsets)[numbers]
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    places = np.arange(offsets[-1]) + np.repeat(flat.offsets[:-1][numbers] - offsets[:-1], lengths)
    return Flat(flat.items[places], offsets, flat.counts[numbers], flat.algorithm)


def best_first(flat: Flat) -> NDArray[np.int64]:
    """Return the numbers of all itemsets: the largest count first, then the shortest, then the smallest codes."""
    lengths = np.diff(flat.offsets)
    table = np.full((lengths.max(initial=0), lengths.size), -1, dtype=np.int32)
    owner = np.repeat(np.arange(lengths.size), lengths)
    table[np.arange(flat.items.size) - np.repeat(flat.offsets[:-1], lengths), owner] = flat.items
    return np.lexsort((*table[::-1], lengths, -flat.counts))
