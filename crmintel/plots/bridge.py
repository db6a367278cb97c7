"""The revenue bridge as a waterfall."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from crmintel._validation import check_number
from crmintel.exceptions import InputError
from crmintel.plots._axes import axes_for, check_kind
from crmintel.segments.bridge import FLOWS, RevenueBridge


class RevenueBridgeDisplay:
    """One step of a revenue bridge: sales before, what each flow added or took, sales after.

    Use `from_bridge` to make one.

    Parameters
    ----------
    data : dict of ndarray
        One row per bar, ``before, new, back, up, down, lost, after``: ``step`` (its name), ``money`` (signed),
        ``start`` (where the bar begins) and ``customers`` (NaN of the first and last).
    period : str
        The period that the step leads to.

    Attributes
    ----------
    data : dict of ndarray
        The numbers shown.
    ax_, figure_
        The axes and the figure, after `plot`.

    Examples
    --------
    >>> import crmintel as ci
    >>> from crmintel.plots.bridge import RevenueBridgeDisplay
    >>> log = ci.TransactionLog.from_arrays(
    ...     customer=["ann", "bob", "ann", "cid"],
    ...     time=["2024-01-01", "2024-01-31", "2024-02-10", "2024-02-29"],
    ...     amount=[50.0, 20.0, 60.0, 15.0],
    ... )
    >>> display = RevenueBridgeDisplay.from_bridge(ci.revenue_bridge(log))
    >>> dict(zip(display.data["step"].tolist(), display.data["money"].tolist()))
    {'before': 70.0, 'new': 15.0, 'back': 0.0, 'up': 10.0, 'down': 0.0, 'lost': -20.0, 'after': 75.0}
    """

    def __init__(self, data: dict[str, NDArray[Any]], *, period: str = "") -> None:
        self.data = data
        self.period = period

    @classmethod
    def from_bridge(cls, bridge: RevenueBridge, step: int = -1) -> Self:
        """Show one step.

        Parameters
        ----------
        bridge : RevenueBridge
            Made by ``crmintel.revenue_bridge``.
        step : int, default=-1
            Which one, from 0; negative numbers count from the last.

        Raises
        ------
        InputError
            If the bridge has no such step.
        """
        check_kind(bridge, RevenueBridge, "bridge", "revenue_bridge(log)")
        at = int(check_number(step, "step", integer=True))
        n = len(bridge)
        if not -n <= at < n:
            raise InputError(f"step={at} is none of the {n} steps of the bridge: give -{n} to {n - 1}.")
        changes = np.array([bridge.money[flow][at] for flow in FLOWS])
        levels = bridge.before[at] + np.append(0.0, np.cumsum(changes))
        people = [float(bridge.customers[flow][at]) for flow in FLOWS]
        data = {
            "step": np.array(["before", *FLOWS, "after"]),
            "money": np.concatenate([[bridge.before[at]], changes, [bridge.after[at]]]),
            "start": np.concatenate([[0.0], levels[:-1], [0.0]]),
            "customers": np.array([np.nan, *people, np.nan]),
        }
        return cls(data, period=str(bridge.period[at]))

    def plot(self, ax: Any = None) -> Self:
        """Draw the waterfall, with the number of customers behind each flow.

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
        money, start = self.data["money"], self.data["start"]
        flows = ~np.isnan(self.data["customers"])
        colours = np.where(flows, np.where(money < 0.0, "tab:red", "tab:green"), "0.5").tolist()
        at = np.arange(money.size)
        ax.bar(at, money, bottom=start, color=colours)
        ends = start + money
        ax.hlines(ends[:-1], at[:-1], at[1:], color="0.4", linewidth=0.7)
        for i in at:
            people = f"\n{self.data['customers'][i]:,.0f} cust." if flows[i] else ""
            sign = "+" if flows[i] else ""
            ax.annotate(
                f"{money[i]:{sign},.0f}{people}", (i, max(start[i], ends[i])), (0, 2), fontsize=8,
                textcoords="offset points", ha="center", va="bottom",
            )  # fmt: skip
        low, high = ends.min(), max(ends.max(), start.max())
        room = 0.25 * (high - low) or 1.0  # nothing sold before or after
        cut = low - room > 0.5 * high  # flows that are small beside the sales could not be seen above 0
        ax.set_ylim(low - room if cut else min(0.0, low - room), high + room)
        ax.set_xticks(at, self.data["step"])
        ax.set(
            ylabel="sales (axis does not start at 0)" if cut else "sales",
            title=f"to the period from {self.period}" if self.period else "",
        )
        self.ax_, self.figure_ = ax, ax.figure
        return self
