"""What a measure of interest is: a checked function of four counts with its formula, range and reference."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import wraps
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from crmintel.exceptions import InputError, InputTypeError

Counts = NDArray[np.int64]
Values = NDArray[np.float64]
Formula = Callable[[Counts, Counts, Counts, Counts], Values]

INF = float("inf")


@dataclass(frozen=True, slots=True)
class Measure:
    """One interest measure.

    Attributes
    ----------
    name : str
    function : callable
        Takes ``n_ab, n_a, n_b, n``; calling the measure calls it.
    formula : str
    range : tuple of float
        Smallest and largest value.
    reference : str
        Who proposed it.
    symmetric : bool
        Whether A -> B and B -> A have the same value.
    small_is_strong : bool
        Whether lower values mean better rules; else higher ones do.
    """

    name: str
    function: Callable[..., Any]
    formula: str
    range: tuple[float, float]
    reference: str
    symmetric: bool = False
    small_is_strong: bool = False

    def __call__(self, n_ab: ArrayLike, n_a: ArrayLike, n_b: ArrayLike, n: ArrayLike) -> Any:
        """Return the measure of these counts."""
        return self.function(n_ab, n_a, n_b, n)


MEASURES: dict[str, Measure] = {}
"""All measures by name."""


def measure(
    formula: str,
    low: float,
    high: float,
    reference: str,
    *,
    symmetric: bool = False,
    small_is_strong: bool = False,
) -> Callable[[Formula], Callable[..., Any]]:
    """Register a function of four int64 arrays; let it take whatever broadcasts and give floats for numbers."""

    def register(function: Formula) -> Callable[..., Any]:
        @wraps(function)
        def checked(n_ab: ArrayLike, n_a: ArrayLike, n_b: ArrayLike, n: ArrayLike) -> Any:
            counts = check_counts(n_ab, n_a, n_b, n)
            with np.errstate(divide="ignore", invalid="ignore"):
                return function(*counts)[()]

        name = function.__name__
        MEASURES[name] = Measure(name, checked, formula, (low, high), reference, symmetric, small_is_strong)
        return checked

    return register


def check_measure(value: Any, name: str, others: Sequence[str] = ()) -> str:
    """Return ``value`` if it is the name of a measure or one of ``others``, else say which one may be meant."""
    names = [*MEASURES, *others]
    if isinstance(value, str) and value in names:
        return value
    also = f" or {', '.join(map(repr, others))}" if others else ""
    raise InputError(
        f"{name} must be one of the {len(MEASURES)} names in crmintel.measures.MEASURES{also}; got {value!r:.80}."
        f"{meant(value, names)}"
    )


def meant(value: Any, names: Iterable[str]) -> str:
    """Return " Did you mean ...?" where one of ``names`` is like ``value``."""
    text, names = str(value).lower(), list(names)
    # conf is the beginning of confidence, mlxtend's zhangs_metric begins with zhang
    close = [name for name in names if text and (name.startswith(text) or text.startswith(name))]
    close = close or get_close_matches(text, names, n=1)
    return f" Did you mean {close[0]!r}?" if close else ""


def check_counts(*counts: ArrayLike) -> list[Counts]:
    """Return the four counts as int64 arrays of one shape, or say which of them cannot be."""
    names = ("n_ab", "n_a", "n_b", "n")
    arrays = []
    for name, count in zip(names, counts, strict=True):
        if np.ma.is_masked(count):
            raise InputTypeError(f"{name} has masked values; fill or drop them first.")
        try:
            array = np.asarray(count)
        except ValueError:
            raise InputTypeError(f"{name} must hold counts, got rows of different lengths.") from None
        if array.dtype.kind == "f" and np.all(np.floor(array) == array) and np.all(np.abs(array) < 2.0**53):
            array = array.astype(np.int64)
        if array.dtype.kind not in "iu":
            raise InputTypeError(f"{name} must hold counts (whole numbers), got {count!r:.80}.")
        arrays.append(array.astype(np.int64, copy=False))
    try:
        n_ab, n_a, n_b, n = np.broadcast_arrays(*arrays)
    except ValueError:
        shapes = ", ".join(f"{name} {array.shape}" for name, array in zip(names, arrays, strict=True))
        raise InputError(f"the counts do not broadcast: {shapes}.") from None
    for bad, rule in (
        ((n < 1) | (n > 2**31 - 1), "n must lie in 1 .. 2**31 - 1"),
        ((n_ab < 0) | (n_ab > np.minimum(n_a, n_b)), "n_ab must lie between 0 and min(n_a, n_b)"),
        (np.maximum(n_a, n_b) > n, "n_a and n_b must be at most n"),
        (n_a + n_b - n_ab > n, "n_a + n_b - n_ab (baskets with either side) must be at most n"),
    ):
        if np.any(bad):
            k = np.unravel_index(np.argmax(bad), np.shape(bad))
            raise InputError(f"{rule}; got n_ab={n_ab[k]}, n_a={n_a[k]}, n_b={n_b[k]}, n={n[k]}.")
    return [n_ab, n_a, n_b, n]


def surplus(n_ab: Counts, n_a: Counts, n_b: Counts, n: Counts) -> Counts:
    """Return leverage times n**2, exact: what the table has beyond independence."""
    return n * n_ab - n_a * n_b


def log_ratio(top: Counts, bottom: Counts) -> Values:
    """Return ln(top / bottom), with all digits near a ratio of 1."""
    above = (top - bottom) / bottom
    return np.where(np.abs(above) < 0.5, np.log1p(np.maximum(above, -0.5)), np.log(top / bottom))
