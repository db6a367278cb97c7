"""What a RuleSet is made of from outside: both sides, counts and labels, checked and copied."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse

from crmintel._validation import check_number
from crmintel.exceptions import InputError, InputTypeError
from crmintel.patterns._measure import check_counts
from crmintel.transactions.incidence import check_labels, refuse_repeats


def check_rules(
    antecedents: Any,
    consequents: Any,
    n_ab: ArrayLike,
    n_a: ArrayLike,
    n_b: ArrayLike,
    n: Any,
    items: Any,
) -> tuple[list[Any], int, NDArray[Any]]:
    """Return copies of the five columns, the number of baskets and the labels, or say what does not fit."""
    left, right = _side(antecedents, "antecedents"), _side(consequents, "consequents")
    n_baskets = int(check_number(n, "n", integer=True))
    counts = [np.array(count) for count in check_counts(n_ab, n_a, n_b, n_baskets)[:3]]
    labels = check_labels(items, "items", left.shape[1]).copy()
    refuse_repeats(labels, "items")
    if left.shape != right.shape or counts[0].shape != left.shape[:1]:
        raise InputError(
            f"antecedents {left.shape}, consequents {right.shape} and counts {counts[0].shape} do not fit together: "
            "one row, and one count each, per rule."
        )
    for wrong, what in (
        (np.diff(right.indptr) == 0, "has no consequent"),
        (left.multiply(right).sum(axis=1) > 0, "has an item on both sides"),
    ):
        if wrong.any():
            raise InputError(f"rule {int(np.argmax(wrong))} {what}.")
    return [left, right, *counts], n_baskets, labels


def _side(matrix: Any, name: str) -> Any:
    """Return a copy of one side of the rules as CSR with rising indices."""
    if not sparse.issparse(matrix) or matrix.ndim != 2 or matrix.dtype != bool:
        raise InputTypeError(
            f"{name} must be a sparse matrix of booleans, rules x items; got {type(matrix).__name__}, dtype "
            f"{getattr(matrix, 'dtype', None)}. Write csr_array(matrix, dtype=bool)."
        )
    csr = sparse.csr_array(matrix, copy=True)
    csr.eliminate_zeros()
    csr.sum_duplicates()
    return csr
