"""What follows next: histories are led along a tree of patterns, and take the scores of all contexts they end in."""

from __future__ import annotations

from crmintel.kernels._jit import kernel
from crmintel.kernels.sequences import CODE, MAX_GAP, MAX_SPAN, ORIGIN, PLACE, find_extensions


@kernel
def score_followers(
    entries, element, close, first, low, high, bounds, plain, owner, now,
    code, children, child_first, length, share,
    begin, end, places, starts, stack, n_stack, tally, room, seen, touched, pairs, state,
    marked, contexts, level, score,
):  # fmt: skip
    """Sum, for every history and item, the shares of the longest contexts that conclude it.

    Parameters
    ----------
    entries ... plain : the histories, see `crmintel.kernels.sequences.mine_sequences`
    owner, now : the history of each element, and the time at which each history ends
    code, children, child_first, length, share : the tree of patterns; ``share`` is that of the parent's sequences
    begin, end, places, starts : where the patterns of one item stand; room above for the others
    stack : those patterns, ``n_stack`` of them, rising; room for all others
    tally ... state : scratch as of `find_extensions`; ``marked``, by history, must come in as -1
    contexts : (n_histories, longest + 1) number of contexts of each length, changed here
    level, score : (n_histories, n_items) length of these contexts and the sum, changed here
    """
    n_items = tally.size >> 1
    while n_stack > 0:
        n_stack -= 1
        k = stack[n_stack]
        concludes, continues = False, False
        for c in range(child_first[k], child_first[k + 1]):
            concludes |= code[children[c]] >= n_items
            continues |= child_first[children[c]] < child_first[children[c] + 1]
        if concludes:
            for q in range(begin[k], end[k]):
                e = element[places[q]]
                row = owner[e]
                if marked[row] == k:
                    continue
                if not plain:  # a next element that comes at once must be in reach
                    if now[row] - low[e] >= bounds[MAX_GAP]:
                        continue
                    if starts.size > 0 and now[row] - starts[q] >= bounds[MAX_SPAN]:
                        continue
                marked[row] = k
                contexts[row, length[k]] += 1
                for c in range(child_first[k], child_first[k + 1]):
                    child = children[c]
                    item = code[child] - n_items
                    if item < 0:
                        continue
                    if length[k] > level[row, item]:
                        level[row, item] = length[k]
                        score[row, item] = share[child]
                    elif length[k] == level[row, item]:
                        score[row, item] += share[child]
        if not continues:
            continue
        n_touched, n_pairs = find_extensions(
            entries, element, close, first, low, high, bounds, plain, True, True,
            begin[k], end[k], places, starts, tally, room, seen, touched, pairs, state,
        )  # fmt: skip
        # Patterns on the stack have their places below: the last one comes off first.
        at = end[k]
        for c in range(child_first[k], child_first[k + 1]):
            child = children[c]
            if room[code[child]] > 0 and child_first[child] < child_first[child + 1]:
                stack[n_stack] = child
                n_stack += 1
                begin[child] = at
                end[child] = at  # moves on as places are listed
                at += room[code[child]]
                tally[code[child]] = -child - 1
        for i in range(n_pairs):
            child = -tally[pairs[CODE, i]] - 1
            if child >= 0:
                places[end[child]] = pairs[PLACE, i]
                if starts.size > 0:
                    starts[end[child]] = starts[pairs[ORIGIN, i]]
                end[child] += 1
        for i in range(n_touched):
            tally[touched[i]] = 0
            room[touched[i]] = 0
