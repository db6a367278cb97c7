"""k-means by exhaustion: slow, exact, and short enough to be read."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction


def inertia_of(points: Sequence[Sequence[float]], labels: Sequence[int]) -> Fraction:
    """Sum of squared distances to the cluster means, exact."""
    total = Fraction(0)
    for label in set(labels):
        cluster = [[Fraction(x) for x in p] for p, own in zip(points, labels, strict=True) if own == label]
        mean = [sum(column) / len(cluster) for column in zip(*cluster, strict=True)]
        total += sum((x - m) ** 2 for p in cluster for x, m in zip(p, mean, strict=True))
    return total


def kmeans_optimum(points: Sequence[Sequence[float]], k: int) -> tuple[Fraction, list[int]]:
    """Smallest inertia over all partitions into at most k parts (n <= 9), and the first partition that has it."""
    best = inertia_of(points, [0] * len(points)), [0] * len(points)
    stack: list[list[int]] = [[0]]
    while stack:
        labels = stack.pop()
        if len(labels) == len(points):
            best = min(best, (inertia_of(points, labels), labels))
        else:
            stack.extend([*labels, new] for new in range(min(max(labels) + 2, k)))
    return best


def lloyd(
    points: Sequence[Sequence[float]], centres: Sequence[Sequence[float]], max_iter: int
) -> tuple[list[int], list[list[Fraction]]]:
    """Lloyd's algorithm in exact arithmetic, lowest index on ties; no cluster may become empty."""
    P = [[Fraction(x) for x in p] for p in points]
    C = [[Fraction(x) for x in c] for c in centres]
    labels: list[int] = []
    for _ in range(max_iter):
        squared = [[sum((x - y) ** 2 for x, y in zip(p, c, strict=True)) for c in C] for p in P]
        new = [row.index(min(row)) for row in squared]
        if new == labels:
            break
        labels = new
        for c in range(len(C)):
            members = [p for p, own in zip(P, labels, strict=True) if own == c]
            C[c] = [sum(column) / len(members) for column in zip(*members, strict=True)]
    return labels, C
