"""Tails of the hypergeometric distribution, to a few units in the 14th digit for any counts.

Loader, C. (2000). Fast and accurate computation of binomial probabilities: the probability of a count is a product
of three binomial ones, each from Stirling errors and deviances, so that nothing large cancels.
"""

from __future__ import annotations

import math

import numpy as np

from crmintel.kernels._jit import kernel


@kernel
def _stirling_error(n):
    """ln(n!) - ln(sqrt(2 pi n) (n / e)**n)."""
    if n < 16:
        factorial = 1.0
        for k in range(2, n + 1):
            factorial *= k
        return math.log(factorial) - (n + 0.5) * math.log(n) + n - 0.9189385332046727418 if n > 0 else 0.0
    s = 1.0 / (n * float(n))
    return (1 / 12 - (1 / 360 - (1 / 1260 - (1 / 1680 - (1 / 1188 - 691 / 360360 * s) * s) * s) * s) * s) / n


@kernel
def _deviance(x, mean):
    """The deviance x ln(x / mean) + mean - x, without cancellation near x = mean."""
    if x == 0:
        return mean
    gap = x - mean
    if abs(gap) > 0.1 * (x + mean):
        return x * math.log(x / mean) - gap
    v = gap / (x + mean)
    total = gap * v
    term = 2.0 * x * v
    for j in range(1, 1000):
        term *= v * v
        longer = total + term / (2 * j + 1)
        if longer == total:
            break
        total = longer
    return total


@kernel
def _log_binomial(x, n, p, q):
    """The binomial probability of x among n as (e, w) of exp(e) sqrt(w); w = 0 stands for 1, at the ends."""
    if x == 0:
        return n * (math.log1p(-p) if p < 0.5 else math.log(q)), 0.0
    if x == n:
        return n * (math.log1p(-q) if q < 0.5 else math.log(p)), 0.0
    exponent = (
        _stirling_error(n)
        - _stirling_error(x)
        - _stirling_error(n - x)
        - _deviance(x, n * p)
        - _deviance(n - x, n * q)
    )
    return exponent, n / (2.0 * math.pi * x * (n - x))


@kernel
def _probability(k, n_a, n_b, n):
    """P(N = k) for the overlap of n_a and n_b drawn from n."""
    if n_b == 0 or n_b == n:
        return 1.0
    p, q = n_b / n, (n - n_b) / n
    e1, w1 = _log_binomial(k, n_a, p, q)
    e2, w2 = _log_binomial(n_b - k, n - n_a, p, q)
    e3, w3 = _log_binomial(n_b, n, p, q)
    root = 1.0 / w3
    if w1 > 0:
        root *= w1
    if w2 > 0:
        root *= w2
    return math.exp(e1 + e2 - e3) * math.sqrt(root)


@kernel
def upper_tails(n_ab, n_a, n_b, n, tails):
    """Fill ``tails`` with P(N >= n_ab), term by term from the smaller side."""
    for r in range(n_ab.size):
        k, a, b, m = n_ab[r], n_a[r], n_b[r], n[r]
        lowest, highest = max(0, a + b - m), min(a, b)
        if k <= lowest:
            tails[r] = 1.0
            continue
        upward = k * float(m) >= a * float(b)
        at = k if upward else k - 1
        term = _probability(at, a, b, m)
        total = term
        while term > 1e-18 * total and (at < highest if upward else at > lowest):
            if upward:
                term *= (a - at) * float(b - at) / ((at + 1) * float(m - a - b + at + 1))
                at += 1
            else:
                term *= at * float(m - a - b + at) / ((a - at + 1) * float(b - at + 1))
                at -= 1
            total += term
        tails[r] = min(total, 1.0) if upward else max(1.0 - total, 0.0)


def upper_tail(n_ab, n_a, n_b, n):
    """Return P(N >= n_ab) for int64 vectors of one length."""
    tails = np.empty(n_ab.size, dtype=np.float64)
    upper_tails(n_ab, n_a, n_b, n, tails)
    return tails
