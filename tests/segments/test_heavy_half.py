"""HeavyHalf: the median of the users, ties, shares, real data, bad input."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.exceptions import NotFittedError

import crmintel as ci
from crmintel.exceptions import InputError, InputTypeError
from tests.segments.logs import tiny_log


def test_half_of_the_users_and_their_share():
    volume = np.append(np.zeros(5), np.random.default_rng(0).permutation(np.arange(1.0, 101.0)))
    heavy = ci.HeavyHalf().fit(volume)
    assert heavy.edge_ == 50.5
    assert heavy.table_["customers"].tolist() == [50, 50, 5]
    assert heavy.table_["volume"].tolist() == [sum(range(51, 101)), sum(range(1, 51)), 0]


@pytest.mark.filterwarnings("ignore:.*negative volume")
@given(st.lists(st.integers(-5, 30), min_size=1, max_size=50).filter(lambda v: max(v) > 0), st.randoms())
def test_groups_part_the_customers_whatever_their_order(volume, random):
    heavy = ci.HeavyHalf().fit(volume)
    names, v = heavy.predict(volume), np.array(volume)
    assert np.array_equal(names == "non-user", v <= 0)
    assert np.sum(names == "heavy") <= np.sum(v > 0) / 2
    if (names == "heavy").any() and (names == "light").any():
        assert v[names == "heavy"].min() > v[names == "light"].max()
    assert heavy.table_["customers"].sum() == v.size
    assert heavy.table_["volume_share"].sum() == pytest.approx(1.0)
    shuffled = random.sample(range(v.size), v.size)
    np.testing.assert_array_equal(ci.HeavyHalf().fit_predict(v[shuffled]), names[shuffled])


def test_equal_customers_stay_together():
    assert ci.HeavyHalf().fit_predict([3.0] * 4).tolist() == ["light"] * 4
    assert ci.HeavyHalf().fit_predict([7.0]).tolist() == ["light"]


def test_a_log_is_its_spend_and_cdnow_is_heavier_than_twedts_products():
    log, spend = tiny_log()
    np.testing.assert_array_equal(ci.HeavyHalf().fit_predict(log), ci.HeavyHalf().fit_predict(spend))
    orders = ci.datasets.load_cdnow()
    cdnow = ci.TransactionLog.from_frame(orders, customer="customer_id", time="date", amount="amount")
    half = ci.HeavyHalf().fit(cdnow)
    money = cdnow.spend()
    assert half.table_["volume_share"][0] == pytest.approx(
        ci.top_share(money, half.table_["customer_share"][0]), abs=1e-12
    )
    assert 0.74 < half.table_["volume_share"][0] < 0.92


@pytest.mark.parametrize(
    ("X", "error", "message"),
    [
        ([0.0, -1.0], InputError, "none of the 2 customers has a volume above 0"),
        ([], InputError, "at least 1"),
        ([1.0, np.nan], InputError, "must be finite"),
        ([[1.0, 2.0]], InputError, r"one column, one amount per customer; got shape \(1, 2\)"),
        ("much", InputTypeError, "must hold numbers"),
        (None, InputError, "one-dimensional"),
    ],
)
def test_wrong_inputs(X, error, message):
    with pytest.raises(error, match=message):
        ci.HeavyHalf().fit(X)


def test_predict_before_fit():
    with pytest.raises(NotFittedError):
        ci.HeavyHalf().predict([1.0])
