"""What users get wrong: each mistake is named with its value, its row or its count, and the way out."""

from __future__ import annotations

from datetime import UTC, date, datetime

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import crmintel as ci
from crmintel.exceptions import (
    ColumnError,
    CrmintelError,
    DataWarning,
    DateRangeError,
    FitWarning,
    InputError,
    InputTypeError,
    UnitError,
)

FRAME = {
    "who": ["ann", "bob", "ann", "cid"],
    "when": ["2024-01-05", "2024-01-09", "2024-03-01", "2024-02-01"],
    "paid": [30.0, 12.5, 20.0, 5.0],
    "what": ["tea", "cup", "tea", "pot"],
}
LIBRARIES = {"dict": dict, "pandas": pd.DataFrame, "polars": pl.DataFrame, "pyarrow": pa.table}


def read(make=pd.DataFrame, changes=None, drop=(), **roles):
    columns = {name: values for name, values in {**FRAME, **(changes or {})}.items() if name not in drop}
    return ci.TransactionLog.from_frame(
        make(columns), **{"customer": "who", "time": "when", "amount": "paid", "item": "what", **roles}
    )


def log(n=4, **more):
    return ci.TransactionLog.from_arrays(customer=FRAME["who"][:n], time=FRAME["when"][:n], **more)


@pytest.mark.parametrize("make", LIBRARIES.values(), ids=LIBRARIES)
@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"drop": ["who"]}, ColumnError, r"no column customer='who'; it has \['when', 'paid', 'what'\]"),
        ({"drop": ["when"]}, ColumnError, "no column time='when'"),
        ({"drop": ["paid"]}, ColumnError, "no column amount='paid'"),
        ({"item": "product"}, ColumnError, r"no column item='product'; it has \['who', 'when', 'paid', 'what'\]"),
        ({"keep": ["shop"]}, ColumnError, "no column 'shop'"),
        ({"changes": {"paid": [1.0, np.nan, 2.0, np.nan]}}, InputError,
         r"amount='paid' must be finite.*2 of 4 rows break this, the first is row 1 \(nan\)"),
        ({"changes": {"paid": [1.0, 2.0, 2.0, np.inf]}}, InputError, r"amount='paid'.*1 of 4 rows.*row 3 \(inf\)"),
        ({"changes": {"paid": [np.inf, 2.0, 2.0, -np.inf]}}, InputError, r"2 of 4 rows.*row 0 \(inf\)"),
        ({"changes": {"paid": [1.0, None, 2.0, 3.0]}}, InputError, "a missing value is not 0"),
        ({"changes": {"paid": ["1", "2", "3", "4"]}}, InputTypeError, "row 0 of 'paid' is '1', not a number"),
        ({"changes": {"when": [1, 2, 3, 4]}}, InputTypeError, "the times in 'when' have dtype int64.*unit="),
        ({"changes": {"when": ["5.1.2024"] * 4}}, InputError, "row 0 of 'when' is '5.1.2024'.*format="),
        ({"changes": {"who": [None] * 4}}, InputError, r"no row is left for the log: missing customer \(4\) of 4 rows"),
        ({"end": "2023-12-31"}, DateRangeError, r"end=2023-12-31 lies before the first line \(2024-01-05\)"),
        ({"end": "31/12/2023"}, InputError, "end must be a date such as '2017-09-30'; got '31/12/2023'"),
        ({"end": 20231231}, InputTypeError, "end must be a date, a datetime or text"),
        ({"end": datetime(2024, 5, 1, tzinfo=UTC)}, InputError, "end=.*has a time zone, the log has none"),
        ({"end": np.datetime64("NaT", "D")}, InputError, "end is missing"),
        ({"customer": 3}, ColumnError, "customer must be the name of a column, got 3"),
        ({"customer": None}, ColumnError, "customer must be the name of a column, got None"),
        ({"keep": "what"}, InputError, r"write keep=\['what'\]"),
        ({"keep": None}, InputTypeError, r"keep must be a list of names, got None; write keep=\[\]"),
        ({"keep": 5}, InputTypeError, "keep must be a list of names, got 5"),
        ({"keep": [["what"]]}, InputTypeError, r"keep must be a list of names, got \['what'\] in it"),
        ({"changes": {"paid": [1e308] * 4}}, InputError, "amount='paid' sums to more than a float can hold"),
    ],
)  # fmt: skip
def test_a_frame_that_cannot_be_a_log(make, change, error, message):
    with pytest.raises(error, match=message):
        read(make, **change)


