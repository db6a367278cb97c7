"""What resampling says about a clustering: the gap to featureless data, prediction strength, Jaccard similarity."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

Rows = NDArray[np.float64]
Labels = NDArray[np.int64]
Fit = Callable[[Rows, np.random.Generator], Labels]  # labels 0 .. k - 1, -1 for noise


def centres_of(X: Rows, labels: Labels) -> Rows:
    """Return the mean of each cluster."""
    k = int(labels.max()) + 1
    inside = labels >= 0
    sizes = np.bincount(labels[inside], minlength=k)
    sums = np.array([np.bincount(labels[inside], column, k) for column in X[inside].T]).T
    return sums / sizes[:, None]


def nearest_centre(X: Rows, centres: Rows) -> Labels:
    """Return the index of the nearest centre to each row."""
    return np.asarray(cKDTree(centres).query(X)[1], dtype=np.int64)


def log_spread(X: Rows, labels: Labels) -> float:
    """Log of the sum of squared distances to the cluster means; noise counts to the nearest."""
    if labels.max() < 0:
        labels = np.zeros(len(X), dtype=np.int64)
    centres = centres_of(X, labels)
    labels = np.where(labels < 0, nearest_centre(X, centres), labels)
    return float(np.log(max(np.sum((X - centres[labels]) ** 2), np.finfo(float).tiny)))


class Reference:
    """Featureless data as wide as ``X`` along its principal axes.

    They are uniform in the box (Tibshirani, Walther & Hastie 2001, method b) or normal with the covariance of ``X``.
    """

    def __init__(self, X: Rows) -> None:
        self.mean = X.mean(axis=0)
        _, _, self.axes = np.linalg.svd(X - self.mean, full_matrices=False)
        turned = (X - self.mean) @ self.axes.T
        self.low, self.high, self.n = turned.min(axis=0), turned.max(axis=0), len(X)
        self.deviation = turned.std(axis=0)

    def draw(self, generator: np.random.Generator, *, normal: bool = False) -> Rows:
        """Return as many rows."""
        shape = self.n, self.low.size
        if normal:
            return generator.normal(0.0, self.deviation, shape) @ self.axes + self.mean
        return generator.uniform(self.low, self.high, shape) @ self.axes + self.mean


def prediction_strength(
    X: Rows, fit: Fit, generator: np.random.Generator, n_splits: int
) -> tuple[float, float]:
    """Mean and standard error over splits of prediction strength (Tibshirani & Walther 2005).

    It is, of the worst cluster of one half, the share of pairs that the clusters of the other half keep together.
    """
    strengths = []
    for _ in range(n_splits):
        order = generator.permutation(len(X))
        halves = X[order[: len(X) // 2]], X[order[len(X) // 2 :]]
        for train, test in (halves, halves[::-1]):
            learned, found = fit(train, generator), fit(test, generator)
            if learned.max() < 0 or found.max() < 0:
                strengths.append(0.0)
                continue
            predicted = nearest_centre(test, centres_of(train, learned))
            together = _crossed(found, predicted)
            pairs = np.sum(together * (together - 1), axis=1)
            size = together.sum(axis=1)
            strengths.append(float(np.min(pairs / np.maximum(size * (size - 1), 1))))
    return float(np.mean(strengths)), float(np.std(strengths) / np.sqrt(len(strengths)))


def cluster_jaccard(
    X: Rows, labels: Labels, fit: Fit, generator: np.random.Generator, n_bootstrap: int
) -> Rows:
    """Mean similarity of each cluster to the most similar one of bootstrap samples (Hennig 2007)."""
    k = int(labels.max()) + 1
    total, seen = np.zeros(k), np.zeros(k)
    for _ in range(n_bootstrap):
        drawn = np.unique(generator.integers(0, len(X), len(X)))
        again = fit(X[drawn], generator)
        if again.max() < 0:
            seen += 1.0
            continue
        shared = _crossed(labels[drawn], again, k)
        first = np.bincount(labels[drawn][labels[drawn] >= 0], minlength=k)
        second = np.bincount(again[again >= 0], minlength=shared.shape[1])
        union = first[:, None] + second[None, :] - shared
        similarity = np.max(shared / np.maximum(union, 1), axis=1)
        total[first > 0] += similarity[first > 0]
        seen += first > 0
    return total / np.maximum(seen, 1.0)


def as_labels(found: Any) -> Labels:
    """Return labels 0 .. k - 1 in the order of their names, -1 for noise as scikit-learn marks it."""
    found = np.asarray(found)
    labels = np.full(found.size, -1)
    inside = found >= 0
    labels[inside] = np.unique(found[inside], return_inverse=True)[1]
    return labels


def _crossed(rows: Labels, columns: Labels, k: int | None = None) -> NDArray[np.int64]:
    both = (rows >= 0) & (columns >= 0)
    shape = (int(rows.max()) + 1 if k is None else k, int(columns.max()) + 1)
    cell = rows[both] * shape[1] + columns[both]
    return np.bincount(cell, minlength=shape[0] * shape[1]).reshape(shape)
