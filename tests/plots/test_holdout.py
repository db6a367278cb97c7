"""The calibration-holdout display."""

from __future__ import annotations

import sys

import numpy as np
import pytest

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
    assert make(max_frequency=1).data["frequency"].tolist() == [0, 1]


def test_the_plot_shows_the_numbers():
    pytest.importorskip("matplotlib").use("agg")
    display = make().plot()
    actual, expected = display.ax_.get_lines()
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
