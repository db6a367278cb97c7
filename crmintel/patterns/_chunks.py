"""A depth-first search in chunks on threads: interruptible, with room as it is needed, joined in one order."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from typing import Any, NoReturn, Protocol

import numpy as np
from numpy.typing import NDArray

from crmintel._progress import progress
from crmintel.kernels.itemsets import NEEDED, TRIE_FULL

Arenas = dict[str, NDArray[Any]]

N_CHUNKS = 64


class Search(Protocol):
    """A search whose kernel works in ``arenas``, among them what it fills and its ``state``."""

    def arenas(self) -> Arenas:
        """Return the arrays the kernel works in; they serve one chunk after the other."""

    def start(self, arenas: Arenas, low: int, high: int) -> None:
        """Set the arrays to search from the first items low..high-1."""

    def advance(self, arenas: Arenas, stop: NDArray[np.int32]) -> tuple[int, str | None]:
        """Go on; return the kernel's status and the name of the array that is full, None at the end."""

    def result(self, arenas: Arenas) -> NDArray[Any]:
        """Return what a chunk gave, one column for each thing found; its arrays are used again."""


def cut_chunks(work: NDArray[np.int64], n_chunks: int = N_CHUNKS, at: int = 0) -> list[tuple[int, int]]:
    """Cut the first items into runs of about the same work, and at ``at``.

    Where the order of what is found depends on the chunks, their number must not depend on that of the threads.
    """
    if work.size == 0:
        return []
    done = np.cumsum(work)
    cuts = np.searchsorted(done, np.linspace(0, done[-1], n_chunks + 1)[1:-1]) + 1
    edges = np.unique(np.concatenate([[0, at], np.minimum(cuts, work.size), [work.size]]))
    return list(zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True))


def search_chunks(
    search: Search,
    chunks: list[tuple[int, int]],
    *,
    n_threads: int,
    limit: int | None,
    refuse: Callable[[], NoReturn],
    verbose: bool | int,
    label: str,
) -> tuple[list[NDArray[Any]], list[NDArray[np.int64]]]:
    """Search the chunks on threads, so that Ctrl-C reaches this one; return the results and last states of each.

    The last chunks, the largest, come first. More than ``limit`` things found call ``refuse``.
    """
    stop = np.zeros(1, dtype=np.int32)
    spare: list[Arenas] = []
    results, states, total = [], [], 0

    def one(low: int, high: int) -> tuple[NDArray[Any], NDArray[np.int64]]:
        """Search one chunk; give arrays room as it is needed."""
        try:
            arenas = spare.pop()
        except IndexError:
            arenas = search.arenas()
        search.start(arenas, low, high)
        state = arenas["state"]
        status, full = search.advance(arenas, stop)
        while full is not None:
            # The room asked for may count up to ``high`` things too many.
            if limit is not None and status == TRIE_FULL and state[NEEDED] - high > limit:
                refuse()
            arenas[full] = wider(arenas[full], int(state[NEEDED]))
            status, full = search.advance(arenas, stop)
        found = search.result(arenas), state.copy()
        spare.append(arenas)
        return found

    with ThreadPoolExecutor(n_threads) as pool:
        try:
            tasks = [pool.submit(one, *chunk) for chunk in reversed(chunks)]
            for task in progress(tasks, verbose=verbose, label=label, total=len(tasks)):
                while not task.done():
                    wait([task], timeout=0.2)  # a wait without end cannot be interrupted everywhere
                result, state = task.result()
                total += result.shape[1]
                if limit is not None and total > limit:
                    refuse()
                results.append(result)
                states.append(state)
        finally:
            stop[0] = 1
            pool.shutdown(cancel_futures=True)
    return results[::-1], states[::-1]


def wider(array: NDArray[Any], needed: int) -> NDArray[Any]:
    """Return a copy with at least twice the room along the last axis."""
    size = array.shape[-1]
    copy = np.empty((*array.shape[:-1], max(2 * size, needed)), dtype=array.dtype)
    copy[..., :size] = array
    return copy
