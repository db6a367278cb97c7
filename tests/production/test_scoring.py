"""Scoring batch by batch: the answers of all customers at once, from and to every frame and Parquet files."""

from __future__ import annotations

import inspect
import sys
import tracemalloc
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import crmintel as ci
from crmintel import score_batches, score_parquet
from crmintel.exceptions import ColumnError, InputError, InputTypeError, MissingExtraError, UnitError
from crmintel.features.rows import CustomerRows

MODELS = {
    "BetaGeoNBD": ci.BetaGeoNBD.from_params(r=0.243, alpha=4.414, a=0.793, b=2.426, unit="week"),
    "ModifiedBetaGeoNBD": ci.ModifiedBetaGeoNBD.from_params(r=0.525, alpha=6.183, a=0.891, b=1.614),
    "NBD": ci.NBD.from_params(r=0.385, alpha=12.07),
    "ParetoNBD": ci.ParetoNBD.from_params(r=0.553, alpha=10.58, s=0.606, beta=11.67),
    "BetaGeoBetaBinomial": ci.BetaGeoBetaBinomial.from_params(alpha=1.204, beta=0.75, gamma=0.657, delta=2.783),
}  # fmt: skip
SPEND = ci.GammaGamma.from_params(p=6.25, q=3.74, v=15.44)


@pytest.fixture(scope="module")
def frame():
    rows = MODELS["BetaGeoNBD"].sample(1_000, np.arange(1_000) % 60 + 1.0, random_state=0)
    money = np.where(rows[:, 0] > 0, 20 + np.arange(1_000) % 30, 0.0)
    ids = np.array([f"c{k:04d}" for k in range(1_000)])
    names = ("frequency", "recency", "T")
    return {
        "id": ids,
        **{name: np.asarray(rows)[:, k] for k, name in enumerate(names)},
        "monetary_value": money,
    }


def cut(frame, size):
    n = len(frame["id"])
    return [{name: values[i : i + size] for name, values in frame.items()} for i in range(0, n, size)]


def answers(model):
    return {"alive": model.probability_alive, "purchases": lambda X: model.expected_purchases(X, 13)}


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("size", [1, 7, 400, 5_000])
def test_batches_answer_like_all_at_once(name, size, frame):
    model = MODELS[name]
    if name == "BetaGeoBetaBinomial":
        rows = model.sample(1_000, np.arange(1_000) % 60, random_state=1)
        frame = {**frame, **{key: rows[:, k] for k, key in enumerate(("frequency", "recency", "T"))}}
    if size == 1:
        frame = {key: values[:40] for key, values in frame.items()}
    scored = list(score_batches(cut(frame, size), answers(model), keep=["id"]))
    for key, answer in answers(model).items():
        found = np.concatenate([part[key] for part in scored])
        # tables of what is costly are shared by the customers of one call: the last digits may differ
        np.testing.assert_allclose(found, answer(frame), rtol=1e-12)
    np.testing.assert_array_equal(np.concatenate([part["id"] for part in scored]), frame["id"])


@pytest.mark.parametrize(
    "make", [pd.DataFrame, pl.DataFrame, pa.table, lambda d: pa.table(d).to_batches()[0]]
)
def test_every_frame_comes_back_as_it_went_in(make, frame):
    model = MODELS["BetaGeoNBD"]
    batches = [make(part) for part in cut(frame, 300)]
    tiers = {**answers(model), "busy": lambda X: np.where(np.asarray(X["frequency"]) > 2, "often", "rarely")}
    scored = list(score_batches(iter(batches), tiers, keep=["id"]))
    assert [type(part) for part in scored] == [type(part) for part in batches]
    assert list(scored[0].schema.names if hasattr(scored[0], "schema") and not isinstance(scored[0], pl.DataFrame)
                else scored[0].columns) == ["id", "alive", "purchases", "busy"]  # fmt: skip
    np.testing.assert_array_equal(np.asarray(scored[1]["id"]), frame["id"][300:600])
    np.testing.assert_allclose(
        np.asarray(scored[1]["purchases"]), model.expected_purchases(frame, 13)[300:600], rtol=1e-12
    )
    assert np.asarray(scored[0]["busy"])[0] in ("often", "rarely")


