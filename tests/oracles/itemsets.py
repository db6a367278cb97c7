"""Slow twins of the itemset miners: every subset of every basket is counted."""

from __future__ import annotations

from collections import Counter
from itertools import combinations


def itemsets_bruteforce(baskets, min_count=1, max_length=None):
    """{frozenset: count} of all non-empty sets that ``min_count`` baskets hold."""
    seen = Counter()
    for basket in map(frozenset, baskets):
        longest = len(basket) if max_length is None else min(max_length, len(basket))
        for size in range(1, longest + 1):
            seen.update(map(frozenset, combinations(sorted(basket), size)))
    return {items: count for items, count in seen.items() if count >= min_count}


def as_dict(itemsets):
    """What `Itemsets` iterates over, checked to hold no set twice, as {frozenset: count}."""
    found = {frozenset(itemset.items): itemset.count for itemset in itemsets}
    assert len(found) == len(itemsets)
    return found


def weighted_bruteforce(baskets, weights):
    """{frozenset: sum of weights} of all non-empty subsets of the baskets."""
    seen = Counter()
    for basket, weight in zip(map(frozenset, baskets), weights, strict=True):
        for size in range(1, len(basket) + 1):
            for items in combinations(sorted(basket), size):
                seen[frozenset(items)] += weight
    return seen


def condensed(found, target, n_baskets):
    """The closed, maximal or generator itemsets among all frequent ones, by comparing each with each."""
    if target == "closed":
        return {a: n for a, n in found.items() if not any(a < b and n == m for b, m in found.items())}
    if target == "maximal":
        return {a: n for a, n in found.items() if not any(a < b for b in found)}
    if target == "generators":
        found = {frozenset(): n_baskets, **found}
        return {a: n for a, n in found.items() if a and not any(b < a and n == m for b, m in found.items())}
    return found
