"""Condensed itemsets: the closed, the maximal and the free ones (generators)."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from crmintel.kernels import itemsets_closed as kernels
from crmintel.kernels.itemsets import NEEDED
from crmintel.kernels.itemsets_conditional import (
    BASKET,
    BEGIN,
    CLOSED,
    END,
    FREE,
    LABEL,
    MAXIMAL,
    SUPPORT,
    count_pairs,
    keep_pairs,
    set_columns,
)
from crmintel.kernels.itemsets_found import EMPTY, copy_missing, find_free, insert_all
from crmintel.patterns._mining import Flat, OrderedBaskets, _chunks, _refuse, _run, order
from crmintel.patterns._searches import Arenas
from crmintel.transactions.baskets import Baskets

# Entries an arena starts with; it doubles when full.
_START = 1 << 12
# Names of the kernels for what is searched for.
TARGETS = {"closed": CLOSED, "maximal": MAXIMAL, "generators": FREE}
# Entries of baskets to look at that are worth a chunk.
_LEAST_WORK = 200_000
# Pairs of items up to which a table of their counts stays in the processor's cache.
_MOST_PAIRS = 1 << 19
_NO_LIMIT = int(np.iinfo(np.int32).max)


class CondensedSearch:
    """Search for the itemsets that are closed or maximal within their class, see `crmintel.kernels.itemsets_closed`."""

    def __init__(
        self,
        ordered: OrderedBaskets,
        n_codes: int,
        target: str,
        min_count: int,
        max_length: int,
        store: bool,
        max_itemsets: int,
    ) -> None:
        self.ordered, self.min_count, self.max_itemsets = ordered, min_count, max_itemsets
        self.work = np.add.reduceat(ordered.parts[1] - ordered.parts[0], ordered.first[:-1], dtype=np.int64)
        self.columns = self._columns()
        entries, parts, first = self._parts(min_count)
        self.store = store
        self.random = random_numbers(n_codes)
        self.given = {
            "base_entries": entries,
            "base_parts": parts,
            "first": first,
            "n_entries": self.work,
            "random": self.random,
            "min_count": min_count,
            "max_length": max_length,
            "target": TARGETS[target],
            "store": int(store),
        }
        self.n_found = 0
        self.items: dict[int, NDArray[np.int32]] = {}

    def _parts(self, min_count: int) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.int32]]:
        """Return what stands before each item in the baskets, without the items of infrequent pairs where that pays."""
        ordered, n = self.ordered, self.ordered.items.size
        whole = ordered.entries, ordered.parts, np.stack([ordered.first[:-1], ordered.first[1:]])
        if self.columns.size or n < 2 or n * (n - 1) // 2 > min(_MOST_PAIRS, 2 * self.work.sum()):
            return whole
        pairs = np.zeros(n * (n - 1) // 2, dtype=np.int32)
        count_pairs(entries=ordered.entries, row_ends=ordered.row_ends, pairs=pairs)
        starts = np.arange(n) * (np.arange(n) - 1) // 2
        sizes = np.append(
            0, np.add.reduceat(np.where(pairs >= min_count, pairs, 0), starts[1:], dtype=np.int64)
        )
        if 3 * sizes.sum() > 2 * self.work.sum():
            return whole
        # one entry is written past the end of each item's
        ends = np.cumsum(sizes + 1)
        at, fill = ends - sizes - 1, ordered.first[:-1].astype(np.int64)
        kept, parts = np.empty(ends[-1], dtype=np.int32), np.empty_like(ordered.parts)
        keep_pairs(
            entries=ordered.entries,
            row_ends=ordered.row_ends,
            pairs=pairs,
            min_count=min_count,
            at=at,
            fill=fill,
            kept=kept,
            parts=parts,
        )
        return kept, parts, np.stack([ordered.first[:-1], fill.astype(np.int32)])

    def _columns(self) -> NDArray[np.uint64]:
        """Return the baskets as columns of bits where all pairs of these cost less than the parts of the baskets."""
        n, n_words = self.ordered.items.size, -(-self.ordered.row_ends.size // 64)
        columns = np.empty((n, n_words), dtype=np.uint64)
        if columns.size > kernels.MOST_WORDS or n * columns.size * kernels.WORD_COST > 4 * self.work.sum():
            return columns[:, :0]
        rows = np.empty((4, self.ordered.row_ends.size), dtype=np.int64)
        rows[BEGIN, 0], rows[BEGIN, 1:] = 0, self.ordered.row_ends[:-1]
        rows[END] = self.ordered.row_ends
        set_columns(
            entries=self.ordered.entries,
            rows=rows,
            low=0,
            high=rows.shape[1],
            n_items=n,
            n_words=n_words,
            words=columns.ravel(),
        )
        return columns

    def arenas(self) -> Arenas:
        """Return the arrays a search works in; they serve one chunk after the other."""
        n_ranks, depth = self.ordered.items.size, self.ordered.longest + 2
        words = np.empty(2 * kernels.MOST_WORDS, dtype=np.uint64)
        words[: self.columns.size] = self.columns.ravel()
        members = np.empty((6, n_ranks + _START), dtype=np.int64)
        members[LABEL, :n_ranks], members[SUPPORT, :n_ranks] = self.ordered.items, self.ordered.counts
        rows = np.empty((4, max(_START, self.columns.shape[1])), dtype=np.int64)
        rows[BASKET] = random_numbers(rows.shape[1])
        return {
            "sets": np.empty((4, _START), dtype=np.int64),
            "items": np.empty(_START, dtype=np.int32),
            "members": members,
            "rows": rows,
            "entries": np.empty(_START, dtype=np.int32),
            "parts": np.empty((2, int(self.ordered.counts[0])), dtype=np.int32),
            "owners": np.empty(max(int(self.ordered.counts[0]), self.columns.shape[1]), dtype=np.int64),
            "words": words,
            "paths": np.empty(_START, dtype=np.int32),
            "digests": np.empty(depth, dtype=np.int64),
            "trail": np.empty(depth, dtype=np.int32),
            "marks": np.full(_START, EMPTY, dtype=np.int64),
            "index": np.empty(_START, dtype=np.int64),
            "focus": np.empty((2, _START), dtype=np.int64),
            "tally": np.zeros(n_ranks, dtype=np.int32),
            "local": np.empty(n_ranks, dtype=np.int32),
            "found": np.empty(n_ranks, dtype=np.int32),
            "joining": np.empty(n_ranks, dtype=np.int32),
            "stack": np.empty((depth, kernels.N_FIELDS), dtype=np.int64),
            "state": np.zeros(kernels.STATE_SIZE, dtype=np.int64),
            "low": np.empty(1, dtype=np.int64),
        }

    def start(self, arenas: Arenas, low: int, high: int) -> None:
        """Set the arrays to search the classes of the ranks low..high-1."""
        arenas["stack"][0] = 0
        arenas["stack"][0, [kernels.SIZE, kernels.NEXT]] = self.ordered.items.size, high - 1
        arenas["stack"][0, [kernels.N_WORDS, kernels.ALONE]] = self.columns.shape[1], 1
        arenas["digests"][0] = 0
        arenas["sets"][kernels.ENDS, 0] = 0
        n_marks = arenas["state"][kernels.N_MARKS]
        arenas["state"][:] = 0
        arenas["state"][kernels.N_MARKS] = n_marks
        arenas["low"][0] = low

    def advance(self, arenas: Arenas, stop: NDArray[np.int32]) -> tuple[int, str | None]:
        """Go on; return the kernel's status and the name of the array that is full, None at the end."""
        while True:
            given = {**arenas, "low": int(arenas["low"][0])}
            status = kernels.search_condensed(**self.given, **given, stop=stop)
            if status != kernels.MARKS_FULL:
                break
            marks = np.full(2 * arenas["marks"].size, EMPTY, dtype=np.int64)
            insert_all(keys=arenas["marks"], table=marks)
            arenas["marks"] = marks
        if status == kernels.SETS_FULL:
            self._check_room(int(arenas["state"][NEEDED]))
        return status, kernels.FULL.get(status)

    def result(self, arenas: Arenas) -> NDArray[np.int64]:
        """Return a copy of ``sets``; that of ``items`` goes into a dict of the object."""
        n_sets, n_items = (int(arenas["state"][k]) for k in (kernels.N_SETS, kernels.N_ITEMS))
        self.n_found += n_sets
        self._check_room(self.n_found)
        self.items[int(arenas["low"][0])] = arenas["items"][: n_items * self.store].copy()
        return arenas["sets"][:, : n_sets + 1].copy()

    def name(self, states: list[NDArray[np.int64]]) -> str:
        """Return what was used."""
        return "projection+bitset"

    def _check_room(self, n_found: int) -> None:
        # Those of all classes together have still to be compared: allow for what that takes away.
        if n_found > 2 * self.max_itemsets:
            _refuse(self.max_itemsets, self.min_count)


