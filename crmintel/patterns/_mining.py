"""From baskets to the trie of frequent itemsets: rank, order, search in chunks on threads, join."""

from __future__ import annotations

from dataclasses import dataclass
from math import comb
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from crmintel._validation import check_number, exact
from crmintel.exceptions import CapacityError
from crmintel.kernels.itemsets import count_items, list_owners, order_baskets
from crmintel.patterns._chunks import N_CHUNKS, cut_chunks, search_chunks
from crmintel.patterns._found import Flat as Flat
from crmintel.patterns._found import Trie as Trie
from crmintel.patterns._searches import PrefixTreeSearch, ProjectionSearch
from crmintel.transactions.baskets import Baskets

# Neither the itemsets nor their order depend on the chunks, which follow one another: more of them share the work
# better, fewer cost less.
_FEW_CHUNKS = 8


@dataclass(frozen=True)
class OrderedBaskets:
    """The frequent items' codes and counts by rank, and the baskets in rank order (see `order_baskets`)."""

    items: NDArray[np.int32]
    counts: NDArray[np.int32]
    first: NDArray[np.int32]
    entries: NDArray[np.int32]
    row_ends: NDArray[np.int32]
    work: NDArray[np.int64]

    @property
    def longest(self) -> int:
        """The number of items of the longest basket."""
        return int(np.diff(self.row_ends, prepend=np.int32(0)).max(initial=0))

    def owners(self, low: int) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        """Return where the baskets that hold each rank from ``low`` on start in a list of these, and this list."""
        first = self.first[low:] - self.first[low]
        owner = np.empty(first[-1], dtype=np.int32)
        list_owners(entries=self.entries, row_ends=self.row_ends, low=low, fill=first.copy(), owner=owner)
        return first, owner


def support_count(min_support: Any, n_baskets: int, of: str = "baskets") -> int:
    """Return the smallest count that reaches ``min_support``: a count (int) or a share (float in (0, 1]).

    A share means the decimal number that is printed: 0.28 of 25 baskets are 7, although 0.28 * 25 > 7 in floats. What
    was divided comes back: 5 / 97 of 97 baskets are 5, although the decimal that is printed lies above.
    """
    if isinstance(min_support, int | np.integer) and not isinstance(min_support, bool):
        return int(check_number(min_support, "min_support", low=1, high=2**53, integer=True))
    what = f"min_support (an int counts {of}, a float is a share of them)"
    check_number(min_support, what, low=0.0, strict_low=True, high=1.0)
    share = exact(min_support)
    count = -(-share.numerator * n_baskets // share.denominator)
    divided = count > 1 and (count - 1) / n_baskets == float(share)
    return max(1, count - divided)


def mine(
    baskets: Baskets,
    *,
    min_count: int,
    max_length: int | None,
    algorithm: str,
    n_threads: int,
    max_itemsets: int,
    verbose: bool | int,
    weights: NDArray[np.int32] | None = None,
) -> Trie:
    """Return all itemsets that ``min_count`` baskets or more hold; ``fpgrowth`` can count baskets by ``weights``.

    Raises
    ------
    CapacityError
        If there are more than ``max_itemsets``.
    """
    ordered = order(baskets, min_count, weights)
    if ordered.items.size > max_itemsets:
        refuse(max_itemsets, min_count)
    longest = np.iinfo(np.int32).max if max_length is None else max_length
    search: PrefixTreeSearch | ProjectionSearch
    if algorithm == "fpgrowth":
        search = PrefixTreeSearch(ordered, min_count, longest, weights)
    else:
        search = ProjectionSearch(ordered, min_count, longest, algorithm)
    tries, states = search_ordered(search, ordered, n_threads, max_itemsets, min_count, verbose)
    return Trie.of(tries, ordered.items, search.name(states))


def count(
    baskets: Baskets, *, min_count: int, max_length: int | None, n_threads: int, verbose: bool | int
) -> list[int]:
    """Return how many itemsets of 0, 1, 2, ... items ``min_count`` baskets or more hold, without writing them."""
    ordered = order(baskets, min_count)
    longest = np.iinfo(np.int32).max if max_length is None else max_length
    search = ProjectionSearch(ordered, min_count, longest, "auto", counting=True)
    tallies, _ = search_ordered(search, ordered, n_threads, None, min_count, verbose)
    by_length = [0] * (ordered.longest + 1)
    tally = sum(tallies, np.zeros((1, 1), dtype=np.int64))
    for length, n_perfect in np.argwhere(tally).tolist():
        for more in range(min(n_perfect, longest - length) + 1):
            by_length[length + more] += int(tally[length, n_perfect]) * comb(n_perfect, more)
    return by_length


def order(baskets: Baskets, min_count: int, weights: NDArray[np.int32] | None = None) -> OrderedBaskets:
    """Rank the frequent items by falling count (then by code) and sort the baskets by rank."""
    occurrences = counts = count_baskets(baskets)
    if weights is not None:
        entry_weights = np.repeat(weights, np.diff(baskets.indptr))
        counts = np.bincount(baskets.indices, entry_weights, minlength=counts.size).astype(np.int64)
    items = np.flatnonzero(counts >= min_count)
    items = items[np.argsort(-counts[items], kind="stable")]
    counts = counts[items]
    rank = np.full(baskets.shape[1], -1, dtype=np.int32)
    rank[items] = np.arange(items.size, dtype=np.int32)
    first = np.zeros(items.size + 1, dtype=np.int32)
    np.cumsum(occurrences[items], out=first[1:])
    ordered = OrderedBaskets(
        items=items.astype(np.int32),
        counts=counts.astype(np.int32),
        first=first,
        entries=np.empty(first[-1], dtype=np.int32),
        row_ends=np.empty(len(baskets), dtype=np.int32),
        work=np.zeros(items.size, dtype=np.int64),
    )
    order_baskets(
        indices=baskets.indices,
        indptr=baskets.indptr,
        rank=rank,
        scratch=np.empty(baskets.shape[1] + 1, dtype=np.int32),
        marks=np.zeros((items.size + 63) >> 6, dtype=np.uint64),
        entries=ordered.entries,
        row_ends=ordered.row_ends,
        work=ordered.work,
    )
    return ordered


def count_baskets(baskets: Baskets) -> NDArray[np.int64]:
    """Return how many baskets hold each item."""
    counts = np.zeros(baskets.shape[1], dtype=np.int64)
    count_items(indices=baskets.indices, counts=counts)
    return counts


def search_ordered(
    search: PrefixTreeSearch | ProjectionSearch,
    ordered: OrderedBaskets,
    n_threads: int,
    max_itemsets: int | None,
    min_count: int,
    verbose: bool | int,
) -> tuple[list[NDArray[Any]], list[NDArray[np.int64]]]:
    n_chunks = _FEW_CHUNKS if n_threads == 1 and not verbose else N_CHUNKS
    return search_chunks(
        search,
        cut_chunks(ordered.work + 1, n_chunks, search.n_paired),
        n_threads=n_threads,
        limit=max_itemsets,
        refuse=lambda: refuse(max_itemsets, min_count),
        verbose=verbose,
        label="itemsets",
    )


def refuse(max_itemsets: int | None, min_count: int) -> NoReturn:
    """Raise the `CapacityError` of more itemsets than are to be stored."""
    raise CapacityError(
        f"more than max_itemsets={max_itemsets:,} itemsets stand in {min_count:,} baskets or more. Raise min_support, "
        "set max_length, or raise max_itemsets (an itemset takes 12 bytes, and as a list of items 12 and 4 per item)."
    )
