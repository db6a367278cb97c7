"""The cohort table: customers by the period of their first purchase, followed from age to age."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from crmintel._frames import build_frame
from crmintel._validation import check_choice
from crmintel.exceptions import DateRangeError
from crmintel.segments._periods import activity, coverage, whole_periods
from crmintel.transactions.log import TransactionLog
from crmintel.transactions.reader import check_log


class CohortTable:
    """Cohorts by age: a triangle, for the youngest have not grown old yet; made by `cohort_table`.

    Attributes
    ----------
    cohorts : ndarray of datetime64, shape (n_cohorts,)
        First day of the period in which the customers of each row were first seen.
    sizes : ndarray of int64, shape (n_cohorts,)
        Number of customers.
    values : ndarray of shape (n_cohorts, n_ages)
        What the cohort did at each age, in periods since its first; NaN where that lies beyond the log.
    value : str
        What is counted: ``customers`` or ``money``.
    unit : str
        Length of a period.

    Examples
    --------
    >>> import crmintel as ci
    >>> log = ci.TransactionLog.from_arrays(
    ...     customer=["ann", "bob", "ann", "cid"],
    ...     time=["2024-01-01", "2024-01-31", "2024-02-10", "2024-02-29"],
    ...     amount=[50.0, 20.0, 60.0, 15.0],
    ... )
    >>> table = ci.cohort_table(log, unit="month")
    >>> table.values
    array([[ 2.,  1.],
           [ 1., nan]])
    >>> table.retention[0].tolist()
    [1.0, 0.5]
    """

    def __init__(
        self,
        cohorts: NDArray[np.datetime64],
        sizes: NDArray[np.int64],
        values: NDArray[np.float64],
        *,
        value: str,
        unit: str,
        library: str | None = None,
        covers: str | None = None,
    ) -> None:
        self.cohorts, self.sizes, self.values = cohorts, sizes, values
        self.value, self.unit = value, unit
        self._library, self._covers = library, covers

    def __len__(self) -> int:
        return self.cohorts.size

    def __repr__(self) -> str:
        customers = int(self.sizes.sum())
        covers = f"; {self._covers}" if self._covers else ""
        return f"CohortTable({len(self)} {self.unit} cohorts of {customers:,} customers, {self.value} by age{covers})"

    @property
    def retention(self) -> NDArray[np.float64]:
        """``values`` as shares of the cohort's first period; NaN where that held nothing."""
        first = self.values[:, :1]
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.where(first != 0.0, self.values / first, np.nan)

    def curve(self) -> NDArray[np.float64]:
        """Return the share of all customers old enough who were active at each age: cohorts weighted by size.

        Returns
        -------
        ndarray of shape (n_ages,)
            Of money: the money per customer at each age.
        """
        seen = ~np.isnan(self.values)
        people = (seen * self.sizes[:, None]).sum(axis=0)
        return np.nansum(self.values, axis=0) / np.maximum(people, 1)

    def to_frame(self) -> Any:
        """Return one row per cohort and observed age: ``cohort, size, age``, the value and ``retention``."""
        row, age = np.nonzero(~np.isnan(self.values))
        return build_frame(
            {
                "cohort": self.cohorts[row],
                "size": self.sizes[row],
                "age": age,
                self.value: self.values[row, age],
                "retention": self.retention[row, age],
            },
            self._library,
        )


def cohort_table(
    log: TransactionLog, unit: str = "month", value: str = "customers", *, partial: bool = False
) -> CohortTable:
    """Follow customers who began in the same period from then on.

    Parameters
    ----------
    log : TransactionLog
        With amounts.
    unit : {"hour", "day", "week", "month", "quarter", "year"}, default="month"
        Periods of the calendar; weeks start on Monday.
    value : {"customers", "money"}, default="customers"
        What to count: customers with at least one line in the period, or their net money.
    partial : bool, default=False
        Whether the first and last period count although the log holds only a part of them. A last month of ten days
        would look like a fall of every cohort.

    Returns
    -------
    CohortTable
        Customers who began before the first whole period are in no cohort: their age is not known.

    Raises
    ------
    ColumnError
        If the log has no amounts.
    DateRangeError
        If it does not hold one whole period, or no customer began in one.

    Notes
    -----
    Where the log begins in the middle of a business its first cohorts hold the customers of old; leave them out of
    the reading.

    References
    ----------
    Fader, P. S., Hardie, B. G. S. & Ross, M. (2022). The Customer-Base Audit. Wharton School Press, lens 4.

    Examples
    --------
    >>> import crmintel as ci
    >>> log = ci.datasets.make_transactions(200, weeks=26, random_state=0)[0]
    >>> ci.cohort_table(log, unit="week", value="money")
    CohortTable(7 week cohorts of 200 customers, money by age; 2023-01-02 to 2023-07-02)
    """
    check_log(log, "log")
    check_choice(value, "value", ("customers", "money"))
    periods = whole_periods(log, unit, partial=partial)
    everything = whole_periods(log, unit, partial=True)
    entries = activity(log, everything, "cohort_table")
    shift, n = periods.first - everything.first, len(periods)
    period = entries.period - shift
    debut = np.full(len(log), n)
    np.minimum.at(debut, entries.owner, period)
    cohort = debut[entries.owner]
    inside = (cohort >= 0) & (period < n)
    cell = cohort[inside] * n + (period - cohort)[inside]
    weights = entries.money[inside] if value == "money" else None
    table = np.bincount(cell, weights, n * n).reshape(n, n).astype(np.float64)
    ages = np.arange(n)
    table[ages[:, None] + ages[None, :] >= n] = np.nan
    sizes = np.bincount(debut[(debut >= 0) & (debut < n)], minlength=n)
    filled = sizes > 0
    if len(log) and not filled.any():
        raise DateRangeError(
            f"none of the {len(log):,} customers began in a whole {periods.grain} ({coverage(log, periods)}), so there "
            "is no cohort to follow; take a shorter unit or partial=True."
        )
    return CohortTable(
        periods.starts[filled],
        sizes[filled],
        table[filled],
        value=value,
        unit=periods.grain,
        library=log.library,
        covers=coverage(log, periods),
    )