def mine_condensed(
    baskets: Baskets,
    *,
    target: str,
    min_count: int,
    max_length: int | None,
    n_threads: int,
    max_itemsets: int,
    verbose: bool | int,
) -> Flat:
    """Return the itemsets of ``target`` that ``min_count`` baskets or more hold.

    Parameters
    ----------
    target : {"closed", "maximal", "generators"}
        Closed itemsets have no superset with the same count, maximal ones no frequent superset, generators no
        proper subset with the same count (the empty set, which all baskets hold, is one but is not listed).
    max_length : int or None
        Longer ones are left out of the result: supersets that are longer still count as such.

    Raises
    ------
    CapacityError
        If there are more than ``max_itemsets``.
    """
    return _search(baskets, target, min_count, max_length, n_threads, max_itemsets, verbose, store=True)


def count_condensed(
    baskets: Baskets,
    *,
    target: str,
    min_count: int,
    max_length: int | None,
    n_threads: int,
    verbose: bool | int,
) -> NDArray[np.int64]:
    """Return how many itemsets of 0, 1, 2, ... items `mine_condensed` would return, without their items."""
    found = _search(baskets, target, min_count, max_length, n_threads, _NO_LIMIT // 2, verbose, store=False)
    return np.bincount(np.diff(found.offsets)).astype(np.int64)


def _search(
    baskets: Baskets,
    target: str,
    min_count: int,
    max_length: int | None,
    n_threads: int,
    max_itemsets: int,
    verbose: bool | int,
    store: bool,
) -> Flat:
    ordered = order(baskets, min_count)
    longest = _NO_LIMIT if max_length is None else max_length
    if ordered.items.size == 0:
        return Flat(np.empty(0, np.int32), np.zeros(1, np.int64), np.empty(0, np.int32), "")
    free = target == "generators"
    search = CondensedSearch(
        ordered,
        baskets.shape[1],
        target,
        min_count,
        longest - 1 if free else longest,
        store or free,
        max_itemsets,
    )
    chunks = _merge(_chunks(ordered), int(search.work.sum()))
    parts, states = _run(search, chunks, n_threads, None, min_count, verbose)
    items = [search.items.pop(low) for low, _ in chunks]
    found = _join(parts, items, longest, filtered=not free)
    if free:
        found = _free(*found, len(baskets), search.random)
    if found[2].size > max_itemsets:
        _refuse(max_itemsets, min_count)
    return Flat(*found, search.name(states))


def _merge(chunks: list[tuple[int, int]], work: int) -> list[tuple[int, int]]:
    """Make fewer chunks of little work."""
    step = min(len(chunks), max(1, len(chunks) * _LEAST_WORK // max(1, work)))
    return [(part[0][0], part[-1][1]) for part in (chunks[k : k + step] for k in range(0, len(chunks), step))]


def _join(
    parts: list[Any], items: list[NDArray[np.int32]], longest: int, filtered: bool
) -> tuple[NDArray[np.int32], NDArray[np.int64], NDArray[np.int32]]:
    """Put the chunks together; ``filtered``: without those that another one without its root is the same as."""
    n_sets = sum(part.shape[1] - 1 for part in parts)
    table = np.zeros(1 << (2 * n_sets).bit_length(), dtype=np.int64)
    for part in parts if filtered else []:
        insert_all(keys=part[kernels.KEYS_BELOW, :-1], table=table)
    offsets = np.zeros(n_sets + 1, dtype=np.int64)
    counts = np.empty(n_sets, dtype=np.int32)
    kept_items = np.empty(sum(map(len, items)), dtype=np.int32)
    n = 0
    for part, part_items in zip(parts, items, strict=True):
        n += copy_missing(
            keys=part[kernels.KEYS, :-1],
            table=table,
            ends=part[kernels.ENDS],
            items=part_items,
            counts=part[kernels.COUNTS, :-1],
            longest=longest,
            kept_offsets=offsets[n:],
            kept_items=kept_items,
            kept_counts=counts[n:],
        )
    return kept_items[: offsets[n]], offsets[: n + 1], counts[:n]


def _free(
    items: NDArray[np.int32],
    offsets: NDArray[np.int64],
    counts: NDArray[np.int32],
    n_baskets: int,
    random: NDArray[np.int64],
) -> tuple[NDArray[np.int32], NDArray[np.int64], NDArray[np.int32]]:
    """Keep the itemsets that have no subset with the same count."""
    lengths = np.diff(offsets)
    size = 1 << (2 * counts.size).bit_length()
    free = np.empty(counts.size, dtype=np.bool_)
    find_free(
        by_length=np.argsort(lengths, kind="stable"),
        offsets=offsets,
        items=items,
        counts=counts,
        n_baskets=n_baskets,
        random=random,
        table=np.full(size, EMPTY, dtype=np.int64),
        number=np.empty(size, dtype=np.int64),
        free=free,
    )
    return items[np.repeat(free, lengths)], np.append(0, np.cumsum(lengths[free])), counts[free]


def random_numbers(n: int) -> NDArray[np.int64]:
    """Return ``n`` numbers below 2**62, always the same ones (SplitMix64)."""
    x = np.arange(1, n + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return ((x ^ (x >> np.uint64(31))) >> np.uint64(2)).astype(np.int64)
