"""Rules out of itemsets, the shorter ones they are judged against, and those that others imply.

An itemset's hash is the exclusive or of random 64-bit keys of its items (Zobrist hashing), so that the hash of the
set without an item, or with one more, is one operation away. Hits are compared item by item: a collision costs
time, never a wrong answer.
"""

from __future__ import annotations

import numpy as np

from crmintel.kernels._jit import helper, kernel

NOT_FOUND = -2  # -1 is the empty set


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


@helper
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


@helper
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


@helper
def _merge(left, n_left, right, low, high, merged):
    """Write the rising codes of ``left[:n_left]`` and ``right[low:high]`` into ``merged`` in rising order."""
    i, j = 0, low
    for k in range(n_left + high - low):
        if j == high or (i < n_left and left[i] < right[j]):
            merged[k] = left[i]
            i += 1
        else:
            merged[k] = right[j]
            j += 1


@kernel
def count_generalisations(
    start, end, antecedents, offsets, consequents, target_offsets, only_next, n,
    items, set_offsets, counts, keys, hashes, slots, side, merged, n_a, n_ab, ends,
):  # fmt: skip
    """Write the counts of the rules start..end-1 with a part of the antecedent, -1 where an itemset is not known.

    Those of rule ``start + r`` end at ``ends[r]``: one for each item that is left out (``only_next``), or for each
    proper part of the antecedent. The itemsets are ``items, set_offsets, counts``; ``side`` and ``merged`` are
    scratch as long as the longest rule.
    """
    written = 0
    for r in range(start, end):
        low, size = offsets[r], offsets[r + 1] - offsets[r]
        first, last = target_offsets[r], target_offsets[r + 1]
        whole = np.uint64(0)
        for p in range(first, last):
            whole ^= keys[consequents[p]]
        for number in range(size if only_next else (1 << size) - 1):
            chosen = (1 << size) - 1 - (1 << number) if only_next else number
            value, length = np.uint64(0), 0
            for j in range(size):
                if chosen >> j & 1:
                    side[length] = antecedents[low + j]
                    value ^= keys[side[length]]
                    length += 1
            n_a[written] = n
            if length > 0:
                k = _find(side, length, value, items, set_offsets, hashes, slots)
                n_a[written] = counts[k] if k >= 0 else -1
            _merge(side, length, consequents, first, last, merged)
            k = _find(merged, length + last - first, value ^ whole, items, set_offsets, hashes, slots)
            n_ab[written] = counts[k] if k >= 0 else -1
            written += 1
        ends[r - start] = written


@helper
def _same_but(left_out, items, low, high, other_low, other_high):
    """Tell whether ``items[low:high]`` without the position ``left_out`` equals ``items[other_low:other_high]``."""
    if high - low - (1 if low <= left_out < high else 0) != other_high - other_low:
        return False
    at = other_low
    for p in range(low, high):
        if p != left_out:
            if items[p] != items[at]:
                return False
            at += 1
    return True


@helper
def _find_shorter(r, out, target_out, value, antecedents, starts, consequents, target_starts, hashes, slots):
    """Return the number of rule ``r`` without one position of its antecedent or consequent."""
    mask = np.uint64(slots.size - 1)
    slot = value & mask
    while slots[slot] >= 0:
        q = slots[slot]
        if (
            hashes[q] == value
            and _same_but(out, antecedents, starts[r], starts[r + 1], starts[q], starts[q + 1])
            and _same_but(
                target_out,
                consequents,
                target_starts[r],
                target_starts[r + 1],
                target_starts[q],
                target_starts[q + 1],
            )
        ):
            return q
        slot = (slot + np.uint64(1)) & mask
    return NOT_FOUND


@kernel
def mark_implied(
    antecedents, starts, consequents, target_starts, n_a, n_ab, keys, target_keys, hashes, slots, implied
):  # fmt: skip
    """Mark the rules that another one with the same counts implies: less on the left, or more on the right."""
    for r in range(n_a.size):
        for p in range(starts[r], starts[r + 1]):
            value = hashes[r] ^ keys[antecedents[p]]
            q = _find_shorter(r, p, -1, value, antecedents, starts, consequents, target_starts, hashes, slots)
            if q >= 0 and n_a[q] == n_a[r] and n_ab[q] == n_ab[r]:
                implied[r] = True
        if target_starts[r + 1] - target_starts[r] > 1:
            for p in range(target_starts[r], target_starts[r + 1]):
                value = hashes[r] ^ target_keys[consequents[p]]
                q = _find_shorter(
                    r, -1, p, value, antecedents, starts, consequents, target_starts, hashes, slots
                )
                if q >= 0 and n_ab[q] == n_ab[r]:
                    implied[q] = True
