"""The itemsets that were found: flat arrays of their items and counts, with labels."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crmintel._frames import build_frame
from crmintel.patterns._found import Flat, Trie, as_flat, choose
from crmintel.patterns._members import memberships
from crmintel.patterns._positions import positions
from crmintel.transactions.baskets import Baskets


@dataclass(frozen=True, slots=True)
class Itemset:
    """One itemset: the labels of its items, and how many of ``total`` baskets hold them all."""

    items: tuple[Any, ...]
    count: int
    total: float = field(repr=False)

    @property
    def support(self) -> float:
        """Share of the baskets that hold the itemset."""
        return self.count / self.total


class Itemsets:
    """Frequent itemsets as flat arrays; ``len`` is how many, iteration gives their ``.items`` and ``.count``.

    ``itemsets[k]`` is one, and a mask, slice or array of numbers selects: ``itemsets[itemsets.support > 0.05]``.
    They stand in the order of the search, which is always the same. Of all frequent itemsets the one of the most
    frequent item alone comes first, then all whose rarest item is the second one, and so on, each behind the itemset
    it extends; closed and maximal ones and generators begin with those of the rarest item, ``top_k`` with the
    highest count.

    Attributes
    ----------
    items : ndarray of int32
        Item codes of all itemsets, rising within each: itemset ``k`` is ``items[offsets[k]:offsets[k + 1]]``.
        Written out of a prefix tree of 12 bytes an itemset when first asked for.
    offsets : ndarray of int64 of shape (n_itemsets + 1,)
    counts : ndarray of int32 of shape (n_itemsets,)
        Baskets that hold the whole itemset; where baskets were weighted, the sum of their weights.
    labels : ndarray
        The items that the codes stand for.
    n_baskets : int
    total : int or float
        Number of baskets; where they were weighted, the sum of the weights.
    downward_closed : bool
        Whether every subset of an itemset is there too, as rules need it: not so for closed, maximal or generator
        itemsets, nor where itemsets were chosen by ``min_length``, ``include`` or a selection.

    Examples
    --------
    >>> from crmintel import FrequentItemsets
    >>> found = FrequentItemsets(min_support=2).fit([["milk", "bread"], ["milk", "bread"], ["milk"]]).itemsets_
    >>> found
    Itemsets(3 itemsets of up to 2 items, in 3 baskets)
    >>> [(itemset.items, itemset.count) for itemset in found]
    [(('milk',), 3), (('bread',), 2), (('bread', 'milk'), 2)]
    """

    __slots__ = ("_found", "downward_closed", "labels", "library", "n_baskets", "total")

    def __init__(
        self,
        found: Trie | Flat,
        labels: NDArray[Any],
        n_baskets: int,
        library: str | None,
        *,
        total: float | None = None,
        downward_closed: bool = True,
    ) -> None:
        self._found, self.labels, self.n_baskets, self.library = found, labels, n_baskets, library
        self.total: int | float = n_baskets if total is None else total
        self.downward_closed = downward_closed

    def _flat(self) -> Flat:
        self._found = as_flat(self._found)
        return self._found

    def __len__(self) -> int:
        return self._found.counts.size

    @property
    def counts(self) -> NDArray[Any]:
        """How many baskets hold each itemset, or how much they weigh."""
        return self._found.counts

    @property
    def support(self) -> NDArray[np.float64]:
        """Share of the baskets that hold each itemset."""
        return self._found.counts / self.total

    @property
    def lengths(self) -> NDArray[np.int64]:
        """Number of items of each itemset."""
        return np.diff(self.offsets)

    @property
    def offsets(self) -> NDArray[np.int64]:
        """Where each itemset starts in `items`."""
        return self._flat().offsets

    @property
    def items(self) -> NDArray[np.int32]:
        """Item codes of all itemsets, one behind the other."""
        return self._flat().items

    def __getitem__(self, key: Any) -> Any:
        at = positions(key, len(self), "itemsets")
        if isinstance(at, int):
            codes = self.items[self.offsets[:-1][at] : self.offsets[1:][at]]
            return Itemset(tuple(self.labels[codes].tolist()), self.counts[at].item(), self.total)
        return type(self)(
            choose(self._flat(), at), self.labels, self.n_baskets, self.library,
            total=self.total, downward_closed=False,
        )  # fmt: skip

    def __iter__(self) -> Iterator[Itemset]:
        labels, bounds = self.labels[self.items].tolist(), self.offsets.tolist()
        for k, count in enumerate(self.counts.tolist()):
            yield Itemset(tuple(labels[bounds[k] : bounds[k + 1]]), count, self.total)

    def names(self) -> NDArray[Any]:
        """Return every itemset as text, e.g. ``"bread, milk"``."""
        text = np.empty(len(self), dtype=object)
        text[:] = [", ".join(map(str, itemset.items)) for itemset in self]
        return text

    def to_frame(self, library: str | None = None) -> Any:
        """Return the columns ``items`` (as text), ``length``, ``count`` and ``support``.

        Parameters
        ----------
        library : {"pandas", "polars", "pyarrow"}, default=None
            None: the library the baskets came from, or a dict of arrays where they came from none.
        """
        columns = {
            "items": self.names(),
            "length": self.lengths,
            "count": self.counts,
            "support": self.support,
        }
        return build_frame(columns, library or self.library)

    def members(self, baskets: Baskets) -> Any:
        """Return which of ``baskets`` hold which itemset: a boolean CSR matrix, baskets x itemsets.

        Raises
        ------
        CapacityError
            If the matrix would hold more than 2**28 entries.
        """
        return memberships(self.items, self.offsets, baskets.with_items(self.labels))

    def __repr__(self) -> str:
        longest = int(self.lengths.max(initial=0))
        return f"Itemsets({len(self):,} itemsets of up to {longest} items, in {self.n_baskets:,} baskets)"
