"""Strange tables, money and logs: every public name of segments copes with them or says in its own words why not."""

from __future__ import annotations

import inspect
import warnings
from decimal import Decimal
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from sklearn.cluster import HDBSCAN, AgglomerativeClustering

import crmintel as ci
from crmintel.exceptions import CrmintelError, CrmintelWarning

normal = np.random.default_rng(0).normal(size=(30, 2))
far_apart = normal + 20.0 * (np.arange(30)[:, None] % 2)
few = {"n_references": 3, "n_splits": 1, "n_bootstrap": 2, "random_state": 0}


def read_only(values):
    values = values.copy()
    values.setflags(write=False)
    return values


TABLES = {
    "as it should be": normal,
    "constant column": np.column_stack([np.ones(30), normal[:, 0]]),
    "all constant": np.ones((30, 2)),
    "duplicates, fewer than k": np.repeat([[0.0, 0.0], [1.0, 1.0]], 15, axis=0),
    "n < k": normal[:3],
    "one customer": normal[:1],
    "nobody": np.empty((0, 2)),
    "no columns": np.empty((5, 0)),
    "NaN": np.array([[1.0, np.nan]] + [[2.0, 3.0]] * 20),
    "NaN throughout": np.full((20, 2), np.nan),
    "inf": np.array([[1.0, np.inf]] + [[2.0, 3.0]] * 20),
    "squares overflow": np.array([[1e200, -1e200]] + [[-1e200, 1e200]] * 20),
    "subnormal": np.array([[5e-324, 0.0]] + [[0.0, 5e-324]] * 20),
    "all categorical": pd.DataFrame({"a": ["x", "y"] * 15, "b": ["u", "v", "w"] * 10}),
    "text": np.array([["a", "b"]] * 20),
    "mixed objects": np.array([[1, "b"]] * 20, dtype=object),
    "one dimension": np.arange(20.0),
    "no dimension": np.float64(3.0),
    "three dimensions": np.zeros((3, 2, 2)),
    "None": None,
    "a word": "milk",
    "rows of two lengths": [[1.0, 2.0], [3.0]],
    "dates": np.array([["2024-01-01", "2024-01-02"]] * 20, dtype="datetime64[D]"),
    "complex": normal + 1j,
    "masked": np.ma.masked_array(normal, mask=normal > 2.0),
    "list": normal.tolist(),
    "integers": normal.round().astype(np.int64),
    "truth values": normal > 0.0,
    "float32": normal.astype(np.float32),
    "by column": np.asfortranarray(normal),
    "every other row": np.repeat(normal, 2, axis=0)[::2],
    "read-only": read_only(normal),
    "missing integers": pd.DataFrame({"a": pd.array([*range(29), None], dtype="Int64"), "b": normal[:, 0]}),
    "numbers for names": pd.DataFrame(normal),
    "a name twice": pd.DataFrame(normal, columns=["a", "a"]),
    "polars": pl.DataFrame({"a": normal[:, 0], "b": normal[:, 1]}),
    "pyarrow": pa.table({"a": normal[:, 0], "b": normal[:, 1]}),
}


def halves(X):
    """Two segments in turn, one label per row as far as X has rows."""
    if isinstance(X, pa.Table):
        return [row % 2 for row in range(X.num_rows)]
    return [row % 2 for row in range(len(X))] if hasattr(X, "__len__") else [0, 1]


def select(estimator=None, k=(2, 3), **settings):
    return lambda X: ci.ClusterSelection(estimator, k=list(k), **few, **settings).fit(X)


def find_outliers(X):
    model = ci.CustomerOutliers(random_state=0).fit(X)
    return model.explain(X), model.score_samples(X)


