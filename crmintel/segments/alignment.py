"""The same names for the same segments after a refit."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import linear_sum_assignment
from scipy.spatial.distance import cdist

from crmintel._validation import as_numbers
from crmintel.exceptions import InputError
from crmintel.segments._labels import as_labels, codes_of, segment_names


def align_labels(reference: ArrayLike, labels: ArrayLike) -> NDArray[Any]:
    """Rename the segments of a refit after the segments that most of their members were in.

    Parameters
    ----------
    reference, labels : array-like of shape (n_customers,)
        Old and new label of the same customers in the same order; None for a customer who had or has none.

    Returns
    -------
    ndarray of shape (n_customers,)
        ``labels`` under the names of ``reference``, so that as many customers as possible keep theirs. A segment
        that is left over keeps its own name if that is free, and else gets a new one.

    Raises
    ------
    InputError
        If the lengths differ or no customer has both labels.

    References
    ----------
    Kuhn, H. W. (1955). The Hungarian method for the assignment problem. Naval Research Logistics Quarterly 2, 83-97.

    Examples
    --------
    >>> import crmintel as ci
    >>> ci.align_labels(["gold", "gold", "base", "base"], [0, 0, 1, 1]).tolist()
    ['gold', 'gold', 'base', 'base']
    >>> ci.align_labels([0, 0, 1, 1, 1], [1, 1, 0, 0, 2]).tolist()
    [0, 0, 1, 1, 2]
    """
    before = as_labels(reference, "reference")
    after = as_labels(labels, "labels", n=before.size)
    old, new = segment_names(before), segment_names(after)
    rows, columns = codes_of(after, new), codes_of(before, old)
    both = (rows < len(new)) & (columns < len(old))
    if not both.any():
        raise InputError("no customer has a label in reference and in labels; there is nothing to align by.")
    shared = np.zeros((len(new), len(old)))
    np.add.at(shared, (rows[both], columns[both]), 1.0)
    matched = {
        new[i]: old[j]
        for i, j in zip(*linear_sum_assignment(shared, maximize=True), strict=True)
        if shared[i, j] > 0
    }
    names = dict(matched)
    taken = set(old)
    for name in new:
        if name not in names:
            names[name] = _free_name(name, taken)
            taken.add(names[name])
    return np.array([None if label is None else names[label] for label in after.tolist()], dtype=object)


def align_centers(reference: ArrayLike, centers: ArrayLike) -> NDArray[np.int64]:
    """Match the centres of a refit with the old ones, so that the squared distances between pairs are least.

    Parameters
    ----------
    reference : array-like of shape (n_old, n_features)
        Old centres.
    centers : array-like of shape (n_new, n_features)
        New centres, of the same columns on the same scale.

    Returns
    -------
    ndarray of int64, shape (n_new,)
        ``names[j]`` is the number of the old segment that centre ``j`` continues, so ``names[model.labels_]`` are
        the labels under their old numbers; centres without a partner get the numbers from ``n_old`` on.

    Raises
    ------
    InputError
        If the shapes do not fit or a centre is not finite.

    Examples
    --------
    >>> import crmintel as ci
    >>> ci.align_centers([[0.0, 0.0], [5.0, 5.0]], [[5.1, 5.0], [0.0, 0.2]]).tolist()
    [1, 0]
    """
    old, new = as_numbers(reference, "reference"), as_numbers(centers, "centers")
    for each, name in ((old, "reference"), (new, "centers")):
        if each.ndim != 2 or 0 in each.shape:
            raise InputError(f"{name} must have one row per centre, got shape {each.shape}.")
        if not np.isfinite(each).all():
            raise InputError(f"{name} must be finite; it holds NaN or inf.")
    if old.shape[1] != new.shape[1]:
        raise InputError(
            f"reference has {old.shape[1]} columns and centers {new.shape[1]}; give the same ones."
        )
    names = np.full(len(new), -1)
    rows, columns = linear_sum_assignment(cdist(new, old, "sqeuclidean"))
    names[rows] = columns
    left = np.flatnonzero(names < 0)
    names[left] = len(old) + np.arange(left.size)
    return names


def _free_name(name: Any, taken: set[Any]) -> Any:
    kinds = {isinstance(each, str) for each in taken}
    if name not in taken and kinds == {isinstance(name, str)}:
        return name
    if kinds == {False}:
        return max(taken) + 1
    number = 1
    while f"new {number}" in taken:
        number += 1
    return f"new {number}"
