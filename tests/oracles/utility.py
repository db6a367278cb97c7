"""Slow twin of the high-utility miner: every subset of every basket is summed, in exact fractions."""

from __future__ import annotations

from collections import Counter, defaultdict
from fractions import Fraction
from itertools import combinations


def utilities_bruteforce(baskets, max_length=None):
    """{frozenset: (utility, count)} of all non-empty sets that stand in a basket ``{item: money}``."""
    utility, count = defaultdict(Fraction), Counter()
    for basket in baskets:
        money = {item: Fraction(str(value)) for item, value in basket.items()}
        longest = len(money) if max_length is None else min(max_length, len(money))
        for size in range(1, longest + 1):
            for items in combinations(sorted(money), size):
                utility[frozenset(items)] += sum(money[item] for item in items)
                count[frozenset(items)] += 1
    return {items: (utility[items], count[items]) for items in utility}


def high_utility_bruteforce(baskets, min_utility, max_length=None):
    """{frozenset: (utility as float, count)} of those worth ``min_utility``, the decimal that is printed."""
    bound = Fraction(str(min_utility))
    every = utilities_bruteforce(baskets, max_length)
    return {items: (float(u), n) for items, (u, n) in every.items() if u >= bound}


def as_dict(itemsets):
    """What `UtilityItemsets` iterates over, checked to hold no set twice, as {frozenset: (utility, count)}."""
    found = {frozenset(each.items): (each.utility, each.count) for each in itemsets}
    assert len(found) == len(itemsets)
    return found
