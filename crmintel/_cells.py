"""What every reader of columns shares: which cells are missing, and memory that is only lent."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import numpy as np
from numpy.typing import NDArray


def is_missing(value: Any) -> bool:
    """Return whether a cell is empty: None, NaN, NaT, NA or blank text."""
    if value is None or type(value).__name__ in ("NAType", "NaTType"):
        return True
    if isinstance(value, str):
        return not value.strip()  # a blank cell
    return isinstance(value, float | np.generic | Decimal) and bool(value != value)


def read_only(values: NDArray[Any], dtype: Any = None) -> NDArray[Any]:
    """Return a read-only, contiguous view: some frames lend such memory, and a kernel is compiled for one kind."""
    view = np.ascontiguousarray(values, dtype=dtype).view()
    view.flags.writeable = False
    return view
