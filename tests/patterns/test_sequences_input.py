"""Sequences: made of logs, frames and lists; sliced, printed, pickled; bad input."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import crmintel as ci
from crmintel.exceptions import ColumnError, InputError, InputTypeError
from crmintel.transactions.sequences import as_sequences

LINES = {
    "customer": [2, 1, 1, 1, 2, 1, 1],
    "time": [
        "2024-01-05T10:00", "2024-01-31T18:00", "2024-01-05T10:00", "2024-01-05T12:00", "2024-02-01",
        "2024-01-05T10:00", "2024-01-06",
    ],
    "item": ["tea", "milk", "tea", "milk", "milk", "bread", None],
    "category": ["hot", "cold", "hot", "cold", "cold", "food", None],
    "amount": [1.0, 1.0, 1.0, 1.0, -1.0, 1.0, 1.0],
}  # fmt: skip


@pytest.fixture
def log():
    return ci.TransactionLog.from_arrays(**LINES)


# -- logs ------------------------------------------------------------------------------------------------------


def test_a_log_gives_the_sets_of_each_day_in_order(log):
    sequences = log.sequences()
    assert sequences.customers.tolist() == [1, 2]
    assert sequences.to_lists() == [[["bread", "milk", "tea"], ["milk"]], [["tea"]]]  # no returns, no blanks
    assert sequences.times.dtype == np.dtype("datetime64[us]")
    assert str(sequences.times[1]) == "2024-01-31T00:00:00.000000"


@pytest.mark.parametrize(
    ("level", "wanted", "first"),
    [
        ("hour", [["bread", "tea"], ["milk"], ["milk"]], "2024-01-05T10"),
        ("day", [["bread", "milk", "tea"], ["milk"]], "2024-01-05"),
        ("week", [["bread", "milk", "tea"], ["milk"]], "2024-01-01"),
        ("month", [["bread", "milk", "tea"]], "2024-01-01"),
        ("quarter", [["bread", "milk", "tea"]], "2024-01-01"),
        ("year", [["bread", "milk", "tea"]], "2024-01-01"),
    ],
)
def test_levels_of_the_calendar(log, level, wanted, first):
    sequence = log.sequences(level=level)[:1]
    assert sequence.to_lists() == [wanted]
    assert sequence.times[0] == np.datetime64(first)


def test_receipts_stand_at_their_first_line_and_numbers_may_come_back():
    log = ci.TransactionLog.from_arrays(
        customer=[1, 1, 1, 2],
        time=["2024-01-01T10:05", "2024-01-01T10:00", "2024-01-01T18:00", "2024-01-01T09:00"],
        item=["b", "a", "c", "a"],
        basket=[7, 7, 8, 7],
    )
    sequences = log.sequences()
    assert sequences.to_lists() == [[["a", "b"], ["c"]], [["a"]]]
    assert sequences.times[0] == np.datetime64("2024-01-01T10:00")


def test_categories_in_place_of_items(log):
    assert log.sequences(of="category").to_lists() == [[["cold", "food", "hot"], ["cold"]], [["hot"]]]


def test_parts_of_a_log_give_their_own_sequences(log):
    assert log[::-1].sequences().to_lists() == log.sequences()[::-1].to_lists()
    assert log.until("2024-01-10").sequences().to_lists() == [[["bread", "milk", "tea"]], [["tea"]]]


def test_a_customer_without_an_item_has_an_empty_sequence():
    log = ci.TransactionLog.from_arrays(customer=[1, 2], time=["2024-01-01"] * 2, item=["a", None])
    assert log.sequences().to_lists() == [[["a"]], []]


def test_logs_that_cannot_are_told_what_is_missing(log):
    with pytest.raises(ColumnError, match="item"):
        ci.TransactionLog.from_arrays(customer=[1], time=["2024-01-01"]).sequences()
    with pytest.raises(InputError, match="level"):
        log.sequences(level="decade")
    with pytest.raises(InputError, match="of must be"):
        log.sequences(of="brand")


# -- frames ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("library", ["pandas", "polars", "pyarrow"])
def test_frames_in_any_row_order(library):
    module = pytest.importorskip(library)
    make = module.table if library == "pyarrow" else module.DataFrame
    frame = make({"who": ["b", "a", "a", "a"], "at": [3, 9, 1, 9], "what": ["x", "y", "x", "x"]})
    sequences = ci.Sequences.from_frame(frame, sequence="who", time="at", item="what")
    assert sequences.customers.tolist() == ["a", "b"]
    assert sequences.to_lists() == [[["x"], ["x", "y"]], [["x"]]]
    assert sequences.times.tolist() == [1.0, 9.0, 3.0]
    assert ci.FrequentSequences(1).fit(sequences).patterns_.to_frame().__class__ is frame.__class__


def test_without_times_the_rows_are_steps():
    clicks = {"session": [2, 1, 2, 2], "page": ["home", "home", "home", "cart"]}
    sequences = ci.Sequences.from_frame(clicks, sequence="session", item="page")
    assert sequences.to_lists() == [[["home"]], [["home"], ["home"], ["cart"]]]
    assert sequences.times.tolist() == [0.0, 0.0, 1.0, 2.0]


def test_dates_as_text_and_back_to_a_frame():
    frame = {"who": [1, 1], "at": ["2024-02-01", "2024-01-01"], "what": ["x", "y"]}
    back = ci.Sequences.from_frame(frame, sequence="who", time="at", item="what").to_frame()
    assert back["item"].tolist() == ["y", "x"]
    assert back["time"].astype("datetime64[D]").astype(str).tolist() == ["2024-01-01", "2024-02-01"]


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("who", None, "1 of 2 values of 'who' are missing"),
        ("what", float("nan"), "1 of 2 values of 'what' are missing"),
        ("at", None, "1 of 2 times in 'at' are missing"),
        ("at", float("inf"), "not finite"),
    ],
)
def test_missing_values_are_counted(column, value, message):
    frame = {"who": ["a", "b"], "at": [1.0, 2.0], "what": ["x", "y"]}
    frame[column] = [frame[column][0], value]
    with pytest.raises(InputError, match=message):
        ci.Sequences.from_frame(frame, sequence="who", time="at", item="what")


def test_missing_dates_are_counted():
    frame = {"who": ["a", "b"], "at": ["2024-01-01", None], "what": ["x", "y"]}
    with pytest.raises(InputError, match="1 of 2 times"):
        ci.Sequences.from_frame(frame, sequence="who", time="at", item="what")


# -- lists -----------------------------------------------------------------------------------------------------

element = st.lists(st.sampled_from("abc"), max_size=3)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(element, max_size=4), max_size=5), st.data())
def test_lists_come_back_as_sorted_sets_and_slices_as_parts(lists, data):
    sequences = ci.Sequences.from_lists(lists)
    wanted = [[sorted(set(e)) for e in sequence if e] for sequence in lists]
    assert sequences.to_lists() == wanted
    assert sequences.n_elements == sum(map(len, wanted))
    rows = data.draw(st.lists(st.sampled_from(range(len(lists))), max_size=4) if lists else st.just([]))
    assert sequences[rows].to_lists() == [wanted[row] for row in rows]
    again = pickle.loads(pickle.dumps(sequences))
    assert again.to_lists() == wanted
    np.testing.assert_array_equal(again.times, sequences.times)


def test_given_times_sort_and_join():
    sequences = ci.Sequences.from_lists([["a", "b", ["c"]]], times=[[5, 1, 5]], customers=["ann"])
    assert sequences.to_lists() == [[["b"], ["a", "c"]]]
    assert sequences.times.tolist() == [1.0, 5.0]
    assert sequences.customers.tolist() == ["ann"]


def test_an_empty_element_takes_its_step():
    assert ci.Sequences.from_lists([["a", [], "b"]]).times.tolist() == [0.0, 2.0]


@pytest.mark.parametrize(
    ("lists", "parameters", "error", "message"),
    [
        ("milk", {}, InputTypeError, "list of lists"),
        (5, {}, InputTypeError, "list of lists"),
        (["milk"], {}, InputTypeError, "sequence 0 must be a list of elements in their order, got 'milk'"),
        ([[["a"]], 3], {}, InputTypeError, "sequence 1"),
        ([["a", None]], {}, InputError, "1 of 2 values of 'item' are missing"),
        ([["a", 1]], {}, InputTypeError, "mixed types"),
        ([["a"]], {"times": []}, InputError, "one per sequence"),
        ([["a"]], {"times": [[1, 2]]}, InputError, "one per element"),
        ([["a"]], {"times": [1]}, InputError, "one per element"),
        ([["a", "b"]], {"times": [[1, float("nan")]]}, InputError, "1 of 2 times"),
        ([["a", "b"]], {"times": [[1, None]]}, InputError, "1 of 2 times"),
        ([["a"]], {"times": [["yesterday"]]}, InputError, "yesterday"),
        ([["a"]], {"times": 5}, InputError, "times must be 1 lists"),
        ([["a", "b"]], {"times": [[2**53, 2**53 + 1]]}, InputError, "cannot be told apart"),
        ([["a", "b"]], {"times": [[0.0, -1e300]]}, InputError, r"row 1 of 'times' is -1e\+300"),
        ([["a"]], {"times": [[np.timedelta64(1, "D")]]}, InputTypeError, "timedelta64"),
        ([{"a", "b"}], {}, InputTypeError, "sequence 0 must be a list of elements in their order"),
        ([{"a": 1}], {}, InputTypeError, "sequence 0"),
        ([["a"]], {"customers": [1, 2]}, InputError, "customers must hold 1"),
    ],
)
def test_lists_that_cannot_be_read_are_named(lists, parameters, error, message):
    with pytest.raises(error, match=message):
        ci.Sequences.from_lists(lists, **parameters)


# -- the type --------------------------------------------------------------------------------------------------


def test_selection_by_mask_slice_and_id():
    sequences = ci.Sequences.from_lists([["a"], ["b", "c"], []], customers=["x", "y", "z"])
    assert sequences[sequences.customers == "y"].to_lists() == [[["b"], ["c"]]]
    assert sequences[1:].customers.tolist() == ["y", "z"]
    assert sequences[-1].to_lists() == [[]]
    assert sequences[[], ...].to_lists() == []
    assert sequences.shape == (3,)
    assert [part.to_lists() for part in sequences] == [[[["a"]]], [[["b"], ["c"]]], [[]]]
    for key, error in (
        (5, IndexError),
        ("y", InputTypeError),
        ([True], InputError),
        ((0, 1), InputError),
        ([[0]], InputTypeError),
    ):
        with pytest.raises(error):
            sequences[key]


def test_frozen_and_printed():
    sequences = ci.Sequences.from_lists([["a"], ["b", "c"]])
    assert repr(sequences) == "Sequences(2 sequences, 3 elements, 3 items, 1.50 elements a sequence)"
    with pytest.raises(AttributeError, match="frozen"):
        sequences.items = None
    with pytest.raises(ValueError, match="read-only"):
        sequences.labels[0] = "z"
    with pytest.raises(InputTypeError, match="from_lists"):
        ci.Sequences()
    assert as_sequences(sequences) is sequences


def test_other_labels():
    sequences = ci.Sequences.from_lists([["a", ["b", "c"]]])
    assert sequences.with_labels(np.array(["c", "a"], dtype=object)).to_lists() == [[["a"], ["c"]]]
    assert sequences.with_labels(np.array(["z"], dtype=object)).to_lists() == [[]]
    with pytest.raises(InputTypeError, match="str like 'a', known are int"):
        sequences.with_labels(np.array([1, 2]))
