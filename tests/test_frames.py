"""One door for frames: the same rows give the same log, to the bit, whatever library and types they come in."""

from __future__ import annotations

import uuid
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from crmintel import CustomerSummary, LogCleaner, TransactionLog
from crmintel._frames import build_frame, is_frame, open_frame
from crmintel._instants import MISSING_TIME
from crmintel.exceptions import ColumnError, InputError, InputTypeError

NAMES = {
    "customer": "who",
    "time": "when",
    "amount": "paid",
    "quantity": "units",
    "item": "what",
    "basket": "receipt",
}


def plain_columns(n=600, seed=5):
    rng = np.random.default_rng(seed)
    return {
        "who": [f"c{k:03d}" for k in rng.integers(0, 80, n)],
        "when": (np.datetime64("2023-01-01T00:00", "us") + rng.integers(0, 10**13, n)).astype("M8[us]"),
        "paid": np.round(rng.normal(20.0, 15.0, n), 2),
        "units": rng.integers(1, 5, n),
        "what": rng.integers(10, 40, n),
        "receipt": rng.integers(0, 300, n),
        "note": [["card", "cash", None][k] for k in rng.integers(0, 3, n)],
    }


FRAMES = {
    "dict": lambda c: c,
    "pandas": lambda c: pd.DataFrame(c),
    "pandas, other index": lambda c: (
        pd.DataFrame(c, index=range(1000, 1000 + len(c["who"]))).iloc[::-1].iloc[::-1]
    ),
    "pandas on pyarrow": lambda c: pd.DataFrame(c).convert_dtypes(dtype_backend="pyarrow"),
    "pandas nullable": lambda c: pd.DataFrame(c).convert_dtypes(),
    "polars": lambda c: pl.DataFrame(c),
    "polars lazy, collected": lambda c: pl.DataFrame(c).lazy().collect(),
    "polars in chunks": lambda c: pl.concat([pl.DataFrame(c)[:200], pl.DataFrame(c)[200:]], rechunk=False),
    "pyarrow": lambda c: pa.table(c),
    "pyarrow in chunks": lambda c: pa.concat_tables([pa.table(c)[:200], pa.table(c)[200:]]),
}


@pytest.mark.parametrize("frame", FRAMES.values(), ids=FRAMES)
def test_parity(frame):
    """Same log, same summary, same cleaning: every array equal bit by bit."""
    columns = plain_columns()
    wanted = TransactionLog.from_frame(columns, **NAMES, keep=["note"], end="2023-06-30")
    log = TransactionLog.from_frame(frame(columns), **NAMES, keep=["note"], end="2023-06-30")
    assert log.customers.tolist() == wanted.customers.tolist()
    for name, values in wanted.lines.columns().items():
        found = log.lines.columns()[name]
        if name == "note":
            assert [v if isinstance(v, str) else None for v in found] == values.tolist()
        else:
            np.testing.assert_array_equal(found, values)
            assert found.dtype == values.dtype
    model = CustomerSummary(unit="week", extra=("spend", "spend_last_year", "sum_log_gaps"))
    assert model.fit_transform(log).tobytes() == model.fit_transform(wanted).tobytes()
    assert (
        LogCleaner().fit_transform(log).spend().tobytes()
        == LogCleaner().fit_transform(wanted).spend().tobytes()
    )


@pytest.mark.parametrize(
    ("make", "kind"),
    [(pd.DataFrame, pd.DataFrame), (pl.DataFrame, pl.DataFrame), (pa.table, pa.Table), (dict, dict)],
)
def test_results_come_back_in_the_same_library(make, kind):
    log = TransactionLog.from_frame(make(plain_columns()), **NAMES, keep=["note"])
    frame = log.to_frame()
    assert isinstance(frame, kind)
    again = TransactionLog.from_frame(
        frame,
        customer="customer",
        time="time",
        amount="amount",
        quantity="quantity",
        item="item",
        basket="basket",
    )
    np.testing.assert_array_equal(again.lines.amount, log.lines.amount)
    assert again.customers.tolist() == log.customers.tolist()
    assert isinstance(LogCleaner().fit(log).report_.to_frame(), kind)


