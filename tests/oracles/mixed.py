"""Slow twins of k-prototypes and of Gower's distance, in plain Python."""

from __future__ import annotations

from collections import Counter
from itertools import combinations, product
from typing import Any


def mixed_cost(numbers: list[list[float]], words: list[list[Any]], labels: list[int], gamma: float) -> float:
    """Cost of a partition at its best prototypes: squared distances to means, gamma for each other category."""
    total = 0.0
    for label in set(labels):
        rows = [i for i, each in enumerate(labels) if each == label]
        for column in zip(*(numbers[i] for i in rows), strict=True):
            mean = sum(column) / len(column)
            total += sum((x - mean) ** 2 for x in column)
        for column in zip(*(words[i] for i in rows), strict=True):
            total += gamma * (len(column) - max(Counter(column).values()))
    return total


def mixed_optimum(numbers: list[list[float]], words: list[list[Any]], k: int, gamma: float) -> float:
    """Least cost of all partitions into at most k clusters."""
    return min(
        mixed_cost(numbers, words, list(labels), gamma) for labels in product(range(k), repeat=len(numbers))
    )


def gower(a: list[Any], b: list[Any], ranges: list[float | None]) -> float | None:
    """Gower's distance of two rows; a range of None marks a category, a cell of None is missing."""
    parts = []
    for x, y, width in zip(a, b, ranges, strict=True):
        if x is None or y is None:
            continue
        if width is None:
            parts.append(float(x != y))
        else:
            parts.append(min(abs(x - y) / width, 1.0) if width else 0.0)
    return sum(parts) / len(parts) if parts else None


def medoid_optimum(distances: list[list[float]], k: int) -> float:
    """Least total distance to the nearest of any k medoids."""
    n = range(len(distances))
    return min(sum(min(distances[i][m] for m in medoids) for i in n) for medoids in combinations(n, k))
