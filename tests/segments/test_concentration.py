"""Lorenz curve, Gini and top share: published data, exact arithmetic, properties, bad input."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crmintel import gini, lorenz_curve, top_share
from crmintel.datasets import load_complete_journey
from crmintel.exceptions import InputError, InputTypeError
from tests.segments.logs import tiny_log

amounts = st.lists(st.integers(0, 10_000), min_size=1, max_size=40).filter(any)


def slow_gini(money):
    v = [Fraction(m) for m in money]
    return sum(abs(a - b) for a in v for b in v) / (2 * len(v) * sum(v))


def spend_of(data, folder):
    """Return the positive totals per customer of a published data set."""
    if data == "complete_journey":
        lines = load_complete_journey()
        customer, money = lines["household_id"], lines["sales_value"]
    else:
        lines = pd.read_parquet(folder / "transactions" / f"{data.removesuffix('_net')}.parquet")
        if data == "online_retail":
            lines = lines[(lines["Quantity"] > 0) & (lines["UnitPrice"] > 0)]
        columns = {"cdnow_master": ("customer_id", "amount"), "apparel_trans": ("Id", "Price")}
        if data in columns:
            customer, money = (lines[column] for column in columns[data])
        else:
            lines = lines[lines["CustomerID"].notna()]
            customer, money = lines["CustomerID"], lines["Quantity"] * lines["UnitPrice"]
    spend = money.groupby(customer.to_numpy()).sum().to_numpy()
    return spend[spend > 0]


@pytest.mark.parametrize(
    ("data", "top_12", "top_20", "coefficient"),
    [
        ("online_retail", 0.6471, 0.7462, 0.71514),
        ("online_retail_net", 0.6315, 0.7349, 0.70317),
        ("cdnow_master", 0.5513, 0.6771, 0.63351),
        ("apparel_trans", 0.4599, 0.6070, 0.57743),
        ("complete_journey", 0.3970, 0.5457, 0.52472),
    ],
)
def test_real_concentrations(data, top_12, top_20, coefficient, shared_data):
    money = spend_of(data, shared_data)
    assert top_share(money, 0.12) == pytest.approx(top_12, abs=5e-5)
    assert top_share(money, 0.2) == pytest.approx(top_20, abs=5e-5)
    assert gini(money) == pytest.approx(coefficient, abs=5e-6)


@given(amounts)
def test_gini_is_the_mean_difference(money):
    assert gini(money) == pytest.approx(float(slow_gini(money)), abs=1e-12)


@given(amounts, st.floats(1e-6, 1e6), st.randoms())
def test_scale_order_and_bounds(money, scale, random):
    shuffled = random.sample(money, len(money))
    assert 0.0 <= gini(money) <= 1 - 1 / len(money) + 1e-12
    assert gini(shuffled) == gini(money)
    assert gini([m * scale for m in money]) == pytest.approx(gini(money), abs=1e-9)
    customers, share = lorenz_curve(money)
    assert (customers[0], share[0], customers[-1], share[-1]) == (0.0, 0.0, 1.0, 1.0)
    assert np.all(np.diff(share) >= 0.0)
    assert np.all(share <= customers + 1e-12)
    area = np.sum(np.diff(customers) * (share[1:] + share[:-1]) / 2)
    assert gini(money) == pytest.approx(1 - 2 * area, abs=1e-9)


@given(amounts, st.integers(0, 100))
def test_top_share_counts_with_the_decimal_as_written(money, percent):
    best = -(-percent * len(money) // 100)
    expected = Fraction(sum(sorted(money, reverse=True)[:best]), sum(money))
    assert top_share(money, percent / 100) == pytest.approx(float(expected), abs=1e-12)


def test_top_share_is_not_moved_by_binary_rounding():
    assert 0.28 * 25 > 7  # what a float would round up to 8
    assert top_share([1.0] * 25, 0.28) == 7 / 25
    assert top_share([1.0] * 25, np.float64(0.28)) == 7 / 25
    assert top_share([1.0, 1.0, 1.0], Fraction(1, 3)) == pytest.approx(1 / 3)


def test_one_customer_and_equal_customers():
    assert gini([5.0]) == 0.0
    assert gini([2, 2, 2]) == 0.0
    assert top_share([5.0], 0.01) == 1.0
    assert top_share([5.0], 0.0) == 0.0
    assert gini([1e308, 1e308, 0.0]) == pytest.approx(1 / 3)


def test_a_log_stands_for_its_spend():
    log, spend = tiny_log()
    assert gini(log) == gini(spend)
    assert top_share(log, 0.5) == top_share(spend, 0.5)
    np.testing.assert_array_equal(lorenz_curve(log)[1], lorenz_curve(spend)[1])


@pytest.mark.parametrize(
    "money",
    [
        [1, 2, 3],
        pd.Series([1.0, 2.0, 3.0]),
        pl.Series([1, 2, 3]),
        pd.DataFrame({"spend": [1, 2, 3]}),
        pl.DataFrame({"spend": [1, 2, 3]}),
        np.array([[1.0], [2.0], [3.0]]),
        np.array([3.0, 0.0, 2.0, 0.0, 1.0])[::2],
    ],
)
def test_any_single_column(money):
    assert gini(money) == gini([1.0, 2.0, 3.0])


@pytest.mark.parametrize(
    ("money", "error", "message"),
    [
        ([5.0, -1.0, -2.0], InputError, "2 of 3 customers are below, the first in row 1.*LogCleaner"),
        ([0.0, 0.0], InputError, "no money to share out: all 2"),
        ([], InputError, "at least 1"),
        ([1.0, np.nan], InputError, "money must be finite.*row 1"),
        ([1.0, np.inf], InputError, "money must be finite"),
        (3.0, InputError, "one-dimensional"),
        (None, InputError, "one-dimensional"),
        ("milk", InputTypeError, "must hold numbers"),
        (["a", "b"], InputTypeError, "must hold numbers"),
        ([[1.0], [1.0, 2.0]], InputTypeError, "different lengths"),
        (np.ones((3, 2)), InputError, r"must be one column.*\(3, 2\)"),
        (pd.DataFrame({"a": [1], "b": [2]}), InputError, "must be one column, got"),
        (np.array(["2020-01-01"], dtype="datetime64[D]"), InputTypeError, "must hold numbers"),
    ],
)
def test_wrong_money_is_named(money, error, message):
    for measure in (gini, lorenz_curve, lambda m: top_share(m, 0.2)):
        with pytest.raises(error, match=message):
            measure(money)


@pytest.mark.parametrize("fraction", [-0.1, 1.1, np.nan, "0.2", None, True])
def test_wrong_fractions_are_named(fraction):
    with pytest.raises((InputError, InputTypeError), match="fraction must be"):
        top_share([1.0], fraction)
