"""Bridges and cohorts against a slow count, customer by customer."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import crmintel as ci
from crmintel.exceptions import ColumnError, DateRangeError, InputTypeError, UnitError
from crmintel.segments._periods import period_start
from crmintel.transactions.calendar import GRAINS, period_index
from tests.segments.logs import tiny_log

lines = st.lists(
    st.tuples(st.integers(0, 6), st.integers(0, 150), st.integers(-5000, 20_000)), min_size=1, max_size=60
)


def make_log(rows):
    start = np.datetime64("2024-01-01")
    customer, day, cents = (np.array(column) for column in zip(*rows, strict=True))
    customer, day, cents = np.append(customer, 9), np.append(day, 0), np.append(cents, 100)
    log = ci.TransactionLog.from_arrays(
        customer=customer, time=start + day, amount=cents / 100, end="2024-05-31"
    )
    months = (start + day).astype("datetime64[M]").astype(int) - 648
    return log, list(zip(customer.tolist(), months.tolist(), cents.tolist(), strict=True))


def slow_bridge(rows, month):
    """(before, new, back, up, down, lost, after) in cents, for the step into ``month``."""
    sums = {}
    for customer, at, cents in rows:
        sums.setdefault(customer, {}).setdefault(at, 0)
        sums[customer][at] += cents
    flows = dict.fromkeys(("new", "back", "up", "down", "lost"), 0)
    for periods in sums.values():
        was, now = periods.get(month - 1), periods.get(month)
        if was is None and now is not None:
            flows["new" if min(periods) == month else "back"] += now
        elif was is not None and now is None:
            flows["lost"] -= was
        elif was is not None and now != was:
            flows["up" if now > was else "down"] += now - was
    before, after = (sum(p.get(m, 0) for p in sums.values()) for m in (month - 1, month))
    return before, *flows.values(), after


@settings(max_examples=60)
@given(lines)
def test_bridge_against_a_slow_count(rows):
    log, entries = make_log(rows)
    bridge = ci.revenue_bridge(log)
    assert bridge.period.astype(str).tolist() == ["2024-02-01", "2024-03-01", "2024-04-01", "2024-05-01"]
    for step in range(4):
        fast = [bridge.before[step], *(bridge.money[flow][step] for flow in bridge.money), bridge.after[step]]
        assert [round(100 * each) for each in fast] == list(slow_bridge(entries, step + 1))
    total = bridge.before + sum(bridge.money.values())
    assert np.abs(total - bridge.after).max() < 0.005
    people = sum(bridge.customers[flow] for flow in ("new", "back", "up", "down", "same"))
    assert people.tolist() == [len({c for c, m, _ in entries if m == month}) for month in range(1, 5)]


@settings(max_examples=60)
@given(lines, st.sampled_from(["customers", "money"]))
def test_cohorts_against_a_slow_count(rows, value):
    log, entries = make_log(rows)
    table = ci.cohort_table(log, value=value)
    debut = {}
    for customer, month, _ in entries:
        debut[customer] = min(month, debut.get(customer, 99))
    cohorts = sorted(set(debut.values()))
    assert (table.cohorts.astype("datetime64[M]").astype(int) - 648).tolist() == cohorts
    for i, cohort in enumerate(cohorts):
        members = {c for c, m in debut.items() if m == cohort}
        assert table.sizes[i] == len(members)
        for age in range(5):
            here = [(c, cents) for c, m, cents in entries if c in members and m == cohort + age]
            if cohort + age > 4:
                assert np.isnan(table.values[i, age])
            elif value == "customers":
                assert table.values[i, age] == len({c for c, _ in here})
            else:
                assert round(100 * table.values[i, age]) == sum(cents for _, cents in here)


@given(st.integers(-60_000, 60_000), st.sampled_from(GRAINS))
def test_period_start_is_the_inverse_of_period_index(number, grain):
    first = period_start(np.array([number, number + 1]), grain).astype("datetime64[us]").astype(np.int64)
    assert period_index(np.array([first[0], first[1] - 1, first[1]]), grain).tolist() == [
        number,
        number,
        number + 1,
    ]


def test_periods_that_the_log_cuts_do_not_count():
    log = ci.TransactionLog.from_arrays(
        customer=[1, 1, 2, 1],
        time=["2024-01-15", "2024-02-03", "2024-03-09", "2024-04-02"],
        amount=[1.0, 2, 3, 4],
    )
    assert ci.revenue_bridge(log).period.astype(str).tolist() == ["2024-03-01"]
    assert ci.revenue_bridge(log, partial=True).before.tolist() == [1.0, 2.0, 3.0]
    cut = "2024-02-01 to 2024-03-31, without incomplete months"
    assert str(ci.revenue_bridge(log)).splitlines()[-1] == cut
    assert repr(ci.revenue_bridge(log)).endswith(f"last 2024-03-01; {cut})")
    assert "incomplete" not in str(ci.revenue_bridge(log, partial=True))
    assert ci.revenue_bridge(log).customers["new"].tolist() == [1]
    table = ci.cohort_table(log)
    assert table.sizes.tolist() == [1]  # customer 1 began in a January that the log does not hold as a whole
    with pytest.raises(DateRangeError, match="does not hold one whole year"):
        ci.cohort_table(log, unit="year")
    with pytest.raises(DateRangeError, match="one whole quarter"):
        ci.revenue_bridge(log, unit="quarter")


def test_a_log_whose_customers_all_began_before_the_first_whole_period_has_no_cohorts():
    log = ci.TransactionLog.from_arrays(
        customer=[1, 1, 2],
        time=["2024-01-15", "2024-05-03", "2024-02-09"],
        amount=[1.0, 2, 3],
        end="2024-06-30",
    )
    for value in ("customers", "money"):
        with pytest.raises(
            DateRangeError, match=r"none of the 2 customers began in a whole quarter \(2024-04-01 to"
        ):
            ci.cohort_table(log, unit="quarter", value=value)
    with pytest.raises(DateRangeError, match="take a shorter unit or partial=True"):
        ci.cohort_table(log, unit="quarter")
    assert ci.cohort_table(log, unit="quarter", partial=True).sizes.tolist() == [2]
    assert ci.cohort_table(log, unit="month").sizes.tolist() == [1]


def test_retention_and_curve():
    log, _ = tiny_log()
    table = ci.cohort_table(log, unit="week", partial=True)
    assert table.sizes.tolist() == [4]
    assert table.retention[0].tolist() == [1.0, 0.25, 0.0, 0.0, 0.25]
    assert table.curve().tolist() == [1.0, 0.25, 0.0, 0.0, 0.25]
    assert repr(table).startswith("CohortTable(1 week cohorts of 4 customers")


def test_frames_come_in_the_callers_library():
    frame = pl.DataFrame(
        {"who": ["a", "b", "a"], "when": ["2024-01-01", "2024-01-31", "2024-02-29"], "eur": [5.0, 7.0, 6.0]}
    )
    log = ci.TransactionLog.from_frame(frame, customer="who", time="when", amount="eur")
    out = ci.revenue_bridge(log).to_frame()
    assert isinstance(out, pl.DataFrame)
    assert out.select("before", "up", "lost", "after").rows() == [(12.0, 1.0, -7.0, 6.0)]
    assert ci.cohort_table(log).to_frame()["customers"].to_list() == [2.0, 1.0]


def test_bad_input():
    log, _ = tiny_log()
    with pytest.raises(UnitError, match="unit must be one of"):
        ci.revenue_bridge(log, unit="minute")
    with pytest.raises(InputTypeError, match="must be a TransactionLog"):
        ci.cohort_table([1, 2])
    bare = ci.TransactionLog.from_arrays(customer=[1, 1], time=["2024-01-01", "2024-02-29"])
    with pytest.raises(ColumnError, match="needs the amount"):
        ci.revenue_bridge(bare)
