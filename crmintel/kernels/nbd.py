"""Kernels of the beta-geometric / NBD family: the part of the likelihood that couples rows, and mixing over dropout.

Symbols as in Fader, Hardie & Lee (2005): a customer made x purchases after the first, the last at t_x, and was
watched until T. Everything is differentiated by the logarithms (rho, lambda, A, B) of (r, alpha, a, b), in which
the derivatives are free of units: with k(t) = t / (alpha + t), d log(alpha + t) = 1 - k and dk = -k (1 - k).
"""

from __future__ import annotations

import math

from crmintel.kernels._jit import kernel


@kernel
def bgnbd_gone(x, t_x, T, weight, log_t_x, k_t_x, log_T, k_T, shape, log_leave, share, r, out):
    """Add up, over customers who had a chance to leave, log(1 + e^u), with u the log-odds of having left.

    u = (r + x) log((alpha + T) / (alpha + t_x)) + log(a / (b + c - 1)) after c chances. Rows are codes into tables:
    of log(1 + t / alpha) and k(t) = t / (alpha + t) for times; of r + x, the last logarithm and b / (b + c - 1) for x.

    ``out`` leaves with the value, the gradient (rho, lambda, A, B) and the upper triangle of the Hessian by rows.
    """
    value, product = 0.0, 1.0
    g0 = g1 = g2 = g3 = 0.0
    h00 = h01 = h02 = h03 = h11 = h12 = h13 = h23 = h22 = h33 = 0.0
    for i in range(x.size):
        w = weight[i]
        q = shape[x[i]]
        k, k_x = k_T[T[i]], k_t_x[t_x[i]]
        d = log_T[T[i]] - log_t_x[t_x[i]]
        u = q * d + log_leave[x[i]]
        e = math.exp(-abs(u))
        value += w * max(u, 0.0)
        if w == 1.0:  # one logarithm for hundreds of customers
            product *= 1.0 + e
            if product > 1e250:
                value += math.log(product)
                product = 1.0
        else:
            value += w * math.log1p(e)
        s = (1.0 if u >= 0.0 else e) / (1.0 + e)  # chance of having left
        v = w * s * (1.0 - s)
        s *= w
        u0 = r * d
        u1 = q * (k_x - k)
        u3 = -share[x[i]]
        g0 += s * u0
        g1 += s * u1
        g2 += s
        g3 += s * u3
        h00 += v * u0 * u0 + s * u0
        h01 += v * u0 * u1 + s * r * (k_x - k)
        h02 += v * u0
        h03 += v * u0 * u3
        h11 += v * u1 * u1 + s * q * (k * (1.0 - k) - k_x * (1.0 - k_x))
        h12 += v * u1
        h13 += v * u1 * u3
        h22 += v
        h23 += v * u3
        h33 += v * u3 * u3 + s * u3 * (1.0 + u3)
    value += math.log(product)
    terms = (value, g0, g1, g2, g3, h00, h01, h02, h03, h11, h12, h13, h22, h23, h33)
    for c in range(15):
        out[c] = terms[c]


@kernel
def purchases_over_dropout(code, z, shape, start, p, weight, out):
    """Mix -expm1(-R log1p(p z)) / (p z), the purchases of a live customer by z, over the dropout chance p.

    Row i has z[i] = t / (alpha + T) and uses rule ``code[i]``: the nodes ``p[start[c]:start[c + 1]]`` with their
    weights, and R = shape[c]. Every term is positive, so nothing cancels, and a = 1 is no special case.
    """
    for i in range(code.size):
        c = code[i]
        total = 0.0
        for j in range(start[c], start[c + 1]):
            total -= weight[j] * math.expm1(-shape[c] * math.log1p(p[j] * z[i])) / p[j]
        out[i] = total / z[i]


@kernel
def survival_over_dropout(code, z, shape, start, p, weight, out):
    """Mix (1 + p z)^-R, the chance to stay a customer for another t, over the dropout chance p."""
    for i in range(code.size):
        c = code[i]
        total = 0.0
        for j in range(start[c], start[c + 1]):
            total += weight[j] * math.exp(-shape[c] * math.log1p(p[j] * z[i]))
        out[i] = total


@kernel
def pairs_over_dropout(code, z, shape, start, p, weight, out):
    """Mix 2 (1 - p) P(N >= 2) / (p z)^2, the pairs of purchases of a live customer by z^2, over the dropout chance p.

    N is negative binomial: R = shape, mean R p z. For few purchases its tail is summed, for many it is what is left.
    """
    for i in range(code.size):
        c = code[i]
        R = shape[c]
        total = 0.0
        for j in range(start[c], start[c + 1]):
            y = p[j] * z[i]
            stay = math.exp(-R * math.log1p(y))
            share = y / (1.0 + y)
            if R * share > 1.0 or y > 1.0:  # beyond y = 1 the sum takes about 40 y terms
                tail = (-math.expm1(-R * math.log1p(y)) - stay * R * share) / (y * y)
            else:
                term = stay * R * (R + 1.0) / (2.0 * (1.0 + y) * (1.0 + y))
                tail, n = term, 2.0
                while term > 1e-16 * tail:
                    term *= share * (R + n) / (n + 1.0)
                    tail += term
                    n += 1.0
            total += weight[j] * 2.0 * (1.0 - p[j]) * tail
        out[i] = total
