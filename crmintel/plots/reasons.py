"""Why one customer leaves, as a waterfall from the mean customer to this one."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from crmintel._validation import check_number
from crmintel.churn.reasons import ChurnReasons
from crmintel.plots._axes import axes_for, check_kind


class ReasonsDisplay:
    """What each input adds, the strongest on top, from the mean of the customers compared with up to this customer.

    Use `from_reasons` to make one.

    Parameters
    ----------
    data : dict of ndarray
        ``name`` of each bar, what it ``adds``, and where it has its ``begin``, from top to bottom; the last bar may be
        the sum of the remaining inputs.
    base : float
        Where the waterfall begins.
    unit : str
        Unit of the axis.

    Attributes
    ----------
    data : dict of ndarray
        The numbers shown.
    ax_, figure_
        The axes and the figure, after `plot`.

    Examples
    --------
    >>> import numpy as np
    >>> import crmintel as ci
    >>> from sklearn.linear_model import LogisticRegression
    >>> from crmintel.plots.reasons import ReasonsDisplay
    >>> X = np.random.default_rng(0).normal(size=(300, 3))
    >>> model = LogisticRegression().fit(X, X[:, 1] > 0)
    >>> reasons = ci.churn_reasons(model, X[:4], X)
    >>> ReasonsDisplay.from_reasons(reasons, 0, n=1).data["name"].tolist()
    ['x1 = -0.132', '2 others']
    """

    def __init__(self, data: dict[str, NDArray[Any]], *, base: float, unit: str) -> None:
        self.data = data
        self.base = base
        self.unit = unit

    @classmethod
    def from_reasons(cls, reasons: ChurnReasons, row: int, *, n: int = 8) -> Self:
        """Take one customer's reasons.

        Parameters
        ----------
        reasons : ChurnReasons
            From `churn_reasons`.
        row : int
            Which customer.
        n : int, default=8
            Inputs shown; the others are one bar.
        """
        check_kind(reasons, ChurnReasons, "reasons", "churn_reasons(model, X, background)")
        row = int(check_number(row, "row", low=0, high=len(reasons.chance) - 1, integer=True))
        most = int(check_number(n, "n", low=1, integer=True))
        adds = reasons.contributions[row]
        order = np.argsort(-np.abs(adds), kind="stable")
        names = [
            f"{reasons.names[j]} = {_short(reasons.values[reasons.names[j]][row])}" for j in order[:most]
        ]
        shares = adds[order[:most]]
        if order.size > most:
            names.append(f"{order.size - most} others")
            shares = np.append(shares, adds[order[most:]].sum())
        begin = reasons.base + np.concatenate([[0.0], np.cumsum(shares)[:-1]])
        data = {"name": np.array(names, dtype=object), "adds": shares, "begin": begin}
        return cls(data, base=reasons.base, unit=reasons.unit)

    def plot(self, ax: Any = None) -> Self:
        """Draw the waterfall.

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
        adds, begin = self.data["adds"], self.data["begin"]
        place = np.arange(adds.size)
        ax.use_sticky_edges = False  # the lines at either end stay inside
        ax.barh(place, adds, left=begin, color=np.where(adds > 0, "#c8553d", "#1f6f8b"))
        ax.axvline(self.base, color="0.6", linestyle="--", label=f"mean customer ({self.base:.3g})")
        end = float(begin[-1] + adds[-1])
        ax.axvline(end, color="black", linewidth=0.8, label=f"this customer ({end:.3g})")
        what = "chance to leave" if self.unit == "probability" else "log-odds of leaving"
        ax.set(yticks=place, yticklabels=self.data["name"], xlabel=what)
        ax.invert_yaxis()
        ax.legend()
        self.ax_, self.figure_ = ax, ax.figure
        return self


def _short(value: Any) -> str:
    return f"{value:.3g}" if isinstance(value, float | np.floating) else str(value)
