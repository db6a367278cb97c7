"""From sequences to the trie of frequent ones: items that can be frequent, windows, first places, search."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from crmintel.exceptions import CapacityError
from crmintel.kernels import sequences as kernels
from crmintel.kernels.itemsets import COUNT, ITEM, NEEDED, PARENT, TRIE_SIZE
from crmintel.kernels.runs import gather_runs
from crmintel.patterns._chunks import Arenas, cut_chunks, search_chunks
from crmintel.patterns._sequence_trie import PatternTrie
from crmintel.transactions.sequences import Sequences

# Entries an arena starts with; it doubles when full.
_START = 1 << 12
_MOST_ENTRIES = 1 << 28  # of windows: 3 GiB
_ANY = np.iinfo(np.int32).max


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a pattern may be, in the ticks of the times: inf and None stand for no bound."""

    min_gap: float = 0.0
    max_gap: float = np.inf
    window: float = 0.0
    max_span: float = np.inf
    max_length: int | None = None
    max_elements: int | None = None
    max_element_size: int | None = None

    @property
    def timed(self) -> bool:
        """Whether the times matter, and not only their order."""
        return self.min_gap > 0 or self.window > 0 or self.every_place

    @property
    def every_place(self) -> bool:
        """Whether a later place of a pattern in a sequence may lead on where the first one does not."""
        return min(self.max_gap, self.max_span) < np.inf


@dataclass(frozen=True, slots=True)
class Elements:
    """Elements with the items (as ranks) that can be frequent, each from ``low`` to ``high`` in time.

    Element ``e`` has ``entries[first[e]:first[e + 1]]``, ``element`` says so entry by entry, and ``close`` where the
    entries of its sequence end.
    """

    entries: NDArray[np.int32]
    element: NDArray[np.int32]
    close: NDArray[np.int32]
    first: NDArray[np.int32]
    low: NDArray[np.float64]
    high: NDArray[np.float64]

    def kernel_arguments(self, bounds: Bounds) -> dict[str, Any]:
        """Return what `crmintel.kernels.sequences.find_extensions` needs to know of these."""
        return {
            "entries": self.entries,
            "element": self.element,
            "close": self.close,
            "first": self.first,
            "low": self.low,
            "high": self.high,
            "bounds": np.array([bounds.min_gap, bounds.max_gap, bounds.max_span]),
            "plain": not bounds.timed,
        }


def mine_patterns(
    sequences: Sequences,
    bounds: Bounds,
    *,
    min_count: int,
    n_threads: int,
    max_patterns: int,
    verbose: bool | int,
) -> PatternTrie:
    """Return all patterns that ``min_count`` sequences or more hold.

    Raises
    ------
    CapacityError
        If there are more than ``max_patterns``, or the windows hold too many items.
    """

    def refuse() -> NoReturn:
        raise CapacityError(
            f"more than max_patterns={max_patterns:,} patterns stand in {min_count:,} sequences or more. Raise "
            "min_support, set max_length or max_gap, or raise max_patterns (a pattern takes 12 bytes)."
        )

    counts = item_counts(sequences)
    items = np.flatnonzero(counts >= min_count).astype(np.int32)
    elements, _ = elements_of(sequences, items, bounds)
    search = _Search(elements, counts[items], bounds, min_count)
    tries, _ = search_chunks(
        search,
        cut_chunks(np.diff(search.begin)),
        n_threads=n_threads,
        limit=max_patterns,
        refuse=refuse,
        verbose=verbose,
        label="patterns",
    )
    parent, code, found = _join(tries)
    return PatternTrie(parent, code, found, items)


