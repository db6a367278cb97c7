"""Compiling all kernels ahead of time: every estimator that has one is used once, on a small simulated shop."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import crmintel as ci


def _log() -> Any:
    return ci.datasets.make_transactions(300, weeks=52, n_items=6, random_state=0)[0]


def _rows() -> Any:
    return ci.CustomerSummary().fit_transform(_log())


def _build_logs() -> None:
    for id_of_last in (4, 10**15):  # ids close together are looked up in a table, others hashed
        customer = np.array([3, 1, 3, id_of_last, 2])
        day = np.datetime64("2024-01-01") + np.array([9, 1, 5, 7, 3]).astype("timedelta64[D]")
        log = ci.TransactionLog.from_arrays(customer=customer, time=day, amount=np.ones(5), item=customer)
        log[::-1].baskets()
    past, _ = log.split("2024-01-06")
    past.spend()


def _clean() -> None:
    log = ci.TransactionLog.from_arrays(
        customer=["a"] * 2, time=["2024-01-01", "2024-01-02"], item=["x"] * 2, amount=[5.0, -2.0]
    )
    ci.LogCleaner().fit_transform(log)


def _expect_purchases() -> None:
    model = ci.BetaGeoNBD().fit(_rows())
    model.transform(_rows())
    model.probability_alive(_rows(), after=7)
    model.predict_total(_rows())


def _cluster() -> None:
    for n_columns in (2, 9):
        rows = np.random.default_rng(0).normal(size=(500, n_columns))
        labels = ci.CustomerKMeans(n_clusters=3, n_init=2, random_state=0).fit(rows).predict(rows)
    ci.silhouette(rows, labels)


def _mine(*algorithms: str) -> None:
    baskets = _log().baskets()
    for algorithm in algorithms:
        ci.FrequentItemsets(min_support=2, algorithm=algorithm).fit(baskets).transform(baskets)
    wide = [[item, item + 1] for item in range(1100)]  # more items than a table of pairs has room for
    ci.FrequentItemsets(min_support=1).fit(wide).transform(wide)
    ci.FrequentItemsets(min_support=2).fit(baskets, sample_weight=np.full(len(baskets), 1.5))


def _condense() -> None:
    wide = np.random.default_rng(0).integers(60, size=(1000, 2)).tolist()  # too wide for columns of bits
    for baskets in (_log().baskets(), wide):
        for target in ("closed", "generators"):
            ci.FrequentItemsets(min_support=2, target=target, max_length=1).fit(baskets)


def _rules() -> Any:
    return ci.AssociationRules(ci.FrequentItemsets(min_support=2), min_value=0.1).fit(_log().baskets()).rules_


def _sequences() -> None:
    sequences = _log().sequences(level="week")
    ci.FrequentSequences(min_support=0.3, max_length=3).fit(sequences)
    for max_gap in (None, "2W"):
        ci.FrequentSequences(min_support=0.3, target="closed", max_length=3, max_gap=max_gap).fit(sequences)
    ci.NextItem(ci.FrequentSequences(min_support=0.3)).fit(sequences).predict(sequences)


def _expect_at_opportunities() -> None:
    rows = ci.CustomerSummary(unit="week", collapse="week").fit_transform(_log())
    model = ci.BetaGeoBetaBinomial().fit(rows)
    model.predict(rows)
    model.next_purchase_quantile(rows)


STEPS: dict[str, Callable[[], Any]] = {
    "TransactionLog": _build_logs,
    "LogCleaner": _clean,
    "CustomerSummary": _rows,
    "BehaviourFeatures": lambda: ci.BehaviourFeatures().fit_transform(_log()),
    "churn_snapshots": lambda: ci.churn_snapshots(_log(), horizon="8W"),
    "BetaGeoNBD": _expect_purchases,
    "ParetoNBD": lambda: ci.ParetoNBD().fit(_rows()).transform(_rows()),
    "BetaGeoBetaBinomial": _expect_at_opportunities,
    "GammaGamma": lambda: ci.GammaGamma().fit(_rows()),
    "CustomerKMeans": _cluster,
    "KPrototypes": lambda: ci.KPrototypes(2, n_init=1).fit({"a": [1.0, 2.0, 4.0], "b": ["x", "y", "y"]}),
    "FrequentItemsets": lambda: _mine("auto"),
    "FrequentItemsets, each algorithm": lambda: _mine("fpgrowth", "projection", "bitset"),
    "HighUtilityItemsets": lambda: ci.HighUtilityItemsets(top_k=5).fit(_log()),
    "FrequentItemsets, closed": _condense,
    "AssociationRules": _rules,
    "RuleSet": lambda: [
        _rules().significant(),
        *map(_rules().prune, ("improvement", "closure", "productive")),
    ],
    "RuleRecommender": lambda: ci.RuleRecommender(_rules()).recommend(_log(), n=1),
    "CoPurchaseRecommender": lambda: ci.CoPurchaseRecommender().fit(_log()).recommend(_log(), n=1),
    "FrequentSequences": _sequences,
    "expected_maximum_profit": lambda: ci.expected_maximum_profit([1, 0, 1], [0.3, 0.2, 0.1]),
    "concordance_index": lambda: ci.concordance_index([1, 2], [1, 0], [0.2, 0.1]),
    "make_baskets": lambda: ci.datasets.make_baskets(n_baskets=50, n_items=20, random_state=0),
}


def warmup() -> None:
    """Compile every kernel, so that no later call waits for the compiler.

    Kernels are compiled at their first call, once for each installation, and kept on disk. Call this where that wait
    would hurt: while a container image is built, or before something is timed.

    Returns
    -------
    None

    Examples
    --------
    >>> import crmintel as ci
    >>> ci.warmup()
    """
    for step in STEPS.values():
        step()
