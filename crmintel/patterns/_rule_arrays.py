"""Rules as flat arrays that nobody can change: selecting, iterating, pickling."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from crmintel.patterns._measure import meant
from crmintel.patterns._positions import positions
from crmintel.patterns.itemset_table import Itemsets
from crmintel.patterns.measures import MEASURES
from crmintel.patterns.rule import Rule
from crmintel.patterns.significance import SearchSpace

_COLUMNS = ("antecedents", "consequents", "n_ab", "n_a", "n_b")
_SHARED = ("n", "items", "library", "itemsets", "space")


class RuleArrays:
    """Five columns of rules, and what all of them share; a child says what can be asked of them."""

    __slots__ = (*_COLUMNS, *_SHARED)

    antecedents: Any
    consequents: Any
    n_ab: NDArray[np.int64]
    n_a: NDArray[np.int64]
    n_b: NDArray[np.int64]
    n: int
    items: NDArray[Any]
    library: str | None
    itemsets: Itemsets | None
    space: SearchSpace | None

    @classmethod
    def _of(cls, columns: Sequence[Any], shared: Sequence[Any]) -> Self:
        """Wrap arrays that fit together and belong to nobody else: what is stored by the ten millions."""
        rules = object.__new__(cls)
        rules._put(columns, shared)
        return rules

    def _put(self, columns: Sequence[Any], shared: Sequence[Any]) -> None:
        for name, value in zip((*_COLUMNS, *_SHARED), (*columns, *shared), strict=True):
            object.__setattr__(self, name, value)
        for side in (self.antecedents, self.consequents):
            for array in (side.data, side.indices, side.indptr):
                array.flags.writeable = False
        for count in (self.n_ab, self.n_a, self.n_b):
            count.flags.writeable = False

    def __getattr__(self, name: str) -> NDArray[np.float64]:
        if name in MEASURES:
            return MEASURES[name](self.n_ab, self.n_a, self.n_b, self.n)
        raise AttributeError(
            f"a RuleSet has no {name!r}.{meant(name, MEASURES)} Its measures are those of crmintel.measures.MEASURES."
        )

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *MEASURES]

    def __len__(self) -> int:
        return self.n_ab.size

    def __getitem__(self, key: Any) -> Any:
        at = positions(key, len(self), "rules")
        return next(iter(self._select(np.array([at])))) if isinstance(at, int) else self._select(at)

    def _select(self, index: NDArray[np.integer[Any]]) -> Self:
        columns = [getattr(self, name)[index] for name in _COLUMNS]
        return self._of(columns, [getattr(self, name) for name in _SHARED])

    @property
    def lengths(self) -> NDArray[np.int64]:
        """Number of items of both sides."""
        return np.diff(self.antecedents.indptr).astype(np.int64) + np.diff(self.consequents.indptr)

    def __iter__(self) -> Iterator[Rule]:
        counts = zip(self.n_ab.tolist(), self.n_a.tolist(), self.n_b.tolist(), strict=True)
        sides = zip(self._labels(self.antecedents), self._labels(self.consequents), strict=True)
        for (antecedent, consequent), count in zip(sides, counts, strict=True):
            yield Rule(antecedent, consequent, *count, self.n)

    def _labels(self, side: Any) -> Iterator[tuple[Any, ...]]:
        labels, bounds = self.items[side.indices].tolist(), side.indptr.tolist()
        return (tuple(labels[bounds[r] : bounds[r + 1]]) for r in range(len(self)))

    def _text(self, side: Any) -> NDArray[Any]:
        text = np.empty(len(self), dtype=object)
        text[:] = [", ".join(map(str, labels)) for labels in self._labels(side)]
        return text

    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError(f"a RuleSet is frozen: {name} cannot be set; make a new one.")

    def __reduce__(self) -> Any:
        state = ([getattr(self, name) for name in names] for names in (_COLUMNS, _SHARED))
        return type(self)._of, tuple(state)

    def __deepcopy__(self, memo: Any) -> Self:
        return self  # nothing here changes, and clone() of an estimator that holds rules should not copy them
