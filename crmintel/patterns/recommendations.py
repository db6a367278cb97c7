"""What recommenders answer: two arrays to unpack, and a frame of one row for each answer."""

from __future__ import annotations

from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from crmintel._frames import build_frame
from crmintel.transactions.baskets import Baskets
from crmintel.transactions.log import TransactionLog
from crmintel.transactions.sequences import Sequences

_SHOWN = 5  # rows in a repr


class _Ranked(NamedTuple):
    items: NDArray[Any]
    scores: NDArray[np.float64]


class Recommendations(_Ranked):
    """The best items for each row, best first: unpacks as ``items, scores = recommender.recommend(...)``.

    Attributes
    ----------
    items : ndarray of object of shape (n_rows, n)
        Item labels; None where there are fewer than ``n``.
    scores : ndarray of float64 of shape (n_rows, n)
        nan where there is no item.
    rows : ndarray of shape (n_rows,)
        Customer ids of a log or of sequences, row numbers of other ``X``.
    library : str or None
        Frame library of what was asked for, that of `to_frame`.

    Examples
    --------
    >>> from crmintel import PopularityRecommender
    >>> model = PopularityRecommender().fit([["milk", "bread"], ["milk", "bread"], ["milk"], ["tea"]])
    >>> model.recommend([["milk"], ["tea", "milk"]], n=2).to_frame("pandas")
       row  rank   item  score
    0    0     1  bread    2.0
    1    0     2    tea    1.0
    2    1     1  bread    2.0
    """

    rows: NDArray[Any]
    library: str | None
    _row: str

    @classmethod
    def _of(
        cls, items: NDArray[Any], scores: NDArray[np.float64], X: TransactionLog | Baskets | Sequences
    ) -> Self:
        ranked = cls(items, scores)
        ranked._row, ranked.rows = _rows_of(X)
        ranked.library = X.library
        return ranked

    def to_frame(self, library: str | None = None) -> Any:
        """Return one row for each item recommended.

        Parameters
        ----------
        library : {"pandas", "polars", "pyarrow"}, default=None
            None: that of ``X``, or a dict of arrays where it came from none.

        Returns
        -------
        frame
            Columns ``customer`` (``row`` where ``X`` has no customers), ``rank`` from 1, ``item`` and ``score``.
        """
        row, place = np.nonzero(self.items != np.array(None))
        columns = {
            self._row: self.rows[row],
            "rank": place + 1,
            "item": _typed(self.items[row, place]),
            "score": self.scores[row, place],
        }
        return build_frame(columns, library or self.library)

    def __repr__(self) -> str:
        n_rows, n = self.items.shape
        lines = [
            f"  {self._row} {row}: {', '.join(str(item) for item in items if item is not None) or '(nothing)'}"
            for row, items in zip(self.rows[:_SHOWN].tolist(), self.items[:_SHOWN].tolist(), strict=True)
        ]
        head = f"Recommendations({n_rows:,} {self._row}s, up to {n} items each)"
        return "\n".join([head, *lines, *(["  ..."] if n_rows > _SHOWN else [])])


class _Targeted(NamedTuple):
    customers: NDArray[Any]
    scores: NDArray[np.float64]


class TargetCustomers(_Targeted):
    """Who is most likely to buy an item, best first: unpacks as ``customers, scores = ...target_customers(...)``.

    Attributes
    ----------
    customers : ndarray of shape (n_found,)
        Customer ids of a log, row numbers of other ``X``.
    scores : ndarray of float64 of shape (n_found,)
    library : str or None
        Frame library of what was asked for, that of `to_frame`.

    Examples
    --------
    >>> from crmintel import PopularityRecommender
    >>> model = PopularityRecommender().fit([["milk", "bread"], ["milk", "bread"], ["milk"], ["tea"]])
    >>> model.target_customers([["milk"], ["tea"], ["bread", "milk"]], "tea").to_frame("pandas")
       row  score
    0    2    1.0
    1    0    1.0
    """

    library: str | None
    _row: str

    @classmethod
    def _of(cls, chosen: NDArray[np.int64], scores: NDArray[np.float64], X: TransactionLog | Baskets) -> Self:
        name, rows = _rows_of(X)
        targeted = cls(rows[chosen], scores)
        targeted._row, targeted.library = name, X.library
        return targeted

    def to_frame(self, library: str | None = None) -> Any:
        """Return one row for each customer found.

        Parameters
        ----------
        library : {"pandas", "polars", "pyarrow"}, default=None
            None: that of ``X``, or a dict of arrays where it came from none.

        Returns
        -------
        frame
            Columns ``customer`` (``row`` where ``X`` has no customers) and ``score``.
        """
        return build_frame({self._row: self.customers, "score": self.scores}, library or self.library)

    def __repr__(self) -> str:
        best = zip(self.customers[:_SHOWN].tolist(), self.scores[:_SHOWN].tolist(), strict=True)
        lines = [f"  {self._row} {row}  (score {score:.3g})" for row, score in best]
        head = f"TargetCustomers({len(self.customers):,} {self._row}s)"
        return "\n".join([head, *lines, *(["  ..."] if len(self.customers) > _SHOWN else [])])


def _rows_of(X: TransactionLog | Baskets | Sequences) -> tuple[str, NDArray[Any]]:
    """Return what to call the rows of ``X``, and their ids."""
    if isinstance(X, Baskets):
        return "row", np.arange(len(X))
    return "customer", X.customers


def _typed(labels: NDArray[Any]) -> NDArray[Any]:
    """Return whole numbers as such, and other labels as they are."""
    whole = all(isinstance(label, int) and not isinstance(label, bool) for label in labels.tolist())
    return np.array(labels.tolist()) if whole and labels.size else labels
