"""Survival of customers, pair by pair and product by product."""

from __future__ import annotations

import numpy as np


def kaplan_meier(duration, event, t, entry=None, weight=None, cut_off=False):
    """Share that stays longer than t; with ``cut_off`` of the ends of observation, for which leaving comes first."""
    entry = [-1.0] * len(duration) if entry is None else entry
    weight = [1.0] * len(duration) if weight is None else weight
    share = 1.0
    for time in sorted(set(duration)):
        if time > t:
            break
        ended = sum(
            w for d, e, w in zip(duration, event, weight, strict=True) if d == time and bool(e) != cut_off
        )
        at_risk = sum(
            w
            for d, e, b, w in zip(duration, event, entry, weight, strict=True)
            if b < time <= d and not (cut_off and d == time and e)
        )
        share *= 1.0 - ended / at_risk if ended else 1.0
    return share


def nelson_aalen(duration, event, t):
    return sum(
        sum(1 for d, e in zip(duration, event, strict=True) if d == time and e)
        / sum(d >= time for d in duration)
        for time in set(duration)
        if time <= t
    )


def concordance(duration, event, risk, weight=None):
    """Harrell's C, or Uno's with the weights 1 / G(t)^2, over all pairs; None where there are none."""
    good = pairs = 0.0
    for i in range(len(duration)):
        for j in range(len(duration)):
            later = duration[j] > duration[i] or (duration[j] == duration[i] and not event[j])
            if event[i] and later:
                w = 1.0 if weight is None else weight[i]
                pairs += w
                good += w * (1.0 if risk[i] > risk[j] else 0.5 if risk[i] == risk[j] else 0.0)
    return good / pairs if pairs else None


def brier(duration, event, survival, t, train):
    watched = [kaplan_meier(*train, u, cut_off=True) for u in duration]
    until = kaplan_meier(*train, t, cut_off=True)
    total = 0.0
    for d, e, s, g in zip(duration, event, survival, watched, strict=True):
        if d <= t and e:
            total += s**2 / g
        elif d > t:
            total += (1.0 - s) ** 2 / until
    return total / len(duration)


def restricted_mean(duration, event, horizon, after=0.0):
    """Area under Kaplan-Meier by fine steps, for durations that are whole numbers."""
    steps = np.arange(after, after + horizon)
    return sum(kaplan_meier(duration, event, t) for t in steps) / kaplan_meier(duration, event, after)


def log_rank(duration, event, segment, entry=None):
    """Customers expected to leave by segment, and their covariance, time by time."""
    entry = [-1.0] * len(duration) if entry is None else entry
    rows = list(zip(duration, event, segment, entry, strict=True))
    names = sorted(set(segment))
    expected = np.zeros(len(names))
    covariance = np.zeros((len(names), len(names)))
    for t in sorted({d for d, e, _, _ in rows if e}):
        at_risk = np.array([sum(b < t <= d and s == name for d, _, s, b in rows) for name in names])
        n, gone = at_risk.sum(), sum(d == t and bool(e) for d, e, _, _ in rows)
        share = at_risk / n
        expected += gone * share
        if n > 1:
            covariance += gone * (n - gone) / (n - 1) * (np.diag(share) - np.outer(share, share))
    return expected, covariance
