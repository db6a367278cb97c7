"""What every itemset miner shares: baskets in rank order, and the trie that itemsets come out as.

Ranks number the frequent items from the most frequent one (0). A trie node is one itemset: that of its parent
plus one item. The table ``trie`` of shape (3, size) has the rows `PARENT` (-1 at the roots), `ITEM` (a rank) and
`COUNT` (baskets that hold the whole itemset); a parent stands before its children. 12 bytes an itemset, which is
why miners write it and `expand` makes lists of items of it only on demand.
"""

from __future__ import annotations

from crmintel.kernels._jit import kernel

PARENT, ITEM, COUNT = 0, 1, 2

# Rows of a table of members: the items of a conditional database or of a class, and their counts there.
LABEL, SUPPORT = 0, 1

# How a miner comes back: ended, told to stop, or without room in one of its arrays. ``state`` then holds how much
# it needs; give it room there and call it again.
DONE, STOPPED, TRIE_FULL = 0, 1, 2

# A depth d is reached after 2**(d - 2) itemsets were written, and a trie holds less than 2**31.
MAX_DEPTH = 64

# Fields of ``state`` that all miners share: the size of the trie, the room that is needed.
TRIE_SIZE, NEEDED = 0, 1


@kernel
def order_baskets(indices, indptr, rank, first, owner, entries, row_ends, work):
    """Sort each basket by rank and list the baskets that hold each rank.

    Two counting passes instead of comparisons (the transposition of a transposition is sorted).

    Parameters
    ----------
    indices, indptr : baskets in CSR form
    rank : rank of each item, -1 where infrequent
    first : (n_ranks + 1,) starts of the ranks' occurrences
    owner : (first[-1],) filled here: rank r stands in the baskets ``owner[first[r]:first[r + 1]]``
    entries, row_ends : (first[-1],), (n_baskets,) filled here: the ranks, basket by basket, and where these end
    work : (n_ranks,) filled here: how many entries stand before each rank in its baskets
    """
    n_ranks = first.size - 1
    for r in range(n_ranks):
        work[r] = first[r]
    size = 0
    for basket in range(row_ends.size):
        row_ends[basket] = size
        for p in range(indptr[basket], indptr[basket + 1]):
            r = rank[indices[p]]
            if r >= 0:
                owner[work[r]] = basket
                work[r] += 1
                size += 1
    # row_ends holds the place of the next rank: at first where the basket starts.
    for r in range(n_ranks):
        for q in range(first[r], first[r + 1]):
            place = row_ends[owner[q]]
            entries[place] = r
            row_ends[owner[q]] = place + 1
    for r in range(n_ranks):
        work[r] = 0
    begin = 0
    for basket in range(row_ends.size):
        for p in range(begin, row_ends[basket]):
            work[entries[p]] += p - begin
        begin = row_ends[basket]


@kernel
def list_parts(entries, row_ends, fill, begins, ends):
    """List, for every rank, the part of the baskets that stands before it: ``entries[begins[q]:ends[q]]``.

    The q of rank r are ``fill[r]`` (which is used up) and those that follow.
    """
    begin = 0
    for basket in range(row_ends.size):
        for p in range(begin, row_ends[basket]):
            q = fill[entries[p]]
            begins[q] = begin
            ends[q] = p
            fill[entries[p]] = q + 1
        begin = row_ends[basket]


@kernel
def itemset_offsets(parent, at, offsets):
    """Fill ``offsets`` beyond place ``at``, which holds where the first itemset of this trie starts."""
    for k in range(parent.size):
        length = 1
        if parent[k] >= 0:
            length += offsets[at + parent[k] + 1] - offsets[at + parent[k]]
        offsets[at + k + 1] = offsets[at + k] + length


@kernel
def expand(parent, item, codes, at, offsets, items):
    """Write every itemset's item codes, rising: its parent's, with one more put in its place.

    ``codes`` are those of the ranks; itemset k of this trie is number ``at + k`` in ``offsets``. Every item of the
    parent is moved by one or not, which saves a branch that no processor can predict.
    """
    for k in range(parent.size):
        code = codes[item[k]]
        to = offsets[at + k]
        place = to
        if parent[k] >= 0:
            low, high = offsets[at + parent[k]], offsets[at + parent[k] + 1]
            shift = to - low
            for p in range(low, high):
                smaller = items[p] < code
                place += smaller
                items[p + shift + (not smaller)] = items[p]
        items[place] = code


@kernel
def _rarest(items, first, last, column_start):
    """Return the item of the shortest column among ``items[first:last]``."""
    rarest = items[first]
    for q in range(first + 1, last):
        code = items[q]
        if column_start[code + 1] - column_start[code] < column_start[rarest + 1] - column_start[rarest]:
            rarest = code
    return rarest


@kernel
def _holds(items, first, last, indices, low, end):
    """Whether the row ``indices[low:end]`` (rising) holds all of ``items[first:last]`` (rising)."""
    for q in range(first, last):
        high = end
        while low < high:
            middle = (low + high) >> 1
            if indices[middle] < items[q]:
                low = middle + 1
            else:
                high = middle
        if low == end or indices[low] != items[q]:
            return False
    return True


@kernel
def find_members(start, items, item_offsets, indptr, indices, column_start, column_rows, offsets, rows):
    """List the baskets that hold each itemset, from itemset ``start`` on: those of its rarest item with all others.

    The baskets are ``indices`` (rising) in CSR form, their transpose is ``column_rows`` in CSC form. Returns the
    first itemset for which ``rows`` has no room, or the number of itemsets.
    """
    n_itemsets = item_offsets.size - 1
    for k in range(start, n_itemsets):
        first, last = item_offsets[k], item_offsets[k + 1]
        rarest = _rarest(items, first, last, column_start)
        at = offsets[k]
        if at + column_start[rarest + 1] - column_start[rarest] > rows.size:
            return k
        for place in range(column_start[rarest], column_start[rarest + 1]):
            row = column_rows[place]
            if _holds(items, first, last, indices, indptr[row], indptr[row + 1]):
                rows[at] = row
                at += 1
        offsets[k + 1] = at
    return n_itemsets


@kernel
def weigh_members(items, item_offsets, indptr, indices, column_start, column_rows, weights, sums):
    """Add the weights of the baskets that hold each itemset to ``sums``; see `find_members`."""
    for k in range(sums.size):
        first, last = item_offsets[k], item_offsets[k + 1]
        rarest = _rarest(items, first, last, column_start)
        for place in range(column_start[rarest], column_start[rarest + 1]):
            row = column_rows[place]
            if _holds(items, first, last, indices, indptr[row], indptr[row + 1]):
                sums[k] += weights[row]
