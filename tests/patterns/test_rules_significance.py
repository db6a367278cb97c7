"""Significance of rules: corrections against their definitions, errors on shuffled baskets, planted pairs found."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from crmintel import AssociationRules, Baskets, FrequentItemsets
from crmintel.exceptions import InputError
from crmintel.patterns.ruleset import RuleSet
from crmintel.patterns.significance import CORRECTIONS, SearchSpace
from tests.oracles.rules import significance_exact

HOLD_FAMILY_WISE = [
    ("tarone", "fisher_p"),
    ("bonferroni", "fisher_p"),
    ("holm", "fisher_p"),
    ("bonferroni", "fisher_p_two_sided"),
    ("bonferroni", "productive"),
]


def rules_of(baskets, min_count=1, **params):
    return AssociationRules(FrequentItemsets(min_count), min_value=0.0, **params).fit(baskets).rules_


@given(
    baskets=st.lists(st.sets(st.integers(0, 5)), min_size=1, max_size=20),
    min_count=st.integers(1, 3),
    max_consequent=st.none() | st.integers(1, 2),
)
@settings(deadline=None, max_examples=60)
def test_corrections_count_the_whole_search(baskets, min_count, max_consequent):
    rules = rules_of(baskets, min_count, max_consequent=max_consequent)
    exact = significance_exact(baskets, min_count, max_consequent)
    for correction in ("tarone", "bonferroni"):
        for rule, p in zip(rules, rules.adjusted_p(correction), strict=True):
            expected = exact[correction][frozenset(rule.antecedent), frozenset(rule.consequent)]
            assert p == pytest.approx(min(1.0, float(expected)), rel=1e-8)


@given(baskets=st.lists(st.sets(st.integers(0, 5)), min_size=5, max_size=30))
@settings(deadline=None, max_examples=60)
def test_corrections_are_ordered(baskets):
    rules = rules_of(baskets)
    p = {correction: rules.adjusted_p(correction) for correction in CORRECTIONS}
    slack = 1 + 1e-9
    assert np.all(rules.fisher_p <= p["tarone"] * slack)
    assert np.all(p["tarone"] <= p["bonferroni"] * slack)
    assert np.all(p["holm"] <= p["bonferroni"] * slack)
    assert np.all(p["benjamini-hochberg"] <= p["holm"] * slack)
    assert np.all(p["benjamini-hochberg"] <= p["benjamini-yekutieli"] * slack)


def test_false_discovery_rates_and_holm_are_those_of_all_hypotheses():
    """As if the hypotheses that were not kept had p = 1."""
    baskets = Baskets(np.random.default_rng(3).random((60, 6)) < np.linspace(0.3, 0.7, 6))
    rules = rules_of(baskets, 3)
    n_hypotheses = 6 * len(FrequentItemsets(3).fit(baskets).itemsets_)
    p = np.ones(n_hypotheses)
    p[: len(rules)] = rules.fisher_p
    harmonic = (1 / np.arange(1, n_hypotheses + 1)).sum()
    hochberg = stats.false_discovery_control(p, method="bh")[: len(rules)]
    assert rules.adjusted_p("benjamini-hochberg") == pytest.approx(hochberg, rel=1e-9)
    yekutieli = rules.adjusted_p("benjamini-yekutieli")
    assert np.all(yekutieli <= np.minimum(1, hochberg * (np.log(n_hypotheses) + 1)) * (1 + 1e-9))
    assert np.all(yekutieli >= np.minimum(1, hochberg * harmonic) * (1 - 1e-9))
    order = np.argsort(p, kind="stable")
    holm = np.empty(p.size)
    holm[order] = np.minimum(1, np.maximum.accumulate(p[order] * (p.size - np.arange(p.size))))
    assert rules.adjusted_p("holm") == pytest.approx(holm[: len(rules)], rel=1e-9)


def test_what_is_kept_does_not_change_what_is_counted():
    baskets = Baskets(np.random.default_rng(4).random((80, 6)) < 0.4)
    everything = rules_of(baskets)
    for chosen in (everything[everything.lift > 1.2], everything.sort("lift")[:5]):
        place = {(rule.antecedent, rule.consequent): k for k, rule in enumerate(everything)}
        index = [place[rule.antecedent, rule.consequent] for rule in chosen]
        for correction in ("tarone", "bonferroni"):
            assert chosen.adjusted_p(correction) == pytest.approx(everything.adjusted_p(correction)[index])


def test_constraints_make_the_search_smaller():
    baskets = Baskets(np.random.default_rng(5).random((80, 6)) < 0.4, items=list("abcdef"))
    everything = rules_of(baskets)
    few = rules_of(baskets, consequent_items=["a"], antecedent_items=["b", "c"])
    short = (
        AssociationRules(FrequentItemsets(1, max_length=2), min_value=0.0, consequent_items=["a"])
        .fit(baskets)
        .rules_
    )
    n_itemsets = len(FrequentItemsets(1).fit(baskets).itemsets_)
    for rules, n_hypotheses in ((everything, 6 * n_itemsets), (few, 3), (short, 6)):
        expected = np.minimum(1.0, rules.fisher_p * n_hypotheses)
        assert rules.adjusted_p("bonferroni") == pytest.approx(expected, rel=1e-9)


def test_p_values_below_the_smallest_float_stay_apart():
    half = np.arange(4000) < 2000
    table = np.column_stack([half, half, np.arange(4000) % 2 == 0])
    found = rules_of(Baskets(table)).significant(1e-300)
    assert {(rule.antecedent, rule.consequent) for rule in found} == {((0,), (1,)), ((1,), (0,)), ((0, 2), (1,)),
                                                                      ((1, 2), (0,))}  # fmt: skip


SHAPES = {
    "sparse": (400, np.full(30, 0.1), {"min_support": 2, "max_length": 3}),
    "zipf": (500, 0.6 / np.arange(1, 41) ** 0.8, {"min_support": 3, "max_length": 4}),
    "dense": (150, np.full(9, 0.5), {"min_support": 5}),
    "rare": (200, np.full(60, 0.03), {"min_support": 2}),
    "two": (40, np.array([0.5, 0.5]), {"min_support": 1}),
}


def shuffled(rng, n, shares):
    """Baskets whose items keep their numbers and are put into baskets independently."""
    column = np.arange(n)[:, None] < np.rint(n * shares)
    return Baskets(rng.permuted(column, axis=0))


def some_rule_is_left(shape, n_shuffles, max_consequent, seed):
    n, shares, miner = SHAPES[shape]
    rng = np.random.default_rng(seed)
    left = dict.fromkeys([*HOLD_FAMILY_WISE, "only the kept"], 0)
    for _ in range(n_shuffles):
        baskets = shuffled(rng, n, shares)
        rules = (
            AssociationRules(FrequentItemsets(**miner), min_value=0.0, max_consequent=max_consequent)
            .fit(baskets)
            .rules_
        )
        for correction, test in HOLD_FAMILY_WISE:
            left[correction, test] += len(rules.significant(0.05, correction, test=test)) > 0
        left["only the kept"] += bool((rules.fisher_p * len(rules) <= 0.05).any())
    return left


def most(n_shuffles):
    """What a share of 5 % exceeds in one of 1000 simulations only."""
    return stats.binom.ppf(0.999, n_shuffles, 0.05)


@pytest.mark.parametrize("shape", ["rare", "two"])
def test_independent_items_leave_no_rule(shape):
    left = some_rule_is_left(shape, 40, 1, seed=1)
    assert all(left[each] <= most(40) for each in HOLD_FAMILY_WISE), left


@pytest.mark.slow
@pytest.mark.parametrize("max_consequent", [1, 2, None])
@pytest.mark.parametrize("shape", SHAPES)
def test_family_wise_error_on_shuffled_baskets(shape, max_consequent):
    left = some_rule_is_left(shape, 300, max_consequent, seed=2)
    assert all(left[each] <= most(300) for each in HOLD_FAMILY_WISE), left
    if shape == "rare":
        assert left["only the kept"] > 100  # a correction for the rules that were kept is none


@pytest.mark.slow
def test_family_wise_error_on_shuffled_groceries(real_baskets):
    """The items of Groceries with the numbers they have there."""
    baskets = real_baskets("groceries")
    shares = np.bincount(baskets.indices, minlength=baskets.shape[1]) / len(baskets)
    rng = np.random.default_rng(6)
    left = 0
    for _ in range(60):
        rules = (
            AssociationRules(FrequentItemsets(10), min_value=0.0)
            .fit(shuffled(rng, len(baskets), shares))
            .rules_
        )
        left += len(rules.significant()) > 0
    assert left <= most(60)


def test_planted_pairs_are_found():
    rng = np.random.default_rng(7)
    table = rng.random((2000, 40)) < 0.05
    for a in (0, 2, 4):
        table[:, a + 1] = np.where(rng.random(2000) < 0.5, table[:, a], table[:, a + 1])
    table[:, 8] = table[:, 6] & table[:, 7] | (rng.random(2000) < 0.03)
    for correction, test in HOLD_FAMILY_WISE:
        rules = (
            AssociationRules(FrequentItemsets(3, max_length=3), min_value=0.0)
            .fit(Baskets(table))
            .rules_.significant(correction=correction, test=test)
        )
        pairs = {frozenset(rule.antecedent + rule.consequent) for rule in rules if len(rule.antecedent) == 1}
        assert {frozenset(p) for p in [(0, 1), (2, 3), (4, 5)]} <= pairs, (correction, test)
        assert all(not pair.isdisjoint(range(9)) for pair in pairs)


def test_tarone_finds_more_where_items_are_rare():
    rng = np.random.default_rng(8)
    table = rng.random((300, 80)) < 0.01
    table[:5, :2], table[5:, :2] = True, False
    rules = rules_of(Baskets(table))
    p_tarone, p_bonferroni = (rules.adjusted_p(c).min() for c in ("tarone", "bonferroni"))
    assert p_tarone < p_bonferroni / 10


def test_rules_of_any_basket_are_never_significant():
    rules = (
        AssociationRules(FrequentItemsets(1), min_value=0.0, empty_antecedent=True).fit([["a"]] * 50).rules_
    )
    assert rules.adjusted_p().tolist() == [1.0]
    assert rules.adjusted_p("holm", test="productive").tolist() == [1.0]


def test_no_rules_no_p_values():
    rules = AssociationRules(FrequentItemsets(2)).fit([["a"], ["b"]]).rules_
    for correction in CORRECTIONS:
        assert rules.adjusted_p(correction).shape == (0,)
    assert len(rules.significant(test="productive", correction="holm")) == 0


def test_consequents_share_the_level_by_size():
    space = SearchSpace.of(np.array([3, 3, 5]), 10, 2)
    assert np.exp(space.log_consequents(np.array([1, 2]))) == pytest.approx([2 * 10, 2 * 45])
    any_size = SearchSpace.of(np.array([3, 3, 5]), 10, None)
    parts = np.exp(any_size.log_consequents(np.arange(1, 11)))
    assert parts[:2] == pytest.approx([2 * 10, 4 * 45])
    assert sum(math.comb(10, j) / part for j, part in enumerate(parts, 1)) <= 1


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"alpha": 0}, "alpha must be > 0"),
        ({"alpha": 1.5}, "alpha"),
        ({"alpha": float("nan")}, "alpha"),
        ({"correction": "none"}, "correction must be one of 'tarone', 'bonferroni'"),
        ({"test": "chi_squared_p"}, "test must be one of 'fisher_p'"),
        ({"test": "productive", "correction": "tarone"}, "correction='tarone' needs test='fisher_p'"),
    ],
)
def test_parameters_out_of_bounds(params, message):
    with pytest.raises(InputError, match=message):
        rules_of([["a", "b"]]).significant(**params)


def test_each_test_has_its_correction(real_baskets):
    groceries = AssociationRules(FrequentItemsets(0.001)).fit(real_baskets("groceries")).rules_
    productive = groceries.adjusted_p(test="productive")
    assert np.array_equal(productive, groceries.adjusted_p("holm", test="productive"))
    assert np.array_equal(groceries.adjusted_p(), groceries.adjusted_p("tarone"))
    assert len(groceries.significant(test="productive")) == (productive <= 0.05).sum() > 0


def test_rules_from_elsewhere_do_not_know_their_search():
    found = rules_of([["a", "b"]])
    own = RuleSet(
        found.antecedents,
        found.consequents,
        n_ab=found.n_ab,
        n_a=found.n_a,
        n_b=found.n_b,
        n=1,
        items=found.items,
    )
    with pytest.raises(InputError, match="do not know how many were looked at"):
        own.significant()
