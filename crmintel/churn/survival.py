"""How long customers stay, when many have not left yet: Kaplan-Meier and Nelson-Aalen."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtri

from crmintel._frames import build_frame
from crmintel._validation import as_numbers, check_number, check_vector, check_weights, raise_if_any
from crmintel.churn._durations import check_durations, check_segments
from crmintel.exceptions import DataWarning, InputError


@dataclass(frozen=True, slots=True)
class SurvivalCurve:
    """Share of customers still there, by tenure; made by `survival_curve`.

    Attributes
    ----------
    time : ndarray of float64, shape (n_times,)
        Different durations, rising, in the unit they were given in.
    at_risk, left : ndarray of float64, shape (n_times,)
        Customers there until that time, and those of them who left then (weighted).
    survival, survival_low, survival_high : ndarray of float64, shape (n_times,)
        Kaplan-Meier share that stays longer, with its pointwise interval (Greenwood's variance on the log-log scale);
        the interval is NaN where nobody is left.
    hazard, hazard_low, hazard_high : ndarray of float64, shape (n_times,)
        Nelson-Aalen cumulative hazard, with its pointwise interval (Aalen's variance on the log scale).

    Examples
    --------
    >>> import crmintel as ci
    >>> curve = ci.survival_curve([1, 2, 2, 4], event=[1, 1, 0, 0])
    >>> curve.survival.tolist(), curve.restricted_mean(4)
    ([0.75, 0.5, 0.5], 2.75)
    """

    time: NDArray[np.float64]
    at_risk: NDArray[np.float64]
    left: NDArray[np.float64]
    survival: NDArray[np.float64]
    survival_low: NDArray[np.float64] = field(repr=False)
    survival_high: NDArray[np.float64] = field(repr=False)
    hazard: NDArray[np.float64] = field(repr=False)
    hazard_low: NDArray[np.float64] = field(repr=False)
    hazard_high: NDArray[np.float64] = field(repr=False)

    def at(self, time: ArrayLike) -> NDArray[np.float64]:
        """Return the share that stays longer than each time.

        Parameters
        ----------
        time : array-like
            Tenures, at most the longest duration unless everybody has left by then.

        Returns
        -------
        ndarray of float64, shape of ``time``
        """
        asked = as_numbers(time, "time")
        self._check_reach(float(asked.max(initial=0.0)))
        if np.isnan(asked).any():
            raise InputError("time must not be NaN; drop the missing values first.")
        return np.concatenate([[1.0], self.survival])[np.searchsorted(self.time, asked, side="right")]

    def restricted_mean(self, horizon: float, *, after: float = 0.0) -> float:
        """Return how much of the next ``horizon`` a customer of tenure ``after`` is expected to stay.

        Parameters
        ----------
        horizon : float
            Length of time looked ahead, in the unit of the durations.
        after : float, default=0.0
            Tenure already reached.

        Returns
        -------
        float
            Area under the curve from ``after`` on, over the share that gets there.

        Raises
        ------
        InputError
            If the curve ends before, or nobody reaches ``after``.
        """
        begin = check_number(after, "after", low=0.0)
        end = begin + check_number(horizon, "horizon", low=0.0, strict_low=True)
        self._check_reach(end)
        alive = float(self.at(begin))
        if alive == 0.0:
            raise InputError(f"after={after!r}: nobody stayed that long; choose a shorter tenure.")
        inside = self.time[(self.time > begin) & (self.time < end)]
        borders = np.concatenate([[begin], inside, [end]])
        return float(np.diff(borders) @ self.at(borders[:-1])) / alive

    def quantile(self, share: float = 0.5) -> float:
        """Return the tenure by which ``share`` of the customers have left, inf where the curve ends before.

        Parameters
        ----------
        share : float, default=0.5
            0.5 gives the median.

        Returns
        -------
        float
        """
        share = check_number(share, "share", low=0.0, high=1.0, strict_low=True, strict_high=True)
        reached = np.flatnonzero(self.survival <= 1.0 - share + 1e-12)
        return float(self.time[reached[0]]) if reached.size else np.inf

    def to_frame(self, library: str | None = None) -> Any:
        """Return one row per time as a frame of ``library`` (pandas, polars, pyarrow), or as a dict."""
        return build_frame({name: getattr(self, name) for name in self.__slots__}, library)

    def _check_reach(self, time: float) -> None:
        if time > self.time[-1] and self.survival[-1] > 0.0:
            raise InputError(
                f"the curve ends at {self.time[-1]:g}, the longest time a customer was watched, and {time:g} lies "
                "beyond; ask for less, or fit a model that extrapolates (ShiftedBetaGeometric)."
            )


def survival_curve(
    duration: ArrayLike,
    event: ArrayLike,
    *,
    entry: ArrayLike | None = None,
    sample_weight: ArrayLike | None = None,
    level: float = 0.95,
) -> SurvivalCurve:
    """Estimate the share of customers still there by tenure, and the cumulative hazard of leaving.

    Parameters
    ----------
    duration : array-like of shape (n_customers,)
        Tenure at which a customer left, or was last seen.
    event : array-like of shape (n_customers,)
        1 for customers who left, 0 for those still there: of them it is known only that they stay longer.
    entry : array-like of shape (n_customers,), optional
        Tenure from which a customer was watched (delayed entry), below ``duration``: someone who joined ten years
        before the data begin could not have been seen leaving in those. None is 0 for all.
    sample_weight : array-like of shape (n_customers,), optional
        Number of such customers; the intervals take it for one.
    level : float, default=0.95
        Level of the pointwise intervals.

    Returns
    -------
    SurvivalCurve

    Raises
    ------
    InputError
        If lengths differ, a value is missing, a duration is negative or not after its entry, or all weights are 0.

    Warns
    -----
    DataWarning
        If everybody watched at some time left while others come later: the curve is 0 from there on.

    See Also
    --------
    survival_by_segment : The same for each segment.

    References
    ----------
    Kaplan, E. L. & Meier, P. (1958). Nonparametric estimation from incomplete observations. JASA 53(282), 457-481.
    Aalen, O. (1978). Nonparametric inference for a family of counting processes. Annals of Statistics 6(4), 701-726.
    Kalbfleisch, J. D. & Prentice, R. L. (2002). The statistical analysis of failure time data, 2nd ed., section 1.4.

    Examples
    --------
    >>> import crmintel as ci
    >>> curve = ci.survival_curve([3, 5, 5, 8, 9], event=[1, 0, 1, 0, 1])
    >>> curve.at([2, 5]).round(2).tolist(), curve.quantile(0.5)
    ([1.0, 0.6], 9.0)
    """
    lasted, left = check_durations(duration, event)
    n = lasted.size
    level = check_number(level, "level", low=0.0, high=1.0, strict_low=True, strict_high=True)
    weight = np.ones(n) if sample_weight is None else check_weights(sample_weight, n)
    begin = None if entry is None else check_vector(entry, "entry", n=n, low=0.0)
    if begin is not None:
        raise_if_any(begin >= lasted, begin, "entry", "must lie before duration")
    used = weight > 0.0
    if not used.any():
        raise InputError("sample_weight is 0 for all customers; at least one must count.")
    time, place = np.unique(lasted[used], return_inverse=True)
    gone = np.bincount(place, weight[used]).astype(np.float64)
    events = np.bincount(place, (weight * left)[used]).astype(np.float64)
    at_risk = np.cumsum(gone[::-1])[::-1]
    if begin is not None:
        order = np.argsort(begin[used])
        yet_to_come = np.concatenate([np.cumsum(weight[used][order][::-1])[::-1], [0.0]])
        # the sums run in two orders, so that a risk set of exactly those who leave may be a rounding short of them
        at_risk = np.maximum(at_risk - yet_to_come[np.searchsorted(begin[used][order], time)], events)
    rate = np.minimum(events / at_risk, 1.0)
    survival: NDArray[np.float64] = (1.0 - rate).cumprod()
    if (rate[:-1] == 1.0).any():
        warnings.warn(
            f"everybody watched at {time[int(np.argmax(rate == 1.0))]:g} left then, while others were watched later: "
            "the curve is 0 from there on. Leave out the few customers watched from so early on.",
            DataWarning,
            stacklevel=2,
        )
    z = float(ndtri((1.0 + level) / 2.0))
    hazard = np.cumsum(rate)
    return SurvivalCurve(
        time,
        at_risk,
        events,
        survival,
        *_log_log_interval(survival, events, at_risk, z),
        hazard,
        *_log_interval(hazard, np.cumsum(events / at_risk**2), z),
    )


def survival_by_segment(
    duration: ArrayLike,
    event: ArrayLike,
    segment: ArrayLike,
    *,
    entry: ArrayLike | None = None,
    sample_weight: ArrayLike | None = None,
    level: float = 0.95,
) -> dict[Any, SurvivalCurve]:
    """Estimate a survival curve for each segment.

    Parameters
    ----------
    duration, event, entry, sample_weight, level
        As in `survival_curve`.
    segment : array-like of shape (n_customers,)
        Segment of each customer: text or whole numbers, none missing.

    Returns
    -------
    dict of SurvivalCurve
        By segment, sorted.

    Raises
    ------
    InputError
        As `survival_curve`, or if a segment is missing.

    See Also
    --------
    compare_survival : Whether they differ by more than chance.

    Examples
    --------
    >>> import crmintel as ci
    >>> curves = ci.survival_by_segment([1, 3, 2, 2], [1, 0, 1, 1], ["old", "old", "new", "new"])
    >>> {name: curve.survival.tolist() for name, curve in curves.items()}
    {'new': [0.0], 'old': [0.5, 0.5]}
    """
    lasted, left = check_durations(duration, event)
    code, segments = check_segments(segment, lasted.size)
    begin = None if entry is None else check_vector(entry, "entry", n=lasted.size)
    weight = None if sample_weight is None else check_weights(sample_weight, lasted.size)
    return {
        label: survival_curve(
            lasted[code == i],
            left[code == i],
            entry=None if begin is None else begin[code == i],
            sample_weight=None if weight is None else weight[code == i],
            level=level,
        )
        for i, label in enumerate(segments)
    }


def _log_log_interval(
    survival: NDArray[np.float64], events: NDArray[np.float64], at_risk: NDArray[np.float64], z: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    low, high = np.full((2, survival.size), np.nan)
    low[survival == 1.0] = high[survival == 1.0] = 1.0
    some = (survival > 0.0) & (survival < 1.0)
    staying = np.where(survival > 0.0, at_risk - events, np.inf)
    variance = np.cumsum(events / (at_risk * staying))
    reach = np.exp(z * np.sqrt(variance[some]) / -np.log(survival[some]))
    low[some], high[some] = survival[some] ** reach, survival[some] ** (1.0 / reach)
    return low, high


def _log_interval(
    hazard: NDArray[np.float64], variance: NDArray[np.float64], z: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    safe = np.where(hazard > 0.0, hazard, 1.0)
    reach = np.exp(z * np.sqrt(variance) / safe)
    return hazard / reach, hazard * reach
