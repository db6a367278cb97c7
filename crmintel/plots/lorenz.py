"""Lorenz curve: which share of the sales the smallest customers make."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from crmintel.plots._axes import axes_for
from crmintel.segments.concentration import gini, lorenz_curve


class LorenzDisplay:
    """Share of the money against share of the customers, smallest first, beside the line of equal spend.

    Use `from_money` to make one.

    Parameters
    ----------
    data : dict of ndarray
        ``customers`` and ``money``, both shares from 0 to 1.
    gini : float
        Gini coefficient, shown in the legend.

    Attributes
    ----------
    data : dict of ndarray
        The numbers shown.
    ax_, figure_
        The axes and the figure, after `plot`.

    References
    ----------
    M. O. Lorenz, "Methods of measuring the concentration of wealth", Publications of the American Statistical
    Association 9, 1905.

    Examples
    --------
    >>> from crmintel.plots.lorenz import LorenzDisplay
    >>> display = LorenzDisplay.from_money([10, 10, 20, 60])
    >>> display.data["money"].tolist(), display.gini
    ([0.0, 0.1, 0.2, 0.4, 1.0], 0.4)
    """

    def __init__(self, data: dict[str, NDArray[np.float64]], *, gini: float) -> None:
        self.data = data
        self.gini = gini

    @classmethod
    def from_money(cls, money: Any) -> Self:
        """Compute the curve.

        Parameters
        ----------
        money : TransactionLog or array-like of shape (n_customers,)
            Money of each customer, not negative; of a log its ``spend()``.
        """
        customers, share = lorenz_curve(money)
        return cls({"customers": customers, "money": share}, gini=gini(money))

    def plot(self, ax: Any = None) -> Self:
        """Draw the curve.

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
        ax.plot(self.data["customers"], self.data["money"], label=f"customers (Gini {self.gini:.2f})")
        ax.plot([0, 1], [0, 1], color="0.6", linestyle="--", label="equal spend")
        ax.set(xlabel="share of customers, smallest first", ylabel="share of money", xlim=(0, 1), ylim=(0, 1))
        ax.legend()
        self.ax_, self.figure_ = ax, ax.figure
        return self
