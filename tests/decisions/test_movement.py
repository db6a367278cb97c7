"""Tiers of the last horizon against those of the one before: by hand, in the analysis and on its page."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

import crmintel as ci
from crmintel.decisions.movement import recent_tiers
from crmintel.decisions.report import describe
from crmintel.exceptions import DateRangeError, InputError

HALVES = ci.ValueTiers(shares=(0.5, 0.5), labels=("best", "rest"))


def shop():
    """Ten days twice, to 20 January: a falls, b rises, c stays away, d comes, e stays; old bought before."""
    lines = [("a", 2, 90.0), ("a", 15, 5.0), ("b", 3, 10.0), ("b", 20, 80.0), ("c", 10, 70.0), ("d", 11, 8.0)]
    lines += [("e", 1, 20.0), ("e", 12, 21.0), ("old", -30, 500.0)]
    customer, day, amount = zip(*lines, strict=True)
    time = np.datetime64("2023-12-31") + np.array(day)
    return ci.TransactionLog.from_arrays(customer=customer, time=time, amount=amount, end="2024-01-20")


def test_two_stretches_that_end_with_the_log():
    history = recent_tiers(HALVES, shop(), 10)
    assert history.periods.astype(str).tolist() == ["2024-01-01", "2024-01-11"]
    assert dict(zip(history.customers.tolist(), zip(*history.labels, strict=True), strict=True)) == {
        "a": ("best", "rest"), "b": ("rest", "best"), "c": ("best", None), "d": (None, "rest"),
        "e": ("rest", "best"), "old": (None, None),
    }  # fmt: skip
    assert history.estimator.edges_.tolist() == [20.0]
    assert history.money.sum(axis=1).tolist() == [190.0, 114.0]
    moves = history.migration()
    assert moves.people_.tolist() == [[0, 1, 1], [2, 0, 0], [0, 1, 0]]
    assert (moves.money_before_.sum(), moves.money_after_.sum()) == (190.0, 114.0)
    assert [(fall.customer, fall.money) for fall in history.early_warning()] == [("a", 90.0), ("c", 70.0)]
    assert repr(history) == "SegmentHistory(2 10-day periods of 6 customers, ValueTiers)"


def test_stretches_that_the_log_does_not_hold():
    with pytest.raises(DateRangeError, match="two stretches of 40 days begin on 2023-11-02, before the log"):
        recent_tiers(HALVES, shop(), 40)
    assert recent_tiers(HALVES, shop().until("2024-02-05"), 15).labels[1].tolist() == [None] * 6
    with pytest.raises(InputError, match="spend has 0 values"):
        recent_tiers(HALVES, shop().until("2024-03-01"), 20)


@pytest.fixture(scope="module")
def log():
    return ci.datasets.make_transactions(n_customers=400, random_state=3)[0]


def analysis(horizon):
    churn = ci.make_churn_pipeline(LogisticRegression(), calibration="none")
    return ci.CustomerBaseAnalysis(horizon=horizon, churn=churn, min_support=0.02)


def test_the_analysis_holds_the_moves_and_its_page_tells_them(log):
    fitted = analysis("13W").fit(log)
    history = fitted.tier_history_
    moves, warning = history.migration(), history.early_warning()
    begin = history.periods[0]
    assert log.end.astype("datetime64[D]") + np.timedelta64(1, "D") - begin == np.timedelta64(182, "D")
    assert history.money.sum() == pytest.approx(log.since(begin).spend().sum(), rel=1e-12)
    rank = {name: i for i, name in enumerate([*moves.states_[:-1], None])}
    fell = sum(a is not None and rank[b] > rank[a] for a, b in zip(*history.labels, strict=True))
    assert len(warning) == fell > 0
    page = describe(fitted, log, fitted.transform(log))
    assert f"those who fell or stayed away had spent {warning.money.sum():,.0f}" in page
    assert f"customer {warning.customers[0]}: " in page


@pytest.mark.filterwarnings("ignore::crmintel.exceptions.DataWarning")  # other parts want more days, too
def test_a_log_shorter_than_two_horizons_says_so(log):
    fitted = analysis("400D").fit(log)
    assert fitted.tier_history_ is None
    assert any(
        note.startswith("who moved between tiers is not known: two stretches of 400")
        for note in fitted.notes_
    )
    assert "Moves between tiers" not in describe(fitted, log, fitted.transform(log))
