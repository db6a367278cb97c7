"""Which patterns are closed: no pattern found holds them with the same count."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from crmintel.kernels.sequences_closed import drop_absorbed, drop_absorbed_by_longer
from crmintel.patterns._chunks import cut_chunks
from crmintel.patterns._sequence_trie import PatternTrie


def closed_patterns(trie: PatternTrie, *, gaps: bool) -> NDArray[np.bool_]:
    """Return a mask of the closed ones.

    Without a largest gap every part of a pattern is frequent too, so that one item more decides. With one a pattern
    may be frequent and a part of it not (the gap over what is left out is too large): pairs are compared.
    """
    n = trie.parent.size
    closed = np.ones(n, dtype=bool)
    flat = trie.flat()
    item_offsets = flat.element_offsets[flat.offsets]
    if not gaps:
        slots = np.full(1 << max(2, (2 * n).bit_length()), -1, dtype=np.int32)
        drop_absorbed(
            parent=trie.parent,
            code=trie.code,
            counts=trie.counts,
            n_items=trie.items.size,
            item_offsets=item_offsets,
            slots=slots,
            shorter=np.empty(item_offsets[-1], dtype=np.int32),
            closed=closed,
        )
        return closed
    order = np.lexsort((np.diff(item_offsets), trie.counts))
    counts = trie.counts[order]
    signatures = _signatures(trie)[order]
    stops = np.searchsorted(counts, counts, side="right")
    for low, high in cut_chunks(stops - np.arange(n)):  # between two of them Ctrl-C is heard
        drop_absorbed_by_longer(
            low=low,
            high=high,
            order=order,
            stops=stops,
            items=flat.items,
            element_offsets=flat.element_offsets,
            offsets=flat.offsets,
            signatures=signatures,
            closed=closed,
        )
    return closed


def _signatures(trie: PatternTrie) -> NDArray[np.uint64]:
    """Return one word for each pattern with a bit for each of its items; the words of its parts have no other bits."""
    n_items = max(1, trie.items.size)
    words = np.uint64(1) << (trie.code % n_items % 64).astype(np.uint64)
    for level in trie.levels():
        words[level] |= words[trie.parent[level]]
    return words
