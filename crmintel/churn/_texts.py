"""Text columns of a frame that were hardly meant as categories."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crmintel.exceptions import DataWarning

_NEARLY_ALL = 0.95
_FEW_NUMBERS = 10  # so many different ones may be codes, such as "1" to "3" for plans
_FEW_ROWS = 50  # names of fewer may well differ


def warn_of_strange_texts(columns: Mapping[str, NDArray[Any]], missing: str) -> None:
    """Warn once of the text columns that hold numbers, or an id of each row.

    A file read with blanks among its numbers has text there, and a category for every number.
    """
    said = [found for name, values in columns.items() if (found := _strange(name, values, missing))]
    if said:
        warnings.warn(
            f"{'; '.join(said)}. A text column becomes one 0/1 column per category; a column of a categorical dtype is "
            "taken for one without a word.",
            DataWarning,
            stacklevel=2,
        )


def _strange(name: str, values: NDArray[Any], missing: str) -> str | None:
    words = Counter(word for word in values.tolist() if word != missing and word.strip())
    n = words.total()
    if len(words) > _FEW_NUMBERS and _are_numbers(words, (1.0 - _NEARLY_ALL) * n):
        return (
            f"column {name!r} is text that reads as numbers, e.g. {next(iter(words))!r}: cast it, in pandas with "
            f"pd.to_numeric(X[{name!r}], errors='coerce'), or drop it if it is an id"
        )
    if n >= _FEW_ROWS and len(words) >= _NEARLY_ALL * n:
        return (
            f"column {name!r} is text with {len(words):,} different values in {n:,} rows, e.g. "
            f"{next(iter(words))!r}: an id says nothing of other customers, so drop it"
        )
    return None


def _are_numbers(words: Counter[str], spared: float) -> bool:
    """Return whether at most ``spared`` of the values read as no number."""
    for word, times in words.items():
        try:
            spared -= 0 if np.isfinite(float(word)) else times
        except ValueError:
            spared -= times
        if spared < 0:
            return False
    return True
