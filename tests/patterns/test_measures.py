"""Interest measures against exact fractions, at their limits, and on what they refuse."""

from __future__ import annotations

import math
from fractions import Fraction

import mpmath
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import crmintel as ci
from crmintel import measures
from crmintel.exceptions import InputError, InputTypeError
from crmintel.patterns.measures import MEASURES
from tests.oracles.measures import further_measures_exact, further_measures_precise, tails_exact
from tests.oracles.rules import fisher_exact, measures_exact


@st.composite
def tables(draw, largest):
    """Four counts that some baskets can have."""
    n = draw(st.integers(1, largest))
    n_a, n_b = draw(st.integers(0, n)), draw(st.integers(0, n))
    return draw(st.integers(max(0, n_a + n_b - n), min(n_a, n_b))), n_a, n_b, n


def relative_error(value, exact):
    return abs(Fraction(float(value)) - exact) / abs(exact)


@given(tables(12) | tables(10_000) | tables(10**9) | tables(2**31 - 1))
@settings(max_examples=250, deadline=None)
def test_equal_to_exact_fractions(counts):
    for name, exact in (measures_exact(*counts) | further_measures_exact(*counts)).items():
        squared = name.endswith("_squared") and name not in MEASURES
        value = float(MEASURES[name.removesuffix("_squared") if squared else name](*counts))
        if exact is None:
            assert math.isnan(value), (name, counts)
        elif exact in (0, math.inf, -math.inf):
            assert value == exact, (name, counts)
        elif squared:
            signed = Fraction(value) * abs(Fraction(value))
            assert abs(signed - exact) <= abs(exact) * Fraction(3, 10**15), (name, counts)
        else:
            assert relative_error(value, exact) <= Fraction(1, 10**15), (name, counts)


@given(tables(12) | tables(10_000) | tables(10**9))
@settings(max_examples=120, deadline=None)
def test_equal_to_sixty_digits(counts):
    few = counts[1] - counts[0] < 2000
    for name, exact in further_measures_precise(*counts, intensity=few).items():
        value = float(MEASURES[name](*counts))
        if exact is None:
            assert math.isnan(value), (name, counts)
        else:
            # what is exactly 0 is so in 60 digits up to their rounding
            assert value == pytest.approx(float(exact), rel=1e-12, abs=1e-40), (name, counts)


@given(tables(60))
@settings(max_examples=120, deadline=None)
def test_tails_equal_the_exact_ones(counts):
    for name, exact in tails_exact(*counts).items():
        value = float(MEASURES[name](*counts))
        if exact is None or exact == math.inf:
            assert math.isnan(value) if exact is None else value == exact, (name, counts)
        else:
            assert value == pytest.approx(float(exact), rel=1e-12, abs=0), (name, counts)
    if fisher_exact(*counts) > 0:
        assert measures.fisher_log_p(*counts) == pytest.approx(
            math.log(fisher_exact(*counts)), rel=1e-12, abs=1e-13
        )


def test_a_tail_too_small_for_a_float_has_a_logarithm():
    """ln of 1 / binom(10**6, 5 * 10**5): both sides in the same half of a million baskets."""
    half = 500_000
    with mpmath.workdps(40):
        exact = -mpmath.log(mpmath.binomial(2 * half, half))
    assert measures.fisher_log_p(half, half, half, 2 * half) == pytest.approx(float(exact), rel=1e-14)
    assert measures.fisher_p(half, half, half, 2 * half) == 0.0
    assert measures.fisher_log_p(half + 1, half + 2, half + 2, 10**9) < -1e6


@pytest.mark.parametrize(
    "counts", [(300, 20_000, 9_000, 10**6), (40, 50, 900_000, 10**6), (2000, 400_000, 4_600, 10**6)]
)
def test_fisher_at_a_million_baskets(counts):
    """Against the sum of binomials with 50 digits."""
    n_ab, n_a, n_b, n = counts
    with mpmath.workdps(50):
        term = mpmath.binomial(n_a, n_ab) * mpmath.binomial(n - n_a, n_b - n_ab) / mpmath.binomial(n, n_b)
        total, k = term, n_ab
        while term > total * mpmath.mpf(10) ** -25 and k < min(n_a, n_b):
            term *= mpmath.mpf((n_a - k) * (n_b - k)) / ((k + 1) * (n - n_a - n_b + k + 1))
            k += 1
            total += term
        exact = mpmath.log(total)
    assert measures.fisher_log_p(*counts) == pytest.approx(float(exact), rel=1e-12)


@given(tables(10_000))
@settings(deadline=None)
def test_yule_y_follows_from_yule_q(counts):
    q, y = float(measures.yule_q(*counts)), float(measures.yule_y(*counts))
    assert (math.isnan(q) and math.isnan(y)) or q == pytest.approx(2 * y / (1 + y * y), rel=1e-14, abs=0)


