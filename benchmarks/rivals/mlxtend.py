"""mlxtend: FP-growth on a boolean frame, which is made beforehand."""

from __future__ import annotations

from typing import Any

import pandas as pd
from mlxtend.frequent_patterns import fpgrowth

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


TASKS = {"itemsets": Entry(_fpgrowth, prepare=_frame, answer=_answer)}
