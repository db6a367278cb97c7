"""The kernels under the log: lines in customer order, ids as codes."""

from __future__ import annotations

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crmintel.kernels.ids import factorize_integers
from crmintel.kernels.runs import order_lines
from crmintel.transactions.reading import _ordered

INT64 = np.iinfo(np.int64)


def read_only(values):
    view = np.array(values)
    view.flags.writeable = False
    return view


def assert_ordered(codes, moments, n_customers=None):
    codes, moments = np.asarray(codes, np.int32), np.asarray(moments, np.int64)
    n_customers = int(codes.max(initial=-1)) + 1 if n_customers is None else n_customers
    n_kept = int((codes >= 0).sum())
    amount = np.random.default_rng(0).random(codes.size)
    offsets, order, sorted_time, carried = _ordered(codes, moments, amount, n_customers, n_kept)
    wanted = np.lexsort((moments, codes))[codes.size - n_kept :]
    np.testing.assert_array_equal(order, wanted)
    np.testing.assert_array_equal(sorted_time, moments[wanted])
    np.testing.assert_array_equal(carried, amount[wanted])
    counts = np.bincount(codes[codes >= 0], minlength=n_customers)
    np.testing.assert_array_equal(offsets, np.append(0, np.cumsum(counts)))


@settings(max_examples=300, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(-1, 6), st.integers(-5, 5) | st.integers(1 - 2**62, 2**62 - 1)),
        min_size=1,
        max_size=60,
    ).filter(lambda rows: any(code >= 0 for code, _ in rows))
)
def test_any_lines(rows):
    assert_ordered(*zip(*rows), n_customers=9)


def rng(seed=0):
    return np.random.default_rng(seed)


def skewed(n):
    return np.where(rng().random(n) < 0.9, 5, rng(1).integers(0, 4000, n))


@pytest.mark.parametrize("n", [1, 2, 1000, 60_000])
@pytest.mark.parametrize(
    "moments",
    [
        lambda n: rng().integers(0, 10**15, n),
        lambda n: np.zeros(n),
        lambda n: np.arange(n) * 10**9,
        lambda n: np.arange(n)[::-1] * 10**9,
        lambda n: np.where(np.arange(n) == n // 2, -(10**17), 10**15 - np.arange(n)),
        lambda n: np.where(np.arange(n) % 2, 2**62 - 1, 1 - 2**62),
        lambda n: np.repeat(np.arange(-(-n // 7)), 7)[:n][::-1],
    ],
    ids=["random", "constant", "sorted", "reversed", "one far off", "two ends", "ties"],
)
@pytest.mark.parametrize(
    "customers",
    [lambda n: rng(2).integers(0, 5000, n), skewed, np.zeros, lambda n: rng(3).integers(-1, 2, n)],
    ids=["spread", "skewed", "one customer", "missing"],
)
def test_hard_lines(n, moments, customers):
    codes = np.asarray(customers(n), dtype=np.int32)
    if (codes >= 0).any():
        assert_ordered(codes, moments(n))


def test_the_kernel_gives_up_soon():
    """One stamp far off makes all others one stretch: 2e10 moves in reversed time, were it not for the limit."""
    n = 200_000
    moments = 10**15 - np.arange(n)
    moments[0] = -(10**17)
    arguments = {
        "codes": read_only(np.zeros(n, np.int32)),
        "time": read_only(moments),
        "payload": read_only(np.empty(0, np.int64)),
        "bits": 0,
        "records": np.empty((n, 3), np.int64),
        "offsets": np.zeros(2, np.int64),
        "order": np.empty(n, np.int32),
        "sorted_time": np.empty(n, np.int64),
        "sorted_payload": np.empty(0, np.int64),
    }
    started = time.process_time()
    assert order_lines(**arguments) == 0
    assert time.process_time() - started < 2
    assert_ordered(np.zeros(n), moments)


# -- ids -----------------------------------------------------------------------------------------------------


def assert_factorized(ids):
    ids = read_only(np.asarray(ids, dtype=np.int64))
    codes, labels = factorize_integers(ids)
    wanted_labels, wanted_codes = np.unique(ids, return_inverse=True)
    np.testing.assert_array_equal(labels, wanted_labels)
    np.testing.assert_array_equal(codes, wanted_codes)
    assert (codes.dtype, labels.dtype) == (np.int32, np.int64)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.integers(-3, 3) | st.integers(int(INT64.min), int(INT64.max)), max_size=50))
def test_any_ids(ids):
    assert_factorized(ids)


@pytest.mark.parametrize(
    "ids",
    [
        np.arange(100_000)[::-1],
        np.arange(-50_000, 50_000) * 3,
        rng().integers(-(10**6), 10**6, 5000),
        rng().integers(INT64.min, INT64.max, 5000),
        np.array([INT64.min, INT64.max, 0, -1, INT64.min]),
        np.full(10, INT64.min),
        np.repeat(rng().integers(INT64.min, INT64.max, 300), 9),
    ],
    ids=["table", "stride", "narrow", "wide", "extremes", "one", "receipts"],
)
def test_hard_ids(ids):
    assert_factorized(ids)


@pytest.mark.parametrize("n", [32_767, 32_768, 32_769, 131_073])
def test_the_table_grows(n):
    ids = rng(n).permutation(np.arange(n) * (2**40 + 1))
    assert_factorized(np.concatenate([ids, ids[::-3]]))


@pytest.mark.parametrize("shift", range(0, 50, 7))
def test_ids_that_share_low_bits_do_not_collide(shift):
    """Multiples of a power of two (snowflake ids, padded keys) must not fall into one slot of the table."""
    ids = np.concatenate([np.arange(1 << 13, dtype=np.int64) << shift, [INT64.max]])
    started = time.process_time()
    assert_factorized(ids)
    assert time.process_time() - started < 0.5
