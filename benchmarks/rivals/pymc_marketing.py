"""pymc-marketing's posterior mode ("map"), its quickest fit. Not in the bench extra: ``pip install pymc-marketing``."""

from __future__ import annotations

import logging
from typing import Any

import pandas as pd
from pymc_marketing.clv import BetaGeoModel

from benchmarks.rivals import Entry

logging.getLogger("pymc").setLevel(logging.WARNING)


def _prepare(rows: Any) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=["frequency", "recency", "T"])
    return frame.assign(customer_id=range(len(frame)))


def _fit(frame: pd.DataFrame) -> BetaGeoModel:
    model = BetaGeoModel(data=frame)
    model.fit(method="map", progressbar=False)
    return model


def _params(model: BetaGeoModel) -> dict[str, float]:
    draws = model.fit_result
    return {name: float(draws[name].mean()) for name in ("r", "alpha", "a", "b")}


TASKS = {"bgnbd, mode": Entry(_fit, prepare=_prepare, answer=_params)}
