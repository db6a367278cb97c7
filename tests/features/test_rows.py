"""Customer rows: an array that knows its columns and its unit, as long as both are true."""

from __future__ import annotations

import copy
import json
import pickle

import joblib
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from sklearn.base import BaseEstimator, clone
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.utils import resample
from sklearn.utils._indexing import _safe_indexing

from crmintel import CustomerSummary, TransactionLog
from crmintel.exceptions import ColumnError, InputError, InputTypeError, UnitError
from crmintel.features.rows import SUMMARY_COLUMNS, CustomerRows, named_columns, unit_of


@pytest.fixture
def rows():
    return CustomerRows(np.arange(24.0).reshape(6, 4), SUMMARY_COLUMNS, "week")


def names(rows):
    return getattr(rows, "columns", None), getattr(rows, "unit", None)


KEPT = (SUMMARY_COLUMNS, "week")


@pytest.mark.parametrize(
    "pick",
    [
        lambda r: r[2:4],
        lambda r: r[::-1],
        lambda r: r[[0, 5, 5]],
        lambda r: r[np.arange(6) % 2 == 0],
        lambda r: r[[1, 2], :],
        lambda r: r[np.array([1, 2]), ...],
        lambda r: r[...],
        lambda r: r[:],
        lambda r: r.copy(),
        lambda r: copy.copy(r),
        lambda r: copy.deepcopy(r),
        lambda r: pickle.loads(pickle.dumps(r)),
        lambda r: pickle.loads(pickle.dumps(r[2:4])),
        lambda r: _safe_indexing(r, [0, 3]),
        lambda r: resample(r, random_state=0),
    ],
)
def test_rows_stay_rows(rows, pick):
    picked = pick(rows)
    assert isinstance(picked, CustomerRows)
    assert names(picked) == KEPT


@pytest.mark.parametrize(
    "pick",
    [
        lambda r: r[:, 1],
        lambda r: r[:, :2],
        lambda r: r[:, [0, 1, 2, 3]],
        lambda r: r[:, ::-1],
        lambda r: r[2],
        lambda r: r[2, 1],
        lambda r: r[None],
        lambda r: r + 1,
        lambda r: -r,
        lambda r: r * r,
        lambda r: 2 / (r + 1),
        lambda r: r > 3,
        np.log1p,
        lambda r: np.maximum(r, 0),
        lambda r: r.sum(),
        lambda r: r.sum(axis=0),
        lambda r: np.mean(r, axis=1),
        lambda r: r @ np.eye(4),
        lambda r: np.where(r > 3, r, 0),
        np.asarray,
        lambda r: r.T,
        lambda r: r[:4].T,
        lambda r: r[:4].transpose()[:2],
        np.ravel,
        lambda r: r.reshape(4, 6),
        lambda r: np.column_stack([r, r]),
        lambda r: np.concatenate([r, r]),
    ],
)
def test_what_is_no_longer_these_columns_says_so(rows, pick):
    assert names(pick(rows)) == (None, None)
    assert names(pickle.loads(pickle.dumps(pick(rows)))) == (None, None)


def test_arithmetic_in_place_gives_plain_values(rows):
    rows += 1
    assert type(rows) is np.ndarray


def test_scalars_are_scalars(rows):
    assert isinstance(rows[2, 1], np.float64)
    assert isinstance(rows.sum(), float)


def test_joblib(rows, tmp_path):
    joblib.dump(rows, tmp_path / "rows.joblib")
    assert names(joblib.load(tmp_path / "rows.joblib")) == KEPT
    found = joblib.Parallel(n_jobs=2, backend="threading")(joblib.delayed(names)(rows[i:]) for i in range(3))
    assert found == [KEPT] * 3


class SeesItsRows(BaseEstimator):
    def __init__(self, extra=0):
        self.extra = extra

    def fit(self, X, y=None):
        self.unit_ = unit_of(X)
        return self

    def score(self, X, y=None):
        assert unit_of(X) == self.unit_ == "week"
        assert named_columns(X, ("recency", "T"))["T"].size == len(X)
        return 1.0


def test_the_unit_travels_through_a_grid_search(rows):
    search = GridSearchCV(SeesItsRows(), {"extra": [0, 1]}, cv=3).fit(rows)
    assert search.best_score_ == 1.0
    log = TransactionLog.from_arrays(customer=[1, 2, 3, 1], time=["2024-01-01"] * 3 + ["2024-02-01"])
    pipeline = make_pipeline(CustomerSummary(unit="week"), SeesItsRows())
    assert GridSearchCV(pipeline, {"seesitsrows__extra": [0, 1]}, cv=3).fit(log).best_score_ == 1.0
    assert clone(pipeline).fit(log)[-1].unit_ == "week"


