"""crmintel itself."""

from __future__ import annotations

from functools import partial
from typing import Any

import crmintel as ci
from benchmarks import data
from benchmarks.rivals import Entry, digest


def _log(frame: Any) -> ci.TransactionLog:
    return ci.TransactionLog.from_frame(
        frame,
        customer="household_id",
        time="transaction_timestamp",
        item="product_id",
        basket="basket_id",
        amount="sales_value",
    )


def _spend_log(frame: Any) -> ci.TransactionLog:
    return ci.TransactionLog.from_frame(frame, customer="customer", time="time", amount="amount")


def _behaviour_log(frame: Any) -> ci.TransactionLog:
    return ci.TransactionLog.from_frame(
        frame,
        customer="household_id",
        time="transaction_timestamp",
        amount="sales_value",
        item="product_id",
    )


def _behaviour(log: ci.TransactionLog) -> Any:
    """All columns; the rival's are a third of them."""
    return ci.BehaviourFeatures(data.WINDOWS).fit_transform(log.snapshots(data.MONTHS))


def _behaviour_answer(rows: Any) -> Any:
    windows = [f"{name}_{days}d" for days in data.WINDOWS for name in ("purchases", "spend", "items")]
    wanted = [*windows, "purchases", "spend", "items", "time_since_last", "tenure"]
    return rows[:, [rows.columns.index(name) for name in wanted]]


def _parameters(model: Any) -> dict[str, float]:
    return model.params_


def _itemsets(target: str, problem: Any) -> Any:
    baskets, min_count = problem
    found = ci.FrequentItemsets(min_support=min_count, target=target).fit(baskets).itemsets_
    return found, found.items, found.offsets, found.counts


def _itemsets_answer(result: Any) -> Any:
    return digest((frozenset(found.items), found.count) for found in result[0])


def _count(problem: Any) -> int:
    baskets, min_count = problem
    return ci.FrequentItemsets(min_support=min_count).count(baskets)


def _mined(problem: Any) -> Any:
    baskets, min_count, min_confidence = problem
    return ci.FrequentItemsets(min_support=min_count).fit(baskets).itemsets_, min_confidence


def _rules(problem: Any) -> Any:
    itemsets, min_confidence = problem
    return ci.AssociationRules(min_value=min_confidence, max_consequent=None).fit(itemsets).rules_


def _rules_answer(rules: Any) -> Any:
    return digest(
        ((frozenset(rule.antecedent), frozenset(rule.consequent)), rule.n_ab)
        for rule in (rules[k] for k in range(len(rules)))
    )


def _frame_to_itemsets(problem: Any) -> Any:
    frame, min_count = problem
    return _itemsets("all", (ci.Baskets.from_frame(frame, basket="basket_id", item="product_id"), min_count))


def _click_paths(problem: Any) -> Any:
    sequences, min_count = problem
    return ci.Sequences.from_lists([[[item] for item in sequence] for sequence in sequences]), min_count


def _sequences(problem: Any) -> Any:
    sequences, min_count = problem
    return ci.FrequentSequences(min_support=min_count).fit(sequences).patterns_


def _sequences_answer(patterns: Any) -> Any:
    return digest((tuple(item for (item,) in found.elements), found.count) for found in patterns)


def _utility(problem: Any) -> Any:
    profits, min_utility = problem
    return ci.HighUtilityItemsets(min_utility).fit(profits).itemsets_


def _utility_answer(itemsets: Any) -> Any:
    return digest((frozenset(found.items), round(found.utility)) for found in itemsets)


def _kmeans(problem: Any) -> ci.CustomerKMeans:
    rows, centers = problem
    return ci.CustomerKMeans(n_clusters=len(centers), init=centers, n_init=1, max_iter=300).fit(rows)


def _known(model: Any, problem: Any) -> Any:
    params, rows = problem
    return model.from_params(**params), rows


def _ten_starts(problem: Any) -> ci.CustomerKMeans:
    rows, centers = problem
    return ci.CustomerKMeans(n_clusters=len(centers), n_init=10, random_state=0).fit(rows)


def _scan(problem: Any) -> list[float]:
    rows, _ = problem
    fits = (ci.CustomerKMeans(n_clusters=k, n_init=10, random_state=0).fit(rows) for k in range(2, 13))
    return [float(fit.inertia_) for fit in fits]


def _kprototypes(problem: Any) -> ci.KPrototypes:
    numbers, words = problem
    columns = [*numbers.T, *words.T]
    frame = {f"x{j}": column for j, column in enumerate(columns)}
    return ci.KPrototypes(n_clusters=8, n_init=1, random_state=0).fit(frame)


TASKS = {
    "log": Entry(
        _log, answer=lambda log: dict(zip(log.customers.tolist(), log.spend().tolist(), strict=True))
    ),
    "summary": Entry(lambda log: ci.CustomerSummary().fit_transform(log), prepare=_spend_log),
    "frame to summary": Entry(lambda frame: ci.CustomerSummary().fit_transform(_spend_log(frame))),
    "behaviour": Entry(_behaviour, prepare=_behaviour_log, answer=_behaviour_answer),
    "profit": Entry(lambda problem: ci.expected_maximum_profit(*problem)),
    "bgnbd": Entry(lambda rows: ci.BetaGeoNBD().fit(rows), answer=_parameters),
    "bgnbd, mode": Entry(lambda rows: ci.BetaGeoNBD().fit(rows), answer=_parameters),
    "paretonbd": Entry(lambda rows: ci.ParetoNBD().fit(rows), answer=_parameters),
    "gammagamma": Entry(lambda rows: ci.GammaGamma().fit(rows), answer=_parameters),
    "bgnbd purchases": Entry(
        lambda known: known[0].expected_purchases(known[1], 39.0), prepare=partial(_known, ci.BetaGeoNBD)
    ),
    "bgnbd alive": Entry(
        lambda known: known[0].probability_alive(known[1]), prepare=partial(_known, ci.BetaGeoNBD)
    ),
    "paretonbd purchases": Entry(
        lambda known: known[0].expected_purchases(known[1], 39.0), prepare=partial(_known, ci.ParetoNBD)
    ),
    "paretonbd alive": Entry(
        lambda known: known[0].probability_alive(known[1]), prepare=partial(_known, ci.ParetoNBD)
    ),
    "itemsets": Entry(partial(_itemsets, "all"), answer=_itemsets_answer),
    "closed": Entry(partial(_itemsets, "closed"), answer=_itemsets_answer),
    "maximal": Entry(partial(_itemsets, "maximal"), answer=_itemsets_answer),
    "count": Entry(_count),
    "frame to itemsets": Entry(_frame_to_itemsets, answer=_itemsets_answer),
    "rules": Entry(_rules, prepare=_mined, answer=_rules_answer),
    "sequences": Entry(_sequences, prepare=_click_paths, answer=_sequences_answer),
    "utility": Entry(_utility, answer=_utility_answer),
    "kmeans": Entry(_kmeans, answer=lambda model: float(model.inertia_)),
    "ten starts": Entry(_ten_starts, answer=lambda model: float(model.inertia_)),
    "scan": Entry(_scan),
    "silhouette": Entry(lambda problem: float(ci.silhouette(*problem).value)),
    "kprototypes": Entry(_kprototypes, answer=lambda model: float(model.cost_)),
}
