"""Depth-first search for the closed or the maximal itemsets, one class after the other.

A class holds the itemsets with the same least frequent item, its root. Classes do not know of each other; in each,
items are extended from the least frequent one on, and what stands in all baskets of an itemset joins it at once.
An itemset that is then not closed (or not maximal) lacks an item passed before:

- beside it in the same database: that was seen when the item passed was extended, and flagged;
- further up in the class: for closed, an itemset announces that it is not closed without any one item of its path
  where the count is the same; for maximal, an index of the class is asked for the itemset and all its candidates;
- in another class: with the least such item it is an itemset found in the class of that item, so all found itemsets
  are looked up without their roots in the end (`crmintel.kernels.itemsets_found`).

Zaki, M. J., Hsiao, C.-J. (2005). Efficient algorithms for mining closed itemsets and their lattice structure. IEEE
TKDE 17(4), 462-478. Gouda, K., Zaki, M. J. (2005). GenMax: an efficient algorithm for mining maximal frequent
itemsets. Data Mining and Knowledge Discovery 11, 223-242.
"""

from __future__ import annotations

from crmintel.kernels._jit import kernel
from crmintel.kernels.itemsets import DONE, NEEDED, STOPPED
from crmintel.kernels.itemsets_conditional import (
    CLOSED,
    COVERED,
    FLAG,
    FREE,
    HEAD,
    JOINED,
    LABEL,
    LOCAL,
    MAXIMAL,
    SINGLES,
    SUPPORT,
    column_digest,
    copy_parts,
    count_parts,
    intersect,
    link_rows,
    set_columns,
    sort_out,
    take_rows,
)
from crmintel.kernels.itemsets_found import EMPTY, KEY, NUMBER, find_superset, key_of
from crmintel.kernels.itemsets_maximal import narrow_index, register

# Fields of a database on the stack: number of items, the next one to extend, words a column (0: it has rows); where
# its members start; where its rows, entries and columns end; its itemset in ``items`` and the size of that; its
# supersets in ``focus``, and how many were found when it was made; the row of its first bit, and whether all its class
# is in bits.
(SIZE, NEXT, N_WORDS, MEMBER, ROW, ENTRY, N_ENTRIES, WORD, LISTED, LENGTH, FOCUS, FOCUS_END, FOUND, FIRST_ROW,
 ALONE) = range(15)  # fmt: skip
N_FIELDS = 15

# Rows of ``trail``, the itemset the search stands at: item codes, and numbers in the root's database.
CODE, PLACE = 0, 1

# Further fields of ``state``: the database on top of the stack, sets and items written, marks in the table, maximal
# itemsets and items of the class, and items of its root.
DEPTH, N_SETS, N_ITEMS, N_MARKS, N_FOUND, N_LOCAL, N_ROOT = 2, 3, 4, 5, 6, 7, 8
STATE_SIZE = 9

(SETS_FULL, ITEMS_FULL, MEMBERS_FULL, ROWS_FULL, ENTRIES_FULL, WORDS_FULL, MARKS_FULL, INDEX_FULL,
 FOCUS_FULL) = range(2, 11)  # fmt: skip
FULL = {
    SETS_FULL: "sets", ITEMS_FULL: "items", MEMBERS_FULL: "members", ROWS_FULL: "rows", ENTRIES_FULL: "entries",
    WORDS_FULL: "words", MARKS_FULL: "marks", INDEX_FULL: "index", FOCUS_FULL: "focus",
}  # fmt: skip

# Rows of ``sets``: where the itemset ends in ``items``, its count, its key, and that of it without its root.
ENDS, COUNTS, KEYS, KEYS_BELOW = 0, 1, 2, 3

# Nanoseconds, measured: an AND with a count of ones per word, a step of the bit search, an entry of a row squared
# (what all projections below a row cost), the set-up of an item.
WORD_COST, STEP_COST, ENTRY_COST, ITEM_COST = 0.3, 4.0, 5.0, 400.0

# Words that columns may take when rows are turned into them; ``words`` has at least that many.
MOST_WORDS = 1 << 18


