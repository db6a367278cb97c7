"""Depth-first search for the maximal itemsets of a class of columns, with an index of those found.

64 itemsets are a block of words, one for each item of the class; the AND of the words of some items shows which of
the 64 hold them all. The search goes no further below an itemset where one of them holds it and all its candidates.
Down the search the supersets of the itemset so far are carried along: pairs of a block's number and the bits in it.

Gouda, K., Zaki, M. J. (2005). GenMax: an efficient algorithm for mining maximal frequent itemsets. Data Mining and
Knowledge Discovery 11, 223-242 (progressive focusing).
"""

from __future__ import annotations

import numpy as np

from crmintel.kernels._jit import helper
from crmintel.kernels.bits import count_ones
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
    MEMBER,
    N_WORDS,
    NEXT,
    NODE,
    SIZE,
    WORD,
    WORDS_FULL,
)

# Further rows of the members of a class: number in the whole class, where the column starts, what is known.
LOCAL, HEAD, FLAG = 2, 3, 4
N_ROWS = 5

# An item beside one passed before: frequent with it, or never without it.
OPEN, JOINED, COVERED = 0, 1, 2

# Further fields of a level: items on the way to it, its supersets in ``focus``, how many were found when it was made.
LENGTH, FOCUS, FOCUS_END, FOUND = 6, 7, 8, 9
N_FIELDS = 10

# Further field of ``state``: how many itemsets of the class were found.
N_FOUND = 11

BLOCK, BITS = 0, 1

INDEX_FULL, FOCUS_FULL = 12, 13


@helper
def meet(i, top, n_words, member, above, min_count, words, members, joining):
    """Intersect column i of a class with those before it, to ``words[top:]``, the least frequent ones last.

    Items that stand in all its baskets are listed in ``joining``; returns how many are frequent else, and these.
    """
    own_count = members[SUPPORT, member + i]
    kept, n_joining = 0, 0
    width, own, at = np.uint64(n_words), np.uint64(members[HEAD, member + i]), np.uint64(top)
    for j in range(member, member + i):
        other = np.uint64(members[HEAD, j])
        ones = np.uint64(0)
        for w in range(width):
            both = words[own + w] & words[other + w]
            words[at + w] = both
            ones += count_ones(both)
        count = np.int64(ones)
        if count < min_count:
            continue
        if count == members[SUPPORT, j]:
            members[FLAG, j] = COVERED
        elif members[FLAG, j] == OPEN:
            members[FLAG, j] = JOINED
        if count == own_count:
            joining[n_joining] = j
            n_joining += 1
            continue
        place = above + kept
        while place > above and members[SUPPORT, place - 1] < count:
            for field in range(FLAG):
                members[field, place] = members[field, place - 1]
            place -= 1
        members[LABEL, place] = members[LABEL, j]
        members[SUPPORT, place] = count
        members[LOCAL, place] = members[LOCAL, j]
        members[HEAD, place] = np.int64(at)
        members[FLAG, above + kept] = OPEN
        kept += 1
        at += width
    return kept, n_joining


@helper
def register(number, n_local, trail, length, index):
    """Put the itemset of the items ``trail[:length]`` into the index."""
    base = (number >> 6) * n_local
    if number & 63 == 0:
        for k in range(base, base + n_local):
            index[k] = 0
    bit = np.int64(1) << np.int64(number & 63)
    for k in range(length):
        index[base + trail[k]] |= bit


@helper
def narrow(level, n_found, n_local, index, trail, length, members, above, n_members, focus):
    """Find the supersets of an itemset, among those of the level it extends and those found since.

    The new items are ``trail[level[LENGTH]:length]``. The supersets are written behind those of the level; returns
    their end, or -1 if one of them holds the ``n_members`` members from ``above`` on too.
    """
    top, since = level[FOCUS_END], level[FOUND]
    n_carried = level[FOCUS_END] - level[FOCUS]
    for k in range(n_carried + ((n_found + 63) >> 6) - (since >> 6)):
        if k < n_carried:
            block, bits = focus[BLOCK, level[FOCUS] + k], focus[BITS, level[FOCUS] + k]
        else:
            block = (since >> 6) + k - n_carried
            bits = np.int64(-1) << np.int64(since & 63) if k == n_carried else np.int64(-1)
        base = block * n_local
        for p in range(level[LENGTH], length):
            bits &= index[base + trail[p]]
        if bits == 0:
            continue
        focus[BLOCK, top] = block
        focus[BITS, top] = bits
        top += 1
        p = above
        while bits != 0 and p < above + n_members:
            bits &= index[base + members[LOCAL, p]]
            p += 1
        if bits != 0:
            return -1
    return top


