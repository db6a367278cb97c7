"""Measures that compare with independence: by information, and by tests."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import chdtrc, pdtrc, xlogy

from crmintel.kernels.hypergeometric import log_tail
from crmintel.patterns._measure import INF, Counts, Values, log_ratio, measure, surplus

_LN2 = float(np.log(2.0))
_SHANNON = "Shannon (1948), Bell System Technical Journal 27"
_YAO = "Yao & Zhong (1999), PAKDD"
_GRAS = "Gras (1996), L'implication statistique"
_HAHSLER = "Hahsler & Hornik (2007), Intelligent Data Analysis 11"
_FISHER = "Fisher (1935), The Design of Experiments"
_PEARSON = "Pearson (1900), Philosophical Magazine 50"


@measure("n phi^2", 0, INF, _PEARSON, symmetric=True)
def chi_squared(n_ab: Counts, n_a: Counts, n_b: Counts, n: Counts) -> Values:
    """Pearson's statistic of independence, without correction; nan where a side stands in no basket or in all."""
    gap = surplus(n_ab, n_a, n_b, n)
    return n * (gap / (n_a * n_b)) * (gap / ((n - n_a) * (n - n_b)))


@measure("P(chi2(1) >= chi_squared)", 0, 1, _PEARSON, symmetric=True, small_is_strong=True)
def chi_squared_p(n_ab: Counts, n_a: Counts, n_b: Counts, n: Counts) -> Values:
    """Asymptotic p-value of `chi_squared`, two-sided; nan where that is."""
    return np.asarray(chdtrc(1, chi_squared(n_ab, n_a, n_b, n)))


@measure("P(N_AB >= n_ab), N_AB hypergeometric", 0, 1, _FISHER, symmetric=True, small_is_strong=True)
def fisher_p(n_ab: Counts, n_a: Counts, n_b: Counts, n: Counts) -> Values:
    """Exact one-sided p-value: how likely chance puts both sides together this often or oftener."""
    return np.exp(_log_tail(n_ab, n_a, n_b, n))


@measure("ln fisher_p", -INF, 0, _FISHER, symmetric=True, small_is_strong=True)
def fisher_log_p(n_ab: Counts, n_a: Counts, n_b: Counts, n: Counts) -> Values:
    """Natural logarithm of `fisher_p`, which tells p-values apart that are too small for a float."""
    return _log_tail(n_ab, n_a, n_b, n)


@measure("P of all counts not likelier than n_ab", 0, 1, _FISHER, symmetric=True, small_is_strong=True)
def fisher_p_two_sided(n_ab: Counts, n_a: Counts, n_b: Counts, n: Counts) -> Values:
    """Exact two-sided p-value: all counts that are at most as likely as n_ab (to 1e-7, as R does)."""
    return np.exp(_log_tail(n_ab, n_a, n_b, n, two_sided=True))


@measure("P(N_AB < n_ab), N_AB hypergeometric", 0, 1, _HAHSLER, symmetric=True)
def hyper_confidence(n_ab: Counts, n_a: Counts, n_b: Counts, n: Counts) -> Values:
    """How surely chance puts both sides together less often: 1 - fisher_p, without its loss of digits."""
    possible = n_ab > np.maximum(n_a + n_b - n, 0)
    fails = np.where(possible, n_a - n_ab + 1, 0)  # as many and more: as often together and less often
    return np.where(possible, np.exp(_log_tail(fails, n_a, n - n_b, n)), 0.0)


@measure("n_ab / (the 0.99 quantile of N_AB)", 0, INF, _HAHSLER, symmetric=True)
def hyper_lift(n_ab: Counts, n_a: Counts, n_b: Counts, n: Counts) -> Values:
    """Lift over what chance exceeds in a hundredth of all cases only; inf or nan where that quantile is 0."""
    low, high = np.maximum(n_a + n_b - n, 0), np.minimum(n_a, n_b)
    while np.any(low < high):  # P(N > middle) <= 0.01 as P(N >= middle + 1)
        middle = (low + high) // 2
        enough = _log_tail(np.minimum(middle + 1, high), n_a, n_b, n) <= np.log(0.01)
        low, high = np.where(enough | (low == high), low, middle + 1), np.where(enough, middle, high)
    return n_ab / low


