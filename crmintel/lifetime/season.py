"""The season: how much more, or less, customers buy in each part of the year."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from crmintel._validation import check_choice, check_number, check_vector, raise_if_any
from crmintel.exceptions import DataWarning, InputError
from crmintel.lifetime._histories import Vector
from crmintel.transactions.calendar import MICROSECONDS_PER_DAY, as_date
from crmintel.transactions.log import TransactionLog
from crmintel.transactions.reader import check_log
from crmintel.transactions.returns import is_return

_DAYS = np.arange("1900-01-01", "2300-01-01", dtype="datetime64[D]")  # 400 years: the calendar begins again
_FIRST = int(_DAYS[0].astype(np.int64))
_LAST_WEEK = 51  # the 365th day, and the 366th, belong to it
_TWO_YEARS = 700  # days, or nearly
_STEPS = 100_000
_SETTLED = 1e-10
_ROUNDING = 1e-12


def _month(days: NDArray[np.datetime64]) -> NDArray[np.int64]:
    return days.astype("datetime64[M]").astype(np.int64) % 12


def _week(days: NDArray[np.datetime64]) -> NDArray[np.int64]:
    return np.minimum((days - days.astype("datetime64[Y]")).astype(np.int64) // 7, _LAST_WEEK)


_PERIODS: dict[str, tuple[int, Callable[[NDArray[np.datetime64]], NDArray[np.int64]]]] = {
    "month": (12, _month),
    "week": (_LAST_WEEK + 1, _week),
}


class SeasonalProfile:
    """Rates of buying by the part of the year, relative to their mean over the year.

    Parameters
    ----------
    index : array of shape (12,) or (52,)
        Rate of each month from January, or of each week from January 1, each > 0. Their mean over the year's days is
        made 1.
    period : {"month", "week"}, default="month"
        What ``index`` counts.

    Attributes
    ----------
    index : ndarray
        The rates with mean 1: 1.5 in December means half as many purchases again as in an average month of its length.
    period : str

    See Also
    --------
    SeasonalModel : A model of purchases that knows the season.

    Examples
    --------
    >>> import crmintel as ci
    >>> gifts = ci.SeasonalProfile([0.8, 0.8, 0.9, 1, 1, 1, 0.9, 0.9, 1, 1, 1.2, 1.7])
    >>> gifts.rate(["2024-07-15", "2024-12-15"]).round(2)
    array([0.88, 1.67])
    >>> log, _ = ci.datasets.make_transactions(300, weeks=104, random_state=0)
    >>> ci.SeasonalProfile.from_log(log)  # simulated without seasons
    SeasonalProfile(flat)
    """

    def __init__(self, index: ArrayLike, period: str = "month") -> None:
        self.period = check_choice(period, "period", tuple(_PERIODS))
        n, number = _PERIODS[self.period]
        rates = check_vector(index, "index", n=n)
        raise_if_any(rates <= 0.0, rates, "index", "must be > 0; for no purchases at all give a small rate")
        mean = float(rates[number(_DAYS)].mean())
        self.index = rates.copy() if abs(mean - 1.0) < _ROUNDING else rates / mean  # an index is its own
        self.index.flags.writeable = False

    @classmethod
    def from_log(
        cls, log: TransactionLog, period: str = "month", shrinkage: float | str = "auto"
    ) -> SeasonalProfile:
        """Learn the season from the purchases between each customer's first and last.

        Given those two dates and their number, the purchases between lie where the season puts them, whatever the
        customer's rate, whoever has come or left: growth of the base is not taken for a season.

        Parameters
        ----------
        log : TransactionLog
            Best with two years or more.
        period : {"month", "week"}, default="month"
        shrinkage : float or "auto", default="auto"
            How strongly rates are drawn to 1: as if this many purchases more had come at the mean rate in each period.
            ``"auto"`` learns it from how much more the periods differ than chance explains; where they do not, the
            profile is flat.

        Returns
        -------
        SeasonalProfile

        Raises
        ------
        InputError
            If no customer has three purchases or more.

        Warns
        -----
        DataWarning
            If the purchases span less than two years: what came once in a year need not come again.

        References
        ----------
        Cox, D. R. (1972). The statistical analysis of dependencies in point processes. In: Lewis, P. A. W. (ed.),
        Stochastic Point Processes, 55-66.
        """
        n_periods, number = _PERIODS[check_choice(period, "period", tuple(_PERIODS))]
        if isinstance(shrinkage, str):
            check_choice(shrinkage, "shrinkage", ("auto",))
        else:
            check_number(shrinkage, "shrinkage", low=0.0, strict_low=True)
        first, last, between, days = _between(check_log(log, "log"))
        span = int(last.max() - first.min())
        if span < _TWO_YEARS:
            warnings.warn(
                f"the purchases span {span} days, so that hardly any {period} was seen in two years: what came once "
                "need not come again. Take a log of two years or more, or give known rates: SeasonalProfile(index).",
                DataWarning,
                stacklevel=2,
            )
        periods = number(np.arange(first.min(), last.max() + 1).astype("datetime64[D]"))
        first, last, days = first - first.min(), last - first.min(), days - first.min()
        seen = np.bincount(periods[days], minlength=n_periods).astype(np.float64)

        def expected(index: Vector) -> Vector:
            """Purchases of each period at rate 1, for customers whose purchases are spread by ``index``."""
            passed = np.append(0.0, np.cumsum(index[periods]))
            share = between / (passed[last] - passed[first + 1])
            per_day = np.cumsum(
                np.bincount(first + 1, share, periods.size + 1) - np.bincount(last, share, periods.size + 1)
            )
            return np.bincount(periods, per_day[:-1], n_periods).astype(np.float64)

        index = np.ones(n_periods)
        prior = _prior(seen, expected(index)) if isinstance(shrinkage, str) else float(shrinkage)
        for _ in range(_STEPS if np.isfinite(prior) else 0):
            before, index = index, (seen + prior) / (expected(index) + prior)
            if np.abs(index / before - 1.0).max() < _SETTLED:
                break
        return cls(index, period)

    def rate(self, dates: Any) -> Vector:
        """Return the relative rate of buying on each of ``dates``."""
        if isinstance(dates, np.ndarray) and dates.dtype.kind == "M":
            days = np.atleast_1d(dates).astype("datetime64[D]")
            raise_if_any(np.isnat(days), days, "dates", "must not be missing")
        else:
            days = np.array([as_date(date, "dates") for date in np.atleast_1d(dates)], dtype="datetime64[D]")
        return self.index[_PERIODS[self.period][1](days)]

    def clock(self, days: ArrayLike) -> Vector:
        """Return the seasonal time at the end of each day, in average days: it runs by ``rate``.

        Parameters
        ----------
        days : array of float
            Days from 1970-01-01. Before 1900 and after 2299 the clock runs evenly.

        Returns
        -------
        ndarray
        """
        return _shifted(days, *_hands(self))

    def calendar(self, time: ArrayLike) -> Vector:
        """Return the days at which `clock` shows ``time``."""
        days, passed = _hands(self)
        return _shifted(time, passed, days)

    def changes(self, begin: float, end: float) -> Vector:
        """Return the days between ``begin`` and ``end`` after which the rate changes."""
        days = np.arange(np.floor(begin), np.ceil(end) + 1.0)
        periods = _PERIODS[self.period][1](days.astype(np.int64).astype("datetime64[D]"))
        last = days[:-1][periods[1:] != periods[:-1]]
        return last[(last > begin) & (last < end)]

    def __repr__(self) -> str:
        if np.ptp(self.index) < 1e-12:
            return "SeasonalProfile(flat)"
        low, high = (int(at) + 1 for at in (self.index.argmin(), self.index.argmax()))
        return (
            f"SeasonalProfile({self.period} {low}: {self.index.min():.2f} .. {self.period} {high}: "
            f"{self.index.max():.2f})"
        )

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, SeasonalProfile):
            return NotImplemented
        return self.period == other.period and np.array_equal(self.index, other.index)

    def __hash__(self) -> int:
        return hash((self.period, self.index.tobytes()))


@lru_cache(maxsize=8)
def _hands(profile: SeasonalProfile) -> tuple[Vector, Vector]:
    """The ends of 400 years' days, and what the clock shows at them."""
    passed = np.append(0.0, np.cumsum(profile.rate(_DAYS)))
    return np.arange(float(passed.size)) + (_FIRST - 1.0), passed + (_FIRST - 1.0)


