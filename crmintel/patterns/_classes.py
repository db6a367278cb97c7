"""Itemsets found class by class, compared between the classes; in steps, so that Ctrl-C is heard."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from crmintel.kernels import itemsets_closed as kernels
from crmintel.kernels.itemsets_found import (
    AT_ONCE,
    EMPTY,
    close_up,
    drop_within,
    find_free,
    insert_all,
    list_noted,
    note,
)

# Items, offsets, counts: see `crmintel.patterns._found.Flat`.
Lists = tuple[NDArray[np.int32], NDArray[np.int64], NDArray[np.int32]]


class Classes(NamedTuple):
    """Itemsets of all classes, with their keys and those of them without their roots."""

    items: NDArray[np.int32]
    offsets: NDArray[np.int64]
    counts: NDArray[np.int32]
    keys: NDArray[np.int64]
    keys_below: NDArray[np.int64]


def join(parts: list[Any], items: list[NDArray[np.int32]]) -> Classes:
    """Put the chunks together."""
    sizes = np.cumsum([0, *(part.shape[1] - 1 for part in parts)])
    offsets = np.zeros(sizes[-1] + 1, dtype=np.int64)
    for part, low, high in zip(parts, sizes[:-1], sizes[1:], strict=True):
        np.add(part[kernels.ENDS, 1:], offsets[low], out=offsets[low + 1 : high + 1])
    counts = np.concatenate([part[kernels.COUNTS, :-1] for part in parts]).astype(np.int32)
    keys, keys_below = (
        np.concatenate([part[row, :-1] for part in parts]) for row in (kernels.KEYS, kernels.KEYS_BELOW)
    )
    return Classes(np.concatenate(items), offsets, counts, keys, keys_below)


def without_copies(found: Classes, longest: int, same_count: bool) -> Lists:
    """Leave out itemsets that are too long, and those that another one without its root is the same as."""
    items, offsets, counts, keys, keys_below = found
    n = counts.size
    kept = np.diff(offsets) <= longest
    # most keys are met by none: a bit for each, which the processor's cache holds, spares the table
    bits = np.zeros(1 << max(0, (8 * n).bit_length() - 6), dtype=np.uint64)
    slices = [slice(start, start + AT_ONCE) for start in range(0, n, AT_ONCE)]
    for part in slices:
        note(keys=keys_below[part], bits=bits)
    noted = []
    for part in slices:
        numbers = np.empty(keys[part].size + 1, dtype=np.int64)
        noted.append(numbers[: list_noted(keys=keys[part], bits=bits, first=part.start, numbers=numbers)])
    met = np.concatenate([np.empty(0, dtype=np.int64), *noted])
    table = np.full((1 << (2 * met.size).bit_length(), 2), EMPTY, dtype=np.int64)
    for start in range(0, met.size, AT_ONCE):
        numbers = met[start : start + AT_ONCE]
        insert_all(keys=keys[numbers], numbers=numbers, table=table)
    for part in slices:
        drop_within(
            start=part.start,
            keys=keys_below[part],
            table=table,
            items=items,
            offsets=offsets,
            counts=counts,
            same_count=same_count,
            kept=kept,
        )
    numbers = np.flatnonzero(kept)
    if numbers.size == n:
        return items, offsets, counts
    at = 0
    for start in range(0, numbers.size, AT_ONCE):
        at = close_up(start=start, numbers=numbers, items=items, offsets=offsets, counts=counts, at=at)
    offsets[numbers.size] = at
    return items[:at], offsets[: numbers.size + 1], counts[: numbers.size]


def only_free(found: Classes, n_baskets: int, random: NDArray[np.int64]) -> Lists:
    """Keep the itemsets that have no subset with the same count."""
    items, offsets, counts = found[:3]
    lengths = np.diff(offsets)
    free = np.empty(counts.size, dtype=np.bool_)
    table = np.full((1 << (2 * counts.size).bit_length(), 2), EMPTY, dtype=np.int64)
    by_length = np.argsort(lengths, kind="stable")
    for start in range(0, counts.size, AT_ONCE):
        find_free(
            start=start,
            by_length=by_length,
            offsets=offsets,
            items=items,
            counts=counts,
            n_baskets=n_baskets,
            random=random,
            table=table,
            free=free,
        )
    return items[np.repeat(free, lengths)], np.append(0, np.cumsum(lengths[free])), counts[free]


def random_numbers(n: int) -> NDArray[np.int64]:
    """Return ``n`` numbers below 2**62, always the same ones (SplitMix64)."""
    x = np.arange(1, n + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return ((x ^ (x >> np.uint64(31))) >> np.uint64(2)).astype(np.int64)
