"""What the leaves of scikit-learn's decision trees ask of a row."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Bounds = dict[int, tuple[float, float, bool]]


def bounds_of_leaves(tree: Any, rows: NDArray[Any]) -> dict[int, Bounds]:
    """Return leaf -> column -> (above, up to, or missing); only columns missing somewhere in ``rows`` can be."""
    has_gaps = np.isnan(rows).any(axis=0)
    found: dict[int, Bounds] = {}
    paths: list[tuple[int, Bounds]] = [(0, {})]
    while paths:
        node, bounds = paths.pop()
        if tree.children_left[node] < 0:
            found[node] = bounds
            continue
        j, cut = int(tree.feature[node]), float(tree.threshold[node])
        low, high, gaps = bounds.get(j, (-np.inf, np.inf, bool(has_gaps[j])))
        to_left = bool(tree.missing_go_to_left[node])
        paths.append((int(tree.children_left[node]), {**bounds, j: (low, cut, gaps and to_left)}))
        paths.append((int(tree.children_right[node]), {**bounds, j: (cut, high, gaps and not to_left)}))
    return found


def say_bounds(column: Any, low: float, high: float, or_missing: bool) -> str:
    """Return the bounds of one column in words."""
    if low == np.inf:  # scikit-learn parts the missing from all others at infinity
        return f"{column} is missing"
    if np.isinf(low):
        text = f"{column} is known" if np.isinf(high) else f"{column} <= {high:.4g}"
    else:
        text = f"{column} > {low:.4g}" if np.isinf(high) else f"{low:.4g} < {column} <= {high:.4g}"
    return f"({text} or missing)" if or_missing else text
