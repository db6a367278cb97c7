"""Hash sets of itemsets: which were found, or announced.

An itemset's hash is the XOR of its items' random numbers (Zobrist), so leaving an item out is one XOR; with its count
mixed in it is a key of 62 bits. Two of a million keys are the same with a chance of 1e-7.
"""

from __future__ import annotations

from crmintel.kernels._jit import kernel

EMPTY = 0
_COUNT_MIX, _TAKEN = 0x9E3779B1, 1 << 62


@kernel
def key_of(digest, count):
    """Return the key of an itemset: never `EMPTY`."""
    return (digest ^ (count * _COUNT_MIX)) | _TAKEN


@kernel
def find(table, key):
    """Return the slot of ``table`` (a power of 2 in size, not full) that holds ``key``, or the empty one for it."""
    slot = (key ^ (key >> 29)) & (table.size - 1)
    while table[slot] != EMPTY and table[slot] != key:
        slot = (slot + 1) & (table.size - 1)
    return slot


@kernel
def insert_all(keys, table):
    """Put the keys into ``table``; `EMPTY` ones are left out."""
    for k in range(keys.size):
        if keys[k] != EMPTY:
            table[find(table, keys[k])] = keys[k]


@kernel
def copy_missing(keys, table, ends, items, counts, longest, kept_offsets, kept_items, kept_counts):
    """Copy the itemsets of up to ``longest`` items whose key is not in ``table``; return how many they are.

    Without ``items`` the offsets and counts alone are written.
    """
    n, at = 0, kept_offsets[0]
    for k in range(keys.size):
        length = ends[k + 1] - ends[k]
        if length > longest or table[find(table, keys[k])] != EMPTY:
            continue
        if items.size > 0:
            for p in range(ends[k], ends[k + 1]):
                kept_items[at + p - ends[k]] = items[p]
        at += length
        kept_counts[n] = counts[k]
        kept_offsets[n + 1] = at
        n += 1
    return n


@kernel
def find_free(by_length, offsets, items, counts, n_baskets, random, table, number, free):
    """Mark in ``free`` the itemsets no subset of which has the same count.

    ``by_length`` lists all itemsets, short ones first. A free itemset has only free subsets, so those with one item
    less decide. ``table`` and ``number`` (its itemsets) are filled here.
    """
    for k in by_length:
        digest = 0
        for p in range(offsets[k], offsets[k + 1]):
            digest ^= random[items[p]]
        is_free = counts[k] < n_baskets
        if offsets[k + 1] - offsets[k] > 1:
            for p in range(offsets[k], offsets[k + 1]):
                slot = find(table, key_of(digest ^ random[items[p]], 0))
                if table[slot] == EMPTY or counts[number[slot]] == counts[k]:
                    is_free = False
                    break
        if is_free:
            slot = find(table, key_of(digest, 0))
            table[slot] = key_of(digest, 0)
            number[slot] = k
        free[k] = is_free
