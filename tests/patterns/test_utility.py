"""High-utility itemsets: equal to the exhaustive twin, exact at the bound, and clear about what they cannot read."""

from __future__ import annotations

import gzip
import pickle

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

import crmintel as ci
from crmintel.exceptions import CapacityError, ColumnError, DataWarning, InputError, InputTypeError
from crmintel.patterns import _utility_search
from tests.oracles.utility import as_dict, high_utility_bruteforce, utilities_bruteforce

CENTS = st.integers(-500, 2000).map(lambda cents: cents / 100)
BASKETS = st.lists(st.dictionaries(st.integers(0, 6), CENTS), min_size=1, max_size=20)


def mine(X, min_utility=None, utilities=None, **parameters):
    return ci.HighUtilityItemsets(min_utility, **parameters).fit(X, utilities=utilities).itemsets_


@pytest.fixture(scope="module")
def foodmart(shared_data):
    with gzip.open(shared_data / "baskets" / "foodmart_utility.txt.gz", "rt") as file:
        rows = [line.split(":") for line in file.read().split("\n") if line]
    return [
        dict(zip(items.split(), map(float, utilities.split()), strict=True)) for items, _, utilities in rows
    ]


# -- the same answers as the exhaustive search -----------------------------------------------------------------


@settings(max_examples=200, deadline=None)
@given(BASKETS, st.integers(1, 3000), st.sampled_from([None, 1, 2, 3]))
def test_equal_to_every_subset_summed(baskets, cents, max_length):
    found = mine(baskets, cents / 100, max_length=max_length)
    assert as_dict(found) == high_utility_bruteforce(baskets, cents / 100, max_length)


@settings(max_examples=100, deadline=None)
@given(BASKETS, st.integers(1, 60), st.sampled_from([None, 0.5, 20.0]))
def test_the_best_k(baskets, k, min_utility):
    found = mine(baskets, min_utility, top_k=k)
    every = utilities_bruteforce(baskets)
    worth = sorted((float(u) for u, _ in every.values() if u > 0), reverse=True)
    assert found.utilities.tolist() == [u for u in worth if u >= (min_utility or 0)][:k]
    assert all((float(every[items][0]), every[items][1]) == pair for items, pair in as_dict(found).items())


@pytest.mark.parametrize("seed", range(4))
def test_dense_baskets_that_merge(seed):
    """Few distinct sets of items, each in many baskets: rows are merged, also where utilities cancel."""
    rng = np.random.default_rng(seed)
    kinds = rng.random((6, 11)) < 0.7
    baskets = [
        {int(item): int(rng.integers(-3, 9)) / 4 for item in np.flatnonzero(kinds[rng.integers(6)])}
        for _ in range(150)
    ]
    bound = float(np.quantile([float(u) for u, _ in utilities_bruteforce(baskets).values()], 0.6))
    assert as_dict(mine(baskets, max(bound, 0.25))) == high_utility_bruteforce(baskets, max(bound, 0.25))


def test_more_items_than_bits():
    """Levels of more than 64 items are not merged, those of 64 and fewer are: both sides of that border."""
    rng = np.random.default_rng(0)
    for n_items in (63, 64, 65, 66, 130):
        groups = [rng.choice(n_items, 4, replace=False) for _ in range(30)]
        # an item that all baskets hold, of the least worth, has everything else behind it
        baskets = [
            {0: 0.01, **{int(i) + 1: float(rng.integers(1, 20)) for i in groups[b % 30]}} for b in range(300)
        ]
        assert as_dict(mine(baskets, 90)) == high_utility_bruteforce(baskets, 90)


def test_foodmart(foodmart):
    every = utilities_bruteforce(foodmart)
    assert sum(sum(basket.values()) for basket in foodmart) == 12_011_023
    for bound, n in ((20_000, 12), (10_000, 428), (2_500, 117_592)):
        found = mine(foodmart, bound)
        assert len(found) == n
        assert as_dict(found) == {items: (float(u), c) for items, (u, c) in every.items() if u >= bound}


