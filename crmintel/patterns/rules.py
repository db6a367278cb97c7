"""Association rules: who has A on the bill, has B too."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.base import BaseEstimator, clone

from crmintel._progress import progress
from crmintel._validation import check_flag, check_number
from crmintel.exceptions import CapacityError, InputError, InputTypeError
from crmintel.kernels.rules import generate_rules
from crmintel.patterns._labels import need_labels
from crmintel.patterns._measure import check_measure
from crmintel.patterns._set_index import index_itemsets
from crmintel.patterns.itemset_table import Itemsets
from crmintel.patterns.itemsets import FrequentItemsets
from crmintel.patterns.measures import MEASURES
from crmintel.patterns.ruleset import RuleSet
from crmintel.patterns.significance import SearchSpace
from crmintel.transactions.hierarchy import holds_ancestor

# Candidate rules that are judged at a time, and itemsets between two ticks of the progress bar.
_BLOCK = 1 << 18
_STEP = 1 << 16

Triple = tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.int32]]


class AssociationRules(BaseEstimator):
    """Make the rules A -> B of frequent itemsets and keep those of interest.

    Parameters
    ----------
    miner : FrequentItemsets, default=None
        Finds the itemsets; None is ``FrequentItemsets()``.
    measure : str, default="confidence"
        Any measure of `crmintel.measures.MEASURES` that is large where a rule is strong.
    min_value : float, default=0.5
        Rules stay whose ``measure`` is at least this; a nan does not.
    max_consequent : int, default=1
        Largest number of items on the right side; None is any.
    empty_antecedent : bool, default=False
        Also make the rules "any basket -> B", whose confidence is the share of B.
    thresholds : dict of str to float, default=None
        Further measures and the least each must have, or the most where small is strong:
        ``{"lift": 1.2, "fisher_p": 0.01}``.
    antecedent_items, consequent_items : list, default=None
        Items that may stand on the left, on the right; None is all.
    exclude_items : list, default=None
        Items that no rule may hold.
    categories : mapping, default=None
        From item to category, for baskets with both (``baskets.roll_up(categories, keep_items=True)``): rules that
        hold an item together with a category above it are left out, they are trivial [2]_.
    max_rules : int, default=20_000_000
        More than these are not stored: `CapacityError`.
    verbose : bool or int, default=0
        Draw a progress bar.

    Attributes
    ----------
    rules_ : RuleSet
        The largest ``measure`` first, ties by falling count.
    miner_ : FrequentItemsets
        Fitted; absent where ``fit`` was given itemsets.

    References
    ----------
    .. [1] Agrawal, R., Srikant, R. (1994). Fast algorithms for mining association rules. VLDB, 487-499.
    .. [2] Srikant, R., Agrawal, R. (1995). Mining generalized association rules. VLDB, 407-419.

    Examples
    --------
    >>> from crmintel import AssociationRules, FrequentItemsets
    >>> baskets = [["milk", "bread"], ["milk", "bread"], ["milk"], ["tea", "bread"]]
    >>> AssociationRules(FrequentItemsets(min_support=2), min_value=0.6).fit(baskets).rules_
    RuleSet(2 rules over 3 items, from 4 baskets)
      milk -> bread  (count 2, confidence 0.667, lift 0.89)
      bread -> milk  (count 2, confidence 0.667, lift 0.89)
    """

    def __init__(
        self,
        miner: FrequentItemsets | None = None,
        measure: str = "confidence",
        min_value: float = 0.5,
        max_consequent: int | None = 1,
        empty_antecedent: bool = False,
        *,
        thresholds: Mapping[str, float] | None = None,
        antecedent_items: Iterable[Any] | None = None,
        consequent_items: Iterable[Any] | None = None,
        exclude_items: Iterable[Any] | None = None,
        categories: Mapping[Any, Any] | None = None,
        max_rules: int = 20_000_000,
        verbose: bool | int = 0,
    ) -> None:
        self.miner = miner
        self.measure = measure
        self.min_value = min_value
        self.max_consequent = max_consequent
        self.empty_antecedent = empty_antecedent
        self.thresholds = thresholds
        self.antecedent_items = antecedent_items
        self.consequent_items = consequent_items
        self.exclude_items = exclude_items
        self.categories = categories
        self.max_rules = max_rules
        self.verbose = verbose

    def fit(self, X: Any, y: Any = None) -> Self:
        """Mine the baskets and make the rules.

        Parameters
        ----------
        X : Baskets, log, sparse matrix, boolean frame or array, list of lists; or Itemsets that were mined before
        y : None
            Ignored.
        """
        bounds = self._bounds()
        if self.max_consequent is not None:
            check_number(self.max_consequent, "max_consequent", low=1, integer=True)
        check_number(self.max_rules, "max_rules", low=1, integer=True)
        check_flag(self.empty_antecedent, "empty_antecedent")
        if not isinstance(self.categories, Mapping | None):
            raise InputTypeError(
                f"categories must be a mapping {{item: category}}, got {type(self.categories).__name__}."
            )
        longest = None
        if isinstance(X, FrequentItemsets):
            raise InputTypeError(
                "X is a FrequentItemsets: fit on what it found, X.itemsets_, or give it as miner and fit on baskets."
            )
        if isinstance(X, Itemsets):
            itemsets = X
        else:
            if not isinstance(self.miner, FrequentItemsets | None):
                raise InputTypeError(f"miner must be a FrequentItemsets, got {type(self.miner).__name__}.")
            miner = FrequentItemsets() if self.miner is None else clone(self.miner)
            self.miner_ = miner.fit(X)
            itemsets, longest = self.miner_.itemsets_, self.miner_.max_length
        if not itemsets.downward_closed:
            raise InputError(
                "rules need every part of an itemset: mine them with target='all' and without min_length or include. "
                "Choose items here, by antecedent_items, consequent_items and exclude_items."
            )
        self.rules_ = self._rules(itemsets, bounds, longest)
        return self

    def _bounds(self) -> list[tuple[str, float]]:
        """Return the measures and their bounds, ``measure`` first."""
        measure = MEASURES[check_measure(self.measure, "measure")]
        if measure.small_is_strong:
            raise InputError(
                f"measure={self.measure!r} is small where a rule is strong. Choose rules by another one and bound this "
                f"one, e.g. thresholds={{{self.measure!r}: 0.05}}."
            )
        if not isinstance(self.thresholds, Mapping | None):
            raise InputTypeError(
                f"thresholds must be a dict of measures and bounds, got {self.thresholds!r:.80}."
            )
        further = [(f"thresholds[{name!r}]", name, bound) for name, bound in (self.thresholds or {}).items()]
        bounds = []
        for what, name, bound in [(f"min_value (of {self.measure})", self.measure, self.min_value), *further]:
            low, high = MEASURES[check_measure(name, "a measure of thresholds")].range
            check_number(bound, what, low=low, high=None if high == np.inf else high, finite=False)
            bounds.append((name, bound))
        return bounds

    def _rules(self, itemsets: Itemsets, bounds: list[tuple[str, float]], longest: int | None) -> RuleSet:
        n = _whole(itemsets)
        counts = np.append(itemsets.counts, n).astype(np.int64)  # at -1 stands the empty set
        sets = sparse.csr_array(
            (
                np.ones(itemsets.items.size, dtype=bool),
                itemsets.items,
                np.append(itemsets.offsets, itemsets.offsets[-1]),
            ),
            shape=(len(itemsets) + 1, itemsets.labels.size),
        )
        left, right = self._allowed(sets, itemsets.labels)
        antecedents = left[:-1] & (itemsets.lengths < (np.inf if longest is None else longest))
        space = SearchSpace.of(
            counts[:-1][antecedents], int((right[:-1] & (itemsets.lengths == 1)).sum()), self.max_consequent
        )
        trivial = np.zeros(counts.size, dtype=bool)
        if self.categories is not None:
            trivial = holds_ancestor(sets, itemsets.labels, self.categories)
        constrained = trivial.any() or not (left.all() and right.all())
        nothing = np.empty(0, dtype=np.int32)
        kept: list[Triple] = [(nothing, nothing, nothing)]
        values: list[NDArray[np.float64]] = [np.empty(0)]
        total = 0
        for whole, antecedent, consequent in self._candidates(itemsets):
            value = np.empty(0)
            if constrained:
                keep = left[antecedent] & right[consequent] & ~trivial[whole]
                whole, antecedent, consequent = whole[keep], antecedent[keep], consequent[keep]
            for name, bound in reversed(bounds):
                value = MEASURES[name](counts[whole], counts[antecedent], counts[consequent], n)
                keep = value <= bound if MEASURES[name].small_is_strong else value >= bound
                whole, antecedent, consequent = whole[keep], antecedent[keep], consequent[keep]
                value = value[keep]
            kept.append((whole, antecedent, consequent))
            values.append(value)
            total += value.size
            if total > self.max_rules:
                raise CapacityError(
                    f"more than max_rules={self.max_rules:,} rules reach {self.measure} >= {self.min_value}. Raise "
                    "min_value or the miner's min_support, lower max_consequent, or raise max_rules."
                )
        whole, antecedent, consequent = (np.concatenate(parts) for parts in zip(*kept, strict=True))
        best_first = np.lexsort((-counts[whole], -np.concatenate(values)))
        whole, antecedent, consequent = whole[best_first], antecedent[best_first], consequent[best_first]
        columns = (
            sets[antecedent], sets[consequent], counts[whole], counts[antecedent], counts[consequent],
        )  # fmt: skip
        labels = itemsets.labels.copy()
        labels.flags.writeable = False
        return RuleSet._of(columns, (n, labels, itemsets.library, itemsets, space))

    def _allowed(self, sets: Any, labels: NDArray[Any]) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """Return which itemsets may stand on the left, and which on the right."""
        out = np.zeros(labels.size, dtype=bool)
        if self.exclude_items is not None:
            out = need_labels(self.exclude_items, labels, "exclude_items")
        sides = []
        for name in ("antecedent_items", "consequent_items"):
            wanted = getattr(self, name)
            banned = out if wanted is None else out | ~need_labels(wanted, labels, name)
            sides.append(sets @ banned.astype(np.int32) == 0)
        return sides[0], sides[1]

    def _candidates(self, itemsets: Itemsets) -> Iterator[Triple]:
        """Give all rules in blocks, as the numbers of three itemsets: both sides, the antecedent, the consequent."""
        items, offsets = itemsets.items, itemsets.offsets
        longest = int(itemsets.lengths.max(initial=0))
        largest = longest if self.max_consequent is None else min(self.max_consequent, longest)
        index = index_itemsets(items, offsets, itemsets.labels.size)
        room = max(_BLOCK, _n_choices(longest, largest))
        whole, antecedent, consequent = (np.empty(room, dtype=np.int32) for _ in range(3))
        choice, side = np.empty(longest + 1, dtype=np.int64), np.empty(longest + 1, dtype=np.int32)
        steps = range(0, len(itemsets), _STEP)
        for step in progress(steps, verbose=self.verbose, label="rules", total=len(steps)):
            at, end = step, min(step + _STEP, len(itemsets))
            while at < end:
                at, n = generate_rules(
                    start=at, end=end, items=items, offsets=offsets, **index,
                    max_consequent=largest, empty_antecedent=bool(self.empty_antecedent),
                    choice=choice, side=side, whole=whole, antecedent=antecedent, consequent=consequent,
                )  # fmt: skip
                yield whole[:n], antecedent[:n], consequent[:n]


def _whole(itemsets: Itemsets) -> int:
    """Return the number of baskets, or the sum of their weights if these are whole."""
    if itemsets.counts.dtype.kind == "f" or itemsets.total != int(itemsets.total):
        raise InputError(
            f"rules are made of counts; these baskets weigh {itemsets.total}. Give weights in whole numbers."
        )
    return int(itemsets.total)


def _n_choices(n: int, largest: int) -> int:
    """Return in how many ways 1 to ``largest`` of ``n`` items can be chosen, which one itemset may need room for."""
    total, choices = 0, 1
    for size in range(1, largest + 1):
        choices = choices * (n - size + 1) // size
        total += choices
    if total > 1 << 27:
        raise CapacityError(
            f"an itemset of {n} items has {total:,} rules with up to {largest} items on the right; set max_consequent "
            "or the miner's max_length."
        )
    return total
