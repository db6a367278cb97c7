"""Rules: against enumeration, published rule counts and lifts; selecting, ordering, pruning."""

from __future__ import annotations

import copy
import pickle
from fractions import Fraction
from operator import attrgetter

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse
from sklearn.base import clone

from crmintel import AssociationRules, Baskets, FrequentItemsets
from crmintel.exceptions import CapacityError, InputError, InputTypeError
from crmintel.patterns.measures import MEASURES
from crmintel.patterns.ruleset import RuleSet
from tests.oracles.rules import best_general, rules_bruteforce

LISTS = [["milk", "bread"], ["milk", "bread"], ["milk"], ["tea", "bread"]]


def as_dict(rules):
    found = {(frozenset(r.antecedent), frozenset(r.consequent)): (r.n_ab, r.n_a, r.n_b) for r in rules}
    assert len(found) == len(rules)
    return found


@given(
    baskets=st.lists(st.sets(st.integers(0, 6)), min_size=1, max_size=20),
    min_count=st.integers(1, 4),
    percent=st.integers(0, 100),
    max_consequent=st.none() | st.integers(1, 3),
)
@settings(deadline=None)
def test_equal_to_enumeration(baskets, min_count, percent, max_consequent):
    rules = (
        AssociationRules(FrequentItemsets(min_count), min_value=percent / 100, max_consequent=max_consequent)
        .fit(baskets)
        .rules_
    )
    assert as_dict(rules) == rules_bruteforce(baskets, min_count, Fraction(percent, 100), max_consequent)
    assert rules.n == len(baskets)


@given(baskets=st.lists(st.sets(st.integers(0, 6)), min_size=1, max_size=20), min_count=st.integers(1, 3))
@settings(deadline=None)
def test_prune_keeps_what_says_more_than_every_shorter_rule(baskets, min_count):
    rules = AssociationRules(FrequentItemsets(min_count), min_value=0.3).fit(baskets).rules_
    confidence = {rule: Fraction(n_ab, n_a) for rule, (n_ab, n_a, _) in as_dict(rules).items()}
    expected = {
        rule
        for rule, (_, _, n_b) in as_dict(rules).items()
        if confidence[rule]
        > max(Fraction(n_b, len(baskets)), best_general(confidence, rule, confidence) or 0)
    }
    assert set(as_dict(rules.prune())) == expected


@pytest.fixture(scope="module")
def groceries(real_baskets):
    return AssociationRules(FrequentItemsets(0.001)).fit(real_baskets("groceries")).rules_


def test_groceries_rules_of_the_arulesviz_vignette(groceries):
    assert len(groceries) == 5668
    sizes = np.diff(groceries.antecedents.indptr) + np.diff(groceries.consequents.indptr)
    assert np.bincount(sizes)[2:].tolist() == [11, 1461, 3211, 939, 46]
    assert [int((groceries.confidence > 0.8).sum()), int((groceries.confidence >= 0.8).sum())] == [371, 410]
    top = groceries.sort("lift")[:3]
    assert [(set(rule.antecedent), rule.consequent, rule.n_ab) for rule in top] == [
        ({"Instant food products", "soda"}, ("hamburger meat",), 12),
        ({"soda", "popcorn"}, ("salty snack",), 12),
        ({"flour", "baking powder"}, ("sugar",), 10),
    ]
    assert top.lift.round(4).tolist() == [18.9957, 16.6978, 16.4081]
    assert top.confidence.round(4).tolist() == [0.6316, 0.6316, 0.5556]


@pytest.mark.parametrize(
    ("min_support", "min_confidence", "n"),
    [(0.01, 0.5, 15), (0.005, 0.5, 120), (0.01, 0.3, 125), (0.02, 0.3, 37)],
)
def test_groceries_rules_of_the_tutorials(min_support, min_confidence, n, real_baskets):
    baskets = real_baskets("groceries")
    rules = AssociationRules(FrequentItemsets(min_support), min_value=min_confidence).fit(baskets).rules_
    assert len(rules) == n


