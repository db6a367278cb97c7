"""What can be asked of the itemsets: their length, items they hold or not, the best, weights, only how many."""

from __future__ import annotations

import json
import tracemalloc
from collections import Counter
from math import comb

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crmintel import AssociationRules, FrequentItemsets
from crmintel.datasets import make_baskets
from crmintel.exceptions import CapacityError, InputError, InputTypeError
from tests.oracles.itemsets import as_dict, condensed, itemsets_bruteforce, weighted_bruteforce

TARGETS = ("all", "closed", "maximal", "generators")
ALGORITHMS = ("auto", "fpgrowth", "projection", "bitset")

databases = st.lists(st.sets(st.integers(0, 7)), min_size=1, max_size=25) | st.lists(
    st.sets(st.integers(0, 7), min_size=5), min_size=1, max_size=30
)


@pytest.mark.parametrize("target", TARGETS)
@settings(deadline=None, max_examples=40)
@given(
    baskets=databases,
    min_count=st.integers(1, 8),
    include=st.sets(st.integers(0, 7), max_size=3),
    exclude=st.sets(st.integers(0, 7), max_size=3),
    min_length=st.integers(1, 3),
    max_length=st.none() | st.integers(3, 6),
)
def test_requests_against_enumeration(target, baskets, min_count, include, exclude, min_length, max_length):
    known = set().union(*baskets)
    include, exclude = include & known, exclude & known - include
    left = [basket - exclude for basket in baskets]
    expected = {
        items: count
        for items, count in condensed(itemsets_bruteforce(left, min_count), target, len(left)).items()
        if items >= include and min_length <= len(items) <= (max_length or 99)
    }
    miner = FrequentItemsets(
        min_count, target, max_length, min_length=min_length, include=list(include), exclude=list(exclude)
    )
    assert as_dict(miner.fit(baskets).itemsets_) == expected
    by_length = Counter(map(len, expected))
    assert miner.count_by_length(baskets).tolist() == [
        by_length[length] for length in range(max(by_length, default=0) + 1)
    ]
    assert miner.count(baskets) == len(expected)


@pytest.mark.parametrize("target", TARGETS)
@settings(deadline=None, max_examples=40)
@given(baskets=databases, min_count=st.integers(1, 6), k=st.integers(1, 40), min_length=st.integers(1, 3))
def test_the_best_against_sorting(target, baskets, min_count, k, min_length):
    candidates = [
        (-count, len(items), tuple(sorted(items)))
        for items, count in condensed(itemsets_bruteforce(baskets, min_count), target, len(baskets)).items()
        if len(items) >= min_length
    ]
    found = FrequentItemsets(min_count, target, top_k=k, min_length=min_length).fit(baskets).itemsets_
    assert [(-each.count, len(each.items), each.items) for each in found] == sorted(candidates)[:k]


def test_the_best_of_many(monkeypatch):
    """The threshold falls too far at first and is bisected."""
    monkeypatch.setattr("crmintel.patterns._request._TRIAL", 200)
    baskets, _ = make_baskets(3000, 60, n_patterns=40, random_state=3)
    everything = FrequentItemsets(5, top_k=10**6).fit(baskets).itemsets_
    counts = everything.counts
    assert np.all(counts[:-1] >= counts[1:])
    for k in (1, 7, 60, 300, 1000):
        found = FrequentItemsets(5, top_k=k).fit(baskets).itemsets_
        assert np.array_equal(found.items, everything.items[: everything.offsets[k]])
        weighted = FrequentItemsets(5, top_k=k).fit(baskets, sample_weight=np.full(3000, 0.5)).itemsets_
        assert np.array_equal(weighted.items, found.items)
        assert np.array_equal(weighted.counts * 2, found.counts)


