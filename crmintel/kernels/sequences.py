"""Prefix projection: frequent sequences of item sets, depth first, with gaps, spans and windows.

A pattern grows at its end, by an item in its last element (a *joined* item, code ``x``) or by an element of its own
(an *opened* one, code ``n_items + x``). Its projection is a list of places, where its last item stands in the
sequences. One pass over these lists and counts all extensions; the places of the frequent ones go on the stack.

Without a longest gap or span the first place in a sequence decides what may follow, and later ones only serve to
join items. With one, every place counts, each with the latest start of the pattern that ends there: a first place
that is too far away must not hide a later one.

Pei, J., Han, J., Mortazavi-Asl, B., Pinto, H., Chen, Q., Dayal, U., Hsu, M.-C. (2001). PrefixSpan: mining sequential
patterns efficiently by prefix-projected pattern growth. ICDE, 215-224.
"""

from __future__ import annotations

import numpy as np

from crmintel.kernels._jit import helper, kernel
from crmintel.kernels.itemsets import COUNT, DONE, ITEM, NEEDED, PARENT, STOPPED, TRIE_FULL, TRIE_SIZE

# Further fields of ``state``: the patterns on the stack, and how many sequences were looked at so far.
DEPTH, VISITS = 2, 3
STATE_SIZE = 4

MEMBERS_FULL, PLACES_FULL, STARTS_FULL, STACK_FULL, PAIRS_FULL = 3, 4, 5, 6, 7
FULL = {
    TRIE_FULL: "trie", MEMBERS_FULL: "members", PLACES_FULL: "places", STARTS_FULL: "starts", STACK_FULL: "stack",
    PAIRS_FULL: "pairs",
}  # fmt: skip

# Fields of a pattern on the stack: its number of extensions, the next one to follow, where they start in
# ``members``, its trie node, its number of elements, that of items in the last one, and where the places of all its
# extensions end.
SIZE, NEXT, MEMBER, NODE, ELEMENTS, WIDTH, TOP = 0, 1, 2, 3, 4, 5, 6
STACK_FIELDS = 7

# Fields of an extension: its code, the sequences that hold it, and where its places begin and end.
CODE, SUPPORT, BEGIN, END = 0, 1, 2, 3

# Fields of a pair: the code, where the item stands, and which place of the pattern it extends; CODE is shared.
PLACE, ORIGIN = 1, 2

# The bounds of time.
MIN_GAP, MAX_GAP, MAX_SPAN = 0, 1, 2


@kernel
def count_holders(items, begins, seen, counts):
    """Count for every item the sequences that hold it; ``seen`` must come in as -1. Returns nothing."""
    for s in range(begins.size - 1):
        for p in range(begins[s], begins[s + 1]):
            item = items[p]
            if seen[item] != s:
                seen[item] = s
                counts[item] += 1


@kernel
def keep_items(items, element_offsets, offsets, rank, entries, element, close, first, source):
    """Copy the elements with only the items that have a rank, and leave out the empty ones.

    Fills, by entry, its rank, its element and where the entries of its sequence end; by element, where its entries
    start, and which element it was. Returns the numbers of entries and of elements.
    """
    n_entries, n = 0, 0
    for s in range(offsets.size - 1):
        begin = n_entries
        for e in range(offsets[s], offsets[s + 1]):
            first[n] = n_entries
            for p in range(element_offsets[e], element_offsets[e + 1]):
                r = rank[items[p]]
                if r >= 0:
                    entries[n_entries] = r
                    element[n_entries] = n
                    n_entries += 1
            if n_entries > first[n]:
                source[n] = e
                n += 1
        for p in range(begin, n_entries):
            close[p] = n_entries
    first[n] = n_entries
    return n_entries, n


@kernel
def list_places(entries, element, close, first, every, seen, ends, places):
    """List the places of every item alone, as a search would: all, or the first and those where more can join.

    ``ends`` must hold where each item's places begin, and gets where they end. ``seen`` must come in as -1.
    """
    for p in range(entries.size):
        item = entries[p]
        if every or seen[item] != close[p] or p + 1 < first[element[p] + 1]:
            seen[item] = close[p]
            places[ends[item]] = p
            ends[item] += 1