@pytest.mark.parametrize("library", ["pandas", "polars", "pyarrow"])
def test_odd_values_find_a_column_type(library):
    ids = [uuid.UUID(int=k) for k in (2, 1)]
    columns = {
        "customer": np.array(ids, dtype=object),
        "day": np.array([date(2024, 1, 1), None], dtype=object),
    }
    table = open_frame(build_frame(columns, library))
    assert [str(v) for v in table.values("customer")] == [str(v) for v in ids]
    assert pd.isna(table.values("day")[1])
    assert str(table.values("day")[0])[:10] == "2024-01-01"


def test_lazy_frames_are_refused_with_a_way_out():
    with pytest.raises(InputTypeError, match=r"frame is lazy \(LazyFrame\): call collect\(\).*summarize"):
        TransactionLog.from_frame(pl.DataFrame(plain_columns()).lazy(), **NAMES)


@pytest.mark.parametrize("frame", FRAMES.values(), ids=FRAMES)
def test_the_callers_frame_is_never_written_to(frame):
    columns = plain_columns()
    mine = frame(columns)
    before = {name: open_frame(mine).values(name).tolist() for name in columns}
    log = TransactionLog.from_frame(mine, **NAMES, keep=["note"])
    CustomerSummary().fit_transform(LogCleaner(returns="net").fit_transform(log[::2]))
    log.lines.amount[:] = -1.0
    log.lines.time[:] = 0
    with pytest.raises(ValueError, match="read-only"):
        log.customers[:] = "x"
    for name, values in before.items():
        assert repr(open_frame(mine).values(name).tolist()) == repr(values)
    assert columns["paid"].tolist() == plain_columns()["paid"].tolist()
    assert columns["when"].tolist() == plain_columns()["when"].tolist()


def test_read_only_and_strided_arrays():
    columns = {name: np.asarray(values) for name, values in plain_columns().items() if name != "note"}
    wanted = TransactionLog.from_frame(columns, **NAMES)
    for values in columns.values():
        values.flags.writeable = False
    strided = {name: np.repeat(values, 3)[::3] for name, values in columns.items()}
    for same in (columns, strided):
        log = TransactionLog.from_frame(same, **NAMES)
        np.testing.assert_array_equal(log.lines.amount, wanted.lines.amount)
        np.testing.assert_array_equal(log.lines.time, wanted.lines.time)


# -- ids -----------------------------------------------------------------------------------------------------

BIG = 2**60 + 1  # a float would lose its last digit
UUIDS = [uuid.UUID(int=k) for k in (7, 3, 7)]


