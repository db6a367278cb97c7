"""A table of coloured cells with their numbers in them; what is not known is grey."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crmintel.plots._axes import add_colorbar, lay_out

# points, of the numbers; where there is no room for smaller ones there are none
_LARGEST, _SMALLEST = 8.0, 5.0


def draw_cells(
    ax: Any,
    values: NDArray[np.float64],
    rows: Sequence[str],
    columns: Sequence[str],
    form: str,
    *,
    numbers: NDArray[np.float64] | None = None,
    scale: str | None = None,
    in_steps: bool = False,
) -> None:
    """Draw ``values``, the first row on top, and write ``numbers`` (None: the values) as ``form`` says.

    ``scale`` is what the scale of colours is called (None: there is none). With ``in_steps`` rows and columns follow
    each other, so that not all need a label.
    """
    ax.set_facecolor("lightgrey")
    mesh = ax.pcolormesh(np.ma.masked_invalid(values), cmap="Blues", edgecolors="white", linewidth=0.5)
    ax.set_xticks(np.arange(len(columns)) + 0.5, columns, parse_math=False)
    ax.set_yticks(np.arange(len(rows)) + 0.5, rows, parse_math=False)
    ax.invert_yaxis()
    ax.tick_params(length=0)
    if scale is not None:
        add_colorbar(mesh, ax, scale)
    lay_out(ax)
    if in_steps:
        _thin(ax.xaxis, ax.bbox.width / len(columns), "width")
        _thin(ax.yaxis, ax.bbox.height / len(rows), "height")
    elif _longest(ax.xaxis, "width") > ax.bbox.width / len(columns):
        ax.tick_params(axis="x", labelrotation=45)
        for label in ax.get_xticklabels():
            label.set(ha="right", rotation_mode="anchor")
    lay_out(ax)
    _write(ax, mesh, values, values if numbers is None else numbers, form)


def _write(ax: Any, mesh: Any, values: NDArray[np.float64], numbers: NDArray[np.float64], form: str) -> None:
    known = np.argwhere(~np.isnan(values))
    texts = [form.format(numbers[i, j]) for i, j in known]
    point = ax.figure.dpi / 72.0
    width, height = ax.bbox.width / values.shape[1] / point, ax.bbox.height / values.shape[0] / point
    # a digit is 0.64 of its size wide, a comma half of that, a line 1.2 high
    letters = max((len(text) - text.count(",") / 2 for text in texts), default=1.0)
    size = min(_LARGEST, width / (0.64 * letters + 0.3), height / 1.2)
    if size < _SMALLEST:
        return
    shade = np.nan_to_num(np.ma.filled(mesh.norm(values), 0.0))
    for (i, j), text in zip(known, texts, strict=True):
        color = "white" if shade[i, j] > 0.6 else "0.15"
        ax.text(j + 0.5, i + 0.5, text, ha="center", va="center", fontsize=size, color=color)


def _longest(axis: Any, side: str) -> float:
    """Return the most room that a label takes along its axis, with a gap, in pixels."""
    extents = [getattr(label.get_window_extent(), side) for label in axis.get_ticklabels()]
    return max(extents) + 0.3 * axis.get_ticklabels()[0].get_fontsize() * axis.figure.dpi / 72.0


def _thin(axis: Any, room: float, side: str) -> None:
    """Keep every second, third, ... label where ``room`` pixels are too few for each."""
    step = int(np.ceil(_longest(axis, side) / room))
    labels = [label.get_text() for label in axis.get_ticklabels()]
    axis.set_ticks(axis.get_ticklocs()[::step], labels[::step], parse_math=False)
