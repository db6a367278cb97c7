"""The log: customers as the sample axis, views on shared lines, the calendar, other shapes."""

from __future__ import annotations

import copy
import pickle
from collections import Counter
from datetime import UTC, date, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crmintel import TransactionLog
from crmintel.exceptions import DataWarning, DateRangeError, InputError, InputTypeError
from tests.oracles import log as oracle


def lines_of(log):
    """The log as plain rows, in its order."""
    frame = log.to_frame()
    return list(zip(*(np.asarray(values).tolist() for values in frame.values())))


def history_of(log, i):
    return log.lines.time[log.starts[i] : log.stops[i]].tolist()


# -- what is in it -------------------------------------------------------------------------------------------


def test_lines_are_in_customer_order_and_in_time(log, columns):
    assert len(log) == log.n_customers == np.unique(columns["customer"]).size
    assert (log.n_lines, log.shape) == (2000, (len(log),))
    assert log.customers.tolist() == sorted(set(columns["customer"].tolist()))
    rows = list(zip(*(values.tolist() for values in columns.values())))
    assert lines_of(log) == sorted(rows, key=lambda row: row[:2])


def test_sums_of_a_history(log, columns):
    frame = pd.DataFrame(columns)
    by_customer = frame.groupby("customer")
    np.testing.assert_allclose(log.spend(), by_customer["amount"].sum(), rtol=1e-12)
    days = frame.assign(day=frame["time"].dt.floor("D")).groupby("customer")["day"]
    assert log.purchases().tolist() == days.nunique().tolist()
    assert log.n_purchases == days.nunique().sum()
    since = (np.datetime64("2023-11-30") - days.max().to_numpy().astype("M8[D]")).astype(int)
    assert log.time_since_last().tolist() == since.tolist()
    first_days = np.full(len(log), np.datetime64("2023-06-01"))
    late = frame[frame["time"] >= "2023-06-01"].groupby("customer")["amount"].sum()
    np.testing.assert_allclose(
        log.spend_since(first_days), late.reindex(log.customers, fill_value=0.0), rtol=1e-12
    )


def test_a_return_is_no_purchase_and_has_no_time_since():
    log = TransactionLog.from_arrays(
        customer=["a", "a", "b"], time=["2024-01-01", "2024-01-05", "2024-01-05"], amount=[5.0, -5.0, -1.0]
    )
    assert log.purchases().tolist() == [1, 0]
    np.testing.assert_array_equal(log.time_since_last(), [4, np.nan])


def test_repr(log):
    assert repr(
        log
    ) == f"TransactionLog({len(log)} customers, {log.n_purchases:,} purchases, 2,000 lines, " + (
        f"{log.start}..2023-11-30)"
    )


# -- the sample axis -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "key",
    [
        slice(3, 40, 2),
        slice(None, None, -1),
        [5, 3, 3, -1],
        np.array([0, 149]),
        (np.array([4, 2]), Ellipsis),
        (slice(10), Ellipsis),
        7,
        np.int64(7),
        np.uint8([1, 2]),
        [],
    ],
    ids=repr,
)
def test_selection_is_that_of_a_vector(log, key):
    plain = key[0] if isinstance(key, tuple) else key
    positions = np.atleast_1d(
        np.arange(len(log))[slice(0) if isinstance(plain, list) and not plain else plain]
    )
    picked = log[key]
    assert picked.customers.tolist() == log.customers[positions].tolist()
    assert [history_of(picked, i) for i in range(len(picked))] == [history_of(log, i) for i in positions]
    assert picked.lines is log.lines
    assert (picked.start, picked.end) == (log.start, log.end)


def test_masks_of_any_library(log):
    mask = log.spend() > 300
    for same in (mask, mask.tolist(), pd.Series(mask)):
        assert log[same].customers.tolist() == log.customers[mask].tolist()
    assert log[mask, ...].n_lines == (log.stops - log.starts)[mask].sum()


def test_iteration_gives_logs_of_one_customer(log):
    parts = list(log[:5])
    assert [len(part) for part in parts] == [1] * 5
    assert [part.customers[0] for part in parts] == log.customers[:5].tolist()


