"""Sums of distances from points to clusters, for silhouettes.

A tile of points is compared with one other point at a time: the loop over the tile goes into vector registers without
fast-math, since every point has a sum of its own.
"""

from __future__ import annotations

import math

from crmintel.kernels._jit import kernel

TILE = 64


@kernel
def distance_sums(tiles, others, ends, sums, dist, first, last):
    """Write to ``sums[t, c, i]`` the distances from point i of tile t to the points of cluster c, added up.

    ``tiles[t, j, i]`` is column j of point i of tile t, ``others`` (n, d) stands by cluster, ``ends[c]`` is where
    cluster c ends. Tiles ``first`` to ``last - 1`` are done.
    """
    for t in range(first, last):
        begin = 0
        for c in range(ends.size):
            total = sums[t, c]
            for i in range(total.size):
                total[i] = 0.0
            for m in range(begin, ends[c]):
                x = others[m, 0]
                for i in range(dist.size):
                    e = tiles[t, 0, i] - x
                    dist[i] = e * e
                for j in range(1, others.shape[1]):
                    x = others[m, j]
                    for i in range(dist.size):
                        e = tiles[t, j, i] - x
                        dist[i] += e * e
                for i in range(dist.size):
                    total[i] += math.sqrt(dist[i])
            begin = ends[c]
