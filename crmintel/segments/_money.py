"""Money per customer, from whatever holds it, and exact shares of a number of customers."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crmintel._frames import is_frame, open_frame
from crmintel._validation import check_vector
from crmintel.exceptions import InputError, InputTypeError


def money_of(X: Any, name: str = "money") -> NDArray[np.float64]:
    """Return one amount per customer: the spend of a log, a vector, or the only column of a frame or matrix."""
    if callable(getattr(X, "spend", None)):
        return check_vector(X.spend(), "spend", min_length=1)
    if is_frame(X):
        table = open_frame(X, name)
        if len(table.names) != 1:
            raise InputError(f"{name} must be one column, got {table.names}; pass frame[[column]].")
        return check_vector(table.numbers(table.names[0]), f"column {table.names[0]!r}", min_length=1)
    try:
        shape = np.shape(X)
    except ValueError:
        raise InputTypeError(
            f"{name} must be one amount per customer, got rows of different lengths."
        ) from None
    if len(shape) == 2:
        if shape[1] != 1:
            raise InputError(f"{name} must be one column, one amount per customer; got shape {shape}.")
        X = np.asarray(X)[:, 0]
    return check_vector(X, name, min_length=1)


def exact(share: Any) -> Fraction:
    """Return the decimal a share was written as: 0.28 is 28/100, not the binary number just above it."""
    return share if isinstance(share, Fraction) else Fraction(repr(float(share)))


def ceil_of(share: Fraction, n: int) -> int:
    """Return the smallest number of customers that is at least ``share`` of ``n``."""
    return math.ceil(share * n)