def test_the_example_of_the_paper():
    """Zida et al. (2017), table 1 and 2: profits a 5, b 2, c 1, d 2, e 3, f 1, g 1; the sets worth 30 or more."""
    profit = dict(zip("abcdefg", (5, 2, 1, 2, 3, 1, 1), strict=True))
    quantities = (
        {"a": 1, "c": 1, "d": 1},
        {"a": 2, "c": 6, "e": 2, "g": 5},
        {"a": 1, "b": 2, "c": 1, "d": 6, "e": 1, "f": 5},
        {"b": 4, "c": 3, "d": 3, "e": 1},
        {"b": 2, "c": 2, "e": 1, "g": 2},
    )
    found = mine([{item: n * profit[item] for item, n in basket.items()} for basket in quantities], 30)
    assert {"".join(each.items): each.utility for each in found} == {
        "bd": 30, "ace": 31, "bcd": 34, "bce": 31, "bde": 36, "bcde": 40, "abcdef": 30,
    }  # fmt: skip


# -- money is exact ---------------------------------------------------------------------------------------------


def test_the_bound_is_the_decimal_that_is_printed():
    baskets = [{"a": 0.1}, {"a": 0.2}, {"b": 0.3}]  # 0.1 + 0.2 > 0.3 in floats
    assert len(mine(baskets, 0.3)) == 2
    assert len(mine(baskets, 0.300001)) == 0
    assert mine(baskets, 0.3).utilities.tolist() == [0.3, 0.3]
    assert len(mine([{"a": 1 / 3}] * 3, 1)) == 0  # a third is 0.333333
    assert mine([{"a": 1.776e-15}, {"a": 2.0}], 2).utilities.tolist() == [
        2.0
    ]  # what 0.3 - 0.1 - 0.2 leaves behind


def test_the_order_of_rows_changes_nothing():
    rng = np.random.default_rng(1)
    matrix = sparse.csr_array(rng.random((400, 12)) * (rng.random((400, 12)) < 0.4))
    whole, mixed = mine(matrix, top_k=50), mine(matrix[rng.permutation(400)], top_k=50)
    for name in ("items", "offsets", "utilities", "counts"):
        np.testing.assert_array_equal(getattr(whole, name), getattr(mixed, name))


def test_pauses_change_nothing(monkeypatch):
    rng = np.random.default_rng(2)
    matrix = sparse.csr_array(rng.random((300, 14)) * (rng.random((300, 14)) < 0.5))
    whole = mine(matrix, 20)
    monkeypatch.setattr(_utility_search, "_BUDGET", 100)
    paused = mine(matrix, 20, verbose=True)
    assert len(whole) > 100
    np.testing.assert_array_equal(whole.items, paused.items)


# -- the ways in ------------------------------------------------------------------------------------------------


def test_a_log_brings_amount_less_cost():
    columns = {
        "customer": [1, 1, 1, 2, 2, 3],
        "time": ["2024-01-05"] * 6,
        "item": ["wine", "wine", "cheese", "wine", "bread", "wine"],
        "amount": [12.0, 12.0, 8.0, 10.0, 2.0, -12.0],
    }
    turnover = ci.TransactionLog.from_arrays(**columns)
    with pytest.warns(DataWarning, match=r"1 return lines worth -12\.00 are in no basket.*LogCleaner\(\)"):
        mine(turnover, 12)
    columns = {name: values[:5] for name, values in columns.items()}  # what the baskets hold
    turnover = ci.TransactionLog.from_arrays(**columns)
    assert [(each.items, each.utility, each.count) for each in mine(turnover, 12)] == [
        (("wine",), 34.0, 2), (("cheese", "wine"), 32.0, 1), (("bread", "wine"), 12.0, 1),
    ]  # fmt: skip
    profit = ci.TransactionLog.from_arrays(**columns, cost=[7.0, 7.0, 9.5, 4.0, 0.5])
    assert {each.items: each.utility for each in mine(profit, 1)} == {
        ("wine",): 16.0, ("bread", "wine"): 7.5, ("cheese", "wine"): 8.5, ("bread",): 1.5,
    }  # fmt: skip


def test_all_ways_in_agree():
    rows = [{"a": 1.5, "b": 2.0}, {"b": 4.25}, {}, {"a": 3.0, "c": 1.0}]
    names, dense = ["a", "b", "c"], np.zeros((4, 3))
    for k, row in enumerate(rows):
        for name, money in row.items():
            dense[k, names.index(name)] = money
    read_only = dense.copy()
    read_only.flags.writeable = False
    baskets = ci.Baskets(dense > 0, names)
    frame = pd.DataFrame(dense, columns=names)
    want = mine(rows, 3)
    for found in (
        mine(frame, 3),
        mine(baskets, 3, utilities=dense),
        mine(baskets, 3, utilities=sparse.coo_array(dense)),
        mine(baskets, 3, utilities=np.asfortranarray(dense)),
        mine(baskets, 3, utilities=read_only),
    ):
        assert [tuple(vars_of(each)) for each in found] == [tuple(vars_of(each)) for each in want]
    codes = mine(sparse.csr_matrix(dense), 3)
    assert [tuple(names[i] for i in each.items) for each in codes] == [each.items for each in want]
    assert isinstance(mine(frame, 3).to_frame(), pd.DataFrame)


