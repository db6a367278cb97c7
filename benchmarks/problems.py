"""The problems: data, who solves them, and when two answers are the same."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from benchmarks import data


@dataclass(frozen=True)
class Problem:
    """`same(ours, theirs)` raises an AssertionError where the answers differ."""

    name: str
    task: str
    data: Callable[[], Any]
    rivals: tuple[str, ...]
    same: Callable[[Any, Any], None]


def _same_money(ours: dict[Any, float], theirs: dict[Any, float]) -> None:
    assert ours.keys() == theirs.keys()
    assert all(abs(ours[key] - theirs[key]) < 0.005 for key in ours)


def _same_rows(ours: Any, theirs: Any) -> None:
    np.testing.assert_allclose(np.asarray(ours), theirs, rtol=1e-9, atol=1e-9)


def _same_parameters(ours: dict[str, float], theirs: dict[str, float], share: float = 2e-3) -> None:
    for name, value in theirs.items():
        assert abs(ours[name] - value) <= share * abs(value), f"{name}: {ours[name]} and {value}"


def _equal(ours: Any, theirs: Any) -> None:
    assert ours == theirs, f"{ours} and {theirs}"


def _same_inertia(ours: float, theirs: float) -> None:
    assert abs(ours - theirs) <= 1e-6 * theirs, f"inertia {ours} and {theirs}"


def _same_number(ours: float, theirs: float) -> None:
    assert abs(ours - theirs) <= 1e-9, f"{ours} and {theirs}"


def _same_in_single_precision(ours: float, theirs: float) -> None:
    assert abs(ours - theirs) <= 1e-4 * theirs, f"inertia {ours} and {theirs}"


def _no_worse(ours: float, theirs: float) -> None:
    assert ours <= theirs * (1.0 + 1e-6), f"cost {ours} and {theirs}"


def _no_worse_any(ours: list[float], theirs: list[float]) -> None:
    for one, other in zip(ours, theirs, strict=True):
        _no_worse(one, other)


PROBLEMS: dict[str, Problem] = {}


def _add(
    name: str,
    task: str,
    load: Callable[[], Any],
    rivals: tuple[str, ...],
    same: Callable[[Any, Any], None],
) -> None:
    PROBLEMS[name] = Problem(name, task, load, rivals, same)


_add("log, Complete Journey", "log", data.complete_journey, ("pandas",), _same_money)
_add("summary, CDNOW master", "summary", data.cdnow_spending, ("lifetimes",), _same_rows)
_add("summary, Complete Journey", "summary", data.complete_journey_spending, ("lifetimes",), _same_rows)
_add(
    "frame to summary, 1e7 lines",
    "frame to summary",
    data.ten_million_lines,
    ("polars", "pandas"),
    _same_rows,
)
_add("behaviour at 12 dates, Complete Journey", "behaviour", data.journey_lines, ("polars",), _same_rows)
_add("BG/NBD, CDNOW master", "bgnbd", data.cdnow_rows, ("lifetimes",), _same_parameters)
_add(
    "BG/NBD against its posterior mode, CDNOW master",
    "bgnbd, mode",
    data.cdnow_rows,
    ("pymc_marketing",),
    partial(_same_parameters, share=0.05),  # priors move the maximum a little
)
_add("BG/NBD, 1e5 simulated", "bgnbd", data.simulated_rows, ("lifetimes",), _same_parameters)
_add("Pareto/NBD, CDNOW master", "paretonbd", data.cdnow_rows, ("lifetimes",), _same_parameters)
_add("Pareto/NBD, 1e5 simulated", "paretonbd", data.simulated_days, ("lifetimes",), _same_parameters)
_add("BG/NBD, 1e6 simulated", "bgnbd", data.million_rows, ("lifetimes",), _same_parameters)
_add("Gamma-Gamma, 1e6 simulated", "gammagamma", data.million_spenders, ("lifetimes",), _same_parameters)
_add("expected maximum profit, 1e6", "profit", data.million_scores, ("empulse", "emp"), _same_rows)
for task, params in (("bgnbd", data.BGNBD), ("paretonbd", data.PARETONBD)):
    for answer in ("purchases", "alive"):
        for grain in ("to the day", "to the second"):
            _add(
                f"{task} {answer}, 1e6 {grain}",
                f"{task} {answer}",
                partial(data.million_to_predict, params, grain),
                ("lifetimes",),
                _same_rows,
            )


def _mine(name: str, min_count: int) -> Any:
    return data.baskets(name), min_count


TITLES = {
    "products": "Complete Journey products",
    "types": "Complete Journey types",
    "bms_webview1": "BMS-WebView-1",
}
PYFIM = ("pyfim:eclat", "pyfim:fpgrowth")
SUPPORTS = {
    "retail": (88, 9, 5),
    "T10I4D100K": (500, 100, 10),
    "mushroom": (1600, 400),
    "chess": (2200, 1600),
    "bms_webview1": (60, 36),
    "products": (30, 10),
    "types": (150, 30),
}
# What ends in minutes, and can be held: mlxtend wants a dense frame.
SLOW = {
    ("T10I4D100K", 500): ("mlxtend", "efficient_apriori"),
    ("bms_webview1", 60): ("mlxtend", "efficient_apriori"),
    ("chess", 2200): ("mlxtend",),
}
CONDENSED = {
    "retail": (88, 9),
    "T10I4D100K": (100, 30),
    "mushroom": (400,),
    "chess": (1900,),
    "bms_webview1": (36,),
    "products": (10,),
    "types": (60,),
}
# rusket rounds 10 of 155,848 baskets up and finds half of the itemsets.
RUSKET_IS_WRONG = {("products", 10)}


def _add_mining() -> None:
    for name, counts in SUPPORTS.items():
        for count in counts:
            cell = f"{TITLES.get(name, name)} at {count}"
            rusket = () if (name, count) in RUSKET_IS_WRONG else ("rusket",)
            rivals = (*PYFIM, *rusket, *SLOW.get((name, count), ()))
            _add(f"itemsets, {cell}", "itemsets", partial(_mine, name, count), rivals, _equal)
        _add(f"count of itemsets, {cell}", "count", partial(_mine, name, count), PYFIM, _equal)
    for name, counts in CONDENSED.items():
        for count in counts:
            for target in ("closed", "maximal"):
                cell = f"{TITLES.get(name, name)} at {count}"
                _add(f"{target} itemsets, {cell}", target, partial(_mine, name, count), PYFIM, _equal)
    for count in SUPPORTS["products"]:
        cell = f"Complete Journey products at {count}"
        load = partial(_frame_and_count, count)
        _add(f"frame to itemsets, {cell}", "frame to itemsets", load, ("pandas",), _equal)


def _frame_and_count(count: int) -> Any:
    return data.complete_journey()[["basket_id", "product_id"]], count


_add_mining()


def _rules(name: str, min_count: int, min_confidence: float) -> Any:
    return data.baskets(name), min_count, min_confidence


for _name, _count, _confidence in (("groceries", 10, 0.5), ("retail", 45, 0.5), ("mushroom", 2438, 0.6)):
    _add(f"rules, {_name} at {_count} and {_confidence}", "rules", partial(_rules, _name, _count, _confidence),
         ("mlxtend", "efficient_apriori"), _equal)  # fmt: skip


def _clicks(name: str, min_count: int) -> Any:
    return data.sequences(name), min_count


for _name, _counts in {"sign": (511, 365), "kosarak25k": (500, 250), "msnbc": (9537, 6358)}.items():
    for _count in _counts:
        _add(f"sequences, {_name} at {_count}", "sequences", partial(_clicks, _name, _count),
             ("prefixspan", "rusket"), _equal)  # fmt: skip


def _profits(min_utility: int) -> Any:
    return data.foodmart_profits(), min_utility


for _utility in (10_000, 5_000, 2_500):
    _add(
        f"high-utility itemsets, foodmart at {_utility}",
        "utility",
        partial(_profits, _utility),
        ("rusket",),
        _equal,
    )

for _d, _k in ((3, 8), (5, 8), (8, 10)):
    for _kind, _load in (("customers", data.customers), ("clouds", data.clouds)):
        _add(f"k-means, {_kind}, 1e6 x {_d}, k = {_k}", "kmeans", partial(_load, 1_000_000, _d, _k),
             ("sklearn",), _same_inertia)  # fmt: skip
_add(
    "k-means beside single precision, 1e6 x 3, k = 8",
    "kmeans",
    partial(data.customers, 1_000_000, 3, 8),
    ("faiss",),
    _same_in_single_precision,
)
_add(
    "k-means, ten starts, 1e6 x 3, k = 8",
    "ten starts",
    partial(data.customers, 1_000_000, 3, 8),
    ("sklearn",),
    _no_worse,
)
_add(
    "k-means, k = 2 to 12, ten starts each, 1e6 x 3",
    "scan",
    partial(data.customers, 1_000_000, 3, 8),
    ("sklearn",),
    _no_worse_any,
)
for _d in (3, 8):
    _add(f"silhouette, 20,000 x {_d}, 8 segments", "silhouette", partial(data.segments, 20_000, _d, 8),
         ("sklearn",), _same_number)  # fmt: skip
_add("k-prototypes, 1e5 x (4 + 4), k = 8", "kprototypes", data.mixed_customers, ("kmodes",), _no_worse)
