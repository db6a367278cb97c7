"""Compiling all kernels ahead of time, by fitting every estimator that has one to a handful of customers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import crmintel as ci
from crmintel.datasets import make_transactions


def _log() -> Any:
    return make_transactions(300, weeks=52, n_items=6, random_state=0)[0]


def _frame() -> dict[str, Any]:
    """Lines out of order, of customers with ids close together and far apart, which take different ways."""
    customer = np.array([3, 1, 3, 10**15, 2], dtype=np.int64)
    return {
        "customer": customer,
        "time": np.datetime64("2024-01-01", "us") + np.array([9, 1, 5, 7, 3]).astype("timedelta64[D]"),
        "amount": np.ones(customer.size),
    }


def _rows() -> Any:
    return ci.CustomerSummary().fit_transform(_log())


STEPS: dict[str, Callable[[], Any]] = {
    "TransactionLog": lambda: ci.TransactionLog.from_frame(
        _frame(), customer="customer", time="time", amount="amount"
    ),
    "Baskets": lambda: _log().baskets(),
    "CustomerSummary": _rows,
    "BetaGeoNBD": lambda: ci.BetaGeoNBD().fit(_rows()).transform(_rows()),
    "GammaGamma": lambda: ci.GammaGamma().fit(_rows()),
    "CustomerKMeans": lambda: [
        ci.CustomerKMeans(n_clusters=2, n_init=1, random_state=0).fit(
            np.random.default_rng(0).normal(size=(99, d))
        )
        for d in (2, 9)  # few columns take the tree, many the bounds
    ],
    "FrequentItemsets": lambda: [
        ci.FrequentItemsets(min_support=2, algorithm=algorithm).fit(_log().baskets())
        for algorithm in ("fpgrowth", "projection", "bitset")
    ],
}


def warmup() -> None:
    """Compile every kernel, so that no later call waits for the compiler.

    Kernels are compiled at their first call, once for each installation, and kept on disk. Call this where that wait
    would hurt: while a container image is built, or before something is timed.

    Examples
    --------
    >>> import crmintel as ci
    >>> ci.warmup()
    """
    for step in STEPS.values():
        step()
