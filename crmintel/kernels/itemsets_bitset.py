"""Vertical mining: items as columns of bits, 64 baskets a word, supersets by AND and counting ones.

Zaki, M. J. (2000). Scalable algorithms for association mining. IEEE TKDE 12(3), 372-390 (Eclat). Items that stand
in all baskets of the prefix (perfect extensions) leave the search; their itemsets are copies of the finished
block with one item more, which is most of the output of dense data.
"""

from __future__ import annotations

import numpy as np

from crmintel.kernels._jit import helper, kernel
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

# Fields of a level of the depth-first search: where its class starts in ``words`` and in ``members``, its size,
# the next item to extend (beyond the size: the next perfect extension), its trie node, and where its perfect
# extensions start.
WORD, MEMBER, SIZE, NEXT, NODE, PERFECT = 0, 1, 2, 3, 4, 5

# Fields of ``state``: the level the search stands at (-1 where there is no search), and what holds for its class.
LEVEL, N_WORDS, MAX_LEVELS, PRUNE = 2, 3, 4, 5

WORDS_FULL, CLASS_FULL = 3, 4  # see `crmintel.kernels.itemsets.DONE`


@kernel
def open_class(
    entries, begin, ends, lo, hi, items, first, n, count, column, words, members, perfect, levels, counting, state,
):  # fmt: skip
    """Turn the rows lo..hi-1 over ``n`` items into a class below the node about to be written.

    Rows end at ``ends[row]`` in ``entries``, the first one starts at ``begin``. The items' labels and counts stand in
    ``items`` from ``first`` on, ``count`` is that of the node; items of the same count are perfect extensions and get
    no column. ``column`` is scratch.
    """
    n_words = (hi - lo + 63) >> 6
    if n * n_words > words.size:
        state[NEEDED] = n * n_words
        return WORDS_FULL
    if n > members.shape[1]:
        state[NEEDED] = n
        return CLASS_FULL
    # Where a length limit is in reach, copied blocks could pass it; what is counted is cut off afterwards.
    prune = counting or state[MAX_LEVELS] >= n
    kept, n_perfect = 0, 0
    for i in range(n):
        if prune and items[SUPPORT, first + i] == count:
            perfect[n_perfect] = items[LABEL, first + i]
            n_perfect += 1
            column[i] = -1
        else:
            members[LABEL, kept] = items[LABEL, first + i]
            members[SUPPORT, kept] = items[SUPPORT, first + i]
            column[i] = kept * n_words
            kept += 1
    for w in range(kept * n_words):
        words[w] = 0
    for row in range(lo, hi):
        word = (row - lo) >> 6
        bit = np.uint64(1) << np.uint64((row - lo) & 63)
        for p in range(begin, ends[row]):
            if column[entries[p]] >= 0:
                words[column[entries[p]] + word] |= bit
        begin = ends[row]
    levels[0, WORD] = 0
    levels[0, MEMBER] = 0
    levels[0, SIZE] = kept
    levels[0, NEXT] = 0
    levels[0, NODE] = state[TRIE_SIZE]
    levels[0, PERFECT] = 0
    levels[1, PERFECT] = n_perfect
    state[LEVEL] = 0
    state[N_WORDS] = n_words
    state[PRUNE] = prune
    return DONE


@helper
def copy_block(trie, size, node, item):
    """Append ``node``'s block (it and all below it, up to ``size``) with ``item`` added; return the new size."""
    parent, items, counts = trie[PARENT], trie[ITEM], trie[COUNT]
    shift = size - node
    parent[size] = node
    items[size] = item
    counts[size] = counts[node]
    for k in range(node + 1, size):
        parent[k + shift] = parent[k] + shift
    for k in range(node + 1, size):
        items[k + shift] = items[k]
    for k in range(node + 1, size):
        counts[k + shift] = counts[k]
    return size + shift


