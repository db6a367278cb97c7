"""Every history that a customer watched for a time T can have: how many repeat purchases, and when the last one."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from crmintel._validation import check_number
from crmintel.exceptions import InputError
from crmintel.features.rows import SUMMARY_COLUMNS, CustomerRows, named_columns, unit_of
from crmintel.lifetime._histories import check_same_unit, read_histories
from crmintel.lifetime._newcomers import covariates_of
from crmintel.lifetime.bgbb import BetaGeoBetaBinomial
from crmintel.lifetime.seasonal import SeasonalModel

_FINEST = 100  # steps of a side; finer ones are not seen

Vector = NDArray[np.float64]


class HistoryGrid:
    """Frequencies and recencies, their rows as models read them, and which of the pairs are possible."""

    def __init__(self, model: Any, X: Any, T: float | None, max_frequency: int | None) -> None:
        if X is None and (T is None or max_frequency is None):
            raise InputError("without X both T and max_frequency are needed.")
        self.covariates: dict[str, float] = {}
        names = covariates_of([model])
        if X is None and names:
            raise InputError(f"the model has covariates: X is needed, for the means of {names}.")
        if X is not None:
            self.covariates = {name: float(v.mean()) for name, v in named_columns(X, names).items()}
            check_same_unit(unit_of(X), model.unit_, "the model was fitted in")
            seen = read_histories(X)
            T = float(seen.T.max()) if T is None else T
            max_frequency = int(seen.x.max()) if max_frequency is None else max_frequency
        if isinstance(model, SeasonalModel):
            self.covariates["as_of"] = model.end_
        self.T = check_number(T, "T", low=0.0, strict_low=True)
        most = check_number(max_frequency, "max_frequency", low=1, integer=True)
        self.model = model
        self.frequency = _steps(most)
        self.recency = _steps(self.T)

    def values(self, answer: Any, mean_spend: float = 0.0) -> NDArray[np.float64]:
        """Return the answer of a model for each frequency (rows) and recency (columns), nan where impossible."""
        frequency, recency = np.meshgrid(self.frequency, self.recency, indexing="ij")
        possible = (frequency > 0) == (recency > 0)
        if isinstance(self.model, BetaGeoBetaBinomial):  # an opportunity is one purchase at most
            possible &= frequency <= recency
        x, t_x = frequency[possible], recency[possible]
        columns = [x, t_x, np.full_like(x, self.T), np.where(x > 0, mean_spend, 0.0)]
        columns += [np.full_like(x, mean) for mean in self.covariates.values()]
        table = np.full(frequency.shape, np.nan)
        names = (*SUMMARY_COLUMNS, *self.covariates)
        table[possible] = answer(CustomerRows(np.column_stack(columns), names, self.model.unit_))
        return table


def _steps(top: float) -> Vector:
    """Return 0 to ``top``, in whole steps where it is whole."""
    if top != np.floor(top):
        return np.linspace(0.0, top, _FINEST + 1)
    return np.unique(np.rint(np.linspace(0.0, top, min(int(top), _FINEST) + 1)))


def in_units(unit: str | None) -> str:
    """Return the unit of time for a label."""
    return f", {unit}s" if unit else ""
