"""Confidence intervals of rules: against scipy, and how often they hold the truth."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from crmintel import AssociationRules, FrequentItemsets
from crmintel.exceptions import InputError
from crmintel.patterns.intervals import INTERVALS, confidence_interval, lift_interval, odds_ratio_interval


@pytest.mark.parametrize(("k", "m"), [(0, 5), (5, 5), (3, 10), (700, 100_000), (1, 1)])
def test_confidence_is_that_of_clopper_and_pearson(k, m):
    expected = stats.binomtest(k, m).proportion_ci(0.9, method="exact")
    assert confidence_interval(k, m, k, 10**6, level=0.9) == pytest.approx(
        [expected.low, expected.high], rel=1e-9
    )


def test_lift_by_the_delta_method():
    """The variance against numerical derivatives of ln lift in the four cells."""
    cells = np.array([30.5, 20.5, 70.5, 400.5])

    def log_lift(cells):
        both, only_a, only_b, _ = cells
        return np.log(both * cells.sum() / ((both + only_a) * (both + only_b)))

    slope = np.array([(log_lift(cells + step) - log_lift(cells - step)) / 2e-4 for step in 1e-4 * np.eye(4)])
    shares = cells / cells.sum()
    variance = cells.sum() * (shares @ slope**2 - (shares @ slope) ** 2)
    low, high = lift_interval(30, 50, 100, 520)
    assert np.log(high / low) / 2 == pytest.approx(1.959964 * np.sqrt(variance), rel=1e-5)
    assert np.sqrt(low * high) == pytest.approx(np.exp(log_lift(cells)))


def test_odds_ratio_by_gart():
    low, high = odds_ratio_interval(30, 50, 100, 520)
    cells = np.array([30.5, 20.5, 70.5, 400.5])
    assert np.sqrt(low * high) == pytest.approx(30.5 * 400.5 / (20.5 * 70.5))
    assert np.log(high / low) / 2 == pytest.approx(1.959964 * np.sqrt((1 / cells).sum()), rel=1e-6)


@pytest.mark.parametrize(
    ("cells", "n"),
    [((0.1, 0.1, 0.2, 0.6), 200), ((0.05, 0.05, 0.05, 0.85), 300), ((0.02, 0.08, 0.18, 0.72), 500),
     ((0.3, 0.05, 0.1, 0.55), 100)],
)  # fmt: skip
def test_intervals_cover_the_truth(cells, n):
    both, only_a, only_b, neither = cells
    p_a, p_b = both + only_a, both + only_b
    truth = {
        "confidence": both / p_a,
        "lift": both / (p_a * p_b),
        "odds_ratio": both * neither / (only_a * only_b),
    }
    drawn = np.random.default_rng(9).multinomial(n, cells, size=20_000)
    counts = drawn[:, 0], drawn[:, 0] + drawn[:, 1], drawn[:, 0] + drawn[:, 2], n
    for name, interval in INTERVALS.items():
        low, high = interval(*counts).T
        covered = ((low <= truth[name]) & (truth[name] <= high)).mean()
        assert covered >= 0.94, (name, covered)
        assert covered <= (0.995 if name == "confidence" else 0.975), (name, covered)


def test_extreme_counts_have_intervals():
    n_ab, n_a, n_b = np.array([[0, 0, 0], [0, 5, 5], [5, 5, 5], [10, 10, 10]]).T
    for interval in INTERVALS.values():
        found = interval(n_ab, n_a, n_b, 10)
        assert found.shape == (4, 2)
        assert np.isfinite(found).all()
        assert np.all(found[:, 0] <= found[:, 1])


def test_intervals_of_rules():
    rules = AssociationRules(FrequentItemsets(1), min_value=0.1).fit([["a", "b"]] * 9 + [["a"], ["c"]]).rules_
    for name in INTERVALS:
        low, high = rules.interval(name).T
        value = getattr(rules, name)
        finite = np.isfinite(value)
        assert np.all((low <= value)[finite])
        assert np.all((value <= high)[finite])
        wider = rules.interval(name, level=0.99)
        assert np.all(wider[:, 0] <= low)
        assert np.all(wider[:, 1] >= high)
    assert rules[:0].interval("lift").shape == (0, 2)


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"measure": "support"}, "measure must be one of 'confidence', 'lift', 'odds_ratio'"),
        ({"level": 0}, "level must be > 0"),
        ({"level": 1.0}, "level"),
        ({"level": float("nan")}, "level"),
    ],
)
def test_parameters_out_of_bounds(params, message):
    with pytest.raises(InputError, match=message):
        AssociationRules(FrequentItemsets(1)).fit([["a", "b"]]).rules_.interval(**params)
