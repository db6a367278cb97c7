"""Slow twins of the sequence miner: containment by trying everything, patterns by trying every extension."""

from __future__ import annotations

from itertools import combinations


def contains(sequence, pattern, *, min_gap=0, max_gap=None, window=0, max_span=None):
    """Whether a sequence, a list of (time, set) by rising time, holds a pattern, a tuple of sets (Srikant & Agrawal).

    There are positions l1 <= u1 < l2 <= u2 < ... with each element of the pattern in the union of l..u, each l..u
    within the window, ``time[l'] - time[u] >= min_gap``, ``time[u'] - time[l] <= max_gap`` and
    ``time[last u] - time[first l] <= max_span``.
    """
    time = [t for t, _ in sequence]

    def go(k, start, low, high):
        if k == len(pattern):
            return True
        for l in range(0 if high is None else high + 1, len(sequence)):
            if high is not None and time[l] - time[high] < min_gap:
                continue
            union = set()
            for u in range(l, len(sequence)):
                union |= sequence[u][1]
                if time[u] - time[l] > window:
                    break
                if low is not None and max_gap is not None and time[u] - time[low] > max_gap:
                    break
                if max_span is not None and time[u] - time[l if start is None else start] > max_span:
                    break
                if pattern[k] <= union and go(k + 1, l if start is None else start, l, u):
                    return True
        return False

    return go(0, None, None, None)


def frequent_sequences(
    sequences, min_count, *, max_length=None, max_elements=None, max_element_size=None, **bounds
):
    """All frequent patterns with their counts: every start of a frequent pattern is frequent too."""
    alphabet = sorted({item for sequence in sequences for _, element in sequence for item in element})
    found, level = {}, [()]
    while level:
        longer = []
        for pattern in level:
            for item in alphabet:
                candidates = [(*pattern, frozenset([item]))]
                if pattern and item > max(pattern[-1]):
                    candidates.append((*pattern[:-1], pattern[-1] | {item}))
                for candidate in candidates:
                    if (
                        (max_length is not None and sum(map(len, candidate)) > max_length)
                        or (max_elements is not None and len(candidate) > max_elements)
                        or (max_element_size is not None and len(candidate[-1]) > max_element_size)
                    ):
                        continue
                    count = sum(contains(sequence, candidate, **bounds) for sequence in sequences)
                    if count >= min_count:
                        found[candidate] = count
                        longer.append(candidate)
        level = longer
    return found


def is_part(short, long):
    """Whether the elements of one pattern lie, in order, in elements of another."""
    places = range(len(long))
    return any(
        all(a <= long[k] for a, k in zip(short, chosen, strict=True))
        for chosen in combinations(places, len(short))
    )


def closed_sequences(found):
    """The patterns that no other one found holds with the same count."""
    return {
        pattern: count
        for pattern, count in found.items()
        if not any(other != pattern and found[other] == count and is_part(pattern, other) for other in found)
    }


def next_item_scores(train, history, patterns, discount, **bounds):
    """The score of every item as the docstring of `NextItem` says it, from the patterns of ``train``.

    A history is in a context if it would hold the context and one element more that came a moment later.
    """
    following = "the next element"
    contexts = {}  # length -> list of {item: share}
    for context, count in patterns.items():
        shares = {
            max(pattern[-1]): n / count
            for pattern, n in patterns.items()
            if pattern[:-1] == context and len(pattern[-1]) == 1
        }
        later = [*history, (history[-1][0] + 1e-6, {following})] if history else []
        if shares and contains(later, (*context, frozenset([following])), **bounds):
            contexts.setdefault(sum(map(len, context)), []).append(shares)
    alphabet = {item for sequence in train for _, element in sequence for item in element}
    longest = max(contexts, default=0)
    scores = {}
    for item in alphabet:
        level = max(
            (k for k, found in contexts.items() if any(item in shares for shares in found)), default=0
        )
        holders = sum(any(item in element for _, element in sequence) for sequence in train)
        found = [shares.get(item, 0) for shares in contexts[level]] if level else [holders / len(train)]
        scores[item] = sum(found) / len(found) * discount ** (longest - level)
    return scores
