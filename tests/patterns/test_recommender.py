"""Recommendations from rules: against a slow twin, for baskets and for the customers of a log."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from crmintel import AssociationRules, Baskets, FrequentItemsets, RuleRecommender, TransactionLog
from crmintel.exceptions import CapacityError, InputError, InputTypeError
from tests.oracles.rules import recommend_slow

LISTS = [["milk", "bread"], ["milk", "bread"], ["milk"], ["tea", "bread"]]


@given(
    baskets=st.lists(st.sets(st.integers(0, 6)), min_size=1, max_size=20),
    owned=st.lists(st.sets(st.integers(0, 6)), min_size=1, max_size=5),
    n=st.integers(1, 4),
    include_owned=st.booleans(),
    empty_antecedent=st.booleans(),
    max_consequent=st.none() | st.just(1),
)
@settings(deadline=None)
def test_equal_to_the_slow_twin(baskets, owned, n, include_owned, empty_antecedent, max_consequent):
    rules = (
        AssociationRules(
            FrequentItemsets(1),
            min_value=0.1,
            empty_antecedent=empty_antecedent,
            max_consequent=max_consequent,
        )
        .fit(baskets)
        .rules_
    )
    triples = [
        (set(rule.antecedent), set(rule.consequent), score)
        for rule, score in zip(rules, rules.confidence, strict=True)
    ]
    known = Baskets.from_lists(owned)
    items, scores = RuleRecommender(rules).recommend(known, n=n, exclude_owned=not include_owned)
    assert items.shape == scores.shape == (len(owned), n)
    for row, basket in enumerate(owned):
        expected = recommend_slow(triples, basket, n, include_owned)
        assert items[row].tolist() == [item for item, _ in expected] + [None] * (n - len(expected))
        assert scores[row, : len(expected)].tolist() == [score for _, score in expected]
        assert np.all(np.isnan(scores[row, len(expected) :]))


@pytest.fixture(scope="module")
def rules():
    return AssociationRules(FrequentItemsets(1), min_value=0.1).fit(LISTS)


def test_what_is_owned_is_not_recommended_unless_asked(rules):
    recommender = RuleRecommender(rules)
    assert recommender.predict([["tea"], ["bread"], []]).tolist() == ["bread", "milk", None]
    items, _ = recommender.recommend([["milk", "bread"]], n=2, exclude_owned=False)
    assert items.tolist() == [["bread", "milk"]]


def test_ties_are_told_apart_by_item_order():
    rules = AssociationRules(FrequentItemsets(1)).fit([["x", "b", "a", "c"]]).rules_
    items, scores = RuleRecommender(rules).recommend([["x"]], n=4)
    assert items.tolist() == [["a", "b", "c", None]]
    assert scores[0, :3].tolist() == [1.0, 1.0, 1.0]


def test_a_log_gives_one_row_per_customer():
    log = TransactionLog.from_arrays(
        customer=["ann", "bob", "ann", "cid"],
        time=["2024-01-01", "2024-01-02", "2024-02-01", "2024-01-05"],
        item=["milk", "tea", "tea", "bread"],
    )
    recommender = RuleRecommender(AssociationRules(FrequentItemsets(1), min_value=0.1).fit(LISTS))
    items, _ = recommender.recommend(log, n=1)
    assert items[:, 0].tolist() == ["bread", "bread", "milk"]
    assert recommender.recommend(log[[2, 1]], n=1)[0][:, 0].tolist() == ["milk", "bread"]
    assert len(recommender.recommend(log.baskets(), n=1)[0]) == 4


def test_unknown_items_are_left_out(rules):
    items, _ = RuleRecommender(rules).recommend([["gin", "tea"], ["gin"]], n=1)
    assert items[:, 0].tolist() == ["bread", None]
    with pytest.raises(InputTypeError, match="known are str"):
        RuleRecommender(rules).recommend([[1, 2]])


def test_rules_whose_measure_is_undefined_do_not_rank():
    rules = AssociationRules(FrequentItemsets(1), min_value=0.0).fit([["a", "b"], ["a", "c"]]).rules_
    assert np.isnan(rules.phi).any()
    items, scores = RuleRecommender(rules, measure="phi").recommend([["b"]], n=3)
    assert "a" not in items[0].tolist()
    assert not np.isnan(scores[0][[item is not None for item in items[0]]]).any()


def test_ready_or_not(rules):
    unfitted = RuleRecommender(AssociationRules(FrequentItemsets(1), min_value=0.1))
    with pytest.raises(NotFittedError, match="call fit"):
        unfitted.recommend([["tea"]])
    expected = RuleRecommender(rules).recommend(LISTS)[0]
    assert np.array_equal(unfitted.fit(LISTS).recommend(LISTS)[0], expected)
    assert np.array_equal(RuleRecommender(rules.rules_).fit(LISTS).recommend(LISTS)[0], expected)
    for ready in (RuleRecommender(rules), RuleRecommender(rules.rules_)):
        copied = clone(ready)
        assert copied.rules is rules.rules_
        assert np.array_equal(copied.recommend(LISTS)[0], expected)
    with pytest.raises(NotFittedError):
        clone(unfitted).recommend(LISTS)
    with pytest.raises(NotFittedError):
        RuleRecommender().recommend(LISTS)
    assert len(RuleRecommender().fit(LISTS).recommend(LISTS)[0]) == 4


@pytest.mark.parametrize("n", [0, -1, 1.5, "3", None])
def test_n_must_be_a_count(rules, n):
    with pytest.raises((InputError, InputTypeError), match="n must be"):
        RuleRecommender(rules).recommend(LISTS, n=n)


def test_more_answers_than_memory_are_refused(rules):
    with pytest.raises(CapacityError, match=r"n=10,000,000,000 items .* Lower n \(there are"):
        RuleRecommender(rules).recommend(LISTS, n=10**10)


def test_other_rules_and_measures_are_refused(rules):
    with pytest.raises(InputError, match="level must be one of"):
        RuleRecommender(rules, level="shop").fit(LISTS)
    with pytest.raises(InputTypeError, match="got str"):
        RuleRecommender("rules").fit(LISTS)
    with pytest.raises(InputTypeError, match="got str"):
        RuleRecommender("rules").recommend(LISTS)
    with pytest.raises(InputError, match="measure must be one of"):
        RuleRecommender(rules, measure="lifft").recommend(LISTS)
    with pytest.raises(InputError, match="small where a rule is strong"):
        RuleRecommender(rules, measure="fisher_p").recommend(LISTS)


def test_of_equal_scores_who_more_rules_speak_for_comes_first():
    baskets = [["a", "b", "x"], ["a", "x"], ["b", "x"], ["a", "b"], ["b", "a", "x"], ["c", "x"], ["c", "x"]]
    rules = AssociationRules(FrequentItemsets(1, max_length=2), min_value=0.1, consequent_items=["x"]).fit(
        baskets
    )
    rows = [["b"], ["a"], ["a", "b"], ["c"], ["gin"], ["a", "c"], ["a", "b"]]
    who, scores = RuleRecommender(rules).target_customers(rows, "x", n=10)
    # a -> x and b -> x hold in 3 of 4 baskets, c -> x in both
    assert who.tolist() == [3, 5, 2, 6, 0, 1]
    assert scores.tolist() == [1.0, 1.0, 0.75, 0.75, 0.75, 0.75]
    for n in range(1, 6):
        assert RuleRecommender(rules).target_customers(rows, "x", n=n)[0].tolist() == who[:n].tolist()
    assert RuleRecommender(rules).target_customers([["gin"]], "x")[0].size == 0
    assert RuleRecommender(rules).target_customers(Baskets.from_lists([["gin"]])[:0], "x")[0].size == 0
