"""Churn labels against a brute force over days, and the dates that churn is learned at."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import crmintel as ci
from crmintel.exceptions import DateRangeError, InputError, InputTypeError
from tests.oracles import behaviour as oracle

START = date(2024, 1, 1)
DAYS = 60
LINES = st.lists(
    st.fixed_dictionaries(
        {
            "customer": st.integers(0, 5),
            "day": st.integers(0, DAYS - 1).map(lambda n: START + timedelta(days=n)),
            "hour": st.integers(0, 23),
            "amount": st.integers(-1, 3).map(float),
        }
    ),
    min_size=1,
    max_size=40,
)


def to_log(lines, last=DAYS - 1):
    return ci.TransactionLog.from_arrays(
        customer=[line["customer"] for line in lines],
        time=np.array(
            [np.datetime64(line["day"], "h") + np.timedelta64(line["hour"], "h") for line in lines]
        ),
        amount=[line["amount"] for line in lines],
        end=START + timedelta(days=last),
    )


def simple_log(end="2024-03-31"):
    return ci.TransactionLog.from_arrays(
        customer=["ann", "ann", "ann", "bob", "cid"],
        time=["2024-01-01", "2024-02-20", "2024-03-15", "2024-01-10", "2024-03-05"],
        amount=[5.0, 5.0, 5.0, 5.0, 5.0],
        end=end,
    )


@settings(max_examples=200, deadline=None)
@given(LINES, st.integers(0, DAYS - 2), st.integers(1, 30), st.integers(0, 10))
def test_labels_equal_a_look_at_every_day(lines, offset, horizon, gap):
    cut = max(START + timedelta(days=offset), min(line["day"] for line in lines))
    log = to_log(lines, DAYS + 50)
    past, future = log.split(cut)
    labels = ci.churn_labels(past, future, horizon, gap=gap)
    wanted = [
        oracle.churned([line for line in lines if line["customer"] == who], cut, horizon, gap)
        for who in past.customers.tolist()
    ]
    assert labels.tolist() == wanted
    assert labels.dtype == np.int64


@settings(max_examples=100, deadline=None)
@given(LINES, st.integers(1, 15), st.integers(0, 5), st.integers(1, 20), st.none() | st.integers(1, 20))
def test_snapshots_equal_a_look_at_every_day(lines, horizon, gap, step, window):
    log = to_log(lines)
    first, last = min(line["day"] for line in lines), START + timedelta(days=DAYS - 1)
    history = horizon if window is None else window
    day, dates = last - timedelta(days=gap + horizon), []
    while (day - first).days + 1 >= history:
        dates.insert(0, day)
        day -= timedelta(days=step)
    wanted = []
    for as_of in dates:
        for who in range(6):
            own = [line for line in lines if line["customer"] == who]
            row = oracle.features(own, as_of, [step])
            seen = any(line["day"] <= as_of for line in own)
            if seen and (window is None or row["time_since_last"] < window):
                wanted.append((who, as_of, oracle.churned(own, as_of, horizon, gap)))
    if not dates:
        with pytest.raises(DateRangeError, match="days, but the log has"):
            ci.churn_snapshots(log, horizon, gap=gap, step=step, window=window)
    elif not wanted:
        with pytest.raises(InputError, match="longer window"):
            ci.churn_snapshots(log, horizon, gap=gap, step=step, window=window)
    else:
        snapshots, labels = ci.churn_snapshots(log, horizon, gap=gap, step=step, window=window)
        got = zip(snapshots.customers.tolist(), snapshots.as_of.tolist(), labels.tolist())
        assert list(got) == wanted
        assert all(part.n_lines for part in snapshots)


def test_the_last_day_of_the_horizon_counts_and_the_next_does_not():
    past, future = simple_log().split("2024-02-15")
    assert past.customers.tolist() == ["ann", "bob"]
    assert ci.churn_labels(past, future, 5).tolist() == [0, 1]
    assert ci.churn_labels(past, future, 4).tolist() == [1, 1]
    assert ci.churn_labels(past, future, "1W", gap="5D").tolist() == [1, 1]


def test_the_last_microsecond_of_the_horizon_counts():
    log = ci.TransactionLog.from_arrays(
        customer=[1, 2, 1, 2],
        time=["2024-01-01", "2024-01-01", "2024-02-05T23:59:59.999999", "2024-02-06T00:00:00"],
        end="2024-03-01",
    )
    assert ci.churn_labels(*log.split("2024-01-31"), 5).tolist() == [0, 1]
    assert ci.churn_labels(*log.split("2024-01-31T12:00"), 5.25).tolist() == [1, 1]
    assert ci.churn_labels(*log.split("2024-01-31T12:00"), 5.5).tolist() == [0, 0]


def test_a_horizon_may_end_with_the_log_but_not_after():
    past, future = simple_log().split("2024-03-01")
    assert ci.churn_labels(past, future, 30).tolist() == [0, 1]
    with pytest.raises(
        DateRangeError, match=r"31 days beyond 2024-03-01, but future ends 2024-03-31, 30 days"
    ):
        ci.churn_labels(past, future, 31)
    with pytest.raises(DateRangeError, match="after gap=2"):
        ci.churn_labels(past, future, 30, gap=2)


def test_a_return_is_no_purchase():
    log = ci.TransactionLog.from_arrays(
        customer=[1, 1, 2, 2],
        time=["2024-01-01", "2024-02-05", "2024-01-01", "2024-02-05"],
        amount=[9.0, -9.0, 9.0, 0.0],
        end="2024-03-01",
    )
    assert ci.churn_labels(*log.split("2024-01-31"), "20D").tolist() == [1, 0]


def test_halves_must_hold_the_same_customers():
    past, future = simple_log().split("2024-02-15")
    for other in (future[::-1], future[:1], simple_log()):
        with pytest.raises(InputError, match="the same customers in the same order"):
            ci.churn_labels(past, other, 10)


def test_snapshots_have_their_own_way():
    snapshots = simple_log().snapshots(["2024-02-01", "2024-02-15"])
    with pytest.raises(InputError, match="churn_snapshots"):
        ci.churn_labels(snapshots, snapshots, 10)
    with pytest.raises(InputError, match="snapshots"):
        ci.churn_snapshots(snapshots, 10)


def test_customers_of_a_selection_are_labelled_as_among_all():
    log = simple_log()
    snapshots, labels = ci.churn_snapshots(log, "30D")
    mine, mine_labels = ci.churn_snapshots(log[:2], "30D")
    assert len(mine) == 4
    among = np.isin(snapshots.customers, ["ann", "bob"])
    np.testing.assert_array_equal(labels[among], mine_labels)
    with pytest.raises(InputError, match="no line"):
        ci.churn_snapshots(log[:0], "30D")


@pytest.mark.parametrize(
    ("arguments", "error", "says"),
    [
        ({"horizon": 0}, InputError, "horizon must be > 0"),
        ({"horizon": -1}, InputError, "horizon must be"),
        ({"horizon": "ninety"}, InputError, "horizon must be a number, a timedelta or text"),
        ({"horizon": None}, InputTypeError, "horizon must be a number"),
        ({"horizon": float("inf")}, InputError, "horizon"),
        ({"horizon": float("nan")}, InputError, "horizon"),
        ({"horizon": 10, "gap": -2}, InputError, "gap must be >= 0"),
        ({"horizon": 10, "step": 0}, InputError, "step must be >= 1"),
        ({"horizon": 10, "window": "0D"}, InputError, "window must be >= 1"),
        ({"horizon": 90}, DateRangeError, r"180 days, but the log has 91 \(2024-01-01 to 2024-03-31\)"),
        ({"horizon": 10, "window": 300}, DateRangeError, "shorter horizon or window"),
    ],
)
def test_what_cannot_be(arguments, error, says):
    with pytest.raises(error, match=says):
        ci.churn_snapshots(simple_log(), **arguments)


@pytest.mark.parametrize("log", [None, np.ones(3), {"customer": [1]}], ids=str)
def test_other_things_than_a_log(log):
    with pytest.raises(InputTypeError, match="log must be a TransactionLog"):
        ci.churn_snapshots(log, 10)
    with pytest.raises(InputTypeError, match="past must be a TransactionLog"):
        ci.churn_labels(log, simple_log(), 10)


# -- each customer's own rhythm -----------------------------------------------------------------------------------


@settings(max_examples=100, deadline=None)
@given(LINES, st.integers(10, DAYS - 2), st.integers(1, 30), st.integers(0, 10), st.floats(0.2, 4.0))
def test_own_rhythm_equals_a_look_at_every_day(lines, offset, horizon, gap, overdue):
    cut = max(START + timedelta(days=offset), min(line["day"] for line in lines))
    log = to_log(lines, DAYS + 50)
    past, future = log.split(cut)
    labels = ci.churn_labels(past, future, horizon, gap=gap, overdue=overdue)
    for who, label in zip(past.customers.tolist(), labels.tolist()):
        own = [line for line in lines if line["customer"] == who]
        days = oracle.purchase_days([line for line in own if line["day"] <= cut])
        wait = horizon
        if len(days) > 1:
            wait = min(horizon, int(np.ceil(overdue * ((days[-1] - days[0]).days / (len(days) - 1)))))
        assert label == oracle.churned(own, cut, wait, gap)


def test_who_buys_often_is_missed_sooner():
    log = ci.TransactionLog.from_arrays(
        customer=["often"] * 4 + ["rarely"] * 3 + ["once"] * 2,
        time=["2024-01-01", "2024-01-04", "2024-01-07", "2024-01-31",
              "2024-01-01", "2024-01-09", "2024-01-31", "2024-01-05", "2024-01-31"],
        end="2024-02-29",
    )  # fmt: skip
    past, future = log.split("2024-01-10")
    by_name = dict(zip(past.customers.tolist(), ci.churn_labels(past, future, 30, overdue=3.0).tolist()))
    assert by_name == {"often": 1, "rarely": 0, "once": 0}
    snapshots, labels = ci.churn_snapshots(log, 25, step=10, window=5, overdue=1.0)
    assert labels.sum() >= ci.churn_snapshots(log, 25, step=10, window=5)[1].sum()
    assert len(snapshots) == len(labels)


@pytest.mark.parametrize("overdue", [0.0, -1.0, float("nan"), float("inf")])
def test_an_overdue_ratio_that_cannot_be(overdue):
    with pytest.raises(InputError, match="overdue must be"):
        ci.churn_labels(*simple_log().split("2024-02-15"), 10, overdue=overdue)
