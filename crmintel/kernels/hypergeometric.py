"""Tails of the hypergeometric distribution, to a few units in the 14th digit for any counts.

Loader, C. (2000). Fast and accurate computation of binomial probabilities: the probability of a count is a product
of three binomial ones, each from Stirling errors and deviances, so that nothing large cancels.
"""

from __future__ import annotations

import math

import numpy as np

from crmintel.kernels._jit import helper, kernel


@helper
def _stirling_error(n):
    """ln(n!) - ln(sqrt(2 pi n) (n / e)**n)."""
    if n < 16:
        factorial = 1.0
        for k in range(2, n + 1):
            factorial *= k
        return math.log(factorial) - (n + 0.5) * math.log(n) + n - 0.9189385332046727418 if n > 0 else 0.0
    s = 1.0 / (n * float(n))
    return (1 / 12 - (1 / 360 - (1 / 1260 - (1 / 1680 - (1 / 1188 - 691 / 360360 * s) * s) * s) * s) * s) / n


@helper
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


@helper
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


@helper
def _log_probability(k, n_a, n_b, n):
    """Ln P(N = k) for the overlap of n_a and n_b drawn from n."""
    if n_b == 0 or n_b == n:
        return 0.0
    p, q = n_b / n, (n - n_b) / n
    e1, w1 = _log_binomial(k, n_a, p, q)
    e2, w2 = _log_binomial(n_b - k, n - n_a, p, q)
    e3, w3 = _log_binomial(n_b, n, p, q)
    root = 1.0 / w3
    if w1 > 0:
        root *= w1
    if w2 > 0:
        root *= w2
    return e1 + e2 - e3 + 0.5 * math.log(root)


@helper
def _outward(at, step, n_a, n_b, n):
    """Sum the probabilities from ``at`` to the end that ``step`` (1 or -1) leads to, relative to the first."""
    end = min(n_a, n_b) if step > 0 else max(0, n_a + n_b - n)
    term = total = 1.0
    while term > 1e-18 * total and at != end:
        if step > 0:
            term *= (n_a - at) * float(n_b - at) / ((at + 1) * float(n - n_a - n_b + at + 1))
        else:
            term *= at * float(n - n_a - n_b + at) / ((n_a - at + 1) * float(n_b - at + 1))
        at += step
        total += term
    return total


@helper
def _log_other_tail(k, bound, step, n_a, n_b, n):
    """Ln of the sum of the probabilities of at most exp(bound), in the tail that ``step`` leads to from ``k``."""
    mode = (n_a + 1) * (n_b + 1) // (n + 2)
    if step > 0:
        far, near = min(n_a, n_b), max(mode, k + 1)
    else:
        far, near = max(0, n_a + n_b - n), min(mode, k - 1)
    if (near - far) * step > 0 or _log_probability(far, n_a, n_b, n) > bound:
        return -math.inf
    while near != far:  # the first from the mode that is small enough
        middle = (near + far) // 2 if step > 0 else -((-near - far) // 2)
        if _log_probability(middle, n_a, n_b, n) <= bound:
            far = middle
        else:
            near = middle + step
    return _log_probability(far, n_a, n_b, n) + math.log(_outward(far, step, n_a, n_b, n))


@kernel
def _log_tails(n_ab, n_a, n_b, n, two_sided, tails):
    """Fill ``tails`` with ln P(N >= n_ab), or of all counts that are not likelier than n_ab (R's rule)."""
    for r in range(n_ab.size):
        k, a, b, m = n_ab[r], n_a[r], n_b[r], n[r]
        above = k * float(m) >= a * float(b)
        tail = 0.0
        if two_sided:
            step = 1 if above else -1
            here = _log_probability(k, a, b, m)
            tail = here + math.log(_outward(k, step, a, b, m))
            other = _log_other_tail(k, here + 1e-7, -step, a, b, m)
            if other > -math.inf:
                tail = max(tail, other) + math.log1p(math.exp(-abs(tail - other)))
        elif k > max(0, a + b - m):
            if above:
                tail = _log_probability(k, a, b, m) + math.log(_outward(k, 1, a, b, m))
            else:
                below = math.exp(_log_probability(k - 1, a, b, m)) * _outward(k - 1, -1, a, b, m)
                tail = math.log1p(-below) if below < 1.0 else -math.inf
        tails[r] = min(tail, 0.0)


def log_tail(n_ab, n_a, n_b, n, *, two_sided=False):
    """Return ln P(N >= n_ab), or that of the two-sided test, for int64 vectors of one length."""
    tails = np.empty(n_ab.size, dtype=np.float64)
    counts = [np.require(count, np.int64, ["C", "W"]) for count in (n_ab, n_a, n_b, n)]  # read-only is copied
    _log_tails(*counts, two_sided, tails)
    return tails


@kernel
def count_attainable(log_p, n_b, n, margins, first, attainable):
    """Fill ``attainable`` with how many antecedents could reach a tail of ``log_p`` at most with each consequent.

    The smallest tail that two margins allow is P(N = min(n_a, n_b)); it falls with n_a up to n_b and rises after.

    Parameters
    ----------
    log_p, n_b : of each rule
    n : number of baskets
    margins : distinct counts of the antecedents, rising
    first : how many antecedents have a count below each margin, and all of them
    """
    for r in range(log_p.size):
        b = n_b[r]
        low, split = 0, margins.size
        while low < split:  # margins up to b stand before split
            middle = (low + split) // 2
            if margins[middle] > b:
                split = middle
            else:
                low = middle + 1
        low, high = 0, split
        while low < high:
            middle = (low + high) // 2
            if _log_probability(margins[middle], margins[middle], b, n) <= log_p[r]:
                high = middle
            else:
                low = middle + 1
        begin = low
        low, high = split, margins.size
        while low < high:
            middle = (low + high) // 2
            if _log_probability(b, margins[middle], b, n) <= log_p[r]:
                low = middle + 1
            else:
                high = middle
        attainable[r] = first[low] - first[begin]
