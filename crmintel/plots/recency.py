"""Frequency and recency: what they say together about what a customer will do."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from crmintel._validation import check_choice
from crmintel.lifetime.tracking import one_model
from crmintel.plots._axes import add_colorbar, axes_for
from crmintel.plots._grid import HistoryGrid, in_units

_WORDS = {"expected_purchases": "expected purchases", "probability_alive": "P(alive)"}


class FrequencyRecencyDisplay:
    """Expected purchases, or P(alive), by frequency and recency, of customers watched for the same time.

    Use `from_estimator` to make one.

    Parameters
    ----------
    data : dict of ndarray
        ``frequency`` (k,), ``recency`` (m,) and ``value`` (k, m); nan where there is no such history.
    answer : {"expected_purchases", "probability_alive"}
        What ``value`` is.
    unit : str or None
        Unit of time.

    Attributes
    ----------
    data : dict of ndarray
        The numbers shown.
    ax_, figure_
        The axes and the figure, after `plot`.

    References
    ----------
    Fader, P. S., Hardie, B. G. S. & Lee, K. L. (2005). RFM and CLV: using iso-value curves for customer base analysis.
    Journal of Marketing Research 42(4), 415-430.

    Examples
    --------
    >>> from crmintel import BetaGeoNBD
    >>> from crmintel.plots.recency import FrequencyRecencyDisplay
    >>> model = BetaGeoNBD.from_params(r=0.243, alpha=4.414, a=0.793, b=2.426, unit="week")
    >>> display = FrequencyRecencyDisplay.from_estimator(model, T=39, max_frequency=25, horizon=52)
    >>> display.data["value"][[10, 25], 20].round(4)  # silence says more of those who bought oftener
    array([0.3474, 0.0004])
    """

    def __init__(
        self, data: dict[str, NDArray[Any]], *, answer: str = "expected_purchases", unit: str | None = None
    ) -> None:
        self.data = data
        self.answer = answer
        self.unit = unit

    @classmethod
    def from_estimator(
        cls,
        model: Any,
        X: Any = None,
        *,
        answer: str = "expected_purchases",
        horizon: float | str | None = None,
        T: float | None = None,
        max_frequency: int | None = None,
    ) -> Self:
        """Ask a model about every history.

        Parameters
        ----------
        model : fitted model of repeat purchases
        X : CustomerRows, frame or array, optional
            Customers, for the largest ``T`` and ``frequency`` among them, and the means of a model's covariates.
        answer : {"expected_purchases", "probability_alive"}
            What to ask.
        horizon : float or str, optional
            How far expected purchases look; None takes the model's.
        T : float, optional
            Time from the first purchase until now; None: the longest in ``X``.
        max_frequency : int, optional
            None: the highest in ``X``.

        Raises
        ------
        InputError
            If neither ``X`` nor both limits are given.
        """
        answer = check_choice(answer, "answer", tuple(_WORDS))
        model = one_model(model)
        grid = HistoryGrid(model, X, T, max_frequency)
        value = grid.values(
            model.probability_alive
            if answer == "probability_alive"
            else lambda rows: model.expected_purchases(rows, horizon)
        )
        data = {"frequency": grid.frequency, "recency": grid.recency, "value": value}
        return cls(data, answer=answer, unit=model.unit_)

    def plot(self, ax: Any = None) -> Self:
        """Draw the matrix; histories that cannot be are grey.

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
        ax.set_facecolor("lightgrey")
        mesh = ax.pcolormesh(
            self.data["recency"],
            self.data["frequency"],
            np.ma.masked_invalid(self.data["value"]),
            shading="nearest",
            rasterized=True,
        )
        ax.set(xlabel=f"first to last purchase{in_units(self.unit)}", ylabel="repeat purchases")
        add_colorbar(mesh, ax, _WORDS[self.answer])
        ax.yaxis.get_major_locator().set_params(integer=True)
        self.ax_, self.figure_ = ax, ax.figure
        return self
