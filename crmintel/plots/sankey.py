"""The migration as streams: customers, or their money, from segment to segment."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.isotonic import isotonic_regression
from sklearn.utils.validation import check_is_fitted

from crmintel._validation import check_choice
from crmintel.exceptions import InputError
from crmintel.plots._axes import axes_for, check_kind, lay_out
from crmintel.segments.migration import SegmentMigration

_GAP = 0.03  # between segments, as a share of the higher side
_BAR = 0.04  # width of a segment
_LINE = 1.3  # height of a line of text over the size of its letters
_LEADER = 0.02  # length of the line from a bar to its label
_MOST = 0.32  # of the width for the labels of a side


class MigrationSankeyDisplay:
    """Streams from the segments before, left, to those after, right.

    Use `from_estimator` to make one. Streams of money are as wide as the money before on the left and as the money
    after on the right: those who spend more widen.

    Parameters
    ----------
    data : dict of ndarray
        One row per stream: ``before, after`` (names), ``customers``, and the widths ``left`` and ``right``.
    states : list of str
        Names in the order drawn, from the top.
    of : {"customers", "money"}
        What flows.

    Attributes
    ----------
    data : dict of ndarray
        The numbers shown.
    ax_, figure_
        The axes and the figure, after `plot`.

    Examples
    --------
    >>> import crmintel as ci
    >>> from crmintel.plots.sankey import MigrationSankeyDisplay
    >>> moves = ci.SegmentMigration(order=["gold", "base"]).fit(["gold", "gold", "base"], ["gold", "base", None])
    >>> display = MigrationSankeyDisplay.from_estimator(moves)
    >>> [tuple(map(str, ends)) for ends in zip(display.data["before"], display.data["after"])]
    [('gold', 'gold'), ('gold', 'base'), ('base', 'absent')]
    """

    def __init__(self, data: dict[str, NDArray[Any]], *, states: list[str], of: str = "customers") -> None:
        self.data = data
        self.states, self.of = states, of

    @classmethod
    def from_estimator(cls, estimator: SegmentMigration, *, of: str = "customers") -> Self:
        """Show the flows of a fitted migration.

        Parameters
        ----------
        estimator : SegmentMigration
            Fitted, with money where that is to flow.
        of : {"customers", "money"}, default="customers"
            What flows.

        Raises
        ------
        InputError
            If money is asked for and the migration has none, a flow of it is negative, or all are 0.
        """
        check_kind(estimator, SegmentMigration, "estimator", "segment_history(log).migration()")
        check_is_fitted(estimator)
        check_choice(of, "of", ("customers", "money"))
        flows = estimator.to_frame()
        if of == "customers":
            left = right = flows["customers"].astype(np.float64)
        elif estimator.money_before_ is None:
            raise InputError("the migration has no money: fit it with money_before=... and money_after=...")
        else:
            left, right = flows["money_before"], flows["money_after"]
            if min(left.min(), right.min()) < 0.0:
                raise InputError(
                    "a flow of money is below 0, which has no width: net returns (LogCleaner), or show of='customers'."
                )
            if max(left.max(), right.max()) == 0.0:
                raise InputError("all flows of money are 0, which have no width: show of='customers'.")
        data = {name: flows[name] for name in ("before", "after", "customers")}
        return cls(data | {"left": left, "right": right}, states=list(map(str, estimator.states_)), of=of)

    def plot(self, ax: Any = None) -> Self:
        """Draw the streams, coloured by the segment they come from.

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
        from matplotlib import colormaps
        from matplotlib.patches import PathPatch
        from matplotlib.path import Path

        at = {name: i for i, name in enumerate(self.states)}
        source = np.array([at[name] for name in self.data["before"]])
        target = np.array([at[name] for name in self.data["after"]])
        left, right = self.data["left"], self.data["right"]
        gap = _GAP * max(left.sum(), right.sum())
        starts = _stacked(source, target, left, len(at), gap)
        ends = _stacked(target, source, right, len(at), gap)
        colours = [*colormaps["tab10"](np.arange(len(at) - 1) % 10), (0.6, 0.6, 0.6, 1.0)]
        x0, x1, mid = _BAR, 1.0 - _BAR, 0.5
        for s, a, b, w, v in zip(source, starts, ends, left, right, strict=True):
            upper = [(x0, a), (mid, a), (mid, b), (x1, b)]
            lower = [(x1, b + v), (mid, b + v), (mid, a + w), (x0, a + w)]
            codes = [Path.MOVETO, *[Path.CURVE4] * 3, Path.LINETO, *[Path.CURVE4] * 3]
            ax.add_patch(
                PathPatch(Path([*upper, *lower], codes), facecolor=colours[s], alpha=0.45, linewidth=0)
            )
        labels: dict[str, list[tuple[float, str]]] = {"left": [], "right": []}
        for side, state, first, width in (("left", source, starts, left), ("right", target, ends, right)):
            for i, name in enumerate(self.states):
                of_state = state == i
                total = width[of_state].sum()
                if total == 0.0:
                    continue
                top = first[of_state].min()
                ax.bar(0.0 if side == "left" else x1, total, _BAR, top, align="edge", color=[colours[i]])
                labels[side].append((top + total / 2, f"{name} {total:,.0f}"))
        ax.set(xlim=(0.0, 1.0), title=f"{self.of}: before and after")
        ax.invert_yaxis()
        ax.axis("off")
        lay_out(ax)
        _label(ax, labels)
        self.ax_, self.figure_ = ax, ax.figure
        return self


def _label(ax: Any, labels: dict[str, list[tuple[float, str]]]) -> None:
    """Write the labels beside their bars, apart from each other, and make room for them within the axes."""
    low, high = sorted(ax.get_ylim())
    most = max(map(len, labels.values()))
    point = ax.figure.dpi / 72.0
    size = min(10.0, ax.bbox.height / point / (_LINE * most))
    line = _LINE * size * point / ax.bbox.height * (high - low)
    texts = []
    for x, away, side in ((0.0, -1, "left"), (1.0, 1, "right")):
        if not labels[side]:
            continue
        # by least squares, places that rise by a line at least
        at = np.array([centre for centre, _ in labels[side]])
        steps = line * (np.arange(at.size) + 0.5)
        places = isotonic_regression(at - steps, y_min=low, y_max=high - line * at.size) + steps
        for (centre, label), place in zip(labels[side], places, strict=True):
            texts.append(
                ax.annotate(
                    label, (x, centre), (x + away * _LEADER, place), va="center", fontsize=size, parse_math=False,
                    ha="right" if side == "left" else "left",
                    arrowprops={"arrowstyle": "-", "color": "0.5", "linewidth": 0.6, "shrinkA": 1, "shrinkB": 0},
                )
            )  # fmt: skip
    widest = max(text.get_window_extent().width for text in texts) / ax.bbox.width
    share = min(widest, _MOST)
    for text in texts:
        text.set_fontsize(size * share / widest)
    # labels keep their width on the page while the axis grows by twice the margin
    margin = (share + _LEADER) / (1.0 - 2.0 * share)
    ax.set_xlim(-margin, 1.0 + margin)


def _stacked(
    state: NDArray[np.int64], other: NDArray[np.int64], width: NDArray[np.float64], n: int, gap: float
) -> NDArray[np.float64]:
    """Return where each stream begins on a side: by its state there, then by the state it is tied to."""
    order = np.lexsort((other, state))
    begins = np.empty(width.size)
    begins[order] = np.cumsum(width[order]) - width[order]
    drawn = np.bincount(state, minlength=n) > 0
    return begins + gap * (np.cumsum(drawn) - 1)[state]
