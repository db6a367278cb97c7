"""What a forecast is judged by: the past up to a date, and what its customers then did."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from crmintel.lifetime._histories import Vector
from crmintel.lifetime.value import LifetimeValue
from crmintel.transactions.calendar import MICROSECONDS_PER_DAY, UNIT_DAYS, last_microsecond, period_index
from crmintel.transactions.log import TransactionLog

WEEK = 7


@dataclass(frozen=True, slots=True)
class Holdout:
    """One cutoff: the past with no later line in it, and the ``days`` after it, of the same customers."""

    cutoff: np.datetime64
    days: int
    past: TransactionLog
    future: TransactionLog
    customers: NDArray[np.int64]  # positions in the whole log

    @classmethod
    def of(cls, log: TransactionLog, cutoff: np.datetime64, days: int) -> Holdout:
        past, future = log.until(cutoff + np.timedelta64(days, "D")).split(cutoff)
        where = np.flatnonzero(np.isin(log.customers, past.customers, assume_unique=True))
        return cls(cutoff, days, past.compact(), future.compact(), where)

    @property
    def ends(self) -> list[int]:
        """Days after the cutoff at which the weeks end; the last may be cut short."""
        return [*range(WEEK, self.days, WEEK), self.days]


def window(log: TransactionLog, after: np.datetime64, days: int) -> TransactionLog:
    """Return the same customers with only their lines of the ``days`` after a date."""
    last = after + np.timedelta64(days, "D")
    return log._view(starts=log._cuts(last_microsecond(after)), stops=log._cuts(last_microsecond(last)))


def first_days(log: TransactionLog) -> NDArray[np.datetime64]:
    """Return the day of each customer's first line."""
    return (log.lines.time[log.starts] // MICROSECONDS_PER_DAY).astype("datetime64[D]")


def count_purchases(log: TransactionLog, grain: str) -> Vector:
    """Return how many calendar buckets (days, weeks, ...) with a purchase each customer has."""
    return log.runs(1, 0, periods=period_index(log.lines.time, grain))[0].astype(np.float64)


@dataclass(frozen=True, slots=True)
class Purchases:
    """The target is the number of purchases, counted as the rows count them."""

    grain: str = "day"
    name: str = "purchases"

    def actual(self, log: TransactionLog, after: np.datetime64, days: int) -> Vector:
        return count_purchases(window(log, after, days), self.grain)

    def repeat(self, log: TransactionLog, days: int | None = None) -> Vector:
        if days is None:
            return np.maximum(count_purchases(log, self.grain) - 1.0, 0.0)
        begin = log.end.astype("datetime64[D]") - np.timedelta64(days, "D")
        return np.maximum(self.actual(log, begin, days) - (first_days(log) > begin), 0.0)

    def of_naive(self, past: TransactionLog, days: int, naive: Callable[..., Vector]) -> Vector:
        return naive(past, days, self)

    def total(self, values: Vector) -> float:
        return float(values.sum())


@dataclass(frozen=True, slots=True)
class Money:
    """The target is money: net sales, or the profit that a `LifetimeValue` promises."""

    margin: float = 1.0
    retention_cost: float = 0.0
    rate: float = 0.0  # continuous, per day
    grain: str = "day"
    name: str = "money"

    @classmethod
    def promised_by(cls, value: LifetimeValue, grain: str) -> Money:
        rate = np.log1p(value.discount_rate) / UNIT_DAYS["year"]
        return cls(float(value.margin), float(value.retention_cost), float(rate), grain)

    def actual(self, log: TransactionLog, after: np.datetime64, days: int) -> Vector:
        part = window(log, after, days)
        amount = log.lines.need("amount", "a target of money")
        lines = part.line_numbers()
        age = log.lines.time[lines] // MICROSECONDS_PER_DAY - after.astype("datetime64[D]").astype(np.int64)
        sales = np.bincount(part.owners(), amount[lines] * np.exp(-self.rate * age), len(part))
        return np.asarray(self.margin * sales - self.retention_cost, dtype=np.float64)

    def repeat(self, log: TransactionLog, days: int | None = None) -> Vector:
        since, end = first_days(log), log.end.astype("datetime64[D]")
        if days is not None:
            since = np.maximum(since, end - np.timedelta64(days, "D"))
        return log.spend_since(since + np.timedelta64(1, "D"))

    def of_naive(self, past: TransactionLog, days: int, naive: Callable[..., Vector]) -> Vector:
        sales = naive(past, days, Money())
        # sales spread evenly over the horizon, discounted
        share = -np.expm1(-self.rate * days) / (self.rate * days) if self.rate > 0.0 else 1.0
        return self.margin * share * sales - self.retention_cost

    def total(self, values: Vector) -> float:
        return float((values + self.retention_cost).sum())


Target = Purchases | Money
