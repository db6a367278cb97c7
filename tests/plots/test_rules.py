"""The displays of rules: their numbers, what is drawn of them, and what cannot be shown."""

from __future__ import annotations

import sys
from itertools import combinations

import numpy as np
import pytest
from scipy import sparse
from sklearn.exceptions import NotFittedError

import crmintel as ci
from crmintel.exceptions import CapacityError, InputError, InputTypeError, MissingExtraError
from crmintel.plots import RuleGraphDisplay, RuleMatrixDisplay, RuleScatterDisplay

DISPLAYS = (RuleScatterDisplay, RuleMatrixDisplay, RuleGraphDisplay)


@pytest.fixture(scope="module")
def rules():
    baskets, _ = ci.datasets.make_baskets(n_baskets=2000, n_items=40, random_state=0)
    baskets = ci.Baskets(baskets.matrix, [f"product {code}" for code in range(baskets.shape[1])])
    return ci.AssociationRules(ci.FrequentItemsets(0.01, max_length=3), min_value=0.2).fit(baskets).rules_


@pytest.fixture
def pyplot():
    pytest.importorskip("matplotlib").use("agg")
    import matplotlib.pyplot as plt

    yield plt
    plt.close("all")


def rule_set(pairs, n=10, items=("a", "b", "c", "d", "e")):
    """Rules from (antecedent, consequent, n_ab, n_a, n_b)."""
    sides = []
    for k in (0, 1):
        dense = np.zeros((len(pairs), len(items)), dtype=bool)
        for row, pair in enumerate(pairs):
            dense[row, [items.index(item) for item in pair[k]]] = True
        sides.append(sparse.csr_array(dense))
    n_ab, n_a, n_b = np.array([pair[2:] for pair in pairs]).T
    return ci.RuleSet(*sides, n_ab=n_ab, n_a=n_a, n_b=n_b, n=n, items=np.array(items, dtype=object))


# -- scatter -----------------------------------------------------------------------------------------------------


def test_the_scatter_shows_three_measures(rules, pyplot):
    display = RuleScatterDisplay.from_rules(rules, x="coverage", color="fisher_p").plot()
    assert list(display.data) == ["coverage", "confidence", "fisher_p"]
    np.testing.assert_array_equal(display.data["confidence"], rules.confidence)
    points = display.ax_.collections[0]
    drawn = points.get_offsets()
    assert sorted(map(tuple, drawn)) == sorted(zip(rules.coverage, rules.confidence, strict=True))
    assert points.get_array()[-1] == rules.fisher_p.min()  # the strongest stands in front
    assert (display.ax_.get_xlabel(), display.ax_.get_ylabel()) == ("coverage", "confidence")


def test_scales_follow_the_values(pyplot):
    wide = rule_set([("a", "b", 1, 1, 10), ("a", "c", 900, 900, 900)], n=1000)
    assert RuleScatterDisplay.from_rules(wide).plot().ax_.get_xscale() == "log"
    narrow = rule_set([("a", "b", 7, 8, 8), ("a", "c", 9, 10, 9)])
    assert RuleScatterDisplay.from_rules(narrow).plot().ax_.get_xscale() == "linear"


def test_infinite_and_undefined_measures_are_drawn(pyplot):
    found = rule_set([("a", "b", 4, 4, 5), ("a", "c", 3, 4, 5), ("d", "e", 0, 0, 3)])
    assert np.isinf(found.conviction[0])
    assert np.isnan(found.conviction[2])
    display = RuleScatterDisplay.from_rules(found, color="conviction").plot()
    display.figure_.canvas.draw()
    assert np.isinf(display.data["conviction"][0])
    for kind in (RuleMatrixDisplay, RuleGraphDisplay):
        kind.from_rules(found[:2], measure="conviction").plot().figure_.canvas.draw()


