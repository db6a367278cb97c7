"""From lines to elements: what one owner has at one time is one set of items."""

from __future__ import annotations

import numbers
from collections.abc import Iterable, Mapping, Sequence, Set
from typing import Any, TypeGuard

import numpy as np
from numpy.typing import ArrayLike, NDArray

from crmintel._cells import is_missing
from crmintel._frames import Table
from crmintel._instants import MISSING_TIME, read_instants
from crmintel._validation import as_numbers
from crmintel.exceptions import CapacityError, InputError, InputTypeError
from crmintel.kernels.runs import gather_runs

_SINGLE = {int, float, str}
_MOST = 2.0**53  # below it every whole number is a float of its own

Flat = tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int32], NDArray[Any]]


def join_elements(
    owners: NDArray[np.int64], times: NDArray[Any], codes: NDArray[np.int32], n_owners: int
) -> Flat:
    """Sort lines by owner, time and item, and return the offsets, element offsets, items and times of `Sequences`."""
    if codes.size > np.iinfo(np.int32).max:
        raise CapacityError(f"{codes.size:,} items are more than 2**31 - 1; split the sequences.")
    order = np.lexsort((codes, times, owners))
    owners, times, codes = owners[order], times[order], codes[order]
    new_time = np.ones(codes.size, dtype=bool)
    new_time[1:] = (owners[1:] != owners[:-1]) | (times[1:] != times[:-1])
    distinct = new_time.copy()
    distinct[1:] |= codes[1:] != codes[:-1]
    owners, times, codes, new_time = owners[distinct], times[distinct], codes[distinct], new_time[distinct]
    first = np.flatnonzero(new_time)
    offsets = np.searchsorted(owners[first], np.arange(n_owners + 1))
    return offsets.astype(np.int64), np.append(first, codes.size), codes, times[first]


def gather_ragged(
    offsets: NDArray[np.int64], chosen: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the offsets of the ``chosen`` runs put one behind the other, and where their entries stood."""
    starts, stops = offsets[:-1][chosen], offsets[1:][chosen]
    new = np.append(0, np.cumsum(stops - starts))
    places = np.empty(new[-1], dtype=np.int64)
    gather_runs(starts, stops, places)
    return new, places


def read_times(table: Table, name: str | None, owners: NDArray[np.int32]) -> NDArray[Any]:
    """Return a column of times as instants or numbers; without one, the place of each row among its owner's."""
    if name is None:
        order = np.argsort(owners, kind="stable")
        first = np.searchsorted(owners[order], owners[order])
        steps = np.empty(owners.size)
        steps[order] = np.arange(owners.size) - first
        return steps
    values = table.values(name)
    if _are_numbers(values):
        return _no_missing(table.numbers(name), name)
    return _no_missing(table.instants(name, "time")[0].view("datetime64[us]"), name)


def nested_elements(
    sequences: Iterable[Iterable[Any]], times: Sequence[ArrayLike] | None
) -> tuple[list[int], NDArray[Any], NDArray[Any]]:
    """Return how many items each of the nested lists holds, and the time and label of each item."""
    if isinstance(sequences, str | bytes) or not isinstance(sequences, Iterable):
        raise InputTypeError(f"sequences must be a list of lists of elements, got {sequences!r:.80}.")
    per_sequence: list[int] = []
    per_element: list[int] = []
    lengths: list[int] = []
    flat: list[Any] = []
    for number, sequence in enumerate(sequences):
        if not _is_collection(sequence) or isinstance(sequence, Set | Mapping):
            raise InputTypeError(
                f"sequence {number} must be a list of elements in their order, got {sequence!r:.80}; write "
                "[['a', 'b'], ['c']] or, for single items, ['a', 'c']."
            )
        before, first = len(flat), len(per_element)
        sequence = list(sequence)
        if _SINGLE.issuperset(map(type, sequence)):  # seven times as fast as one by one
            flat.extend(sequence)
            per_element.extend([1] * len(sequence))
            sequence = []
        for element in sequence:
            at = len(flat)
            flat.extend(element if _is_collection(element) else [element])
            per_element.append(len(flat) - at)
        lengths.append(len(per_element) - first)
        per_sequence.append(len(flat) - before)
    moments = _steps(lengths) if times is None else _given_times(times, lengths)
    return per_sequence, np.repeat(moments, per_element), np.fromiter(flat, dtype=object, count=len(flat))


def _is_collection(value: Any) -> TypeGuard[Iterable[Any]]:
    return (
        isinstance(value, Iterable) and not isinstance(value, str | bytes) and getattr(value, "ndim", 1) > 0
    )


def _steps(lengths: list[int]) -> NDArray[np.float64]:
    ends = np.cumsum(lengths, dtype=np.int64)
    return np.arange(sum(lengths), dtype=np.float64) - np.repeat(ends - lengths, lengths)


def _given_times(times: Sequence[ArrayLike], lengths: list[int]) -> NDArray[Any]:
    if not _is_collection(times):
        raise InputError(f"times must be {len(lengths)} lists of times, one per sequence; got {times!r:.80}.")
    given = list(times)
    if len(given) != len(lengths):
        raise InputError(f"times has {len(given)} lists, expected {len(lengths)}: one per sequence.")
    flat: list[Any] = []
    for number, (moments, length) in enumerate(zip(given, lengths, strict=True)):
        listed = list(moments) if _is_collection(moments) else None
        if listed is None or len(listed) != length:
            raise InputError(
                f"times of sequence {number} must be {length} times, one per element; got {moments!r:.80}."
            )
        flat.extend(listed)
    values = np.fromiter(flat, dtype=object, count=len(flat))
    if _are_numbers(values):
        missing = np.array([is_missing(value) for value in flat], dtype=bool)
        return _no_missing(as_numbers(np.where(missing, np.nan, values), "times"), "times")
    return _no_missing(read_instants(values, "times")[0].view("datetime64[us]"), "times")


def _are_numbers(values: NDArray[Any]) -> bool:
    if values.dtype.kind != "O":
        return values.dtype.kind in "iufb"
    present = next((value for value in values.tolist() if not is_missing(value)), 0.0)
    return isinstance(present, numbers.Number) and not isinstance(present, np.timedelta64)


def _no_missing(times: NDArray[Any], name: str) -> NDArray[Any]:
    bad = ~np.isfinite(times) if times.dtype.kind == "f" else times.view(np.int64) == MISSING_TIME
    if bad.any():
        raise InputError(
            f"{int(bad.sum())} of {bad.size} times in {name!r} are missing or not finite, the first in row "
            f"{int(np.argmax(bad))}; drop or mend them first."
        )
    if times.dtype.kind == "f" and np.abs(times).max(initial=0.0) >= _MOST:
        row = int(np.argmax(np.abs(times)))
        raise InputError(
            f"row {row} of {name!r} is {times[row]}: from 2**53 on neighbouring numbers cannot be told apart. Give "
            "dates, e.g. with astype('datetime64[ns]'), or count from a later start."
        )
    return times
