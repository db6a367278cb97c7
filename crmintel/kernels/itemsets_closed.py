"""Depth-first search for the closed or the maximal itemsets, or for candidates of generators.

The search is that for all itemsets (`crmintel.kernels.itemsets_projection`), but what stands in all baskets of an
itemset joins it at once. An itemset that is then not closed lacks an item passed before:

- in a class of columns, whose items are extended from the last one on: a table of the columns seen so far is asked
  for an itemset with the same baskets, and the search goes no further below one that is not closed;
- among rows: with the least such item it is an itemset that was written too, so all itemsets are looked up without
  any one item that was extended among rows in the end (`crmintel.kernels.itemsets_found`). These items are written
  as their complement.

Nodes of the trie that are no itemsets have the count 0.

Zaki, M. J., Hsiao, C.-J. (2005). Efficient algorithms for mining closed itemsets and their lattice structure. IEEE
TKDE 17(4), 462-478.
"""

from __future__ import annotations

import numpy as np

from crmintel.kernels._jit import helper, kernel
from crmintel.kernels.itemsets import (
    COUNT,
    DONE,
    ITEM,
    LABEL,
    NEEDED,
    PARENT,
    STOPPED,
    SUPPORT,
    TRIE_FULL,
    TRIE_SIZE,
)
from crmintel.kernels.itemsets_bitset import (
    CLASS_FULL,
    LEVEL,
    MAX_LEVELS,
    MEMBER,
    N_WORDS,
    NEXT,
    NODE,
    SIZE,
    WORD,
    WORDS_FULL,
    intersect,
)
from crmintel.kernels.itemsets_found import EMPTY, KEY, NUMBER, first_slot, key_of
from crmintel.kernels.itemsets_maximal import FOCUS_FULL, INDEX_FULL, search_maximal
from crmintel.kernels.itemsets_projection import (
    CLASS,
    CLOSED,
    FREE,
    MAXIMAL,
    N_MARKS,
    OPENED,
    open_next,
)
from crmintel.kernels.itemsets_projection import FULL as PROJECTION_FULL

MARKS_FULL = 11
FULL = PROJECTION_FULL | {INDEX_FULL: "index", FOCUS_FULL: "focus"}


@helper
def column_key(words, base, n_words, random, root, count):
    """Return the key of a column of bits in the class of ``root``."""
    mixed, column = np.uint64(0), np.uint64(base)
    low, half = np.uint64(0xFFFFFFFF), np.uint64(32)
    for w in range(np.uint64(n_words)):
        # A product of 64 bits by 64 would overflow, which NumPy warns of where nothing is compiled.
        word, number = words[column + w], random[w]
        mixed ^= (word & low) * (number & low) ^ (word >> half) * (number >> half)
    return key_of(np.int64((mixed ^ (mixed >> half)) >> np.uint64(2)) ^ root * 0x9E3779B1, count)


@helper
def is_below(trie, found, node, label, root, mark):
    """Tell whether the itemset ``found`` holds that of ``node`` and ``label``; both are of the class of ``root``.

    ``mark`` is scratch for a number per item, zeros, as it is left.
    """
    k = found
    while k > root:
        mark[trie[ITEM, k]] = 1
        k = trie[PARENT, k]
    held = mark[label] == 1
    k = node
    while held and k > root:
        held = mark[trie[ITEM, k]] == 1
        k = trie[PARENT, k]
    k = found
    while k > root:
        mark[trie[ITEM, k]] = 0
        k = trie[PARENT, k]
    return held


@helper
def find_mark(key, count, marks, trie, node, label, root, mark):
    """Return the slot of ``marks`` with an itemset that holds that of ``node`` and ``label``, or the empty one."""
    slot = first_slot(key, marks)
    while marks[slot, KEY] != EMPTY:
        found = marks[slot, NUMBER]
        if (
            marks[slot, KEY] == key
            and trie[COUNT, found] == count
            and is_below(trie, found, node, label, root, mark)
        ):
            break
        slot = (slot + 1) & (len(marks) - 1)
    return slot


