"""Holdout errors and the naive forecast."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import spearmanr

from crmintel.exceptions import InputError
from crmintel.lifetime.diagnostics import holdout_errors, past_rate


def test_errors_by_definition():
    rng = np.random.default_rng(0)
    actual = rng.poisson(2, 200).astype(float)
    expected = actual * 0.7 + rng.random(200)
    errors = holdout_errors(expected, actual)
    assert errors["n"] == 200
    assert errors["mae"] == pytest.approx(np.mean(np.abs(expected - actual)))
    assert errors["rmse"] == pytest.approx(np.sqrt(np.mean((expected - actual) ** 2)))
    assert errors["bias"] == pytest.approx(expected.mean() - actual.mean())
    assert errors["total_ratio"] == pytest.approx(expected.sum() / actual.sum())
    assert errors["spearman"] == pytest.approx(spearmanr(expected, actual).statistic)
    top = np.argsort(-expected)[:20]
    assert errors["top_decile_capture"] == pytest.approx(actual[top].sum() / actual.sum())


def test_ties_do_not_depend_on_the_order():
    expected, actual = np.array([1.0] * 10), np.arange(10.0)
    assert holdout_errors(expected, actual)["top_decile_capture"] == pytest.approx(0.1)
    assert np.isnan(holdout_errors(expected, actual)["spearman"])
    assert np.isnan(holdout_errors([1.0], [0.0])["total_ratio"])


def test_the_past_rate():
    assert past_rate([[2, 5, 10], [0, 0, 0]], 5).tolist() == [1.0, 0.0]


def test_wrong_lengths():
    with pytest.raises(InputError, match="actual has 1 values, expected 2"):
        holdout_errors([1, 2], [1])
