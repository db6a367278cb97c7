"""Calibration against holdout: did customers of each past frequency buy as often as expected?"""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from crmintel._validation import check_number, check_vector
from crmintel.plots._axes import axes_for


class CalibrationHoldoutDisplay:
    """Mean holdout purchases by calibration frequency, actual and expected.

    Use `from_predictions` to make one.

    Parameters
    ----------
    data : dict of ndarray
        ``frequency`` (the last group holds everything from there on), ``customers``, ``actual``, ``expected``.

    Attributes
    ----------
    data : dict of ndarray
        The numbers shown.
    ax_, figure_
        The axes and the figure, after `plot`.

    References
    ----------
    Fader, P. S., Hardie, B. G. S. & Lee, K. L. (2005). "Counting your customers" the easy way. Marketing Science 24(2),
    275-284, figure 3.

    Examples
    --------
    >>> from crmintel.plots.holdout import CalibrationHoldoutDisplay
    >>> display = CalibrationHoldoutDisplay.from_predictions(
    ...     [0, 0, 1, 9], actual=[0, 1, 1, 4], expected=[0.2, 0.4, 1, 5]
    ... )
    >>> display.data["frequency"].tolist(), display.data["actual"].tolist()
    ([0, 1, 7], [0.5, 1.0, 4.0])
    """

    def __init__(self, data: dict[str, NDArray[Any]]) -> None:
        self.data = data

    @classmethod
    def from_predictions(
        cls, frequency: ArrayLike, *, actual: ArrayLike, expected: ArrayLike, max_frequency: int = 7
    ) -> Self:
        """Average customers of equal calibration frequency.

        Parameters
        ----------
        frequency : array of shape (n_customers,)
            Repeat purchases in the calibration period.
        actual, expected : array of shape (n_customers,)
            Purchases in the holdout period, and what a model expected.
        max_frequency : int, default=7
            Customers with this many or more form the last group.
        """
        top = check_number(max_frequency, "max_frequency", low=1, integer=True)
        calibration = check_vector(frequency, "frequency", low=0.0, min_length=1)
        group = np.minimum(calibration, top).astype(np.int64)
        actual = check_vector(actual, "actual", n=group.size)
        expected = check_vector(expected, "expected", n=group.size)
        customers = np.bincount(group)
        shown = np.flatnonzero(customers)
        sums = {
            "actual": np.bincount(group, weights=actual),
            "expected": np.bincount(group, weights=expected),
        }
        means = {name: total[shown] / customers[shown] for name, total in sums.items()}
        return cls({"frequency": shown, "customers": customers[shown], **means})

    def plot(self, ax: Any = None) -> Self:
        """Draw both curves.

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
        frequency = self.data["frequency"]
        ax.plot(frequency, self.data["actual"], marker="o", label="actual")
        ax.plot(frequency, self.data["expected"], marker="s", linestyle="--", label="expected")
        ax.set(xlabel="repeat purchases in calibration", ylabel="mean purchases in holdout", xticks=frequency)
        ax.legend()
        self.ax_, self.figure_ = ax, ax.figure
        return self
