"""Whether each customer left, as 0 or 1; of words, which to write instead."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from crmintel._validation import check_vector, raise_if_any, reads_as_number
from crmintel.exceptions import InputTypeError


def check_outcome(
    values: Any, name: str = "y", *, n: int | None = None, rule: str = "(1: the customer left)"
) -> NDArray[np.float64]:
    """Return 0 or 1 for each customer, of whom there must be one at least."""
    refuse_answers(values, name)
    left = check_vector(values, name, n=n, min_length=1)
    raise_if_any((left != 0) & (left != 1), left, name, f"must be 0 or 1 {rule}")
    return left


def refuse_answers(values: Any, name: str) -> None:
    """Raise if values are answers in words such as "Yes", and say which comparison makes 0 and 1 of them."""
    try:
        array = np.asarray(values)
    except ValueError:  # of different lengths, which is said where numbers are read
        return
    if array.dtype.kind not in "OUT":
        return
    words = sorted({str(each) for each in array.flat if isinstance(each, str) and not reads_as_number(each)})
    if words:
        leaves = [word for word in words if word.strip().lower() == "yes"]
        which = "" if leaves else ", or whichever of them means that the customer left"
        raise InputTypeError(
            f"{name} must be 0 or 1 (1: the customer left), got the text {', '.join(map(repr, words[:5]))}; "
            f"write {name} == {(leaves or words)[0]!r}{which}."
        )
