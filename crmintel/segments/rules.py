"""Segments as a few rules that people can read, and how far they can be trusted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from warnings import warn

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from sklearn.tree import DecisionTreeClassifier
from sklearn.utils.validation import check_is_fitted

from crmintel._leaves import bounds_of_leaves, say_bounds
from crmintel._validation import check_number
from crmintel.exceptions import FitWarning, InputError
from crmintel.segments._columns import read_columns, read_same_columns
from crmintel.segments._labels import as_labels, codes_of, segment_names


@dataclass(frozen=True, slots=True)
class SegmentRule:
    """Customers who meet all ``conditions`` (column, from above, up to, or missing) are in ``segment``.

    ``purity`` is the share of the ``customers`` who meet them of whom that is true.
    """

    segment: Any
    conditions: tuple[tuple[str, float, float, bool], ...]
    customers: int
    purity: float

    def __str__(self) -> str:
        when = " and ".join(say_bounds(*asked) for asked in self.conditions) or "always"
        return f"{self.segment}: {when} ({self.customers:,} customers, {self.purity:.0%} of them)"


class SegmentRules(BaseEstimator):
    """Describe segments by a shallow tree of yes-or-no questions, and say how much of them that tells.

    Parameters
    ----------
    max_rules : int or None, default=None
        Number of rules at most; None is twice the number of segments.
    min_customers : int, default=20
        Customers that a rule must speak of.
    cv : int, default=5
        Folds for ``fidelity_``.
    random_state : int, default=0
        Of the folds; the tree itself is deterministic.

    Attributes
    ----------
    segments_ : list
        The segments, sorted by name.
    rules_ : list of SegmentRule
        The rules, by segment and falling number of customers. Every customer meets exactly one, also one with values
        missing: they go the way that parts the segments best, and the rule says so.
    fidelity_ : float
        Share of customers whose segment the rules name rightly, on customers they were not made from.
    baseline_ : float
        What naming the largest segment for all would reach.
    tree_ : sklearn.tree.DecisionTreeClassifier
        The tree.
    columns_ : list of str
        Names of the columns.
    n_features_in_ : int
        Number of columns.

    Warns
    -----
    FitWarning
        If no rule names some segment.

    References
    ----------
    Breiman, L., Friedman, J., Olshen, R. & Stone, C. (1984). Classification and Regression Trees. Wadsworth.

    Examples
    --------
    >>> import numpy as np
    >>> import crmintel as ci
    >>> spend = np.arange(100.0)
    >>> rules = ci.SegmentRules().fit({"spend": spend}, np.where(spend >= 70, "gold", "base"))
    >>> print(rules.rules_[1])
    gold: spend > 69.5 (30 customers, 100% of them)
    >>> rules.fidelity_ > 0.95
    True
    """

    def __init__(
        self, *, max_rules: int | None = None, min_customers: int = 20, cv: int = 5, random_state: Any = 0
    ) -> None:
        self.max_rules = max_rules
        self.min_customers = min_customers
        self.cv = cv
        self.random_state = random_state

    def fit(self, X: Any, y: ArrayLike) -> SegmentRules:
        """Grow the tree and test it on customers it has not seen.

        Parameters
        ----------
        X : frame, CustomerRows or array of shape (n_customers, n_columns)
            Numbers in the units in which the rules shall speak; NaN where a value is not known.
        y : array-like of shape (n_customers,)
            Segment of each customer.

        Returns
        -------
        SegmentRules
            The fitted estimator.

        Raises
        ------
        InputError
            If lengths differ, a customer is in no segment, there are fewer than two segments, or the smallest has
            fewer customers than folds.
        """
        names, values = read_columns(X)
        labels = as_labels(y, "y", n=len(values))
        segments = segment_names(labels)
        codes = codes_of(labels, segments)
        if (codes == len(segments)).any():
            raise InputError(
                f"customer {int(np.argmax(codes == len(segments)))} is in no segment; leave such rows out."
            )
        if len(segments) < 2:
            raise InputError(f"y holds the segments {segments}; at least 2 are needed.")
        cv = int(check_number(self.cv, "cv", low=2, integer=True))
        sizes = np.bincount(codes)
        if sizes.min() < cv:
            raise InputError(
                f"the smallest segment, {segments[int(np.argmin(sizes))]!r}, has {sizes.min()} of {codes.size} "
                f"customers, fewer than cv={cv} folds. Merge it with another, leave its rows out, or lower cv."
            )
        most = 2 * len(segments) if self.max_rules is None else check_number(
            self.max_rules, "max_rules", low=2, integer=True
        )  # fmt: skip
        least = check_number(self.min_customers, "min_customers", low=1, integer=True)
        tree = DecisionTreeClassifier(max_leaf_nodes=int(most), min_samples_leaf=int(least), random_state=0)
        folds = StratifiedKFold(cv, shuffle=True, random_state=self.random_state)
        self.fidelity_ = float(np.mean(cross_val_predict(tree, values, codes, cv=folds) == codes))
        self.baseline_ = float(sizes.max() / codes.size)
        self.tree_ = tree.fit(values, codes)
        self.segments_, self.columns_, self.n_features_in_ = segments, names, len(names)
        self.rules_ = _rules_of(tree.tree_, values, names, segments)
        named = {rule.segment for rule in self.rules_}
        without = [name for name in segments if name not in named]
        if without:
            warn(
                f"no rule names the segments {without}, so predict never does: {len(self.rules_)} rules of "
                f"min_customers={least} or more do not reach them. Raise max_rules={most} or lower min_customers, "
                "or give columns that tell them apart.",
                FitWarning,
                stacklevel=2,
            )
        return self

    def predict(self, X: Any) -> NDArray[Any]:
        """Return the segment that the rules name for each customer.

        Parameters
        ----------
        X : frame, CustomerRows or array of shape (n_customers, n_columns)
            The columns of ``fit``.

        Returns
        -------
        ndarray of shape (n_customers,)
        """
        check_is_fitted(self)
        return np.array(self.segments_)[self.tree_.predict(read_same_columns(X, self.columns_))]


def _rules_of(
    tree: Any, values: NDArray[np.float64], names: list[str], segments: list[Any]
) -> list[SegmentRule]:
    rules = []
    for leaf, bounds in bounds_of_leaves(tree, values).items():
        shares = tree.value[leaf][0]
        best = int(np.argmax(shares))
        conditions = tuple((names[j], *asked) for j, asked in bounds.items())
        purity = float(shares[best] / shares.sum())
        rules.append(SegmentRule(segments[best], conditions, int(tree.n_node_samples[leaf]), purity))
    return sorted(rules, key=lambda rule: (segments.index(rule.segment), -rule.customers, rule.conditions))
