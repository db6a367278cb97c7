"""Simulated customer bases all over the box of parameters, every fourth with what can be wrong with real ones."""

from __future__ import annotations

import numpy as np

from crmintel import (
    NBD,
    BetaGeoBetaBinomial,
    BetaGeoCNBD,
    BetaGeoNBD,
    GammaGamma,
    ModifiedBetaGeoCNBD,
    ModifiedBetaGeoNBD,
    ParetoNBD,
)
from tests.lifetime.box import log_uniform

SHAPE, TIME = (0.01, 30.0), (0.1, 1e4)
BUYING = {"r": SHAPE, "alpha": TIME}
BOXES = {
    NBD: BUYING,
    BetaGeoNBD: {**BUYING, "a": SHAPE, "b": SHAPE},
    ModifiedBetaGeoNBD: {**BUYING, "a": SHAPE, "b": SHAPE},
    ParetoNBD: {**BUYING, "s": SHAPE, "beta": (0.01, 1e4)},
    BetaGeoBetaBinomial: {"alpha": SHAPE, "beta": SHAPE, "gamma": SHAPE, "delta": SHAPE},
    BetaGeoCNBD: {**BUYING, "a": SHAPE, "b": SHAPE},
    ModifiedBetaGeoCNBD: {**BUYING, "a": SHAPE, "b": SHAPE},
    GammaGamma: {"p": (0.1, 30.0), "q": (0.1, 30.0), "v": (0.01, 1e4)},
}
REGULAR = (BetaGeoCNBD, ModifiedBetaGeoCNBD)
_MOST = 2000.0  # purchases of a heavy buyer


def base(kind, number, n=None):
    """Return the parameters that base ``number`` was drawn with, its rows, and what is odd about it."""
    rng = np.random.default_rng([number, *kind.__name__.encode()])
    truth = {name: log_uniform(rng, *edges) for name, edges in BOXES[kind].items()}
    n = n or (100_000 if number % 250 == 1 else int(log_uniform(rng, 10, 5000)))
    rows = (_spends if kind is GammaGamma else _histories)(kind, truth, n, rng)
    odd = "" if number % 4 else list(ODDITIES)[number // 4 % len(ODDITIES)]
    if odd and kind is not GammaGamma:
        rows = ODDITIES[odd](rows, rng)
        if kind is BetaGeoBetaBinomial:
            rows = np.ceil(rows)
            rows[:, 0] = np.minimum(rows[:, 0], rows[:, 1])
    return truth, rows, odd


def settings_of(kind):
    """What `from_params` and the constructor need besides."""
    return {"k": 3} if kind in REGULAR else {}


def _histories(kind, truth, n, rng):
    if kind is BetaGeoBetaBinomial:
        T = rng.integers(1, 61, n)
    else:
        fastest = (truth["r"] + 5.0 * np.sqrt(truth["r"]) + 5.0) / truth["alpha"]
        T = min(log_uniform(rng, 10, 4000), _MOST / fastest) * rng.uniform(0.05, 1.0, n)
    return np.asarray(kind.from_params(**truth, **settings_of(kind)).sample(n, T, random_state=rng))[:, :3]


def _spends(kind, truth, n, rng):
    x = rng.geometric(0.3, n).astype(float)
    rate = np.maximum(rng.gamma(truth["q"], 1.0 / truth["v"], n), 1e-90)
    return np.column_stack([x, np.maximum(rng.gamma(truth["p"] * x) / (x * rate), 1e-90)])


def nobody_comes_back(rows, rng):
    return rows * [0.0, 0.0, 1.0]


def all_seen_on_the_last_day(rows, rng):
    return np.where([False, True, False] & (rows[:, :1] > 0), rows[:, 2:], rows)


def all_of_one_age(rows, rng):
    return np.column_stack([rows[:, :2], np.full(len(rows), rows[:, 2].max())])


def whole_days(rows, rng):
    return np.ceil(rows)


def one_heavy_buyer(rows, rng):
    return np.vstack([[20_000.0, rows[-1, 2], rows[-1, 2]], rows[1:]])


def two_customers(rows, rng):
    return rows[:2]


def all_alike(rows, rng):
    return np.repeat(rows[rows[:, 0].argmax()][None], len(rows), axis=0)


def nobody_stays(rows, rng):
    """One purchase more, or none, soon after the first."""
    return np.column_stack([np.minimum(rows[:, 0], 1.0), rows[:, 1] / 20.0, rows[:, 2]])


def nobody_leaves(rows, rng):
    """Last purchases later than at random."""
    x, _, T = rows.T
    return np.column_stack([x, np.where(x > 0, T * rng.random(x.size) ** (0.2 / np.maximum(x, 1.0)), 0.0), T])


def half_never_come_back(rows, rng):
    return rows * np.where(rng.random((len(rows), 1)) < 0.5, [0.0, 0.0, 1.0], 1.0)


ODDITIES = {
    f.__name__: f
    for f in (
        nobody_comes_back,
        all_seen_on_the_last_day,
        all_of_one_age,
        whole_days,
        one_heavy_buyer,
        two_customers,
        all_alike,
        nobody_stays,
        nobody_leaves,
        half_never_come_back,
    )
}
