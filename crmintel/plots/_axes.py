"""Where to draw: the one place that asks for matplotlib."""

from __future__ import annotations

from typing import Any

from crmintel.exceptions import MissingExtraError


def axes_for(ax: Any, display: object) -> Any:
    """Return ``ax``, or the axes of a new figure; say the pip line where matplotlib is missing."""
    try:
        import matplotlib.pyplot as plt
    except ImportError:
        raise MissingExtraError(
            f"{type(display).__name__} draws with matplotlib, which is not installed: pip install 'crmintel[plot]'"
        ) from None
    return plt.subplots()[1] if ax is None else ax