OF_TABLES = {
    "KPrototypes": lambda X: ci.KPrototypes(4, n_init=2, random_state=0).fit(X).predict(X),
    "GowerMedoids": lambda X: ci.GowerMedoids(4, n_init=2, random_state=0).fit(X).predict(X),
    "gower_distances": ci.gower_distances,
    "ClusterSelection": select(k=(2, 3, 4)),
    "ClusterSelection of HDBSCAN": select(HDBSCAN(copy=True), param_grid={"min_cluster_size": [5, 8]}),
    "ClusterSelection of AgglomerativeClustering": select(AgglomerativeClustering()),
    "silhouette": lambda X: ci.silhouette(X, halves(X)),
    "SegmentProfile": lambda X: ci.SegmentProfile().fit(X, halves(X)),
    "SegmentRules": lambda X: ci.SegmentRules(min_customers=2).fit(X, halves(X)).predict(X),
    "CustomerOutliers": find_outliers,
    "align_centers": lambda X: ci.align_centers(X, X),
    "over_represented": lambda X: ci.over_represented(X, halves(X)),
    "SatisfactionLoyalty": lambda X: ci.SatisfactionLoyalty(n_resamples=9, random_state=0).fit(X, halves(X)),
    "SegmentMigration": lambda X: ci.SegmentMigration().fit(X),
    "SegmentMigration of two": lambda X: ci.SegmentMigration().fit(X, X),
    "align_labels": lambda X: ci.align_labels(X, X),
    "markov_test": ci.markov_test,
    "early_warning": lambda X: ci.early_warning(X, X, X, order=[1, 2, 3]),
}
MONEY = {
    "negative": [1.0, -2.0, 3.0],
    "negative throughout": [-1.0, -2.0],
    "none": [0.0, 0.0],
    "one customer": [5.0],
    "nobody": [],
    "NaN": [1.0, np.nan],
    "inf": [1.0, np.inf],
    "None": [1.0, None],
    "sum overflows": [1.7e308] * 3,
    "sum overflows on the way": [1.7e308, -1.7e308, 1.7e308, 1.7e308],
    "subnormal": [5e-324] * 3,
    "decimals": [Decimal("1.5"), Decimal("2.5")],
    "missing integer": pd.Series([1, None], dtype="Int64"),
    "polars": pl.Series([1, 2]),
    "chunks": pa.chunked_array([[1.0], [2.0, None]]),
    "text": ["a", "b"],
    "all equal": [3.0] * 9,
    "read-only": read_only(np.arange(5.0)),
    "two columns": np.ones((3, 2)),
}
OF_MONEY = {
    "ValueTiers": lambda money: ci.ValueTiers().fit_predict(money),
    "HeavyHalf": lambda money: ci.HeavyHalf().fit_predict(money),
    "gini": ci.gini,
    "top_share": lambda money: ci.top_share(money, 0.2),
    "lorenz_curve": ci.lorenz_curve,
    "concentration_interval": lambda money: ci.concentration_interval(money, n_resamples=9, random_state=0),
    "concentration_interval of the best": lambda money: ci.concentration_interval(
        money, "top_share", n_resamples=9, random_state=0
    ),
}


def log_of(*amounts, days=None):
    """Customers a, b, a, b, ... with a line every 20 days, each of an item that costs half."""
    n = len(amounts)
    when = np.datetime64("2024-01-01") + np.arange(n) * 20 if days is None else days
    return ci.TransactionLog.from_arrays(
        customer=[("a", "b")[i % 2] for i in range(n)],
        time=when,
        amount=list(amounts),
        item=[f"item {i % 3}" for i in range(n)],
        cost=[each / 2.0 for each in amounts],
        end="2024-12-31",
    )


usual = log_of(*range(1, 19))
early_and_late = np.array(["2024-01-02", "2024-02-01", "2024-09-01"], dtype="datetime64[D]")
LOGS = {
    "as it should be": usual,
    "one line": log_of(5.0),
    "one customer": usual[:1],
    "nobody": usual[:0],
    "a customer twice": usual[[0, 0, 1]],
    "nothing but returns": log_of(*[-1.0] * 18),
    "nothing but gifts": log_of(*[0.0] * 18),
    "all on one day": log_of(*range(1, 19), days=np.repeat(np.datetime64("2024-05-05"), 18)),
    "one who did not come back": log_of(1.0, 2.0, 3.0, days=early_and_late).split("2024-02-15")[1],
    "snapshots": usual.snapshots(["2024-06-30", "2024-09-30"]),
    "no amounts": ci.TransactionLog.from_arrays(customer=["a", "b"], time=["2024-01-01", "2024-12-31"]),
    "no log": [1.0, 2.0],
}  # fmt: skip
OF_LOGS = {
    "revenue_bridge": lambda log: str(ci.revenue_bridge(log)),
    "cohort_table": lambda log: ci.cohort_table(log, value="money").retention,
    "segment_history": lambda log: ci.segment_history(log).migration().people_,
    "GoldenCustomers": lambda log: ci.GoldenCustomers().fit(log).predict(log),
    "LoyaltyIndex": lambda log: ci.LoyaltyIndex().fit(log).transform(log),
    "customer_profitability": lambda log: ci.customer_profitability(log).whale_curve(),
    "over_represented": lambda log: ci.over_represented(log, halves(log)),
    "ValueTiers": lambda log: ci.ValueTiers().fit_predict(log),
    "HeavyHalf": lambda log: ci.HeavyHalf().fit_predict(log),
    "gini": ci.gini,
}