@helper
def intersect(
    i, top, n_words, base, member, above, min_count, perfect_count, free, words, members, perfect, n_perfect
):
    """Intersect column i of a class with those before it; return the size of the class made and the perfect ones.

    Where ``free``, items are left out that stand in no basket without item i.

    Every column is written behind the last one that was kept, which saves a branch that no processor can predict:
    there must be room for one more than is kept. Places are unsigned, as a signed one is tested for its sign.
    """
    kept, n_perfect = np.int64(0), np.int64(n_perfect)
    width = np.uint64(n_words)
    own, other, at = np.uint64(base + i * n_words), np.uint64(base), np.uint64(top)
    for j in range(i):
        ones = np.uint64(0)
        for w in range(width):
            both = words[own + w] & words[other + w]
            words[at + w] = both
            ones += count_ones(both)
        count = np.int64(ones)
        members[LABEL, above + kept] = members[LABEL, member + j]
        members[SUPPORT, above + kept] = count
        other += width
        if count == perfect_count:
            perfect[n_perfect] = members[LABEL, member + j]
            n_perfect += 1
        elif count >= min_count and not (free and count == members[SUPPORT, member + j]):
            kept += 1
            at += width
    return kept, n_perfect


@helper
def search_class(length, min_count, words, members, perfect, levels, counting, state, trie, tally, stop):
    """Search the class on ``levels`` from ``state`` on; its prefix has ``length`` items.

    Itemsets are written to ``trie`` or, if ``counting``, tallied without enumerating those that perfect extensions
    make: ``tally[length, p]`` counts itemsets of ``length`` items with ``p`` perfect extensions. Each stands for
    itself with every choice of these: 2**p itemsets, of which C(p, k) are k items longer.
    """
    n_words, max_levels, prune = state[N_WORDS], state[MAX_LEVELS], state[PRUNE] == 1
    depth, size = state[LEVEL], state[TRIE_SIZE]
    status = DONE
    while depth >= 0:
        node, n, i = levels[depth, NODE], levels[depth, SIZE], levels[depth, NEXT]
        first_perfect = levels[depth + 1, PERFECT]
        if i >= n:
            at = levels[depth, PERFECT] + i - n
            if counting or at == first_perfect:
                depth -= 1
                continue
            if 2 * size - node > trie.shape[1]:
                state[NEEDED] = 2 * size - node
                status = TRIE_FULL
                break
            size = copy_block(trie, size, node, perfect[at])
            levels[depth, NEXT] = i + 1
            continue
        base, member = levels[depth, WORD], levels[depth, MEMBER]
        top, above = base + n * n_words, member + n
        if not counting and size + 1 + i > trie.shape[1]:
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
        if stop[0]:
            status = STOPPED
            break
        levels[depth, NEXT] = i + 1
        count = members[SUPPORT, member + i]
        if not counting:
            trie[PARENT, size] = node
            trie[ITEM, size] = members[LABEL, member + i]
            trie[COUNT, size] = count
            size += 1
        elif i == 0:
            tally[length + depth + 1, first_perfect] += n
        if i == 0 or depth + 1 >= max_levels:
            continue
        kept, n_perfect = intersect(
            i, top, n_words, base, member, above, min_count, np.int64(count) if prune else np.int64(-1),
            False, words, members, perfect, first_perfect,
        )  # fmt: skip
        is_leaf = kept <= 1 or depth + 2 >= max_levels
        if counting:
            if n_perfect > first_perfect:
                tally[length + depth + 1, first_perfect] -= 1
                tally[length + depth + 1, n_perfect] += 1
            if is_leaf:
                tally[length + depth + 2, n_perfect] += kept
                continue
        elif is_leaf and n_perfect == first_perfect:
            for k in range(kept):
                trie[PARENT, size + k] = size - 1
                trie[ITEM, size + k] = members[LABEL, above + k]
                trie[COUNT, size + k] = members[SUPPORT, above + k]
            size += kept
            continue
        depth += 1
        levels[depth, WORD] = top
        levels[depth, MEMBER] = above
        levels[depth, SIZE] = kept
        levels[depth, NEXT] = 0
        levels[depth, NODE] = size - 1
        levels[depth, PERFECT] = first_perfect
        levels[depth + 1, PERFECT] = n_perfect
    state[LEVEL] = depth
    state[TRIE_SIZE] = size
    return status
