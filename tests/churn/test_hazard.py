"""The hazard model: Kaplan-Meier without inputs, the truth of simulations, inputs that change, wrong inputs."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

import crmintel as ci
from crmintel.churn._periods import BaselinePeriods, person_periods
from crmintel.exceptions import InputError, InputTypeError


def free_baseline():
    """A level for each period and no penalty: nothing but the counts."""
    return make_pipeline(
        BaselinePeriods(min_events=1), LogisticRegression(C=1e10, max_iter=10_000, tol=1e-10)
    )


def test_without_inputs_it_is_kaplan_meier():
    rng = np.random.default_rng(0)
    duration, event = rng.integers(1, 7, 400), rng.random(400) < 0.6
    y = np.column_stack([duration, event])
    curve = ci.survival_curve(duration, event)
    model = ci.HazardModel(free_baseline(), horizon=6).fit(np.zeros((400, 1)), y)
    assert model.predict_survival([[0.0]])[0] == pytest.approx(curve.survival, abs=1e-5)
    assert model.predict([[0.0]])[0] == pytest.approx(curve.restricted_mean(6), abs=1e-4)
    later = model.expected_remaining([[0.0]], tenure=2, horizon=4)[0]
    assert later == pytest.approx(curve.restricted_mean(4, after=2), abs=1e-4)
    entry = np.minimum(rng.integers(0, 3, 400), duration - 1)
    model.fit(np.zeros((400, 1)), y, entry=entry)
    delayed = ci.survival_curve(duration, event, entry=entry).survival
    assert model.predict_survival([[0.0]])[0] == pytest.approx(delayed, abs=1e-5)


def test_the_order_of_the_customers_does_not_matter():
    rng = np.random.default_rng(1)
    X = rng.normal(size=(300, 3))
    y = np.column_stack([rng.integers(1, 7, 300), rng.random(300) < 0.6])
    order = rng.permutation(300)
    for classifier in (None, HistGradientBoostingClassifier(max_iter=20, random_state=0)):
        wanted = ci.HazardModel(classifier, horizon=6).fit(X, y).predict_survival(X)
        got = ci.HazardModel(classifier, horizon=6).fit(X[order], y[order]).predict_survival(X)
        np.testing.assert_allclose(got, wanted, rtol=0, atol=1e-12)


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 4), st.booleans()), min_size=1, max_size=8))
@settings(max_examples=50, deadline=None)
def test_periods_are_those_watched(rows):
    begin = np.array([each[0] for each in rows])
    end = begin + [each[1] for each in rows]
    left = np.array([each[2] and each[1] > 0 for each in rows])
    found = list(zip(*(each.tolist() for each in person_periods(begin, end, left)), strict=True))
    assert found == [
        (i, period, bool(left[i] and period == end[i]))
        for i in range(len(rows))
        for period in range(begin[i] + 1, end[i] + 1)
    ]


def simulated(n, rng):
    """Contracts by the month or the year; the hazard falls with tenure, and is a third by the year."""
    yearly = rng.integers(0, 2, n)
    hazard = np.array([0.3, 0.2, 0.15, 0.1] + [0.08] * 20)
    odds = hazard / (1 - hazard) * np.where(yearly, 1 / 3, 1.0)[:, None]
    chance = odds / (1 + odds)
    leaves = rng.random((n, 24)) < chance
    life = np.where(leaves.any(axis=1), leaves.argmax(axis=1) + 1, 99)
    watched = rng.integers(1, 25, n)
    y = np.column_stack([np.minimum(life, watched), life <= watched])
    return yearly, y, np.cumprod(1 - chance, axis=1)


def test_it_finds_the_truth():
    yearly, y, truth = simulated(20_000, np.random.default_rng(1))
    model = ci.HazardModel(horizon=12).fit(yearly[:, None], y)
    foretold = model.predict_survival(yearly[:, None])
    assert np.abs(foretold - truth[:, :12]).max() < 0.02
    trees = ci.HazardModel(HistGradientBoostingClassifier(max_leaf_nodes=8), horizon=12).fit(
        yearly[:, None], y
    )
    assert (
        np.abs(
            trees.predict_survival([[0], [1]]) - truth[[(yearly == 0).argmax(), yearly.argmax()], :12]
        ).max()
        < 0.04
    )
    assert model.score(yearly[:, None], y) > model.score(1 - yearly[:, None], y)
    risk = -model.predict(yearly[:, None])
    assert ci.concordance_ipcw(y[:, 0], y[:, 1], risk, until=12) > 0.6
    times = np.arange(1, 13)
    alone = np.tile(ci.survival_curve(y[:, 0], y[:, 1]).at(times), (len(y), 1))
    assert (
        ci.integrated_brier_score(*y.T, foretold, times)
        < ci.integrated_brier_score(*y.T, alone, times) - 0.01
    )


def test_inputs_that_change():
    """A customer who moves from a monthly to a yearly contract is two rows; the hazard follows the contract of then."""
    rng = np.random.default_rng(2)
    rows, y, entry = [], [], []
    for _ in range(4000):
        switch = rng.integers(1, 6)
        for yearly, begin, end in ((0, 0, switch), (1, switch, 10)):
            life = rng.geometric(0.05 if yearly else 0.25)
            rows.append([yearly])
            entry.append(begin)
            y.append((min(begin + life, end), begin + life <= end))
            if begin + life <= end:
                break
    model = ci.HazardModel(horizon=2).fit(rows, y, entry=entry)
    assert model.predict_hazard([[0], [1]], tenure=[1, 7]).ravel() == pytest.approx(
        [0.25] * 2 + [0.05] * 2, abs=0.02
    )


def test_groups_of_periods_hold_enough_who_left():
    period = np.repeat(np.arange(1.0, 9.0), 10)
    left = np.tile(np.arange(10) < 3, 8)
    groups = BaselinePeriods(min_events=6).fit(period[:, None], left)
    assert groups.first_.tolist() == [3.0, 5.0, 7.0]
    assert groups.transform(np.array([[1.0], [4.0], [99.0]])).tolist() == [
        [1, 0, 0, 0],
        [0, 1, 0, 0],
        [0, 0, 0, 1],
    ]
    assert BaselinePeriods(min_events=1000).fit(period[:, None], left).first_.size == 0


def test_frames_and_logs():
    yearly, y, _ = simulated(600, np.random.default_rng(3))
    frame = pd.DataFrame({"contract": np.where(yearly, "year", "month"), "fee": [1.0, np.nan] * 300})
    model = ci.HazardModel(horizon=3).fit(frame, y)
    assert model.predict(frame[["fee", "contract"]]) == pytest.approx(model.predict(frame))
    log, _ = ci.datasets.make_transactions(200, random_state=0)
    snapshots, labels = ci.churn_snapshots(log, horizon="30D", window="90D")
    tenure = np.arange(len(labels)) % 5
    model = ci.HazardModel(horizon=3).fit(snapshots, np.column_stack([tenure + 1, labels]), entry=tenure)
    assert model.n_periods_ == len(labels)
    assert (np.diff(model.predict_survival(log, tenure=2), axis=1) <= 0).all()


@pytest.mark.parametrize(
    ("y", "entry", "message"),
    [
        ([[1, 1], [2, 1]], None, "one row"),
        ([1, 2, 3], None, r"\(duration, event\)"),
        ([[1.5, 1], [2, 0], [3, 0]], None, "whole periods"),
        ([[1, 2], [2, 0], [3, 0]], None, "event must be 0"),
        ([[0, 1], [2, 0], [3, 0]], None, "at least a period"),
        ([[1, np.nan], [2, 0], [3, 0]], None, "event must be finite"),
        ([[-1, 0], [2, 0], [3, 0]], None, "duration must be >= 0"),
        ([[1, 0], [2, 0], [3, 0]], None, "0 of 6 periods"),
        ([[1, 1], [1, 1], [1, 1]], None, "3 of 3 periods"),
        ([[1, 1], [2, 0], [3, 0]], [1, 5, 0], "entry must not lie behind"),
        ([[1, 1], [2, 0], [3, 0]], [0, 0], "entry has 2 values"),
        ([[1, 1], [2, 0], [1e9, 0]], None, "at most 1e6"),
    ],
)
def test_wrong_targets(y, entry, message):
    with pytest.raises(InputError, match=message):
        ci.HazardModel().fit([[1.0], [2.0], [3.0]], y, entry=entry)


def test_wrong_inputs():
    X, y = [[1.0], [2.0], [3.0]], [[1, 1], [2, 0], [3, 1]]
    with pytest.raises(InputError, match="horizon"):
        ci.HazardModel(horizon=0).fit(X, y)
    with pytest.raises(InputTypeError, match="predict_proba"):
        ci.HazardModel("logistic").fit(X, y)
    with pytest.raises(InputTypeError, match="y must hold numbers"):
        ci.HazardModel().fit(X, [["a", "b"]] * 3)
    with pytest.raises(InputTypeError, match=r"event must be 0 or 1 .* write event == 'Yes'\."):
        ci.HazardModel().fit(X, np.column_stack([[1, 2, 3], ["Yes", "No", "Yes"]]))
    model = ci.HazardModel(horizon=2).fit(X, y)
    with pytest.raises(InputError, match="tenure must be >= 0"):
        model.predict(X, tenure=-1)
    with pytest.raises(InputError, match="tenure has 2 values"):
        model.predict(X, tenure=[1, 2])
    with pytest.raises(InputError, match="whole"):
        model.predict(X, tenure=0.5)
    with pytest.raises(InputError, match="no row was watched"):
        model.score(X, [[0, 0]] * 3)
