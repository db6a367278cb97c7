"""Iso-value curves: different histories that are worth the same."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.validation import check_is_fitted

from crmintel._validation import check_number, check_vector
from crmintel.exceptions import InputError
from crmintel.features.rows import named_columns
from crmintel.lifetime.tracking import one_model
from crmintel.lifetime.value import LifetimeValue
from crmintel.plots._axes import axes_for
from crmintel.plots._grid import HistoryGrid, in_units

_LEVELS = np.outer(10.0 ** np.arange(-9, 12), [1.0, 2.0, 5.0]).ravel()
_MOST_CURVES = 8


class IsoValueDisplay:
    """Curves through the histories, by recency and frequency, that promise the same.

    Value is the discounted purchases to expect of a model of repeat purchases, or the potential of a `LifetimeValue`.
    Where the curves bend back, one more purchase in the past means less to come: of two customers who have been silent
    for the same time, the one who used to buy oftener is likelier to be gone.

    Use `from_estimator` to make one.

    Parameters
    ----------
    data : dict of ndarray
        ``frequency`` (k,), ``recency`` (m,), ``value`` (k, m), nan where there is no such history, and the ``levels``
        of the curves.
    label : str
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
    >>> from crmintel import ParetoNBD
    >>> from crmintel.plots.isovalue import IsoValueDisplay
    >>> model = ParetoNBD.from_params(r=0.553, alpha=10.58, s=0.606, beta=11.67, unit="week")
    >>> display = IsoValueDisplay.from_estimator(model, T=78, max_frequency=14, rate=0.0027)
    >>> display.data["value"][[2, 7, 14], 40].round(1)  # the last purchase in week 40, of 78
    array([2.7, 1.9, 0.2])
    """

    def __init__(
        self,
        data: dict[str, NDArray[Any]],
        *,
        label: str = "discounted purchases to expect",
        unit: str | None = None,
    ) -> None:
        self.data = data
        self.label = label
        self.unit = unit

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: Any = None,
        *,
        rate: float | None = None,
        horizon: float | str | None = None,
        mean_spend: float | None = None,
        T: float | None = None,
        max_frequency: int | None = None,
        levels: Any = None,
    ) -> Self:
        """Compute the value of every history.

        Parameters
        ----------
        estimator : fitted model of repeat purchases, or LifetimeValue
        X : CustomerRows, frame or array, optional
            Customers, for the largest ``T`` and ``frequency`` among them, their mean spend, and the means of
            a model's covariates.
        rate : float, optional
            Continuous discount rate per unit of time, of a model of purchases; None is 0. A `LifetimeValue` has its
            own.
        horizon : float or str, optional
            How far a model of purchases looks. None: for ever with a ``rate``, else the model's horizon.
        mean_spend : float, optional
            Mean spend per repeat purchase of the customers shown, for a `LifetimeValue`; None: that of the customers in
            ``X`` who have bought again.
        T : float, optional
            Time from the first purchase until now; None: the longest in ``X``.
        max_frequency : int, optional
            None: the highest in ``X``.
        levels : array, optional
            Values to draw a curve for, increasing; None: round numbers.

        Raises
        ------
        InputError
            If neither ``X`` nor both limits are given, or something that the estimator has itself.
        """
        if isinstance(estimator, LifetimeValue):
            check_is_fitted(estimator)
            if rate is not None or horizon is not None:
                raise InputError("a LifetimeValue has its own horizon and discount rate; set them there.")
            spend = check_number(
                _mean_spend(X) if mean_spend is None else mean_spend, "mean_spend", low=0.0, strict_low=True
            )
            grid = HistoryGrid(estimator.transactions_, X, T, max_frequency)
            value, label = grid.values(estimator.predict, spend), f"value to expect at {spend:.3g} a purchase"
        else:
            model = one_model(estimator)
            if mean_spend is not None:
                raise InputError("mean_spend is for a LifetimeValue; a model of purchases knows no money.")
            rate = check_number(0.0 if rate is None else rate, "rate", low=0.0)
            end = horizon if horizon is not None else np.inf if rate > 0.0 else model.horizon
            grid = HistoryGrid(model, X, T, max_frequency)
            value = grid.values(
                lambda rows: model.discounted_expected_transactions(rows, rate=rate, horizon=end)
            )
            label = "discounted purchases to expect" if rate > 0.0 else "purchases to expect"
        data = {"frequency": grid.frequency, "recency": grid.recency, "value": value}
        data["levels"] = _round_levels(value) if levels is None else _check_levels(levels)
        return cls(data, label=label, unit=grid.model.unit_)

    def plot(self, ax: Any = None) -> Self:
        """Draw the curves, labelled with their value.

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
        data = self.data
        curves = ax.contour(
            data["recency"], data["frequency"], np.ma.masked_invalid(data["value"]), levels=data["levels"]
        )
        ax.clabel(curves, fmt="%g")
        ax.set(
            xlabel=f"first to last purchase{in_units(self.unit)}", ylabel="repeat purchases", title=self.label
        )
        ax.yaxis.get_major_locator().set_params(integer=True)
        self.ax_, self.figure_ = ax, ax.figure
        return self


def _mean_spend(X: Any) -> float:
    if X is None:
        raise InputError("without X a LifetimeValue needs mean_spend, the mean spend of the customers shown.")
    columns = named_columns(X, ("frequency", "monetary_value"))
    bought_again = columns["frequency"] > 0
    if not bought_again.any():
        raise InputError("nobody in X has bought again; give mean_spend.")
    return float(columns["monetary_value"][bought_again].mean())


def _round_levels(value: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the highest 1, 2, 5, 10, ... that lie within the values."""
    inside = _LEVELS[(np.nanmin(value) < _LEVELS) & (np.nanmax(value) > _LEVELS)]
    return inside[-_MOST_CURVES:]


def _check_levels(levels: Any) -> NDArray[np.float64]:
    checked = check_vector(levels, "levels", min_length=1)
    if (np.diff(checked) <= 0).any():
        raise InputError(f"levels must increase, got {levels!r}.")
    return checked
