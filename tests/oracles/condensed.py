"""Slow twins of the miners of condensed itemsets: the definitions, over all itemsets."""

from __future__ import annotations

from tests.oracles.itemsets import itemsets_bruteforce


def condensed_bruteforce(baskets, target, min_count=1, max_length=None):
    """{frozenset: count} of the closed or maximal itemsets, or the generators, of up to ``max_length`` items."""
    found = itemsets_bruteforce(baskets, min_count)
    items = frozenset().union(*found) if found else frozenset()

    def supersets(s):
        return [s | {item} for item in items - s]

    def subsets(s):
        return [s - {item} for item in s]

    def count(s):
        return found[s] if s else len(baskets)

    def holds(s):
        if target == "closed":
            return all(found.get(larger) != found[s] for larger in supersets(s))
        if target == "maximal":
            return not any(larger in found for larger in supersets(s))
        return all(count(smaller) != found[s] for smaller in subsets(s))

    return {s: c for s, c in found.items() if holds(s) and (max_length is None or len(s) <= max_length)}
