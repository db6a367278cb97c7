"""Integer ids to codes: a table over the range where it is narrow, open addressing where it is wide."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from crmintel.kernels._jit import allocating_kernel, helper, kernel


@kernel
def _codes_by_table(ids, low, rank, codes):
    """Codes from a table over the id range; ``rank`` comes in zero and leaves as id - low -> code."""
    for i in range(ids.size):
        rank[ids[i] - low] = 1
    n = 0
    for i in range(rank.size):
        present = rank[i]
        rank[i] = n if present else -1
        n += present
    for i in range(ids.size):
        codes[i] = rank[ids[i] - low]
    return n


@helper
def _slot_of(value, mask):
    # Both halves times an odd constant, so that ids which share their low or their high bits part; no product wraps,
    # which plain NumPy scalars would warn of.
    bits = np.uint64(value)
    low = (bits & np.uint64(0xFFFFFFFF)) * np.uint64(0x9E3779B1)
    high = (bits >> np.uint64(32)) * np.uint64(0x85EBCA77)
    mixed = low ^ high
    return np.int64((mixed ^ (mixed >> np.uint64(29))) & np.uint64(mask))


@allocating_kernel
def _codes_by_hash(ids, codes):
    """Codes in order of first sight, by open addressing with a load of at most one half; labels and their number.

    Loops stand for np.full and slices, whose compilation takes longer than that of the rest.
    """
    capacity = 1 << 16
    table = np.empty(capacity, np.int32)
    for slot in range(capacity):
        table[slot] = -1
    labels = np.empty(capacity // 2, np.int64)
    n = 0
    for i in range(ids.size):
        value = ids[i]
        if i > 0 and value == ids[i - 1]:  # lines of one receipt stand together
            codes[i] = codes[i - 1]
            continue
        slot = _slot_of(value, capacity - 1)
        while table[slot] >= 0 and labels[table[slot]] != value:
            slot = (slot + 1) & (capacity - 1)
        if table[slot] < 0:
            if n == labels.size:
                capacity *= 4
                table = np.empty(capacity, np.int32)
                for slot in range(capacity):
                    table[slot] = -1
                wider = np.empty(capacity // 2, np.int64)
                for j in range(n):
                    wider[j] = labels[j]
                labels = wider
                for j in range(n):
                    slot = _slot_of(labels[j], capacity - 1)
                    while table[slot] >= 0:
                        slot = (slot + 1) & (capacity - 1)
                    table[slot] = j
                slot = _slot_of(value, capacity - 1)
                while table[slot] >= 0:
                    slot = (slot + 1) & (capacity - 1)
            table[slot] = n
            labels[n] = value
            n += 1
        codes[i] = table[slot]
    return labels, n


@kernel
def _recode(codes, rank):
    for i in range(codes.size):
        codes[i] = rank[codes[i]]


def factorize_integers(ids: NDArray[np.int64]) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """Return codes and the sorted distinct ids, ``ids == labels[codes]``.

    A table over the range is used where the range is at most four times the number of ids, else hashing.
    """
    ids = ids.view()
    ids.flags.writeable = False  # one signature, for lent memory and for our own
    codes = np.empty(ids.size, dtype=np.int32)
    if ids.size == 0:
        return codes, np.empty(0, dtype=np.int64)
    low, high = int(ids.min()), int(ids.max())
    span = high - low + 1
    if span <= max(4 * ids.size, 1 << 20):
        rank = np.zeros(span, dtype=np.int32)
        _codes_by_table(ids, low, rank, codes)
        return codes, (np.flatnonzero(rank >= 0) + low).astype(np.int64)
    labels, n = _codes_by_hash(ids, codes)
    labels = labels[:n].copy()
    order = np.argsort(labels)
    rank = np.empty(labels.size, dtype=np.int32)
    rank[order] = np.arange(labels.size, dtype=np.int32)
    _recode(codes, rank)
    return codes, labels[order]
