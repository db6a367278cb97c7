"""Hash tables of itemsets: which were found, or announced.

An itemset's digest is the XOR of its items' random numbers (Zobrist), so leaving an item out is one XOR; with its count
mixed in it is a key. Keys only say where to look: what decides is whether the items are the same.
"""

from __future__ import annotations

import numpy as np

from crmintel.kernels._jit import kernel

# Columns of a table of itemsets: the key, and the number of the itemset that was put in.
KEY, NUMBER = 0, 1
EMPTY = 0
# Itemsets that a kernel looks at before it returns, so that Ctrl-C is heard between its calls.
AT_ONCE = 1 << 20
_COUNT_MIX, _TAKEN = 0x9E3779B1, 1 << 62


@kernel
def key_of(digest, count):
    """Return the key of an itemset: never `EMPTY`."""
    return (digest ^ (count * _COUNT_MIX)) | _TAKEN


@kernel
def first_slot(key, table):
    """Return where to look for ``key`` first in ``table``, a power of 2 in size and not full."""
    return (key ^ (key >> 29)) & (len(table) - 1)


@kernel
def insert(key, number, table):
    """Put an itemset into ``table``."""
    slot = first_slot(key, table)
    while table[slot, KEY] != EMPTY:
        slot = (slot + 1) & (len(table) - 1)
    table[slot, KEY] = key
    table[slot, NUMBER] = number


@kernel
def insert_all(keys, numbers, table):
    """Put itemsets into ``table``; `EMPTY` keys are left out."""
    for k in range(keys.size):
        if keys[k] != EMPTY:
            insert(keys[k], numbers[k], table)


@kernel
def is_within(items, low, high, first, last):
    """Tell whether the rising list ``items[first:last]`` holds all of the rising list ``items[low:high]``."""
    for p in range(low, high):
        while first < last and items[first] < items[p]:
            first += 1
        if first == last or items[first] != items[p]:
            return False
    return True


@kernel
def find_superset(key, table, items, ends, counts, low, high, count):
    """Return the slot of an itemset of this key and count that holds ``items[low:high]``, or the empty one for it.

    Itemset number k is ``items[ends[k]:ends[k + 1]]``.
    """
    slot = first_slot(key, table)
    while table[slot, KEY] != EMPTY:
        number = table[slot, NUMBER]
        if (
            table[slot, KEY] == key
            and counts[number] == count
            and is_within(items, low, high, ends[number], ends[number + 1])
        ):
            break
        slot = (slot + 1) & (len(table) - 1)
    return slot


@kernel
def note(keys, bits):
    """Set a bit for each key but `EMPTY` ones."""
    for k in range(keys.size):
        if keys[k] != EMPTY:
            place = (keys[k] ^ (keys[k] >> 29)) & (64 * bits.size - 1)
            bits[place >> 6] |= np.uint64(1) << np.uint64(place & 63)


@kernel
def list_noted(keys, bits, first, numbers):
    """List the keys whose bit is set, counted from ``first`` on; return how many."""
    n = 0
    for k in range(keys.size):
        place = (keys[k] ^ (keys[k] >> 29)) & (64 * bits.size - 1)
        numbers[n] = first + k
        n += np.int64((bits[place >> 6] >> np.uint64(place & 63)) & np.uint64(1))
    return n


@kernel
def drop_within(start, keys, table, items, offsets, counts, same_count, kept):
    """Unset ``kept`` for the itemsets in ``table`` that another one holds, with ``same_count`` one of the same count.

    ``keys[k]`` is that of a part of itemset ``start + k``.
    """
    for k in range(keys.size):
        slot = first_slot(keys[k], table)
        while table[slot, KEY] != EMPTY:
            number = table[slot, NUMBER]
            if (
                table[slot, KEY] == keys[k]
                and number != start + k
                and (counts[number] == counts[start + k] or not same_count)
                and is_within(
                    items, offsets[number], offsets[number + 1], offsets[start + k], offsets[start + k + 1]
                )
            ):
                kept[number] = False
            slot = (slot + 1) & (len(table) - 1)


@kernel
def close_up(start, numbers, items, offsets, counts, at):
    """Move the itemsets ``numbers`` (rising) up, from the one at ``start`` on, to ``items[at:]``; return their end.

    At most `AT_ONCE` are moved.
    """
    for k in range(start, min(start + AT_ONCE, numbers.size)):
        low, high = offsets[numbers[k]], offsets[numbers[k] + 1]
        counts[k] = counts[numbers[k]]
        for p in range(low, high):
            items[at + p - low] = items[p]
        offsets[k] = at
        at += high - low
    return at


@kernel
def _is_free(k, digest, items, offsets, counts, random, table):
    """Tell whether all itemsets with one item less are in ``table``, with other counts."""
    low, high = offsets[k], offsets[k + 1]
    for p in range(low, high):
        key = key_of(digest ^ random[items[p]], 0)
        slot = first_slot(key, table)
        while True:
            if table[slot, KEY] == EMPTY:
                return False
            number = table[slot, NUMBER]
            first, last = offsets[number], offsets[number + 1]
            # those before p, and those behind it
            middle = first + p - low
            if (
                table[slot, KEY] == key
                and last - first == high - low - 1
                and is_within(items, first, middle, low, p)
                and is_within(items, middle, last, p + 1, high)
            ):
                break
            slot = (slot + 1) & (len(table) - 1)
        if counts[number] == counts[k]:
            return False
    return True


@kernel
def find_free(start, by_length, offsets, items, counts, n_baskets, random, table, free):
    """Mark in ``free`` the itemsets no subset of which has the same count, from the one at ``start`` on.

    ``by_length`` lists all itemsets, short ones first. A free itemset has only free subsets, so those with one item
    less decide. ``table`` is filled here. At most `AT_ONCE` itemsets are looked at.
    """
    for k in by_length[start : start + AT_ONCE]:
        digest = 0
        for p in range(offsets[k], offsets[k + 1]):
            digest ^= random[items[p]]
        free[k] = counts[k] < n_baskets and (
            offsets[k + 1] - offsets[k] == 1 or _is_free(k, digest, items, offsets, counts, random, table)
        )
        if free[k]:
            insert(key_of(digest, 0), k, table)
