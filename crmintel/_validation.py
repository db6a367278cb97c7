"""The checks every public entry shares: each names the value, the bound and the way out."""

from __future__ import annotations

import math
import numbers
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from crmintel.exceptions import InputError, InputTypeError


def check_number(
    value: Any,
    name: str,
    *,
    low: float | None = None,
    high: float | None = None,
    strict_low: bool = False,
    strict_high: bool = False,
    integer: bool = False,
    finite: bool = True,
) -> float:
    """Return ``value`` as float (int if ``integer``) or raise an error that names it and its bounds."""
    kind = numbers.Integral if integer else numbers.Real
    if isinstance(value, bool | np.bool_) or not isinstance(value, kind):
        what = "a whole number" if integer else "a number"
        raise InputTypeError(f"{name} must be {what}, got {value!r} of type {type(value).__name__}.")
    number: float = int(value) if integer else float(value)  # type: ignore[call-overload]
    bounds = []
    if low is not None:
        bounds.append(f"{'>' if strict_low else '>='} {low}")
    if high is not None:
        bounds.append(f"{'<' if strict_high else '<='} {high}")
    too_low = low is not None and (number <= low if strict_low else number < low)
    too_high = high is not None and (number >= high if strict_high else number > high)
    if math.isnan(number) or too_low or too_high or (finite and math.isinf(number)):
        wanted = " and ".join(bounds) or "finite"
        raise InputError(f"{name} must be {wanted}, got {value!r}.")
    return number


def check_choice(value: Any, name: str, choices: Sequence[Any]) -> Any:
    """Return ``value`` if it is one of ``choices``, else name them all."""
    if not any(value is c or (type(value) is type(c) and value == c) for c in choices):
        raise InputError(f"{name} must be one of {', '.join(map(repr, choices))}; got {value!r}.")
    return value


def check_vector(
    values: ArrayLike,
    name: str,
    *,
    n: int | None = None,
    allow_nan: bool = False,
    low: float | None = None,
    high: float | None = None,
    min_length: int = 0,
) -> NDArray[np.float64]:
    """Return a contiguous float64 vector, or name the first bad row and how many there are."""
    try:
        array = np.asarray(values)
        if array.dtype.kind in "mM":
            raise InputTypeError(f"{name} must hold numbers, got dtype {array.dtype}.")
        vector = np.ascontiguousarray(array, dtype=np.float64)
    except (TypeError, ValueError) as error:
        if isinstance(error, InputTypeError):
            raise
        raise InputTypeError(f"{name} must hold numbers: {error}.") from None
    if vector.ndim == 0 or array.ndim != 1:
        raise InputError(f"{name} must be one-dimensional, got shape {array.shape}.")
    if n is not None and vector.size != n:
        raise InputError(f"{name} has {vector.size} values, expected {n}: one per row.")
    if vector.size < min_length:
        raise InputError(f"{name} has {vector.size} values, at least {min_length} are needed.")
    bad = ~np.isfinite(vector)
    if allow_nan:
        bad &= ~np.isnan(vector)
    raise_if_any(bad, vector, name, "must be finite; fill or drop the missing values first")
    if low is not None:
        raise_if_any(vector < low, vector, name, f"must be >= {low}")
    if high is not None:
        raise_if_any(vector > high, vector, name, f"must be <= {high}")
    return vector


def raise_if_any(bad: NDArray[np.bool_], values: NDArray[Any], name: str, rule: str) -> None:
    """Raise an InputError that names ``rule``, the count of bad rows and the first of them, if any is bad."""
    if bad.any():
        row = int(np.argmax(bad))
        raise InputError(
            f"{name} {rule}: {int(bad.sum())} of {bad.size} rows break this, the first is row {row} "
            f"({values[row]})."
        )
