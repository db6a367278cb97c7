"""Frequent sequences: against trying everything, published numbers, another implementation, and bad input."""

from __future__ import annotations

import gzip
import pickle
import random

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import crmintel as ci
from crmintel.exceptions import CapacityError, DataWarning, InputError, InputTypeError, UnitError
from crmintel.patterns import _sequence_trie
from tests.oracles.sequences import closed_sequences, contains, frequent_sequences


def found(patterns):
    return {tuple(frozenset(element) for element in p.elements): p.count for p in patterns}


def read(database):
    return ci.Sequences.from_lists(
        [[sorted(element) for _, element in sequence] for sequence in database],
        times=[[time for time, _ in sequence] for sequence in database],
    )


@pytest.fixture(scope="module")
def zaki(shared_data):
    rows = [line.split() for line in (shared_data / "sequences" / "zaki.txt").read_text().splitlines()]
    lines = [(int(row[0]), int(row[1]), item) for row in rows for item in row[3:]]
    columns = dict(zip(("sequence", "time", "item"), zip(*lines, strict=True), strict=True))
    return ci.Sequences.from_frame(columns, sequence="sequence", time="time", item="item")


# -- against trying everything ---------------------------------------------------------------------------------

items = st.sets(st.sampled_from("abcd"), min_size=1, max_size=3)
sequence = st.dictionaries(st.integers(0, 9), items, max_size=5).map(lambda s: sorted(s.items()))
databases = st.lists(sequence, min_size=1, max_size=5)
bounds = st.fixed_dictionaries(
    {}, optional={"min_gap": st.integers(0, 4), "max_gap": st.integers(1, 6), "window": st.integers(0, 4),
                  "max_span": st.integers(1, 8)}
)  # fmt: skip
limits = st.fixed_dictionaries(
    {"max_length": st.integers(1, 4)},
    optional={"max_elements": st.integers(1, 3), "max_element_size": st.integers(1, 2)},
)


def consistent(bounds):
    least = max(bounds.get("min_gap", 0), bounds.get("window", 0))
    return least <= min(bounds.get("max_gap", 99), bounds.get("max_span", 99))


@settings(max_examples=60, deadline=None)
@given(databases, st.integers(1, 3), bounds.filter(consistent), limits, st.sampled_from(["all", "closed"]))
def test_patterns_equal_those_of_trying_everything(database, min_count, bounds, limits, target):
    miner = ci.FrequentSequences(min_count, target=target, **bounds, **limits)
    wanted = frequent_sequences(database, min_count, **bounds, **limits)
    if target == "closed":
        wanted = closed_sequences(wanted)
    assert found(miner.fit(read(database)).patterns_) == wanted


@settings(max_examples=25, deadline=None)
@given(databases, bounds.filter(consistent))
def test_longer_patterns_without_limits(database, bounds):
    database = [sequence[:4] for sequence in database]
    miner = ci.FrequentSequences(max(2, len(database) - 1), **bounds)
    assert found(miner.fit(read(database)).patterns_) == frequent_sequences(
        database, max(2, len(database) - 1), **bounds
    )


def test_a_first_place_that_is_too_far_away_does_not_hide_a_later_one():
    """Projection by the first place alone misses a -> b here."""
    clicks = [["a", "c", "a", "b"]] * 2
    assert "a -> b" in ci.FrequentSequences(2, max_gap=1).fit(clicks).patterns_.names()


def test_a_window_joins_what_lies_within_and_gaps_are_measured_from_its_edges():
    sequences = ci.Sequences.from_lists([[["a"], ["b"], ["c"]]], times=[[0, 1, 4]])
    names = ci.FrequentSequences(1, window=1).fit(sequences).patterns_.names()
    assert {"a, b", "a, b -> c", "a -> b"} <= set(names)
    gapped = ci.FrequentSequences(1, window=1, max_gap=3).fit(sequences).patterns_.names()
    assert "b -> c" in gapped  # from 1 to 4
    assert "a, b -> c" not in gapped  # from 0 to 4