def test_a_pandas_index_stays(frame):
    part = pd.DataFrame(frame).set_index("id").sample(frac=1.0, random_state=0)
    (scored,) = score_batches([part], answers(MODELS["NBD"]))
    pd.testing.assert_index_equal(scored.index, part.index)
    assert list(scored.columns) == ["alive", "purchases"]


def test_ids_keep_their_type(frame):
    big = pa.array([2**60 + 1, None], pa.int64())
    part = pa.table({"id": big, "frequency": [0, 1], "recency": [0.0, 2.0], "T": [3.0, 4.0]})
    (scored,) = score_batches([part], answers(MODELS["NBD"]), keep=["id"])
    assert scored["id"].to_pylist() == [2**60 + 1, None]


def test_arrays_and_customer_rows(frame):
    rows = MODELS["BetaGeoNBD"].sample(50, 30.0, random_state=1)
    parts = list(score_batches([rows[:20], rows[20:20], rows[20:]], answers(MODELS["BetaGeoNBD"])))
    assert [part["alive"].size for part in parts] == [20, 30]
    days = CustomerRows(np.asarray(rows), rows.columns, "day")
    with pytest.raises(UnitError):
        list(score_batches([days], answers(MODELS["BetaGeoNBD"])))


@pytest.mark.parametrize("write", [
    lambda rows, path: rows.to_frame("pandas").to_parquet(path),
    lambda rows, path: pq.write_table(rows.to_frame("pyarrow"), path),
    pytest.param(
        lambda rows, path: rows.to_frame("polars").write_parquet(path, metadata={"crmintel_unit": rows.unit}),
        marks=pytest.mark.skipif(
            "metadata" not in inspect.signature(pl.DataFrame.write_parquet).parameters, reason="older polars"
        ),
    ),
])  # fmt: skip
def test_rows_in_another_unit_are_refused_from_files_too(write, tmp_path):
    model, target = MODELS["BetaGeoNBD"], tmp_path / "scores.parquet"
    weeks = model.sample(50, 30.0, random_state=1)
    write(weeks, tmp_path / "weeks.parquet")
    assert score_parquet(tmp_path / "weeks.parquet", target, answers(model), batch_size=20) == 50
    write(CustomerRows(np.asarray(weeks) * 7, weeks.columns, "day"), tmp_path / "days.parquet")
    with pytest.raises(UnitError, match="in days, the model was fitted in weeks"):
        score_parquet(tmp_path / "days.parquet", target, answers(model))


@pytest.mark.parametrize("library", ["pandas", "pyarrow"])
def test_batches_in_another_unit_are_refused(library):
    rows = MODELS["BetaGeoNBD"].sample(50, 30.0, random_state=1)
    days = CustomerRows(np.asarray(rows) * 7, rows.columns, "day").to_frame(library)
    with pytest.raises(UnitError, match="in days, the model was fitted in weeks"):
        list(score_batches([days[:20], days[20:]], answers(MODELS["BetaGeoNBD"])))


def test_answers_of_several_columns(frame):
    value = ci.LifetimeValue(transactions=ci.BetaGeoNBD(unit="week"), horizon=52)
    value.fit(frame)
    part = {**frame, "spend": frame["monetary_value"], "spend_last_year": frame["monetary_value"]}
    asked = {
        "value": value.transform,
        "bought": lambda X: value.transactions_.predict_interval(X, 13),
    }
    (scored,) = score_batches([part], asked, keep=["id"])
    assert list(scored) == [
        "id", "value_historic", "value_current", "value_potential", "bought_0", "bought_1",
    ]  # fmt: skip
    np.testing.assert_array_equal(scored["value_potential"], value.predict(part))


