"""Displays of models that tell customers apart: by covariates, or by the season."""

from __future__ import annotations

import numpy as np
import pytest

import crmintel as ci
from crmintel.exceptions import InputError
from crmintel.plots import (
    AliveHistoryDisplay,
    FrequencyRecencyDisplay,
    HeterogeneityDisplay,
    PurchaseCountDisplay,
)

BG = {"r": 0.2426, "alpha": 4.4136, "a": 0.7929, "b": 2.4259}


def test_displays_of_models_with_covariates(cdnow, rows, agg):
    group = np.random.default_rng(0).integers(0, 2, len(cdnow))
    log = cdnow.with_customers({"id": cdnow.customers, "group": group}, customer="id")
    X = ci.CustomerSummary(unit="week", extra=["group"]).fit_transform(log.until("1997-09-30"))
    model = ci.BetaGeoNBD.from_params(unit="week", purchase_coefficients={"group": 0.5}, **BG)
    fast = ci.BetaGeoNBD.from_params(unit="week", **{**BG, "alpha": BG["alpha"] * np.exp(-0.5)})
    slow = ci.BetaGeoNBD.from_params(unit="week", **BG)
    both = PurchaseCountDisplay.from_estimator({"kinds": model, "plain": slow}, X).data
    parts = [
        PurchaseCountDisplay.from_estimator(each, rows[group == g]).data["BetaGeoNBD"]
        for g, each in enumerate((slow, fast))
    ]
    assert both["kinds"] == pytest.approx(sum(parts))
    assert both["plain"] == pytest.approx(PurchaseCountDisplay.from_estimator(slow, rows).data["BetaGeoNBD"])
    matrix = FrequencyRecencyDisplay.from_estimator(model, X, horizon=39, T=39).data["value"]
    mean = ci.BetaGeoNBD.from_params(
        unit="week", **{**BG, "alpha": BG["alpha"] * np.exp(-0.5 * group.mean())}
    )
    assert matrix[3, 30] == pytest.approx(mean.expected_purchases([[3, 30, 39]], 39)[0])
    with pytest.raises(InputError, match=r"means of \['group'\]"):
        FrequencyRecencyDisplay.from_estimator(model, T=39, max_frequency=3)
    story = AliveHistoryDisplay.from_estimator(model, log, 4).data
    assert story["p_alive"][-1] == pytest.approx(
        (fast if group[log.customers == 4] else slow).probability_alive(
            ci.CustomerSummary(unit="week").fit_transform(log[log.customers == 4])
        )[0]
    )
    assert HeterogeneityDisplay.from_estimator(model).label == "purchases per week, covariates 0"


def test_displays_of_a_seasonal_model(cdnow, agg):
    season = ci.SeasonalProfile([0.7, 0.7, 0.8, 1, 1, 1, 0.9, 0.9, 1, 1, 1.5, 2.0])
    X = ci.CustomerSummary(unit="week", extra=["as_of"]).fit_transform(cdnow.until("1997-09-30"))
    model = ci.SeasonalModel(ci.BetaGeoNBD(), season, horizon=13).fit(X)
    counts = PurchaseCountDisplay.from_estimator(model, X).data
    assert counts["SeasonalModel"].sum() == pytest.approx(2357)
    assert counts["SeasonalModel"][0] == pytest.approx(1411, rel=0.02)
    matrix = FrequencyRecencyDisplay.from_estimator(model, X).data
    history = {"frequency": [3], "recency": [30.0], "T": [matrix["recency"][-1]], "as_of": [model.end_]}
    place = np.searchsorted(matrix["recency"], 30.0)
    history["recency"] = [matrix["recency"][place]]
    assert matrix["value"][3, place] == pytest.approx(model.predict(history)[0])
    story = AliveHistoryDisplay.from_estimator(model, cdnow, 4).data
    last = ci.CustomerSummary(unit="week", extra=["as_of"]).fit_transform(cdnow[cdnow.customers == 4])
    assert story["p_alive"][-1] == pytest.approx(model.probability_alive(last)[0])
    inner = HeterogeneityDisplay.from_estimator(model).data
    assert inner["mean"].item() == pytest.approx(model.model_.r_ / model.model_.alpha_)
