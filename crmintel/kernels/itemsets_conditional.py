"""Conditional databases for the search of condensed itemsets: rows of items, or columns of bits.

Rows are kept in lists by their last item. The items are extended from the last one on; an item that has been
extended hands its rows, one item shorter, on to the items before it.
"""

from __future__ import annotations

import numpy as np

from crmintel.kernels._jit import kernel
from crmintel.kernels.bits import count_ones

# Rows of ``members``, the items of a conditional database: item code, count, what is known of it, its number in the
# root's database, the first of the rows that end with it (in bits: where its column starts), and the digest of the
# rows that it is all that is left of.
LABEL, SUPPORT, FLAG, LOCAL, HEAD, SINGLES = 0, 1, 2, 3, 4, 5

# What is searched for; free itemsets (generators) have no subset with the same count.
CLOSED, MAXIMAL, FREE = 0, 1, 2

# An item beside one passed before: frequent with it, or never without it.
OPEN, JOINED, COVERED = 0, 1, 2

# Rows of ``rows``: where a row begins and ends in ``entries``, the next row with the same last item, and a random
# number for the basket it is of. The XOR of these is the digest of a set of rows.
BEGIN, END, FOLLOWER, BASKET = 0, 1, 2, 3


@kernel
def basket_number(place):
    """Return a random number below 2**62 for the basket that starts at ``place``: the steps of MurmurHash3, twice."""
    low, high = place, place ^ 0x5BD1E995
    for multiplier in (0x85EBCA6B, 0xC2B2AE35):
        low = ((low ^ (low >> 15)) * multiplier) & 0x7FFFFFFF
        high = ((high ^ (high >> 13)) * multiplier) & 0x7FFFFFFF
    return (high ^ (high >> 16)) << 31 | (low ^ (low >> 16))


@kernel
def take_rows(members, member, i, rows, entries, parts, owners):
    """List the row parts before item i and hand the rows on to the item that now ends them.

    Returns how many they are, and the digest of the item's rows.
    """
    n = 0
    digest = members[SINGLES, member + i]
    row = members[HEAD, member + i]
    while row >= 0:
        follower = rows[FOLLOWER, row]
        begin, end = rows[BEGIN, row], rows[END, row] - 1
        rows[END, row] = end
        parts[BEGIN, n] = begin
        parts[END, n] = end
        owners[n] = row
        n += 1
        digest ^= rows[BASKET, row]
        last = member + entries[end - 1]
        if end - begin > 1:
            rows[FOLLOWER, row] = members[HEAD, last]
            members[HEAD, last] = row
        else:
            members[SINGLES, last] ^= rows[BASKET, row]
        row = follower
    return n, digest


@kernel
def count_parts(entries, parts, low, high, n_items, min_count, tally, local, found):
    """List the items that are frequent in the row parts low..high-1 in ``found``, rising; return how many.

    ``tally`` gets their counts and must come in zero; ``local`` is set to -1 for all others that occur.
    """
    total = 0
    for q in range(low, high):
        total += parts[END, q] - parts[BEGIN, q]
    n = 0
    if 2 * total >= n_items:
        for q in range(low, high):
            for p in range(parts[BEGIN, q], parts[END, q]):
                tally[np.uint32(entries[p])] += 1  # unsigned: an index that numba does not wrap around
        for item in range(n_items):
            if tally[item] >= min_count:
                found[n] = item
                n += 1
            else:
                tally[item] = 0
                local[item] = -1
        return n
    seen = 0  # little occurs: look at that, not at all items
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
    return n


@kernel
def admit(at, count, own_count, target, above, kept, members, joining, n_joining):
    """Take a frequent item in: it joins the itemset if it has its count, else it is a member of its database."""
    if target == FREE:
        if count == own_count or count == members[SUPPORT, at]:
            return kept, n_joining
    elif count == members[SUPPORT, at]:
        members[FLAG, at] = COVERED
    elif members[FLAG, at] == OPEN:
        members[FLAG, at] = JOINED
    if count == own_count:
        joining[n_joining] = at
        return kept, n_joining + 1
    members[LABEL, above + kept] = members[LABEL, at]
    members[SUPPORT, above + kept] = count
    members[FLAG, above + kept] = OPEN
    members[LOCAL, above + kept] = members[LOCAL, at]
    members[HEAD, above + kept] = -1
    members[SINGLES, above + kept] = 0
    return kept + 1, n_joining


@kernel
def sort_out(n, found, tally, local, member, own_count, target, above, members, joining):
    """Admit the items found; number those of the new database in ``local`` and set ``tally`` to zero."""
    kept, n_joining = 0, 0
    for k in range(n):
        item = found[k]
        before = kept
        kept, n_joining = admit(
            member + item, np.int64(tally[item]), own_count, target, above, kept, members, joining, n_joining
        )
        local[item] = before if kept > before else -1
        tally[item] = 0
    return kept, n_joining


