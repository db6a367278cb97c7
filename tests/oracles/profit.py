"""Expected maximum profit, slowly: every threshold, every crossing of two profit lines, mpmath."""

from __future__ import annotations

from itertools import pairwise

import mpmath as mp


def campaign_lines(y, score, clv, incentive, contact):
    """(slope, intercept) of the profit per customer in the chance to accept, for every threshold and for nobody."""
    n = len(y)
    lines = [(mp.mpf(0), mp.mpf(0))]
    for threshold in sorted(set(score), reverse=True):
        slope, intercept = mp.mpf(0), mp.mpf(0)
        for left, s, value in zip(y, score, clv, strict=True):
            if s >= threshold:
                intercept -= mp.mpf(contact)
                if left:
                    slope += mp.mpf(value) - mp.mpf(incentive)
                else:
                    intercept -= mp.mpf(incentive)
        lines.append((slope / n, intercept / n))
    return lines


def expected_maximum_profit(y, score, clv, incentive=10.0, contact=1.0, alpha=6, beta=14):
    """Integrate the highest of all lines against the beta density, piece by piece between crossings."""
    with mp.workdps(30):
        lines = campaign_lines(y, score, clv, incentive, contact)
        cuts = {mp.mpf(0), mp.mpf(1)}
        for i, (a, b) in enumerate(lines):
            for c, d in lines[:i]:
                if a != c and 0 < (d - b) / (a - c) < 1:
                    cuts.add((d - b) / (a - c))
        cuts = sorted(cuts)
        total = mp.mpf(0)
        for low, high in pairwise(cuts):
            middle = (low + high) / 2
            slope, intercept = max(lines, key=lambda line: line[0] * middle + line[1])
            mass = mp.betainc(alpha, beta, low, high, regularized=True)
            mean = mp.betainc(alpha + 1, beta, low, high, regularized=True) * mp.mpf(alpha) / (alpha + beta)
            total += slope * mean + intercept * mass
        return float(total)