def works_or_says_why(call, X, own=CrmintelError):
    why = None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", CrmintelWarning)
        try:
            call(X)
        except own as error:
            why = str(error)
    assert why is None or len(why) > 30, "an error that explains nothing"


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize("name", OF_TABLES)
def test_tables(name, table):
    works_or_says_why(OF_TABLES[name], TABLES[table])


@pytest.mark.parametrize("table", [table for table in TABLES if table != "squares overflow"])
def test_tables_for_k_means(table):
    """It speaks as scikit-learn does, whose estimator checks ask for those words."""
    model = ci.CustomerKMeans(4, random_state=0)
    works_or_says_why(lambda X: model.fit(X).predict(X), TABLES[table], own=(ValueError, TypeError))


@pytest.mark.parametrize("money", MONEY)
@pytest.mark.parametrize("name", OF_MONEY)
def test_money(name, money):
    works_or_says_why(OF_MONEY[name], MONEY[money])


@pytest.mark.parametrize("log", LOGS)
@pytest.mark.parametrize("name", OF_LOGS)
def test_logs(name, log):
    works_or_says_why(OF_LOGS[name], LOGS[log])


def test_every_public_name_is_asked():
    asked = {name.split()[0] for name in (*OF_TABLES, *OF_MONEY, *OF_LOGS)} | {"CustomerKMeans"}
    stub = Path(ci.__file__).with_suffix(".pyi").read_text(encoding="utf-8")
    public = {line.split()[-1] for line in stub.splitlines() if line.startswith("from .segments.")}
    results = {
        name
        for name in public
        if inspect.isclass(getattr(ci, name)) and not hasattr(getattr(ci, name), "fit")
    }
    assert asked == public - results


GOOD = """as it should be, constant column, list, float32, by column, every other row, read-only, integers, polars,
pyarrow, numbers for names""".replace("\n", " ").split(", ")
NUMERIC = [
    "KPrototypes",
    "GowerMedoids",
    "ClusterSelection",
    "silhouette",
    "SegmentProfile",
    "SegmentRules",
    "CustomerOutliers",
]


@pytest.mark.parametrize("name", NUMERIC)
@pytest.mark.parametrize("table", GOOD)
def test_good_tables_work(name, table):
    OF_TABLES[name](TABLES[table])


MISTAKES = [
    (lambda: ci.silhouette(TABLES["no columns"], [0] * 5), r"X has no columns \(shape \(5, 0\)\)"),
    (lambda: ci.SegmentProfile().fit(TABLES["squares overflow"], [0] * 21), "'x0' of X must be >= -1e"),
    (lambda: ci.HeavyHalf().fit(MONEY["sum overflows"]), "volume sums to more than a float can hold"),
    (lambda: ci.revenue_bridge(LOGS["snapshots"]), "snapshots end on different days"),
    (lambda: ci.early_warning([[1], [2, 3]], [1, 1], [1, 1], order=[1]), "rows of different lengths"),
    (lambda: ci.SegmentMigration().fit(np.empty((5, 0)), [1] * 5), "two .before, after.; it has 0"),
    (
        lambda: select(AgglomerativeClustering())(far_apart).predict(normal),
        "AgglomerativeClustering cannot place other customers .* labels_ holds",
    ),
    (
        lambda: select(HDBSCAN(copy=True), param_grid={"min_samples": [40]})(normal),
        "does not fit 30 of the 30 customers .* n_splits=0",
    ),
]


@pytest.mark.parametrize("number", range(len(MISTAKES)))
def test_errors_name_value_and_way_out(number):
    call, message = MISTAKES[number]
    with pytest.raises(CrmintelError, match=message):
        call()


def test_columns_in_another_order_are_refused_and_arrays_have_no_names():
    X = {"a": np.arange(60.0), "b": np.arange(60.0)[::-1] ** 2}
    segment = np.repeat([0, 1], 30)
    turned, array = {name: X[name] for name in ("b", "a")}, np.column_stack(list(X.values()))
    few = {"n_splits": 0, "n_bootstrap": 0, "random_state": 0}
    for predict in (
        ci.SegmentRules().fit(X, segment).predict,
        ci.CustomerOutliers(random_state=0).fit(X).explain,
        ci.ClusterSelection(k=[2, 3], **few).fit(X).predict,
    ):
        assert np.array_equal(predict(array), predict(X))
        with pytest.raises(CrmintelError, match=r"X has the columns \['b', 'a'\], fit saw \['a', 'b'\]"):
            predict(turned)


def test_the_tenure_of_who_has_no_line_is_not_known():
    rows = ci.LoyaltyIndex().fit_transform(LOGS["one who did not come back"])
    assert np.isnan(rows[1, 3])
    assert rows[0, 3] == 121.0
