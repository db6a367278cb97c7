"""The best items for each basket: what its rules conclude, or what is bought with the items in it.

Ties go to the lower code, so that the order of baskets, rules and neighbours changes nothing.
"""

from __future__ import annotations

import math

import numpy as np

from crmintel.kernels._jit import kernel

COUNT, COSINE, JACCARD, LIFT, CONDITIONAL = range(5)


@kernel
def _sink(codes, scores, at, size):
    """Let the entry ``at`` sink in a heap with the worst entry on top."""
    code, score = codes[at], scores[at]
    child = 2 * at + 1
    while child < size:
        other = child + 1
        if other < size and (
            scores[other] < scores[child] or (scores[other] == scores[child] and codes[other] > codes[child])
        ):
            child = other
        if scores[child] > score or (scores[child] == score and codes[child] < code):
            break
        codes[at], scores[at] = codes[child], scores[child]
        at, child = child, 2 * child + 1
    codes[at], scores[at] = code, score


@kernel
def _take_best(touched, n_touched, value, found, found_scores):
    """Fill ``found`` with the touched items of the largest ``value``, the best first; -1 and nan at the end."""
    n = min(found.size, n_touched)
    for k in range(n):
        found[k], found_scores[k] = touched[k], value[touched[k]]
    for at in range(n // 2 - 1, -1, -1):
        _sink(found, found_scores, at, n)
    for k in range(n, n_touched):
        code = touched[k]
        if value[code] > found_scores[0] or (value[code] == found_scores[0] and code < found[0]):
            found[0], found_scores[0] = code, value[code]
            _sink(found, found_scores, 0, n)
    for last in range(n - 1, 0, -1):
        code, score = found[last], found_scores[last]
        found[last], found_scores[last] = found[0], found_scores[0]
        found[0], found_scores[0] = code, score
        _sink(found, found_scores, 0, last)
    for k in range(n, found.size):
        found[k], found_scores[k] = -1, np.nan


@kernel
def rank_by_rules(
    indptr, indices, items, offsets, group_first, group_target, entry_first, entry_rule, entry_score,
    exclude_owned, owned, value, touched, found, found_scores,
):  # fmt: skip
    """Fill ``found`` (-1 where fewer) with the best items of the rules that speak to each basket.

    An item's score is the best among the rules that hold for the basket and conclude it.

    Parameters
    ----------
    indptr, indices : baskets in CSR form
    items, offsets : antecedents of the rules in CSR form
    group_first, group_target : the groups ``group_first[i]`` to ``group_first[i + 1] - 1`` are looked at where item i
        is owned, those of the last i always; a group's rules conclude its target
    entry_first, entry_rule, entry_score : the rules of each group and their scores, falling, so that the first that
        holds decides
    owned, value, touched : scratch over the items: zeros, -inf, anything; left as they came
    found, found_scores : (n_baskets, n)
    """
    for b in range(indptr.size - 1):
        low, high = indptr[b], indptr[b + 1]
        for p in range(low, high):
            owned[indices[p]] = 1
        n_touched = 0
        for p in range(low, high + 1):
            key = indices[p] if p < high else owned.size
            for group in range(group_first[key], group_first[key + 1]):
                target = group_target[group]
                if owned[target] == 1 and exclude_owned:
                    continue
                for entry in range(entry_first[group], entry_first[group + 1]):
                    if entry_score[entry] <= value[target]:
                        break
                    r = entry_rule[entry]
                    holds = True
                    for j in range(offsets[r], offsets[r + 1]):
                        if owned[items[j]] == 0:
                            holds = False
                            break
                    if holds:
                        if value[target] == -np.inf:
                            touched[n_touched] = target
                            n_touched += 1
                        value[target] = entry_score[entry]
                        break
        _take_best(touched, n_touched, value, found[b], found_scores[b])
        for k in range(n_touched):
            value[touched[k]] = -np.inf
        for p in range(low, high):
            owned[indices[p]] = 0


@kernel
def rank_by_neighbours(
    indptr, indices, first, neighbour, weight, exclude_owned, owned, value, touched, found, found_scores
):
    """Fill ``found`` (-1 where fewer) with the items whose weights, summed over the basket's items, are largest.

    Parameters
    ----------
    indptr, indices : baskets in CSR form
    first, neighbour, weight : the neighbours of each item in CSR form
    owned, value, touched : scratch over the items: zeros, -inf, anything; left as they came
    found, found_scores : (n_baskets, n)
    """
    for b in range(indptr.size - 1):
        low, high = indptr[b], indptr[b + 1]
        for p in range(low, high):
            owned[indices[p]] = 1
        n_touched = 0
        for p in range(low, high):
            for q in range(first[indices[p]], first[indices[p] + 1]):
                target = neighbour[q]
                if value[target] != -np.inf:
                    value[target] += weight[q]
                elif owned[target] == 0 or not exclude_owned:
                    touched[n_touched] = target
                    n_touched += 1
                    value[target] = weight[q]
        _take_best(touched, n_touched, value, found[b], found_scores[b])
        for k in range(n_touched):
            value[touched[k]] = -np.inf
        for p in range(low, high):
            owned[indices[p]] = 0


@kernel
def nearest_items(
    indptr, indices, buyer_first, buyer, low, high, similarity, shrinkage, value, touched, found, found_scores
):
    """Fill ``found`` (-1 where fewer) with the items most similar to each item ``low`` to ``high - 1``.

    Parameters
    ----------
    indptr, indices : baskets in CSR form
    buyer_first, buyer : the baskets of each item, the same matrix in CSC form
    similarity, shrinkage : one of the constants above, times ``n_ij / (n_ij + shrinkage)``
    value, touched : scratch over the items: zeros, anything; left as they came
    found, found_scores : (high - low, n)
    """
    for i in range(low, high):
        n_i = float(buyer_first[i + 1] - buyer_first[i])
        n_touched = 0
        for p in range(buyer_first[i], buyer_first[i + 1]):
            for q in range(indptr[buyer[p]], indptr[buyer[p] + 1]):
                j = indices[q]
                if value[j] == 0.0 and j != i:
                    touched[n_touched] = j
                    n_touched += 1
                value[j] += 1.0
        value[i] = 0.0
        for k in range(n_touched):
            j = touched[k]
            n_j = float(buyer_first[j + 1] - buyer_first[j])
            both = value[j]
            score = both
            if similarity == COSINE:
                score = both / math.sqrt(n_i * n_j)
            elif similarity == JACCARD:
                score = both / (n_i + n_j - both)
            elif similarity == LIFT:
                score = both * (indptr.size - 1) / (n_i * n_j)
            elif similarity == CONDITIONAL:
                score = both / n_i
            value[j] = score * (both / (both + shrinkage))
        _take_best(touched, n_touched, value, found[i - low], found_scores[i - low])
        for k in range(n_touched):
            value[touched[k]] = 0.0
