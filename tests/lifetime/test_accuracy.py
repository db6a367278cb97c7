"""BG/NBD answers against 40-digit arithmetic over a wide box, and at the points where formulas break."""

from __future__ import annotations

import numpy as np
import pytest

from crmintel import BetaGeoNBD
from tests.lifetime.box import assert_right, points
from tests.oracles import btyd

NAMES = ("r", "alpha", "a", "b")
CDNOW = (0.243, 4.414, 0.793, 2.426)


def model_of(params):
    return BetaGeoNBD.from_params(**dict(zip(NAMES, params, strict=True)))


def check_box(n, seed):
    for params, t, history in points(n, seed):
        model, row = model_of(params), [list(history)]
        assert_right(model.log_likelihood(row)[0], float(btyd.bgnbd_log_likelihood(params, *history)), 1e-12)
        assert_right(model.probability_alive(row)[0], float(btyd.bgnbd_alive(params, *history)), 1e-290)
        assert_right(
            model.expected_purchases(row, t)[0], float(btyd.bgnbd_expected(params, t, *history)), 1e-290
        )
        assert_right(
            model.probability_alive(row, after=t)[0],
            float(btyd.bgnbd_alive_after(params, t, *history)),
            1e-14,
        )
        count = max(round(float(model.expected_purchases(row, t)[0])), 1)
        pmf = model.purchase_count_pmf(row, t, [0, count])[0]
        for n_purchases, value in zip((0, count), pmf, strict=True):
            assert_right(value, float(btyd.bgnbd_pmf(params, n_purchases, t, *history)), 1e-14)


def test_the_box():
    check_box(150, seed=11)


@pytest.mark.slow
def test_the_box_at_length():
    check_box(10_000, seed=12)


@pytest.mark.parametrize(
    ("params", "t", "history", "expected"),
    [
        ((0.5, 6, 1, 2), 39, (2, 30.43, 38.86), 1.09205154155),  # a = 1
        ((0.11, 2.24, 0.31, 0.5), 30, (0, 0, 1), 0.564588615533),  # a + b < 1
        (CDNOW, 365, (2000, 729, 730), 836.732961424),
    ],
)
def test_expectations_where_the_published_formula_breaks(params, t, history, expected):
    assert model_of(params).expected_purchases([history], t)[0] == pytest.approx(expected, rel=1e-11)


@pytest.mark.parametrize("a", [1 - 1e-9, 1 + 1e-9, 1e-6, 300.0, 1e4])
def test_expectations_at_extreme_a(a):
    params, history = (0.243, 4.414, a, 2.426), (2, 30.43, 38.86)
    truth = float(btyd.bgnbd_expected(params, 39, *history))
    assert model_of(params).expected_purchases([history], 39)[0] == pytest.approx(truth, rel=1e-11)


def test_expectations_are_linear_at_short_horizons():
    model = model_of(CDNOW)
    rows = [(2, 30.43, 38.86)]
    short, shorter = model.expected_purchases(rows, 1e-6)[0], model.expected_purchases(rows, 1e-9)[0]
    assert short / shorter == pytest.approx(1000, rel=1e-6)


def test_the_pmf_far_out_and_over_short_times():
    model = model_of(CDNOW)
    assert model.purchase_count_pmf(None, 2000, 171) == pytest.approx(5.62887622877e-05, rel=1e-11)
    assert model.purchase_count_pmf(None, 39, 0) == pytest.approx(0.5737864, abs=5e-8)
    truth = float(btyd.bgnbd_pmf(CDNOW, 10, 0.5, 0, 0, 0))
    assert model.purchase_count_pmf(None, 0.5, 10) == pytest.approx(truth, rel=1e-10)
    assert model.purchase_count_pmf(None, 0, [0, 1]).tolist() == [1.0, 0.0]
    truth = float(btyd.bgnbd_pmf(CDNOW, 5000, 20000, 20000, 19999, 20000))
    assert model.purchase_count_pmf([(20000, 19999, 20000)], 20000, 5000)[0] == pytest.approx(truth, rel=1e-8)


def test_no_purchase_of_a_one_time_buyer():
    assert model_of(CDNOW).probability_no_purchase([(0, 0, 38.86)], 30)[0] == pytest.approx(0.8799, abs=5e-5)


@pytest.mark.parametrize("history", [(0, 0, 0), (0, 0, 38.86), (2, 30.43, 38.86), (26, 30.857, 31)])
def test_discounted_transactions(history):
    model, delta = model_of(CDNOW), np.log1p(0.1) / 52.18
    endless = model.discounted_expected_transactions([history], rate=delta)[0]
    assert endless == pytest.approx(float(btyd.bgnbd_discounted(CDNOW, delta, *history)), rel=1e-9)
    year = model.discounted_expected_transactions([history], rate=delta, horizon=52)[0]
    assert year == pytest.approx(float(btyd.bgnbd_discounted(CDNOW, delta, *history, 52)), rel=1e-10)


def test_discounting_nothing_is_the_expectation():
    model, rows = model_of(CDNOW), [(2, 30.43, 38.86)]
    assert model.discounted_expected_transactions(rows, 0.0, 39) == model.expected_purchases(rows, 39)


@pytest.mark.parametrize("params", [CDNOW, (2.0, 30.0, 3.0, 1.5)])
def test_the_two_oracles_agree(params):
    history = (2, 30.43, 38.86)
    closed = btyd.bgnbd_expected(params, 39, *history)
    assert float(btyd.bgnbd_expected_by_integral(params, 39, *history) / closed) == pytest.approx(
        1, rel=1e-12
    )
