"""Rules out of itemsets, and which of them say more than shorter ones.

An itemset's hash is the exclusive or of random 64-bit keys of its items (Zobrist hashing), so that the hash of the
set without an item, or with one more, is one operation away. Hits are compared item by item: a collision costs
time, never a wrong answer.
"""

from __future__ import annotations

import numpy as np

from crmintel.kernels._jit import kernel

NOT_FOUND = -1


@kernel
def hash_sets(items, offsets, keys, hashes):
    """Fill ``hashes`` (uint64, in place of what it holds) with the exclusive or of each set's item ``keys``."""
    for k in range(hashes.size):
        for p in range(offsets[k], offsets[k + 1]):
            hashes[k] ^= keys[items[p]]


@kernel
def index_sets(hashes, slots):
    """Put the numbers of all sets into ``slots`` (-1 where empty, a power of two of them) by their hashes."""
    mask = np.uint64(slots.size - 1)
    for k in range(hashes.size):
        slot = hashes[k] & mask
        while slots[slot] >= 0:
            slot = (slot + np.uint64(1)) & mask
        slots[slot] = k


@kernel
def _find(chosen, length, value, items, offsets, hashes, slots):
    """Return the number of the set ``chosen[:length]`` (rising codes) whose hash is ``value``."""
    mask = np.uint64(slots.size - 1)
    slot = value & mask
    while slots[slot] >= 0:
        k = slots[slot]
        if hashes[k] == value and offsets[k + 1] - offsets[k] == length:
            same = True
            for j in range(length):
                same = same and items[offsets[k] + j] == chosen[j]
            if same:
                return k
        slot = (slot + np.uint64(1)) & mask
    return NOT_FOUND


@kernel
def _next_choice(choice, size, n):
    """Move ``choice[:size]`` to the next choice of positions below ``n``; return whether there is one."""
    at = size - 1
    while at >= 0 and choice[at] == n - size + at:
        at -= 1
    if at < 0:
        return False
    choice[at] += 1
    for k in range(at + 1, size):
        choice[k] = choice[k - 1] + 1
    return True


@kernel
def generate_rules(
    start, end, items, offsets, keys, hashes, slots, max_consequent, empty_antecedent,
    choice, side, whole, antecedent, consequent,
):  # fmt: skip
    """Write the rules of the itemsets start..end-1 as numbers of itemsets, antecedent -1 for the empty one.

    ``choice`` and ``side`` are scratch as long as the longest itemset. Returns the first itemset that found no room
    and the number of rules written.
    """
    written = 0
    for k in range(start, end):
        low, n = offsets[k], offsets[k + 1] - offsets[k]
        largest = min(max_consequent, n if empty_antecedent else n - 1)
        room, choices = 0, 1
        for size in range(1, largest + 1):
            choices = choices * (n - size + 1) // size
            room += choices
        if written + room > whole.size:
            return k, written
        for size in range(1, largest + 1):
            for j in range(size):
                choice[j] = j
            more = True
            while more:
                value = np.uint64(0)
                for j in range(size):
                    side[j] = items[low + choice[j]]
                    value ^= keys[side[j]]
                consequent[written] = _find(side, size, value, items, offsets, hashes, slots)
                taken = 0
                for j in range(n):
                    if taken < size and choice[taken] == j:
                        taken += 1
                    else:
                        side[j - taken] = items[low + j]
                if size == n:
                    antecedent[written] = -1
                else:
                    antecedent[written] = _find(
                        side, n - size, value ^ hashes[k], items, offsets, hashes, slots
                    )
                whole[written] = k
                written += 1
                more = _next_choice(choice, size, n)
    return end, written


@kernel
def find_best_general(
    items, offsets, targets, target_offsets, keys, hashes, slots, values, side, best
):  # fmt: skip
    """Fill ``best`` with the largest of ``values`` among each rule's generalisations, -inf where it has none.

    A generalisation has a proper subset of the antecedent (``items``) and the same consequent (``targets``);
    ``hashes`` are those of antecedent and consequent together.
    """
    mask = np.uint64(slots.size - 1)
    for r in range(values.size):
        low, n = offsets[r], offsets[r + 1] - offsets[r]
        n_targets = target_offsets[r + 1] - target_offsets[r]
        best[r] = -np.inf
        for subset in range((1 << n) - 1):
            value, length = hashes[r], 0
            for j in range(n):
                if subset >> j & 1:
                    side[length] = items[low + j]
                    length += 1
                else:
                    value ^= keys[items[low + j]]
            slot = value & mask
            while slots[slot] >= 0:
                q = slots[slot]
                same = (
                    hashes[q] == value
                    and offsets[q + 1] - offsets[q] == length
                    and target_offsets[q + 1] - target_offsets[q] == n_targets
                )
                if same:
                    for j in range(length):
                        same = same and items[offsets[q] + j] == side[j]
                    for j in range(n_targets):
                        same = same and targets[target_offsets[q] + j] == targets[target_offsets[r] + j]
                if same and values[q] > best[r]:
                    best[r] = values[q]
                slot = (slot + np.uint64(1)) & mask
