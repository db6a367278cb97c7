"""The ways to search for frequent itemsets: what each kernel starts from, and how it is called again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from crmintel.kernels import fptree
from crmintel.kernels import itemsets_bitset as bitset
from crmintel.kernels import itemsets_projection as projection
from crmintel.kernels.itemsets import LABEL, MAX_DEPTH, SUPPORT, TRIE_SIZE
from crmintel.kernels.itemsets_pairs import BEGIN, ROW, choose_partners, count_pairs, write_conditionals
from crmintel.patterns._chunks import Arenas

if TYPE_CHECKING:
    from crmintel.patterns._mining import OrderedBaskets

# Entries an arena starts with; it doubles when full.
_START = 1 << 12


class ProjectionSearch:
    """Projected rows and columns of bits, see `crmintel.kernels.itemsets_projection`."""

    def __init__(
        self,
        ordered: OrderedBaskets,
        min_count: int,
        max_length: int,
        algorithm: str,
        *,
        counting: bool = False,
    ) -> None:
        self.ordered, self.min_count, self.max_length = ordered, min_count, max_length
        self.algorithm, self.counting = algorithm, counting
        # Rows that are more than half full cost more than 100 times what bits do: copying many equal long baskets
        # again and again would not end.
        self.bias = {"auto": 1.0, "projection": 0.01, "bitset": np.inf}[algorithm]
        self.columns = self._columns()
        most_paired = 0 if self.columns.size else projection.MOST_PAIRED
        self.n_paired, self.paired = _pair(ordered, min_count, max_length, most_paired)
        delivered = ordered.items.size if self.columns.size else self.n_paired
        self.first, self.owner = ordered.owners(delivered)

    def _columns(self) -> NDArray[np.uint64]:
        """Return the baskets as columns of bits where they are dense enough for it, else none."""
        n_items, n_words = self.ordered.items.size, (self.ordered.row_ends.size + 63) >> 6
        squares = np.square(np.diff(self.ordered.row_ends, prepend=np.int32(0)), dtype=np.int64).sum()
        by_bits = n_items**2 * (projection.WORD_COST * n_words + projection.STEP_COST)
        by_rows = projection.ENTRY_COST * squares + projection.ITEM_COST * n_items
        if by_bits >= min(self.bias, 1.0) * by_rows:
            return np.empty(0, dtype=np.uint64)
        arenas = self.arenas()
        arenas["words"] = np.empty(n_items * n_words, dtype=np.uint64)
        arenas["class_members"] = np.empty((2, n_items), dtype=np.int32)
        _put_members(arenas["members"], self.ordered, n_items)
        projection.open_class(
            entries=self.ordered.entries, begin=0, ends=self.ordered.row_ends, lo=0, hi=self.ordered.row_ends.size,
            items=arenas["members"], first=0, n=n_items, count=-1, column=arenas["found"],
            words=arenas["words"], members=arenas["class_members"], perfect=arenas["perfect"],
            levels=arenas["levels"], counting=self.counting, state=arenas["state"],
        )  # fmt: skip
        return arenas["words"]

    def arenas(self) -> Arenas:
        """Return the arrays a search works in; they serve one chunk after the other."""
        n_ranks = self.ordered.items.size
        return {
            "trie": np.empty((3, _START), dtype=np.int32),
            "members": np.empty((2, n_ranks + _START), dtype=np.int32),
            "spans": np.empty((6, _START), dtype=np.int64),
            "entries": np.empty(_START, dtype=np.int32),
            "ends": np.empty(_START, dtype=np.int32),
            "pairs": np.empty(_START, dtype=np.int32),
            "found": np.empty(n_ranks + 1, dtype=np.int32),
            "stack": np.empty((MAX_DEPTH, 8), dtype=np.int64),
            "words": np.empty(_START, dtype=np.uint64),
            "class_members": np.empty((2, _START), dtype=np.int32),
            "perfect": np.empty(n_ranks + 1, dtype=np.int32),
            "levels": np.empty((MAX_DEPTH, 6), dtype=np.int64),
            "lengths": np.zeros((MAX_DEPTH + 2, self.ordered.longest + 1), dtype=np.int64),
            "state": np.zeros(projection.STATE_SIZE, dtype=np.int64),
        }

    def start(self, arenas: Arenas, low: int, high: int) -> None:
        """Set the arrays to search for the itemsets whose least frequent item has a rank in low..high-1."""
        _put_members(arenas["members"], self.ordered, high)
        arenas["stack"][0] = 0
        fields = [projection.SIZE, projection.NEXT, projection.NODE, projection.MEMBER_END]
        arenas["stack"][0, fields] = high, low, -1, high
        arenas["lengths"][:] = 0
        arenas["state"][:] = 0
        arenas["state"][projection.LEVEL] = -1
        arenas |= self.paired
        if self.columns.size:
            self._start_class(arenas, low, high)
        elif low >= self.n_paired:
            arenas |= self._deliver(low, high)
            arenas["stack"][0, projection.SPAN] = -low

    def _deliver(self, low: int, high: int) -> Arenas:
        """Return the databases conditional on the items low..high-1, made from the baskets these stand in."""
        ordered = self.ordered
        most = int(ordered.work[low:high].sum()) + 1  # pages that are not written take no memory
        tables: Arenas = {
            "members": np.empty((2, most), dtype=np.int32),
            "spans": np.empty((6, high - low + 1), dtype=np.int64),
            "entries": np.empty(most, dtype=np.int32),
            "ends": np.empty(int(ordered.counts[low:high].sum()), dtype=np.int32),
        }
        projection.deliver_occurrences(
            base_entries=ordered.entries,
            row_ends=ordered.row_ends,
            first=self.first[low - self.n_paired : high - self.n_paired + 1],
            owner=self.owner,
            low=low,
            high=high,
            min_count=self.min_count,
            longest=self.max_length,
            tally=np.zeros(high, dtype=np.int32),
            found=np.empty(high + 1, dtype=np.int32),
            **tables,
        )
        return {f"base_{name}": table for name, table in tables.items()}

    def _start_class(self, arenas: Arenas, low: int, high: int) -> None:
        n_words = self.columns.size // self.ordered.items.size
        if arenas["words"].size < self.columns.size:
            arenas["words"] = np.empty(4 * self.columns.size, dtype=np.uint64)
        arenas["words"][: high * n_words] = self.columns[: high * n_words]
        if arenas["class_members"].shape[1] < high:
            n_rows = len(arenas["class_members"])
            arenas["class_members"] = np.empty((n_rows, 4 * high), dtype=np.int32)
        _put_members(arenas["class_members"], self.ordered, high)
        arenas["levels"][:2] = 0
        arenas["levels"][0, [bitset.SIZE, bitset.NEXT, bitset.NODE]] = high, low, -1
        arenas["lengths"][1, 0] = high - low if low else 0  # those from 0 on are tallied when 0 is extended
        state = arenas["state"]
        state[[projection.DEPTH, projection.LEVEL, bitset.N_WORDS, projection.BY_BITS]] = -1, 0, n_words, 1
        state[[bitset.MAX_LEVELS, bitset.PRUNE]] = self.max_length, self.counting or self.max_length >= high

    def advance(self, arenas: Arenas, stop: NDArray[np.int32]) -> tuple[int, str | None]:
        """Go on; return the kernel's status and the name of the array that is full, None at the end."""
        status = projection.mine_projected(
            min_count=self.min_count,
            max_length=self.max_length,
            bias=self.bias,
            stop=stop,
            counting=self.counting,
            **arenas,
        )
        return status, projection.FULL.get(status)

    def result(self, arenas: Arenas) -> NDArray[Any]:
        """Return a copy of the trie that a chunk gave, or of its tally."""
        if self.counting:
            return arenas["lengths"].copy()
        return arenas["trie"][:, : arenas["state"][TRIE_SIZE]].copy()

    def name(self, states: list[NDArray[np.int64]]) -> str:
        """Return what was used: auto tells where it went."""
        if self.algorithm != "auto":
            return self.algorithm
        by_rows, by_bits = (
            sum(int(state[field]) for state in states) for field in (projection.BY_ROWS, projection.BY_BITS)
        )
        if by_rows and by_bits:
            return "projection+bitset"
        return "bitset" if by_bits else "projection"


