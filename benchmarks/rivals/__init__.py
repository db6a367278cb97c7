"""One adapter a library, ours included: its `TASKS` map the name of a task to an `Entry`."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any


def _same(value: Any) -> Any:
    return value


@dataclass(frozen=True)
class Entry:
    """How a library does a task: only `solve` is timed."""

    solve: Callable[[Any], Any]
    prepare: Callable[[Any], Any] = _same  # the problem's data in the form this library likes best
    answer: Callable[[Any], Any] = _same  # the result in the form that answers are compared in


def entry(library: str, task: str) -> Entry:
    """Return how `library` does `task`; a variant of it is written after a colon, as in ``pyfim:eclat``."""
    name, _, variant = library.partition(":")
    tasks = importlib.import_module(f"benchmarks.rivals.{name}").TASKS
    return tasks[f"{task}:{variant}" if variant else task]


def digest(found: Iterable[tuple[Any, int]]) -> tuple[int, int]:
    """Return how many patterns there are and a checksum of them and their counts, whatever their order."""
    n, total = 0, 0
    for pattern, count in found:
        n += 1
        total += hash((pattern, int(count)))
    return n, total