@measure(
    "2 n ln 2 mutual_information", 0, INF, "Dunning (1993), Computational Linguistics 19", symmetric=True
)
def g_squared(n_ab: Counts, n_a: Counts, n_b: Counts, n: Counts) -> Values:
    """Likelihood-ratio statistic of independence."""
    return 2 * _information(n_ab, n_a, n_b, n)


@measure("sqrt(n) (P(AB) - P(A) P(B)) / sqrt(P(A) P(B))", -INF, INF, "Lerman (1981)", symmetric=True)
def lerman(n_ab: Counts, n_a: Counts, n_b: Counts, n: Counts) -> Values:
    """Baskets with both sides beyond chance, in Poisson standard deviations; nan where a side never occurs."""
    return surplus(n_ab, n_a, n_b, n) / (np.sqrt(n) * np.sqrt(n_a * n_b))


@measure(
    "sqrt(n) (P(A, not B) - P(A) P(not B)) / sqrt(P(A) P(not B))", -INF, INF, _GRAS, small_is_strong=True
)
def implication_index(n_ab: Counts, n_a: Counts, n_b: Counts, n: Counts) -> Values:
    """Failures beyond chance, in Poisson standard deviations: low is better; nan where n_a = 0 or n_b = n."""
    return -surplus(n_ab, n_a, n_b, n) / (np.sqrt(n) * np.sqrt(n_a * (n - n_b)))


@measure("P(Poisson(n P(A) P(not B)) > n_ab fails)", 0, 1, _GRAS)
def implication_intensity(n_ab: Counts, n_a: Counts, n_b: Counts, n: Counts) -> Values:
    """How surely chance makes the rule fail oftener; 0 where it cannot."""
    return np.asarray(pdtrc((n_a - n_ab).astype(np.float64), n_a * ((n - n_b) / n)))


@measure("sum of P(..) log(P(..) / (P(.) P(.))) over the four cells", 0, 1, _SHANNON, symmetric=True)
def mutual_information(n_ab: Counts, n_a: Counts, n_b: Counts, n: Counts) -> Values:
    """What one side tells about the other, in bits."""
    return _information(n_ab, n_a, n_b, n) / (n * _LN2)


@measure(
    "mutual_information / min(H(A), H(B))",
    0,
    1,
    "Tan, Kumar & Srivastava (2004), Information Systems 29",
    symmetric=True,
)
def normalized_mutual_information(n_ab: Counts, n_a: Counts, n_b: Counts, n: Counts) -> Values:
    """Share of the lesser entropy that the sides have in common; nan where a side stands in no basket or in all."""
    least = np.minimum(_entropy(n_a, n), _entropy(n_b, n))
    return np.minimum(_information(n_ab, n_a, n_b, n) / least, 1.0)


@measure("mutual_information / H(B)", 0, 1, "Theil (1970), American Journal of Sociology 76")
def uncertainty_coefficient(n_ab: Counts, n_a: Counts, n_b: Counts, n: Counts) -> Values:
    """Share of the consequent's entropy that the antecedent takes away; nan where n_b = 0 or n_b = n."""
    return np.minimum(_information(n_ab, n_a, n_b, n) / _entropy(n_b, n), 1.0)


@measure(
    "P(AB) log(P(B | A) / P(B)) + P(A, not B) log(P(not B | A) / P(not B))",
    0,
    1,
    "Smyth & Goodman (1992), IEEE TKDE 4",
)
def j_measure(n_ab: Counts, n_a: Counts, n_b: Counts, n: Counts) -> Values:
    """What the rule tells about the consequent, in bits per basket."""
    gap = surplus(n_ab, n_a, n_b, n) / n
    told = _divergence(n_ab, n_a * (n_b / n), gap) + _divergence(n_a - n_ab, n_a * ((n - n_b) / n), -gap)
    return told / (n * _LN2)


