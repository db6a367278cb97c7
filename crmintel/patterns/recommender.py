"""What next: the best items that the rules conclude from what is owned."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from crmintel._validation import check_choice
from crmintel.exceptions import InputError, InputTypeError
from crmintel.kernels.recommending import score_by_rules
from crmintel.patterns._measure import check_measure
from crmintel.patterns._recommending import ItemRecommender, Ranking, best_candidates, buyers_of, owned_items
from crmintel.patterns.itemsets import FrequentItemsets
from crmintel.patterns.measures import MEASURES
from crmintel.patterns.rules import AssociationRules
from crmintel.patterns.ruleset import RuleSet
from crmintel.transactions.baskets import Baskets
from crmintel.transactions.log import TransactionLog

_BLOCK = 512  # rows whose rules are looked up at a time


class RuleRecommender(ItemRecommender):
    """Recommend what the rules conclude from a basket, or from all a customer ever bought.

    An item's score is the largest ``measure`` among the rules whose antecedent is owned in full and that conclude
    it. Equal scores are told apart by the order of the items, so that the answer is always the same.

    Rules of customers foretell what a customer will buy for the first time better than rules of baskets, which tell
    what goes together on one bill; `evaluate_recommender` shows by how much.

    Parameters
    ----------
    rules : RuleSet or AssociationRules, default=None
        A RuleSet, or AssociationRules that are fitted, is ready for use; unfitted ones are fitted by `fit`. None
        pairs items: all rules of confidence 0.1 or more between two items that 2 % bought, and of no condition. A
        clone of a ready recommender holds its RuleSet.
    measure : str, default="confidence"
        Measure of `crmintel.measures.MEASURES` that ranks, large where a rule is strong; rules where it is nan are
        left out.
    level : {"customer", "basket"}, default=None
        Whose rules `fit` learns from a log: of customers with all that was ever bought, or of baskets. None is
        "customer" where ``rules`` is None, and "basket" for rules of your own: all that a customer bought is long, so
        rules of customers need a higher support, or short itemsets. Other ``X`` are taken row by row.
    margins : mapping or array-like of shape (n_items,), default=None
        Margin of each item that its score is multiplied by: confidence times margin is the money to expect. A mapping
        (or pandas Series) goes by label, an array by the order of ``rules_.items``. Every item that may be offered
        needs one, not negative; where it is 0 the item is not recommended.
    fallback : recommender, default=None
        Fills the places that the rules leave empty, e.g. ``PopularityRecommender()``; `fit` fits a clone of it. A
        recommender that is used without `fit` needs a fitted one. None leaves them empty: None and nan.
    n_jobs : int, default=None
        Threads; None is 1, -1 all cores. The answer is the same for any number.

    Attributes
    ----------
    rules_ : RuleSet
        After `fit`.
    fallback_ : recommender
        Fitted, where there is a ``fallback``.

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
        self,
        rules: RuleSet | AssociationRules | None = None,
        *,
        measure: str = "confidence",
        level: str | None = None,
        margins: Any = None,
        fallback: Any = None,
        n_jobs: int | None = None,
    ) -> None:
        self.rules = rules
        self.measure = measure
        self.level = level
        self.margins = margins
        self.fallback = fallback
        self.n_jobs = n_jobs

    def fit(self, X: Any, y: Any = None) -> Self:
        """Learn the rules from ``X``, unless they are given as a RuleSet.

        Parameters
        ----------
        X : Baskets, log, sparse matrix, boolean frame or array, or list of lists
        y : None
            Ignored.
        """
        self._check_measure()
        check_choice(self.level, "level", (None, "customer", "basket"))
        if isinstance(self.rules, RuleSet):
            self.rules_ = self.rules
        elif isinstance(self.rules, AssociationRules | None):
            rules, level = (_pairs(), "customer") if self.rules is None else (clone(self.rules), "basket")
            self.rules_ = rules.fit(buyers_of(X, level if self.level is None else self.level)).rules_
        else:
            raise InputTypeError(
                f"rules must be a RuleSet or AssociationRules, got {type(self.rules).__name__}."
            )
        self._check_margins()
        self._fit_fallback(X)
        return self

    def _known_items(self) -> NDArray[Any]:
        return self._fitted_rules().items

    def _rank(
        self, X: TransactionLog | Baskets, n: int, worth: NDArray[np.float64], exclude_owned: bool
    ) -> Ranking:
        rules = self._fitted_rules()
        values = np.asarray(getattr(rules, self._check_measure()), dtype=np.float64)
        owned, n_items = owned_items(X, rules.items), rules.items.size
        fixed = {
            "items": rules.antecedents.indices.astype(np.int32), "offsets": rules.antecedents.indptr.astype(np.int64),
            **_groups(rules, values, worth), "exclude_owned": exclude_owned, "indices": owned.indices,
        }  # fmt: skip

        def arguments(rows: slice) -> dict[str, Any]:
            scratch = {"owned": np.zeros(n_items, dtype=np.int8), "value": np.full(n_items, -np.inf)}
            return {**fixed, **scratch, "indptr": owned.indptr[rows.start : rows.stop + 1]}

        return best_candidates(score_by_rules, arguments, len(owned), n_items, n, self.n_jobs)

    def _second_scores(self, X: TransactionLog | Baskets, code: int) -> NDArray[np.float64]:
        """Return -ln of the chance that all rules fail that hold and conclude the item, as if each were for itself."""
        rules = self._fitted_rules()
        rules = rules[rules.consequents[:, [code]].sum(axis=1) > 0]
        sizes, antecedents = np.diff(rules.antecedents.indptr), rules.antecedents.T.astype(np.int32)
        with np.errstate(divide="ignore"):  # of a rule that never fails
            doubt = -np.log1p(-rules.confidence)
        owned = owned_items(X, rules.items).matrix.astype(np.int32)
        scores = np.zeros(len(X))
        for low in range(0, len(X), _BLOCK):
            held = (owned[low : low + _BLOCK] @ antecedents).tocoo()
            holds = held.data == sizes[held.col]
            scores[low : low + _BLOCK] = np.bincount(
                held.row[holds], doubt[held.col[holds]], minlength=held.shape[0]
            )
        return scores

    def _fresh(self) -> Any:
        if isinstance(self.rules, RuleSet):
            raise InputError(
                "this RuleRecommender holds a RuleSet, which may have been learned from the very purchases that it is "
                "to foretell; give it AssociationRules(...), which are fitted on the past only."
            )
        fresh = super()._fresh()
        return fresh if self.rules is None else fresh.set_params(rules=clone(self.rules))

    def _check_measure(self) -> str:
        name = check_measure(self.measure, "measure")
        if MEASURES[name].small_is_strong:
            raise InputError(
                f"measure={name!r} is small where a rule is strong; rank by another, e.g. 'confidence'."
            )
        return name

    def _fitted_rules(self) -> RuleSet:
        rules = self._ready_rules()
        if rules is None:
            raise NotFittedError(
                "the rules are not fitted yet: call fit(baskets), or give fitted rules or a RuleSet."
            )
        if not isinstance(rules, RuleSet):
            raise InputTypeError(f"rules must be a RuleSet or AssociationRules, got {type(rules).__name__}.")
        return rules

    def _ready_rules(self) -> Any:
        rules = getattr(self, "rules_", self.rules)
        return getattr(rules, "rules_", None) if isinstance(rules, AssociationRules) else rules

    def __sklearn_is_fitted__(self) -> bool:
        return self._ready_rules() is not None

    def __sklearn_clone__(self) -> RuleRecommender:
        parameters = {name: clone(value, safe=False) for name, value in self.get_params(deep=False).items()}
        if isinstance(self.rules, AssociationRules) and hasattr(self.rules, "rules_"):
            parameters["rules"] = self.rules.rules_
        return type(self)(**parameters)


