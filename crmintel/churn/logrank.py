"""Do segments differ in how long their customers stay? The log-rank test."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import chi2

from crmintel._frames import build_frame
from crmintel._validation import check_vector, raise_if_any
from crmintel.churn._durations import check_durations, check_segments
from crmintel.exceptions import InputError


@dataclass(frozen=True, slots=True)
class SurvivalComparison:
    """Whether segments stay equally long, and which leave sooner than the others; made by `compare_survival`.

    Attributes
    ----------
    segment : list
        Segments, sorted.
    customers : ndarray of int64, shape (n_segments,)
        How many there are.
    left : ndarray of int64, shape (n_segments,)
        How many of them left.
    expected : ndarray of float64, shape (n_segments,)
        How many would have left by now if all segments left at the same rate.
    statistic : float
        Log-rank statistic, chi-squared with ``degrees`` degrees of freedom where segments do not differ.
    degrees : int
        Segments that could be compared, less one.
    p_value : float
        Chance of a statistic as large where they do not differ.

    Examples
    --------
    >>> import crmintel as ci
    >>> found = ci.compare_survival([1, 2, 3, 8, 9, 9], [1, 1, 1, 1, 0, 0], ["new"] * 3 + ["old"] * 3)
    >>> print(found)
    segments differ: log-rank 5.05, 1 degree of freedom, p = 0.025
      new: 3 of 3 left, 1.15 expected
      old: 1 of 3 left, 2.85 expected
    """

    segment: list[Any]
    customers: NDArray[np.int64]
    left: NDArray[np.int64]
    expected: NDArray[np.float64]
    statistic: float
    degrees: int
    p_value: float

    def __str__(self) -> str:
        verdict = "segments differ" if self.p_value < 0.05 else "no difference between segments is shown"
        freedom = f"{self.degrees} degree{'s' if self.degrees != 1 else ''} of freedom"
        rows = [
            f"  {name}: {left} of {n} left, {expected:.3g} expected"
            for name, n, left, expected in zip(self.segment, self.customers, self.left, self.expected)
        ]
        head = f"{verdict}: log-rank {self.statistic:.3g}, {freedom}, p = {self.p_value:.2g}"
        return "\n".join([head, *rows])

    def to_frame(self, library: str | None = None) -> Any:
        """Return one row per segment as a frame of ``library`` (pandas, polars, pyarrow), or as a dict."""
        names = np.array(self.segment)
        columns = {
            "segment": names,
            "customers": self.customers,
            "left": self.left,
            "expected": self.expected,
        }
        return build_frame(columns, library)


def compare_survival(
    duration: ArrayLike, event: ArrayLike, segment: ArrayLike, *, entry: ArrayLike | None = None
) -> SurvivalComparison:
    """Test whether the customers of all segments stay equally long.

    Curves of small segments differ by chance, and their pointwise intervals do not say whether they differ as a whole.
    At each time at which somebody left, the test compares how many of each segment did with how many would have, had
    all left at the same rate. It is at its best where one segment leaves faster all the time; curves that cross may
    pass unnoticed.

    Parameters
    ----------
    duration : array-like of shape (n_customers,)
        Tenure at which a customer left, or was last seen.
    event : array-like of shape (n_customers,)
        1 for customers who left, 0 for those still there.
    segment : array-like of shape (n_customers,)
        Segment of each customer: text or whole numbers, none missing. Segments that were found from the durations
        themselves differ for that reason alone.
    entry : array-like of shape (n_customers,), optional
        Tenure from which a customer was watched, below ``duration``; None is 0 for all.

    Returns
    -------
    SurvivalComparison

    Raises
    ------
    InputError
        If lengths differ, a value is missing, there is one segment only, or nobody left while customers of two segments
        were watched.

    See Also
    --------
    survival_by_segment : The curves.

    References
    ----------
    Peto, R. & Peto, J. (1972). Asymptotically efficient rank invariant test procedures. JRSS A 135(2), 185-207.
    Kalbfleisch, J. D. & Prentice, R. L. (2002). The statistical analysis of failure time data, 2nd ed., section 1.5.

    Examples
    --------
    >>> import crmintel as ci
    >>> months, left = [3, 5, 5, 8, 9, 11, 12, 12], [1, 1, 0, 1, 1, 1, 0, 0]
    >>> ci.compare_survival(months, left, ["a", "b"] * 4).p_value > 0.05
    True
    """
    lasted, left = check_durations(duration, event)
    code, segments = check_segments(segment, lasted.size)
    if len(segments) < 2:
        raise InputError(f"segment has one value only ({segments[0]!r}); a comparison needs two.")
    begin = None if entry is None else check_vector(entry, "entry", n=lasted.size, low=0.0)
    if begin is not None:
        raise_if_any(begin >= lasted, begin, "entry", "must lie before duration")
    time, place = np.unique(lasted[left], return_inverse=True)
    n_segments = len(segments)
    gone = np.bincount(place, minlength=time.size).astype(np.float64)
    at_risk = np.empty((n_segments, time.size))
    for k in range(n_segments):
        own = code == k
        at_risk[k] = own.sum() - np.searchsorted(np.sort(lasted[own]), time)
        if begin is not None:
            at_risk[k] -= own.sum() - np.searchsorted(np.sort(begin[own]), time)
    everybody = at_risk.sum(axis=0)
    share = at_risk / everybody
    expected = share @ gone
    seen = np.bincount(code[left], minlength=n_segments)
    spread = gone * (everybody - gone) / np.maximum(everybody - 1.0, 1.0)
    covariance = np.diag(share @ spread) - (share * spread) @ share.T
    degrees = int(np.linalg.matrix_rank(covariance, hermitian=True))
    if degrees == 0:
        raise InputError(
            "nobody left while customers of two segments were watched, so that they cannot be compared; watch longer, "
            "or merge segments."
        )
    excess = seen - expected
    statistic = float(excess @ np.linalg.pinv(covariance, hermitian=True) @ excess)
    return SurvivalComparison(
        segments,
        np.bincount(code, minlength=n_segments),
        seen,
        expected,
        statistic,
        degrees,
        float(chi2.sf(statistic, degrees)),
    )
