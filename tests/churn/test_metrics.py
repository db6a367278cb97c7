"""Lift against its definition in exact fractions, averaged over all orders of tied customers."""

from __future__ import annotations

from fractions import Fraction
from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import crmintel as ci
from crmintel.exceptions import InputError, InputTypeError

SCORED = st.lists(
    st.tuples(st.booleans(), st.sampled_from([0.0, 0.1, 0.25, 0.5, -1.0])), min_size=1, max_size=40
)


def lift_by_definition(left, scores, share):
    """Expected share of churners in the top places, one place after the other, over the share among all."""
    places = share * len(left)
    found = Fraction(0)
    for value in sorted(set(scores), reverse=True):
        tied = [y for y, s in zip(left, scores) if s == value]
        above = sum(s > value for s in scores)
        taken = min(max(places - above, 0), Fraction(len(tied)))
        found += taken * Fraction(sum(tied), len(tied))
    return found / places / Fraction(sum(left), len(left))


@settings(max_examples=200)
@given(SCORED.filter(lambda rows: any(y for y, _ in rows)), st.sampled_from([1, 2, 5, 10, 20]))
def test_lift_equals_its_definition(rows, parts):
    left, scores = [y for y, _ in rows], [s for _, s in rows]
    wanted = lift_by_definition(left, scores, Fraction(1, parts))
    assert ci.top_decile_lift(left, scores, share=1 / parts) == pytest.approx(float(wanted), rel=1e-12)


@given(SCORED.filter(lambda rows: any(y for y, _ in rows)), st.randoms(use_true_random=False))
def test_the_order_of_rows_does_not_matter(rows, random):
    shuffled = list(rows)
    random.shuffle(shuffled)
    lifts = {ci.top_decile_lift(*zip(*order)) for order in (rows, shuffled)}
    assert max(lifts) == pytest.approx(min(lifts), rel=1e-12)


def test_tied_customers_count_as_the_mean_over_their_orders():
    left, scores = [1, 0, 0, 1, 0], [3.0, 2.0, 2.0, 2.0, 1.0]
    top = [sum([1, *order][:2]) / 2 for order in permutations([0, 0, 1])]
    assert ci.top_decile_lift(left, scores, share=0.4) == pytest.approx(np.mean(top) / 0.4, rel=1e-15)


def test_a_perfect_and_a_worthless_ranking():
    left = np.arange(1000) < 50
    assert ci.top_decile_lift(left, left) == pytest.approx(10.0)
    assert ci.top_decile_lift(left, -left.astype(float)) == 0.0
    assert ci.top_decile_lift(left, np.zeros(1000)) == pytest.approx(1.0)
    assert ci.top_decile_lift(left, left, share=1.0) == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("y", "score", "share", "error", "says"),
    [
        ([0, 0], [1.0, 2.0], 0.1, InputError, "no churner among 2"),
        ([0, 2], [1.0, 2.0], 0.1, InputError, "y must be 0 or 1"),
        ([0, 1], [1.0], 0.1, InputError, "score has 1 values, expected 2"),
        ([0, np.nan], [1.0, 2.0], 0.1, InputError, "y must be finite"),
        ([0, 1], [np.nan, 2.0], 0.1, InputError, "score must be finite"),
        (["no", "yes"], [1.0, 2.0], 0.1, InputTypeError, r"got the text 'no', 'yes'; write y == 'yes'\."),
        ([], [], 0.1, InputError, "at least 1"),
        (1, 1.0, 0.1, InputError, "one-dimensional"),
        ([[0, 1]], [[1.0, 2.0]], 0.1, InputError, "one-dimensional"),
        ([0, 1], [1.0, 2.0], 0.0, InputError, "share must be > 0"),
        ([0, 1], [1.0, 2.0], 1.5, InputError, "share must be"),
        ([0, 1], [1.0, 2.0], "10%", InputTypeError, "share must be a number"),
        (None, [1.0], 0.1, (InputError, InputTypeError), "y"),
    ],
)
def test_what_cannot_be(y, score, share, error, says):
    with pytest.raises(error, match=says):
        ci.top_decile_lift(y, score, share=share)


@pytest.mark.parametrize(
    "ask",
    [
        lambda y: ci.top_decile_lift(y, [1.0, 2.0, 3.0]),
        lambda y: ci.gain_table(y, [1.0, 2.0, 3.0], n_groups=2),
        lambda y: ci.profit_curve(y, [1.0, 2.0, 3.0]),
        lambda y: ci.expected_maximum_profit(y, [1.0, 2.0, 3.0]),
        lambda y: ci.survival_curve([1, 2, 3], y),
        lambda y: ci.survival_by_segment([1, 2, 3], y, ["a", "a", "b"]),
        lambda y: ci.concordance_index([1, 2, 3], y, [1.0, 2.0, 3.0]),
    ],
    ids=["lift", "gains", "curve", "profit", "survival", "segments", "concordance"],
)
def test_words_are_answered_with_the_comparison_to_write(ask):
    for y in (
        ["Yes", "No", "Yes"],
        np.array(["No", "Yes", "No"]),
        np.array(["Yes", None, "No"], dtype=object),
    ):
        with pytest.raises(InputTypeError, match=r"'No', 'Yes'; write (y|event) == 'Yes'\."):
            ask(y)
    with pytest.raises(InputTypeError, match=r"== 'gone', or whichever of them means that the customer left"):
        ask(["gone", "here", "gone"])
    with pytest.raises(InputTypeError, match=r"astype\(float\)"):
        ask(["0", "1", "0"])
    ask(np.array(["Yes", "No", "Yes"]) == "Yes")
