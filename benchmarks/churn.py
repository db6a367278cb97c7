"""Churn foretold at several dates of two shops, against the rules of thumb: ``python -m benchmarks.churn``.

At each as-of date the default model learns from earlier dates only, and scores the customers who bought in the 180
days before. Each rule is judged by its alarms: of as many customers at the top of the model's list, how many left? AUC
compares with the ranking by the number in the rule. A second table compares with a plain logistic regression on the
same features. The intervals are of 500 draws of customers, with all their dates.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

import crmintel as ci
from benchmarks import data

WINDOW = 180
# What holds a horizon, a window before the first as-of date and the dates themselves: neither year has room for 90
# days ahead and a window.
SHOPS = {
    "Complete Journey, 30 days": (
        data.journey_log, "30D", WINDOW, ["2017-08-31", "2017-09-30", "2017-10-31", "2017-11-30"],
    ),
    "Complete Journey, 90 days": (
        data.journey_log, "90D", None, ["2017-07-04", "2017-08-03", "2017-09-02", "2017-10-02"],
    ),
    "Online Retail, 90 days": (
        data.online_retail_log, "90D", None, ["2011-06-12", "2011-07-11", "2011-08-11", "2011-09-10"],
    ),
}  # fmt: skip
RULES = {"overdue > 2": ("overdue_ratio", 2.0), "recency > 90 days": ("time_since_last", 90.0)}


def score(log: Any, horizon: str, window: Any, date: str) -> dict[str, NDArray[Any]]:
    """Return customers, who left, the risk by the model and by logistic regression, and what the rules look at."""
    past, future = log.split(date)
    snapshots, labels = ci.churn_snapshots(past, horizon, step="30D", window=window)
    recent = snapshots.time_since_last() < WINDOW
    rivals = {"model": None, "logistic": LogisticRegression(max_iter=1000)}
    active = past.time_since_last() < WINDOW
    features = ci.BehaviourFeatures().fit(past)
    numbers = dict(zip(features.columns_, np.asarray(features.transform(past[active])).T))
    risk = {
        name: ci.make_churn_pipeline(rival)
        .fit(snapshots[recent], labels[recent])
        .predict_proba(past[active])[:, 1]
        for name, rival in rivals.items()
    }
    return {
        "customer": past.customers[active],
        "left": ci.churn_labels(past, future, horizon)[active],
        **risk,
        "naive": np.column_stack([np.nan_to_num(numbers[column]) for column, _ in RULES.values()]),
    }


def gains(scored: list[dict[str, NDArray[Any]]], rule: int, limit: float) -> NDArray[np.float64]:
    """Return AUC of model and rule and their difference, leavers per alarm of both and theirs: means over dates."""
    rows = []
    for at in scored:
        naive = at["naive"][:, rule]
        auc = [roc_auc_score(at["left"], at["model"]), roc_auc_score(at["left"], naive)]
        alarms = naive > limit
        first = np.argsort(-at["model"], kind="stable")[: alarms.sum()]
        hits = [at["left"][first].mean(), at["left"][alarms].mean()]
        rows.append([*auc, auc[0] - auc[1], *hits, hits[0] - hits[1]])
    return np.mean(rows, axis=0)


def against_logistic(scored: list[dict[str, NDArray[Any]]]) -> NDArray[np.float64]:
    """Return AUC and Brier score of the model, of logistic regression, and what the model gains: means over dates."""
    rows = []
    for at in scored:
        auc = [roc_auc_score(at["left"], at[name]) for name in ("model", "logistic")]
        brier = [np.mean((at["left"] - at[name]) ** 2) for name in ("model", "logistic")]
        rows.append([*auc, auc[0] - auc[1], *brier, brier[1] - brier[0]])
    return np.mean(rows, axis=0)


def drawn(scored: list[dict[str, NDArray[Any]]], rng: np.random.Generator) -> list[dict[str, NDArray[Any]]]:
    """Return the scores of as many customers drawn with replacement, each with all their dates."""
    everybody = np.unique(np.concatenate([at["customer"] for at in scored]))
    times = np.bincount(rng.integers(0, everybody.size, everybody.size), minlength=everybody.size)
    return [
        {k: np.repeat(v, times[np.searchsorted(everybody, at["customer"])], axis=0) for k, v in at.items()}
        for at in scored
    ]


def main() -> None:
    """Print the tables of docs/guide/churn.md."""
    print(
        "| shop, horizon | leave | rule | AUC model | rule | gain | leave among alarms: model | rule | gain |"
    )
    print("|---|---|---|---|---|---|---|---|---|")
    second = []
    for shop, (load, horizon, window, dates) in SHOPS.items():
        log = load()
        scored = [score(log, horizon, window, date) for date in dates]
        share = np.mean([at["left"].mean() for at in scored])
        rng = np.random.default_rng(0)
        resamples = [drawn(scored, rng) for _ in range(500)]
        for rule, (name, (_, limit)) in enumerate(RULES.items()):
            found = gains(scored, rule, limit)
            low, high = np.quantile([gains(each, rule, limit) for each in resamples], [0.025, 0.975], axis=0)
            print(
                f"| {shop} | {share:.1%} | {name} | {found[0]:.3f} | {found[1]:.3f} | "
                f"{found[2]:+.3f} ({low[2]:+.3f} to {high[2]:+.3f}) | {found[3]:.1%} | {found[4]:.1%} | "
                f"{found[5]:+.1%} ({low[5]:+.1%} to {high[5]:+.1%}) |",
                flush=True,
            )
        found = against_logistic(scored)
        low, high = np.quantile([against_logistic(each) for each in resamples], [0.025, 0.975], axis=0)
        second.append(
            f"| {shop} | {found[0]:.3f} | {found[1]:.3f} | {found[2]:+.3f} ({low[2]:+.3f} to {high[2]:+.3f}) | "
            f"{found[3]:.4f} | {found[4]:.4f} | {found[5]:+.4f} ({low[5]:+.4f} to {high[5]:+.4f}) |"
        )
    print("\n| shop, horizon | AUC model | logistic | gain | Brier score model | logistic | gain |")
    print("|---|---|---|---|---|---|---|", *second, sep="\n")


if __name__ == "__main__":
    main()
