"""Sums over the counts 0, 1, 2, ... of a smooth function, with few terms where many are summed at once."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float64]

_EXACT = 512  # counts below are terms of their own
_NODES = 12  # per doubling of the count: terms like log(r + j), r >= 0, are summed to 1e-15 of their size


def count_rule(weights: Vector) -> tuple[Vector, Vector]:
    """Return nodes and weights with sum_j weights[j] f(j) = sum_k w_k f(node_k) for smooth f.

    Counts from 512 on are taken in blocks [m, 2m); each block's sum is replaced by the Gauss rule of its own discrete
    measure, which is exact for polynomials of degree 23. A singularity of f at or below 0 is three half-widths away
    from the centre of each block, so that the rule converges as 5.8^-24.

    Parameters
    ----------
    weights : ndarray of shape (n_counts,)
        Non-negative.

    References
    ----------
    Golub, G. H. & Welsch, J. H. (1969). Calculation of Gauss quadrature rules. Mathematics of Computation 23, 221-230.
    """
    nodes = [np.arange(min(weights.size, _EXACT), dtype=np.float64)]
    masses = [weights[:_EXACT]]
    first = _EXACT
    while first < weights.size:
        block = weights[first : 2 * first]
        j = first + np.flatnonzero(block)
        node, mass = _gauss(j.astype(np.float64), block[j - first])
        nodes.append(node)
        masses.append(mass)
        first *= 2
    return np.concatenate(nodes), np.concatenate(masses)


def log_rising(r: float, x: Vector) -> Vector:
    """Return log G(r + x) - log G(r) of whole numbers x, as sums of log(r + j): nothing cancels for large r."""
    j = np.arange(x.max(initial=0.0))
    return np.concatenate([[0.0], np.cumsum(np.log(r + j))])[x.astype(np.int64)]


def rising_parts(r: float, x: Vector) -> NDArray[np.float64]:
    """Return log G(r + x) - log G(r) of whole numbers x, and its first and second derivative by log(r)."""
    counts, code = np.unique(x, return_inverse=True)

    def terms(rows: NDArray[np.int64], j: Vector) -> NDArray[np.float64]:
        grow = r / (r + j)
        return np.stack([np.log(r + j), grow, grow * (1.0 - grow)])

    return row_sums_below(counts, terms)[:, code]


def log_staying(leave: float | Vector, keep: float | Vector, n: Vector) -> Vector:
    """Return log E[(1 - p)^n] over p ~ Beta(leave, keep), for whole numbers n; 0 where ``leave`` is 0.

    ``leave`` and ``keep`` are two numbers, or two vectors with one pair per row.
    """
    if isinstance(leave, np.ndarray) and isinstance(keep, np.ndarray):
        a, b = leave, keep
        return row_sums_below(n, lambda rows, j: -np.log1p(a[rows] / (b[rows] + j)))
    if leave == 0.0:
        return np.zeros(n.shape)
    j = np.arange(n.max(initial=0.0))
    return -np.concatenate([[0.0], np.cumsum(np.log1p(leave / (keep + j)))])[n.astype(np.int64)]


def row_sums_below(
    n: Vector, terms: Callable[[NDArray[np.int64], Vector], NDArray[np.float64]]
) -> NDArray[np.float64]:
    """Return, for each row, f(0) + ... + f(n - 1) of its own smooth functions f.

    Parameters
    ----------
    n : ndarray of shape (n_rows,)
        Whole numbers.
    terms : callable
        ``terms(rows, j)`` gives the functions of those rows at those counts, shape (..., rows.size).

    Returns
    -------
    ndarray of shape (..., n_rows)
    """
    counts, code = np.unique(n, return_inverse=True)
    rules = [count_rule(np.ones(int(count))) for count in counts]
    length = np.array([nodes.size for nodes, _ in rules])
    node, mass = (np.concatenate(parts) for parts in zip(*rules, strict=True))
    rows = np.repeat(np.arange(n.size), length[code])
    first, begin = np.cumsum(length) - length, np.cumsum(length[code]) - length[code]
    place = np.arange(rows.size) + np.repeat(first[code] - begin, length[code])
    values = terms(rows, node[place]) * mass[place]
    some = length[code] > 0
    out = np.zeros((*values.shape[:-1], n.size))
    if some.any():
        out[..., some] = np.add.reduceat(values, begin[some], axis=-1)
    return out


def rule_below(n: Vector, weights: Vector) -> tuple[Vector, Vector]:
    """Return nodes and weights of the sum of f(0) + ... + f(n - 1) over all customers; see `count_rule`."""
    return count_rule(np.bincount(n.astype(np.int64), weights=weights)[::-1].cumsum()[::-1][1:])


def staying_terms(
    leave: float, keep: float, j: Vector, weights: Vector
) -> tuple[float, Vector, NDArray[np.float64]]:
    """Return the weighted sum of -log(1 + leave / (keep + j)), with derivatives by log(leave) and log(keep)."""
    value, first, second, leaving, cross, keeping = staying_parts(leave, keep, j) @ weights
    return value, np.array([first, second]), np.array([[leaving, cross], [cross, keeping]])


def staying_parts(leave: float | Vector, keep: float | Vector, j: Vector) -> NDArray[np.float64]:
    """Return -log(1 + leave / (keep + j)), its gradient by log(leave) and log(keep), and its second derivatives."""
    total = leave + keep + j
    gone, stay, share = leave / total, keep / (keep + j), keep / total
    bend = stay * gone
    second = (-gone * (1.0 - gone), gone * share, bend * (1.0 - stay - share))
    return np.stack([-np.log1p(leave / (keep + j)), -gone, bend, *second])


def _gauss(points: Vector, weights: Vector) -> tuple[Vector, Vector]:
    """Gauss rule of a discrete measure: the three-term recurrence of its polynomials, then the eigenvalues."""
    if points.size <= 2 * _NODES:
        return points, weights
    total, middle, half = weights.sum(), (points[0] + points[-1]) / 2.0, (points[-1] - points[0]) / 2.0
    x, w = (points - middle) / half, weights / weights.sum()
    diagonal, beside = np.empty(_NODES), np.zeros(_NODES)
    before, now = np.zeros(x.size), np.ones(x.size)
    for k in range(_NODES):
        diagonal[k] = w @ (x * now * now)
        after = (x - diagonal[k]) * now - beside[k - 1] * before
        size = np.sqrt(w @ (after * after))
        if size < 1e-8 or k == _NODES - 1:  # the measure has no more points to tell apart
            diagonal, beside = diagonal[: k + 1], beside[:k]
            break
        beside[k] = size
        before, now = now, after / size
    matrix = np.diag(diagonal) + np.diag(beside, 1) + np.diag(beside, -1)
    values, vectors = np.linalg.eigh(matrix)
    return middle + half * values, total * vectors[0] ** 2
