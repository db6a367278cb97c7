"""Who leaves, as a few IF-THEN rules that people can read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import beta
from sklearn.tree import DecisionTreeClassifier

from crmintel._frames import build_frame
from crmintel._leaves import bounds_of_leaves, say_bounds
from crmintel._validation import check_number
from crmintel.churn.inputs import ChurnInputs
from crmintel.churn.model import churn_codes
from crmintel.exceptions import InputError


@dataclass(frozen=True, slots=True)
class ChurnRules:
    """Rules by falling share of customers who left; every customer meets exactly one.

    Attributes
    ----------
    conditions : list of str
        What a customer must meet.
    customers, left : ndarray of int64
        How many meet it, and how many of them left.
    low, high : ndarray
        Ends of the 95 % interval of the share (Clopper and Pearson); it does not know that the rule was searched for.
    tree : sklearn.tree.DecisionTreeClassifier
        The tree that the rules are the leaves of.

    Examples
    --------
    >>> import numpy as np
    >>> import crmintel as ci
    >>> rules = ci.churn_rules({"months": np.arange(200)}, np.arange(200) < 60)
    >>> rules.conditions, rules.share.tolist()
    (['months <= 59.5', 'months > 59.5'], [1.0, 0.0])
    """

    conditions: list[str]
    customers: NDArray[np.int64]
    left: NDArray[np.int64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    tree: DecisionTreeClassifier

    def __len__(self) -> int:
        return len(self.conditions)

    @property
    def share(self) -> NDArray[np.float64]:
        """Share of the customers of each rule who left."""
        return self.left / self.customers

    def __str__(self) -> str:
        return "\n".join(
            f"IF {condition} THEN {share:.0%} leave ({low:.0%} to {high:.0%}; {n:,} customers)"
            for condition, share, low, high, n in zip(
                self.conditions, self.share, self.low, self.high, self.customers
            )
        )

    def to_frame(self, library: str | None = None) -> Any:
        """Return one row per rule.

        Parameters
        ----------
        library : {"pandas", "polars", "pyarrow"}, optional
            None gives a dict of arrays.

        Returns
        -------
        frame
        """
        columns = {
            "condition": np.array(self.conditions, dtype=object),
            "customers": self.customers,
            "left": self.left,
            "share": self.share,
            "low": self.low,
            "high": self.high,
        }
        return build_frame(columns, library)


def churn_rules(
    X: Any, y: ArrayLike, *, max_rules: int = 8, min_customers: int = 50, features: Any = None
) -> ChurnRules:
    """Grow a small decision tree and write its leaves as rules.

    A few rules say less than the model of `make_churn_pipeline`: they are for people who want to know whom it is about,
    not for scoring. Where values are missing, they go the way that parted leavers best, and the rule says so.

    Parameters
    ----------
    X : TransactionLog, frame, dict of arrays, or array of shape (n_samples, n_columns)
        As for `make_churn_pipeline`.
    y : array-like of shape (n_samples,)
        Who left: 0/1, bool or "no"/"yes".
    max_rules : int, default=8
        Rules at most.
    min_customers : int, default=50
        Customers that a rule must speak of.
    features : transformer, default=None
        What a log becomes; None is `BehaviourFeatures`.

    Returns
    -------
    ChurnRules

    Raises
    ------
    InputError
        If y has one class only, other values or another length, or a parameter is out of bounds.

    References
    ----------
    Breiman, Friedman, Olshen and Stone (1984), "Classification and Regression Trees".

    Examples
    --------
    >>> import numpy as np
    >>> import crmintel as ci
    >>> rows = {"months": np.arange(400) % 40, "plan": np.repeat(["monthly", "yearly"], 200)}
    >>> left = (rows["months"] < 10) & (rows["plan"] == "monthly")
    >>> print(ci.churn_rules(rows, left))
    IF months <= 9.5 and plan is not yearly THEN 100% leave (93% to 100%; 50 customers)
    IF months > 9.5 THEN 0% leave (0% to 1%; 300 customers)
    IF months <= 9.5 and plan is yearly THEN 0% leave (0% to 7%; 50 customers)
    """
    most = int(check_number(max_rules, "max_rules", low=2, integer=True))
    least = int(check_number(min_customers, "min_customers", low=1, integer=True))
    inputs = ChurnInputs(features)
    rows = np.asarray(inputs.fit(X).transform(X))
    left = churn_codes(y, len(rows))
    if len(rows) < 2 * least:
        raise InputError(
            f"{len(rows)} customers cannot make two rules of min_customers={least} each; choose at most "
            f"{len(rows) // 2}."
        )
    tree = DecisionTreeClassifier(max_leaf_nodes=most, min_samples_leaf=least, random_state=0).fit(rows, left)
    leaves = tree.apply(rows)
    found = _conditions(tree.tree_, inputs, rows)
    n = np.bincount(leaves, minlength=tree.tree_.node_count)[list(found)]
    k = np.bincount(leaves, weights=left, minlength=tree.tree_.node_count).astype(np.int64)[list(found)]
    order = np.lexsort((-n, -k / n))
    low = np.where(k > 0, beta.ppf(0.025, np.maximum(k, 1), n - k + 1), 0.0)
    high = np.where(k < n, beta.ppf(0.975, k + 1, np.maximum(n - k, 1)), 1.0)
    conditions = list(found.values())
    return ChurnRules([conditions[i] for i in order], n[order], k[order], low[order], high[order], tree)


def _conditions(tree: Any, inputs: ChurnInputs, rows: NDArray[np.float64]) -> dict[int, str]:
    """Return each leaf's conditions in words."""
    words = _category_columns(inputs)
    return {
        leaf: " and ".join(_say(inputs.columns_[j], words.get(j), *asked) for j, asked in bounds.items())
        or "always"
        for leaf, bounds in bounds_of_leaves(tree, rows).items()
    }


def _category_columns(inputs: ChurnInputs) -> dict[int, tuple[str, str]]:
    """Return column -> (name of the text column, category) for the 0/1 columns of a frame."""
    if inputs.kind_ != "frame":
        return {}
    marked = [f"{i}\0" for i in range(len(inputs.texts_))]  # a name may begin with another name
    split = (
        [column.split("\0_", 1) for column in inputs.encoder_.get_feature_names_out(marked)] if marked else []
    )
    pairs = [(inputs.texts_[int(i)], category) for i, category in split]
    return dict(enumerate(pairs, start=len(inputs.numbers_)))


def _say(column: str, category: tuple[str, str] | None, low: float, high: float, or_missing: bool) -> str:
    if category is not None:
        return f"{category[0]} is {category[1]}" if low > 0 else f"{category[0]} is not {category[1]}"
    return say_bounds(column, low, high, or_missing)
