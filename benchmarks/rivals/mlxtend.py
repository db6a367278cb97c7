"""mlxtend: FP-growth on a boolean frame, which is made beforehand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from mlxtend.frequent_patterns import association_rules, fpgrowth

import crmintel as ci
from benchmarks.rivals import Entry, digest


def _frame(problem: Any) -> Any:
    baskets, min_count = problem
    dense = baskets.matrix.toarray().astype(bool)
    return pd.DataFrame(dense, columns=baskets.items), min_count


def _fpgrowth(problem: Any) -> Any:
    frame, min_count = problem
    # half a basket less: mlxtend compares floating shares
    return fpgrowth(frame, min_support=(min_count - 0.5) / len(frame), use_colnames=True), len(frame)


def _answer(result: Any) -> Any:
    table, n = result
    counts = (table["support"] * n).round().astype(int)
    return digest(zip(table["itemsets"], counts, strict=True))


def _itemsets(problem: Any) -> Any:
    baskets, min_count, min_confidence = problem
    found = ci.FrequentItemsets(min_support=min_count).fit(baskets).itemsets_
    frame = pd.DataFrame(
        {"support": found.support, "itemsets": [frozenset(itemset.items) for itemset in found]}
    )
    return frame, len(baskets), min_confidence


def _rules(problem: Any) -> Any:
    frame, n, min_confidence = problem
    return association_rules(frame, num_itemsets=n, metric="confidence", min_threshold=min_confidence), n


def _rules_answer(result: Any) -> Any:
    table, n = result
    counts = np.rint(table["support"] * n).astype(int)
    sides = zip(table["antecedents"], table["consequents"], strict=True)
    return digest(zip(sides, counts, strict=True))


TASKS = {
    "itemsets": Entry(_fpgrowth, prepare=_frame, answer=_answer),
    "rules": Entry(_rules, prepare=_itemsets, answer=_rules_answer),
}
