"""Money per customer, from whatever holds it, and exact shares of a number of customers."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any
from warnings import warn

import numpy as np
from numpy.typing import NDArray

from crmintel._frames import is_frame, open_frame
from crmintel._validation import as_numbers, check_vector
from crmintel.exceptions import DataWarning, InputError

_MUCH_NEGATIVE = 0.1  # of the total; from there on shares of it mislead


def money_of(X: Any, name: str = "money") -> NDArray[np.float64]:
    """Return one amount per customer: the spend of a log, a vector, or the only column of a frame or matrix."""
    if callable(getattr(X, "spend", None)):
        return check_vector(X.spend(), "spend", min_length=1)
    if is_frame(X):
        table = open_frame(X, name)
        if len(table.names) != 1:
            raise InputError(f"{name} must be one column, got {table.names}; pass frame[[column]].")
        return check_vector(table.numbers(table.names[0]), f"column {table.names[0]!r}", min_length=1)
    values = as_numbers(X, name)
    if values.ndim == 2:
        if values.shape[1] != 1:
            raise InputError(f"{name} must be one column, one amount per customer; got shape {values.shape}.")
        values = values[:, 0]
    return check_vector(values, name, min_length=1)


def total_of(money: NDArray[Any], name: str = "money") -> float:
    """Return the sum, if a float holds it."""
    with np.errstate(over="ignore", invalid="ignore"):
        total = float(money.sum())
    if not np.isfinite(total):
        raise InputError(f"the {name} sums to more than a float can hold; give it in a larger unit.")
    return total


def warn_of_negative(money: NDArray[np.float64], total: float, name: str = "money") -> None:
    """Warn, as the caller's caller, where negative amounts are so large that shares of ``total`` mislead."""
    negative = -float(money[money < 0.0].sum())
    if negative > _MUCH_NEGATIVE * total > 0.0:
        warn(
            f"{int(np.sum(money < 0.0))} of {money.size} customers have negative {name}, {-negative:.6g} together "
            f"of a total of {total:.6g}: shares of that total mislead. Net returns against their purchases "
            "(LogCleaner), or count these customers as nothing (np.maximum(x, 0)).",
            DataWarning,
            stacklevel=3,
        )


def ceil_of(share: Fraction, n: int) -> int:
    """Return the smallest number of customers that is at least ``share`` of ``n``."""
    return math.ceil(share * n)
