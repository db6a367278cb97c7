"""Rules at a glance: each one a point by support and confidence, coloured by how strong it is."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.validation import check_is_fitted

from crmintel.exceptions import InputError
from crmintel.patterns._measure import check_measure
from crmintel.patterns.measures import MEASURES
from crmintel.patterns.rules import AssociationRules
from crmintel.patterns.ruleset import RuleSet
from crmintel.plots._axes import add_colorbar, axes_for, check_kind, drawable, scale_of, write_out

_MANY = 500  # points beyond which a vector graphic is better off with a picture of them


def rules_of(rules: Any) -> RuleSet:
    """Return a RuleSet, or that of a fitted AssociationRules, if it holds a rule."""
    if isinstance(rules, AssociationRules):
        check_is_fitted(rules)
    found = rules.rules_ if isinstance(rules, AssociationRules) else rules
    check_kind(found, RuleSet, "rules", "AssociationRules().fit(baskets)")
    if len(found) == 0:
        raise InputError("there are no rules to show; lower min_value, or the miner's min_support.")
    return found


def values_of(rules: RuleSet, measure: str) -> NDArray[np.float64]:
    """Return a measure of the rules, if it is a number for one of them at least."""
    values = np.asarray(getattr(rules, measure))
    if not np.isfinite(values).any():
        raise InputError(
            f"{measure} is infinite or undefined for all of these {len(rules):,} rules: show another measure, e.g. "
            "'lift'."
        )
    return values


def words(measure: str) -> str:
    """Return the name of a measure for an axis."""
    return measure.replace("_", " ")


def short(label: Any, length: int) -> str:
    """Return a label as text of at most ``length`` letters, on one line."""
    text = " ".join(str(label).split())
    return text if len(text) <= length else text[: length - 1].rstrip() + "…"


class RuleScatterDisplay:
    """Every rule as a point by two measures, coloured by a third; strong rules are drawn last.

    Use `from_rules` to make one.

    Parameters
    ----------
    data : dict of ndarray
        One value per rule for each of the three measures: on the x axis, on the y axis, as colour.

    Attributes
    ----------
    data : dict of ndarray
        The numbers shown, in the order of the rules.
    ax_, figure_
        The axes and the figure, after `plot`.

    References
    ----------
    .. [1] Bayardo, R. J., Agrawal, R. (1999). Mining the most interesting rules. KDD, 145-154.

    Examples
    --------
    >>> from crmintel import AssociationRules, FrequentItemsets
    >>> from crmintel.plots.rules import RuleScatterDisplay
    >>> rules = AssociationRules(FrequentItemsets(1)).fit([["tea", "cup"], ["tea"], ["gin"]]).rules_
    >>> RuleScatterDisplay.from_rules(rules).data["confidence"].tolist()
    [1.0, 0.5]
    """

    def __init__(self, data: dict[str, NDArray[np.float64]]) -> None:
        self.data = data

    @classmethod
    def from_rules(
        cls, rules: Any, *, x: str = "support", y: str = "confidence", color: str = "lift"
    ) -> Self:
        """Compute the measures.

        Parameters
        ----------
        rules : RuleSet or fitted AssociationRules
        x, y, color : str
            Names of three different measures.

        Raises
        ------
        InputError
            If there are no rules, or a measure is unknown, or infinite for all of them.
        """
        found = rules_of(rules)
        names = [check_measure(value, name) for name, value in (("x", x), ("y", y), ("color", color))]
        if len(set(names)) < 3:
            raise InputError(f"x, y and color must be three different measures, got {names}.")
        return cls({name: values_of(found, name) for name in names})

    def __repr__(self) -> str:
        return f"RuleScatterDisplay({next(iter(self.data.values())).size:,} rules by {', '.join(self.data)})"

    def plot(self, ax: Any = None) -> Self:
        """Draw the points; scales are logarithmic where values span more than a factor of 8.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            None makes a new figure.

        Raises
        ------
        MissingExtraError
            If matplotlib is not installed.
        """
        ax = axes_for(ax, self)
        x, y, color = self.data
        across, up, values = (drawable(column) for column in self.data.values())
        strong_last = np.argsort(-values if MEASURES[color].small_is_strong else values, kind="stable")
        points = ax.scatter(
            across[strong_last], up[strong_last], c=values[strong_last], norm=scale_of(values), cmap="viridis",
            s=22 if values.size <= _MANY else 8, linewidths=0, alpha=0.9, rasterized=values.size > _MANY,
        )  # fmt: skip
        ax.set(xlabel=words(x), ylabel=words(y), xscale=scale_of(across), yscale=scale_of(up))
        write_out(ax.xaxis)
        write_out(ax.yaxis)
        add_colorbar(points, ax, words(color))
        self.ax_, self.figure_ = ax, ax.figure
        return self
