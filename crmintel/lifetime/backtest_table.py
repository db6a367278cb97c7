"""The errors of forecasts on held-out days: the result of `backtest`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crmintel._frames import build_frame
from crmintel._validation import check_choice
from crmintel.lifetime._forecast_errors import METRICS

OVERALL = "overall"
TRACKING = ("tracking_incremental", "tracking_cumulative")
_SHOWN = ("rmse", "mae", "bias", "total_ratio", "spearman", "top_decile_capture", "coverage")


@dataclass(frozen=True, slots=True, repr=False)
class Backtest:
    """How a forecast did on held-out days beside naive ones, see `backtest`.

    Attributes
    ----------
    names : tuple of str
        The forecasts: the estimator, then the baselines.
    target : str
        ``"purchases"`` or ``"money"``.
    cutoffs : tuple of numpy.datetime64
        Last day that was known, of each fold.
    horizon : int
        Days after it that were foretold.
    n_customers : tuple of int
        Customers with a history, at each cutoff.
    level : float
        Of all intervals.
    columns : dict of str to ndarray
        The table of `to_frame`.
    predictions : dict of str to ndarray
        ``customer``, ``cutoff``, ``actual`` and each forecast under its name: one row for each customer and cutoff.
    tracking : dict of str to ndarray
        ``cutoff``, ``end`` (last day of a week), ``actual`` and each forecast that tells it, by its name: totals of all
        customers from the cutoff to ``end``.

    Examples
    --------
    >>> import crmintel as ci
    >>> log, _ = ci.datasets.make_transactions(300, weeks=60, random_state=0)
    >>> result = ci.backtest(ci.BetaGeoNBD(), log, horizon="8W", random_state=0)
    >>> result.names
    ('BetaGeoNBD', 'own_rate', 'last_period', 'average', 'recency_rule')
    >>> result.value("rmse") == result.value("rmse", "overall")
    True
    """

    names: tuple[str, ...]
    target: str
    cutoffs: tuple[np.datetime64, ...]
    horizon: int
    n_customers: tuple[int, ...]
    level: float
    columns: dict[str, NDArray[Any]]
    predictions: dict[str, NDArray[Any]]
    tracking: dict[str, NDArray[Any]]
    library: str | None

    def to_frame(self, library: str | None = None) -> Any:
        """Return one row for each forecast, cutoff (and ``"overall"``) and metric.

        Parameters
        ----------
        library : {"pandas", "polars", "pyarrow"}, default=None
            None: that of the log, or a dict of arrays where it came from none.

        Returns
        -------
        frame
            Columns ``forecast``, ``cutoff``, ``metric``, ``value`` with its interval ``low`` and ``high``, and
            ``difference``, the estimator's value less this one's, with ``difference_low`` and ``difference_high``.
        """
        return build_frame(self.columns, library or self.library)

    def value(self, metric: str = "rmse", cutoff: Any = OVERALL) -> dict[str, float]:
        """Return each forecast's value of one metric.

        Parameters
        ----------
        metric : str, default="rmse"
        cutoff : date, default="overall"
            One of the cutoffs, or the mean over them.
        """
        return dict(zip(self.names, self._rows("value", metric, cutoff), strict=True))

    @property
    def is_better(self) -> bool:
        """Whether the estimator is shown to be better than every baseline, by root mean squared error."""
        highs = self._rows("difference_high", "rmse", OVERALL)[1:]
        return bool(highs) and max(highs) < 0

    @property
    def verdict(self) -> str:
        """Whether the estimator is better than every baseline, by root mean squared error, in a sentence."""
        name, *others = self.names
        low, high, gain, rmse = (
            dict(zip(self.names, self._rows(column, "rmse", OVERALL), strict=True))
            for column in ("difference_low", "difference_high", "difference", "value")
        )
        if not others:
            return f"{name} has an rmse of {rmse[name]:.4g}; without a baseline that says little."
        best, doubt = min(others, key=lambda each: rmse[each]), max(others, key=lambda each: high[each])

        def against(other: str) -> str:
            return (
                f"rmse {rmse[name]:.4g} against {rmse[other]:.4g} of {other!r}, a difference of {gain[other]:+.3g} "
                f"({self.level:.0%} interval {low[other]:+.3g} to {high[other]:+.3g})."
            )

        if low[best] > 0:
            return f"Do not use {name} here, a naive forecast is better: {against(best)}"
        if self.is_better:
            return f"{name} is better than every baseline: {against(best)}"
        return f"{name} is not shown to be better than every baseline: {against(doubt)}"

    def _rows(self, column: str, metric: str, cutoff: Any) -> list[float]:
        check_choice(metric, "metric", (*METRICS, *TRACKING))
        days = (*map(str, self.cutoffs), OVERALL)
        day = check_choice(cutoff if isinstance(cutoff, str) else str(cutoff), "cutoff", days)
        rows = (self.columns["metric"] == metric) & (self.columns["cutoff"] == day)
        values: list[float] = self.columns[column][rows].tolist()
        return values

    def __repr__(self) -> str:
        days = ", ".join(map(str, self.cutoffs))
        width = max(map(len, self.names))
        lines = [
            f"Backtest({self.target} in the {self.horizon} days after {days}: "
            f"{', '.join(f'{n:,}' for n in self.n_customers)} customers)",
            f"  {'':{width}}  " + "  ".join(f"{metric:>{max(9, len(metric))}}" for metric in _SHOWN),
        ]
        table = {metric: self.value(metric) for metric in _SHOWN}
        for name in self.names:
            cells = (f"{table[metric][name]:{max(9, len(metric))}.4g}" for metric in _SHOWN)
            lines.append(f"  {name:{width}}  " + "  ".join(cells).replace("nan", "  -"))
        return "\n".join([*lines, f"  {self.verdict}"])


def error_table(
    names: tuple[str, ...],
    cutoffs: tuple[np.datetime64, ...],
    value: NDArray[np.float64],
    draws: NDArray[np.float64],
    missed: NDArray[np.float64],
    level: float,
) -> dict[str, NDArray[Any]]:
    """Return the columns of `Backtest.to_frame`.

    Parameters
    ----------
    value : ndarray of shape (forecasts, cutoffs, METRICS)
    draws : ndarray of shape (n_bootstrap, forecasts, cutoffs, METRICS)
        The same of resampled customers.
    missed : ndarray of shape (forecasts, cutoffs, TRACKING)
    """
    days = [*map(str, cutoffs), OVERALL]
    metrics = (*METRICS, *TRACKING)
    labels = np.meshgrid(*(np.array(each, dtype=object) for each in (names, days, metrics)), indexing="ij")
    keys = ("forecast", "cutoff", "metric")
    columns: dict[str, NDArray[Any]] = {key: each.ravel() for key, each in zip(keys, labels, strict=True)}
    blank = np.full((*draws.shape[:-1], len(TRACKING)), np.nan)
    value, draws = np.concatenate([value, missed], axis=-1), np.concatenate([draws, blank], axis=-1)
    value, draws = (
        np.concatenate([each, each.mean(axis=-2, keepdims=True)], axis=-2) for each in (value, draws)
    )
    for name, point, sampled in (
        ("", value, draws),
        ("difference", value[:1] - value, draws[:, :1] - draws),
    ):
        columns[name or "value"] = point.ravel()
        for side, share in (("low", (1.0 - level) / 2.0), ("high", (1.0 + level) / 2.0)):
            key = f"{name}_{side}" if name else side
            columns[key] = np.quantile(sampled, share, axis=0).ravel()
    return columns