@kernel
def copy_parts(source, parts, low, high, owners, local, at, entries, row, rows, above, members):
    """Copy the row parts low..high-1 to ``entries`` from ``at`` on, renumbered; keep rows of two items or more.

    ``owners`` names the rows the parts are of; without it (size 0) they are of baskets, which start where they do.

    Returns the end of the rows, the end of the entries, and the sum of the squared lengths.
    """
    squares = 0
    for q in range(low, high):
        begin = at
        for p in range(parts[BEGIN, q], parts[END, q]):
            item = local[np.uint32(source[p])]
            entries[np.uint64(at)] = item
            at += item >= 0
        length = at - begin
        if length == 0:
            continue
        basket = basket_number(np.int64(parts[BEGIN, q])) if owners.size == 0 else rows[BASKET, owners[q]]
        if length == 1:
            at = begin
            members[SINGLES, above + entries[at]] ^= basket
        else:
            rows[BEGIN, row] = begin
            rows[END, row] = at
            rows[BASKET, row] = basket
            row += 1
            squares += length * length
    return row, at, squares


@kernel
def link_rows(entries, rows, low, high, member, members):
    """List the rows low..high-1 by their last item."""
    for row in range(low, high):
        last = member + entries[rows[END, row] - 1]
        rows[FOLLOWER, row] = members[HEAD, last]
        members[HEAD, last] = row


@kernel
def set_columns(entries, rows, low, high, member, n_items, n_words, words, members):
    """Write the rows low..high-1 as the columns of bits of the ``n_items`` members from ``member`` on."""
    for k in range(n_items):
        members[HEAD, member + k] = k * n_words
    for w in range(n_items * n_words):
        words[w] = 0
    for row in range(low, high):
        place = (row - low) >> 6
        bit = np.uint64(1) << np.uint64((row - low) & 63)
        for p in range(rows[BEGIN, row], rows[END, row]):
            words[place + entries[p] * n_words] |= bit


@kernel
def set_basket_columns(indices, indptr, rank, n_words, words):
    """Write the baskets as columns of bits, those of rank 0 first; ``rank`` is -1 for infrequent items."""
    words[:] = 0
    for basket in range(indptr.size - 1):
        bit = np.uint64(1) << np.uint64(basket & 63)
        for p in range(indptr[basket], indptr[basket + 1]):
            r = rank[indices[p]]
            if r >= 0:
                words[(basket >> 6) + r * n_words] |= bit


@kernel
def intersect(i, n_words, top, member, min_count, target, above, words, members, joining):
    """Intersect column i with those before it, to ``words[top:]``, and admit the frequent ones.

    Places are unsigned: a signed one is tested for its sign, word by word.
    """
    own_count = members[SUPPORT, member + i]
    kept, n_joining = 0, 0
    width, own, at = np.uint64(n_words), np.uint64(members[HEAD, member + i]), np.uint64(top)
    for j in range(i):
        other = np.uint64(members[HEAD, member + j])
        ones = np.uint64(0)
        for w in range(width):
            both = words[own + w] & words[other + w]
            words[at + w] = both
            ones += count_ones(both)
        count = np.int64(ones)
        if count < min_count:
            continue
        before = kept
        kept, n_joining = admit(
            member + j, count, own_count, target, above, kept, members, joining, n_joining
        )
        if kept > before:
            members[HEAD, above + before] = np.int64(at)
            at += width
            if target == MAXIMAL:
                sink(members, above, above + before)
    return kept, n_joining


@kernel
def sink(members, low, at):
    """Move the member at ``at`` down to keep members sorted by falling count: few extensions of the rare ones."""
    label, count, local, head = (
        members[LABEL, at],
        members[SUPPORT, at],
        members[LOCAL, at],
        members[HEAD, at],
    )
    while at > low and members[SUPPORT, at - 1] < count:
        for field in (LABEL, SUPPORT, LOCAL, HEAD):
            members[field, at] = members[field, at - 1]
        at -= 1
    members[LABEL, at], members[SUPPORT, at], members[LOCAL, at], members[HEAD, at] = (
        label,
        count,
        local,
        head,
    )


@kernel
def column_digest(base, n_words, words, rows, low, single, alone):
    """Return the digest of the rows in a column of bits over the rows from ``low`` on.

    Where all digests compared are of these columns (``alone``) it is one of its words, which is cheaper.
    """
    digest = single
    if alone:
        mixed, column, row = np.uint64(0), np.uint64(base), np.uint64(low)
        for w in range(np.uint64(n_words)):
            mixed += words[column + w] * np.uint64(rows[BASKET, row + w])
        return digest ^ np.int64((mixed ^ (mixed >> np.uint64(32))) >> np.uint64(2))
    for w in range(n_words):
        word = words[base + w]
        row = low + 64 * w
        while word != 0:
            rest = word & (word - np.uint64(1))
            digest ^= rows[BASKET, row + np.int64(count_ones((word ^ rest) - np.uint64(1)))]
            word = rest
    return digest