def test_gaps_are_closed_bounds():
    sequences = ci.Sequences.from_lists([[["a"], ["b"]]], times=[[0.0, 2.0]])
    for name in ("min_gap", "max_gap", "max_span"):
        assert len(ci.FrequentSequences(1, **{name: 2}).fit(sequences).patterns_) == 3
    assert len(ci.FrequentSequences(1, min_gap=2.1).fit(sequences).patterns_) == 2
    assert len(ci.FrequentSequences(1, max_gap=1.9).fit(sequences).patterns_) == 2


def test_the_same_for_any_number_of_threads():
    sequences = random_sequences(300, 8, 10)
    one, two = (ci.FrequentSequences(20, max_length=4, n_jobs=n).fit(sequences).patterns_ for n in (1, 3))
    for name in ("items", "element_offsets", "offsets", "counts"):
        np.testing.assert_array_equal(getattr(one, name), getattr(two, name))


def random_sequences(n, n_items, length, seed=0):
    draw = random.Random(seed)
    return [
        [draw.sample(range(n_items), draw.randint(1, 3)) for _ in range(draw.randint(0, length))]
        for _ in range(n)
    ]


def test_arenas_grow_and_support_falls_along_the_tree():
    patterns = ci.FrequentSequences(8, max_length=5, max_span=7).fit(random_sequences(200, 6, 12)).patterns_
    assert len(patterns) > 5000
    counts = found(patterns)
    for pattern, count in counts.items():
        assert len(pattern) == 1 or count <= counts[pattern[:-1]]


def test_long_patterns_need_no_recursion():
    patterns = ci.FrequentSequences(1).fit([["a"] * 300]).patterns_
    assert patterns.lengths.tolist() == list(range(1, 301))
    assert len(ci.FrequentSequences(1, target="closed").fit([["a"] * 300]).patterns_) == 1


# -- published numbers and another implementation --------------------------------------------------------------


def test_the_zaki_set_as_arules_sequences_prints_it(zaki):
    patterns = ci.FrequentSequences(0.4).fit(zaki).patterns_
    assert len(patterns) == 18
    assert np.bincount(patterns.lengths).tolist() == [0, 4, 8, 5, 1]
    assert np.bincount(patterns.sizes).tolist() == [0, 8, 7, 3]
    support = dict(zip(patterns.names().tolist(), patterns.support.tolist(), strict=True))
    singles = {"A": 1, "B": 1, "D": 0.5, "F": 1, "A, F": 0.75, "B, F": 1, "A, B, F": 0.75, "A, B": 0.75}
    assert {name: support.pop(name) for name in singles} == singles
    assert set(support.values()) == {0.5}
    small = ci.FrequentSequences(0.4, max_elements=2, max_element_size=2).fit(zaki).patterns_
    assert len(small) == 14


def test_the_zaki_set_gives_ten_rules(zaki):
    rules = ci.FrequentSequences(0.4).fit(zaki).patterns_.rules(min_confidence=0.5)
    assert len(rules) == 10
    by_name = {(rule.antecedent, rule.consequent): k for k, rule in enumerate(rules)}
    k = by_name[(("B", "F"),), ("A",)]
    assert (rules.n_ab[k], rules.n_a[k], rules.n_b[k], rules.n) == (2, 4, 4, 4)
    assert rules.confidence[k] == 0.5
    assert rules.lift[k] == 0.5
    assert rules.support[k] == 0.5


def test_closed_patterns_of_the_bide_paper():
    """Wang & Han (2004), table 1; PrefixSpan-py issue 14 returns patterns that are not closed."""
    closed = (
        ci.FrequentSequences(2, target="closed")
        .fit(list(map(list, ("CAABC", "ABCB", "CABC", "ABBCA"))))
        .patterns_
    )
    names = {"".join(element[0] for element in p.elements): p.count for p in closed}
    assert names == {"AA": 2, "ABB": 2, "ABC": 4, "CA": 3, "CABC": 2, "CB": 3}


