"""pandas: what one writes by hand."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.rivals import Entry, digest


def _log(frame: Any) -> Any:
    keys = ["household_id", "transaction_timestamp", "product_id", "basket_id"]
    return frame.groupby(keys)["sales_value"].sum()


def _summary(frame: Any) -> Any:
    """Two groupbys: lines into customer days, days into customers."""
    days = frame.groupby(["customer", frame["time"].dt.floor("D")], sort=False)["amount"].sum()
    days = days.reset_index().sort_values(["customer", "time"])
    by_customer = days.groupby("customer")
    first, last, n = by_customer["time"].min(), by_customer["time"].max(), by_customer.size()
    total, first_day = by_customer["amount"].sum(), by_customer["amount"].first()
    frequency = n - 1
    end = frame["time"].max().floor("D")
    repeat = np.where(frequency > 0, (total - first_day) / frequency.where(frequency > 0, 1), 0.0)
    return np.column_stack([frequency, (last - first).dt.days, (end - first).dt.days, repeat])


def _itemsets(problem: Any) -> Any:
    """The baskets by pandas, the itemsets by the fastest of pyfim."""
    import fim

    frame, min_count = problem
    baskets = frame.groupby("basket_id")["product_id"].agg(list).tolist()
    return fim.eclat(baskets, supp=-min_count, algo="o", report="a")


TASKS = {
    "log": Entry(_log, answer=lambda lines: lines.groupby("household_id").sum().to_dict()),
    "frame to summary": Entry(_summary),
    "frame to itemsets": Entry(
        _itemsets, answer=lambda found: digest((frozenset(items), count) for items, count in found)
    ),
}
