"""The shared checks: what is no number is refused by name, and every rule that is printed is true."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

import crmintel as ci
from crmintel._validation import (
    as_numbers,
    check_choice,
    check_names,
    check_number,
    check_vector,
    check_weights,
    exact,
)
from crmintel.exceptions import InputError, InputTypeError
from crmintel.features.rows import named_columns

NO_NUMBERS = [
    ["1", "2", "3"],
    np.array(["1", "2", "3"]),
    np.array([1.0, "2", 3], dtype=object),
    np.array([b"1", b"2", b"3"]),
    [1 + 2j, 3, 4],
    np.array([1 + 2j, 3, 4], dtype=object),
    np.ma.array([1.0, 2.0, 3.0], mask=[False, True, False]),
    np.array(["2024-01-01", "2024-01-02", "2024-01-03"], "M8[D]"),
]
ids = [f"{type(v).__name__}-{np.asarray(v).dtype}" for v in NO_NUMBERS]


@pytest.mark.parametrize("values", NO_NUMBERS, ids=ids)
def test_what_is_no_number_is_refused_everywhere(values):
    """numpy reads text as numbers, drops masks and imaginary parts; none of it may pass in silence."""
    rows = np.ma.column_stack([values] * 3) if isinstance(values, np.ma.MaskedArray) else [list(values)] * 3
    for call in (
        lambda: check_vector(values, "money"),
        lambda: ci.gini(values),
        lambda: ci.gini(np.ma.array(values)[:, None] if np.ma.isMA(values) else [[v] for v in values]),
        lambda: named_columns(rows, ("frequency", "recency", "T")),
        lambda: ci.RFMScorer(n_bins=2).fit(rows),
    ):
        with pytest.raises(InputTypeError, match=r"numbers|masked"):
            call()


def test_what_is_a_number_passes():
    for values in ([1, True, 2.5], np.ma.array([1.0, 1.0, 2.5]), np.array([1, True, 2.5], dtype=object)):
        assert as_numbers(values, "money").tolist() == [1.0, 1.0, 2.5]
    assert named_columns([[1, 2], [3, 4]], ("frequency",))["frequency"].tolist() == [1.0, 3.0]


@pytest.mark.parametrize(
    "value", [10**400, -(10**400), Fraction(10**400)], ids=["int", "negative", "fraction"]
)
def test_numbers_beyond_floats(value):
    with pytest.raises(InputError, match="horizon is too large for a float"):
        check_number(value, "horizon")
    with pytest.raises(InputError, match="money holds a number too large for a float"):
        check_vector([1, value], "money")


@pytest.mark.parametrize(
    ("value", "bounds", "rule"),
    [
        (np.inf, {"low": 0.0}, "must be >= 0.0 and finite, got inf"),
        (np.nan, {"low": 0.0, "high": 1.0}, "must be >= 0.0 and <= 1.0 and finite, got nan"),
        (np.inf, {}, "must be finite, got inf"),
        (np.nan, {"finite": False}, "must be a number, got nan"),
        (-1.0, {"low": 0.0}, "must be >= 0.0, got -1.0"),
    ],
)
def test_the_rule_that_is_printed_is_the_one_that_was_broken(value, bounds, rule):
    with pytest.raises(InputError, match=rule):
        check_number(value, "horizon", **bounds)


def test_choices():
    assert check_choice(np.str_("net"), "returns", ("match", "net")) == "net"
    assert type(check_choice(np.str_("net"), "returns", ("match", "net"))) is str
    for wrong in ("Net", 1, True, None, ["net"]):
        with pytest.raises(InputError, match="must be one of 'match', 'net'"):
            check_choice(wrong, "returns", ("match", "net"))


def test_names():
    assert check_names(np.array(["a", "b"]), "extra") == ["a", "b"]
    for wrong, message in (
        ("ab", r"write extra=\['ab'\]"),
        (None, "got None"),
        (5, "got 5"),
        ([["a"]], r"got \['a'\] in it"),
        (["a", "b", "a"], r"\['a'\] more than once"),
    ):
        with pytest.raises((InputError, InputTypeError), match=message):
            check_names(wrong, "extra")


@pytest.mark.parametrize("number", [0.28, np.float32(0.28), np.float64(0.28), Fraction(28, 100)])
def test_a_share_is_the_decimal_that_is_printed(number):
    assert exact(number) == Fraction(28, 100)


def test_shares_of_any_precision_are_one_number():
    money = np.arange(25.0)
    assert ci.top_share(money, np.float32(0.28)) == ci.top_share(money, 0.28)
    shares = [0.01, 0.04, 0.15, 0.8]
    single = ci.ValueTiers(shares=np.array(shares, dtype=np.float32)).fit(money)
    assert (
        single.table_["customers"].tolist()
        == ci.ValueTiers(shares=shares).fit(money).table_["customers"].tolist()
    )


def test_sums_beyond_floats():
    huge = np.full(3, 1e308)
    with pytest.raises(InputError, match="sample_weight sums to more than a float can hold"):
        check_weights(huge, 3)
    with pytest.raises(InputError, match="sample_weight sums"):
        ci.CustomerKMeans(n_clusters=1).fit(np.eye(3), sample_weight=huge)
    rows = {"frequency": [1, 2, 0], "recency": [1.0, 2.0, 0.0], "T": [3.0, 3.0, 3.0]}
    with pytest.raises(InputError, match="sample_weight sums"):
        ci.BetaGeoNBD().fit(rows, sample_weight=huge)
    with pytest.raises(InputError, match="money sums to more than a float can hold"):
        ci.ValueTiers().fit(huge)