def test_columns_by_name(rows):
    wanted = {"T": np.arange(2.0, 24, 4), "frequency": np.arange(0.0, 24, 4)}
    table = {name: np.asarray(rows[:, k]) for k, name in enumerate(SUMMARY_COLUMNS)}
    shuffled = {name: table[name] for name in reversed(SUMMARY_COLUMNS)}
    for same in (
        rows,
        table,
        pd.DataFrame(shuffled),
        pl.DataFrame(shuffled),
        pa.table(shuffled),
        np.asarray(rows),
    ):
        found = named_columns(same, ("T", "frequency"))
        for name, values in wanted.items():
            np.testing.assert_array_equal(found[name], values)
            assert found[name].flags.c_contiguous
            assert found[name].flags.writeable


def test_plain_arrays_by_position():
    assert named_columns([[1, 2.0]], ("monetary_value",))["monetary_value"].tolist() == [2.0]
    assert named_columns([[1, 2.0, 3]], ("T",))["T"].tolist() == [3.0]
    assert named_columns(np.array([[1, 2.0, 3, 4, 9]], dtype=object), ("T",))["T"].tolist() == [3.0]


@pytest.mark.parametrize(
    ("X", "error", "message"),
    [
        (np.zeros((3, 2)), ColumnError, r"X lacks \['T'\]; it has \['frequency', 'monetary_value'\]"),
        (np.zeros((3, 1)), ColumnError, r"X lacks \['T'\]; it has \[\]"),
        (
            pd.DataFrame({"t": [1.0]}),
            ColumnError,
            r"X lacks \['T'\]; it has \['t'\]. CustomerSummary makes them",
        ),
        ({"t": [1.0]}, ColumnError, r"X lacks \['T'\]; it has \['t'\]"),
        (np.zeros(3), InputError, r"two-dimensional.*\(3,\)\. Columns that are apart"),
        (np.float64(1), InputError, "two-dimensional"),
        ([["a", "b", "c"]], InputTypeError, "X must hold numbers"),
        (None, InputError, r"two-dimensional.*\(\)"),
        (pl.LazyFrame({"T": [1.0]}), InputTypeError, r"X is lazy.*collect\(\)"),
        (pd.DataFrame([[1.0, 2.0]], columns=["T", "T"]), ColumnError, "same name.*'T' 2 times"),
        (pd.DataFrame({"T": ["x"]}), InputTypeError, "row 0 of 'T' is 'x', not a number"),
    ],
)
def test_what_cannot_be_read(X, error, message):
    with pytest.raises(error, match=message):
        named_columns(X, ("T",))


def test_the_number_of_columns_must_fit():
    with pytest.raises(InputError, match=r"shape \(3, 2\) do not have the 4 columns"):
        CustomerRows(np.zeros((3, 2)), SUMMARY_COLUMNS)


@pytest.mark.parametrize("library", ["pandas", "polars", "pyarrow", None])
def test_a_frame_holds_the_rows_and_notes_their_unit_where_it_can(rows, library):
    frame = rows.to_frame(library)
    for k, name in enumerate(SUMMARY_COLUMNS):
        np.testing.assert_array_equal(np.asarray(frame[name]), np.asarray(rows)[:, k])
    assert unit_of(frame) == ("week" if library in ("pandas", "pyarrow") else None)
    assert unit_of(CustomerRows(rows, SUMMARY_COLUMNS).to_frame(library)) is None


@pytest.mark.parametrize(
    "pick",
    [
        lambda frame: frame[2:4],
        lambda frame: frame.reset_index(),
        lambda frame: frame[["frequency", "recency", "T"]].iloc[::2],
        lambda frame: frame.assign(id=1).set_index("id"),
        # as newer pyarrow's from_pandas has it
        lambda frame: pa.table(dict(frame)).replace_schema_metadata(
            {"pandas": json.dumps({"attributes": frame.attrs})}
        ),
    ],
)
def test_the_note_of_pandas_travels(rows, pick):
    assert unit_of(pick(rows.to_frame("pandas"))) == "week"


def test_set_output_notes_the_unit():
    log = TransactionLog.from_arrays(customer=[1, 2, 3, 1], time=["2024-01-01"] * 3 + ["2024-02-01"])
    summary = CustomerSummary(unit="week").fit(log)
    plain = summary.transform(log)
    frame = summary.set_output(transform="pandas").transform(log)
    assert unit_of(frame) == "week"
    assert list(frame.columns) == list(plain.columns)
    np.testing.assert_array_equal(frame, plain)
    assert isinstance(summary.set_output(transform="polars").transform(log), pl.DataFrame)
    assert isinstance(summary.set_output(transform="default").transform(log), CustomerRows)


def test_notes_that_are_no_unit_and_rows_without_names(rows):
    frame = rows.to_frame("pandas")
    frame.attrs["crmintel_unit"] = "W"
    assert unit_of(frame) == "week"
    frame.attrs["crmintel_unit"] = "fortnight"
    with pytest.raises(UnitError, match=r"noted in the frame must be one of .*'fortnight'"):
        unit_of(frame)
    with pytest.raises(InputError, match="lost the names"):
        rows.T.to_frame("pandas")
