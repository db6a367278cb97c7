"""ValueTiers: shares by rank, ties, learned edges, the table, bad input."""

from __future__ import annotations

import pickle

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from crmintel import ValueTiers, top_share
from crmintel.exceptions import InputError, InputTypeError
from tests.segments.logs import tiny_log

RANK = {"vip": 0, "major": 1, "ordinary": 2, "small": 3}
amounts = st.lists(st.integers(-50, 200), min_size=1, max_size=60)


def test_distinct_customers_fall_into_exact_shares():
    money = np.random.default_rng(0).permutation(np.arange(1.0, 1001.0))
    tiers = ValueTiers().fit(money)
    assert tiers.table_["customers"].tolist() == [10, 40, 150, 800]
    assert set(money[tiers.predict(money) == "vip"]) == set(range(991, 1001))
    for border, tiers_so_far in ((0.01, 1), (0.05, 2), (0.2, 3)):
        assert sum(tiers.table_["money_share"][:tiers_so_far]) == pytest.approx(top_share(money, border))


def test_decimal_borders_are_counted_as_written():
    # 0.01 + 0.04 + 0.15 is 0.2 and 0.2 of 25 is 5; in binary the first sum is above 0.2
    tiers = ValueTiers().fit(np.arange(1.0, 26.0))
    assert tiers.table_["customers"].tolist() == [1, 1, 3, 20]


@given(amounts, st.randoms())
def test_order_and_ties(money, random):
    tiers = ValueTiers()
    labels = tiers.fit_predict(money)
    ranks = np.array([RANK[label] for label in labels])
    money = np.array(money)
    for one in range(len(money)):
        same, more = money == money[one], money > money[one]
        assert len(set(ranks[same])) == 1
        assert np.all(ranks[more] <= ranks[one])
    assert np.all(labels[money <= 0] == "small")
    order = np.array(random.sample(range(len(money)), len(money)))
    np.testing.assert_array_equal(ValueTiers().fit_predict(money[order]), labels[order])
    # a tier never reaches below its share
    for last, border in ((0, 0.01), (1, 0.05), (2, 0.20)):
        assert np.sum(ranks <= last) <= np.ceil(round(border * len(money), 9))


@given(amounts)
def test_the_table_adds_up(money):
    table = ValueTiers().fit(money).table_
    assert table["customers"].sum() == len(money)
    assert table["customer_share"].sum() == pytest.approx(1.0)
    assert table["money"].sum() == pytest.approx(sum(money))
    if sum(money) > 0:
        assert table["money_share"].sum() == pytest.approx(1.0)
    else:
        assert np.isnan(table["money_share"]).all()


def test_new_customers_are_judged_by_the_learned_edges():
    money = np.arange(1.0, 101.0)
    tiers = ValueTiers().fit(money)
    assert tiers.edges_.tolist() == [99.0, 95.0, 80.0]
    assert tiers.predict([1e6, 99.0, 95.5, 80.0, -5.0]).tolist() == [
        "vip",
        "major",
        "major",
        "small",
        "small",
    ]
    np.testing.assert_array_equal(tiers.predict(money), ValueTiers().fit_predict(money))


def test_one_customer_equal_customers_and_no_money():
    assert ValueTiers().fit_predict([12.0]).tolist() == ["vip"]
    assert ValueTiers().fit_predict([12.0] * 10).tolist() == ["small"] * 10
    assert ValueTiers().fit_predict([0.0, -3.0]).tolist() == ["small", "small"]
    assert ValueTiers().fit_predict([9.0, 0.0, 0.0]).tolist() == ["vip", "small", "small"]


def test_own_names_and_shares():
    tiers = ValueTiers(shares=[0.5, 0.5], labels=["top", "rest"])
    assert tiers.fit_predict([3, 1, 2, 4]).tolist() == ["top", "rest", "rest", "top"]


def test_logs_frames_and_vectors_agree():
    log, spend = tiny_log()
    tiers = ValueTiers(shares=(0.25, 0.25, 0.5), labels=("a", "b", "c"))
    expected = ["b", "c", "a", "c"]
    for money in (
        log,
        spend,
        spend.tolist(),
        pd.Series(spend),
        pd.DataFrame({"spend": spend}),
        spend[:, None],
    ):
        assert clone(tiers).fit(money).predict(money).tolist() == expected


def test_it_pickles_and_needs_fit():
    tiers = ValueTiers().fit([1.0, 2.0])
    assert pickle.loads(pickle.dumps(tiers)).predict([9.0]).tolist() == ["vip"]
    with pytest.raises(NotFittedError):
        ValueTiers().predict([1.0])


@pytest.mark.parametrize(
    ("parameters", "error", "message"),
    [
        ({"shares": (0.5, 0.6), "labels": ("a", "b")}, InputError, "must sum to 1"),
        ({"shares": (-0.5, 1.5), "labels": ("a", "b")}, InputError, r"shares\[0\] must be >= 0"),
        ({"shares": (0.5, "half"), "labels": ("a", "b")}, InputTypeError, r"shares\[1\] must be a number"),
        ({"shares": 0.2}, InputError, "two or more shares"),
        ({"shares": "0.2"}, InputError, "two or more shares"),
        ({"shares": (1.0,)}, InputError, "two or more shares"),
        ({"shares": [[1], [1, 2]]}, InputTypeError, r"shares\[0\] must be a number"),
        ({"labels": [["a"], ["b", "c"], "d", "e"]}, InputTypeError, "labels must be text"),
        ({"shares": (0.2, 0.8)}, InputError, "name yours with labels"),
        ({"labels": ("a", "b")}, InputError, "labels must be 4 different names"),
        ({"labels": ("a", "a", "b", "c")}, InputError, "labels must be 4 different names"),
        ({"labels": "tier"}, InputError, "labels must be 4 different names"),
        ({"labels": (1, 2, 3, 4)}, InputTypeError, "labels must be text"),
        ({"labels": 4}, InputTypeError, "labels must be"),
    ],
)
def test_wrong_parameters_are_named(parameters, error, message):
    with pytest.raises(error, match=message):
        ValueTiers(**parameters).fit([1.0, 2.0])


@pytest.mark.parametrize(
    "money", [[], [np.nan], [np.inf], None, "milk", np.ones((2, 2)), [[1.0], [1.0, 2.0]]]
)
def test_wrong_money_is_named(money):
    with pytest.raises((InputError, InputTypeError), match="money"):
        ValueTiers().fit(money)