def vars_of(each):
    return each.items, each.utility, each.count


def test_an_item_that_brings_nothing_counts():
    """Zero profit keeps an item in the basket, where it can be the reason for the others."""
    assert as_dict(mine([{"a": 0, "b": 5}], 5)) == {frozenset("b"): (5, 1), frozenset("ab"): (5, 1)}
    baskets = ci.Baskets.from_lists([["a", "b"]])
    assert len(mine(baskets, 5, utilities=[[0, 5]])) == 2
    assert len(mine(np.array([[0.0, 5.0]]), 5)) == 1


# -- the result ---------------------------------------------------------------------------------------------------


def test_the_itemsets():
    found = mine([{"tea": 5, "cup": 4}, {"tea": 5}, {"cup": 1}], 5)
    assert found[0] == found[-3] == next(iter(found))
    assert (found[0].items, found[0].utility, found[0].count) == (("tea",), 10.0, 2)
    assert found.lengths.tolist() == [1, 2, 1]
    assert found.support.tolist() == [2 / 3, 1 / 3, 2 / 3]
    frame = found.to_frame("polars")
    assert frame.columns == ["items", "length", "count", "utility", "share"]
    assert frame["items"].to_list() == ["tea", "cup, tea", "cup"]
    assert frame["share"].to_list() == [10 / 15, 9 / 15, 5 / 15]
    again = pickle.loads(pickle.dumps(found))
    assert list(again) == list(found)
    with pytest.raises(InputError, match="the number of an itemset must be >= -3 and <= 2, got 3"):
        found[3]


def test_nothing_found():
    for X in ([{}], [{"a": 1}], [{"a": -4.0}], np.zeros((3, 0))):
        found = mine(X, 10**20)
        assert (len(found), list(found), found.offsets.tolist()) == (0, [], [0])
        assert found.to_frame()["items"].size == 0
    assert len(mine([{"a": -4.0}])) == 0


def test_without_a_bound_the_hundred_best():
    rows = [{item: float(item + 1) for item in range(8)}]
    assert len(mine(rows)) == 100
    assert len(mine(rows, top_k=7)) == 7
    assert len(mine(rows, 1)) == 255


# -- what cannot be read -------------------------------------------------------------------------------------------

ROWS = [{"a": 1.0}]
BASKETS_AB = ci.Baskets.from_lists([["a", "b"], ["b"]])


@pytest.mark.parametrize(
    ("parameters", "error", "message"),
    [
        ({"min_utility": 0}, InputError, "min_utility must be > 0.0, got 0"),
        ({"min_utility": -1.0}, InputError, "min_utility must be > 0"),
        ({"min_utility": np.nan}, InputError, "min_utility must be > 0"),
        ({"min_utility": "5"}, InputTypeError, "min_utility must be a number, got '5'"),
        ({"top_k": 0}, InputError, "top_k must be >= 1"),
        ({"top_k": 2.0}, InputTypeError, "top_k must be a whole number"),
        ({"max_length": 0}, InputError, "max_length must be >= 1"),
        ({"max_itemsets": 0}, InputError, "max_itemsets must be >= 1"),
    ],
)
def test_wrong_parameters(parameters, error, message):
    with pytest.raises(error, match=message):
        ci.HighUtilityItemsets(**parameters).fit(ROWS)


