"""Sequential rules: who bought this, in this order, later buys that."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from crmintel._frames import build_frame
from crmintel._validation import check_choice, check_number
from crmintel.patterns._sequence_trie import FlatPatterns, PatternTrie
from crmintel.transactions.selection import check_key


@dataclass(frozen=True, slots=True)
class SequenceRule:
    """One rule: the elements on the left, the element that follows, and how many sequences hold all of them."""

    antecedent: tuple[tuple[Any, ...], ...]
    consequent: tuple[Any, ...]
    count: int


class SequenceRules:
    """Rules "the last element of a pattern follows the others", as arrays.

    ``rules[0]`` is a `SequenceRule`; ``rules[mask]``, ``rules[positions]`` and ``rules[:10]`` are SequenceRules.

    Attributes
    ----------
    n_ab, n_a, n_b : ndarray of int64 of shape (n_rules,)
        Sequences that hold the whole pattern, its first elements, and its last element alone.
    n : int
        Number of sequences.
    confidence, lift, support : ndarray of float64 of shape (n_rules,)
        ``n_ab / n_a``; that over ``n_b / n``; ``n_ab / n``.
    pattern : ndarray of int64 of shape (n_rules,)
        Which of the patterns each rule is made of.

    Examples
    --------
    >>> from crmintel import FrequentSequences
    >>> clicks = [["home", "search", "cart"], ["home", "search"], ["home", "cart"], ["search"]]
    >>> FrequentSequences(min_support=2).fit(clicks).patterns_.rules(min_confidence=0.6)
    SequenceRules(2 rules, from 4 sequences)
      home => cart  (count 2, confidence 0.667, lift 1.33)
      home => search  (count 2, confidence 0.667, lift 0.89)
    """

    __slots__ = ("_flat", "labels", "library", "n", "n_a", "n_ab", "n_b", "pattern")

    def __init__(
        self,
        flat: FlatPatterns,
        pattern: NDArray[np.int64],
        *,
        n_ab: NDArray[np.int64],
        n_a: NDArray[np.int64],
        n_b: NDArray[np.int64],
        n: int,
        labels: NDArray[Any],
        library: str | None,
    ) -> None:
        self._flat, self.pattern, self.n, self.labels, self.library = flat, pattern, n, labels, library
        self.n_ab, self.n_a, self.n_b = n_ab, n_a, n_b

    def __len__(self) -> int:
        return self.pattern.size

    @property
    def support(self) -> NDArray[np.float64]:
        """Share of all sequences that hold the whole pattern."""
        return self.n_ab / self.n

    @property
    def confidence(self) -> NDArray[np.float64]:
        """Share of the sequences with the antecedent that go on with the consequent."""
        return self.n_ab / self.n_a

    @property
    def lift(self) -> NDArray[np.float64]:
        """How many times as often the consequent follows as it stands anywhere.

        It is divided by the share of all sequences that *ever* hold the consequent. Under ``max_gap`` or ``max_span``
        only what follows in time counts above, so that most lifts lie below 1: order the rules of one search by it,
        and do not read 1 as chance.
        """
        return self.confidence / (self.n_b / self.n)

    def __getitem__(self, key: Any) -> Any:
        chosen = np.arange(len(self))[check_key(key, len(self), "rules")]
        if isinstance(key, int | np.integer):
            return next(iter(self._select(chosen)))
        return self._select(chosen)

    def _select(self, chosen: NDArray[np.int64]) -> Self:
        return type(self)(
            self._flat,
            self.pattern[chosen],
            n_ab=self.n_ab[chosen],
            n_a=self.n_a[chosen],
            n_b=self.n_b[chosen],
            n=self.n,
            labels=self.labels,
            library=self.library,
        )

    def __iter__(self) -> Iterator[SequenceRule]:
        flat = self._flat
        for k, count in zip(self.pattern.tolist(), self.n_ab.tolist(), strict=True):
            bounds = flat.element_offsets[flat.offsets[k] : flat.offsets[k + 1] + 1].tolist()
            elements = [tuple(self.labels[flat.items[a:b]].tolist()) for a, b in pairwise(bounds)]
            yield SequenceRule(tuple(elements[:-1]), elements[-1], count)

    def sort(self, by: str = "confidence") -> Self:
        """Return the rules by falling ``by``: ``"confidence"``, ``"lift"`` or ``"support"``; ties keep their order."""
        name = check_choice(by, "by", ("confidence", "lift", "support"))
        return self._select(np.argsort(-getattr(self, name), kind="stable"))

    def to_frame(self, library: str | None = None) -> Any:
        """Return the columns ``antecedent`` and ``consequent`` (as text), ``count`` and the three measures.

        Parameters
        ----------
        library : {"pandas", "polars", "pyarrow"}, default=None
            None: the library the sequences came from, or a dict of arrays where they came from none.
        """
        sides = [_text(rule) for rule in self]
        columns: dict[str, NDArray[Any]] = {}
        for side, name in enumerate(("antecedent", "consequent")):
            columns[name] = np.empty(len(self), dtype=object)
            columns[name][:] = [texts[side] for texts in sides]
        columns["count"] = self.n_ab
        columns |= {name: getattr(self, name) for name in ("support", "confidence", "lift")}
        return build_frame(columns, library or self.library)

    def __repr__(self) -> str:
        shown: Self = self[:5]
        lines = [
            f"  {' => '.join(_text(rule))}  (count {rule.count:,}, confidence {confidence:.3f}, lift {lift:.2f})"
            for rule, confidence, lift in zip(shown, shown.confidence, shown.lift, strict=True)
        ]
        head = f"SequenceRules({len(self):,} rules, from {self.n:,} sequences)"
        return "\n".join([head, *lines, *(["  ..."] if len(self) > 5 else [])])


def make_rules(
    trie: PatternTrie,
    flat: FlatPatterns,
    labels: NDArray[Any],
    n_sequences: int,
    library: str | None,
    min_confidence: Any,
) -> SequenceRules:
    """Return the rules of all patterns of two elements or more; see `SequencePatterns.rules`."""
    check_number(min_confidence, "min_confidence", low=0.0, high=1.0)
    pattern = np.flatnonzero(np.diff(flat.offsets) > 1)
    start, last = _sides(trie)
    n_ab, n_a, n_b = (flat.counts[k].astype(np.int64) for k in (pattern, start[pattern], last[pattern]))
    keep = n_ab / n_a >= min_confidence
    pattern, n_ab, n_a, n_b = pattern[keep], n_ab[keep], n_a[keep], n_b[keep]
    order = np.lexsort((-n_ab, -n_ab / n_a))
    return SequenceRules(
        flat,
        pattern[order],
        n_ab=n_ab[order],
        n_a=n_a[order],
        n_b=n_b[order],
        n=n_sequences,
        labels=labels,
        library=library,
    )


def _sides(trie: PatternTrie) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return for each pattern the numbers of the pattern without its last element, and of that element alone."""
    n_codes = 2 * trie.items.size
    parent, code = trie.parent.astype(np.int64), trie.code.astype(np.int64)
    keys = (parent + 1) * n_codes + code
    by_key = np.argsort(keys)
    start, last = np.full(keys.size, -1), np.full(keys.size, -1)
    todo = np.flatnonzero(code >= trie.items.size)
    start[todo], above = parent[todo], np.full(todo.size, -1)
    while todo.size:
        last[todo] = by_key[np.searchsorted(keys[by_key], (above + 1) * n_codes + code[todo])]
        done = np.zeros(keys.size, dtype=bool)
        done[todo] = True
        todo = np.flatnonzero((code < trie.items.size) & (parent >= 0) & done[parent])
        start[todo], above = start[parent[todo]], last[parent[todo]]
    return start, last


def _text(rule: SequenceRule) -> tuple[str, str]:
    antecedent = " -> ".join(", ".join(map(str, element)) for element in rule.antecedent)
    return antecedent, ", ".join(map(str, rule.consequent))
