"""What all recommenders share: the questions they answer, the items and margins they are asked with."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, clone
from sklearn.exceptions import NotFittedError

from crmintel._compat import thread_count
from crmintel._frames import is_frame
from crmintel._validation import as_numbers, check_choice, check_flag, check_number
from crmintel.exceptions import CapacityError, InputError, InputTypeError
from crmintel.kernels.recommending import keep_best
from crmintel.patterns._labels import code_of, find_labels
from crmintel.patterns.recommendations import Recommendations, TargetCustomers
from crmintel.transactions.baskets import Baskets, as_baskets
from crmintel.transactions.calendar import in_days
from crmintel.transactions.log import TransactionLog

Ranking = tuple[NDArray[np.int32], NDArray[np.float64]]

_MOST_CELLS = 1 << 28  # of the answer: 3 GiB of codes and scores, and 2 GiB of labels
_BLOCK = 512  # rows that a thread ranks at a time
_CANDIDATES = 1 << 17  # that are kept at a time, so that they stay in the cache


class ItemRecommender(BaseEstimator):
    """Base of the recommenders: a child knows its items (`_known_items`) and ranks them for each row (`_rank`).

    What `evaluate_recommender` and `DecisionTable` need of any recommender, also of one that is no child: ``fit(X)``
    on a log, and ``recommend(X, n, exclude_owned=...)`` that returns item labels (None where fewer) and scores (nan
    there) of shape (n_rows, n), the best first, one row per customer of a log.
    """

    margins: Any
    fallback: Any = None  # recommenders that can run out of items take one as a parameter

    def recommend(
        self, X: Any, n: int = 3, *, items: Any = None, exclude_owned: bool = True
    ) -> Recommendations:
        """Return the ``n`` best items for each basket, or for each customer of a log.

        Parameters
        ----------
        X : Baskets, sparse matrix, boolean frame or array, list of lists; or a log
            A log gives one row per customer, in its order, from everything that customer bought. Items that were not
            there when the recommender was fitted are left out.
        n : int, default=3
        items : array-like, default=None
            Only these items are recommended; unknown ones are left out. None is all.
        exclude_owned : bool, default=True
            Never recommend what is in the basket, or was bought before by the customer.

        Returns
        -------
        items : ndarray of object of shape (n_rows, n)
            Item labels, the best first, ties in the order of the items; None where there are fewer than ``n``.
        scores : ndarray of float64 of shape (n_rows, n)
            Their scores, times the margin if there are ``margins``; nan where there is no item. Items of a
            ``fallback`` stand last, with the scores it gave them.

            Both as `Recommendations`, which has ``to_frame()`` too.

        Raises
        ------
        CapacityError
            If ``n_rows * n`` is beyond 2**28.
        """
        n = int(check_number(n, "n", low=1, integer=True))
        exclude_owned = check_flag(exclude_owned, "exclude_owned")
        known = self._known_items()
        X = _as_rows(X)
        if len(X) * n > _MOST_CELLS:
            raise CapacityError(
                f"n={n:,} items for each of {len(X):,} rows are more than {_MOST_CELLS:,}. Lower n (there are "
                f"{known.size:,} items), or recommend for fewer rows at a time."
            )
        codes, scores = self._rank(X, n, self._worth(known, items), exclude_owned)
        found = np.concatenate([known.astype(object), [None]])[codes]  # at -1 stands nothing
        fallback = getattr(self, "fallback_", self.fallback)
        if fallback is not None:
            check_recommender(fallback, "fallback")
            rows = np.flatnonzero(codes[:, -1] < 0)
            if rows.size:
                spare = fallback.recommend(X[rows], 2 * n, items=items, exclude_owned=exclude_owned)
                _fill_up(found, scores, rows, spare)
        return Recommendations._of(found, scores, X)

    def predict(self, X: Any) -> NDArray[Any]:
        """Return the best item for each basket or customer, None where there is none."""
        return self.recommend(X, n=1)[0][:, 0]

    def target_customers(
        self, X: Any, item: Any, n: int = 10, *, exclude_owned: bool = True
    ) -> TargetCustomers:
        """Return who is most likely to buy ``item``: the customers, or baskets, where it scores highest.

        Parameters
        ----------
        X : log; or Baskets, sparse matrix, boolean frame or array, list of lists
        item : label
            An item known since `fit`.
        n : int, default=10
        exclude_owned : bool, default=True
            Leave out who has it already.

        Returns
        -------
        customers : ndarray of shape (n_found,)
            Ids of the customers of a log, row numbers otherwise; the best first. Rows without a score for the item
            are left out, so they can be fewer than ``n``. Equal scores are told apart by how many different items
            the row holds, the most first: who buys more of everything is likelier to buy this. `RuleRecommender`
            puts first who more rules speak for: by the chance 1 - (1 - c1)(1 - c2)... that one of the confidences c
            of all rules that hold comes true. What is equal still stands in the order of ``X``.
        scores : ndarray of float64 of shape (n_found,)
            Not filled up from a ``fallback``.

            Both as `TargetCustomers`, which has ``to_frame()`` too.

        Raises
        ------
        InputError
            If the item is not known.
        """
        n = int(check_number(n, "n", low=1, integer=True))
        exclude_owned = check_flag(exclude_owned, "exclude_owned")
        known = self._known_items()
        code = code_of(item, known)
        X = _as_rows(X)
        scores = self._rank(X, 1, self._worth(known, known[[code]].tolist()), exclude_owned)[1][:, 0]
        rows = np.flatnonzero(~np.isnan(scores))
        if rows.size > n:
            rows = rows[scores[rows] >= np.partition(scores[rows], -n)[-n]]
        best = rows[np.lexsort((-self._second_scores(X[rows], code), -scores[rows]))][:n]
        return TargetCustomers._of(best, scores[best], X)

    @abstractmethod
    def _known_items(self) -> NDArray[Any]:
        """Return the labels of all items, or raise NotFittedError."""

    @abstractmethod
    def _rank(
        self, X: TransactionLog | Baskets, n: int, worth: NDArray[np.float64], exclude_owned: bool
    ) -> Ranking:
        """Return codes (-1 where fewer) and scores (nan there) of the ``n`` best items of each row.

        Scores are to be multiplied by ``worth``, one value per known item; nothing where it is nan is offered.
        """

    def _second_scores(self, X: TransactionLog | Baskets, code: int) -> NDArray[np.float64]:
        """Return what tells rows apart that have the same score for the item ``code``: how much they hold."""
        return np.diff(owned_items(X, self._known_items()).indptr).astype(np.float64)

    def _fresh(self) -> Any:
        """Return a copy that knows nothing, nor does its fallback: to be fitted on a part of the data."""
        fresh = clone(self)
        if isinstance(self.fallback, ItemRecommender):
            fresh.set_params(fallback=self.fallback._fresh())
        return fresh

    def _fit_fallback(self, X: Any) -> None:
        if self.fallback is not None:
            self.fallback_ = clone(check_recommender(self.fallback, "fallback"), safe=False).fit(X)

    def _check_margins(self) -> None:
        """Raise at `fit` what margins break whatever items they will be asked for."""
        if self.margins is not None:
            known, margins = self._known_items(), _by_label(self.margins)
            given = np.ones(known.size, dtype=bool)
            if isinstance(margins, Mapping):
                given = np.array([label in margins for label in known.tolist()], dtype=bool)
            _margins_of(known, given, margins)

    def _worth(self, known: NDArray[Any], items: Any) -> NDArray[np.float64]:
        offered = np.ones(known.size, dtype=bool) if items is None else are_among(known, items)
        worth = np.where(offered, 1.0, np.nan)
        if self.margins is not None:
            worth[offered] = _margins_of(known, offered, self.margins)
        return worth


def owned_items(X: TransactionLog | Baskets, items: NDArray[Any]) -> Baskets:
    """Return what is in each basket, or what each customer of a log ever bought, over the columns ``items``."""
    return buyers_of(X, "customer").with_items(items)


def buyers_of(X: Any, level: Any) -> Baskets:
    """Return the baskets of a log, or with ``level="customer"`` each customer's union; other ``X`` row by row."""
    check_choice(level, "level", ("customer", "basket"))
    baskets = as_baskets(X)
    return baskets.by_customer(len(X)) if level == "customer" and isinstance(X, TransactionLog) else baskets


