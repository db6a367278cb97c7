"""Gower's distance between customers of numbers and categories, and medoids on it for some thousands of them."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClusterMixin
from sklearn.utils.validation import check_is_fitted

from crmintel._compat import as_generator
from crmintel._validation import check_number
from crmintel.exceptions import CapacityError, FitWarning, InputError
from crmintel.segments._mixed_columns import MixedColumns, keep_columns, kept_columns, learn_columns

_CELLS = 1 << 20  # distances computed at a time
_LARGEST = 20_000  # customers whose distances fit into 3 GB


def gower_distances(
    X: Any, Y: Any = None, *, categorical: Sequence[Any] | None = None
) -> NDArray[np.float64]:
    """Compute Gower's distance of each row of ``X`` to each row of ``Y``.

    The distance is the mean over the columns of the difference in units of the column's range (numbers) and of 0 or 1
    for equal or different (categories). A column that is missing in either row is left out of the mean.

    Parameters
    ----------
    X : frame, dict of arrays or array of shape (n_x, n_features)
        Customers; the ranges are those of X.
    Y : frame, dict of arrays or array of shape (n_y, n_features), default=None
        Customers in the same columns; differences beyond the range count as 1. None is X.
    categorical : list of column names or positions, default=None
        The columns to read as categories; None takes those of text and of truth values.

    Returns
    -------
    ndarray of shape (n_x, n_y)
        Distances between 0 and 1; NaN for two rows without a column known in both.

    Raises
    ------
    InputError
        If X has no rows or a number is infinite.
    ColumnError
        If the columns of Y are others, or ``categorical`` names one that X does not have.

    References
    ----------
    J. C. Gower, "A general coefficient of similarity and some of its properties", Biometrics 27, 1971.

    Examples
    --------
    >>> import crmintel as ci
    >>> ci.gower_distances({"age": [20, 30, 60], "channel": ["web", "web", "shop"]}).tolist()
    [[0.0, 0.125, 1.0], [0.125, 0.0, 0.875], [1.0, 0.875, 0.0]]
    """
    columns = learn_columns(X, categorical)
    rows = columns.read(X)
    return _distances(rows, rows if Y is None else columns.read(Y), _ranges(rows[0]), columns)


class GowerMedoids(ClusterMixin, BaseEstimator):
    """Cluster some thousands of customers around real ones, by Gower's distance.

    Each cluster is described by its medoid, the customer with the least total distance to the others in it. Numbers
    need no scaling and missing values no filling.

    Parameters
    ----------
    n_clusters : int, default=8
        Number of clusters k.
    categorical : list of column names or positions, default=None
        The columns to read as categories; None takes those of text and of truth values.
    n_init : int, default=3
        Number of random starts, of which the best is kept.
    max_iter : int, default=100
        Largest number of passes over all customers in one start.
    random_state : int, numpy.random.Generator, numpy.random.RandomState or None, default=None
        Source of the starts.

    Attributes
    ----------
    medoid_indices_ : ndarray of shape (n_clusters,), int64
        Rows of the medoids.
    medoids_ : dict of ndarray
        The medoids, one row each: their value in each column, None for a missing category.
    labels_ : ndarray of shape (n_samples,), int32
        Index of the nearest medoid, the lowest on ties.
    inertia_ : float
        Sum of the distances to the nearest medoid.
    n_iter_ : int
        Passes of the best start.
    columns_, numeric_, categorical_ : list
        Names of all columns and of the two kinds; ``x0``, ``x1``, ... for arrays.
    categories_ : list of ndarray
        The categories seen in each column of ``categorical_``, sorted.
    ranges_ : ndarray of shape (n_numeric,)
        Range of each column of numbers.
    n_features_in_ : int
        Number of columns.

    Notes
    -----
    All n^2 distances are held: 5,000 customers need 200 MB. `KPrototypes` is for more.

    References
    ----------
    E. Schubert and P. J. Rousseeuw, "Fast and eager k-medoids clustering", Information Systems 101, 2021 (FasterPAM).
    L. Kaufman and P. J. Rousseeuw, "Finding Groups in Data", Wiley 1990.

    Examples
    --------
    >>> import crmintel as ci
    >>> X = {"age": [20, 22, 24, 60, 62, 64], "channel": ["web", "web", "web", "shop", None, "shop"]}
    >>> model = ci.GowerMedoids(n_clusters=2, random_state=0).fit(X)
    >>> sorted(model.medoid_indices_.tolist())
    [1, 5]
    >>> bool(model.predict({"age": [58], "channel": ["shop"]})[0] == model.labels_[3])
    True
    """

    def __init__(
        self,
        n_clusters: int = 8,
        *,
        categorical: Sequence[Any] | None = None,
        n_init: int = 3,
        max_iter: int = 100,
        random_state: Any = None,
    ) -> None:
        self.n_clusters = n_clusters
        self.categorical = categorical
        self.n_init = n_init
        self.max_iter = max_iter
        self.random_state = random_state

    def fit(self, X: Any, y: Any = None) -> GowerMedoids:
        """Find the medoids.

        Parameters
        ----------
        X : frame, dict of arrays or array of shape (n_samples, n_features)
            One row per customer.
        y : None
            Ignored.

        Returns
        -------
        GowerMedoids
            The fitted estimator.

        Raises
        ------
        InputError
            If two customers have no column known in both, there are fewer customers than clusters, or a parameter is
            out of bounds.
        CapacityError
            If there are more than 20,000 customers.
        """
        k = int(check_number(self.n_clusters, "n_clusters", low=1, integer=True))
        n_init = int(check_number(self.n_init, "n_init", low=1, integer=True))
        max_iter = int(check_number(self.max_iter, "max_iter", low=1, integer=True))
        columns = learn_columns(X, self.categorical)
        rows = columns.read(X)
        n = len(rows[0])
        if n < k:
            raise InputError(f"n_clusters={k} needs as many customers or more; X has {n}. Lower n_clusters.")
        if n > _LARGEST:
            raise CapacityError(
                f"X has {n} customers, whose distances need {8e-9 * n * n:.0f} GB; the largest n is {_LARGEST}. "
                "Take a sample and predict the others, or use KPrototypes."
            )
        ranges = _ranges(rows[0])
        distances = _distances(rows, rows, ranges, columns)
        _refuse_strangers(distances)
        generator = as_generator(self.random_state)
        found = []
        for _ in range(n_init):
            medoids = generator.choice(n, k, replace=False)
            n_iter = _swap(distances, medoids, max_iter)
            found.append((float(distances[medoids].min(axis=0).sum()), medoids, n_iter))
        self.inertia_, self.medoid_indices_, self.n_iter_ = min(found, key=lambda each: each[0])
        self.labels_ = distances[self.medoid_indices_].argmin(axis=0).astype(np.int32)
        self.ranges_ = ranges
        self.medoids_ = columns.rows(rows[0][self.medoid_indices_], rows[1][self.medoid_indices_])
        keep_columns(self, columns)
        if np.unique(self.labels_).size < k:
            warnings.warn(
                f"only {np.unique(self.labels_).size} of n_clusters={k} clusters hold customers: X has fewer distinct "
                "rows than clusters. Lower n_clusters.",
                FitWarning,
                stacklevel=2,
            )
        return self

    def predict(self, X: Any) -> NDArray[np.int32]:
        """Return the nearest medoid of each row.

        Parameters
        ----------
        X : frame, dict of arrays or array of shape (n_samples, n_features)
            Customers, in the columns of ``fit``.

        Returns
        -------
        ndarray of shape (n_samples,), int32
            Labels, the lowest index on ties.

        Raises
        ------
        InputError
            If a customer has no column known in common with a medoid.
        """
        check_is_fitted(self)
        columns = kept_columns(self)
        distances = _distances(columns.read(X), columns.read(self.medoids_), self.ranges_, columns)
        _refuse_strangers(distances)
        return distances.argmin(axis=1).astype(np.int32)


def _ranges(numbers: NDArray[np.float64]) -> NDArray[np.float64]:
    """Range of each column, 1 where nothing is known or all is equal."""
    low = np.where(np.isnan(numbers), np.inf, numbers).min(axis=0, initial=np.inf)
    high = np.where(np.isnan(numbers), -np.inf, numbers).max(axis=0, initial=-np.inf)
    with np.errstate(over="ignore"):
        return np.where(high > low, high - low, 1.0)


def _distances(
    X: tuple[NDArray[np.float64], NDArray[np.int32]],
    Y: tuple[NDArray[np.float64], NDArray[np.int32]],
    ranges: NDArray[np.float64],
    columns: MixedColumns,
) -> NDArray[np.float64]:
    n_x, n_y = len(X[0]), len(Y[0])
    missing = [len(seen) for seen in columns.categories]
    distances = np.empty((n_x, n_y))
    step = max(1, _CELLS // max(n_y, 1))
    for first in range(0, n_x, step):
        part = slice(first, first + step)
        total, known = np.zeros_like(distances[part]), np.zeros_like(distances[part])
        for j, width in enumerate(ranges):
            x, y = X[0][part, j, None] / width, Y[0][None, :, j] / width
            both = ~(np.isnan(x) | np.isnan(y))
            total += np.where(both, np.minimum(np.abs(x - y), 1.0), 0.0)
            known += both
        for j, code in enumerate(missing):
            x, y = X[1][part, j, None], Y[1][None, :, j]
            both = (x != code) & (y != code)
            total += both & ((x != y) | (x < 0))  # two categories that fit did not see need not be the same
            known += both
        with np.errstate(invalid="ignore"):
            distances[part] = total / known
    return distances


def _refuse_strangers(distances: NDArray[np.float64]) -> None:
    strange = np.isnan(distances)
    if strange.any():
        row = int(np.argmax(strange.any(axis=1)))
        raise InputError(
            f"row {row} has no column known in common with another customer's; drop the "
            f"{int(strange.any(axis=1).sum())} rows of that kind or fill their missing values."
        )


def _swap(distances: NDArray[np.float64], medoids: NDArray[np.int64], max_iter: int) -> int:
    """Swap a medoid for another customer wherever the total falls (FasterPAM); return the number of passes."""
    n, k = len(distances), medoids.size
    nearest, best, second = _two_nearest(distances, medoids)
    least = 1e-12 * n  # below it a gain is rounding, and two swaps could undo each other forever
    last = -1
    for n_iter in range(1, max_iter + 1):
        for x in range(n):
            if x == last:  # once around without a swap
                return n_iter
            to = distances[x]
            # who would come to x whatever medoid goes, and what else happens to the customers of that medoid
            shared = np.minimum(to - best, 0.0)
            others = np.minimum(to, second) - best - shared
            change = np.bincount(nearest, others, k)
            z = int(np.argmin(change))
            if change[z] + shared.sum() < -least and x not in medoids:
                medoids[z], last = x, x
                nearest, best, second = _two_nearest(distances, medoids)
            elif last < 0:
                last = x
    return max_iter


def _two_nearest(
    distances: NDArray[np.float64], medoids: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]:
    to = distances[medoids]
    nearest = to.argmin(axis=0)
    everyone = np.arange(to.shape[1])
    best = to[nearest, everyone]
    to[nearest, everyone] = np.inf
    return nearest, best, to.min(axis=0)