@settings(deadline=None, max_examples=80)
@given(
    baskets=databases,
    data=st.data(),
    scale=st.sampled_from([1, 2**29, 0.1, 1 / 3, 1e-9, 1e200]),
    share=st.integers(1, 9),
    include=st.sets(st.integers(0, 7), max_size=1),
)
def test_weights_against_enumeration(baskets, data, scale, share, include):
    weights = data.draw(st.lists(st.integers(0, 5), min_size=len(baskets), max_size=len(baskets)))
    if sum(weights) == 0:
        weights[0] = 1
    include &= set().union(*baskets)
    expected = {
        items: weight
        for items, weight in weighted_bruteforce(baskets, weights).items()
        if 10 * weight >= share * sum(weights) and items >= include
    }
    miner = FrequentItemsets(share / 10, include=list(include))
    scaled = np.array(weights) * scale
    found = miner.fit(baskets, sample_weight=scaled).itemsets_
    assert as_dict(found).keys() == expected.keys()
    assert [each.count for each in found] == pytest.approx(
        [expected[frozenset(each.items)] * scale for each in found], rel=1e-12
    )
    whole = scaled.sum() <= 2**53 and np.all(scaled == np.floor(scaled))
    assert found.counts.dtype.kind == ("i" if whole else "f")
    assert miner.count(baskets, sample_weight=scaled) == len(expected)
    assert np.all(found.support <= 1 + 1e-12)


def test_whole_weights_are_repeated_baskets():
    baskets, _ = make_baskets(400, 30, n_patterns=20, random_state=5)
    weights = np.random.default_rng(0).integers(0, 4, 400)
    repeated = baskets[np.repeat(np.arange(400), weights)]
    weighted = FrequentItemsets(0.02).fit(baskets, sample_weight=weights)
    assert as_dict(weighted.itemsets_) == as_dict(FrequentItemsets(0.02).fit(repeated).itemsets_)
    assert weighted.itemsets_.total == weights.sum() == len(repeated)
    assert np.issubdtype(weighted.itemsets_.counts.dtype, np.integer)


@pytest.mark.parametrize("longest", [None, 3, 40])
def test_counted_but_not_stored(longest):
    """One basket of 60 items has 2**60 - 1 itemsets, 50 of 70 more than int64 can hold."""
    miner = FrequentItemsets(1, max_length=longest)
    n = miner.count([list(range(60))])
    assert n == sum(comb(60, k) for k in range(1, (longest or 60) + 1))
    assert FrequentItemsets(1).count([list(range(70))] * 50) == 2**70 - 1
    with pytest.raises(CapacityError, match=r"more than 2\*\*63 - 1"):
        FrequentItemsets(1).count_by_length([list(range(70))] * 50)


def test_a_hundred_million_are_counted():
    """Twelve itemsets of 23 items that share nothing, and one item in all: 1.2e8 itemsets."""
    lists = [[0, *range(1 + 22 * k, 23 + 22 * k)] for k in range(12)] * 2
    FrequentItemsets(2).count(lists)
    tracemalloc.start()
    try:
        assert FrequentItemsets(2).count(lists) == 12 * 2 * (2**22 - 1) + 1
        assert tracemalloc.get_traced_memory()[1] < 10 << 20
    finally:
        tracemalloc.stop()
    with pytest.raises(CapacityError, match="max_itemsets"):
        FrequentItemsets(2, max_itemsets=10**6).fit(lists)


QUICK = [
    "retail|89", "retail|9", "T10I4D100K|500", "T10I4D100K|20", "mushroom|813", "chess|1918", "bms1|60",
    "foodmart|2", "groceries|10", "adult|2443",
]  # fmt: skip


@pytest.mark.parametrize("cell", QUICK)
def test_published_counts_without_storing(cell, shared_data, real_baskets):
    name, min_count = cell.split("|")
    expected = json.loads((shared_data / "fim_counts.json").read_text())[cell]
    by_length = FrequentItemsets(int(min_count)).count_by_length(real_baskets(name))
    assert by_length.tolist() == [0, *expected["length_histogram"]]


