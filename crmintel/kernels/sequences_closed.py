"""Closed sequential patterns: those that no pattern found holds with the same count."""

from __future__ import annotations

import numpy as np

from crmintel.kernels._jit import helper, kernel


@helper
def find_child(parent, code, node, wanted, slots):
    """Return the slot of the pattern ``node`` with one item more, or the free one where it would stand."""
    mask = slots.size - 1
    at = ((node + 1) * 1_000_003 + wanted * 7_368_787) & mask
    while slots[at] >= 0 and (parent[slots[at]] != node or code[slots[at]] != wanted):
        at = (at + 1) & mask
    return at


@kernel
def drop_absorbed(parent, code, counts, n_items, item_offsets, slots, shorter, closed):
    """Mark the patterns that have the count of one with one item more.

    Leaving out the item j of a pattern leaves out the item j of its parent and puts the last item behind that:
    ``shorter[item_offsets[k] + j]`` is the number of that pattern, -1 for the empty one, -2 where it was not found.
    ``slots``, of a power of two, must come in as -1.
    """
    for k in range(parent.size):
        slots[find_child(parent, code, np.int64(parent[k]), np.int64(code[k]), slots)] = k
    for k in range(parent.size):
        begin, last = item_offsets[k], item_offsets[k + 1] - 1
        shorter[last] = parent[k]
        for p in range(begin, last):
            before = np.int64(shorter[item_offsets[parent[k]] + p - begin])
            wanted = np.int64(code[k])
            # without the item that opened the element, its second one opens it
            if p == last - 1 and code[parent[k]] >= n_items and wanted < n_items:
                wanted += n_items
            shorter[p] = -2
            if before > -2:
                child = slots[find_child(parent, code, before, wanted, slots)]
                if child >= 0:
                    shorter[p] = child
        for p in range(begin, last + 1):
            if shorter[p] >= 0 and counts[shorter[p]] == counts[k]:
                closed[shorter[p]] = False


@helper
def holds(long, short, items, element_offsets, offsets):
    """Say whether the pattern ``long`` holds ``short``: each of its elements within one of its own, in order."""
    f = offsets[long]
    for e in range(offsets[short], offsets[short + 1]):
        while f < offsets[long + 1]:
            p, end = element_offsets[e], element_offsets[e + 1]
            for q in range(element_offsets[f], element_offsets[f + 1]):
                if p < end and items[q] == items[p]:
                    p += 1
            f += 1
            if p == end:
                break
        else:
            return False
    return True


@kernel
def drop_absorbed_by_longer(low, high, order, stops, items, element_offsets, offsets, signatures, closed):
    """Mark those of the patterns order[low..high-1] that a longer one with the same count holds.

    ``order`` sorts by count, then by length, and ``signatures`` stand in that order; ``stops`` holds where the
    patterns of the same count end. What absorbs a pattern is mostly little longer: the first that does ends the
    search.
    """
    for at in range(low, high):
        for k in range(at + 1, stops[at]):
            if signatures[at] & ~signatures[k] == 0 and holds(
                order[k], order[at], items, element_offsets, offsets
            ):
                closed[order[at]] = False
                break