def test_a_parquet_file_is_scored(tmp_path, frame):
    source, target = tmp_path / "rows.parquet", tmp_path / "scores.parquet"
    pq.write_table(pa.table(frame), source)
    asked = {**answers(MODELS["BetaGeoNBD"]), "spend": SPEND.predict}
    assert score_parquet(str(source), target, asked, keep=["id"], batch_size=333) == 1_000
    scored = pq.read_table(target)
    assert scored.column_names == ["id", "alive", "purchases", "spend"]
    assert scored["id"].to_pylist() == frame["id"].tolist()
    np.testing.assert_array_equal(scored["spend"].to_numpy(), SPEND.predict(frame))
    np.testing.assert_allclose(scored["alive"].to_numpy(), asked["alive"](frame), rtol=1e-12)
    few = score_parquet(source, target, answers(MODELS["NBD"]), columns=["frequency", "recency", "T"])
    assert few == 1_000
    assert pq.read_table(target).column_names == ["alive", "purchases"]
    assert sorted(each.name for each in tmp_path.iterdir()) == ["rows.parquet", "scores.parquet"]


@pytest.mark.parametrize("error", [KeyboardInterrupt, InputError("bad row")])
def test_an_interrupted_run_leaves_what_was_there(error, tmp_path, frame):
    source, target = tmp_path / "rows.parquet", tmp_path / "scores.parquet"
    pq.write_table(pa.table(frame), source)
    target.write_bytes(b"yesterday's")
    seen = []

    def interrupted(X):
        seen.append(X.num_rows)
        if len(seen) == 3:
            raise error
        return np.zeros(X.num_rows)

    with pytest.raises(type(error) if isinstance(error, Exception) else error):
        score_parquet(source, target, {"x": interrupted}, batch_size=100)
    assert target.read_bytes() == b"yesterday's"
    assert sorted(each.name for each in tmp_path.iterdir()) == ["rows.parquet", "scores.parquet"]


def test_one_batch_is_in_memory_at_a_time():
    """Batches are read when the one before has been handed over, and nothing of them is kept."""
    model, n = MODELS["BetaGeoNBD"], 20_000
    rows = np.column_stack([np.zeros(n), np.zeros(n), np.linspace(1.0, 50.0, n)])
    read = []

    def batches(k):
        for i in range(k):
            read.append(i)
            yield rows + 0.0

    list(score_batches(batches(1), answers(model)))

    def peak(k):
        tracemalloc.start()
        for i, _ in enumerate(score_batches(batches(k), answers(model))):
            assert read[-1] == i
        high = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return high

    assert peak(20) < 1.5 * peak(2)


def test_where_a_row_is_wrong(frame):
    parts = cut(frame, 400)
    parts[2]["recency"] = parts[2]["T"] + 1.0
    with pytest.raises(InputError, match="recency must not exceed T") as caught:
        list(score_batches(parts, answers(MODELS["NBD"])))
    assert "batch 2, whose first row is row 800" in caught.value.__notes__[0]


@pytest.mark.parametrize("name", MODELS)
def test_models_answer_in_many_threads_as_in_one(name):
    model = MODELS[name]
    rows = [model.sample(500, 40.0, random_state=k) for k in range(6)]

    def ask(X):
        return np.column_stack(
            [model.probability_alive(X), model.expected_purchases(X, 13), model.log_likelihood(X)]
        )

    alone = [ask(X) for X in rows]
    with ThreadPoolExecutor(8) as threads:
        together = list(threads.map(ask, rows * 4))
    for k, found in enumerate(together):
        np.testing.assert_array_equal(found, alone[k % 6])


@pytest.mark.parametrize(
    ("answers", "message"),
    [
        (None, "must map names"),
        ({}, "must map names"),
        ([max], "must map names"),
        ({"x": 3}, r"answers\['x'\] must be a method"),
        ({1: max}, "answers"),
    ],
)
def test_answers_are_methods_by_name(answers, message):
    with pytest.raises(InputTypeError, match=message):
        score_batches([], answers)


