"""scikit-learn."""

from __future__ import annotations

from typing import Any

from sklearn.cluster import KMeans

from benchmarks.rivals import Entry


def _kmeans(problem: Any) -> KMeans:
    rows, centers = problem
    return KMeans(n_clusters=len(centers), init=centers, n_init=1, max_iter=300, algorithm="lloyd").fit(rows)


TASKS = {"kmeans": Entry(_kmeans, answer=lambda model: float(model.inertia_))}
