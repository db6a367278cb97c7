"""Profit of a retention campaign by how many customers it contacts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from crmintel.churn.profit import ProfitCurve
from crmintel.plots._axes import axes_for, check_kind


class ProfitCurveDisplay:
    """Profit per customer of the base against the share contacted, for one or several scores.

    Use `from_curves` to make one.

    Parameters
    ----------
    data : dict of dict of ndarray
        By name of the score: ``share``, ``profit``.

    Attributes
    ----------
    data : dict of dict of ndarray
        The numbers shown.
    ax_, figure_
        The axes and the figure, after `plot`.

    Examples
    --------
    >>> import crmintel as ci
    >>> from crmintel.plots.profit import ProfitCurveDisplay
    >>> curve = ci.profit_curve([1, 0, 1, 0], [0.9, 0.4, 0.8, 0.1], accept=0.5)
    >>> ProfitCurveDisplay.from_curves(curve).data["profit"]["profit"].tolist()
    [0.0, 23.5, 47.0, 44.25, 41.5]
    """

    def __init__(self, data: dict[str, dict[str, NDArray[np.float64]]]) -> None:
        self.data = data

    @classmethod
    def from_curves(cls, curves: ProfitCurve | Mapping[str, ProfitCurve]) -> Self:
        """Take the curves of `profit_curve`.

        Parameters
        ----------
        curves : ProfitCurve or dict of ProfitCurve
            By name of the score.
        """
        named = curves if isinstance(curves, Mapping) else {"profit": curves}
        for each in named.values():
            check_kind(each, ProfitCurve, "each of curves", "profit_curve(y, score, clv)")
        return cls({name: {"share": each.share, "profit": each.profit} for name, each in named.items()})

    def plot(self, ax: Any = None) -> Self:
        """Draw each curve, with a point where its profit is highest.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            None makes a new figure.

        Raises
        ------
        MissingExtraError
            If matplotlib is not installed.
        """
        ax = axes_for(ax, self)
        for name, curve in self.data.items():
            (line,) = ax.plot(curve["share"], curve["profit"], label=name)
            best = int(np.argmax(curve["profit"]))
            ax.plot(curve["share"][best], curve["profit"][best], "o", color=line.get_color())
        ax.axhline(0.0, color="0.6", linewidth=0.8)
        ax.set(xlabel="share of customers contacted", ylabel="profit per customer of the base", xlim=(0, 1))
        ax.legend()
        self.ax_, self.figure_ = ax, ax.figure
        return self
