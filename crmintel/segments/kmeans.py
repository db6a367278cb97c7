"""k-means for customers: many rows, few columns."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import issparse
from scipy.spatial.distance import cdist
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, ClusterMixin, TransformerMixin
from sklearn.utils.validation import check_array, check_is_fitted, validate_data

from crmintel._compat import as_generator
from crmintel._frames import is_frame, open_frame
from crmintel._progress import progress
from crmintel._validation import (
    as_numbers,
    check_choice,
    check_number,
    check_weights,
    raise_if_any,
    refuse_words,
)
from crmintel.exceptions import FitWarning, InputError, InputTypeError
from crmintel.segments._blocks import Blocks, Threads, build_blocks, coreset
from crmintel.segments._columns import CATEGORIES, check_two_dimensional, refuse_missing, table_numbers
from crmintel.segments._lloyd import lloyd
from crmintel.segments._nearest import nearest
from crmintel.segments._seeding import plus_plus, random_points

_CORESET = 1 << 15  # customers who stand for all while k-means++ starts settle
_LARGEST = 1e150  # squares of larger values overflow


class CustomerKMeans(ClassNamePrefixFeaturesOutMixin, TransformerMixin, ClusterMixin, BaseEstimator):
    """k-means clustering with scikit-learn's contract, made for many customers and few columns.

    From the same start the centres, labels and inertia are those of `sklearn.cluster.KMeans`. The work is not:
    customers are kept in blocks of neighbours, and one is only looked at when the centres have moved far enough to
    change something there, in a block only against the centres that can win in it.

    Parameters
    ----------
    n_clusters : int, default=8
        Number of clusters k.
    init : {"k-means++", "random"}, callable or array-like of shape (n_clusters, n_features), default="k-means++"
        Where the centres start: greedy k-means++, distinct rows drawn by weight, the value of
        ``init(X, n_clusters, random_state=...)`` with a ``numpy.random.RandomState``, or the centres themselves.
    n_init : int or "auto", default="auto"
        Number of starts, of which the best is kept; "auto" is 1 for k-means++ and given centres, else 10.
    max_iter : int, default=300
        Largest number of iterations of one start.
    tol : float, default=1e-4
        A start ends when the squared shift of all centres is at most ``tol`` times the mean variance of the columns,
        or when no customer changes cluster.
    random_state : int, numpy.random.Generator, numpy.random.RandomState or None, default=None
        Source of the starts.
    n_jobs : int or None, default=None
        Number of threads; None is 1 and -1 all cores. The result is the same, to the last bit, for any number.
    verbose : int, default=0
        With 1 a progress bar over the starts is drawn.

    Attributes
    ----------
    cluster_centers_ : ndarray of shape (n_clusters, n_features)
        Centres.
    labels_ : ndarray of shape (n_samples,), int32
        Index of the centre nearest to each customer, the lowest on ties; always equal to ``predict`` on the same rows.
    inertia_ : float
        Weighted sum of squared distances to the nearest centre.
    n_iter_ : int
        Iterations of the best start; ``max_iter`` if it did not converge.
    counts_ : ndarray of shape (n_clusters,)
        Weight of the customers that each centre is the mean of, with those of ``partial_fit``.
    n_features_in_ : int
        Number of columns seen in ``fit``.
    feature_names_in_ : ndarray of shape (n_features,)
        Names of the columns, where X had names.

    Warns
    -----
    FitWarning
        If some clusters stay empty because there are fewer distinct customers than clusters.

    Notes
    -----
    Columns count by their size: standardise them first, and take logarithms of money and counts. Customers of
    weight 0 get a label but do not move a centre. A centre that loses all its customers is put on the customer
    farthest from its own centre, as scikit-learn does.

    Above 131,072 customers, k-means++ starts are drawn and settled on a lightweight coreset of 32,768 of them, and go
    on from there on all; ``n_iter_`` counts the iterations on all. At a million customers ten starts then end at an
    inertia as low as from k-means++ on all, in a third of the time. Comparisons are made in single precision and,
    where its rounding could turn them, in double precision; all else is in double precision.

    References
    ----------
    D. Arthur and S. Vassilvitskii, "k-means++: the advantages of careful seeding", SODA 2007.
    D. Pelleg and A. Moore, "Accelerating exact k-means algorithms with geometric reasoning", KDD 1999.
    G. Hamerly, "Making k-means even faster", SDM 2010.
    O. Bachem, M. Lucic and A. Krause, "Scalable k-means clustering via lightweight coresets", KDD 2018.

    Examples
    --------
    >>> import crmintel as ci
    >>> X = [[1.0, 2.0], [1.0, 4.0], [1.0, 0.0], [10.0, 2.0], [10.0, 4.0], [10.0, 0.0]]
    >>> model = ci.CustomerKMeans(n_clusters=2, random_state=0).fit(X)
    >>> model.inertia_
    16.0
    >>> sorted(model.cluster_centers_.tolist())
    [[1.0, 2.0], [10.0, 2.0]]
    >>> bool(model.predict([[0.0, 0.0]])[0] == model.labels_[0])
    True
    """

    def __init__(
        self,
        n_clusters: int = 8,
        *,
        init: Any = "k-means++",
        n_init: int | str = "auto",
        max_iter: int = 300,
        tol: float = 1e-4,
        random_state: Any = None,
        n_jobs: int | None = None,
        verbose: int = 0,
    ) -> None:
        self.n_clusters = n_clusters
        self.init = init
        self.n_init = n_init
        self.max_iter = max_iter
        self.tol = tol
        self.random_state = random_state
        self.n_jobs = n_jobs
        self.verbose = verbose

    def fit(self, X: Any, y: Any = None, sample_weight: ArrayLike | None = None) -> CustomerKMeans:
        """Find the centres.

        Parameters
        ----------
        X : array-like or frame of shape (n_samples, n_features)
            One row per customer, all columns numbers.
        y : None
            Ignored.
        sample_weight : array-like of shape (n_samples,), default=None
            Weight of each customer; a customer of weight 2 counts as two. None is 1 for all.

        Returns
        -------
        CustomerKMeans
            The fitted estimator.

        Raises
        ------
        InputError
            If X holds NaN or infinite values, has fewer rows (of positive weight) than clusters, or a parameter or
            weight is out of bounds.
        """
        k = int(check_number(self.n_clusters, "n_clusters", low=1, integer=True))
        max_iter = int(check_number(self.max_iter, "max_iter", low=1, integer=True))
        tol = check_number(self.tol, "tol", low=0.0)
        X = self._rows(X, reset=True)
        weight, counting = self._weights(X, sample_weight)
        given = None if isinstance(self.init, str) or callable(self.init) else self._check_centres(self.init)
        generator = as_generator(self.random_state)

        with Threads(self.n_jobs) as threads:
            blocks = build_blocks(X, weight)
            n_starts, lowest = self._n_starts(), np.inf
            few = coreset(blocks, _CORESET) if self._many(counting) else None
            for _ in progress(range(n_starts), verbose=self.verbose, label="k-means starts"):
                if given is not None:
                    start = given - blocks.origin
                elif few is not None:
                    start = plus_plus(few, k, generator, threads)
                    start = lloyd(
                        few, start, max_iter=max_iter, tol=tol * few.variance, threads=threads
                    ).centres
                else:
                    start = self._start(X, blocks, generator, threads)
                run = lloyd(blocks, start, max_iter=max_iter, tol=tol * blocks.variance, threads=threads)
                inertia = run.inertia() if n_starts > 1 else 0.0
                if inertia < lowest:
                    lowest, centres, n_iter = inertia, run.centres + blocks.origin, run.n_iter
            labels, squared = nearest(X, centres, threads)

        self.cluster_centers_ = centres
        self.labels_ = labels
        self.inertia_ = float(np.sum(weight * squared))
        self.n_iter_ = n_iter
        self.counts_ = _mass(labels, weight, k)
        self._n_features_out = k
        filled = np.count_nonzero(self.counts_)
        if filled < k:
            warnings.warn(
                f"only {filled} of n_clusters={k} clusters hold customers: X has fewer distinct rows than clusters. "
                "Lower n_clusters.",
                FitWarning,
                stacklevel=2,
            )
        return self

    def partial_fit(self, X: Any, y: Any = None, sample_weight: ArrayLike | None = None) -> CustomerKMeans:
        """Take more customers in: each goes to its nearest centre, and the centres become the means of all taken in.

        The means are exact, whatever the batches; customers taken in before do not change cluster any more. The first
        call starts from ``init`` on its customers, or goes on from a ``fit``.

        Parameters
        ----------
        X : array-like or frame of shape (n_samples, n_features)
            The new customers.
        y : None
            Ignored.
        sample_weight : array-like of shape (n_samples,), default=None
            Weight of each customer. None is 1 for all.

        Returns
        -------
        CustomerKMeans
            The estimator; ``labels_`` and ``inertia_`` are those of the new customers at the new centres.

        Raises
        ------
        InputError
            As `fit`; only the first call needs as many customers as clusters.
        """
        k = int(check_number(self.n_clusters, "n_clusters", low=1, integer=True))
        first = not hasattr(self, "cluster_centers_")
        X = self._rows(X, reset=first)
        with Threads(self.n_jobs) as threads:
            if first:
                weight, _ = self._weights(X, sample_weight)
                centres = self._first_centres(X, weight, threads)
                counts: NDArray[np.float64] = np.zeros(k)
            else:
                weight = np.ones(len(X)) if sample_weight is None else check_weights(sample_weight, len(X))
                centres, counts = self.cluster_centers_, self.counts_
            labels, _ = nearest(X, centres, threads)
            counts = counts + _mass(labels, weight, len(counts))
            # from the last mean on: sums of far values would lose digits
            moved = [
                _mass(labels, weight * (X[:, j] - centres[labels, j]), len(counts)) for j in range(X.shape[1])
            ]
            self.cluster_centers_ = centres + np.array(moved).T / np.where(counts > 0.0, counts, 1.0)[:, None]
            self.labels_, squared = nearest(X, self.cluster_centers_, threads)
        self.counts_, self.inertia_ = counts, float(np.sum(weight * squared))
        self._n_features_out = len(counts)
        return self

    def fit_predict(self, X: Any, y: Any = None, sample_weight: ArrayLike | None = None) -> NDArray[np.int32]:
        """Fit and return ``labels_``; the parameters are those of ``fit``."""
        return self.fit(X, sample_weight=sample_weight).labels_

    def predict(self, X: Any) -> NDArray[np.int32]:
        """Return the index of the nearest centre for each row.

        Parameters
        ----------
        X : array-like or frame of shape (n_samples, n_features)
            Customers.

        Returns
        -------
        ndarray of shape (n_samples,), int32
            Labels, the lowest index on ties.
        """
        check_is_fitted(self)
        X = self._rows(X)
        with Threads(self.n_jobs) as threads:
            return nearest(X, self.cluster_centers_, threads)[0]

    def transform(self, X: Any) -> NDArray[np.float64]:
        """Return the distance of each row to each centre, shape (n_samples, n_clusters)."""
        check_is_fitted(self)
        return cdist(self._rows(X), self.cluster_centers_)

    def score(self, X: Any, y: Any = None, sample_weight: ArrayLike | None = None) -> float:
        """Return minus the inertia of ``X`` on the fitted centres."""
        check_is_fitted(self)
        X = self._rows(X)
        weight = np.ones(len(X)) if sample_weight is None else check_weights(sample_weight, len(X))
        with Threads(self.n_jobs) as threads:
            return -float(np.sum(weight * nearest(X, self.cluster_centers_, threads)[1]))

    def _weights(
        self, X: NDArray[np.float64], sample_weight: ArrayLike | None
    ) -> tuple[NDArray[np.float64], int]:
        """Return the weights and how many are positive: as many as there are clusters, or more."""
        weight = np.ones(len(X)) if sample_weight is None else check_weights(sample_weight, len(X))
        counting = int(np.count_nonzero(weight))
        if counting == 0:
            raise InputError("every sample_weight is zero: no customer counts. Give some a positive weight.")
        if counting < self.n_clusters:
            rows = f"X has n_samples={len(X)}" + (
                f", {counting} of positive weight" if counting < len(X) else ""
            )
            raise InputError(
                f"n_clusters={self.n_clusters} needs as many customers or more; {rows}. Lower n_clusters."
            )
        return weight, counting

    def _first_centres(
        self, X: NDArray[np.float64], weight: NDArray[np.float64], threads: Threads
    ) -> NDArray[np.float64]:
        if not (isinstance(self.init, str) or callable(self.init)):
            return self._check_centres(self.init)
        blocks = build_blocks(X, weight)
        return self._start(X, blocks, as_generator(self.random_state), threads) + blocks.origin

    def _rows(self, X: Any, reset: bool = False) -> NDArray[np.float64]:
        names = None
        rules = {"dtype": np.float64, "order": "C", "ensure_all_finite": False}
        if is_frame(X):
            table = open_frame(X, "X")
            validate_data(self, X, reset=reset, skip_check_array=True)
            X = check_array(table_numbers(table), **rules)
        elif type(X) is dict:
            raise InputTypeError("X is a dict; pass a frame or an array with one row per customer.")
        else:
            names = getattr(X, "columns", None)
            if isinstance(X, np.ndarray) and X.dtype.kind in "fiubcO":
                refuse_words(X, "X", CATEGORIES)
            elif not issparse(X):
                X = as_numbers(X, "X", words=CATEGORIES)
            if X.dtype.kind == "c":
                raise InputError(f"Complex data not supported: X has dtype {X.dtype}; give its real part.")
            check_two_dimensional(X)
            X = validate_data(self, X, reset=reset, **rules)
        largest = max(X.max(), -X.min())
        if not np.isfinite(largest):
            refuse_missing(X, getattr(self, "feature_names_in_", names))
        if largest > _LARGEST:
            raise InputError(
                f"X holds values beyond {_LARGEST}, whose squares overflow; divide the column first."
            )
        return X if X.flags.writeable else X.copy()  # read-only arrays would compile every kernel once more

    def _many(self, counting: int) -> bool:
        """Whether starts settle on a coreset first: it must be much smaller than X and much larger than k."""
        plus = isinstance(self.init, str) and self.init == "k-means++"
        return plus and counting >= 4 * _CORESET and self.n_clusters <= _CORESET // 64

    def _check_centres(self, init: Any) -> NDArray[np.float64]:
        try:
            centres = np.asarray(init, dtype=np.float64)
        except (TypeError, ValueError) as error:
            raise InputTypeError(
                f"init must be 'k-means++', 'random', a callable or centres: {error}."
            ) from None
        wanted = (self.n_clusters, self.n_features_in_)
        if centres.shape != wanted:
            raise InputError(f"init has shape {centres.shape}, expected (n_clusters, n_features) = {wanted}.")
        bad = np.logical_not(np.isfinite(centres).all(axis=1))
        raise_if_any(np.asarray(bad), centres, "init", "must be finite")
        if np.abs(centres).max() > _LARGEST:
            raise InputError(
                f"init holds values beyond {_LARGEST}, whose squares overflow; divide its columns first."
            )
        return centres

    def _n_starts(self) -> int:
        fixed = not (isinstance(self.init, str) or callable(self.init))
        if isinstance(self.n_init, str):
            check_choice(self.n_init, "n_init", ("auto",))
            many = callable(self.init) or (isinstance(self.init, str) and self.init == "random")
            return 10 if many else 1
        n_init = check_number(self.n_init, "n_init", low=1, integer=True)
        if fixed and n_init > 1:
            warnings.warn(
                f"init gives the centres, so all n_init={n_init} starts would be the same: one is made.",
                FitWarning,
                stacklevel=3,
            )
            return 1
        return int(n_init)

    def _start(
        self, X: NDArray[np.float64], blocks: Blocks, generator: np.random.Generator, threads: Threads
    ) -> NDArray[np.float64]:
        if callable(self.init):
            legacy = np.random.RandomState(generator.integers(2**32))
            return self._check_centres(self.init(X, self.n_clusters, random_state=legacy)) - blocks.origin
        check_choice(self.init, "init", ("k-means++", "random"))
        if self.init == "random":
            return random_points(blocks, self.n_clusters, generator)
        return plus_plus(blocks, self.n_clusters, generator, threads)


def _mass(labels: NDArray[np.int32], weight: NDArray[np.float64], k: int) -> NDArray[np.float64]:
    return np.asarray(np.bincount(labels, weight, k), dtype=np.float64)
