"""Contracts at many digits, one customer at a time: slow, and short enough to be read against the papers.

A customer stays through t renewals with the chance E[(1 - p)^(t^c)], p ~ Beta(alpha, beta); c = 1 is the sBG.
"""

from __future__ import annotations

import mpmath as mp


def _digits(f):
    def g(*args):
        with mp.workdps(40):
            return f(*args)

    return g


def _mp(*values):
    return tuple(mp.mpf(float(v)) for v in values)


@_digits
def survival(params, t):
    """B(alpha, beta + t^c) / B(alpha, beta)."""
    alpha, beta, c = _mp(*params)
    u = mp.mpf(t) ** c
    return mp.exp(
        mp.loggamma(beta + u) - mp.loggamma(alpha + beta + u) + mp.loggamma(alpha + beta) - mp.loggamma(beta)
    )


@_digits
def survival_by_integral(params, t):
    """The same, averaged over the chance to leave."""
    alpha, beta, c = _mp(*params)
    u = mp.mpf(t) ** c

    def density(p):
        return p ** (alpha - 1) * (1 - p) ** (beta + u - 1)

    return mp.quad(density, [0, mp.mpf(1) / 10, mp.mpf(9) / 10, 1]) / mp.beta(alpha, beta)


@_digits
def log_likelihood(params, duration, churned):
    if churned:
        return mp.log(survival(params, duration - 1) - survival(params, duration))
    return mp.log(survival(params, duration))


@_digits
def renewals(params, tenure, rate, horizon):
    """Term by term."""
    v = 1 / (1 + mp.mpf(rate))
    terms = (survival(params, tenure + k) * v**k for k in range(1, horizon + 1))
    return mp.fsum(terms) / survival(params, tenure)


@_digits
def residual_lifetime(params, rate, tenure):
    """Fader & Hardie (2010), equation (6), DERL: just before the renewal that follows ``tenure`` renewals (c = 1)."""
    alpha, beta, _ = _mp(*params)
    n, d = mp.mpf(tenure) + 1, mp.mpf(float(rate))
    share = (beta + n - 1) / (alpha + beta + n - 1)
    return share * mp.hyp2f1(1, beta + n, alpha + beta + n, 1 / (1 + d))