@pytest.mark.parametrize(
    ("key", "error", "message"),
    [
        ([True, False], InputError, r"mask over this log needs \d+ values, got \(2,\)"),
        ("ann", InputTypeError, "by position, slice or mask"),
        (1.5, InputTypeError, "float64"),
        (None, InputTypeError, "object"),
        ((0, 1), InputError, "one axis"),
        (np.zeros((1, 2), int), InputError, r"one axis.*shape \(1, 2\)"),
        (10**6, IndexError, "out of bounds"),
    ],
)
def test_wrong_keys(log, key, error, message):
    with pytest.raises(error, match=message):
        log[key]


def test_customers_cannot_be_written(log):
    for each in (log, log[:3], log.split("2023-06-30")[1], pickle.loads(pickle.dumps(log))):
        with pytest.raises(ValueError, match="read-only"):
            each.customers[0] = each.customers[1]


def test_an_array_that_became_customers_can_still_be_written():
    ids = np.array([1, 2])
    log = TransactionLog.from_arrays(customer=ids, time=["2024-01-01", "2024-01-02"])
    ids[0] = 7
    assert log.customers.tolist() == [1, 2]


def test_frozen(log):
    with pytest.raises(AttributeError, match="frozen; 'end' cannot be set"):
        log.end = np.datetime64("2030-01-01")
    with pytest.raises(AttributeError, match="frozen"):
        del log.lines
    with pytest.raises(AttributeError):
        log.note = 1


def test_pickle_and_copy(log):
    for same in (pickle.loads(pickle.dumps(log)), copy.copy(log), copy.deepcopy(log)):
        assert lines_of(same) == lines_of(log)
        assert (same.start, same.end, same.library) == (log.start, log.end, log.library)
    part = log[[3, 1]]
    assert len(pickle.dumps(part)) < len(pickle.dumps(log)) / 5  # labels stay whole, lines do not
    assert lines_of(pickle.loads(pickle.dumps(part))) == lines_of(part)


def test_pickle_keeps_everything(log):
    past, future = log.with_customers({"id": log.customers, "age": np.arange(len(log))}, customer="id").split(
        "2023-01-20"
    )
    for half in (past, future, past.snapshots(["2023-01-10", "2023-01-15"])):
        same = pickle.loads(pickle.dumps(half))
        assert same.newcomers == half.newcomers
        assert same.attributes["age"].tolist() == half.attributes["age"].tolist()
        assert same.as_of.tolist() == half.as_of.tolist()
    assert future.newcomers > 0


def test_compact_is_the_same_log(log):
    part = log[::-1][4:40]
    same = part.compact()
    assert len(same.lines) == part.n_lines < len(log.lines)
    assert lines_of(same) == lines_of(part)
    assert log.compact() is log
    assert log[::-1].compact().customers.tolist() == log.customers[::-1].tolist()


# -- the calendar --------------------------------------------------------------------------------------------


def test_split_keeps_the_customers_of_the_past(log):
    past, future = log.split("2023-01-20")
    assert past.customers.tolist() == future.customers.tolist()
    assert len(past) + future.newcomers == len(log)
    assert past.n_lines + future.n_lines < log.n_lines  # the newcomers' lines are in neither half
    cut = np.datetime64("2023-01-21T00:00", "us").astype(np.int64)
    for i, customer in enumerate(past.customers):
        j = int(np.searchsorted(log.customers, customer))
        assert history_of(past, i) == [t for t in history_of(log, j) if t < cut]
        assert history_of(future, i) == [t for t in history_of(log, j) if t >= cut]
    assert (past.start, past.end) == (log.start, np.datetime64("2023-01-20"))
    assert (future.start, future.end) == (np.datetime64("2023-01-21"), log.end)


def two_days(*hours):
    return TransactionLog.from_arrays(
        customer=["ann"] * len(hours), time=[datetime(2024, 1, 5) + timedelta(hours=h) for h in hours]
    )


def test_the_cut_day_is_past_to_its_last_moment():
    """An order at 15:00 on the last calibration day leaks into no holdout."""
    past, future = two_days(0, 15, 24, 30).split("2024-01-05")
    assert (past.n_lines, future.n_lines) == (2, 2)


