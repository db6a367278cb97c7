"""Closed and maximal itemsets and generators: against the definitions, known counts, and what they must recover."""

from __future__ import annotations

import json
import signal
import threading
import time
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crmintel import Baskets
from crmintel.exceptions import CapacityError
from crmintel.patterns._closed import count_condensed, mine_condensed
from tests.oracles.condensed import condensed_bruteforce
from tests.oracles.itemsets import itemsets_bruteforce

TARGETS = ("closed", "maximal", "generators")


def condensed(baskets, target, min_count, max_length=None, n_threads=1, max_itemsets=20_000_000):
    return mine_condensed(
        baskets,
        target=target,
        min_count=min_count,
        max_length=max_length,
        n_threads=n_threads,
        max_itemsets=max_itemsets,
        verbose=0,
    )


def as_dict(baskets, flat):
    """{frozenset of labels: count}, checked to hold no set twice and codes that rise."""
    bounds = flat.offsets.tolist()
    lists = [flat.items[low:high].tolist() for low, high in pairwise(bounds)]
    assert all(codes == sorted(set(codes)) for codes in lists)
    found = {
        frozenset(baskets.items[codes].tolist()): count
        for codes, count in zip(lists, flat.counts.tolist(), strict=True)
    }
    assert len(found) == flat.counts.size
    return found


def random_lists(seed, n_baskets, n_items, low, high):
    rng = np.random.default_rng(seed)
    dense = rng.random((n_baskets, n_items)) < np.linspace(low, high, n_items)
    return [np.flatnonzero(row).tolist() for row in dense]


databases = st.lists(st.sets(st.integers(0, 8)), min_size=1, max_size=30)
dense_databases = st.lists(st.sets(st.integers(0, 8), min_size=6), min_size=1, max_size=40)
repeated = st.lists(
    st.sampled_from([{0, 1, 2, 5}, {0, 1, 2, 6}, {0, 3, 4}, {1, 3, 4, 5}, {0, 1, 6}]), min_size=1
)


