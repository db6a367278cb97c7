"""ValueTiers: shares by rank, ties, learned edges, the table, bad input."""

from __future__ import annotations

import pickle
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from crmintel import ValueTiers, top_share
from crmintel.exceptions import DataWarning, InputError, InputTypeError
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


@pytest.mark.filterwarnings("ignore:.*negative money:crmintel.exceptions.DataWarning")
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


@pytest.mark.filterwarnings("ignore:.*negative money:crmintel.exceptions.DataWarning")
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


ABC = ("A", "B", "C")


def tier_by_money(money, spent, borders):
    """The definition, for one customer: how many borders those who spent more have reached."""
    if spent <= 0:
        return len(borders)
    before = sum(Fraction(other) for other in money if other > spent)
    return sum(before >= border * sum(map(Fraction, money)) for border in borders)


@pytest.mark.filterwarnings("ignore:.*negative money:crmintel.exceptions.DataWarning")
@given(amounts.filter(lambda money: sum(money) > 0), st.integers(0, 100), st.integers(0, 100), st.randoms())
def test_by_money_is_its_definition(money, one, other, random):
    low, high = sorted((one, other))
    shares = [low / 100, (high - low) / 100, (100 - high) / 100]
    tiers = ValueTiers(shares, by="money", labels=ABC).fit(money)
    borders = [Fraction(low, 100), Fraction(high, 100)]
    expected = [ABC[tier_by_money(money, spent, borders)] for spent in money]
    assert tiers.predict(money).tolist() == expected
    shuffled = random.sample(money, len(money))
    np.testing.assert_array_equal(
        ValueTiers(shares, by="money", labels=ABC).fit(shuffled).edges_, tiers.edges_
    )


def test_abc_of_a_textbook():
    money = [50, 30, 10, 5, 3, 2]  # 50, 80, 90, 95, 98, 100 %
    tiers = ValueTiers((0.8, 0.15, 0.05), by="money", labels=ABC).fit(money)
    assert tiers.predict(money).tolist() == ["A", "A", "B", "B", "C", "C"]
    assert tiers.edges_.tolist() == [10.0, 3.0]
    assert tiers.table_["money_share"].tolist() == [0.8, 0.15, 0.05]
    # who crosses the border is still inside, with all who spent the same
    assert ValueTiers((0.8, 0.2), by="money", labels=ABC[:2]).fit_predict([70, 20, 10]).tolist() == [
        "A",
        "A",
        "B",
    ]
    assert ValueTiers((0.1, 0.9), by="money", labels=ABC[:2]).fit_predict([7, 7, 1]).tolist() == [
        "A",
        "A",
        "B",
    ]


def test_shares_of_money_are_counted_up_to_rounding():
    money = [0.7, 0.1, 0.08, 0.06, 0.06]  # 0.7 + 0.1 is just below 0.8 in binary: nobody else may come into A
    tiers = ValueTiers((0.8, 0.2), by="money", labels=("A", "B"))
    assert tiers.fit_predict(money).tolist() == ["A", "A", "B", "B", "B"]


@pytest.mark.filterwarnings("ignore:.*negative money:crmintel.exceptions.DataWarning")
@given(amounts, st.lists(st.integers(0, 200), min_size=1, max_size=6, unique=True))
def test_thresholds_are_exceeded(money, thresholds):
    thresholds = sorted(thresholds, reverse=True)
    names = [f"tier {i}" for i in range(len(thresholds) + 1)]
    tiers = ValueTiers(None, thresholds=thresholds, labels=names).fit(money)
    assert tiers.edges_.tolist() == thresholds
    expected = [names[sum(spent <= threshold for threshold in thresholds)] for spent in money]
    assert tiers.predict(money).tolist() == expected
    assert tiers.table_["customers"].tolist() == [expected.count(name) for name in names]


def test_three_thresholds_have_names():
    tiers = ValueTiers(thresholds=(1000, 100, 10))
    assert tiers.fit_predict([1000.5, 1000, 100, 10, -3]).tolist() == [
        "vip",
        "major",
        "ordinary",
        "small",
        "small",
    ]


def test_much_negative_money_is_told():
    with pytest.warns(
        DataWarning, match=r"1 of 4 customers have negative money, -5 together of a total of 1:"
    ):
        table = ValueTiers().fit([-5.0, 3, 2, 1]).table_
    assert table["money_share"].tolist() == [3.0, 0.0, 0.0, -2.0]
    ValueTiers().fit([-10.0, 110.0])  # 10 %, as a shop with returns has: no warning


def test_money_that_sums_to_nothing_has_no_shares_but_thresholds():
    with pytest.raises(InputError, match="must sum to more than 0 to be shared out, it sums to -2"):
        ValueTiers(by="money").fit([3.0, -5.0])
    assert ValueTiers(thresholds=(2, 1, 0)).fit_predict([3.0, -5.0]).tolist() == ["vip", "small"]


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
        ({"by": "sales"}, InputError, "by must be one of 'customers', 'money'"),
        ({"shares": None, "by": "money"}, InputError, "two or more shares of the money, got None"),
        ({"thresholds": (10, 100, 1000)}, InputError, r"must fall.*thresholds\[1\]=100 is not below 10"),
        ({"thresholds": (10, 10, 1)}, InputError, r"thresholds\[1\]=10 is not below 10"),
        ({"thresholds": (10, np.nan, 1)}, InputError, r"thresholds\[1\]"),
        ({"thresholds": (10, 5, -1)}, InputError, r"thresholds\[2\] must be >= 0"),
        ({"thresholds": (10, "5", 1)}, InputTypeError, r"thresholds\[1\] must be a number"),
        ({"thresholds": ()}, InputError, "one or more falling amounts"),
        ({"thresholds": 100}, InputError, "one or more falling amounts"),
        ({"thresholds": "100"}, InputError, "one or more falling amounts"),
        ({"thresholds": (100, 10)}, InputError, "there are 3 tiers.*name yours with labels"),
        ({"thresholds": (100,), "labels": ABC}, InputError, "labels must be 2 different names"),
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
