"""Contracts as the models read them: how long each customer was watched, and whether it ended."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crmintel._frames import frame_columns, is_frame
from crmintel._validation import as_numbers, check_vector, raise_if_any
from crmintel.exceptions import ColumnError, InputError
from crmintel.features.rows import CustomerRows

COLUMNS = ("duration", "churned")
MOST_PERIODS = 10_000  # days for 27 years; the likelihood has a table of this length at most

Vector = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Contracts:
    """One customer per element: periods watched, and whether the contract ended with the last of them."""

    duration: Vector
    churned: NDArray[np.bool_]

    def __len__(self) -> int:
        return self.duration.size


NEW_CONTRACT = Contracts(np.zeros(1), np.zeros(1, dtype=bool))


def read_contracts(X: Any) -> Contracts:
    """Return the checked contracts in ``X``: columns ``duration, churned``, by name or in this order.

    Raises
    ------
    InputError
        Naming the column, the rule, the number of rows that break it and the first of them.
    """
    columns = _columns(X)
    duration = check_vector(columns["duration"], "duration", low=0.0, min_length=1)
    churned = check_vector(columns["churned"], "churned", n=duration.size)
    raise_if_any(duration != np.floor(duration), duration, "duration", "must hold whole numbers of periods")
    raise_if_any(duration > MOST_PERIODS, duration, "duration", f"must be <= {MOST_PERIODS:,} periods")
    raise_if_any((churned != 0) & (churned != 1), churned, "churned", "must be 0 or 1")
    ended = churned == 1
    raise_if_any(
        ended & (duration == 0),
        duration,
        "duration",
        "must be >= 1 where churned is 1 (it counts the renewal that was not made)",
    )
    return Contracts(duration, ended)


def _columns(X: Any) -> dict[str, Vector]:
    if isinstance(X, Mapping) or is_frame(X):
        return frame_columns(X, COLUMNS)
    array = as_numbers(X, "X")
    names = getattr(X, "columns", None) or COLUMNS
    if array.ndim != 2 or array.shape[1] != len(names):
        raise InputError(
            f"X must have the columns {list(COLUMNS)}, one row per customer; got shape {array.shape}."
        )
    missing = [name for name in COLUMNS if name not in names]
    if missing:
        raise ColumnError(f"X lacks {missing}; it has {list(names)}.")
    return {name: np.ascontiguousarray(array[:, list(names).index(name)]) for name in COLUMNS}


def cohort_contracts(active: Any) -> tuple[CustomerRows, Vector]:
    """Return contracts and how many customers share each, from the customers left of each cohort by period.

    Raises
    ------
    InputError
        If a cohort grows, has a hole, a negative count or no customer at the start.
    """
    table = np.atleast_2d(as_numbers(active, "active"))
    if table.ndim != 2 or table.size == 0:
        raise InputError(f"active must be cohorts x periods, got shape {np.shape(active)}.")
    rows: list[NDArray[np.float64]] = []
    weights: list[NDArray[np.float64]] = []
    for cohort, counts in enumerate(table):
        name = f"active (cohort {cohort})"
        known = ~np.isnan(counts)
        last = int(known.sum()) - 1
        if not known[: last + 1].all():
            raise InputError(f"{name} has a hole; only periods after its last may be missing.")
        counts = check_vector(counts[: last + 1], name, low=0.0, min_length=1)
        raise_if_any(np.diff(counts, prepend=np.inf) > 0, counts, name, "must not grow: nobody comes back")
        if counts[0] == 0:
            raise InputError(f"{name} has no customer at the start; leave it out.")
        periods = np.arange(1.0, last + 1.0)
        rows += [np.column_stack([periods, np.ones(last)]), np.array([[last, 0.0]])]
        weights += [-np.diff(counts), counts[-1:]]
    return CustomerRows(np.concatenate(rows), COLUMNS), np.concatenate(weights)
