"""The displays of concentration: Lorenz curve and value tiers."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from sklearn.exceptions import NotFittedError

import crmintel as ci
from crmintel.exceptions import InputError, MissingExtraError
from crmintel.plots.lorenz import LorenzDisplay
from crmintel.plots.tiers import ValueTiersDisplay

MONEY = np.random.default_rng(0).gamma(0.5, 100.0, 500)


def test_the_numbers():
    lorenz = LorenzDisplay.from_money(MONEY)
    assert lorenz.gini == ci.gini(MONEY)
    np.testing.assert_array_equal(lorenz.data["money"], ci.lorenz_curve(MONEY)[1])
    tiers = ci.ValueTiers().fit(MONEY)
    assert ValueTiersDisplay.from_estimator(tiers).data is tiers.table_
    own = ValueTiersDisplay.from_money(MONEY, shares=(0.2, 0.8), labels=("top", "rest")).data
    assert own["money_share"][0] == pytest.approx(ci.top_share(MONEY, 0.2))


def test_the_plots_show_the_numbers():
    pytest.importorskip("matplotlib").use("agg")
    lorenz = LorenzDisplay.from_money(MONEY).plot()
    curve, _ = lorenz.ax_.get_lines()
    np.testing.assert_array_equal(curve.get_ydata(), lorenz.data["money"])
    tiers = ValueTiersDisplay.from_money(MONEY).plot()
    heights = [bar.get_height() for bar in tiers.ax_.patches]
    np.testing.assert_allclose(heights, [*tiers.data["customer_share"], *tiers.data["money_share"]])
    assert [label.get_text() for label in tiers.ax_.get_xticklabels()] == [
        "vip",
        "major",
        "ordinary",
        "small",
    ]
    for display in (lorenz, tiers):
        assert display.plot(ax=display.ax_).figure_ is display.ax_.figure


def test_without_matplotlib(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    for display in (LorenzDisplay.from_money(MONEY), ValueTiersDisplay.from_money(MONEY)):
        with pytest.raises(MissingExtraError, match=r"pip install 'crmintel\[plot\]'"):
            display.plot()


def test_wrong_inputs():
    with pytest.raises(InputError, match="1 of 2 customers are below"):
        LorenzDisplay.from_money([1.0, -1.0])
    with pytest.raises(NotFittedError):
        ValueTiersDisplay.from_estimator(ci.ValueTiers())
