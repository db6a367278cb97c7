"""The customer summary in plain Python, customer by customer and bucket by bucket, on `datetime` alone."""

from __future__ import annotations

import math
from datetime import date, datetime, timedelta
from itertools import pairwise

DAYS = {
    "second": 1 / 86400, "minute": 1 / 1440, "hour": 1 / 24, "day": 1, "week": 7,
    "month": 365.25 / 12, "quarter": 365.25 / 4, "year": 365.25,
}  # fmt: skip
EPOCH = date(1970, 1, 1)
MONDAY = date(1969, 12, 29)


def bucket(moment: datetime, grain: str) -> int:
    """Number of the calendar bucket; neighbours differ by one, and any two grains start in January 1970."""
    days = (moment.date() - EPOCH).days
    months = 12 * (moment.year - 1970) + moment.month - 1
    return {
        "hour": 24 * days + moment.hour,
        "day": days,
        "week": (moment.date() - MONDAY).days // 7,
        "month": months,
        "quarter": months // 3,
        "year": moment.year - 1970,
    }[grain]


def bucket_start(moment: datetime, grain: str) -> float:
    """Days from 1970 to the start of the bucket that holds ``moment``."""
    day = moment.date()
    start = {
        "hour": day,
        "day": day,
        "week": day - timedelta(days=day.weekday()),
        "month": day.replace(day=1),
        "quarter": date(day.year, 3 * ((day.month - 1) // 3) + 1, 1),
        "year": date(day.year, 1, 1),
    }[grain]
    return (start - EPOCH).days + (moment.hour / 24 if grain == "hour" else 0)


def summarize(lines, end: date, unit: str, grain: str) -> dict[str, float]:
    """One customer's row. ``lines`` are (moment, amount, quantity); no line lies after ``end``."""
    last_moment = datetime.combine(end, datetime.max.time())

    def place(moment):
        if unit == grain:
            return bucket(moment, grain)
        return bucket_start(moment, grain) / DAYS[unit]

    if unit == grain:
        until = bucket(last_moment, grain)
    elif grain == "hour":
        until = bucket_start(last_moment, "hour") / DAYS[unit]
    else:
        until = (end - EPOCH).days / DAYS[unit]
    held: dict[int, list] = {}
    for line in sorted(lines, key=lambda line: line[0]):
        held.setdefault(bucket(line[0], grain), []).append(line)
    bought = [
        group
        for group in held.values()
        if any(amount >= 0 and quantity >= 0 for _, amount, quantity in group)
    ]
    first = bought[0][0][0] if bought else min(line[0] for line in lines)
    places = [place(group[0][0]) for group in bought] or [place(first)]
    repeat = [sum(line[1] for line in group) for group in bought[1:]]
    year_ago = end - timedelta(days=364)
    return {
        "frequency": max(len(bought) - 1, 0),
        "recency": places[-1] - places[0],
        "T": until - places[0],
        "monetary_value": sum(repeat) / len(repeat) if repeat else 0.0,
        "spend": sum(line[1] for line in lines),
        "spend_last_year": sum(line[1] for line in lines if line[0].date() >= year_ago),
        "sum_log_gaps": sum(math.log(b - a) for a, b in pairwise(places)),
    }
