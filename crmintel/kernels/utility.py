"""High-utility itemsets: EFIM's bounds over projected databases that are copied, filtered and merged.

Utilities are whole numbers (int64), of either sign. A level is the database conditional on a prefix: rows of
(item, utility) in a fixed order of the items, numbered 0.. within the level. Rows, entries and items of the levels on
the path to the current prefix lie one behind the other in three arenas.
"""

from __future__ import annotations

import numpy as np

from crmintel.kernels._jit import helper, kernel

# Fields of the arenas. ``rows``: first entry, utility of the prefix in the row, baskets it stands for. A row behind
# the last one of a level holds the end of its entries.
START, PREFIX, WEIGHT = 0, 1, 2
# ``entries``: item number within the level, row; OCCURRENCE lists the entries item by item instead.
ITEM, OWNER, OCCURRENCE = 0, 1, 2
# ``values`` of the entries: utility, and the positive utilities behind the entry in its row.
UTILITY, REST = 0, 1
# ``members``, the items of a level: their code, subtree bound, end of their occurrences.
CODE, BOUND, END = 0, 1, 2
# ``levels``: first row, row behind the last, first member, number of members, the next to extend the prefix with.
LOW, HIGH, MEMBER, SIZE, NEXT = 0, 1, 2, 3, 4
# ``found``: end of the itemset in ``items``, its utility, its baskets.
STOP, WORTH, COUNT = 0, 1, 2
# ``state``: depth, threshold, itemsets found, best utilities seen, and how much room an arena needs.
DEPTH, THRESHOLD, N_FOUND, N_BEST, NEEDED = 0, 1, 2, 3, 4

# How `search` comes back: ended, for a pause, or without room in an arena.
DONE, PAUSED, ROWS_FULL, ENTRIES_FULL, MEMBERS_FULL, FOUND_FULL, ITEMS_FULL = 0, 1, 2, 3, 4, 5, 6

# Rows over at most this many items are compared as sets of bits, and equal ones merged.
_MOST_BITS = 64
_HALF, _PRIME_LOW, _PRIME_HIGH = np.uint64(0xFFFFFFFF), np.uint64(0x9E3779B1), np.uint64(0x85EBCA77)


@kernel
def index_level(rows, entries, values, members, level):
    """Complete a level whose rows and entries (ITEM, UTILITY) are in place.

    Fills REST, OWNER and OCCURRENCE of its entries and BOUND and END of its members. The subtree bound of an item
    (Zida et al. 2017, definition 4.7) is what the rows that hold it could be worth: below zero they count as zero,
    and only positive utilities behind it are added, which keeps it a bound where utilities are negative.
    """
    starts, prefixes = rows[START], rows[PREFIX]
    items, owners, occurrences = entries[ITEM], entries[OWNER], entries[OCCURRENCE]
    utilities, rests = values[UTILITY], values[REST]
    bounds, ends = members[BOUND], members[END]
    low, high, member = level[LOW], level[HIGH], level[MEMBER]
    for i in range(member, member + level[SIZE]):
        bounds[i] = 0
        ends[i] = 0
    for r in range(low, high):
        rest = np.int64(0)
        for e in range(starts[r + 1] - 1, starts[r] - 1, -1):
            utility = utilities[e]
            i = member + items[e]
            bound = prefixes[r] + utility + rest
            if bound > 0:
                bounds[i] += bound
            ends[i] += 1
            rests[e] = rest
            owners[e] = r
            if utility > 0:
                rest += utility
    at = starts[low]
    for i in range(member, member + level[SIZE]):
        count = ends[i]
        ends[i] = at
        at += count
    for e in range(starts[low], starts[high]):
        i = member + items[e]
        occurrences[ends[i]] = e
        ends[i] += 1


@helper
def _raise_threshold(best, state, utility):
    """Put ``utility`` among the best ones (a heap, the least on top); a full heap's top is the new threshold."""
    at = state[N_BEST]
    if at < best.size:
        state[N_BEST] = at + 1
        while at > 0 and best[(at - 1) >> 1] > utility:
            best[at] = best[(at - 1) >> 1]
            at = (at - 1) >> 1
        best[at] = utility
    elif utility > best[0]:
        at = 0
        while 2 * at + 1 < best.size:
            child = 2 * at + 1
            if child + 1 < best.size and best[child + 1] < best[child]:
                child += 1
            if best[child] >= utility:
                break
            best[at] = best[child]
            at = child
        best[at] = utility
    if state[N_BEST] == best.size and best[0] > state[THRESHOLD]:
        state[THRESHOLD] = best[0]


