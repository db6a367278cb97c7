"""The databases conditional on all items of one database, made in two passes over its rows.

A triangular table counts the pairs of items row by row; then it tells the place of an item in the database
conditional on another, which the second pass writes. Rows are read in their order: one item at a time they are
read all over memory, which takes three times as long.

Rows ``lo..hi-1`` of a database end at ``ends[row]`` in ``entries``, the first one starts at ``begin``. In the table
``pairs`` the pair j < i stands at ``i * (i - 1) // 2 + j``. A table ``spans`` holds for every item what belongs to
the database conditional on it: where its items start in ``members`` (`FIRST`, up to that of the next item), its
entries (`BEGIN`, written up to `FILL`), its rows' ends (`ROW`, written up to `ROW_END`), and the sum of its squared row
lengths (`SQUARES`).

Places are unsigned: a signed one is tested for its sign.
"""

from __future__ import annotations

import numpy as np

from crmintel.kernels._jit import kernel
from crmintel.kernels.itemsets import LABEL, SUPPORT

FIRST, BEGIN, FILL, ROW, ROW_END, SQUARES = 0, 1, 2, 3, 4, 5


@kernel
def count_pairs(entries, begin, ends, lo, hi, n, pairs):
    """Count the pairs of items below ``n`` of every row in ``pairs``."""
    for k in range(n * (n - 1) // 2):
        pairs[k] = 0
    start, one = np.uint64(begin), np.uint64(1)
    for row in range(lo, hi):
        end = np.uint64(ends[row])
        for a in range(start + one, end):
            i = np.uint64(entries[a])
            if i >= n:
                break
            corner = i * (i - one) >> one
            for b in range(start, a):
                pairs[corner + np.uint64(entries[b])] += 1
        start = end


@kernel
def choose_partners(pairs, n, min_count, members, member, above, spans, span, begin, row):
    """List for every item those before it that stand in ``min_count`` rows with it, with their counts.

    The items' own labels and counts stand in ``members`` from ``member`` on, the lists are written from ``above`` on;
    ``spans`` is filled from ``span`` on, with room for entries from ``begin`` and for rows from ``row`` on. In
    ``pairs`` the places in these lists replace the counts, -1 where a pair is infrequent.
    """
    at, corner = above, 0
    for i in range(n):
        first, total = at, 0
        for j in range(i):
            count = pairs[corner + j]
            if count >= min_count:
                members[LABEL, at] = members[LABEL, member + j]
                members[SUPPORT, at] = count
                pairs[corner + j] = at - first
                total += count
                at += 1
            else:
                pairs[corner + j] = -1
        corner += i
        spans[FIRST, span + i] = first
        spans[BEGIN, span + i] = begin
        spans[FILL, span + i] = begin
        spans[ROW, span + i] = row
        spans[ROW_END, span + i] = row
        spans[SQUARES, span + i] = 0
        if at - first >= 2:
            begin += total + 1  # one entry more than is kept is written
            row += members[SUPPORT, member + i]
    spans[FIRST, span + n] = at
    spans[BEGIN, span + n] = begin
    spans[ROW, span + n] = row


@kernel
def write_conditionals(entries, begin, ends, lo, hi, n, pairs, spans, span, target, target_ends):
    """Write the rows with each item as their frequent partners of it, where these are two or more."""
    start, one, two = np.uint64(begin), np.uint64(1), np.uint64(2)
    for row in range(lo, hi):
        row_end = np.uint64(ends[row])
        for a in range(start + two, row_end):
            i = np.uint64(entries[a])
            if i >= n:
                break
            k = np.uint64(span) + i
            if spans[FIRST, k + one] - spans[FIRST, k] < 2:
                continue
            corner = i * (i - one) >> one
            first = np.uint64(spans[FILL, k])
            at = first
            for b in range(start, a):
                place = pairs[corner + np.uint64(entries[b])]
                target[at] = place  # overwritten by the next one where the pair is infrequent
                at += np.uint64(place >= 0)
            length = at - first
            if length >= two:
                spans[FILL, k] = at
                target_ends[np.uint64(spans[ROW_END, k])] = at
                spans[ROW_END, k] += 1
                spans[SQUARES, k] += np.int64(length * length)
        start = row_end
