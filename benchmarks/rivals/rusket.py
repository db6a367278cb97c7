"""rusket: FP-growth, PrefixSpan and high-utility itemsets in Rust, on all cores; results are its own frames."""

from __future__ import annotations

from typing import Any

import numpy as np
import rusket

from benchmarks.rivals import Entry, digest


def _matrix(problem: Any) -> Any:
    baskets, min_count = problem
    names = [str(code) for code in range(len(baskets.items))]
    # half a basket less: it compares floating shares
    return baskets.matrix.astype(np.uint8), names, (min_count - 0.5) / len(baskets), baskets.items.tolist()


def _fpgrowth(problem: Any) -> Any:
    matrix, names, share, items = problem
    return rusket.FPGrowth(matrix, item_names=names, min_support=share).mine(), matrix.shape[0], items


def _itemsets_answer(result: Any) -> Any:
    frame, n, items = result
    counts = np.rint(frame["support"].to_numpy() * n).astype(int).tolist()
    return digest(
        (frozenset(items[int(code)] for code in itemset), count)
        for itemset, count in zip(frame["itemsets"].tolist(), counts, strict=True)
    )


def _prefixspan(problem: Any) -> Any:
    sequences, min_count = problem
    return rusket.prefixspan(sequences, min_support=min_count)


def _sequences_answer(frame: Any) -> Any:
    return digest((tuple(row), count) for row, count in zip(frame["sequence"], frame["support"], strict=True))


def _two_lists(problem: Any) -> Any:
    profits, min_utility = problem
    return (
        [list(basket) for basket in profits],
        [list(basket.values()) for basket in profits],
        float(min_utility),
    )


def _utility(problem: Any) -> Any:
    return rusket.HUPM(*problem).mine()


def _utility_answer(frame: Any) -> Any:
    return digest(
        (frozenset(itemset), round(utility))
        for itemset, utility in zip(frame["itemset"].tolist(), frame["utility"].tolist(), strict=True)
    )


TASKS = {
    "itemsets": Entry(_fpgrowth, prepare=_matrix, answer=_itemsets_answer),
    "sequences": Entry(_prefixspan, answer=_sequences_answer),
    "utility": Entry(_utility, prepare=_two_lists, answer=_utility_answer),
}
