"""The segment of every customer in every period, by one yardstick."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone

from crmintel._frames import build_frame
from crmintel._validation import check_instance, check_number
from crmintel.exceptions import DateRangeError, InputError, InputTypeError
from crmintel.segments._labels import as_labels
from crmintel.segments._periods import activity, coverage, period_start, whole_periods
from crmintel.segments.golden import GoldenCustomers
from crmintel.segments.migration import SegmentMigration
from crmintel.segments.tiers import ValueTiers
from crmintel.segments.warning import EarlyWarning, early_warning
from crmintel.transactions.log import TransactionLog
from crmintel.transactions.reader import check_log


class SegmentHistory:
    """Segments and money of the same customers, period by period; made by `segment_history`.

    Attributes
    ----------
    customers : ndarray of shape (n_customers,)
        Those of the log, in its order.
    periods : ndarray of datetime64, shape (n_periods,)
        First day of each period.
    unit : str
        Length of a period.
    labels : list of ndarray of shape (n_customers,)
        Segment of each customer in each period; None for one without a line in it.
    money : ndarray of float64, shape (n_periods, n_customers)
        Net money of each customer in each period.
    estimator : estimator
        As it was fitted on the first period.
    order : list or None
        The segments, best first, where the estimator has an order (``labels_`` of `ValueTiers` and
        `GoldenCustomers`) or it was given.

    Examples
    --------
    >>> import crmintel as ci
    >>> log = ci.datasets.make_transactions(200, weeks=60, random_state=0)[0]
    >>> history = ci.segment_history(log, unit="quarter")
    >>> history
    SegmentHistory(3 quarters of 200 customers, ValueTiers; 2023-04-01 to 2023-12-31, without incomplete quarters)
    >>> history.migration().states_
    ['vip', 'major', 'ordinary', 'small', 'absent']
    """

    def __init__(
        self,
        customers: NDArray[Any],
        periods: NDArray[np.datetime64],
        unit: str,
        labels: list[NDArray[Any]],
        money: NDArray[np.float64],
        estimator: Any,
        order: list[Any] | None = None,
        library: str | None = None,
        covers: str | None = None,
    ) -> None:
        self.customers, self.periods, self.unit = customers, periods, unit
        self.labels, self.money = labels, money
        self.estimator, self.order = estimator, order
        self._library, self._covers = library, covers

    def __len__(self) -> int:
        return len(self.labels)

    def __repr__(self) -> str:
        name = type(self.estimator).__name__
        covers = f"; {self._covers}" if self._covers else ""
        return (
            f"SegmentHistory({len(self)} {self.unit}s of {self.customers.size:,} customers, {name}{covers})"
        )

    def migration(self, step: int = -1) -> SegmentMigration:
        """Return who moved where, with the money, from one period to the next.

        Parameters
        ----------
        step : int, default=-1
            0 leads from the first period to the second; negative numbers count from the last step.

        Returns
        -------
        SegmentMigration
            Fitted on the customers who are there in at least one of the two periods.
        """
        at = self._step(step)
        before, after = self.labels[at], self.labels[at + 1]
        there = np.array([a is not None or b is not None for a, b in zip(before, after, strict=True)])
        moves = SegmentMigration(self.order).fit(
            before[there],
            after[there],
            money_before=self.money[at, there],
            money_after=self.money[at + 1, there],
        )
        moves.library_ = self._library
        return moves

    def early_warning(self, step: int = -1) -> EarlyWarning:
        """Return the customers who fell from one period to the next, with the money they spent before.

        Parameters
        ----------
        step : int, default=-1
            As in `migration`.

        Returns
        -------
        EarlyWarning

        Raises
        ------
        InputError
            If the segments have no order.
        """
        if self.order is None:
            raise InputError(
                f"{type(self.estimator).__name__} gives segments without an order, so nobody falls: pass "
                "segment_history(..., order=[best, ..., worst])."
            )
        at = self._step(step)
        return early_warning(
            self.customers,
            self.labels[at],
            self.labels[at + 1],
            order=self.order,
            money=self.money[at],
            library=self._library,
        )

    def to_frame(self) -> Any:
        """Return one row per customer and period with a line: ``customer, period, segment, money``."""
        here = np.array([[label is not None for label in each] for each in self.labels])
        period, owner = np.nonzero(here)
        return build_frame(
            {
                "customer": self.customers[owner],
                "period": self.periods[period],
                "segment": np.array(np.array(self.labels, dtype=object)[here].tolist()),
                "money": self.money[here],
            },
            self._library,
        )

    def _step(self, step: int) -> int:
        at, n = int(check_number(step, "step", integer=True)), len(self) - 1
        if not -n <= at < n:
            raise InputError(f"step={at} is none of the {n} steps between {len(self)} {self.unit}s.")
        return at % n


def segment_history(
    log: TransactionLog,
    estimator: Any = None,
    unit: str = "quarter",
    *,
    order: Sequence[Any] | None = None,
    partial: bool = False,
) -> SegmentHistory:
    """Learn segments in the first period and put every customer in one in each period, by what they did in it.

    Since the yardstick stays, a customer who changes the segment has changed. Compare `SegmentMigration` on labels of
    your own, and `align_labels` where segments are learned anew.

    Parameters
    ----------
    log : TransactionLog
        With amounts.
    estimator : estimator or None, default=None
        What is fitted on a log and predicts a segment for each of its customers, such as `ValueTiers`,
        `GoldenCustomers`, `RFMScorer` or a pipeline from `CustomerSummary` to `CustomerKMeans`; it is cloned. None is
        `ValueTiers`.
    unit : {"hour", "day", "week", "month", "quarter", "year"}, default="quarter"
        Periods of the calendar; weeks start on Monday.
    order : sequence, optional
        The segments, best first; None takes the ``labels_`` of `ValueTiers` or `GoldenCustomers`.
    partial : bool, default=False
        Whether the first and last period count although the log holds only a part of them.

    Returns
    -------
    SegmentHistory

    Raises
    ------
    ColumnError
        If the log has no amounts.
    DateRangeError
        If it does not hold one whole period.
    InputTypeError
        If the estimator does not predict segments.

    Notes
    -----
    k-means takes no NaN, and `BehaviourFeatures` has it where a customer, or a period so short, does not tell: the gap
    after one purchase, the trend over a year. Put ``SimpleImputer(keep_empty_features=True)`` after it.

    Examples
    --------
    >>> import crmintel as ci
    >>> log = ci.datasets.make_transactions(200, weeks=60, random_state=0)[0]
    >>> history = ci.segment_history(log)
    >>> fell = history.early_warning()
    >>> test = ci.markov_test(history)

    Clusters of the first quarter, and who moved between them since:

    >>> from sklearn.impute import SimpleImputer
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> clusters = ci.CustomerKMeans(2, random_state=0)
    >>> rows = ci.CustomerSummary(extra=("spend",))
    >>> ci.segment_history(log, make_pipeline(rows, StandardScaler(), clusters)).migration().segments_
    [0, 1]
    >>> rows, fill = ci.BehaviourFeatures(), SimpleImputer(keep_empty_features=True)
    >>> ci.segment_history(log, make_pipeline(rows, fill, StandardScaler(), clusters)).migration().segments_
    [0, 1]
    """
    check_log(log, "log")
    model = ValueTiers() if estimator is None else estimator
    check_instance(model, "estimator")
    if not (hasattr(model, "fit") and hasattr(model, "predict")):
        raise InputTypeError(
            f"estimator must have fit and predict, such as ValueTiers or RFMScorer; got {type(model).__name__}."
        )
    periods = whole_periods(log, unit, partial=partial)
    entries = activity(log, periods, "segment_history")
    money = np.zeros((len(periods), len(log)))
    money[entries.period, entries.owner] = entries.money
    there = np.zeros(money.shape, dtype=bool)
    there[entries.period, entries.owner] = True
    starts = period_start(np.arange(periods.first, periods.last + 2), periods.grain)
    ends = starts[1:] - np.ones(1, np.diff(starts).dtype)  # a day, of hours a microsecond
    fitted, labels = None, []
    for start, end, here in zip(starts[:-1], ends, there, strict=True):
        found = np.full(len(log), None, dtype=object)
        if here.any():
            part = log.since(max(start, log.start)).until(end)
            fitted = clone(model).fit(part) if fitted is None else fitted
            found[here] = as_labels(fitted.predict(part), "the predicted segments", n=len(part))
        labels.append(found)
    if fitted is None:
        raise DateRangeError(f"no line of the log lies in a whole {periods.grain}; take a shorter unit.")
    if order is None and isinstance(fitted, ValueTiers | GoldenCustomers):
        order = fitted.labels_.tolist()
    return SegmentHistory(
        log.customers,
        periods.starts,
        periods.grain,
        labels,
        money,
        fitted,
        None if order is None else list(order),
        log.library,
        coverage(log, periods),
    )
