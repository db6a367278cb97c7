"""Depth-first mining of projected databases: rows while they are sparse, columns of bits once they are dense.

For each frequent item the baskets' parts before it (the more frequent items) are copied with the infrequent items
left out and the rest renumbered: the database conditional on it, which is mined the same way. Rows are found by
occurrence deliver: one pass lists, for every item, the row parts that stand before it.

Uno, T., Kiyomi, M., Arimura, H. (2004). LCM ver. 2: efficient mining algorithms for frequent/closed/maximal
itemsets. FIMI'04.
"""

from __future__ import annotations

from crmintel.kernels._jit import kernel
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
    mine_class,
    open_class,
)
from crmintel.kernels.itemsets_count import count_class

# Further fields of ``state``: the conditional database on top of the stack, and how many databases were mined by rows
# and by bits.
DEPTH, BY_ROWS, BY_BITS = 6, 7, 8
STATE_SIZE = 9

MEMBERS_FULL, FIRST_FULL, ENTRIES_FULL, PARTS_FULL, ROWS_FULL = 5, 6, 7, 8, 9
FULL = {
    TRIE_FULL: "trie", WORDS_FULL: "words", CLASS_FULL: "class_members", MEMBERS_FULL: "members",
    FIRST_FULL: "first", ENTRIES_FULL: "entries", PARTS_FULL: "parts", ROWS_FULL: "rows",
}  # fmt: skip

# Fields of a conditional database on the stack: number of items, the next one to extend, where it starts in
# ``members``, in ``first`` and in ``parts``, its trie node, and where its rows end in ``entries``.
SIZE, NEXT, MEMBER, FIRST, NODE, PART, ENTRY = 0, 1, 2, 3, 4, 5, 6
BEGIN, END = 0, 1

# Nanoseconds, measured: an AND with a count of ones per word, a step of the bit search, an entry of a row squared
# (what all projections below a row cost), the set-up of an item.
WORD_COST, STEP_COST, ENTRY_COST, ITEM_COST = 0.3, 0.5, 1.5, 60.0


@kernel
def count_frequent(entries, parts, low, high, total, n_items, min_count, tally, local, found):
    """Find the items that stay frequent in the row parts low..high-1, which have ``total`` entries.

    ``found`` gets them, rising, ``tally`` their counts and ``local`` their new numbers, -1 for the others that
    occur. ``tally`` must come in zero. Returns how many they are.
    """
    n = 0
    if 2 * total < n_items:  # little occurs: look at that, not at all items
        seen = 0
        for q in range(low, high):
            for p in range(parts[BEGIN, q], parts[END, q]):
                item = entries[p]
                if tally[item] == 0:
                    found[seen] = item
                    seen += 1
                tally[item] += 1
        for k in range(seen):
            item = found[k]
            if tally[item] >= min_count:
                at = n
                while at > 0 and found[at - 1] > item:
                    found[at] = found[at - 1]
                    at -= 1
                found[at] = item
                n += 1
            else:
                tally[item] = 0
                local[item] = -1
    else:
        for q in range(low, high):
            for p in range(parts[BEGIN, q], parts[END, q]):
                tally[entries[p]] += 1
        for item in range(n_items):
            if tally[item] >= min_count:
                found[n] = item
                n += 1
            else:
                tally[item] = 0
                local[item] = -1
    for k in range(n):
        local[found[k]] = k
    return n


@kernel
def copy_rows(source, parts, low, high, local, at, entries, rows):
    """Copy the row parts low..high-1 to ``entries`` from ``at`` on, renumbered; keep rows of two items or more.

    Returns the number of rows, where their entries end, and the sum of their squared lengths.
    """
    n_rows, squares = 0, 0
    for q in range(low, high):
        begin = at
        for p in range(parts[BEGIN, q], parts[END, q]):
            item = local[source[p]]
            if item >= 0:
                entries[at] = item
                at += 1
        length = at - begin
        if length >= 2:
            rows[BEGIN, n_rows] = begin
            rows[END, n_rows] = at
            n_rows += 1
            squares += length * length
        else:
            at = begin
    return n_rows, at, squares


@kernel
def deliver(entries, rows, n_rows, n, first, base, fill, parts):
    """List for every item the row parts that stand before it: ``parts[:, base + first[i]:base + first[i + 1]]``."""
    for i in range(n + 1):
        first[i] = 0
    for row in range(n_rows):
        for p in range(rows[BEGIN, row], rows[END, row]):
            first[entries[p] + 1] += 1
    for i in range(n):
        first[i + 1] += first[i]
        fill[i] = base + first[i]
    for row in range(n_rows):
        begin = rows[BEGIN, row]
        for p in range(begin, rows[END, row]):
            q = fill[entries[p]]
            parts[BEGIN, q] = begin
            parts[END, q] = p
            fill[entries[p]] = q + 1
    for i in range(n):
        fill[i] = 0


