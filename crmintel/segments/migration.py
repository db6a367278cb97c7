"""How customers move between segments, and the money with them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtri
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from crmintel._frames import build_frame, is_frame, open_frame
from crmintel._validation import check_number, check_vector
from crmintel.exceptions import InputError
from crmintel.segments._columns import library_of
from crmintel.segments._labels import as_labels, codes_of, segment_names

ABSENT = "absent"


class SegmentMigration(BaseEstimator):
    """Transitions between segments from one date to the next: people, money, entry and exit.

    Parameters
    ----------
    order : sequence or None, default=None
        The segments, best first. It fixes the order of rows and columns and says what a rise and a fall is; None
        sorts them and knows neither.

    Attributes
    ----------
    segments_ : list
        The segments in their order.
    states_ : list
        The same and ``"absent"``, for customers who are not there yet or no longer.
    people_ : ndarray of int64, shape (n_states, n_states)
        Customers by segment before (rows) and after (columns).
    money_before_, money_after_ : ndarray of float64, shape (n_states, n_states)
        Their money before and after; None without money. The rows of the first sum to the sales of the segments
        before, the columns of the second to those after, and the difference of all cells is the change in sales.
    transition_matrix_ : ndarray of shape (n_segments, n_states)
        Share of each segment's customers who went to each state; NaN for a segment that nobody was in.
    entries_ : ndarray of int64, shape (n_segments,)
        Newcomers by the segment they came into.
    library_ : str or None
        Library of the log or frame that the segments came from, in which `to_frame` answers.

    See Also
    --------
    align_labels : The same names for the segments of a refit.
    markov_test : Whether the last segment alone tells where customers go.

    References
    ----------
    Pfeifer, P. E. & Carraway, R. L. (2000). Modeling customer relationships as Markov chains. Journal of Interactive
    Marketing 14(2), 43-55.

    Examples
    --------
    >>> import crmintel as ci
    >>> before = ["gold", "gold", "base", "base", None]
    >>> after = ["gold", "base", "base", None, "base"]
    >>> moves = ci.SegmentMigration(order=["gold", "base"]).fit(before, after)
    >>> moves.people_.tolist()  # gold, base, absent
    [[1, 1, 0], [0, 1, 1], [0, 1, 0]]
    >>> moves.transition_matrix_.tolist()
    [[0.5, 0.5, 0.0], [0.0, 0.5, 0.5]]
    """

    def __init__(self, order: Sequence[Any] | None = None) -> None:
        self.order = order

    def fit(
        self,
        X: ArrayLike,
        y: ArrayLike | None = None,
        *,
        money_before: ArrayLike | None = None,
        money_after: ArrayLike | None = None,
    ) -> SegmentMigration:
        """Count who went where.

        Parameters
        ----------
        X : array-like of shape (n_customers,) or (n_customers, 2)
            Segment of each customer before; None for one who is absent. With two columns: before and after.
        y : array-like of shape (n_customers,), optional
            Segment of each customer after, where X has one column.
        money_before, money_after : array-like of shape (n_customers,), optional
            Their money in the two periods, both or none. An absent customer has 0 or NaN.

        Returns
        -------
        SegmentMigration
            The fitted estimator.

        Raises
        ------
        InputError
            If lengths differ, a customer is absent twice, a segment is not in ``order``, or an absent customer has
            money.
        """
        before, after = _two_dates(X, y)
        segments = segment_names(before, after, order=self.order)
        if ABSENT in segments:
            raise InputError(
                f"{ABSENT!r} stands for customers who are not there; give the segment another name."
            )
        if not segments:
            raise InputError("no customer is in a segment, before or after.")
        old, new = codes_of(before, segments), codes_of(after, segments)
        k = len(segments)
        nowhere = np.flatnonzero((old == k) & (new == k))
        if nowhere.size:
            raise InputError(
                f"{nowhere.size} customers are absent before and after, the first in row {nowhere[0]}; leave them out."
            )
        self.library_ = library_of(X)
        self.segments_ = segments
        self.states_ = [*segments, ABSENT]
        cell = old * (k + 1) + new
        self.people_ = np.bincount(cell, minlength=(k + 1) ** 2).reshape(k + 1, k + 1)
        self.money_before_, self.money_after_ = self._money(
            cell, money_before, money_after, old == k, new == k
        )
        counts = self.people_[:k]
        totals = counts.sum(axis=1, keepdims=True)
        self.transition_matrix_ = np.where(totals > 0, counts / np.maximum(totals, 1), np.nan)
        self.entries_ = self.people_[k, :k]
        return self

    def predict_proba(self, X: ArrayLike) -> NDArray[np.float64]:
        """Return each customer's chances of the states after one more period.

        Parameters
        ----------
        X : array-like of shape (n_customers,) or (n_customers, 2)
            Segments the customers are in now; of two columns the second.

        Returns
        -------
        ndarray of shape (n_customers, n_states)
        """
        check_is_fitted(self)
        codes = codes_of(as_labels(_columns(X)[-1], "X"), self.segments_)
        absent = np.flatnonzero(codes == len(self.segments_))
        if absent.size:
            raise InputError(
                f"{absent.size} customers are in no segment, the first in row {absent[0]}; leave them out."
            )
        return self.transition_matrix_[codes]

    def transition_interval(self, level: float = 0.9) -> NDArray[np.float64]:
        """Return an interval for each entry of ``transition_matrix_``.

        Parameters
        ----------
        level : float, default=0.9
            Chance that the interval of one entry holds the true value.

        Returns
        -------
        ndarray of shape (n_segments, n_states, 2)
            Wilson's score interval; NaN for a segment that nobody was in.

        References
        ----------
        Wilson, E. B. (1927). Probable inference, the law of succession, and statistical inference. JASA 22, 209-212.
        """
        check_is_fitted(self)
        level = check_number(level, "level", low=0.0, high=1.0, strict_low=True, strict_high=True)
        n = self.people_[:-1].sum(axis=1, keepdims=True).astype(np.float64)
        n[n == 0.0] = np.nan
        share, z2 = self.transition_matrix_, float(ndtri((1.0 + level) / 2.0)) ** 2
        middle = share + z2 / (2.0 * n)
        spread = np.sqrt(z2 * (share * (1.0 - share) / n + z2 / (4.0 * n * n)))
        ends = np.stack([middle - spread, middle + spread], axis=-1) / (1.0 + z2 / n)[..., None]
        # in exact arithmetic; rounding leaves the ends of a share of 0 or 1 beside them
        ends[..., 0][share == 0.0], ends[..., 1][share == 1.0] = 0.0, 1.0
        return ends

    def project(
        self, periods: int, start: ArrayLike | None = None, entries: ArrayLike | None = None
    ) -> NDArray[np.float64]:
        """Project the number of customers by segment, if they go on to move as they did.

        Parameters
        ----------
        periods : int
            How many periods, >= 1.
        start : array-like of shape (n_segments,), optional
            Customers by segment at the start; None is where they were after.
        entries : array-like of shape (n_segments,), optional
            Newcomers per period; None is as many as in the period observed.

        Returns
        -------
        ndarray of shape (periods + 1, n_segments)
            The start in row 0. A forecast to trust as far as `markov_test` does.
        """
        check_is_fitted(self)
        periods = int(check_number(periods, "periods", low=1, integer=True))
        k = len(self.segments_)
        people = np.empty((periods + 1, k))
        people[0] = (
            self.people_[:, :k].sum(axis=0) if start is None else check_vector(start, "start", n=k, low=0.0)
        )
        joining = self.entries_ if entries is None else check_vector(entries, "entries", n=k, low=0.0)
        stay = self.transition_matrix_[:, :k]
        unknown: NDArray[np.bool_] = np.isnan(stay[:, 0])
        for t in range(periods):
            lost_sight = unknown & (people[t] > 0.0)
            if lost_sight.any():
                name = self.segments_[int(np.argmax(lost_sight))]
                raise InputError(
                    f"nobody was in segment {name!r} before, so where its customers go is not known."
                )
            people[t + 1] = people[t] @ np.where(unknown[:, None], 0.0, stay) + joining
        return people

    def to_frame(self, library: str | None = None) -> Any:
        """Return one row per flow: ``before, after, customers, share`` and, where known, the money.

        Parameters
        ----------
        library : {"pandas", "polars", "pyarrow"} or None, default=None
            Kind of frame; None is that of the log or frame the segments came from, without one a dict of arrays.
        """
        check_is_fitted(self)
        rows, columns = np.nonzero(self.people_)
        names = np.array(self.states_, dtype=object)
        totals = self.people_.sum(axis=1)
        flows = {
            "before": names[rows].astype(str),
            "after": names[columns].astype(str),
            "customers": self.people_[rows, columns],
            "share": self.people_[rows, columns] / totals[rows],
        }
        if self.money_before_ is not None:
            flows["money_before"] = self.money_before_[rows, columns]
            flows["money_after"] = self.money_after_[rows, columns]
        return build_frame(flows, library or self.library_)

    def _money(
        self,
        cell: NDArray[np.int64],
        money_before: ArrayLike | None,
        money_after: ArrayLike | None,
        absent_before: NDArray[np.bool_],
        absent_after: NDArray[np.bool_],
    ) -> tuple[Any, Any]:
        if money_before is None and money_after is None:
            return None, None
        if money_before is None or money_after is None:
            raise InputError("give money_before and money_after together: one alone shows no change.")
        flows = []
        for money, name, absent in (
            (money_before, "money_before", absent_before),
            (money_after, "money_after", absent_after),
        ):
            values = check_vector(money, name, n=cell.size, allow_nan=True)
            values = np.where(absent & np.isnan(values), 0.0, values)
            strange = np.flatnonzero(absent & (values != 0.0))
            if strange.size:
                raise InputError(
                    f"{name} is {values[strange[0]]} in row {strange[0]}, whose customer is absent then; it must be 0."
                )
            check_vector(values, name)
            flows.append(_sum_cells(cell, values, len(self.states_)))
        return flows[0], flows[1]


def _columns(X: Any) -> list[Any]:
    """The columns of labels: one, or two."""
    if is_frame(X):
        table = open_frame(X, "X")
        columns = [table.values(name) for name in table.names]
    else:
        columns = list(X.T) if isinstance(X, np.ndarray) and X.ndim == 2 else [X]
    if len(columns) not in (1, 2):
        raise InputError(f"X must be one column of segments, or two (before, after); it has {len(columns)}.")
    return columns


def _two_dates(X: Any, y: Any) -> tuple[NDArray[Any], NDArray[Any]]:
    columns = _columns(X)
    if (len(columns) == 2) == (y is not None):
        raise InputError(
            f"fit needs the segments at two dates: fit(before, after), or one X of two columns; got {len(columns)} "
            f"column{'s' * (len(columns) != 1)} and y={'None' if y is None else 'more labels'}."
        )
    before = as_labels(columns[0], "X (segments before)")
    after = as_labels(columns[1] if y is None else y, "y (segments after)", n=before.size)
    return before, after


def _sum_cells(cell: NDArray[np.int64], values: NDArray[np.float64], size: int) -> NDArray[np.float64]:
    """Sum by cell without rounding on the way, so that flows reconcile in whatever order they are added."""
    order = np.argsort(cell, kind="stable")
    edges = np.searchsorted(cell[order], np.arange(size * size + 1))
    held = values[order].tolist()
    sums = [math.fsum(held[a:b]) for a, b in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True)]
    return np.array(sums).reshape(size, size)
