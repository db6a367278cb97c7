"""Segment labels as codes: who is where, and who is not there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crmintel._frames import is_frame
from crmintel.exceptions import InputError, InputTypeError


def as_labels(values: Any, name: str, n: int | None = None) -> NDArray[Any]:
    """Return one label per customer as plain Python values (text or numbers), None where the customer is absent."""
    if isinstance(values, str | bytes) or not np.iterable(values) or is_frame(values):
        raise InputTypeError(f"{name} must be one label per customer, got {type(values).__name__}.")
    array = np.asarray(values) if isinstance(values, np.ndarray) else np.array(list(values), dtype=object)
    if array.ndim != 1:
        raise InputError(f"{name} must be one-dimensional, got shape {array.shape}.")
    if n is not None and array.size != n:
        raise InputError(f"{name} has {array.size} labels, expected {n}: one per customer.")
    labels = np.array([_plain(label, name) for label in array.tolist()], dtype=object)
    kinds = {isinstance(label, str) for label in labels.tolist() if label is not None}
    if len(kinds) == 2:
        raise InputTypeError(f"{name} mixes text and numbers; give all segments one kind of name.")
    return labels


def _plain(label: Any, name: str) -> Any:
    if isinstance(label, np.generic):  # a list of numpy's numbers
        label = label.item()
    if (
        label is None
        or (isinstance(label, float) and np.isnan(label))
        or type(label).__name__ in ("NAType", "NaTType")
    ):
        return None
    if isinstance(label, float) and label.is_integer():  # integers beside a NaN
        return int(label)
    if not isinstance(label, str | int | float) or isinstance(label, float):
        raise InputTypeError(f"{name} must hold text, whole numbers or None, got {label!r}.")
    return label


def segment_names(*labels: NDArray[Any], order: Sequence[Any] | None = None) -> list[Any]:
    """Return the different segments of all ``labels``: in the given ``order``, or sorted."""
    found = {label for column in labels for label in column.tolist() if label is not None}
    if order is None:
        if len({isinstance(label, str) for label in found}) == 2:
            raise InputTypeError("some labels are text and some numbers; give the segments one kind of name.")
        return sorted(found)
    names = list(as_labels(order, "order"))
    if None in names or len(set(names)) < len(names):
        raise InputError(f"order must name each segment once, got {list(order)!r}.")
    unknown = sorted(map(str, found - set(names)))
    if unknown:
        raise InputError(f"the labels {unknown} are not in order={names}; add them where they belong.")
    return names


def codes_of(labels: NDArray[Any], names: list[Any]) -> NDArray[np.int64]:
    """Return the position of each label in ``names``; the absent get ``len(names)``."""
    position = {name: i for i, name in enumerate(names)} | {None: len(names)}
    try:
        return np.fromiter((position[label] for label in labels.tolist()), np.int64, labels.size)
    except KeyError as error:
        raise InputError(f"{error.args[0]!r} is no known segment; they are {names}.") from None
