"""Baskets: the same rows from every kind of input, and a clear error for what cannot be baskets."""

from __future__ import annotations

import pickle

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from scipy import sparse

from crmintel import Baskets, TransactionLog
from crmintel.exceptions import ColumnError, InputError, InputTypeError
from crmintel.transactions.baskets import as_baskets

LISTS = [["milk", "bread", "milk"], ["tea"], [], ["bread", "tea"]]
SORTED = [["bread", "milk"], ["tea"], [], ["bread", "tea"]]
ONE_HOT = {
    "bread": [True, False, False, True],
    "milk": [True, False, False, False],
    "tea": [False, True, False, True],
}


def test_duplicates_merge_and_empty_baskets_stay():
    baskets = Baskets.from_lists(LISTS)
    assert baskets.to_lists() == SORTED
    assert len(baskets) == 4
    assert baskets.shape == (4, 3)
    assert repr(baskets) == "Baskets(4 baskets, 3 items, 1.25 items a basket)"


@pytest.mark.parametrize(
    "X",
    [
        Baskets.from_lists(LISTS),
        pd.DataFrame(ONE_HOT),
        pd.DataFrame(ONE_HOT).astype(float),
        pd.DataFrame(ONE_HOT, dtype="boolean"),
        pl.DataFrame(ONE_HOT),
        pa.table(ONE_HOT),
        tuple(map(tuple, LISTS)),
        [set(basket) for basket in LISTS],
        [np.array(basket, dtype=object) for basket in LISTS],
    ],
    ids=lambda X: type(X).__module__ + "." + type(X).__name__,
)
def test_every_input_gives_the_same_baskets(X):
    assert as_baskets(X).to_lists() == SORTED


@pytest.mark.parametrize(
    "kind", [sparse.csr_array, sparse.csc_matrix, sparse.coo_array, np.asarray, np.asfortranarray]
)
@pytest.mark.parametrize("dtype", [bool, np.int8, np.float64, np.uint16])
def test_matrices_of_any_kind_and_dtype(kind, dtype):
    matrix = np.array(list(ONE_HOT.values()), dtype=dtype).T
    baskets = Baskets(kind(matrix), ["bread", "milk", "tea"])
    assert baskets.to_lists() == SORTED
    assert as_baskets(kind(matrix)).items.tolist() == [0, 1, 2]


def test_a_read_only_matrix_is_left_alone():
    matrix = sparse.csr_array((np.ones(3), np.array([1, 0, 1]), np.array([0, 2, 3])), shape=(2, 2))
    for array in (matrix.data, matrix.indices, matrix.indptr):
        array.flags.writeable = False
    assert Baskets(matrix).to_lists() == [[0, 1], [1]]
    assert matrix.indices.tolist() == [1, 0, 1]


def test_baskets_share_nothing_with_what_they_came_from_or_hand_out():
    csr = sparse.csr_array(np.array([[1, 0, 1], [0, 1, 0]], dtype=np.int32))
    items, ids, owners = np.array(["a", "b", "c"], dtype=object), np.array([7, 8]), np.array([0, 1])
    baskets = Baskets(csr, items, ids=ids, customers=owners)
    csr.indices[0], items[0], ids[0], owners[0] = 1, "z", 9, 1
    baskets.matrix.indices[:] = 0
    baskets.matrix.indptr[:] = 0
    assert baskets.to_lists() == [["a", "c"], ["b"]]
    assert baskets.ids.tolist() == [7, 8]
    assert baskets.customers.tolist() == [0, 1]
    for labels in (baskets.items, baskets.ids, baskets.customers):
        with pytest.raises(ValueError, match="read-only"):
            labels[0] = labels[1]


def test_entries_stored_twice_merge_and_stored_zeros_do_not_count():
    matrix = sparse.csr_array(
        (np.array([1, 1, 0, 1]), np.array([1, 1, 0, 0]), np.array([0, 3, 4])), shape=(2, 2)
    )
    assert Baskets(matrix).to_lists() == [[1], [0]]


