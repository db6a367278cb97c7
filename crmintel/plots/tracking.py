"""Tracking: the base's repeat purchases week by week, actual and expected."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from crmintel.lifetime.tracking import track_purchases
from crmintel.plots._axes import axes_for
from crmintel.transactions.calendar import as_date
from crmintel.transactions.log import TransactionLog


class TrackingDisplay:
    """Repeat purchases of each period, or up to its end: actual, and expected by one model or several.

    Use `from_estimator` to make one.

    Parameters
    ----------
    data : dict of ndarray
        ``end`` of each period, ``customers`` who have begun by then, ``actual`` repeat purchases in the period, and
        those expected by each model under its name, as `crmintel.lifetime.tracking.track_purchases` gives them.
    cutoff : numpy.datetime64, optional
        Last day that the models have seen.

    Attributes
    ----------
    data : dict of ndarray
        The numbers shown.
    ax_, figure_
        The axes and the figure, after `plot`.

    References
    ----------
    Fader, P. S., Hardie, B. G. S. & Lee, K. L. (2005). "Counting your customers" the easy way. Marketing Science 24(2),
    275-284, figures 4 and 5.

    Examples
    --------
    >>> import crmintel as ci
    >>> from crmintel.plots.tracking import TrackingDisplay
    >>> log, _ = ci.datasets.make_transactions(500, weeks=52, random_state=0)
    >>> model = ci.BetaGeoNBD().fit(ci.CustomerSummary(unit="week").fit_transform(log.until("2023-09-30")))
    >>> display = TrackingDisplay.from_estimator(model, log, cutoff="2023-09-30")
    >>> list(display.data)
    ['end', 'customers', 'actual', 'BetaGeoNBD']
    """

    def __init__(self, data: dict[str, NDArray[Any]], *, cutoff: np.datetime64 | None = None) -> None:
        self.data = data
        self.cutoff = cutoff

    @classmethod
    def from_estimator(
        cls, models: Any, log: TransactionLog, *, cutoff: Any = None, ends: Any = "1W", summary: Any = None
    ) -> Self:
        """Count and expect.

        Parameters
        ----------
        models : fitted model or dict
            A model of repeat purchases, or several by name.
        log : TransactionLog
            With the periods that the models have seen and those that they have not.
        cutoff : date, optional
            Last day that the models have seen. Customers who began later are left out.
        ends : str, timedelta or sequence of dates, default="1W"
            The last days of the periods, or how many whole days a period has.
        summary : CustomerSummary, optional
            How the rows were made that the models were fitted on. None: by the day, in the unit of the models.
        """
        data = track_purchases(models, log, cutoff=cutoff, ends=ends, summary=summary)
        return cls(data, cutoff=None if cutoff is None else as_date(cutoff, "cutoff", log.timezone))

    def plot(self, ax: Any = None, *, cumulative: bool = False) -> Self:
        """Draw the curves, and a line at the cutoff.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            None makes a new figure.
        cumulative : bool, default=False
            Whether to draw all purchases up to the end of each period, in place of those in it.

        Raises
        ------
        MissingExtraError
            If matplotlib is not installed.
        """
        ax = axes_for(ax, self)
        from matplotlib.dates import AutoDateLocator, ConciseDateFormatter

        for name in [each for each in self.data if each not in ("end", "customers")]:
            shown = np.cumsum(self.data[name]) if cumulative else self.data[name]
            style = {"color": "black"} if name == "actual" else {"linestyle": "--"}
            ax.plot(self.data["end"], shown, label=name, **style)
        if self.cutoff is not None:
            ax.axvline(self.cutoff, color="grey", linewidth=0.8)
        locator = AutoDateLocator()
        ax.xaxis.set_major_locator(locator)
        ax.xaxis.set_major_formatter(ConciseDateFormatter(locator))
        so_far = " so far" if cumulative else " in the period"
        ax.set(ylabel=f"repeat purchases{so_far}", ylim=(0.0, None))
        ax.legend()
        self.ax_, self.figure_ = ax, ax.figure
        return self