def latest(X: Any, window: Any) -> TransactionLog:
    """Return the last ``window`` days of a log."""
    days = check_number(in_days(window, "window"), "window", low=1.0, high=1e6)
    if not isinstance(X, TransactionLog):
        raise InputError(f"window={window!r} needs dates: fit on a log, or leave it None.")
    first = X.end.astype("datetime64[D]") - np.timedelta64(int(np.ceil(days)) - 1, "D")
    return X.since(max(first, X.start.astype("datetime64[D]")))


def best_candidates(
    score: Callable[..., int],
    arguments: Callable[[slice], dict[str, Any]],
    n_rows: int,
    n_items: int,
    n: int,
    n_jobs: Any,
) -> Ranking:
    """Run a scoring kernel of `crmintel.kernels.recommending` over all rows and return the ``n`` best items of each.

    ``arguments`` gives, for a slice of the rows, what the kernel takes beside ``row`` and the candidates; its scratch
    has to be new at each call, since blocks of rows run on threads.
    """
    found = np.full((n_rows, n), -1, dtype=np.int32)
    scores = np.full((n_rows, n), -np.inf)

    def run(low: int) -> None:
        block = slice(low, min(low + _BLOCK, n_rows))
        codes = np.empty(max(n_items, _CANDIDATES), dtype=np.int32)
        candidates = {
            "codes": codes,
            "scores": np.empty(codes.size),
            "ends": np.empty(_BLOCK, dtype=np.int64),
        }
        fixed = arguments(block)
        row = 0
        while row < block.stop - low:
            stop = score(row=row, **fixed, **candidates)
            keep_best(**candidates, low=row, high=stop, found=found[block], found_scores=scores[block])
            row = stop
        order = np.lexsort((found[block], -scores[block]), axis=1)
        found[block] = np.take_along_axis(found[block], order, axis=1)
        scores[block] = np.take_along_axis(scores[block], order, axis=1)

    _run_on_threads(run, range(0, n_rows, _BLOCK), n_jobs)
    scores[found < 0] = np.nan
    return found, scores


