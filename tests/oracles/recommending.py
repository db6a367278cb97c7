"""Slow twins of the recommenders and of the measures of ranked lists, from their definitions."""

from __future__ import annotations

import math


def similarity_slow(baskets, a, b, kind, shrinkage=0.0):
    """Similarity of two items by counting sets; 0 where nobody bought both."""
    n_a, n_b = (sum(item in basket for basket in baskets) for item in (a, b))
    both = sum(a in basket and b in basket for basket in baskets)
    if both == 0:
        return 0.0
    value = {
        "count": both,
        "cosine": both / math.sqrt(n_a * n_b),
        "jaccard": both / (n_a + n_b - both),
        "lift": len(baskets) * both / (n_a * n_b),
        "conditional": both / n_a,
    }[kind]
    return value * both / (both + shrinkage)


def neighbours_slow(baskets, kind, k, shrinkage=0.0):
    """{item: {neighbour: similarity}} of the k most similar, ties by label."""
    items = sorted(set().union(*baskets))
    table = {}
    for a in items:
        values = {b: similarity_slow(baskets, a, b, kind, shrinkage) for b in items if b != a}
        best = sorted(
            ((b, v) for b, v in values.items() if v > 0), key=lambda pair: (-round(pair[1], 12), pair[0])
        )
        table[a] = dict(best[:k])
    return table


def best_slow(scores, n):
    """The n best of {item: score}, ties by label."""
    return sorted(scores.items(), key=lambda pair: (-round(pair[1], 9), pair[0]))[:n]


def ranking_metrics_slow(ranked, relevant, k):
    """Measures of one ranked list (None where it has ended) against a set of relevant items."""
    top = ranked[:k]
    hits = [item in relevant for item in top]
    gain = sum(hit / math.log2(place + 2) for place, hit in enumerate(hits))
    ideal = sum(1 / math.log2(place + 2) for place in range(min(k, len(relevant))))
    return {
        "hit_rate": float(any(hits)),
        "precision": sum(hits) / k,
        "recall": sum(hits) / len(relevant),
        "ndcg": gain / ideal,
        "mrr": next((1 / (place + 1) for place, hit in enumerate(hits) if hit), 0.0),
    }
