"""What the problems are about: embedded data, simulated data, and published sets where they lie beside the clone."""

from __future__ import annotations

import gzip
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from scipy.spatial.distance import cdist

import crmintel as ci
from crmintel.datasets import load_cdnow, load_complete_journey

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"


def complete_journey() -> Any:
    """Return 1.47 million lines of a supermarket."""
    return load_complete_journey("transactions", "pandas")


def _spending(frame: Any, customer: str, time: str, amount: str) -> Any:
    return frame[[customer, time, amount]].set_axis(["customer", "time", "amount"], axis=1)


def cdnow_spending() -> Any:
    """Return customer, time and amount of all CDNOW purchases."""
    return _spending(load_cdnow("master"), "customer_id", "date", "amount")


def complete_journey_spending() -> Any:
    """Return customer, time and amount, without the lines of nothing paid.

    lifetimes and crmintel count those differently on a day of nothing else.
    """
    lines = _spending(complete_journey(), "household_id", "transaction_timestamp", "sales_value")
    return lines[lines["amount"] > 0]


def ten_million_lines() -> Any:
    """Return three years of about 560,000 customers, in no order."""
    import pandas as pd

    rng = np.random.default_rng(0)
    lines_each = rng.poisson(rng.gamma(0.6, 10_000_000 / 600_000 / 0.6, 600_000))
    customer = rng.permutation(np.repeat(np.arange(600_000), lines_each))
    seconds = rng.integers(0, 3 * 365 * 86_400, customer.size)
    time = np.datetime64("2021-01-01", "s") + seconds.astype("timedelta64[s]")
    amount = rng.gamma(2.0, 10.0, customer.size).round(2)
    return pd.DataFrame({"customer": customer, "time": time, "amount": amount})


def cdnow_rows() -> Any:
    """Return frequency, recency and T of all CDNOW customers, in weeks, to the end of September 1997."""
    log = ci.TransactionLog.from_frame(
        load_cdnow("master"), customer="customer_id", time="date", amount="amount"
    )
    past, _ = log.split("1997-09-30")
    return np.asarray(ci.CustomerSummary(unit="week").fit_transform(past))[:, :3]


def simulated_rows() -> Any:
    """Return frequency, recency and T of 100,000 simulated customers."""
    truth = ci.BetaGeoNBD.from_params(r=0.243, alpha=4.414, a=0.793, b=2.426)
    return truth.sample(100_000, np.random.default_rng(0).uniform(26, 78, 100_000), random_state=0)


def simulated_days() -> Any:
    """Return frequency, recency and T of 100,000 simulated customers, in weeks but to the day, as logs have them."""
    truth = ci.ParetoNBD.from_params(r=0.553, alpha=10.58, s=0.606, beta=11.67)
    T = np.random.default_rng(0).integers(182, 546, 100_000) / 7.0
    frequency, recency, T = truth.sample(100_000, T, random_state=0).T
    return np.column_stack([frequency, np.minimum(np.ceil(recency * 7.0) / 7.0, T), T])


BGNBD = {"r": 0.243, "alpha": 4.414, "a": 0.793, "b": 2.426}
PARETONBD = {"r": 0.553, "alpha": 10.58, "s": 0.606, "beta": 11.67}


def million_rows() -> Any:
    """Return frequency, recency and T of a million simulated customers, in weeks but to the day."""
    T = np.random.default_rng(0).integers(182, 546, 1_000_000) / 7.0
    frequency, recency, T = ci.BetaGeoNBD.from_params(**BGNBD).sample(1_000_000, T, random_state=0).T
    return np.column_stack([frequency, np.minimum(np.ceil(recency * 7.0) / 7.0, T), T])


def million_to_predict(params: dict[str, float], grain: str) -> Any:
    """Return parameters and the histories of a million customers, "to the day" or "to the second"."""
    rows = million_rows()
    if grain == "to the second":
        shift = np.random.default_rng(1).random(len(rows)) / 7.0
        rows[:, 2] += shift
        rows[:, 1] += np.where(rows[:, 0] > 0, shift, 0.0)
    return params, rows


def million_spenders() -> Any:
    """Return the frequency and the mean spend of the repeat buyers among a million simulated customers."""
    frequency = million_rows()[:, 0]
    frequency = frequency[frequency > 0]
    rng = np.random.default_rng(0)
    rate = rng.gamma(3.74, 1.0 / 15.45, frequency.size)
    return np.column_stack([frequency, rng.gamma(6.25 * frequency) / (rate * frequency)])


def million_scores() -> Any:
    """Return who left of a million customers, 15 % of them, and a score."""
    rng = np.random.default_rng(0)
    left = (rng.random(1_000_000) < 0.15).astype(int)
    return left, 1.0 / (1.0 + np.exp(-(rng.normal(size=left.size) + left)))


def customers(n: int, d: int, k: int) -> Any:
    """Return what shops know of n customers, in logarithms and standardised, and starting centres among them.

    Days since the last purchase, purchases, money, days since the first, items, share bought on offer, price paid and
    share of the favourite category: the busier buy more, spend more and were here not long ago.
    """
    rng = np.random.default_rng(0)
    busy = rng.normal(size=n)
    purchases = rng.poisson(np.exp(0.9 * busy + 0.3))
    money = (purchases + 1) * np.exp(rng.normal(3.0, 0.6, n) + 0.2 * busy)
    columns = (
        np.log1p(rng.exponential(60.0 * np.exp(-0.5 * busy)).astype(int)),
        np.log1p(purchases),
        np.log1p(money),
        np.log1p(rng.exponential(300.0, n)),
        np.log1p(rng.poisson(2.0 * (purchases + 1))),
        rng.beta(1.0, 4.0, n),
        np.log1p(np.exp(rng.normal(3.0, 0.5, n))),
        rng.beta(2.0, 2.0, n),
    )
    return _standardised(np.column_stack(columns[:d]), k, rng)


