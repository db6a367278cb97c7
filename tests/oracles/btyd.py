"""Lifetime models at many digits, one customer at a time: slow, and short enough to be read against the papers.

Two derivations stand side by side where one might hide a mistake: closed forms, and integrals over the latent rates.
"""

from __future__ import annotations

import mpmath as mp


def _digits(dps):
    def wrap(f):
        def g(*args):
            with mp.workdps(dps):
                return f(*args)

        return g

    return wrap


def _mp(*values):
    return tuple(mp.mpf(float(v)) for v in values)


@_digits(40)
def bgnbd_log_likelihood(params, x, t_x, T):
    """Fader, Hardie & Lee (2005), equation (6)."""
    r, al, a, b = _mp(*params)
    x, t_x, T = _mp(x, t_x, T)

    def log_beta(u, v):
        return mp.loggamma(u) + mp.loggamma(v) - mp.loggamma(u + v)

    first = mp.loggamma(r + x) - mp.loggamma(r) + r * mp.log(al)
    stay = mp.exp(log_beta(a, b + x) - log_beta(a, b) - (r + x) * mp.log(al + T))
    leave = mp.exp(log_beta(a + 1, b + x - 1) - log_beta(a, b) - (r + x) * mp.log(al + t_x)) if x > 0 else 0
    return first + mp.log(stay + leave)


@_digits(40)
def bgnbd_alive(params, x, t_x, T):
    r, al, a, b = _mp(*params)
    x, t_x, T = _mp(x, t_x, T)
    return mp.mpf(1) if x == 0 else 1 / (1 + a / (b + x - 1) * ((al + T) / (al + t_x)) ** (r + x))


@_digits(40)
def bgnbd_alive_after(params, t, x, t_x, T):
    """P(alive) E[exp(-lambda p t)]."""
    r, al, a, b = _mp(*params)
    alive = bgnbd_alive(params, x, t_x, T)
    t, x, T = _mp(t, x, T)
    return alive * mp.hyp2f1(r + x, a, a + b + x, -t / (al + T))


@_digits(80)
def bgnbd_expected(params, t, x, t_x, T):
    """Equation (10); at its singularity a = 1 the equivalent 3F2."""
    r, al, a, b = _mp(*params)
    alive = bgnbd_alive(params, x, t_x, T)
    t, x, T = _mp(t, x, T)
    if t == 0:
        return mp.mpf(0)
    if abs(a - 1) < mp.mpf("1e-30"):
        M = al + T
        return alive * (r + x) * t / M * mp.hyp3f2(r + x + 1, a, 1, a + b + x, 2, -t / M)
    h = mp.hyp2f1(r + x, b + x, a + b + x - 1, t / (al + T + t))
    return alive * (a + b + x - 1) / (a - 1) * (1 - ((al + T) / (al + T + t)) ** (r + x) * h)


@_digits(30)
def bgnbd_expected_by_integral(params, t, x, t_x, T):
    """P(alive) times the average of (1 - exp(-lambda p t)) / p over the posterior rates, lambda integrated out."""
    r, al, a, b = _mp(*params)
    alive = bgnbd_alive(params, x, t_x, T)
    t, x, T = _mp(t, x, T)

    def f(p):
        return p ** (a - 2) * (1 - p) ** (b + x - 1) * (1 - (1 + p * t / (al + T)) ** -(r + x))

    return alive * mp.quad(f, [0, 0.001, 0.01, 0.1, 0.5, 0.9, 1]) / mp.beta(a, b + x)


@_digits(40)
def bgnbd_pmf(params, n, t, x, t_x, T):
    """P(n purchases in (T, T + t]), equation (8) at the posterior parameters, times P(alive)."""
    r, al, a, b = _mp(*params)
    alive = bgnbd_alive(params, x, t_x, T)
    t, x, T = _mp(t, x, T)
    r, al, b = r + x, al + T, b + x
    q = t / (al + t)
    first = mp.exp(
        mp.log(mp.beta(a, b + n))
        - mp.log(mp.beta(a, b))
        + mp.loggamma(r + n)
        - mp.loggamma(r)
        - mp.loggamma(n + 1)
        + r * mp.log(al / (al + t))
    ) * (q**n)
    if n == 0:
        return alive * first + 1 - alive
    tail = mp.betainc(n, r, 0, q, regularized=True)
    return alive * (first + mp.beta(a + 1, b + n - 1) / mp.beta(a, b) * tail)


@_digits(30)
def bgnbd_discounted(params, delta, x, t_x, T, horizon=mp.inf):
    """Integral of the purchase density, discounted at the continuous rate delta."""
    r, al, a, b = _mp(*params)
    alive = bgnbd_alive(params, x, t_x, T)
    x, T, delta = _mp(x, T, delta)
    M, R = al + T, r + x
    end = 150 / delta if horizon == mp.inf else mp.mpf(horizon)
    cuts = [0, *(c / delta for c in (1, 5, 20, 60) if c / delta < end), end]
    return alive * mp.quad(
        lambda s: R / M * mp.hyp2f1(R + 1, a, a + b + x, -s / M) * mp.exp(-delta * s), cuts
    )


