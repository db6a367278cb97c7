"""Which rules are made: items on either side, several thresholds, categories, weights, itemsets of other kinds."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crmintel import AssociationRules, Baskets, FrequentItemsets
from crmintel.exceptions import InputError, InputTypeError

LISTS = [["milk", "bread"], ["milk", "bread", "tea"], ["milk"], ["tea", "bread"], ["tea", "gin"]]


def pairs(rules):
    return {(frozenset(rule.antecedent), frozenset(rule.consequent)) for rule in rules}


def rules_of(baskets, min_count=1, min_value=0.0, **params):
    return AssociationRules(FrequentItemsets(min_count), min_value=min_value, **params).fit(baskets).rules_


@given(
    baskets=st.lists(st.sets(st.integers(0, 5)), min_size=6, max_size=20),
    left=st.none() | st.sets(st.integers(0, 5)),
    right=st.none() | st.sets(st.integers(0, 5)),
    out=st.none() | st.sets(st.integers(0, 5)),
)
@settings(deadline=None, max_examples=40)
def test_constraints_choose_among_all_rules(baskets, left, right, out):
    baskets[0] = set(range(6))
    chosen = pairs(
        rules_of(
            baskets, 2, max_consequent=2, antecedent_items=left, consequent_items=right, exclude_items=out
        )
    )
    assert chosen == {
        (antecedent, consequent)
        for antecedent, consequent in pairs(rules_of(baskets, 2, max_consequent=2))
        if (left is None or antecedent <= left)
        and (right is None or consequent <= right)
        and not (antecedent | consequent) & (out or set())
    }


def test_constraints_leave_the_empty_antecedent():
    rules = rules_of(LISTS, empty_antecedent=True, antecedent_items=[], consequent_items=["tea"])
    assert pairs(rules) == {(frozenset(), frozenset({"tea"}))}


def test_several_thresholds_at_once():
    everything = rules_of(LISTS)
    chosen = rules_of(LISTS, min_value=0.5, thresholds={"lift": 1.1, "fisher_p": 0.8, "support": 0.2})
    keep = (everything.confidence >= 0.5) & (everything.lift >= 1.1) & (everything.fisher_p <= 0.8)
    assert 0 < len(chosen) < len(everything)
    assert pairs(chosen) == pairs(everything[keep & (everything.support >= 0.2)])
    assert np.all(np.diff(chosen.confidence) <= 0)


def test_an_item_beside_its_own_category_says_nothing():
    categories = {"ale": "beer", "stout": "beer", "chips": "snack", "beer": "drink"}
    lists = [["ale", "chips"], ["stout", "chips"], ["ale"], ["stout"]]
    baskets = Baskets.from_lists([[*b, *{categories[i] for i in b}, "drink"] for b in lists])
    rules = rules_of(baskets, categories=categories, max_consequent=None)
    for rule in rules:
        held = set(rule.antecedent) | set(rule.consequent)
        assert not {"ale", "beer"} <= held
        assert not {"stout", "drink"} <= held
        assert not {"chips", "snack"} <= held
    assert (frozenset({"snack"}), frozenset({"beer"})) in pairs(rules)
    assert len(rules) < len(rules_of(baskets, max_consequent=None))


def test_rules_across_levels_of_groceries(real_baskets, shared_data):
    import csv

    with open(shared_data / "baskets" / "groceries_items.csv", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    names = list(rows[0])
    categories = {row[names[0]]: f"any {row[names[1]]}" for row in rows}
    baskets = real_baskets("groceries").roll_up(categories, keep_items=True, missing="drop")
    rules = AssociationRules(FrequentItemsets(0.02), min_value=0.5, categories=categories).fit(baskets).rules_
    assert len(rules) > 50
    for rule in rules:
        held = {*rule.antecedent, *rule.consequent}
        assert not any(categories.get(item) in held for item in held)


def test_weights_in_whole_numbers_count():
    baskets = Baskets.from_lists(LISTS)
    weights = np.array([2, 1, 3, 1, 1])
    repeated = baskets[np.repeat(np.arange(5), weights)]
    weighted = (
        AssociationRules(min_value=0.3)
        .fit(FrequentItemsets(2).fit(baskets, sample_weight=weights).itemsets_)
        .rules_
    )
    expected = AssociationRules(FrequentItemsets(2), min_value=0.3).fit(repeated).rules_
    assert {(r.antecedent, r.consequent, r.n_ab, r.n_a, r.n_b) for r in weighted} == {
        (r.antecedent, r.consequent, r.n_ab, r.n_a, r.n_b) for r in expected
    }
    assert weighted.n == 8
    itemsets = FrequentItemsets(2).fit(baskets, sample_weight=weights / 2 + 0.25).itemsets_
    with pytest.raises(InputError, match="whole numbers"):
        AssociationRules().fit(itemsets)


@pytest.mark.parametrize(
    "params",
    [
        {"target": "closed"},
        {"target": "maximal"},
        {"target": "generators"},
        {"min_length": 2},
        {"include": ["milk"]},
    ],
)
def test_itemsets_without_their_parts_make_no_rules(params):
    miner = FrequentItemsets(1, **params)
    with pytest.raises(InputError, match="every part of an itemset"):
        AssociationRules(miner).fit(LISTS)
    with pytest.raises(InputError, match="every part of an itemset"):
        AssociationRules().fit(miner.fit(LISTS).itemsets_)


def test_the_order_is_the_same_in_every_process():
    program = """
from crmintel import AssociationRules, FrequentItemsets
lists = [["milk", "bread"], ["milk", "bread", "tea"], ["milk"], ["tea", "bread"], ["tea", "gin"]]
print(list(AssociationRules(FrequentItemsets(1), min_value=0.0, max_consequent=None).fit(lists).rules_.prune()))
"""
    printed = {
        subprocess.run(
            [sys.executable, "-c", program],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(printed) == 1
    assert "Rule(" in printed.pop()


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"consequent_items": "milk"}, r"consequent_items must be a list of items, got 'milk'; write"),
        ({"antecedent_items": 3}, "antecedent_items must be a list of items"),
        (
            {"antecedent_items": ["mlik"]},
            r"antecedent_items names 1 items that no basket holds, e.g. \['mlik'\]",
        ),
        ({"exclude_items": [None]}, "exclude_items names 1 items"),
        ({"exclude_items": [["milk"]]}, "exclude_items must hold labels"),
        ({"thresholds": {"lifft": 1}}, "a measure of thresholds must be one of"),
        ({"thresholds": {"lift": -1}}, r"thresholds\['lift'\] must be >= 0"),
        ({"thresholds": {"fisher_p": 1.5}}, r"thresholds\['fisher_p'\] must be >= 0 and <= 1"),
        ({"thresholds": {"lift": None}}, r"thresholds\['lift'\] must be a number"),
        ({"thresholds": 0.5}, "thresholds must be a dict"),
        ({"categories": ["beer"]}, "categories must be a mapping"),
    ],
)
def test_parameters_out_of_bounds(params, message):
    with pytest.raises((InputError, InputTypeError), match=message):
        rules_of(LISTS, **params)
