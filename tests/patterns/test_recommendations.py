"""What recommenders answer: arrays that unpack, and frames in the library that was asked with."""

from __future__ import annotations

import pickle

import numpy as np
import pandas as pd
import polars as pl
import pytest

import crmintel as ci
from crmintel.exceptions import InputTypeError

BASKETS = [["milk", "bread"], ["milk", "bread"], ["milk"], ["tea", "bread"]]
LINES = {
    "customer": [7, 7, 8, 8, 9, 9, 5],
    "day": ["2024-01-01", "2024-01-02", "2024-01-01", "2024-01-03", "2024-01-02", "2024-01-05", "2024-01-05"],
    "item": [1, 2, 1, 2, 1, 3, 3],
}


def log_of(library):
    frame = {"pandas": pd.DataFrame, "polars": pl.DataFrame, None: dict}[library](LINES)
    return ci.TransactionLog.from_frame(frame, customer="customer", time="day", item="item")


RECOMMENDERS = {
    "rules": ci.RuleRecommender,
    "neighbours": ci.CoPurchaseRecommender,
    "popular": ci.PopularityRecommender,
    "repeated": ci.RepeatPurchaseRecommender,
}


@pytest.mark.parametrize("name", RECOMMENDERS)
@pytest.mark.parametrize("library", ["pandas", "polars", None])
def test_frames_list_what_the_arrays_hold_in_the_library_of_the_log(name, library):
    log = log_of(library)
    model = RECOMMENDERS[name]().fit(log)
    answer = model.recommend(log, n=3)
    items, scores = answer
    frame = answer.to_frame()
    assert type(frame) is {"pandas": pd.DataFrame, "polars": pl.DataFrame, None: dict}[library]
    expected = [
        (log.customers[i], k + 1, items[i, k], scores[i, k])
        for i in range(len(log))
        for k in range(3)
        if items[i, k] is not None
    ]
    columns = [np.asarray(frame[column]) for column in ("customer", "rank", "item", "score")]
    assert list(zip(*(c.tolist() for c in columns), strict=True)) == expected
    assert expected
    assert columns[2].dtype == np.int64


def test_next_items_name_their_sequences():
    sequences = log_of("polars").sequences()
    answer = ci.NextItem(ci.FrequentSequences(min_support=1)).fit(sequences).recommend(sequences, n=1)
    frame = answer.to_frame()
    assert isinstance(frame, pl.DataFrame)
    assert frame["customer"].to_list() == [
        c for c, i in zip(sequences.customers, answer.items[:, 0]) if i is not None
    ]


def test_rows_of_baskets_are_numbers():
    model = ci.PopularityRecommender().fit(BASKETS)
    frame = model.recommend([["milk", "bread", "tea"], ["milk"]], n=2).to_frame("pandas")
    assert frame.to_dict("list") == {
        "row": [1, 1], "rank": [1, 2], "item": ["bread", "tea"], "score": [3.0, 1.0]
    }  # fmt: skip
    nobody = model.recommend([["milk", "bread", "tea"]], n=2).to_frame()
    assert {name: len(column) for name, column in nobody.items()} == dict.fromkeys(frame.columns, 0)


def test_targets_name_customers_in_the_library_of_the_log():
    log = log_of("polars")
    model = ci.PopularityRecommender().fit(log)
    customers, scores = targets = model.target_customers(log, 3)
    assert customers.tolist() == [7, 8]
    frame = targets.to_frame()
    assert isinstance(frame, pl.DataFrame)
    assert frame.rows() == list(zip(customers.tolist(), scores.tolist(), strict=True))
    assert list(ci.PopularityRecommender().fit(BASKETS).target_customers(BASKETS, "tea").to_frame()) == [
        "row",
        "score",
    ]


def test_popularity_targets_who_holds_most():
    baskets = [["a"], ["a", "b", "c"], ["b"], ["a", "c"], ["d"]]
    model = ci.PopularityRecommender().fit(baskets)
    assert model.target_customers(baskets, "d").customers.tolist() == [1, 3, 0, 2]
    assert model.target_customers(baskets[::-1], "d", n=2).customers.tolist() == [3, 1]


def test_answers_are_pickled_whole():
    model = ci.PopularityRecommender().fit(BASKETS)
    for answer in (model.recommend(BASKETS, n=2), model.target_customers(BASKETS, "tea")):
        copied = pickle.loads(pickle.dumps(answer))
        assert type(copied) is type(answer)
        assert copied.to_frame("pandas").equals(answer.to_frame("pandas"))


@pytest.mark.parametrize("flag", ["no", 1, None, np.nan, [True]])
def test_flags_are_true_or_false(flag):
    model = ci.PopularityRecommender().fit(BASKETS)
    rules = ci.AssociationRules(ci.FrequentItemsets(min_support=1), empty_antecedent=flag)
    for call in (
        lambda: model.recommend(BASKETS, exclude_owned=flag),
        lambda: model.target_customers(BASKETS, "tea", exclude_owned=flag),
        lambda: ci.NextItem(exclude_owned=flag).fit(BASKETS),
        lambda: rules.fit(BASKETS),
    ):
        with pytest.raises(InputTypeError, match="must be True or False, got"):
            call()


def test_numpy_flags_are_flags():
    model = ci.PopularityRecommender().fit(BASKETS)
    assert model.recommend(BASKETS, exclude_owned=np.False_).items.tolist() == (
        model.recommend(BASKETS, exclude_owned=False).items.tolist()
    )


def test_mixed_items_are_called_items():
    with pytest.raises(InputTypeError, match="'items' have mixed types"):
        ci.PopularityRecommender().fit([["a", 1]])
