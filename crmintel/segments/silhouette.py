"""The silhouette: how much closer customers are to their own segment than to the next."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtri

from crmintel._compat import as_generator
from crmintel._validation import check_number
from crmintel.exceptions import InputError
from crmintel.kernels.silhouette import TILE, distance_sums
from crmintel.segments._blocks import Threads
from crmintel.segments._columns import read_columns, refuse_missing
from crmintel.segments._labels import as_labels, codes_of, segment_names


@dataclass(frozen=True, slots=True)
class Silhouette:
    """Silhouette of a clustering; made by `silhouette`.

    Attributes
    ----------
    value : float
        Mean over the customers, between -1 and 1.
    low, high : float
        Interval of the value that all customers would give; both ``value`` where all were taken.
    rows : ndarray of int64, shape (n_samples,)
        The customers taken.
    labels : ndarray of object, shape (n_samples,)
        Segment of each of them.
    samples : ndarray of float64, shape (n_samples,)
        Silhouette of each of them: 0 in a segment of one.
    segments : list
        The segments, sorted by name.
    by_segment : ndarray of float64, shape (n_segments,)
        Mean of each; NaN where none of its customers was taken.

    Examples
    --------
    >>> import crmintel as ci
    >>> found = ci.silhouette([[0.0], [1.0], [10.0], [11.0]], [0, 0, 1, 1])
    >>> found.samples.round(3).tolist()
    [0.905, 0.895, 0.895, 0.905]
    """

    value: float
    low: float
    high: float
    rows: NDArray[np.int64]
    labels: NDArray[Any]
    samples: NDArray[np.float64]
    segments: list[Any]
    by_segment: NDArray[np.float64]


def silhouette(
    X: Any,
    labels: ArrayLike,
    *,
    n_samples: int | None = None,
    level: float = 0.9,
    random_state: Any = None,
    n_jobs: int | None = None,
) -> Silhouette:
    """Compute the silhouette, of all customers or of a sample of them against all.

    Parameters
    ----------
    X : frame, CustomerRows or array of shape (n_customers, n_columns)
        The columns that were clustered, on the same scale.
    labels : array-like of shape (n_customers,)
        Segment of each customer; None for one who is in none, and is left out.
    n_samples : int, optional
        Customers to take at random; None takes all. The time grows with their number times that of all.
    level : float, default=0.9
        Level of the interval.
    random_state : int, numpy.random.Generator, numpy.random.RandomState or None, default=None
        Source of the sample.
    n_jobs : int or None, default=None
        Number of threads; None is 1 and -1 all cores. The result is the same to the last bit.

    Returns
    -------
    Silhouette

    Raises
    ------
    InputError
        If lengths differ, values are missing, or there are fewer than two segments.

    References
    ----------
    Rousseeuw, P. J. (1987). Silhouettes: a graphical aid to the interpretation and validation of cluster analysis.
    Journal of Computational and Applied Mathematics 20, 53-65.

    Examples
    --------
    >>> import numpy as np
    >>> import crmintel as ci
    >>> rng = np.random.default_rng(0)
    >>> labels = rng.integers(0, 2, 5000)
    >>> X = rng.normal(size=(5000, 2)) + 6.0 * labels[:, None]
    >>> sampled = ci.silhouette(X, labels, n_samples=500, random_state=0)
    >>> bool(sampled.low <= ci.silhouette(X, labels).value <= sampled.high)
    True
    """
    names, values = read_columns(X)
    refuse_missing(values, names)
    level = check_number(level, "level", low=0.0, high=1.0, strict_low=True, strict_high=True)
    named = as_labels(labels, "labels", n=len(values))
    segments = segment_names(named)
    if len(segments) < 2:
        raise InputError(f"labels holds the segments {segments}; a silhouette compares 2 or more.")
    codes = codes_of(named, segments)
    known = np.flatnonzero(codes < len(segments))
    rows = known
    if n_samples is not None:
        wanted = int(check_number(n_samples, "n_samples", low=1, integer=True))
        if wanted < known.size:
            rows = np.sort(as_generator(random_state).choice(known, wanted, replace=False))
    samples = _widths(values, codes, rows, known, len(segments), n_jobs)
    mean = float(samples.mean())
    left_out = 1.0 - rows.size / known.size
    error = (
        np.sqrt(samples.var(ddof=1) / rows.size * left_out)
        if rows.size > 1
        else (np.inf if left_out else 0.0)
    )
    width = float(ndtri((1.0 + level) / 2.0) * error)
    count = np.bincount(codes[rows], minlength=len(segments))
    sums = np.bincount(codes[rows], samples, len(segments))
    by_segment = np.where(count > 0, sums / np.maximum(count, 1), np.nan)
    return Silhouette(
        value=mean,
        low=max(-1.0, mean - width),
        high=min(1.0, mean + width),
        rows=rows,
        labels=named[rows],
        samples=samples,
        segments=segments,
        by_segment=by_segment,
    )


def _widths(
    values: NDArray[np.float64],
    codes: NDArray[np.int64],
    rows: NDArray[np.int64],
    known: NDArray[np.int64],
    k: int,
    n_jobs: Any,
) -> NDArray[np.float64]:
    """Silhouette widths of ``rows`` among ``known``."""
    by_cluster = known[np.argsort(codes[known], kind="stable")]
    sizes = np.bincount(codes[known], minlength=k)
    n_tiles, d = -(-rows.size // TILE), values.shape[1]
    padded = np.concatenate([rows, np.full(n_tiles * TILE - rows.size, rows[0])])
    tiles = np.ascontiguousarray(values[padded].reshape(n_tiles, TILE, d).transpose(0, 2, 1))
    sums = np.empty((n_tiles, k, TILE))
    others, ends = np.ascontiguousarray(values[by_cluster]), np.cumsum(sizes)
    with Threads(n_jobs) as threads:
        threads.run(
            lambda first, last: distance_sums(tiles, others, ends, sums, np.empty(TILE), first, last), n_tiles
        )
    sums = sums.transpose(0, 2, 1).reshape(-1, k)[: rows.size]
    own = codes[rows]
    here = np.arange(rows.size)
    inside = sums[here, own] / np.maximum(sizes[own] - 1, 1)
    means = sums / sizes
    means[here, own] = np.inf
    outside = means.min(axis=1)
    largest = np.maximum(inside, outside)
    alone = (sizes[own] == 1) | (largest == 0.0)
    return np.where(alone, 0.0, (outside - inside) / np.where(largest > 0.0, largest, 1.0))