@_digits(40)
def gammagamma_log_likelihood(params, x, m):
    """Fader & Hardie (2013), equation (1a)."""
    p, q, v = _mp(*params)
    x, m = _mp(x, m)
    return (
        mp.loggamma(p * x + q)
        - mp.loggamma(p * x)
        - mp.loggamma(q)
        + q * mp.log(v)
        + (p * x - 1) * mp.log(m)
        + p * x * mp.log(x)
        - (p * x + q) * mp.log(x * m + v)
    )


@_digits(30)
def gammagamma_log_likelihood_by_integral(params, x, m):
    """m | nu ~ Gamma(p x, nu x), nu ~ Gamma(q, v), integrated over nu."""
    p, q, v = _mp(*params)
    x, m = _mp(x, m)

    def f(nu):
        density = (nu * x) ** (p * x) * m ** (p * x - 1) * mp.exp(-nu * x * m) / mp.gamma(p * x)
        return density * v**q * nu ** (q - 1) * mp.exp(-v * nu) / mp.gamma(q)

    c = (p * x + q) / (x * m + v)
    return mp.log(mp.quad(f, [0, c / 3, c, 2 * c, 5 * c, 20 * c, mp.inf]))


@_digits(40)
def mbgnbd_log_likelihood(params, x, t_x, T):
    """Batislam, Denizel & Filiztekin (2007): as the BG/NBD, with a chance to leave at the start."""
    r, al, a, b = _mp(*params)
    x, t_x, T = _mp(x, t_x, T)

    def log_beta(u, v):
        return mp.loggamma(u) + mp.loggamma(v) - mp.loggamma(u + v)

    first = mp.loggamma(r + x) - mp.loggamma(r) + r * mp.log(al)
    stay = mp.exp(log_beta(a, b + x + 1) - log_beta(a, b) - (r + x) * mp.log(al + T))
    leave = mp.exp(log_beta(a + 1, b + x) - log_beta(a, b) - (r + x) * mp.log(al + t_x))
    return first + mp.log(stay + leave)


@_digits(40)
def mbgnbd_alive(params, x, t_x, T):
    r, al, a, b = _mp(*params)
    x, t_x, T = _mp(x, t_x, T)
    return 1 / (1 + a / (b + x) * ((al + T) / (al + t_x)) ** (r + x))


@_digits(40)
def mbgnbd_alive_after(params, t, x, t_x, T):
    r, al, a, b = _mp(*params)
    alive = mbgnbd_alive(params, x, t_x, T)
    t, x, T = _mp(t, x, T)
    return alive * mp.hyp2f1(r + x, a, a + b + x + 1, -t / (al + T))


@_digits(80)
def mbgnbd_expected(params, t, x, t_x, T):
    """The published closed form; at its singularity a = 1 the equivalent 3F2."""
    r, al, a, b = _mp(*params)
    alive = mbgnbd_alive(params, x, t_x, T)
    t, x, T = _mp(t, x, T)
    if abs(a - 1) < mp.mpf("1e-30"):
        M = al + T
        return alive * (r + x) * t / M * mp.hyp3f2(r + x + 1, a, 1, a + b + x + 1, 2, -t / M)
    h = mp.hyp2f1(r + x, b + x + 1, a + b + x, t / (al + T + t))
    return alive * (a + b + x) / (a - 1) * (1 - ((al + T) / (al + T + t)) ** (r + x) * h)


@_digits(30)
def mbgnbd_by_integral(params, t, x, t_x, T):
    """(log-likelihood, P(alive), expected purchases) from the individual's chances, averaged over all p."""
    r, al, a, b = _mp(*params)
    t, x, t_x, T = _mp(t, x, t_x, T)
    cuts = [-80 / a, -30, *range(-15, 16, 3), 30, 80 / b]  # in log(p / q)

    def over_p(f):
        def g(y):
            p, q = 1 / (1 + mp.exp(-y)), 1 / (1 + mp.exp(y))
            return p**a * q**b * f(p, q)

        return mp.quad(g, cuts) / mp.beta(a, b)

    gains = mp.gamma(r + x) / mp.gamma(r) * al**r
    stay = gains * over_p(lambda p, q: q ** (x + 1)) * (al + T) ** -(r + x)
    leave = gains * over_p(lambda p, q: p * q**x) * (al + t_x) ** -(r + x)
    bought = over_p(lambda p, q: -(q ** (x + 1)) * mp.expm1(-(r + x) * mp.log1p(p * t / (al + T))) / p)
    later = gains * bought * (al + T) ** -(r + x)
    return mp.log(stay + leave), stay / (stay + leave), later / (stay + leave)


