"""pyfim, Christian Borgelt's miners in C: FP-growth, and Eclat with occurrence delivery, its fastest."""

from __future__ import annotations

from functools import partial
from typing import Any

import fim

from benchmarks.rivals import Entry, digest

MINERS = {"eclat": partial(fim.eclat, algo="o"), "fpgrowth": fim.fpgrowth}
TARGETS = {"itemsets": "s", "closed": "c", "maximal": "m"}


def _tuples(problem: Any) -> Any:
    baskets, min_count = problem
    matrix = baskets.matrix
    rows = [
        tuple(matrix.indices[start:end].tolist())
        for start, end in zip(matrix.indptr[:-1], matrix.indptr[1:], strict=True)
    ]
    in_all = [code for code, count in enumerate(matrix.sum(axis=0).tolist()) if count == len(rows)]
    return rows, min_count, baskets.items.tolist(), in_all


def _solve(miner: Any, target: str, problem: Any) -> Any:
    rows, min_count, items, in_all = problem
    found = miner(rows, supp=-min_count, target=target, report="a")
    return found, items, [] if target == "m" else in_all, len(rows)


def _answer(result: Any) -> Any:
    """Digest, with what pyfim 6.28 loses: itemsets made only of items that every basket holds."""
    found, items, in_all, n = result
    assert len(in_all) <= 1, "with more of them it loses more"
    pairs = [(frozenset(items[code] for code in itemset), count) for itemset, count in found]
    return digest([*pairs, *((frozenset([items[code]]), n) for code in in_all)])


def _count(miner: Any, problem: Any) -> Any:
    rows, min_count, _, in_all = problem
    return miner(rows, supp=-min_count, target="s", report="#"), len(in_all)


def _count_answer(result: Any) -> int:
    spectrum, lost = result
    return int(sum(spectrum.values())) + lost


TASKS = {
    **{
        f"{task}:{name}": Entry(partial(_solve, miner, target), prepare=_tuples, answer=_answer)
        for name, miner in MINERS.items()
        for task, target in TARGETS.items()
    },
    **{
        f"count:{name}": Entry(partial(_count, miner), prepare=_tuples, answer=_count_answer)
        for name, miner in MINERS.items()
    },
}
