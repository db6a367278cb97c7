"""The problems: data, who solves them, and when two answers are the same."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

import crmintel as ci
from crmintel.datasets import load_cdnow, load_complete_journey


@dataclass(frozen=True)
class Problem:
    """`same(ours, theirs)` raises an AssertionError where the answers differ."""

    name: str
    task: str
    data: Callable[[], Any]
    rivals: tuple[str, ...]
    same: Callable[[Any, Any], None]


def _complete_journey() -> Any:
    return load_complete_journey("transactions", "pandas")


def _spending(frame: Any, customer: str, time: str, amount: str) -> Any:
    return frame[[customer, time, amount]].set_axis(["customer", "time", "amount"], axis=1)


def _cdnow_spending() -> Any:
    return _spending(load_cdnow("master"), "customer_id", "date", "amount")


def _complete_journey_spending() -> Any:
    # without the lines of nothing paid, which lifetimes and crmintel count differently on a day of nothing else
    lines = _spending(_complete_journey(), "household_id", "transaction_timestamp", "sales_value")
    return lines[lines["amount"] > 0]


def _ten_million_lines() -> Any:
    """Three years of about 560,000 customers, in no order."""
    import pandas as pd

    rng = np.random.default_rng(0)
    lines_each = rng.poisson(rng.gamma(0.6, 10_000_000 / 600_000 / 0.6, 600_000))
    customer = rng.permutation(np.repeat(np.arange(600_000), lines_each))
    seconds = rng.integers(0, 3 * 365 * 86_400, customer.size)
    time = np.datetime64("2021-01-01", "s") + seconds.astype("timedelta64[s]")
    amount = rng.gamma(2.0, 10.0, customer.size).round(2)
    return pd.DataFrame({"customer": customer, "time": time, "amount": amount})


def _cdnow_rows() -> Any:
    log = ci.TransactionLog.from_frame(
        load_cdnow("master"), customer="customer_id", time="date", amount="amount"
    )
    past, _ = log.split("1997-09-30")
    return np.asarray(ci.CustomerSummary(unit="week").fit_transform(past))[:, :3]


def _simulated_rows() -> Any:
    truth = ci.BetaGeoNBD.from_params(r=0.243, alpha=4.414, a=0.793, b=2.426)
    return truth.sample(100_000, np.random.default_rng(0).uniform(26, 78, 100_000), random_state=0)


def _quest(min_support: int) -> Any:
    """100,000 baskets of 870 items, as in the set T10I4D100K."""
    return ci.datasets.make_baskets(n_baskets=100_000, n_items=870, random_state=0)[0], min_support


def _products(min_support: int) -> Any:
    return ci.Baskets.from_frame(_complete_journey(), basket="basket_id", item="product_id"), min_support


def _customers(n: int, d: int, k: int) -> Any:
    """Customers around twelve uneven centres, standardised, with starting centres among them."""
    rng = np.random.default_rng(0)
    centers = rng.normal(size=(12, d)) * 1.5
    which = rng.choice(12, size=n, p=rng.dirichlet(np.full(12, 2.0)))
    rows = centers[which] + rng.normal(size=(n, d))
    rows = (rows - rows.mean(axis=0)) / rows.std(axis=0)
    return rows, rows[rng.choice(n, k, replace=False)].copy()


def _same_money(ours: dict[Any, float], theirs: dict[Any, float]) -> None:
    assert ours.keys() == theirs.keys()
    assert all(abs(ours[key] - theirs[key]) < 0.005 for key in ours)


def _same_rows(ours: Any, theirs: Any) -> None:
    np.testing.assert_allclose(np.asarray(ours), theirs, rtol=1e-9, atol=1e-9)


def _same_parameters(ours: dict[str, float], theirs: dict[str, float]) -> None:
    for name, value in theirs.items():
        assert abs(ours[name] - value) <= 2e-3 * abs(value), f"{name}: {ours[name]} and {value}"


def _same_itemsets(ours: dict[Any, int], theirs: dict[Any, int]) -> None:
    assert ours == theirs, f"{len(ours)} and {len(theirs)} itemsets"


def _same_inertia(ours: float, theirs: float) -> None:
    assert abs(ours - theirs) <= 1e-6 * theirs, f"inertia {ours} and {theirs}"


PYFIM = ("pyfim:eclat", "pyfim:fpgrowth")
PROBLEMS = {
    name: Problem(name, task, data, rivals, same)
    for name, task, data, rivals, same in (
        ("log, Complete Journey", "log", _complete_journey, ("pandas",), _same_money),
        ("summary, CDNOW master", "summary", _cdnow_spending, ("lifetimes",), _same_rows),
        ("summary, Complete Journey", "summary", _complete_journey_spending, ("lifetimes",), _same_rows),
        (
            "frame to summary, 1e7 lines",
            "frame to summary",
            _ten_million_lines,
            ("polars", "pandas"),
            _same_rows,
        ),
        ("BG/NBD, CDNOW master", "bgnbd", _cdnow_rows, ("lifetimes",), _same_parameters),
        ("BG/NBD, 1e5 simulated", "bgnbd", _simulated_rows, ("lifetimes",), _same_parameters),
        ("itemsets, Quest at 500", "itemsets", partial(_quest, 500), (*PYFIM, "mlxtend"), _same_itemsets),
        ("itemsets, Quest at 50", "itemsets", partial(_quest, 50), PYFIM, _same_itemsets),
        ("itemsets, Complete Journey at 30", "itemsets", partial(_products, 30), PYFIM, _same_itemsets),
        (
            "k-means, 1e6 x 3, k = 8",
            "kmeans",
            partial(_customers, 1_000_000, 3, 8),
            ("sklearn",),
            _same_inertia,
        ),
        (
            "k-means, 1e6 x 5, k = 8",
            "kmeans",
            partial(_customers, 1_000_000, 5, 8),
            ("sklearn",),
            _same_inertia,
        ),
    )
}
