"""What is said where nothing is known, where money is dust, and where the wrong kind of thing was given."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import polars as pl
import pytest

import crmintel as ci
from crmintel.exceptions import DataWarning, FitWarning, InputError, InputTypeError

rng = np.random.default_rng(0)
numbers = rng.normal(size=(40, 2))
halves = np.repeat(["a", "b"], 20)
kinds = pd.DataFrame({"spend": numbers[:, 0], "age": ["18-24", "65+"] * 20})


# -- no claim without knowledge --------------------------------------------------------------------------------


def test_a_profile_claims_nothing_of_one_customer_or_of_nothing():
    said = ci.SegmentProfile().fit(numbers, np.append(halves[1:], "z")).sentences_
    assert said["z"] == "z: 1 customer (2.5%); one customer is too few to tell what sets them apart."
    unknown = np.where(halves == "a", np.nan, numbers[:, 0])[:, None]
    assert ci.SegmentProfile().fit(unknown, halves).sentences_["a"] == (
        "a: 20 customers (50.0%); too little is known to tell what sets them apart."
    )


def test_a_profile_of_no_columns_says_nothing_of_columns():
    far_apart = numbers + 9.0 * (halves == "a")[:, None]
    assert ci.SegmentProfile(top=0).fit(far_apart, halves).sentences_["a"] == "a: 20 customers (50.0%)."


def test_a_profile_gives_frames_of_the_library_it_was_given():
    for frame, kind in ((kinds[["spend"]], pd.DataFrame), (pl.DataFrame(numbers), pl.DataFrame)):
        assert isinstance(ci.SegmentProfile().fit(frame, halves).to_frame(), kind)
    assert isinstance(ci.SegmentProfile().fit(numbers, halves).to_frame(), dict)
    assert isinstance(ci.SegmentProfile().fit(kinds[["spend"]], halves).to_frame("polars"), pl.DataFrame)


def test_a_test_without_freedom_has_no_verdict():
    said = str(ci.markov_test([["a", "a"]] * 3))
    assert said.count("cannot be tested") == 2
    assert "nan" not in said
    assert "steady" not in said
    assert "cannot" not in str(ci.markov_test([[0, 0, 1, 1], [0, 1, 1, 0], [1, 1, 0, 0]]))


def test_rules_that_leave_a_segment_out_say_so():
    X = {"spend": np.arange(90.0)}
    y = np.repeat(["a", "b", "c"], 30)
    with pytest.warns(FitWarning, match=r"no rule names the segments \['.'\].* Raise max_rules=2"):
        rules = ci.SegmentRules(max_rules=2).fit(X, y)
    assert set(rules.predict(X)) < {"a", "b", "c"}
    with pytest.raises(InputError, match=r"'z', has 1 of 3 customers.* Merge it .* or lower cv"):
        ci.SegmentRules().fit([[1.0]] * 3, ["a", "a", "z"])


def test_a_segment_that_over_buys_nothing_is_not_one_that_does_not_exist():
    bought = [["wine", "bread"]] * 10 + [["bread"]] * 10
    found = ci.over_represented(ci.Baskets.from_lists(bought), ["gold"] * 10 + ["base"] * 10)
    assert found.of("base") == []
    with pytest.raises(InputError, match=r"'glod' is none of the segments \['base', 'gold'\]"):
        found.of("glod")


# -- dust and negative money -----------------------------------------------------------------------------------


def log_of(amounts, customers, month=1):
    days = [f"2024-{month:02d}-{1 + i:02d}" for i in range(len(amounts))]
    return ci.TransactionLog.from_arrays(customer=customers, time=days, amount=amounts, end="2024-03-31")


def test_what_rounding_leaves_of_nothing_is_nothing():
    log = log_of([0.3, -0.1, -0.2, 5.0], ["a", "a", "a", "b"])
    assert 0.3 - 0.1 - 0.2 < 0.0
    assert log.spend().tolist() == [0.0, 5.0]
    assert ci.gini(log) == 0.5
    money = ci.segment_history(log, ci.ValueTiers(thresholds=[1], labels=["much", "little"]), "month").money
    assert money[0].tolist() == [0.0, 5.0]
    small = log_of([1e9, -1e9, 1e-6, -1e-30], ["a", "a", "b", "c"])
    assert small.spend().tolist() == [0.0, 1e-6, -1e-30], "what is small alone is no dust"
    assert log_of([1e6, -1e6, 0.01], ["a"] * 3).spend().tolist() == [0.01]
    assert log_of([1.7e308, -1.7e308, 1.7e308], ["a"] * 3).spend().tolist() == [1.7e308]


def test_the_heavy_half_warns_of_returns():
    with pytest.warns(
        DataWarning, match=r"1 of 3 customers have negative volume, -5 together of a total of 30"
    ):
        heavy = ci.HeavyHalf().fit([10, -5, 20])
    assert heavy.table_["volume"].tolist() == [20.0, 10.0, 0.0]
    ci.HeavyHalf().fit([10, -1, 20])


def test_a_share_in_per_cent_gets_its_decimal():
    with pytest.raises(InputError, match=r"got 80; 80 % is 0.8"):
        ci.top_share([1.0, 2.0], 80)
    with pytest.raises(InputError, match=r"got 800\."):
        ci.concentration_interval(np.arange(30.0), "top_share", fraction=800)


@pytest.mark.parametrize("estimator", [ci.GoldenCustomers(unit="year"), ci.LoyaltyIndex(unit="year")])
def test_nobody_is_sent_to_a_parameter_that_is_not_there(estimator):
    log = log_of([1.0, 2.0], ["a", "b"])
    with pytest.raises(InputError, match=r"whole year; take a shorter unit\.$"):
        estimator.fit(log)
    with pytest.raises(InputError, match=r"take a shorter unit or partial=True"):
        ci.segment_history(log, unit="year")


# -- tables ----------------------------------------------------------------------------------------------------

OF_NUMBERS = {
    "SegmentProfile": lambda X: ci.SegmentProfile().fit(X, halves),
    "SegmentRules": lambda X: ci.SegmentRules().fit(X, halves),
    "CustomerOutliers": lambda X: ci.CustomerOutliers().fit(X),
    "ClusterSelection": lambda X: ci.ClusterSelection().fit(X),
    "silhouette": lambda X: ci.silhouette(X, halves),
    "CustomerKMeans": lambda X: ci.CustomerKMeans(2).fit(X),
}


@pytest.mark.parametrize("name", OF_NUMBERS)
def test_categories_are_sent_where_they_are_taken(name):
    for X in (
        kinds,
        pl.from_pandas(kinds),
        kinds.to_numpy(),
        kinds.to_numpy().astype(str),
        kinds.to_numpy().tolist(),
    ):
        with pytest.raises(InputTypeError, match=r"get_dummies.* KPrototypes or GowerMedoids") as caught:
            OF_NUMBERS[name](X)
        assert "astype" not in str(caught.value)
    with pytest.raises(InputTypeError, match=r"row 0 of 'spend' is '1,5', .* decimal point .*get_dummies"):
        OF_NUMBERS[name](kinds[["spend"]].assign(spend="1,5"))
    with pytest.raises(InputTypeError, match=r"row 0 of 'spend' is '1.5', not a number.*decimal point"):
        OF_NUMBERS[name](kinds[["spend"]].assign(spend="1.5"))


@pytest.mark.parametrize("name", OF_NUMBERS)
def test_inf_is_not_called_missing(name):
    X = numbers.copy()
    X[7, 1] = np.inf
    with pytest.raises(InputError, match=r"inf is no missing value; .*1 of 40 rows .* row 7 \(inf\)"):
        OF_NUMBERS[name](X)


@pytest.mark.parametrize("name", ["silhouette", "CustomerKMeans"])
def test_missing_numbers_are_named(name):
    X = pd.DataFrame(numbers, columns=["spend", "visits"])
    X.loc[[7, 9], "visits"] = np.nan
    with pytest.raises(
        InputError, match=r"column 'visits' of X must be finite, not NaN; .*2 of 40 rows .* row 7"
    ):
        OF_NUMBERS[name](X)


STRANGE = {
    "one dimension": np.arange(3.0),
    "a list": [1.0, 2.0],
    "None": None,
    "a number": 5,
    "nothing": [],
    "text": "text",
    "words": np.array(["a", "b"]),
    "complex": numbers + 1j,
    "a list of complex": (numbers + 1j).tolist(),
    "three dimensions": np.zeros((2, 2, 2)),
    "no columns": pd.DataFrame(index=range(5)),
    "dates": np.array([["2024-01-01"]] * 5, dtype="datetime64[D]"),
    "a series": pd.Series(np.arange(500.0)),
}


@pytest.mark.parametrize("kind", STRANGE)
def test_k_means_answers_in_short_words_of_its_own(kind):
    with pytest.raises((ValueError, TypeError)) as caught:
        ci.CustomerKMeans(2).fit(STRANGE[kind])
    said = str(caught.value)
    assert "array=" not in said
    assert "could not convert" not in said
    assert len(said) <= 200
    assert "\n" not in said


@pytest.mark.parametrize("estimator", [ci.KPrototypes(2, random_state=0), ci.GowerMedoids(2, random_state=0)])
@pytest.mark.parametrize(
    "column",
    [
        pd.date_range("2024-01-01", periods=40),
        [dt.date(2024, 1, 1 + i % 9) for i in range(40)],
        pd.to_timedelta(np.arange(40), unit="D"),
        np.arange(40) + 1j,
    ],
    ids=["datetime64", "dates", "timedelta64", "complex"],
)
def test_times_are_no_categories(estimator, column):
    X = pd.DataFrame({"spend": numbers[:, 0], "since": column})
    with pytest.raises(
        InputTypeError, match=r"'since' of X holds .* neither numbers nor categories; .* days since"
    ):
        estimator.fit(X)
    if np.asarray(column).dtype.kind == "O":
        assert estimator.fit({"spend": numbers[:, 0], "since": halves}).categorical_ == ["since"]


def test_answers_of_words_are_sent_to_numbers():
    satisfaction = rng.integers(1, 6, 40)
    with pytest.raises(
        InputTypeError, match=r"y must hold numbers, got the text 'yes'; give 1 for who stayed"
    ):
        ci.SatisfactionLoyalty().fit(satisfaction, ["yes", "no"] * 20)
    with pytest.raises(InputTypeError, match=r"the target y is None: give the loyalty of each customer"):
        ci.SatisfactionLoyalty().fit(satisfaction, None)
    with pytest.raises(InputTypeError, match=r"the text 'good'; give each score as a number"):
        ci.SatisfactionLoyalty().fit(["good"] * 40, halves == "a")


def test_a_class_is_no_estimator():
    with pytest.raises(InputTypeError, match=r"pass ValueTiers\(\), not the class"):
        ci.segment_history(log_of([1.0, 2.0], ["a", "b"]), ci.ValueTiers)