@kernel
def _lacking(
    level, i, n_rows, n_entries, state, sets, items, members, rows, entries, words, marks, index, focus
):
    """Return which array has no room for the next step, if any; ``state`` gets how much it needs."""
    n_found = state[N_FOUND]
    for status, size, needed in (
        (SETS_FULL, sets.shape[1], state[N_SETS] + 2),
        (ITEMS_FULL, items.size, state[N_ITEMS] + level[LENGTH] + 1 + i),
        (MEMBERS_FULL, members.shape[1], level[MEMBER] + level[SIZE] + i),
        (ROWS_FULL, rows.shape[1], level[ROW] + n_rows),
        (ENTRIES_FULL, entries.size, level[ENTRY] + n_entries + 1),
        (WORDS_FULL, words.size, level[WORD] + i * level[N_WORDS]),
        (MARKS_FULL, len(marks), 2 * state[N_MARKS] + 2),
        (INDEX_FULL, index.size, ((n_found >> 6) + 1) * state[N_LOCAL]),
        (
            FOCUS_FULL,
            focus.shape[1],
            2 * level[FOCUS_END] - level[FOCUS] + ((n_found - level[FOUND]) >> 6) + 2,
        ),
    ):
        if size < needed:
            state[NEEDED] = needed
            return status
    return DONE


@kernel
def _put(items, low, length, code):
    """Insert ``code`` into the rising list ``items[low:low + length]``, without a branch no processor can predict."""
    place = low + length
    for p in range(low + length - 1, low - 1, -1):
        larger = items[p] > code
        items[p + larger] = items[p]
        place -= larger
    items[place] = code


