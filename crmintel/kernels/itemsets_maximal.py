"""Bit-parallel index of the maximal itemsets found in a class: does one of them hold a given itemset?

64 itemsets are a block of words, one for each item of the class; the AND of the words of some items shows which of
the 64 hold them all. Down the search the supersets of the itemset so far are carried along (the progressive focusing
of GenMax): pairs of a block's number and the bits in it.
"""

from __future__ import annotations

import numpy as np

from crmintel.kernels._jit import kernel
from crmintel.kernels.itemsets_conditional import LOCAL

BLOCK, BITS = 0, 1


@kernel
def register(number, n_local, trail, low, high, index):
    """Put the itemset of the items ``trail[low:high]`` into the index."""
    base = (number >> 6) * n_local
    if number & 63 == 0:
        for k in range(base, base + n_local):
            index[k] = 0
    bit = np.int64(1) << np.int64(number & 63)
    for k in range(low, high):
        index[base + trail[k]] |= bit


@kernel
def _narrow(block, bits, n_local, index, trail, low, high, members, above, n_members, focus, top):
    """Keep the itemsets of a block that hold the new items; return the top, or -1 if one holds all members too."""
    base = block * n_local
    for k in range(low, high):
        bits &= index[base + trail[k]]
    if bits == 0:
        return top
    focus[BLOCK, top] = block
    focus[BITS, top] = bits
    for k in range(above, above + n_members):
        bits &= index[base + members[LOCAL, k]]
        if bits == 0:
            return top + 1
    return -1


@kernel
def narrow_index(
    first, last, since, n_found, n_local, index, trail, low, high, members, above, n_members, focus
):
    """Find the supersets of an itemset, among those of the one above (``focus[:, first:last]``) and those since.

    The new items are ``trail[low:high]``. The supersets are written behind ``last``; returns their end, or -1 if one
    of them holds the ``n_members`` members from ``above`` on too.
    """
    top = last
    for k in range(first, last):
        top = _narrow(
            focus[BLOCK, k],
            focus[BITS, k],
            n_local,
            index,
            trail,
            low,
            high,
            members,
            above,
            n_members,
            focus,
            top,
        )
        if top < 0:
            return top
    bits = np.int64(-1) << np.int64(since & 63)
    for block in range(since >> 6, (n_found + 63) >> 6):
        top = _narrow(block, bits, n_local, index, trail, low, high, members, above, n_members, focus, top)
        if top < 0:
            return top
        bits = np.int64(-1)
    return top