@pytest.mark.parametrize(
    ("values", "labels", "codes"),
    [
        (np.array([30, -1, 30]), [-1, 30], [1, 0, 1]),
        (np.array([30, 1, 30], dtype=np.uint8), [1, 30], [1, 0, 1]),
        (np.array([2**63 + 5, 1, 2**63 + 5], dtype=np.uint64), [1, 2**63 + 5], [1, 0, 1]),
        (np.array([30, 1, 30], dtype=">i4"), [1, 30], [1, 0, 1]),
        (np.array([True, False, True]), [0, 1], [1, 0, 1]),
        (np.array([30.0, np.nan, -1.0]), [-1, 30], [1, -1, 0]),
        (np.array(["b", "a", "b"]), ["a", "b"], [1, 0, 1]),
        (["b", None, "a"], ["a", "b"], [1, -1, 0]),
        (["b", np.nan, "a"], ["a", "b"], [1, -1, 0]),
        ([3, None, 1], [1, 3], [1, -1, 0]),
        (UUIDS, [UUIDS[1], UUIDS[0]], [1, 0, 1]),
        ([b"b", b"a", b"b"], [b"a", b"b"], [1, 0, 1]),
        ([Decimal("2"), Decimal("1"), None], [Decimal("1"), Decimal("2")], [1, 0, -1]),
        (np.array([3.0, None, 1.0], dtype=object), [1, 3], [1, -1, 0]),
        (np.array([np.int64(3), 1, np.int32(3)], dtype=object), [1, 3], [1, 0, 1]),
        (np.array([3, pd.NA, 1], dtype=object), [1, 3], [1, -1, 0]),
        (np.array(["2024-01-02", "NaT", "2024-01-01"], dtype="M8[D]"), ["2024-01-01", "2024-01-02"], [1, -1, 0]),
        (pd.array([BIG, None, 5], dtype="Int64"), [5, BIG], [1, -1, 0]),
        (pd.array([True, None, False], dtype="boolean"), [0, 1], [1, -1, 0]),
        (pd.array([3.0, None, 1.0], dtype="Float64"), [1, 3], [1, -1, 0]),
        (pd.array([BIG, None, 5], dtype="int64[pyarrow]"), [5, BIG], [1, -1, 0]),
        (pd.array(["b", None, "a"], dtype="string"), ["a", "b"], [1, -1, 0]),
        (pd.Categorical(["b", None, "a"]), ["a", "b"], [1, -1, 0]),
        (pd.Categorical([10, 3, None]), [3, 10], [1, 0, -1]),
        (pl.Series([BIG, None, 5]), [5, BIG], [1, -1, 0]),
        (pl.Series(["b", None, "a"], dtype=pl.Categorical), ["a", "b"], [1, -1, 0]),
        (pl.Series(["b", None, "a"], dtype=pl.Enum(["b", "a"])), ["a", "b"], [1, -1, 0]),
        (pl.Series([2**63 + 1, None, 5], dtype=pl.UInt64), [5, 2**63 + 1], [1, -1, 0]),
        (pa.array([BIG, None, 5]), [5, BIG], [1, -1, 0]),
        (pa.array(["b", "a", None]).dictionary_encode(), ["a", "b"], [1, 0, -1]),
        (pa.array([10, 3, None]).dictionary_encode(), [3, 10], [1, 0, -1]),
        (pa.array([b"b", b"a", None]), [b"a", b"b"], [1, 0, -1]),
    ],
    ids=lambda value: f"{getattr(value, 'dtype', getattr(value, 'type', type(value).__name__))}"[:30],
)  # fmt: skip
def test_ids_of_every_type(values, labels, codes):
    for table in as_tables(values):
        found_codes, found_labels = table.ids("id")
        assert found_codes.tolist() == codes
        assert [
            str(label)[:10] if isinstance(label, date) else label for label in found_labels.tolist()
        ] == labels


def as_tables(values):
    """The column in a frame of its own library, and in a dict of arrays."""
    if isinstance(values, pl.Series):
        yield open_frame(pl.DataFrame({"id": values}))
    elif isinstance(values, pa.Array):
        yield open_frame(pa.table({"id": values}))
        return
    elif not isinstance(values, np.ndarray) or values.dtype.byteorder != ">":
        yield open_frame(pd.DataFrame({"id": values}))
    # numpy makes floats of pandas' own integer arrays with missing values; a Series is read as what it is
    yield open_frame(
        {"id": pd.Series(values) if isinstance(values, pd.api.extensions.ExtensionArray) else values}
    )


