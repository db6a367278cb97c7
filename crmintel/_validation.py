"""The checks every public entry shares: each names the value, the bound and the way out."""

from __future__ import annotations

import math
import numbers
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from crmintel.exceptions import InputError, InputTypeError


def check_parameters(params: Mapping[str, Any], names: Sequence[str], owner: str) -> None:
    """Raise unless ``params`` has exactly the parameters that ``owner`` needs."""
    if set(params) != set(names):
        raise InputError(f"{owner} needs exactly the parameters {list(names)}, got {sorted(params)}.")


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
    # numpy's durations call themselves whole numbers
    right = isinstance(value, kind) and not isinstance(value, bool | np.bool_ | np.timedelta64)
    if not right:
        what = "a whole number" if integer else "a number"
        raise InputTypeError(f"{name} must be {what}, got {value!r} of type {type(value).__name__}.")
    try:
        number: float = int(value) if integer else float(value)
    except OverflowError:
        raise InputError(f"{name} is too large for a float; give a number below 1e308.") from None
    bounds = []
    if low is not None:
        bounds.append(f"{'>' if strict_low else '>='} {low}")
    if high is not None:
        bounds.append(f"{'<' if strict_high else '<='} {high}")
    too_low = low is not None and (number <= low if strict_low else number < low)
    too_high = high is not None and (number >= high if strict_high else number > high)
    if math.isnan(number) or too_low or too_high or (finite and math.isinf(number)):
        if finite and not math.isfinite(number):
            bounds.append("finite")
        wanted = " and ".join(bounds) or "a number"
        raise InputError(f"{name} must be {wanted}, got {value!r}.")
    return number


def check_choice(value: Any, name: str, choices: Sequence[Any]) -> Any:
    """Return ``value`` if it is one of ``choices``, else name them all."""
    for choice in choices:
        same_kind = type(value) is type(choice) or (isinstance(value, str) and isinstance(choice, str))
        if value is choice or (same_kind and value == choice):
            return choice
    raise InputError(f"{name} must be one of {', '.join(map(repr, choices))}; got {value!r}.")


def check_flag(value: Any, name: str) -> bool:
    """Return ``value`` if it is True or False: any text, "no" too, would count as true."""
    if not isinstance(value, bool | np.bool_):
        raise InputTypeError(f"{name} must be True or False, got {value!r}.")
    return bool(value)


def check_names(value: Any, name: str) -> list[str]:
    """Return ``value`` as a list of different names, or say what is none."""
    if isinstance(value, str):
        raise InputError(f"{name} must be a list of names, got the text {value!r}; write {name}=[{value!r}].")
    if not np.iterable(value):
        raise InputTypeError(f"{name} must be a list of names, got {value!r}; write {name}=[] for none.")
    names = list(value)
    strange = [each for each in names if not isinstance(each, str)]
    if strange:
        raise InputTypeError(f"{name} must be a list of names, got {strange[0]!r} in it.")
    twice = sorted({each for each in names if names.count(each) > 1})
    if twice:
        raise InputError(f"{name} names {twice} more than once; name each once.")
    return names


def exact(number: Any) -> Fraction:
    """Return a number as the decimal that is printed: 0.28 is 28/100, not the binary number just above it."""
    return Fraction(str(number))


def reads_as_number(value: Any) -> bool:
    """Return whether ``value`` is a number, or text that `float` reads as one."""
    try:
        float(value)
    except (TypeError, ValueError, OverflowError):
        return False
    return True


def check_instance(value: Any, name: str) -> None:
    """Raise if ``value`` is a class where an estimator is wanted."""
    if isinstance(value, type):
        raise InputTypeError(f"{name} must be an instance: pass {value.__name__}(), not the class.")


