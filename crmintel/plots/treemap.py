"""Segments as areas: how many customers each holds, and what they spend."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from crmintel._validation import check_vector
from crmintel.exceptions import InputError
from crmintel.plots._axes import add_colorbar, axes_for, lay_out
from crmintel.segments._labels import as_labels, codes_of, segment_names

_WIDE = 1.6  # width over height of the picture
_SIZE = (6.4, 4.0)  # inches of a new figure
_LARGEST, _SMALLEST = 11.0, 6.0  # points, of the letters; smaller names stand in the legend
_FILLED = 0.9  # share of a side that a name may take


class SegmentTreemapDisplay:
    """Rectangles as large as segments have customers, the largest first, coloured by the money per customer.

    Use `from_labels` to make one.

    Parameters
    ----------
    data : dict of ndarray
        One row per segment, by falling size: ``segment, customers, money`` (per customer; NaN without money) and the
        rectangle ``x, y, width, height`` in a picture of 1.6 by 1.

    Attributes
    ----------
    data : dict of ndarray
        The numbers shown.
    ax_, figure_
        The axes and the figure, after `plot`.

    References
    ----------
    M. Bruls, K. Huizing and J. J. van Wijk, "Squarified treemaps", Data Visualization 2000.

    Examples
    --------
    >>> from crmintel.plots.treemap import SegmentTreemapDisplay
    >>> display = SegmentTreemapDisplay.from_labels(["gold", "base", "base", "base"], money=[90, 10, 20, 30])
    >>> display.data["segment"].tolist(), display.data["money"].tolist()
    (['base', 'gold'], [20.0, 90.0])
    """

    def __init__(self, data: dict[str, NDArray[Any]]) -> None:
        self.data = data

    @classmethod
    def from_labels(cls, labels: ArrayLike, money: ArrayLike | None = None) -> Self:
        """Lay out the segments.

        Parameters
        ----------
        labels : array-like of shape (n_customers,)
            Segment of each customer; None for one who is in none, and is left out.
        money : array-like of shape (n_customers,), optional
            Money of each customer.

        Raises
        ------
        InputError
            If lengths differ or nobody is in a segment.
        """
        named = as_labels(labels, "labels")
        segments = segment_names(named)
        if not segments:
            raise InputError("no customer is in a segment.")
        codes, k = codes_of(named, segments), len(segments)
        customers = np.bincount(codes, minlength=k)[:k]
        each = np.full(k, np.nan)
        if money is not None:
            each = np.bincount(codes, check_vector(money, "money", n=named.size), k)[:k] / customers
        falling = np.argsort(-customers, kind="stable")
        x, y, width, height = _squarified(customers[falling] / customers.sum() * _WIDE).T
        return cls(
            {
                "segment": np.array(segments)[falling],
                "customers": customers[falling],
                "money": each[falling],
                "x": x,
                "y": y,
                "width": width,
                "height": height,
            }
        )

    def plot(self, ax: Any = None) -> Self:
        """Draw the rectangles; a legend numbers the segments whose names do not fit.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            None makes a new figure.

        Raises
        ------
        MissingExtraError
            If matplotlib is not installed.
        """
        ax = axes_for(ax, self, _SIZE)
        from matplotlib.collections import PatchCollection
        from matplotlib.patches import Rectangle

        sides = [self.data[name] for name in ("x", "y", "width", "height")]
        boxes = [Rectangle((x, y), width, height) for x, y, width, height in zip(*sides, strict=True)]
        area = PatchCollection(boxes, edgecolor="white", linewidth=1.5)
        money = self.data["money"]
        colours = ["tab:blue"] * money.size
        if np.isnan(money).all():
            area.set_facecolor(colours)
        else:
            area.set(array=money, cmap="Blues")
            add_colorbar(area, ax, "money per customer")
            colours = list(area.to_rgba(money))
        ax.add_collection(area)
        ax.set(xlim=(0, _WIDE), ylim=(0, 1), aspect="equal")
        ax.invert_yaxis()
        ax.axis("off")
        shares = self.data["customers"] / self.data["customers"].sum()
        dark = [bool(np.isnan(value) or np.max(area.norm(np.array([value]))) > 0.6) for value in money]
        texts = [
            ax.text(
                x + width / 2, y + height / 2, f"{name}\n{share:.1%}", ha="center", va="center",
                color="white" if deep else "0.15", parse_math=False, in_layout=False,
            )
            for name, share, deep, x, y, width, height in zip(
                self.data["segment"], shares, dark, *sides, strict=True
            )
        ]  # fmt: skip
        _fit_names(ax, texts, np.column_stack(sides[2:]), colours)
        self.ax_, self.figure_ = ax, ax.figure
        return self


def _fit_names(ax: Any, texts: list[Any], rooms: NDArray[np.float64], colours: list[Any]) -> None:
    """Size the names to their rectangles, or number those that are too small and name them in a legend."""
    from matplotlib.patches import Patch

    names = [text.get_text() for text in texts]
    numbered: set[int] = set()
    while True:
        lay_out(ax)
        pixels = _FILLED * ax.bbox.width / _WIDE * rooms
        shown = [i for i in range(len(names)) if i not in numbered]
        small = {i for i in shown if _fit(texts[i], _ways(names[i]), pixels[i]) < _SMALLEST}
        if not small:
            break
        numbered |= small  # and the legend takes room in turn
        handles = [
            Patch(facecolor=colours[i], edgecolor="0.7", label=f"{n}  {names[i]}".replace("\n", " "))
            for n, i in enumerate(sorted(numbered), start=1)
        ]
        ax.legend(
            handles=handles, loc="upper center", bbox_to_anchor=(0.5, 0.0), ncols=3, frameon=False, fontsize=8,
            handlelength=1.0,
        )  # fmt: skip
    for n, i in enumerate(sorted(numbered), start=1):
        if _fit(texts[i], [str(n)], pixels[i]) < _SMALLEST:
            texts[i].set_text("")


def _ways(name: str) -> list[str]:
    """Return a name and its share on two lines, on one, and on as many as there are words."""
    return [name, name.replace("\n", " "), name.replace(" ", "\n")]


def _fit(text: Any, ways: list[str], room: NDArray[np.float64]) -> float:
    """Write the text in the way, and the direction, that leaves the letters largest; return their size."""
    found = []
    for way in ways:
        text.set(text=way, fontsize=_LARGEST, rotation=0)
        extent = text.get_window_extent()
        for rotation, (along, across) in ((0, room), (90, room[::-1])):
            size = _LARGEST * min(1.0, along / extent.width, across / extent.height)
            found.append((size, way, rotation))
    size, way, rotation = max(found, key=lambda each: each[0])
    text.set(text=way, fontsize=size, rotation=rotation)
    return size


def _squarified(areas: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return ``x, y, width, height`` for falling areas that fill the picture: rows along its shorter free side."""
    x, y, width, height = 0.0, 0.0, _WIDE, 1.0
    boxes: list[tuple[float, float, float, float]] = []
    left = areas.tolist()
    while left:
        side = min(width, height)
        take = 1
        while take < len(left) and _worst(left[: take + 1], side) <= _worst(left[:take], side):
            take += 1
        row, left = left[:take], left[take:]
        depth, at = sum(row) / side, 0.0
        for area in row:
            along = area / depth
            boxes.append((x, y + at, depth, along) if width >= height else (x + at, y, along, depth))
            at += along
        if width >= height:
            x, width = x + depth, width - depth
        else:
            y, height = y + depth, height - depth
    return np.array(boxes)


def _worst(row: Sequence[float], side: float) -> float:
    """Return the largest ratio of sides in a row of areas along ``side``."""
    total = sum(row) ** 2
    return max(side**2 * max(row) / total, total / (side**2 * min(row)))
