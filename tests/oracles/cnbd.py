"""Regular buyers at many digits, one customer at a time, from the definition: Erlang gaps, mixed over the rates.

The library sums over the stages passed since the last purchase after the rate is integrated out. Here the rate is
integrated last, and the time to the next purchase is a renewal process that is already ``e`` old.
"""

from __future__ import annotations

import mpmath as mp
import numpy as np
from scipy.special import gammainc, gammaincc, gammaln


def _survival(k, y):
    """P(Erlang gap > y) at rate 1."""
    return mp.gammainc(k, y, regularized=True)


def _over_rate(f, r, al, k, x, T):
    """Integral of f(rate) x the density of x gaps and of the rate, without the silence; scaled by the rate's mean."""
    mean = (r + k * x + k) / (al + T)

    def g(u):
        rate = mp.exp(u)
        return f(rate) * rate ** (r + k * x) * mp.exp(-al * rate)

    middle = mp.log(mean)
    return mp.quad(g, [middle + d for d in (-60 / min(r + k * x, 4), -20, -8, -4, -2, -1, 0, 1, 2, 4, 7)])


def _at(params):
    return tuple(mp.mpf(float(v)) for v in params)


def log_likelihood(params, k, x, t_x, T, log_gaps, modified):
    """Of the gaps themselves: rate^k gap^(k-1) e^(-rate gap) / (k-1)! each, then silence."""
    r, al, a, b = _at(params)
    t_x, T = mp.mpf(float(t_x)), mp.mpf(float(T))
    c = x + modified
    stay = mp.beta(a, b + c) / mp.beta(a, b)
    leave = mp.beta(a + 1, b + c - 1) / mp.beta(a, b) if c else mp.mpf(0)
    both = _over_rate(
        lambda rate: mp.exp(-rate * t_x) * (stay * _survival(k, rate * (T - t_x)) + leave), r, al, k, x, T
    )
    scale = r * mp.log(al) - mp.loggamma(r) + (k - 1) * mp.mpf(float(log_gaps)) - x * mp.loggamma(k)
    return scale + mp.log(both)


def alive(params, k, x, t_x, T, modified):
    r, al, a, b = _at(params)
    t_x, T = mp.mpf(float(t_x)), mp.mpf(float(T))
    c = x + modified
    if c == 0:
        return mp.mpf(1)
    there = _over_rate(lambda rate: mp.exp(-rate * t_x) * _survival(k, rate * (T - t_x)), r, al, k, x, T)
    gone = _over_rate(lambda rate: mp.exp(-rate * t_x), r, al, k, x, T)
    return 1 / (1 + a / (b + c - 1) * gone / there)


def _given_alive(answer, params, k, x, t_x, T):
    """Average of answer(rate, silence) over the rate of a live customer."""
    r, al, _, _ = _at(params)
    t_x, T = mp.mpf(float(t_x)), mp.mpf(float(T))

    def silent(rate):
        return mp.exp(-rate * t_x) * _survival(k, rate * (T - t_x))

    whole = _over_rate(silent, r, al, k, x, T)
    return _over_rate(lambda rate: silent(rate) * answer(rate, T - t_x), r, al, k, x, T) / whole


def at_least(params, k, x, t_x, T, t, n):
    """P(n or more purchases in t of a customer who stays): the next one at u, then n - 1 whole gaps.

    In double precision: trapezoids over the logarithm of the rate, Gauss-Legendre over u.
    """
    r, al = params[:2]
    e = T - t_x
    log_rate = np.log((r + k * x + k) / (al + T)) + np.arange(-60.0, 8.0, 0.02)
    rate = np.exp(log_rate)
    weight = np.exp(
        (r + k * x) * log_rate - (al + t_x) * rate - ((r + k * x) * log_rate - (al + t_x) * rate).max()
    )
    silent = gammaincc(k, rate * e)
    if n == 1:
        chance = silent - gammaincc(k, rate * (e + t))
    else:
        nodes, mass = np.polynomial.legendre.leggauss(200)
        u, mass = (nodes + 1) * t / 2, mass * t / 2
        gap = rate[:, None] * (e + u)
        density = rate[:, None] * np.exp((k - 1) * np.log(gap) - gap - gammaln(k))
        chance = (density * gammainc((n - 1) * k, rate[:, None] * (t - u))) @ mass
    return float((weight @ chance) / (weight @ silent))


def discounted(params, k, x, t_x, T, rate, modified):
    """Discounted purchases of a live customer, for ever, by the transforms of the times of the purchases."""
    _, _, a, b = _at(params)
    c, delta = x + modified, mp.mpf(float(rate))

    def worth(lam, e):
        weights = [(lam * e) ** j / mp.factorial(j) for j in range(k)]
        rho = lam / (lam + delta)
        later = mp.hyp2f1(1, b + c, a + b + c, rho**k)
        return sum(w * rho ** (k - j) * later for j, w in enumerate(weights)) / sum(weights)

    return _given_alive(worth, params, k, x, t_x, T)
