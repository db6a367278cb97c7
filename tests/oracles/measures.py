"""Slow twins of the interest measures: fractions and 60 digits, from the definitions by probabilities."""

from __future__ import annotations

import math
from fractions import Fraction

import mpmath

from tests.oracles.rules import _ratio, fisher_exact


def _each(one, other, combine):
    return None if one is None or other is None else combine(one, other)


def further_measures_exact(n_ab, n_a, n_b, n):
    """Measures as Fractions (or +-inf, or None where undefined); those with a root squared, with the sign."""
    p_a, p_b, p_ab = Fraction(n_a, n), Fraction(n_b, n), Fraction(n_ab, n)
    only_a, only_b, neither = p_a - p_ab, p_b - p_ab, 1 - p_a - p_b + p_ab
    gap = p_ab - p_a * p_b
    given, given_not = _ratio(p_ab, p_a), _ratio(only_b, 1 - p_a)
    impurity = 1 - p_b**2 - (1 - p_b) ** 2

    def left(share):
        return 1 - share**2 - (1 - share) ** 2

    def signed(top, bottom):
        if bottom == 0 and top < 0:
            return -math.inf
        return _ratio(top, bottom)

    lowest, highest = max(n_a + n_b - n, 1), min(n_a, n_b)
    chance = p_a * p_b + (1 - p_a) * (1 - p_b)
    agree = p_ab + neither
    guess_a, guess_b = max(p_a, 1 - p_a), max(p_b, 1 - p_b)
    by_a = max(p_ab, only_a) + max(only_b, neither)
    by_b = max(p_ab, only_b) + max(only_a, neither)
    return {
        "recall": _ratio(p_ab, p_b),
        "specificity": _ratio(neither, 1 - p_b),
        "negative_reliability": _ratio(neither, 1 - p_a),
        "accuracy": agree,
        "causal_confidence": _each(given, _ratio(neither, 1 - p_b), lambda x, y: (x + y) / 2),
        "confirmed_confidence": None if given is None else given - (1 - given),
        "least_contradiction": signed(p_ab - only_a, p_b),
        "example_rate": signed(p_ab - only_a, p_ab),
        "sebag_schoenauer": _ratio(p_ab, only_a),
        "laplace": Fraction(n_ab + 1, n_a + 2),
        "rule_power_factor": None if given is None else p_ab * given,
        "ralambondrainy": only_a,
        "varying_rates_liaison": _each(_ratio(p_ab, p_a * p_b), 1, lambda x, y: x - y),
        "standardized_lift": Fraction(max(n_ab - lowest, 0), highest - lowest) if highest > lowest else None,
        "dice": _ratio(2 * p_ab, p_a + p_b),
        "confidence_difference": _each(given, given_not, lambda x, y: x - y),
        "bayes_factor": _ratio(p_ab * (1 - p_b), p_b * only_a),
        "loevinger": None if p_a * (1 - p_b) == 0 else 1 - only_a / (p_a * (1 - p_b)),
        "klosgen_squared": None if given is None else p_ab * (given - p_b) * abs(given - p_b),
        "gini": _each(given, given_not, lambda x, y: impurity - p_a * left(x) - (1 - p_a) * left(y)),
        "collective_strength": None
        if chance in (0, 1)
        else math.inf
        if agree == 1
        else agree / chance * (1 - chance) / (1 - agree),
        "goodman_kruskal": _ratio(by_a + by_b - guess_a - guess_b, 2 - guess_a - guess_b),
        "predictive_association": _ratio(by_a - guess_b, 1 - guess_b),
        "lerman_squared": _ratio(n * gap * abs(gap), p_a * p_b),
        "implication_index_squared": _ratio(-n * gap * abs(gap), p_a * (1 - p_b)),
    }


@mpmath.workdps(60)
def further_measures_precise(n_ab, n_a, n_b, n, intensity=True):
    """Measures with logarithms, to 60 digits; None where undefined."""

    def mp(top, bottom=1):
        return mpmath.mpf(int(top)) / int(bottom)

    def part(p, q):
        return p * mpmath.log(p / q, 2) if p > 0 else mp(0)

    def entropy(p):
        return -sum(x * mpmath.log(x, 2) for x in (p, 1 - p) if x > 0)

    p_a, p_b, p_ab = mp(n_a, n), mp(n_b, n), mp(n_ab, n)
    only_a, only_b, neither = mp(n_a - n_ab, n), mp(n_b - n_ab, n), mp(n - n_a - n_b + n_ab, n)
    shared = (
        part(p_ab, p_a * p_b)
        + part(only_a, p_a * (1 - p_b))
        + part(only_b, (1 - p_a) * p_b)
        + part(neither, (1 - p_a) * (1 - p_b))
    )
    h_a, h_b = entropy(p_a), entropy(p_b)
    out = {
        "mutual_information": shared,
        "g_squared": 2 * n * mpmath.log(2) * shared,
        "normalized_mutual_information": shared / min(h_a, h_b) if min(h_a, h_b) > 0 else None,
        "uncertainty_coefficient": shared / h_b if h_b > 0 else None,
        "j_measure": part(p_ab, p_a * p_b) + part(only_a, p_a * (1 - p_b)),
        "importance": mpmath.log10(mp(n_ab + 1, n_a + 2) / mp(n_b - n_ab + 1, n - n_a + 2)),
        "pointwise_mutual_information": None,
        "normalized_pmi": None,
        "one_way_support": None,
        "two_way_support": None,
    }
    if n_a > 0 and n_b > 0:
        lift = mpmath.log(p_ab / (p_a * p_b), 2) if n_ab else -mpmath.inf
        out["pointwise_mutual_information"] = lift
        out["normalized_pmi"] = mp(-1) if n_ab == 0 else lift / -mpmath.log(p_ab, 2) if n_ab < n else None
        out["one_way_support"] = p_ab / p_a * lift if n_ab else mp(0)
        out["two_way_support"] = p_ab * lift if n_ab else mp(0)
    if intensity:
        rate = mp(n_a * (n - n_b), n)
        term = total = mpmath.exp(-rate)
        for k in range(1, n_a - n_ab + 1):
            term *= rate / k
            total += term
        out["implication_intensity"] = 1 - total
    return out


def hypergeometric_exact(k, n_a, n_b, n):
    """P(N_AB = k) as a Fraction."""
    return fisher_exact(k, n_a, n_b, n) - (
        fisher_exact(k + 1, n_a, n_b, n) if k < min(n_a, n_b) else Fraction(0)
    )


def tails_exact(n_ab, n_a, n_b, n):
    """The measures that are tails of the hypergeometric distribution, as Fractions (or inf, or None)."""
    counts = range(max(0, n_a + n_b - n), min(n_a, n_b) + 1)
    chance = {k: hypergeometric_exact(k, n_a, n_b, n) for k in counts}
    quantile, done = min(counts), chance[min(counts)]
    while done < Fraction(99, 100):
        quantile += 1
        done += chance[quantile]
    return {
        "fisher_p": fisher_exact(n_ab, n_a, n_b, n),
        "fisher_p_two_sided": sum(p for p in chance.values() if p <= chance[n_ab] * (1 + Fraction(1, 10**7))),
        "hyper_confidence": sum((p for k, p in chance.items() if k < n_ab), Fraction(0)),
        "hyper_lift": _ratio(n_ab, quantile),
    }