@helper
def search_maximal(min_count, words, members, joining, levels, trail, index, focus, state, trie, stop):
    """Search the class on ``levels`` from ``state`` on; see `crmintel.kernels.itemsets_closed.mine_condensed`."""
    n_words, n_local = state[N_WORDS], levels[0, SIZE]
    depth, size = state[LEVEL], state[TRIE_SIZE]
    if depth == 0 and (levels[0, NEXT] == 0 or levels[0, NODE] < 0):
        state[N_FOUND] = 0
        for field in (LENGTH, FOCUS, FOCUS_END, FOUND):
            levels[0, field] = 0
        for k in range(n_local):
            members[LOCAL, k] = k
            members[HEAD, k] = k * n_words
            members[FLAG, k] = OPEN
    status = DONE
    while depth >= 0:
        level = levels[depth]
        node, n = level[NODE], level[SIZE]
        i, is_root = level[NEXT], node < 0
        if i == n:
            depth -= 1
            continue
        if not is_root:
            i = n - 1 - i
        member = level[MEMBER]
        top, above, n_found = level[WORD] + n * n_words, member + n, state[N_FOUND]
        lacking = DONE
        for full, room, needed in (
            (TRIE_FULL, trie.shape[1], size + 1 + i),
            (WORDS_FULL, words.size, top + i * n_words),
            (CLASS_FULL, members.shape[1], above + i),
            (INDEX_FULL, index.size, ((n_found >> 6) + 1) * n_local),
            (FOCUS_FULL, focus.shape[1], 2 * level[FOCUS_END] - level[FOCUS] + ((n_found - level[FOUND]) >> 6) + 2),
        ):  # fmt: skip
            if room < needed:
                state[NEEDED] = needed
                lacking = full
        if lacking != DONE or stop[0]:
            status = lacking if lacking != DONE else STOPPED
            break
        level[NEXT] += 1
        flag = OPEN if is_root else members[FLAG, member + i]
        if flag == COVERED:
            continue
        kept, n_joining = meet(i, top, n_words, member, above, min_count, words, members, joining)
        if kept == 0 and flag == JOINED:
            continue
        length, focus_end = level[LENGTH], level[FOCUS_END]
        trail[length] = members[LOCAL, member + i]
        length += 1
        for k in range(n_joining):
            trail[length] = members[LOCAL, joining[k]]
            length += 1
        if is_root:
            state[N_FOUND] = 0
            n_found = 0
        else:
            focus_end = narrow(level, n_found, n_local, index, trail, length, members, above, kept, focus)
            if focus_end < 0:
                continue
        label, count = members[LABEL, member + i], members[SUPPORT, member + i]
        trie[PARENT, size] = node
        trie[ITEM, size] = ~label if is_root else label
        trie[COUNT, size] = 0
        for k in range(n_joining):
            size += 1
            trie[PARENT, size] = size - 1
            trie[ITEM, size] = members[LABEL, joining[k]]
            trie[COUNT, size] = 0
        size += 1
        if kept == 0:
            trie[COUNT, size - 1] = count
            register(n_found, n_local, trail, length, index)
            state[N_FOUND] = n_found + 1
            continue
        depth += 1
        upper = levels[depth]
        upper[WORD], upper[MEMBER], upper[SIZE], upper[NEXT], upper[NODE] = top, above, kept, 0, size - 1
        upper[LENGTH], upper[FOCUS], upper[FOCUS_END] = length, level[FOCUS_END], focus_end
        upper[FOUND] = n_found
    state[LEVEL] = depth
    state[TRIE_SIZE] = size
    return status
