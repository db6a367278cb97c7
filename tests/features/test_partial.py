"""The summary brought up to date equals the summary of all lines, to the same bit."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crmintel import CustomerSummary, SummaryPartial, TransactionLog
from crmintel.datasets import make_transactions
from crmintel.exceptions import ColumnError, DataWarning, DateRangeError, InputError, InputTypeError
from crmintel.transactions.calendar import GRAINS

END = "2024-06-30"
SUMMARIES = [
    CustomerSummary(),
    CustomerSummary(unit="week", extra=("spend", "spend_last_year", "sum_log_gaps")),
    *[CustomerSummary(unit=grain, collapse=grain) for grain in GRAINS],
]


def log_of(lines, end=END, **kwargs):
    customer, hour, amount = zip(*lines, strict=True)
    time = np.datetime64("2024-01-01T00", "us") + np.array(hour) * np.timedelta64(3_600_000_000, "us")
    return TransactionLog.from_arrays(customer=customer, time=time, amount=amount, end=end, **kwargs)


def same(one, other) -> bool:
    return one.shape == other.shape and one.tobytes() == other.tobytes()


def summarized(summary, log):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)  # customers with returns alone
        return summary.fit(log).transform(log)


def rows_of(partial, summary, **kwargs):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)
        return partial.rows(summary, **kwargs)


LINES = st.lists(
    st.tuples(
        st.integers(0, 4),
        st.integers(0, 24 * 100),
        st.sampled_from([0.1, 0.2, 0.3, 7.77, 1e6 / 3, 0.0, -0.1, -5.0]),
    ),
    min_size=1,
    max_size=40,
)
PARTS = st.lists(LINES, min_size=1, max_size=4)


@settings(deadline=None, max_examples=150)
@given(parts=PARTS, summary=st.sampled_from(SUMMARIES))
def test_updates_equal_the_summary_of_all_lines(parts, summary):
    """Days in several parts, late lines, returns alone, customers who come later: whatever the parts are."""
    known = SummaryPartial.from_log(log_of(parts[0]))
    for lines in parts[1:]:
        known = known.update(log_of(lines))
    everything = log_of([line for lines in parts for line in lines])
    np.testing.assert_array_equal(known.customers, everything.customers)
    assert same(rows_of(known, summary), summarized(summary, everything))
    assert known.n_lines == everything.n_lines
    assert (known.start, known.end) == (everything.start, everything.end)


@settings(deadline=None, max_examples=60)
@given(a=LINES, b=LINES, c=LINES, summary=st.sampled_from(SUMMARIES))
def test_merging_is_associative(a, b, c, summary):
    a, b, c = (SummaryPartial.from_log(log_of(lines)) for lines in (a, b, c))
    assert same(rows_of(a.merge(b).merge(c), summary), rows_of(a.merge(b.merge(c)), summary))


@settings(deadline=None, max_examples=60)
@given(a=LINES, b=LINES, summary=st.sampled_from(SUMMARIES))
def test_merging_is_commutative(a, b, summary):
    one, two = (SummaryPartial.from_log(log_of(lines)) for lines in (a, b))
    forth, back = rows_of(one.merge(two), summary), rows_of(two.merge(one), summary)
    np.testing.assert_allclose(forth, back, rtol=1e-12, atol=1e-9)
    whole = [[(who, hour, np.round(4 * amount)) for who, hour, amount in lines] for lines in (a, b)]
    one, two = (SummaryPartial.from_log(log_of(lines)) for lines in whole)  # whose sums are exact
    assert same(rows_of(one.merge(two), summary), rows_of(two.merge(one), summary))


@pytest.mark.parametrize("summary", SUMMARIES[:2])
def test_by_month_as_at_once(summary):
    log, _ = make_transactions(300, random_state=0)
    frame = pd.DataFrame(log.to_frame()).sort_values("time", kind="stable")
    roles = {"customer": "customer", "time": "time", "amount": "amount"}
    months = [
        TransactionLog.from_frame(part, **roles) for _, part in frame.groupby(frame["time"].dt.to_period("M"))
    ]
    known = SummaryPartial.from_log(months[0])
    for month in months[1:]:
        known = known.update(month)
    full = TransactionLog.from_frame(frame, **roles)
    assert same(known.rows(summary), summary.fit(full).transform(full))
    assert known.rows(summary).columns == summary.fit(full).transform(full).columns
    assert known.rows(summary).unit == summary.unit
    early = full.until("2024-02-15")
    assert same(known.rows(summary, end="2024-02-15"), summary.fit(early).transform(early))
    np.testing.assert_array_equal(known.until("2024-02-15").customers, early.customers)
    assert known.until("2024-02-15").end == np.datetime64("2024-02-15")
    late = full.until("2030-01-01")
    assert same(known.rows(summary, end="2030-01-01"), summary.fit(late).transform(late))


def test_a_day_that_is_in_both_parts_is_one_purchase():
    morning, evening = (
        log_of([("ann", 9, 1.0), ("ann", 250, 10.0)]),
        log_of([("ann", 260, 5.0), ("ann", 255, 2.0)]),
    )
    rows = SummaryPartial.from_log(morning).update(evening).rows()
    assert rows[0, [0, 3]].tolist() == [1.0, 17.0]


def test_an_earlier_first_purchase_comes_late():
    known = SummaryPartial.from_log(log_of([("ann", 24 * 50, 4.0)])).update(log_of([("ann", 0, 9.0)]))
    assert known.rows()[0].tolist() == [1.0, 50.0, 181.0, 4.0]


@pytest.mark.parametrize(
    "ids", [["b", "a"], [2, 1], [np.datetime64("2024-01-01"), np.datetime64("2023-01-01")]]
)
def test_ids_of_every_kind(ids):
    known = SummaryPartial.from_log(log_of([(ids[0], 0, 1.0)])).update(
        log_of([(ids[1], 1, 1.0), (ids[0], 99, 1.0)])
    )
    full = log_of([(ids[0], 0, 1.0), (ids[1], 1, 1.0), (ids[0], 99, 1.0)])
    np.testing.assert_array_equal(known.customers, full.customers)
    assert known.customers.dtype == full.customers.dtype
    assert same(known.rows(), CustomerSummary().fit(full).transform(full))


def test_returns_known_by_quantity_and_frames():
    def read(frame, **kwargs):
        return TransactionLog.from_frame(frame, customer="c", time="t", quantity="q", end=END, **kwargs)

    one = pd.DataFrame({"c": ["x", "y"], "t": ["2024-01-01", "2024-01-02"], "q": [1, 1]})
    two = pd.DataFrame({"c": ["x", "y"], "t": ["2024-02-01", "2024-02-02"], "q": [-1, 1]})
    known = SummaryPartial.from_log(read(one)).update(read(two))
    assert known.rows()[:, 0].tolist() == [0.0, 1.0]
    frame = known.to_frame()
    assert list(frame.columns) == ["customer", "time", "quantity"]
    again = TransactionLog.from_frame(frame, customer="customer", time="time", quantity="quantity", end=END)
    assert same(SummaryPartial.from_log(again).rows(), known.rows())


def test_frames_by_set_output():
    known = SummaryPartial.from_log(log_of([("ann", 0, 1.0)]))
    summary = CustomerSummary().set_output(transform="pandas")
    assert list(known.rows(summary).columns) == ["frequency", "recency", "T", "monetary_value"]
    assert not hasattr(summary, "n_features_out_"), "the summary that is passed stays as it is"


def test_parts_stay_as_they_are():
    one, two = SummaryPartial.from_log(log_of([(1, 0, 1.0)])), SummaryPartial.from_log(log_of([(2, 5, 1.0)]))
    before = one.rows().tobytes(), two.rows().tobytes()
    merged = one.merge(two)
    assert (len(one), len(two), len(merged)) == (1, 1, 2)
    assert (one.rows().tobytes(), two.rows().tobytes()) == before
    assert repr(merged) == "SummaryPartial(2 customers, 2 lines, 2024-01-01..2024-06-30)"


def test_customers_of_a_split_who_did_not_come_back():
    past, future = log_of([("ann", 0, 1.0), ("bob", 5, 1.0), ("ann", 24 * 99, 3.0)]).split("2024-02-01")
    known = SummaryPartial.from_log(past).update(future)
    assert known.customers.tolist() == ["ann", "bob"]
    assert known.rows()[:, 0].tolist() == [1.0, 0.0]
    with pytest.raises(InputError, match="nothing to remember"):
        SummaryPartial.from_log(future[1:])


def test_what_does_not_fit_together():
    known = SummaryPartial.from_log(log_of([("ann", 0, 1.0)]))
    with pytest.raises(InputTypeError, match=r"different kinds, e\.g\. 'ann' and 1"):
        known.update(log_of([(1, 0, 1.0)]))
    bare = TransactionLog.from_arrays(customer=["ann"], time=["2024-01-01"])
    with pytest.raises(InputError, match="knows the amount"):
        known.update(bare)
    zone = pd.DataFrame(
        {"c": ["ann"], "t": pd.to_datetime(["2024-01-01"]).tz_localize("Europe/Paris"), "a": [1.0]}
    )
    with pytest.raises(InputError, match="clocks of None and Europe/Paris"):
        known.update(TransactionLog.from_frame(zone, customer="c", time="t", amount="a"))
    with pytest.raises(InputTypeError, match="must be a SummaryPartial, got TransactionLog"):
        known.merge(bare)
    with pytest.raises(InputTypeError, match="must be a TransactionLog, got DataFrame"):
        known.update(zone)
    with pytest.raises(InputTypeError, match="must be a CustomerSummary, got str"):
        known.rows("week")
    with pytest.raises(ColumnError, match="extra='age'"):
        known.rows(CustomerSummary(extra=("age",)))
    with pytest.raises(DateRangeError, match="before the start"):
        known.rows(end="2023-12-31")
    snapshots = log_of([("ann", 0, 1.0), ("ann", 24 * 99, 3.0)]).snapshots(["2024-02-01", "2024-05-01"])
    with pytest.raises(InputError, match="snapshots"):
        SummaryPartial.from_log(snapshots)
