"""Condensed itemsets: the closed, the maximal and the free ones (generators)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from crmintel.kernels import itemsets_closed as kernels
from crmintel.kernels.itemsets import NEEDED
from crmintel.kernels.itemsets_conditional import (
    BASKET,
    CLOSED,
    FREE,
    HEAD,
    LABEL,
    MAXIMAL,
    SUPPORT,
    set_basket_columns,
)
from crmintel.kernels.itemsets_found import EMPTY, insert_all
from crmintel.patterns._chunks import Arenas, cut_chunks, search_chunks
from crmintel.patterns._classes import join, only_free, random_numbers, without_copies
from crmintel.patterns._mining import Flat, order, refuse
from crmintel.transactions.baskets import Baskets

# Entries an arena starts with; it doubles when full.
_START = 1 << 12
# Names of the kernels for what is searched for.
TARGETS = {"closed": CLOSED, "maximal": MAXIMAL, "generators": FREE}
# Chunks, and entries of baskets to look at that are worth one. What is found comes in their order: their number must
# not depend on that of the threads.
_MOST_CHUNKS, _LEAST_WORK = 64, 200_000
_NO_LIMIT = int(np.iinfo(np.int32).max)


class CondensedSearch:
    """Search for the itemsets that are closed or maximal within their class, see `crmintel.kernels.itemsets_closed`."""

    def __init__(
        self,
        baskets: Baskets,
        items: NDArray[np.int64],
        counts: NDArray[np.int64],
        *,
        target: str,
        min_count: int,
        max_length: int,
        max_itemsets: int,
    ) -> None:
        self.items, self.counts = items, counts
        self.min_count, self.max_itemsets = min_count, max_itemsets
        self.random = random_numbers(baskets.shape[1])
        self.columns = _columns(baskets, self.items, self.counts)
        if self.columns.size:
            self.longest, self.work = self.items.size, self.counts * np.arange(self.items.size)
            entries, parts, first = (np.empty(shape, dtype=np.int32) for shape in (0, (2, 0), 0))
        else:
            ordered = order(baskets, min_count)
            self.longest, self.work = ordered.longest, ordered.work
            entries, parts, first = ordered.entries, ordered.parts, ordered.first
        self.given = {
            "base_entries": entries,
            "base_parts": parts,
            "first": first,
            "n_entries": self.work,
            "random": self.random,
            "min_count": min_count,
            "max_length": max_length,
            "target": TARGETS[target],
        }
        self.n_found = 0
        self.found_items: dict[int, NDArray[np.int32]] = {}

    def chunks(self) -> list[tuple[int, int]]:
        """Cut the classes into runs of about the same work."""
        n_chunks = min(_MOST_CHUNKS, 1 + int(self.work.sum()) // _LEAST_WORK)
        return cut_chunks(self.work + 1, n_chunks)

    def arenas(self) -> Arenas:
        """Return the arrays a search works in; they serve one chunk after the other."""
        n_ranks, n_words = self.columns.shape
        most, depth = int(self.counts[0]), self.longest + 2
        words = np.empty(2 * kernels.MOST_WORDS, dtype=np.uint64)
        words[: self.columns.size] = self.columns.ravel()
        members = np.empty((6, n_ranks + _START), dtype=np.int64)
        members[LABEL, :n_ranks], members[SUPPORT, :n_ranks] = self.items, self.counts
        members[HEAD, :n_ranks] = np.arange(n_ranks) * n_words
        rows = np.empty((4, max(_START, n_words)), dtype=np.int64)
        rows[BASKET] = random_numbers(rows.shape[1])
        return {
            "sets": np.empty((4, _START), dtype=np.int64),
            "items": np.empty(4 * _START, dtype=np.int32),
            "members": members,
            "rows": rows,
            "entries": np.empty(_START, dtype=np.int32),
            "parts": np.empty((2, most), dtype=np.int32),
            "owners": np.empty(most, dtype=np.int64),
            "words": words,
            "digests": np.empty(depth, dtype=np.int64),
            "trail": np.empty((2, depth), dtype=np.int64),
            "marks": np.full((_START, 2), EMPTY, dtype=np.int64),
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
        arenas["sets"][kernels.ENDS, 0] = 0
        arenas["stack"][0] = 0
        arenas["stack"][0, [kernels.SIZE, kernels.NEXT]] = self.items.size, high - 1
        arenas["stack"][0, [kernels.N_WORDS, kernels.ALONE]] = self.columns.shape[1], 1
        arenas["stack"][0, kernels.WORD] = self.columns.size
        arenas["digests"][0] = 0
        arenas["marks"][:] = EMPTY
        arenas["state"][:] = 0
        arenas["low"][0] = low

    def advance(self, arenas: Arenas, stop: NDArray[np.int32]) -> tuple[int, str | None]:
        """Go on; return the kernel's status and the name of the array that is full, None at the end."""
        given = {**arenas, "low": int(arenas["low"][0])}
        while (status := kernels.search_condensed(**self.given, **given, stop=stop)) == kernels.MARKS_FULL:
            full = arenas["marks"]
            arenas["marks"] = given["marks"] = np.full((2 * len(full), 2), EMPTY, dtype=np.int64)
            insert_all(keys=full[:, 0].copy(), numbers=full[:, 1].copy(), table=arenas["marks"])
        if status == kernels.SETS_FULL:
            self._check_room(int(arenas["state"][NEEDED]))
        return status, kernels.FULL.get(status)

    def result(self, arenas: Arenas) -> NDArray[np.int64]:
        """Return ``sets``; ``items`` goes into a dict of the object."""
        n_sets, n_items = (int(arenas["state"][k]) for k in (kernels.N_SETS, kernels.N_ITEMS))
        self.n_found += n_sets
        self._check_room(self.n_found)
        found = arenas["sets"][:, : n_sets + 1]
        self.found_items[int(arenas["low"][0])] = arenas["items"][:n_items]
        arenas["sets"], arenas["items"] = np.empty_like(arenas["sets"]), np.empty_like(arenas["items"])
        return found

    def _check_room(self, n_found: int) -> None:
        # Those of all classes together have still to be compared: allow for what that takes away.
        if n_found > 2 * self.max_itemsets:
            refuse(self.max_itemsets, self.min_count)


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
        Longer ones are left out of the result: supersets that are longer still count as such, so closed and maximal
        itemsets take as long to find as without it.

    Raises
    ------
    CapacityError
        If there are more than ``max_itemsets``, or on the way more than twice as many with those that are too long or
        turn out not to be of ``target``.
    """
    items, counts = _frequent_items(baskets, min_count)
    if items.size == 0:
        return Flat(np.empty(0, np.int32), np.zeros(1, np.int64), np.empty(0, np.int32), "")
    longest = _NO_LIMIT if max_length is None else max_length
    free = target == "generators"
    search = CondensedSearch(
        baskets,
        items,
        counts,
        target=target,
        min_count=min_count,
        max_length=longest - 1 if free else longest,
        max_itemsets=max_itemsets,
    )
    chunks = search.chunks()
    parts, _ = search_chunks(
        search,
        chunks,
        n_threads=n_threads,
        limit=None,
        refuse=lambda: refuse(max_itemsets, min_count),
        verbose=verbose,
        label="itemsets",
    )
    joined = join(parts, [search.found_items.pop(low) for low, _ in chunks])
    if free:
        found = only_free(joined, len(baskets), search.random)
    else:
        found = without_copies(joined, longest, same_count=target == "closed")
    if found[2].size > max_itemsets:
        refuse(max_itemsets, min_count)
    return Flat(*found, "projection+bitset")


def count_condensed(
    baskets: Baskets,
    *,
    target: str,
    min_count: int,
    max_length: int | None,
    n_threads: int,
    verbose: bool | int,
) -> NDArray[np.int64]:
    """Return how many itemsets of 0, 1, 2, ... items `mine_condensed` would return."""
    found = mine_condensed(
        baskets,
        target=target,
        min_count=min_count,
        max_length=max_length,
        n_threads=n_threads,
        max_itemsets=_NO_LIMIT // 2,
        verbose=verbose,
    )
    return np.bincount(np.diff(found.offsets)).astype(np.int64)


def _frequent_items(baskets: Baskets, min_count: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the frequent items' codes, by falling count and then by code, and their counts."""
    counts = np.bincount(baskets.indices, minlength=baskets.shape[1])
    items = np.flatnonzero(counts >= min_count)
    items = items[np.argsort(-counts[items], kind="stable")]
    return items, counts[items]


def _columns(baskets: Baskets, items: NDArray[np.int64], counts: NDArray[np.int64]) -> NDArray[np.uint64]:
    """Return the baskets as columns of bits where all pairs of these cost less than the parts of the baskets."""
    n, n_words = items.size, -(-len(baskets) // 64)
    columns = np.empty((n, n_words), dtype=np.uint64)
    # Baskets of the same length have the fewest parts for so many entries.
    least_work = counts.sum() ** 2 / (2 * len(baskets))
    if columns.size > kernels.MOST_WORDS or n * columns.size * kernels.WORD_COST > 4 * least_work:
        return columns[:, :0]
    rank = np.full(baskets.shape[1], -1, dtype=np.int32)
    rank[items] = np.arange(n)
    set_basket_columns(
        indices=baskets.indices, indptr=baskets.indptr, rank=rank, n_words=n_words, words=columns.ravel()
    )
    return columns