@helper
def _project(rows, entries, values, first, last, codes, n_codes, low, masks, slots):
    """Copy what stands behind an item into the rows from ``low`` on: the items with a code, equal rows merged.

    The item's occurrences are ``first`` to ``last - 1``. Returns the row behind the last one.
    """
    starts, prefixes, weights = rows[START], rows[PREFIX], rows[WEIGHT]
    items, owners, occurrences = entries[ITEM], entries[OWNER], entries[OCCURRENCE]
    utilities = values[UTILITY]
    merges = n_codes <= _MOST_BITS
    n_slots = 4
    while n_slots < 2 * (last - first):
        n_slots *= 2
    if merges:
        for slot in range(n_slots):
            slots[slot] = -1
    row = low
    at = starts[low]
    for q in range(first, last):
        e = occurrences[q]
        r = owners[e]
        stop = at
        mask = np.uint64(0)
        for p in range(e + 1, starts[r + 1]):
            code = codes[items[p]]
            if code >= 0:
                items[stop] = code
                utilities[stop] = utilities[p]
                mask |= np.uint64(1) << np.uint64(code & 63)
                stop += 1
        if stop == at:
            continue
        worth = prefixes[r] + utilities[e]
        if merges:
            # halves times 32-bit primes: no product overflows, which numpy would warn of without the JIT
            hashed = (mask & _HALF) * _PRIME_LOW ^ (mask >> np.uint64(32)) * _PRIME_HIGH
            slot = np.int64(hashed >> np.uint64(28)) & (n_slots - 1)
            while slots[slot] >= 0 and masks[slots[slot]] != mask:
                slot = (slot + 1) & (n_slots - 1)
            if slots[slot] >= 0:
                twin = low + slots[slot]
                for p in range(stop - at):
                    utilities[starts[twin] + p] += utilities[at + p]
                prefixes[twin] += worth
                weights[twin] += weights[r]
                continue
            slots[slot] = row - low
            masks[row - low] = mask
        prefixes[row] = worth
        weights[row] = weights[r]
        row += 1
        at = stop
        starts[row] = at
    return row


@kernel
def search(state, levels, rows, entries, values, members, local, codes, masks, slots, best, found, found_items, path,
           max_length, budget):  # fmt: skip
    """Find the itemsets worth at least ``state[THRESHOLD]``, depth first, from where the last call came back.

    An item extends the prefix if its subtree bound reaches the threshold, and stays in the level below if its local
    bound (definition 4.6) does. ``levels[0]`` is filled by the caller; ``local`` (zeros) and ``codes`` are scratch
    for the members of a level, ``masks`` for its rows, ``slots`` for four times as many; ``path`` is the prefix. With
    ``best`` (empty: off) the threshold rises to the least of the best utilities seen. Comes back after about
    ``budget`` entries, so that Ctrl-C is heard.
    """
    starts, prefixes, weights = rows[START], rows[PREFIX], rows[WEIGHT]
    items, owners, occurrences = entries[ITEM], entries[OWNER], entries[OCCURRENCE]
    utilities, rests = values[UTILITY], values[REST]
    labels, bounds, ends = members[CODE], members[BOUND], members[END]
    depth = state[DEPTH]
    while depth >= 0:
        level, below = levels[depth], levels[depth + 1]
        x, member = level[NEXT], level[MEMBER]
        if x == level[SIZE]:
            depth -= 1
            continue
        if bounds[member + x] < state[THRESHOLD]:
            level[NEXT] += 1
            continue
        state[DEPTH] = depth
        if budget < 0:
            return PAUSED
        first = ends[member + x - 1] if x > 0 else starts[level[LOW]]
        last = ends[member + x]
        low, entry = level[HIGH] + 1, starts[level[HIGH]]
        worth, count, n_behind = np.int64(0), np.int64(0), np.int64(0)
        for q in range(first, last):
            e = occurrences[q]
            r = owners[e]
            value = prefixes[r] + utilities[e]
            worth += value
            count += weights[r]
            n_behind += starts[r + 1] - e - 1
        full = DONE
        if low + last - first + 1 > rows.shape[1]:
            full, state[NEEDED] = ROWS_FULL, low + last - first + 1
        elif entry + n_behind > entries.shape[1]:
            full, state[NEEDED] = ENTRIES_FULL, entry + n_behind
        elif member + 2 * level[SIZE] > members.shape[1]:
            full, state[NEEDED] = MEMBERS_FULL, member + 2 * level[SIZE]
        elif state[N_FOUND] == found.shape[1]:
            full, state[NEEDED] = FOUND_FULL, state[N_FOUND] + 1
        at = found[STOP, state[N_FOUND] - 1] if state[N_FOUND] > 0 else 0
        if full == DONE and at + depth + 1 > found_items.size:
            full, state[NEEDED] = ITEMS_FULL, at + depth + 1
        if full != DONE:
            return full
        budget -= n_behind + last - first
        level[NEXT] += 1
        path[depth] = labels[member + x]
        if worth >= state[THRESHOLD]:
            for d in range(depth + 1):  # the codes of an itemset rise
                place = at + d
                while place > at and found_items[place - 1] > path[d]:
                    found_items[place] = found_items[place - 1]
                    place -= 1
                found_items[place] = path[d]
            found[STOP, state[N_FOUND]] = at + depth + 1
            found[WORTH, state[N_FOUND]] = worth
            found[COUNT, state[N_FOUND]] = count
            state[N_FOUND] += 1
            if best.size > 0:
                _raise_threshold(best, state, worth)
        if n_behind == 0 or depth + 1 == max_length:
            continue
        for q in range(first, last):
            e = occurrences[q]
            r = owners[e]
            bound = prefixes[r] + utilities[e] + rests[e]
            if bound > 0:
                for p in range(e + 1, starts[r + 1]):
                    local[items[p]] += bound
        size = np.int64(0)
        for y in range(x + 1, level[SIZE]):
            codes[y] = -1
            if local[y] >= state[THRESHOLD]:
                codes[y] = size
                labels[member + level[SIZE] + size] = labels[member + y]
                size += 1
            local[y] = 0
        if size == 0:
            continue
        starts[low] = entry
        below[LOW], below[MEMBER], below[SIZE], below[NEXT] = low, member + level[SIZE], size, 0
        below[HIGH] = _project(rows, entries, values, first, last, codes, size, low, masks, slots)
        index_level(rows, entries, values, members, below)
        depth += 1
    state[DEPTH] = -1
    return DONE
