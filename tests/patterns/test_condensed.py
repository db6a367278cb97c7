"""Closed and maximal itemsets and generators: against the definitions, known counts, and what they must recover."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crmintel import Baskets
from crmintel.exceptions import CapacityError
from crmintel.patterns._closed import count_condensed, mine_condensed
from crmintel.patterns._mining import mine
from tests.oracles.condensed import condensed_bruteforce

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
    lists = [flat.items[low:high].tolist() for low, high in zip(bounds[:-1], bounds[1:], strict=True)]
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
