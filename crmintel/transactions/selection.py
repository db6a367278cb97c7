"""Which rows a key selects, and which labels two tables share: the same for baskets and for sequences."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from crmintel.exceptions import InputError, InputTypeError


def check_key(key: Any, n: int, what: str, hint: str = "") -> Any:
    """Return ``key`` as a slice, or as an array of positions or a mask of the ``n`` rows called ``what``."""
    if isinstance(key, tuple):
        if len(key) != 2 or not (key[1] is Ellipsis or (isinstance(key[1], slice) and key[1] == slice(None))):
            raise InputError(f"{what} are selected by row only; got the index {key!r:.80}.")
        key = key[0]
    if isinstance(key, slice):
        return key
    try:
        rows = np.atleast_1d(np.asarray(key))
    except ValueError:  # rows of different lengths
        rows = np.empty((0, 0))
    if rows.shape == (0,) and rows.dtype != bool:
        rows = rows.astype(np.int64)
    if rows.dtype.kind not in "iub" or rows.ndim > 1:
        raise InputTypeError(f"{what} are selected by position, slice or mask; got {key!r:.80}.{hint}")
    if rows.dtype == bool and rows.size != n:
        raise InputError(f"a mask over these {what} needs {n} values, got {rows.size}.")
    return rows


def match_labels(labels: NDArray[Any], known: NDArray[Any]) -> NDArray[np.int64]:
    """Return the position of each label among ``known``, -1 where it is not there.

    Raises
    ------
    InputTypeError
        If none is there and they have another type, e.g. 1 and "1".
    """
    place = {label: code for code, label in enumerate(known.tolist())}
    mine = labels.tolist()
    codes = np.fromiter((place.get(label, -1) for label in mine), dtype=np.int64, count=len(mine))
    if mine and place and codes.max() < 0 and type(mine[0]) is not type(next(iter(place))):
        raise InputTypeError(
            f"none of these items is known: they are {type(mine[0]).__name__} like {mine[0]!r}, known are "
            f"{type(next(iter(place))).__name__} like {next(iter(place))!r}."
        )
    return codes