@pytest.mark.parametrize(
    "make", [pd.DataFrame, pl.DataFrame, pa.table, dict], ids=lambda make: make.__module__
)
def test_a_long_frame_of_any_library(make):
    frame = make({"receipt": [9, 7, 7, 9, 7], "sku": ["b", "a", "b", "b", "a"]})
    baskets = Baskets.from_frame(frame, basket="receipt", item="sku")
    assert baskets.ids.tolist() == [7, 9]
    assert baskets.to_lists() == [["a", "b"], ["b"]]
    assert baskets.library == (None if make is dict else make.__module__.split(".")[0])


@pytest.mark.parametrize(
    ("items", "dtype"),
    [([10**15, 5, 10**15], np.int64), (["b", "a", "b"], object), ([1.0, 2.0, 1.0], np.int64)],
)
def test_ids_of_many_types(items, dtype):
    baskets = Baskets.from_frame({"b": [1, 1, 2], "i": np.array(items)}, basket="b", item="i")
    assert baskets.items.dtype == dtype
    assert baskets.to_lists() == [sorted(items[:2]), [items[2]]]


def test_co_occurrence_counts_do_not_wrap():
    baskets = Baskets.from_lists([["a", "b"]] * 300)
    assert (baskets.matrix.T @ baskets.matrix).toarray().tolist() == [[300, 300], [300, 300]]


def test_rows_are_selected_as_scikit_learn_does():
    baskets = Baskets(sparse.csr_array(np.eye(4)), ids=list("wxyz"), customers=[0, 0, 1, 2])
    for key in ([2, 0], np.array([False, True, True, False]), slice(1, 3), (np.array([1, 2]), Ellipsis)):
        rows = np.arange(4)[key[0] if isinstance(key, tuple) else key]
        part = baskets[key]
        assert part.to_lists() == [[r] for r in rows]
        assert part.ids.tolist() == np.array(list("wxyz"))[rows].tolist()
        assert part.customers.tolist() == np.array([0, 0, 1, 2])[rows].tolist()
    assert baskets[2].to_lists() == [[2]]
    assert len(baskets[[]]) == 0


@pytest.mark.parametrize("key", ["a", 1.5, np.array([True]), (0, 1), None, [[0, 1], [2]], [[]]])
def test_other_keys_are_refused(key):
    with pytest.raises((InputError, InputTypeError), match="basket"):
        Baskets.from_lists(LISTS)[key]


def test_pickle_and_frozen():
    baskets = Baskets(sparse.csr_array(np.eye(2)), ["a", "b"], ids=[5, 6], customers=[1, 0])
    again = pickle.loads(pickle.dumps(baskets))
    assert again.to_lists() == baskets.to_lists()
    assert again.customers.tolist() == [1, 0]
    with pytest.raises(AttributeError, match="frozen"):
        baskets.items = np.array(["c", "d"])


def test_the_union_of_a_customers_baskets():
    baskets = Baskets(sparse.csr_array(np.array([[1, 1, 0], [0, 1, 1], [0, 0, 1]])), customers=[2, 2, 0])
    union = baskets.by_customer(4)
    assert union.to_lists() == [[2], [], [0, 1, 2], []]
    assert union.customers.tolist() == [0, 1, 2, 3]
    with pytest.raises(InputError, match="n_customers"):
        baskets.by_customer(2)
    with pytest.raises(InputError, match="owners"):
        Baskets.from_lists(LISTS).by_customer(3)


def test_other_columns():
    baskets = Baskets.from_lists(LISTS)
    assert baskets.with_items(np.array(["tea", "gin", "bread"], dtype=object)).to_lists() == [
        ["bread"], ["tea"], [], ["tea", "bread"],
    ]  # fmt: skip
    assert baskets.with_items(np.array(["gin"], dtype=object)).to_lists() == [[], [], [], []]
    with pytest.raises(InputTypeError, match=r"they are str like 'bread', known are int like 1"):
        baskets.with_items(np.array([1, 2]))


def test_the_baskets_of_a_log():
    log = TransactionLog.from_arrays(
        customer=["ann", "bob", "ann", "ann"],
        time=["2024-01-01", "2024-01-02", "2024-01-01", "2024-02-01"],
        item=["milk", "tea", "bread", "tea"],
    )
    assert as_baskets(log).to_lists() == [["bread", "milk"], ["tea"], ["tea"]]
    assert as_baskets(log).by_customer(len(log)).to_lists() == [["bread", "milk", "tea"], ["tea"]]


