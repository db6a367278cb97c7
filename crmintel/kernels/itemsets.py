"""What every itemset miner shares: baskets in rank order, and the trie that itemsets come out as.

Ranks number the frequent items from the most frequent one (0). A trie node is one itemset: that of its parent
plus one item. The table ``trie`` of shape (3, size) has the rows `PARENT` (-1 at the roots), `ITEM` (a rank) and
`COUNT` (baskets that hold the whole itemset); a parent stands before its children. 12 bytes an itemset, which is
why miners write it and `expand` makes lists of items of it only on demand.
"""

from __future__ import annotations

import numpy as np

from crmintel.kernels._jit import helper, kernel
from crmintel.kernels.bits import count_ones

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
def count_items(indices, counts):
    """Count the baskets of each item, which are those of ``indices``, in ``counts``."""
    for p in range(indices.size):
        counts[np.uint32(indices[p])] += 1


@kernel
def order_baskets(indices, indptr, rank, scratch, marks, entries, row_ends, work):
    """Sort each basket by rank.

    Places are unsigned here and below: a signed one is tested for its sign.

    Parameters
    ----------
    indices, indptr : baskets in CSR form
    rank : rank of each item, -1 where infrequent
    scratch : room for one item more than a basket holds
    marks : a word for 64 ranks, zeros, as they are left
    entries, row_ends : (n_entries,), (n_baskets,) filled here: the ranks, basket by basket, and where these end
    work : (n_ranks,) zeros; filled here: how many entries stand before each rank in its baskets
    """
    size, one, bits = np.uint64(0), np.uint64(1), np.uint64(6)
    for basket in range(row_ends.size):
        n = np.uint64(0)
        for p in range(np.uint64(indptr[basket]), np.uint64(indptr[basket + 1])):
            scratch[n] = rank[np.uint32(indices[p])]
            n += np.uint64(scratch[n] >= 0)
        if n < np.uint64(64):
            # The place of a rank is the number of smaller ones: no branch, and compared many at a time.
            for a in range(n):
                place = np.int32(0)
                for b in range(n):
                    place += np.int32(scratch[b] < scratch[a])
                entries[size + np.uint64(place)] = scratch[a]
                work[np.uint32(scratch[a])] += place
            size += n
        else:
            for a in range(n):
                r = np.uint64(scratch[a])
                marks[r >> bits] |= one << (r & np.uint64(63))
            begin = size
            for w in range(np.uint64(marks.size)):
                word = marks[w]
                marks[w] = 0
                while word != 0:
                    rest = word & (word - one)
                    r = (w << bits) + count_ones((word ^ rest) - one)
                    entries[size] = r
                    work[r] += np.int64(size - begin)
                    size += one
                    word = rest
        row_ends[basket] = size


@kernel
def list_owners(entries, row_ends, low, fill, owner):
    """List the baskets that hold each rank from ``low`` on, those of ``low + k`` from ``fill[k]`` on (used up)."""
    begin = 0
    for basket in range(row_ends.size):
        p = row_ends[basket] - 1
        while p >= begin and entries[np.uint64(p)] >= low:
            k = np.uint64(entries[np.uint64(p)] - low)
            owner[np.uint64(fill[k])] = basket
            fill[k] += 1
            p -= 1
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


@helper
def _rarest(items, first, last, column_start):
    """Return the item of the shortest column among ``items[first:last]``."""
    rarest = items[first]
    for q in range(first + 1, last):
        code = items[q]
        if column_start[code + 1] - column_start[code] < column_start[rarest + 1] - column_start[rarest]:
            rarest = code
    return rarest


@helper
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
