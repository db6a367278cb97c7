"""Improvement, boost, closure and productive rules against enumeration."""

from __future__ import annotations

from fractions import Fraction
from itertools import chain, combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from crmintel import AssociationRules, FrequentItemsets
from crmintel.exceptions import CapacityError, InputError
from crmintel.patterns.ruleset import RuleSet
from tests.oracles.itemsets import itemsets_bruteforce
from tests.oracles.rules import fisher_exact

MANY = st.lists(st.sets(st.integers(0, 4)), min_size=1, max_size=15)


def rules_of(baskets, min_count=1, min_value=0.0, **params):
    return AssociationRules(FrequentItemsets(min_count), min_value=min_value, **params).fit(baskets).rules_


def key(rule):
    return frozenset(rule.antecedent), frozenset(rule.consequent)


def parts(antecedent):
    """All proper parts."""
    return map(frozenset, chain.from_iterable(combinations(antecedent, k) for k in range(len(antecedent))))


@given(baskets=MANY, min_count=st.integers(1, 3), max_consequent=st.none() | st.just(1))
@settings(deadline=None, max_examples=30)
def test_improvement_and_boost_look_at_every_shorter_rule(baskets, min_count, max_consequent):
    """Also at those that have not reached min_value."""
    count = itemsets_bruteforce(baskets, 1) | {frozenset(): len(baskets)}
    rules = rules_of(baskets, min_count, 0.4, max_consequent=max_consequent)
    for rule, gain, boost, in_lift in zip(
        rules, rules.improvement(), rules.boost(), rules.improvement("lift"), strict=True
    ):
        antecedent, consequent = key(rule)
        best = max(Fraction(count[part | consequent], count[part]) for part in parts(antecedent))
        own = Fraction(rule.n_ab, rule.n_a)
        assert gain == pytest.approx(float(own - best), abs=1e-15)
        assert boost == pytest.approx(float(own / best), rel=1e-15)
        assert in_lift == pytest.approx(float((own - best) * len(baskets) / rule.n_b), abs=1e-13)
    assert len(rules.prune("boost", min_boost=1.2)) == (rules.boost() > 1.2).sum()
    assert len(rules.prune(measure="lift", min_improvement=0.1)) == (rules.improvement("lift") > 0.1).sum()


@given(baskets=MANY, min_count=st.integers(1, 3))
@settings(deadline=None, max_examples=30)
def test_every_item_of_a_productive_rule_adds_to_it(baskets, min_count):
    count = itemsets_bruteforce(baskets, 1) | {frozenset(): len(baskets)}
    rules = rules_of(baskets, min_count)
    expected = set()
    for rule in rules:
        antecedent, consequent = key(rule)
        shorter = [antecedent - {item} for item in antecedent]
        p = max(fisher_exact(rule.n_ab, rule.n_a, count[s | consequent], count[s]) for s in shorter)
        if p <= Fraction(1, 5):
            expected.add((antecedent, consequent))
    assert {key(rule) for rule in rules.prune("productive", alpha=0.2 * (1 + 1e-12))} == expected


@given(baskets=MANY, min_count=st.integers(1, 3), max_consequent=st.none() | st.integers(1, 2))
@settings(deadline=None, max_examples=30)
def test_closure_leaves_the_minimal_non_redundant_rules(baskets, min_count, max_consequent):
    rules = rules_of(baskets, min_count, 0.3, max_consequent=max_consequent)
    everything = list(rules)

    def says_as_much(other, rule):
        (a, b), (c, d) = key(other), key(rule)
        return (a, b) != (c, d) and a <= c and b >= d and (other.n_a, other.n_ab) == (rule.n_a, rule.n_ab)

    expected = {
        key(rule) for rule in everything if not any(says_as_much(other, rule) for other in everything)
    }
    assert {key(rule) for rule in rules.prune("closure")} == expected


def test_closure_by_generators_and_closed_sets():
    """Bastide et al.: generators on the left, closed unions; here c stands in every basket with a."""
    kept = rules_of([["a", "b", "c"], ["a", "c"], ["b", "c"], ["b"]], max_consequent=None).prune("closure")
    found = {("".join(rule.antecedent), "".join(rule.consequent)) for rule in kept}
    assert ("a", "c") in found
    assert ("a", "bc") in found
    assert ("ac", "b") not in found  # says what a -> bc and a -> b say
    assert ("a", "b") not in found


def test_rules_from_elsewhere_know_only_each_other():
    rules = rules_of([["a", "b", "c"], ["a", "b"], ["b", "c"], ["c"]])
    own = RuleSet(
        rules.antecedents,
        rules.consequents,
        n_ab=rules.n_ab,
        n_a=rules.n_a,
        n_b=rules.n_b,
        n=rules.n,
        items=rules.items,
    )
    assert np.array_equal(own.improvement(), rules.improvement())
    assert [key(r) for r in own.prune("productive")] == [key(r) for r in rules.prune("productive")]
    longest = own[own.lengths == 3]
    assert np.all(longest.improvement() >= own.improvement()[own.lengths == 3])
    with pytest.raises(InputError, match="do not know the counts of their parts"):
        longest[:1].prune("productive")


def test_rules_of_any_basket_have_nothing_simpler():
    rules = rules_of([["a", "b"], ["a"]], empty_antecedent=True)
    empty = np.diff(rules.antecedents.indptr) == 0
    assert np.isnan(rules.improvement()[empty]).all()
    for by in ("improvement", "boost", "productive"):
        assert (np.diff(rules.prune(by).antecedents.indptr) == 0).sum() == 2
    assert len(rules[empty].prune()) == 2


def test_pruned_rules_keep_their_order_and_search():
    rules = rules_of([["a", "b", "c"], ["a", "b"], ["b", "c"], ["c"]]).sort("lift")
    numbers = {key(rule): k for k, rule in enumerate(rules)}
    for by in ("improvement", "boost", "closure", "productive"):
        pruned = rules.prune(by, alpha=0.5)
        assert sorted(numbers[key(rule)] for rule in pruned) == [numbers[key(rule)] for rule in pruned]
        assert pruned.space is rules.space


def test_no_rules_are_pruned_to_none():
    rules = AssociationRules(FrequentItemsets(2)).fit([["a"], ["b"]]).rules_
    for by in ("improvement", "boost", "closure", "productive"):
        assert len(rules.prune(by)) == 0


def test_long_antecedents_have_too_many_parts():
    side = np.ones((1, 27), dtype=bool)
    side[0, -1] = False
    long = RuleSet(
        sparse.csr_array(side), sparse.csr_array(~side), n_ab=[1], n_a=[1], n_b=[1], n=2, items=np.arange(27)
    )
    with pytest.raises(CapacityError, match="an antecedent of 26 items has too many parts"):
        long.prune()
    assert len(long.prune("closure")) == 1


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"by": "lift"}, "by must be one of 'improvement', 'boost'"),
        ({"measure": "lifft"}, "measure must be one of"),
        ({"min_improvement": -1}, "min_improvement must be >= 0"),
        ({"min_boost": float("nan")}, "min_boost"),
        ({"alpha": 0}, "alpha must be > 0"),
    ],
)
def test_parameters_out_of_bounds(params, message):
    with pytest.raises(InputError, match=message):
        rules_of([["a", "b"], ["a"]]).prune(**params)
