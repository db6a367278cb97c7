"""The dated purchases of a log: who bought which item on which day."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from crmintel.transactions.calendar import MICROSECONDS_PER_DAY
from crmintel.transactions.log import TransactionLog


@dataclass(frozen=True, slots=True)
class Purchases:
    """Distinct (customer, item, day), in this order: positions in the log, codes in ``items``, days since 1970."""

    owner: NDArray[np.int64]
    item: NDArray[np.int64]
    day: NDArray[np.int64]
    items: NDArray[np.object_]


def purchases_of(log: TransactionLog) -> Purchases:
    """Return the dated purchases of ``log``; return lines and lines without an item are no purchases."""
    lines = log.compact().lines
    items = lines.need("item", "recommendations")
    bought = items.codes >= 0
    for column in (lines.amount, lines.quantity):
        if column is not None:
            bought &= column >= 0
    owner, item = log.owners()[bought], items.codes[bought].astype(np.int64)
    day = lines.time[bought] // MICROSECONDS_PER_DAY
    order = np.lexsort((day, item, owner))
    owner, item, day = owner[order], item[order], day[order]
    new = np.ones(order.size, dtype=bool)
    new[1:] = (owner[1:] != owner[:-1]) | (item[1:] != item[:-1]) | (day[1:] != day[:-1])
    return Purchases(owner[new], item[new], day[new], items.values)
