"""What an estimator foretells at a cutoff: fitted on the past alone, asked for the days after it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.pipeline import Pipeline, make_pipeline

from crmintel._validation import check_choice, check_vector
from crmintel.exceptions import InputError, InputTypeError
from crmintel.features.summary import CustomerSummary
from crmintel.lifetime._answers import PurchaseAnswers
from crmintel.lifetime._contract_model import ContractModel
from crmintel.lifetime._histories import Vector
from crmintel.lifetime._holdout import Holdout, Money, Purchases, Target
from crmintel.lifetime.bgbb import BetaGeoBetaBinomial
from crmintel.lifetime.value import LifetimeValue
from crmintel.transactions.calendar import UNIT_DAYS, grain_name, unit_name

TARGETS = ("purchases", "money")


@dataclass(frozen=True, slots=True)
class Forecast:
    """What is expected of each customer, of all by the end of each week (None: not told), and between what bounds."""

    expected: Vector
    cumulative: Vector | None = None
    interval: NDArray[np.float64] | None = None


def log_estimator(estimator: Any, name: str = "estimator") -> Any:
    """Return an estimator that reads a log; models of rows get a `CustomerSummary` in front."""
    if isinstance(estimator, PurchaseAnswers | LifetimeValue):
        buys = estimator.transactions if isinstance(estimator, LifetimeValue) else estimator
        collapse = "week" if isinstance(buys, BetaGeoBetaBinomial) else "day"
        # models of regular buyers read the gaps, those with covariates their columns
        extra = ["sum_log_gaps"]
        for covariates in ("purchase_covariates", "dropout_covariates"):
            extra += [each for each in getattr(buys, covariates, ()) if each not in extra]
        unit = getattr(buys, "unit", None) or "week"
        return make_pipeline(CustomerSummary(unit=unit, collapse=collapse, extra=tuple(extra)), estimator)
    if isinstance(estimator, ContractModel):
        raise InputTypeError(
            f"{type(estimator).__name__} reads contracts, which are not in a log; compare its survival with that of "
            "later renewals."
        )
    if not (hasattr(estimator, "fit") and hasattr(estimator, "predict")):
        raise InputTypeError(
            f"{name} must be an estimator with fit(log) and predict(log), such as make_pipeline(CustomerSummary(), "
            f"LifetimeValue()), or a model of repeat purchases; got {estimator!r:.80}."
        )
    return estimator


def target_of(estimator: Any, target: str | None) -> Target:
    """Return what is foretold: as said, or what the last step of ``estimator`` predicts."""
    final = _final(estimator)
    is_value, is_purchases = isinstance(final, LifetimeValue), isinstance(final, PurchaseAnswers)
    if target is None and not (is_value or is_purchases):
        raise InputError(
            f"{type(final).__name__} does not say what it predicts; set target='purchases' or target='money'."
        )
    told = "money" if is_value else "purchases"
    name = check_choice(told if target is None else target, "target", TARGETS)
    summary = _summary(estimator)
    grain = "day" if summary is None else grain_name(summary.collapse)
    if name == "money":
        if is_purchases:
            raise InputError(
                f"{type(final).__name__} predicts purchases, no money; put it into LifetimeValue(transactions=...)."
            )
        return Money.promised_by(final, grain) if is_value else Money()
    return Purchases(grain)


def foretell(estimator: Any, holdout: Holdout, target: Target, level: float) -> Forecast:
    """Fit a clone of ``estimator`` on the past of ``holdout`` and ask it for the days after."""
    fresh = clone(estimator)
    final = _final(fresh)
    past, horizon = holdout.past, _span(fresh, holdout.days)
    if isinstance(final, LifetimeValue):
        final.set_params(horizon=horizon)
    fresh.fit(past)
    if not isinstance(final, LifetimeValue | PurchaseAnswers):
        return Forecast(_read(fresh.predict(past), len(past), fresh))
    rows = fresh[:-1].transform(past)
    weekly = target.grain in ("hour", "day", "week")  # months cannot be asked for the half of one
    ends = holdout.ends if weekly else []
    if target.name == "money":
        expected = _read(final.predict(rows), len(past), fresh)
        curve = [target.total(final.set_params(horizon=f"{end}D").predict(rows)) for end in ends]
        return Forecast(expected, np.array(curve) if weekly else None)
    model = final.transactions_ if isinstance(final, LifetimeValue) else final
    curve = [float(model.expected_purchases(rows, f"{end}D").sum()) for end in ends]
    return Forecast(
        _read(model.expected_purchases(rows, horizon), len(past), model),
        np.array(curve) if weekly else None,
        model.predict_interval(rows, horizon, level),
    )


def _summary(estimator: Any) -> CustomerSummary | None:
    steps = [step for _, step in estimator.steps] if isinstance(estimator, Pipeline) else []
    return next((step for step in steps if isinstance(step, CustomerSummary)), None)


def rows_unit(estimator: Any) -> str | None:
    """Return the unit of time of the rows that a pipeline makes of a log, None where it makes none."""
    summary = _summary(estimator)
    return None if summary is None else unit_name(summary.unit)


def _span(estimator: Any, days: int) -> float | str:
    """The horizon as the rows count it: months of the calendar come whole, whatever their days."""
    summary = _summary(estimator)
    if summary is None or unit_name(summary.unit) != grain_name(summary.collapse):
        return f"{days}D"
    return max(1.0, float(round(days / UNIT_DAYS[unit_name(summary.unit)])))


def _final(estimator: Any) -> Any:
    return estimator[-1] if isinstance(estimator, Pipeline) else estimator


def _read(values: Any, n: int, estimator: Any) -> Vector:
    return check_vector(np.asarray(values), f"the prediction of {type(_final(estimator)).__name__}", n=n)
