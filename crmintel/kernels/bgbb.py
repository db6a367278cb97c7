"""Kernels of the BG/BB model: customers who may buy at each of a row of opportunities, and may leave before each.

Symbols as in Fader, Hardie & Shang (2010): a live customer buys with chance p ~ Beta(alpha, beta) and leaves before
each opportunity with chance theta ~ Beta(gamma, delta). Sums over the unknown opportunity of leaving are nested as in
Horner's rule, from the last term back: every term is positive and no beta function is needed.
"""

from __future__ import annotations

import math

from crmintel.kernels._jit import kernel


@kernel
def bgbb_counts(alpha, beta, gamma, delta, m, k, at_least, log_chance, alive):
    """Chances of k purchases, or of ``at_least`` k, at the next m opportunities of customers who are there now.

    Row i has its own posterior alpha, beta, delta. ``alive`` leaves with the chance to be there at the end of m,
    given exactly k. Numbers near the ends of the range are moved by powers of 1e200; gamma may be 0.
    """
    for i in range(alpha.size):
        al, be, de, n = alpha[i], beta[i], delta[i], k[i]
        first, shift = 1.0, 0  # purchases at each of the first k opportunities ...
        for t in range(n):
            first *= (al + t) / (al + be + t) * ((de + t) / (gamma + de + t))
            if first < 1e-200:
                first *= 1e200
                shift -= 1
        total, unit, there = (
            1.0,
            1.0,
            1.0,
        )  # ... and relative to them, what may follow; terms count from the last
        for t in range(m[i] - 1, n - 1, -1):
            later = (be + t - n) / (al + be + t) * ((de + t) / (gamma + de + t)) * total / (t + 1 - n)
            if at_least:
                total = unit + t * later
            else:
                later *= t + 1
                total = later
                if gamma > 0.0:
                    total += unit * (gamma / (gamma + de + t))
                    there *= later / total
            if total > 1e200:
                total *= 1e-200
                unit *= 1e-200
                shift += 1
            elif total < 1e-200:
                total *= 1e200
                unit *= 1e200
                shift -= 1
        log_chance[i] = math.log(first) + math.log(total) + shift * 460.51701859880916
        if n > m[i]:
            log_chance[i] = -math.inf
        alive[i] = there


@kernel
def bgbb_next(alpha, beta, gamma, delta, chance, limit, out):
    """The first opportunity by which the next purchase has come with ``chance``; inf if none up to ``limit``."""
    for i in range(alpha.size):
        al, be, de, goal = alpha[i], beta[i], delta[i], chance[i]
        bought, waits, t = 0.0, 1.0, 0  # waits: there, without a purchase yet
        while bought < goal and t < limit and bought + waits >= goal:
            waits *= (de + t) / (gamma + de + t)
            bought += waits * al / (al + be + t)
            waits *= be + t
            waits /= al + be + t
            t += 1
        out[i] = t if bought >= goal else math.inf


@kernel
def bgbb_silence(x, t_x, T, weight, alpha, beta, gamma, delta, out):
    """Add up log v, v the chance of silence from t_x to T of customers who are there at t_x, with its derivatives.

    v(t) = gamma / n + (beta + t - x) / (alpha + beta + t) (delta + t) / n v(t + 1), n = gamma + delta + t, v(T) = 1.
    Rows come sorted by x, T and falling t_x: those of one x and T share one way back from T.

    ``out`` leaves with the value, the gradient by the logarithms (A, B, G, D) of the parameters, and the upper
    triangle of the Hessian by rows.
    """
    for c in range(15):
        out[c] = 0.0
    t = 0
    v = 1.0
    a = b = g = d = 0.0
    aa = ab = ag = ad = bb = bg = bd = gg = gd = dd = 0.0
    for i in range(x.size):
        if i == 0 or x[i] != x[i - 1] or T[i] != T[i - 1]:
            t, v = T[i], 1.0
            a = b = g = d = 0.0
            aa = ab = ag = ad = bb = bg = bd = gg = gd = dd = 0.0
        while t > t_x[i]:
            t -= 1
            both = alpha + beta + t
            there = gamma + delta + t
            p, q, y = alpha / both, beta / both, beta / (beta + t - x[i])
            leave, keep, e = gamma / there, delta / there, delta / (delta + t)
            later = (beta + t - x[i]) / both * ((delta + t) / there) * v
            v = leave + later
            w = later / v  # chance to be there at t + 1, given silence
            u = w * (1.0 - w)
            a, b, g, d = a - p, b + y - q, g - 1.0, d + e
            aa = w * (aa - p * (1.0 - p)) + u * a * a
            ab = w * (ab + p * q) + u * a * b
            ag = w * ag + u * a * g
            ad = w * ad + u * a * d
            bb = w * (bb + y * (1.0 - y) - q * (1.0 - q)) + u * b * b
            bg = w * bg + u * b * g
            bd = w * bd + u * b * d
            gg = w * gg + u * g * g - leave * (1.0 - leave)
            gd = w * gd + u * g * d + leave * keep
            dd = w * (dd + e * (1.0 - e)) + u * d * d - keep * (1.0 - keep)
            a, b, g, d = w * a, w * b, w * g + 1.0 - leave, w * d - keep
        terms = (math.log(v), a, b, g, d, aa, ab, ag, ad, bb, bg, bd, gg, gd, dd)
        for c in range(15):
            out[c] += weight[i] * terms[c]
