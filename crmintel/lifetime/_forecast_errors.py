"""Errors of forecasts under weights of customers: what sorts is sorted once, so that a resample is only sums."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from crmintel.lifetime._histories import Vector

METRICS = ("mae", "rmse", "bias", "total_ratio", "spearman", "top_decile_capture", "coverage")
TOP = 0.1


class ForecastErrors:
    """The errors of one forecast, `METRICS`, as a function of how often each customer counts."""

    def __init__(self, expected: Vector, actual: Vector, interval: NDArray[np.float64] | None = None) -> None:
        error = expected - actual
        self.actual = actual
        self.sums = [np.abs(error), error * error, error, expected, actual]
        if interval is not None:
            self.sums.append(((interval[:, 0] <= actual) & (actual <= interval[:, 1])).astype(np.float64))
        self.by_expected, self.by_actual = _ranked(expected), _ranked(actual)

    def __call__(self, weights: Vector) -> Vector:
        n = float(weights.sum())
        absolute, square, error, expected, total, *inside = (_dot(weights, each) for each in self.sums)
        mass = np.bincount(self.by_expected, weights).astype(np.float64, copy=False)
        return np.array(
            [
                absolute / n,
                np.sqrt(square / n),
                error / n,
                expected / total if total > 0 else np.nan,
                self._rank_correlation(weights, mass),
                self._captured(weights, mass) / total if total > 0 else np.nan,
                inside[0] / n if inside else np.nan,
            ]
        )

    def _rank_correlation(self, weights: Vector, mass: Vector) -> float:
        n = float(weights.sum())
        a = (np.cumsum(mass) - mass / 2.0)[self.by_expected] - n / 2.0  # middle ranks, less their mean
        other = np.bincount(self.by_actual, weights)
        b = (np.cumsum(other) - other / 2.0)[self.by_actual] - n / 2.0
        spread = np.sqrt(_dot(weights, a * a) * _dot(weights, b * b))
        return _dot(weights, a * b) / spread if spread > 0 else np.nan

    def _captured(self, weights: Vector, mass: Vector) -> float:
        """Actual total of the top tenth by ``expected``; customers tied at the edge count by their mean."""
        held = np.bincount(self.by_expected, weights * self.actual)
        people, deeds = (np.append(0.0, np.cumsum(each[::-1])) for each in (mass, held))
        return float(np.interp(TOP * people[-1], people, deeds))


def _dot(a: Vector, b: Vector) -> float:
    # einsum, not @: BLAS wakes every core for a sum that one has done by then
    return float(np.einsum("i,i", a, b))


def _ranked(values: Vector) -> NDArray[np.int64]:
    return np.unique(values, return_inverse=True)[1]


def resampled(
    errors: list[list[ForecastErrors]],
    customers: list[NDArray[np.int64]],
    n_customers: int,
    n_bootstrap: int,
    rng: np.random.Generator,
) -> NDArray[np.float64]:
    """Return the errors on resampled customers, shape (n_bootstrap, forecasts, cutoffs, metrics).

    A customer brings all cutoffs along, and all forecasts see the same customers: differences are paired.

    Parameters
    ----------
    errors : list of list of ForecastErrors
        By forecast and cutoff.
    customers : list of ndarray
        By cutoff, which of the ``n_customers`` have a history then.
    """
    out = np.empty((n_bootstrap, len(errors), len(customers), len(METRICS)))
    for b in range(n_bootstrap):
        drawn = rng.integers(0, n_customers, n_customers)
        counts = np.bincount(drawn, minlength=n_customers).astype(np.float64)
        for at, who in enumerate(customers):
            for forecast, of_cutoffs in enumerate(errors):
                out[b, forecast, at] = of_cutoffs[at](counts[who])
    return out