def test_wrong_requests(frame, tmp_path):
    model = MODELS["NBD"]
    with pytest.raises(ColumnError, match="no column keep='name'"):
        list(score_batches([frame], answers(model), keep=["name"]))
    with pytest.raises(ColumnError, match="names of answers"):
        list(score_batches([{**frame, "alive": frame["T"]}], answers(model), keep=["alive"]))
    with pytest.raises(ColumnError, match="named columns"):
        list(score_batches([np.zeros((2, 3))], answers(model), keep=["id"]))
    with pytest.raises(InputError, match=r"'new' has shape \(\)"):
        list(score_batches([frame], {"new": lambda X: model.expected_purchases(None, 13)}))
    with pytest.raises(InputError, match="keep must be a list"):
        score_batches([frame], answers(model), keep="id")
    with pytest.raises(InputError, match="'new' has rows of different lengths"):
        list(score_batches([frame], {"new": lambda X: [[1], [1, 2]]}))
    with pytest.raises(ColumnError, match="two answers would be one column"):  # not one of them lost
        list(score_batches([frame], {"p_0": model.predict, "p": model.predict_interval}))
    with pytest.raises(InputTypeError, match="batch 1 must be a frame, a dict or an array, got None"):
        list(score_batches([frame, None], answers(model)))
    for one in (frame, pd.DataFrame(frame), pa.table(frame), np.zeros((2, 3)), None):
        with pytest.raises(InputTypeError, match=r"got one \w+; write \[\.\.\.\] around it"):
            score_batches(one, answers(model))
    with pytest.raises(InputTypeError, match="lazy"):
        list(score_batches([pl.DataFrame(frame).lazy()], answers(model)))
    source = tmp_path / "rows.parquet"
    pq.write_table(pa.table(frame).slice(0, 0), source)
    with pytest.raises(InputError, match="no rows"):
        score_parquet(source, tmp_path / "x.parquet", answers(model))
    with pytest.raises(ColumnError, match=r"no columns \['name'\]"):
        score_parquet(source, tmp_path / "x.parquet", answers(model), keep=["name"])
    with pytest.raises(InputError, match="batch_size"):
        score_parquet(source, tmp_path / "x.parquet", answers(model), batch_size=0)
    with pytest.raises(FileNotFoundError):
        score_parquet(tmp_path / "nowhere.parquet", tmp_path / "x.parquet", answers(model))
    assert [each.name for each in tmp_path.iterdir()] == ["rows.parquet"]


def test_without_pyarrow(monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    with pytest.raises(MissingExtraError, match=r"crmintel\[io\]"):
        score_parquet("a", "b", answers(MODELS["NBD"]))


@pytest.mark.parametrize("name", MODELS)
def test_models_answer_many_customers_block_by_block(name, monkeypatch):
    """Ten million customers are ten blocks, so that what a formula needs on the way does not grow with them."""
    from crmintel.lifetime import _answers

    model = MODELS[name]
    rows = model.sample(1_000, np.arange(1_000) % 60, random_state=2)
    asked = {
        **answers(model),
        "pmf": lambda X: model.purchase_count_pmf(X, 13, n=[0, 1, 2]),
        "interval": lambda X: model.predict_interval(X, 13),
        "discounted": lambda X: model.discounted_expected_transactions(X, rate=0.01, horizon=52),
        "next": lambda X: model.next_purchase_quantile(X, 0.2),
        "likelihood": model.log_likelihood,
    }
    at_once = {key: answer(rows) for key, answer in asked.items()}
    monkeypatch.setattr(_answers, "_AT_ONCE", 300)
    for key, answer in asked.items():
        np.testing.assert_allclose(answer(rows), at_once[key], rtol=1e-12)
        assert answer(rows[:0:-1]).shape[0] == 999
    assert isinstance(model.expected_purchases(horizon=5), float)
