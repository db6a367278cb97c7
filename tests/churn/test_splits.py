"""Folds over samples that are customers at dates."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_val_score

import crmintel as ci
from crmintel.churn.folds import customer_folds
from crmintel.exceptions import InputError, InputTypeError


@pytest.fixture(scope="module")
def learned():
    log, _ = ci.datasets.make_transactions(200, random_state=3)
    return ci.churn_snapshots(log, "60D", step="30D")


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 4), st.integers(1, 150), st.floats(0.1, 0.9), st.integers(0, 5))
def test_no_customer_and_no_future_on_both_sides(learned, n_splits, horizon, share, seed):
    snapshots, _ = learned
    folds = ci.GroupTimeSeriesSplit(n_splits, horizon=horizon, test_share=share, random_state=seed)
    found = list(folds.split(snapshots))
    assert len(found) == folds.get_n_splits() == n_splits
    dates = []
    for train, test in found:
        assert not set(snapshots.customers[train]) & set(snapshots.customers[test])
        assert len(set(snapshots.as_of[test])) == 1
        assert snapshots.as_of[train].max() + np.timedelta64(horizon, "D") <= snapshots.as_of[test][0]
        dates.append(snapshots.as_of[test][0])
    assert dates == sorted(np.unique(snapshots.as_of))[-n_splits:]


def test_groups_in_place_of_customers(learned):
    snapshots, _ = learned
    household = snapshots.customers // 4
    for train, test in ci.GroupTimeSeriesSplit(2).split(snapshots, groups=household):
        assert not set(household[train]) & set(household[test])


def test_it_passes_through_scikit_learn(learned):
    model = ci.make_churn_pipeline(LogisticRegression(max_iter=500), calibration="none")
    folds = ci.GroupTimeSeriesSplit(2, horizon="60D")
    scores = cross_val_score(model, *learned, cv=folds, scoring="roc_auc")
    assert scores.shape == (2,)
    assert scores.min() > 0.7
    search = GridSearchCV(model, {"classifier__classifier__C": [0.01, 1.0]}, cv=folds, scoring="roc_auc")
    assert search.fit(*learned).n_splits_ == 2


def test_the_seed_decides(learned):
    snapshots, _ = learned
    first, second, other = (
        [test.tolist() for _, test in ci.GroupTimeSeriesSplit(random_state=seed).split(snapshots)]
        for seed in (1, 1, 2)
    )
    assert first == second != other


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"n_splits": 0}, "n_splits must be >= 1"),
        ({"n_splits": 99}, r"n_splits=99 needs as many as-of dates.*smaller step"),
        ({"horizon": "900D"}, "900 days or more after the first"),
        ({"horizon": 0}, "horizon must be > 0"),
        ({"horizon": "soon"}, "horizon must be"),
        ({"test_share": 1.0}, "test_share must be"),
        ({"test_share": 0.0001}, "leaves a side without any"),
    ],
)
def test_parameters_that_cannot_be(learned, arguments, says):
    with pytest.raises(InputError, match=says):
        list(ci.GroupTimeSeriesSplit(**arguments).split(learned[0]))


def test_inputs_that_cannot_be(learned):
    with pytest.raises(InputTypeError, match=r"log of snapshots.*StratifiedGroupKFold"):
        next(ci.GroupTimeSeriesSplit().split(np.ones((5, 2))))
    with pytest.raises(InputError, match="one group per sample"):
        next(ci.GroupTimeSeriesSplit().split(learned[0], groups=[1, 2]))
    with pytest.raises(InputTypeError, match="groups must be of one type"):
        next(ci.GroupTimeSeriesSplit().split(learned[0], groups=[None, *["a"] * (len(learned[0]) - 1)]))


# -- folds of a calibration -------------------------------------------------------------------------------------


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 20), st.booleans()), min_size=4, max_size=80), st.randoms())
def test_calibration_folds_hold_out_customers(samples, random):
    customers, left = (np.array(each) for each in zip(*samples))
    stayers, leavers = set(customers[~left]), set(customers[left])
    if min(len(stayers), len(leavers)) < 2:
        with pytest.raises(InputError, match="2 customers of each class"):
            customer_folds(left, customers)
        return
    folds = customer_folds(left, customers)
    assert 2 <= len(folds) <= 5
    np.testing.assert_array_equal(
        np.sort(np.concatenate([test for _, test in folds])), np.arange(len(samples))
    )
    for train, test in folds:
        assert not set(customers[train]) & set(customers[test])
        assert train.size + test.size == len(samples)
    order = np.array(random.sample(range(len(samples)), len(samples)))
    for (_, test), (_, again) in zip(folds, customer_folds(left[order], customers[order])):
        assert set(order[again]) == set(test)


def test_leavers_are_spread_evenly():
    left = np.random.default_rng(0).random(1000) < 0.1
    assert np.ptp([left[test].sum() for _, test in customer_folds(left)]) <= 1
