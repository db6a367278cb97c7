"""Items rolled up to categories, and what a set of both levels says twice."""

from __future__ import annotations

import csv
from collections import Counter

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

import crmintel as ci
from crmintel.exceptions import ColumnError, InputError, InputTypeError
from crmintel.transactions.hierarchy import holds_ancestor

LISTS = [["ale", "chips", "stout"], ["stout"], [], ["chips"]]
CATEGORY = {"ale": "beer", "stout": "beer", "chips": "snack", "gin": "spirits"}


@pytest.fixture
def baskets():
    return ci.Baskets.from_lists(LISTS)


def test_categories_in_place_of_items(baskets):
    rolled = baskets.roll_up(CATEGORY)
    assert rolled.to_lists() == [["beer", "snack"], ["beer"], [], ["snack"]]
    assert rolled.items.tolist() == ["beer", "snack"]  # no column for what nobody can buy here


def test_categories_beside_items(baskets):
    both = baskets.roll_up(CATEGORY, keep_items=True)
    assert both.items.tolist() == ["ale", "chips", "stout", "beer", "snack"]
    assert both.to_lists() == [
        ["ale", "chips", "stout", "beer", "snack"],
        ["stout", "beer"],
        [],
        ["chips", "snack"],
    ]
    np.testing.assert_array_equal(both.matrix[:, :3].toarray(), baskets.matrix.toarray())


@given(st.lists(st.sets(st.integers(0, 9)), min_size=1), st.integers(1, 5), st.booleans())
def test_a_category_is_bought_where_one_of_its_items_is(lists, n_categories, keep_items):
    baskets = ci.Baskets.from_lists(lists)
    rolled = baskets.roll_up({i: 100 + i % n_categories for i in range(10)}, keep_items=keep_items)
    want = [{100 + i % n_categories for i in row} | (row if keep_items else set()) for row in lists]
    assert [set(row) for row in rolled.to_lists()] == want
    assert rolled.matrix.has_canonical_format


def test_groceries(real_groceries):
    baskets, level2, level1 = real_groceries
    two = baskets.roll_up(level2)
    assert two.shape == (9835, 55)
    assert baskets.roll_up(level1).shape == (9835, 10)
    assert two.roll_up(dict(zip(level2.values(), level1.values(), strict=True))).to_lists() == (
        baskets.roll_up(level1).to_lists()
    )
    counts = Counter(name for row in baskets.to_lists() for name in {level1[item] for item in row})
    assert (
        dict(zip(baskets.roll_up(level1).items, baskets.roll_up(level1).matrix.sum(axis=0), strict=True))
        == counts
    )
    with pytest.raises(
        InputError, match=r"categories are called like an item, e.g. '.*'.*Name them otherwise"
    ):
        baskets.roll_up(level2, keep_items=True)


@pytest.fixture(scope="module")
def real_groceries(shared_data):
    import gzip

    with gzip.open(shared_data / "baskets" / "groceries.csv.gz", "rt") as file:
        baskets = ci.Baskets.from_lists([line.rstrip("\n").split(",") for line in file])
    with open(shared_data / "baskets" / "groceries_items.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    return (
        baskets,
        {row["labels"]: row["level2"] for row in rows},
        {row["labels"]: row["level1"] for row in rows},
    )


@pytest.mark.parametrize("library", [pd.DataFrame, pl.DataFrame, dict], ids=["pandas", "polars", "dict"])
def test_categories_of_a_frame(baskets, library):
    columns = {"sku": [*CATEGORY, "ale"], "group": [*CATEGORY.values(), "beer"]}
    rolled = baskets.roll_up(library(columns), item="sku", category="group")
    assert rolled.to_lists() == baskets.roll_up(CATEGORY).to_lists()


def test_owners_and_ids_stay():
    log = ci.TransactionLog.from_arrays(
        customer=["b", "a", "a"], time=["2024-01-05"] * 3, item=[1, 2, 3], basket=[7, 8, 8]
    )
    rolled = log.baskets().roll_up({1: 10, 2: 10, 3: 10})
    assert (rolled.ids.tolist(), rolled.customers.tolist()) == ([8, 7], [0, 1])
    assert rolled.to_lists() == [[10], [10]]


