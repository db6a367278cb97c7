"""k-prototypes: clusters of customers described by numbers and categories."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClusterMixin
from sklearn.utils.validation import check_is_fitted

from crmintel._compat import as_generator
from crmintel._frames import build_frame, open_frame
from crmintel._progress import progress
from crmintel._validation import check_number, check_weights
from crmintel.exceptions import FitWarning, InputError
from crmintel.kernels.mixed import nearest_prototypes
from crmintel.segments._blocks import Threads
from crmintel.segments._columns import refuse_missing
from crmintel.segments._mixed_columns import keep_columns, kept_columns, learn_columns
from crmintel.segments._seeding import bin_of

_ROWS = 4096  # rows that a thread takes at a time
_ROUNDING = 1e-9  # starts that end at the same cost are the same clusters in another order: the first stays
_SEEDING = 8192  # rows that starts are drawn from


class KPrototypes(ClusterMixin, BaseEstimator):
    """Cluster customers by numbers and categories together.

    The distance to a cluster is the squared distance to its means and ``gamma`` for each category other than its most
    frequent one.

    Parameters
    ----------
    n_clusters : int, default=8
        Number of clusters k.
    gamma : float or None, default=None
        What a category that differs costs. None is half the mean standard deviation of the columns of numbers, as
        Huang proposed (0.5 for standardised columns); 1 where no number varies.
    categorical : list of column names or positions, default=None
        The columns to read as categories. None takes those of text and of truth values; all columns of an array of
        numbers are numbers then.
    n_init : int, default=10
        Number of starts (k-means++ with this distance), of which the best is kept.
    max_iter : int, default=100
        Largest number of iterations of one start; it ends earlier when no customer changes cluster.
    random_state : int, numpy.random.Generator, numpy.random.RandomState or None, default=None
        Source of the starts.
    n_jobs : int or None, default=None
        Number of threads; None is 1 and -1 all cores. The result is the same, to the last bit, for any number.
    verbose : int, default=0
        With 1 a progress bar over the starts is drawn.

    Attributes
    ----------
    cluster_centers_ : ndarray of shape (n_clusters, n_numeric)
        Mean of each cluster in each column of numbers.
    cluster_modes_ : ndarray of object, shape (n_clusters, n_categorical)
        Most frequent category of each cluster, the first in order on ties; None where most are missing.
    labels_ : ndarray of shape (n_samples,), int32
        Index of the nearest cluster, the lowest on ties.
    cost_ : float
        Weighted sum of the distances to the nearest cluster.
    gamma_ : float
        The gamma used.
    n_iter_ : int
        Iterations of the best start.
    columns_, numeric_, categorical_ : list
        Names of all columns and of the two kinds; ``x0``, ``x1``, ... for arrays.
    categories_ : list of ndarray
        The categories seen in each column of ``categorical_``, sorted.
    n_features_in_ : int
        Number of columns.

    Warns
    -----
    FitWarning
        If some clusters stay empty because there are fewer distinct customers than clusters.

    Notes
    -----
    Columns of numbers count by their size: standardise them first. A missing category is a category of its own; a
    missing number is an error. A category that ``fit`` did not see differs from all. Without columns of numbers this
    is k-modes, without categories k-means (`CustomerKMeans` is faster).

    References
    ----------
    Z. Huang, "Clustering large data sets with mixed numeric and categorical values", PAKDD 1997.
    Z. Huang, "Extensions to the k-means algorithm for clustering large data sets with categorical values", Data
    Mining and Knowledge Discovery 2, 1998.

    Examples
    --------
    >>> import crmintel as ci
    >>> X = {"spend": [1.0, 1.2, 0.9, 3.0, 3.1, 2.8], "channel": ["web", "web", "shop", "shop", "shop", "shop"]}
    >>> model = ci.KPrototypes(n_clusters=2, random_state=0).fit(X)
    >>> sorted(zip(model.cluster_centers_[:, 0].round(2).tolist(), model.cluster_modes_[:, 0]))
    [(1.03, 'web'), (2.97, 'shop')]
    >>> bool(model.predict({"spend": [3.0], "channel": ["phone"]})[0] == model.labels_[5])
    True
    """

    def __init__(
        self,
        n_clusters: int = 8,
        *,
        gamma: float | None = None,
        categorical: Sequence[Any] | None = None,
        n_init: int = 10,
        max_iter: int = 100,
        random_state: Any = None,
        n_jobs: int | None = None,
        verbose: int = 0,
    ) -> None:
        self.n_clusters = n_clusters
        self.gamma = gamma
        self.categorical = categorical
        self.n_init = n_init
        self.max_iter = max_iter
        self.random_state = random_state
        self.n_jobs = n_jobs
        self.verbose = verbose

    def fit(self, X: Any, y: Any = None, sample_weight: ArrayLike | None = None) -> KPrototypes:
        """Find the clusters.

        Parameters
        ----------
        X : frame, dict of arrays or array of shape (n_samples, n_features)
            One row per customer.
        y : None
            Ignored.
        sample_weight : array-like of shape (n_samples,), default=None
            Weight of each customer; a customer of weight 2 counts as two. None is 1 for all.

        Returns
        -------
        KPrototypes
            The fitted estimator.

        Raises
        ------
        InputError
            If a number is missing or infinite, there are fewer customers (of positive weight) than clusters, or a
            parameter is out of bounds.
        ColumnError
            If ``categorical`` names a column that X does not have.
        """
        k = int(check_number(self.n_clusters, "n_clusters", low=1, integer=True))
        n_init = int(check_number(self.n_init, "n_init", low=1, integer=True))
        max_iter = int(check_number(self.max_iter, "max_iter", low=1, integer=True))
        columns = learn_columns(X, self.categorical)
        numbers, codes = columns.read(X)
        refuse_missing(numbers, columns.numeric)
        n = len(numbers)
        weight = np.ones(n) if sample_weight is None else check_weights(sample_weight, n)
        counting = int(np.count_nonzero(weight))
        if counting < k:
            raise InputError(
                f"n_clusters={k} needs as many customers or more; X has {n}, {counting} of positive weight. "
                "Lower n_clusters."
            )
        if self.gamma is None:
            gamma = 0.5 * _mean_deviation(numbers, weight) or 1.0
        else:
            gamma = check_number(self.gamma, "gamma", low=0.0)
        generator = as_generator(self.random_state)

        best, lowest = None, np.inf
        with Threads(self.n_jobs) as threads:
            rows = _Rows(
                numbers, codes, weight, gamma, [len(seen) + 1 for seen in columns.categories], threads
            )
            for _ in progress(range(n_init), verbose=self.verbose, label="k-prototypes starts"):
                means, modes, n_iter = rows.settle(*rows.start(k, generator), max_iter)
                labels, cost = rows.nearest(means, modes)
                total = float(weight @ cost)
                if best is None or total < lowest * (1.0 - _ROUNDING):
                    best, lowest = (means, modes, labels, n_iter), total
        assert best is not None
        self.cluster_centers_, modes, self.labels_, self.n_iter_ = best
        self.cost_, self.gamma_ = lowest, gamma
        self.cluster_modes_ = columns.labels(modes)
        keep_columns(self, columns)
        filled = np.unique(self.labels_[weight > 0.0]).size
        if filled < k:
            warnings.warn(
                f"only {filled} of n_clusters={k} clusters hold customers: X has fewer distinct rows than clusters. "
                "Lower n_clusters.",
                FitWarning,
                stacklevel=2,
            )
        return self

    def fit_predict(self, X: Any, y: Any = None, sample_weight: ArrayLike | None = None) -> NDArray[np.int32]:
        """Fit and return ``labels_``; the parameters are those of ``fit``."""
        return self.fit(X, sample_weight=sample_weight).labels_

    def predict(self, X: Any) -> NDArray[np.int32]:
        """Return the nearest cluster of each row.

        Parameters
        ----------
        X : frame, dict of arrays or array of shape (n_samples, n_features)
            Customers, in the columns of ``fit``.

        Returns
        -------
        ndarray of shape (n_samples,), int32
            Labels, the lowest index on ties.
        """
        check_is_fitted(self)
        columns = kept_columns(self)
        numbers, codes = columns.read(X)
        refuse_missing(numbers, columns.numeric)
        modes = columns.codes(open_frame(dict(zip(self.categorical_, self.cluster_modes_.T, strict=True))))
        with Threads(self.n_jobs) as threads:
            rows = _Rows(numbers, codes, np.ones(len(numbers)), self.gamma_, [], threads)
            return rows.nearest(self.cluster_centers_, modes)[0]

    def to_frame(self, library: str | None = None) -> Any:
        """Return the clusters, one row each, as a frame of ``library`` (pandas, polars, pyarrow), or as a dict."""
        check_is_fitted(self)
        parts = dict(zip(self.numeric_, self.cluster_centers_.T, strict=True))
        parts |= dict(zip(self.categorical_, self.cluster_modes_.T, strict=True))
        return build_frame({str(name): parts[name] for name in self.columns_}, library)


class _Rows:
    """Customers as numbers and codes, and the steps of the algorithm on them."""

    def __init__(
        self,
        numbers: NDArray[np.float64],
        codes: NDArray[np.int32],
        weight: NDArray[np.float64],
        gamma: float,
        n_codes: list[int],
        threads: Threads,
    ) -> None:
        self.numbers, self.codes, self.weight, self.gamma = numbers, codes, weight, gamma
        self.n_codes, self.threads = n_codes, threads

    def nearest(
        self, means: NDArray[np.float64], modes: NDArray[np.int32]
    ) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
        """Return the nearest prototype of each row and what it costs."""
        n = len(self.weight)
        labels, cost = np.empty(n, dtype=np.int32), np.empty(n)
        self.threads.run(
            lambda first, last: nearest_prototypes(
                numbers=self.numbers,
                codes=self.codes,
                means=means,
                modes=modes,
                gamma=self.gamma,
                labels=labels,
                cost=cost,
                first=first * _ROWS,
                last=min(last * _ROWS, n),
            ),
            -(-n // _ROWS),
        )
        return labels, cost

    def start(self, k: int, generator: np.random.Generator) -> tuple[NDArray[np.float64], NDArray[np.int32]]:
        """Return k rows, each the best of 2 + ln k drawn by what they cost so far (Arthur & Vassilvitskii 2007).

        Of many rows a part is drawn from: settling moves the prototypes further than a better start would.
        """
        n = len(self.weight)
        if n > max(_SEEDING, 64 * k):
            part = np.sort(generator.choice(n, max(_SEEDING, 64 * k), replace=False))
            if np.count_nonzero(self.weight[part]) >= k:
                few = _Rows(
                    self.numbers[part], self.codes[part], self.weight[part], self.gamma, [], self.threads
                )
                return few.start(k, generator)
        picked = [_draw(self.weight, generator)]
        cost = self._to(picked[0])
        for _ in range(1, k):
            drawn = [_draw(self.weight * cost, generator) for _ in range(2 + int(np.log(k)))]
            left = [np.minimum(cost, self._to(row)) for row in drawn]
            winner = int(np.argmin([self.weight @ each for each in left]))
            picked.append(drawn[winner])
            cost = left[winner]
        return self.numbers[picked], self.codes[picked]

    def _to(self, row: int) -> NDArray[np.float64]:
        return self.nearest(self.numbers[[row]], self.codes[[row]])[1]

    def settle(
        self, means: NDArray[np.float64], modes: NDArray[np.int32], max_iter: int
    ) -> tuple[NDArray[np.float64], NDArray[np.int32], int]:
        """Assign and move the prototypes in turn until no row changes."""
        before: NDArray[np.int32] | None = None
        n_iter = 0
        while n_iter < max_iter:
            n_iter += 1
            labels, cost = self.nearest(means, modes)
            self._fill_empty(labels, cost, len(means))
            if before is not None and np.array_equal(labels, before):
                break
            before = labels
            means, modes = self._prototypes(labels, means, modes)
        return means, modes, n_iter

    def _fill_empty(self, labels: NDArray[np.int32], cost: NDArray[np.float64], k: int) -> None:
        """Give each empty cluster the row that costs most where it is."""
        counts = np.bincount(labels[self.weight > 0.0], minlength=k)
        if counts.all():
            return
        cost = np.where(self.weight > 0.0, cost, 0.0)
        for label in np.flatnonzero(counts == 0):
            row = int(np.argmax(np.where(counts[labels] > 1, cost, 0.0)))
            if cost[row] == 0.0 or counts[labels[row]] < 2:  # fewer distinct rows than clusters
                return
            counts[labels[row]] -= 1
            counts[label] += 1
            labels[row], cost[row] = label, 0.0

    def _prototypes(
        self, labels: NDArray[np.int32], means: NDArray[np.float64], modes: NDArray[np.int32]
    ) -> tuple[NDArray[np.float64], NDArray[np.int32]]:
        k = len(means)
        mass = np.bincount(labels, self.weight, k)
        filled = mass > 0.0
        means, modes = means.copy(), modes.copy()
        for j, column in enumerate(self.numbers.T):
            # from the last mean on: sums of far values would lose digits
            moved = np.bincount(labels, self.weight * (column - means[labels, j]), k)
            means[filled, j] += moved[filled] / mass[filled]
        for j, size in enumerate(self.n_codes):
            cells = labels.astype(np.int64) * size + self.codes[:, j]
            counts = np.bincount(cells, self.weight, k * size).reshape(k, size)
            modes[filled, j] = counts.argmax(axis=1)[filled]
        return means, modes


def _mean_deviation(numbers: NDArray[np.float64], weight: NDArray[np.float64]) -> float:
    """Mean over the columns of the weighted standard deviation, exactly 0 where no column varies."""
    if numbers.shape[1] == 0:
        return 0.0
    away = numbers - numbers[np.argmax(weight)]
    away -= np.average(away, axis=0, weights=weight)
    return float(np.sqrt(np.average(away**2, axis=0, weights=weight)).mean())


def _draw(weight: NDArray[np.float64], generator: np.random.Generator) -> int:
    """Return a row drawn by weight; any, if all weigh nothing."""
    ends = np.cumsum(weight)
    if ends[-1] == 0.0:
        return int(generator.integers(weight.size))
    return bin_of(generator.random() * ends[-1], ends)