@pytest.mark.parametrize(
    ("cut", "n_past"),
    [
        ("2024-01-05", 2),
        (date(2024, 1, 5), 2),
        (datetime(2024, 1, 5), 2),
        (np.datetime64("2024-01-05"), 2),
        (pd.Timestamp("2024-01-05"), 2),
        ("2024-01-05T14:59", 1),
        (datetime(2024, 1, 5, 15), 2),
        (pd.Timestamp("2024-01-05 14:59"), 1),
        ("20240105", 2),
    ],
    ids=repr,
)
def test_a_date_as_users_write_it(cut, n_past):
    assert two_days(0, 15, 24).split(cut)[0].n_lines == n_past


def test_until_since_and_split_agree(log):
    past, future = log.split("2023-05-10")
    assert lines_of(log.until("2023-05-10")) == lines_of(past)
    since = log.since("2023-05-11")
    assert since.n_lines == log.n_lines - past.n_lines
    assert since.start == np.datetime64("2023-05-11")
    back = future.stops > future.starts
    assert set(since.customers) >= set(future.customers[back])
    assert len(since) == back.sum() + future.newcomers


def test_until_may_lie_after_the_last_line(log):
    later = log.until("2024-06-30")
    assert (later.n_lines, later.end) == (log.n_lines, np.datetime64("2024-06-30"))
    assert (later.time_since_last() - log.time_since_last() == 213).all()


def test_since_within_the_last_day():
    log = two_days(0, 15, 24 + 9, 24 + 18)
    assert log.since("2024-01-06T10:00").n_lines == 1
    assert log.since("2024-01-06").n_lines == 2


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda log: log.split("2022-12-31"), DateRangeError, "split date 2022-12-31 lies before the start"),
        (lambda log: log.split("2023-11-30"), DateRangeError, "2023-11-30 must lie before the end"),
        (lambda log: log.split("2031-01-01"), DateRangeError, "must lie before the end"),
        (lambda log: log.until("1999-01-01"), DateRangeError, "1999-01-01 lies before the start"),
        (lambda log: log.since("2023-12-01"), DateRangeError, "2023-12-01 lies after the end"),
        (lambda log: log.snapshots(["2023-12-01"]), DateRangeError, "2023-12-01 lies after the end"),
        (
            lambda log: log.snapshots(["2023-02-01", "2023-03-01T12:00"]),
            DateRangeError,
            "2023-03-01T12:00.* has a time of day; snapshots end with whole days",
        ),
        (lambda log: log.snapshots([]), InputError, "at least one date"),
        (lambda log: log.snapshots("2023-03-01"), InputError, "sequence"),
        (lambda log: log.snapshots(["2023-03-01"]).split("2023-02-01"), InputError, "log of snapshots"),
        (
            lambda log: log.snapshots(["2023-03-01"]).snapshots(["2023-02-01"]),
            InputError,
            "snapshots\\(\\) needs",
        ),
        (lambda log: log.split("31.12.2023"), InputError, "such as '2017-09-30'; got '31.12.2023'"),
        (lambda log: log.split(20230101), InputTypeError, "got 20230101"),
        (lambda log: log.split(None), InputTypeError, "got None"),
        (lambda log: log.split(np.datetime64("NaT", "us")), InputError, "missing"),
        (lambda log: log.split(pd.NaT), InputError, "missing"),
        (lambda log: log.split(np.datetime64("300000-01-01")), InputError, "300000-01-01"),
        (
            lambda log: log.split(datetime(2023, 5, 1, tzinfo=UTC)),
            InputError,
            r"the log has none.*tzinfo=None",
        ),
    ],
)
def test_dates_outside_the_window(log, call, error, message):
    with pytest.raises(error, match=message):
        call(log)


def test_a_cut_with_a_zone_is_on_the_wall_clock_of_the_log():
    zone = ZoneInfo("America/New_York")
    times = [datetime(2024, 3, 9, 23, tzinfo=zone), datetime(2024, 3, 10, 1, tzinfo=zone)]
    log = TransactionLog.from_arrays(customer=[1, 1], time=times, end=datetime(2024, 3, 12, 3, tzinfo=UTC))
    assert log.timezone == "America/New_York"
    assert log.end == np.datetime64("2024-03-11T23:00", "us")
    past, future = log.split(datetime(2024, 3, 10, 5, tzinfo=UTC))  # midnight in New York: that whole day
    assert (past.n_lines, str(past.end)) == (2, "2024-03-10")
    past, future = log.split(datetime(2024, 3, 10, 5, 30, tzinfo=UTC))
    assert (past.n_lines, future.n_lines) == (1, 1)
    assert log.split("2024-03-09")[0].n_lines == 1


