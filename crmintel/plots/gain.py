"""Gains: which share of the leavers the top of a list holds."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from crmintel.churn.gains import gain_table
from crmintel.plots._axes import axes_for


class GainDisplay:
    """Lift of each group of customers by falling score, with intervals, or the share of leavers found.

    Use `from_predictions` to make one.

    Parameters
    ----------
    data : dict of ndarray
        The columns of `GainTable`.

    Attributes
    ----------
    data : dict of ndarray
        The numbers shown.
    ax_, figure_
        The axes and the figure, after `plot`.

    Examples
    --------
    >>> from crmintel.plots.gain import GainDisplay
    >>> display = GainDisplay.from_predictions([1, 1, 0, 0], [0.9, 0.8, 0.3, 0.1], n_groups=2)
    >>> display.data["lift"].tolist(), display.data["gain"].tolist()
    ([2.0, 0.0], [1.0, 1.0])
    """

    def __init__(self, data: dict[str, NDArray[np.float64]]) -> None:
        self.data = data

    @classmethod
    def from_predictions(
        cls, y: ArrayLike, score: ArrayLike, *, n_groups: int = 10, level: float = 0.9
    ) -> Self:
        """Group customers by falling score.

        Parameters
        ----------
        y, score, n_groups, level
            As in `gain_table`.
        """
        return cls(gain_table(y, score, n_groups=n_groups, level=level).to_frame())

    def plot(self, ax: Any = None, *, cumulative: bool = False) -> Self:
        """Draw the lift of each group, or the share of leavers in it and those before.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            None makes a new figure.
        cumulative : bool, default=False
            True draws the gains.

        Raises
        ------
        MissingExtraError
            If matplotlib is not installed.
        """
        ax = axes_for(ax, self)
        share = self.data["share"]
        if cumulative:
            ax.plot([0, *share], [0, *self.data["gain"]], marker="o", label="score")
            ax.plot([0, 1], [0, 1], color="0.6", linestyle="--", label="no model")
            ax.set(xlabel="share of customers, highest scores first", ylabel="share of leavers found")
        else:
            lift = self.data["lift"]
            reach = [
                np.maximum(lift - self.data["lift_low"], 0),
                np.maximum(self.data["lift_high"] - lift, 0),
            ]
            width = np.diff(share, prepend=0.0)
            ax.bar(share - width / 2, lift, 0.9 * width, yerr=reach, capsize=2, label="score")
            ax.axhline(1.0, color="0.6", linestyle="--", label="no model")
            ax.set(xlabel="share of customers, highest scores first", ylabel="lift")
        ax.legend()
        self.ax_, self.figure_ = ax, ax.figure
        return self
