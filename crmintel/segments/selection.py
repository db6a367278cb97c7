"""How many segments are there, and can they be trusted?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtr
from sklearn.base import BaseEstimator, ClusterMixin, clone
from sklearn.metrics import calinski_harabasz_score, davies_bouldin_score
from sklearn.model_selection import ParameterGrid
from sklearn.utils.validation import check_is_fitted

from crmintel._compat import as_generator
from crmintel._frames import build_frame
from crmintel._progress import progress
from crmintel._validation import check_choice, check_instance, check_number
from crmintel.exceptions import InputError, InputTypeError
from crmintel.segments._columns import read_columns, read_same_columns, refuse_missing
from crmintel.segments._stability import (
    Reference,
    as_labels,
    cluster_jaccard,
    log_spread,
    prediction_strength,
)
from crmintel.segments.kmeans import CustomerKMeans
from crmintel.segments.silhouette import silhouette

_CHANCE = 0.05
_WIDTH = 1.645  # standard errors in half an interval of 90 %
STRONG = {
    "prediction_strength": 0.8,
    "jaccard": 0.75,
}  # from here on the authors call clusters strong, stable
CRITERIA = ("gap", "silhouette", "calinski_harabasz", "davies_bouldin", *STRONG)


class ClusterSelection(ClusterMixin, BaseEstimator):
    """Compare numbers of segments by seven criteria, one segment included, and fit the best.

    ======================  =================================================================================
    column of ``table_``    meaning
    ======================  =================================================================================
    ``k``                   number of clusters (found; noise aside)
    ``gap``, ``gap_error``  how much tighter the clusters are than those of featureless data, as the
                            difference of log sums of squares; and the standard error of the reference
    ``gap_pvalue``          chance that featureless data gain as much over one cluster (t test against the
                            reference data sets: uniform, and for other clusterers than k-means normal, too)
    ``silhouette``,         mean silhouette, and half its 90 % interval where it is taken of a sample
    ``silhouette_error``
    ``calinski_harabasz``   variance between over variance within; higher is better
    ``davies_bouldin``      spread over separation of the worst neighbour; lower is better
    ``prediction_``         share of pairs in the worst cluster of one half of the customers that the other
    ``strength``            half's clusters keep together; .8 and more is usually called strong
    ``jaccard``             similarity of the least stable cluster to its like in bootstrap samples; below .6
                            a cluster should not be trusted, from .75 on it is stable
    ======================  =================================================================================

    Parameters
    ----------
    estimator : clusterer or None, default=None
        Anything with ``fit_predict`` or ``fit`` and ``predict``; None is `CustomerKMeans` with 5 starts. Its
        ``n_clusters`` or ``n_components`` is set to each k. Single linkage parts off single customers, on noise, too,
        and more often than ``gap_pvalue`` says.
    k : sequence of int, default=range(2, 11)
        Numbers of clusters to compare. 1 is always judged, too, by the gap.
    criterion : {"gap", "silhouette", "calinski_harabasz", "davies_bouldin", "prediction_strength", "jaccard"}, \