class PrefixTreeSearch:
    """FP-growth, see `crmintel.kernels.fptree`."""

    n_paired = 0

    def __init__(
        self,
        ordered: OrderedBaskets,
        min_count: int,
        max_length: int,
        weights: NDArray[np.int32] | None = None,
    ) -> None:
        self.ordered, self.min_count, self.max_length = ordered, min_count, max_length
        n_items, n_entries = ordered.items.size, ordered.entries.size
        self.tree = np.empty((4, n_entries), dtype=np.int32)
        self.heads = np.full(n_items, -1, dtype=np.int32)
        n_nodes = fptree.grow_tree(
            entries=ordered.entries,
            row_ends=ordered.row_ends,
            weights=np.empty(0, dtype=np.int32) if weights is None else weights,
            tree=self.tree,
            heads=self.heads,
            slots=np.full(1 << (2 * n_entries).bit_length(), -1, dtype=np.int32),
            path=np.empty(n_items, dtype=np.int32),
        )
        self.tree = self.tree[:, :n_nodes].copy()

    def arenas(self) -> Arenas:
        """Return the arrays a search works in; they serve one chunk after the other."""
        n_ranks = self.ordered.items.size
        return {
            "trie": np.empty((3, _START), dtype=np.int32),
            "members": np.empty((2, n_ranks + _START), dtype=np.int32),
            "heads": np.empty(n_ranks + _START, dtype=np.int32),
            "tree": np.empty((4, _START), dtype=np.int32),
            "slots": np.empty(_START, dtype=np.int32),
            "tally": np.zeros(n_ranks + 1, dtype=np.int32),
            "local": np.empty(n_ranks + 1, dtype=np.int32),
            "found": np.empty(n_ranks + 1, dtype=np.int32),
            "path": np.empty(n_ranks + 1, dtype=np.int32),
            "stack": np.empty((MAX_DEPTH, 5), dtype=np.int64),
            "state": np.zeros(3, dtype=np.int64),
        }

    def start(self, arenas: Arenas, low: int, high: int) -> None:
        """Set the arrays to search for the itemsets whose least frequent item has a rank in low..high-1."""
        _put_members(arenas["members"], self.ordered, high)
        arenas["stack"][0] = 0
        arenas["stack"][0, [fptree.SIZE, fptree.NEXT, fptree.NODE]] = high, low, -1
        arenas["state"][:] = 0

    def advance(self, arenas: Arenas, stop: NDArray[np.int32]) -> tuple[int, str | None]:
        """Go on; return the kernel's status and the name of the array that is full, None at the end."""
        status = fptree.mine_tree(
            base_tree=self.tree,
            base_heads=self.heads,
            min_count=self.min_count,
            max_length=self.max_length,
            stop=stop,
            **arenas,
        )
        return status, fptree.FULL.get(status)

    def result(self, arenas: Arenas) -> NDArray[Any]:
        """Return a copy of the trie that a chunk gave."""
        return arenas["trie"][:, : arenas["state"][TRIE_SIZE]].copy()

    def name(self, states: list[NDArray[np.int64]]) -> str:
        """Return what was used."""
        return "fpgrowth"