def clouds(n: int, d: int, k: int) -> Any:
    """Return round clouds around twelve uneven centres, which overlap: harder for k-means than customers are."""
    rng = np.random.default_rng(0)
    centers = rng.normal(size=(12, d)) * 1.5
    which = rng.choice(12, size=n, p=rng.dirichlet(np.full(12, 2.0)))
    return _standardised(centers[which] + rng.normal(size=(n, d)), k, rng)


def segments(n: int, d: int, k: int) -> Any:
    """Return customers, and for each the nearest of k among them."""
    rows, centers = customers(n, d, k)
    return rows, cdist(rows, centers).argmin(axis=1)


def _standardised(rows: Any, k: int, rng: np.random.Generator) -> Any:
    rows = (rows - rows.mean(axis=0)) / rows.std(axis=0)
    return rows, rows[rng.choice(len(rows), k, replace=False)].copy()


def mixed_customers() -> Any:
    """Return 100,000 customers of 8 kinds: four standardised numbers and four categories."""
    rng = np.random.default_rng(0)
    kind = rng.integers(0, 8, 100_000)
    numbers = (rng.normal(size=(8, 4)) * 1.5)[kind] + rng.normal(size=(kind.size, 4))
    numbers = (numbers - numbers.mean(axis=0)) / numbers.std(axis=0)
    codes = []
    for n_codes in (3, 5, 8, 12):
        ends = rng.dirichlet(np.full(n_codes, 0.5), size=8).cumsum(axis=1)[kind]
        codes.append((rng.random((kind.size, 1)) > ends[:, :-1]).sum(axis=1))
    return numbers, np.array([[f"c{code}" for code in column] for column in codes], dtype=object).T


@cache
def baskets(name: str) -> ci.Baskets:
    """Return a set of baskets by its name in the literature; `products` and `types` are the Complete Journey's."""
    if name == "quest":  # made as T10I4D100K was
        return ci.datasets.make_baskets(n_baskets=100_000, n_items=870, random_state=0)[0]
    if name == "products":
        return ci.Baskets.from_frame(complete_journey(), basket="basket_id", item="product_id")
    if name == "types":
        lines = complete_journey().merge(
            load_complete_journey("products", "pandas")[["product_id", "product_type"]]
        )
        return ci.Baskets.from_frame(lines.dropna(), basket="basket_id", item="product_type")
    if name == "groceries":
        with gzip.open(SHARED / "baskets" / "groceries.csv.gz", "rt", encoding="utf-8") as file:
            return ci.Baskets.from_lists([line.strip().split(",") for line in file])
    with gzip.open(SHARED / "baskets" / f"{name}.dat.gz", "rt", encoding="ascii") as file:
        return ci.Baskets.from_lists([list(map(int, line.split())) for line in file])


def sequences(name: str) -> list[list[int]]:
    """Return a set of sequences of single items by its name in the literature."""
    with gzip.open(SHARED / "sequences" / f"{name}.spmf.gz", "rt", encoding="ascii") as file:
        return [[int(word) for word in line.split() if not word.startswith("-")] for line in file]


def foodmart_profits() -> list[dict[int, float]]:
    """Return the baskets of foodmart: what each of their items brought."""
    with gzip.open(SHARED / "baskets" / "foodmart_utility.txt.gz", "rt", encoding="ascii") as file:
        lines = [line.strip().split(":") for line in file if line.strip()]
    return [
        dict(zip(map(int, items.split()), map(float, profits.split()), strict=True))
        for items, _, profits in lines
    ]


MONTHS = [f"2017-{month:02d}-28" for month in range(1, 13)]
WINDOWS = (30, 90, 365)


def journey_lines() -> Any:
    """Return household, time, money and product of all lines."""
    return complete_journey()[["household_id", "transaction_timestamp", "sales_value", "product_id"]]


def journey_log() -> ci.TransactionLog:
    """Return the Complete Journey with money, products, their categories and discounts."""
    products = load_complete_journey("products", "pandas")[["product_id", "product_category"]]
    return ci.TransactionLog.from_frame(
        complete_journey().merge(products, how="left", on="product_id"),
        customer="household_id", time="transaction_timestamp", amount="sales_value", quantity="quantity",
        item="product_id", category="product_category", discount="retail_disc", basket="basket_id",
    )  # fmt: skip


def online_retail_log() -> ci.TransactionLog:
    """Return the UCI Online Retail, without the lines that name no customer."""
    import pandas as pd

    lines = pd.read_parquet(SHARED / "transactions" / "online_retail.parquet").dropna(subset="CustomerID")
    lines = lines.assign(
        amount=lines["Quantity"] * lines["UnitPrice"], CustomerID=lines["CustomerID"].astype(int)
    )
    return ci.TransactionLog.from_frame(
        lines, customer="CustomerID", time="InvoiceDate", amount="amount", quantity="Quantity", item="StockCode",
        basket="InvoiceNo",
    )  # fmt: skip
