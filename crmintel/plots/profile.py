"""What sets segments apart: the effect of each column, with its interval."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.validation import check_is_fitted

from crmintel.plots._axes import axes_for, check_kind, drawable
from crmintel.segments.profile import SegmentProfile


class SegmentProfileDisplay:
    """Bars of the effects of a `SegmentProfile`: how far a segment lies from all others, in standard deviations.

    Use `from_estimator` to make one.

    Parameters
    ----------
    data : dict of ndarray
        One row per segment and column: ``segment, column, mean, others, effect, low, high``.

    Attributes
    ----------
    data : dict of ndarray
        The numbers shown.
    ax_, figure_
        The axes and the figure, after `plot`.

    Examples
    --------
    >>> import crmintel as ci
    >>> from crmintel.plots.profile import SegmentProfileDisplay
    >>> X = {"spend": [10.0, 12.0, 11.0, 95.0, 90.0]}
    >>> profile = ci.SegmentProfile().fit(X, ["base", "base", "base", "gold", "gold"])
    >>> SegmentProfileDisplay.from_estimator(profile).data["mean"].tolist()
    [11.0, 92.5]
    """

    def __init__(self, data: dict[str, NDArray[Any]]) -> None:
        self.data = data

    @classmethod
    def from_estimator(cls, estimator: SegmentProfile) -> Self:
        """Show a fitted profile.

        Parameters
        ----------
        estimator : SegmentProfile
            Fitted.
        """
        check_kind(estimator, SegmentProfile, "estimator", "SegmentProfile().fit(X, labels)")
        check_is_fitted(estimator)
        return cls(estimator.to_frame())

    def plot(self, ax: Any = None) -> Self:
        """Draw a group of bars per column, one bar per segment; an effect that is not known has no bar.

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
        segments = list(dict.fromkeys(self.data["segment"].tolist()))
        columns = list(dict.fromkeys(self.data["column"].tolist()))
        shape = (len(segments), len(columns))
        effect, low, high = (drawable(self.data[name]).reshape(shape) for name in ("effect", "low", "high"))
        at, height = np.arange(len(columns)), 0.8 / len(segments)
        for i, segment in enumerate(segments):
            reach = np.abs(np.array([effect[i] - low[i], high[i] - effect[i]]))
            ax.barh(
                at + (i - (len(segments) - 1) / 2) * height, effect[i], height, xerr=reach, label=str(segment),
                error_kw={"ecolor": "0.3", "elinewidth": 0.8},
            )  # fmt: skip
        ax.axvline(0.0, color="0.3", linewidth=0.8)
        ax.set_yticks(at, columns, parse_math=False)
        ax.invert_yaxis()
        ax.set_xlabel("difference from all others, in standard deviations")
        ax.legend()
        self.ax_, self.figure_ = ax, ax.figure
        return self
