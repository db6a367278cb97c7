"""Which of the things that were found a key names: one by number, or some by slice, mask or numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from crmintel._validation import check_number
from crmintel.exceptions import InputError
from crmintel.transactions.selection import check_key


def positions(key: Any, n: int, what: str) -> int | NDArray[np.int64]:
    """Return ``key`` as a number, or as an array of numbers, of the ``n`` things called ``what``."""
    if isinstance(key, int | np.integer) and not isinstance(key, bool):
        return int(check_number(key, f"the number of one of the {what}", low=-n, high=n - 1, integer=True))
    hint = (
        f" A column is an attribute, not an index: .{key}."
        if isinstance(key, str) and key.isidentifier()
        else ""
    )
    chosen = check_key(key, n, what, hint)
    if isinstance(chosen, slice) or chosen.dtype == bool:
        return np.arange(n)[chosen]
    outside = (chosen < -n) | (chosen >= n)
    if outside.any():
        raise InputError(f"the numbers of {what} must be >= {-n} and <= {n - 1}, got {chosen[outside][0]}.")
    return np.asarray(chosen, dtype=np.int64)