def _run_on_threads(call: Callable[[int], None], starts: Iterable[int], n_jobs: Any) -> None:
    """Call ``call`` with each start, here or on ``n_jobs`` threads."""
    n_threads = thread_count(n_jobs)
    if n_threads == 1:
        for start in starts:
            call(start)
        return
    with ThreadPoolExecutor(n_threads) as pool:
        list(pool.map(call, starts))


def check_recommender(recommender: Any, name: str) -> Any:
    """Return ``recommender`` if it can be fitted and asked; ``name`` is what the user calls it."""
    verbs = ("fit", "recommend")
    if isinstance(recommender, type) or not all(callable(getattr(recommender, verb, None)) for verb in verbs):
        raise InputTypeError(
            f"{name} must be a recommender, with fit(log) and recommend(log, n, exclude_owned=...); got "
            f"{recommender!r:.80}."
        )
    return recommender


def need_fitted(estimator: Any) -> None:
    """Raise NotFittedError if there are no ``items_`` yet."""
    if not hasattr(estimator, "items_"):
        raise NotFittedError(f"this {type(estimator).__name__} is not fitted yet: call fit(log) first.")


def _as_rows(X: Any) -> TransactionLog | Baskets:
    return X if isinstance(X, TransactionLog) else as_baskets(X)


def are_among(known: NDArray[Any], items: Any) -> NDArray[np.bool_]:
    """Return which of the ``known`` items are among those to choose from, or raise if none is."""
    offered, unknown = find_labels(items, known, "items")
    if known.size and not offered.any():
        raise InputError(
            f"none of the {len(unknown)} items to choose from is known; known are {known.size:,} items like "
            f"{known[:3].tolist()}."
        )
    return offered


def _margins_of(known: NDArray[Any], offered: NDArray[np.bool_], margins: Any) -> NDArray[np.float64]:
    margins = _by_label(margins)
    if isinstance(margins, Mapping):
        labels = known[offered].tolist()
        missing = [label for label in labels if label not in margins]
        if missing:
            raise InputError(
                f"margins lacks {len(missing)} of {len(labels)} items, e.g. {missing[0]!r}; add them, or recommend "
                "among items=list(margins) only."
            )
        values = as_numbers([margins[label] for label in labels], "margins")
    else:
        values = as_numbers(margins, "margins")
        if values.shape != known.shape:
            raise InputError(
                f"margins must be a mapping, or an array with one value for each of the {known.size} items known; got "
                f"shape {values.shape}."
            )
        labels, values = known[offered].tolist(), values[offered]
    bad = ~((values >= 0.0) & (values < np.inf))
    if bad.any():
        worst = int(np.argmax(bad))
        raise InputError(
            f"margins must be finite and >= 0: {int(bad.sum())} of {bad.size} items break this, e.g. "
            f"{labels[worst]!r} ({values[worst]}). At 0 an item is not recommended."
        )
    return np.where(values > 0.0, values, np.nan)


def _by_label(margins: Any) -> Any:
    """Return a pandas Series as a mapping by its index, and other margins as they are."""
    if is_frame(margins):
        raise InputTypeError(
            "margins is a whole frame: give a mapping of item to margin, or one column indexed by item, e.g. "
            "frame.set_index('item')['margin']."
        )
    return margins.to_dict() if callable(getattr(margins, "to_dict", None)) else margins


def _fill_up(
    found: NDArray[Any], scores: NDArray[np.float64], rows: NDArray[np.int64], spare: tuple[Any, Any]
) -> None:
    """Put the ``spare`` items that are not there yet into the empty places of ``rows``."""
    n = found.shape[1]
    for row, labels, values in zip(rows.tolist(), *spare, strict=True):
        there = [label for label in found[row].tolist() if label is not None]
        more = [
            (label, value)
            for label, value in zip(labels.tolist(), values.tolist(), strict=True)
            if label is not None and label not in there
        ]
        for at, (label, value) in zip(range(len(there), n), more, strict=False):
            found[row, at], scores[row, at] = label, value
