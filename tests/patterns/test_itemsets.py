"""Frequent itemsets: every algorithm against enumeration and published counts, and how it says no."""

from __future__ import annotations

import json
import os
import pickle
import signal
import subprocess
import sys
import threading

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import config_context
from sklearn.base import clone
from sklearn.pipeline import make_pipeline

from crmintel import AssociationRules, Baskets, FrequentItemsets
from crmintel.datasets import make_baskets
from crmintel.exceptions import CapacityError, InputError, InputTypeError
from crmintel.transactions.baskets import as_baskets
from tests.oracles.itemsets import as_dict, itemsets_bruteforce

ALGORITHMS = ("auto", "fpgrowth", "projection", "bitset")

databases = st.lists(st.sets(st.integers(0, 8)), min_size=1, max_size=25)
dense_databases = st.lists(st.sets(st.integers(0, 8), min_size=6), min_size=1, max_size=40)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@settings(deadline=None)
@given(
    baskets=databases | dense_databases,
    share=st.integers(1, 10),
    max_length=st.none() | st.integers(1, 5),
    n_jobs=st.sampled_from([None, 2]),
)
def test_equal_to_enumeration(algorithm, baskets, share, max_length, n_jobs):
    min_count = max(1, len(baskets) * share // 20)
    miner = FrequentItemsets(min_count, max_length=max_length, algorithm=algorithm, n_jobs=n_jobs).fit(
        baskets
    )
    assert as_dict(miner.itemsets_) == itemsets_bruteforce(baskets, min_count, max_length)
    held = miner.transform(baskets).toarray()
    assert np.array_equal(held.sum(axis=0), miner.itemsets_.counts)


@pytest.mark.parametrize("lookup_cost", [0.0, 1e9])
@settings(deadline=None)
@given(baskets=databases | dense_databases)
def test_transform_by_look_ups_and_by_columns(lookup_cost, baskets):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("crmintel.patterns._members._LOOKUP_COST", lookup_cost)
        miner = FrequentItemsets(1).fit(baskets)
        held = miner.transform([*baskets, [], [-1]] * 3).toarray()
    sets = [set(itemset.items) for itemset in miner.itemsets_]
    assert held.tolist() == [[s <= basket for s in sets] for basket in [*baskets, set(), {-1}] * 3]


@pytest.mark.parametrize("n_paired", [0, 2, 5])
@settings(deadline=None)
@given(baskets=databases, min_count=st.integers(1, 4), max_length=st.none() | st.integers(1, 4))
def test_rare_items_have_no_table_of_pairs(n_paired, baskets, min_count, max_length):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("crmintel.patterns._searches.projection.MOST_PAIRED", n_paired)
        miner = FrequentItemsets(min_count, max_length=max_length, algorithm="projection")
        found = as_dict(miner.fit(baskets).itemsets_)
        n_counted = miner.count(baskets)
    assert found == itemsets_bruteforce(baskets, min_count, max_length)
    assert n_counted == len(found)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize("n_words", [1, 2, 3, 70])
def test_tall_dense_baskets(algorithm, n_words):
    """Columns of bits of one, two and more words, perfect extensions and rows that repeat."""
    rng = np.random.default_rng(n_words)
    dense = rng.random((64 * n_words - 3, 9)) < np.linspace(0.2, 1.0, 9)
    lists = [np.flatnonzero(row).tolist() for row in dense]
    min_count = len(lists) // 8
    found = FrequentItemsets(min_count, algorithm=algorithm).fit(dense).itemsets_
    assert as_dict(found) == itemsets_bruteforce(lists, min_count)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_items_in_every_basket_are_kept(algorithm):
    """pyfim 6.28 loses {a}: it stands in all baskets."""
    found = FrequentItemsets(0.5, algorithm=algorithm).fit([["a"], ["a", "b"]]).itemsets_
    assert as_dict(found) == {frozenset("a"): 2, frozenset("b"): 1, frozenset("ab"): 1}
    assert as_dict(FrequentItemsets(1, algorithm=algorithm).fit([["a", "b"]]).itemsets_) == {
        frozenset("a"): 1,
        frozenset("b"): 1,
        frozenset("ab"): 1,
    }


def test_a_share_that_is_reached_exactly_counts():
    """mlxtend drops {A}, whose support is exactly 0.28: ceil(0.28 * 25) is 8 in floats."""
    found = FrequentItemsets(0.28).fit([["A", "B"]] * 7 + [["C"]] * 18).itemsets_
    assert as_dict(found)[frozenset("AB")] == 7


@pytest.mark.parametrize("n", [7, 25, 155, 1000, 2000, 10_000])
def test_every_share_is_kept_at_its_count(n):
    from crmintel.patterns._mining import support_count

    for count in range(1, n + 1):
        # The decimal that c / n is printed as may lie above it, by half a unit in the last place.
        assert support_count(count / n, n) == count
    for digits in (1, 2, 3):
        for numerator in range(1, 10**digits + 1):
            share = float(f"{numerator}e-{digits}")
            exact = -(-numerator * n // 10**digits)
            assert support_count(share, n) == max(1, exact)
    assert support_count(np.float32(0.28), 25) == 7


def test_empty_baskets_count():
    found = FrequentItemsets(0.5).fit([["a"], [], [], ["a"]]).itemsets_
    assert found.n_baskets == 4
    assert found.support.tolist() == [0.5]
    nothing = FrequentItemsets(0.75).fit([["a"], [], [], ["a"]]).itemsets_
    assert len(nothing) == 0
    assert list(nothing) == []
    assert nothing.to_frame("pandas").shape == (0, 4)
    assert FrequentItemsets(1).fit([[], []]).transform([["a"]]).shape == (1, 0)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_the_same_for_any_number_of_threads_and_order_of_rows(algorithm):
    baskets, _ = make_baskets(3000, 60, n_patterns=40, random_state=3)
    first = FrequentItemsets(20, algorithm=algorithm, n_jobs=1).fit(baskets).itemsets_
    shuffled = baskets[np.random.default_rng(0).permutation(len(baskets))]
    for other in (
        FrequentItemsets(20, algorithm=algorithm, n_jobs=3).fit(baskets).itemsets_,
        FrequentItemsets(20, algorithm=algorithm).fit(shuffled).itemsets_,
    ):
        assert np.array_equal(first.items, other.items)
        assert np.array_equal(first.offsets, other.offsets)
        assert np.array_equal(first.counts, other.counts)


def test_a_wide_assortment_and_arenas_that_grow():
    """Thousands of items and conditional databases beyond the arenas' first size, all algorithms alike."""
    baskets, _ = make_baskets(4000, 3000, mean_size=25, n_patterns=300, random_state=1)
    found = [
        as_dict(FrequentItemsets(30, algorithm=algorithm).fit(baskets).itemsets_) for algorithm in ALGORITHMS
    ]
    assert len(found[0]) > 20_000
    assert all(other == found[0] for other in found[1:])


def test_auto_tells_where_it_went():
    sparse_baskets, _ = make_baskets(20_000, 1000, random_state=0)
    assert FrequentItemsets(5).fit(sparse_baskets).algorithm_ == "projection+bitset"
    assert FrequentItemsets(1).fit([["a", "b", "c"]] * 3).algorithm_ == "bitset"
    assert FrequentItemsets(1).fit([[item] for item in range(100)]).algorithm_ == "projection"
    assert FrequentItemsets(1, algorithm="fpgrowth").fit([["a", "b"]]).algorithm_ == "fpgrowth"


def _histogram(found):
    return np.bincount(found.lengths)[1:].tolist()


def _cells(shared_data):
    return json.loads((shared_data / "fim_counts.json").read_text())


QUICK = [
    "retail|89", "retail|18", "T10I4D100K|500", "T10I4D100K|50", "mushroom|1625", "chess|2238", "bms1|60",
    "foodmart|2", "groceries|10", "adult|2443",
]  # fmt: skip


@pytest.mark.parametrize("cell", QUICK)
@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_published_counts(cell, algorithm, shared_data, real_baskets):
    name, min_count = cell.split("|")
    found = FrequentItemsets(int(min_count), algorithm=algorithm).fit(real_baskets(name)).itemsets_
    assert _histogram(found) == _cells(shared_data)[cell]["length_histogram"]


@pytest.mark.slow
@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_all_published_counts(algorithm, shared_data, real_baskets):
    for cell, expected in _cells(shared_data).items():
        name, min_count = cell.split("|")
        for n_jobs in (1, 2):
            miner = FrequentItemsets(int(min_count), algorithm=algorithm, n_jobs=n_jobs)
            assert _histogram(miner.fit(real_baskets(name)).itemsets_) == expected["length_histogram"], cell


def test_reading_the_itemsets():
    found = FrequentItemsets(2).fit(pd.DataFrame({"tea": [1, 1, 1, 0], "cup": [1, 1, 0, 0]})).itemsets_
    assert [(itemset.items, itemset.count) for itemset in found] == [
        (("tea",), 3),
        (("cup",), 2),
        (("tea", "cup"), 2),
    ]
    assert found[-1] == list(found)[-1] == found[2]
    assert found.lengths.tolist() == [1, 1, 2]
    frame = found.to_frame()
    assert isinstance(frame, pd.DataFrame)
    assert frame.to_dict("list") == {
        "items": ["tea", "cup", "tea, cup"], "length": [1, 1, 2], "count": [3, 2, 2], "support": [0.75, 0.5, 0.5],
    }  # fmt: skip
    assert repr(found) == "Itemsets(3 itemsets of up to 2 items, in 4 baskets)"
    assert as_dict(pickle.loads(pickle.dumps(found))) == as_dict(found)
    with pytest.raises(InputError, match="number of one of the itemsets"):
        found[3]


def test_transform_new_baskets():
    miner = FrequentItemsets(2).fit([["a", "b"], ["a", "b"], ["c"]])
    assert miner.get_feature_names_out().tolist() == ["a", "b", "a, b"]
    assert miner.transform([["b", "a", "x"], ["x"], []]).toarray().tolist() == [
        [True] * 3,
        [False] * 3,
        [False] * 3,
    ]
    many = miner.transform([["a", "b"]] * 50)
    assert many.sum() == 150
    with pytest.raises(InputTypeError, match="known are str"):
        miner.transform([[1]])


def test_scikit_learn_manners():
    miner = FrequentItemsets(2, algorithm="fpgrowth")
    assert clone(miner).get_params() == miner.get_params()
    again = pickle.loads(pickle.dumps(miner.fit([["a"], ["a"]])))
    assert again.transform([["a"]]).toarray().tolist() == [[True]]
    pipeline = make_pipeline(FrequentItemsets(2)).set_output(transform="pandas")
    assert pipeline.fit_transform([["a"], ["a"]]).shape == (2, 1)
    with config_context(transform_output="pandas"):
        table = miner.fit_transform([["a"], ["a"]])
    frame = pd.DataFrame.sparse.from_spmatrix(table, columns=miner.get_feature_names_out())
    assert frame["a"].tolist() == [True, True]


@pytest.mark.parametrize("basket", [["a, b", "a", "b"], ["'a', 'b'", "a", "b", "a, b"]])
def test_no_two_columns_have_one_name(basket):
    names = FrequentItemsets(1).fit([basket]).get_feature_names_out().tolist()
    assert len(set(names)) == len(names) == 2 ** len(basket) - 1


def test_itemsets_are_selected_as_rules_are():
    found = FrequentItemsets(1).fit([["a", "b"], ["a"], ["a", "c"]]).itemsets_
    every = list(found)
    often = found[found.support > 0.5]
    assert [(i.items, i.count, i.support) for i in often] == [(("a",), 3, 1.0)]
    assert list(found[1:3]) == every[1:3]
    assert list(found[[3, -1, 0]]) == [every[3], every[-1], every[0]]
    assert [found[k] for k in range(len(found))] == every
    assert len(found[[]]) == len(found[found.counts > 9]) == 0
    assert often.members(as_baskets([["a"], ["b"]])).toarray().tolist() == [[True], [False]]
    with pytest.raises(InputError, match="rules need every part"):
        AssociationRules().fit(often)
    for key in ("a", 1.5, None, [9], [True], 9, -9):
        with pytest.raises((InputError, InputTypeError), match="itemsets"):
            found[key]


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"min_support": 0}, r"min_support must be >= 1 .*, got 0"),
        ({"min_support": -3}, "min_support must be >= 1"),
        ({"min_support": 0.0}, r"min_support .* must be > 0"),
        ({"min_support": -0.1}, r"min_support .* must be > 0"),
        ({"min_support": 1.5}, r"min_support .*<= 1"),
        ({"min_support": float("nan")}, "min_support .*nan"),
        ({"min_support": float("inf")}, "min_support .*inf"),
        ({"min_support": "1%"}, "min_support .* must be a number, got '1%'"),
        ({"min_support": None}, "min_support .* must be a number"),
        ({"min_support": True}, "min_support .* must be a number"),
        ({"target": "best"}, "target must be one of 'all'"),
        ({"algorithm": "apriori"}, "algorithm must be one of 'auto', 'fpgrowth'"),
        ({"max_length": 0}, "max_length must be >= 1"),
        ({"max_length": 1.5}, "max_length must be a whole number"),
        ({"max_itemsets": 0}, "max_itemsets must be >= 1"),
        ({"n_jobs": 0}, "n_jobs"),
        ({"n_jobs": "two"}, "n_jobs"),
    ],
)
def test_parameters_out_of_bounds(params, message):
    with pytest.raises((InputError, InputTypeError), match=message):
        FrequentItemsets(**params).fit([["a"]])