@pytest.mark.parametrize(
    ("values", "error", "message"),
    [
        ([1, "1"], InputTypeError, r"'id' have mixed types, e.g. \{'int': 1, 'str': '1'\}.*one type first"),
        (["a", 1.5], InputTypeError, "mixed types.*'float': 1.5.*'str': 'a'"),
        ([UUIDS[0], "x"], InputTypeError, "mixed types.*UUID"),
        ([1.0, 2.5, 3.0], InputError, r"'id' are fractional or too large for a float \(row 1: 2.5\)"),
        ([1.0, np.inf], InputError, r"row 1: inf"),
        ([1.0, 2.0**60], InputError, r"row 1: 1.15"),
        ([[1], [2]], InputError, r"one-dimensional"),
        ([[1], [2, 3]], InputError, r"one-dimensional, got a list of lists"),
        (np.array([1 + 2j, 3]), InputTypeError, "cannot be put in order"),
        (np.ma.array([1, 2, 3], mask=[0, 1, 0]), InputTypeError, "id is a masked array; fill its 1 masked"),
        (5, InputError, r"one-dimensional, got shape \(\)"),
    ],
)
def test_ids_that_cannot_be_read(values, error, message):
    with pytest.raises(error, match=message):
        open_frame({"id": values}).ids("id")


def test_ids_that_are_lists():
    with pytest.raises(
        InputTypeError, match="'id' must be plain values such as int, str or UUID: unhashable"
    ):
        open_frame(pl.DataFrame({"id": [[1], [2]]})).ids("id")


# -- times ---------------------------------------------------------------------------------------------------


def micro(text):
    return int(np.datetime64(text, "us").astype(np.int64))


NOON, DAY = micro("2017-09-30T12:00:00"), micro("2017-09-30")
TOKYO = ZoneInfo("Asia/Tokyo")


@pytest.mark.parametrize("unit", ["h", "m", "s", "ms", "us", "ns"])
def test_datetimes_of_every_unit(unit):
    values = np.array(["2017-09-30T12", "NaT", "1969-12-31T23"], dtype=f"M8[{unit}]")
    wanted = [NOON, MISSING_TIME, -3_600_000_000]
    assert open_frame({"t": values}).instants("t")[0].tolist() == wanted
    if unit in ("s", "ms", "us", "ns"):
        assert open_frame(pd.DataFrame({"t": values})).instants("t")[0].tolist() == wanted
        assert open_frame(pa.table({"t": values})).instants("t")[0].tolist() == wanted
    if unit in ("ms", "us", "ns"):
        assert open_frame(pl.DataFrame({"t": values})).instants("t")[0].tolist() == wanted


def test_nanoseconds_round_down():
    values = np.array([1_999, -1], dtype="M8[ns]")
    assert open_frame({"t": values}).instants("t")[0].tolist() == [1, -1]


@pytest.mark.parametrize(
    "values",
    [
        [date(2017, 9, 30), None],
        ["2017-09-30", None],
        ["20170930", None],
        [" 2017-09-30 ", None],
        ["2017-09-30T00:00:00", np.nan],
        [datetime(2017, 9, 30), pd.NaT],
        [pd.Timestamp("2017-09-30"), pd.NA],
        [np.datetime64("2017-09-30"), np.datetime64("NaT", "D")],
        np.array(["2017-09-30", "NaT"], dtype="M8[D]"),
        np.array(["2017-09-30", "NaT"], dtype=">M8[us]"),
        pd.Series(["2017-09-30", None], dtype="string"),
        pd.Series(["2017-09-30", None], dtype="category"),
        pd.Series([date(2017, 9, 30), None], dtype=pd.ArrowDtype(pa.date32())),
        pl.Series([date(2017, 9, 30), None]),
        pl.Series(["2017-09-30", None]),
        pl.Series([datetime(2017, 9, 30), None]),
        pa.array([date(2017, 9, 30), None]),
        pa.array([date(2017, 9, 30), None], pa.date64()),
        pa.array(["2017-09-30", None]).dictionary_encode(),
    ],
    ids=lambda v: f"{type(v).__name__} {getattr(v, 'dtype', getattr(v, 'type', type(v[0]).__name__))}",
)
def test_days_in_every_form(values):
    for table in as_tables(values):
        found, zone = table.instants("id")
        assert (found.tolist(), zone) == ([DAY, MISSING_TIME], None)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("2017-09-30 12:00", NOON),
        ("2017-09-30T12:00:00", NOON),
        ("2017-09-30T12:00:00.250", NOON + 250_000),
        ("20170930T120000", NOON),
        ("2017-W39-6", DAY),
    ],
)
def test_iso_text(text, wanted):
    assert open_frame({"t": [text]}).instants("t")[0].tolist() == [wanted]


