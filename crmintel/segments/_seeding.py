"""Greedy k-means++ on blocks.

References
----------
D. Arthur and S. Vassilvitskii, "k-means++: the advantages of careful seeding", SODA 2007.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from crmintel.kernels.distances import try_seed
from crmintel.segments._blocks import Blocks, Threads


def plus_plus(
    blocks: Blocks, k: int, generator: np.random.Generator, threads: Threads
) -> NDArray[np.float64]:
    """Return ``k`` points (k, d), each the best of 2 + ln k drawn by their squared distance to those before.

    All points take part; boxes farther from a candidate than from the seeds so far are passed over.
    """
    field = _Distances(blocks, threads)
    seeds = np.empty((k, blocks.origin.size))
    seeds[0] = field.draw(generator.random(1))[0]
    field.start(seeds[0])
    for c in range(1, k):
        candidates = field.draw(generator.random(2 + int(np.log(k))))
        left = [field.after(candidate) for candidate in candidates]
        seeds[c] = candidates[int(np.argmin(left))]
        field.after(seeds[c], keep=True)
    return seeds


def random_points(blocks: Blocks, k: int, generator: np.random.Generator) -> NDArray[np.float64]:
    """Return ``k`` different points (k, d) drawn by their weight."""
    weights = blocks.weights.ravel()
    picked = generator.choice(weights.size, size=k, replace=False, p=weights / weights.sum())
    return blocks.points[picked // blocks.points.shape[2], :, picked % blocks.points.shape[2]]


class _Distances:
    """Squared distance of every point to its nearest seed; before the first seed all are 1, so weights decide."""

    def __init__(self, blocks: Blocks, threads: Threads) -> None:
        self.blocks, self.threads = blocks, threads
        self.weights = blocks.weights
        self.nearest = np.ones(self.weights.shape)
        self.potential = self.weights.sum(axis=1)
        self.farthest = np.empty(len(self.potential))

    def draw(self, shares: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the points at ``shares`` of the potential, laid end to end."""
        if self.potential.sum() == 0.0:  # every point is a seed already
            self.nearest[:] = 1.0
            self.potential = self.weights.sum(axis=1)
        ends = np.cumsum(self.potential)
        points = np.empty((shares.size, self.blocks.origin.size))
        for p, target in enumerate(shares * ends[-1]):
            b = bin_of(target, ends)
            within = np.cumsum(self.weights[b] * self.nearest[b])
            points[p] = self.blocks.points[b, :, bin_of(target - (ends[b] - self.potential[b]), within)]
        return points

    def start(self, seed: NDArray[np.float64]) -> None:
        """Forget the weights and measure from the first seed."""
        self.nearest.fill(np.inf)
        self.farthest.fill(np.inf)
        self.after(seed, keep=True)

    def after(self, seed: NDArray[np.float64], keep: bool = False) -> float:
        """Return the potential with one seed more; ``keep`` that seed."""
        b, trial = self.blocks, np.empty(len(self.potential))
        column = np.array(seed, dtype=np.float64).reshape(-1, 1)
        self.threads.run(
            lambda first, last: try_seed(
                points=b.points,
                weights=self.weights,
                low=b.low,
                high=b.high,
                seed=column,
                nearest=self.nearest,
                farthest=self.farthest,
                potential=self.potential,
                trial=trial,
                keep=keep,
                room=np.empty(b.points.shape[2]),
                first=first,
                last=last,
            ),
            len(b.points),
        )
        return float(trial.sum())


def bin_of(target: float, ends: NDArray[np.float64]) -> int:
    """Index of the first bin that ends after ``target``; rounding may put a target past the last one that counts."""
    return int(min(np.searchsorted(ends, target, side="right"), np.searchsorted(ends, ends[-1])))
