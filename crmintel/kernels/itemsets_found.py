"""Itemsets written as nodes of a trie: which are not closed or not maximal, and lists of those that are.

An itemset's digest is the XOR of its items' random numbers (Zobrist), so leaving an item out is one XOR; with its count
mixed in it is a key. Keys only say where to look: what decides is whether the items are the same.
"""

from __future__ import annotations

import numpy as np

from crmintel.kernels._jit import helper, kernel
from crmintel.kernels.itemsets import COUNT, ITEM, PARENT

# Columns of a table of itemsets: the key, and the number of the itemset that was put in.
KEY, NUMBER = 0, 1
EMPTY = 0
# Itemsets that a kernel looks at before it returns, so that Ctrl-C is heard between its calls.
AT_ONCE = 1 << 20
_COUNT_MIX, _TAKEN = 0x9E3779B1, 1 << 62


@helper
def key_of(digest, count):
    """Return the key of an itemset: never `EMPTY`."""
    return (digest ^ (count * _COUNT_MIX)) | _TAKEN


@helper
def first_slot(key, table):
    """Return where to look for ``key`` first in ``table``, a power of 2 in size and not full."""
    return (key ^ (key >> 29)) & (len(table) - 1)


@helper
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
def describe(start, end, trie, random, digests, lengths, branches):
    """Fill in the nodes start..end-1 of ``trie``: digest, length, and the last item extended that is looked up without.

    These items are written as their complement, which is undone here.
    """
    for k in range(start, end):
        parent, item = trie[PARENT, k], trie[ITEM, k]
        branch = k if item < 0 else -1
        item = ~item if item < 0 else item
        trie[ITEM, k] = item
        digests[k] = random[item]
        lengths[k] = 1
        if parent >= 0:
            digests[k] ^= digests[parent]
            lengths[k] += lengths[parent]
            branch = branches[parent] if branch < 0 else branch
        branches[k] = branch


@kernel
def note(start, end, trie, random, digests, branches, mix, bits):
    """Set the bits of the keys of the itemsets start..end-1 without any one item extended; counts count by ``mix``."""
    mask = np.int64(64 * bits.size - 1)
    for k in range(start, end):
        count = trie[COUNT, k]
        if count == 0:
            continue
        b = branches[k]
        while b >= 0:
            key = key_of(digests[k] ^ random[trie[ITEM, b]], np.int64(count) * mix)
            place = (key ^ (key >> 29)) & mask
            bits[np.uint64(place >> 6)] |= np.uint64(1) << np.uint64(place & 63)
            b = branches[trie[PARENT, b]] if trie[PARENT, b] >= 0 else -1


@kernel
def list_noted(start, end, trie, digests, mix, bits, keys, numbers):
    """List the itemsets start..end-1 whose bit is set, with their keys; return how many."""
    mask = np.int64(64 * bits.size - 1)
    n = 0
    for k in range(start, end):
        key = key_of(digests[k], np.int64(trie[COUNT, k]) * mix)
        place = (key ^ (key >> 29)) & mask
        keys[n], numbers[n] = key, k
        is_set = (bits[np.uint64(place >> 6)] >> np.uint64(place & 63)) & np.uint64(1)
        n += np.int64(is_set) * np.int64(trie[COUNT, k] > 0)
    return n


@helper
def is_without(trie, number, k, branch, mark):
    """Tell whether itemset ``number`` is ``k`` without the item of ``branch``, for one of the same length as that."""
    node = k
    while node >= 0:
        mark[trie[ITEM, node]] = 1
        node = trie[PARENT, node]
    mark[trie[ITEM, branch]] = 0
    same = True
    node = number
    while same and node >= 0:
        same = mark[trie[ITEM, node]] == 1
        node = trie[PARENT, node]
    node = k
    while node >= 0:
        mark[trie[ITEM, node]] = 0
        node = trie[PARENT, node]
    return same


@kernel
def drop_within(start, end, trie, random, digests, lengths, branches, mix, bits, table, mark, dropped):
    """Set ``dropped`` for the itemsets in ``table`` that one of start..end-1 is without one item.

    ``bits`` holds the keys of the table; ``mark`` is scratch for a number per item, zeros, as it is left.
    """
    mask = np.int64(64 * bits.size - 1)
    for k in range(start, end):
        count = trie[COUNT, k]
        if count == 0:
            continue
        b = branches[k]
        while b >= 0:
            key = key_of(digests[k] ^ random[trie[ITEM, b]], np.int64(count) * mix)
            place = (key ^ (key >> 29)) & mask
            if (bits[np.uint64(place >> 6)] >> np.uint64(place & 63)) & np.uint64(1):
                slot = first_slot(key, table)
                while table[slot, KEY] != EMPTY:
                    number = table[slot, NUMBER]
                    if (
                        table[slot, KEY] == key
                        and lengths[number] == lengths[k] - 1
                        and (mix == 0 or trie[COUNT, number] == count)
                        and is_without(trie, number, k, np.int64(b), mark)
                    ):
                        dropped[number] = True
                    slot = (slot + 1) & (len(table) - 1)
            b = branches[trie[PARENT, b]] if trie[PARENT, b] >= 0 else -1


@kernel
def list_sets(start, end, trie, lengths, kept, codes, path, offset, offsets, items):
    """Write the itemsets ``kept`` of the nodes start..end-1 as lists of rising item codes; return the end of these.

    ``offset`` is the number of the first one. Row n of ``path`` holds the list of the last node of n items: nodes
    stand behind their parents in depth-first order.
    """
    number = offset
    for k in range(start, end):
        n = lengths[k] - 1
        code = codes[trie[ITEM, k]]
        place = 0
        for p in range(n):
            smaller = path[n, p] < code
            place += smaller
            path[n + 1, p + (not smaller)] = path[n, p]
        path[n + 1, place] = code
        if kept[k]:
            at = offsets[number]
            for p in range(n + 1):
                items[at + p] = path[n + 1, p]
            offsets[number + 1] = at + n + 1
            number += 1
    return number


@helper
def is_within(items, low, high, first, last):
    """Tell whether the rising list ``items[first:last]`` holds all of the rising list ``items[low:high]``."""
    for p in range(low, high):
        while first < last and items[first] < items[p]:
            first += 1
        if first == last or items[first] != items[p]:
            return False
    return True


@helper
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
