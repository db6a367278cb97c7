"""How a criterion changes with the number of segments."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.validation import check_is_fitted

from crmintel._validation import check_choice
from crmintel.exceptions import InputError
from crmintel.plots._axes import axes_for, check_kind
from crmintel.segments.selection import CRITERIA, STRONG, ClusterSelection

_LINE = 0.28  # inches of a new figure, for each setting


class ClusterSelectionDisplay:
    """One criterion of a `ClusterSelection` by the number of segments, or by its settings, with what it chose.

    Use `from_estimator` to make one.

    Parameters
    ----------
    data : dict of ndarray
        ``k``, the ``value`` of the criterion and its ``error`` (of the gap a standard error, of the silhouette half
        its interval; NaN of others), and which is ``chosen``; with a ``param_grid`` each ``setting``, in the order
        tried.
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

        Raises
        ------
        InputError
            If the criterion has no value for two segments or more.
        """
        check_kind(estimator, ClusterSelection, "estimator", "ClusterSelection().fit(X)")
        check_is_fitted(estimator)
        name = estimator.criterion if criterion is None else check_choice(criterion, "criterion", CRITERIA)
        table = estimator.table_
        if np.isnan(table[name][1:]).all():  # row 0 is one segment
            resamples = {"prediction_strength": "n_splits", "jaccard": "n_bootstrap"}.get(name, "")
            left_out = getattr(estimator, resamples, None) == 0
            way = (
                f"{resamples}=0 leaves it out; fit with more"
                if left_out
                else "fit with settings that find segments"
            )
            raise InputError(f"criterion={name!r} has no value for any of the settings: {way}.")
        data = {
            "k": table["k"],
            "value": table[name],
            "error": table.get(f"{name}_error", np.full(table["k"].size, np.nan)),
            "chosen": np.arange(table["k"].size) == estimator.best_index_,
        }
        if estimator.param_grid is not None:
            settings = [
                ", ".join(f"{key}={value}" for key, value in each.items()) for each in estimator.params_
            ]
            data["setting"] = np.array(settings)
        return cls(data, criterion=name, best_k=estimator.best_k_)

    def plot(self, ax: Any = None) -> Self:
        """Draw the curve, or a point per setting, what was chosen, and the bound of the criterion where it has one.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            None makes a new figure.

        Raises
        ------
        MissingExtraError
            If matplotlib is not installed.
        """
        by_setting = "setting" in self.data
        high = max(4.8, 1.2 + _LINE * self.data["k"].size)
        ax = axes_for(ax, self, (6.4, high) if by_setting else None)
        k, value, error = (self.data[name] for name in ("k", "value", "error"))
        error, words = np.nan_to_num(error), self.criterion.replace("_", " ")
        chosen = {"color": "0.6", "linestyle": "--", "label": f"chosen: {self.best_k}"}
        if by_setting:  # downwards, for settings are long; without a line, for they have no order
            at = np.arange(k.size)
            ax.errorbar(value, at, xerr=error, fmt="o", capsize=2)
            ax.axhline(int(np.argmax(self.data["chosen"])), **chosen)
            names = [f"{each} (found {n})" for each, n in zip(self.data["setting"], k, strict=True)]
            ax.set_yticks(at, ["all in one", *names[1:]], parse_math=False)
            ax.set(xlabel=words, ylabel="setting (segments found)", ylim=(k.size - 0.5, -0.5))
        else:
            order = np.argsort(k, kind="stable")
            ax.errorbar(k[order], value[order], error[order], marker="o", capsize=2)
            ax.axvline(self.best_k, **chosen)
            ax.set(xlabel="number of segments", ylabel=words)
            ax.xaxis.get_major_locator().set_params(integer=True)
        if self.criterion in STRONG:
            bound = ax.axvline if by_setting else ax.axhline
            bound(STRONG[self.criterion], color="0.6", linestyle=":", label="strong from here")
        ax.legend()
        self.ax_, self.figure_ = ax, ax.figure
        return self
