"""The best items for each row: what the rules conclude from its basket, or what its neighbours add up to.

A scoring kernel writes the candidates of one row after another (their codes and scores), as many rows as fit, and
`keep_best` picks the best of each. They are kept apart because numba would compile the choice into each scorer anew.
"""

from __future__ import annotations

import numpy as np

from crmintel.kernels._jit import kernel


@kernel
def score_by_rules(
    indptr, indices, row, items, offsets, group_first, group_target, entry_first, entry_rule, entry_score,
    exclude_owned, owned, value, codes, scores, ends,
):  # fmt: skip
    """Write what the rules that speak to each basket conclude, from ``row`` on; return the first row left out.

    An item's score is the best among the rules that hold for the basket and conclude it.

    Parameters
    ----------
    indptr, indices : baskets in CSR form
    items, offsets : antecedents of the rules in CSR form
    group_first, group_target : the groups ``group_first[i]`` to ``group_first[i + 1] - 1`` are looked at where item i
        is owned, those of the last i always; a group's rules conclude its target
    entry_first, entry_rule, entry_score : the rules of each group and their scores, falling, so that the first that
        holds decides
    owned, value : scratch over the items: zeros, -inf; left as they came
    codes, scores, ends : candidates, and for each row where its own end; at least as long as there are items
    """
    size = 0
    while row < indptr.size - 1 and size + owned.size <= codes.size:
        low, high, first = indptr[row], indptr[row + 1], size
        for p in range(low, high):
            owned[indices[p]] = 1
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
                    j = offsets[r]
                    while j < offsets[r + 1] and owned[items[j]] == 1:
                        j += 1
                    if j == offsets[r + 1]:
                        if value[target] == -np.inf:
                            codes[size] = target
                            size += 1
                        value[target] = entry_score[entry]
                        break
        for k in range(first, size):
            scores[k] = value[codes[k]]
            value[codes[k]] = -np.inf
        for p in range(low, high):
            owned[indices[p]] = 0
        ends[row] = size
        row += 1
    return row


@kernel
def score_by_neighbours(
    indptr, indices, row, first, neighbour, weight, skip_first, skip, scale, jaccard, shrinkage, value,
    codes, scores, ends,
):  # fmt: skip
    """Write the items whose weights, summed over the row's members, are not 0; return the first row left out.

    Parameters
    ----------
    indptr, indices : members of each row in CSR form
    first, neighbour, weight : what each member adds to which items, in CSR form
    skip_first, skip : items that are no candidates of a row, in CSR form
    scale, jaccard, shrinkage : a sum s becomes ``s * scale[item]``, or ``s / (n + scale[item] - s)`` for a row of n
        members, times ``s / (s + shrinkage)``
    value : scratch over the items: zeros; left as they came
    codes, scores, ends : as above
    """
    size = 0
    while row < indptr.size - 1 and size + value.size <= codes.size:
        start, n = size, float(indptr[row + 1] - indptr[row])
        for k in range(skip_first[row], skip_first[row + 1]):
            value[skip[k]] = -1.0
        for p in range(indptr[row], indptr[row + 1]):
            for q in range(first[indices[p]], first[indices[p] + 1]):
                item = neighbour[q]
                total = value[item]
                if total > 0.0:
                    value[item] = total + weight[q]
                elif total == 0.0:
                    value[item] = weight[q]
                    codes[size] = item
                    size += 1
        for k in range(start, size):
            item = codes[k]
            total = value[item]
            value[item] = 0.0
            score = total / (n + scale[item] - total) if jaccard else total * scale[item]
            scores[k] = score * (total / (total + shrinkage)) if shrinkage > 0.0 else score
        for k in range(skip_first[row], skip_first[row + 1]):
            value[skip[k]] = 0.0
        ends[row] = size
        row += 1
    return row


@kernel
def keep_best(codes, scores, ends, low, high, found, found_scores):
    """Write the best candidates of the rows ``low`` to ``high - 1``, in no order; ties go to the lower code.

    ``found`` and ``found_scores`` (rows, n) come in as -1 and -inf; each row is a heap with its worst entry on top.
    """
    n = found.shape[1]
    k = 0
    for row in range(low, high):
        while k < ends[row]:
            code, score = codes[k], scores[k]
            k += 1
            worst = found_scores[row, 0]
            if score < worst or (score == worst and code > found[row, 0]):
                continue
            at, child = 0, 1
            while child < n:
                other = child + 1
                if other < n:
                    a, b = found_scores[row, child], found_scores[row, other]
                    if b < a or (b == a and found[row, other] > found[row, child]):
                        child = other
                worst = found_scores[row, child]
                if worst > score or (worst == score and found[row, child] < code):
                    break
                found[row, at], found_scores[row, at] = found[row, child], found_scores[row, child]
                at, child = child, 2 * child + 1
            found[row, at], found_scores[row, at] = code, score
