"""Slow twins of rules, measures and the recommender: exact fractions over enumerated itemsets."""

from __future__ import annotations

import math
from fractions import Fraction
from itertools import combinations

from tests.oracles.itemsets import itemsets_bruteforce


def rules_bruteforce(baskets, min_count, min_confidence, max_consequent=None):
    """{(antecedent, consequent): (n_ab, n_a, n_b)} of all rules with both sides non-empty."""
    counts = itemsets_bruteforce(baskets, min_count)
    rules = {}
    for whole, n_ab in counts.items():
        longest = len(whole) - 1 if max_consequent is None else min(max_consequent, len(whole) - 1)
        for size in range(1, longest + 1):
            for consequent in map(frozenset, combinations(sorted(whole), size)):
                antecedent = whole - consequent
                if Fraction(n_ab, counts[antecedent]) >= min_confidence:
                    rules[antecedent, consequent] = (n_ab, counts[antecedent], counts[consequent])
    return rules


def _ratio(top, bottom):
    """Top over bottom; inf over 0, None for 0 / 0."""
    if bottom == 0:
        return None if top == 0 else math.inf
    return Fraction(top) / Fraction(bottom)


def measures_exact(n_ab, n_a, n_b, n):
    """Measures as Fractions (or inf, or None where undefined), written from their definitions by probabilities.

    Those with a root are given squared, with the sign, under the name + ``_squared``.
    """
    p_a, p_b, p_ab = Fraction(n_a, n), Fraction(n_b, n), Fraction(n_ab, n)
    conf = _ratio(n_ab, n_a)
    back = _ratio(n_ab, n_b)
    gap = p_ab - p_a * p_b
    out = {
        "support": p_ab,
        "coverage": p_a,
        "prevalence": p_b,
        "confidence": conf,
        "lift": _ratio(p_ab, p_a * p_b),
        "leverage": gap,
        "added_value": None if conf is None else conf - p_b,
        "conviction": None if conf is None else math.inf if conf == 1 else (1 - p_b) / (1 - conf),
        "jaccard": _ratio(n_ab, n_a + n_b - n_ab),
        "kulczynski": None if conf is None or back is None else (conf + back) / 2,
        "imbalance_ratio": _ratio(abs(n_a - n_b), n_a + n_b - n_ab),
        "all_confidence": _ratio(n_ab, max(n_a, n_b)),
        "max_confidence": _ratio(n_ab, min(n_a, n_b)),
        "relative_risk": _ratio(p_ab * (1 - p_a), p_a * (p_b - p_ab)),
        "zhang": _ratio(gap, max(p_ab * (1 - p_a), p_a * (p_b - p_ab))) or Fraction(0),
        "odds_ratio": _ratio(p_ab * (1 - p_a - p_b + p_ab), (p_a - p_ab) * (p_b - p_ab)),
        "kappa": _ratio(2 * gap, p_a * (1 - p_b) + p_b * (1 - p_a)),
        "chi_squared": _ratio(n * gap**2, p_a * p_b * (1 - p_a) * (1 - p_b)),
        "cosine_squared": _ratio(p_ab**2, p_a * p_b),
        "phi_squared": _ratio(abs(gap) * gap, p_a * p_b * (1 - p_a) * (1 - p_b)),
    }
    odds = out["odds_ratio"]
    out["yule_q"] = odds if odds is None else Fraction(1) if odds == math.inf else (odds - 1) / (odds + 1)
    if conf is None:
        out["certainty"] = None
    elif conf > p_b:
        out["certainty"] = (conf - p_b) / (1 - p_b)
    else:
        out["certainty"] = Fraction(0) if conf == p_b else (conf - p_b) / p_b
    return out


def fisher_exact(n_ab, n_a, n_b, n):
    """P(N_AB >= n_ab) as a Fraction."""
    ways = sum(math.comb(n_a, k) * math.comb(n - n_a, n_b - k) for k in range(n_ab, min(n_a, n_b) + 1))
    return Fraction(ways, math.comb(n, n_b))


def best_general(rules, rule, confidence):
    """The largest confidence among the generalisations of ``rule`` = (antecedent, consequent) in ``rules``."""
    antecedent, consequent = rule
    return max((confidence[a, c] for a, c in rules if c == consequent and a < antecedent), default=None)


def recommend_slow(rules, basket, n, include_owned=False):
    """The best items for one basket from (antecedent, consequent, score) triples, codes as ties decide."""
    best = {}
    for antecedent, consequent, score in rules:
        if antecedent <= basket:
            for item in consequent:
                if include_owned or item not in basket:
                    best[item] = max(score, best.get(item, -math.inf))
    return sorted(best.items(), key=lambda pair: (-pair[1], pair[0]))[:n]


def significance_exact(baskets, min_count, max_consequent):
    """Corrected one-sided p-values of all rules, {correction: {(antecedent, consequent): Fraction}}.

    The hypotheses of a consequent are all frequent antecedents, for Tarone those that could reach p with it.
    """
    counts = itemsets_bruteforce(baskets, min_count)
    n, n_items = len(baskets), sum(len(whole) == 1 for whole in counts)
    adjusted = {"tarone": {}, "bonferroni": {}}
    for (antecedent, consequent), (n_ab, n_a, n_b) in rules_bruteforce(
        baskets, min_count, 0, max_consequent
    ).items():
        size = len(consequent)
        shares = 2**size if max_consequent is None else min(max_consequent, n_items)
        parts = shares * math.comb(n_items, size)
        p = fisher_exact(n_ab, n_a, n_b, n)
        attainable = sum(fisher_exact(min(each, n_b), each, n_b, n) <= p for each in counts.values())
        adjusted["tarone"][antecedent, consequent] = p * parts * attainable
        adjusted["bonferroni"][antecedent, consequent] = p * parts * len(counts)
    return adjusted