class _Search:
    """Prefix projection, see `crmintel.kernels.sequences`."""

    def __init__(self, elements: Elements, counts: NDArray[np.int64], bounds: Bounds, min_count: int) -> None:
        self.counts = counts
        self.spans = bounds.max_span < np.inf
        self.begin, self.end, self.places = first_places(elements, counts.size, every=bounds.every_place)
        self.starts = elements.low[elements.element] if self.spans else np.empty(0)
        self.fixed = {
            **elements.kernel_arguments(bounds),
            "min_count": min_count,
            "max_length": bounds.max_length or _ANY,
            "max_elements": bounds.max_elements or _ANY,
            "max_width": bounds.max_element_size or _ANY,
        }

    def arenas(self) -> Arenas:
        """Return the arrays a search works in; they serve one chunk after the other."""
        n_codes = 2 * self.counts.size
        return {
            "trie": np.empty((3, _START), dtype=np.int32),
            "members": np.empty((4, self.counts.size + _START), dtype=np.int64),
            "places": np.empty(self.places.size + _START, dtype=np.int32),
            "starts": np.empty(self.places.size + _START if self.spans else 0),
            "stack": np.empty((kernels.STACK_FIELDS, 64), dtype=np.int64),
            "tally": np.zeros(n_codes, dtype=np.int32),
            "room": np.zeros(n_codes, dtype=np.int64),
            "seen": np.zeros(n_codes, dtype=np.int64),
            "touched": np.empty(n_codes, dtype=np.int32),
            "found": np.empty(n_codes, dtype=np.int32),
            "pairs": np.empty((3, _START), dtype=np.int32),
            "state": np.zeros(kernels.STATE_SIZE, dtype=np.int64),
        }

    def start(self, arenas: Arenas, low: int, high: int) -> None:
        """Set the arrays to search for the patterns whose first item is low..high-1."""
        begin, end = self.begin[low], self.begin[high]
        arenas["places"][: end - begin] = self.places[begin:end]
        if self.spans:
            arenas["starts"][: end - begin] = self.starts[self.places[begin:end]]
        members, stack, state = arenas["members"], arenas["stack"], arenas["state"]
        members[kernels.CODE, : high - low] = np.arange(low, high) + self.counts.size
        members[kernels.SUPPORT, : high - low] = self.counts[low:high]
        members[kernels.BEGIN, : high - low] = self.begin[low:high] - begin
        members[kernels.END, : high - low] = self.end[low:high] - begin
        stack[:, 0] = 0
        stack[[kernels.SIZE, kernels.NODE, kernels.TOP], 0] = high - low, -1, end - begin
        state[[TRIE_SIZE, kernels.DEPTH]] = 0

    def advance(self, arenas: Arenas, stop: NDArray[np.int32]) -> tuple[int, str | None]:
        """Go on; return the kernel's status and the name of the array that is full, None at the end."""
        status = kernels.mine_sequences(**self.fixed, stop=stop, **arenas)
        if status == kernels.PLACES_FULL and arenas["state"][NEEDED] > _ANY:
            raise CapacityError(
                "the patterns stand in more than 2**31 - 1 places; raise min_support or set max_gap."
            )
        return status, kernels.FULL.get(status)

    def result(self, arenas: Arenas) -> NDArray[np.int32]:
        """Return a copy of the trie that a chunk gave."""
        return arenas["trie"][:, : arenas["state"][TRIE_SIZE]].copy()


def _join(tries: list[NDArray[np.int32]]) -> NDArray[np.int32]:
    trie = np.empty((3, sum(part.shape[1] for part in tries)), dtype=np.int32)
    at = 0
    for part in tries:
        place = trie[:, at : at + part.shape[1]]
        place[ITEM], place[COUNT] = part[ITEM], part[COUNT]
        place[PARENT] = np.where(part[PARENT] < 0, -1, part[PARENT] + np.int32(at))
        at += part.shape[1]
    return trie


def item_counts(sequences: Sequences) -> NDArray[np.int64]:
    """Return how many sequences hold each item."""
    n_items = sequences.labels.size
    counts = np.zeros(n_items, dtype=np.int64)
    kernels.count_holders(
        items=sequences.items,
        begins=sequences.element_offsets[sequences.offsets],
        seen=np.full(n_items, -1, dtype=np.int64),
        counts=counts,
    )
    return counts


