"""The migration matrix: which share of each segment's customers went where."""

from __future__ import annotations

from typing import Any, Self

from numpy.typing import NDArray
from sklearn.utils.validation import check_is_fitted

from crmintel.plots._axes import axes_for, check_kind
from crmintel.plots._cells import draw_cells
from crmintel.segments.migration import SegmentMigration


class MigrationMatrixDisplay:
    """Transition shares from the segments before, down, to those after, across.

    Use `from_estimator` to make one.

    Parameters
    ----------
    data : dict of ndarray
        ``share`` (n_segments, n_states) and the ends ``low`` and ``high`` of its intervals.
    segments, states : list of str
        Names of the rows and of the columns.

    Attributes
    ----------
    data : dict of ndarray
        The numbers shown.
    ax_, figure_
        The axes and the figure, after `plot`.

    Examples
    --------
    >>> import crmintel as ci
    >>> from crmintel.plots.migration import MigrationMatrixDisplay
    >>> moves = ci.SegmentMigration(order=["gold", "base"]).fit(["gold", "gold", "base"], ["gold", "base", None])
    >>> display = MigrationMatrixDisplay.from_estimator(moves)
    >>> display.states, display.data["share"].tolist()
    (['gold', 'base', 'absent'], [[0.5, 0.5, 0.0], [0.0, 0.0, 1.0]])
    """

    def __init__(self, data: dict[str, NDArray[Any]], *, segments: list[str], states: list[str]) -> None:
        self.data = data
        self.segments, self.states = segments, states

    @classmethod
    def from_estimator(cls, estimator: SegmentMigration, *, level: float = 0.9) -> Self:
        """Show the transitions of a fitted migration.

        Parameters
        ----------
        estimator : SegmentMigration
            Fitted.
        level : float, default=0.9
            Level of the intervals.
        """
        check_kind(estimator, SegmentMigration, "estimator", "segment_history(log).migration()")
        check_is_fitted(estimator)
        interval = estimator.transition_interval(level)
        data = {"share": estimator.transition_matrix_, "low": interval[..., 0], "high": interval[..., 1]}
        return cls(
            data, segments=list(map(str, estimator.segments_)), states=list(map(str, estimator.states_))
        )

    def plot(self, ax: Any = None) -> Self:
        """Draw the matrix; the row of a segment that nobody was in is grey.

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
        ax.set(xlabel="after", ylabel="before")
        draw_cells(ax, self.data["share"], self.segments, self.states, "{:.0%}")
        self.ax_, self.figure_ = ax, ax.figure
        return self