@pytest.mark.parametrize("make", LIBRARIES.values(), ids=LIBRARIES)
def test_an_empty_frame(make):
    empty = {
        "who": np.empty(0, int),
        "when": np.empty(0, "M8[us]"),
        "paid": np.empty(0),
        "what": np.empty(0, int),
    }
    with pytest.raises(InputError, match=r"the frame has no rows.*\['who', 'when', 'paid', 'what'\]"):
        read(make, empty)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: read(changes={"who": [1, "1", 2, "2"]}), InputTypeError, r"'who' have mixed types, e.g. \{'int': 1,"),
        (lambda: read(dict, {"who": [1, "1", 2, "2"]}), InputTypeError, "is 1 the same as '1'.*Convert"),
        (lambda: read(dict, {"paid": [1.0, 2.0]}), InputError, "different lengths.*'paid': 2"),
        (lambda: read(dict, {"paid": 5.0}), InputError, r"paid must be one-dimensional, got shape \(\)"),
        (lambda: read(changes={"cost": FRAME["paid"]}, keep=["cost"]), ColumnError, r"keep=\['cost'\] would hide"),
        (lambda: ci.TransactionLog.from_frame(5, customer="a", time="b"), InputTypeError, "frame must be.*got int"),
        (lambda: ci.TransactionLog.from_frame("x.csv", customer="a", time="b"), InputTypeError, "got str"),
        (lambda: ci.TransactionLog.from_frame(np.zeros((3, 2)), customer="a", time="b"), InputTypeError, "got ndarray"),
        (lambda: log(keep=["a"]), InputTypeError, "keep must map names to arrays, got list"),
        (lambda: log(keep="a"), InputTypeError, "keep must map names to arrays, got str"),
        (lambda: log(price=[1.0] * 4), InputError, r"knows no column \['price'\].*keep="),
        (lambda: log(amount=[1.0]), InputError, "different lengths.*'amount': 1"),
        (lambda: log().split("2023-01-01"), DateRangeError, "2023-01-01 lies before the start of the log"),
        (lambda: log().split("2024-03-01"), DateRangeError, r"must lie before the end of the log \(2024-03-01\)"),
        (lambda: log().spend(), ColumnError, r"spend needs the amount.*from_frame\(..., amount=...\)"),
        (lambda: log().baskets(), ColumnError, r"baskets\(\) needs the item"),
        (lambda: log()[[True]], InputError, r"mask over this log needs 3 values, got \(1,\)"),
        (lambda: ci.CustomerSummary(unit="moon").fit(log()), UnitError, "unit must be one of second.*'moon'"),
        (lambda: ci.CustomerSummary(collapse="second").fit(log()), UnitError, "collapse must be one of hour"),
        (lambda: ci.CustomerSummary().fit(FRAME), InputTypeError, "TransactionLog, got dict.*from_frame"),
        (lambda: ci.CustomerSummary(extra=("age",)).fit(log()), ColumnError, "with_customers"),
        (lambda: ci.LogCleaner().fit(pd.DataFrame(FRAME)), InputTypeError, "TransactionLog, got DataFrame"),
        (lambda: ci.LogCleaner(returns="undo").fit(log()), InputError, "'match', 'net', 'drop', 'keep'; got 'undo'"),
        (lambda: ci.BehaviourFeatures().fit(FRAME), InputTypeError, "TransactionLog"),
        (lambda: ci.BehaviourFeatures(windows=["30X"]).fit(log()), InputError, "30X|'X'|'x'"),
        (lambda: ci.churn_snapshots(log(), horizon="-3D"), InputError, "horizon.*-3D"),
        (lambda: ci.churn_snapshots(log(), horizon="5Y"), InputError, "horizon|window|end|long"),
        (lambda: ci.churn_snapshots(FRAME, horizon="9D"), InputTypeError, "TransactionLog"),
        (lambda: ci.RFMScorer().fit(log()), InputError, "amount"),
        (lambda: ci.RFMScorer().fit(summary()), InputTypeError, "made by CustomerSummary.*pass the log"),
        (lambda: ci.RFMScorer(n_bins=0).fit(read()), InputError, "n_bins.*0"),
        (lambda: ci.ValueTiers(shares=(0.5, 0.6)).fit(read()), InputError, "shares"),
        (lambda: ci.ValueTiers().fit(log()), InputError, "amount"),
        (lambda: ci.gini([1.0, np.nan]), InputError, r"finite.*row 1"),
        (lambda: ci.gini([]), InputError, "0 values|at least|empty|no "),
        (lambda: ci.top_share([1.0, 2.0], 1.5), InputError, "1.5"),
        (lambda: ci.CustomerKMeans(n_clusters=5).fit(np.zeros((3, 2))), ValueError, "5|n_clusters"),
        (lambda: ci.FrequentItemsets(min_support=0).fit(read().baskets()), InputError, "min_support.*0"),
        (lambda: ci.FrequentItemsets(min_support=1.5).fit(read().baskets()), InputError, "min_support.*1.5"),
        (lambda: ci.FrequentItemsets(min_support=np.nan).fit(read().baskets()), InputError, "min_support.*nan"),
        (lambda: ci.FrequentItemsets(min_support=1).fit([["a"], "milk"]), CrmintelError, "milk|text|str"),
        (lambda: ci.Baskets.from_lists([["a", None]]), InputError, "missing|None"),
        (lambda: ci.datasets.make_transactions(0), InputError, "n_customers.*0"),
        (lambda: ci.datasets.make_transactions(10, process="magic"), InputError, "process.*'magic'"),
    ],
)  # fmt: skip
def test_mistakes(call, error, message):
    with pytest.raises(error, match=message) as caught:
        call()
    assert isinstance(caught.value, CrmintelError | ValueError)
    assert len(str(caught.value)) > 20


