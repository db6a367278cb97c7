"""Interest measures against exact fractions, at their limits, and on what they refuse."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import crmintel as ci
from crmintel import measures
from crmintel.exceptions import InputError, InputTypeError
from crmintel.patterns.measures import MEASURES
from tests.oracles.rules import fisher_exact, measures_exact


@st.composite
def tables(draw, largest):
    """Four counts that some baskets can have."""
    n = draw(st.integers(1, largest))
    n_a, n_b = draw(st.integers(0, n)), draw(st.integers(0, n))
    return draw(st.integers(max(0, n_a + n_b - n), min(n_a, n_b))), n_a, n_b, n


def relative_error(value, exact):
    return abs(Fraction(float(value)) - exact) / abs(exact)


@given(tables(12) | tables(10_000) | tables(2**31 - 1))
@settings(max_examples=500, deadline=None)
def test_equal_to_exact_fractions(counts):
    for name, exact in measures_exact(*counts).items():
        squared = name.endswith("_squared") and name != "chi_squared"
        value = float(MEASURES[name.removesuffix("_squared") if squared else name](*counts))
        if exact is None:
            assert math.isnan(value), (name, counts)
        elif exact == 0 or exact == math.inf:
            assert value == exact, (name, counts)
        elif squared:
            signed = Fraction(value) * abs(Fraction(value))
            assert abs(signed - exact) <= abs(exact) * Fraction(2, 10**15), (name, counts)
        else:
            assert relative_error(value, exact) <= Fraction(1, 10**15), (name, counts)


@given(tables(10_000))
@settings(deadline=None)
def test_yule_y_follows_from_yule_q(counts):
    q, y = float(measures.yule_q(*counts)), float(measures.yule_y(*counts))
    assert (math.isnan(q) and math.isnan(y)) or q == pytest.approx(2 * y / (1 + y * y), rel=1e-14, abs=0)


@given(tables(2000))
@settings(max_examples=300, deadline=None)
def test_fisher_is_the_exact_tail(counts):
    exact = fisher_exact(*counts)
    assume(exact > Fraction(1, 10**300))
    assert relative_error(measures.fisher_p(*counts), exact) < Fraction(1, 10**12)


def test_fisher_of_large_counts():
    """Against the sum of the exact tail, where n! has 400,000 digits."""
    counts = (1200, 30_000, 3000, 90_000)
    n_ab, n_a, n_b, n = counts
    term = total = Fraction(1)
    for k in range(n_ab, min(n_a, n_b)):
        term *= Fraction((n_a - k) * (n_b - k), (k + 1) * (n - n_a - n_b + k + 1))
        total += term.limit_denominator(10**60)
        if term < Fraction(1, 10**25):
            break
        term = term.limit_denominator(10**60)
    log_first = sum(
        sign * math.lgamma(m + 1)
        for sign, m in [(1, n_a), (-1, n_ab), (-1, n_a - n_ab), (1, n - n_a), (-1, n_b - n_ab),
                        (-1, n - n_a - n_b + n_ab), (-1, n), (1, n_b), (1, n - n_b)]
    )  # fmt: skip
    assert float(measures.fisher_p(*counts)) == pytest.approx(math.exp(log_first) * float(total), rel=1e-8)


def test_chi_squared_p_value():
    assert measures.chi_squared(n_ab=20, n_a=30, n_b=40, n=80) == pytest.approx(
        80 * (20 * 30 - 10 * 20) ** 2 / (30 * 50 * 40 * 40)
    )
    assert float(measures.chi_squared_p(20, 30, 40, 80)) == pytest.approx(
        math.erfc(math.sqrt(float(measures.chi_squared(20, 30, 40, 80)) / 2)), rel=1e-12
    )


def test_certainty_of_negative_association():
    """mlxtend 0.25 gives -0.0476 here."""
    assert measures.certainty(n_ab=11, n_a=20, n_b=24, n=40) == pytest.approx(-1 / 12, rel=1e-15)


def test_conviction_without_epsilon():
    """efficient-apriori is off by 2e-9."""
    assert measures.conviction(n_ab=5, n_a=12, n_b=20, n=48) == 1.0


@given(tables(1000))
@settings(deadline=None)
def test_values_lie_in_the_stated_range(counts):
    for name, measure in MEASURES.items():
        value = float(measure(*counts))
        low, high = measure.range
        assert math.isnan(value) or low - 1e-15 <= value <= high * (1 + 1e-15), name


@given(tables(1000))
@settings(deadline=None)
def test_symmetric_measures(counts):
    n_ab, n_a, n_b, n = counts
    for name in ("support", "lift", "leverage", "cosine", "jaccard", "kulczynski", "imbalance_ratio", "all_confidence",
                 "max_confidence", "odds_ratio", "phi", "yule_q", "yule_y", "kappa"):  # fmt: skip
        one, other = MEASURES[name](n_ab, n_a, n_b, n), MEASURES[name](n_ab, n_b, n_a, n)
        assert one == pytest.approx(other, rel=1e-15, nan_ok=True), name


def test_arrays_broadcast_and_numbers_give_numbers():
    assert measures.lift(np.array([1, 2]), 2, np.array([[4], [8]]), 16).shape == (2, 2)
    assert isinstance(measures.lift(1, 2, 4, 16), float)
    assert measures.lift(1.0, 2.0, np.uint8(4), 16) == 2.0
    assert measures.confidence([], [], [], 5).shape == (0,)


def test_every_measure_is_described():
    assert {"lift", "conviction", "fisher_p", "certainty", "zhang"} <= set(MEASURES)
    for name, measure in MEASURES.items():
        assert measure.name == name == measure.function.__name__
        assert measure.function is getattr(ci.measures, name)
        assert measure.formula
        assert measure.reference
        assert measure.function.__doc__


@pytest.mark.parametrize(
    ("counts", "message"),
    [
        ((3, 2, 5, 10), r"n_ab must lie between 0 and min\(n_a, n_b\); got n_ab=3, n_a=2"),
        ((-1, 2, 5, 10), "n_ab must lie"),
        ((1, 20, 5, 10), "at most n"),
        ((0, 6, 6, 10), "with either side"),
        ((0, 0, 0, 0), "n must lie in 1"),
        ((1, 1, 1, 2**31), "n must lie in 1"),
        ((1.5, 2, 2, 4), "n_ab must hold counts"),
        ((float("nan"), 2, 2, 4), "n_ab must hold counts"),
        ((1, "2", 2, 4), "n_a must hold counts"),
        ((1, 2, None, 4), "n_b must hold counts"),
        ((True, 2, 2, 4), "n_ab must hold counts"),
        (([1, 2], [1, 2, 3], 3, 9), r"do not broadcast: n_ab \(2,\), n_a \(3,\)"),
        (([0, 3], 2, 5, 10), "got n_ab=3"),
    ],
)
def test_counts_that_cannot_be(counts, message):
    with pytest.raises((InputError, InputTypeError), match=message):
        measures.lift(*counts)