@pytest.mark.slow
def test_adult_rules_of_the_arules_vignette(real_baskets):
    rules = (
        AssociationRules(FrequentItemsets(0.01, max_length=10), min_value=0.6, empty_antecedent=True)
        .fit(real_baskets("adult"))
        .rules_
    )
    assert len(rules) == 276_443
    lengths = np.diff(rules.antecedents.indptr) + 1
    assert np.bincount(lengths)[1:].tolist() == [6, 432, 4981, 22127, 52669, 75104, 67198, 38094, 13244, 2588]


@pytest.mark.slow
def test_income_rules_of_the_arules_readme(shared_data):
    answers = pd.read_csv(shared_data / "baskets" / "income_esl.csv.gz", dtype=str)
    lists = [
        [f"{name}={value}" for name, value in row.items() if isinstance(value, str)]
        for row in answers.to_dict("records")
    ]
    rules = AssociationRules(FrequentItemsets(0.1), min_value=0.9).fit(lists).rules_
    assert len(lists) == 8993
    assert rules.items.size == 84
    assert len(rules) == 457
    top = rules.sort("lift")[:3]
    assert top.n_ab.tolist() == [914, 902, 988]
    assert top.lift[0] == pytest.approx(2.62, abs=0.005)


def test_rules_of_any_basket():
    rules = AssociationRules(FrequentItemsets(1), min_value=0.7, empty_antecedent=True).fit(LISTS).rules_
    assert as_dict(rules) == {
        (frozenset(), frozenset({"bread"})): (3, 4, 3),
        (frozenset(), frozenset({"milk"})): (3, 4, 3),
        (frozenset({"tea"}), frozenset({"bread"})): (1, 1, 3),
    }
    assert "(any basket) -> bread" in repr(rules)


@pytest.mark.parametrize("name", [name for name, measure in MEASURES.items() if not measure.small_is_strong])
def test_any_measure_selects_and_orders(name):
    everything = AssociationRules(FrequentItemsets(1), min_value=0.0).fit(LISTS).rules_
    value = np.nanmedian(getattr(everything, name))
    rules = AssociationRules(FrequentItemsets(1), measure=name, min_value=value).fit(LISTS).rules_
    assert set(as_dict(rules)) == set(as_dict(everything[getattr(everything, name) >= value]))
    values = getattr(rules, name)
    assert np.all(values[:-1] >= values[1:])


def test_itemsets_mined_before_serve_again():
    miner = FrequentItemsets(1).fit(LISTS)
    again = AssociationRules(min_value=0.6).fit(miner.itemsets_)
    direct = AssociationRules(FrequentItemsets(1), min_value=0.6).fit(LISTS)
    assert as_dict(again.rules_) == as_dict(direct.rules_)
    assert direct.miner_.min_count_ == 1
    assert direct.miner is not direct.miner_


def test_select_sort_and_read(groceries):
    strong = groceries[groceries.lift > 10]
    assert 0 < len(strong) < len(groceries)
    assert np.all(strong.lift > 10)
    assert groceries[[5, 3]].n_ab.tolist() == [groceries.n_ab[5], groceries.n_ab[3]]
    assert groceries[-1] == next(iter(groceries[-1:]))
    assert np.all(np.diff(groceries.sort("fisher_p").fisher_p) >= 0)
    assert np.all(np.diff(groceries.sort("lift", descending=False).lift) >= 0)
    by_confidence = groceries.sort("confidence")
    equal = np.diff(by_confidence.confidence) == 0
    assert np.all(np.diff(by_confidence.n_ab)[equal] <= 0)
    assert "lift" in dir(groceries)
    assert len(groceries[[]]) == 0
    with pytest.raises(AttributeError, match="Its measures are"):
        attrgetter("lifft")(groceries)