def test_no_baskets():
    with pytest.raises(InputError, match="no baskets"):
        FrequentItemsets().fit([])


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize("n_jobs", [1, 2])
def test_an_explosion_ends_in_a_clear_error(algorithm, n_jobs):
    """One basket of 40 items has 2**40 - 1 itemsets; mlxtend and others are killed by it."""
    with pytest.raises(CapacityError, match=r"more than max_itemsets=1,000,000 .* max_length"):
        FrequentItemsets(1, algorithm=algorithm, max_itemsets=1_000_000, n_jobs=n_jobs).fit([list(range(40))])
    with pytest.raises(CapacityError):
        FrequentItemsets(1, algorithm=algorithm, max_itemsets=10).fit([list(range(40))] * 3)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_the_limit_is_exact(algorithm):
    baskets, _ = make_baskets(500, 30, n_patterns=20, random_state=5)
    n = len(FrequentItemsets(5, algorithm=algorithm).fit(baskets).itemsets_)
    assert len(FrequentItemsets(5, algorithm=algorithm, max_itemsets=n).fit(baskets).itemsets_) == n
    with pytest.raises(CapacityError):
        FrequentItemsets(5, algorithm=algorithm, max_itemsets=n - 1).fit(baskets)


@pytest.fixture
def interruptible():
    """Python's own answer to Ctrl-C: a test run that was started in the background ignores it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("interruptible")
@pytest.mark.parametrize("algorithm", ["auto", "fpgrowth", "projection"])
def test_ctrl_c_ends_the_search(algorithm):
    baskets = Baskets(np.random.default_rng(0).random((10_000, 400)) < 0.5)
    miner = FrequentItemsets(1300, max_length=3, algorithm=algorithm)
    FrequentItemsets(2, algorithm=algorithm).fit([["a", "b", "c"]] * 4)  # compiled before the clock starts
    threading.Timer(0.3, signal.raise_signal, [signal.SIGINT]).start()
    with pytest.raises(KeyboardInterrupt):
        miner.fit(baskets)
    assert len(miner.set_params(min_support=9000).fit(baskets).itemsets_) == 0


@pytest.mark.slow
@pytest.mark.parametrize("algorithm", ALGORITHMS)
@settings(max_examples=2500, deadline=None)
@given(
    baskets=st.lists(st.sets(st.integers(0, 9)), min_size=1, max_size=60),
    min_count=st.integers(1, 12),
    max_length=st.none() | st.integers(1, 6),
)
def test_equal_to_enumeration_ten_thousand_times(algorithm, baskets, min_count, max_length):
    found = FrequentItemsets(min_count, max_length=max_length, algorithm=algorithm).fit(baskets).itemsets_
    assert as_dict(found) == itemsets_bruteforce(baskets, min_count, max_length)


def test_memberships_beyond_the_budget_are_refused(monkeypatch):
    equal = [list("abcdefgh")] * 100
    miner = FrequentItemsets(min_support=1).fit(equal)
    assert miner.transform(equal[:3]).nnz == 3 * 255
    assert miner.transform([["a"], ["b", "c"]]).nnz == 1 + 3
    monkeypatch.setattr("crmintel.patterns._members._MOST_MEMBERS", 20_000)
    with pytest.raises(CapacityError, match="transform fewer baskets at a time"):
        miner.transform(equal)
    assert miner.transform(equal[:50]).nnz == 50 * 255
    assert miner.transform(equal[:1] * 70).nnz == 70 * 255


WITHOUT_COMPILER = """
import numpy as np
from crmintel import FrequentItemsets
rows = np.random.default_rng(0).random((70, 8)) < np.linspace(0.2, 1.0, 8)
found = {}
for algorithm in ("auto", "fpgrowth", "projection", "bitset"):
    miner = FrequentItemsets(7, algorithm=algorithm).fit(rows)
    found[algorithm] = {itemset.items: itemset.count for itemset in miner.itemsets_}
    assert miner.count(rows) == len(found[algorithm]) > 50
    assert np.array_equal(miner.transform(rows).sum(axis=0), miner.itemsets_.counts)
assert all(itemsets == found["auto"] for itemsets in found.values())
"""


@pytest.mark.skipif(
    np.lib.NumpyVersion(np.__version__) < "2.2.0",
    reason="numpy 2.1 forgets in new threads that uint64 + int is uint64: kernels as plain Python index by floats",
)
def test_the_same_without_the_compiler():
    environment = {**os.environ, "NUMBA_DISABLE_JIT": "1"}
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", WITHOUT_COMPILER],
        env=environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