@pytest.mark.parametrize(
    ("X", "error", "message"),
    [
        (["milk"], InputTypeError, r"basket 0 is the text 'milk', not a list of items; write \[\['milk'\]\]"),
        (["milk", "tea"], InputTypeError, r"write \[\['milk', 'tea'\]\] for one basket of these items, or"),
        (["milk,tea"], InputTypeError, r"split it: \[text.split\(','\) for text in baskets\]"),
        (pd.Series([["milk"], ["tea"]]), InputTypeError, r"Baskets.from_lists\(X.to_list\(\)\)"),
        (pl.Series([["milk"], ["tea"]]), InputTypeError, r"Baskets.from_lists\(X.to_list\(\)\)"),
        ([["a", "b"], ["a", None], [None]], InputError, "2 of 5 items are missing .* the first in basket 1;"),
        ([["a"], "b"], InputTypeError, "basket 1 is the text 'b'"),
        ("milk", InputTypeError, "got str"),
        (None, InputTypeError, "got NoneType"),
        (3, InputTypeError, "got int"),
        ([["a"], 5], InputTypeError, "basket 1 must be a list of items, got 5"),
        ([[1.5, float("nan")]], InputError, "missing|fractional"),
        ([["a", 1]], InputTypeError, "mixed types"),
        ([[["a"]]], InputTypeError, "unhashable"),
        ([{"a": 2}], InputTypeError, r"basket 0 is the mapping \{'a': 2\}.*list\(basket\)"),
        (np.ma.masked_array([[True, False]], mask=[[True, False]]), InputTypeError, "1 masked values"),
        (sparse.coo_array([True, False]), InputTypeError, r"two-dimensional.*shape \(2,\)"),
        (np.array([[0, 2]]), InputError, "basket 0, column 1 holds 2"),
        (np.array([[0.0, np.nan]]), InputError, "basket 0, column 1 holds nan"),
        (np.array([1, 0]), InputError, r"shape \(2,\)"),
        (np.array(1), InputError, r"shape \(\)"),
        (np.array([["a"]]), InputError, "dtype <U1"),
        (np.array([[True, None]]), InputError, "dtype object"),
        (sparse.csr_array([[0, 3], [1, 0]]), InputError, "basket 0, column 1 holds 3"),
        (sparse.csr_array([[0.5]]), InputError, "holds 0.5"),
        (pd.DataFrame({"a": [True, False], "b": [0, 2]}), InputError, "row 1 of 'b' holds 2"),
        (pd.DataFrame({"basket": [0, 1], "item": ["x", "y"]}), InputTypeError, "Baskets.from_frame"),
        (pl.DataFrame({"a": [True, None]}), InputError, "row 1 of 'a' holds nan"),
        (pl.LazyFrame({"a": [True]}), InputTypeError, "collect"),
    ],
)  # fmt: skip
def test_what_is_no_basket_is_refused(X, error, message):
    with pytest.raises(error, match=message):
        as_baskets(X)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"items": ["a", "a"]}, "'a' twice"),
        ({"items": ["a"]}, "2 labels"),
        ({"items": ["a", 1]}, "mixed types"),
        ({"items": ["a", None]}, "missing"),
        ({"items": [["a", "b"]]}, r"2 labels"),
        ({"ids": [1]}, "ids must hold 2 labels"),
        ({"customers": [0, 1, 2]}, "customers has 3 values"),
        ({"customers": [0, -1]}, "customers must be >= 0"),
        ({"customers": [0, 0.5]}, "whole numbers"),
    ],
)
def test_labels_that_do_not_fit(change, message):
    with pytest.raises((InputError, InputTypeError), match=message):
        Baskets(np.eye(2), **change)


def test_errors_of_long_frames():
    frame = pd.DataFrame({"b": [1, 2, None], "i": ["x", None, "z"]})
    with pytest.raises(InputError, match=r"1 of 3 values of 'b' are missing, the first in row 2"):
        Baskets.from_frame(frame, basket="b", item="i")
    with pytest.raises(ColumnError, match="basket='receipt'"):
        Baskets.from_frame(frame, basket="receipt", item="i")
