"""Many rules in one table: antecedents in groups across, consequents down."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from crmintel._validation import check_number
from crmintel.exceptions import CapacityError
from crmintel.patterns._measure import check_measure
from crmintel.patterns.measures import MEASURES
from crmintel.patterns.ruleset import RuleSet
from crmintel.plots._axes import add_colorbar, axes_for, drawable, scale_of
from crmintel.plots.rules import rules_of, short, values_of, words
from crmintel.segments.kmeans import CustomerKMeans

_LETTER = 0.075  # inches
_MOST_CELLS = 1 << 25  # antecedents x consequents: 256 MiB of floats


class RuleMatrixDisplay:
    """Rules as a grouped matrix: a column is a group of antecedents that conclude alike, a row is a consequent.

    Use `from_rules` to make one. The colour of a circle is the median of the measure over the rules in its cell, its
    area their median support. The strongest groups and consequents stand at the top left.

    Parameters
    ----------
    data : dict of ndarray
        One row per cell that holds rules: ``group`` and ``consequent`` (numbers into the two lists), ``rules``,
        ``support`` and the measure.
    groups, consequents : list of str
        What the columns and rows are called. A group bears the number of its rules and its most frequent items.

    Attributes
    ----------
    data, groups, consequents
        As above.
    ax_, figure_
        The axes and the figure, after `plot`.

    References
    ----------
    .. [1] Hahsler, M., Karpienko, R. (2017). Visualizing association rules in hierarchical groups. Journal of
       Business Economics 87, 317-335.

    Examples
    --------
    >>> from crmintel import AssociationRules, FrequentItemsets
    >>> from crmintel.plots.rule_matrix import RuleMatrixDisplay
    >>> baskets = [["tea", "cup"], ["tea", "cup", "spoon"], ["gin", "tonic"], ["tonic"]]
    >>> rules = AssociationRules(FrequentItemsets(1)).fit(baskets).rules_
    >>> display = RuleMatrixDisplay.from_rules(rules, n_groups=2)
    >>> display.groups
    ['5 rules: cup, tea', '6 rules: spoon, cup, +3']
    """

    def __init__(self, data: dict[str, NDArray[Any]], *, groups: list[str], consequents: list[str]) -> None:
        self.data, self.groups, self.consequents = data, groups, consequents

    @classmethod
    def from_rules(
        cls, rules: Any, *, n_groups: int = 15, measure: str = "lift", max_consequents: int = 20
    ) -> Self:
        """Group the antecedents by k-means over the measure of their rules.

        Parameters
        ----------
        rules : RuleSet or fitted AssociationRules
        n_groups : int, default=15
            Number of columns; there are fewer if there are fewer different antecedents.
        measure : str, default="lift"
            Name of a measure.
        max_consequents : int, default=20
            Number of rows: the consequents of most rules are kept, since those of the strongest rules are often single
            pairs that fill a diagonal.

        Raises
        ------
        InputError
            If there are no rules, or a parameter is out of its bounds.
        CapacityError
            If antecedents times consequents are more than 2**25.
        """
        found = rules_of(rules)
        check_measure(measure, "measure")
        k = int(check_number(n_groups, "n_groups", low=1, integer=True))
        n_rows = int(check_number(max_consequents, "max_consequents", low=1, integer=True))
        value = np.nan_to_num(drawable(values_of(found, measure)), nan=_at_independence(measure))
        sign = -1.0 if MEASURES[measure].small_is_strong else 1.0

        right, consequent = _distinct(found.consequents)
        rows = _strongest_first(consequent, sign * value)
        most = np.argsort(-np.bincount(consequent)[rows], kind="stable")[:n_rows]
        rows = rows[np.sort(most)]
        place = np.full(right.size, -1)
        place[rows] = np.arange(rows.size)
        shown = np.flatnonzero(place[consequent] >= 0)
        texts, found, value, row = found[right[rows]], found[shown], value[shown], place[consequent[shown]]

        left, antecedent = _distinct(found.antecedents)
        if left.size * rows.size > _MOST_CELLS:
            raise CapacityError(
                f"{left.size:,} antecedents x {rows.size:,} consequents are too many to group; show the strongest, "
                f"e.g. rules.sort({measure!r})[:10_000]."
            )
        group = _group(antecedent, row, value, (left.size, rows.size), measure, k)[antecedent]
        columns = _strongest_first(group, sign * value)
        column = np.argsort(columns)[group]

        cells, cell = np.unique(column * rows.size + row, return_inverse=True)
        data = {
            "group": cells // rows.size,
            "consequent": cells % rows.size,
            "rules": np.bincount(cell),
            "support": _medians(cell, found.support),
            measure: _medians(cell, value),
        }
        groups = [_name(found[column == c]) for c in range(columns.size)]
        names = [short(", ".join(map(str, rule.consequent)), 32) for rule in texts]
        return cls(data, groups=groups, consequents=names)

    def __repr__(self) -> str:
        n_rules = int(self.data["rules"].sum())
        return f"RuleMatrixDisplay({n_rules:,} rules: {len(self.groups)} groups x {len(self.consequents)} consequents)"

    def plot(self, ax: Any = None) -> Self:
        """Draw one circle per cell.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            None makes a new figure, as large as the labels need.

        Raises
        ------
        MissingExtraError
            If matplotlib is not installed.
        """
        wide, high = (_LETTER * max(map(len, labels)) for labels in (self.consequents, self.groups))
        size = (1.8 + 0.32 * len(self.groups) + wide + 0.5 * high, 1.8 + 0.26 * len(self.consequents) + high)
        ax = axes_for(ax, self, size)
        measure = list(self.data)[-1]
        values = self.data[measure]
        area = self.data["support"] / self.data["support"].max()
        circles = ax.scatter(
            self.data["group"], self.data["consequent"], s=20 + 180 * area, c=values, norm=scale_of(values),
            cmap="viridis", edgecolors="0.3", linewidths=0.4, zorder=2,
        )  # fmt: skip
        ax.set(xlim=(-0.7, len(self.groups) - 0.3), ylim=(len(self.consequents) - 0.4, -0.6))
        ax.set_xticks(range(len(self.groups)), self.groups, rotation=60, ha="left", rotation_mode="anchor",
                      parse_math=False)  # fmt: skip
        ax.set_yticks(range(len(self.consequents)), self.consequents, parse_math=False)
        ax.tick_params(length=0, top=False, bottom=False, labeltop=True, labelbottom=False, labelsize=8)
        ax.grid(color="0.92", zorder=0)
        for side in ax.spines.values():
            side.set_visible(False)
        where = {"location": "bottom", "shrink": 0.5, "aspect": 40, "pad": 0.02}
        add_colorbar(circles, ax, f"{words(measure)} (area: support)", **where)
        self.ax_, self.figure_ = ax, ax.figure
        return self


def _at_independence(measure: str) -> float:
    """Return the measure of two independent sides, each in half of the baskets: what no rule at all says."""
    return float(np.nan_to_num(MEASURES[measure](1, 2, 2, 4)))


def _distinct(side: Any) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the first rule with each different set on one side, and the number of the set for every rule."""
    keys: dict[bytes, int] = {}
    first: list[int] = []
    number = np.empty(side.shape[0], dtype=np.int64)
    for r in range(side.shape[0]):
        key = side.indices[side.indptr[r] : side.indptr[r + 1]].tobytes()
        number[r] = keys.setdefault(key, len(keys))
        if number[r] == len(first):
            first.append(r)
    return np.array(first), number