def test_to_frame_in_the_callers_library():
    one_hot = {"a": [1, 1, 1, 0], "b": [1, 1, 0, 0]}
    for make in (pd.DataFrame, pl.DataFrame):
        frame = AssociationRules(FrequentItemsets(1)).fit(make(one_hot)).rules_.to_frame(measures=["lift"])
        assert type(frame) is make
        assert list(frame.columns) == ["antecedent", "consequent", "count", "lift"]
        assert frame["antecedent"].to_list() == ["b", "a"]
        assert frame["lift"].to_list() == [4 / 3, 4 / 3]
    table = AssociationRules(FrequentItemsets(1)).fit([["a", "b"]]).rules_.to_frame()
    assert isinstance(table, dict)
    assert AssociationRules(FrequentItemsets(1)).fit([["a", "b"]]).rules_.to_frame("pandas").shape == (2, 6)


def test_rules_pickle_and_are_shared_by_copies(groceries):
    again = pickle.loads(pickle.dumps(groceries[:100]))
    assert as_dict(again) == as_dict(groceries[:100])
    assert len(again.significant()) == len(groceries[:100].significant())
    assert copy.deepcopy(groceries) is groceries


@pytest.mark.parametrize(
    "how", [lambda rules: rules, copy.copy, lambda rules: pickle.loads(pickle.dumps(rules))]
)
def test_rules_are_frozen(groceries, how):
    rules = how(groceries[:10])
    with pytest.raises(ValueError, match="read-only"):
        rules.n_ab[0] = 5
    with pytest.raises(ValueError, match="read-only"):
        rules.antecedents.indices[0] = 5
    with pytest.raises(AttributeError, match="frozen: n cannot be set"):
        rules.n = 5


def test_measures_of_a_frame_are_a_list(groceries):
    with pytest.raises(InputError, match="measures must be a list of names, got the text 'lift'"):
        groceries.to_frame(measures="lift")
    with pytest.raises(InputError, match="measures must be one of"):
        groceries.to_frame(measures=["lifft"])


def test_no_rules():
    rules = AssociationRules(FrequentItemsets(2)).fit([["a"], ["b"]]).rules_
    assert len(rules) == 0
    assert list(rules) == []
    assert len(rules.prune()) == len(rules.sort("lift")) == 0
    assert rules.to_frame("pandas").empty
    assert repr(rules) == "RuleSet(0 rules over 2 items, from 2 baskets)"


def test_clone_and_parameters():
    rules = AssociationRules(FrequentItemsets(3), measure="lift", min_value=1.0)
    assert clone(rules).set_params(miner__min_support=2).miner.min_support == 2
    assert rules.miner.min_support == 3


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"measure": "lifft"}, "measure must be one of"),
        ({"measure": "fisher_p"}, "thresholds={.fisher_p.: 0.05}"),
        ({"min_value": float("nan")}, r"min_value \(of confidence\)"),
        ({"min_value": -0.5}, r"min_value \(of confidence\) must be >= 0 and <= 1"),
        ({"min_value": 1.5}, "min_value"),
        ({"min_value": "high"}, "min_value"),
        ({"max_consequent": 0}, "max_consequent must be >= 1"),
        ({"max_consequent": 1.0}, "max_consequent must be a whole number"),
        ({"max_rules": 0}, "max_rules"),
        ({"miner": "fpgrowth"}, "miner must be a FrequentItemsets, got str"),
    ],
)
def test_parameters_out_of_bounds(params, message):
    with pytest.raises((InputError, InputTypeError), match=message):
        AssociationRules(**params).fit(LISTS)


def test_too_many_rules():
    with pytest.raises(CapacityError, match="max_rules=10 "):
        AssociationRules(FrequentItemsets(1), max_rules=10).fit([list(range(6))])
    itemsets = FrequentItemsets(1).fit([list(range(12))]).itemsets_
    assert len(AssociationRules(max_consequent=None).fit(itemsets).rules_) == 3**12 - 2**13 + 1


def test_frames_are_of_libraries_that_are_known(groceries):
    with pytest.raises(InputError, match="library must be one of 'pandas'"):
        groceries.to_frame("panda")


@pytest.mark.parametrize("key", [1.5, "a", [0.5], [True], [[0]], [0, 10**6], [-(10**6)]])
def test_other_keys_are_refused(groceries, key):
    with pytest.raises((InputError, InputTypeError), match="rules"):
        groceries[key]


