"""efficient-apriori: Apriori in Python on tuples, which are made beforehand."""

from __future__ import annotations

from typing import Any

from efficient_apriori import itemsets_from_transactions
from efficient_apriori.rules import generate_rules_apriori

import crmintel as ci
from benchmarks.rivals import Entry, digest


def _tuples(problem: Any) -> Any:
    baskets, min_count = problem
    return [tuple(basket) for basket in baskets.to_lists()], (min_count - 0.5) / len(baskets)


def _apriori(problem: Any) -> Any:
    rows, share = problem
    return itemsets_from_transactions(rows, min_support=share)[0]


def _answer(levels: Any) -> Any:
    return digest((frozenset(items), count) for level in levels.values() for items, count in level.items())


def _levels(problem: Any) -> Any:
    baskets, min_count, min_confidence = problem
    levels: dict[int, dict[tuple[Any, ...], int]] = {}
    for found in ci.FrequentItemsets(min_support=min_count).fit(baskets).itemsets_:
        levels.setdefault(len(found.items), {})[tuple(sorted(found.items))] = found.count
    return levels, len(baskets), min_confidence


def _rules(problem: Any) -> Any:
    levels, n, min_confidence = problem
    return list(generate_rules_apriori(levels, min_confidence, n))


def _rules_answer(rules: Any) -> Any:
    return digest(((frozenset(rule.lhs), frozenset(rule.rhs)), rule.count_full) for rule in rules)


TASKS = {
    "itemsets": Entry(_apriori, prepare=_tuples, answer=_answer),
    "rules": Entry(_rules, prepare=_levels, answer=_rules_answer),
}
