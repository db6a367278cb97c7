"""A table of coloured cells with their numbers in them; what is not known is grey."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

_MOST_NUMBERS = 300  # cells; in more the numbers would overlap
_LETTER = 6.5  # points, of a mean letter and its share of the gap, at the usual size of 10


def draw_cells(
    ax: Any,
    values: NDArray[np.float64],
    rows: Sequence[str],
    columns: Sequence[str],
    form: str,
    *,
    numbers: NDArray[np.float64] | None = None,
) -> Any:
    """Draw ``values``, the first row on top, and write ``numbers`` (None: the values) as ``form`` says."""
    ax.set_facecolor("lightgrey")
    mesh = ax.pcolormesh(np.ma.masked_invalid(values), cmap="Blues", edgecolors="white", linewidth=0.5)
    room = ax.get_window_extent().width / ax.figure.dpi * 72.0 / len(columns)
    crowded = max(map(len, map(str, columns))) * _LETTER > room
    turned = {"rotation": 45, "ha": "right", "rotation_mode": "anchor"} if crowded else {}
    ax.set_xticks(np.arange(len(columns)) + 0.5, columns, **turned)
    ax.set_yticks(np.arange(len(rows)) + 0.5, rows)
    ax.invert_yaxis()
    ax.tick_params(length=0)
    if values.size <= _MOST_NUMBERS:
        shown = values if numbers is None else numbers
        shade = np.nan_to_num(np.ma.filled(mesh.norm(values), 0.0))
        for i, j in np.argwhere(~np.isnan(values)):
            ax.text(
                j + 0.5, i + 0.5, form.format(shown[i, j]), ha="center", va="center", fontsize=8,
                color="white" if shade[i, j] > 0.6 else "0.15",
            )  # fmt: skip
    return mesh