def _pair(ordered: OrderedBaskets, min_count: int, max_length: int, most: int) -> tuple[int, Arenas]:
    """Return up to ``most`` and the databases conditional on as many items, the most frequent ones.

    See `crmintel.kernels.itemsets_pairs`.
    """
    n = min(most, ordered.items.size)
    n_pairs = n * (n - 1) // 2
    pairs = np.empty(n_pairs, dtype=np.int32)
    members = np.empty((2, n + n_pairs), dtype=np.int32)
    _put_members(members, ordered, n)
    spans = np.empty((6, n + 1), dtype=np.int64)
    rows: dict[str, Any] = {
        "entries": ordered.entries, "begin": 0, "ends": ordered.row_ends, "lo": 0, "hi": ordered.row_ends.size,
    }  # fmt: skip
    count_pairs(**rows, n=n, pairs=pairs)
    choose_partners(
        pairs=pairs, n=n, min_count=min_count, members=members, member=0, above=n, spans=spans, span=0, begin=0, row=0,
    )  # fmt: skip
    # Rows that would take eight times the baskets' own memory are left to the search, which makes them chunk by chunk.
    limit = min(8 * ordered.entries.size, np.iinfo(np.int32).max)
    n = min(n, int(np.searchsorted(spans[BEGIN], limit, side="right")) - 1)
    entries = np.empty(spans[BEGIN, n], dtype=np.int32)
    ends = np.empty(spans[ROW, n], dtype=np.int32)
    if max_length > 2:
        write_conditionals(
            **rows, n=n, pairs=pairs, spans=spans, span=0, target=entries, target_ends=ends,
        )  # fmt: skip
    return n, {"base_members": members, "base_spans": spans, "base_entries": entries, "base_ends": ends}


def _put_members(members: NDArray[np.int32], ordered: OrderedBaskets, high: int) -> None:
    members[LABEL, :high] = np.arange(high)
    members[SUPPORT, :high] = ordered.counts[:high]
