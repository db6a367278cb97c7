"""Nodes that a search of condensed itemsets wrote: which of them are looked for; in steps, so that Ctrl-C is heard."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from crmintel.kernels.itemsets import COUNT, PARENT
from crmintel.kernels.itemsets_found import (
    AT_ONCE,
    EMPTY,
    describe,
    drop_within,
    find_free,
    insert_all,
    list_noted,
    list_sets,
    note,
)

# Items, offsets, counts: see `crmintel.patterns._found.Flat`.
Lists = tuple[NDArray[np.int32], NDArray[np.int64], NDArray[np.int32]]


@dataclass(frozen=True, slots=True)
class Nodes:
    """The trie, and what `crmintel.kernels.itemsets_found.describe` tells of its nodes."""

    trie: NDArray[np.int32]
    random: NDArray[np.int64]
    digests: NDArray[np.int64]
    lengths: NDArray[np.int32]
    branches: NDArray[np.int32]

    @classmethod
    def of(cls, parts: list[NDArray[np.int32]], random: NDArray[np.int64]) -> Nodes:
        """Put the chunks together; ``random`` holds a number for each rank."""
        starts = np.cumsum([0, *(part.shape[1] for part in parts)])
        trie = np.concatenate(parts, axis=1)
        for low, high in pairwise(starts.tolist()):
            trie[PARENT, low:high] += low * (trie[PARENT, low:high] >= 0)
        n = trie.shape[1]
        lengths, branches = np.empty(n, dtype=np.int32), np.empty(n, dtype=np.int32)
        nodes = cls(trie, random, np.empty(n, dtype=np.int64), lengths, branches)
        for start, end in nodes.steps():
            describe(
                start=start, end=end, trie=trie, random=random,
                digests=nodes.digests, lengths=lengths, branches=branches,
            )  # fmt: skip
        return nodes

    def steps(self) -> list[tuple[int, int]]:
        """Return the ends of what kernels look at before they return."""
        n = self.trie.shape[1]
        return [(start, min(start + AT_ONCE, n)) for start in range(0, n, AT_ONCE)]

    def without_copies(self, same_count: bool) -> NDArray[np.bool_]:
        """Tell which itemsets no other one is without one item, with ``same_count`` none of the same count."""
        # Most keys are met by none: a bit for each, which the processor's cache holds, spares the table.
        kept = self.trie[COUNT] > 0
        bits = np.zeros(1 << max(0, (8 * self.trie.shape[1]).bit_length() - 6), dtype=np.uint64)
        shared = {
            "trie": self.trie,
            "random": self.random,
            "digests": self.digests,
            "branches": self.branches,
        }
        for start, end in self.steps():
            note(start=start, end=end, **shared, mix=int(same_count), bits=bits)
        keys, numbers = [], []
        for start, end in self.steps():
            room = np.empty((2, end - start + 1), dtype=np.int64)
            n = list_noted(
                start=start, end=end, trie=self.trie, digests=self.digests, mix=int(same_count), bits=bits,
                keys=room[0], numbers=room[1],
            )  # fmt: skip
            keys.append(room[0, :n])
            numbers.append(room[1, :n])
        met, noted = np.concatenate(keys), np.concatenate(numbers)
        table = np.full((1 << (2 * met.size).bit_length(), 2), EMPTY, dtype=np.int64)
        bits[:] = 0
        places = (met ^ (met >> 29)) & (64 * bits.size - 1)
        np.bitwise_or.at(bits, places >> 6, np.uint64(1) << (places & 63).astype(np.uint64))
        insert_all(keys=met, numbers=noted, table=table)
        dropped = np.zeros(kept.size, dtype=np.bool_)
        mark = np.zeros(self.random.size, dtype=np.int32)
        for start, end in self.steps():
            drop_within(
                start=start, end=end, **shared, lengths=self.lengths, mix=int(same_count), bits=bits, table=table,
                mark=mark, dropped=dropped,
            )  # fmt: skip
        kept[dropped] = False
        return kept

    def lists(self, kept: NDArray[np.bool_], codes: NDArray[np.int32]) -> Lists:
        """Return the itemsets ``kept`` as lists; ``codes`` are the items' codes by rank."""
        counts = self.trie[COUNT, kept]
        offsets = np.zeros(counts.size + 1, dtype=np.int64)
        items = np.empty(self.lengths[kept].sum(dtype=np.int64), dtype=np.int32)
        longest = int(self.lengths.max(initial=0))
        path = np.empty((longest + 1, longest + 1), dtype=np.int32)
        number = 0
        for start, end in self.steps():
            number = list_sets(
                start=start, end=end, trie=self.trie, lengths=self.lengths, kept=kept, codes=codes, path=path,
                offset=number, offsets=offsets, items=items,
            )  # fmt: skip
        return items, offsets, counts


def only_free(found: Lists, n_baskets: int, random: NDArray[np.int64]) -> Lists:
    """Keep the itemsets that have no subset with the same count; ``random`` holds a number for each item code."""
    items, offsets, counts = found
    lengths = np.diff(offsets)
    free = np.empty(counts.size, dtype=np.bool_)
    table = np.full((1 << (2 * counts.size).bit_length(), 2), EMPTY, dtype=np.int64)
    by_length = np.argsort(lengths, kind="stable")
    for start in range(0, counts.size, AT_ONCE):
        find_free(
            start=start,
            by_length=by_length,
            offsets=offsets,
            items=items,
            counts=counts,
            n_baskets=n_baskets,
            random=random,
            table=table,
            free=free,
        )
    return items[np.repeat(free, lengths)], np.append(0, np.cumsum(lengths[free])), counts[free]


def random_numbers(n: int) -> NDArray[np.int64]:
    """Return ``n`` numbers below 2**62, always the same ones (SplitMix64)."""
    x = np.arange(1, n + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return ((x ^ (x >> np.uint64(31))) >> np.uint64(2)).astype(np.int64)