@pytest.mark.parametrize(
    ("X", "utilities", "error", "message"),
    [
        ([], None, InputError, "there are no baskets to mine"),
        (np.zeros((0, 3)), None, InputError, "there are no baskets to mine"),
        ([["a", "b"]], None, InputTypeError, r"basket 0 must be a dict {item: money}, got \['a', 'b'\]"),
        ([{"a": None}], None, InputError, "the utilities must be finite"),
        ([{"a": np.nan}], None, InputError, "the utilities must be finite"),
        ([{"a": np.inf}], None, InputError, "the utilities must be finite"),
        ([{"a": "much"}], None, InputTypeError, "the utilities must hold numbers"),
        ([{"a": 1e12}], None, InputError, r"is beyond 4503599627; divide all money by a thousand"),
        ([{"a": 1e-9}], None, InputError, r"the largest is 1e-09\); multiply all money by a million"),
        ([{"a": 0.002}, *[{"a": 4e-7}] * 90], None, InputError, "gets lost"),
        ([{"a": 4e9}] * 1200, None, InputError, "sum to more than whole millionths can count"),
        ([{"a": 1.0, 1: 2.0}], None, InputTypeError, "mixed types"),
        (np.array([[1.0, np.nan]]), None, InputError, "1 entries are not, the first in basket 0, column 1"),
        (sparse.csr_array([[0, np.inf]]), None, InputError, "the first in basket 0, column 1"),
        (sparse.csr_array([[1 + 2j]]), None, InputTypeError, "must be a matrix of numbers"),
        (np.array([1.0, 2.0]), None, InputError, "must be two-dimensional"),
        (pd.DataFrame({"a": ["x"]}), None, InputTypeError, "not a number"),
        (pd.DataFrame({"receipt": [1], "product": ["x"], "amount": [2.0]}), None, InputTypeError,
         "'product'.*a long table of lines is read by TransactionLog.from_frame"),
        (pd.DataFrame({"day": pd.to_datetime(["2024-01-01"])}), None, InputTypeError, "TransactionLog.from_frame"),
        (pd.DataFrame({"a": [1.0, None]}), None, InputError, "'a' must be finite"),
        ("milk", None, InputTypeError, "X must be a log, Baskets with utilities=.*got str"),
        (None, None, InputTypeError, "got NoneType"),
        (ROWS, [[1.0]], InputError, "utilities= belongs to Baskets"),
        (BASKETS_AB, None, InputTypeError, "Baskets say what was bought, not what it brought"),
        (BASKETS_AB, [[1.0, 2.0]], InputError, r"utilities has shape \(1, 2\), the baskets have \(2, 2\)"),
        (BASKETS_AB, [[1, 2], [3, 4]], InputError, "1 entries for items that are not in the basket, the first in "
         "basket 1 for item 'a'"),
        (BASKETS_AB, [[1, 2], [0, np.nan]], InputError, "the first in basket 1, column 1"),
    ],
)  # fmt: skip
def test_wrong_inputs(X, utilities, error, message):
    with pytest.raises(error, match=message):
        ci.HighUtilityItemsets(1).fit(X, utilities=utilities)


def test_a_log_without_money_or_items():
    with pytest.raises(ColumnError, match="needs the amount of each line"):
        mine(ci.TransactionLog.from_arrays(customer=[1], time=["2024-01-01"], item=["a"]), 1)
    with pytest.raises(ColumnError, match="needs the item of each line"):
        mine(ci.TransactionLog.from_arrays(customer=[1], time=["2024-01-01"], amount=[1.0]), 1)


def test_more_itemsets_than_allowed():
    rows = [dict.fromkeys(range(26), 1.0)]
    with pytest.raises(CapacityError, match="more than max_itemsets=1,000 itemsets bring that much"):
        mine(rows, 1, max_itemsets=1000)
    assert len(mine(rows, 26, max_itemsets=1)) == 1


def test_small_amounts_that_millionths_hold_are_exact():
    assert mine([{"a": 0.0005, "b": 0.000001}], top_k=9).utilities.tolist() == [0.000501, 0.0005, 0.000001]


def test_shares_of_nothing_are_nan():
    frame = mine([{"a": 1.0, "b": -1.0}], 0.5).to_frame()
    assert frame["utility"].tolist() == [1.0]
    assert np.isnan(frame["share"]).all()


@pytest.mark.parametrize(
    "parameters", [{"top_k": 2**70}, {"top_k": 30, "max_itemsets": 20}, {"max_length": 2**70}]
)
def test_numbers_beyond_every_array_are_refused(parameters):
    with pytest.raises(InputError, match="must be >= 1 and <="):
        mine([{"a": 1.0}], 1, **parameters)


def test_itemsets_that_would_fill_the_memory_are_refused(monkeypatch):
    monkeypatch.setattr(_utility_search, "_MOST", 10_000)
    with pytest.raises(CapacityError, match="hold more than 10,000 items"):
        mine(np.ones((2, 300)), 1)
