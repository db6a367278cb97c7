"""What next: the best items that the rules conclude from what is owned."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, clone
from sklearn.exceptions import NotFittedError

from crmintel._validation import check_choice, check_number
from crmintel.exceptions import CapacityError, InputError, InputTypeError
from crmintel.kernels.rules import recommend_items
from crmintel.patterns.measures import MEASURES
from crmintel.patterns.rules import AssociationRules
from crmintel.patterns.ruleset import RuleSet
from crmintel.transactions.baskets import Baskets, as_baskets

_MOST_CELLS = 1 << 28  # of the answer: 3 GiB of codes and scores, and 2 GiB of labels


class RuleRecommender(BaseEstimator):
    """Recommend what the rules conclude from a basket, or from all a customer ever bought.

    An item's score is the largest ``measure`` among the rules whose antecedent is owned in full and that conclude
    it. Equal scores are told apart by the order of the items, so that the answer is always the same.

    Parameters
    ----------
    rules : RuleSet or AssociationRules, default=None
        A RuleSet, or AssociationRules that are fitted, is ready for use; unfitted ones are fitted by `fit` (None is
        ``AssociationRules()``). A clone of a ready recommender holds its RuleSet.
    measure : str, default="confidence"
        Measure of `crmintel.measures.MEASURES` that ranks, large where a rule is strong; rules where it is nan are
        left out.

    Attributes
    ----------
    rules_ : RuleSet
        After `fit`.

    Examples
    --------
    >>> from crmintel import AssociationRules, FrequentItemsets, RuleRecommender
    >>> baskets = [["milk", "bread"], ["milk", "bread"], ["milk"], ["tea", "bread"]]
    >>> rules = AssociationRules(FrequentItemsets(min_support=1)).fit(baskets)
    >>> items, scores = RuleRecommender(rules).recommend([["tea"], ["bread", "milk"]], n=1)
    >>> items
    array([['bread'],
           [None]], dtype=object)
    >>> scores
    array([[ 1.],
           [nan]])
    """

    def __init__(
        self, rules: RuleSet | AssociationRules | None = None, *, measure: str = "confidence"
    ) -> None:
        self.rules = rules
        self.measure = measure

    def fit(self, X: Any, y: Any = None) -> Self:
        """Learn the rules from ``X``, unless they are given as a RuleSet.

        Parameters
        ----------
        X : Baskets, log, sparse matrix, boolean frame or array, or list of lists
        y : None
            Ignored.
        """
        self._check_measure()
        if isinstance(self.rules, RuleSet):
            self.rules_ = self.rules
        elif isinstance(self.rules, AssociationRules | None):
            rules = AssociationRules() if self.rules is None else clone(self.rules)
            self.rules_ = rules.fit(X).rules_
        else:
            raise InputTypeError(
                f"rules must be a RuleSet or AssociationRules, got {type(self.rules).__name__}."
            )
        return self

    def recommend(
        self, X: Any, n: int = 3, *, include_owned: bool = False
    ) -> tuple[NDArray[Any], NDArray[np.float64]]:
        """Return the ``n`` best items for each basket, or for each customer of a log.

        Parameters
        ----------
        X : Baskets, sparse matrix, boolean frame or array, list of lists; or a log
            A log gives one row per customer, in its order, from everything that customer bought. Items that no rule
            knows are left out.
        n : int, default=3
        include_owned : bool, default=False
            Recommend what is owned already, too.

        Returns
        -------
        items : ndarray of object of shape (n_rows, n)
            Item labels, the best first; None where the rules conclude fewer than ``n``.
        scores : ndarray of float64 of shape (n_rows, n)
            Their ``measure``; nan where there is no item.

        Raises
        ------
        CapacityError
            If ``n_rows * n`` is beyond 2**28.
        """
        n = int(check_number(n, "n", low=1, integer=True))
        rules = self._ready_rules()
        if rules is None:
            raise NotFittedError(
                "the rules are not fitted yet: call fit(baskets), or give fitted rules or a RuleSet."
            )
        if not isinstance(rules, RuleSet):
            raise InputTypeError(f"rules must be a RuleSet or AssociationRules, got {type(rules).__name__}.")
        values = np.asarray(getattr(rules, self._check_measure()), dtype=np.float64)
        usable = ~np.isnan(values)
        if not usable.all():
            rules, values = rules[usable], values[usable]
        baskets = _owned(X).with_items(rules.items)
        n_items = rules.items.size
        if len(baskets) * n > _MOST_CELLS:
            raise CapacityError(
                f"n={n:,} items for each of {len(baskets):,} rows are more than {_MOST_CELLS:,}. Lower n (there are "
                f"{n_items:,} items), or recommend for fewer rows at a time."
            )
        found = np.empty((len(baskets), n), dtype=np.int32)
        scores = np.empty((len(baskets), n), dtype=np.float64)
        recommend_items(
            indptr=baskets.indptr, indices=baskets.indices,
            items=rules.antecedents.indices.astype(np.int32), offsets=rules.antecedents.indptr.astype(np.int64),
            **_groups(rules, values), scores=values, include_owned=bool(include_owned), n=n,
            owned=np.zeros(n_items, dtype=np.int8), value=np.full(n_items, -np.inf),
            touched=np.empty(n_items, dtype=np.int32), found=found, found_scores=scores,
        )  # fmt: skip
        labels = np.concatenate([rules.items.astype(object), [None]])  # at -1 stands nothing
        return labels[found], scores

    def predict(self, X: Any) -> NDArray[Any]:
        """Return the best item for each basket or customer, None where the rules conclude none."""
        return self.recommend(X, n=1)[0][:, 0]

    def _check_measure(self) -> str:
        name = check_choice(self.measure, "measure", tuple(MEASURES))
        if MEASURES[name].small_is_strong:
            raise InputError(
                f"measure={name!r} is small where a rule is strong; rank by another, e.g. 'confidence'."
            )
        return str(name)

    def _ready_rules(self) -> Any:
        rules = getattr(self, "rules_", self.rules)
        return getattr(rules, "rules_", None) if isinstance(rules, AssociationRules) else rules

    def __sklearn_is_fitted__(self) -> bool:
        return self._ready_rules() is not None

    def __sklearn_clone__(self) -> RuleRecommender:
        rules: Any = self.rules
        if isinstance(rules, AssociationRules):
            rules = rules.rules_ if hasattr(rules, "rules_") else clone(rules)
        return type(self)(rules, measure=self.measure)


def _owned(X: Any) -> Baskets:
    """Return the baskets, or for a log the union of each customer's baskets."""
    baskets = as_baskets(X)
    if isinstance(X, Baskets) or baskets.customers is None:
        return baskets
    return baskets.by_customer(len(X))


