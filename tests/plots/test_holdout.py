"""The calibration-holdout display."""

from __future__ import annotations

import sys

import numpy as np
import pytest

import crmintel as ci
from crmintel.exceptions import InputError, MissingExtraError
from crmintel.plots.holdout import CalibrationHoldoutDisplay

FREQUENCY = [0, 0, 1, 2, 7, 12]
ACTUAL = [0, 1, 1, 2, 5, 7]
EXPECTED = [0.2, 0.4, 1.5, 2.0, 5.5, 6.5]


def make(**params):
    return CalibrationHoldoutDisplay.from_predictions(FREQUENCY, actual=ACTUAL, expected=EXPECTED, **params)


def test_the_numbers():
    data = make().data
    assert data["frequency"].tolist() == [0, 1, 2, 7]
    assert data["customers"].tolist() == [2, 1, 1, 2]
    assert data["actual"].tolist() == [0.5, 1.0, 2.0, 6.0]
    assert data["expected"] == pytest.approx([0.3, 1.5, 2.0, 6.0])
    assert data["standard_error"] == pytest.approx([0.5, np.nan, np.nan, 1.0], nan_ok=True)
    assert make(max_frequency=1).data["frequency"].tolist() == [0, 1]


def test_the_plot_shows_the_numbers():
    pytest.importorskip("matplotlib").use("agg")
    display = make().plot()
    actual, expected = (line for line in display.ax_.get_lines() if line.get_linestyle() != "None")
    assert np.array_equal(actual.get_ydata(), display.data["actual"])
    assert np.array_equal(expected.get_ydata(), display.data["expected"])
    assert make().plot(ax=display.ax_).figure_ is display.figure_


def test_without_matplotlib(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'crmintel\[plot\]'"):
        make().plot()


def test_wrong_inputs():
    with pytest.raises(InputError, match="actual has 1 values"):
        CalibrationHoldoutDisplay.from_predictions([0, 1], actual=[1], expected=[1, 2])
    with pytest.raises(InputError, match="max_frequency"):
        make(max_frequency=0)


def test_several_models():
    several = CalibrationHoldoutDisplay.from_predictions(
        FREQUENCY, actual=ACTUAL, expected={"bg": EXPECTED, "naive": FREQUENCY}
    )
    assert list(several.data) == ["frequency", "customers", "actual", "standard_error", "bg", "naive"]
    assert several.data["naive"].tolist() == [0.0, 1.0, 2.0, 9.5]
    with pytest.raises(InputError, match="cannot be called 'actual'"):
        CalibrationHoldoutDisplay.from_predictions(FREQUENCY, actual=ACTUAL, expected={"actual": EXPECTED})


def test_the_table_of_the_paper():
    """Figure 3 of Fader, Hardie & Lee (2005), as the BTYD package prints it."""
    orders = ci.datasets.load_cdnow()
    log = ci.TransactionLog.from_frame(orders, customer="customer_id", time="date", amount="amount")
    past, future = log.split("1997-09-30")
    rows = ci.CustomerSummary(unit="week").fit_transform(past)
    models = {"bg": ci.BetaGeoNBD(horizon=39).fit(rows), "pareto": ci.ParetoNBD(horizon=39).fit(rows)}
    data = CalibrationHoldoutDisplay.from_predictions(
        rows[:, 0],
        actual=future.purchases(),
        expected={name: model.predict(rows) for name, model in models.items()},
    ).data
    assert data["customers"].tolist() == [1411, 439, 214, 100, 62, 38, 29, 64]
    printed = {
        "actual": [0.2367, 0.6970, 1.3925, 1.5600, 2.5323, 2.9474, 3.8621, 6.3594],
        "bg": [0.2251, 0.5231, 1.0441, 1.5203, 2.1638, 2.6538, 3.5040, 6.1570],
        "pareto": [0.138, 0.600, 1.196, 1.714, 2.399, 2.907, 3.819, 6.403],
    }
    for name, values in printed.items():
        assert data[name] == pytest.approx(values, abs=1e-3), name
