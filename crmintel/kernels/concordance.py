"""Counts of pairs that a ranking puts in order."""

from __future__ import annotations

from crmintel.kernels._jit import kernel


@kernel
def rank_among_later(order, group, left, rank, tree, same, later, lower, tied):
    """Count for each customer who left those who stayed longer, and those of them with a lower or the same rank.

    ``order`` lists customers by falling duration, those who did not leave first where durations are equal; ``group``
    numbers durations. ``rank`` starts at 1. ``tree`` (a Fenwick tree) and ``same`` hold 0 for ranks up to the highest.
    """
    begin = 0
    seen = 0
    while begin < order.size:
        end = begin
        while end < order.size and group[order[end]] == group[order[begin]]:
            end += 1
        first_event = begin
        while first_event < end and not left[order[first_event]]:
            first_event += 1
        for turn in range(2):
            # those cut off at this time stayed longer than those who left at it, who are no pairs with each other
            a, b = (begin, first_event) if turn == 0 else (first_event, end)
            if turn == 1:
                for k in range(a, b):
                    i = order[k]
                    later[i] = seen
                    tied[i] = same[rank[i]]
                    below = 0
                    j = rank[i] - 1
                    while j > 0:
                        below += tree[j]
                        j -= j & -j
                    lower[i] = below
            for k in range(a, b):
                j = rank[order[k]]
                same[j] += 1
                seen += 1
                while j < tree.size:
                    tree[j] += 1
                    j += j & -j
        begin = end
