"""Slow twins of the spend models: brute-force quadrature over what a customer's mean spend may be."""

from __future__ import annotations

from mpmath import mp

mp.dps = 30


def _by_quadrature(prior, likelihood, mean, points):
    """(density, posterior mean) of what is seen, by integrating over the latent variable."""
    density = mp.quad(lambda u: prior(u) * likelihood(u), points)
    weighted = mp.quad(lambda u: prior(u) * likelihood(u) * mean(u), points)
    return density, weighted / density


def lognormal(params, x, m):
    """(log density of m, expected spend) of the log-normal model, over u = log of the customer's mean spend."""
    mu, sigma, cv = map(mp.mpf, params)
    x, m = mp.mpf(x), mp.mpf(m)
    within = mp.log(1 + cv**2 / x)

    def prior(u):
        return mp.npdf(u, mu, sigma)

    def likelihood(u):  # log-normal with mean exp(u) and coefficient of variation cv / sqrt(x)
        return mp.npdf(mp.log(m), u - within / 2, mp.sqrt(within)) / m

    points = [mu + k * sigma for k in range(-14, 15, 2)]
    density, mean = _by_quadrature(prior, likelihood, mp.exp, points)
    return mp.log(density), mean


def correlated(params, x, m):
    """(log density of m, expected spend) of the Gamma-Gamma model with a slope, over u = log of the customer's rate."""
    p, q, v, slope = map(mp.mpf, params)
    x, m = mp.mpf(x), mp.mpf(m)
    v = v * ((1 + x) / 2) ** slope

    def prior(u):  # nu = exp(u) ~ Gamma(q, rate v)
        return mp.exp(q * mp.log(v) + q * u - v * mp.exp(u) - mp.loggamma(q))

    def likelihood(u):  # m is the mean of x purchases ~ Gamma(p, rate nu): Gamma(p x, rate nu x)
        shape, rate = p * x, mp.exp(u) * x
        return mp.exp(shape * mp.log(rate) + (shape - 1) * mp.log(m) - rate * m - mp.loggamma(shape))

    peak = mp.log((p * x + q) / (v + x * m))
    points = [peak + k for k in range(-80, 8, 4)]
    density, mean = _by_quadrature(prior, likelihood, lambda u: p * mp.exp(-u), points)
    return mp.log(density), mean
