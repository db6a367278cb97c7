"""mlxtend's frames: the same as its own to the last digits, both ways."""

from __future__ import annotations

import importlib.util
import sys
import warnings

import numpy as np
import pandas as pd
import pytest

import crmintel as ci
from crmintel.exceptions import CapacityError, ColumnError, InputError, InputTypeError, MissingExtraError
from crmintel.interop import mlxtend as door

LISTS = [["milk", "bread"], ["milk", "bread", "tea"], ["milk"], ["tea"], []]


@pytest.fixture(scope="module")
def rival():
    """mlxtend's frequent_patterns; it changes the warning filters when imported and divides by zero."""
    if importlib.util.find_spec("mlxtend") is None:
        pytest.skip("mlxtend is not installed")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from mlxtend import frequent_patterns

        yield frequent_patterns


def one_hot(seed):
    """Random baskets; in every third set all hold the first item, whose rules divide zero by zero."""
    rng = np.random.default_rng(seed)
    n, n_items = int(rng.integers(5, 200)), int(rng.integers(2, 7))
    bought = rng.random((n, n_items)) < rng.uniform(0.2, 0.9, n_items)
    bought[:, 0] |= seed % 3 == 0
    return pd.DataFrame(bought, columns=list("abcdefg")[:n_items])


def by_rule(frame):
    keys = [
        (tuple(sorted(a)), tuple(sorted(b)))
        for a, b in zip(frame["antecedents"], frame["consequents"], strict=True)
    ]
    assert len(set(keys)) == len(keys)
    return frame.assign(rule=keys).set_index("rule").sort_index()


def as_dict(frame):
    return dict(zip(frame["itemsets"], frame["support"], strict=True))


@pytest.mark.parametrize("seed", range(12))
def test_itemsets_are_the_same(rival, seed):
    frame = one_hot(seed)
    theirs = rival.fpgrowth(frame, 0.1 - 1e-9, use_colnames=True)
    mined = ci.FrequentItemsets(0.1).fit(frame).itemsets_
    ours = door.to_itemsets_frame(mined)
    assert ours.dtypes.to_dict() == theirs.dtypes.to_dict()
    assert list(ours.columns) == list(theirs.columns)
    assert as_dict(ours) == as_dict(theirs)
    read = door.from_itemsets(theirs, len(frame))
    assert {(frozenset(i.items), i.count) for i in read} == {(frozenset(i.items), i.count) for i in mined}
    assert [frozenset(i.items) for i in read] == theirs["itemsets"].tolist()
    assert read.downward_closed


@pytest.mark.filterwarnings("ignore:invalid value encountered in divide")  # theirs
@pytest.mark.parametrize("seed", range(12))
def test_rules_are_the_same(rival, seed):
    frame = one_hot(seed)
    mined = rival.fpgrowth(frame, 1e-9, use_colnames=True)
    theirs = rival.association_rules(mined, num_itemsets=len(frame), metric="support", min_threshold=0)
    found = ci.AssociationRules(ci.FrequentItemsets(1), min_value=0, max_consequent=None).fit(frame).rules_
    ours = door.to_rules_frame(found)
    assert list(ours.columns) == list(theirs.columns)
    assert ours.dtypes.to_dict() == theirs.dtypes.to_dict()
    left, right = by_rule(ours), by_rule(theirs)
    assert left.index.equals(right.index)
    for name in theirs.columns[2:]:
        keep = left["lift"] >= 1 if name == "certainty" else left["lift"] >= 0
        np.testing.assert_allclose(left[name][keep], right[name][keep], rtol=1e-12, atol=1e-12, err_msg=name)
    again = door.from_rules(theirs, len(frame))
    np.testing.assert_array_equal(
        door.to_rules_frame(again)["lift"], [left["lift"][key] for key in keys(theirs)]
    )
    assert {(r.antecedent, r.consequent, r.n_ab, r.n_a, r.n_b) for r in again} == {
        (r.antecedent, r.consequent, r.n_ab, r.n_a, r.n_b) for r in found
    }


def keys(frame):
    return [(tuple(sorted(a)), tuple(sorted(b))) for a, b in zip(frame["antecedents"], frame["consequents"])]


def test_rules_of_their_itemsets(rival):
    frame = one_hot(4)
    mined = rival.fpgrowth(frame, 0.05 - 1e-9, use_colnames=True)
    theirs = rival.association_rules(mined, num_itemsets=len(frame), metric="lift", min_threshold=1.0)
    ours = ci.AssociationRules(measure="lift", min_value=1.0, max_consequent=None).fit(
        door.from_itemsets(mined, len(frame))
    )
    assert set(keys(door.to_rules_frame(ours.rules_))) == set(keys(theirs))