@pytest.mark.parametrize(
    "offset",
    [timedelta(hours=2), timedelta(hours=-9, minutes=-30), timedelta(hours=5, minutes=30, seconds=15)],
)
def test_a_zone_may_be_an_offset(offset):
    fixed = timezone(offset)
    log = TransactionLog.from_arrays(
        customer=[1, 1], time=[datetime(2024, 3, 9, 8, tzinfo=fixed), datetime(2024, 3, 12, 8, tzinfo=fixed)]
    )
    cut = datetime(2024, 3, 9, 8, 30, tzinfo=fixed).astimezone(UTC)
    assert log.split(cut)[0].end == np.datetime64("2024-03-09T08:30", "us")


def test_the_first_and_last_moment_of_the_calendar_have_no_other_zone():
    zone = ZoneInfo("America/New_York")
    log = TransactionLog.from_arrays(customer=[1], time=[datetime(2024, 3, 9, 8, tzinfo=zone)])
    ahead = timezone(timedelta(hours=-14))
    for moment in (datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=ahead)):
        with pytest.raises(
            InputError, match="outside the years that a calendar has on the clock of America/New_York"
        ):
            log.split(moment)


def test_snapshots_point_into_the_same_lines(log):
    dates = ["2023-02-01", "2023-06-30", "2023-11-30"]
    snapshots = log.snapshots(dates)
    assert snapshots.lines is log.lines
    parts = [log.until(day) for day in dates]
    assert snapshots.customers.tolist() == [c for part in parts for c in part.customers.tolist()]
    assert snapshots.as_of.tolist() == [
        date.fromisoformat(d) for d, p in zip(dates, parts) for _ in p.customers
    ]
    np.testing.assert_allclose(snapshots.spend(), np.concatenate([part.spend() for part in parts]))
    np.testing.assert_array_equal(
        snapshots.time_since_last(), np.concatenate([part.time_since_last() for part in parts])
    )
    assert (
        log.snapshots(np.array(dates, dtype="M8[D]"))[10:20].as_of.tolist() == snapshots.as_of[10:20].tolist()
    )
    assert len(log.snapshots(day for day in dates)) == len(snapshots)


# -- other shapes --------------------------------------------------------------------------------------------

LINE = st.fixed_dictionaries(
    {
        "customer": st.integers(0, 4),
        "time": st.integers(0, 100).map(lambda h: datetime(2024, 1, 1) + timedelta(hours=h)),
        "amount": st.sampled_from([-2.0, 0.0, 1.0, 3.5]),
        "item": st.sampled_from(["tea", "cup", "pot", None]),
        "basket": st.sampled_from([11, 12, 13, None]),
    }
)


def from_rows(rows, names=None, **more):
    columns = {name: np.array([row[name] for row in rows], dtype=object) for name in names or rows[0]}
    return TransactionLog.from_arrays(**columns, **more)


@settings(max_examples=200, deadline=None)
@given(st.lists(LINE, min_size=1, max_size=30), st.booleans())
def test_baskets_equal_their_definition(rows, receipts):
    names = [name for name in rows[0] if receipts or name != "basket"]
    log = from_rows(rows, names)[::-1]
    baskets = log.baskets()
    wanted = oracle.baskets(
        [{name: row[name] for name in names} for row in rows], lambda moment: moment.date()
    )
    owners = log.customers[baskets.customers].tolist()
    found = Counter((owner, frozenset(items)) for owner, items in zip(owners, baskets.to_lists()))
    assert found == Counter((owner, frozenset(items)) for (owner, _), items in wanted.items())
    if receipts:
        assert sorted(zip(owners, baskets.ids.tolist())) == sorted(wanted)


def test_baskets_of_empty_histories():
    log = TransactionLog.from_arrays(
        customer=[1, 2], time=["2024-01-01", "2024-01-05"], item=["tea", "cup"], basket=[5, 6]
    )
    _, future = log.split("2024-01-02")
    assert len(future.baskets()) == 0
    assert len(from_rows([{"customer": 1, "time": "2024-01-01", "item": None}]).baskets()) == 0
    without_receipts = TransactionLog.from_arrays(
        customer=[1, 2], time=["2024-01-01", "2024-01-05"], item=[7, 8]
    )
    assert len(without_receipts.split("2024-01-02")[1].baskets()) == 0