def test_counts_and_matrices_must_fit():
    left = sparse.csr_array(np.eye(2, dtype=bool))
    right = sparse.csr_array(np.eye(2, dtype=bool)[::-1])
    good = {
        "antecedents": left, "consequents": right, "n_ab": [1, 1], "n_a": [1, 2], "n_b": [2, 1], "n": 3,
        "items": ["a", "b"],
    }  # fmt: skip
    expected = [(("a",), ("b",)), (("b",), ("a",))]
    assert [(rule.antecedent, rule.consequent) for rule in RuleSet(**good)] == expected
    for other in (sparse.coo_array, sparse.csc_matrix):
        assert list(RuleSet(**{**good, "antecedents": other(left)})) == list(RuleSet(**good))
    for wrong, message in (
        ({"n_ab": [1], "n_a": [1], "n_b": [1]}, "do not fit together"),
        ({"antecedents": left[:1]}, "do not fit together"),
        ({"antecedents": left.toarray()}, "antecedents must be a sparse matrix of booleans"),
        ({"consequents": right.astype(int)}, "consequents must be a sparse matrix of booleans"),
        ({"consequents": left}, "rule 0 has an item on both sides"),
        ({"consequents": sparse.csr_array((2, 2), dtype=bool)}, "rule 0 has no consequent"),
        ({"items": ["a", "a"]}, "'a' twice"),
        ({"items": ["a"]}, "items must hold 2 labels"),
        ({"n": [3, 3]}, "n must be a whole number"),
        ({"n": 2.5}, "n must be a whole number"),
        ({"n_ab": ["x", "y"]}, "n_ab must hold counts"),
        ({"n_ab": [np.nan, 1]}, "n_ab must hold counts"),
        ({"n_ab": [3, 1]}, "n_ab must lie between"),
    ):
        with pytest.raises((InputError, InputTypeError), match=message):
            RuleSet(**{**good, **wrong})


def test_items_of_a_rule_rise_however_the_matrix_was_stored():
    unsorted = sparse.csr_array((np.ones(2, dtype=bool), [1, 0], [0, 2]), shape=(1, 3))
    consequent = sparse.csr_array(np.array([[False, False, True]]))
    rules = RuleSet(unsorted, consequent, n_ab=[1], n_a=[1], n_b=[1], n=2, items=["a", "b", "c"])
    assert rules[0].antecedent == ("a", "b")
    assert unsorted.indices.tolist() == [1, 0]


def test_prune_by_measure(groceries):
    assert len(groceries.prune(min_improvement=0.1)) < len(groceries.prune()) < len(groceries)
    with pytest.raises(InputError, match="by must be one of 'improvement'"):
        groceries.prune("fisher_p")
    with pytest.raises(InputError, match="min_improvement"):
        groceries.prune(min_improvement=-1)


def test_the_arrays_of_rules_are_their_own_and_read_only():
    found = AssociationRules(FrequentItemsets(min_support=1), min_value=0.6).fit(LISTS).rules_
    side = found.antecedents.copy()
    own = RuleSet(
        side, found.consequents, n_ab=found.n_ab, n_a=found.n_a, n_b=found.n_b, n=found.n, items=found.items
    )
    side.indices[:] = 0
    assert list(own) == list(found)
    sides = (own.antecedents, own.consequents)
    for array in (
        own.n_ab,
        own.n_a,
        own.n_b,
        own.items,
        *(part for m in sides for part in (m.indices, m.indptr)),
    ):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = array[-1]
    assert len(own.prune()) <= len(own)