@helper
def find_extensions(
    entries, element, close, first, low, high, bounds, plain, joins, opens,
    begin, end, places, starts, tally, room, seen, touched, pairs, state,
):  # fmt: skip
    """List all that may follow the places begin..end-1 in ``pairs``: code, place, and which place it extends.

    Places of one sequence stand together, rising. An extension is counted once a sequence in ``tally``, each of its
    places that matters in ``room``. Returns the number of codes ``touched`` and of pairs; where there is no room for
    these, what is needed with a minus.
    """
    n_items = tally.size >> 1
    spans = bounds[MAX_SPAN] < np.inf
    every = np.int64(spans or bounds[MAX_GAP] < np.inf)
    single = first[first.size - 1] == first.size - 1
    visit, n_touched, n = state[VISITS], 0, 0
    q = begin
    while q < end:
        stop = close[places[q]]
        needed = n + 2 * (stop - places[q]) + 1
        visit += 1
        if needed > pairs.shape[1]:
            state[VISITS] = visit
            return n_touched, -needed
        group = q
        q += 1
        while q < end and places[q] < stop:
            q += 1
        f = 0
        for s in range(group, q):
            e = places[s] if single else element[places[s]]
            origin, base = s, 0
            begin_run, end_run = places[s] + 1, e + 1 if single else first[e + 1]
            if not joins:
                begin_run = end_run
            follows = opens and (every or s == group)
            f = max(f, e + 1)
            while True:
                for r in range(begin_run, end_run):
                    code = base + entries[r]
                    new = np.int64(seen[code] != visit)
                    keep = new | every
                    if not single:
                        keep |= np.int64(r + 1 < first[element[r] + 1])
                    if tally[code] == 0:
                        touched[n_touched] = code
                        n_touched += 1
                    pairs[CODE, n] = code
                    pairs[PLACE, n] = r
                    pairs[ORIGIN, n] = origin
                    n += keep
                    room[code] += keep
                    tally[code] += new
                    seen[code] = visit
                if not follows:
                    break
                base = n_items
                if plain:  # any later element will do
                    begin_run, end_run, follows = end_run, stop, False
                    continue
                # An element that was looked at from an earlier place is done with: what is too near to follow that
                # place is too near to follow this one.
                while f <= element[stop - 1] and (low[f] <= high[e] or low[f] - high[e] < bounds[MIN_GAP]):
                    f += 1
                if f > element[stop - 1] or high[f] - low[e] > bounds[MAX_GAP]:
                    break
                if spans:
                    if high[f] - starts[s] > bounds[MAX_SPAN]:
                        break
                    origin = s
                    for g in range(s + 1, q):  # of the places it may follow, the one that started last
                        gap, reach = low[f] - high[element[places[g]]], high[f] - low[element[places[g]]]
                        near = reach <= bounds[MAX_GAP] and gap > 0 and gap >= bounds[MIN_GAP]
                        if near and starts[g] > starts[origin]:
                            origin = g
                begin_run, end_run = first[f], first[f + 1]
                f += 1
    state[VISITS] = visit
    return n_touched, n