def test_baskets_need_items():
    with pytest.raises(InputError, match=r"baskets\(\) needs the item.*from_frame\(..., item="):
        two_days(0).baskets()


def test_with_customers_aligns_by_id(log):
    ids = log.customers[::2]
    rich = log.with_customers(
        {
            "id": np.append(ids[::-1], 10**6),
            "age": np.arange(ids.size + 1),
            "city": np.array(["Ulm"] * (ids.size + 1), dtype=object),
            "joined": np.full(ids.size + 1, np.datetime64("2020-01-01")),
        },
        customer="id",
    )
    assert rich.attributes["age"][::2].tolist() == list(range(ids.size))[::-1]
    assert np.isnan(rich.attributes["age"][1::2]).all()
    assert rich.attributes["city"][:2].tolist() == ["Ulm", None]
    assert np.isnat(rich.attributes["joined"][1])
    assert rich[3:9].attributes["age"].size == 6
    assert rich.with_customers({"id": ids, "size": ids}, customer="id").attributes.keys() == {
        "age", "city", "joined", "size",
    }  # fmt: skip
    assert not log.attributes


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        ({"id": [100, 100], "age": [1, 2]}, "1 customers have more than one row, e.g. 100; keep one each"),
        ({"id": ["100", "101"], "age": [1, 2]}, r"ids there are like \['100'\], in the log like \[100\]"),
        ({"id": [5], "age": [1]}, "no customer of the log is in the frame"),
        ({"name": [5], "age": [1]}, r"no column customer='id'; it has \['name', 'age'\]"),
    ],
)
def test_wrong_attributes(log, frame, message):
    with pytest.raises(InputError, match=message):
        log.with_customers(frame, customer="id")


def test_to_frame_comes_back(log):
    frame = log.to_frame()
    again = TransactionLog.from_arrays(**{k: v for k, v in frame.items() if k != "keep"}, end=log.end)
    assert lines_of(again) == lines_of(log)


# -- rows that no history can hold ----------------------------------------------------------------------------


def test_rows_without_customer_or_time_or_after_the_end_are_counted():
    with pytest.warns(
        DataWarning, match=r"4 of 6 rows are set aside.*missing customer \(2\), missing time \(1\)"
    ):
        log = TransactionLog.from_arrays(
            customer=["ann", None, "bob", "cid", None, "dan"],
            time=["2024-01-01", "2024-01-02", None, "2024-01-03", None, "2024-02-01"],
            amount=[1.0, 2.0, 4.0, 8.0, 16.0, 32.0],
            end="2024-01-31",
        )
    assert log.customers.tolist() == ["ann", "cid"]
    assert log.set_aside.rows == {"missing customer": 2, "missing time": 1, "after the end": 1}
    assert log.set_aside.money == {"missing customer": 18.0, "missing time": 4.0, "after the end": 32.0}
    assert log.spend().sum() + sum(log.set_aside.money.values()) == 63.0
    assert not two_days(0).set_aside


def test_end_says_how_long_the_log_was_watched():
    log = TransactionLog.from_arrays(customer=[1], time=["2024-01-05T18:00"], end="2024-03-01")
    assert (str(log.start), str(log.end)) == ("2024-01-05", "2024-03-01")
    assert str(TransactionLog.from_arrays(customer=[1], time=["2024-01-05T18:00"]).end) == "2024-01-05"
    assert TransactionLog.from_arrays(customer=[1], time=["2024-01-05T18:00"], end="2024-01-05").n_lines == 1


# -- any order of the input ------------------------------------------------------------------------------------


@settings(max_examples=150, deadline=None)
@given(st.lists(LINE, min_size=1, max_size=40), st.randoms(use_true_random=False))
def test_the_order_of_the_rows_does_not_matter(rows, random):
    shuffled = rows[:]
    random.shuffle(shuffled)
    one, other = from_rows(rows), from_rows(shuffled)
    assert one.customers.tolist() == other.customers.tolist()
    assert sorted(lines_of(one), key=repr) == sorted(lines_of(other), key=repr)
    assert one.lines.time.tolist() == other.lines.time.tolist()
    assert one.purchases().tolist() == other.purchases().tolist()
    np.testing.assert_allclose(one.spend(), other.spend(), rtol=1e-12, atol=1e-12)
