"""Moves between segments: counts, money that reconciles, intervals, projection, alignment, warnings, bad input."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crmintel import (
    CustomerKMeans,
    SegmentMigration,
    align_centers,
    align_labels,
    early_warning,
    markov_test,
)
from crmintel.exceptions import InputError, InputTypeError

ORDER = ["gold", "silver", "base"]
label = st.sampled_from([*ORDER, None])


@st.composite
def two_dates(draw):
    rows = draw(st.lists(st.tuples(label, label), min_size=1, max_size=60))
    rows = [row for row in rows if row != (None, None)] or [("gold", None)]
    cents = st.integers(-10_000_000, 10_000_000)
    money = [tuple(0.0 if each is None else draw(cents) / 100 for each in row) for row in rows]
    return [list(column) for column in zip(*rows, strict=True)], [
        np.array(column) for column in zip(*money, strict=True)
    ]


@given(two_dates())
def test_flows_reconcile(case):
    (before, after), (was, now) = case
    moves = SegmentMigration(ORDER).fit(before, after, money_before=was, money_after=now)
    assert moves.people_.sum() == len(before)
    assert moves.people_[:-1].sum() == sum(each is not None for each in before)
    assert moves.people_[:, :-1].sum() == sum(each is not None for each in after)
    for i, name in enumerate([*ORDER, None]):
        rows = [j for j, each in enumerate(before) if each == name]
        assert moves.people_[i].sum() == len(rows)
        assert round(math.fsum(moves.money_before_[i]), 2) == round(math.fsum(was[rows]), 2)
        columns = [j for j, each in enumerate(after) if each == name]
        assert round(math.fsum(moves.money_after_[:, i]), 2) == round(math.fsum(now[columns]), 2)
    change = math.fsum(moves.money_after_.ravel()) - math.fsum(moves.money_before_.ravel())
    assert change == pytest.approx(math.fsum(now) - math.fsum(was), abs=1e-6)


@given(two_dates(), st.randoms())
def test_the_order_of_the_customers_does_not_matter(case, random):
    (before, after), (was, now) = case
    order = list(range(len(before)))
    random.shuffle(order)
    first = SegmentMigration(ORDER).fit(before, after, money_before=was, money_after=now)
    second = SegmentMigration(ORDER).fit(
        [before[i] for i in order], [after[i] for i in order], money_before=was[order], money_after=now[order]
    )
    assert np.array_equal(first.people_, second.people_)
    assert np.array_equal(first.money_before_, second.money_before_)
    assert np.array_equal(first.money_after_, second.money_after_)


def test_known_transitions_are_recovered_and_covered():
    truth = np.array([[0.7, 0.2, 0.05, 0.05], [0.1, 0.6, 0.2, 0.1], [0.0, 0.1, 0.6, 0.3]])
    rng = np.random.default_rng(0)
    names = np.array([*ORDER, None], dtype=object)
    inside = np.zeros(truth.shape)
    for _ in range(400):
        was = rng.integers(0, 3, 300)
        now = (rng.random(300)[:, None] > truth[was].cumsum(axis=1)).sum(axis=1)
        moves = SegmentMigration(ORDER).fit(names[was], names[now])
        low, high = np.moveaxis(moves.transition_interval(0.9), -1, 0)
        inside += (low <= truth) & (truth <= high)
    # Wilson's interval covers a little more or less than its level from cell to cell; a cell of 0 is always covered
    assert (inside[truth > 0] / 400).mean() == pytest.approx(0.9, abs=0.02)
    assert inside[2, 0] == 400


def test_projection_is_the_matrix_power_with_entries():
    before = ["gold"] * 4 + ["base"] * 4 + [None] * 2
    after = ["gold", "gold", "gold", "base", "base", "base", "gold", None, "base", "base"]
    moves = SegmentMigration(["gold", "base"]).fit(before, after)
    P = moves.transition_matrix_[:, :2]
    people = np.array([4.0, 5.0])
    assert np.array_equal(moves.project(3)[0], people)
    for t in range(1, 4):
        people = people @ P + [0.0, 2.0]
        assert moves.project(3)[t] == pytest.approx(people, rel=1e-14)
    assert moves.project(1, start=[10, 0], entries=[0, 0])[1].tolist() == [7.5, 2.5]
    assert moves.predict_proba(["base", "gold"]).tolist() == [[0.25, 0.5, 0.25], [0.75, 0.25, 0.0]]


def test_a_segment_that_was_empty():
    moves = SegmentMigration(ORDER).fit(["gold", "gold"], ["gold", "silver"])
    assert np.isnan(moves.transition_matrix_[1:]).all()
    assert np.isnan(moves.transition_interval()[1:]).all()
    with pytest.raises(InputError, match="'silver' before"):
        moves.project(2)
    assert moves.project(1, start=[2, 0, 0])[1].tolist() == [1.0, 1.0, 0.0]


def test_frames_in_and_out():
    pair = pd.DataFrame({"june": ["gold", None], "july": ["base", "gold"]})
    moves = SegmentMigration().fit(pair)
    assert moves.people_.tolist() == SegmentMigration().fit(["gold", None], ["base", "gold"]).people_.tolist()
    frame = moves.to_frame("polars")
    assert isinstance(frame, pl.DataFrame)
    assert frame.rows() == [("gold", "base", 1, 1.0), ("absent", "gold", 1, 1.0)]
    assert isinstance(moves.to_frame(), pd.DataFrame)
    assert isinstance(SegmentMigration().fit(["gold"], ["base"]).to_frame(), dict)


@pytest.mark.parametrize(
    ("before", "after", "more", "message"),
    [
        ([1, 2], [1], {}, "y .segments after. has 1 labels, expected 2"),
        ([None, 1], [None, 1], {}, "absent before and after, the first in row 0"),
        (["a"], ["b"], {"order": ["a"]}, r"\['b'\] are not in order"),
        (["a"], ["b"], {"order": ["a", "a", "b"]}, "each segment once"),
        (["a"], [1], {}, "some labels are text and some numbers"),
        (["a"], ["absent"], {}, "stands for customers who are not there"),
        (["a"], ["b"], {"money_before": [1.0]}, "together"),
        (["a"], [None], {"money_before": [1.0], "money_after": [2.0]}, "whose customer is absent then"),
        (["a"], ["b"], {"money_before": [np.nan], "money_after": [2.0]}, "money_before must be finite"),
        ([1.5], [1], {}, "whole numbers or None, got 1.5"),
        ("gold", "base", {}, "one label per customer"),
        (["a"], None, {}, "fit needs the segments at two dates"),
    ],
)
def test_bad_input(before, after, more, message):
    order = more.pop("order", None)
    with pytest.raises((InputError, InputTypeError), match=message):
        SegmentMigration(order).fit(before, after, **more)


# -- the same names after a refit ------------------------------------------------------------------------------


@given(st.lists(st.integers(0, 5), min_size=1, max_size=50), st.permutations(range(6)))
def test_a_permutation_of_the_labels_is_undone(labels, permutation):
    renamed = [permutation[each] for each in labels]
    assert align_labels(labels, renamed).tolist() == labels


def test_refits_keep_the_names():
    rng = np.random.default_rng(1)
    centres = rng.normal(size=(5, 3)) * 6
    X = centres[rng.integers(0, 5, 4000)] + rng.normal(size=(4000, 3))
    first = CustomerKMeans(5, n_init=5, random_state=0).fit(X)
    for seed in range(10):
        again = rng.choice(4000, 4000) if seed % 2 else rng.permutation(4000)
        refit = CustomerKMeans(5, n_init=5, random_state=seed).fit(X[again])
        by_centre = align_centers(first.cluster_centers_, refit.cluster_centers_)[refit.predict(X)]
        by_member = align_labels(first.labels_, refit.predict(X)).astype(int)
        assert np.mean(by_centre == first.labels_) > 0.995
        assert np.array_equal(by_centre, by_member)


def test_more_and_fewer_segments():
    assert align_labels([0, 0, 0, 1], [5, 5, 1, 9]).tolist() in ([0, 0, 2, 1], [0, 0, 1, 2])
    assert align_labels(["a", "a", "b"], ["x", "x", "x"]).tolist() == ["a", "a", "a"]
    assert align_labels(["a", "a", "b"], [0, 1, 2]).tolist()[2] == "b"
    assert align_labels([1, None, 2], [4, 4, None]).tolist() == [1, 1, None]
    assert align_centers([[0.0]], [[9.0], [0.5]]).tolist() == [1, 0]
    with pytest.raises(InputError, match="nothing to align by"):
        align_labels([None, 1], [1, None])
    with pytest.raises(InputError, match="2 columns and centers 1"):
        align_centers([[0.0, 1.0]], [[1.0]])


# -- the Markov assumption -------------------------------------------------------------------------------------


def _chain(rng, n, dates, memory):
    columns = [rng.integers(0, 3, n), rng.integers(0, 3, n)]
    P = np.array([[0.7, 0.2, 0.1], [0.2, 0.6, 0.2], [0.1, 0.3, 0.6]])
    while len(columns) < dates:
        source = np.where(rng.random(n) < memory, columns[-2], columns[-1])
        columns.append((rng.random(n)[:, None] > P[source].cumsum(axis=1)).sum(axis=1))
    return columns[1:] if memory == 0.0 else columns


def test_the_level_of_the_markov_test_holds():
    rng = np.random.default_rng(2)
    rejected = [
        (test.memory_pvalue < 0.05, test.change_pvalue < 0.05)
        for test in (markov_test(_chain(rng, 600, 5, 0.0)) for _ in range(400))
    ]
    assert 0.025 < np.mean(rejected, axis=0)[0] < 0.08
    assert 0.025 < np.mean(rejected, axis=0)[1] < 0.08


def test_memory_and_change_are_found():
    rng = np.random.default_rng(3)
    assert markov_test(_chain(rng, 1000, 6, 0.6)).memory_pvalue < 1e-6
    first = rng.integers(0, 2, 1000)
    second = np.where(rng.random(1000) < 0.9, first, 1 - first)
    third = np.where(rng.random(1000) < 0.6, second, 1 - second)
    test = markov_test([first, second, third])
    assert test.change_pvalue < 1e-6 < 0.01 < test.memory_pvalue
    assert "transition shares change" in str(test)
    with pytest.raises(InputError, match="three or more dates, got 2"):
        markov_test([first, second])


def test_the_statistic_is_that_of_the_contingency_tables():
    stats = pytest.importorskip("scipy.stats")
    rng = np.random.default_rng(4)
    first, second, third = (rng.integers(0, 3, 400) for _ in range(3))
    statistic, df = 0.0, 0
    for middle in range(3):
        rows = second == middle
        table = np.zeros((3, 3))
        np.add.at(table, (first[rows], third[rows]), 1)
        found = stats.chi2_contingency(table, correction=False, lambda_="log-likelihood")
        statistic, df = statistic + found.statistic, df + found.dof
    test = markov_test([first, second, third])
    assert test.memory == pytest.approx(statistic, rel=1e-12)
    assert test.memory_df == df
    assert test.memory_pvalue == pytest.approx(stats.chi2.sf(statistic, df), rel=1e-12)


# -- who fell --------------------------------------------------------------------------------------------------


def test_numbers_of_numpy_are_names_too():
    labels = np.array([0, 0, 1])
    assert len(early_warning([1, 2, 3], labels, labels[::-1], order=list(np.unique(labels)))) == 1
    assert align_labels(list(labels), labels).tolist() == [0, 0, 1]


def test_who_fell_and_what_is_at_stake():
    warning = early_warning(
        [11, 12, 13, 14, 15],
        ["gold", "silver", "gold", None, "base"],
        ["base", "base", "gold", "base", None],
        order=ORDER,
        money=[50.0, 70.0, 900.0, 3.0, 50.0],
        library="pandas",
    )
    assert warning.customers.tolist() == [12, 11, 15]
    assert warning.tiers.tolist() == [1, 2, 1]
    assert warning.to_frame()["after"].tolist() == ["base", "base", "absent"]
    assert repr(warning) == "EarlyWarning(3 customers who fell, 170.00 at stake)"
    assert len(early_warning([1], [0], [0], order=[0, 1])) == 0
    with pytest.raises(InputError, match="are not in order"):
        early_warning([1], ["gold"], ["tin"], order=ORDER)