def refuse_words(array: NDArray[Any], name: str, words: str) -> None:
    """Raise if ``array`` holds text that is no written number; ``words`` is the way out."""
    if array.dtype.kind in "OU":
        word = next(
            (each for each in array.flat if isinstance(each, str) and not reads_as_number(each)), None
        )
        if word is not None:
            raise InputTypeError(f"{name} must hold numbers, got the text {str(word)!r}; {words}.")


def as_numbers(
    values: Any, name: str, *, words: str = "convert it first, e.g. with astype(float)"
) -> NDArray[np.float64]:
    """Return an array of any shape as float64; text, complex numbers, dates and masked values are no numbers.

    ``words`` is the way out where text is no written number.
    """
    if isinstance(values, np.ma.MaskedArray) and np.ma.is_masked(values):
        raise InputTypeError(
            f"{name} is a masked array; fill its {np.ma.count_masked(values)} masked values or drop them first."
        )
    try:
        array = np.asarray(values)
    except ValueError:
        raise InputTypeError(f"{name} must hold numbers, got rows of different lengths.") from None
    if array.dtype.kind in "fiub":
        return np.asarray(array, dtype=np.float64)
    refuse_words(array, name, words)
    try:
        if array.dtype.kind != "O":
            raise TypeError(f"dtype {array.dtype}")
        text = next((each for each in array.flat if isinstance(each, str | bytes)), None)
        if text is not None:
            raise TypeError(f"the text {text!r}")
        other = next(
            (each for each in array.flat if each is not None and not hasattr(each, "__float__")), None
        )
        if other is not None:
            raise TypeError(f"an object of type {type(other).__name__}")
        return array.astype(np.float64)
    except OverflowError:
        raise InputError(f"{name} holds a number too large for a float; it must be below 1e308.") from None
    except (TypeError, ValueError) as error:
        raise InputTypeError(
            f"{name} must hold numbers, got {error}; convert it first, e.g. with astype(float)."
        ) from None


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
    array = as_numbers(values, name)
    if array.ndim != 1:
        raise InputError(f"{name} must be one-dimensional, got shape {array.shape}.")
    vector = np.ascontiguousarray(array)
    if n is not None and vector.size != n:
        raise InputError(f"{name} has {vector.size} values, expected {n}: one per row.")
    if vector.size < min_length:
        raise InputError(f"{name} has {vector.size} values, at least {min_length} are needed.")
    check_finite(vector, name, allow_nan=allow_nan)
    if low is not None:
        raise_if_any(vector < low, vector, name, f"must be >= {low}")
    if high is not None:
        raise_if_any(vector > high, vector, name, f"must be <= {high}")
    return vector


def check_finite(vector: NDArray[np.float64], name: str, *, allow_nan: bool = False) -> None:
    """Raise if ``vector`` holds inf, or NaN that is not allowed: two mistakes with two ways out."""
    if not np.isfinite(vector).all():
        rule = "must be finite, and inf is no missing value; cap it or drop those rows"
        raise_if_any(np.isinf(vector), vector, name, rule)
        if not allow_nan:
            rule = "must be finite, not NaN; fill or drop the missing values first"
            raise_if_any(np.isnan(vector), vector, name, rule)


def check_weights(values: ArrayLike, n: int) -> NDArray[np.float64]:
    """Return one weight per row, none below 0, with a sum that is a number."""
    weights = check_vector(values, "sample_weight", n=n, low=0.0)
    with np.errstate(over="ignore"):
        if not np.isfinite(weights.sum()):
            raise InputError(
                "sample_weight sums to more than a float can hold; only ratios of weights matter, so divide them by "
                f"their largest ({weights.max()})."
            )
    return weights


def raise_if_any(bad: NDArray[np.bool_], values: NDArray[Any], name: str, rule: str) -> None:
    """Raise an InputError that names ``rule``, the count of bad rows and the first of them, if any is bad."""
    if bad.any():
        row = int(np.argmax(bad))
        raise InputError(
            f"{name} {rule}: {int(bad.sum())} of {bad.size} rows break this, the first is row {row} "
            f"({values[row]})."
        )