def _shifted(x: ArrayLike, points: Vector, values: Vector) -> Vector:
    """Linear between the points, and of slope 1 beyond them."""
    x = np.asarray(x, dtype=np.float64)
    beyond = np.maximum(x - points[-1], 0.0) + np.minimum(x - points[0], 0.0)
    return np.asarray(np.interp(x, points, values) + beyond)


def _between(log: TransactionLog) -> tuple[NDArray[np.int64], NDArray[np.int64], Vector, NDArray[np.int64]]:
    """First and last purchase day of customers who bought in between, on how many days, and these days of all."""
    log = log.compact()
    bought = ~is_return(log.lines)
    owners, days = log.owners()[bought], log.lines.time[bought] // MICROSECONDS_PER_DAY
    new = np.append(True, (owners[1:] != owners[:-1]) | (days[1:] != days[:-1]))
    owners, days = owners[new], days[new]
    starts = np.flatnonzero(np.append(True, owners[1:] != owners[:-1]))
    counts = np.diff(np.append(starts, owners.size))
    regular = counts > 2
    if not regular.any():
        raise InputError(
            "no customer has three purchases, so that none lies between a first and a last; give the rates yourself: "
            "SeasonalProfile(index)."
        )
    inner = np.ones(owners.size, dtype=bool)
    inner[starts] = inner[starts + counts - 1] = False
    first, last = days[starts], days[starts + counts - 1]
    return first[regular], last[regular], counts[regular] - 2.0, days[inner]


def _prior(seen: Vector, expected: Vector) -> float:
    """The precision of the periods' rates by moments: how much more than chance ``seen`` differs from ``expected``."""
    known = expected > 0
    seen, expected = seen[known], expected[known]
    excess = float(((seen - expected) ** 2 / expected).sum()) - (seen.size - 1)
    total = expected.sum()
    variance = excess / max(total - float((expected**2).sum()) / total, 1e-300)
    return 1.0 / variance if variance > 0.0 else np.inf