@given(tables(2000))
@settings(max_examples=120, deadline=None)
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
@settings(deadline=None, max_examples=50)
def test_values_lie_in_the_stated_range(counts):
    for name, measure in MEASURES.items():
        value = float(measure(*counts))
        low, high = measure.range
        assert math.isnan(value) or low - 1e-15 <= value <= high * (1 + 1e-15), name


@given(tables(1000))
@settings(deadline=None, max_examples=50)
def test_symmetric_measures(counts):
    n_ab, n_a, n_b, n = counts
    for name, measure in MEASURES.items():
        one, other = measure(n_ab, n_a, n_b, n), measure(n_ab, n_b, n_a, n)
        if measure.symmetric:
            assert one == pytest.approx(other, rel=1e-10, abs=1e-30, nan_ok=True), name


def test_other_measures_are_not_symmetric():
    for name, measure in MEASURES.items():
        assert measure.symmetric or measure(20, 30, 50, 100) != measure(20, 50, 30, 100), name


def test_small_is_strong_where_it_is_said():
    """More baskets with both sides, all else equal, never make a rule worse."""
    n_ab = np.arange(1, 30)
    for name, measure in MEASURES.items():
        with_direction = (
            -measure(n_ab, 30, 50, 200) if measure.small_is_strong else measure(n_ab, 30, 50, 200)
        )
        above_chance = with_direction[7:]  # 30 * 50 / 200 = 7.5
        assert np.all(np.diff(above_chance) >= 0), name


def test_equal_to_mlxtend():
    mlxtend = pytest.importorskip("mlxtend.frequent_patterns")
    pd = pytest.importorskip("pandas")
    table = pd.DataFrame(np.random.default_rng(0).random((200, 6)) < 0.4, columns=list("abcdef"))
    itemsets = mlxtend.fpgrowth(table, min_support=0.01, use_colnames=True)
    rules = mlxtend.association_rules(itemsets, metric="confidence", min_threshold=0.0)
    counts = [
        np.rint(rules[column] * 200) for column in ("support", "antecedent support", "consequent support")
    ]
    for name in ("confidence", "lift", "leverage", "conviction", "jaccard", "kulczynski"):
        assert MEASURES[name](*counts, 200) == pytest.approx(rules[name].to_numpy(), rel=1e-9, abs=1e-12), (
            name
        )
    assert measures.zhang(*counts, 200) == pytest.approx(
        rules["zhangs_metric"].to_numpy(), rel=1e-9, abs=1e-12
    )
    above = rules["lift"].to_numpy() > 1  # its certainty is wrong below
    assert measures.certainty(*counts, 200)[above] == pytest.approx(
        rules["certainty"].to_numpy()[above], rel=1e-9
    )


def test_all_confidence_of_the_arules_tests():
    """AB, ABCG, CD, CD, EF: the pairs AB, AC, AG, BC, BG, CD, CG, EF as arules prints them (Omiecinski 2003)."""
    n_ab = [2, 1, 1, 1, 1, 2, 1, 1]
    n_a, n_b = [2, 2, 2, 2, 2, 3, 3, 1], [2, 3, 1, 3, 1, 2, 1, 1]
    assert measures.all_confidence(n_ab, n_a, n_b, 5).round(2).tolist() == [
        1,
        0.33,
        0.5,
        0.33,
        0.5,
        0.67,
        0.33,
        1,
    ]


def test_arrays_broadcast_and_numbers_give_numbers():
    assert measures.lift(np.array([1, 2]), 2, np.array([[4], [8]]), 16).shape == (2, 2)
    assert isinstance(measures.lift(1, 2, 4, 16), float)
    assert measures.lift(1.0, 2.0, np.uint8(4), 16) == 2.0
    assert measures.confidence([], [], [], 5).shape == (0,)
    strided = np.array([1, 9, 3])[::2]
    strided.flags.writeable = False
    for name, measure in MEASURES.items():
        assert measure(strided, 3, 3, 9).shape == (2,), name
        assert measure([], [], [], 5).shape == (0,), name


def test_every_measure_is_described():
    assert len(MEASURES) >= 60
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
        ((1, math.inf, 2, 4), "n_a must hold counts"),
        ((1, 2, 2j, 4), "n_b must hold counts"),
        ((1e300, 2, 2, 4), "n_ab must hold counts"),
        ((2**70, 2, 2, 4), "n_ab must hold counts"),
        (([[1], [2, 3]], 2, 2, 4), "rows of different lengths"),
        ((np.ma.masked_array([1], mask=[True]), 2, 2, 4), "n_ab has masked values"),
    ],
)
def test_counts_that_cannot_be(counts, message):
    with pytest.raises((InputError, InputTypeError), match=message):
        measures.lift(*counts)
