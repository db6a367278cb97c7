"""pyfim, Christian Borgelt's miners in C: FP-growth, and Eclat with occurrence delivery, its fastest."""

from __future__ import annotations

from typing import Any

import fim

from benchmarks.rivals import Entry


def _tuples(problem: Any) -> Any:
    baskets, min_support = problem
    matrix = baskets.matrix
    rows = [
        tuple(matrix.indices[start:end].tolist())
        for start, end in zip(matrix.indptr[:-1], matrix.indptr[1:], strict=True)
    ]
    return rows, min_support, baskets.items.tolist()


def _fpgrowth(problem: Any) -> Any:
    rows, min_support, items = problem
    return fim.fpgrowth(rows, supp=-min_support, report="a"), items


def _eclat(problem: Any) -> Any:
    rows, min_support, items = problem
    return fim.eclat(rows, supp=-min_support, report="a", algo="o"), items


def _answer(result: Any) -> dict[frozenset[Any], int]:
    found, items = result
    return {frozenset(items[i] for i in itemset): count for itemset, count in found}


TASKS = {
    "itemsets:fpgrowth": Entry(_fpgrowth, prepare=_tuples, answer=_answer),
    "itemsets:eclat": Entry(_eclat, prepare=_tuples, answer=_answer),
}
