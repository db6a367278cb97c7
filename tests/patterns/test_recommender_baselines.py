"""Co-purchases, popularity and repeat purchases against slow twins; what all recommenders promise."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from crmintel import (
    AssociationRules,
    Baskets,
    CoPurchaseRecommender,
    FrequentItemsets,
    PopularityRecommender,
    RepeatPurchaseRecommender,
    RuleRecommender,
    TransactionLog,
)
from crmintel.exceptions import CapacityError, InputError, InputTypeError
from crmintel.patterns.copurchase import SIMILARITIES
from tests.oracles.recommending import best_slow, neighbours_slow

SETS = st.lists(st.sets(st.integers(0, 7)), min_size=1, max_size=15)
LOG = TransactionLog.from_arrays(
    customer=["ann", "ann", "ann", "bob", "bob", "cid", "cid", "dan"],
    time=[f"2024-{day}" for day in ["01-01", "01-01", "03-01", "01-02", "02-28", "01-05", "03-02", "03-03"]],
    item=["milk", "tea", "milk", "tea", "jam", "bread", "milk", "jam"],
)  # fmt: skip
RULES = AssociationRules(FrequentItemsets(1), min_value=0.0)
ALL = [
    RuleRecommender(RULES),
    CoPurchaseRecommender(),
    PopularityRecommender(),
    RepeatPurchaseRecommender(),
]
CROSS = ALL[:3]
by_name = pytest.mark.parametrize("recommender", ALL, ids=lambda r: type(r).__name__)
cross_sellers = pytest.mark.parametrize("recommender", CROSS, ids=lambda r: type(r).__name__)


@given(
    baskets=SETS.filter(any),
    rows=SETS,
    kind=st.sampled_from(SIMILARITIES),
    k=st.integers(1, 8),
    n=st.integers(1, 9),
    shrinkage=st.sampled_from([0.0, 2.5]),
    exclude_owned=st.booleans(),
)
@settings(deadline=None)
def test_co_purchases_equal_the_slow_twin(baskets, rows, kind, k, n, shrinkage, exclude_owned):
    table = neighbours_slow(baskets, kind, k, shrinkage)
    recommender = CoPurchaseRecommender(kind, k, shrinkage=shrinkage).fit(Baskets.from_lists(baskets))
    for item, expected in table.items():
        found, values = recommender.similar_items(item, n=8)
        assert dict(zip(found.tolist(), values, strict=True)) == pytest.approx(expected)
    items, scores = recommender.recommend(Baskets.from_lists(rows), n, exclude_owned=exclude_owned)
    for row, basket in enumerate(rows):
        total = {}
        for owned in basket:
            for item, value in table.get(owned, {}).items():
                if not (exclude_owned and item in basket):
                    total[item] = total.get(item, 0.0) + value
        expected = best_slow(total, n)
        assert scores[row, : len(expected)] == pytest.approx([score for _, score in expected])
        assert np.isnan(scores[row, len(expected) :]).all()
        named = {item: total[item] for item in items[row].tolist() if item is not None}
        assert sorted(named.values(), reverse=True) == pytest.approx([score for _, score in expected])


def test_counts_do_not_wrap_around():
    baskets = [["a", "b"]] * 70_000
    recommender = CoPurchaseRecommender("count").fit(baskets)
    assert recommender.similar_items("a")[1].tolist() == [70_000.0]


@given(baskets=SETS.filter(any), rows=SETS, n=st.integers(1, 9), exclude_owned=st.booleans())
@settings(deadline=None)
def test_popularity_equals_the_slow_twin(baskets, rows, n, exclude_owned):
    count = {item: sum(item in basket for basket in baskets) for item in set().union(*baskets)}
    recommender = PopularityRecommender().fit(Baskets.from_lists(baskets))
    items, scores = recommender.recommend(Baskets.from_lists(rows), n, exclude_owned=exclude_owned)
    for row, basket in enumerate(rows):
        left = {item: c for item, c in count.items() if not (exclude_owned and item in basket)}
        expected = best_slow(left, n)
        assert items[row].tolist() == [item for item, _ in expected] + [None] * (n - len(expected))
        assert scores[row, : len(expected)].tolist() == [score for _, score in expected]


def test_popularity_counts_customers_or_days_in_a_window_or_with_decay():
    def score(**parameters):
        recommender = PopularityRecommender(**parameters).fit(LOG)
        return dict(zip(recommender.items_.tolist(), recommender.popularity_.tolist(), strict=True))

    assert score() == {"bread": 1.0, "jam": 2.0, "milk": 2.0, "tea": 2.0}
    assert score(count="purchases") == {"bread": 1.0, "jam": 2.0, "milk": 3.0, "tea": 2.0}
    assert score(window="1W") == {"bread": 0.0, "jam": 2.0, "milk": 2.0, "tea": 0.0}
    assert score(window=2) == {"bread": 0.0, "jam": 1.0, "milk": 1.0, "tea": 0.0}
    decayed = score(half_life=2)
    assert decayed["jam"] == pytest.approx(1.0 + 0.5**2.0)
    assert decayed["milk"] == pytest.approx(0.5**1.0 + 0.5**0.5)  # only the last purchase of a customer
    items, _ = PopularityRecommender(window=2).fit(LOG).recommend(LOG, n=3, exclude_owned=False)
    assert items[0].tolist() == ["jam", "milk", None]  # what nobody bought in the window is not popular


def test_repeats_are_ranked_by_days_then_popularity():
    items, scores = RepeatPurchaseRecommender().fit(LOG).recommend(LOG, n=3)
    assert items.tolist() == [
        ["milk", "tea", None], ["jam", "tea", None], ["milk", "bread", None], ["jam", None, None],
    ]  # fmt: skip
    assert scores[0, :2].tolist() == [2.0, 1.0]
    last, _ = RepeatPurchaseRecommender(half_life="1D").fit(LOG).recommend(LOG, n=1)
    assert last[:, 0].tolist() == ["milk", "jam", "milk", "jam"]
    rows, ones = RepeatPurchaseRecommender().fit(LOG).recommend([["tea", "bread", "gin"]], n=3)
    assert rows[0].tolist() == ["tea", "bread", None]
    assert ones[0, :2].tolist() == [1.0, 1.0]
    nothing, _ = RepeatPurchaseRecommender().fit(LOG).recommend(LOG, exclude_owned=True)
    assert set(nothing.ravel().tolist()) == {None}


@pytest.mark.parametrize("level", ["customer", "basket"])
def test_a_log_is_learned_by_customers_or_by_baskets(level):
    baskets = LOG.baskets()
    same = baskets.by_customer(len(LOG)) if level == "customer" else baskets
    a = CoPurchaseRecommender("count", level=level).fit(LOG).similarities_
    assert (a != CoPurchaseRecommender("count").fit(same).similarities_).nnz == 0
    rules = RuleRecommender(RULES, level=level).fit(LOG).rules_
    assert rules.n == len(same)


def test_the_default_rules_of_a_log_are_of_customers_and_of_baskets_for_own_rules():
    assert RuleRecommender().fit(LOG).rules_.n == len(LOG)
    assert RuleRecommender(RULES).fit(LOG).rules_.n == len(LOG.baskets())


def test_a_window_teaches_what_goes_together_of_late():
    recommender = CoPurchaseRecommender("count", window="2W").fit(LOG)
    assert recommender.similarities_.nnz == 0
    assert CoPurchaseRecommender("count", window="10W").fit(LOG).similarities_.nnz > 0
    with pytest.raises(InputError, match="window='2W' needs dates"):
        recommender.fit([["a", "b"]])


@cross_sellers
def test_margins_weigh_scores(recommender):
    plain_items, plain = recommender.fit(LOG).recommend(LOG, n=4)
    margins = {"bread": 100.0, "jam": 1.0, "milk": 2.0, "tea": 0.0, "unheard of": 3.0}
    weighed = clone(recommender).set_params(margins=margins).fit(LOG)
    items, scores = weighed.recommend(LOG, n=4)
    for row in range(len(LOG)):
        score = dict(zip(plain_items[row].tolist(), plain[row].tolist(), strict=True))
        score.pop(None, None)
        expected = best_slow({i: s * margins[i] for i, s in score.items() if margins[i] > 0}, 4)
        assert items[row].tolist() == [item for item, _ in expected] + [None] * (4 - len(expected))
        assert scores[row, : len(expected)] == pytest.approx([s for _, s in expected])
    as_array = clone(recommender).set_params(margins=[100.0, 1.0, 2.0, 0.0]).fit(LOG)
    assert np.array_equal(as_array.recommend(LOG, n=4)[0], items)
    pandas = pytest.importorskip("pandas")
    series = pandas.Series(margins).sort_values()
    assert np.array_equal(
        clone(recommender).set_params(margins=series).fit(LOG).recommend(LOG, n=4)[0], items
    )


@by_name
@pytest.mark.parametrize(
    ("margins", "message"),
    [
        ({"milk": 1.0}, "margins lacks 3 of 4 items, e.g. 'bread'"),
        ({"bread": 1.0, "jam": np.nan, "milk": 1.0, "tea": 1.0}, "1 of 4 items break this, e.g. 'jam'"),
        ({"bread": 1.0, "jam": np.inf, "milk": 1.0, "tea": 1.0}, "e.g. 'jam' .inf."),
        ({"bread": 1.0, "jam": -1.0, "milk": 1.0, "tea": 1.0}, "margins must be finite and >= 0"),
        ([1.0, 2.0], "one value for each of the 4 items known; got shape .2,."),
        (1.0, "margins must be a mapping, or an array"),
        ("high", "margins must"),
        ({"milk": -1.0}, "1 of 1 items break this, e.g. 'milk'"),
        (pd.DataFrame({"item": ["milk"], "margin": [1.0]}), "margins is a whole frame"),
    ],
)
def test_margins_that_cannot_be(recommender, margins, message):
    bad = clone(recommender).set_params(margins=margins)
    with pytest.raises((InputError, InputTypeError), match=message):
        bad.fit(LOG).recommend(LOG)
    if not message.startswith("margins lacks"):
        with pytest.raises((InputError, InputTypeError), match=message):
            bad.fit(LOG)
    else:
        bad.recommend(LOG, items=["milk"])  # only what may be offered needs a margin


@cross_sellers
def test_only_these_items(recommender):
    items, _ = recommender.fit(LOG).recommend(LOG, n=4, items=np.array(["jam", "gin"], dtype=object))
    assert set(items.ravel().tolist()) <= {"jam", None}
    assert items[0, 0] == "jam" or type(recommender) is not PopularityRecommender
    with pytest.raises(InputError, match="none of the 1 items"):
        recommender.recommend(LOG, items=["gin"])
    for items in ("jam", np.array("jam")):
        with pytest.raises(InputTypeError, match="items must be a list"):
            recommender.recommend(LOG, items=items)
    with pytest.raises(InputTypeError, match="items must hold labels"):
        recommender.recommend(LOG, items=[["jam"]])


@by_name
def test_who_is_most_likely_to_buy_this(recommender):
    recommender.fit(LOG)
    owned = LOG.baskets().by_customer(len(LOG)).to_lists()
    for item in ("milk", "jam", "tea"):
        for exclude in (True, False):
            who, scores = recommender.target_customers(LOG, item, 10, exclude_owned=exclude)
            items, values = recommender.recommend(LOG, 4, exclude_owned=exclude)
            expected = {
                LOG.customers[row]: values[row, items[row].tolist().index(item)]
                for row in range(len(LOG))
                if item in items[row].tolist()
            }
            assert dict(zip(who.tolist(), scores.tolist(), strict=True)) == pytest.approx(expected)
            assert np.all(np.diff(scores) <= 0)
            if exclude:
                assert not [c for c in who.tolist() if item in owned[LOG.customers.tolist().index(c)]]
    rows, _ = recommender.target_customers([["milk"], ["tea"]], "jam", 1, exclude_owned=False)
    assert rows.dtype.kind == "i"
    pandas = pytest.importorskip("pandas")
    asked = [recommender.target_customers]
    if isinstance(recommender, CoPurchaseRecommender):
        asked.append(lambda X, item: recommender.similar_items(item))
    for ask in asked:
        for item in ("gin", None, np.nan, pandas.NA):
            with pytest.raises(InputError, match="is not known; the 4 items known are like"):
                ask(LOG, item)
        for item in (["jam"], np.array(["jam", "tea"])):
            with pytest.raises(InputTypeError, match="the item must be one label, not a"):
                ask(LOG, item)


def test_a_fallback_fills_the_places_that_are_left():
    plain = CoPurchaseRecommender().fit(LOG)
    filled = CoPurchaseRecommender(fallback=PopularityRecommender()).fit(LOG)
    items, scores = plain.recommend(LOG, n=4)
    more, more_scores = filled.recommend(LOG, n=4)
    popular, _ = PopularityRecommender().fit(LOG).recommend(LOG, n=4)
    for row in range(len(LOG)):
        n_found = sum(item is not None for item in items[row])
        assert more[row, :n_found].tolist() == items[row, :n_found].tolist()
        assert more_scores[row, :n_found].tolist() == scores[row, :n_found].tolist()
        rest = [item for item in popular[row] if item is not None and item not in items[row].tolist()]
        there = [item for item in more[row, n_found:].tolist() if item is not None]
        assert there == rest[: 4 - n_found]
    assert filled.recommend([[]], n=1)[0].tolist() == [["jam"]]
    assert plain.recommend([[]], n=1)[0].tolist() == [[None]]
    ready = RuleRecommender(clone(RULES).fit(LOG).rules_, fallback=PopularityRecommender())
    with pytest.raises(NotFittedError):
        ready.recommend([[]])
    assert ready.fit(LOG).recommend([[]], n=1)[0].tolist() == [["jam"]]


def test_an_item_that_was_mistyped():
    """Capitals and single letters are named; a name like no other is not made up."""
    model = PopularityRecommender().fit([["Milk", "bread"], ["tea"]])
    for item in ("milk", "MILK", "Mlk"):
        with pytest.raises(InputError, match="Did you mean 'Milk'"):
            model.target_customers([["tea"]], item)
    with pytest.raises(InputError, match=r"\['Milk', 'bread', 'tea'\]\. An item that nobody"):
        model.target_customers([["tea"]], "wine")


def test_answers_print_as_a_few_rows():
    """A repr is short however many customers there are, and says where there is nothing to offer."""
    model = PopularityRecommender().fit([["milk", "bread"], ["milk", "bread"], ["milk"], ["tea"]])
    offers = repr(model.recommend([["milk"], ["milk", "bread", "tea"]], n=2))
    assert offers == "Recommendations(2 rows, up to 2 items each)\n  row 0: bread, tea\n  row 1: (nothing)"
    assert repr(model.recommend([["milk"]] * 7)).splitlines()[-2:] == ["  row 4: bread, tea", "  ..."]
    found = repr(model.target_customers([["milk"], ["tea"], ["bread", "milk"]], "tea"))
    assert found == "TargetCustomers(2 rows)\n  row 2  (score 1)\n  row 0  (score 1)"


@pytest.mark.parametrize("fallback", [3, "popularity", PopularityRecommender, TransactionLog])
def test_a_fallback_is_a_recommender(fallback):
    with pytest.raises(InputTypeError, match="fallback must be a recommender"):
        CoPurchaseRecommender(fallback=fallback).fit(LOG)
    ready = RuleRecommender(clone(RULES).fit(LOG).rules_, fallback=fallback)
    with pytest.raises(InputTypeError, match="fallback must be a recommender"):
        ready.recommend([[]])


@by_name
@pytest.mark.parametrize("unit", ["D", "s", "us", "ns"])
def test_dates_are_items_too(recommender, unit):
    pandas = pytest.importorskip("pandas")
    days = np.array(["2024-01-01", "2024-01-02", "2024-01-01", "2024-01-03"], dtype=f"datetime64[{unit}]")
    frame = pandas.DataFrame({"customer": [1, 1, 2, 2], "day": days, "item": days})
    log = TransactionLog.from_frame(frame, customer="customer", time="day", item="item")
    items, _ = clone(recommender).fit(log).recommend(log, exclude_owned=False)
    assert {item for item in items.ravel() if item is not None} <= {
        day.to_pydatetime() for day in frame["item"]
    }
    who, _ = clone(recommender).fit(log).target_customers(log, frame["item"][0], exclude_owned=False)
    assert who.tolist() in ([1, 2], [])  # the rules here conclude no date


@by_name
def test_what_is_asked_wrongly(recommender):
    with pytest.raises(NotFittedError):
        clone(recommender).recommend(LOG)
    recommender.fit(LOG)
    items, _ = recommender.recommend(LOG, n=50)  # more than there are
    assert items.shape == (4, 50)
    assert recommender.recommend(LOG[:0], n=2)[0].shape == (0, 2)
    assert recommender.recommend([["gin"]], exclude_owned=False)[0].shape == (1, 3)
    for n in (0, -1, 1.5, "3", None):
        with pytest.raises((InputError, InputTypeError), match="n must be"):
            recommender.recommend(LOG, n=n)
    with pytest.raises(CapacityError, match="Lower n"):
        recommender.recommend(LOG, n=10**10)
    for X in (None, 3, "milk"):
        with pytest.raises((InputError, InputTypeError)):
            recommender.recommend(X)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"similarity": "pearson"}, "similarity must be one of"),
        ({"n_neighbors": 0}, "n_neighbors must be"),
        ({"shrinkage": -1.0}, "shrinkage must be"),
        ({"shrinkage": np.nan}, "shrinkage must be"),
        ({"level": "household"}, "level must be one of"),
        ({"window": 0}, "window must be"),
    ],
)
def test_parameters_of_co_purchases(parameters, message):
    with pytest.raises((InputError, InputTypeError), match=message):
        CoPurchaseRecommender(**parameters).fit(LOG)


def test_parameters_of_the_baselines():
    with pytest.raises(InputError, match="count must be one of"):
        PopularityRecommender("lines").fit(LOG)
    with pytest.raises(InputError, match="need dates"):
        PopularityRecommender(window="4W").fit([["a"]])
    with pytest.raises(InputError, match="half_life must be"):
        RepeatPurchaseRecommender(half_life=0).fit(LOG)
    with pytest.raises(InputError, match="half_life needs dates"):
        RepeatPurchaseRecommender(half_life=1).fit(LOG).recommend([["milk"]])


def test_huge_ids_and_many_items():
    ids = [10**18 + 1, 10**18 + 2, -5]
    recommender = CoPurchaseRecommender().fit([ids, ids[:2]])
    assert recommender.recommend([[ids[0]]], n=1)[0].tolist() == [[10**18 + 2]]
    many = Baskets(np.zeros((1, 3)), items=[1, 2, 3])
    assert CoPurchaseRecommender(n_neighbors=10**9).fit(many).similarities_.nnz == 0
    assert PopularityRecommender().fit(many).recommend(many, n=1)[0].tolist() == [[None]]
    wide = Baskets(sparse.csr_array((1, 2_000_000), dtype=bool))
    with pytest.raises(CapacityError, match="Lower n_neighbors"):
        CoPurchaseRecommender(n_neighbors=1000).fit(wide)


@pytest.mark.parametrize("recommender", ALL[:2], ids=lambda r: type(r).__name__)
def test_the_same_answer_for_any_number_of_threads(recommender):
    rng = np.random.default_rng(0)
    baskets = Baskets(rng.random((3000, 40)) < 0.1)
    one = clone(recommender).fit(baskets)
    two = clone(recommender).set_params(n_jobs=2).fit(baskets)
    for a, b in zip(one.recommend(baskets, 5), two.recommend(baskets, 5), strict=True):
        np.testing.assert_array_equal(a, b)