def _group(
    antecedent: NDArray[np.int64],
    consequent: NDArray[np.int64],
    value: NDArray[np.float64],
    shape: tuple[int, int],
    measure: str,
    n_groups: int,
) -> NDArray[np.int64]:
    """Return the group of each antecedent: k-means over its row of measures, those without a rule as if independent."""
    table = np.full(shape, _at_independence(measure))
    table[antecedent, consequent] = value
    n_different = np.unique(table, axis=0).shape[0]
    model = CustomerKMeans(n_clusters=min(n_groups, n_different), n_init=10, random_state=0)
    return model.fit_predict(table).astype(np.int64)


def _medians(number: NDArray[np.int64], values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the median of the values of each number; all from 0 up stand there."""
    order = np.lexsort((values, number))
    ends = np.cumsum(np.bincount(number))
    starts = np.concatenate([[0], ends[:-1]])
    sizes = ends - starts
    return (values[order[starts + (sizes - 1) // 2]] + values[order[starts + sizes // 2]]) / 2


def _strongest_first(number: NDArray[np.int64], strength: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return the different numbers by falling median strength."""
    different, dense = np.unique(number, return_inverse=True)
    return different[np.argsort(-_medians(dense, strength), kind="stable")]


def _name(rules: RuleSet) -> str:
    """Return e.g. "12 rules: tea, cup, +3": the two most frequent items of the antecedents, and how many more."""
    counts = np.bincount(rules.antecedents.indices, minlength=rules.items.size)
    often = np.argsort(-counts, kind="stable")[: np.count_nonzero(counts)]
    items = [short(rules.items[code], 20) for code in often[:2]] or ["(any basket)"]
    more = [f"+{often.size - 2}"] if often.size > 2 else []
    return f"{len(rules)} rule{'s' * (len(rules) > 1)}: {', '.join([*items, *more])}"
