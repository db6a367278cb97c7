"""Lloyd's iterations on blocks.

References
----------
S. Lloyd, "Least squares quantization in PCM", IEEE Transactions on Information Theory 28, 1982.
D. Pelleg and A. Moore, "Accelerating exact k-means algorithms with geometric reasoning", KDD 1999.
G. Hamerly, "Making k-means even faster", SDM 2010.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from crmintel.kernels.distances import label_distances
from crmintel.kernels.kmeans import RIVALS, assign_blocks, scratch, tally_blocks
from crmintel.kernels.screen import TILE, point_share, single_centres
from crmintel.segments._blocks import Blocks, Threads

# Sums that follow the points around collect rounding; tallied afresh they move the centres by less than this,
# squared and in units of the variance, unless weights or columns differ by many orders of magnitude.
_ROUNDING = 1e-20
_AT_CENTRE = 1e-24  # of a point's square: copies of one row are this far from their mean by rounding
_EATEN = 1e-6  # of its weight so far: rounding has eaten digits of a light cluster that a heavy customer left
_WORTH = 0.75  # of the centres: boxes that keep more than that cost more than they save


def lloyd(
    blocks: Blocks, centres: NDArray[np.float64], *, max_iter: int, tol: float, threads: Threads
) -> Partition:
    """Move ``centres`` (k, d) to a fixed point.

    Stops as scikit-learn does: no label changed, or the squared shift of all centres is at most ``tol``.
    """
    partition = Partition(blocks, centres, threads)
    settled = max(tol, _ROUNDING * blocks.variance)
    while partition.n_iter < max_iter:
        partition.n_iter += 1
        changed = partition.assign()
        if partition.n_iter == 1:
            partition.tally()
        changed += partition.fill_empty()
        shift = partition.move_centres()
        if changed == 0 or shift <= tol or partition.n_iter == max_iter:
            partition.tally()
            if partition.move_centres() <= settled:
                break
    return partition


class Partition:
    """Centres, the label of every point, and what the next assignment can take from the last."""

    def __init__(self, blocks: Blocks, centres: NDArray[np.float64], threads: Threads) -> None:
        k, d = centres.shape
        self.blocks, self.centres, self.threads, self.n_iter = blocks, centres, threads, 0
        shape = len(blocks.points), blocks.points.shape[2]
        self.labels = np.full(shape, -1, dtype=np.int32)
        self.limit = np.full(len(self.labels), -np.inf)
        self.rivals = np.empty((len(self.labels), min(k, RIVALS)), dtype=np.int32)
        self.known = np.zeros(len(self.labels), dtype=np.int64)
        self.bound = np.empty(shape, dtype=np.float32)
        self.spent = np.zeros(len(self.labels))
        self.before = self.centres
        self.extent = float(max(-blocks.low.min(), blocks.high.max(), np.abs(centres).max()))
        self.drift = np.zeros(k + 1)
        self.boxes = True
        self.sums = np.zeros((blocks.n_chunks, k, d))
        self.mass = np.zeros((blocks.n_chunks, k))
        self.heaviest = np.zeros(k)
        self.members = np.zeros((blocks.n_chunks, k), dtype=np.int64)

    def assign(self) -> int:
        """Label the points by their nearest centres; return how many changed."""
        b, columns = self.blocks, np.ascontiguousarray(self.centres.T)
        singles, half = single_centres(self.centres)
        moves, offsets, loose = self._moves()
        changed = self.threads.run(
            lambda first, last: assign_blocks(
                points=b.points,
                weights=b.few_weights,
                low=b.low,
                high=b.high,
                centres=columns,
                singles=singles,
                half=half,
                share=point_share(columns.shape[0]),
                moves=moves,
                offsets=offsets,
                loose=loose,
                drift=self.drift,
                limit=self.limit,
                rivals=self.rivals,
                known=self.known,
                spent=self.spent,
                bound=self.bound,
                labels=self.labels,
                sums=self.sums,
                mass=self.mass,
                members=self.members,
                boxes=self.boxes,
                room=scratch(*columns.shape[::-1]),
                first=first,
                last=last,
            ),
            b.n_chunks,
        )
        moved, tried, kept = np.sum(changed, axis=0)
        self.boxes = bool(self.boxes and kept <= _WORTH * tried)
        return int(moved)

    def _moves(self) -> tuple[NDArray[np.float64], NDArray[np.float64], float]:
        """Return what `assign_blocks` asks of how the centres have moved since it ran last."""
        moves = self.centres - self.before
        self.extent = max(self.extent, float(np.abs(self.centres).max()))
        offsets = 0.5 * np.einsum("cj,cj->c", moves, self.centres + self.before)
        loose = 1e-15 * (moves.shape[1] + 8) * self.extent * np.abs(moves).sum(axis=1).max()
        self.before = self.centres
        return np.ascontiguousarray(moves.T), offsets, float(loose)

    def tally(self) -> None:
        """Add up the clusters from nothing."""
        b = self.blocks
        self.threads.run(
            lambda first, last: tally_blocks(
                b.points,
                b.few_weights,
                self.labels,
                self.sums,
                self.mass,
                self.members,
                np.empty(TILE),
                first,
                last,
            ),
            b.n_chunks,
        )

    def move_centres(self) -> float:
        """Put the centres on the means of their members; return the sum of their squared shifts."""
        filled = self.members.sum(axis=0) > 0
        mass = self.mass.sum(axis=0)
        self.heaviest = np.maximum(self.heaviest, mass)
        if np.any(mass[filled] < _EATEN * self.heaviest[filled]):
            self.tally()
            mass = self.heaviest = self.mass.sum(axis=0)
        moved = self.centres.copy()
        moved[filled] = self.sums.sum(axis=0)[filled] / mass[filled, None]
        squared = np.sum((moved - self.centres) ** 2, axis=1)
        self.centres = moved
        self._widen(np.sqrt(squared))
        return float(squared.sum())

    def _widen(self, shift: NDArray[np.float64]) -> None:
        """A gap between centre c and another shrinks by at most the shift of c and the largest of the others."""
        k = shift.size
        largest = int(np.argmax(shift))
        others = np.full(k, shift[largest])
        others[largest] = np.max(np.delete(shift, largest), initial=0.0)
        self.drift[:k] += shift + others
        self.drift[k] += shift[largest] + others[largest]

    def squared_distances(self) -> NDArray[np.float64]:
        """Return the squared distance of every point to the centre of its label."""
        b, columns = self.blocks, np.ascontiguousarray(self.centres.T)
        squared = np.empty(self.labels.shape)
        self.threads.run(
            lambda first, last: label_distances(b.points, columns, self.labels, squared, first, last),
            len(b.points),
        )
        return squared

    def inertia(self) -> float:
        """Return the weighted sum of squared distances, point by point: sums of squares would cancel."""
        self.assign()
        return float(np.sum(self.blocks.weights * self.squared_distances()))

    def fill_empty(self) -> int:
        """Give each centre without members the point farthest from its own centre; return how many moved."""
        members = self.members.sum(axis=0)
        empty = np.flatnonzero(members == 0)
        if empty.size == 0:
            return 0
        b = self.blocks
        squared = np.where(b.weights > 0.0, self.squared_distances(), 0.0)
        far = (np.maximum(np.abs(b.low), np.abs(b.high)) ** 2).sum(axis=1)
        squared[squared <= _AT_CENTRE * far[:, None]] = 0.0
        moved = 0
        for label in empty:
            squared[members[self.labels] < 2] = 0.0
            block, i = divmod(int(np.argmax(squared)), squared.shape[1])
            if squared[block, i] == 0.0:  # fewer distinct points than centres
                break
            members[self.labels[block, i]] -= 1
            self.labels[block, i] = label
            self.known[block], self.limit[block] = 0, -np.inf
            moved += 1
        self.tally()
        return moved