@pytest.mark.slow
def test_all_published_counts_without_storing(shared_data, real_baskets):
    for cell, expected in json.loads((shared_data / "fim_counts.json").read_text()).items():
        name, min_count = cell.split("|")
        for n_jobs in (1, 2):
            by_length = FrequentItemsets(int(min_count), n_jobs=n_jobs).count_by_length(real_baskets(name))
            assert by_length.tolist() == [0, *expected["length_histogram"]], cell


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"include": "milk"}, r"include must be a list of items, got 'milk'; write \['milk'\]"),
        ({"exclude": np.array("milk")}, "exclude must be a list of items"),
        ({"max_length": 10**20}, "max_length must be >= 1 and <= 2147483647"),
        ({"min_support": 10**30}, "min_support must be >= 1 and <= 9007199254740992"),
        ({"exclude": 3}, "exclude must be a list of items, got 3"),
        (
            {"include": ["beer"]},
            "include holds 'beer', which is no item .* their 2 items are 'bread', 'milk'",
        ),
        ({"exclude": [None]}, "exclude holds None"),
        ({"exclude": [["milk"]]}, "exclude holds"),
        ({"include": ["milk"], "exclude": ["milk", "bread"]}, "'milk' stands in include and in exclude"),
        ({"include": ["milk", "bread"], "max_length": 1}, "up to max_length=1 items cannot hold the 2"),
        ({"min_length": 0}, "min_length must be >= 1"),
        ({"min_length": 3, "max_length": 2}, "min_length=3 is above max_length=2"),
        ({"top_k": 0}, "top_k must be >= 1"),
        ({"top_k": 2.0}, "top_k must be a whole number"),
        ({"target": "best"}, "target must be one of 'all', 'closed', 'maximal', 'generators'"),
    ],
)
def test_requests_out_of_bounds(params, message):
    with pytest.raises((InputError, InputTypeError), match=message):
        FrequentItemsets(**{"min_support": 1} | params).fit([["milk", "bread"]])


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ([1], "sample_weight has 1 values, expected 2"),
        ([1, -1], "sample_weight must be >= 0"),
        ([1, np.nan], "sample_weight must be finite"),
        ([0, 0], "sample_weight is 0 for all baskets"),
        (["a", "b"], "sample_weight must hold numbers"),
        ({1: 2.0, 2: 1.0}, "sample_weight must hold numbers, got an object of type dict"),
    ],
)
def test_weights_out_of_bounds(weights, message):
    for weigh in (FrequentItemsets(1).fit, FrequentItemsets(1).count):
        with pytest.raises((InputError, InputTypeError), match=message):
            weigh([["a"], ["b"]], sample_weight=weights)


def test_weights_go_with_all_itemsets():
    with pytest.raises(InputError, match="goes with target='all', not 'closed'"):
        FrequentItemsets(1, "closed").fit([["a"]], sample_weight=[1])


@pytest.mark.parametrize("params", [{"target": "closed"}, {"min_length": 2}, {"include": ["a"]}])
def test_rules_need_all_subsets(params):
    with pytest.raises(InputError, match="every part of an itemset"):
        AssociationRules(FrequentItemsets(1, **params)).fit([["a", "b"], ["a"]])
    assert len(AssociationRules(FrequentItemsets(1, top_k=3)).fit([["a", "b"], ["a"]]).rules_) == 2


def test_memberships_of_lists():
    baskets, _ = make_baskets(300, 30, n_patterns=20, random_state=5)
    for target in TARGETS:
        miner = FrequentItemsets(5, target, min_length=2).fit(baskets)
        assert np.array_equal(miner.transform(baskets).sum(axis=0), miner.itemsets_.counts)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_equal_long_baskets(algorithm):
    """Rows of 25 items in 3000 equal baskets: 2**25 itemsets are refused before they fill the memory."""
    lists = [list(range(25))] * 3000
    with pytest.raises(CapacityError, match="max_itemsets"):
        FrequentItemsets(1500, algorithm=algorithm, max_itemsets=10_000).fit(lists)
    assert FrequentItemsets(1500, algorithm=algorithm).count(lists) == 2**25 - 1


def test_odd_items():
    huge = FrequentItemsets(2, include=[10**18]).fit([[10**18, 3], [10**18, 3, 3]]).itemsets_
    assert as_dict(huge) == {frozenset([10**18]): 2, frozenset([10**18, 3]): 2}
    with pytest.raises(InputTypeError, match=r"mixed|types"):
        FrequentItemsets(1).fit([["a", 1]])
    with pytest.raises(InputTypeError, match="text 'milk'"):
        FrequentItemsets(1).fit(["milk"])
    for missing in (None, float("nan")):
        with pytest.raises((InputError, InputTypeError), match=r"missing|None|nan"):
            FrequentItemsets(1).fit([["a", missing]])
    with pytest.raises((InputError, InputTypeError)):
        FrequentItemsets(1).fit(np.array([[0, 2], [1, 1]]))
