"""The curve of loyalty over satisfaction."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.validation import check_is_fitted

from crmintel.plots._axes import axes_for, check_kind
from crmintel.segments.satisfaction import SatisfactionLoyalty


class SatisfactionDisplay:
    """Expected loyalty at each score with its interval, and where the zones of indifference and affection begin.

    Use `from_estimator` to make one.

    Parameters
    ----------
    data : dict of ndarray
        One row per score: ``satisfaction, loyalty, low, high, customers``.
    thresholds : ndarray of shape (2,)
        Scores from which loyalty has risen by one and by two thirds; NaN where it does not rise.

    Attributes
    ----------
    data : dict of ndarray
        The numbers shown.
    ax_, figure_
        The axes and the figure, after `plot`.

    References
    ----------
    Jones, T. O. & Sasser, W. E. (1995). Why satisfied customers defect. Harvard Business Review 73(6), 88-99.

    Examples
    --------
    >>> import crmintel as ci
    >>> from crmintel.plots.satisfaction import SatisfactionDisplay
    >>> curve = ci.SatisfactionLoyalty(random_state=0).fit([1, 2, 3, 4, 5] * 20, [0, 0, 0, 0, 1] * 20)
    >>> display = SatisfactionDisplay.from_estimator(curve)
    >>> display.data["loyalty"].tolist(), display.thresholds.tolist()
    ([0.0, 0.0, 0.0, 0.0, 1.0], [5.0, 5.0])
    """

    def __init__(self, data: dict[str, NDArray[Any]], *, thresholds: NDArray[np.float64]) -> None:
        self.data = data
        self.thresholds = thresholds

    @classmethod
    def from_estimator(cls, estimator: SatisfactionLoyalty) -> Self:
        """Show a fitted curve.

        Parameters
        ----------
        estimator : SatisfactionLoyalty
            Fitted.
        """
        check_kind(
            estimator, SatisfactionLoyalty, "estimator", "SatisfactionLoyalty().fit(satisfaction, loyalty)"
        )
        check_is_fitted(estimator)
        low, high = estimator.interval_.T
        data = {
            "satisfaction": estimator.satisfaction_,
            "loyalty": estimator.loyalty_,
            "low": low,
            "high": high,
            "customers": estimator.customers_,
        }
        return cls(data, thresholds=estimator.thresholds_)

    def plot(self, ax: Any = None) -> Self:
        """Draw the curve; points are as large as there are customers with the score.

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
        x, customers = self.data["satisfaction"], self.data["customers"]
        ax.fill_between(x, self.data["low"], self.data["high"], alpha=0.25, linewidth=0)
        ax.plot(x, self.data["loyalty"])
        ax.scatter(x, self.data["loyalty"], s=10 + 90 * customers / customers.max())
        for score, zone, style in zip(
            self.thresholds, ("indifference", "affection"), (":", "--"), strict=True
        ):
            if np.isfinite(score):
                ax.axvline(score, color="0.5", linestyle=style, label=f"{zone} from {score:g}")
        if np.isfinite(self.thresholds).any():
            ax.legend()
        ax.set(xlabel="satisfaction", ylabel="loyalty")
        self.ax_, self.figure_ = ax, ax.figure
        return self
