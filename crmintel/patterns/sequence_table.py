"""The sequential patterns that were found: flat arrays of their items, elements and counts, with labels."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crmintel._frames import build_frame
from crmintel._validation import check_number
from crmintel.exceptions import InputError
from crmintel.patterns._sequence_trie import PatternTrie
from crmintel.patterns.sequence_rules import SequenceRules, make_rules


@dataclass(frozen=True, slots=True)
class Pattern:
    """One pattern: the labels of its elements, and how many sequences hold it."""

    elements: tuple[tuple[Any, ...], ...]
    count: int


class SequencePatterns:
    """Frequent sequences as flat arrays; ``len`` is how many, iteration gives their ``.elements`` and ``.count``.

    They stand in the order of the search: by their first item, each behind the pattern it extends, first with an
    item more in the last element, then with an element more.

    Attributes
    ----------
    items : ndarray of int32
        Item codes of element ``e``, rising: ``items[element_offsets[e]:element_offsets[e + 1]]``.
    element_offsets : ndarray of int64 of shape (n_elements + 1,)
    offsets : ndarray of int64 of shape (n_patterns + 1,)
        Pattern ``k`` has the elements ``offsets[k]`` to ``offsets[k + 1] - 1``.
    counts : ndarray of int32 of shape (n_patterns,)
        Sequences that hold the pattern, each counted once.
    labels : ndarray
        The items that the codes stand for.
    n_sequences : int

    Examples
    --------
    >>> from crmintel import FrequentSequences
    >>> found = FrequentSequences(min_support=2).fit([[["milk", "tea"], ["tea"]], [["milk"], ["tea"]]]).patterns_
    >>> found
    SequencePatterns(3 patterns of up to 2 elements, in 2 sequences)
    >>> [(pattern.elements, pattern.count) for pattern in found]
    [((('milk',),), 2), ((('milk',), ('tea',)), 2), ((('tea',),), 2)]
    """

    __slots__ = ("_flat", "_trie", "labels", "library", "n_sequences")

    def __init__(
        self,
        found: PatternTrie,
        labels: NDArray[Any],
        n_sequences: int,
        library: str | None,
        *,
        chosen: NDArray[np.bool_] | None = None,
    ) -> None:
        flat = found.flat()
        self._flat = flat if chosen is None else flat.select(chosen)
        self._trie = found if chosen is None else None
        self.labels, self.n_sequences, self.library = labels, n_sequences, library

    @property
    def trie(self) -> PatternTrie:
        """The patterns as a prefix tree.

        Raises
        ------
        InputError
            If these patterns are closed ones, whose starts are not among them.
        """
        if self._trie is None:
            raise InputError(
                "this needs the count of every start of a pattern, which closed patterns lack; mine with target='all'."
            )
        return self._trie

    def __len__(self) -> int:
        return self._flat.counts.size

    @property
    def items(self) -> NDArray[np.int32]:
        """Item codes of all elements, one behind the other."""
        return self._flat.items

    @property
    def element_offsets(self) -> NDArray[np.int64]:
        """Where each element starts in `items`."""
        return self._flat.element_offsets

    @property
    def offsets(self) -> NDArray[np.int64]:
        """Where each pattern starts among the elements."""
        return self._flat.offsets

    @property
    def counts(self) -> NDArray[np.int32]:
        """How many sequences hold each pattern."""
        return self._flat.counts

    @property
    def support(self) -> NDArray[np.float64]:
        """Share of the sequences that hold each pattern."""
        return self.counts / self.n_sequences

    @property
    def lengths(self) -> NDArray[np.int64]:
        """Number of items of each pattern."""
        return np.diff(self.element_offsets[self.offsets])

    @property
    def sizes(self) -> NDArray[np.int64]:
        """Number of elements of each pattern."""
        return np.diff(self.offsets)

    def __getitem__(self, k: int) -> Pattern:
        number = int(
            check_number(k, "the number of a pattern", low=-len(self), high=len(self) - 1, integer=True)
        )
        low = int(self.offsets[:-1][number])
        bounds = self.element_offsets[low : low + int(self.sizes[number]) + 1].tolist()
        elements = tuple(tuple(self.labels[self.items[a:b]].tolist()) for a, b in pairwise(bounds))
        return Pattern(elements, int(self.counts[number]))

    def __iter__(self) -> Iterator[Pattern]:
        labels, bounds = self.labels[self.items].tolist(), self.element_offsets.tolist()
        elements = [tuple(labels[a:b]) for a, b in pairwise(bounds)]
        for (low, high), count in zip(pairwise(self.offsets.tolist()), self.counts.tolist(), strict=True):
            yield Pattern(tuple(elements[low:high]), count)

    def names(self) -> NDArray[Any]:
        """Return every pattern as text, e.g. ``"bread, milk -> tea"``."""
        text = np.empty(len(self), dtype=object)
        text[:] = [" -> ".join(", ".join(map(str, e)) for e in pattern.elements) for pattern in self]
        return text

    def rules(self, min_confidence: float = 0.5) -> SequenceRules:
        """Return the rules "who bought this, in this order, later buys that": a pattern's last element follows.

        Parameters
        ----------
        min_confidence : float, default=0.5
            Least share of the sequences with the first elements of a pattern that hold it whole.

        Returns
        -------
        SequenceRules
            The largest confidence first, ties by falling count.

        Raises
        ------
        InputError
            If these patterns are closed ones, which lack the counts of the others.
        """
        return make_rules(self.trie, self._flat, self.labels, self.n_sequences, self.library, min_confidence)

    def to_frame(self, library: str | None = None) -> Any:
        """Return the columns ``pattern`` (as text), ``elements``, ``length``, ``count`` and ``support``.

        Parameters
        ----------
        library : {"pandas", "polars", "pyarrow"}, default=None
            None: the library the sequences came from, or a dict of arrays where they came from none.
        """
        columns = {
            "pattern": self.names(),
            "elements": self.sizes,
            "length": self.lengths,
            "count": self.counts,
            "support": self.support,
        }
        return build_frame(columns, library or self.library)

    def __repr__(self) -> str:
        longest = int(self.sizes.max(initial=0))
        what = f"{len(self):,} patterns of up to {longest} elements"
        return f"SequencePatterns({what}, in {self.n_sequences:,} sequences)"
