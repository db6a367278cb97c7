"""Simulated baskets: sizes as asked, patterns that are found again, the same for a seed."""

from __future__ import annotations

import numpy as np
import pytest

from crmintel import FrequentItemsets
from crmintel.datasets import make_baskets
from crmintel.exceptions import InputError, InputTypeError


def test_sizes_and_repeatability():
    baskets, truth = make_baskets(20_000, random_state=1)
    again, _ = make_baskets(20_000, random_state=np.random.default_rng(1))
    assert baskets.shape == (20_000, 1000)
    assert np.array_equal(baskets.indices, again.indices)
    assert not np.array_equal(baskets.indices, make_baskets(20_000, random_state=2)[0].indices)
    assert np.diff(baskets.indptr).mean() == pytest.approx(10.0, abs=1.0)
    assert np.mean([pattern.size for pattern in truth.patterns]) == pytest.approx(4.0, abs=0.2)
    assert truth.weights.sum() == pytest.approx(1.0)


def test_the_heaviest_patterns_are_found_again():
    baskets, truth = make_baskets(20_000, 500, n_patterns=50, corruption=0.1, random_state=0)
    found = {frozenset(itemset.items) for itemset in FrequentItemsets(0.01).fit(baskets).itemsets_}
    clean = np.flatnonzero((truth.weights > 0.03) & (truth.corruption < 0.2))
    assert clean.size >= 3
    assert all(frozenset(truth.patterns[k].tolist()) in found for k in clean)


def test_correlated_patterns_share_items():
    def shared(correlation):
        _, truth = make_baskets(
            1, 2000, mean_pattern=8, n_patterns=300, correlation=correlation, random_state=0
        )
        pairs = zip(truth.patterns[:-1], truth.patterns[1:], strict=True)
        return np.mean([np.isin(late, early).mean() for early, late in pairs])

    assert shared(0.0) < 0.05 < 0.4 < shared(0.9)


def test_extremes():
    assert len(make_baskets(1, 1, n_patterns=1, random_state=0)[0]) == 1
    corrupt, _ = make_baskets(200, 5, corruption=1.0, random_state=0)
    assert np.diff(corrupt.indptr).min() >= 1


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"n_baskets": 0}, "n_baskets"),
        ({"n_items": 1.5}, "n_items"),
        ({"n_patterns": -1}, "n_patterns"),
        ({"mean_size": 0}, "mean_size"),
        ({"mean_pattern": float("nan")}, "mean_pattern"),
        ({"correlation": 2}, "correlation"),
        ({"corruption": "half"}, "corruption"),
        ({"random_state": True}, "random_state"),
    ],
)
def test_parameters_out_of_bounds(params, message):
    with pytest.raises((InputError, InputTypeError), match=message):
        make_baskets(**params)


def test_the_truth_shows_itself_in_a_line():
    assert repr(make_baskets(100, 50, n_patterns=20, random_state=0)[1]) == "BasketTruth(20 patterns)"
