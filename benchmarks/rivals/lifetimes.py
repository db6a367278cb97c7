"""lifetimes 0.11.3, the library that crmintel's lifetime models take the place of."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from benchmarks.rivals import Entry

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import pandas as pd
    from lifetimes import BetaGeoFitter, GammaGammaFitter, ParetoNBDFitter
    from lifetimes.utils import summary_data_from_transaction_data


def _summary(frame: Any) -> Any:
    return summary_data_from_transaction_data(frame, "customer", "time", monetary_value_col="amount")


def _fit(fitter: Callable[[], Any], rows: Any) -> dict[str, float]:
    frequency, recency, T = rows.T
    return fitter().fit(frequency, recency, T).params_.to_dict()


def _fit_spend(problem: Any) -> dict[str, float]:
    return GammaGammaFitter().fit(*problem.T).params_.to_dict()


def _known(fitter: Callable[[], Any], problem: Any) -> Any:
    params, rows = problem
    known = fitter()
    known.params_ = pd.Series(params)
    return known, rows


def _expect(problem: Any) -> Any:
    known, rows = problem
    return np.asarray(known.conditional_expected_number_of_purchases_up_to_time(39.0, *rows.T))


def _alive(problem: Any) -> Any:
    known, rows = problem
    return np.asarray(known.conditional_probability_alive(*rows.T))


TASKS = {
    "summary": Entry(
        _summary, answer=lambda table: table[["frequency", "recency", "T", "monetary_value"]].to_numpy()
    ),
    "bgnbd": Entry(partial(_fit, BetaGeoFitter)),
    "paretonbd": Entry(partial(_fit, ParetoNBDFitter)),
    "gammagamma": Entry(_fit_spend),
    "bgnbd purchases": Entry(_expect, prepare=partial(_known, BetaGeoFitter)),
    "bgnbd alive": Entry(_alive, prepare=partial(_known, BetaGeoFitter)),
    "paretonbd purchases": Entry(_expect, prepare=partial(_known, ParetoNBDFitter)),
    "paretonbd alive": Entry(_alive, prepare=partial(_known, ParetoNBDFitter)),
}
