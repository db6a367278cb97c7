"""Assignment of rows of numbers and categories to prototypes."""

from __future__ import annotations

import numpy as np

from crmintel.kernels._jit import kernel


@kernel
def nearest_prototypes(numbers, codes, means, modes, gamma, labels, cost, first, last):
    """Nearest prototype, lowest index on ties, and its cost for the rows ``first`` to ``last``.

    The cost of prototype c is the squared distance of ``numbers`` (n, p) to ``means[c]`` and ``gamma`` for every one
    of ``codes`` (n, q) other than ``modes[c]``. A prototype is dropped as soon as its categories alone cost too much.
    """
    k, p = means.shape
    q = modes.shape[1]
    for i in range(first, last):
        best = np.inf
        z = 0
        for c in range(k):
            differ = 0
            for j in range(q):
                differ += codes[i, j] != modes[c, j]
            s = gamma * differ
            if s >= best:
                continue
            for j in range(p):
                e = numbers[i, j] - means[c, j]
                s += e * e
            if s < best:
                best = s
                z = c
        labels[i] = z
        cost[i] = best
