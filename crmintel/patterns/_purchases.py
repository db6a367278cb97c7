"""The dated purchases of a log: who bought which item on which day."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crmintel.transactions.calendar import MICROSECONDS_PER_DAY
from crmintel.transactions.lines import Labels
from crmintel.transactions.log import TransactionLog


@dataclass(frozen=True, slots=True)
class Purchases:
    """Distinct (customer, item, day), in this order: positions in the log, codes in ``items``, days since 1970."""

    owner: NDArray[np.int64]
    item: NDArray[np.int64]
    day: NDArray[np.int64]
    items: NDArray[Any]


def purchases_of(log: TransactionLog, items: NDArray[Any] | None = None) -> Purchases:
    """Return the dated purchases of ``log``, or those of ``items`` only, with codes in these.

    Return lines and lines without an item are no purchases.
    """
    lines = log.compact().lines
    labels = lines.need("item", "recommendations")
    codes, items = (labels.codes, labels.values) if items is None else (_coded(labels, items), items)
    bought = codes >= 0
    for column in (lines.amount, lines.quantity):
        if column is not None:
            bought &= column >= 0
    owner, item = log.owners()[bought], codes[bought].astype(np.int64)
    day = lines.time[bought] // MICROSECONDS_PER_DAY
    order = np.lexsort((day, item, owner))
    owner, item, day = owner[order], item[order], day[order]
    new = np.ones(order.size, dtype=bool)
    new[1:] = (owner[1:] != owner[:-1]) | (item[1:] != item[:-1]) | (day[1:] != day[:-1])
    return Purchases(owner[new], item[new], day[new], items)


def _coded(labels: Labels, items: NDArray[Any]) -> NDArray[np.int32]:
    if labels.values is items:
        return labels.codes
    place = {label: code for code, label in enumerate(items.tolist())}
    mine = labels.values.tolist()
    codes = np.fromiter((place.get(label, -1) for label in mine), np.int32, len(mine))
    return np.append(codes, -1).astype(np.int32)[labels.codes]
