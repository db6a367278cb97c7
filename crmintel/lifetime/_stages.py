"""Regular buyers: a purchase is every k-th event (stage) of a Poisson process whose rate is gamma distributed.

Symbols as in Platzer & Reutterer (2016). While a customer stays, the k stages between purchases come at rate lambda.
After x purchases and a silence of T - t_x, all that is to be known of a live customer is how many stages j < k have
passed since the last purchase: lambda is then Gamma(R + j, alpha + T) with R = r + k x, and the stages of the next t
are negative binomial. No approximation is needed: whatever is asked is a sum over j.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import betainc, betaln

from crmintel.lifetime._histories import Vector
from crmintel.lifetime._quadrature import beta_rule

_TERMS = (
    128  # purchases counted one by one; where more are possible, sums are integrals over the chance to leave
)
_NOTHING = 1e-17  # of a sum
_FEW_STAY = 0.05  # below, powers of the chance to stay are counted one by one: 13 of them are exact
_FEW = 13
_SMALLEST = 690.0  # e^-690 is a number still
_CELLS = 50_000  # numbers at a time

Table = NDArray[np.float64]


def log_stage_weights(k: int, R: Vector, w: Vector) -> Table:
    """Return log (R)_j / j! w^j for j = 0, ..., k - 1, shape (k, n): how likely j stages are in the silence.

    Parameters
    ----------
    k : int
    R : ndarray of shape (n,)
        Shape of the rate after the last purchase.
    w : ndarray of shape (n,)
        (T - t_x) / (alpha + T).
    """
    table = np.zeros((k, R.size))
    with np.errstate(divide="ignore"):
        log_w = np.log(w)
    for j in range(1, k):
        table[j] = table[j - 1] + np.log((R + (j - 1)) / j) + log_w
    return table


def log_silence(k: int, R: Vector, w: Vector) -> Vector:
    """Return log of the sum of the stage weights: how much likelier the silence is than without any stage."""
    return np.asarray(np.logaddexp.reduce(log_stage_weights(k, R, w), axis=0))


def stages_passed(k: int, R: Vector, w: Vector) -> Table:
    """Return the chances that j stages have passed since the last purchase, shape (k, n)."""
    table = log_stage_weights(k, R, w)
    return np.exp(table - np.logaddexp.reduce(table, axis=0))


def at_least(k: int, R: Vector, w: Vector, n: Vector) -> Table:
    """Return the chance of n >= 1 or more purchases by a customer who stays, by the stages passed: shape (k, ...).

    Parameters
    ----------
    R, w, n : ndarray
        Shape of the rate after the last purchase, w = t / (alpha + T + t), and counts; broadcast.
    """
    return np.stack([betainc(k * n - j, R + j, w) for j in range(k)])


def exactly(k: int, R: NDArray[np.float64], z: NDArray[np.float64], n: Vector) -> Table:
    """Return the chance of exactly n purchases by a customer who stays, by the stages passed: shape (k, ...)."""
    w = z / (1.0 + z)
    parts = []
    for j in range(k):
        m = np.maximum(k * n - j, 0.0)
        some = np.maximum(m, 1.0)
        with np.errstate(divide="ignore"):
            log_first = np.where(m > 0, some * np.log(w) - np.log(some) - betaln(some, R + j), 0.0)
        term = np.exp(log_first - (R + j) * np.log1p(z))
        total = term.copy()
        for step in range(1, k):
            term = term * (R + j + m) / (m + 1.0) * w
            m = m + 1.0
            total += np.where((n > 0) | (step < k - j), term, 0.0)
        parts.append(total)
    return np.stack(parts)


def purchases_while_alive(
    k: int, R: Vector, z: Vector, a: float, b: Vector, *, leaving: bool = False
) -> Table:
    """Return the purchases to expect of a live customer, by the stages passed: shape (k, n).

    The n-th purchase is made if its stages come up in time, chance F_n, and if none of the n - 1 before was the last,
    chance E[(1 - p)^(n - 1)]. Where few purchases are possible the products are added up. Elsewhere the sum over n is
    done on paper, by the k-th roots of unity, for each chance p of a quadrature rule.

    Parameters
    ----------
    k : int
    R, z, b : ndarray of shape (n,)
        Shape of the rate after the last purchase, t / (alpha + T), and the second shape of p ~ Beta(a, b).
    a : float
        0 if nobody leaves.
    leaving : bool, default=False
        Whether to return the chance to leave instead: each purchase counts by p.
    """
    total = np.zeros((k, R.size))
    if leaving and a == 0.0:
        return total
    none = R * np.log1p(z)  # - log P(no stage)
    rows = np.flatnonzero(none < _SMALLEST)
    left = [np.flatnonzero(none >= _SMALLEST)]
    for part in np.array_split(rows, 1 + rows.size * k // _CELLS):
        total[:, part], done = _count_by_count(k, R[part], z[part], a, b[part], leaving)
        left.append(part[~done])
    rest = np.concatenate(left)
    for shape in np.unique(b[rest]):
        same = rest[b[rest] == shape]
        p, mass = beta_rule(a, float(shape), float((R[same] * z[same]).max()))
        for part in np.array_split(same, 1 + same.size * p.size // _CELLS):
            total[:, part] = _over_dropout(k, R[part], z[part], p, mass * p if leaving else mass)
    return total


def _count_by_count(
    k: int, R: Vector, z: Vector, a: float, b: Vector, leaving: bool
) -> tuple[Table, NDArray[np.bool_]]:
    """Add up P(m stages) x what the purchases they make are worth, and say which rows end within a few purchases."""
    total, done = np.zeros((k, R.size)), np.zeros(R.size, dtype=bool)
    rows, w, shape = np.arange(R.size), z / (1.0 + z), R + np.arange(k)[:, None]
    chance, stay, before = np.exp(-shape * np.log1p(z)), np.ones(R.size), np.zeros(R.size)
    added = np.zeros_like(chance)
    for n in range(1, _TERMS + 1):
        leave = a / (a + b + n - 1.0)
        more = stay * leave if leaving else stay
        after = before + more
        for m in range((n - 1) * k, n * k):
            made = n * k - m  # who had this many stages or more made the n-th purchase
            added[:made] += chance[:made] * before
            added[made:] += chance[made:] * after
            chance = chance * ((shape + m) * (w / (m + 1.0)))
        stay, before = stay * (1.0 - leave), after
        falls = 1.0 - (shape[-1] + n * k) / (n * k + 1.0) * w
        with np.errstate(divide="ignore"):
            rest = chance * (after / falls + more / falls**2)
        ended = (falls > 0) & (rest <= _NOTHING * added).all(axis=0)
        if ended.any() or n == _TERMS:
            total[:, rows], done[rows] = added, ended
            go = ~ended
            rows, w, b, stay, before = rows[go], w[go], b[go], stay[go], before[go]
            shape, chance, added = shape[:, go], chance[:, go], added[:, go]
            if not rows.size:
                break
    return total, done


def _over_dropout(k: int, R: Vector, z: Vector, p: Vector, mass: Vector) -> Table:
    """Mix sum_n (1 - p)^(n - 1) F_n over p: shape (k, n).

    The k-th roots of unity c pick every k-th term of a sum over stages m. With y = c (1 - p)^(1 / k) the sum is
    1 / (k (1 - p)) times that of y^(j + 1) (1 - E[y^m]) / (1 - y) over the roots; E[y^m] = (1 + z (1 - y))^-(R + j).
    """
    out = np.empty((k, R.size))
    many = 1.0 - p >= _FEW_STAY
    n = np.arange(1.0, _FEW + 1.0)
    few = mass[~many] @ (1.0 - p[~many, None]) ** (n - 1.0)
    tails = at_least(k, R[:, None], (z / (1.0 + z))[:, None], n)
    p, mass = p[many], mass[many]
    log_s = np.log1p(-p) / k
    s, off = np.exp(log_s), -np.expm1(log_s)
    real = np.log1p(z[:, None] * off)
    for j in range(k):
        out[j] = -np.expm1(-(R[:, None] + j) * real) @ (mass * s ** (j + 1.0) / (off * k * (1.0 - p)))
        out[j] += tails[j] @ few
    for root in range(1, k // 2 + 1):
        angle = 2.0 * np.pi * root / k
        y = s * np.exp(1j * angle)
        gap = 1.0 - y
        twice = 1.0 if 2 * root == k else 2.0  # roots come in conjugate pairs, -1 alone
        modulus = z[:, None] * (2.0 * gap.real + z[:, None] * np.abs(gap) ** 2)
        log_gap = 0.5 * np.log1p(modulus) + 1j * np.arctan2(
            z[:, None] * gap.imag, 1.0 + z[:, None] * gap.real
        )
        for j in range(k):
            lost = -np.expm1(-(R[:, None] + j) * log_gap)
            out[j] += (lost @ (mass * twice * y ** (j + 1) / (gap * k * (1.0 - p)))).real
    return out
