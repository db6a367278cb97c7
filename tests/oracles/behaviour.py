"""Behaviour features of one customer in plain Python, each from its definition, and churn by brute force."""

from __future__ import annotations

import calendar
import itertools
import math
import statistics
from datetime import date, timedelta


def is_return(line):
    return line.get("amount", 0.0) < 0 or line.get("quantity", 0.0) < 0


def purchase_days(lines):
    return sorted({line["day"] for line in lines if not is_return(line)})


def features(lines, as_of: date, windows, has_hours=True):
    """Return name -> value for one customer; ``lines`` are dicts with a ``day`` and whatever the log has.

    The customer's lines after ``as_of`` are in ``lines`` too: each feature leaves them out itself.
    """
    lines = [line for line in lines if line["day"] <= as_of]
    days = purchase_days(lines)
    has = lines[0].keys() if lines else ()
    row = {}
    for length in (*sorted(windows), None):
        first = date.min if length is None else as_of - timedelta(days=length - 1)
        ending = "" if length is None else f"_{length}d"
        within = [line for line in lines if line["day"] >= first]
        row[f"purchases{ending}"] = len(purchase_days(within))
        if "amount" in has:
            row[f"spend{ending}"] = math.fsum(line["amount"] for line in within)
        for field, name in (("item", "items"), ("category", "categories")):
            if field in has:
                bought = {line[field] for line in within if not is_return(line)}
                row[f"{name}{ending}"] = len(bought - {None})
        if length is not None:
            before = [day for day in days if first - timedelta(days=length) <= day < first]
            is_old_enough = bool(days) and days[0] <= first - timedelta(days=length)
            ratio = (1 + row[f"purchases{ending}"]) / (1 + len(before))
            row[f"trend{ending}"] = math.log(ratio) if is_old_enough else math.nan
            second = first - timedelta(days=length)
            earlier = [day for day in days if second - timedelta(days=length) <= day < second]
            is_old_enough = bool(days) and days[0] <= second - timedelta(days=length)
            row[f"acceleration{ending}"] = (
                math.log(ratio) - math.log((1 + len(before)) / (1 + len(earlier)))
                if is_old_enough
                else math.nan
            )
            if "category" in has:
                row[f"category_shift{ending}"] = category_shift(lines, first)
    gaps = [(later - day).days for day, later in itertools.pairwise(days)]
    row["time_since_last"] = (as_of - days[-1]).days if days else math.nan
    row["tenure"] = (as_of - days[0]).days if days else math.nan
    row["mean_gap"] = statistics.fmean(gaps) if gaps else math.nan
    row["sd_gap"] = statistics.stdev(gaps) if len(gaps) > 1 else math.nan
    row["overdue_ratio"] = row["time_since_last"] / row["mean_gap"]
    kept = [line for line in lines if not is_return(line)]
    if "amount" in has:
        row["spend_per_purchase"] = row["spend"] / len(days) if days else math.nan
    if "discount" in has:
        row["discount_share"] = sum(line["discount"] != 0 for line in kept) / len(kept) if kept else math.nan
    if "amount" in has or "quantity" in has:
        row["return_share"] = 1 - len(kept) / len(lines) if lines else math.nan
    if has_hours:
        for k, name in enumerate(("night", "morning", "afternoon", "evening")):
            row[f"{name}_share"] = share(line["hour"] // 6 == k for line in kept)
    for k, name in enumerate(calendar.day_name):
        row[f"{name.lower()}_share"] = share(line["day"].weekday() == k for line in kept)
    return row


def share(values):
    values = list(values)
    return sum(values) / len(values) if values else math.nan


def category_shift(lines, first: date):
    """Total variation distance of the categories' shares of the lines before ``first`` and from it on."""
    kept = [line for line in lines if not is_return(line) and line["category"] is not None]
    sides = [[line["category"] for line in kept if (line["day"] < first) == early] for early in (True, False)]
    if not all(sides):
        return math.nan
    return (
        sum(
            abs(share(c == x for x in sides[0]) - share(c == x for x in sides[1]))
            for c in {*sides[0], *sides[1]}
        )
        / 2
    )


def churned(lines, as_of: date, horizon: int, gap: int = 0):
    """1 if no purchase falls on one of the ``horizon`` days after the ``gap`` days after ``as_of``."""
    watched = {as_of + timedelta(days=gap + k) for k in range(1, horizon + 1)}
    return int(not watched & set(purchase_days(lines)))
