"""efficient-apriori: Apriori in Python on tuples, which are made beforehand."""

from __future__ import annotations

from typing import Any

from efficient_apriori import itemsets_from_transactions

from benchmarks.rivals import Entry, digest


def _tuples(problem: Any) -> Any:
    baskets, min_count = problem
    return [tuple(basket) for basket in baskets.to_lists()], (min_count - 0.5) / len(baskets)


def _apriori(problem: Any) -> Any:
    rows, share = problem
    return itemsets_from_transactions(rows, min_support=share)[0]


def _answer(levels: Any) -> Any:
    return digest((frozenset(items), count) for level in levels.values() for items, count in level.items())


TASKS = {"itemsets": Entry(_apriori, prepare=_tuples, answer=_answer)}
