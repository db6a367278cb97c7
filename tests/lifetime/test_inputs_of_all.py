"""Every model of purchases refuses what cannot be, takes what may look odd, and contains its smaller relatives."""

from __future__ import annotations

import numpy as np
import pytest

from crmintel import (
    NBD,
    BetaGeoBetaBinomial,
    BetaGeoCNBD,
    BetaGeoNBD,
    ModifiedBetaGeoCNBD,
    ModifiedBetaGeoNBD,
    ParetoNBD,
)
from crmintel.exceptions import InputError, InputTypeError, UnitError
from crmintel.features.rows import CustomerRows

FEW = {"r": 0.5, "alpha": 6.0}
READY = [
    NBD.from_params(**FEW),
    BetaGeoNBD.from_params(**FEW, a=0.8, b=2.5),
    ModifiedBetaGeoNBD.from_params(**FEW, a=0.8, b=2.5),
    ParetoNBD.from_params(**FEW, s=0.6, beta=11.0),
    BetaGeoBetaBinomial.from_params(alpha=1.2, beta=0.75, gamma=0.66, delta=2.8),
    BetaGeoCNBD.from_params(**FEW, a=0.8, b=2.5, k=2),
    ModifiedBetaGeoCNBD.from_params(**FEW, a=0.8, b=2.5, k=2),
]
NAMES = [type(model).__name__ for model in READY]
GOOD = np.array([[0, 0, 10.0], [2, 5, 10], [1, 3, 8], [4, 9, 10], [0, 0, 3], [3, 3, 9]])


@pytest.mark.parametrize("model", READY, ids=NAMES)
@pytest.mark.parametrize(
    ("row", "column", "value", "message"),
    [
        (1, 1, 11, "recency must not exceed T"),
        (1, 1, 0, "recency must be > 0 where frequency > 0"),
        (0, 1, 2, "recency must be 0 where frequency is 0"),
        (0, 2, -1, "T must be >= 0"),
        (3, 0, 1.5, "frequency must hold whole numbers"),
        (3, 0, -1, "frequency must be >= 0"),
        (3, 0, 1e18, "frequency must be <= 1,000,000"),
        (2, 1, np.nan, "recency must be finite"),
        (2, 2, np.inf, "T must be finite"),
        (2, 2, 1e300, r"T must be <= 1e\+100"),
        (2, 0, -np.inf, "frequency must be finite"),
    ],
)
def test_impossible_rows(model, row, column, value, message):
    bad = GOOD.copy()
    bad[row, column] = value
    for call in (type(model)().fit, model.predict, model.predict_total, model.log_likelihood):
        with pytest.raises(InputError, match=message):
            call(bad)


@pytest.mark.parametrize("model", READY, ids=NAMES)
def test_impossible_horizons_and_units(model):
    for horizon in (0, -1, np.nan, np.inf):
        with pytest.raises(InputError, match="horizon"):
            model.__class__(horizon=horizon).fit(GOOD)
    for call in (
        model.expected_purchases,
        model.predict_interval,
        model.predict_total,
        model.expected_lifetime,
    ):
        for horizon in (-1, 1e300, np.array([1.0, 2.0])):
            with pytest.raises((InputError, InputTypeError), match="horizon"):
                call(GOOD, horizon)
    with pytest.raises(InputError, match="a score needs the rows"):
        model.score(None)
    model = model.__class__.from_params(**model.params_, unit="week")
    with pytest.raises(UnitError, match="count time in days, the model was fitted in weeks"):
        model.predict_total(CustomerRows(GOOD, ("frequency", "recency", "T"), "day"))


@pytest.mark.parametrize("model", READY, ids=NAMES)
def test_intervals_of_equal_histories(model):
    """Equal rows are asked for once, in any order."""
    order = np.random.default_rng(0).integers(len(GOOD), size=200)
    together = model.predict_interval(GOOD[order], 7, 0.95)
    one_by_one = np.concatenate([model.predict_interval(row[None], 7, 0.95) for row in GOOD])
    assert np.array_equal(together, one_by_one[order])
    below = model.purchase_count_pmf(GOOD, 7, np.arange(400)).cumsum(axis=1)  # the definition
    ends = [(below < tail - 1e-12).sum(axis=1) for tail in (0.025, 0.975)]
    assert np.array_equal(one_by_one, np.column_stack(ends))


@pytest.mark.parametrize("model", READY, ids=NAMES)
def test_a_customer_seen_for_no_time_is_legal(model):
    row = [[0, 0, 0.0]]
    assert model.log_likelihood(row).tolist() == [0.0]
    assert model.expected_purchases(row, 5) == pytest.approx([model.expected_purchases(None, 5)])
    assert model.predict_total(row, 5).expected == pytest.approx(model.expected_purchases(None, 5))
    if not type(model).__name__.startswith("Modified"):  # who may leave right after the first purchase
        assert model.probability_alive(row).tolist() == [1.0]


@pytest.mark.parametrize("larger", [BetaGeoNBD, ModifiedBetaGeoNBD, ParetoNBD])
def test_with_hardly_any_dropout_a_model_is_the_nbd(larger):
    few = {"a": 1e-9, "b": 1e3} if larger is not ParetoNBD else {"s": 1e-9, "beta": 1e3}
    model, small = larger.from_params(**FEW, **few), READY[0]
    assert model.log_likelihood(GOOD) == pytest.approx(small.log_likelihood(GOOD), abs=1e-7)
    assert model.expected_purchases(GOOD, 7) == pytest.approx(small.expected_purchases(GOOD, 7), rel=1e-7)
    assert model.purchase_count_pmf(GOOD, 7, 2) == pytest.approx(
        small.purchase_count_pmf(GOOD, 7, 2), rel=1e-7
    )


@pytest.mark.parametrize(
    ("larger", "smaller"), [(BetaGeoCNBD, BetaGeoNBD), (ModifiedBetaGeoCNBD, ModifiedBetaGeoNBD)]
)
def test_one_stage_is_no_regularity(larger, smaller):
    params = {**FEW, "a": 0.8, "b": 2.5}
    model, small = larger.from_params(**params, k=1), smaller.from_params(**params)
    for answer in ("log_likelihood", "probability_alive", "expected_purchases", "probability_no_purchase"):
        assert getattr(model, answer)(GOOD) == pytest.approx(getattr(small, answer)(GOOD), rel=1e-9)
    assert model.predict_total(GOOD, 7).process_std == pytest.approx(
        small.predict_total(GOOD, 7).process_std, rel=1e-8
    )