@kernel
def search_condensed(
    base_entries, base_parts, first, n_entries, random, min_count, max_length, target, low, stop,
    sets, items, members, rows, entries, parts, owners, words, digests, trail, marks, index, focus,
    tally, local, found, joining, stack, state,
):  # fmt: skip
    """Go on with a search until it is done, told to stop, or an array is full; return which.

    Parameters
    ----------
    base_entries, base_parts, first : what stands before each item, and where each item's parts start (see
        `crmintel.patterns._mining.OrderedBaskets`)
    n_entries : entries of each item's parts
    random : (n_items,) a random number below 2**62 for each item code
    min_count : least count of what is written
    max_length : free itemsets are written up to one item longer; the others are known only after all longer ones
    target : what is searched for
    low : the last root
    stop : (1,) another thread may write 1 here to end the search
    sets, items : filled here
    members ... stack, state : where the search stands; the members of level 0 are the frequent items
    """
    while state[DEPTH] >= 0:
        depth = state[DEPTH]
        level = stack[depth]
        i = level[NEXT]
        if i < (low if depth == 0 else 0):
            state[DEPTH] -= 1
            continue
        if stop[0]:
            return STOPPED
        member, n_words = level[MEMBER], level[N_WORDS]
        count = members[SUPPORT, member + i]
        above = member + level[SIZE]
        status = _lacking(
            level, i, count, n_entries[i] if depth == 0 else level[N_ENTRIES], state,
            sets, items, members, rows, entries, words, marks, index, focus,
        )  # fmt: skip
        if status != DONE:
            return status
        level[NEXT] = i - 1
        flag = members[FLAG, member + i] if depth > 0 else 0
        # ---- what is frequent beside the item
        kept, n_joining, part_low, part_high, cover = 0, 0, 0, 0, 0
        if n_words > 0:
            if flag == COVERED:
                continue
            kept, n_joining = intersect(
                i, n_words, level[WORD], member, min_count, target, above, words, members, joining
            )
        else:
            if depth == 0:
                part_low, part_high = first[i], first[i + 1]
            else:
                part_high, cover = take_rows(members, member, i, rows, entries, parts, owners)
            if flag == COVERED:
                continue
            if part_high - part_low >= min_count:
                n = count_parts(
                    base_entries if depth == 0 else entries, base_parts if depth == 0 else parts,
                    part_low, part_high, i, min_count, tally, local, found,
                )  # fmt: skip
                kept, n_joining = sort_out(
                    n, found, tally, local, member, count, target, above, members, joining
                )
        # ---- the itemset
        length, digest = level[LENGTH], digests[depth]
        for k in range(-1, n_joining):
            at = member + i if k < 0 else joining[k]
            trail[CODE, length] = members[LABEL, at]
            trail[PLACE, length] = members[LOCAL, at]
            digest ^= random[members[LABEL, at]]
            length += 1
        written, n_written = state[N_ITEMS], 0
        if target != MAXIMAL or kept == 0:
            if target != MAXIMAL:  # what the itemset above was written as
                n_written = level[LENGTH]
                for k in range(n_written):
                    items[written + k] = items[level[LISTED] + k]
            for k in range(n_written, length):
                _put(items, written, k, trail[CODE, k])
        # ---- is it what is looked for?
        focus_end = level[FOCUS_END]
        if depth == 0:
            state[N_LOCAL], state[N_FOUND], state[N_ROOT] = kept, 0, length
            if 4 * state[N_MARKS] > len(marks):
                marks[:] = EMPTY
                state[N_MARKS] = 0
        elif target == MAXIMAL:
            if kept == 0 and flag == JOINED:
                continue
            focus_end = narrow_index(
                level[FOCUS], level[FOCUS_END], level[FOUND], state[N_FOUND], state[N_LOCAL], index,
                trail[PLACE], level[LENGTH], length, members, above, kept, focus,
            )  # fmt: skip
            if focus_end < 0:
                continue
            if kept == 0:
                register(state[N_FOUND], state[N_LOCAL], trail[PLACE], state[N_ROOT], length, index)
                state[N_FOUND] += 1
        elif target == CLOSED:
            if n_words > 0:
                cover = column_digest(
                    members[HEAD, member + i], n_words, words, rows, level[FIRST_ROW], members[SINGLES, member + i],
                    level[ALONE],
                )  # fmt: skip
            key = key_of(cover ^ digests[1], count)
            slot = find_superset(
                key, marks, items, sets[ENDS], sets[COUNTS], written, written + length, count
            )
            if marks[slot, KEY] != EMPTY:
                continue
            marks[slot, KEY], marks[slot, NUMBER] = key, state[N_SETS]
            state[N_MARKS] += 1
        if target != MAXIMAL or kept == 0:
            number = state[N_SETS]
            root = trail[CODE, 0]
            mixed = count if target == CLOSED else 0
            sets[COUNTS, number] = count
            sets[KEYS, number] = key_of(digest, mixed)
            sets[KEYS_BELOW, number] = key_of(digest ^ random[root], mixed) if length > 1 else EMPTY
            state[N_ITEMS] += length
            sets[ENDS, number + 1] = state[N_ITEMS]
            state[N_SETS] += 1
        if kept == 0 or (length > max_length and target == FREE):
            continue
        # ---- its database, by rows or by bits
        upper = stack[depth + 1]
        upper[WORD], upper[N_WORDS], upper[N_ENTRIES] = level[WORD] + kept * n_words, n_words, 0
        upper[FIRST_ROW], upper[ALONE] = level[FIRST_ROW], level[ALONE]
        row_end, entry_end = level[ROW], level[ENTRY]
        if n_words == 0 and (kept > 1 or target == CLOSED):
            row_end, entry_end, squares = copy_parts(
                base_entries if depth == 0 else entries, base_parts if depth == 0 else parts,
                part_low, part_high, owners[:0] if depth == 0 else owners, local, level[ENTRY], entries,
                level[ROW], rows, above, members,
            )  # fmt: skip
            n_rows = row_end - level[ROW]
            if target != CLOSED and n_rows < min_count:
                row_end, entry_end = level[ROW], level[ENTRY]
            else:
                w = (n_rows + 63) >> 6
                bit_cost = kept * kept * 0.5 * (w * WORD_COST + STEP_COST) + kept * w
                if 0 < kept * w <= MOST_WORDS and bit_cost < squares * ENTRY_COST + kept * ITEM_COST:
                    set_columns(entries, rows, level[ROW], row_end, above, kept, w, words, members)
                    upper[N_WORDS], upper[FIRST_ROW], upper[ALONE] = w, level[ROW], depth == 0
                    upper[WORD] = kept * w
                    entry_end = level[ENTRY]
                else:
                    link_rows(entries, rows, level[ROW], row_end, above, members)
                    upper[N_ENTRIES] = entry_end - level[ENTRY]
        if depth == 0:
            for k in range(kept):
                members[LOCAL, above + k] = k
        upper[SIZE], upper[NEXT], upper[MEMBER] = kept, kept - 1, above
        upper[ROW], upper[ENTRY] = row_end, entry_end
        upper[LISTED], upper[LENGTH] = written, length
        upper[FOCUS], upper[FOCUS_END], upper[FOUND] = level[FOCUS_END], focus_end, state[N_FOUND]
        digests[depth + 1] = digest
        state[DEPTH] += 1
    return DONE
