"""A change of grain: from the lines of customers to their baskets."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from crmintel.exceptions import DataWarning, InputError
from crmintel.transactions.baskets import Baskets
from crmintel.transactions.calendar import MICROSECONDS_PER_DAY
from crmintel.transactions.histories import Histories
from crmintel.transactions.lines import Lines
from crmintel.transactions.returns import is_return

MILLIONTHS = 1_000_000
# Up to here a number of millionths is a float of its own, and half a million of them sum in int64.
_MOST = 2.0**52
_LOST = 1e-4  # share of all money that rounding may move


def baskets_of(log: Histories) -> Baskets:
    """Return the distinct items of each receipt, or of each customer's day where the log has no receipts."""
    return _group(log, log.compact().lines)[0]


def profits_of(log: Histories) -> tuple[Baskets, NDArray[np.int64]]:
    """Return the baskets, and what each entry of ``indices`` brought, in whole millionths.

    That is the amount of its lines, less their cost where the log has costs. Lines are rounded one by one: the sums
    do not depend on their order. Return lines are in no basket: a `DataWarning` counts them and their money.
    """
    lines = log.compact().lines
    amount = lines.need("amount", "the profit of an item")
    profit = in_millionths(amount, "amount")
    if lines.cost is not None:
        profit = profit - in_millionths(lines.cost, "cost")
    back = is_return(lines)
    if back.any():
        warnings.warn(
            f"{int(back.sum()):,} return lines worth {float(amount[back].sum()):,.2f} are in no basket, so that what "
            "was given back counts as sold. LogCleaner() takes returned purchases out; run it first.",
            DataWarning,
            stacklevel=4,
        )
    baskets, bought, rows, codes = _group(log, lines)
    sums = sparse.coo_array((profit[bought], (rows, codes)), shape=baskets.shape).tocsr()
    return baskets, sums.data


def in_millionths(money: NDArray[np.float64], name: str) -> NDArray[np.int64]:
    """Return money as whole millionths, in which sums are exact; an error tells where they are not."""
    largest = float(np.abs(money).max(initial=0.0))
    if largest > _MOST / MILLIONTHS:
        row = int(np.argmax(np.abs(money)))
        raise InputError(
            f"{name}: money is counted in whole millionths, but row {row} ({money[row]}) is beyond "
            f"{_MOST / MILLIONTHS:.0f}; divide all money by a thousand or more."
        )
    exact = money * MILLIONTHS
    whole = np.rint(exact)
    # single amounts below a millionth are the dust of earlier sums, and count as 0
    if np.abs(whole - exact).sum() > _LOST * np.abs(exact).sum():
        raise InputError(
            f"{name}: money is counted in whole millionths, in which more than {_LOST:.2%} of these amounts gets lost "
            f"(the largest is {largest}); multiply all money by a million."
        )
    return whole.astype(np.int64)


def _group(
    log: Histories, lines: Lines
) -> tuple[Baskets, NDArray[np.bool_], NDArray[Any], NDArray[np.int32]]:
    """Return the baskets, which lines are in one, and for these the basket and the item code."""
    items = lines.need("item", "baskets()")
    bought = (items.codes >= 0) & ~is_return(lines)
    if lines.basket is not None:
        bought &= lines.basket.codes >= 0
        keys = lines.basket.codes[bought].astype(np.int64)
    else:
        keys = lines.time[bought] // MICROSECONDS_PER_DAY
        keys -= keys.min(initial=0)
    # A receipt number may come back at another customer: the pair is the basket.
    span = int(keys.max(initial=0)) + 1
    pairs, rows = np.unique(log.owners()[bought] * span + keys, return_inverse=True)
    codes = items.codes[bought]
    matrix = sparse.coo_array(
        (np.ones(rows.size, dtype=np.int32), (rows, codes)),
        shape=(pairs.size, items.values.size),
    ).tocsr()
    matrix.data[:] = 1
    ids = None if lines.basket is None else lines.basket.values[pairs % span]
    baskets = Baskets(matrix, items.values, ids=ids, customers=pairs // span, library=log.library)
    return baskets, bought, rows, codes