def test_items_without_a_category(baskets):
    partly = {"ale": "beer", "stout": "beer", "chips": None}
    with pytest.raises(InputError, match=r"1 of 3 items have no category, e.g. \['chips'\].*missing='keep'"):
        baskets.roll_up(partly)
    assert baskets.roll_up(partly, missing="drop").to_lists() == [["beer"], ["beer"], [], []]
    assert baskets.roll_up(partly, missing="keep").to_lists() == [["beer", "chips"], ["beer"], [], ["chips"]]
    for missing in ("keep", "drop"):
        both = baskets.roll_up(partly, missing=missing, keep_items=True)
        assert both.to_lists()[3] == ["chips"]
    assert baskets.roll_up({}, missing="drop").shape == (4, 0)
    assert baskets.roll_up({}, missing="keep").to_lists() == baskets.to_lists()


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"categories": ["beer"]}, InputTypeError, "must be a mapping {item: category}, or a frame.*got list"),
        ({"categories": None}, InputTypeError, "got NoneType"),
        ({"categories": {"a": 1}, "item": "a"}, InputError, "the names of both columns"),
        ({"categories": pd.DataFrame({"a": [1]}), "item": "a", "category": "b"}, ColumnError, "no column 'b'"),
        ({"categories": {"sku": ["ale", "ale"], "group": ["x", "y"]}, "item": "sku", "category": "group"}, InputError,
         r"1 items stand in two categories, e.g. 'ale' in \['x', 'y'\]"),
        ({"categories": {1: "x", 2: "y"}}, InputError, r"3 of 3 items have no category.*know items like 1\."),
        ({"categories": {"ale": 1, "stout": "x", "chips": 2}}, InputTypeError, "mixed types"),
        ({"categories": {"ale": 1}, "missing": "keep"}, InputTypeError, "mixed types"),
        ({"categories": dict.fromkeys(CATEGORY, 1), "keep_items": True}, InputTypeError, "mixed types"),
        ({"categories": dict.fromkeys(CATEGORY, "ale"), "keep_items": True}, InputError,
         "1 categories are called like an item, e.g. 'ale'"),
        ({"categories": CATEGORY, "missing": "error"}, InputError, "missing must be one of 'raise', 'keep', 'drop'"),
    ],
)  # fmt: skip
def test_what_cannot_be_rolled_up(baskets, arguments, error, message):
    with pytest.raises(error, match=message):
        baskets.roll_up(**arguments)


def test_sets_that_hold_an_ancestor(baskets):
    both = baskets.roll_up(CATEGORY, keep_items=True)
    sets = ci.Baskets.from_lists(
        [["ale", "beer"], ["ale", "snack"], ["beer", "snack"], ["ale", "chips", "snack"], []]
    )
    found = holds_ancestor(sets.with_items(both.items).matrix, both.items, CATEGORY)
    assert found.tolist() == [True, False, False, True, False]
    deep = {**CATEGORY, "beer": "drink", "spirits": "drink"}
    labels = np.array(["ale", "drink"], dtype=object)
    assert holds_ancestor(np.array([[1, 1], [1, 0]]), labels, deep).tolist() == [True, False]
    with pytest.raises(InputError, match="run in a circle: 'beer' stands above itself"):
        holds_ancestor(sets.matrix, np.array(["beer"], dtype=object), {"beer": "drink", "drink": "beer"})


def test_rules_across_levels(baskets):
    both = baskets.roll_up(CATEGORY, keep_items=True)
    rules = ci.AssociationRules(ci.FrequentItemsets(1), min_value=0.0).fit(both).rules_
    trivial = holds_ancestor(rules.antecedents + rules.consequents, rules.items, CATEGORY)
    kept = {(rule.antecedent, rule.consequent) for rule in rules[~trivial]}
    assert (("ale",), ("snack",)) in kept
    assert (("ale",), ("beer",)) not in kept
    assert (("ale", "beer"), ("snack",)) not in kept
