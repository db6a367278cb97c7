"""Returns undone: what they leave of the purchases before them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from crmintel.kernels.returns import match_equal_returns, match_returns_in_time
from crmintel.transactions.lines import NUMBER_FIELDS, Lines


@dataclass(frozen=True, slots=True)
class Undone:
    """Lines with smaller purchases; which lines go because a match leaves nothing, and which returns found none.

    ``matched_money`` is what rounding left of the matched: 0 but for a few units in the last place.
    """

    lines: Lines
    matched: NDArray[np.bool_]
    matched_money: float
    unmatched: NDArray[np.bool_]
    unmatched_money: float
    n_reduced: int


def is_return(lines: Lines) -> NDArray[np.bool_]:
    """Mark the lines with a negative amount or quantity."""
    marked = np.zeros(len(lines), dtype=bool)
    for column in (lines.amount, lines.quantity):
        if column is not None:
            marked |= column < 0
    return marked


def undo_returns(
    lines: Lines,
    owners: NDArray[np.int64],
    keep: NDArray[np.bool_],
    returns: NDArray[np.bool_],
    by_item: bool,
) -> Undone:
    """Take ``returns`` out of earlier purchases among the lines to ``keep``: of the item, or of any item.

    Money decides, or quantity in a log without amounts. A purchase that came back in part keeps the same share of
    every number column. A return whose measure is not negative undoes nothing.
    """
    measure = lines.quantity if lines.amount is None else lines.amount
    assert measure is not None, "a return is known by its amount or its quantity"
    undoing = returns & (measure < 0)
    left, crumbs = _left(lines, owners, np.abs(measure), undoing, keep & (~returns | undoing), by_item)
    bought = keep & ~returns & (measure > 0)
    reduced = bought & (left > 0.0) & (left < measure)
    unmatched = returns & ~(undoing & (left == 0.0))
    share = np.divide(left, measure, out=np.ones(len(lines)), where=reduced)
    present = {name: column for name in NUMBER_FIELDS if (column := getattr(lines, name)) is not None}
    return Undone(
        lines=lines.with_columns(**{name: column * share for name, column in present.items()}),
        matched=(returns & ~unmatched) | (bought & (left == 0.0)),
        matched_money=0.0 if lines.amount is None else crumbs,
        unmatched=unmatched,
        unmatched_money=0.0
        if lines.amount is None
        else float(np.where(undoing, -left, measure)[unmatched].sum()),
        n_reduced=int(reduced.sum()),
    )


def _left(
    lines: Lines,
    owners: NDArray[np.int64],
    size: NDArray[np.float64],
    undoing: NDArray[np.bool_],
    keep: NDArray[np.bool_],
    by_item: bool,
) -> tuple[NDArray[np.float64], float]:
    """Return what is left of each line's ``size`` when the returns have undone what they can, and the crumbs."""
    has_returns = np.zeros(owners[-1] + 1, dtype=bool)
    has_returns[owners[undoing]] = True
    rows = np.flatnonzero(keep & has_returns[owners])
    group = owners[rows]
    if by_item and lines.item is not None:
        group = group * (lines.item.values.size + 1) + lines.item.codes[rows] + 1
    time, later, sizes = lines.time[rows], undoing[rows], size[rows]
    left, stack = sizes.copy(), np.empty(rows.size, dtype=np.int64)
    # Lines that tie differ in their other columns, if at all, so that the order of the input never decides.
    ties = lines.take(rows).keys()
    if by_item:
        order = np.lexsort([*ties, later, time, sizes, group])
        match_equal_returns(order, group, later, sizes, left, stack)
    order = np.lexsort([*ties, sizes, later, time, group])
    crumbs = match_returns_in_time(order, group, later, sizes, left, stack)
    everything = size.copy()
    everything[rows] = left
    return everything, crumbs
