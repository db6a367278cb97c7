"""Points all over the box of parameters and histories that the models promise to be right in."""

from __future__ import annotations

import numpy as np


def log_uniform(rng, low, high):
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


def points(n, seed):
    """r, a, b in [.01, 30], alpha in [.1, 1e4], t in [.01, 4000] and x, t_x, T with T in [1, 4000], x below 1000."""
    rng = np.random.default_rng(seed)
    for _ in range(n):
        params = tuple(log_uniform(rng, *edges) for edges in ((0.01, 30), (0.1, 1e4), (0.01, 30), (0.01, 30)))
        T, t = log_uniform(rng, 1, 4000), log_uniform(rng, 0.01, 4000)
        x = int(rng.choice([0, 1, 2, 5, rng.integers(0, 1000)]))
        yield params, t, (x, T * rng.uniform(0.001, 1) if x else 0.0, T)


def assert_right(value, truth, absolute):
    assert np.isfinite(value)
    assert abs(value - truth) <= max(1e-10 * abs(truth), absolute), (value, truth)
