"""lifetimes 0.11.3, the library that crmintel's lifetime models take the place of."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from functools import partial
from typing import Any

from benchmarks.rivals import Entry

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from lifetimes import BetaGeoFitter, ParetoNBDFitter
    from lifetimes.utils import summary_data_from_transaction_data


def _summary(frame: Any) -> Any:
    return summary_data_from_transaction_data(frame, "customer", "time", monetary_value_col="amount")


def _fit(fitter: Callable[[], Any], rows: Any) -> dict[str, float]:
    frequency, recency, T = rows.T
    return fitter().fit(frequency, recency, T).params_.to_dict()


TASKS = {
    "summary": Entry(
        _summary, answer=lambda table: table[["frequency", "recency", "T", "monetary_value"]].to_numpy()
    ),
    "bgnbd": Entry(partial(_fit, BetaGeoFitter)),
    "paretonbd": Entry(partial(_fit, ParetoNBDFitter)),
}
