"""Summary frames of other libraries, one row per customer, as customer rows and back."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from crmintel._frames import open_frame
from crmintel._validation import as_numbers
from crmintel.exceptions import ColumnError, InputError, MissingExtraError
from crmintel.features.rows import SUMMARY_COLUMNS, CustomerRows
from crmintel.lifetime._histories import learned_unit

_ALIASES = {
    "frequency": ("frequency", "frequency_cal"),
    "recency": ("recency", "recency_cal"),
    "T": ("T", "T_cal", "n_periods", "periods"),
    "monetary_value": ("monetary_value", "monetary_value_cal"),
    "weights": ("weights", "n_custs"),
}
_NEEDED = 3  # of them, from the left


def read_summary(frame: Any, unit: str | None) -> CustomerRows:
    """Return the columns of a summary frame that models read, named as they are here."""
    table = open_frame(frame)
    found = {
        name: next((alias for alias in aliases if alias in table.names), None)
        for name, aliases in _ALIASES.items()
    }
    missing = [" or ".join(_ALIASES[name]) for name in list(_ALIASES)[:_NEEDED] if found[name] is None]
    if missing:
        raise ColumnError(f"the summary lacks {'; '.join(missing)}; it has {table.names}.")
    columns = {name: table.numbers(alias) for name, alias in found.items() if alias is not None}
    return CustomerRows(np.column_stack(list(columns.values())), list(columns), learned_unit(frame, unit))


def summary_columns(rows: Any, customers: ArrayLike | None) -> tuple[dict[str, Any], np.ndarray]:
    """Return the columns of customer rows as a dict, and one id for each row (0, 1, ... for None)."""
    values = as_numbers(rows, "rows")
    if values.ndim != 2:
        raise InputError(f"rows must be two-dimensional (customers x columns), got shape {values.shape}.")
    names = getattr(rows, "columns", None)
    if names is None:
        if values.shape[1] not in (3, 4):
            raise ColumnError(
                f"rows has {values.shape[1]} columns without names; give CustomerSummary's own output, or the columns "
                f"{', '.join(SUMMARY_COLUMNS)}, the last of which may be left out."
            )
        names = SUMMARY_COLUMNS[: values.shape[1]]
    ids = np.arange(values.shape[0]) if customers is None else np.asarray(customers)
    if ids.shape != (values.shape[0],):
        raise InputError(f"customers has shape {ids.shape}, expected ({values.shape[0]},): one id per row.")
    return {name: np.array(values[:, k]) for k, name in enumerate(names)}, ids


def pandas_for(whose: str) -> Any:
    """Import pandas, or say who needs it."""
    try:
        import pandas
    except ImportError:
        raise MissingExtraError(
            f"{whose} frames are those of pandas, which is not installed: pip install pandas"
        ) from None
    return pandas
