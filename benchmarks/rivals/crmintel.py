"""crmintel itself."""

from __future__ import annotations

from typing import Any

import crmintel as ci
from benchmarks.rivals import Entry


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


def _bgnbd(rows: Any) -> ci.BetaGeoNBD:
    return ci.BetaGeoNBD().fit(rows)


def _bgnbd_answer(model: ci.BetaGeoNBD) -> dict[str, float]:
    return dict(zip(("r", "alpha", "a", "b"), (model.r_, model.alpha_, model.a_, model.b_), strict=True))


def _itemsets(problem: Any) -> Any:
    baskets, min_support = problem
    return ci.FrequentItemsets(min_support=min_support).fit(baskets).itemsets_


def _itemsets_answer(itemsets: Any) -> dict[frozenset[Any], int]:
    return {frozenset(found.items): int(found.count) for found in itemsets}


def _kmeans(problem: Any) -> ci.CustomerKMeans:
    rows, centers = problem
    return ci.CustomerKMeans(n_clusters=len(centers), init=centers, n_init=1, max_iter=300).fit(rows)


TASKS = {
    "log": Entry(
        _log, answer=lambda log: dict(zip(log.customers.tolist(), log.spend().tolist(), strict=True))
    ),
    "summary": Entry(lambda log: ci.CustomerSummary().fit_transform(log), prepare=_spend_log),
    "frame to summary": Entry(lambda frame: ci.CustomerSummary().fit_transform(_spend_log(frame))),
    "bgnbd": Entry(_bgnbd, answer=_bgnbd_answer),
    "itemsets": Entry(_itemsets, answer=_itemsets_answer),
    "kmeans": Entry(_kmeans, answer=lambda model: float(model.inertia_)),
}
