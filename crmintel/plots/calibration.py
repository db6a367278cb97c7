"""Calibration: of the customers at thirty per cent, do thirty per cent leave?"""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from crmintel.churn.gains import gain_table
from crmintel.plots._axes import axes_for


class ChurnCalibrationDisplay:
    """Share of customers who left against the chance foretold, in groups of the same size.

    Use `from_predictions` to make one.

    Parameters
    ----------
    data : dict of ndarray
        By group, of rising chance: ``foretold`` (mean chance), ``left`` (share who left), ``left_low``, ``left_high``
        (Wilson's interval), ``customers``.
    error : float
        Expected calibration error, shown in the legend.

    Attributes
    ----------
    data : dict of ndarray
        The numbers shown.
    ax_, figure_
        The axes and the figure, after `plot`.

    Examples
    --------
    >>> from crmintel.plots.calibration import ChurnCalibrationDisplay
    >>> display = ChurnCalibrationDisplay.from_predictions([0, 0, 1, 1], [0.1, 0.3, 0.6, 0.8], n_groups=2)
    >>> display.data["foretold"].tolist(), display.data["left"].tolist(), round(display.error, 2)
    ([0.2, 0.7], [0.0, 1.0], 0.25)
    """

    def __init__(self, data: dict[str, NDArray[np.float64]], *, error: float) -> None:
        self.data = data
        self.error = error

    @classmethod
    def from_predictions(
        cls, y: ArrayLike, chance: ArrayLike, *, n_groups: int = 10, level: float = 0.9
    ) -> Self:
        """Group customers by the chance foretold.

        Parameters
        ----------
        y : array-like of shape (n_customers,)
            1 for customers who left, 0 for the others.
        chance : array-like of shape (n_customers,)
            Foretold chance to leave.
        n_groups : int, default=10
            Groups of the same size; a customer on a border counts in part on either side.
        level : float, default=0.9
            Level of the intervals.
        """
        table = gain_table(y, chance, n_groups=n_groups, level=level)
        rising = np.sort(np.asarray(chance, dtype=np.float64))
        borders = np.arange(n_groups + 1) * rising.size / n_groups
        sums = np.interp(borders, np.arange(rising.size + 1), np.concatenate([[0.0], np.cumsum(rising)]))
        customers = table.customers[::-1]
        foretold, left = np.diff(sums) / customers, table.rate[::-1]
        data = {
            "foretold": foretold,
            "left": left,
            "left_low": table.rate_low[::-1],
            "left_high": table.rate_high[::-1],
            "customers": customers,
        }
        return cls(data, error=float(np.average(np.abs(foretold - left), weights=customers)))

    def plot(self, ax: Any = None) -> Self:
        """Draw the groups with their intervals, beside the line of perfect calibration.

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
        foretold, left = self.data["foretold"], self.data["left"]
        reach = [
            np.maximum(left - self.data["left_low"], 0.0),
            np.maximum(self.data["left_high"] - left, 0.0),
        ]
        ax.errorbar(
            foretold, left, yerr=reach, marker="o", capsize=2, label=f"customers (error {self.error:.3f})"
        )
        top = 1.05 * max(foretold.max(), self.data["left_high"].max())
        ax.plot([0, top], [0, top], color="0.6", linestyle="--", label="perfect")
        ax.set(xlabel="foretold chance to leave", ylabel="share who left", xlim=(0, top), ylim=(0, top))
        ax.legend()
        self.ax_, self.figure_ = ax, ax.figure
        return self
