"""The next item: against its definition spelled out, and against popularity on held-out data."""

from __future__ import annotations

import gzip
import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone

import crmintel as ci
from crmintel.exceptions import CapacityError, InputError, InputTypeError, UnitError
from tests.oracles.sequences import frequent_sequences, next_item_scores

items = st.sets(st.sampled_from("abc"), min_size=1, max_size=2)
sequence = st.dictionaries(st.integers(0, 6), items, max_size=4).map(lambda s: sorted(s.items()))
databases = st.lists(sequence, min_size=1, max_size=4)
bounds = st.fixed_dictionaries(
    {},
    optional={"max_gap": st.integers(2, 5), "window": st.integers(0, 2), "max_span": st.integers(2, 6)},
)


def read(database):
    return ci.Sequences.from_lists(
        [[sorted(element) for _, element in sequence] for sequence in database],
        times=[[time for time, _ in sequence] for sequence in database],
    )


@settings(max_examples=30, deadline=None)
@given(databases, databases, bounds, st.integers(1, 2))
def test_scores_equal_their_definition(train, histories, bounds, min_count):
    model = ci.NextItem(
        ci.FrequentSequences(min_count, max_length=3, **bounds), discount=0.5, exclude_owned=False
    ).fit(read(train))
    labels, scores = model.recommend(read(histories), n=3)
    patterns = frequent_sequences(train, min_count, max_length=3, **bounds)
    for row, history in enumerate(histories):
        known = {item for sequence in train for _, element in sequence for item in element}
        seen = [(time, element & known) for time, element in history]
        wanted = next_item_scores(train, seen, patterns, 0.5, **bounds)
        found = {a: s for a, s in zip(labels[row], scores[row], strict=True) if a is not None}
        assert found == pytest.approx(wanted)
        assert (np.diff(scores[row][: len(found)]) <= 0).all()


CLICKS = [["home", "search", "cart"], ["home", "search", "cart"], ["home", "news"], ["news", "home"]]


def pages(**parameters):
    return ci.NextItem(ci.FrequentSequences(1, max_gap=1), exclude_owned=False, **parameters).fit(CLICKS)


def test_it_backs_off_from_long_contexts_to_popularity():
    labels, scores = pages().recommend([["home", "search"], ["cart"], ["never seen"], []], n=2)
    assert labels[0, 0] == "cart"
    assert scores[0, 0] == 1.0
    # nothing follows the cart: the most popular pages
    assert labels[1:].tolist() == [["home", "cart"]] * 3
    assert scores[1:].tolist() == [[1.0, 0.5]] * 3


def test_what_is_owned_is_not_recommended_unless_asked():
    model = clone(pages()).set_params(exclude_owned=True).fit(CLICKS)
    labels, scores = model.recommend([["home", "search"], ["home", "search", "cart", "news"]], n=3)
    assert set(labels[0]) == {"cart", "news", None}
    assert labels[1].tolist() == [None] * 3
    assert np.isnan(scores[1]).all()
    assert model.recommend([["cart"]], n=1, exclude_owned=False)[0].tolist() == [["home"]]
    assert model.predict([["home", "search"]]).tolist() == ["cart"]


def test_only_the_items_asked_for():
    labels, _ = pages().recommend([["home", "search"]], n=3, items=["news", "unknown"])
    assert labels.tolist() == [["news", None, None]]


def test_a_log_gives_one_row_a_customer():
    log, _ = ci.datasets.make_transactions(80, n_items=10, random_state=0)
    past, _ = log.split("2023-06-30") if str(log.start) < "2023-06-30" < str(log.end) else (log, None)
    model = ci.NextItem(ci.FrequentSequences(0.1, max_gap="8W", max_length=2)).fit(past)
    labels, scores = model.recommend(past, n=4)
    assert labels.shape == scores.shape == (len(past), 4)
    again = pickle.loads(pickle.dumps(model)).recommend(past, n=4)
    np.testing.assert_array_equal(labels, again[0])
    baskets = past.baskets().by_customer(len(past)).to_lists()
    assert not any(set(row) & set(owned) for row, owned in zip(labels, baskets, strict=True))


