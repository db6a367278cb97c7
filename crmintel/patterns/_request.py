"""What is asked of the miner: which baskets are searched, what every itemset holds, how long it is, the best ones."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from crmintel.exceptions import CapacityError, InputError, InputTypeError
from crmintel.patterns._closed import count_condensed, mine_condensed
from crmintel.patterns._found import Flat, Trie, as_flat, best_first, choose
from crmintel.patterns._mining import count, mine
from crmintel.patterns._weighing import mine_weighted
from crmintel.transactions.baskets import Baskets

# Itemsets that a trial of a threshold for the best ones may find; more are as many as it takes.
_TRIAL = 1 << 18


def item_codes(labels: Any, items: NDArray[Any], name: str) -> NDArray[np.int32]:
    """Return the distinct codes of ``labels``, rising.

    Raises
    ------
    InputTypeError
        If it is not a collection of labels.
    InputError
        If a label is unknown.
    """
    if labels is None:
        return np.empty(0, dtype=np.int32)
    if isinstance(labels, str | bytes) or not isinstance(labels, Iterable) or getattr(labels, "ndim", 1) == 0:
        raise InputTypeError(f"{name} must be a list of items, got {labels!r:.80}; write [{labels!r:.80}].")
    place = {label: code for code, label in enumerate(items.tolist())}
    codes = []
    for label in labels:
        label = label.item() if isinstance(label, np.generic) else label
        try:
            codes.append(place[label])
        except (KeyError, TypeError):
            known = ", ".join(map(repr, list(place)[:3])) or "none"
            raise InputError(
                f"{name} holds {label!r:.80}, which is no item of these baskets; their {len(place)} items are "
                f"{known}{', ...' if len(place) > 3 else ''}."
            ) from None
    return np.unique(np.array(codes, dtype=np.int32))


@dataclass(frozen=True, slots=True)
class Request:
    """Baskets conditioned on the items that every itemset holds (``include``), and the search that is asked for."""

    baskets: Baskets
    weights: NDArray[Any] | None
    include: NDArray[np.int32]
    target: str
    min_length: int
    max_length: int | None
    algorithm: str
    n_threads: int
    verbose: bool | int

    @classmethod
    def of(
        cls,
        baskets: Baskets,
        weights: NDArray[Any] | None,
        include: NDArray[np.int32],
        exclude: NDArray[np.int32],
        **search: Any,
    ) -> Self:
        """Leave out the baskets without all of ``include``, and both kinds of items from the others."""
        both = np.intersect1d(include, exclude)
        if both.size:
            raise InputError(
                f"{baskets.items[both[0]]!r} stands in include and in exclude; take it out of one."
            )
        if search["max_length"] is not None and include.size > search["max_length"]:
            raise InputError(
                f"itemsets of up to max_length={search['max_length']} items cannot hold the {include.size} of "
                "include."
            )
        # Whether a set is a generator depends on subsets without the items of include: nothing to condition on.
        required = include if search["target"] != "generators" else include[:0]
        if required.size or exclude.size:
            is_required, dropped = (np.zeros(baskets.shape[1], dtype=bool) for _ in range(2))
            is_required[required] = True
            dropped[np.concatenate([required, exclude])] = True
            rows = np.repeat(np.arange(len(baskets)), np.diff(baskets.indptr))
            holds = np.bincount(rows[is_required[baskets.indices]], minlength=len(baskets)) == required.size
            left = holds[rows] & ~dropped[baskets.indices]
            indptr = np.concatenate([[0], np.cumsum(np.bincount(rows[left], minlength=len(baskets))[holds])])
            indices = baskets.indices[left]
            csr = sparse.csr_array(
                (np.ones(indices.size, dtype=np.int8), indices, indptr),
                shape=(indptr.size - 1, is_required.size),
            )
            baskets = Baskets._of(csr, baskets.items, None, None, baskets.library)
            weights = None if weights is None else weights[holds]
        return cls(baskets, weights, include, **search)

    def mine(self, min_count: float, max_itemsets: int) -> Trie | Flat:
        """Return the itemsets of `min_count` or more.

        Raises
        ------
        CapacityError
            If there are more than ``max_itemsets``, those that are too short counted in.
        """
        found = self._mine(min_count, max_itemsets)
        if self.include.size and self.target == "generators":
            flat = as_flat(found)
            owner = np.repeat(np.arange(flat.counts.size), np.diff(flat.offsets))
            held = np.bincount(owner[np.isin(flat.items, self.include)], minlength=flat.counts.size)
            found = choose(flat, np.flatnonzero(held == self.include.size))
        elif self.include.size:
            found = self._with_include(as_flat(found), min_count)
        if self.min_length > 1:
            flat = as_flat(found)
            found = choose(flat, np.flatnonzero(np.diff(flat.offsets) >= self.min_length))
        return found

    def _mine(self, min_count: float, max_itemsets: int) -> Trie | Flat:
        shared: dict[str, Any] = {
            "max_length": None if self.max_length is None else self.max_length - self._n_added,
            "n_threads": self.n_threads,
            "max_itemsets": max_itemsets,
            "verbose": self.verbose,
        }
        if shared["max_length"] == 0:
            none = np.empty(0, dtype=np.int32)
            counts = none if self.weights is None else np.empty(0, dtype=self.weights.dtype)
            return Flat(none, np.zeros(1, dtype=np.int64), counts, self.algorithm)
        if self.weights is not None:
            return mine_weighted(self.baskets, self.weights, min_weight=min_count, **shared)
        if self.target != "all":
            return mine_condensed(self.baskets, target=self.target, min_count=int(min_count), **shared)
        return mine(self.baskets, min_count=int(min_count), algorithm=self.algorithm, **shared)

    @property
    def _n_added(self) -> int:
        return 0 if self.target == "generators" else self.include.size

    @property
    def _n_held(self) -> Any:
        """How many baskets hold all of include, or how much they weigh."""
        if self.weights is None:
            return len(self.baskets)
        return self.weights.sum()

    def _keeps_include(self, min_count: float) -> bool:
        """Whether include is one of the itemsets by itself: closed without a perfect extension, maximal without any."""
        if self._n_held < min_count:
            return False
        largest = np.bincount(self.baskets.indices, minlength=1).max()
        alone = {"all": True, "closed": largest < len(self.baskets), "maximal": largest < min_count}
        return alone[self.target]

    def _with_include(self, flat: Flat, min_count: float) -> Flat:
        n, k = flat.counts.size, self.include.size
        first = int(self._keeps_include(min_count))
        owner = np.concatenate(
            [np.repeat(np.arange(n), np.diff(flat.offsets)), np.repeat(np.arange(-first, n), k)]
        )
        items = np.concatenate([flat.items, np.tile(self.include, n + first)])
        items = items[np.lexsort((items, owner))]
        lengths = np.concatenate([np.full(first, k), np.diff(flat.offsets) + k])
        counts = np.concatenate([np.full(first, self._n_held, dtype=flat.counts.dtype), flat.counts])
        return Flat(items, np.concatenate([[0], np.cumsum(lengths)]), counts, flat.algorithm)

    def best(self, k: int, min_count: float, max_itemsets: int) -> Flat:
        """Return the ``k`` itemsets of highest count that have ``min_count`` or more.

        Of the same count, shorter ones come first, then those of smaller codes. The threshold falls until there are
        enough of them; where it fell too far, it is bisected.

        Raises
        ------
        CapacityError
            If the count of the last one is shared by so many that they are more than ``max_itemsets``.
        """
        room = min(max_itemsets, max(4 * k, _TRIAL))
        if self.target == "maximal":  # which itemsets are depends on the threshold
            found = as_flat(self.mine(min_count, max_itemsets))
            return choose(found, best_first(found)[:k])
        halve = (lambda total: total // 2) if self.weights is None else (lambda total: total / 2)
        too_many, too_few = None, max(self._n_held, min_count) + 1
        while True:
            if too_many is not None and too_few - too_many <= (1 if self.weights is None else 1e-9 * too_few):
                found = as_flat(self.mine(too_many, max_itemsets))
                break
            trial = max(min_count, halve(too_few)) if too_many is None else halve(too_many + too_few)
            try:
                found = as_flat(self.mine(trial, room))
            except CapacityError:
                too_many = trial
                continue
            if found.counts.size >= k or trial == min_count:
                break
            too_few = trial
        return choose(found, best_first(found)[:k])

    def lengths(self, min_count: float, max_itemsets: int) -> list[int]:
        """Return how many itemsets of 0, 1, 2, ... items there are; written are they only where they are filtered."""
        shared: dict[str, Any] = {"n_threads": self.n_threads, "verbose": self.verbose}
        condensed = self.target != "all"
        if (
            self.weights is not None
            or (condensed and self.include.size)
            or self.max_length == self.include.size
        ):
            flat = as_flat(self.mine(min_count, max_itemsets))
            lengths: list[int] = np.bincount(np.diff(flat.offsets), minlength=1).tolist()
            return lengths
        shared["max_length"] = None if self.max_length is None else self.max_length - self.include.size
        if condensed:
            by_length = count_condensed(
                self.baskets, target=self.target, min_count=int(min_count), **shared
            ).tolist() or [0]
        else:
            by_length = count(self.baskets, min_count=int(min_count), **shared)
        if self.include.size:
            by_length = [0] * self.include.size + [int(self._keeps_include(min_count)), *by_length[1:]]
        return [0] * min(self.min_length, len(by_length)) + by_length[self.min_length :]
