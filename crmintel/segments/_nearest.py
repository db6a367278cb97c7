"""The nearest centre of each row, by threads."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from crmintel.kernels.blocks import BLOCK
from crmintel.kernels.kmeans import nearest_rows, scratch
from crmintel.segments._blocks import Threads

_ROWS = 4096  # rows that a thread takes at a time


def nearest(
    X: NDArray[np.float64], centres: NDArray[np.float64], threads: Threads
) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
    """Return the index of and the squared distance to the nearest centre, in the coordinates of the user."""
    labels, squared = np.empty(len(X), dtype=np.int32), np.empty(len(X))
    columns = np.ascontiguousarray(centres.T)
    threads.run(
        lambda first, last: nearest_rows(
            X=X,
            centres=columns,
            labels=labels,
            squared=squared,
            tile=np.empty((1, X.shape[1], BLOCK)),
            room=scratch(len(centres)),
            first=first * _ROWS,
            last=min(last * _ROWS, len(X)),
        ),
        -(-len(X) // _ROWS),
    )
    return labels, squared
