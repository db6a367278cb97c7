"""Small random logs, with returns, pauses, any frame library: bridges, cohorts and moves agree to the cent."""

from __future__ import annotations

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import crmintel as ci
from crmintel.segments._periods import period_start
from crmintel.transactions.calendar import period_index

# logs of returns are among them on purpose
pytestmark = pytest.mark.filterwarnings("ignore:.*negative money:crmintel.exceptions.DataWarning")

START = np.datetime64("2023-12-28T00:00", "us")
lines = st.lists(
    st.tuples(st.integers(0, 5), st.integers(0, 24 * 150), st.integers(-5000, 20_000)),
    min_size=1,
    max_size=40,
)
units = st.sampled_from(["day", "week", "month", "quarter", "year"])


def log_of(rows, library="pandas", zone=None):
    customer, hour, cents = (np.array(column) for column in zip(*rows, strict=True))
    when = START + hour * np.timedelta64(1, "h")
    columns = {"who": customer, "when": when, "eur": cents / 100}
    if library == "polars":
        frame = pl.DataFrame(columns)
    elif library == "pyarrow":
        frame = pa.table(columns)
    else:
        frame = pd.DataFrame(columns)
        if zone:
            frame["when"] = frame["when"].dt.tz_localize(zone, ambiguous=True, nonexistent="shift_forward")
    return ci.TransactionLog.from_frame(frame, customer="who", time="when", amount="eur")


def cents_by_period(rows, unit):
    """{period: {customer: cents}} and the number of the first period, counted line by line."""
    table = {}
    for customer, hour, cents in rows:
        time = (START + np.timedelta64(hour, "h")).astype(np.int64)
        number = int(period_index(np.array([time]), unit)[0])
        table.setdefault(number, {}).setdefault(customer, 0)
        table[number][customer] += cents
    return table


@settings(max_examples=40, deadline=None)
@given(lines, units)
def test_moves_bridge_and_cohorts_agree(rows, unit):
    log, table = log_of(rows), cents_by_period(rows, unit)
    history = ci.segment_history(log, unit=unit, partial=True)
    first = min(table)
    assert len(history) == max(table) - first + 1
    assert history.periods[0] == period_start(np.array([first]), unit)[0]
    cohorts = ci.cohort_table(log, unit, "money", partial=True)
    assert cohorts.sizes.sum() == len(log)
    assert round(100 * np.nansum(cohorts.values)) == sum(row[2] for row in rows)
    if len(history) < 2:
        return
    bridge = ci.revenue_bridge(log, unit, partial=True)
    ids = history.customers.tolist()
    for step in range(len(history) - 1):
        was, now = table.get(first + step, {}), table.get(first + step + 1, {})
        if not was and not now:
            continue
        moves = history.migration(step)
        assert moves.people_[:-1].sum() == len(was)
        assert moves.people_[:, :-1].sum() == len(now)
        for flows, truth in ((moves.money_before_, was), (moves.money_after_, now)):
            assert round(100 * flows.sum()) == sum(truth.values())
        assert moves.people_[-1].sum() == bridge.customers["new"][step] + bridge.customers["back"][step]
        assert moves.people_[:, -1].sum() == bridge.customers["lost"][step]
        change = sum(flow[step] for flow in bridge.money.values())
        assert round(100 * change) == sum(now.values()) - sum(was.values())
        assert [round(100 * each) for each in history.money[step + 1]] == [now.get(who, 0) for who in ids]
        fell = history.early_warning(step)
        assert set(fell.customers.tolist()) <= set(was)
        low, high = np.moveaxis(moves.transition_interval(), -1, 0)
        share = moves.transition_matrix_
        known = ~np.isnan(share)
        assert ((low <= share) & (share <= high))[known].all()
        assert np.nansum(share, axis=1)[known.any(axis=1)] == pytest.approx(1.0)


@settings(max_examples=25, deadline=None)
@given(lines, units)
def test_the_frame_library_and_the_order_of_lines_do_not_matter(rows, unit):
    def answers(log):
        history = ci.segment_history(log, unit=unit, partial=True)
        cohorts = ci.cohort_table(log, unit, "money", partial=True)
        loyalty = ci.LoyaltyIndex(unit="day", weights={"breadth": 0}).fit_transform(log)
        labels = [each.tolist() for each in history.labels]
        return labels, np.round(history.money, 6), np.round(cohorts.values, 6), np.asarray(loyalty)

    expected = answers(log_of(rows))
    others = [log_of(rows, library) for library in ("polars", "pyarrow")] + [log_of(rows[::-1])]
    for log in others:
        found = answers(log)
        assert found[0] == expected[0]
        for one, other in zip(found[1:], expected[1:], strict=True):
            np.testing.assert_array_equal(one, other)


@settings(max_examples=25, deadline=None)
@given(lines)
def test_times_with_a_zone_count_by_its_wall_clock(rows):
    here, there = log_of(rows), log_of(rows, zone="Asia/Tokyo")  # no summer time: every hour is there
    assert (here.start, here.end) == (there.start, there.end)
    for unit in ("day", "month"):
        np.testing.assert_array_equal(
            ci.segment_history(here, unit=unit, partial=True).money,
            ci.segment_history(there, unit=unit, partial=True).money,
        )


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(-3000, 20_000), min_size=1, max_size=40))
def test_tiers_share_out_all_customers_and_all_money(cents):
    money = np.array(cents) / 100
    tiers = ci.ValueTiers().fit(money)
    names, table = tiers.predict(money), tiers.table_
    assert table["customers"].sum() == money.size
    assert round(100 * table["money"].sum()) == sum(cents)
    if sum(cents) > 0:
        assert table["money_share"].sum() == pytest.approx(1.0)
    order = np.argsort(-money, kind="stable")
    ranks = [["vip", "major", "ordinary", "small"].index(name) for name in names[order].tolist()]
    assert ranks == sorted(ranks)
    for size, border in zip(np.cumsum(table["customers"])[:3], (0.01, 0.05, 0.2), strict=True):
        assert size <= np.ceil(round(border * money.size, 9))
