"""The RFM heatmap: what customers spend by how recently and how often they buy."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.validation import check_is_fitted

from crmintel._validation import check_choice
from crmintel.features.rfm import RFMScorer, rfm_columns
from crmintel.plots._axes import axes_for, check_kind
from crmintel.plots._cells import draw_cells

_WORDS = {"money": "mean spend", "customers": "customers"}


class RFMHeatmapDisplay:
    """Mean spend, or the number of customers, by recency and frequency score.

    Use `from_estimator` to make one.

    Parameters
    ----------
    data : dict of ndarray
        ``recency_score`` (best first) and ``frequency_score`` (best last), and by them ``customers`` and ``money``,
        the mean spend, NaN where nobody is.
    value : {"money", "customers"}
        What is drawn.

    Attributes
    ----------
    data : dict of ndarray
        The numbers shown.
    ax_, figure_
        The axes and the figure, after `plot`.

    Examples
    --------
    >>> import crmintel as ci
    >>> from crmintel.plots.rfm import RFMHeatmapDisplay
    >>> rows = {"time_since_last": [3, 40, 200, 9], "n_purchases": [12, 2, 1, 4], "spend": [900, 80, 20, 210]}
    >>> scorer = ci.RFMScorer(n_bins=2).fit(rows)
    >>> RFMHeatmapDisplay.from_estimator(scorer, rows).data["money"]
    array([[ nan, 555.],
           [ 50.,  nan]])
    """

    def __init__(self, data: dict[str, NDArray[Any]], *, value: str = "money") -> None:
        self.data = data
        self.value = check_choice(value, "value", tuple(_WORDS))

    @classmethod
    def from_estimator(cls, estimator: RFMScorer, X: Any, *, value: str = "money") -> Self:
        """Count the customers of each pair of scores.

        Parameters
        ----------
        estimator : RFMScorer
            Fitted.
        X : TransactionLog, frame, dict of arrays or array-like of shape (n_customers, 3)
            Customers, as in ``RFMScorer.fit``.
        value : {"money", "customers"}, default="money"
            What to draw.
        """
        check_kind(estimator, RFMScorer, "estimator", "RFMScorer().fit(X)")
        check_is_fitted(estimator)
        spend = rfm_columns(X)["spend"]
        n_bins = estimator.edges_["spend"].size + 1
        recency, frequency = np.asarray(estimator.transform(X))[:, :2].T.astype(np.int64)
        cell = (n_bins - recency) * n_bins + frequency - 1
        customers = np.bincount(cell, minlength=n_bins**2).reshape(n_bins, n_bins)
        sums = np.bincount(cell, spend, n_bins**2).reshape(n_bins, n_bins)
        scores = np.arange(1, n_bins + 1)
        data = {
            "recency_score": scores[::-1],
            "frequency_score": scores,
            "customers": customers,
            "money": np.where(customers > 0, sums / np.maximum(customers, 1), np.nan),
        }
        return cls(data, value=value)

    def plot(self, ax: Any = None) -> Self:
        """Draw the heatmap; pairs of scores that nobody has are grey.

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
        customers = self.data["customers"]
        values = np.where(customers > 0, self.data[self.value], np.nan)
        rows, columns = (
            [str(score) for score in self.data[f"{side}_score"]] for side in ("recency", "frequency")
        )
        best = columns[-1]
        ax.set(xlabel=f"frequency score ({best}: often)", ylabel=f"recency score ({best}: lately)")
        draw_cells(ax, values, rows, columns, "{:,.0f}", scale=_WORDS[self.value])
        self.ax_, self.figure_ = ax, ax.figure
        return self