REAL = {
    ("sign", 511): [13, 13, 1],
    ("sign", 438): [20, 34, 10],
    ("sign", 365): [33, 84, 49, 7],
    ("kosarak25k", 500): [26, 47, 35, 13, 2],
    ("kosarak25k", 250): [52, 142, 137, 56, 11, 1],
    ("msnbc", 9537): [10, 8, 5, 3, 1],
    ("msnbc", 6358): [10, 30, 18, 9, 5, 1],
}


@pytest.fixture(scope="module")
def clicks(shared_data):
    def load(name):
        with gzip.open(shared_data / "sequences" / f"{name}.spmf.gz", "rt") as file:
            return [[int(token) for token in line.split() if token not in ("-1", "-2")] for line in file]

    return {name: load(name) for name in ("sign", "kosarak25k", "msnbc")}


@pytest.mark.parametrize(("name", "min_count"), REAL)
def test_real_sets_have_as_many_patterns_of_each_length(name, min_count, clicks):
    patterns = ci.FrequentSequences(min_count).fit(clicks[name]).patterns_
    assert np.bincount(patterns.lengths)[1:].tolist() == REAL[name, min_count]


def test_sign_equals_prefixspan(clicks):
    prefixspan = pytest.importorskip("prefixspan")
    patterns = ci.FrequentSequences(365).fit(clicks["sign"]).patterns_
    mine = {tuple(element[0] for element in p.elements): p.count for p in patterns}
    assert mine == {tuple(p): n for n, p in prefixspan.PrefixSpan(clicks["sign"]).frequent(365)}


def test_closed_real_patterns_are_few_and_none_holds_another(clicks):
    patterns = found(ci.FrequentSequences(365).fit(clicks["sign"]).patterns_)
    closed = ci.FrequentSequences(365, target="closed").fit(clicks["sign"]).patterns_
    assert found(closed) == closed_sequences(patterns)


# -- rules -----------------------------------------------------------------------------------------------------


@settings(max_examples=60, deadline=None)
@given(databases, st.integers(1, 2))
def test_rules_divide_the_counts_of_patterns(database, min_count):
    patterns = ci.FrequentSequences(min_count, max_length=4).fit(read(database)).patterns_
    counts = found(patterns)
    rules = patterns.rules(min_confidence=0.6)
    wanted = {
        (p[:-1], p[-1]): (n, counts[p[:-1]], counts[p[-1:]])
        for p, n in counts.items()
        if len(p) > 1 and n / counts[p[:-1]] >= 0.6
    }
    mine = {
        (tuple(map(frozenset, rule.antecedent)), frozenset(rule.consequent)): tuple(map(int, side))
        for rule, *side in zip(rules, rules.n_ab, rules.n_a, rules.n_b, strict=True)
    }
    assert mine == wanted
    assert (np.diff(rules.confidence) <= 0).all()
    strong = rules[rules.lift > 1].sort("lift")
    assert (strong.lift > 1).all()
    assert (np.diff(strong.lift) <= 0).all()


def test_rules_print_and_go_to_frames():
    clicks = [["home", "search", "cart"], ["home", "search"], ["home", "cart"], ["search"]]
    rules = ci.FrequentSequences(2).fit(clicks).patterns_.rules(0.6)
    frame = rules.to_frame("pandas")
    assert frame["antecedent"].tolist() == ["home", "home"]
    assert frame["confidence"].tolist() == [2 / 3, 2 / 3]
    again = pickle.loads(pickle.dumps(rules))
    assert repr(again) == repr(rules)
    assert "home => cart" in repr(rules)
    assert rules[-1] == list(rules)[1]
    assert rules[-1].consequent == ("search",)
    assert len(rules[[]]) == len(rules[:0].to_frame()["count"]) == 0
    for key, error in (("a", InputTypeError), ([True], InputError), (1.0, InputTypeError), (2, IndexError)):
        with pytest.raises(error):
            rules[key]
    with pytest.raises(InputError, match="min_confidence"):
        ci.FrequentSequences(2).fit(clicks).patterns_.rules(1.5)
    with pytest.raises(InputError, match="target='all'"):
        ci.FrequentSequences(2, target="closed").fit(clicks).patterns_.rules()


# -- bounds of time on dates -----------------------------------------------------------------------------------


