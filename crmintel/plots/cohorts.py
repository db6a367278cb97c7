"""The cohort heatmap: how customers who began together stay, from age to age."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from crmintel._validation import check_choice
from crmintel.plots._axes import axes_for, check_kind
from crmintel.plots._cells import draw_cells
from crmintel.segments.cohorts import CohortTable


class CohortDisplay:
    """A cohort table as cells: cohorts down, ages across; what lies beyond the log is grey.

    Use `from_table` to make one.

    Parameters
    ----------
    data : dict of ndarray
        ``cohort`` (n_cohorts,), ``size`` (n_cohorts,), ``age`` (n_ages,) and ``value`` (n_cohorts, n_ages), NaN where
        not observed.
    of : str
        What the values are.
    unit : str
        Length of a period.

    Attributes
    ----------
    data : dict of ndarray
        The numbers shown.
    ax_, figure_
        The axes and the figure, after `plot`.

    References
    ----------
    Fader, P. S., Hardie, B. G. S. & Ross, M. (2022). The Customer-Base Audit. Wharton School Press, lens 4.

    Examples
    --------
    >>> import crmintel as ci
    >>> from crmintel.plots.cohorts import CohortDisplay
    >>> log = ci.datasets.make_transactions(200, weeks=26, random_state=0)[0]
    >>> display = CohortDisplay.from_table(ci.cohort_table(log))
    >>> display.data["value"][:, 0].tolist() == [1.0] * len(display.data["cohort"])
    True
    """

    def __init__(self, data: dict[str, NDArray[Any]], *, of: str = "retention", unit: str = "") -> None:
        self.data = data
        self.of, self.unit = of, unit

    @classmethod
    def from_table(cls, table: CohortTable, *, of: str = "retention") -> Self:
        """Show a cohort table.

        Parameters
        ----------
        table : CohortTable
            Made by ``crmintel.cohort_table``.
        of : {"retention", "values"}, default="retention"
            Shares of the first period, or the customers or money themselves.
        """
        check_kind(table, CohortTable, "table", "cohort_table(log)")
        check_choice(of, "of", ("retention", "values"))
        value = table.retention if of == "retention" else table.values
        data = {
            "cohort": table.cohorts,
            "size": table.sizes,
            "age": np.arange(value.shape[1]),
            "value": value,
        }
        return cls(data, of=of if of == "retention" else table.value, unit=table.unit)

    def plot(self, ax: Any = None) -> Self:
        """Draw the cells; the first age, which is 100 % of itself, does not set the scale of retention.

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
        values = self.data["value"]
        rows = [f"{day} ({size:,})" for day, size in zip(self.data["cohort"], self.data["size"], strict=True)]
        shares = self.of == "retention"
        later = values[:, 1:][~np.isnan(values[:, 1:])]
        shown = np.minimum(values, later.max()) if shares and later.size else values
        thousands = not shares and np.nanmax(values) >= 1e5
        form = "{:.0%}" if shares else "{:,.0f}k" if thousands else "{:,.0f}"
        numbers = values / 1000.0 if thousands else values
        ax.set(xlabel=f"{self.unit}s since the first", ylabel="began in (customers)")
        ages = list(map(str, self.data["age"]))
        draw_cells(ax, shown, rows, ages, form, numbers=numbers, scale=self.of, in_steps=True)
        self.ax_, self.figure_ = ax, ax.figure
        return self
