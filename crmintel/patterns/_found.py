"""What a miner found, as a prefix tree or as lists, and choosing among it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crmintel.kernels.itemsets import expand, itemset_offsets


@dataclass(frozen=True, slots=True)
class Flat:
    """Itemsets as lists of rising item codes: number k is ``items[offsets[k]:offsets[k + 1]]``."""

    items: NDArray[np.int32]
    offsets: NDArray[np.int64]
    counts: NDArray[Any]
    algorithm: str


@dataclass(frozen=True, slots=True)
class Trie:
    """Itemsets as a prefix tree: number k is that of ``parent[k]`` (-1: the empty one) with the item ``item[k]``."""

    parent: NDArray[np.int32]
    item: NDArray[np.int32]
    counts: NDArray[Any]
    algorithm: str

    def flat(self) -> Flat:
        """Return the same itemsets in the same order as lists."""
        offsets = np.empty(self.parent.size + 1, dtype=np.int64)
        itemset_offsets(parent=self.parent, offsets=offsets)
        items = np.empty(offsets[-1], dtype=np.int32)
        expand(parent=self.parent, item=self.item, offsets=offsets, items=items)
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
