"""Depth-first mining of projected databases: rows while they are sparse, columns of bits once they are dense.

The database conditional on an item are the rows' parts before it (the more frequent items) with the infrequent
items left out and the rest renumbered; it is mined the same way. Those on the most frequent items are made all at
once, see `crmintel.kernels.itemsets_pairs`. Those on the many rare items of the baskets, whose pairs no table
holds, are made one by one from what stands before the item in its baskets (occurrence deliver).

Uno, T., Kiyomi, M., Arimura, H. (2004). LCM ver. 2: efficient mining algorithms for frequent/closed/maximal
itemsets. FIMI'04.
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
    PERFECT,
    WORDS_FULL,
    open_class,
    search_class,
)
from crmintel.kernels.itemsets_bitset import NODE as CLASS_NODE
from crmintel.kernels.itemsets_bitset import SIZE as SIZE_OF_CLASS
from crmintel.kernels.itemsets_pairs import (
    BEGIN,
    FIRST,
    ROW,
    ROW_END,
    SQUARES,
    choose_partners,
    count_pairs,
    write_conditionals,
)
from crmintel.kernels.prefetch import prefetch

# Further fields of ``state``: the conditional database on top of the stack, and how many databases were mined by rows
# and by bits.
DEPTH, BY_ROWS, BY_BITS = 6, 7, 8
# For condensed itemsets: the node of the class, marks in the table, and maximal itemsets of the class.
CLASS, N_MARKS, N_FOUND = 9, 10, 11
STATE_SIZE = 12

# What is searched for; free itemsets (generators) have no subset with the same count.
ALL, CLOSED, MAXIMAL, FREE = 0, 1, 2, 3

MEMBERS_FULL, SPANS_FULL, ENTRIES_FULL, ENDS_FULL, PAIRS_FULL, OPENED = 5, 6, 7, 8, 9, 10
FULL = {
    TRIE_FULL: "trie", WORDS_FULL: "words", CLASS_FULL: "class_members", MEMBERS_FULL: "members",
    SPANS_FULL: "spans", ENTRIES_FULL: "entries", ENDS_FULL: "ends", PAIRS_FULL: "pairs",
}  # fmt: skip

# Fields of a conditional database on the stack: number of items, the next one to extend, where they start in
# ``members`` and in ``spans``, its trie node, and the ends of all that belongs to it in ``members``, ``entries`` and
# ``ends``.
SIZE, NEXT, MEMBER, SPAN, NODE, MEMBER_END, ENTRY_END, END_END = 0, 1, 2, 3, 4, 5, 6, 7

# Items whose pairs are counted in a table: one of 2 MiB, which caches hold.
MOST_PAIRED = 1024

# Baskets whose entries are asked for before they are needed: they are read in no order.
AHEAD = 8

# Nanoseconds, measured: an AND with a count of ones per word, a step of the bit search, an entry of a row squared
# (what all projections below a row cost), the set-up of an item.
WORD_COST, STEP_COST, ENTRY_COST, ITEM_COST = 0.125, 1.0, 1.5, 60.0


@helper
def _sort_found(found, n, n_items, tally):
    """Sort the first ``n`` of ``found``, which are all items below ``n_items`` with a tally."""
    if n * n > 4 * n_items:
        n = 0
        for item in range(n_items):
            if tally[item] > 0:
                found[n] = item
                n += 1
    else:
        for k in range(1, n):
            item, place = found[k], k
            while place > 0 and found[place - 1] > item:
                found[place] = found[place - 1]
                place -= 1
            found[place] = item


@kernel
def deliver_occurrences(
    base_entries, row_ends, first, owner, low, high, min_count, longest,
    tally, found, members, spans, entries, ends,
):  # fmt: skip
    """Make the databases conditional on the items low..high-1 of the baskets, one after the other.

    Parameters
    ----------
    base_entries, row_ends : the ordered baskets, see `crmintel.kernels.itemsets.order_baskets`
    first, owner : item ``low + k`` stands in the baskets ``owner[first[k]:first[k + 1]]``
    longest : without rows, which only longer itemsets need, if it is 2
    tally : zeros, as it is left
    members, spans, entries, ends : filled here from their starts on, see `crmintel.kernels.itemsets_pairs`
    """
    member, at, end, one = 0, np.uint64(0), 0, np.uint64(1)
    for span in range(high - low):
        i = np.uint32(low + span)
        seen = 0
        for q in range(first[span], first[span + 1]):
            later = np.uint64(owner[np.uint64(min(q + AHEAD, owner.size - 1))])
            prefetch(base_entries, np.int64(row_ends[later]) - 1)
            basket = np.uint64(owner[np.uint64(q)])
            p = np.uint64(row_ends[basket - one]) if basket > 0 else np.uint64(0)
            item = np.uint32(base_entries[p])
            while item < i:
                count = tally[item]
                found[np.uint64(seen)] = item
                seen += count == 0
                tally[item] = count + 1
                p += one
                item = np.uint32(base_entries[p])
        n = 0
        for k in range(seen):
            item = np.uint32(found[np.uint64(k)])
            if tally[item] >= min_count:
                found[n] = item
                n += 1
            else:
                tally[item] = 0
        _sort_found(found, n, low + span, tally)
        spans[FIRST, span] = member
        spans[BEGIN, span] = at
        spans[ROW, span] = end
        for k in range(n):
            members[LABEL, member + k] = found[k]
            members[SUPPORT, member + k] = tally[found[k]]
            tally[found[k]] = k + 1
        member += n
        squares = 0
        if n >= 2 and longest > 2:
            for q in range(first[span], first[span + 1]):
                basket = np.uint64(owner[np.uint64(q)])
                p = np.uint64(row_ends[basket - one]) if basket > 0 else np.uint64(0)
                begin, item = at, np.uint32(base_entries[p])
                while item < i:
                    place = tally[item]
                    entries[at] = place - 1  # overwritten by the next one where the item is infrequent
                    at += np.uint64(place > 0)
                    p += one
                    item = np.uint32(base_entries[p])
                length = np.int64(at - begin)
                if length >= 2:
                    ends[end] = at
                    end += 1
                    squares += length * length
                else:
                    at = begin
        for k in range(n):
            tally[found[k]] = 0
        spans[ROW_END, span] = end
        spans[SQUARES, span] = squares
    spans[FIRST, high - low] = member


@helper
def open_condensed(node, count, n_perfect, target, trie, perfect, levels, state):
    """Let the items that stand in all baskets of ``node`` join it, at the head of its class."""
    last = node
    if target != FREE:
        for k in range(n_perfect):
            last += 1
            trie[PARENT, last] = last - 1
            trie[ITEM, last] = perfect[k]
            trie[COUNT, last] = 0
        trie[COUNT, node] = 0
        trie[COUNT, last] = 0 if target == MAXIMAL and levels[0, SIZE_OF_CLASS] > 0 else count
    levels[0, CLASS_NODE] = last
    levels[1, PERFECT] = 0
    state[CLASS] = node
    state[TRIE_SIZE] = last + 1


@helper
def open_next(
    base_members, base_spans, base_entries, base_ends, min_count, max_length, bias, target, stop,
    trie, members, spans, entries, ends, pairs, found, stack,
    words, class_members, perfect, levels, counting, lengths, state,
):  # fmt: skip
    """Go on until there is a class of columns to search, or an array is full; see `mine_projected`."""
    while True:
        depth, size = state[DEPTH], state[TRIE_SIZE]
        if depth < 0:
            return DONE
        i, member = stack[depth, NEXT], stack[depth, MEMBER]
        if i == stack[depth, SIZE]:
            state[DEPTH] -= 1
            continue
        if stop[0]:
            return STOPPED
        # ---- the database conditional on item i: n items in the rows lo..hi-1
        above, entry, end = stack[depth, MEMBER_END], stack[depth, ENTRY_END], stack[depth, END_END]
        n, begin, lo, hi, squares, top = 0, 0, 0, 0, 0, above
        of_baskets = depth == 0
        if i > 0 and depth + 1 < max_length:
            span = stack[depth, SPAN] + i
            table = base_spans if of_baskets else spans
            first = table[FIRST, span]
            n = table[FIRST, span + 1] - first
            begin, lo, hi = table[BEGIN, span], table[ROW, span], table[ROW_END, span]
            squares = table[SQUARES, span]
            if of_baskets:
                top = above + n
                if top > members.shape[1]:
                    state[NEEDED] = top
                    return MEMBERS_FULL
                for k in range(n):
                    members[LABEL, above + k] = base_members[LABEL, first + k]
                    members[SUPPORT, above + k] = base_members[SUPPORT, first + k]
            else:
                above = first
        # ---- the itemset itself, and pairs with these items
        n_rows = hi - lo
        leaf = n < 2 or n_rows < min_count or depth + 2 >= max_length
        if not counting:
            if size + 1 + n > trie.shape[1]:
                state[NEEDED] = size + 1 + n
                return TRIE_FULL
            label = members[LABEL, member + i]
            trie[PARENT, size] = stack[depth, NODE]
            trie[ITEM, size] = label if target == ALL else ~label
            trie[COUNT, size] = members[SUPPORT, member + i]
            if target == MAXIMAL and n > 0:
                trie[COUNT, size] = 0
        if leaf:
            if counting:
                lengths[depth + 1, 0] += 1
                lengths[depth + 2, 0] += n
            else:
                for k in range(n):
                    trie[PARENT, size + 1 + k] = size
                    trie[ITEM, size + 1 + k] = members[LABEL, above + k]
                    trie[COUNT, size + 1 + k] = members[SUPPORT, above + k]
                    if target == CLOSED and members[SUPPORT, above + k] == members[SUPPORT, member + i]:
                        trie[COUNT, size] = 0
                state[TRIE_SIZE] = size + 1 + n
            stack[depth, NEXT] = i + 1
            continue
        # ---- longer ones: the database as columns of bits, or as the rows of all databases conditional on it
        source = base_entries if of_baskets else entries
        source_ends = base_ends if of_baskets else ends
        n_words = (n_rows + 63) >> 6
        n_pairs = n * (n - 1) // 2
        bit_cost = n * n * (n_words * WORD_COST + STEP_COST) + n * n_words
        row_cost = squares * ENTRY_COST + n * ITEM_COST
        if bit_cost < bias * row_cost or (n_words <= 2 and bias >= 1.0) or n > MOST_PAIRED:
            state[MAX_LEVELS] = max_length - depth - 1
            status = open_class(
                source, begin, source_ends, lo, hi, members, above, n, np.int64(members[SUPPORT, member + i]), found,
                words, class_members, perfect, levels, counting or target != ALL, state,
            )  # fmt: skip
            if status != DONE:
                return status
            n_perfect = levels[1, PERFECT]
            state[BY_BITS] += 1
            state[TRIE_SIZE] = size + 1
            if counting:
                lengths[depth + 1, n_perfect] += 1
                state[TRIE_SIZE] = size
            elif target != ALL:
                open_condensed(
                    size, members[SUPPORT, member + i], n_perfect, target, trie, perfect, levels, state
                )
            stack[depth, NEXT] = i + 1
            return OPENED
        else:
            span = 0 if of_baskets else stack[depth, SPAN] + stack[depth, SIZE] + 1
            total, total_rows = squares // 2 + n, 0
            for k in range(n):
                total_rows += members[SUPPORT, above + k]
            if top + n_pairs > members.shape[1]:
                state[NEEDED] = top + n_pairs
                return MEMBERS_FULL
            if span + n + 1 > spans.shape[1]:
                state[NEEDED] = span + n + 1
                return SPANS_FULL
            if entry + total > entries.size:
                state[NEEDED] = entry + total
                return ENTRIES_FULL
            if end + total_rows > ends.size:
                state[NEEDED] = end + total_rows
                return ENDS_FULL
            if n_pairs > pairs.size:
                state[NEEDED] = n_pairs
                return PAIRS_FULL
            count_pairs(source, begin, source_ends, lo, hi, n, pairs)
            choose_partners(pairs, n, min_count, members, above, top, spans, span, entry, end)
            write_conditionals(source, begin, source_ends, lo, hi, n, pairs, spans, span, entries, ends)
            stack[depth + 1, SIZE] = n
            stack[depth + 1, NEXT] = 0
            stack[depth + 1, MEMBER] = above
            stack[depth + 1, SPAN] = span
            stack[depth + 1, NODE] = size
            stack[depth + 1, MEMBER_END] = spans[FIRST, span + n]
            stack[depth + 1, ENTRY_END] = spans[BEGIN, span + n]
            stack[depth + 1, END_END] = spans[ROW, span + n]
            state[DEPTH] += 1
            state[BY_ROWS] += 1
        if counting:
            lengths[depth + 1, 0] += 1
        else:
            state[TRIE_SIZE] = size + 1
        stack[depth, NEXT] = i + 1


@kernel
def mine_projected(
    base_members, base_spans, base_entries, base_ends, min_count, max_length, bias, stop,
    trie, members, spans, entries, ends, pairs, found, stack,
    words, class_members, perfect, levels, counting, lengths, state,
):  # fmt: skip
    """Go on with a search until it is done, told to stop, or an array is full; return which.

    Parameters
    ----------
    base_members, base_spans, base_entries, base_ends : the databases conditional on the items that are searched from,
        see `crmintel.kernels.itemsets_pairs`
    min_count, max_length : bounds of what is written
    bias : how much the estimated cost of rows weighs against that of bits; from 1 on, two words are always bits
    stop : (1,) another thread may write 1 here to end the search
    trie : filled here, unless ``counting``; then itemsets are tallied in ``lengths``, see
        `crmintel.kernels.itemsets_bitset.search_class`
    stack, state : where the search stands; an item is extended again from its start where room was lacking
    members ... levels : the arenas of the conditional databases and of the class of columns; the baskets' own items
        come first in ``members``
    """
    while True:
        if state[LEVEL] >= 0:
            status = search_class(
                state[DEPTH] + 1, min_count, words, class_members, perfect, levels, counting,
                state, trie, lengths, stop,
            )  # fmt: skip
            if status != DONE:
                return status
        status = open_next(
            base_members, base_spans, base_entries, base_ends, min_count, max_length, bias, ALL, stop,
            trie, members, spans, entries, ends, pairs, found, stack,
            words, class_members, perfect, levels, counting, lengths, state,
        )  # fmt: skip
        if status != OPENED:
            return status
