"""A depth-first search in chunks on threads: interruptible, with room as it is needed, joined in one order."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from typing import Any, NoReturn, Protocol

import numpy as np
from numpy.typing import NDArray

from crmintel._progress import progress
from crmintel.kernels.itemsets import COUNT, ITEM, NEEDED, PARENT, TRIE_FULL, TRIE_SIZE

Arenas = dict[str, NDArray[Any]]

# A fixed number: neither what is found nor its order may depend on the number of threads.
_N_CHUNKS = 64


class Search(Protocol):
    """A search whose kernel works in ``arenas``, among them the ``trie`` it fills and its ``state``."""

    def arenas(self) -> Arenas:
        """Return the arrays the kernel works in; they serve one chunk after the other."""

    def start(self, arenas: Arenas, low: int, high: int) -> None:
        """Set the arrays to search from the first items low..high-1."""

    def advance(self, arenas: Arenas, stop: NDArray[np.int32]) -> tuple[int, str | None]:
        """Go on; return the kernel's status and the name of the array that is full, None at the end."""


def cut_chunks(work: NDArray[np.int64], n_chunks: int = _N_CHUNKS) -> list[tuple[int, int]]:
    """Cut the first items into runs of about the same work."""
    if work.size == 0:
        return []
    done = np.cumsum(work)
    cuts = np.searchsorted(done, np.linspace(0, done[-1], n_chunks + 1)[1:-1]) + 1
    edges = np.unique(np.concatenate([[0], np.minimum(cuts, work.size), [work.size]]))
    return list(zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True))


def search_chunks(
    search: Search,
    chunks: list[tuple[int, int]],
    *,
    n_threads: int,
    limit: int,
    refuse: Callable[[], NoReturn],
    verbose: bool | int,
    label: str,
) -> NDArray[np.int32]:
    """Search the chunks on threads, so that Ctrl-C reaches this one, and return one trie.

    More than ``limit`` nodes call ``refuse``.
    """
    stop = np.zeros(1, dtype=np.int32)
    spare: list[Arenas] = []
    tries, total = [], 0
    with ThreadPoolExecutor(n_threads) as pool:
        try:
            tasks = [pool.submit(_search_chunk, search, *chunk, limit, stop, spare) for chunk in chunks]
            for task in progress(tasks, verbose=verbose, label=label, total=len(tasks)):
                while not task.done():
                    wait([task], timeout=0.2)  # a wait without end cannot be interrupted everywhere
                tries.append(task.result())
                total += tries[-1].shape[1]
                if total > limit:
                    refuse()
        finally:
            stop[0] = 1
            pool.shutdown(cancel_futures=True)
    return _join(tries)


def _search_chunk(
    search: Search, low: int, high: int, limit: int, stop: NDArray[np.int32], spare: list[Arenas]
) -> NDArray[np.int32]:
    """Search one chunk; give arrays room as it is needed, up to one node more than ``limit``."""
    try:
        arenas = spare.pop()
    except IndexError:
        arenas = search.arenas()
    search.start(arenas, low, high)
    state = arenas["state"]
    status, full = search.advance(arenas, stop)
    while full is not None:
        if status == TRIE_FULL and state[TRIE_SIZE] > limit:
            break
        arenas[full] = wider(arenas[full], int(state[NEEDED]))
        status, full = search.advance(arenas, stop)
    found = arenas["trie"][:, : state[TRIE_SIZE]].copy()
    if full is None:
        spare.append(arenas)  # a search that was broken off leaves its scratch as it is
    return found


def wider(array: NDArray[Any], needed: int) -> NDArray[Any]:
    """Return a copy with at least twice the room along the last axis."""
    size = array.shape[-1]
    copy = np.empty((*array.shape[:-1], max(2 * size, needed)), dtype=array.dtype)
    copy[..., :size] = array
    return copy


def _join(tries: list[NDArray[np.int32]]) -> NDArray[np.int32]:
    trie = np.empty((3, sum(part.shape[1] for part in tries)), dtype=np.int32)
    at = 0
    for part in tries:
        place = trie[:, at : at + part.shape[1]]
        place[ITEM], place[COUNT] = part[ITEM], part[COUNT]
        place[PARENT] = np.where(part[PARENT] < 0, -1, part[PARENT] + np.int32(at))
        at += part.shape[1]
    return trie
