"""The displays of the lifetime models: their numbers beside direct computations and printed tables."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.special import beta as beta_function
from scipy.special import gamma as gamma_function

import crmintel as ci
from crmintel.exceptions import InputError, InputTypeError, MissingExtraError, UnitError
from crmintel.plots import (
    AliveHistoryDisplay,
    FrequencyRecencyDisplay,
    HeterogeneityDisplay,
    IsoValueDisplay,
    PurchaseCountDisplay,
    TrackingDisplay,
)
from tests.oracles import btyd

BG = {"r": 0.2426, "alpha": 4.4136, "a": 0.7929, "b": 2.4259}
PARETO = {"r": 0.5533, "alpha": 10.578, "s": 0.6062, "beta": 11.669}


# -- matrices of frequency and recency ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "params", "printed"),
    [
        (ci.BetaGeoNBD, BG, [0.3475, 0.04283, 0.00416, 0.000358]),
        (ci.ParetoNBD, PARETO, [0.7062, 0.1442, 0.02251, 0.00309]),
    ],
)
def test_the_increasing_frequency_paradox_as_printed(kind, params, printed):
    """Expected purchases in 52 weeks of who bought 10, 15, 20, 25 times until week 20 and then not until week 39."""
    model = kind.from_params(unit="week", **params)
    display = FrequencyRecencyDisplay.from_estimator(model, T=39, max_frequency=25, horizon=52)
    frequency, recency = ([10, 15, 20, 25], 20)
    assert display.data["frequency"][frequency].tolist() == frequency
    assert display.data["recency"][recency] == 20
    assert display.data["value"][frequency, recency] == pytest.approx(printed, rel=2e-3)


def test_a_matrix_holds_every_history_and_no_other(bg, rows):
    display = FrequencyRecencyDisplay.from_estimator(bg, rows, answer="probability_alive")
    frequency, recency, value = (display.data[name] for name in ("frequency", "recency", "value"))
    assert frequency[-1] == rows[:, 0].max()
    assert recency[-1] == rows[:, 2].max()
    assert value.shape == (frequency.size, recency.size)
    assert np.array_equal(np.isnan(value), (frequency[:, None] > 0) != (recency > 0))
    for i, j in ((0, 0), (1, 7), (5, 40), (29, 100)):
        by_hand = btyd.bgnbd_alive(tuple(BG.values()), frequency[i], recency[j], recency[-1])
        assert value[i, j] == pytest.approx(float(by_hand), rel=1e-12)


def test_opportunities_are_whole():
    model = ci.BetaGeoBetaBinomial.from_params(alpha=1.2035, beta=0.7497, gamma=0.6567, delta=2.7834)
    display = FrequencyRecencyDisplay.from_estimator(model, T=6, max_frequency=6, horizon=10)
    value = display.data["value"]
    assert value[4, 5] == pytest.approx(3.627858, rel=1e-4)  # printed
    assert np.isnan(value[4, 3])
    assert np.isfinite(value[3, 3])


def test_the_plot_of_a_matrix(agg, bg):
    display = FrequencyRecencyDisplay.from_estimator(bg, T=39, max_frequency=5, horizon=39).plot()
    (mesh,) = display.ax_.collections
    assert np.ma.allequal(mesh.get_array(), np.ma.masked_invalid(display.data["value"]))
    assert display.ax_.get_xlabel() == "first to last purchase, weeks"
    _, ax = agg.subplots()
    assert display.plot(ax=ax).ax_ is ax


# -- iso-value curves ---------------------------------------------------------------------------------------------


def test_iso_values_are_discounted_purchases(pareto):
    display = IsoValueDisplay.from_estimator(pareto, T=78, max_frequency=14, rate=0.0027)
    x, t_x = 7, 70

    def purchases(t):  # Pareto/NBD: chance to be alive, and what a live customer then buys
        history = [[x, t_x, 78]]
        return pareto.expected_purchases(history, t)[0]

    by_parts, _ = quad(lambda t: 0.0027 * np.exp(-0.0027 * t) * purchases(t), 0, 12_000, limit=400)
    assert display.data["value"][x, t_x] == pytest.approx(by_parts, rel=1e-6)
    # the curves bend back: of two who were last here in week 30, who used to buy oftener is worth less
    assert display.data["value"][14, 30] < display.data["value"][3, 30]
    assert display.data["value"][14, 78] > display.data["value"][3, 78]


def test_without_a_rate_the_horizon_of_the_model_counts(pareto):
    display = IsoValueDisplay.from_estimator(pareto, T=39, max_frequency=25, horizon=52)
    assert display.data["value"][[10, 25], 20] == pytest.approx([0.7062, 0.00309], rel=2e-3)
    assert display.label == "purchases to expect"
    default = IsoValueDisplay.from_estimator(pareto, T=39, max_frequency=25)
    assert default.data["value"][10, 20] == pytest.approx(pareto.predict([[10, 20, 39]])[0])


def test_levels_are_round_and_within(pareto, rows):
    levels = IsoValueDisplay.from_estimator(pareto, rows, horizon=39).data["levels"]
    assert levels.size == 8
    assert {10.0, 5.0, 2.0, 1.0} <= set(levels.tolist())
    given = IsoValueDisplay.from_estimator(pareto, rows, horizon=39, levels=[0.3, 3]).data["levels"]
    assert given.tolist() == [0.3, 3.0]


def test_iso_values_of_money(rows):
    value = ci.LifetimeValue(horizon="1Y", discount_rate=0.15, margin=0.3).fit(rows)
    display = IsoValueDisplay.from_estimator(value, rows, T=39, mean_spend=30.0)
    by_hand = value.predict([[4, 20, 39, 30.0], [0, 0, 39, 0.0]])
    assert display.data["value"][[4, 0], [20, 0]] == pytest.approx(by_hand)
    assert display.label == "value to expect at 30 a purchase"
    average = rows[rows[:, 0] > 0, 3].mean()
    assert IsoValueDisplay.from_estimator(value, rows).label == f"value to expect at {average:.3g} a purchase"


def test_the_plot_of_iso_values(agg, pareto):
    display = IsoValueDisplay.from_estimator(pareto, T=39, max_frequency=10, horizon=52).plot()
    (curves,) = display.ax_.collections
    assert np.array_equal(curves.levels, display.data["levels"])
    for path, level in zip(curves.get_paths(), curves.levels, strict=True):
        assert len(path.vertices) > 0, level


# -- one customer -------------------------------------------------------------------------------------------------


def test_the_story_of_a_customer(cdnow, bg):
    customer = cdnow.customers[np.argmax(cdnow.purchases() >= 5)]
    data = AliveHistoryDisplay.from_estimator(bg, cdnow, customer).data
    lines = cdnow[cdnow.customers == customer].to_frame()
    bought = np.unique(lines["time"].to_numpy().astype("datetime64[D]"))
    assert np.array_equal(data["purchases"], bought)
    assert data["day"][0] == bought[0]
    assert data["day"][-1] == cdnow.end
    for day in (0, 30, data["day"].size - 1):
        before = bought[bought <= data["day"][day]]
        x, t_x, T = (
            before.size - 1,
            (before[-1] - bought[0]).astype(int) / 7,
            (data["day"][day] - bought[0]).astype(int) / 7,
        )
        alive = btyd.bgnbd_alive(tuple(BG.values()), x, t_x, T)
        assert data["p_alive"][day] == pytest.approx(float(alive), rel=1e-12)


def test_looking_ahead(cdnow, bg):
    data = AliveHistoryDisplay.from_estimator(bg, cdnow.until("1999-06-30"), 4).data
    assert data["day"][-1] == np.datetime64("1999-06-30")
    assert (np.diff(data["p_alive"][-365:]) < 0).all()


def test_the_plot_of_a_story(agg, cdnow, bg):
    display = AliveHistoryDisplay.from_estimator(bg, cdnow, 4).plot()
    (line,) = display.ax_.get_lines()
    assert np.array_equal(line.get_ydata(), display.data["p_alive"])
    assert len(display.ax_.collections[0].get_segments()) == display.data["purchases"].size
    assert display.ax_.get_title() == "customer 4"


# -- counts -------------------------------------------------------------------------------------------------------


def test_the_counts_of_cdnow(rows, bg, pareto):
    data = PurchaseCountDisplay.from_estimator({"bg": bg, "pareto": pareto}, rows).data
    assert data["actual"].tolist() == [1411, 439, 214, 100, 62, 38, 29, 64]
    zero = (BG["alpha"] / (BG["alpha"] + rows[:, 2])) ** BG["r"]
    assert data["bg"][0] == pytest.approx(zero.sum(), rel=1e-12)
    assert data["bg"].sum() == pytest.approx(2357)
    assert data["pareto"].sum() == pytest.approx(2357)
    one = [float(btyd.bgnbd_pmf(tuple(BG.values()), 1, t, 0, 0, 0)) for t in np.unique(rows[:, 2])]
    of_age = np.unique(rows[:, 2], return_counts=True)[1]
    assert data["bg"][1] == pytest.approx(np.dot(of_age, one), rel=1e-10)


def test_the_counts_of_donors_as_printed():
    """Fader, Hardie & Shang (2010): 11,104 donors, six opportunities."""
    model = ci.BetaGeoBetaBinomial.from_params(alpha=1.2035, beta=0.7497, gamma=0.6567, delta=2.7834)
    data = PurchaseCountDisplay.from_estimator(model, [[0, 0, 6]], sample_weight=[11_104], max_count=6).data
    assert data["BetaGeoBetaBinomial"][[0, 6]] == pytest.approx([3454.9, 1253.1], rel=1e-4)


def test_customers_of_today_have_bought_once(bg):
    data = PurchaseCountDisplay.from_estimator(bg, [[0, 0, 0], [1, 2, 3]], max_count=2).data
    assert data["actual"].tolist() == [1, 1, 0]
    assert data["BetaGeoNBD"][0] == pytest.approx(1 + (BG["alpha"] / (BG["alpha"] + 3)) ** BG["r"])


def test_the_plot_of_counts(agg, rows, bg):
    display = PurchaseCountDisplay.from_estimator(bg, rows, max_count=3).plot()
    heights = [[bar.get_height() for bar in bars] for bars in display.ax_.containers]
    assert np.allclose(heights, [display.data["actual"], display.data["BetaGeoNBD"]])
    assert [label.get_text() for label in display.ax_.get_xticklabels()] == ["0", "1", "2", "3+"]


# -- how customers differ -----------------------------------------------------------------------------------------


def test_rates_are_gamma(bg, pareto):
    data = HeterogeneityDisplay.from_estimator(bg).data
    r, alpha = BG["r"], BG["alpha"]
    assert data["density"] == pytest.approx(
        alpha**r * data["x"] ** (r - 1) * np.exp(-alpha * data["x"]) / gamma_function(r)
    )
    assert data["mean"].item() == pytest.approx(r / alpha)
    leaving = HeterogeneityDisplay.from_estimator(pareto, of="leaving")
    assert leaving.label == "leaving rate per week"
    assert leaving.data["mean"].item() == pytest.approx(PARETO["s"] / PARETO["beta"])


def test_regular_buyers_make_a_purchase_in_k_stages():
    model = ci.BetaGeoCNBD.from_params(r=1.0, alpha=2.0, a=0.8, b=2.5, k=3, unit="week")
    data = HeterogeneityDisplay.from_estimator(model).data
    assert data["mean"].item() == pytest.approx(1.0 / 6.0)
    counts = PurchaseCountDisplay.from_estimator(model, [[0, 0, 20]], sample_weight=[1000], max_count=3).data
    drawn = model.sample(100_000, T=20, random_state=0)[:, 0]
    shares = np.bincount(np.minimum(drawn, 3).astype(int), minlength=4) / 100
    assert counts["BetaGeoCNBD"] == pytest.approx(shares, abs=6)


@pytest.mark.parametrize(
    ("model", "of", "p", "q"),
    [
        (ci.BetaGeoNBD.from_params(**BG), "leaving", BG["a"], BG["b"]),
        (ci.ModifiedBetaGeoNBD.from_params(**BG), "leaving", BG["a"], BG["b"]),
        (
            ci.BetaGeoBetaBinomial.from_params(alpha=1.2, beta=0.7, gamma=0.6, delta=2.8),
            "purchases",
            1.2,
            0.7,
        ),
        (ci.BetaGeoBetaBinomial.from_params(alpha=1.2, beta=0.7, gamma=0.6, delta=2.8), "leaving", 0.6, 2.8),
        (ci.ShiftedBetaGeometric.from_params(alpha=0.7, beta=1.2), None, 0.7, 1.2),
    ],
)
def test_chances_are_beta(model, of, p, q):
    data = HeterogeneityDisplay.from_estimator(model, of=of, n_points=50).data
    x = data["x"]
    assert data["density"] == pytest.approx(x ** (p - 1) * (1 - x) ** (q - 1) / beta_function(p, q))
    assert data["mean"].item() == pytest.approx(p / (p + q))
    share, _ = quad(lambda y: y ** (p - 1) * (1 - y) ** (q - 1) / beta_function(p, q), x[0], x[-1])
    assert data["share"][-1] - data["share"][0] == pytest.approx(share)


def test_spend_as_drawn():
    model = ci.GammaGamma.from_params(p=6.25, q=3.74, v=15.44)
    data = HeterogeneityDisplay.from_estimator(model).data
    assert data["mean"].item() == pytest.approx(35.22, abs=5e-3)
    mean_spend = 6.25 / np.random.default_rng(0).gamma(3.74, 1 / 15.44, 100_000)
    drawn = np.mean(mean_spend[:, None] <= data["x"][::60], axis=0)
    assert data["share"][::60] == pytest.approx(drawn, abs=6e-3)


def test_other_spend():
    lognormal = HeterogeneityDisplay.from_estimator(ci.LogNormalSpend.from_params(mu=3.3, sigma=0.5, cv=0.6))
    assert lognormal.data["mean"].item() == pytest.approx(np.exp(3.3 + 0.5**2 / 2))
    half = np.interp(0.5, lognormal.data["share"], lognormal.data["x"])
    assert half == pytest.approx(np.exp(3.3), rel=1e-3)
    correlated = HeterogeneityDisplay.from_estimator(
        ci.CorrelatedSpend.from_params(p=6.25, q=3.74, v=15.44, slope=0.2)
    )
    assert correlated.data["mean"].item() == pytest.approx(35.22, abs=5e-3)


def test_the_plot_of_differences(agg, bg):
    display = HeterogeneityDisplay.from_estimator(bg).plot()
    density, mean = display.ax_.get_lines()
    assert np.array_equal(density.get_ydata(), display.data["density"])
    assert mean.get_xdata()[0] == display.data["mean"]
    assert display.ax_.get_xlabel() == "purchases per week"


# -- tracking -----------------------------------------------------------------------------------------------------


def test_the_plot_of_tracking(agg, cdnow, bg, pareto):
    display = TrackingDisplay.from_estimator({"bg": bg, "pareto": pareto}, cdnow, cutoff="1997-09-30")
    weekly, total = (display.plot(cumulative=flag).ax_.get_lines() for flag in (False, True))
    assert [line.get_label() for line in weekly[:3]] == ["actual", "bg", "pareto"]
    for line, sums, name in zip(weekly[:3], total[:3], ("actual", "bg", "pareto"), strict=True):
        assert np.array_equal(line.get_ydata(), display.data[name])
        assert sums.get_ydata()[-1] == pytest.approx(display.data[name].sum())
    assert weekly[3].get_xdata()[0] == np.datetime64("1997-09-30")
    assert len(TrackingDisplay.from_estimator(bg, cdnow).plot().ax_.get_lines()) == 2


# -- mistakes -----------------------------------------------------------------------------------------------------


def test_wrong_inputs(bg, cdnow, rows):
    with pytest.raises(InputError, match="both T and max_frequency"):
        FrequencyRecencyDisplay.from_estimator(bg, T=39)
    with pytest.raises(InputError, match="answer must be one of"):
        FrequencyRecencyDisplay.from_estimator(bg, rows, answer="alive")
    with pytest.raises(InputError, match="T must be > 0"):
        FrequencyRecencyDisplay.from_estimator(bg, T=0, max_frequency=3)
    with pytest.raises(InputError, match="max_frequency must be >= 1"):
        FrequencyRecencyDisplay.from_estimator(bg, T=3, max_frequency=0)
    with pytest.raises(InputTypeError, match="LifetimeValue"):
        FrequencyRecencyDisplay.from_estimator(ci.LifetimeValue(), rows)
    with pytest.raises(InputError, match="mean_spend is for a LifetimeValue"):
        IsoValueDisplay.from_estimator(bg, rows, mean_spend=3.0)
    with pytest.raises(InputError, match="levels must increase"):
        IsoValueDisplay.from_estimator(bg, rows, levels=[2, 1])
    value = ci.LifetimeValue(horizon=52).fit(rows)
    with pytest.raises(InputError, match="its own horizon"):
        IsoValueDisplay.from_estimator(value, rows, rate=0.1)
    with pytest.raises(InputError, match="needs mean_spend"):
        IsoValueDisplay.from_estimator(value, T=3, max_frequency=2)
    with pytest.raises(InputError, match="nobody in X"):
        IsoValueDisplay.from_estimator(value, [[0, 0, 3, 0]], max_frequency=2)
    with pytest.raises(InputTypeError, match="got dict"):
        FrequencyRecencyDisplay.from_estimator({"a": bg, "b": bg}, rows)
    with pytest.raises(UnitError, match="days, the model was fitted in weeks"):
        FrequencyRecencyDisplay.from_estimator(bg, ci.CustomerSummary().fit_transform(cdnow))
    with pytest.raises(InputError, match="frequency must be finite"):
        IsoValueDisplay.from_estimator(bg, [[np.nan, 2, 3]])
    with pytest.raises(InputError, match="max_frequency must be >= 1"):
        IsoValueDisplay.from_estimator(bg, [[0, 0, 3]])
    with pytest.raises(InputTypeError, match="one customer"):
        AliveHistoryDisplay.from_estimator(bg, cdnow, [4, 21])
    with pytest.raises(InputError, match=r"customer='ann' is none of the 2,357"):
        AliveHistoryDisplay.from_estimator(bg, cdnow, "ann")
    returned = ci.TransactionLog.from_arrays(customer=[1], time=["2024-01-01"], amount=[-3.0])
    with pytest.raises(InputError, match="returns but no purchase"):
        AliveHistoryDisplay.from_estimator(bg, returned, 1)
    with pytest.raises(UnitError, match="BetaGeoNBD was fitted in weeks"):
        PurchaseCountDisplay.from_estimator(bg, ci.CustomerSummary().fit_transform(cdnow))
    with pytest.raises(InputError, match="max_count"):
        PurchaseCountDisplay.from_estimator(bg, rows, max_count=0)
    with pytest.raises(InputError, match="of must be one of 'purchases'"):
        HeterogeneityDisplay.from_estimator(ci.NBD.from_params(r=0.4, alpha=12), of="leaving")
    with pytest.raises(InputTypeError, match="got LifetimeValue"):
        HeterogeneityDisplay.from_estimator(value)


def test_without_matplotlib(monkeypatch, bg, pareto, rows, cdnow):
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    displays = (
        FrequencyRecencyDisplay.from_estimator(bg, T=3, max_frequency=2),
        IsoValueDisplay.from_estimator(pareto, T=3, max_frequency=2),
        AliveHistoryDisplay.from_estimator(bg, cdnow, 4),
        PurchaseCountDisplay.from_estimator(bg, rows),
        HeterogeneityDisplay.from_estimator(bg),
        TrackingDisplay.from_estimator(bg, cdnow, ends="26W"),
    )
    for display in displays:
        with pytest.raises(MissingExtraError, match=r"pip install 'crmintel\[plot\]'"):
            display.plot()
