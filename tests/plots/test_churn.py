"""Displays of churn: the numbers, and that the pictures show them."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

import crmintel as ci
from crmintel.exceptions import InputError, InputTypeError
from crmintel.plots import (
    ChurnCalibrationDisplay,
    GainDisplay,
    ProfitCurveDisplay,
    ReasonsDisplay,
    SurvivalDisplay,
)

RNG = np.random.default_rng(0)
CHANCE = RNG.random(400)
LEFT = (RNG.random(400) < CHANCE).astype(int)


def test_calibration(agg):
    display = ChurnCalibrationDisplay.from_predictions(LEFT, CHANCE, n_groups=4).plot()
    order = np.argsort(CHANCE)
    groups = np.split(order, 4)
    assert display.data["foretold"] == pytest.approx([CHANCE[each].mean() for each in groups])
    assert display.data["left"] == pytest.approx([LEFT[each].mean() for each in groups])
    gaps = np.abs(display.data["foretold"] - display.data["left"])
    assert display.error == pytest.approx(gaps.mean())
    assert np.array_equal(display.ax_.get_lines()[0].get_ydata(), display.data["left"])
    assert (display.data["left_low"] < display.data["left"]).all()
    uneven = ChurnCalibrationDisplay.from_predictions(LEFT[:10], CHANCE[:10], n_groups=3).data
    assert (uneven["customers"] @ uneven["foretold"]) == pytest.approx(CHANCE[:10].sum())
    with pytest.raises(InputError, match="no churner"):
        ChurnCalibrationDisplay.from_predictions([0, 0], [0.1, 0.2], n_groups=1)


def test_gain(agg):
    display = GainDisplay.from_predictions(LEFT, CHANCE, n_groups=5)
    table = ci.gain_table(LEFT, CHANCE, n_groups=5)
    assert np.array_equal(display.data["lift"], table.lift)
    bars = display.plot().ax_.patches
    assert [bar.get_height() for bar in bars] == table.lift.tolist()
    line = display.plot(cumulative=True).ax_.get_lines()[0]
    assert line.get_ydata() == pytest.approx([0, *table.gain])


def test_profit(agg):
    curves = {
        name: ci.profit_curve(LEFT, score) for name, score in (("model", CHANCE), ("luck", RNG.random(400)))
    }
    display = ProfitCurveDisplay.from_curves(curves).plot()
    lines = display.ax_.get_lines()
    assert np.array_equal(lines[0].get_ydata(), curves["model"].profit)
    assert lines[1].get_xdata() == [curves["model"].best_share]
    assert list(ProfitCurveDisplay.from_curves(curves["luck"]).data) == ["profit"]
    with pytest.raises(InputTypeError, match="profit_curve"):
        ProfitCurveDisplay.from_curves({"model": CHANCE})


def test_survival(agg):
    duration = RNG.integers(1, 9, 60)
    curves = ci.survival_by_segment(duration, duration < 6, np.arange(60) % 2)
    display = SurvivalDisplay.from_curves(curves).plot()
    assert list(display.data) == ["0", "1"]
    line = display.ax_.get_lines()[0]
    assert line.get_ydata() == pytest.approx([1.0, *curves[0].survival])
    assert line.get_drawstyle() == "steps-post"
    assert list(SurvivalDisplay.from_curves(curves[1]).data) == ["customers"]
    with pytest.raises(InputTypeError, match="survival_by_segment"):
        SurvivalDisplay.from_curves([curves[0]])


def test_reasons(agg):
    X = RNG.normal(size=(200, 4))
    model = LogisticRegression().fit(X, X @ [3, 2, 1, 0.5] > 0)
    reasons = ci.churn_reasons(model, X[:3], X)
    display = ReasonsDisplay.from_reasons(reasons, 2, n=2).plot()
    adds = reasons.contributions[2]
    order = np.argsort(-np.abs(adds))
    assert display.data["adds"] == pytest.approx([*adds[order[:2]], adds[order[2:]].sum()])
    ends = display.data["begin"] + display.data["adds"]
    assert display.data["begin"] == pytest.approx([reasons.base, *ends[:-1]])
    assert ends[-1] == pytest.approx(model.decision_function(X[2:3])[0])
    assert [bar.get_width() for bar in display.ax_.patches] == display.data["adds"].tolist()
    assert display.data["name"][-1] == "2 others"
    assert len(ReasonsDisplay.from_reasons(reasons, 0).data["name"]) == 4
    with pytest.raises(InputError, match="row"):
        ReasonsDisplay.from_reasons(reasons, 3)
    with pytest.raises(InputTypeError, match="churn_reasons"):
        ReasonsDisplay.from_reasons(adds, 0)
