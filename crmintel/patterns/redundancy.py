"""Which rules say something that shorter ones do not."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from crmintel.exceptions import CapacityError, InputError
from crmintel.kernels.hypergeometric import log_tail
from crmintel.kernels.rules import count_generalisations, mark_implied
from crmintel.patterns._set_index import csr_arrays, index_itemsets, index_rules
from crmintel.patterns.measures import MEASURES

if TYPE_CHECKING:
    from crmintel.patterns.ruleset import RuleSet

_BLOCK = 1 << 20  # generalisations that are judged at a time
_LONGEST = 24  # items of an antecedent: 2**24 parts


def best_general(rules: RuleSet, measure: str) -> NDArray[np.float64]:
    """Return the best value of a measure among each rule's generalisations; nan where it has none.

    A generalisation has the same consequent and a proper part of the antecedent, the empty one included.
    """
    function, sign = MEASURES[measure], -1.0 if MEASURES[measure].small_is_strong else 1.0
    best = np.full(len(rules), np.nan)
    for rule, n_ab, n_a, starts in _generalisations(rules, only_next=False):
        known = (n_ab >= 0) & (n_a >= 0)
        values = np.full(n_ab.size, np.nan)
        values[known] = function(n_ab[known], n_a[known], rules.n_b[rule][known], rules.n)
        best[rule[starts]] = sign * np.fmax.reduceat(sign * values, starts)
    return best


def productive_log_p(rules: RuleSet) -> NDArray[np.float64]:
    """Return ln of the largest p-value of each rule against the rules with one item less on the left.

    Fisher's exact test, among the baskets that hold the shorter antecedent, of the left-out item and the consequent
    [1]_. With one item on the left it is the test of the rule itself; without any, 0.

    References
    ----------
    .. [1] Webb, G. I. (2007). Discovering significant patterns. Machine Learning 68, 1-33.
    """
    log_p = np.zeros(len(rules))
    for rule, n_ab, n_a, starts in _generalisations(rules, only_next=True):
        if (n_ab < 0).any() or (n_a < 0).any():
            raise InputError(
                "these rules do not know the counts of their parts: fit AssociationRules, or add the shorter rules."
            )
        tails = log_tail(rules.n_ab[rule], rules.n_a[rule], n_ab, n_a)
        log_p[rule[starts]] = np.maximum.reduceat(tails, starts)
    return log_p


def implied(rules: RuleSet) -> NDArray[np.bool_]:
    """Return which rules another one here implies: same counts, less on the left or more on the right.

    What is left are the minimal non-redundant rules [1]_ [2]_: antecedents that are generators of what they imply,
    and consequents as large as these rules have them.

    References
    ----------
    .. [1] Bastide, Y., Pasquier, N., Taouil, R., Stumme, G., Lakhal, L. (2000). Mining minimal non-redundant
       association rules using frequent closed itemsets. Computational Logic, 972-986.
    .. [2] Zaki, M. J. (2004). Mining non-redundant association rules. Data Mining and Knowledge Discovery 9, 223-248.
    """
    antecedents, offsets = csr_arrays(rules.antecedents)
    consequents, target_offsets = csr_arrays(rules.consequents)
    marks = np.zeros(len(rules), dtype=bool)
    mark_implied(
        antecedents=antecedents, starts=offsets, consequents=consequents, target_starts=target_offsets,
        n_a=rules.n_a.copy(), n_ab=rules.n_ab.copy(), **index_rules(rules.antecedents, rules.consequents),
        implied=marks,
    )  # fmt: skip
    return marks


def _generalisations(
    rules: RuleSet, *, only_next: bool
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]]:
    """Give blocks of generalisations: the rule of each, its two counts, and where the next rule's start."""
    antecedents, offsets = csr_arrays(rules.antecedents)
    consequents, target_offsets = csr_arrays(rules.consequents)
    sizes = np.diff(offsets)
    longest = int(sizes.max(initial=0))
    if longest > _LONGEST and not only_next:
        raise CapacityError(
            f"an antecedent of {longest} items has too many parts to compare with: at most {_LONGEST} items. Set "
            "the miner's max_length, or prune by 'closure' or 'productive'."
        )
    sets = _known_sets(rules)
    sets |= index_itemsets(sets["items"], sets["set_offsets"], rules.items.size)
    side, merged = (np.empty(longest + rules.items.size + 1, dtype=np.int32) for _ in range(2))
    per_rule = sizes if only_next else (np.int64(1) << sizes) - 1
    done = np.append(0, np.cumsum(per_rule))
    start = 0
    while start < len(rules):
        end = max(int(np.searchsorted(done, done[start] + _BLOCK, side="right")) - 1, start + 1)
        counts = np.empty((2, done[end] - done[start]), dtype=np.int64)
        ends = np.empty(end - start, dtype=np.int64)
        count_generalisations(
            start=start, end=end, antecedents=antecedents, offsets=offsets,
            consequents=consequents, target_offsets=target_offsets, only_next=only_next, n=rules.n,
            **sets, side=side, merged=merged, n_a=counts[0], n_ab=counts[1], ends=ends,
        )  # fmt: skip
        any_at_all = np.flatnonzero(per_rule[start:end])
        if any_at_all.size:
            rule = np.repeat(np.arange(start, end), per_rule[start:end])
            yield rule, counts[1], counts[0], (done[start:end] - done[start])[any_at_all]
        start = end


def _known_sets(rules: RuleSet) -> dict[str, Any]:
    """Return the itemsets whose counts are known: those the rules were made of, else the parts of the rules."""
    if rules.itemsets is not None:
        found = rules.itemsets
        return {
            "items": np.array(found.items, dtype=np.int32),
            "set_offsets": np.array(found.offsets, dtype=np.int64),
            "counts": np.array(found.counts, dtype=np.int64),
        }
    parts = [
        csr_arrays(m) for m in (rules.antecedents, rules.consequents, rules.antecedents + rules.consequents)
    ]
    lengths = np.concatenate([np.diff(offsets) for _, offsets in parts])
    return {
        "items": np.concatenate([items for items, _ in parts]),
        "set_offsets": np.append(0, np.cumsum(lengths)),
        "counts": np.concatenate([rules.n_a, rules.n_b, rules.n_ab]),
    }