def test_the_default_ends_on_long_histories():
    rng = np.random.default_rng(0)
    histories = [
        rng.integers(0, 30, 60).tolist() for _ in range(50)
    ]  # nearly every sequence of items is frequent
    model = ci.NextItem(exclude_owned=False).fit(histories)
    assert len(model.miner_.patterns_) <= 30 + 30 * 30
    assert model.predict(histories).shape == (50,)


def test_rows_in_blocks_are_the_same(monkeypatch):
    model = pages()
    whole = model.recommend(CLICKS, n=3)
    monkeypatch.setattr("crmintel.patterns.next_item._BLOCK_CELLS", 5)
    for a, b in zip(model.recommend(CLICKS, n=3), whole, strict=True):
        np.testing.assert_array_equal(a, b)


def test_bad_input_is_named():
    with pytest.raises(InputError, match="none of the 1 items to choose from is known"):
        ci.NextItem().fit(CLICKS).recommend(CLICKS, items=["unknown"])
    with pytest.raises(InputError, match="discount"):
        ci.NextItem(discount=0).fit(CLICKS)
    with pytest.raises(InputTypeError, match="FrequentSequences"):
        ci.NextItem("prefixspan").fit(CLICKS)
    with pytest.raises(InputError, match="target='all'"):
        ci.NextItem(ci.FrequentSequences(target="closed")).fit(CLICKS)
    with pytest.raises(InputError, match="n must be"):
        pages().recommend(CLICKS, n=0)
    with pytest.raises(CapacityError, match="Lower n"):
        pages().recommend(CLICKS, n=2**28)
    with pytest.raises(InputTypeError, match="none of these items is known"):
        pages().recommend([[1, 2]])
    dated = ci.Sequences.from_lists([["home"]], times=[[np.datetime64("2024-01-01")]])
    with pytest.raises(UnitError, match=r"dates.*times="):
        pages().recommend(dated)


def test_nothing_frequent_leaves_popularity():
    model = ci.NextItem(ci.FrequentSequences(4), exclude_owned=False).fit([["a"], ["b"], ["b"], ["c"]])
    assert model.predict([["a"]]).tolist() == ["b"]


# -- held-out data ---------------------------------------------------------------------------------------------


def test_the_next_page_of_msnbc_is_found_more_often_than_by_popularity(shared_data):
    """Hit rate at 1: 0.50 against 0.33, at 5: 0.79 against 0.64."""
    with gzip.open(shared_data / "sequences" / "msnbc.spmf.gz", "rt") as file:
        sessions = [[int(t) for t in line.split() if t not in ("-1", "-2")] for line in file]
    sessions = [session for session in sessions if len(session) > 1]
    train, test = sessions[::2], sessions[1::2]
    model = ci.NextItem(ci.FrequentSequences(0.001, max_gap=1, max_length=4), exclude_owned=False).fit(train)
    labels, _ = model.recommend([session[:-1] for session in test], n=5)
    last = np.array([session[-1] for session in test])
    popular = model.items_[np.argsort(-model.popularity_)[:5]]
    for k, least in ((1, 1.4), (5, 1.2)):
        hits = (labels[:, :k] == last[:, None]).any(axis=1).mean()
        assert hits > least * np.isin(last, popular[:k]).mean()


def test_items_to_choose_from_are_a_list_of_labels():
    model = ci.NextItem(ci.FrequentSequences(1)).fit([[1, 2], [1, 12]])
    assert model.recommend([[1]], items=[12, 5])[0].tolist() == [[12, None, None]]
    for items in ("12", 12, np.array(12), [[1]]):
        with pytest.raises(InputTypeError, match="items must"):
            model.recommend([[1]], items=items)
