"""The lines of a log as flat columns, in customer order and by time within a customer."""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crmintel.exceptions import ColumnError

NUMBER_FIELDS = ("amount", "quantity", "cost", "discount")
LABEL_FIELDS = ("item", "basket", "category")


@dataclass(frozen=True, slots=True)
class Labels:
    """A column of few distinct values: codes into the sorted distinct ``values``, -1 where missing."""

    codes: NDArray[np.int32]
    values: NDArray[Any]

    def used(self) -> Labels:
        """Return the same column with only those values that occur."""
        occurs = np.bincount(self.codes + 1, minlength=self.values.size + 1)[1:] > 0
        codes = np.append(np.cumsum(occurs) - 1, -1)[self.codes].astype(np.int32)  # at -1 stands -1
        return Labels(codes, self.values[occurs])

    def expand(self) -> NDArray[Any]:
        """Return the values line by line, None where missing."""
        if not (self.codes < 0).any():
            return self.values[self.codes]
        return np.concatenate([self.values.astype(object), np.array([None])])[self.codes]


@dataclass(frozen=True, slots=True)
class Lines:
    """Columns of equal length; ``time`` is wall-clock microseconds since 1970. Absent columns are None."""

    time: NDArray[np.int64]
    amount: NDArray[np.float64] | None = None
    quantity: NDArray[np.float64] | None = None
    cost: NDArray[np.float64] | None = None
    discount: NDArray[np.float64] | None = None
    item: Labels | None = None
    basket: Labels | None = None
    category: Labels | None = None
    kept: dict[str, NDArray[Any]] = field(default_factory=dict)

    def __len__(self) -> int:
        return self.time.size

    def take(self, rows: NDArray[np.int64]) -> Lines:
        """Return the lines ``rows``, in that order."""
        picked: dict[str, Any] = {"time": self.time[rows], "kept": {k: v[rows] for k, v in self.kept.items()}}
        for name in NUMBER_FIELDS:
            column = getattr(self, name)
            picked[name] = None if column is None else column[rows]
        for name in LABEL_FIELDS:
            labels = getattr(self, name)
            picked[name] = None if labels is None else Labels(labels.codes[rows], labels.values)
        return Lines(**picked)

    def keys(self) -> list[NDArray[Any]]:
        """Return a column of integers for each column: lines are equal where all of these are.

        Their order depends on the values alone, not on the order of the lines.
        """
        numbers = [c for name in NUMBER_FIELDS if (c := getattr(self, name)) is not None]
        labels = [c for name in LABEL_FIELDS if (c := getattr(self, name)) is not None]
        return [
            self.time,
            *((column + 0.0).view(np.int64) for column in numbers),  # + 0.0 makes -0.0 and 0.0 equal
            *(column.codes for column in labels),
            *(_rank(values) for values in self.kept.values()),
        ]

    def with_columns(self, **columns: Any) -> Lines:
        """Return the same lines with some columns replaced."""
        return replace(self, **columns)

    def need(self, name: str, for_what: str) -> Any:
        """Return a column or say which argument of ``from_frame`` would have brought it."""
        column = getattr(self, name)
        if column is None:
            raise ColumnError(
                f"{for_what} needs the {name} of each line, which this log does not have; it has "
                f"{self.present()}. Name the column in TransactionLog.from_frame(..., {name}=...)."
            )
        return column

    def present(self) -> list[str]:
        """Return the names of the columns that are there, beside ``time``."""
        known = [f.name for f in fields(self) if f.name not in ("time", "kept")]
        return [name for name in known if getattr(self, name) is not None] + list(self.kept)

    def numbers(self, name: str) -> NDArray[np.float64]:
        """Return a number column for a kernel: an empty array stands for a column that is not there."""
        column = getattr(self, name)
        return np.empty(0) if column is None else column

    def columns(self) -> dict[str, NDArray[Any]]:
        """Return every column that is there as plain values, by name."""
        plain: dict[str, NDArray[Any]] = {"time": self.time.view("datetime64[us]")}
        for name in self.present():
            if name in self.kept:
                plain[name] = self.kept[name]
            else:
                column = getattr(self, name)
                plain[name] = column.expand() if isinstance(column, Labels) else column
        return plain


def _rank(values: NDArray[Any]) -> NDArray[np.int64]:
    """Number the distinct values of a kept column, objects by how they print: 1, '1' and None differ."""
    if values.dtype.kind != "O":
        return np.unique(values, return_inverse=True)[1].astype(np.int64)
    printed = [repr(value) for value in values.tolist()]
    rank = {text: k for k, text in enumerate(sorted(set(printed)))}
    return np.fromiter((rank[text] for text in printed), np.int64, values.size)
