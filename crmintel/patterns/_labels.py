"""Items that are named by their labels, looked up among those that are known."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from difflib import get_close_matches
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crmintel.exceptions import InputError, InputTypeError

_MOST_COMPARED = 20_000  # labels that a mistyped one is compared with: difflib needs half a second for them


def find_labels(labels: Any, known: NDArray[Any], name: str) -> tuple[NDArray[np.bool_], list[Any]]:
    """Return which of ``known`` the collection ``labels`` names, and what it holds that is not known.

    Raises
    ------
    InputTypeError
        If it is no collection of labels; ``name`` is that of the parameter.
    """
    if isinstance(labels, str | bytes) or not isinstance(labels, Iterable) or getattr(labels, "ndim", 1) == 0:
        raise InputTypeError(f"{name} must be a list of items, got {labels!r:.80}; write {name}=[...].")
    place = {label: code for code, label in enumerate(known.tolist())}
    chosen = np.zeros(known.size, dtype=bool)
    unknown = []
    for label in labels:
        try:
            code = place.get(label)
        except TypeError:
            raise InputTypeError(f"{name} must hold labels of items, got {label!r:.80}.") from None
        if code is None:
            unknown.append(label)
        else:
            chosen[code] = True
    return chosen, unknown


def need_labels(labels: Any, known: NDArray[Any], name: str) -> NDArray[np.bool_]:
    """Return which of ``known`` are named; an item that is in no basket is most likely mistyped."""
    chosen, unknown = find_labels(labels, known, name)
    if unknown:
        raise InputError(
            f"{name} names {len(unknown)} items that no basket holds, e.g. {unknown[:3]}; known are e.g. "
            f"{known[:3].tolist()}.{_alike(unknown[0], known.tolist())}"
        )
    return chosen


def code_of(item: Any, known: NDArray[Any]) -> int:
    """Return the place of ``item`` among the labels that are ``known``.

    Raises
    ------
    InputError
        If it is not there.
    InputTypeError
        If it is a list.
    """
    if not isinstance(item, Hashable):
        raise InputTypeError(f"the item must be one label, not a {type(item).__name__}; got {item!r:.80}.")
    labels = known.tolist()
    try:
        return dict(zip(labels, range(known.size), strict=True))[item]
    except (KeyError, TypeError):
        raise InputError(
            f"the item {item!r:.80} is not known; the {known.size:,} items known are like {labels[:3]}."
            f"{_alike(item, labels)} An item that nobody bought yet has no score: use a similar one, or a category."
        ) from None


def _alike(item: Any, labels: list[Any]) -> str:
    """Return " Did you mean ...?" where a label differs from ``item`` in capitals or in a few letters."""
    if not isinstance(item, str):
        return ""
    texts = {label.casefold(): label for label in labels[:_MOST_COMPARED] if isinstance(label, str)}
    close = get_close_matches(item.casefold(), texts, n=1, cutoff=0.8)
    return f" Did you mean {texts[close[0]]!r}?" if close else ""
