"""Slow twins of the backtest: errors by repeating rows, naive forecasts by a loop over each customer's lines."""

from __future__ import annotations

import math

import numpy as np
from scipy.stats import spearmanr


def errors(expected, actual, weights):
    """The errors, with each row repeated ``weights`` times."""
    rows = np.repeat(np.arange(expected.size), weights)
    expected, actual = expected[rows], actual[rows]
    error = expected - actual
    total = actual.sum()
    varies = np.ptp(expected) > 0 and np.ptp(actual) > 0
    return {
        "mae": np.abs(error).mean(),
        "rmse": math.sqrt((error**2).mean()),
        "bias": error.mean(),
        "total_ratio": expected.sum() / total if total > 0 else math.nan,
        "spearman": spearmanr(expected, actual).statistic if varies else math.nan,
        "top_decile_capture": captured(expected, actual) / total if total > 0 else math.nan,
    }


def captured(expected, actual):
    """Actual total of the best tenth; of those tied at the edge, each counts by the mean of the tied."""
    left, total = 0.1 * expected.size, 0.0
    for value in sorted(set(expected.tolist()), reverse=True):
        tied = actual[expected == value]
        total += min(left / tied.size, 1.0) * tied.sum()
        left -= tied.size
        if left <= 0:
            break
    return total


def histories(log):
    """By customer, the list of (day, amount) of the lines, days counted from 1970."""
    found = []
    for i in range(len(log)):
        lines = range(int(log.starts[i]), int(log.stops[i]))
        found.append([(int(log.lines.time[j] // 86_400_000_000), float(log.lines.amount[j])) for j in lines])
    return found


def days_with_purchase(history, after, until):
    return len({day for day, amount in history if amount >= 0 and after < day <= until})


def spend(history, after, until, rate=0.0):
    return sum(amount * math.exp(-rate * (day - after)) for day, amount in history if after < day <= until)


def naive(log, days, deed):
    """Every naive forecast of a past log; ``deed(history, after, until)`` counts."""
    end = int(log.end.astype("datetime64[D]").astype(np.int64))
    out = {name: [] for name in ("own_rate", "last_period", "average", "recency_rule")}
    for history in histories(log):
        first, last = history[0][0], max(day for day, amount in history if amount >= 0)
        age = end - first
        rate = deed(history, first, end) / age if age > 0 else 0.0
        out["own_rate"].append(rate * days)
        out["last_period"].append(deed(history, max(end - days, first), end))
        out["recency_rule"].append(rate * days if end - last < days else 0.0)
    out["average"] = [float(np.mean(out["last_period"]))] * len(log)
    return out