def elements_of(
    sequences: Sequences, items: NDArray[np.int32], bounds: Bounds
) -> tuple[Elements, NDArray[np.int32]]:
    """Return the elements with only ``items``, as ranks in these, and in which element of ``sequences`` each ends."""
    n_entries, n_elements = sequences.items.size, sequences.n_elements
    rank = np.full(sequences.labels.size, -1, dtype=np.int32)
    rank[items] = np.arange(items.size, dtype=np.int32)
    entries, element, close = (np.empty(n_entries, dtype=np.int32) for _ in range(3))
    first, source = np.empty(n_elements + 1, dtype=np.int32), np.empty(n_elements, dtype=np.int32)
    n_entries, n_elements = kernels.keep_items(
        items=sequences.items,
        element_offsets=sequences.element_offsets,
        offsets=sequences.offsets,
        rank=rank,
        entries=entries,
        element=element,
        close=close,
        first=first,
        source=source,
    )
    source = source[:n_elements]
    times = in_ticks(sequences.times[source]) if bounds.timed else np.empty(0)
    kept = Elements(
        entries[:n_entries], element[:n_entries], close[:n_entries], first[: n_elements + 1], times, times
    )
    return _windows(kept, source, bounds.window) if bounds.window > 0 else (kept, source)


def first_places(
    elements: Elements, n_items: int, *, every: bool
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int32]]:
    """Return where the places of each item alone begin and end, and these places."""
    begin = np.append(0, np.cumsum(np.bincount(elements.entries, minlength=n_items)))
    end, places = begin[:-1].copy(), np.zeros(elements.entries.size, dtype=np.int32)
    kernels.list_places(
        entries=elements.entries,
        element=elements.element,
        close=elements.close,
        first=elements.first,
        every=every,
        seen=np.full(n_items, -1, dtype=np.int64),
        ends=end,
        places=places,
    )
    return begin, end, places


def in_ticks(times: NDArray[Any]) -> NDArray[np.float64]:
    """Return times as numbers, instants as microseconds: exact in floats until the year 2255."""
    return (times.astype(np.int64) if times.dtype.kind == "M" else times).astype(np.float64)


def _windows(
    elements: Elements, source: NDArray[np.int32], window: float
) -> tuple[Elements, NDArray[np.int32]]:
    """Return every run of elements of a sequence within ``window`` as one element, in the order of their ends."""
    time, close = elements.high, elements.close[elements.first[:-1]]  # which tells the sequences apart
    here = np.arange(time.size)
    firsts, lasts, n_entries = [here], [here], elements.entries.size
    back = 0
    while here.size:
        back += 1
        here = here[here >= back]
        here = here[(close[here - back] == close[here]) & (time[here] - time[here - back] <= window)]
        firsts.append(here - back)
        lasts.append(here)
        n_entries += int((elements.first[here + 1].astype(np.int64) - elements.first[here - back]).sum())
        if n_entries > _MOST_ENTRIES:
            raise CapacityError(
                f"windows of this width hold more than {_MOST_ENTRIES:,} items; narrow the window, raise min_support, "
                "or merge times by log.sequences(level='week')."
            )
    low, high = np.concatenate(firsts), np.concatenate(lasts)
    order = np.lexsort((low, high))
    low, high = low[order], high[order]
    starts, stops = elements.first[low].astype(np.int64), elements.first[high + 1].astype(np.int64)
    places = np.empty(n_entries, dtype=np.int64)
    gather_runs(starts, stops, places)
    run, entries = np.repeat(np.arange(low.size), stops - starts), elements.entries[places]
    order = np.lexsort((entries, run))
    run, entries = run[order], entries[order]
    new = np.ones(run.size, dtype=bool)
    new[1:] = (run[1:] != run[:-1]) | (entries[1:] != entries[:-1])
    first = np.append(0, np.cumsum(np.bincount(run[new], minlength=low.size)))
    runs = Elements(
        entries[new],
        run[new].astype(np.int32),
        np.searchsorted(close[high[run[new]]], close[high[run[new]]], side="right").astype(np.int32),
        first.astype(np.int32),
        time[low],
        time[high],
    )
    return runs, source[high]