def test_times_with_a_zone_are_read_on_its_wall_clock():
    moments = [datetime(2017, 9, 30, 12, tzinfo=TOKYO), datetime(2017, 1, 1, tzinfo=TOKYO)]
    wanted = [NOON, micro("2017-01-01")]
    frames = [
        {"t": np.array(moments, dtype=object)},
        pd.DataFrame({"t": pd.Series(moments)}),
        pd.DataFrame({"t": pd.Series(moments).convert_dtypes(dtype_backend="pyarrow")}),
        pd.DataFrame({"t": pd.Series(moments).astype(object)}),
        pl.DataFrame(
            {"t": pl.Series([m.astimezone(UTC) for m in moments]).dt.convert_time_zone("Asia/Tokyo")}
        ),
        pa.table({"t": pa.array(moments, pa.timestamp("us", "Asia/Tokyo"))}),
    ]
    for frame in frames:
        found, zone = open_frame(frame).instants("t")
        assert (found.tolist(), zone) == (wanted, "Asia/Tokyo")


def test_a_clock_that_is_put_back_stays_a_wall_clock():
    """In the repeated hour two moments share a wall-clock time: the log counts days, so that is what it keeps."""
    utc = pd.to_datetime(["2024-10-27 00:30", "2024-10-27 01:30"], utc=True)
    found, zone = open_frame(pd.DataFrame({"t": utc.tz_convert("Europe/Berlin")})).instants("t")
    assert found.tolist() == [micro("2024-10-27T02:30")] * 2
    assert zone == "Europe/Berlin"


@pytest.mark.parametrize(
    "values",
    [
        [datetime(2024, 1, 1, 12, tzinfo=UTC), datetime(2024, 1, 1, 13, tzinfo=timezone(timedelta(hours=1)))],
        [datetime(2024, 1, 1, 12, tzinfo=UTC), datetime(2024, 1, 1, 12)],
        ["2024-01-01T12:00:00+01:00", "2024-07-01T12:00:00+02:00"],
    ],
)
def test_mixed_zones_are_refused(values):
    with pytest.raises(
        InputError, match=r"the times in 't' mix time zones .*UTC.*; convert them to one zone first"
    ):
        open_frame({"t": np.array(values, dtype=object)}).instants("t")


@pytest.mark.parametrize(
    ("values", "error", "message"),
    [
        ([20170930, 20171001], InputTypeError, "'t' have dtype int64.*Numbers have no unit.*to_datetime"),
        ([0.5], InputTypeError, "dtype float64"),
        (
            ["2017-09-30", "30.09.2017"],
            InputError,
            r"row 1 of 't' is '30.09.2017', which is no ISO date.*format=",
        ),
        (["2017-09-31"], InputError, "row 0 of 't' is '2017-09-31'"),
        ([date(2017, 9, 30), 5], InputTypeError, "row 1 of 't' is 5 of type int, not a date"),
        ([[1], "2017-09-30"], InputTypeError, r"row 0 of 't' is \[1\] of type list"),
        (np.array([1], dtype="m8[s]"), InputTypeError, "dtype timedelta64"),
        (np.array([3], dtype="M8[s]").view(np.int64) * 10**18, InputTypeError, "dtype int64"),
        (
            np.array([10**13, 5], dtype="M8[s]"),
            InputError,
            r"beyond the year 148,000, the first in row 0 \(318857",
        ),
        (np.array([5, -(2**62)], dtype="M8[us]"), InputError, "first in row 1"),
        *(
            (
                np.array([0, k * 2**60], dtype=f"M8[{unit}]"),
                InputError,
                "beyond the year 148,000, the first in row 1",
            )
            for unit in ("Y", "M", "W", "D", "h", "m", "25s")
            for k in (-1, 1)
        ),
    ],
)
def test_times_that_cannot_be_read(values, error, message):
    if not isinstance(values, np.ndarray):
        column = np.empty(len(values), dtype=object)
        column[:] = values
        values = column if not isinstance(values[0], int | float) else np.array(values)
    with pytest.raises(error, match=message):
        open_frame({"t": values}).instants("t")