@pytest.mark.parametrize("kind", [RuleScatterDisplay, RuleGraphDisplay, RuleMatrixDisplay])
def test_a_measure_that_is_no_number_for_any_rule_is_refused(kind):
    found = rule_set([("a", "b", 4, 4, 5), ("a", "c", 3, 3, 5)])
    assert np.isinf(found.conviction).all()
    name = "color" if kind is RuleScatterDisplay else "measure"
    with pytest.raises(InputError, match="conviction is infinite or undefined for all of these 2 rules"):
        kind.from_rules(found, **{name: "conviction"})


@pytest.mark.parametrize("kind", [RuleGraphDisplay, RuleMatrixDisplay])
@pytest.mark.parametrize("label", ["2 for $5 or $9", "$\\frac{$", "W" * 500, "two\nlines", "a_b^c%"])
def test_any_label_is_drawn_as_it_is(pyplot, kind, label):
    found = rule_set([((label,), "b", 3, 4, 5), ("b", (label,), 3, 5, 4)], items=(label, "b"))
    display = kind.from_rules(found).plot()
    display.figure_.canvas.draw()
    ticks = [*display.ax_.get_xticklabels(), *display.ax_.get_yticklabels()]
    drawn = [text for text in (*display.ax_.texts, *ticks) if text.get_text()]
    assert any(" ".join(label.split())[:12] in text.get_text() for text in drawn)
    assert not any(text.get_parse_math() for text in drawn if label[:3] in text.get_text())


def test_several_axes_are_no_place_to_draw(pyplot):
    with pytest.raises(InputTypeError, match="ndarray"):
        RuleScatterDisplay.from_rules(rule_set([("a", "b", 3, 4, 5)])).plot(pyplot.subplots(2)[1])


# -- grouped matrix ------------------------------------------------------------------------------------------------


def test_the_cells_of_the_matrix():
    """Lift is 10 / n_b here: the antecedents a and b conclude alike, c does not."""
    found = rule_set(
        [
            ("a", "d", 2, 2, 2), ("b", "d", 1, 1, 2), ("a", "e", 1, 2, 5), ("b", "e", 1, 1, 5),
            ("c", "e", 3, 3, 5),
        ]
    )  # fmt: skip
    display = RuleMatrixDisplay.from_rules(found, n_groups=2)
    assert display.consequents == ["d", "e"]
    assert display.groups == ["4 rules: a, b", "1 rule: c"]
    cells = {
        (g, c): (n, s, v) for g, c, n, s, v in zip(*(x.tolist() for x in display.data.values()), strict=True)
    }
    assert cells == {
        (0, 0): (2, pytest.approx(0.15), 5.0),
        (0, 1): (2, pytest.approx(0.1), 1.5),
        (1, 1): (1, 0.3, 2.0),
    }


def test_the_matrix_counts_every_rule(rules):
    display = RuleMatrixDisplay.from_rules(rules, n_groups=6, max_consequents=10**6)
    assert display.data["rules"].sum() == len(rules)
    assert len(display.groups) <= 6
    assert len(display.consequents) == len({rule.consequent for rule in rules})
    again = RuleMatrixDisplay.from_rules(rules, n_groups=6, max_consequents=10**6)
    assert again.groups == display.groups
    for name, column in display.data.items():
        np.testing.assert_array_equal(column, again.data[name])
    few = RuleMatrixDisplay.from_rules(rules, n_groups=6, max_consequents=4)
    often = sorted(display.consequents, key=lambda name: -sum(r.consequent == (name,) for r in rules))
    assert len(few.consequents) == 4
    assert few.consequents == [name for name in display.consequents if name in few.consequents]
    shown = [sum(rule.consequent == (name,) for rule in rules) for name in few.consequents]
    assert sorted(shown, reverse=True) == [sum(rule.consequent == (n,) for rule in rules) for n in often[:4]]
    assert few.data["rules"].sum() == sum(shown)