def summary(unit="week"):
    simulated, _ = ci.datasets.make_transactions(60, random_state=1)
    return ci.CustomerSummary(unit=unit, extra=("spend", "spend_last_year")).fit_transform(simulated)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda m, X: m.predict(summary("day")), UnitError, r"(?s)week.*day|day.*week"),
        (lambda m, X: ci.BetaGeoNBD(unit="month").fit(X), UnitError, r"(?s)week.*month|month.*week"),
        (
            lambda m, X: ci.BetaGeoNBD(horizon="9W").fit(np.asarray(X)).predict(np.asarray(X)),
            UnitError,
            "unit",
        ),
        (lambda m, X: m.expected_purchases(X, "3 moons"), UnitError, "'moon"),
        (lambda m, X: m.expected_purchases(X, -1), InputError, "horizon.*-1"),
        (lambda m, X: m.predict(np.asarray(X)[:, :2]), ColumnError, r"X lacks \['recency', 'T'\]|X lacks"),
        (
            lambda m, X: m.predict(pd.DataFrame({"frequency": [1]})),
            ColumnError,
            r"X lacks \['recency', 'T'\]",
        ),
        (
            lambda m, X: m.predict(log()),
            InputTypeError,
            "a TransactionLog is no array of numbers; CustomerSummary",
        ),
        (lambda m, X: ci.LifetimeValue(horizon=13, margin="high").fit(X), InputTypeError, "margin.*'high'"),
        (lambda m, X: ci.LifetimeValue(horizon=13, discount_rate=-2).fit(X), InputError, "discount_rate.*-2"),
        (lambda m, X: ci.ValueQuadrants().fit(np.asarray(X)[:, 0]), InputError, "two|shape|current"),
    ],
)
def test_mistakes_between_summary_and_model(call, error, message):
    X = summary()
    with pytest.raises(error, match=message):
        call(ci.BetaGeoNBD(horizon=13).fit(X), X)


# -- what looks odd and is right ---------------------------------------------------------------------------------


def test_one_customer():
    one = ci.TransactionLog.from_arrays(customer=["ann"], time=["2024-01-05"], amount=[3.0], item=["tea"])
    assert (len(one), one.n_purchases, one.spend().tolist()) == (1, 1, [3.0])
    assert ci.CustomerSummary().fit_transform(one).tolist() == [[0, 0, 0, 0]]
    assert len(one.baskets()) == 1
    assert len(ci.LogCleaner().fit_transform(one)) == 1
    with pytest.raises(InputError, match="one customer"):
        ci.BetaGeoNBD().fit(ci.CustomerSummary().fit_transform(one))


def test_one_purchase_each():
    days = np.datetime64("2024-01-01") + np.arange(50)
    once = ci.TransactionLog.from_arrays(customer=np.arange(50), time=days, amount=np.ones(50))
    rows = ci.CustomerSummary(unit="week").fit_transform(once)
    assert (np.asarray(rows)[:, [0, 1, 3]] == 0).all()
    with pytest.warns(FitWarning, match="repeat|identified"):
        ci.BetaGeoNBD(horizon=4).fit(rows)


def test_rows_in_any_order_and_customers_in_pieces():
    order = [3, 1, 0, 2]
    shuffled = read(changes={name: [values[k] for k in order] for name, values in FRAME.items()})
    assert shuffled.to_frame().equals(read().to_frame())


def test_the_same_line_for_two_roles():
    same = read(basket="what", category="what")
    assert same.lines.basket.expand().tolist() == same.lines.item.expand().tolist()


def test_a_date_far_away_is_cleaned_and_does_not_stop_the_log():
    far = read(changes={"when": ["0001-01-01", "9999-12-31", "2024-01-01", "2024-02-01"]})
    assert (str(far.start), str(far.end)) == ("0001-01-01", "9999-12-31")
    clean = ci.LogCleaner().fit_transform(far)
    assert (str(clean.start), str(clean.end), len(clean)) == ("2024-01-01", "2024-02-01", 2)


@pytest.mark.parametrize("end", ["2024-01-09", date(2024, 1, 9), pd.Timestamp("2024-01-09 23:00")])
def test_lines_after_the_end_are_counted(end):
    with pytest.warns(DataWarning, match=r"2 of 4 rows are set aside.*after the end \(2\)"):
        early = read(end=end)
    assert early.customers.tolist() == ["ann", "bob"]
    assert early.set_aside.money == {"after the end": 25.0}
