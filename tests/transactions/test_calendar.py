"""Units, durations, dates as users write them, and calendar buckets beside `datetime` and pandas."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crmintel.exceptions import InputError, InputTypeError, UnitError
from crmintel.transactions.calendar import (
    GRAINS,
    UNIT_DAYS,
    as_date,
    duration,
    grain_name,
    in_days,
    last_microsecond,
    period_index,
    unit_name,
)
from tests.oracles import summary as oracle

MOMENTS = st.datetimes(min_value=datetime(1, 1, 1), max_value=datetime(9999, 12, 31))


@pytest.mark.parametrize(
    ("text", "unit"),
    [
        ("week", "week"), ("weeks", "week"), ("W", "week"), (" Week ", "week"), ("d", "day"), ("M", "month"),
        ("min", "minute"), ("h", "hour"), ("s", "second"), ("Q", "quarter"), ("y", "year"), ("Years", "year"),
    ],
)  # fmt: skip
def test_units_have_many_names(text, unit):
    assert unit_name(text) == unit


@pytest.mark.parametrize("text", ["", "fortnight", None, 7, "wk", b"week", ["week"]])
def test_unknown_units(text):
    with pytest.raises(UnitError, match="unit must be one of second, minute, hour, day, week"):
        unit_name(text)


def test_the_months_of_a_year_are_a_year():
    assert 12 * UNIT_DAYS["month"] == 4 * UNIT_DAYS["quarter"] == UNIT_DAYS["year"] == 365.25


@pytest.mark.parametrize(
    ("value", "unit", "wanted"),
    [
        ("52W", "week", 52.0),
        ("52w", "day", 364.0),
        ("90D", "week", 90 / 7),
        ("1Y", "month", 12.0),
        (" 1.5 weeks ", "day", 10.5),
        (39, "week", 39.0),
        (39.5, None, 39.5),
        (np.float64(3), "day", 3.0),
        ("30min", "hour", 0.5),
        ("3M", "month", 3.0),
        ("90s", "minute", 1.5),
        (timedelta(minutes=30), "hour", 0.5),
        (np.timedelta64(36, "h"), "day", 1.5),
        (np.timedelta64(90, "s"), "minute", 1.5),
        (pd.Timedelta("2D"), "day", 2.0),
    ],
)
def test_durations(value, unit, wanted):
    assert duration(value, unit) == pytest.approx(wanted, rel=1e-15)


def test_days():
    assert (in_days("2W", "gap"), in_days(30, "gap")) == (14.0, 30.0)


@pytest.mark.parametrize(
    ("value", "unit", "error", "message"),
    [
        (
            "52",
            "week",
            InputError,
            "horizon must be a number, a timedelta or text like.*'30min'.*'52W'.*got '52'",
        ),
        ("30m", "week", UnitError, "horizon='30m' may mean minutes or months; write '30min' or '30M'"),
        ("-3W", "week", InputError, "got '-3W'"),
        ("3 parsecs", "week", UnitError, "horizon must be one of second.*'parsecs'"),
        ("52W", None, UnitError, "unit of the rows is not known"),
        (-1, "week", InputError, "horizon must be >= 0"),
        (np.nan, "week", InputError, "got nan"),
        (np.inf, "week", InputError, "got inf"),
        (True, "week", InputTypeError, "must be a number, got True"),
        (None, "week", InputTypeError, "must be a number, got None"),
        (timedelta(days=-3), "week", InputError, "horizon must be >= 0"),
        (timedelta(days=3), None, UnitError, "unit of the rows is not known"),
        (np.timedelta64("NaT", "D"), "week", InputError, "horizon must be >= 0, got.*NaT"),
        (pd.NaT, "week", InputError, "horizon must be >= 0, got NaT"),
        (np.timedelta64(3, "M"), "week", InputError, "no certain length"),
    ],
)
def test_wrong_durations(value, unit, error, message):
    with pytest.raises(error, match=message):
        duration(value, unit)


@settings(max_examples=500, deadline=None)
@given(MOMENTS, st.sampled_from(GRAINS))
def test_buckets_equal_those_of_datetime(moment, grain):
    microseconds = np.array([moment], dtype="datetime64[us]").astype(np.int64)
    assert period_index(microseconds, grain).tolist() == [oracle.bucket(moment, grain)]


@pytest.mark.parametrize(
    ("grain", "freq"),
    [("hour", "h"), ("day", "D"), ("week", "W-SUN"), ("month", "M"), ("quarter", "Q"), ("year", "Y")],
)
def test_buckets_change_where_those_of_pandas_do(grain, freq):
    """Over 1960 to 1980, hour by hour: the distance of any two buckets is that of pandas' periods."""
    moments = pd.date_range("1960-01-01", "1980-12-31", freq="7h")
    periods = moments.to_period(freq)
    found = period_index(moments.to_numpy().astype("M8[us]").astype(np.int64), grain)
    assert (np.diff(found) == np.diff(np.asarray(periods.asi8))).all()


def test_a_week_starts_on_monday():
    days = np.arange(np.datetime64("1969-12-15"), np.datetime64("1970-02-02")).astype(np.int64)
    weeks = period_index(days * 86_400_000_000, "week")
    starts = [date(1970, 1, 1) + timedelta(days=int(d)) for d, new in zip(days[1:], np.diff(weeks)) if new]
    assert {day.weekday() for day in starts} == {0}


def test_minutes_and_seconds_are_no_grain():
    for text in ("minute", "second"):
        with pytest.raises(UnitError, match=f"collapse must be one of hour.*'{text}'"):
            grain_name(text)


@pytest.mark.parametrize(
    "value", ["2017-09-30", "20170930", " 2017-09-30 ", "2017-09-30T00:00:00", date(2017, 9, 30)]
)
def test_a_midnight_is_the_whole_day(value):
    found = as_date(value, "end")
    assert found == np.datetime64("2017-09-30")
    assert found.dtype == np.dtype("datetime64[D]")
    assert last_microsecond(found) == int(np.datetime64("2017-09-30T23:59:59.999999", "us").astype(np.int64))


def test_a_time_of_day_is_that_moment():
    for value in ("2017-09-30 15:00", datetime(2017, 9, 30, 15), np.datetime64("2017-09-30T15", "h")):
        found = as_date(value, "end")
        assert found.dtype == np.dtype("datetime64[us]")
        assert last_microsecond(found) == int(np.datetime64("2017-09-30T15", "us").astype(np.int64))
