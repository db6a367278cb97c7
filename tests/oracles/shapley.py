"""Shapley values over all subsets of inputs."""

from __future__ import annotations

from itertools import combinations
from math import factorial

import numpy as np


def shapley(answer, x, background, groups):
    """Share ``answer(x) - mean(answer(background))`` out among groups of columns."""
    n = len(groups)

    def worth(present):
        rows = background.copy()
        for j in present:
            rows[:, groups[j]] = x[groups[j]]
        return answer(rows).mean()

    shares = np.zeros(n)
    for j in range(n):
        rest = [k for k in range(n) if k != j]
        for size in range(n):
            weight = factorial(size) * factorial(n - size - 1) / factorial(n)
            for some in combinations(rest, size):
                shares[j] += weight * (worth([*some, j]) - worth(some))
    return shares
