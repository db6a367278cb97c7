"""Sequential patterns as a prefix tree, and as lists."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from crmintel.exceptions import CapacityError
from crmintel.kernels.sequences import expand_patterns
from crmintel.transactions.elements import gather_ragged

_MOST_ITEMS = 1 << 28  # of all patterns: 1 GiB, and 2 GiB more where each is an element


@dataclass(frozen=True, slots=True)
class FlatPatterns:
    """Patterns as lists of elements, elements as lists of rising item codes; see `SequencePatterns`."""

    items: NDArray[np.int32]
    element_offsets: NDArray[np.int64]
    offsets: NDArray[np.int64]
    counts: NDArray[np.int32]

    def select(self, chosen: NDArray[np.bool_]) -> FlatPatterns:
        """Return the ``chosen`` patterns."""
        offsets, elements = gather_ragged(self.offsets, np.flatnonzero(chosen))
        element_offsets, places = gather_ragged(self.element_offsets, elements)
        return FlatPatterns(self.items[places], element_offsets, offsets, self.counts[chosen])


@dataclass(frozen=True, slots=True)
class PatternTrie:
    """Patterns as a prefix tree: number k is that of ``parent[k]`` (-1: the empty one) and one item more.

    A ``code`` below the number of ``items`` joins the last element; from there on it opens a new one.
    """

    parent: NDArray[np.int32]
    code: NDArray[np.int32]
    counts: NDArray[np.int32]
    items: NDArray[np.int32]

    def levels(self) -> Iterator[NDArray[np.int64]]:
        """Give the numbers of the patterns of two items, then of three, ..."""
        here = self.parent < 0
        while here.any():
            here = (self.parent >= 0) & here[self.parent]
            yield np.flatnonzero(here)

    def flat(self) -> FlatPatterns:
        """Return the same patterns in the same order as lists.

        Raises
        ------
        CapacityError
            If they hold more than 2**28 items in total.
        """
        lengths = np.ones(self.parent.size, dtype=np.int64)
        sizes = (self.code >= self.items.size).astype(np.int64)
        for level in self.levels():
            above = self.parent[level]
            lengths[level] += lengths[above]
            sizes[level] += sizes[above]
        if lengths.sum() > _MOST_ITEMS:
            raise CapacityError(
                f"the {lengths.size:,} patterns hold {lengths.sum():,} items, more than {_MOST_ITEMS:,}; set "
                "max_length, or raise min_support."
            )
        item_offsets, offsets = np.append(0, np.cumsum(lengths)), np.append(0, np.cumsum(sizes))
        ranks = np.empty(item_offsets[-1], dtype=np.int32)
        element_offsets = np.empty(offsets[-1] + 1, dtype=np.int64)
        expand_patterns(
            parent=self.parent,
            code=self.code,
            n_items=self.items.size,
            item_offsets=item_offsets,
            offsets=offsets,
            items=ranks,
            element_offsets=element_offsets,
        )
        return FlatPatterns(self.items[ranks], element_offsets, offsets, self.counts)
