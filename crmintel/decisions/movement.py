"""Who moved between value tiers lately, with the money at stake."""

from __future__ import annotations

from typing import Any

import numpy as np

from crmintel.exceptions import DateRangeError
from crmintel.segments.history import SegmentHistory
from crmintel.segments.tiers import ValueTiers
from crmintel.transactions.log import TransactionLog


def recent_tiers(tiers: Any, log: TransactionLog, days: float) -> SegmentHistory:
    """Put each customer in a tier by what was spent in the last ``days`` of the log, and in as many before.

    Parameters
    ----------
    tiers : estimator
        Unfitted. It is fitted on the earlier stretch, so that both are measured by one yardstick.
    log : TransactionLog
        With amounts.
    days : float
        Length of a stretch, rounded up to whole days.

    Returns
    -------
    SegmentHistory
        Of two periods, the second ending with the log.

    Raises
    ------
    DateRangeError
        If the log does not cover two stretches.
    InputError
        If nobody bought in the earlier stretch.
    """
    length = int(np.ceil(days))
    end = log.end.astype("datetime64[D]")
    day = np.timedelta64(1, "D")
    starts = end + day - np.array([2 * length, length]) * day
    if starts[0] < log.start.astype("datetime64[D]"):
        raise DateRangeError(
            f"two stretches of {length} days begin on {starts[0]}, before the log ({log.start}..{log.end})."
        )
    labels, money = [], np.zeros((2, len(log)))
    for i, part in enumerate((log.until(starts[1] - day).since(starts[0]), log.since(starts[1]))):
        tiers = tiers.fit(part) if i == 0 else tiers
        here = np.isin(log.customers, part.customers)
        found = np.full(len(log), None, dtype=object)
        if here.any():
            found[here] = tiers.predict(part).tolist()
            money[i, here] = part.spend()
        labels.append(found)
    order = tiers.labels_.tolist() if isinstance(tiers, ValueTiers) else None
    return SegmentHistory(
        log.customers, starts, f"{length}-day period", labels, money, tiers, order, log.library
    )