@helper
def search_closed(min_count, words, members, perfect, levels, random, marks, mark, target, state, trie, stop):
    """Search the class on ``levels`` from ``state`` on; see `mine_condensed`."""
    n_words, max_levels = state[N_WORDS], state[MAX_LEVELS]
    depth, size = state[LEVEL], state[TRIE_SIZE]
    status = DONE
    while depth >= 0:
        node, n = levels[depth, NODE], levels[depth, SIZE]
        i, is_root = levels[depth, NEXT], node < 0
        if i == n:
            depth -= 1
            continue
        if not is_root:
            i = n - 1 - i
        base, member = levels[depth, WORD], levels[depth, MEMBER]
        top, above = base + n * n_words, member + n
        if size + 1 + i > trie.shape[1]:
            state[NEEDED] = size + 1 + i
            status = TRIE_FULL
            break
        if top + i * n_words + n_words > words.size:
            state[NEEDED] = top + i * n_words + n_words
            status = WORDS_FULL
            break
        if above + i >= members.shape[1]:
            state[NEEDED] = above + i + 1
            status = CLASS_FULL
            break
        if 2 * state[N_MARKS] + 2 > len(marks):
            status = MARKS_FULL
            break
        if stop[0]:
            status = STOPPED
            break
        levels[depth, NEXT] += 1
        label, count = members[LABEL, member + i], members[SUPPORT, member + i]
        slot, key = -1, 0
        if is_root:
            state[CLASS] = size
            if 4 * state[N_MARKS] > len(marks):
                marks[:] = EMPTY
                state[N_MARKS] = 0
        elif target == CLOSED:
            key = column_key(words, base + i * n_words, n_words, random, state[CLASS], np.int64(count))
            slot = find_mark(key, count, marks, trie, node, label, state[CLASS], mark)
            if marks[slot, KEY] != EMPTY:
                continue
        kept, n_perfect = 0, 0
        if depth + 1 < max_levels:
            kept, n_perfect = intersect(
                i, top, n_words, base, member, above, min_count, np.int64(count), target == FREE,
                words, members, perfect, 0,
            )  # fmt: skip
        if target == FREE:
            n_perfect = 0
        trie[PARENT, size] = node
        trie[ITEM, size] = ~label if is_root else label
        trie[COUNT, size] = 0
        for k in range(n_perfect):
            size += 1
            trie[PARENT, size] = size - 1
            trie[ITEM, size] = perfect[k]
            trie[COUNT, size] = 0
        trie[COUNT, size] = count
        if slot >= 0:
            marks[slot, KEY], marks[slot, NUMBER] = key, size
            state[N_MARKS] += 1
        size += 1
        if kept > 0:
            depth += 1
            levels[depth, WORD] = top
            levels[depth, MEMBER] = above
            levels[depth, SIZE] = kept
            levels[depth, NEXT] = 0
            levels[depth, NODE] = size - 1
    state[LEVEL] = depth
    state[TRIE_SIZE] = size
    return status


@kernel
def mine_condensed(
    base_members, base_spans, base_entries, base_ends, min_count, max_length, bias, target, stop,
    trie, members, spans, entries, ends, pairs, found, stack,
    words, class_members, perfect, levels, lengths, random, marks, mark, trail, index, focus, state,
):  # fmt: skip
    """Go on with a search until it is done, told to stop, or an array is full; return which.

    Parameters
    ----------
    target : what is searched for
    random : a random number for each word a column may have
    marks : table of the columns of a class, see `crmintel.kernels.itemsets_found`
    mark : (n_ranks,) zeros
    trail, index, focus : the itemset the search stands at, and arenas, see `crmintel.kernels.itemsets_maximal`
    base_members ... state : see `crmintel.kernels.itemsets_projection.mine_projected`
    """
    while True:
        if state[LEVEL] >= 0:
            if target == MAXIMAL:
                status = search_maximal(
                    min_count, words, class_members, perfect, levels, trail, index, focus, state, trie, stop
                )
            else:
                status = search_closed(
                    min_count,
                    words,
                    class_members,
                    perfect,
                    levels,
                    random,
                    marks,
                    mark,
                    target,
                    state,
                    trie,
                    stop,
                )
            if status != DONE:
                return status
        status = open_next(
            base_members, base_spans, base_entries, base_ends, min_count, max_length, bias, target, stop,
            trie, members, spans, entries, ends, pairs, found, stack,
            words, class_members, perfect, levels, False, lengths, state,
        )  # fmt: skip
        if status != OPENED:
            return status
        if 4 * state[N_MARKS] > len(marks):
            marks[:] = EMPTY
            state[N_MARKS] = 0