@pytest.fixture
def dated():
    return ci.TransactionLog.from_arrays(
        customer=[1, 1, 1, 2, 2],
        time=["2024-01-01", "2024-01-08", "2024-02-08", "2024-01-01", "2024-01-15"],
        item=["a", "b", "c", "a", "b"],
    )


def test_units_of_time_say_the_same(dated):
    for bound in (
        {"max_gap": 7},
        {"max_gap": "1W"},
        {"max_gap": 1, "unit": "week"},
        {"max_gap": 168, "unit": "h"},
        {"max_gap": "10080min"},
        {"max_gap": np.timedelta64(7, "D")},
        {"max_gap": pd.Timedelta("7D")},
    ):
        names = ci.FrequentSequences(1, **bound).fit(dated).patterns_.names().tolist()
        assert names == ["a", "a -> b", "b", "c"], bound
        assert ci.FrequentSequences(1, **bound).fit(dated).patterns_.counts[1] == 1


def test_a_number_of_days_for_clicks_of_minutes_is_told():
    minutes = [[np.datetime64("2024-01-01T10:00") + np.timedelta64(m, "m") for m in (0, 20, 45)]]
    clicks = ci.Sequences.from_lists([["a", "b", "c"]], times=minutes)
    message = (
        "max_gap=30 counts days and bounds nothing: of 1 sequences the longest spans 45 minutes.*'30min'"
    )
    with pytest.warns(DataWarning, match=message):
        ci.FrequentSequences(1, max_gap=30).fit(clicks)
    with pytest.warns(DataWarning, match="max_span=1 counts hours"):
        ci.FrequentSequences(1, max_span=1, unit="h").fit(clicks)
    for bound in ({"max_gap": "30min"}, {"max_gap": "4W"}, {"max_gap": 30, "unit": "min"}):
        ci.FrequentSequences(1, **bound).fit(clicks)  # warnings are errors here


def test_a_bound_in_time_needs_dates():
    for bound in ({"max_gap": "2W"}, {"max_gap": np.timedelta64(2, "h")}, {"max_gap": 2, "unit": "week"}):
        with pytest.raises(UnitError, match="plain numbers"):
            ci.FrequentSequences(1, **bound).fit([["a", "b"]])


# -- bad input -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"min_support": 0}, "min_support"),
        ({"min_support": 1.5}, "sequences"),
        ({"min_support": float("nan")}, "min_support"),
        ({"min_support": -1}, "min_support"),
        ({"target": "maximal"}, "target"),
        ({"max_gap": -1}, "max_gap"),
        ({"min_gap": -0.5}, "min_gap"),
        ({"window": float("nan")}, "window"),
        ({"max_span": float("inf")}, "max_span"),
        ({"min_gap": 3, "max_gap": 2}, "min_gap=3 must not be above max_gap=2"),
        ({"window": 3, "max_gap": 2}, "window=3 must not be above max_gap=2"),
        ({"min_gap": 3, "max_span": 2}, "min_gap=3 must not be above max_span=2"),
        ({"window": 3, "max_span": 2}, "window=3 must not be above max_span=2"),
        ({"max_length": 0}, "max_length"),
        ({"max_elements": 0}, "max_elements"),
        ({"max_element_size": 0}, "max_element_size"),
        ({"max_patterns": 0}, "max_patterns"),
        ({"n_jobs": 0}, "n_jobs"),
    ],
)
def test_parameters_out_of_bounds_are_named(parameters, message):
    with pytest.raises(InputError, match=message):
        ci.FrequentSequences(**{"min_support": 1, **parameters}).fit([["a", "b"]])


@pytest.mark.parametrize("parameters", [{"min_support": "many"}, {"max_gap": [1]}, {"max_length": 2.5}])
def test_parameters_of_another_type_are_named(parameters):
    with pytest.raises(InputTypeError, match=next(iter(parameters))):
        ci.FrequentSequences(**{"min_support": 1, **parameters}).fit([["a", "b"]])


def test_more_patterns_than_the_cap_are_refused():
    with pytest.raises(CapacityError, match="max_patterns=50"):
        ci.FrequentSequences(1, max_patterns=50).fit([[list("abcdefgh")] * 3])


