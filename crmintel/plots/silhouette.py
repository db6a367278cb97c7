"""The silhouette plot: how well each customer lies in the own segment."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from crmintel.plots._axes import axes_for, check_kind
from crmintel.segments._labels import codes_of
from crmintel.segments.silhouette import Silhouette


class SilhouetteDisplay:
    """One bar per customer, by segment and falling silhouette, beside the mean of all.

    Use `from_silhouette` to make one.

    Parameters
    ----------
    data : dict of ndarray
        ``segment, silhouette`` of each customer, in the order drawn, and the ``mean`` (one value).

    Attributes
    ----------
    data : dict of ndarray
        The numbers shown.
    ax_, figure_
        The axes and the figure, after `plot`.

    References
    ----------
    Rousseeuw, P. J. (1987). Silhouettes: a graphical aid to the interpretation and validation of cluster analysis.
    Journal of Computational and Applied Mathematics 20, 53-65.

    Examples
    --------
    >>> import crmintel as ci
    >>> from crmintel.plots.silhouette import SilhouetteDisplay
    >>> found = ci.silhouette([[0.0], [1.0], [10.0], [11.0]], ["few", "few", "many", "many"])
    >>> SilhouetteDisplay.from_silhouette(found).data["silhouette"].round(3).tolist()
    [0.905, 0.895, 0.905, 0.895]
    """

    def __init__(self, data: dict[str, NDArray[Any]]) -> None:
        self.data = data

    @classmethod
    def from_silhouette(cls, found: Silhouette) -> Self:
        """Sort the customers.

        Parameters
        ----------
        found : Silhouette
            Made by ``crmintel.silhouette``.
        """
        check_kind(found, Silhouette, "found", "silhouette(X, labels)")
        order = np.lexsort((-found.samples, codes_of(found.labels, found.segments)))
        return cls(
            {
                "segment": found.labels[order],
                "silhouette": found.samples[order],
                "mean": np.array([found.value]),
            }
        )

    def plot(self, ax: Any = None) -> Self:
        """Draw the silhouettes.

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
        values, names = self.data["silhouette"], self.data["segment"]
        firsts = np.flatnonzero(np.append(True, names[1:] != names[:-1]))
        ends = np.append(firsts[1:], names.size)
        for first, end in zip(firsts, ends, strict=True):
            # a row is the whole height of its customer, also at the ends
            rows = np.repeat(np.arange(first, end + 1), 2)[1:-1]
            ax.fill_betweenx(rows, 0.0, np.repeat(values[first:end], 2), rasterized=True)
        mean = self.data["mean"][0]
        ax.axvline(mean, color="0.3", linestyle="--", label=f"mean {mean:.2f}")
        ax.set_yticks((firsts + ends) / 2, [str(names[first]) for first in firsts])
        ax.set(xlabel="silhouette", ylabel="segment", ylim=(names.size, 0))
        ax.legend()
        self.ax_, self.figure_ = ax, ax.figure
        return self
