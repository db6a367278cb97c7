"""A set of rules as flat arrays: two sparse matrices and four counts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from crmintel._frames import build_frame
from crmintel._validation import check_choice, check_flag, check_names, check_number
from crmintel.exceptions import InputError
from crmintel.kernels.hypergeometric import log_tail
from crmintel.patterns import redundancy
from crmintel.patterns._labels import need_labels
from crmintel.patterns._measure import check_measure
from crmintel.patterns._recount import recount
from crmintel.patterns._rule_arrays import RuleArrays
from crmintel.patterns._rule_columns import check_rules
from crmintel.patterns.intervals import INTERVALS
from crmintel.patterns.itemset_table import Itemsets
from crmintel.patterns.measures import MEASURES
from crmintel.patterns.significance import TESTS, SearchSpace, adjust, check_correction
from crmintel.transactions.baskets import as_baskets

_MORE_COLUMNS = ("n_ab", "n_a", "n_b", "adjusted_p")
SIDES = ("any", "antecedent", "consequent")
PRUNINGS = ("improvement", "boost", "closure", "productive")


class RuleSet(RuleArrays):
    """Rules A -> B; ``len`` is how many, ``rules[mask]`` selects, every measure is an attribute; arrays are read-only.

    Parameters
    ----------
    antecedents, consequents : sparse matrix of bool of shape (n_rules, n_items)
        Kept as CSR with rising indices; an antecedent may be empty.
    n_ab, n_a, n_b : array-like of int of shape (n_rules,)
        Baskets that hold both sides, the antecedent, the consequent.
    n : int
        Number of baskets.
    items : array-like of shape (n_items,)
        Labels of the columns, no two alike.
    library : str, default=None
        Frame library of `to_frame`.
    itemsets : Itemsets, default=None
        What the rules were made of: where the counts of shorter rules are looked up. Without them only those rules
        are known that stand here.
    space : SearchSpace, default=None
        What was searched, which `significant` corrects for.

    Attributes
    ----------
    lengths : ndarray of int64 of shape (n_rules,)
        Number of items of both sides.
    support, confidence, lift, ... : ndarray of float64 of shape (n_rules,)
        Every measure of `crmintel.measures.MEASURES`, computed when asked for.

    Raises
    ------
    InputError
        If shapes do not fit, counts cannot be, a label stands twice, or a rule has no consequent or an item on both
        sides.

    Examples
    --------
    >>> from crmintel import AssociationRules, FrequentItemsets
    >>> baskets = [["milk", "bread"], ["milk", "bread"], ["milk"], ["tea", "bread"]]
    >>> rules = AssociationRules(FrequentItemsets(min_support=1), min_value=0.6).fit(baskets).rules_
    >>> rules[rules.lift > 1].to_frame()["antecedent"]
    array(['tea'], dtype=object)
    >>> rules.sort("lift")[0]
    Rule(antecedent=('tea',), consequent=('bread',), n_ab=1, n_a=1, n_b=3)
    """

    __slots__ = ()

    def __init__(
        self,
        antecedents: Any,
        consequents: Any,
        *,
        n_ab: ArrayLike,
        n_a: ArrayLike,
        n_b: ArrayLike,
        n: int,
        items: NDArray[Any],
        library: str | None = None,
        itemsets: Itemsets | None = None,
        space: SearchSpace | None = None,
    ) -> None:
        columns, n_baskets, labels = check_rules(antecedents, consequents, n_ab, n_a, n_b, n, items)
        labels.flags.writeable = False
        self._put(columns, (n_baskets, labels, library, itemsets, space))

    def having(self, items: Any, side: str = "any") -> Self:
        """Return the rules that hold at least one of these items.

        Parameters
        ----------
        items : list of labels
        side : {"any", "antecedent", "consequent"}, default="any"
            Where they have to stand.
        """
        chosen = need_labels(items, self.items, "items").astype(np.int32)
        sides = {"antecedent": [self.antecedents], "consequent": [self.consequents]}
        where = sides.get(check_choice(side, "side", SIDES), [self.antecedents, self.consequents])
        return self._select(np.flatnonzero(np.any([matrix @ chosen > 0 for matrix in where], axis=0)))

    def recount(self, X: Any) -> Self:
        """Return the same rules in the same order, with their counts in other baskets, e.g. those of later weeks.

        Parameters
        ----------
        X : Baskets, log, sparse matrix, boolean frame or array, or list of lists
            Items go by label; those that are not here count 0, which leaves a measure nan or inf where it divides by
            them. Each basket counts once.

        Returns
        -------
        RuleSet
            It knows neither a search nor the counts of shorter rules: on baskets that did not choose the rules there
            is nothing to correct for but their number.
        """
        baskets = as_baskets(X)
        if not len(baskets):
            raise InputError("there are no baskets to count these rules in.")
        baskets = baskets.with_items(self.items)
        counts = recount(self.antecedents, self.consequents, baskets)
        columns = [self.antecedents, self.consequents, *counts]
        return self._of(columns, [len(baskets), self.items, self.library, None, None])

    def sort(self, by: str = "lift", *, descending: bool | None = None) -> Self:
        """Return the rules ordered by a measure, the strongest first; ties by falling ``n_ab``, then as they stood.

        Parameters
        ----------
        by : str, default="lift"
            Name of a measure.
        descending : bool, default=None
            None puts strong rules first, whichever way the measure points; nan comes last in any case.
        """
        measure = MEASURES[check_measure(by, "by")]
        values = getattr(self, by)
        if not measure.small_is_strong if descending is None else check_flag(descending, "descending"):
            values = -values
        return self._select(np.lexsort((-self.n_ab, values)))

    def improvement(self, measure: str = "confidence") -> NDArray[np.float64]:
        """Return by how much each rule is better than the best with a part of its antecedent, none included.

        Parameters
        ----------
        measure : str, default="confidence"
            For one that is small where a rule is strong, by how much it is lower.

        Returns
        -------
        ndarray of shape (n_rules,)
            nan for an empty antecedent.

        References
        ----------
        .. [1] Bayardo, R. J., Agrawal, R., Gunopulos, D. (2000). Constraint-based rule mining in large, dense
           databases. Data Mining and Knowledge Discovery 4, 217-240.
        """
        best = redundancy.best_general(self, check_measure(measure, "measure"))
        gain = np.asarray(getattr(self, measure), dtype=np.float64) - best
        return -gain if MEASURES[measure].small_is_strong else gain

    def boost(self) -> NDArray[np.float64]:
        """Return each rule's confidence over the best one with a part of its antecedent; nan without antecedent.

        References
        ----------
        .. [1] Balcazar, J. L. (2013). Formal and computational properties of the confidence boost of association
           rules. ACM TKDD 7(4), 19.
        """
        return np.asarray(self.confidence / redundancy.best_general(self, "confidence"))

    def prune(
        self,
        by: str = "improvement",
        *,
        measure: str = "confidence",
        min_improvement: float = 0.0,
        min_boost: float = 1.0,
        alpha: float = 0.05,
    ) -> Self:
        """Return the rules that say what no simpler one does.

        Parameters
        ----------
        by : {"improvement", "boost", "closure", "productive"}, default="improvement"
            ``improvement`` keeps rules whose `improvement` in ``measure`` exceeds ``min_improvement``, ``boost`` those
            whose `boost` exceeds ``min_boost``. ``productive`` keeps rules each item of whose antecedent adds to it
            by Fisher's exact test at level ``alpha``, uncorrected [1]_ (`significant` with ``test="productive"``
            corrects). ``closure`` drops rules that another one here implies: same counts with less on the left or
            more on the right, so that the minimal non-redundant ones are left [2]_. The first three keep rules with
            an empty antecedent, which have nothing simpler.
        measure : str, default="confidence"
        min_improvement : float, default=0.0
        min_boost : float, default=1.0
        alpha : float, default=0.05

        References
        ----------
        .. [1] Webb, G. I. (2007). Discovering significant patterns. Machine Learning 68, 1-33.
        .. [2] Bastide, Y., Pasquier, N., Taouil, R., Stumme, G., Lakhal, L. (2000). Mining minimal non-redundant
           association rules using frequent closed itemsets. Computational Logic, 972-986.
        """
        check_choice(by, "by", PRUNINGS)
        check_number(min_improvement, "min_improvement", low=0.0)
        check_number(min_boost, "min_boost", low=0.0)
        check_number(alpha, "alpha", low=0.0, high=1.0, strict_low=True)
        if by == "closure":
            return self._select(np.flatnonzero(~redundancy.implied(self)))
        if by == "improvement":
            keep = self.improvement(measure) > min_improvement
        elif by == "boost":
            keep = self.boost() > min_boost
        else:
            keep = redundancy.productive_log_p(self) <= np.log(alpha)
        return self._select(np.flatnonzero(keep | (np.diff(self.antecedents.indptr) == 0)))

    def interval(self, measure: str = "confidence", *, level: float = 0.95) -> NDArray[np.float64]:
        """Return the confidence interval of a measure for each rule.

        Parameters
        ----------
        measure : {"confidence", "lift", "odds_ratio"}, default="confidence"
            Exact for confidence [1]_; for lift and the odds ratio normal in the logarithm, with half a basket added
            to each cell [2]_, which may leave a sample value of inf outside.
        level : float, default=0.95
            Of one rule; intervals of rules that were chosen for their values cover less often.

        Returns
        -------
        ndarray of float64 of shape (n_rules, 2)

        References
        ----------
        .. [1] Clopper, C. J., Pearson, E. S. (1934). The use of confidence or fiducial limits illustrated in the case
           of the binomial. Biometrika 26, 404-413.
        .. [2] Gart, J. J. (1966). Alternative analyses of contingency tables. JRSS B 28, 164-179.
        """
        function = INTERVALS[check_choice(measure, "measure", tuple(INTERVALS))]
        return function(self.n_ab, self.n_a, self.n_b, self.n, level=level)

    def adjusted_p(self, correction: str | None = None, *, test: str = "fisher_p") -> NDArray[np.float64]:
        """Return the rules' p-values, corrected for all that was searched and not only for what was kept.

        Parameters
        ----------
        correction : str, default=None
            ``tarone``, ``bonferroni`` and ``holm`` hold the family-wise error, ``benjamini-hochberg`` and
            ``benjamini-yekutieli`` the false discovery rate. ``tarone`` counts only antecedents that could be
            significant at all; it never gives larger values than ``bonferroni``, and needs ``fisher_p``. None is
            ``tarone`` for ``fisher_p`` and ``holm`` for other tests.
        test : {"fisher_p", "fisher_p_two_sided", "productive"}, default="fisher_p"
            Whether both sides stand together oftener than by chance; oftener or less often; or whether each item of
            the antecedent adds to the rule, see `prune`.

        Returns
        -------
        ndarray of float64 of shape (n_rules,)

        Raises
        ------
        InputError
            If these rules do not know what was searched, as those of `AssociationRules` do.

        Notes
        -----
        The hypotheses are all frequent itemsets as antecedents, with all consequents that the frequent items allow.
        See `crmintel.patterns.significance` for why this holds.
        """
        chosen = check_correction(correction, check_choice(test, "test", TESTS))
        if self.space is None:
            raise InputError(
                "these rules do not know how many were looked at; only those of AssociationRules().fit(...) do."
            )
        if test == "productive":
            log_p = redundancy.productive_log_p(self)
        else:
            all_n = np.full(len(self), self.n)
            log_p = log_tail(self.n_ab, self.n_a, self.n_b, all_n, two_sided=test == "fisher_p_two_sided")
        sizes = np.diff(self.consequents.indptr).astype(np.int64)
        return adjust(log_p, chosen, self.space, self.n_b, sizes, self.n)

    def significant(
        self, alpha: float = 0.05, correction: str | None = None, *, test: str = "fisher_p"
    ) -> Self:
        """Return the rules whose `adjusted_p` is at most ``alpha``.

        On baskets whose items are independent, any rule at all is left in at most a share ``alpha`` of cases.

        Parameters
        ----------
        alpha : float, default=0.05
        correction, test : str
            See `adjusted_p`.
        """
        check_number(alpha, "alpha", low=0.0, high=1.0, strict_low=True)
        return self._select(np.flatnonzero(self.adjusted_p(correction, test=test) <= alpha))

    def to_frame(
        self,
        library: str | None = None,
        *,
        measures: Sequence[str] = ("support", "confidence", "lift"),
        interval: str | None = None,
        level: float = 0.95,
    ) -> Any:
        """Return the columns ``antecedent`` and ``consequent`` (as text), ``count`` and the ``measures``.

        Parameters
        ----------
        library : {"pandas", "polars", "pyarrow"}, default=None
            None: the library the baskets came from, or a dict of arrays where they came from none.
        measures : sequence of str
            Names of measures; also ``n_ab``, ``n_a``, ``n_b``, and ``adjusted_p`` for the p-values of `adjusted_p`.
        interval : {"confidence", "lift", "odds_ratio"}, default=None
            Add the `interval` of this measure, e.g. as ``lift_low`` and ``lift_high``.
        level : float, default=0.95
            Of the interval.
        """
        columns = {"antecedent": self._text(self.antecedents), "consequent": self._text(self.consequents)}
        columns["count"] = self.n_ab
        for name in check_names(measures, "measures"):
            value = getattr(self, check_measure(name, "measures", _MORE_COLUMNS))
            columns[name] = value() if name == "adjusted_p" else value
        if interval is not None:
            bounds = self.interval(interval, level=level)
            columns[f"{interval}_low"], columns[f"{interval}_high"] = bounds.T
        return build_frame(columns, library or self.library)

    def __repr__(self) -> str:
        head = f"RuleSet({len(self):,} rules over {self.items.size:,} items, from {self.n:,} baskets)"
        shown = self[:5]
        lines = [
            f"  {', '.join(map(str, rule.antecedent)) or '(any basket)'} -> {', '.join(map(str, rule.consequent))}"
            f"  (count {rule.n_ab:,}, confidence {confidence:.3f}, lift {lift:.2f})"
            for rule, confidence, lift in zip(shown, shown.confidence, shown.lift, strict=True)
        ]
        return "\n".join([head, *lines, *(["  ..."] if len(self) > 5 else [])])
