"""How a criterion changes with the number of segments."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.validation import check_is_fitted

from crmintel._validation import check_choice
from crmintel.plots._axes import axes_for
from crmintel.segments.selection import CRITERIA, STRONG, ClusterSelection


class ClusterSelectionDisplay:
    """One criterion of a `ClusterSelection` against the number of segments, with what it chose.

    Use `from_estimator` to make one.

    Parameters
    ----------
    data : dict of ndarray
        ``k``, the ``value`` of the criterion and its ``error`` (of the gap a standard error, of the
        silhouette half its interval; NaN of others).
    criterion : str
        Which one.
    best_k : int
        The number chosen.

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
    >>> from crmintel.plots.selection import ClusterSelectionDisplay
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(300, 2)) + 8.0 * rng.integers(0, 3, 300)[:, None]
    >>> selection = ci.ClusterSelection(k=range(2, 5), n_bootstrap=0, random_state=0).fit(X)
    >>> display = ClusterSelectionDisplay.from_estimator(selection)
    >>> display.data["k"].tolist(), display.best_k
    ([1, 2, 3, 4], 3)
    """

    def __init__(self, data: dict[str, NDArray[Any]], *, criterion: str, best_k: int) -> None:
        self.data = data
        self.criterion, self.best_k = criterion, best_k

    @classmethod
    def from_estimator(cls, estimator: ClusterSelection, *, criterion: str | None = None) -> Self:
        """Show one criterion.

        Parameters
        ----------
        estimator : ClusterSelection
            Fitted.
        criterion : str, optional
            A criterion of the table; None is the one that has chosen.
        """
        check_is_fitted(estimator)
        name = estimator.criterion if criterion is None else check_choice(criterion, "criterion", CRITERIA)
        table = estimator.table_
        error = table.get(f"{name}_error", np.full(table["k"].size, np.nan))
        return cls(
            {"k": table["k"], "value": table[name], "error": error}, criterion=name, best_k=estimator.best_k_
        )

    def plot(self, ax: Any = None) -> Self:
        """Draw the curve, the number chosen, and the bound of the criterion where it has one.

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
        error = np.nan_to_num(self.data["error"])
        ax.errorbar(self.data["k"], self.data["value"], error, marker="o", capsize=2)
        ax.axvline(self.best_k, color="0.6", linestyle="--", label=f"chosen: {self.best_k}")
        if self.criterion in STRONG:
            ax.axhline(STRONG[self.criterion], color="0.6", linestyle=":", label="strong from here")
        ax.set(xlabel="number of segments", ylabel=self.criterion.replace("_", " "))
        ax.xaxis.get_major_locator().set_params(integer=True)
        ax.legend()
        self.ax_, self.figure_ = ax, ax.figure
        return self
