"""What a recommender has to beat: what everybody buys, and what the customer buys anyway."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from crmintel._validation import check_choice, check_number
from crmintel.exceptions import InputError
from crmintel.patterns._purchases import Purchases, purchases_of
from crmintel.patterns._recommending import ItemRecommender, Ranking, need_fitted, owned_items
from crmintel.patterns.recommendations import Recommendations, TargetCustomers
from crmintel.transactions.baskets import Baskets, as_baskets
from crmintel.transactions.calendar import in_days
from crmintel.transactions.log import TransactionLog


class PopularityRecommender(ItemRecommender):
    """Recommend to everybody what most bought, less what they have.

    Parameters
    ----------
    count : {"customers", "purchases"}, default="customers"
        What an item's score counts in a log: the customers who bought it, or their days with it. Other ``X`` are
        counted row by row.
    window : number or str, default=None
        Only purchases in this many days (or text such as "13W") up to the end of the log count; None is all.
    half_life : number or str, default=None
        Age at which a purchase counts half, in days or text; of a customer the last one counts where customers are
        counted. None is no decay.
    margins : mapping or array-like of shape (n_items,), default=None
        Margin of each item that its score is multiplied by. A mapping (or pandas Series) goes by label, an array by
        the order of ``items_``. Every item that may be offered needs one, not negative; where it is 0 the item is not
        recommended.

    Attributes
    ----------
    items_ : ndarray of shape (n_items,)
        Labels of the items.
    popularity_ : ndarray of float64 of shape (n_items,)
        Score of each item; those without a purchase are not recommended.

    Examples
    --------
    >>> from crmintel import PopularityRecommender
    >>> baskets = [["milk", "bread"], ["milk", "bread"], ["milk"], ["tea", "bread"]]
    >>> items, scores = PopularityRecommender().fit(baskets).recommend([["milk"], ["tea"]], n=2)
    >>> items
    array([['bread', 'tea'],
           ['bread', 'milk']], dtype=object)
    """

    def __init__(
        self,
        count: str = "customers",
        *,
        window: Any = None,
        half_life: Any = None,
        margins: Any = None,
    ) -> None:
        self.count = count
        self.window = window
        self.half_life = half_life
        self.margins = margins

    def fit(self, X: Any, y: Any = None) -> Self:
        """Count who bought each item.

        Parameters
        ----------
        X : log, Baskets, sparse matrix, boolean frame or array, or list of lists
            ``window`` and ``half_life`` need a log: only that has dates.
        y : None
            Ignored.
        """
        count = check_choice(self.count, "count", ("customers", "purchases"))
        if isinstance(X, TransactionLog):
            purchases = purchases_of(X)
            weight = _weights(X, purchases, self.window, self.half_life)
            if (
                count == "customers"
            ):  # days rise within customer and item: the last stands at the end of its run
                same = (purchases.owner[1:] == purchases.owner[:-1]) & (
                    purchases.item[1:] == purchases.item[:-1]
                )
                weight[:-1][same] = 0.0
            self.items_ = purchases.items
            self.popularity_ = np.bincount(purchases.item, weights=weight, minlength=self.items_.size)
        else:
            if self.window is not None or self.half_life is not None:
                raise InputError("window and half_life need dates: fit on a log, or leave them None.")
            baskets = as_baskets(X)
            self.items_ = baskets.items
            self.popularity_ = np.bincount(baskets.indices, minlength=baskets.items.size).astype(np.float64)
        self._check_margins()
        return self

    def _known_items(self) -> NDArray[Any]:
        need_fitted(self)
        return self.items_

    def _rank(
        self, X: TransactionLog | Baskets, n: int, worth: NDArray[np.float64], exclude_owned: bool
    ) -> Ranking:
        score = np.where(self.popularity_ > 0.0, self.popularity_ * worth, np.nan)
        order = np.argsort(-score, kind="stable")[: np.count_nonzero(~np.isnan(score))]
        place = np.broadcast_to(np.arange(n), (len(X), n))
        if exclude_owned:
            place = place + _owned_before(owned_items(X, self.items_), order, n)
        codes = np.append(order, -1)[np.minimum(place, order.size)].astype(np.int32)
        return codes, np.append(score, np.nan)[codes]


class RepeatPurchaseRecommender(ItemRecommender):
    """Recommend what the customer bought most often, or of late: the items bought anyway.

    Scores are days on which the customer bought the item (each basket counts one where ``X`` has no dates); ties go
    to the item that more rows bought at `fit`, then to the order of the items.

    Parameters
    ----------
    half_life : number or str, default=None
        Age, at the end of the log, at which a purchase counts half, in days or text such as "4W"; a short one asks
        what was bought last, None what was bought most often.
    margins : mapping or array-like of shape (n_items,), default=None
        Margin of each item that its score is multiplied by. A mapping (or pandas Series) goes by label, an array by
        the order of ``items_``. Every item that may be offered needs one, not negative; where it is 0 the item is not
        recommended.

    Attributes
    ----------
    items_ : ndarray of shape (n_items,)
        Labels of the items.
    popularity_ : ndarray of float64 of shape (n_items,)
        In how many baskets each item was.

    Examples
    --------
    >>> from crmintel import RepeatPurchaseRecommender, TransactionLog
    >>> log = TransactionLog.from_arrays(
    ...     customer=["ann", "ann", "ann", "bob"], item=["milk", "tea", "milk", "tea"],
    ...     time=["2024-01-01", "2024-01-02", "2024-01-03", "2024-01-03"],
    ... )
    >>> items, scores = RepeatPurchaseRecommender().fit(log).recommend(log, n=2)
    >>> items
    array([['milk', 'tea'],
           ['tea', None]], dtype=object)
    """

    def __init__(self, half_life: Any = None, *, margins: Any = None) -> None:
        self.half_life = half_life
        self.margins = margins

    def fit(self, X: Any, y: Any = None) -> Self:
        """Learn which items there are and, to tell ties apart, how popular they are.

        Parameters
        ----------
        X : log, Baskets, sparse matrix, boolean frame or array, or list of lists
        y : None
            Ignored.
        """
        if self.half_life is not None:
            _days(self.half_life, "half_life")
        baskets = as_baskets(X)
        self.items_ = baskets.items
        self.popularity_ = np.bincount(baskets.indices, minlength=baskets.items.size).astype(np.float64)
        self._check_margins()
        return self

    def recommend(
        self, X: Any, n: int = 3, *, items: Any = None, exclude_owned: bool = False
    ) -> Recommendations:
        """Return the ``n`` items that each customer bought most; see `ItemRecommender.recommend`.

        Parameters
        ----------
        X, n, items
            As of the other recommenders.
        exclude_owned : bool, default=False
            True leaves nothing to recommend: all places are None and nan.

        Returns
        -------
        items : ndarray of object of shape (n_rows, n)
        scores : ndarray of float64 of shape (n_rows, n)
        """
        return super().recommend(X, n, items=items, exclude_owned=exclude_owned)

    def target_customers(
        self, X: Any, item: Any, n: int = 10, *, exclude_owned: bool = False
    ) -> TargetCustomers:
        """Return who bought ``item`` most, its likeliest next buyers.

        Parameters
        ----------
        X, item, n
            As of the other recommenders.
        exclude_owned : bool, default=False
            True leaves nobody.

        Returns
        -------
        customers : ndarray of shape (n_found,)
        scores : ndarray of float64 of shape (n_found,)
        """
        return super().target_customers(X, item, n, exclude_owned=exclude_owned)

    def _known_items(self) -> NDArray[Any]:
        need_fitted(self)
        return self.items_

    def _rank(
        self, X: TransactionLog | Baskets, n: int, worth: NDArray[np.float64], exclude_owned: bool
    ) -> Ranking:
        found = np.full((len(X), n), -1, dtype=np.int32)
        scores = np.full((len(X), n), np.nan)
        if exclude_owned:
            return found, scores
        row, code, score = self._own(X)
        score = score * worth[code]
        known = ~np.isnan(score)
        row, code, score = row[known], code[known], score[known]
        order = np.lexsort((code, -self.popularity_[code], -score, row))
        row, code, score = row[order], code[order], score[order]
        place = np.arange(row.size) - np.searchsorted(row, np.arange(len(X)))[row]
        best = place < n
        found[row[best], place[best]] = code[best]
        scores[row[best], place[best]] = score[best]
        return found, scores

    def _own(
        self, X: TransactionLog | Baskets
    ) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
        """Return the rows, codes and scores of what is owned."""
        if not isinstance(X, TransactionLog):
            if self.half_life is not None:
                raise InputError("half_life needs dates: recommend for a log, or leave it None.")
            baskets = X.with_items(self.items_)
            rows = np.repeat(np.arange(len(X)), np.diff(baskets.indptr))
            return rows, baskets.indices.astype(np.int64), np.ones(rows.size)
        purchases = purchases_of(X, self.items_)
        weight = _weights(X, purchases, None, self.half_life)
        pair = purchases.owner * self.items_.size + purchases.item
        first = np.flatnonzero(np.diff(pair, prepend=-1))
        score = np.add.reduceat(weight, first) if first.size else np.empty(0)
        return purchases.owner[first], purchases.item[first], score


def _owned_before(owned: Baskets, order: NDArray[np.int64], n: int) -> NDArray[np.int64]:
    """Return how many owned items a row skips in ``order`` up to its best, second, ..., n-th item not owned."""
    rank = np.full(owned.shape[1], -1)
    rank[order] = np.arange(order.size)
    row, place = np.repeat(np.arange(len(owned)), np.diff(owned.indptr)), rank[owned.indices]
    row, place = row[place >= 0], place[place >= 0]
    place = place[np.lexsort((place, row))]
    first = np.searchsorted(row, np.arange(len(owned)))
    free = place - (np.arange(row.size) - first[row])  # items not owned that stand before this one
    width = order.size + 1
    wanted = np.arange(len(owned))[:, None] * width + np.minimum(np.arange(n), order.size)
    return np.searchsorted(row * width + free, wanted, side="right") - first[:, None]


def _weights(log: TransactionLog, purchases: Purchases, window: Any, half_life: Any) -> NDArray[np.float64]:
    """Return what each purchase counts at the end of the log."""
    age = log.as_of.astype(np.int64)[purchases.owner] - purchases.day
    weight = np.ones(age.size)
    if half_life is not None:
        weight = 0.5 ** (age / _days(half_life, "half_life"))
    if window is not None:
        weight[age >= _days(window, "window")] = 0.0
    return weight


def _days(value: Any, name: str) -> float:
    return check_number(in_days(value, name), name, low=0.0, strict_low=True)
