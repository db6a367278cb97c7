"""Association rules: who has A on the bill, has B too."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.base import BaseEstimator, clone

from crmintel._progress import progress
from crmintel._validation import check_choice, check_number
from crmintel.exceptions import CapacityError, InputError, InputTypeError
from crmintel.kernels.rules import generate_rules, hash_sets, index_sets
from crmintel.patterns.itemset_table import Itemsets
from crmintel.patterns.itemsets import FrequentItemsets
from crmintel.patterns.measures import MEASURES
from crmintel.patterns.ruleset import RuleSet, empty_slots, item_keys

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
        max_rules: int = 20_000_000,
        verbose: bool | int = 0,
    ) -> None:
        self.miner = miner
        self.measure = measure
        self.min_value = min_value
        self.max_consequent = max_consequent
        self.empty_antecedent = empty_antecedent
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
        measure = MEASURES[check_choice(self.measure, "measure", tuple(MEASURES))]
        if measure.small_is_strong:
            raise InputError(
                f"measure={self.measure!r} is small where a rule is strong. Choose rules by another one and filter "
                f"then: rules[rules.{self.measure} <= 0.05]."
            )
        low, high = measure.range
        what = f"min_value (of {self.measure})"
        check_number(self.min_value, what, low=low, high=None if high == np.inf else high, finite=False)
        if self.max_consequent is not None:
            check_number(self.max_consequent, "max_consequent", low=1, integer=True)
        check_number(self.max_rules, "max_rules", low=1, integer=True)
        if isinstance(X, Itemsets):
            itemsets = X
        else:
            if not isinstance(self.miner, FrequentItemsets | None):
                raise InputTypeError(f"miner must be a FrequentItemsets, got {type(self.miner).__name__}.")
            miner = FrequentItemsets() if self.miner is None else clone(self.miner)
            self.miner_ = miner.fit(X)
            itemsets = self.miner_.itemsets_
        if not itemsets.downward_closed:
            raise InputError(
                "rules need the count of every part of an itemset, which these itemsets lack. Mine with target='all' "
                "and without min_length and include, and choose among the rules."
            )
        self.rules_ = self._rules(itemsets)
        return self

    def _rules(self, itemsets: Itemsets) -> RuleSet:
        counts = np.append(itemsets.counts, itemsets.n_baskets).astype(np.int64)  # at -1 stands the empty set
        nothing = np.empty(0, dtype=np.int32)
        kept: list[Triple] = [(nothing, nothing, nothing)]
        values: list[NDArray[np.float64]] = [np.empty(0)]
        total = 0
        for whole, antecedent, consequent in self._candidates(itemsets):
            n_ab, n_a, n_b = (counts[part] for part in (whole, antecedent, consequent))
            value = MEASURES[self.measure](n_ab, n_a, n_b, itemsets.n_baskets)
            keep = value >= self.min_value
            kept.append((whole[keep], antecedent[keep], consequent[keep]))
            values.append(value[keep])
            total += values[-1].size
            if total > self.max_rules:
                raise CapacityError(
                    f"more than max_rules={self.max_rules:,} rules reach {self.measure} >= {self.min_value}. Raise "
                    "min_value or the miner's min_support, lower max_consequent, or raise max_rules."
                )
        whole, antecedent, consequent = (np.concatenate(parts) for parts in zip(*kept, strict=True))
        best_first = np.lexsort((-counts[whole], -np.concatenate(values)))
        whole, antecedent, consequent = whole[best_first], antecedent[best_first], consequent[best_first]
        sets = sparse.csr_array(
            (
                np.ones(itemsets.items.size, dtype=bool),
                itemsets.items,
                np.append(itemsets.offsets, itemsets.offsets[-1]),
            ),
            shape=(len(itemsets) + 1, itemsets.labels.size),
        )
        return RuleSet(
            sets[antecedent],
            sets[consequent],
            n_ab=counts[whole],
            n_a=counts[antecedent],
            n_b=counts[consequent],
            n=itemsets.n_baskets,
            items=itemsets.labels,
            library=itemsets.library,
        )

    def _candidates(self, itemsets: Itemsets) -> Iterator[Triple]:
        """Give all rules in blocks, as the numbers of three itemsets: both sides, the antecedent, the consequent."""
        items, offsets = itemsets.items, itemsets.offsets
        longest = int(itemsets.lengths.max(initial=0))
        largest = longest if self.max_consequent is None else min(self.max_consequent, longest)
        keys = item_keys(itemsets.labels.size)
        hashes = np.zeros(len(itemsets), dtype=np.uint64)
        hash_sets(items=items, offsets=offsets, keys=keys, hashes=hashes)
        slots = empty_slots(len(itemsets))
        index_sets(hashes=hashes, slots=slots)
        room = max(_BLOCK, _n_choices(longest, largest))
        whole, antecedent, consequent = (np.empty(room, dtype=np.int32) for _ in range(3))
        choice, side = np.empty(longest + 1, dtype=np.int64), np.empty(longest + 1, dtype=np.int32)
        steps = range(0, len(itemsets), _STEP)
        for step in progress(steps, verbose=self.verbose, label="rules", total=len(steps)):
            at, end = step, min(step + _STEP, len(itemsets))
            while at < end:
                at, n = generate_rules(
                    start=at, end=end, items=items, offsets=offsets, keys=keys, hashes=hashes, slots=slots,
                    max_consequent=largest, empty_antecedent=bool(self.empty_antecedent),
                    choice=choice, side=side, whole=whole, antecedent=antecedent, consequent=consequent,
                )  # fmt: skip
                yield whole[:n], antecedent[:n], consequent[:n]


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
