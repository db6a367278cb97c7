"""prefixspan: PrefixSpan in Python, for sequences of single items."""

from __future__ import annotations

from typing import Any

from prefixspan import PrefixSpan

from benchmarks.rivals import Entry, digest


def _mine(problem: Any) -> Any:
    sequences, min_count = problem
    return PrefixSpan(sequences).frequent(min_count)


def _answer(found: Any) -> Any:
    return digest((tuple(items), count) for count, items in found)


TASKS = {"sequences": Entry(_mine, answer=_answer)}