def _groups(rules: RuleSet, values: NDArray[np.float64]) -> dict[str, NDArray[Any]]:
    """Return the rules in groups of one key and one target, see `crmintel.kernels.rules.recommend_items`.

    A rule's key is the item of its antecedent that the fewest antecedents hold; without an antecedent it is one
    beyond the items. A rule stands in the group of every item it concludes.
    """
    n_items = rules.items.size
    items, offsets = rules.antecedents.indices.astype(np.int64), rules.antecedents.indptr
    rarity = np.bincount(items, minlength=n_items)[items] * n_items + items
    keys = np.full(len(rules), n_items)
    conditional = np.diff(offsets) > 0
    if items.size:
        keys[conditional] = np.minimum.reduceat(rarity, offsets[:-1][conditional]) % n_items
    rule = np.repeat(np.arange(len(rules)), np.diff(rules.consequents.indptr))
    group = keys[rule] * n_items + rules.consequents.indices
    order = np.lexsort((-values[rule], group))
    groups, entry_first = np.unique(group[order], return_index=True)
    return {
        "group_first": np.searchsorted(groups, np.arange(n_items + 2) * n_items),
        "group_target": (groups % max(n_items, 1)).astype(np.int32),
        "entry_first": np.append(entry_first, group.size),
        "entry_rule": rule[order].astype(np.int32),
    }
