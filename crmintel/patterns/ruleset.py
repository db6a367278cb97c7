"""A set of rules as flat arrays: two sparse matrices and four counts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from crmintel._frames import build_frame
from crmintel._validation import check_choice, check_number
from crmintel.exceptions import InputError, InputTypeError
from crmintel.kernels.rules import find_best_general, hash_sets, index_sets
from crmintel.patterns.measures import MEASURES

_COUNTS = ("n_ab", "n_a", "n_b")


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule: the labels of both sides, and in how many baskets both, the first and the second stand."""

    antecedent: tuple[Any, ...]
    consequent: tuple[Any, ...]
    n_ab: int
    n_a: int
    n_b: int


class RuleSet:
    """Rules A -> B; ``len`` is how many, ``rules[mask]`` selects, every measure is an attribute; arrays are read-only.

    Parameters
    ----------
    antecedents, consequents : scipy.sparse.csr_array of bool of shape (n_rules, n_items)
        With rising indices; an antecedent may be empty.
    n_ab, n_a, n_b : array-like of int of shape (n_rules,)
        Baskets that hold both sides, the antecedent, the consequent.
    n : int
        Number of baskets.
    items : ndarray of shape (n_items,)
        Labels of the columns.
    library : str, default=None
        Frame library of `to_frame`.

    Attributes
    ----------
    support, confidence, lift, ... : ndarray of float64 of shape (n_rules,)
        Every measure of `crmintel.measures.MEASURES`, computed when asked for.

    Examples
    --------
    >>> from crmintel import AssociationRules, FrequentItemsets
    >>> baskets = [["milk", "bread"], ["milk", "bread"], ["milk"], ["tea", "bread"]]
    >>> rules = AssociationRules(FrequentItemsets(min_support=1), min_value=0.6).fit(baskets).rules_
    >>> rules[rules.lift > 1].to_frame()["antecedent"]
    array(['tea'], dtype=object)
    >>> rules.sort("lift")[0]
    Rule(antecedent=('tea',), consequent=('bread',), n_ab=1, n_a=1, n_b=3)
    """

    __slots__ = ("antecedents", "consequents", "items", "library", "n", "n_a", "n_ab", "n_b")

    def __init__(
        self,
        antecedents: Any,
        consequents: Any,
        *,
        n_ab: ArrayLike,
        n_a: ArrayLike,
        n_b: ArrayLike,
        n: int,
        items: NDArray[Any],
        library: str | None = None,
    ) -> None:
        self.antecedents, self.consequents = _frozen_csr(antecedents), _frozen_csr(consequents)
        self.n_ab, self.n_a, self.n_b = (
            _frozen(np.array(count, dtype=np.int64)) for count in (n_ab, n_a, n_b)
        )
        self.n, self.items, self.library = int(n), _frozen(np.array(items)), library
        shapes = {antecedents.shape, consequents.shape, (self.n_ab.size, items.size)}
        if len(shapes) > 1 or self.n_a.shape != self.n_ab.shape or self.n_b.shape != self.n_ab.shape:
            raise InputError(
                f"antecedents {antecedents.shape}, consequents {consequents.shape}, counts {self.n_ab.shape}, "
                f"{self.n_a.shape}, {self.n_b.shape} and {items.size} items do not fit together."
            )

    def __getattr__(self, name: str) -> NDArray[np.float64]:
        if name in MEASURES:
            return MEASURES[name](self.n_ab, self.n_a, self.n_b, self.n)
        raise AttributeError(f"a RuleSet has no {name!r}; its measures are {', '.join(MEASURES)}.")

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *MEASURES]

    def __len__(self) -> int:
        return self.n_ab.size

    def __getitem__(self, key: Any) -> Any:
        if isinstance(key, int | np.integer) and not isinstance(key, bool):
            at = int(
                check_number(key, "the number of a rule", low=-len(self), high=len(self) - 1, integer=True)
            )
            return next(iter(self._select(np.array([at]))))
        if isinstance(key, slice):
            return self._select(np.arange(len(self))[key])
        index = np.asarray(key)
        if index.size == 0 and index.dtype != bool:
            index = index.astype(np.int64)
        if index.dtype.kind not in "iub" or index.ndim != 1:
            raise InputTypeError(f"rules are selected by number, slice or mask; got {key!r:.80}.")
        if index.dtype == bool:
            if index.size != len(self):
                raise InputError(f"a mask over these rules needs {len(self)} values, got {index.size}.")
            index = np.flatnonzero(index)
        return self._select(index)

    def _select(self, index: NDArray[np.integer[Any]]) -> Self:
        counts = {name: getattr(self, name)[index] for name in _COUNTS}
        return type(self)(
            self.antecedents[index],
            self.consequents[index],
            **counts,
            n=self.n,
            items=self.items,
            library=self.library,
        )

    def __iter__(self) -> Iterator[Rule]:
        counts = zip(self.n_ab.tolist(), self.n_a.tolist(), self.n_b.tolist(), strict=True)
        sides = zip(self._labels(self.antecedents), self._labels(self.consequents), strict=True)
        for (antecedent, consequent), count in zip(sides, counts, strict=True):
            yield Rule(antecedent, consequent, *count)

    def _labels(self, side: Any) -> Iterator[tuple[Any, ...]]:
        labels, bounds = self.items[side.indices].tolist(), side.indptr.tolist()
        return (tuple(labels[bounds[r] : bounds[r + 1]]) for r in range(len(self)))

    def sort(self, by: str = "lift", *, descending: bool | None = None) -> Self:
        """Return the rules ordered by a measure, the strongest first; ties by falling ``n_ab``, then as they stood.

        Parameters
        ----------
        by : str, default="lift"
            Name of a measure.
        descending : bool, default=None
            None puts strong rules first, whichever way the measure points; nan comes last in any case.
        """
        measure = MEASURES[check_choice(by, "by", tuple(MEASURES))]
        values = getattr(self, by)
        if (not measure.small_is_strong) if descending is None else descending:
            values = -values
        return self._select(np.lexsort((-self.n_ab, values)))

    def prune(self, measure: str = "confidence", *, min_improvement: float = 0.0) -> Self:
        """Return the rules that say more than every shorter one.

        A rule stays if its measure exceeds that of each rule here with the same consequent and a part of the
        antecedent, and of chance (the empty antecedent), by more than ``min_improvement``.

        References
        ----------
        .. [1] Bayardo, R. J., Agrawal, R., Gunopulos, D. (2000). Constraint-based rule mining in large, dense
           databases. Data Mining and Knowledge Discovery 4, 217-240.
        """
        if MEASURES[check_choice(measure, "measure", tuple(MEASURES))].small_is_strong:
            raise InputError(
                f"{measure} is small where a rule is strong: prune by another measure, e.g. 'lift'."
            )
        check_number(min_improvement, "min_improvement", low=0.0)
        values = np.asarray(getattr(self, measure), dtype=np.float64)
        longest = int(np.diff(self.antecedents.indptr).max(initial=0))
        if longest > 24:
            raise InputError(
                f"an antecedent of {longest} items has too many parts to compare with; at most 24."
            )
        items, offsets = _csr(self.antecedents)
        targets, target_offsets = _csr(self.consequents)
        keys = item_keys(self.items.size)
        hashes = np.zeros(len(self), dtype=np.uint64)
        hash_sets(items=targets, offsets=target_offsets, keys=keys, hashes=hashes)
        hashes *= np.uint64(
            0x9E3779B97F4A7C15
        )  # so that a set means something else on the right than on the left
        hash_sets(items=items, offsets=offsets, keys=keys, hashes=hashes)
        slots = empty_slots(len(self))
        index_sets(hashes=hashes, slots=slots)
        best = np.empty(len(self))
        find_best_general(
            items=items, offsets=offsets, targets=targets, target_offsets=target_offsets, keys=keys,
            hashes=hashes, slots=slots, values=values, side=np.empty(longest + 1, dtype=np.int32), best=best,
        )  # fmt: skip
        chance = MEASURES[measure](self.n_b, np.full(len(self), self.n), self.n_b, self.n)
        best = np.where(np.diff(offsets) > 0, np.fmax(best, chance), best)
        return self._select(np.flatnonzero(values - best > min_improvement))

    def to_frame(
        self, library: str | None = None, *, measures: Sequence[str] = ("support", "confidence", "lift")
    ) -> Any:
        """Return the columns ``antecedent`` and ``consequent`` (as text), ``count`` and the ``measures``.

        Parameters
        ----------
        library : {"pandas", "polars", "pyarrow"}, default=None
            None: the library the baskets came from, or a dict of arrays where they came from none.
        measures : sequence of str
            Names of measures.
        """
        columns = {"antecedent": self._text(self.antecedents), "consequent": self._text(self.consequents)}
        columns["count"] = self.n_ab
        for name in measures:
            columns[name] = getattr(self, check_choice(name, "measures", tuple(MEASURES)))
        return build_frame(columns, library or self.library)

    def _text(self, side: Any) -> NDArray[Any]:
        text = np.empty(len(self), dtype=object)
        text[:] = [", ".join(map(str, labels)) for labels in self._labels(side)]
        return text

    def __deepcopy__(self, memo: Any) -> Self:
        return self  # nothing here changes, and clone() of an estimator that holds rules should not copy them

    def __repr__(self) -> str:
        head = f"RuleSet({len(self):,} rules over {self.items.size:,} items, from {self.n:,} baskets)"
        shown = self[:5]
        lines = [
            f"  {', '.join(map(str, rule.antecedent)) or '(any basket)'} -> {', '.join(map(str, rule.consequent))}"
            f"  (count {rule.n_ab:,}, confidence {confidence:.3f}, lift {lift:.2f})"
            for rule, confidence, lift in zip(shown, shown.confidence, shown.lift, strict=True)
        ]
        return "\n".join([head, *lines, *(["  ..."] if len(self) > 5 else [])])


def _frozen(array: NDArray[Any]) -> NDArray[Any]:
    array.flags.writeable = False
    return array


def _frozen_csr(matrix: Any) -> Any:
    matrix = matrix.copy()
    for array in (matrix.data, matrix.indices, matrix.indptr):
        _frozen(array)
    return matrix


def _csr(matrix: Any) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    return matrix.indices.astype(np.int32), matrix.indptr.astype(np.int64)


def item_keys(n_items: int) -> NDArray[np.uint64]:
    """Return one random 64-bit key per item, always the same ones."""
    return np.random.default_rng(1969).integers(0, 2**64, size=n_items, dtype=np.uint64)


def empty_slots(n_sets: int) -> NDArray[np.int32]:
    """Return an empty table for `crmintel.kernels.rules.index_sets`, at most half full with ``n_sets``."""
    return np.full(1 << max(2, (2 * n_sets).bit_length()), -1, dtype=np.int32)
