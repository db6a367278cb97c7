"""faiss: Lloyd in single precision."""

from __future__ import annotations

from typing import Any

import faiss
import numpy as np

import crmintel as ci
from benchmarks.rivals import Entry


def _prepare(problem: Any) -> Any:
    """It stops after a given number of iterations: as many as ours need. No row is left out."""
    rows, centers = problem
    n_iter = (
        ci.CustomerKMeans(n_clusters=len(centers), init=centers, n_init=1, max_iter=300).fit(rows).n_iter_
    )
    kmeans = faiss.Kmeans(rows.shape[1], len(centers), niter=n_iter, max_points_per_centroid=len(rows))
    return kmeans, rows.astype(np.float32), centers.astype(np.float32)


def _kmeans(prepared: Any) -> float:
    kmeans, rows, centers = prepared
    kmeans.train(rows, init_centroids=centers)
    return float(kmeans.obj[-1])


TASKS = {"kmeans": Entry(_kmeans, prepare=_prepare)}