def test_certainty_below_chance_is_the_published_one(rival):
    """Berzal et al. (2002): (conf - P(B)) / P(B) where the antecedent makes B rarer; mlxtend divides by 1 - P(B)."""
    frame = pd.DataFrame({"a": [1, 1, 1, 0, 0, 0], "b": [1, 0, 0, 1, 1, 1]}, dtype=bool)
    rules = ci.AssociationRules(ci.FrequentItemsets(1), min_value=0).fit(frame).rules_
    ours = by_rule(door.to_rules_frame(rules))["certainty"]
    assert ours[("a",), ("b",)] == pytest.approx((1 / 3 - 4 / 6) / (4 / 6), abs=1e-15)
    mined = rival.fpgrowth(frame, 0.01, use_colnames=True)
    theirs = by_rule(rival.association_rules(mined, num_itemsets=6, metric="support", min_threshold=0))[
        "certainty"
    ]
    if theirs[("a",), ("b",)] == pytest.approx(ours[("a",), ("b",)]):
        pytest.fail("mlxtend is right now: say so in to_rules_frame and in the how-to")


def test_the_table_of_what_is_broken_there(rival):
    """docs/howto/from_mlxtend.md says so of this version; of another one run it again before it is said."""
    import mlxtend

    if mlxtend.__version__ != "0.25.0":
        pytest.skip(f"the table is about mlxtend 0.25.0, this is {mlxtend.__version__}")
    exact = pd.DataFrame(
        {"a": [True] * 7 + [False] * 18, "b": [True] * 7 + [False] * 18, "c": [False] * 7 + [True] * 18}
    )
    assert len(rival.apriori(exact, 0.28)) == len(ci.FrequentItemsets(0.28).fit(exact).itemsets_) == 4
    assert len(rival.apriori(exact, 0.28, low_memory=True)) < 4
    for miner in (rival.fpgrowth, rival.hmine):
        assert len(miner(exact, 0.28)) < 4

    half = pd.DataFrame(np.ones((70_000, 1), dtype=np.float16))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert len(rival.fpgrowth(half, 0.5)) == 0
    assert len(ci.FrequentItemsets(0.5).fit(half).itemsets_) == 1

    twice = pd.DataFrame(np.array([[1, 0], [0, 1], [0, 1]], dtype=bool), columns=["a", "a"])
    assert rival.fpgrowth(twice, 0.1, use_colnames=True)["itemsets"].tolist() == [{"a"}, {"a"}]
    with pytest.raises(ColumnError, match="columns of the same name"):
        ci.FrequentItemsets(0.1).fit(twice)

    sparse_frame = pd.DataFrame(np.eye(3, dtype=bool), columns=[10, 20, 30]).astype(
        pd.SparseDtype(bool, False)
    )
    with pytest.raises(ValueError, match="start with `0`"):
        rival.fpgrowth(sparse_frame, 0.1)
    assert len(ci.FrequentItemsets(0.1).fit(sparse_frame).itemsets_) == 3

    mined = rival.fpgrowth(exact, 0.1, use_colnames=True)
    for bound in (np.nan, 1.5):
        assert len(rival.association_rules(mined, min_threshold=bound)) == 0
        with pytest.raises(InputError, match="min_value"):
            ci.AssociationRules(min_value=bound).fit(exact)
    with pytest.raises(ValueError, match="cannot convert float NaN to integer"):
        rival.fpgrowth(exact, np.nan)
    alone = rival.association_rules(mined, min_threshold=0.1)
    assert alone.equals(rival.association_rules(mined, num_itemsets=25, min_threshold=0.1))


def test_there_and_back(rival):
    baskets = ci.Baskets.from_lists(LISTS)
    frame = door.to_one_hot(baskets)
    assert {dtype.kind for dtype in frame.dtypes} == {"b"}
    assert list(frame.columns) == ["bread", "milk", "tea"]
    assert ci.FrequentItemsets(1).fit(frame).itemsets_.counts.tolist() == (
        ci.FrequentItemsets(1).fit(baskets).itemsets_.counts.tolist()
    )
    assert len(rival.fpgrowth(frame, 0.1, use_colnames=True)) == 7
    by_column = rival.fpgrowth(frame, 0.1)
    read = door.from_itemsets(by_column, 5)
    assert read.labels.tolist() == [0, 1, 2]
    itemsets = ci.FrequentItemsets(1).fit(baskets).itemsets_
    again = door.from_itemsets(door.to_itemsets_frame(itemsets), 5)
    assert list(again) == list(itemsets)