def _pairs() -> AssociationRules:
    """Return the default rules: on Complete Journey longer ones foretell no better."""
    miner = FrequentItemsets(min_support=0.02, max_length=2)
    return AssociationRules(miner, min_value=0.1, empty_antecedent=True)


def _groups(
    rules: RuleSet, values: NDArray[np.float64], worth: NDArray[np.float64]
) -> dict[str, NDArray[Any]]:
    """Return the rules in groups of one key and one target, see `crmintel.kernels.recommending.score_by_rules`.

    A rule's key is the item of its antecedent that the fewest antecedents hold; without an antecedent it is one
    beyond the items. A rule stands in the group of every item it concludes, with its value times the item's worth.
    """
    n_items = rules.items.size
    items, offsets = rules.antecedents.indices.astype(np.int64), rules.antecedents.indptr
    rarity = np.bincount(items, minlength=n_items)[items] * n_items + items
    keys = np.full(len(rules), n_items)
    conditional = np.diff(offsets) > 0
    if items.size:
        keys[conditional] = np.minimum.reduceat(rarity, offsets[:-1][conditional]) % n_items
    rule = np.repeat(np.arange(len(rules)), np.diff(rules.consequents.indptr))
    target = rules.consequents.indices.astype(np.int64)
    with np.errstate(invalid="ignore"):  # of an infinite measure and no margin
        score = values[rule] * worth[target]
    known = ~np.isnan(score)
    rule, target, score = rule[known], target[known], score[known]
    group = keys[rule] * n_items + target
    order = np.lexsort((-score, group))
    groups, entry_first = np.unique(group[order], return_index=True)
    return {
        "group_first": np.searchsorted(groups, np.arange(n_items + 2) * n_items),
        "group_target": (groups % max(n_items, 1)).astype(np.int32),
        "entry_first": np.append(entry_first, group.size),
        "entry_rule": rule[order].astype(np.int32),
        "entry_score": score[order],
    }
