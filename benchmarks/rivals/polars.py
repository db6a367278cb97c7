"""polars, lazily: its query planner and both cores."""

from __future__ import annotations

import datetime as dt
from typing import Any

import polars as pl

from benchmarks import data
from benchmarks.rivals import Entry


def _summary(frame: Any) -> Any:
    day = pl.col("time").dt.truncate("1d")
    end = frame["time"].max().replace(hour=0, minute=0, second=0, microsecond=0)
    days = frame.lazy().group_by("customer", day.alias("day")).agg(pl.col("amount").sum())
    first, last = pl.col("day").min(), pl.col("day").max()
    repeat = pl.col("amount").filter(pl.col("day") > first).mean().fill_null(0.0)
    return (
        days.group_by("customer")
        .agg(
            frequency=pl.len().cast(pl.Float64) - 1,
            recency=(last - first).dt.total_days(),
            T=(pl.lit(end) - first).dt.total_days(),
            monetary_value=repeat,
        )
        .sort("customer")
        .collect()
    )


def _behaviour(frame: Any) -> Any:
    """A group_by for each date: purchases, money and products of each window and of all time, first and last day."""
    lines = frame.lazy().with_columns(day=pl.col("transaction_timestamp").dt.date())
    day = pl.col("day")
    tables = []
    for date in map(dt.date.fromisoformat, data.MONTHS):
        columns = []
        for days in (*data.WINDOWS, data.WINDOWS[-1] * 100):
            recent = day > date - dt.timedelta(days=days)
            columns += [
                day.filter(recent).n_unique().alias(f"purchases_{days}"),
                pl.col("sales_value").filter(recent).sum().alias(f"spend_{days}"),
                pl.col("product_id").filter(recent).n_unique().alias(f"items_{days}"),
            ]
        ages = [
            (date - day.max()).dt.total_days().alias("last"),
            (date - day.min()).dt.total_days().alias("first"),
        ]
        past = lines.filter(day <= date)
        tables.append(past.group_by("household_id").agg(columns + ages).sort("household_id"))
    return pl.concat(pl.collect_all(tables))


TASKS = {
    "behaviour": Entry(
        _behaviour,
        prepare=pl.from_pandas,
        answer=lambda table: table.drop("household_id").to_numpy(),
    ),
    "frame to summary": Entry(
        _summary, prepare=pl.from_pandas, answer=lambda table: table.drop("customer").to_numpy()
    ),
}
