"""Slow twins of the comparison: every way to set gaps, and histograms summed customer by customer."""

from __future__ import annotations

from itertools import combinations

import numpy as np


def expected_log_shares(n, total, k):
    """E[sum log(gap / total)] over all n whole gaps >= 1 with this sum, weighted by prod gap^(k - 1)."""
    weight, value = 0.0, 0.0
    for cuts in combinations(range(1, total), n - 1):
        gaps = np.diff([0, *cuts, total])
        chance = float(np.prod(gaps ** (k - 1.0)))
        weight += chance
        value += chance * float(np.log(gaps / total).sum())
    return value / weight


def expected_histogram(model, T, top):
    """Customers expected with 0, 1, ..., top purchases."""
    counts = np.arange(top + 1)
    return sum(model.purchase_count_pmf(None, float(t), counts) for t in T)


def gaps_at_random(n, k, rate, days, rng, *, whole_days=True):
    """Rows (frequency, recency, sum of log gaps) of customers who buy with gamma gaps of shape k."""
    rows = []
    for customer_rate in rng.gamma(2.0, rate / 2.0, n):
        times = np.cumsum(rng.gamma(k, 1.0 / (k * customer_rate), int(days)))
        times = np.append(0.0, times[times < days])
        if whole_days:
            times = np.unique(np.floor(times))
        gaps = np.diff(times)
        rows.append((gaps.size, times[-1], np.log(gaps).sum()))
    return np.array(rows).T
