"""A few rules as a network: items on a circle, a point for each rule between them."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from crmintel._validation import check_number
from crmintel.patterns._measure import check_measure
from crmintel.patterns.ruleset import RuleSet
from crmintel.plots._axes import add_colorbar, axes_for, drawable, scale_of
from crmintel.plots.rules import rules_of, short, values_of, words

_RADIUS, _LETTER = 2.3, 0.075  # inches of a new figure: the circle's radius, a capital letter of a label
_ROUNDS = 200  # of pushing points of rules apart
_APART = 0.085  # how far, in radii of the circle
_INSIDE = 0.8  # rules keep away from the labels of the items


class RuleGraphDisplay:
    """The strongest rules as a network: lines lead from the antecedents through a point, the rule, to the consequents.

    Use `from_rules` to make one. Items stand on a circle, those of one rule close to each other; the same rules give
    the same picture.

    Parameters
    ----------
    data : dict of ndarray
        One row per line: ``rule`` and ``item`` (numbers into the lists below), ``is_consequent``.
    rules : dict of ndarray
        One row per rule: ``x``, ``y``, ``support`` and the measure.
    items : dict of ndarray
        One row per item: ``x``, ``y``, ``label``.

    Attributes
    ----------
    data, rules, items
        As above.
    ax_, figure_
        The axes and the figure, after `plot`.

    References
    ----------
    .. [1] Hahsler, M., Chelluboina, S. (2011). Visualizing association rules: introduction to the R-extension package
       arulesViz. Section 7.

    Examples
    --------
    >>> from crmintel import AssociationRules, FrequentItemsets
    >>> from crmintel.plots.rule_graph import RuleGraphDisplay
    >>> rules = AssociationRules(FrequentItemsets(1)).fit([["tea", "cup"], ["tea"], ["gin", "tonic"]]).rules_
    >>> display = RuleGraphDisplay.from_rules(rules)
    >>> display.items["label"].tolist(), display.data["rule"].size
    (['cup', 'tea', 'gin', 'tonic'], 8)
    """

    def __init__(
        self,
        data: dict[str, NDArray[Any]],
        *,
        rules: dict[str, NDArray[np.float64]],
        items: dict[str, NDArray[Any]],
    ) -> None:
        self.data, self.rules, self.items = data, rules, items

    @classmethod
    def from_rules(cls, rules: Any, *, n_rules: int = 30, measure: str = "lift") -> Self:
        """Lay out the strongest rules.

        Parameters
        ----------
        rules : RuleSet or fitted AssociationRules
        n_rules : int, default=30
            How many to show; beyond a hundred nobody can read them.
        measure : str, default="lift"
            Name of the measure that says which rules are strong, and colours them.

        Raises
        ------
        InputError
            If there are no rules, or a parameter is out of its bounds.
        """
        check_measure(measure, "measure")
        most = int(check_number(n_rules, "n_rules", low=1, high=200, integer=True))
        shown: RuleSet = rules_of(rules).sort(measure)[:most]
        sides = [
            (np.repeat(np.arange(len(shown)), np.diff(side.indptr)), side.indices)
            for side in (shown.antecedents, shown.consequents)
        ]
        rule = np.concatenate([owner for owner, _ in sides])
        codes, item = np.unique(np.concatenate([codes for _, codes in sides]), return_inverse=True)
        is_consequent = np.arange(rule.size) >= sides[0][0].size
        circle = _order_on_circle(rule, item, codes.size)
        item = np.argsort(circle)[item]
        angle = np.pi / 2 - 2 * np.pi * np.arange(codes.size) / codes.size
        x, y = np.cos(angle), np.sin(angle)
        at_x, at_y = _between(rule, item, is_consequent, x, y)
        labels = np.empty(codes.size, dtype=object)
        labels[:] = [short(label, 28) for label in shown.items[codes[circle]]]
        value = values_of(shown, measure)
        return cls(
            {"rule": rule, "item": item, "is_consequent": is_consequent},
            rules={"x": at_x, "y": at_y, "support": shown.support, measure: value},
            items={"x": x, "y": y, "label": labels},
        )

    def __repr__(self) -> str:
        return f"RuleGraphDisplay({self.rules['x'].size:,} rules over {self.items['x'].size:,} items)"

    def plot(self, ax: Any = None) -> Self:
        """Draw the network; the area of a point is the support of its rule.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            None makes a new figure.

        Raises
        ------
        MissingExtraError
            If matplotlib is not installed.
        """
        reach = 1.05
        if ax is None:
            # room for the labels inside of the axes: the layout engine gives them too little beside equal scales
            reach += _LETTER * max(map(len, self.items["label"])) / _RADIUS
        side = 2 * reach * _RADIUS
        ax = axes_for(ax, self, (side, side + 0.8))
        measure = list(self.rules)[-1]
        values = drawable(self.rules[measure])
        for rule, item, is_consequent in zip(*self.data.values(), strict=True):
            near = (self.rules["x"][rule], self.rules["y"][rule])
            far = (self.items["x"][item], self.items["y"][item])
            start, stop = (near, far) if is_consequent else (far, near)
            arrow = {"arrowstyle": "-|>" if is_consequent else "-", "color": "0.35" if is_consequent else "0.75",
                     "linewidth": 0.7, "shrinkA": 2, "shrinkB": 5, "mutation_scale": 8}  # fmt: skip
            ax.annotate("", stop, start, arrowprops=arrow, zorder=1)
        area = self.rules["support"] / self.rules["support"].max()
        points = ax.scatter(
            self.rules["x"], self.rules["y"], s=25 + 130 * area, c=values, norm=scale_of(values), cmap="viridis",
            edgecolors="white", linewidths=0.6, zorder=3,
        )  # fmt: skip
        ax.scatter(self.items["x"], self.items["y"], s=14, color="0.25", zorder=2)
        for x, y, label in zip(*self.items.values(), strict=True):
            turn = np.degrees(np.arctan2(y, x))
            is_left = x < -1e-9
            ax.text(
                1.04 * x, 1.04 * y, label, fontsize=8, rotation=turn + 180 * is_left, rotation_mode="anchor",
                ha="right" if is_left else "left", va="center", parse_math=False,
            )  # fmt: skip
        ax.set(xlim=(-reach, reach), ylim=(-reach, reach), aspect="equal")
        ax.axis("off")
        where = {"location": "bottom", "shrink": 0.5, "aspect": 40, "pad": 0.02}
        add_colorbar(points, ax, f"{words(measure)} (area: support)", **where)
        self.ax_, self.figure_ = ax, ax.figure
        return self


def _order_on_circle(rule: NDArray[np.int64], item: NDArray[np.int64], n_items: int) -> NDArray[np.int64]:
    """Return the items in an order that keeps those of one rule together.

    Each next item is the one most tied to those placed before, the latest most of all.
    """
    holds = np.zeros((rule.max() + 1, n_items))
    holds[rule, item] = 1.0
    ties = holds.T @ (holds / holds.sum(axis=1, keepdims=True))
    np.fill_diagonal(ties, 0.0)
    order: list[int] = []
    pull = np.zeros(n_items)
    left = np.ones(n_items, dtype=bool)
    while len(order) < n_items:
        strength = np.where(left, pull, -1.0)
        if strength.max() == 0:
            # nothing is tied to what stands there: start with the least tied end of another part
            strength = np.where(left, 1.0 / (1.0 + ties.sum(axis=1)), -1.0)
        # rounded: a tie must not be broken by the last bit of a sum
        order.append(int(np.argmax(np.round(strength, 9))))
        left[order[-1]] = False
        pull = 0.6 * pull + ties[order[-1]]
    return np.array(order)


def _between(
    rule: NDArray[np.int64],
    item: NDArray[np.int64],
    is_consequent: NDArray[np.bool_],
    x: NDArray[np.float64],
    y: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Place each rule in the middle of its items, nearer to the consequents, and push apart those that would touch."""
    weight = np.where(is_consequent, 1.5, 1.0)
    total = np.bincount(rule, weight)
    at = np.column_stack([np.bincount(rule, weight * side[item]) / total for side in (x, y)]) * _INSIDE
    # the golden angle: points in one place part in different directions
    turn = 2.399963 * np.arange(total.size)
    at += 1e-3 * np.column_stack([np.cos(turn), np.sin(turn)])
    for _ in range(_ROUNDS):
        apart = at[:, None] - at[None]
        distance = np.hypot(apart[..., 0], apart[..., 1])
        np.fill_diagonal(distance, np.inf)
        push = np.maximum(_APART - distance, 0.0) / (2 * distance)
        at += (apart * push[..., None]).sum(axis=1)
        radius = np.hypot(at[:, 0], at[:, 1])
        at *= np.minimum(1.0, _INSIDE / np.maximum(radius, 1e-12))[:, None]
    return at[:, 0], at[:, 1]
