"""Naive forecasts: what anybody could say of a customer without a model.

Each takes the past, the days to foretell, and what is foretold: number of purchases, or money.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import numpy as np

from crmintel.lifetime._histories import Vector
from crmintel.transactions.calendar import MICROSECONDS_PER_DAY
from crmintel.transactions.log import TransactionLog


class Deeds(Protocol):
    """What customers did: number of purchases, or money."""

    def repeat(self, log: TransactionLog, days: int | None = None) -> Vector:
        """In the last days of a log (None: all), but for the day of the first purchase."""


def own_rate(past: TransactionLog, days: int, deeds: Deeds) -> Vector:
    """Everybody goes on at the rate of all days since the first purchase, which itself does not count."""
    first = past.lines.time[past.starts] // MICROSECONDS_PER_DAY
    age = (past.end.astype("datetime64[D]").astype(np.int64) - first).astype(np.float64)
    return np.divide(days * deeds.repeat(past), age, out=np.zeros(len(past)), where=age > 0)


def last_period(past: TransactionLog, days: int, deeds: Deeds) -> Vector:
    """Everybody does the same again as in as many days before; first purchases do not come again."""
    return deeds.repeat(past, days)


def average(past: TransactionLog, days: int, deeds: Deeds) -> Vector:
    """Everybody does what all did on average in as many days before."""
    return np.full(len(past), last_period(past, days, deeds).mean())


def recency_rule(past: TransactionLog, days: int, deeds: Deeds) -> Vector:
    """Who bought in as many days before goes on at the own rate, all others are gone.

    The "hiatus heuristic" of Wübben, M. & von Wangenheim, F. (2008). Instant customer base analysis: managerial
    heuristics often "get it right". Journal of Marketing 72(3), 82-93.
    """
    return np.where(past.time_since_last() < days, own_rate(past, days, deeds), 0.0)


BASELINES: dict[str, Callable[[TransactionLog, int, Deeds], Vector]] = {
    "own_rate": own_rate,
    "last_period": last_period,
    "average": average,
    "recency_rule": recency_rule,
}
