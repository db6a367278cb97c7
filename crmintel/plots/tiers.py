"""Value tiers: how many customers each tier holds, and how much of the money."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.validation import check_is_fitted

from crmintel.plots._axes import axes_for, check_kind
from crmintel.segments.tiers import ValueTiers


class ValueTiersDisplay:
    """Share of customers beside share of money for each tier.

    Use `from_estimator` or `from_money` to make one.

    Parameters
    ----------
    data : dict of ndarray
        ``tier, customers, customer_share, money, money_share``, one row per tier.

    Attributes
    ----------
    data : dict of ndarray
        The numbers shown.
    ax_, figure_
        The axes and the figure, after `plot`.

    Examples
    --------
    >>> from crmintel.plots.tiers import ValueTiersDisplay
    >>> display = ValueTiersDisplay.from_money([60, 20, 10, 10], shares=(0.25, 0.75), labels=("top", "rest"))
    >>> display.data["money_share"].tolist()
    [0.6, 0.4]
    """

    def __init__(self, data: dict[str, NDArray[Any]]) -> None:
        self.data = data

    @classmethod
    def from_estimator(cls, estimator: ValueTiers) -> Self:
        """Show the customers that a fitted `ValueTiers` has learned from.

        Parameters
        ----------
        estimator : ValueTiers
            Fitted.
        """
        check_kind(estimator, ValueTiers, "estimator", "ValueTiers().fit(money)")
        check_is_fitted(estimator)
        return cls(estimator.table_)

    @classmethod
    def from_money(
        cls,
        money: Any,
        *,
        shares: Sequence[float] = (0.01, 0.04, 0.15, 0.80),
        by: str = "customers",
        thresholds: Sequence[float] | None = None,
        labels: Sequence[str] | None = None,
    ) -> Self:
        """Make the tiers and show them.

        Parameters
        ----------
        money : TransactionLog or array-like of shape (n_customers,)
            Money of each customer; of a log its ``spend()``.
        shares, by, thresholds, labels
            Parameters of `ValueTiers`.
        """
        tiers = ValueTiers(shares, by=by, thresholds=thresholds, labels=labels)
        return cls.from_estimator(tiers.fit(money))

    def plot(self, ax: Any = None) -> Self:
        """Draw two bars per tier.

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
        at, width = np.arange(len(self.data["tier"])), 0.4
        ax.bar(at - width / 2, self.data["customer_share"], width, label="customers")
        ax.bar(at + width / 2, self.data["money_share"], width, label="money")
        ax.set(ylabel="share", xticks=at, xticklabels=self.data["tier"])
        ax.legend()
        self.ax_, self.figure_ = ax, ax.figure
        return self
