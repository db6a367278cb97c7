"""A change of grain: from the lines of customers to their baskets."""

from __future__ import annotations

import numpy as np
from scipy import sparse

from crmintel.transactions.baskets import Baskets
from crmintel.transactions.calendar import MICROSECONDS_PER_DAY
from crmintel.transactions.histories import Histories


def baskets_of(log: Histories) -> Baskets:
    """Return the distinct items of each receipt, or of each customer's day where the log has no receipts."""
    lines = log.compact().lines
    items = lines.need("item", "baskets()")
    bought = items.codes >= 0
    for name in ("amount", "quantity"):
        column = getattr(lines, name)
        if column is not None:
            bought &= column >= 0
    if lines.basket is not None:
        bought &= lines.basket.codes >= 0
        keys = lines.basket.codes[bought].astype(np.int64)
    else:
        keys = lines.time[bought] // MICROSECONDS_PER_DAY
        keys -= keys.min(initial=0)
    # A receipt number may come back at another customer: the pair is the basket.
    span = int(keys.max(initial=0)) + 1
    pairs, rows = np.unique(log.owners()[bought] * span + keys, return_inverse=True)
    matrix = sparse.coo_array(
        (np.ones(rows.size, dtype=np.int32), (rows, items.codes[bought])),
        shape=(pairs.size, items.values.size),
    ).tocsr()
    matrix.data[:] = 1
    ids = None if lines.basket is None else lines.basket.values[pairs % span]
    return Baskets(matrix, items.values, ids=ids, customers=pairs // span, library=log.library)
