"""The nearest centre of each row, by threads."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from crmintel.kernels.distances import nearest_rows
from crmintel.kernels.screen import ABREAST, TILE, point_share, room_for_tile, single_centres, tile_rows
from crmintel.segments._blocks import Threads

_ROWS = 4096  # rows that a thread takes at a time


def nearest(
    X: NDArray[np.float64], centres: NDArray[np.float64], threads: Threads
) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
    """Return the index of and the squared distance to the nearest centre, in the coordinates of the user."""
    labels, squared = np.empty(len(X), dtype=np.int32), np.empty(len(X))
    shift = centres.mean(axis=0)
    columns = np.ascontiguousarray(centres.T)
    singles, half = single_centres(centres - shift)
    threads.run(
        lambda first, last: nearest_rows(
            X=X,
            centres=columns,
            shift=shift,
            singles=singles,
            half=half,
            share=point_share(X.shape[1]),
            labels=labels,
            squared=squared,
            block=np.empty((1, X.shape[1], TILE)),
            everyone=np.arange(len(centres) + ABREAST - 1),
            tile=np.zeros((tile_rows(X.shape[1]), TILE), np.float32),
            room=room_for_tile(),
            first=first * _ROWS,
            last=min(last * _ROWS, len(X)),
        ),
        -(-len(X) // _ROWS),
    )
    return labels, squared
