"""The Pareto/NBD at many digits, one customer at a time: published closed forms, and integrals beside them."""

from __future__ import annotations

import mpmath as mp

from tests.oracles.btyd import _digits, _mp


@_digits(80)
def log_odds_gone(params, x, t_x, T):
    """Log-odds of having left: Fader & Hardie (2005), "A note on deriving the Pareto/NBD model", A0 of (22)."""
    r, al, s, be = _mp(*params)
    x, t_x, T = _mp(x, t_x, T)
    if t_x == T:
        return mp.mpf("-inf")
    k, power = r + s + x, s + 1 if al >= be else r + x
    first, other = max(al, be), min(al, be)

    def term(y):
        return mp.hyp2f1(k, power, k + 1, (first - other) / (first + y)) / (first + y) ** k

    A0 = term(t_x) - term(T)
    return mp.log(s / k * A0) + (r + x) * mp.log(al + T) + s * mp.log(be + T)


@_digits(30)
def log_odds_gone_by_integral(params, x, t_x, T):
    """The same as an integral over the time of leaving."""
    r, al, s, be = _mp(*params)
    x, t_x, T = _mp(x, t_x, T)
    q = r + x

    def left_at(u):
        return mp.exp(-q * mp.log1p(u / (al + t_x)) - (s + 1) * mp.log1p(u / (be + t_x)))

    scale = 1 / (q / (al + t_x) + (s + 1) / (be + t_x))
    cuts = [mp.mpf(0), *(c for j in range(-2, 60) if (c := scale * mp.mpf(2) ** j) < T - t_x), T - t_x]
    integral = mp.quad(left_at, cuts, method="gauss-legendre")
    still = q * mp.log1p((T - t_x) / (al + t_x)) + s * mp.log1p((T - t_x) / (be + t_x))
    return mp.log(s / (be + t_x) * integral) + still


@_digits(80)
def log_likelihood(params, x, t_x, T):
    r, al, s, be = _mp(*params)
    odds = mp.exp(log_odds_gone(params, x, t_x, T))
    x, T = _mp(x, T)
    stays = mp.loggamma(r + x) - mp.loggamma(r) + r * mp.log(al) - (r + x) * mp.log(al + T)
    return stays + s * mp.log(be / (be + T)) + mp.log1p(odds)


@_digits(80)
def alive(params, x, t_x, T):
    return 1 / (1 + mp.exp(log_odds_gone(params, x, t_x, T)))


@_digits(80)
def alive_after(params, t, x, t_x, T):
    _, _, s, be = _mp(*params)
    t, T_ = _mp(t, T)
    return alive(params, x, t_x, T) * ((be + T_) / (be + T_ + t)) ** s


@_digits(80)
def expected(params, t, x, t_x, T):
    r, al, s, be = _mp(*params)
    p = alive(params, x, t_x, T)
    t, x, T = _mp(t, x, T)
    span = mp.log1p(t / (be + T))
    stays = span if s == 1 else -mp.expm1((1 - s) * span) / (s - 1)
    return p * (r + x) * (be + T) / (al + T) * stays


@_digits(30)
def pmf(params, n, t, x, t_x, T):
    """P(n purchases in (T, T + t]): who stays, and an integral over the logarithm of the time of leaving."""
    p = alive(params, x, t_x, T)
    if t == 0:
        return mp.mpf(n == 0)
    r, al, s, be = _mp(*params)
    n, t, x, T = _mp(n, t, x, T)
    R, A, B = r + x, al + T, be + T
    ways = mp.loggamma(R + n) - mp.loggamma(R) - mp.loggamma(n + 1)

    def log_count(u):
        return ways + n * mp.log(u / (A + u)) - R * mp.log1p(u / A)

    def log_density(z):
        u = mp.exp(z)
        return log_count(u) + mp.log(s / B) - (s + 1) * mp.log1p(u / B) + z

    def slope(z):
        u = mp.exp(z)
        return n + 1 - (R + n) * u / (A + u) - (s + 1) * u / (B + u)

    low, peak, end = mp.mpf(-800), mp.log(t), mp.log(t)
    for _ in range(50 if slope(end) < 0 else 0):
        middle = (low + peak) / 2
        low, peak = (middle, peak) if slope(middle) > 0 else (low, middle)
    bends = ((k * c * mp.exp(peak) / (c + mp.exp(peak)) ** 2) for k, c in ((R + n, A), (s + 1, B)))
    width = min(1 / mp.sqrt(sum(bends)), 1)
    steps = [width * j for j in (0, 3, 8, 20, 50)] + [75]
    cuts = sorted({peak - step for step in steps} | {min(peak + step, end) for step in steps})
    top = log_density(peak)
    leaves = mp.quad(lambda z: mp.exp(log_density(z) - top), cuts, method="gauss-legendre")
    stays = mp.exp(log_count(t) - s * mp.log1p(t / B))
    return p * (stays + mp.exp(top) * leaves) + ((1 - p) if n == 0 else 0)


@_digits(50)
def discounted(params, delta, x, t_x, T):
    """Fader, Hardie & Lee (2005), DERT: Tricomi's function."""
    r, al, s, be = _mp(*params)
    p = alive(params, x, t_x, T)
    x, T, delta = _mp(x, T, delta)
    z = delta * (be + T)
    return p * (r + x) / (al + T) * (be + T) * z ** (s - 1) * mp.hyperu(s, s, z)


@_digits(30)
def discounted_by_integral(params, delta, x, t_x, T, horizon=mp.inf):
    r, al, s, be = _mp(*params)
    p = alive(params, x, t_x, T)
    x, T, delta = _mp(x, T, delta)
    end = 150 / delta if horizon == mp.inf else mp.mpf(horizon)
    cuts = [0, *(c / delta for c in (1, 5, 20, 60) if c / delta < end), end]
    return p * (r + x) / (al + T) * mp.quad(lambda u: (1 + u / (be + T)) ** -s * mp.exp(-delta * u), cuts)
