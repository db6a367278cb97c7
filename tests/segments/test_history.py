"""segment_history: one yardstick over the periods, money that reconciles on real data, bad input."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import crmintel as ci
from crmintel.exceptions import ColumnError, DateRangeError, InputError, InputTypeError
from crmintel.features.rfm_segments import RFM_SEGMENTS

TIERS = ["vip", "major", "ordinary", "small"]


@pytest.fixture(scope="module")
def frame():
    return ci.datasets.load_complete_journey()


@pytest.fixture(scope="module")
def log(frame):
    return ci.TransactionLog.from_frame(
        frame, customer="household_id", time="transaction_timestamp", amount="sales_value", basket="basket_id"
    )


@pytest.fixture(scope="module")
def history(log):
    return ci.segment_history(log)


def test_every_quarter_by_the_yardstick_of_the_first(history, log, frame):
    assert history.periods.astype(str).tolist() == ["2017-01-01", "2017-04-01", "2017-07-01", "2017-10-01"]
    times = frame["transaction_timestamp"]
    for number in (1, 2, 4):
        inside = frame[(times.dt.year == 2017) & (times.dt.quarter == number)]
        spend = inside.groupby("household_id")["sales_value"].sum()
        if number == 1:
            tiers = ci.ValueTiers().fit(spend.to_numpy())
            np.testing.assert_allclose(history.estimator.edges_, tiers.edges_)
        expected = dict(zip(spend.index, tiers.predict(spend.to_numpy()), strict=True))
        for customer, label in zip(history.customers, history.labels[number - 1], strict=True):
            assert expected.get(customer) == label


def test_what_is_printed_tells_the_dates_and_what_was_left_out():
    log, _ = ci.datasets.make_transactions(50, weeks=60, random_state=0)  # 2023-01-02 to 2024-02-25
    whole, every = ci.segment_history(log), ci.segment_history(log, partial=True)
    assert repr(whole).endswith("; 2023-04-01 to 2023-12-31, without incomplete quarters)")
    assert repr(every).endswith("ValueTiers; 2023-01-02 to 2024-02-25)")
    assert repr(ci.cohort_table(log)).endswith("; 2023-02-01 to 2024-01-31, without incomplete months)")
    assert repr(ci.cohort_table(log, unit="week")).endswith("by age; 2023-01-02 to 2024-02-25)")
    day = ci.TransactionLog.from_arrays(customer=["a"], time=["2024-01-05 07:30"], amount=[1.0])
    assert repr(ci.segment_history(day, unit="hour")).endswith("; 2024-01-05T00 to 2024-01-05T23)")


def test_the_markov_test_reads_a_history(history):
    assert ci.markov_test(history) == ci.markov_test(history.labels)


def test_flows_reconcile_to_total_revenue_on_a_real_retailer(history, log):
    for step in range(len(history) - 1):
        moves = history.migration(step)
        assert moves.people_[:-1].sum() == sum(label is not None for label in history.labels[step])
        assert moves.people_[-1, -1] == 0
        for flows, period in ((moves.money_before_, step), (moves.money_after_, step + 1)):
            part = log.since(history.periods[period])
            if period + 1 < len(history):
                part = part.until(history.periods[period + 1] - np.timedelta64(1, "D"))
            else:
                part = part.until("2017-12-31")
            assert round(math.fsum(flows.ravel()), 2) == round(math.fsum(part.spend()), 2)
    bridge = ci.revenue_bridge(log, unit="quarter")
    np.testing.assert_allclose(history.money.sum(axis=1)[1:], bridge.after, atol=0.005)
    np.testing.assert_allclose(bridge.before + sum(bridge.money.values()), bridge.after, atol=0.005, rtol=0.0)


def test_entries_and_exits_are_those_of_the_bridge_and_of_the_cohorts(history, log):
    bridge = ci.revenue_bridge(log, unit="quarter")
    cohorts = ci.cohort_table(log, unit="quarter")
    for step in range(len(history) - 1):
        moves = history.migration(step)
        came = bridge.customers["new"][step] + bridge.customers["back"][step]
        assert moves.people_[-1].sum() == came
        assert moves.people_[:, -1].sum() == bridge.customers["lost"][step]
        assert cohorts.sizes[step + 1] == bridge.customers["new"][step]
    assert cohorts.values[0].tolist()[0] == sum(label is not None for label in history.labels[0])


def test_who_fell_is_listed_with_the_money_at_stake(history):
    warning = history.early_warning()
    rank = {name: i for i, name in enumerate([*TIERS, None])}
    before, after = history.labels[-2], history.labels[-1]
    fell = [b is not None and rank[a] > rank[b] for b, a in zip(before, after, strict=True)]
    assert len(warning) == sum(fell) > 100
    assert set(warning.customers) == set(history.customers[fell])
    assert np.all(np.diff(warning.money) <= 0)
    assert warning.money.sum() == pytest.approx(history.money[-2, fell].sum())


def test_households_remember_more_than_their_tier(history):
    # who was vip in spring and is major now is likelier to rise again than who comes from below
    test = ci.markov_test(history.labels)
    assert test.memory_pvalue < 1e-10
    assert "depends on more than their segment now" in str(test)


def test_names_survive_a_refit_on_resampled_and_shuffled_customers(log):
    rows = np.column_stack([log.time_since_last(), log.purchases(), log.spend()])
    columns = StandardScaler().fit_transform(np.log1p(rows))
    names = np.array(["a", "b", "c"])
    first = names[ci.CustomerKMeans(3, n_init=5, random_state=0).fit_predict(columns)]
    rng = np.random.default_rng(1)
    for seed in range(3):
        drawn = rng.choice(len(columns), len(columns))
        again = ci.CustomerKMeans(3, n_init=5, random_state=seed + 1).fit(columns[drawn])
        assert np.mean(ci.align_labels(first, again.predict(columns)) == first) > 0.9


def test_other_estimators_and_orders(log):
    half = log[:300]
    scores = ci.segment_history(half, ci.RFMScorer(), order=[*RFM_SEGMENTS, "Others"])
    assert len(scores.early_warning()) > 0
    groups = ci.segment_history(
        half, make_pipeline(ci.CustomerSummary(), ci.CustomerKMeans(2, random_state=0))
    )
    assert groups.migration().segments_ == [0, 1]
    fill = SimpleImputer(keep_empty_features=True)  # a quarter has no trend over a year
    clusters = make_pipeline(
        ci.BehaviourFeatures(), fill, StandardScaler(), ci.CustomerKMeans(2, random_state=0)
    )
    assert ci.segment_history(half, clusters).migration().segments_ == [0, 1]
    with pytest.raises(InputError, match="Pipeline gives segments without an order, so nobody falls"):
        groups.early_warning()


def test_golden_customers_have_an_order(log):
    golden = ci.segment_history(log, ci.GoldenCustomers())
    assert golden.order == ["golden", "high but unsteady", "steady", "other", "too new"]
    moves = golden.migration()
    third, fourth = (np.array(labels, dtype=object) for labels in golden.labels[-2:])
    assert moves.people_[0, 0] == np.sum((third == "golden") & (fourth == "golden")) == 326
    assert len(golden.early_warning()) == np.triu(moves.people_[:-1], 1).sum()


def test_periods_without_a_line_hold_nobody():
    log = ci.TransactionLog.from_arrays(
        customer=["a", "b", "a"],
        time=np.array(["2024-01-05", "2024-01-20", "2024-03-31"], dtype="datetime64[D]"),
        amount=[10.0, 20.0, 30.0],
    )
    history = ci.segment_history(log, unit="month", partial=True)
    assert [labels.tolist() for labels in history.labels][1] == [None, None]
    assert history.migration(0).people_[:, -1].sum() == 2
    frame = history.to_frame()
    assert len(frame["customer"]) == 3
    hours = ci.TransactionLog.from_arrays(
        customer=["a", "b"],
        time=np.array(["2024-01-05T10:15", "2024-01-05T12:30"], dtype="datetime64[s]"),
        amount=[10.0, 20.0],
    )
    by_hour = ci.segment_history(hours, unit="hour", partial=True)
    assert [hour for hour, each in enumerate(by_hour.labels) if set(each) != {None}] == [10, 12]


def test_frames_are_of_the_library_of_the_log(log):
    table = ci.segment_history(log).to_frame()
    assert isinstance(table, pd.DataFrame)
    assert table.columns.tolist() == ["customer", "period", "segment", "money"]
    assert set(table["segment"]) == set(TIERS)
    history = ci.segment_history(log)
    assert isinstance(history.migration().to_frame(), pd.DataFrame)
    assert isinstance(history.early_warning().to_frame(), pd.DataFrame)


def test_wrong_inputs(history, log, frame):
    with pytest.raises(InputTypeError, match="estimator must have fit and predict"):
        ci.segment_history(log, ci.BehaviourFeatures())
    with pytest.raises(InputTypeError, match=r"pass ValueTiers\(\), not the class"):
        ci.segment_history(log, ci.ValueTiers)
    with pytest.raises(InputTypeError, match="log must be a TransactionLog"):
        ci.segment_history(frame)
    with pytest.raises(DateRangeError, match="does not hold one whole year"):
        ci.segment_history(log.until("2017-06-30"), unit="year")
    bare = ci.TransactionLog.from_arrays(customer=["a"], time=["2024-01-01"])
    with pytest.raises(ColumnError, match="segment_history"):
        ci.segment_history(bare, unit="day")
    for step in (3, -4):
        with pytest.raises(InputError, match=f"step={step} is none of the 3 steps between 4 quarters"):
            history.migration(step)
