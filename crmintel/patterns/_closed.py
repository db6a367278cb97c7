"""Condensed itemsets: the closed, the maximal and the free ones (generators)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from crmintel.kernels import itemsets_closed as kernels
from crmintel.kernels import itemsets_maximal as maximal
from crmintel.kernels.itemsets import COUNT, TRIE_FULL, TRIE_SIZE
from crmintel.kernels.itemsets_found import EMPTY, insert_all
from crmintel.kernels.itemsets_projection import CLOSED, FREE, MAXIMAL
from crmintel.patterns._chunks import Arenas
from crmintel.patterns._classes import Nodes, only_free, random_numbers
from crmintel.patterns._mining import Flat, OrderedBaskets, order, refuse, search_ordered
from crmintel.patterns._searches import ProjectionSearch
from crmintel.transactions.baskets import Baskets

# Slots a table starts with; it doubles when it is half full.
_START = 1 << 12
# Names of the kernels for what is searched for.
TARGETS = {"closed": CLOSED, "maximal": MAXIMAL, "generators": FREE}
_NO_LIMIT = int(np.iinfo(np.int32).max)


class CondensedSearch(ProjectionSearch):
    """Search for candidates of closed or maximal itemsets or of generators: `crmintel.kernels.itemsets_closed`."""

    def __init__(
        self, ordered: OrderedBaskets, min_count: int, max_length: int, target: str, max_itemsets: int
    ) -> None:
        super().__init__(ordered, min_count, max_length, "auto")
        self.target, self.max_itemsets = TARGETS[target], max_itemsets
        self.random = random_numbers((ordered.row_ends.size + 63) >> 6).astype(np.uint64)
        self.n_found = 0

    def arenas(self) -> Arenas:
        """Return the arrays a search works in; they serve one chunk after the other."""
        arenas, depth = super().arenas(), self.ordered.longest + 3
        arenas["stack"] = np.empty((depth, arenas["stack"].shape[1]), dtype=np.int64)
        arenas["levels"] = np.empty((depth, maximal.N_FIELDS), dtype=np.int64)
        arenas["class_members"] = np.empty((maximal.N_ROWS, _START), dtype=np.int32)
        arenas["marks"] = np.full((_START, 2), EMPTY, dtype=np.int64)
        arenas["mark"] = np.zeros(self.ordered.items.size, dtype=np.int32)
        arenas["trail"] = np.empty(depth, dtype=np.int32)
        arenas["index"] = np.empty(_START, dtype=np.int64)
        arenas["focus"] = np.empty((2, _START), dtype=np.int64)
        return arenas

    def start(self, arenas: Arenas, low: int, high: int) -> None:
        """Set the arrays to search for the itemsets whose least frequent item has a rank in low..high-1."""
        super().start(arenas, low, high)
        arenas["marks"][:] = EMPTY

    def advance(self, arenas: Arenas, stop: NDArray[np.int32]) -> tuple[int, str | None]:
        """Go on; return the kernel's status and the name of the array that is full, None at the end."""
        given = dict(arenas)
        while True:
            status = kernels.mine_condensed(
                min_count=self.min_count,
                max_length=self.max_length,
                bias=self.bias,
                target=self.target,
                random=self.random,
                stop=stop,
                **given,
            )
            if status != kernels.MARKS_FULL:
                break
            full = arenas["marks"]
            arenas["marks"] = given["marks"] = np.full((2 * len(full), 2), EMPTY, dtype=np.int64)
            insert_all(keys=full[:, 0].copy(), numbers=full[:, 1].copy(), table=arenas["marks"])
        if status == TRIE_FULL:
            self._check_room(self.n_found + _n_sets(arenas))
        return status, kernels.FULL.get(status)

    def result(self, arenas: Arenas) -> NDArray[np.int32]:
        """Return a copy of the trie that a chunk gave."""
        self.n_found += _n_sets(arenas)
        self._check_room(self.n_found)
        return arenas["trie"][:, : arenas["state"][TRIE_SIZE]].copy()

    def _check_room(self, n_found: int) -> None:
        # They have still to be compared: allow for what that takes away.
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
    ordered = order(baskets, min_count)
    if ordered.items.size == 0:
        return Flat(np.empty(0, np.int32), np.zeros(1, np.int64), np.empty(0, np.int32), "")
    longest = _NO_LIMIT if max_length is None else max_length
    free = target == "generators"
    search = CondensedSearch(ordered, min_count, longest if free else _NO_LIMIT, target, max_itemsets)
    parts, states = search_ordered(search, ordered, n_threads, None, min_count, verbose)
    nodes = Nodes.of(parts, random_numbers(ordered.items.size))
    del parts
    if free:
        every = np.ones(nodes.lengths.size, dtype=np.bool_)
        found = only_free(nodes.lists(every, ordered.items), len(baskets), random_numbers(baskets.shape[1]))
    else:
        kept = nodes.without_copies(same_count=target == "closed")
        found = nodes.lists(kept & (nodes.lengths <= longest), ordered.items)
    if found[2].size > max_itemsets:
        refuse(max_itemsets, min_count)
    return Flat(*found, search.name(states))


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


def _n_sets(arenas: Arenas) -> int:
    return int(np.count_nonzero(arenas["trie"][COUNT, : arenas["state"][TRIE_SIZE]]))
