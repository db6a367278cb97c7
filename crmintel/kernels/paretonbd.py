"""Kernel of the Pareto/NBD model: every integral over the time at which a customer left is of one form.

    J = int_0^L (u / (A + u))^n (1 + u / A)^-p (1 + u / B)^-q du,  n = 0, 1, 2, ...

In v = log(1 + u / min(A, B)) the logarithm of the integrand, g(v) = v - n log(1 + A / u) - p log(1 + u / A)
- q log(1 + u / B), is concave and analytic for |Im v| < pi. Gauss-Legendre panels are laid from its peak to both
sides until what is left is nothing. A panel is as wide as its steepness allows; all terms are positive.
"""

from __future__ import annotations

import math

from crmintel.kernels._jit import helper, kernel

_WIDEST = 5.0  # the singularities at distance pi ask for 12 nodes a panel of 4
_STEEPEST = 24.0  # e^-24 over one panel takes 17 nodes
_NOTHING = 1e-17  # of the integral is left out at each side
_MOST_PANELS = 1000  # a few are the rule; powers of 1e300 would never come to an end
_MANY = 1e3  # powers up to which log(1 + y), off by 1e-16, does for the slower log1p(y)


@helper
def _slope(v, n, m, A, p, B, q):
    """The derivative g'(v) but for its pole n / v."""
    u = m * math.expm1(v)
    slope = 1.0 - (p + n) * (m + u) / (A + u) - q * (m + u) / (B + u)
    if n > 0.0:
        slope += n * (-1.0 / math.expm1(-v) - 1.0 / v if v > 1e-3 else 0.5)
    return slope


@helper
def _steepness(low, high, n, m, A, p, B, q):
    """Bound of the powers of e that g changes by over a panel; v^n counts by its degree where it starts at 0."""
    left, right = _slope(low, n, m, A, p, B, q), _slope(high, n, m, A, p, B, q)
    if low == 0.0:
        return max(abs(left), abs(right)) * (high - low) + n
    return max(abs(left + n / low), abs(right + n / high)) * (high - low)


@helper
def _peak(n, m, A, p, B, q, V):
    """Where g is within 1 of its maximum over (0, V], by bisection of its falling slope; 0 if it only falls."""
    if n == 0.0 and _slope(0.0, n, m, A, p, B, q) <= 0.0:
        return 0.0
    low, high, peak = 0.0, V, V
    while True:
        slope = _slope(peak, n, m, A, p, B, q) + n / peak
        if slope < 0.0:
            high = peak
        elif slope * (high - peak) > 1.0:
            low = peak
        else:
            return peak
        peak = 0.5 * (low + high)


@helper
def _log_integrand(v, n, m, A, p, B, q):
    u = m * math.expm1(v)
    g = v - p * math.log1p(u / A) - q * math.log1p(u / B)
    return g - n * math.log1p(A / u) if n > 0.0 else g


@kernel
def decay_integrals(n, A, p, B, q, L, nodes, weights, out):
    """Write log J of each row into ``out[0]``; -inf for L = 0.

    Where ``out`` has 15 rows, the others take averages over the integrand: of log(1 + u / A), 1 / (1 + u / A),
    log(1 + u / B), 1 / (1 + u / B), and of their ten products in the order of an upper triangle. The Gauss-Legendre
    rule with k nodes begins at k (k - 1) / 2.
    """
    for i in range(n.size):
        m = min(A[i], B[i])
        V = math.log1p(L[i] / m)
        if V == 0.0:
            for row in range(out.shape[0]):
                out[row, i] = 0.0 if row > 0 else -math.inf
            continue
        peak = _peak(n[i], m, A[i], p[i], B[i], q[i], V)
        top = _log_integrand(peak, n[i], m, A[i], p[i], B[i], q[i]) if peak > 0.0 else 0.0
        exact = n[i] > 0.0 or p[i] + q[i] > _MANY
        total = 0.0
        s0 = s1 = s2 = s3 = s00 = s01 = s02 = s03 = s11 = s12 = s13 = s22 = s23 = s33 = 0.0
        for end in (V, 0.0):
            v = peak
            for _ in range(_MOST_PANELS):
                far = min(end, v + _WIDEST) if end > v else max(end, v - _WIDEST)
                steep = 0.0
                while far != v:
                    steep = _steepness(min(v, far), max(v, far), n[i], m, A[i], p[i], B[i], q[i])
                    if steep <= _STEEPEST:
                        break
                    far = 0.5 * (v + far)
                if far == v:
                    break
                half = 0.5 * abs(far - v)
                order = int(6.0 + 2.4 * math.sqrt(steep) + 2.4 * max(half - 0.5, 0.0))
                for k in range(order * (order - 1) // 2, order * (order + 1) // 2):
                    at = 0.5 * (v + far) + half * nodes[k]
                    rise = math.expm1(at) if exact else math.exp(at) - 1.0
                    y, z = m * rise / A[i], m * rise / B[i]
                    b0 = at if A[i] <= B[i] else math.log1p(y) if exact else math.log(1.0 + y)
                    b2 = at if B[i] < A[i] else math.log1p(z) if exact else math.log(1.0 + z)
                    g = at - p[i] * b0 - q[i] * b2 - top
                    if n[i] > 0.0:
                        g -= n[i] * math.log1p(1.0 / y)
                    mass = half * weights[k] * math.exp(g)
                    total += mass
                    if out.shape[0] > 1:
                        b1, b3 = 1.0 / (1.0 + y), 1.0 / (1.0 + z)
                        m0, m1, m2, m3 = mass * b0, mass * b1, mass * b2, mass * b3
                        s0, s1, s2, s3 = s0 + m0, s1 + m1, s2 + m2, s3 + m3
                        s00, s01, s02, s03 = s00 + m0 * b0, s01 + m0 * b1, s02 + m0 * b2, s03 + m0 * b3
                        s11, s12, s13 = s11 + m1 * b1, s12 + m1 * b2, s13 + m1 * b3
                        s22, s23, s33 = s22 + m2 * b2, s23 + m2 * b3, s33 + m3 * b3
                v = far
                if v != end:
                    slope = _slope(v, n[i], m, A[i], p[i], B[i], q[i]) + n[i] / v
                    left = math.exp(_log_integrand(v, n[i], m, A[i], p[i], B[i], q[i]) - top)
                    if left < _NOTHING * abs(slope) * total:
                        break
        out[0, i] = math.log(m) + top + math.log(total)
        if out.shape[0] > 1:
            out[1, i], out[2, i], out[3, i], out[4, i] = s0, s1, s2, s3
            out[5, i], out[6, i], out[7, i], out[8, i] = s00, s01, s02, s03
            out[9, i], out[10, i], out[11, i] = s11, s12, s13
            out[12, i], out[13, i], out[14, i] = s22, s23, s33
            for row in range(1, 15):
                out[row, i] /= total