@kernel
def mine_projected(
    base_entries, base_parts, min_count, max_length, bias, stop,
    trie, members, first, entries, parts, rows, tally, local, found, stack,
    words, class_members, perfect, levels, counting, lengths, state,
):  # fmt: skip
    """Go on with a search until it is done, told to stop, or an array is full; return which.

    Parameters
    ----------
    base_entries, base_parts : the ordered baskets, see `crmintel.kernels.itemsets.order_baskets`
    min_count, max_length : bounds of what is written
    bias : how much the estimated cost of rows weighs against that of bits; from 1 on, two words are always bits
    stop : (1,) another thread may write 1 here to end the search
    trie : filled here, unless ``counting``; then itemsets are tallied in ``lengths``, see
        `crmintel.kernels.itemsets_count`
    members, first : the items, their counts and where their parts start; the database's own come first
    stack, state : where the search stands; an item is extended again from its start where room was lacking
    entries ... levels : the arenas of the conditional databases and of the class of columns
    """
    while True:
        if state[LEVEL] >= 0:
            if counting:
                status = count_class(
                    state[DEPTH] + 1, min_count, words, class_members, perfect, levels, state, lengths, stop
                )
            else:
                status = mine_class(min_count, words, class_members, perfect, levels, state, trie, stop)
            if status != DONE:
                return status
        depth, size = state[DEPTH], state[TRIE_SIZE]
        if depth < 0:
            return DONE
        i, n_items, member = stack[depth, NEXT], stack[depth, SIZE], stack[depth, MEMBER]
        if i == n_items:
            state[DEPTH] -= 1
            continue
        if stop[0]:
            return STOPPED
        above, start, entry = member + n_items, stack[depth, FIRST] + n_items + 1, stack[depth, ENTRY]
        low, high = first[stack[depth, FIRST] + i], first[stack[depth, FIRST] + i + 1]
        part = 0
        if depth > 0:
            part = stack[depth, PART] + first[start - 1]
            low += stack[depth, PART]
            high += stack[depth, PART]
        source = base_entries if depth == 0 else entries
        source_parts = base_parts if depth == 0 else parts
        extend = i > 0 and depth + 1 < max_length and high - low >= min_count
        # ---- room for whatever this step may write
        total = 0
        if extend:
            for q in range(low, high):
                total += source_parts[END, q] - source_parts[BEGIN, q]
        status = DONE
        if not counting and size + 1 + i > trie.shape[1]:
            status, state[NEEDED] = TRIE_FULL, size + 1 + i
        elif above + i > members.shape[1]:
            status, state[NEEDED] = MEMBERS_FULL, above + i
        elif start + i + 1 > first.size:
            status, state[NEEDED] = FIRST_FULL, start + i + 1
        elif entry + total > entries.size:
            status, state[NEEDED] = ENTRIES_FULL, entry + total
        elif part + total > parts.shape[1]:
            status, state[NEEDED] = PARTS_FULL, part + total
        elif extend and high - low > rows.shape[1]:
            status, state[NEEDED] = ROWS_FULL, high - low
        if status != DONE:
            return status
        # ---- the itemset itself, and the items that stay frequent beside it
        if not counting:
            trie[PARENT, size] = stack[depth, NODE]
            trie[ITEM, size] = members[LABEL, member + i]
            trie[COUNT, size] = members[SUPPORT, member + i]
        n = 0
        if extend:
            n = count_frequent(source, source_parts, low, high, total, i, min_count, tally, local, found)
        for k in range(n):
            members[LABEL, above + k] = members[LABEL, member + found[k]]
            members[SUPPORT, above + k] = tally[found[k]]
            tally[found[k]] = 0
        n_rows, entry_end, squares = 0, entry, 0
        if n > 1 and depth + 2 < max_length:
            n_rows, entry_end, squares = copy_rows(
                source, source_parts, low, high, local, entry, entries, rows
            )
        if n_rows < min_count:  # nothing beyond pairs with these items
            if counting:
                lengths[depth + 1, 0] += 1
                lengths[depth + 2, 0] += n
            else:
                for k in range(n):
                    trie[PARENT, size + 1 + k] = size
                    trie[ITEM, size + 1 + k] = members[LABEL, above + k]
                    trie[COUNT, size + 1 + k] = members[SUPPORT, above + k]
                state[TRIE_SIZE] = size + 1 + n
            stack[depth, NEXT] = i + 1
            continue
        # ---- the database conditional on it, by bits or by rows
        n_words = (n_rows + 63) >> 6
        bit_cost = n * n * (n_words * WORD_COST + STEP_COST) + n * n_words
        row_cost = squares * ENTRY_COST + n * ITEM_COST
        if bit_cost < bias * row_cost or (n_words <= 2 and bias >= 1.0):
            state[MAX_LEVELS] = max_length - depth - 1
            status = open_class(
                entries, rows[BEGIN], rows[END], n_rows, members[LABEL, above : above + n],
                members[SUPPORT, above : above + n], n, members[SUPPORT, member + i], found,
                words, class_members, perfect, levels, counting, state,
            )  # fmt: skip
            if status != DONE:
                return status
            n_perfect = levels[1, PERFECT]
            state[BY_BITS] += 1
        else:
            deliver(entries, rows, n_rows, n, first[start : start + n + 1], part, tally, parts)
            stack[depth + 1, SIZE] = n
            stack[depth + 1, NEXT] = 0
            stack[depth + 1, MEMBER] = above
            stack[depth + 1, FIRST] = start
            stack[depth + 1, NODE] = size
            stack[depth + 1, PART] = part
            stack[depth + 1, ENTRY] = entry_end
            n_perfect = 0
            state[DEPTH] += 1
            state[BY_ROWS] += 1
        if counting:
            lengths[depth + 1, n_perfect] += 1
        else:
            state[TRIE_SIZE] = size + 1
        stack[depth, NEXT] = i + 1
