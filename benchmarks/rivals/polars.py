"""polars, lazily: its query planner and both cores."""

from __future__ import annotations

from typing import Any

import polars as pl

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


TASKS = {
    "frame to summary": Entry(
        _summary, prepare=pl.from_pandas, answer=lambda table: table.drop("customer").to_numpy()
    ),
}
