"""One customer's story: the chance to be still a customer, day by day."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from crmintel.exceptions import InputError, InputTypeError
from crmintel.lifetime._newcomers import dated
from crmintel.lifetime.tracking import one_model, summary_for
from crmintel.plots._axes import axes_for
from crmintel.transactions.calendar import MICROSECONDS_PER_DAY
from crmintel.transactions.log import TransactionLog
from crmintel.transactions.reader import check_log
from crmintel.transactions.returns import is_return


class AliveHistoryDisplay:
    """P(alive) of one customer as it stood on each day, and the days with a purchase.

    Use `from_estimator` to make one.

    Parameters
    ----------
    data : dict of ndarray
        ``day`` and ``p_alive`` (n_days,); ``purchases``, the days with a purchase.
    customer : object
        The customer's id.

    Attributes
    ----------
    data : dict of ndarray
        The numbers shown.
    ax_, figure_
        The axes and the figure, after `plot`.

    Examples
    --------
    >>> import crmintel as ci
    >>> from crmintel.plots.alive import AliveHistoryDisplay
    >>> log = ci.TransactionLog.from_arrays(
    ...     customer=["ann"] * 4, time=["2024-01-01", "2024-01-22", "2024-02-05", "2024-02-26"], end="2024-05-06"
    ... )
    >>> model = ci.BetaGeoNBD.from_params(r=0.243, alpha=4.414, a=0.793, b=2.426, unit="week")
    >>> display = AliveHistoryDisplay.from_estimator(model, log, "ann")
    >>> display.data["p_alive"][[0, 56, 126]].round(2)  # at once, after the last purchase, ten weeks later
    array([1.  , 0.85, 0.45])
    """

    def __init__(self, data: dict[str, NDArray[Any]], *, customer: Any = None) -> None:
        self.data = data
        self.customer = customer

    @classmethod
    def from_estimator(cls, model: Any, log: TransactionLog, customer: Any, *, summary: Any = None) -> Self:
        """Ask a model on every day from the first purchase to the end of the log.

        Parameters
        ----------
        model : fitted model of repeat purchases
        log : TransactionLog
            ``log.until(date)`` with a later date looks ahead, at what silence until then would mean.
        customer : object
            Id of the customer.
        summary : CustomerSummary, optional
            How the rows were made that the model was fitted on. None: by the day, in the unit of the model.

        Raises
        ------
        InputError
            If the log has no such customer, or no purchase of theirs.
        """
        check_log(log, "log")
        model = one_model(model)
        summary = summary_for({type(model).__name__: model}, summary)
        if np.ndim(customer) != 0:
            raise InputTypeError(f"customer must be the id of one customer, got {customer!r}.")
        place = np.flatnonzero(log.customers == customer)
        if place.size != 1:
            raise InputError(
                f"customer={customer!r} is {place.size or 'none'} of the {len(log):,} in the log."
            )
        history = log[place]
        lines = history.compact().lines
        bought = np.unique(lines.time[~is_return(lines)] // MICROSECONDS_PER_DAY).astype("datetime64[D]")
        if not bought.size:
            raise InputError(f"customer={customer!r} has returns but no purchase; LogCleaner removes them.")
        days = np.arange(bought[0], history.as_of[0] + np.timedelta64(1, "D"))
        rows = summary.fit_transform(history.snapshots(list(days)))
        data = {"day": days, "p_alive": dated(model).probability_alive(rows), "purchases": bought}
        return cls(data, customer=customer)

    def plot(self, ax: Any = None) -> Self:
        """Draw the curve, and a mark for each day with a purchase.

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
        from matplotlib.dates import AutoDateLocator, ConciseDateFormatter

        ax.vlines(self.data["purchases"], 0.0, 1.0, color="0.75", linewidth=1.0, label="purchase")
        ax.plot(self.data["day"], self.data["p_alive"], label="P(alive)")
        locator = AutoDateLocator()
        ax.xaxis.set_major_locator(locator)
        ax.xaxis.set_major_formatter(ConciseDateFormatter(locator))
        ax.set(ylim=(0.0, 1.05), ylabel="P(alive)", title=f"customer {self.customer}")
        ax.legend()
        self.ax_, self.figure_ = ax, ax.figure
        return self