@pytest.mark.parametrize("target", TARGETS)
@settings(deadline=None, max_examples=200)
@given(
    lists=databases | dense_databases | repeated,
    share=st.integers(1, 10),
    max_length=st.none() | st.integers(1, 4),
    n_threads=st.sampled_from([1, 2]),
)
def test_equal_to_the_definition(target, lists, share, max_length, n_threads):
    min_count = max(1, len(lists) * share // 20)
    baskets = Baskets.from_lists(lists)
    found = condensed(baskets, target, min_count, max_length, n_threads)
    assert as_dict(baskets, found) == condensed_bruteforce(lists, target, min_count, max_length)
    by_length = count_condensed(
        baskets, target=target, min_count=min_count, max_length=max_length, n_threads=n_threads, verbose=0
    )
    assert by_length.tolist() == np.bincount(np.diff(found.offsets)).tolist()


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize(
    "shape", [(64, 10, 0.3, 1.0), (700, 11, 0.2, 0.9), (3000, 13, 0.05, 0.5), (300, 13, 0.0, 0.4)]
)
def test_larger_random_baskets(target, shape):
    """Rows, rows turned into columns further down, columns of several words."""
    lists = random_lists(sum(map(int, shape[:2])), *shape)
    baskets = Baskets.from_lists(lists)
    for min_count in (1, 4, len(lists) // 20):
        found = as_dict(baskets, condensed(baskets, target, min_count))
        assert found == condensed_bruteforce(lists, target, min_count)


@pytest.mark.parametrize("target", TARGETS)
def test_items_in_every_basket_and_repeated_baskets(target):
    """pyfim 6.28 loses {a}; the empty set, which is not listed, is the generator of all baskets."""
    lists = [["a"], ["a", "b"], ["a", "b"]]
    expected = {
        "closed": {frozenset("a"): 3, frozenset("ab"): 2},
        "maximal": {frozenset("ab"): 2},
        "generators": {frozenset("b"): 2},
    }
    baskets = Baskets.from_lists(lists)
    assert as_dict(baskets, condensed(baskets, target, 1)) == expected[target]


@pytest.mark.parametrize("target", TARGETS)
def test_supersets_beyond_the_longest_count(target):
    """{0, 4, 5} stands only with all six items, which are found from itemsets of more than three."""
    lists = [[0, 1, 2, 5], [0, 4], [0, 1, 2, 3, 4], [0, 1, 2, 3, 4, 5], [4, 5]]
    baskets = Baskets.from_lists(lists)
    found = as_dict(baskets, condensed(baskets, target, 1, max_length=3))
    assert found == condensed_bruteforce(lists, target, 1, max_length=3)


@pytest.mark.parametrize("target", TARGETS)
def test_nothing_is_frequent(target):
    baskets = Baskets.from_lists([["a"], [], ["b"]])
    assert condensed(baskets, target, 2).counts.size == 0
    assert (
        count_condensed(baskets, target=target, min_count=2, max_length=None, n_threads=1, verbose=0).sum()
        == 0
    )


@pytest.mark.parametrize("target", TARGETS)
def test_more_items_than_pairs_are_counted_for(target):
    """Perfect extensions among rows, and databases delivered item by item: supersets from all itemsets."""
    rng = np.random.default_rng(3)
    groups = [sorted(rng.choice(1300, 6, replace=False).tolist()) for _ in range(700)]
    lists = [rng.choice(g, rng.integers(2, 7), replace=False).tolist() for g in groups for _ in range(6)]
    lists += [rng.integers(1300, size=5).tolist() for _ in range(200)]
    assert as_dict(Baskets.from_lists(lists), condensed(Baskets.from_lists(lists), target, 2)) == (
        condensed_bruteforce(lists, target, 2)
    )


@pytest.mark.parametrize("seed", range(3))
def test_closed_and_maximal_recover_all(seed):
    """Every frequent itemset lies in a maximal one, and its count is the largest of the closed ones around it."""
    lists = random_lists(seed, 300, 10, 0.2, 0.8)
    baskets = Baskets.from_lists(lists)
    closed, maximal = (as_dict(baskets, condensed(baskets, target, 15)) for target in ("closed", "maximal"))
    for itemset, count in itemsets_bruteforce(lists, 15).items():
        assert max(c for other, c in closed.items() if itemset <= other) == count
        assert any(itemset <= other for other in maximal)


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("shape", [(300, 10, 0.3, 0.9), (200, 40, 0.0, 0.15)])
def test_hashes_only_say_where_to_look(target, shape, monkeypatch):
    """All itemsets have the same hash, and all columns of bits that have as many ones in the same words."""
    monkeypatch.setattr("crmintel.patterns._closed.random_numbers", lambda n: np.zeros(n, dtype=np.int64))
    lists = random_lists(5, *shape)
    baskets = Baskets.from_lists(lists)
    assert as_dict(baskets, condensed(baskets, target, 3)) == condensed_bruteforce(lists, target, 3)


@pytest.mark.parametrize("target", TARGETS)
def test_threads_change_nothing(target):
    lists = random_lists(7, 4000, 40, 0.02, 0.6)
    baskets = Baskets.from_lists(lists)
    one, three = (condensed(baskets, target, 60, n_threads=n) for n in (1, 3))
    assert np.array_equal(one.items, three.items)
    assert np.array_equal(one.offsets, three.offsets)
    assert np.array_equal(one.counts, three.counts)


@pytest.mark.parametrize("target", TARGETS)
def test_more_than_the_budget_is_refused(target):
    baskets = Baskets.from_lists(random_lists(1, 300, 12, 0.4, 0.8))
    exact = condensed(baskets, target, 10).counts.size
    assert condensed(baskets, target, 10, max_itemsets=exact).counts.size == exact
    for limit in (exact - 1, exact // 10):
        with pytest.raises(CapacityError, match=f"max_itemsets={limit:,}"):
            condensed(baskets, target, 10, max_itemsets=limit)


@pytest.fixture
def interruptible():
    """Python's own answer to Ctrl-C: a test run that was started in the background ignores it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("interruptible")
@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("shape", [(2000, 60, 0.5, 0.9), (10_000, 2000, 0.01, 0.05)])
def test_ctrl_c_ends_the_search(target, shape):
    """Of columns of bits, and of rows."""
    for few in ([[0, 1], [0], [0, 1]], [[item, item + 1] for item in range(1100)]):
        condensed(Baskets.from_lists(few), target, 1)  # compiled before the clock starts
    n_baskets, n_items, low, high = shape
    share = np.linspace(low, high, n_items)
    baskets = Baskets(np.random.default_rng(0).random((n_baskets, n_items)) < share)
    threading.Timer(0.5, signal.raise_signal, [signal.SIGINT]).start()
    begin = time.perf_counter()
    with pytest.raises(KeyboardInterrupt):
        condensed(baskets, target, 2)
    assert time.perf_counter() - begin < 3  # a busy machine; the search goes on for minutes


QUICK = {"mushroom", "chess", "bms1", "foodmart", "groceries", "adult"}


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(n, marks=[] if n in QUICK else pytest.mark.slow)
        for n in [*sorted(QUICK), "retail", "T10I4D100K"]
    ],
)
def test_counts_of_published_sets(name, real_baskets, shared_data):
    counts = json.loads((shared_data / "fim_counts.json").read_text())
    baskets = real_baskets(name)
    cells = [(int(key.split("|")[1]), row) for key, row in counts.items() if key.split("|")[0] == name]
    assert cells
    for min_count, row in cells:
        for target in ("closed", "maximal"):
            assert condensed(baskets, target, min_count).counts.size == row[target]
