"""How well value, churn and first purchases were foretold on later dates that the models had not seen."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.metrics import brier_score_loss, roc_auc_score

from crmintel.churn.labels import churn_labels, churn_snapshots
from crmintel.churn.metrics import top_decile_lift
from crmintel.exceptions import InputError
from crmintel.features.summary import CustomerSummary
from crmintel.lifetime.backtest import backtest
from crmintel.lifetime.bgnbd import BetaGeoNBD
from crmintel.lifetime.diagnostics import holdout_errors, past_rate
from crmintel.patterns.baselines import PopularityRecommender
from crmintel.patterns.evaluation import evaluate_recommender
from crmintel.transactions.calendar import UNIT_DAYS
from crmintel.transactions.log import TransactionLog


def validate_value(value: Any, log: TransactionLog, days: float) -> dict[str, Any]:
    """Fit on the log without its last ``days``; compare expected with actual purchases and spend in them.

    Parameters
    ----------
    value : LifetimeValue
        Unfitted; its purchase model and its spend model are measured.
    log : TransactionLog
    days : float
        Length of the holdout, in whole days.

    Returns
    -------
    dict
        ``cutoff``, ``days``, ``n_customers``, and `holdout_errors` of ``purchases`` (and ``spend`` where the log has
        amounts), each of the ``model`` and of the ``naive`` forecast: every customer goes on at the past rate; and the
        ``verdict`` of `backtest` on the purchases, beside all its naive forecasts, with ``is_better``, whether they
        are shown to be foretold better than by each of these.
    """
    past, future = log.split(log.end - np.timedelta64(int(days), "D"))
    rows = CustomerSummary(unit="week").fit_transform(past)
    weeks = int(days) / UNIT_DAYS["week"]
    naive = past_rate(rows, weeks)
    actual = future.purchases().astype(np.float64)
    result: dict[str, Any] = {"cutoff": str(past.end), "days": int(days), "n_customers": len(past)}
    if log.lines.amount is None:
        expected = purchase_model(value).fit(rows).expected_purchases(rows, horizon=weeks)
    else:
        fitted = value.fit(rows)
        expected = fitted.transactions_.expected_purchases(rows, horizon=weeks)
        result["spend"] = {
            "model": holdout_errors(expected * fitted.spend_.predict(rows), future.spend()),
            "naive": holdout_errors(naive * rows[:, 3], future.spend()),
        }
    result["purchases"] = {"model": holdout_errors(expected, actual), "naive": holdout_errors(naive, actual)}
    tested = backtest(
        purchase_model(value), log, cutoffs=past.end, horizon=f"{int(days)}D", n_bootstrap=200, random_state=0
    )
    result["is_better"], result["verdict"] = tested.is_better, tested.verdict
    return result


def validate_churn(churn: Any, log: TransactionLog, days: float) -> dict[str, Any]:
    """Fit on labels that end before an as-of date; score the customers at that date by what they then did.

    Parameters
    ----------
    churn : estimator
        Unfitted classifier of snapshots.
    log : TransactionLog
    days : float
        Horizon of the labels.

    Returns
    -------
    dict
        ``as_of``, ``days``, ``n_customers``, ``churn_rate``, and ``auc``, ``brier``, ``top_decile_lift`` of the
        ``model`` and of the ``naive`` forecast: ranked by time since the last purchase, the training base rate as
        probability.

    Raises
    ------
    InputError
        If the log is too short for two horizons, or everybody or nobody churned at one of the dates.
    """
    past, future = log.split(log.end - np.timedelta64(int(np.ceil(days)), "D"))
    truth = np.asarray(churn_labels(past, future, days)).astype(np.int64)
    if truth.min() == truth.max():
        raise InputError(
            f"all {truth.size} customers have the same label at {past.end}: no error can be measured."
        )
    snapshots, labels = churn_snapshots(past, days)
    risk = churn.fit(snapshots, labels).predict_proba(past)[:, -1]
    base_rate = np.full(len(past), float(np.mean(labels)))
    recency = np.nan_to_num(past.time_since_last(), nan=1e9)
    return {
        "as_of": str(past.end),
        "days": days,
        "n_customers": len(past),
        "churn_rate": float(truth.mean()),
        "model": _scores(truth, risk, risk),
        "naive": _scores(truth, recency, base_rate),
    }


def validate_offers(recommender: Any, log: TransactionLog, days: float, n_offers: int) -> dict[str, Any]:
    """Fit on the log without its last ``days``; count who then bought, for the first time, what is offered.

    Parameters
    ----------
    recommender : recommender
        Fitted anew on the past.
    log : TransactionLog
        With items.
    days : float
        Length of the holdout, rounded to whole days.
    n_offers : int
        Offers per customer.

    Returns
    -------
    dict
        ``cutoff``, ``days``, ``n_offers``, ``n_customers`` (who then bought an item new to them), and for the
        ``model`` and the ``naive`` offers (what most bought): ``hit_rate``, the share of these customers who bought
        one of their offers, with the ends ``low`` and ``high`` of its 95 % interval.

    Raises
    ------
    InputError
        If nobody bought anything new.
    """
    result = evaluate_recommender(
        {"model": recommender, "popularity": PopularityRecommender()}, log,
        horizon=days, k=n_offers, task="new", n_bootstrap=200, random_state=0,
    )  # fmt: skip
    rows = result.columns["metric"] == "hit_rate"
    rates = {name: result.columns[name][rows].tolist() for name in ("value", "low", "high")}
    model, naive = (
        {"hit_rate": value, "low": low, "high": high}
        for value, low, high in zip(rates["value"], rates["low"], rates["high"], strict=True)
    )
    return {
        "cutoff": str(result.cutoffs[0]),
        "days": result.horizon,
        "n_offers": n_offers,
        "n_customers": result.n_buyers,
        "model": model,
        "naive": naive,
    }


def purchase_model(value: Any) -> Any:
    """Return the purchase model that a value model would fit, unfitted."""
    inner = getattr(value, "transactions", None)
    return BetaGeoNBD() if inner is None else clone(inner)


def _scores(truth: NDArray[np.int64], ranking: NDArray[Any], probability: NDArray[Any]) -> dict[str, float]:
    return {
        "auc": float(roc_auc_score(truth, ranking)),
        "brier": float(brier_score_loss(truth, probability)),
        "top_decile_lift": float(top_decile_lift(truth, ranking)),
    }
