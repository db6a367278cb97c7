"""Counting itemsets without writing them: a class of columns of bits is searched, its itemsets are tallied.

``tally[length, p]`` counts nodes: itemsets of ``length`` items found so far on the way, with ``p`` perfect extensions
(items that stand in all baskets of the itemset). A node stands for itself and for itself with every choice of
its perfect extensions: 2**p itemsets that are never enumerated, of which C(p, k) are k items longer.
"""

from __future__ import annotations

import numpy as np

from crmintel.kernels._jit import kernel
from crmintel.kernels.itemsets import DONE, NEEDED, STOPPED, SUPPORT
from crmintel.kernels.itemsets_bitset import (
    CLASS_FULL,
    LEVEL,
    MAX_LEVELS,
    MEMBER,
    N_WORDS,
    NEXT,
    PERFECT,
    SIZE,
    WORD,
    WORDS_FULL,
    intersect,
)


@kernel
def count_class(length, min_count, words, members, perfect, levels, state, tally, stop):
    """Search the class on ``levels`` from ``state`` on; its prefix has ``length`` items.

    All items of a class are tallied when it is opened, so that classes without further levels cost nothing.
    """
    n_words, max_levels = state[N_WORDS], state[MAX_LEVELS]
    depth = state[LEVEL]
    status = DONE
    while depth >= 0:
        n, i = levels[depth, SIZE], levels[depth, NEXT]
        if i >= n:
            depth -= 1
            continue
        base, member, p = levels[depth, WORD], levels[depth, MEMBER], levels[depth + 1, PERFECT]
        top, above = base + n * n_words, member + n
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
        if i == 0:
            tally[length + depth + 1, p] += n
        levels[depth, NEXT] = i + 1
        if i == 0 or depth + 1 >= max_levels:
            continue
        kept, n_perfect = intersect(
            i, top, n_words, base, member, above, min_count, np.int64(members[SUPPORT, member + i]),
            words, members, perfect, p,
        )  # fmt: skip
        if n_perfect > p:
            tally[length + depth + 1, p] -= 1
            tally[length + depth + 1, n_perfect] += 1
        if kept == 0:
            continue
        if kept == 1 or depth + 2 >= max_levels:
            tally[length + depth + 2, n_perfect] += kept
            continue
        depth += 1
        levels[depth, WORD] = top
        levels[depth, MEMBER] = above
        levels[depth, SIZE] = kept
        levels[depth, NEXT] = 0
        levels[depth + 1, PERFECT] = n_perfect
    state[LEVEL] = depth
    return status
