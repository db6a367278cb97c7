"""Where and how to draw: the one place that asks for matplotlib."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from crmintel.exceptions import InputTypeError, MissingExtraError


def check_kind(value: Any, kind: type, name: str, way: str) -> None:
    """Say what ``value`` is and which ``way`` makes what is wanted, if it is no ``kind``."""
    if not isinstance(value, kind):
        raise InputTypeError(
            f"{name} must be a {kind.__name__}, got {type(value).__name__}; {way} makes one."
        )


def axes_for(ax: Any, display: object, size: tuple[float, float] | None = None) -> Any:
    """Return ``ax``, or the axes of a new figure of ``size`` inches with room for its labels.

    Say the pip line where matplotlib is missing.
    """
    try:
        import matplotlib.pyplot as plt
        from matplotlib.axes import Axes
    except ImportError:
        raise MissingExtraError(
            f"{type(display).__name__} draws with matplotlib, which is not installed: pip install 'crmintel[plot]'"
        ) from None
    if not isinstance(ax, Axes | None):
        raise InputTypeError(f"ax must be the Axes of one plot, or None; got {type(ax).__name__}.")
    return plt.subplots(figsize=size, layout="constrained")[1] if ax is None else ax


def lay_out(ax: Any) -> None:
    """Give ``ax`` the place in its figure that it will be drawn in, to measure what fits there."""
    ax.figure.canvas.figure.draw_without_rendering()


def scale_of(values: NDArray[np.float64]) -> str:
    """Return "log" for positive values that span more than a factor of 8, else "linear"."""
    low, high = values.min(), values.max()
    return "log" if low > 0 and high > 8 * low else "linear"


def drawable(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return values with infinite ones at the ends of the finite ones; nan, which nothing draws, stays."""
    finite = values[np.isfinite(values)]
    return np.clip(values, finite.min(), finite.max()) if finite.size else values


def add_colorbar(points: Any, ax: Any, label: str, **place: Any) -> None:
    """Draw the scale of colours beside ``ax``."""
    bar = ax.figure.colorbar(points, ax=ax, label=label, **place)
    write_out(bar.ax.xaxis if bar.orientation == "horizontal" else bar.ax.yaxis)


def write_out(axis: Any) -> None:
    """Label a logarithmic axis at 1, 2, 5, 10, ...: within a decade or two powers of ten alone say too little."""
    from matplotlib.ticker import LogLocator, NullFormatter

    if axis.get_scale() == "log":
        low, high = sorted(axis.get_view_interval())
        axis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0) if high < 1e3 * low else (1.0,)))
        axis.set_major_formatter("{x:g}")
        axis.set_minor_formatter(NullFormatter())
