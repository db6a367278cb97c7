"""scikit-learn."""

from __future__ import annotations

from typing import Any

from sklearn.cluster import KMeans
from sklearn.metrics import silhouette_score

from benchmarks.rivals import Entry


def _kmeans(problem: Any) -> KMeans:
    rows, centers = problem
    return KMeans(n_clusters=len(centers), init=centers, n_init=1, max_iter=300, algorithm="lloyd").fit(rows)


def _ten_starts(problem: Any) -> KMeans:
    rows, centers = problem
    return KMeans(n_clusters=len(centers), n_init=10, random_state=0).fit(rows)


def _scan(problem: Any) -> list[float]:
    rows, _ = problem
    fits = (KMeans(k, n_init=10, random_state=0).fit(rows) for k in range(2, 13))
    return [float(fit.inertia_) for fit in fits]


TASKS = {
    "kmeans": Entry(_kmeans, answer=lambda model: float(model.inertia_)),
    "ten starts": Entry(_ten_starts, answer=lambda model: float(model.inertia_)),
    "scan": Entry(_scan),
    "silhouette": Entry(lambda problem: float(silhouette_score(*problem))),
}
