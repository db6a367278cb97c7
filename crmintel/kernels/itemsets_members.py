"""Which baskets hold which itemset, from items as columns of bits: 64 baskets a word.

`crmintel.kernels.itemsets.find_members` looks the items up in the baskets of the rarest one and lists itemset by
itemset, which takes long where these are many. Here a block of itemsets is marked at once, word by word in
``marks`` of shape (n_words, size of the block), and read basket by basket.
"""

from __future__ import annotations

import numpy as np

from crmintel.kernels._jit import kernel


@kernel
def set_item_columns(indptr, indices, place, columns):
    """Set the bits of the baskets in CSR form: item i has the column ``place[i]``, none where it is -1."""
    for row in range(indptr.size - 1):
        bit = np.uint64(1) << np.uint64(row & 63)
        for p in range(indptr[row], indptr[row + 1]):
            column = place[indices[p]]
            if column >= 0:
                columns[column, row >> 6] |= bit


@kernel
def mark_members(first, last, items, item_offsets, place, columns, marks):
    """Mark the baskets that hold each of the itemsets first..last-1."""
    for k in range(first, last):
        column = place[items[item_offsets[k]]]
        for w in range(marks.shape[0]):
            marks[w, k - first] = columns[column, w]
        for q in range(item_offsets[k] + 1, item_offsets[k + 1]):
            column = place[items[q]]
            for w in range(marks.shape[0]):
                marks[w, k - first] &= columns[column, w]


@kernel
def count_marks(n, marks, counts):
    """Add to ``counts`` how many of the ``n`` itemsets every basket holds."""
    for row in range(counts.size):
        bit, held = np.uint64(row & 63), np.uint64(0)
        for k in range(n):
            held += (marks[row >> 6, k] >> bit) & np.uint64(1)
        counts[row] += np.int64(held)


@kernel
def list_marks(first, n, marks, fill, indices):
    """Write the numbers of the itemsets that every basket holds from place ``fill`` on, which moves."""
    for row in range(fill.size):
        bit, at = np.uint64(row & 63), fill[row]
        word = row >> 6
        for k in range(n):
            if (marks[word, k] >> bit) & np.uint64(1) != np.uint64(0):
                indices[at] = first + k
                at += 1
        fill[row] = at
