"""Answers for many customers at once equal those for each alone, to the accuracy of both."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crmintel import BetaGeoNBD, ModifiedBetaGeoNBD, ParetoNBD
from crmintel.lifetime._smooth import SmoothByCount
from tests.lifetime.box import log_uniform

COUNTS = np.repeat([0.0, 1.0, 2.0, 7.0, 300.0, 999.0], 400)


def a_base(seed):
    rng = np.random.default_rng(seed)
    T = np.exp(rng.uniform(0, np.log(4000), COUNTS.size))
    return np.column_stack([COUNTS, np.where(COUNTS > 0, T * rng.uniform(0.001, 1, T.size), 0.0), T])


@pytest.mark.parametrize("model", [BetaGeoNBD, ModifiedBetaGeoNBD, ParetoNBD])
@pytest.mark.parametrize("seed", range(8))
def test_a_customer_among_many_is_a_customer_alone(model, seed):
    rng = np.random.default_rng(seed)
    edges = {"alpha": (0.1, 1e4), "beta": (0.1, 1e4)}
    params = {name: log_uniform(rng, *edges.get(name, (0.01, 30))) for name in model._parameters}
    known, rows, t = model.from_params(**params), a_base(seed), log_uniform(rng, 0.01, 4000)
    some = rng.integers(0, len(rows), 25)
    for answer in (
        lambda X: known.probability_alive(X),
        lambda X: known.expected_purchases(X, t),
        lambda X: known.probability_alive(X, after=t),
    ):
        alone = [answer(rows[[i]])[0] for i in some]
        assert answer(rows)[some] == pytest.approx(alone, rel=1e-10, abs=1e-290)


@given(st.floats(-3, 3), st.floats(0.01, 6), st.floats(0.05, 3))
@settings(max_examples=40, deadline=None)
def test_pieces_are_exact_or_not_used(low, width, scale):
    calls = []

    def bump(x, v):
        calls.append(v.size)
        return 1.0 / (1.0 + (v / scale) ** 2) + x

    x = np.repeat([0.0, 3.0, 4.0], [2000, 2000, 5])
    v = np.random.default_rng(0).uniform(low, low + width, x.size)
    smooth = SmoothByCount(bump, x, float(v.min()), float(v.max()))
    assert smooth(x, v) == pytest.approx(1.0 / (1.0 + (v / scale) ** 2) + x, rel=1e-11)
    assert calls[-1] >= 5  # the rare count is asked for itself


def test_a_kink_is_left_to_the_function():
    x, v = np.zeros(5000), np.linspace(-1, 1, 5000)
    smooth = SmoothByCount(lambda x, v: 1.0 + np.abs(v), x, -1.0, 1.0)
    assert smooth(x, v) == pytest.approx(1.0 + np.abs(v), rel=1e-14)


def test_one_v_for_all():
    x = np.zeros(100)
    assert SmoothByCount(lambda x, v: v, x, 2.0, 2.0)(x, np.full(100, 2.0)) == pytest.approx(
        np.full(100, 2.0)
    )