def test_maximal_itemsets_make_no_rules(rival):
    read = door.from_itemsets(rival.fpmax(door.to_one_hot(LISTS), 0.1, use_colnames=True), 5)
    assert not read.downward_closed
    with pytest.raises(InputError):
        ci.AssociationRules(min_value=0.1).fit(read)


def test_nothing_to_convert():
    nothing = ci.FrequentItemsets(2).fit([["a"], ["b"]]).itemsets_
    frame = door.to_itemsets_frame(nothing)
    assert (len(frame), list(frame.columns)) == (0, ["support", "itemsets"])
    assert len(door.from_itemsets(frame, 2)) == 0
    rules = ci.AssociationRules(min_value=0.5).fit(nothing).rules_
    assert len(door.from_rules(door.to_rules_frame(rules), 2)) == 0


@pytest.mark.parametrize(
    ("frame", "n_baskets", "error", "message"),
    [
        ({"support": [0.5], "itemset": [{"a"}]}, 2, ColumnError, "no column 'itemsets'"),
        ({"support": [0.3], "itemsets": [{"a"}]}, 4, InputError, "row 0 of 'support' is 0.3, which of n_baskets=4"),
        ({"support": [1.5], "itemsets": [{"a"}]}, 4, InputError, "'support' must be <= 1.0"),
        ({"support": [np.nan], "itemsets": [{"a"}]}, 4, InputError, "'support' must be finite"),
        ({"support": [0.5], "itemsets": ["milk"]}, 4, InputTypeError, "row 0 of 'itemsets' must be a set.*'milk'"),
        ({"support": [0.5], "itemsets": [5]}, 4, InputTypeError, "must be a set of items, got 5"),
        ({"support": [0.5], "itemsets": [{None}]}, 4, InputError, "an item is missing"),
        ({"support": [0.5], "itemsets": [{"a", 1}]}, 4, InputTypeError, "mixed types"),
        ({"support": [0.5, 0.5], "itemsets": [{"a"}, {"a"}]}, 4, InputError, r"\['a'\] stands in more than one row"),
        ({"support": [0.5], "itemsets": [{"a"}]}, 0, InputError, "n_baskets must be >= 1"),
        ({"support": [0.5], "itemsets": [{"a"}]}, 4.0, InputTypeError, "n_baskets must be a whole number"),
        ([{"a"}], 4, InputTypeError, "frame must be a pandas, polars or pyarrow frame"),
    ],
)  # fmt: skip
def test_frames_that_are_none_of_itemsets(frame, n_baskets, error, message):
    if isinstance(frame, dict):
        frame = pd.DataFrame(frame)
    with pytest.raises(error, match=message):
        door.from_itemsets(frame, n_baskets)


def test_rules_without_supports():
    frame = door.to_rules_frame(ci.AssociationRules(ci.FrequentItemsets(1), min_value=0.1).fit(LISTS).rules_)
    assert len(door.from_rules(frame, 5)) == len(frame)
    with pytest.raises(ColumnError, match="no column 'antecedent support'"):
        door.from_rules(frame.drop(columns="antecedent support"), 5)
    with pytest.raises(InputError, match="'antecedent support' must be finite"):
        door.from_rules(frame.assign(**{"antecedent support": np.nan}), 5)


def test_what_has_no_frame(monkeypatch):
    rules = ci.AssociationRules(ci.FrequentItemsets(1), min_value=0.1).fit(LISTS)
    with pytest.raises(InputTypeError, match=r"rules must be a RuleSet, got AssociationRules; .*rules_"):
        door.to_rules_frame(rules)
    with pytest.raises(InputTypeError, match="itemsets must be Itemsets, got list"):
        door.to_itemsets_frame([])
    monkeypatch.setattr(door, "_MOST_CELLS", 10)
    with pytest.raises(CapacityError, match="5 baskets x 3 items do not fit"):
        door.to_one_hot(LISTS)
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(MissingExtraError, match="pip install pandas"):
        door.to_rules_frame(rules.rules_)


def test_one_hot_frames_keep_baskets_without_items_and_odd_names():
    assert door.to_one_hot([[], []]).shape == (2, 0)
    assert door.to_one_hot([[("a", "b")], [("a", "c")]]).columns.tolist() == [("a", "b"), ("a", "c")]