# -- numbers -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "values",
    [
        [1.5, None],
        [Decimal("1.5"), None],
        np.array([1.5, np.nan], dtype=np.float32),
        np.array([1.5, np.nan], dtype=np.float16),
        np.array([1.5, np.nan], dtype=">f8"),
        np.array([1.5, pd.NA], dtype=object),
        pd.array([1.5, None], dtype="Float64"),
        pd.array([1.5, None], dtype="double[pyarrow]"),
        pd.Series([Decimal("1.50"), None], dtype=pd.ArrowDtype(pa.decimal128(10, 2))),
        pd.Categorical([1.5, None]),
        pl.Series([1.5, None]),
        pl.Series([Decimal("1.5"), None]),
        pa.array([1.5, None]),
        pa.array([Decimal("1.5"), None]),
    ],
    ids=lambda v: f"{type(v).__name__} {getattr(v, 'dtype', getattr(v, 'type', ''))}",
)
def test_numbers_of_every_type(values):
    for table in as_tables(values):
        found = table.numbers("id")
        np.testing.assert_array_equal(found, [1.5, np.nan])
        assert (found.dtype, found.flags.c_contiguous) == (np.float64, True)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (["1.5", "2"], "row 0 of 'a' is '1.5', not a number"),
        ([1, "2"], "row 1 of 'a' is '2', not a number"),
        ([1, None, {}], "row 2 of 'a' is {}, not a number"),
        ([1, np.array([1, 2])], "row 1 of 'a'"),
        ([10**400, None], "row 0 of 'a'"),
        (np.array([1 + 2j]), "'a' has dtype complex128"),
        (np.array(["2024-01-01"], dtype="M8[D]"), r"'a' has dtype datetime64\[D\]; numbers are needed"),
    ],
)
def test_numbers_that_cannot_be_read(values, message):
    if not isinstance(values, np.ndarray):
        column = np.empty(len(values), dtype=object)
        column[:] = values
        values = column
    with pytest.raises(InputTypeError, match=message):
        open_frame({"a": values}).numbers("a")


# -- frames as a whole ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "frame",
    [pd.DataFrame([[1, 2]], columns=["a", "a"]), pa.table([[1], [2]], names=["a", "a"])],
    ids=["pandas", "pyarrow"],
)
def test_columns_of_the_same_name(frame):
    for read in (open_frame, is_frame):
        with pytest.raises(ColumnError, match=r"columns of the same name.*'a' 2 times.*Rename or drop"):
            read(frame)


@pytest.mark.parametrize(
    "frame",
    [None, 5, "text", [1, 2], np.zeros((2, 2)), pd.Series([1]), object()],
    ids=lambda frame: type(frame).__name__,
)
def test_what_is_no_frame(frame):
    with pytest.raises(
        InputTypeError, match=f"frame must be a pandas, polars or pyarrow.*got {type(frame).__name__}"
    ):
        open_frame(frame)
    assert not is_frame(frame)


def test_columns_of_different_length():
    with pytest.raises(InputError, match=r"different lengths: \{'a': 2, 'b': 1\}"):
        open_frame({"a": [1, 2], "b": [1]})


def test_a_missing_column_lists_what_is_there():
    with pytest.raises(ColumnError, match=r"no column amount='sales'; it has \['a', 'b'\]"):
        open_frame({"a": [1], "b": [2]}).column("sales", "amount")