@_digits(40)
def mbgnbd_pmf(params, n, t, x, t_x, T):
    r, al, a, b = _mp(*params)
    alive = mbgnbd_alive(params, x, t_x, T)
    t, x, T = _mp(t, x, T)
    r, al, b = r + x, al + T, b + x + 1
    q = t / (al + t)
    log_first = mp.log(mp.beta(a, b + n) / mp.beta(a, b)) + r * mp.log(al / (al + t)) + n * mp.log(q)
    first = mp.exp(log_first + mp.loggamma(r + n) - mp.loggamma(r) - mp.loggamma(n + 1))
    if n == 0:
        return alive * first + 1 - alive
    tail = mp.betainc(n, r, 0, q, regularized=True)
    return alive * (first + mp.beta(a + 1, b + n - 1) / mp.beta(a, b) * tail)


@_digits(30)
def mbgnbd_discounted(params, delta, x, t_x, T, horizon=mp.inf):
    """Integral of the purchase density, discounted at the continuous rate delta."""
    r, al, a, b = _mp(*params)
    alive = mbgnbd_alive(params, x, t_x, T)
    x, T, delta = _mp(x, T, delta)
    M, R = al + T, r + x
    end = 150 / delta if horizon == mp.inf else mp.mpf(horizon)
    cuts = [0, *(c / delta for c in (1, 5, 20, 60) if c / delta < end), end]
    return alive * mp.quad(
        lambda s: R / M * mp.hyp2f1(R + 1, a, a + b + x + 1, -s / M) * mp.exp(-delta * s), cuts
    )


@_digits(30)
def bgbb_log_likelihood(params, x, t_x, n):
    """Fader, Hardie & Shang (2010), equation (5)."""
    al, be, ga, de = _mp(*params)
    total = mp.beta(al + x, be + n - x) * mp.beta(ga, de + n)
    for i in range(n - t_x):
        total += mp.beta(al + x, be + t_x - x + i) * mp.beta(ga + 1, de + t_x + i)
    return mp.log(total / mp.beta(al, be) / mp.beta(ga, de))


@_digits(30)
def bgbb_alive(params, x, t_x, n, after=0):
    """Equation (8) has ``after`` = 1."""
    al, be, ga, de = _mp(*params)
    stay = mp.beta(al + x, be + n - x) * mp.beta(ga, de + n + after) / mp.beta(al, be) / mp.beta(ga, de)
    return stay / mp.exp(bgbb_log_likelihood(params, x, t_x, n))


@_digits(30)
def bgbb_expected(params, m, x, t_x, n, rate=0):
    """The sum, opportunity by opportunity, of the chances to buy, discounted at the continuous ``rate``."""
    al, be, ga, de = _mp(*params)
    there = sum(mp.beta(ga, de + n + j) * mp.exp(-mp.mpf(rate) * j) for j in range(1, m + 1)) / mp.beta(
        ga, de + n
    )
    return bgbb_alive(params, x, t_x, n) * (al + x) / (al + be + n) * there


@_digits(30)
def bgbb_discounted(params, rate, x, t_x, n):
    """Equation (14): the endless sum as a hypergeometric function."""
    al, be, ga, de = _mp(*params)
    v = mp.exp(-mp.mpf(rate))
    there = v * mp.beta(ga, de + n + 1) * mp.hyp2f1(1, de + n + 1, ga + de + n + 1, v) / mp.beta(ga, de + n)
    return bgbb_alive(params, x, t_x, n) * (al + x) / (al + be + n) * there


@_digits(30)
def bgbb_pmf(params, k, m, x, t_x, n):
    """Equation (7) at the posterior parameters, by the opportunity of leaving, times P(alive)."""
    al, be, ga, de = _mp(*params)
    alive = bgbb_alive(params, x, t_x, n)
    al, be, de = al + x, be + n - x, de + n
    total = mp.binomial(m, k) * mp.beta(al + k, be + m - k) * mp.beta(ga, de + m)
    for i in range(k, m):
        total += mp.binomial(i, k) * mp.beta(al + k, be + i - k) * mp.beta(ga + 1, de + i)
    live = total / mp.beta(al, be) / mp.beta(ga, de)
    return alive * live + (1 - alive if k == 0 else 0)


def bgbb_by_rule(params, m, x, t_x, n):
    """(log-likelihood, P(alive), expected purchases): the individual's chances, averaged by Gauss-Jacobi rules."""
    import numpy as np
    from scipy.special import roots_jacobi

    al, be, ga, de = params
    node, weight = roots_jacobi(60, be - 1, al - 1)
    p, of_p = ((node + 1) / 2)[:, None], (weight / weight.sum())[:, None]
    node, weight = roots_jacobi(60, de - 1, ga - 1)
    q, of_q = ((node + 1) / 2)[None, :], (weight / weight.sum())[None, :]
    stay = of_p * of_q * p**x * (1 - p) ** (n - x) * (1 - q) ** n
    gone = sum((of_p * of_q * p**x * (1 - p) ** (t - x) * q * (1 - q) ** t).sum() for t in range(t_x, n))
    later = (stay * p * sum((1 - q) ** j for j in range(1, m + 1))).sum()
    total = stay.sum() + gone
    return np.log(total), stay.sum() / total, later / total