def test_wide_windows_are_refused(monkeypatch):
    monkeypatch.setattr("crmintel.patterns._sequence_search._MOST_ENTRIES", 100)
    with pytest.raises(CapacityError, match="narrow the window"):
        ci.FrequentSequences(1, window=50, max_length=1).fit([["a"] * 50])


def test_what_is_no_sequence_is_named():
    for X in (5, "abc", np.zeros((2, 2))):
        with pytest.raises(InputTypeError, match=r"Sequences|sequence"):
            ci.FrequentSequences(1).fit(X)
    with pytest.raises(InputError, match="no sequences"):
        ci.FrequentSequences(1).fit([])


def test_empty_sequences_count_and_hold_nothing():
    patterns = ci.FrequentSequences(0.5).fit([["a"], [], [[]], ["a"]]).patterns_
    assert patterns.n_sequences == 4
    assert patterns.support.tolist() == [0.5]
    assert len(ci.FrequentSequences(1).fit([[], []]).patterns_) == 0
    nothing = ci.FrequentSequences(1, window=1, max_gap=2, max_span=3, target="closed").fit([[]]).patterns_
    assert len(nothing) == 0
    assert list(nothing) == []
    assert "0 patterns" in repr(nothing)


def test_a_share_is_exact():
    """0.28 * 25 is above 7 in floats."""
    assert ci.FrequentSequences(0.28).fit([["a"]] * 7 + [["b"]] * 18).patterns_.names().tolist() == ["a", "b"]


# -- the result ------------------------------------------------------------------------------------------------


def test_patterns_are_read_by_number_as_frames_and_from_pickles():
    patterns = ci.FrequentSequences(1).fit([[["a", "b"], ["c"]]]).patterns_
    assert patterns[2].elements == (("a", "b"), ("c",))
    assert patterns[2].count == 1
    assert patterns[-1] == list(patterns)[-1]
    with pytest.raises(InputError, match="number of a pattern"):
        patterns[len(patterns)]
    assert patterns.to_frame("polars").columns == ["pattern", "elements", "length", "count", "support"]
    again = pickle.loads(pickle.dumps(patterns))
    assert list(again) == list(patterns)
    assert found(patterns)[frozenset("ab"), frozenset("c")] == 1


def test_the_twin_knows_the_window():
    """The slow twin itself, on the example of Srikant & Agrawal (1996), section 2."""
    sequence = [(1, {1, 2}), (15, {3}), (31, {4, 5})]
    assert not contains(sequence, (frozenset([1, 3]),))
    assert contains(sequence, (frozenset([1, 3]),), window=14)
    assert not contains(sequence, (frozenset([1, 2]), frozenset([4])), max_gap=20)


def test_units_are_checked_where_no_bound_needs_them():
    with pytest.raises(UnitError, match="plain numbers"):
        ci.FrequentSequences(1, unit="day").fit([["a"]])
    dated = ci.Sequences.from_lists([["a", "b"]], times=[["2024-01-01", "2024-01-03"]])
    with pytest.raises(UnitError, match="fortnight"):
        ci.FrequentSequences(1, unit="fortnight").fit(dated)
    assert len(ci.FrequentSequences(1, max_gap=np.timedelta64(1, "D")).fit(dated).patterns_) == 2
    with pytest.warns(DataWarning, match="max_gap=1e\\+300 counts days and bounds nothing"):
        assert len(ci.FrequentSequences(1, max_gap=1e300).fit(dated).patterns_) == 3
    assert len(ci.FrequentSequences(1, min_gap=1e300).fit(dated).patterns_) == 2


def test_patterns_that_would_fill_the_memory_are_refused(monkeypatch):
    monkeypatch.setattr(_sequence_trie, "_MOST_ITEMS", 5000)
    with pytest.raises(CapacityError, match="the 100 patterns hold 5,050 items"):
        ci.FrequentSequences(1).fit([["a"] * 100])
    assert len(ci.FrequentSequences(1).fit([["a"] * 99]).patterns_) == 99
