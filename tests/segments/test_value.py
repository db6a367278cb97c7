"""Golden customers, profitability, loyalty and satisfaction: planted truth, slow counts, bad input."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

import crmintel as ci
from crmintel.exceptions import ColumnError, DataWarning, InputError


@pytest.fixture(scope="module")
def log():
    return ci.datasets.make_transactions(300, weeks=60, random_state=1)[0]


def months_of(log):
    """Money by customer and month, a dict of dicts."""
    found = {}
    for i in range(len(log)):
        times = log.lines.time[log.starts[i] : log.stops[i]].astype("datetime64[us]").astype("datetime64[M]")
        money = log.lines.amount[log.starts[i] : log.stops[i]]
        for month, amount in zip(times.astype(int), money, strict=True):
            found.setdefault(i, {}).setdefault(month, 0.0)
            found[i][month] += amount
    return found


def test_golden_customers_against_a_slow_count(log):
    golden = ci.GoldenCustomers().fit(log)
    rows = golden.transform(log)
    last = log.end.astype("datetime64[M]").astype(int) - 1  # the log ends within a month
    for i, months in months_of(log).items():
        begin = min(months)
        spend = np.array([months.get(month, 0.0) for month in range(begin, last + 1)])
        assert rows[i, 0] == spend.size
        if spend.size >= 2 and spend.sum() > 0:
            assert rows[i, 1] == pytest.approx(spend.mean())
            assert rows[i, 2] == pytest.approx(spend.std(ddof=1) / spend.mean())
            assert rows[i, 3] == np.mean([month in months for month in range(begin, last + 1)])
    known = rows[:, 0] >= 3
    high = rows[:, 1] > golden.edge_
    assert (high & known).sum() == np.ceil(0.2 * known.sum())
    names = golden.predict(log)
    assert (names == "golden").sum() == (high & known & (rows[:, 2] <= 1.0)).sum()
    assert (names == "too new").sum() == (~known).sum()


def test_steady_and_unsteady_buyers_are_told_apart():
    rng = np.random.default_rng(0)
    months = np.arange("2023-01", "2024-01", dtype="datetime64[M]").astype("datetime64[D]")
    customer, time, amount = [], [], []
    for i in range(200):
        steady = i < 100
        for month in months if steady else months[:1]:
            customer.append(i)
            time.append(month)
            amount.append(rng.uniform(80, 120) if steady else rng.uniform(1500, 2000))
    log = ci.TransactionLog.from_arrays(customer=customer, time=time, amount=amount, end="2023-12-31")
    names = ci.GoldenCustomers(top=1.0).fit(log).predict(log)
    assert (names[:100] == "golden").all()
    assert (names[100:] == "high but unsteady").all()
    with pytest.raises(InputError, match="no customer was seen for min_periods=13"):
        ci.GoldenCustomers(min_periods=13).fit(log)
    with pytest.raises(InputError, match="top must be > 0"):
        ci.GoldenCustomers(top=0.0).fit(log)


def test_profitability_and_who_pays_for_whom():
    log = ci.TransactionLog.from_arrays(
        customer=["a", "a", "b", "c", "d"],
        time=["2024-01-01"] * 5,
        amount=[100.0, -20.0, 50.0, 10.0, 60.0],
        cost=[50.0, -10.0, 20.0, 15.0, 30.0],
    )
    result = ci.customer_profitability(log, service_cost=[10.0, 40.0, 1.0, 0.0])
    assert result.revenue.tolist() == [80.0, 50.0, 10.0, 60.0]
    assert result.margin.tolist() == [40.0, 30.0, -5.0, 30.0]
    assert result.profit.tolist() == [30.0, -10.0, -6.0, 30.0]
    # 51 of service on 100 of margin: .51; a .25, b 1.33, c no margin, d nothing
    assert result.service.tolist() == ["under-served", "over-served", "over-served", "under-served"]
    assert repr(result).splitlines() == [
        "CustomerProfitability(4 customers, profit 44.00)",
        "  over-served         2 customers: margin 25.00, cost to serve 41.00",
        "  under-served        2 customers: margin 70.00, cost to serve 10.00",
    ]
    share, profit = result.whale_curve()
    assert profit.tolist() == [0.0, 30.0, 60.0, 54.0, 44.0]
    assert share.tolist() == [0.0, 0.25, 0.5, 0.75, 1.0]
    assert set(ci.customer_profitability(log).service) == {"balanced"}
    with pytest.raises(InputError, match="service_cost must be >= 0"):
        ci.customer_profitability(log, service_cost=[1.0, -1.0, 0.0, 0.0])
    with pytest.raises(ColumnError, match="needs the cost"):
        ci.customer_profitability(
            ci.TransactionLog.from_arrays(customer=[1], time=["2024-01-01"], amount=[1.0])
        )


def test_loyalty_parts_against_a_slow_count(log):
    index = ci.LoyaltyIndex().fit(log)
    rows = index.transform(log)
    last = log.end.astype("datetime64[M]").astype(int) - 1
    for i, months in months_of(log).items():
        begin = min(months)
        active = np.array([month in months for month in range(begin, last + 1)])
        if active.size < 2:
            assert np.isnan(rows[i, 1])
            continue
        half = active.size // 2
        assert rows[i, 0] == active.mean()
        assert rows[i, 1] == pytest.approx(active[half:].mean() - active[:half].mean(), abs=1e-15)
    for column in range(4):
        part = rows[:, column]
        known = ~np.isnan(part)
        rank = (stats.rankdata(part[known]) - 0.5) / known.sum()
        alone = ci.LoyaltyIndex(
            weights={n: float(n == index.get_feature_names_out()[column]) for n in index.weights_}
        )
        assert alone.fit(log).transform(log)[known, -1] == pytest.approx(rank, abs=1e-12)


def test_loyal_customers_rank_above_the_others():
    days = np.arange("2023-01-01", "2024-01-01", 15, dtype="datetime64[D]")
    loyal = [(0, day, f"item {k}") for k, day in enumerate(days)]
    gone = [(1, day, "item 0") for day in days[:4]]
    late = [(2, days[-1], "item 0")]
    customer, time, item = zip(*loyal, *gone, *late, strict=True)
    log = ci.TransactionLog.from_arrays(
        customer=customer, time=np.array(time), item=item, amount=np.ones(len(item)), end="2023-12-31"
    )
    scores = ci.LoyaltyIndex().fit(log).transform(log)[:, -1]
    assert scores[0] > max(scores[1:])
    with pytest.raises(InputError, match="unknown parts"):
        ci.LoyaltyIndex(weights={"love": 1.0}).fit(log)
    with pytest.raises(InputError, match="all weights are 0"):
        ci.LoyaltyIndex(weights=dict.fromkeys(("active_share", "trend", "breadth", "tenure"), 0)).fit(log)
    bare = ci.TransactionLog.from_arrays(customer=customer, time=np.array(time), amount=np.ones(len(item)))
    with pytest.raises(ColumnError, match="needs the item"):
        ci.LoyaltyIndex().fit(bare)
    assert ci.LoyaltyIndex(weights={"breadth": 0}).fit(bare).transform(bare).shape == (3, 4)
    free = ci.TransactionLog.from_arrays(customer=customer, time=np.array(time), item=item, end="2023-12-31")
    assert ci.LoyaltyIndex().fit(free).transform(free)[:, -1].tolist() == scores.tolist()


def test_loyalty_ranks_at_the_ends():
    bought = {"a": range(1, 7), "b": (1, 2, 3), "c": (6,)}  # months of half a year
    rows = [(who, f"2024-{month:02d}-10") for who, months in bought.items() for month in months]
    customer, time = zip(*rows, strict=True)
    log = ci.TransactionLog.from_arrays(customer=customer, time=time, end="2024-06-30")
    alone = ci.LoyaltyIndex(weights={"active_share": 0, "breadth": 0, "tenure": 0}).fit(log)
    trend, rank = alone.transform(log).T
    assert trend[:2].tolist() == [0.0, -1.0]
    assert np.isnan(trend[2])
    assert rank.tolist() == [0.75, 0.25, 0.5]
    odd = log.until("2024-05-31")
    assert alone.transform(odd)[1, 0] == pytest.approx(1 / 3 - 1)  # March belongs to the later half


def test_a_threshold_is_found_and_covered():
    truth = np.array([0.1, 0.1, 0.12, 0.15, 0.2, 0.3, 0.6, 0.9, 0.92, 0.95])
    rng = np.random.default_rng(2)
    hits, inside = 0, 0
    for seed in range(60):
        satisfaction = rng.integers(1, 11, 1500)
        stays = rng.random(1500) < truth[satisfaction - 1]
        curve = ci.SatisfactionLoyalty(random_state=seed, n_resamples=200).fit(satisfaction, stays)
        hits += curve.thresholds_.tolist() == [7.0, 8.0]
        inside += np.mean((curve.interval_[:, 0] <= truth) & (truth <= curve.interval_[:, 1]))
    assert hits >= 55
    assert 0.8 < inside / 60 <= 0.95  # the bootstrap of a rising curve is a little short
    assert curve.nonlinearity_ > 0.05


def test_satisfaction_that_does_not_matter():
    rng = np.random.default_rng(3)
    flat = ci.SatisfactionLoyalty(random_state=0).fit([1, 2, 3], [1.0, 1.0, 1.0])
    assert np.isnan(flat.thresholds_).all()
    assert flat.nonlinearity_ == 0.0
    straight = ci.SatisfactionLoyalty(random_state=0).fit(
        np.tile([1, 2, 3, 4], 50), np.tile([1.0, 2, 3, 4], 50)
    )
    assert straight.nonlinearity_ == pytest.approx(0.0, abs=1e-12)
    with pytest.raises(InputError, match="2 different scores"):
        ci.SatisfactionLoyalty().fit([1, 2], [0, 1])
    with pytest.raises(InputError, match="must be finite"):
        ci.SatisfactionLoyalty().fit([1, 2, np.nan], rng.random(3))


@pytest.mark.parametrize("statistic", ["gini", "top_share"])
def test_concentration_intervals_cover(statistic):
    rng = np.random.default_rng(4)
    truth = (
        2 * stats.norm.cdf(1 / np.sqrt(2)) - 1
        if statistic == "gini"
        else stats.norm.cdf(1 - stats.norm.ppf(0.8))
    )
    inside = 0
    for seed in range(150):
        money = rng.lognormal(0, 1, 600)
        low, high = ci.concentration_interval(money, statistic, n_resamples=199, random_state=seed)
        inside += low <= truth <= high
    assert 0.82 <= inside / 150 <= 0.96  # .9 nominal; 150 runs have a standard error of .025


def test_concentration_intervals_at_the_ends():
    assert ci.concentration_interval([5.0] * 20) == (0.0, 0.0)
    assert ci.concentration_interval([5.0] + [0.0] * 19, "top_share") == (1.0, 1.0)
    with pytest.warns(DataWarning, match="rests on 4 customers: below 20"):
        low, high = ci.concentration_interval([0.0, 0.0, 0.0, 5.0], random_state=0)
    assert 0.0 <= low <= high <= 1.0
    with pytest.raises(InputError, match="needs 2 customers or more, got 1"):
        ci.concentration_interval([5.0], random_state=0)
    with pytest.raises(InputError, match="no money to share out"):
        ci.concentration_interval([0.0, 0.0])
    with pytest.raises(InputError, match="statistic must be one of"):
        ci.concentration_interval([1.0, 2.0], "mean")
