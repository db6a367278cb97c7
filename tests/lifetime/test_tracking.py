"""Tracking: the repeat purchases of each period, actual and expected."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import hyp2f1
from sklearn.exceptions import NotFittedError

import crmintel as ci
from crmintel.exceptions import DateRangeError, InputError, InputTypeError, UnitError
from crmintel.lifetime.tracking import track_purchases

WEEKLY = {"r": 0.243, "alpha": 4.414, "a": 0.793, "b": 2.426}


@pytest.fixture(scope="module")
def cdnow():
    orders = ci.datasets.load_cdnow()
    return ci.TransactionLog.from_frame(orders, customer="customer_id", time="date", amount="amount")


@pytest.fixture(scope="module")
def model():
    return ci.BetaGeoNBD.from_params(unit="week", **WEEKLY)


def first_days(log):
    frame = log.to_frame()
    return frame.groupby("customer")["time"].min().to_numpy().astype("datetime64[D]")


def expected_by_hand(t, r, alpha, a, b):
    """Equation 9 of Fader, Hardie & Lee (2005)."""
    return (a + b - 1) / (a - 1) * (1 - (alpha / (alpha + t)) ** r * hyp2f1(r, b, a + b - 1, t / (alpha + t)))


def test_the_expected_are_the_sum_of_every_customer_from_its_own_first_day(cdnow, model):
    track = track_purchases(model, cdnow, cutoff="1997-09-30")
    born = first_days(cdnow)
    for week in (0, 5, 38, 77):
        ages = (track["end"][week] - born).astype(float) / 7
        ages = ages[ages > 0]
        assert track["BetaGeoNBD"][: week + 1].sum() == pytest.approx(
            expected_by_hand(ages, **WEEKLY).sum(), rel=1e-10
        )


def test_the_actual_are_days_with_a_purchase_after_the_first(cdnow, model):
    track = track_purchases(model, cdnow, cutoff="1997-09-30")
    assert track["end"].size == 78
    assert track["end"][[0, 38, 77]].astype(str).tolist() == ["1997-01-07", "1997-09-30", "1998-06-30"]
    assert track["actual"][:39].sum() == 2457
    assert track["actual"][39:].sum() == 1882
    frame = cdnow.to_frame()
    days = frame.assign(day=frame["time"].dt.normalize())[["customer", "day"]].drop_duplicates()
    repeat = days[days["day"] > days.groupby("customer")["day"].transform("min")]["day"].to_numpy()
    weeks = (repeat.astype("datetime64[D]") - np.datetime64("1997-01-01")).astype(int) // 7
    assert track["actual"].tolist() == np.bincount(weeks, minlength=78).tolist()


def test_week_78_of_the_paper(cdnow):
    """The BG/NBD falls short of the purchases until week 78 by 4 %, the Pareto/NBD by 2 %."""
    rows = ci.CustomerSummary(unit="week").fit_transform(cdnow.until("1997-09-30"))
    models = {"bg": ci.BetaGeoNBD().fit(rows), "pareto": ci.ParetoNBD().fit(rows)}
    track = track_purchases(models, cdnow, cutoff="1997-09-30")
    short = {name: 1 - track[name].sum() / track["actual"].sum() for name in models}
    assert short["bg"] == pytest.approx(0.041, abs=5e-4)
    assert short["pareto"] == pytest.approx(0.016, abs=5e-4)


def test_who_began_after_the_cutoff_is_left_out(cdnow, model):
    track = track_purchases(model, cdnow, cutoff="1997-02-01")
    assert track["customers"][-1] == (first_days(cdnow) <= np.datetime64("1997-02-01")).sum()
    assert np.datetime64("1997-02-01") in track["end"]
    everybody = track_purchases(model, cdnow)
    assert everybody["customers"][-1] == 2357
    assert everybody["end"][0] == np.datetime64("1997-01-07")


def test_days_and_weeks_expect_the_same(cdnow, model):
    daily = ci.BetaGeoNBD.from_params(unit="day", **{**WEEKLY, "alpha": 7 * WEEKLY["alpha"]})
    weeks = track_purchases(model, cdnow, ends="4W")["BetaGeoNBD"]
    assert track_purchases(daily, cdnow, ends="28D")["BetaGeoNBD"] == pytest.approx(weeks, rel=1e-9)


def test_ends_may_be_dates(cdnow, model):
    months = ["1997-03-31", "1997-06-30", "1998-06-30"]
    track = track_purchases({"weekly": model}, cdnow, ends=months)
    assert track["end"].astype(str).tolist() == months
    assert track["actual"].sum() == 2457 + 1882


def test_opportunities():
    log, _ = ci.datasets.make_transactions(300, weeks=30, random_state=0)
    summary = ci.CustomerSummary(unit="week", collapse="week")
    model = ci.BetaGeoBetaBinomial.from_params(alpha=1.2, beta=2.0, gamma=0.7, delta=2.8, unit="week")
    track = track_purchases(model, log, summary=summary, ends="5W")
    rows = summary.fit_transform(log)
    assert track["actual"].sum() == rows[:, 0].sum()
    ages, counts = np.unique(rows[:, 2], return_counts=True)
    expected = sum(
        n * model.expected_purchases(None, t)
        for t, n in zip(ages.tolist(), counts.tolist(), strict=True)
        if t
    )
    assert track["BetaGeoBetaBinomial"].sum() == pytest.approx(expected)


def test_wrong_inputs(cdnow, model):
    with pytest.raises(InputTypeError, match="GammaGamma"):
        track_purchases(ci.GammaGamma.from_params(p=6, q=4, v=15), cdnow)
    with pytest.raises(InputError, match="models is empty"):
        track_purchases({}, cdnow)
    with pytest.raises(InputError, match="cannot be called 'actual'"):
        track_purchases({"actual": model}, cdnow)
    with pytest.raises(UnitError, match="summary=CustomerSummary"):
        track_purchases(ci.BetaGeoNBD.from_params(**WEEKLY), cdnow)
    with pytest.raises(UnitError, match="days, BetaGeoNBD was fitted in weeks"):
        track_purchases(model, cdnow, summary=ci.CustomerSummary(unit="day"))
    with pytest.raises(InputTypeError, match="summary must be a CustomerSummary"):
        track_purchases(model, cdnow, summary="week")
    with pytest.raises(InputError, match="whole days"):
        track_purchases(model, cdnow, ends="12h")
    with pytest.raises(InputError, match="shorter than one period"):
        track_purchases(model, cdnow, ends="1000D")
    with pytest.raises(InputError, match="increasing dates"):
        track_purchases(model, cdnow, ends=["1997-06-30", "1997-03-31"])
    with pytest.raises(InputError, match="increasing dates"):
        track_purchases(model, cdnow, ends=["2027-06-30"])
    with pytest.raises(DateRangeError, match="1996-12-01"):
        track_purchases(model, cdnow, cutoff="1996-12-01")
    with pytest.raises(InputTypeError):
        track_purchases(model, [[1, 2, 3]])
    with pytest.raises(InputError, match="log of snapshots"):
        track_purchases(model, cdnow.snapshots(["1997-06-30"]))
    with pytest.raises(NotFittedError):
        track_purchases(ci.BetaGeoNBD(), cdnow)


def test_covariates_make_kinds_of_customers(cdnow):
    rng = np.random.default_rng(0)
    group, income = rng.integers(0, 2, len(cdnow)), rng.integers(0, 3, len(cdnow))
    log = cdnow.with_customers({"id": cdnow.customers, "group": group, "income": income}, customer="id")
    plain = ci.BetaGeoNBD.from_params(unit="week", **WEEKLY)
    model = ci.BetaGeoNBD.from_params(
        unit="week", purchase_coefficients={"group": 0.5, "income": -0.2}, **WEEKLY
    )
    track = track_purchases({"plain": plain, "kinds": model}, log, ends="13W")
    assert track["plain"] == pytest.approx(track_purchases(plain, cdnow, ends="13W")["BetaGeoNBD"])
    by_hand = np.zeros(track["end"].size)
    for g in (0, 1):
        for i in (0, 1, 2):
            alpha = WEEKLY["alpha"] * np.exp(-0.5 * g + 0.2 * i)
            kind = ci.BetaGeoNBD.from_params(unit="week", **{**WEEKLY, "alpha": alpha})
            some = cdnow[(group == g) & (income == i)]
            by_hand += track_purchases(kind, some, ends=list(track["end"]))["BetaGeoNBD"]
    assert track["kinds"] == pytest.approx(by_hand)


@settings(max_examples=30, deadline=None)
@given(
    days=st.lists(st.tuples(st.integers(0, 5), st.integers(0, 60)), min_size=1, max_size=40),
    width=st.integers(1, 30),
    late=st.integers(0, 20),
)
def test_periods_add_up_to_the_summary(days, width, late):
    who, when = np.array(days).T
    start, day = np.datetime64("2024-01-01"), np.timedelta64(1, "D")
    end = start + (int(when.max()) + late) * day
    log = ci.TransactionLog.from_arrays(customer=who, time=start + when * day, end=end)
    model = ci.ParetoNBD.from_params(r=0.5, alpha=9.0, s=0.6, beta=11.0, unit="day")
    length = int((log.end - log.start).astype(int)) + 1
    if width > length:
        with pytest.raises(InputError, match="shorter than one period"):
            track_purchases(model, log, ends=f"{width}D")
        return
    track = track_purchases(model, log, ends=f"{width}D")
    assert track["end"].size == length // width
    rows = ci.CustomerSummary(unit="day").fit_transform(log.until(track["end"][-1]))
    assert track["actual"].sum() == rows[:, 0].sum()
    expected = [model.expected_purchases(None, T) for T in rows[:, 2].tolist()]
    assert track["ParetoNBD"].sum() == pytest.approx(sum(expected))
    assert (track["ParetoNBD"] >= 0).all()
    assert (np.diff(track["customers"]) >= 0).all()


def test_a_season_moves_the_purchases_within_the_year(cdnow):
    season = ci.SeasonalProfile([0.7, 0.7, 0.8, 1, 1, 1, 0.9, 0.9, 1, 1, 1.5, 2.0])
    rows = ci.CustomerSummary(unit="week", extra=["as_of"]).fit_transform(cdnow.until("1997-09-30"))
    for end in (None, "1997-09-30"):
        model = ci.SeasonalModel(ci.BetaGeoNBD(), season, end=end).fit(rows)
        track = track_purchases(model, cdnow, ends=["1997-09-30", "1997-10-31", "1997-12-31", "1998-02-28"])
        clock, born = season.clock, first_days(cdnow).astype(int)
        inner = model.model_
        for stop in (0, 2, 3):
            ages = (clock(track["end"].astype(int)[stop]) - clock(born)) / 7
            by_hand = expected_by_hand(ages[ages > 0], **inner.params_).sum()
            assert track["SeasonalModel"][: stop + 1].sum() == pytest.approx(by_hand, rel=1e-8)
    flat = ci.SeasonalModel(ci.BetaGeoNBD(), ci.SeasonalProfile(np.ones(12))).fit(rows)
    plain = ci.BetaGeoNBD().fit(rows)
    both = track_purchases({"flat": flat, "plain": plain}, cdnow, ends="13W")
    assert both["flat"] == pytest.approx(both["plain"], rel=1e-6)