@measure(
    "log(P(AB) / (P(A) P(B)))",
    -INF,
    INF,
    "Church & Hanks (1990), Computational Linguistics 16",
    symmetric=True,
)
def pointwise_mutual_information(n_ab: Counts, n_a: Counts, n_b: Counts, n: Counts) -> Values:
    """Lift in bits, also called information gain; -inf where n_ab = 0, nan where a side never occurs."""
    return log_ratio(n * n_ab, n_a * n_b) / _LN2


@measure("pointwise_mutual_information / -log(P(AB))", -1, 1, "Bouma (2009), GSCL", symmetric=True)
def normalized_pmi(n_ab: Counts, n_a: Counts, n_b: Counts, n: Counts) -> Values:
    """From -1 (never together) to 1 (always); nan where a side never occurs, or n_ab = n."""
    value = log_ratio(n * n_ab, n_a * n_b) / -np.log(n_ab / n)
    return np.where((n_ab == 0) & (n_a > 0) & (n_b > 0), -1.0, value)


@measure("P(B | A) log(P(AB) / (P(A) P(B)))", -0.531, INF, _YAO)
def one_way_support(n_ab: Counts, n_a: Counts, n_b: Counts, n: Counts) -> Values:
    """Confidence times lift in bits; 0 where n_ab = 0, nan where a side never occurs."""
    return _times_log_lift(n_ab / n_a, n_ab, n_a, n_b, n)


@measure("P(AB) log(P(AB) / (P(A) P(B)))", -0.531, 0.531, _YAO, symmetric=True)
def two_way_support(n_ab: Counts, n_a: Counts, n_b: Counts, n: Counts) -> Values:
    """Support times lift in bits; 0 where n_ab = 0, nan where a side never occurs."""
    return _times_log_lift(n_ab / n, n_ab, n_a, n_b, n)


def _times_log_lift(share: Values, n_ab: Counts, n_a: Counts, n_b: Counts, n: Counts) -> Values:
    value = share * log_ratio(n * n_ab, n_a * n_b) / _LN2
    return np.where((n_ab == 0) & (n_a > 0) & (n_b > 0), 0.0, value)


def _entropy(count: Counts, n: Counts) -> Values:
    """Entropy in nats times n of a share."""
    rare = np.minimum(count, n - count)
    return -(xlogy(rare, rare / n) + (n - rare) * np.log1p(-rare / n))


def _information(n_ab: Counts, n_a: Counts, n_b: Counts, n: Counts) -> Values:
    """Mutual information in nats times n, as a sum of terms none of which is negative."""
    gap = surplus(n_ab, n_a, n_b, n) / n
    not_a, not_b = (n - n_a) / n, (n - n_b) / n
    return (
        _divergence(n_ab, n_a * (n_b / n), gap)
        + _divergence(n_a - n_ab, n_a * not_b, -gap)
        + _divergence(n_b - n_ab, n_b * not_a, -gap)
        + _divergence(n - n_a - n_b + n_ab, (n - n_a) * not_b, gap)
    )


def _divergence(observed: Counts, expected: Values, gap: Values) -> Values:
    """Return o ln(o / e) - o + e for the exact gap o - e: by its series where that is small against e."""
    t = np.where(expected > 0, gap / expected, 0.0)
    series = np.zeros_like(t)
    for k in range(10, 1, -1):
        series = 1 / (k * (k - 1)) - t * series
    with np.errstate(divide="ignore", invalid="ignore"):
        direct = np.where(observed > 0, observed * np.log(observed / expected), 0.0) - gap
    return np.where(np.abs(t) < 0.01, expected * t * t * series, np.where(expected > 0, direct, 0.0))


def _log_tail(
    n_ab: Counts, n_a: Counts, n_b: Counts, n: Counts, *, two_sided: bool = False
) -> NDArray[np.float64]:
    counts = np.broadcast_arrays(n_ab, n_a, n_b, n)
    vectors = [np.array(count, dtype=np.int64).ravel() for count in counts]
    return log_tail(*vectors, two_sided=two_sided).reshape(counts[0].shape)
