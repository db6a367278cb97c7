"""What recommenders are fitted on, and what was then bought: one cutoff of an evaluation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone

from crmintel.exceptions import InputError
from crmintel.patterns._purchases import purchases_of
from crmintel.patterns._ranking_metrics import ranking_metrics
from crmintel.patterns._recommending import ItemRecommender
from crmintel.transactions.lines import LABEL_FIELDS
from crmintel.transactions.log import TransactionLog


@dataclass(frozen=True, slots=True)
class Fold:
    """The past up to a cutoff and, as sorted keys row * n_items + code, what counts as bought after it."""

    past: TransactionLog
    customers: NDArray[np.int64]  # positions in the whole log
    relevant: NDArray[np.int64]
    n_relevant: NDArray[np.int64]
    n_items: int
    n_sold: int
    place: dict[Any, int]

    @classmethod
    def of(cls, log: TransactionLog, date: np.datetime64, days: int, task: str) -> Fold:
        past, future = log.split(date)
        before, after = purchases_of(past), purchases_of(future)
        n_items = before.items.size
        owned = np.unique(before.owner * n_items + before.item)
        soon = after.day <= date.astype("datetime64[D]").astype(np.int64) + days
        bought = np.unique((after.owner * n_items + after.item)[soon])
        if task != "any":
            bought = bought[np.isin(bought, owned, assume_unique=True) == (task == "repeat")]
        return cls(
            _known_then(past),
            np.flatnonzero(np.isin(log.customers, past.customers)),
            bought,
            np.bincount(bought // max(n_items, 1), minlength=len(past)),
            n_items,
            np.unique(before.item).size,
            {label: code for code, label in enumerate(before.items.tolist())},
        )

    def judge(
        self, recommender: Any, ks: tuple[int, ...], *, exclude_owned: bool
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the metrics of each customer (0 where nothing was bought), and coverage and filled places."""
        own = isinstance(recommender, ItemRecommender)
        fresh = recommender._fresh() if own else clone(recommender, safe=False)
        labels, _ = fresh.fit(self.past).recommend(self.past, max(ks), exclude_owned=exclude_owned)
        shape = (len(self.past), max(ks))
        if np.shape(labels) != shape:
            raise InputError(
                f"{type(fresh).__name__}.recommend(log, {max(ks)}) gave items of shape {np.shape(labels)}, expected "
                f"{shape}: one row per customer, None where there are fewer items."
            )
        codes = np.fromiter(
            (self.place.get(label, -1) for label in np.ravel(labels).tolist()), np.int64, np.size(labels)
        ).reshape(shape)
        keys = np.arange(len(self.past))[:, None] * self.n_items + codes
        hits = (codes >= 0) & np.isin(keys, self.relevant)
        values = ranking_metrics(hits, np.maximum(self.n_relevant, 1), ks)
        overall = [
            [np.unique(codes[:, :k][codes[:, :k] >= 0]).size / max(self.n_sold, 1) for k in ks],
            [(codes[:, :k] >= 0).mean() for k in ks],
        ]
        return values, np.array(overall)


def _known_then(past: TransactionLog) -> TransactionLog:
    """Return the log without the later lines that it shares, and without the items that only those have."""
    past = past.compact()
    columns = {name: getattr(past.lines, name) for name in LABEL_FIELDS}
    used = {name: labels.used() for name, labels in columns.items() if labels is not None}
    return past._view(lines=past.lines.with_columns(**used))
