"""Survival of customers by segment."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from crmintel.churn.survival import SurvivalCurve
from crmintel.plots._axes import axes_for, check_kind


class SurvivalDisplay:
    """Share of customers still there by tenure, with intervals, for one curve or one for each segment.

    Use `from_curves` to make one.

    Parameters
    ----------
    data : dict of dict of ndarray
        By segment: ``time`` from 0, ``survival``, ``low``, ``high``.

    Attributes
    ----------
    data : dict of dict of ndarray
        The numbers shown.
    ax_, figure_
        The axes and the figure, after `plot`.

    Examples
    --------
    >>> import crmintel as ci
    >>> from crmintel.plots.survival import SurvivalDisplay
    >>> curves = ci.survival_by_segment([1, 3, 2, 2], [1, 0, 1, 0], ["old", "old", "new", "new"])
    >>> SurvivalDisplay.from_curves(curves).data["old"]["survival"].tolist()
    [1.0, 0.5, 0.5]
    """

    def __init__(self, data: dict[str, dict[str, NDArray[np.float64]]]) -> None:
        self.data = data

    @classmethod
    def from_curves(cls, curves: SurvivalCurve | Mapping[Any, SurvivalCurve]) -> Self:
        """Take the curves of `survival_curve` or `survival_by_segment`.

        Parameters
        ----------
        curves : SurvivalCurve or dict of SurvivalCurve
            By segment.
        """
        named = curves if isinstance(curves, Mapping) else {"customers": curves}
        for each in named.values():
            check_kind(each, SurvivalCurve, "each of curves", "survival_curve or survival_by_segment")
        return cls(
            {
                str(name): {
                    "time": np.concatenate([[0.0], curve.time]),
                    "survival": np.concatenate([[1.0], curve.survival]),
                    "low": np.concatenate([[1.0], curve.survival_low]),
                    "high": np.concatenate([[1.0], curve.survival_high]),
                }
                for name, curve in named.items()
            }
        )

    def plot(self, ax: Any = None) -> Self:
        """Draw a falling stair for each segment.

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
            (line,) = ax.step(curve["time"], curve["survival"], where="post", label=name)
            ax.fill_between(
                curve["time"], curve["low"], curve["high"], step="post", alpha=0.2, color=line.get_color()
            )
        ax.set(xlabel="tenure", ylabel="share still there", ylim=(0, 1), xlim=(0, None))
        ax.legend()
        self.ax_, self.figure_ = ax, ax.figure
        return self
