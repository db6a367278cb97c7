"""Rules out of itemsets, which of them say more than shorter ones, and which speak to a basket.

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


@kernel
def _place(item, score, n, kept, found, found_scores):
    """Put an item into the ``kept`` best, by falling score and rising code; return how many there are then."""
    at = 0
    while at < kept and found[at] != item:
        at += 1
    if at < kept:  # its score has risen
        kept -= 1
        for j in range(at, kept):
            found[j] = found[j + 1]
            found_scores[j] = found_scores[j + 1]
    at = kept
    while at > 0 and (
        found_scores[at - 1] < score or (found_scores[at - 1] == score and found[at - 1] > item)
    ):
        at -= 1
    if at == n:
        return kept
    if kept < n:
        kept += 1
    for j in range(kept - 1, at, -1):
        found[j] = found[j - 1]
        found_scores[j] = found_scores[j - 1]
    found[at] = item
    found_scores[at] = score
    return kept


@kernel
def recommend_items(
    indptr, indices, items, offsets, group_first, group_target, entry_first, entry_rule, scores,
    include_owned, n, owned, value, touched, found, found_scores,
):  # fmt: skip
    """Fill ``found`` (-1 where fewer) with the ``n`` best items of the rules that speak to each basket.

    An item's score is the best among the rules that hold for the basket and conclude it; ties go to the lower code.

    Parameters
    ----------
    indptr, indices : baskets in CSR form
    items, offsets : antecedents of the rules in CSR form
    group_first, group_target : the groups ``group_first[i]`` to ``group_first[i + 1] - 1`` are looked at where item i
        is owned, those of the last i always; a group's rules conclude its target
    entry_first, entry_rule : the rules of each group by falling score, so that the first that holds decides
    scores : of the rules
    owned, value, touched : scratch over the items: zeros, -inf, anything; left as they came
    found, found_scores : (n_baskets, n)
    """
    for b in range(indptr.size - 1):
        low, high = indptr[b], indptr[b + 1]
        for p in range(low, high):
            owned[indices[p]] = 1
        kept, n_touched = 0, 0
        for p in range(low, high + 1):
            key = indices[p] if p < high else owned.size
            for group in range(group_first[key], group_first[key + 1]):
                target = group_target[group]
                if owned[target] == 1 and not include_owned:
                    continue
                for entry in range(entry_first[group], entry_first[group + 1]):
                    r = entry_rule[entry]
                    if scores[r] <= value[target] or (kept == n and scores[r] < found_scores[b, n - 1]):
                        break
                    holds = True
                    for j in range(offsets[r], offsets[r + 1]):
                        if owned[items[j]] == 0:
                            holds = False
                            break
                    if holds:
                        if value[target] == -np.inf:
                            touched[n_touched] = target
                            n_touched += 1
                        value[target] = scores[r]
                        kept = _place(target, scores[r], n, kept, found[b], found_scores[b])
                        break
        for j in range(kept, n):
            found[b, j] = -1
            found_scores[b, j] = np.nan
        for k in range(n_touched):
            value[touched[k]] = -np.inf
        for p in range(low, high):
            owned[indices[p]] = 0
