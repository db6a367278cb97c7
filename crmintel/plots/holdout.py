"""Calibration against holdout: did customers of each past frequency buy as often as expected?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from crmintel._validation import check_number, check_vector
from crmintel.exceptions import InputError
from crmintel.plots._axes import axes_for

_COLUMNS = ("frequency", "customers", "actual", "standard_error")


class CalibrationHoldoutDisplay:
    """Mean holdout purchases by calibration frequency, actual and expected.

    Use `from_predictions` to make one.

    Parameters
    ----------
    data : dict of ndarray
        ``frequency`` (the last group holds everything from there on), ``customers``, ``actual`` and its
        ``standard_error`` (nan for one customer), ``expected``; several models' under their names.

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
        cls, frequency: ArrayLike, *, actual: ArrayLike, expected: Any, max_frequency: int = 7
    ) -> Self:
        """Average customers of equal calibration frequency.

        Parameters
        ----------
        frequency : array of shape (n_customers,)
            Repeat purchases in the calibration period.
        actual : array of shape (n_customers,)
            Purchases in the holdout period.
        expected : array of shape (n_customers,), or dict of them
            What a model expected; or what several did, by name.
        max_frequency : int, default=7
            Customers with this many or more form the last group.

        Raises
        ------
        InputError
            If lengths differ, or a model has the name of another column.
        """
        top = check_number(max_frequency, "max_frequency", low=1, integer=True)
        calibration = check_vector(frequency, "frequency", low=0.0, min_length=1)
        group = np.minimum(calibration, top).astype(np.int64)
        named = dict(expected) if isinstance(expected, Mapping) else {"expected": expected}
        taken = [name for name in named if name in _COLUMNS]
        if taken:
            raise InputError(f"a model cannot be called {taken[0]!r} here; that column holds something else.")
        actual = check_vector(actual, "actual", n=group.size)
        customers = np.bincount(group)
        shown = np.flatnonzero(customers)

        def mean(values: NDArray[np.float64]) -> NDArray[np.float64]:
            return np.bincount(group, weights=values)[shown] / customers[shown]

        level = mean(actual)
        scatter = mean((actual - level[np.searchsorted(shown, group)]) ** 2)
        others = customers[shown] - 1
        spread = np.divide(scatter, others, out=np.full(shown.size, np.nan), where=others > 0)
        data = {
            "frequency": shown, "customers": customers[shown], "actual": level, "standard_error": np.sqrt(spread),
        }  # fmt: skip
        for name, values in named.items():
            data[name] = mean(check_vector(values, name, n=group.size))
        return cls(data)

    def plot(self, ax: Any = None) -> Self:
        """Draw a curve of what was bought, with 95 % intervals of its mean, and one for each model.

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
        reach = 1.96 * self.data["standard_error"]
        ax.errorbar(
            frequency, self.data["actual"], yerr=reach, color="black", marker="o", capsize=2, label="actual"
        )
        for name in [each for each in self.data if each not in _COLUMNS]:
            ax.plot(frequency, self.data[name], marker="s", linestyle="--", label=name)
        ax.set(xlabel="repeat purchases in calibration", ylabel="mean purchases in holdout", xticks=frequency)
        ax.legend()
        self.ax_, self.figure_ = ax, ax.figure
        return self