@given(
    baskets=st.lists(st.sets(st.integers(0, 6)), min_size=1, max_size=20),
    later=st.lists(st.sets(st.integers(2, 9)), min_size=1, max_size=200),
    empty_antecedent=st.booleans(),
)
@settings(deadline=None)
def test_recount_is_counting_in_other_baskets(baskets, later, empty_antecedent):
    rules = (
        AssociationRules(
            FrequentItemsets(1), min_value=0.1, max_consequent=2, empty_antecedent=empty_antecedent
        )
        .fit(baskets)
        .rules_
    )
    again = rules.recount(Baskets.from_lists([*later, [0]]))  # an item that both know
    assert again.n == len(later) + 1
    assert len(again) == len(rules)
    for old, new in zip(rules, again, strict=True):
        assert (new.antecedent, new.consequent) == (old.antecedent, old.consequent)
        a, b = set(new.antecedent), set(new.consequent)
        held = [set(basket) for basket in [*later, [0]]]
        assert new.n_a == sum(a <= basket for basket in held)
        assert new.n_b == sum(b <= basket for basket in held)
        assert new.n_ab == sum(a | b <= basket for basket in held)


def test_recount_in_parts(monkeypatch, groceries, real_baskets):
    baskets = real_baskets("groceries")
    monkeypatch.setattr("crmintel.patterns._recount._BYTES", 64 * 300)
    monkeypatch.setattr("crmintel.patterns._recount._WORDS", 64)
    assert as_dict(groceries[:300].recount(baskets)) == as_dict(groceries[:300])
    with pytest.raises(InputError, match="no baskets"):
        groceries.recount(baskets[:0])
    with pytest.raises(InputTypeError, match="known are str"):
        groceries.recount([[1, 2]])
    with pytest.raises(InputError, match="do not know how many"):
        groceries.recount(baskets).significant()


def test_rules_that_hold_an_item():
    rules = AssociationRules(FrequentItemsets(1), min_value=0.1).fit(LISTS).rules_
    for side, names in {
        "any": ["antecedent", "consequent"],
        "antecedent": ["antecedent"],
        "consequent": ["consequent"],
    }.items():
        expected = [rule for rule in rules if {"tea", "milk"} & {i for n in names for i in getattr(rule, n)}]
        assert list(rules.having(["tea", "milk"], side=side)) == expected
    assert len(rules.having([])) == 0
    with pytest.raises(InputError, match=r"items names 1 items that no basket holds, e\.g\. .'mlik'."):
        rules.having(["mlik"])
    with pytest.raises(InputTypeError, match=r"items must be a list of items, got 'milk'"):
        rules.having("milk")
    with pytest.raises(InputError, match="side must be one of 'any'"):
        rules.having(["milk"], side="left")


def test_one_rule_says_how_strong_it_is(groceries):
    rule = groceries[7]
    assert rule.n == groceries.n
    for name in ("support", "confidence", "lift"):
        assert getattr(rule, name) == getattr(groceries, name)[7]


def test_a_table_with_counts_interval_and_p_values(groceries):
    rules = groceries.sort("lift")[:5]
    names = ["n_ab", "n_a", "n_b", "lift", "adjusted_p"]
    table = rules.to_frame("pandas", measures=names, interval="lift", level=0.9)
    assert list(table) == ["antecedent", "consequent", "count", *names, "lift_low", "lift_high"]
    assert table[["lift_low", "lift_high"]].values.tolist() == rules.interval("lift", level=0.9).tolist()
    assert table["adjusted_p"].tolist() == rules.adjusted_p().tolist()
    assert table["n_b"].tolist() == rules.n_b.tolist()
    with pytest.raises(InputError, match="measure must be one of 'confidence', 'lift'"):
        rules.to_frame(interval="leverage")


@pytest.mark.parametrize(
    ("name", "meant"), [("lifft", "lift"), ("zhangs_metric", "zhang"), ("conf", "confidence")]
)
def test_a_measure_that_was_mistyped(groceries, name, meant):
    with pytest.raises(InputError, match=f"by must be one of .* Did you mean '{meant}'"):
        groceries.sort(name)
    with pytest.raises(AttributeError, match=rf"no '{name}'\. Did you mean '{meant}'"):
        getattr(groceries, name)
    with pytest.raises(InputError, match=r"got 'qqqq'\.$"):
        groceries.sort("qqqq")


def test_a_miner_is_no_itemsets():
    with pytest.raises(InputTypeError, match=r"X\.itemsets_"):
        AssociationRules().fit(FrequentItemsets(1).fit(LISTS))