default="gap"
        What chooses among the settings that are more clustered than featureless data. By the gap the smallest k that
        the next does not beat by a standard error; by prediction strength (.8) and Jaccard similarity (.75) the
        largest that is strong; by others, and where none is strong, the best value.
    param_grid : dict or list of dict, optional
        Settings to compare for an estimator without a number of clusters, such as HDBSCAN; takes the place of ``k``.
    max_rows : int, default=5000
        Customers, drawn at random where there are more, on which the criteria are computed. The best setting is then
        fitted on all.
    n_references, n_splits, n_bootstrap : int, default=15, 3, 20
        Featureless data sets of the gap, splits in halves, and bootstrap samples. 0 splits or samples leave the
        criterion out.
    random_state : int, numpy.random.Generator, numpy.random.RandomState or None, default=None
        Source of all draws.
    verbose : int, default=0
        With 1 a progress bar over the settings is drawn.

    Attributes
    ----------
    table_ : dict of ndarray
        One row per setting, k = 1 first; NaN where a criterion has no value.
    params_ : list of dict
        The parameters of each row.
    jaccard_ : list of ndarray
        Stability of each cluster, per row.
    best_index_ : int
        Row of the best setting.
    best_k_ : int
        Number of its clusters. It is 1 where no setting is more clustered than featureless data: where
        ``gap_pvalue`` times the number of settings with several clusters is above .05 for all.
    best_estimator_ : clusterer or None
        Fitted on all customers; None where ``best_k_`` is 1.
    labels_ : ndarray of int64, shape (n_customers,)
        Its labels; all 0 for one cluster.
    n_features_in_ : int
        Number of columns.
    columns_ : list of str
        Their names.

    References
    ----------
    Tibshirani, R., Walther, G. & Hastie, T. (2001). Estimating the number of clusters in a data set via the gap
    statistic. JRSS B 63, 411-423.
    Tibshirani, R. & Walther, G. (2005). Cluster validation by prediction strength. JCGS 14, 511-528.
    Hennig, C. (2007). Cluster-wise assessment of cluster stability. CSDA 52, 258-271.

    Examples
    --------
    >>> import numpy as np
    >>> import crmintel as ci
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(600, 2)) + 8.0 * rng.integers(0, 3, 600)[:, None]
    >>> ci.ClusterSelection(k=range(2, 6), random_state=0).fit(X).best_k_
    3
    >>> ci.ClusterSelection(k=range(2, 6), random_state=0).fit(rng.normal(size=(600, 2))).best_k_
    1
    """

    def __init__(
        self,
        estimator: Any = None,
        k: Sequence[int] = range(2, 11),
        *,
        criterion: str = "gap",
        param_grid: Any = None,
        max_rows: int = 5000,
        n_references: int = 15,
        n_splits: int = 3,
        n_bootstrap: int = 20,
        random_state: Any = None,
        verbose: int = 0,
    ) -> None:
        self.estimator = estimator
        self.k = k
        self.criterion = criterion
        self.param_grid = param_grid
        self.max_rows = max_rows
        self.n_references = n_references
        self.n_splits = n_splits
        self.n_bootstrap = n_bootstrap
        self.random_state = random_state
        self.verbose = verbose

    def fit(self, X: Any, y: Any = None) -> ClusterSelection:
        """Compute the criteria, choose, and fit the best setting on all customers.

        Parameters
        ----------
        X : frame, CustomerRows or array of shape (n_customers, n_columns)
            Numbers on comparable scales.
        y : None
            Ignored.

        Returns
        -------
        ClusterSelection
            The fitted estimator.

        Raises
        ------
        InputError
            If values are missing, there are fewer customers than twice the largest k, or a parameter is out of
            bounds.
        """
        names, values = read_columns(X)
        check_instance(self.estimator, "estimator")
        refuse_missing(values, names)
        check_choice(self.criterion, "criterion", CRITERIA)
        counts = {
            name: int(check_number(getattr(self, name), name, low=low, integer=True))
            for name, low in (("max_rows", 10), ("n_references", 3), ("n_splits", 0), ("n_bootstrap", 0))
        } | {"n_rows": len(values)}
        if (
            counts.get(
                {"prediction_strength": "n_splits", "jaccard": "n_bootstrap"}.get(self.criterion, ""), 1
            )
            == 0
        ):
            raise InputError(
                f"criterion={self.criterion!r} needs more than 0 resamples; see n_splits and n_bootstrap."
            )
        settings = self._settings(len(values))
        generator = as_generator(self.random_state)
        sample = values
        if len(values) > counts["max_rows"]:
            sample = values[np.sort(generator.choice(len(values), counts["max_rows"], replace=False))]
        reference = Reference(sample)
        # k-means cuts even data best; others may take a heap in the middle or what is far out for a cluster
        kinds = (False,) if isinstance(self._model(), CustomerKMeans) else (False, True)
        featureless = [
            [reference.draw(generator, normal=normal) for _ in range(counts["n_references"])]
            for normal in kinds
        ]

        rows, self.jaccard_ = [_one_cluster(sample, featureless[0])], [np.ones(1)]
        self.params_: list[dict[str, Any]] = [{}]
        for params in progress(settings, verbose=self.verbose, label="settings"):
            row, jaccard = self._judge(params, sample, featureless, generator, counts)
            rows.append(row)
            self.jaccard_.append(jaccard)
            self.params_.append(params)
        self.table_ = {name: np.array([row[name] for row in rows]) for name in rows[0]}
        self.columns_, self.n_features_in_ = names, len(names)
        self.best_index_ = self._choose()
        self.best_k_ = int(self.table_["k"][self.best_index_])
        self.best_estimator_, self.labels_ = None, np.zeros(len(values), dtype=np.int64)
        if self.best_index_ > 0:
            self.best_estimator_ = self._made(self.params_[self.best_index_], generator)
            self.labels_ = np.asarray(_labels_of(self.best_estimator_, values), dtype=np.int64)
        return self

    def predict(self, X: Any) -> NDArray[np.int64]:
        """Return the segment of each customer by the best estimator; 0 for all where one segment is best."""
        check_is_fitted(self)
        values = read_same_columns(X, self.columns_)
        if self.best_estimator_ is None:
            return np.zeros(len(values), dtype=np.int64)
        if not hasattr(self.best_estimator_, "predict"):
            raise InputError(
                f"{type(self.best_estimator_).__name__} cannot place other customers (it has no predict); labels_ "
                "holds the segments of those of fit."
            )
        return np.asarray(self.best_estimator_.predict(values), dtype=np.int64)

    def to_frame(self, library: str | None = None) -> Any:
        """Return ``table_`` as a frame of ``library`` (pandas, polars, pyarrow), or as a dict."""
        check_is_fitted(self)
        return build_frame(self.table_, library)

    def _settings(self, n: int) -> list[dict[str, Any]]:
        model = self._model()
        if self.param_grid is not None:
            return list(ParameterGrid(self.param_grid))
        name = next((each for each in ("n_clusters", "n_components") if each in model.get_params()), None)
        if name is None:
            raise InputError(
                f"{type(model).__name__} has no n_clusters and no n_components; give its settings as "
                "param_grid={...}."
            )
        if not np.iterable(self.k):
            largest = self.k if isinstance(self.k, Integral) and self.k >= 2 else 10
            raise InputTypeError(
                f"k must be the numbers of clusters to compare, got {self.k!r}; write k=range(2, {largest + 1})."
            )
        ks = [int(check_number(k, "k", low=2, integer=True)) for k in self.k if k != 1]
        if n < 4:
            raise InputError(f"X has {n} customers; to compare numbers of segments takes 4 or more.")
        if not ks or 2 * max(ks) > n:
            raise InputError(
                f"k={list(self.k)} must hold numbers from 2 to n / 2 = {n // 2}: X has {n} customers. Write "
                f"k=range(2, {n // 2 + 1})."
            )
        return [{name: k} for k in ks]

    def _model(self) -> Any:
        return CustomerKMeans(n_init=5) if self.estimator is None else self.estimator

    def _made(self, params: Mapping[str, Any], generator: np.random.Generator) -> Any:
        model = clone(self._model())
        unknown = sorted(params.keys() - model.get_params())
        if unknown:
            raise InputError(
                f"param_grid names {unknown[0]!r}, which is no parameter of {type(model).__name__}; it has "
                f"{', '.join(sorted(model.get_params()))}."
            )
        model.set_params(**params)
        if "random_state" in model.get_params():
            model.set_params(random_state=int(generator.integers(2**31)))
        return model

    def _judge(
        self,
        params: dict[str, Any],
        X: NDArray[np.float64],
        featureless: list[list[NDArray[np.float64]]],
        generator: np.random.Generator,
        counts: dict[str, int],
    ) -> tuple[dict[str, float], NDArray[np.float64]]:
        def fit(rows: NDArray[np.float64], source: np.random.Generator) -> NDArray[np.int64]:
            model = self._made(params, source)
            try:
                return as_labels(_labels_of(model, rows))
            except ValueError as error:
                raise InputError(
                    f"{model!r} does not fit {len(rows)} of the {len(X)} customers ({error}). Give more customers, "
                    "other settings, or n_splits=0 and n_bootstrap=0, which need no parts of them."
                ) from error

        labels = fit(X, generator)
        k = int(labels.max()) + 1
        row = _one_cluster(X, [])
        row["k"] = k
        spread, whole = log_spread(X, labels), log_spread(X, np.zeros(len(X), dtype=np.int64))
        row["gap_pvalue"] = 0.0
        for alike in reversed(featureless):
            one = [log_spread(rows, np.zeros(len(rows), dtype=np.int64)) for rows in alike]
            expected = [log_spread(rows, fit(rows, generator)) for rows in alike]
            row |= _gap(spread, expected)
            row["gap_pvalue"] = max(
                row["gap_pvalue"], _pvalue(whole - spread, np.subtract(one, expected), one)
            )
        inside = labels >= 0
        if 2 <= k < inside.sum():
            found = silhouette(X[inside], labels[inside])
            row["silhouette"] = found.value
            left_out = 1.0 - len(X) / counts["n_rows"]
            row["silhouette_error"] = _WIDTH * float(np.sqrt(found.samples.var() / inside.sum() * left_out))
            row["calinski_harabasz"] = float(calinski_harabasz_score(X[inside], labels[inside]))
            row["davies_bouldin"] = float(davies_bouldin_score(X[inside], labels[inside]))
        if counts["n_splits"] and k:
            row["prediction_strength"] = prediction_strength(X, fit, generator, counts["n_splits"])[0]
        jaccard = np.full(k, np.nan)
        if counts["n_bootstrap"] and k:
            jaccard = cluster_jaccard(X, labels, fit, generator, counts["n_bootstrap"])
            row["jaccard"] = float(jaccard.min())
        return row, jaccard

    def _choose(self) -> int:
        t = self.table_
        several = np.flatnonzero(t["k"] >= 2)
        several = several[np.argsort(t["k"][several], kind="stable")]
        clustered = several[t["gap_pvalue"][several] * several.size <= _CHANCE]
        if not clustered.size:
            return 0
        if self.criterion == "gap":  # the smallest k whose gap the next does not beat by a standard error
            for here, after in pairwise(several.tolist()):
                if here in clustered and t["gap"][here] >= t["gap"][after] - t["gap_error"][after]:
                    return here
            return int(clustered[-1])
        score = t[self.criterion][clustered] * (-1.0 if self.criterion == "davies_bouldin" else 1.0)
        strong = np.flatnonzero(score >= STRONG.get(self.criterion, np.inf))
        if strong.size:
            return int(clustered[strong[np.argmax(t["k"][clustered[strong]])]])
        return int(clustered[np.nanargmax(score)]) if not np.isnan(score).all() else 0


def _labels_of(model: Any, X: NDArray[np.float64]) -> Any:
    return model.fit_predict(X) if hasattr(model, "fit_predict") else model.fit(X).predict(X)


def _pvalue(gain: float, by_chance: NDArray[np.float64], one: list[float]) -> float:
    """Chance that featureless data gain as much from the clusters over one."""
    error = float(np.std(by_chance, ddof=1)) or float(np.std(one, ddof=1))  # no clusters found in any
    lead = gain - float(np.mean(by_chance))
    error *= np.sqrt(1.0 + 1.0 / len(one))
    return float(stdtr(len(one) - 1, -lead / error)) if error > 0.0 else float(lead <= 0.0)


def _gap(spread: float, expected: list[float]) -> dict[str, float]:
    error = float(np.std(expected) * np.sqrt(1.0 + 1.0 / len(expected)))
    return {"gap": float(np.mean(expected)) - spread, "gap_error": error}


def _one_cluster(X: NDArray[np.float64], featureless: list[NDArray[np.float64]]) -> dict[str, float]:
    names = ("k", "gap", "gap_error", "gap_pvalue", "silhouette", "silhouette_error", "calinski_harabasz")
    row = dict.fromkeys((*names, "davies_bouldin", "prediction_strength", "jaccard"), np.nan)
    row["k"] = 1
    if featureless:
        whole = np.zeros(len(X), dtype=np.int64)
        row |= _gap(log_spread(X, whole), [log_spread(rows, whole) for rows in featureless])
        row["prediction_strength"] = row["jaccard"] = 1.0
    return row