@kernel
def mine_sequences(
    entries, element, close, first, low, high, bounds, plain, min_count, max_length, max_elements, max_width, stop,
    trie, members, places, starts, stack, tally, room, seen, touched, found, pairs, state,
):  # fmt: skip
    """Go on with a search until it is done, told to stop, or an array is full; return which.

    Parameters
    ----------
    entries : item of every entry of the elements, rising within an element
    element : the element of every entry
    close : for every entry, where the entries of its sequence end
    first : where each element's entries start
    low, high : when each element starts and ends; they rise by ``high`` within a sequence
    bounds : least gap, largest gap and largest span
    plain : whether there are no bounds and no elements that overlap
    min_count, max_length, max_elements, max_width : bounds of what is written; a width is the items in an element
    stop : (1,) another thread may write 1 here to end the search
    trie : filled here, see `crmintel.kernels.itemsets`; its `ITEM` is a code
    members : (4, size) the extensions of all patterns on the stack
    places, starts : the places of these, and when the pattern that ends there started
    stack, state : where the search stands; a step begins anew where room was lacking
    tally, room, seen, touched, found : scratch by code; the first three must come in zero
    pairs : (3, size) scratch, the extensions of one pattern
    """
    n_items = tally.size >> 1
    spans = bounds[MAX_SPAN] < np.inf
    while True:
        depth, size = state[DEPTH], state[TRIE_SIZE]
        if depth < 0:
            return DONE
        i = stack[NEXT, depth]
        if i == stack[SIZE, depth]:
            state[DEPTH] -= 1
            continue
        if stop[0]:
            return STOPPED
        m = stack[MEMBER, depth] + i
        code, begin, end = members[CODE, m], members[BEGIN, m], members[END, m]
        n_elements, width = stack[ELEMENTS, depth], stack[WIDTH, depth] + 1
        if code >= n_items:
            n_elements, width = n_elements + 1, 1
        # ---- what may follow
        n, n_touched, n_pairs = 0, 0, 0
        if depth + 1 < max_length and end - begin >= min_count:
            n_touched, n_pairs = find_extensions(
                entries, element, close, first, low, high, bounds, plain, width < max_width, n_elements < max_elements,
                begin, end, places, starts, tally, room, seen, touched, pairs, state,
            )  # fmt: skip
            dense = 8 * n_touched > tally.size  # then looking at every code is cheaper than sorting
            for k in range(tally.size if dense else n_touched):
                follower = k if dense else touched[k]
                if tally[follower] < min_count:
                    room[follower] = -min(1, tally[follower])  # nowhere; untouched codes stay at 0
                    continue
                q = n
                while q > 0 and found[q - 1] > follower:
                    found[q] = found[q - 1]
                    q -= 1
                found[q] = follower
                n += 1
        # ---- room for it
        extend = depth + 2 < max_length
        above, at, total = stack[MEMBER, depth] + stack[SIZE, depth], stack[TOP, depth], 0
        if extend:
            for k in range(n):
                total += room[found[k]]
        status = DONE
        if n_pairs < 0:
            status, state[NEEDED] = PAIRS_FULL, -n_pairs
        elif size + 1 > trie.shape[1]:
            status, state[NEEDED] = TRIE_FULL, size + 1
        elif above + n > members.shape[1]:
            status, state[NEEDED] = MEMBERS_FULL, above + n
        elif at + total > places.size:
            status, state[NEEDED] = PLACES_FULL, at + total
        elif spans and at + total > starts.size:
            status, state[NEEDED] = STARTS_FULL, at + total
        elif depth + 2 > stack.shape[1]:
            status, state[NEEDED] = STACK_FULL, depth + 2
        if status == DONE:
            trie[PARENT, size] = stack[NODE, depth]
            trie[ITEM, size] = code
            trie[COUNT, size] = members[SUPPORT, m]
            state[TRIE_SIZE] = size + 1
            stack[NEXT, depth] = i + 1
            for k in range(n):
                follower = found[k]
                members[CODE, above + k] = follower
                members[SUPPORT, above + k] = tally[follower]
                members[BEGIN, above + k] = at
                if extend:
                    at, room[follower] = at + room[follower], at
                members[END, above + k] = at
            if n > 0:
                if extend:
                    for k in range(n_pairs):
                        follower = pairs[CODE, k]
                        q = room[follower]
                        if q >= 0:
                            places[q] = pairs[PLACE, k]
                            if spans:
                                starts[q] = starts[pairs[ORIGIN, k]]
                            room[follower] = q + 1
                state[DEPTH] += 1
                stack[SIZE, depth + 1] = n
                stack[NEXT, depth + 1] = 0
                stack[MEMBER, depth + 1] = above
                stack[NODE, depth + 1] = size
                stack[ELEMENTS, depth + 1] = n_elements
                stack[WIDTH, depth + 1] = width
                stack[TOP, depth + 1] = at
        for k in range(n_touched):
            tally[touched[k]] = 0
            room[touched[k]] = 0
        if status != DONE:
            return status


@kernel
def expand_patterns(parent, code, n_items, item_offsets, offsets, items, element_offsets):
    """Write every pattern's items, and where its elements start: its parent's, and one item more."""
    for k in range(parent.size):
        at, e = item_offsets[k], offsets[k]
        if parent[k] >= 0:
            before = item_offsets[parent[k]]
            for p in range(before, item_offsets[parent[k] + 1]):
                items[at] = items[p]
                at += 1
            for q in range(offsets[parent[k]], offsets[parent[k] + 1]):
                element_offsets[e] = element_offsets[q] - before + item_offsets[k]
                e += 1
        if code[k] >= n_items:
            element_offsets[e] = at
            items[at] = code[k] - n_items
        else:
            items[at] = code[k]
    element_offsets[offsets[parent.size]] = item_offsets[parent.size]