def test_strong_groups_and_consequents_come_first(rules):
    data = RuleMatrixDisplay.from_rules(rules, n_groups=8).data
    first = data["lift"][(data["group"] == 0)].max()
    last = data["lift"][(data["group"] == data["group"].max())].max()
    assert first > last
    small = RuleMatrixDisplay.from_rules(rules, n_groups=8, measure="fisher_p").data["fisher_p"]
    assert small[0] < np.median(small)


def test_the_matrix_is_drawn(rules, pyplot):
    display = RuleMatrixDisplay.from_rules(rules, n_groups=5).plot()
    assert [label.get_text() for label in display.ax_.get_yticklabels()] == display.consequents
    assert [label.get_text() for label in display.ax_.get_xticklabels()] == display.groups
    np.testing.assert_array_equal(display.ax_.collections[0].get_array(), display.data["lift"])


def test_an_antecedent_without_items(pyplot):
    found = rule_set([((), "a", 5, 10, 5), ("b", "a", 3, 4, 5)])
    groups = RuleMatrixDisplay.from_rules(found, n_groups=2).groups
    assert sorted(groups) == ["1 rule: (any basket)", "1 rule: b"]
    RuleGraphDisplay.from_rules(found).plot().figure_.canvas.draw()


def test_long_labels_are_cut(rules):
    items = np.array([f"{label}, in a bottle of recycled glass" for label in rules.items], dtype=object)
    counts = {name: getattr(rules, name) for name in ("n_ab", "n_a", "n_b", "n")}
    named = ci.RuleSet(rules.antecedents, rules.consequents, **counts, items=items)
    assert max(map(len, RuleMatrixDisplay.from_rules(named).consequents)) == 32
    assert all(label.endswith("…") for label in RuleGraphDisplay.from_rules(named).items["label"])


def test_too_many_rules_for_the_matrix(monkeypatch, rules):
    monkeypatch.setattr("crmintel.plots.rule_matrix._MOST_CELLS", 10)
    with pytest.raises(
        CapacityError, match=r"antecedents x .* consequents are too many to group.*\[:10_000\]"
    ):
        RuleMatrixDisplay.from_rules(rules)


# -- graph ---------------------------------------------------------------------------------------------------------


def test_the_graph_holds_the_strongest_rules(rules):
    display = RuleGraphDisplay.from_rules(rules, n_rules=12)
    best = rules.sort("lift")[:12]
    np.testing.assert_array_equal(display.rules["lift"], best.lift)
    labels = display.items["label"]
    for number, rule in enumerate(best):
        mine = display.data["rule"] == number
        for side, flag in ((rule.antecedent, False), (rule.consequent, True)):
            ends = display.data["item"][mine & (display.data["is_consequent"] == flag)]
            assert sorted(labels[ends]) == sorted(side)


def test_the_layout_keeps_things_apart(rules):
    display = RuleGraphDisplay.from_rules(rules, n_rules=30)
    again = RuleGraphDisplay.from_rules(rules, n_rules=30)
    np.testing.assert_array_equal(display.rules["x"], again.rules["x"])
    np.testing.assert_allclose(np.hypot(display.items["x"], display.items["y"]), 1.0)
    at = np.column_stack([display.rules["x"], display.rules["y"]])
    assert np.hypot(*at.T).max() < 1.0
    gaps = [np.hypot(*(at[i] - at[j])) for i, j in combinations(range(len(at)), 2)]
    assert min(gaps) > 0.05


def test_labels_do_not_overlap(rules, pyplot):
    display = RuleGraphDisplay.from_rules(rules, n_rules=30).plot()
    display.figure_.canvas.draw()
    angles = np.unwrap(np.arctan2(display.items["y"], display.items["x"]))
    heights = 8 / 72 * display.figure_.dpi  # a line of 8 points, in pixels
    radius = np.diff(display.ax_.transData.transform([(0, 0), (1, 0)])[:, 0])[0]
    assert abs(np.diff(angles)).min() * radius > heights
    assert len(display.ax_.texts) >= len(display.items["label"])


def test_items_of_one_rule_are_neighbours():
    found = rule_set([("a", "d", 2, 2, 2), ("d", "a", 2, 2, 2), ("b", "e", 2, 2, 2), ("e", "b", 2, 2, 2)])
    labels = RuleGraphDisplay.from_rules(found).items["label"].tolist()
    assert {frozenset(labels[:2]), frozenset(labels[2:])} == {frozenset("ad"), frozenset("be")}


# -- all of them -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", DISPLAYS)
def test_a_display_takes_fitted_rules_and_given_axes(kind, rules, pyplot):
    fitted = ci.AssociationRules(ci.FrequentItemsets(1)).fit([["tea", "cup"], ["tea", "cup"], ["gin"]])
    figure, ax = pyplot.subplots()
    size = tuple(figure.get_size_inches())
    display = kind.from_rules(fitted)
    assert display.plot(ax=ax) is display
    assert display.ax_ is ax
    assert display.figure_ is figure
    assert tuple(figure.get_size_inches()) == size
    display.figure_.canvas.draw()


@pytest.mark.parametrize("kind", DISPLAYS)
def test_what_cannot_be_shown(kind, rules):
    with pytest.raises(InputError, match="there are no rules to show"):
        kind.from_rules(rules[:0])
    with pytest.raises(
        InputTypeError, match=r"must be a RuleSet, got list; AssociationRules\(\)\.fit\(baskets\)"
    ):
        kind.from_rules([])
    with pytest.raises(NotFittedError):
        kind.from_rules(ci.AssociationRules())


@pytest.mark.parametrize("kind", DISPLAYS)
def test_without_matplotlib(kind, rules, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'crmintel\[plot\]'"):
        kind.from_rules(rules).plot()


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda r: RuleScatterDisplay.from_rules(r, x="lift"), InputError, "must be three different measures"),
        (lambda r: RuleScatterDisplay.from_rules(r, color="strength"), InputError, "color must be one of"),
        (lambda r: RuleMatrixDisplay.from_rules(r, n_groups=0), InputError, "n_groups must be >= 1"),
        (lambda r: RuleMatrixDisplay.from_rules(r, n_groups=2.5), InputTypeError, "n_groups must be a whole number"),
        (lambda r: RuleMatrixDisplay.from_rules(r, measure="strength"), InputError, "measure must be one of"),
        (lambda r: RuleGraphDisplay.from_rules(r, n_rules=1000), InputError, "n_rules must be >= 1 and <= 200"),
    ],
)  # fmt: skip
def test_wrong_parameters(make, error, message, rules):
    with pytest.raises(error, match=message):
        make(rules)


def test_displays_say_what_they_hold(rules):
    assert repr(RuleScatterDisplay.from_rules(rules)) == (
        f"RuleScatterDisplay({len(rules):,} rules by support, confidence, lift)"
    )
    assert repr(RuleGraphDisplay.from_rules(rules, n_rules=3)).startswith("RuleGraphDisplay(3 rules over ")
    matrix = repr(RuleMatrixDisplay.from_rules(rules, n_groups=3, max_consequents=5))
    assert matrix.endswith("rules: 3 groups x 5 consequents)")


def test_labels_of_the_network_fit_into_a_new_figure(pyplot):
    names = [f"A LONG NAME, IN CAPITALS, {k} AND MORE" for k in range(9)]
    found = ci.AssociationRules(ci.FrequentItemsets(1, max_length=2)).fit([names]).rules_
    figure = RuleGraphDisplay.from_rules(found).plot().figure_
    figure.canvas.draw()
    for text in figure.axes[0].texts:
        if text.get_text():
            box = text.get_window_extent()
            assert box.x0 >= 0
            assert box.y0 >= 0
            assert box.x1 <= figure.bbox.x1
            assert box.y1 <= figure.bbox.y1
