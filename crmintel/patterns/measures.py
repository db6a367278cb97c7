"""Interest measures of a rule A -> B, each a pure function of its four counts.

Every function takes ``n_ab``, ``n_a``, ``n_b`` and ``n``: how many baskets hold both sides, the antecedent, the
consequent, and how many there are; numbers or arrays that broadcast, by position or keyword. Sums and differences
of counts are exact in integers (n < 2**31), so that results are right to a few units in the last place; those
with logarithms or tails, which are sums of many terms, are right to about 1e-12.

Where a formula divides by zero, a limit that exists is given (``inf``), what is undefined (0 / 0) is ``nan``; the
docstrings name these cases. Logarithms are of base 2 unless the formula says ln. `MEASURES` lists all by name with
formula, range, reference, whether they are symmetric, and whether low values are better.

Examples
--------
>>> from crmintel import measures
>>> float(measures.lift(n_ab=12, n_a=19, n_b=327, n=9835))
18.99...
>>> measures.MEASURES["lift"].formula
'P(AB) / (P(A) P(B))'
"""

from __future__ import annotations

import numpy as np

from crmintel.patterns._independence import chi_squared as chi_squared
from crmintel.patterns._independence import chi_squared_p as chi_squared_p
from crmintel.patterns._independence import fisher_log_p as fisher_log_p
from crmintel.patterns._independence import fisher_p as fisher_p
from crmintel.patterns._independence import fisher_p_two_sided as fisher_p_two_sided
from crmintel.patterns._independence import g_squared as g_squared
from crmintel.patterns._independence import hyper_confidence as hyper_confidence
from crmintel.patterns._independence import hyper_lift as hyper_lift
from crmintel.patterns._independence import implication_index as implication_index
from crmintel.patterns._independence import implication_intensity as implication_intensity
from crmintel.patterns._independence import j_measure as j_measure
from crmintel.patterns._independence import lerman as lerman
from crmintel.patterns._independence import mutual_information as mutual_information
from crmintel.patterns._independence import normalized_mutual_information as normalized_mutual_information
from crmintel.patterns._independence import normalized_pmi as normalized_pmi
from crmintel.patterns._independence import one_way_support as one_way_support
from crmintel.patterns._independence import pointwise_mutual_information as pointwise_mutual_information
from crmintel.patterns._independence import two_way_support as two_way_support
from crmintel.patterns._independence import uncertainty_coefficient as uncertainty_coefficient
from crmintel.patterns._measure import INF, MEASURES, Counts, Measure, Values, log_ratio, measure, surplus

_AGRAWAL = "Agrawal, Imielinski & Swami (1993), SIGMOD"
_BRIN = "Brin, Motwani, Ullman & Tsur (1997), SIGMOD"
_WU = "Wu, Chen & Han (2010), Data Mining and Knowledge Discovery 21"
_TAN = "Tan, Kumar & Srivastava (2004), Information Systems 29"
_LAVRAC = "Lavrac, Flach & Zupan (1999), ILP"
_GENG = "Geng & Hamilton (2006), ACM Computing Surveys 38"
_KODRATOFF = "Kodratoff (2001), Comparing machine learning and knowledge discovery"


@measure("P(AB)", 0, 1, _AGRAWAL, symmetric=True)
def support(n_ab: Counts, n_a: Counts, n_b: Counts, n: Counts) -> Values:
    """Share of the baskets that hold both sides."""
    return n_ab / n


@measure("P(A)", 0, 1, _AGRAWAL)
def coverage(n_ab: Counts, n_a: Counts, n_b: Counts, n: Counts) -> Values:
    """Share of the baskets the rule speaks about."""
    return n_a / n


@measure("P(B)", 0, 1, _AGRAWAL)
def prevalence(n_ab: Counts, n_a: Counts, n_b: Counts, n: Counts) -> Values:
    """Share of the baskets that hold the consequent."""
    return n_b / n


@measure("P(B | A)", 0, 1, _AGRAWAL)
def confidence(n_ab: Counts, n_a: Counts, n_b: Counts, n: Counts) -> Values:
    """Share of the baskets with the antecedent that hold the consequent too; nan where n_a = 0."""
    return n_ab / n_a


@measure("P(AB) / (P(A) P(B))", 0, INF, _BRIN, symmetric=True)
def lift(n_ab: Counts, n_a: Counts, n_b: Counts, n: Counts) -> Values:
    """How much oftener than by chance both sides stand together; 1 is chance. nan where a side never occurs."""
    return (n_ab * n) / (n_a * n_b)


@measure(
    "P(AB) - P(A) P(B)",
    -0.25,
    0.25,
    "Piatetsky-Shapiro (1991), Knowledge Discovery in Databases",
    symmetric=True,
)
def leverage(n_ab: Counts, n_a: Counts, n_b: Counts, n: Counts) -> Values:
    """Share of the baskets in which both sides stand together beyond chance."""
    return surplus(n_ab, n_a, n_b, n) / (n * n)


@measure("P(B | A) - P(B)", -1, 1, _LAVRAC)
def added_value(n_ab: Counts, n_a: Counts, n_b: Counts, n: Counts) -> Values:
    """How much the antecedent raises the share of the consequent; nan where n_a = 0."""
    return surplus(n_ab, n_a, n_b, n) / (n_a * n)


@measure("P(A) P(not B) / P(A, not B)", 0, INF, _BRIN)
def conviction(n_ab: Counts, n_a: Counts, n_b: Counts, n: Counts) -> Values:
    """How much rarer than by chance the rule fails; inf for a rule that never fails, nan where n_a = 0."""
    failures = n_a - n_ab
    value = (n_a * (n - n_b)) / (n * failures)
    return np.where(failures == 0, np.where(n_a == 0, np.nan, np.inf), value)


@measure("P(AB) / sqrt(P(A) P(B))", 0, 1, _WU, symmetric=True)
def cosine(n_ab: Counts, n_a: Counts, n_b: Counts, n: Counts) -> Values:
    """Cosine between the columns of the two sides; nan where a side never occurs."""
    return n_ab / np.sqrt(n_a * n_b)


@measure("P(AB) / P(A or B)", 0, 1, "Jaccard (1901), Bulletin de la Societe Vaudoise 37", symmetric=True)
def jaccard(n_ab: Counts, n_a: Counts, n_b: Counts, n: Counts) -> Values:
    """Share of the baskets with either side that hold both; nan where neither occurs."""
    return n_ab / (n_a + n_b - n_ab)


@measure("(P(A | B) + P(B | A)) / 2", 0, 1, _WU, symmetric=True)
def kulczynski(n_ab: Counts, n_a: Counts, n_b: Counts, n: Counts) -> Values:
    """Mean of the confidences of both directions; nan where a side never occurs."""
    return (n_ab * (n_a + n_b)) / (2 * n_a * n_b)


@measure("|P(A) - P(B)| / P(A or B)", 0, 1, _WU, symmetric=True)
def imbalance_ratio(n_ab: Counts, n_a: Counts, n_b: Counts, n: Counts) -> Values:
    """How unequally often the two sides occur; nan where neither does."""
    return np.abs(n_a - n_b) / (n_a + n_b - n_ab)


@measure("min(P(A | B), P(B | A))", 0, 1, "Omiecinski (2003), IEEE TKDE 15", symmetric=True)
def all_confidence(n_ab: Counts, n_a: Counts, n_b: Counts, n: Counts) -> Values:
    """The lesser confidence of both directions; nan where neither side occurs."""
    return n_ab / np.maximum(n_a, n_b)


@measure("max(P(A | B), P(B | A))", 0, 1, _TAN, symmetric=True)
def max_confidence(n_ab: Counts, n_a: Counts, n_b: Counts, n: Counts) -> Values:
    """The greater confidence of both directions; nan where a side never occurs."""
    return n_ab / np.minimum(n_a, n_b)


@measure("(P(B | A) - P(B)) / (1 - P(B)), or / P(B) if negative", -1, 1, "Shortliffe & Buchanan (1975)")
def certainty(n_ab: Counts, n_a: Counts, n_b: Counts, n: Counts) -> Values:
    """Change of belief in the consequent, relative to the largest possible; 0 at independence, nan where n_a = 0."""
    gap = surplus(n_ab, n_a, n_b, n)
    value = gap / (n_a * np.where(gap > 0, n - n_b, n_b))
    return np.where((gap == 0) & (n_a > 0), 0.0, value)


@measure("P(AB) P(not A, not B) / (P(A, not B) P(not A, B))", 0, INF, _TAN, symmetric=True)
def odds_ratio(n_ab: Counts, n_a: Counts, n_b: Counts, n: Counts) -> Values:
    """Odds of the consequent with the antecedent over those without; inf over 0, nan at 0 / 0."""
    only_a, only_b = n_a - n_ab, n_b - n_ab
    return (n_ab * (n - n_a - only_b)) / (only_a * only_b)


@measure("P(B | A) / P(B | not A)", 0, INF, "Sistrom & Garvan (2004), Radiology 230")
def relative_risk(n_ab: Counts, n_a: Counts, n_b: Counts, n: Counts) -> Values:
    """Share of the consequent with the antecedent over that without; inf over 0, nan at 0 / 0."""
    return (n_ab * (n - n_a)) / (n_a * (n_b - n_ab))


@measure("(P(AB) - P(A) P(B)) / sqrt(P(A) P(B) P(not A) P(not B))", -1, 1, _TAN, symmetric=True)
def phi(n_ab: Counts, n_a: Counts, n_b: Counts, n: Counts) -> Values:
    """Correlation of the columns of both sides; nan where a side stands in no basket or in all."""
    return surplus(n_ab, n_a, n_b, n) / (np.sqrt(n_a * n_b) * np.sqrt((n - n_a) * (n - n_b)))


@measure("leverage / max(P(AB) P(not A), P(A) (P(B) - P(AB)))", -1, 1, "Zhang (2000), PAKDD")
def zhang(n_ab: Counts, n_a: Counts, n_b: Counts, n: Counts) -> Values:
    """Association from -1 (never together) to 1 (always); 0 where the formula is 0 / 0."""
    scale = np.maximum(n_ab * (n - n_a), n_a * (n_b - n_ab))
    return np.where(scale == 0, 0.0, surplus(n_ab, n_a, n_b, n) / scale)


@measure("(OR - 1) / (OR + 1)", -1, 1, "Yule (1900), Philosophical Transactions A 194", symmetric=True)
def yule_q(n_ab: Counts, n_a: Counts, n_b: Counts, n: Counts) -> Values:
    """The odds ratio brought to -1 .. 1; nan where it is 0 / 0."""
    only_a, only_b = n_a - n_ab, n_b - n_ab
    both, either = n_ab * (n - n_a - only_b), only_a * only_b
    return (both - either) / (both + either)


@measure(
    "(sqrt(OR) - 1) / (sqrt(OR) + 1)",
    -1,
    1,
    "Yule (1912), Journal of the Royal Statistical Society 75",
    symmetric=True,
)
def yule_y(n_ab: Counts, n_a: Counts, n_b: Counts, n: Counts) -> Values:
    """Coefficient of colligation; nan where the odds ratio is 0 / 0."""
    only_a, only_b = n_a - n_ab, n_b - n_ab
    both, either = n_ab * (n - n_a - only_b), only_a * only_b
    return (both - either) / (np.sqrt(both) + np.sqrt(either)) ** 2


@measure(
    "(observed - chance agreement) / (1 - chance agreement)", -1, 1, "Cohen (1960), EPM 20", symmetric=True
)
def kappa(n_ab: Counts, n_a: Counts, n_b: Counts, n: Counts) -> Values:
    """Agreement of both sides beyond chance; nan where both stand in no basket or in all."""
    return 2 * surplus(n_ab, n_a, n_b, n) / (n_a * (n - n_b) + n_b * (n - n_a))


@measure("P(A | B)", 0, 1, _LAVRAC)
def recall(n_ab: Counts, n_a: Counts, n_b: Counts, n: Counts) -> Values:
    """Share of the baskets with the consequent that the rule speaks about; nan where n_b = 0."""
    return n_ab / n_b


@measure("P(not A | not B)", 0, 1, _LAVRAC)
def specificity(n_ab: Counts, n_a: Counts, n_b: Counts, n: Counts) -> Values:
    """Share of the baskets without the consequent that the rule rightly leaves out; nan where n_b = n."""
    return (n - n_a - n_b + n_ab) / (n - n_b)


@measure("P(not B | not A)", 0, 1, _LAVRAC)
def negative_reliability(n_ab: Counts, n_a: Counts, n_b: Counts, n: Counts) -> Values:
    """Confidence of not A -> not B; nan where n_a = n."""
    return (n - n_a - n_b + n_ab) / (n - n_a)


@measure("P(AB) + P(not A, not B)", 0, 1, _GENG, symmetric=True)
def accuracy(n_ab: Counts, n_a: Counts, n_b: Counts, n: Counts) -> Values:
    """Share of the baskets with both sides or none, also called causal support."""
    return (n - n_a - n_b + 2 * n_ab) / n


@measure("(P(B | A) + P(not A | not B)) / 2", 0, 1, _KODRATOFF)
def causal_confidence(n_ab: Counts, n_a: Counts, n_b: Counts, n: Counts) -> Values:
    """Mean of the confidences of A -> B and not B -> not A; nan where n_a = 0 or n_b = n."""
    return (n_ab / n_a + (n - n_a - n_b + n_ab) / (n - n_b)) / 2


@measure("P(B | A) - P(not B | A)", -1, 1, _KODRATOFF)
def confirmed_confidence(n_ab: Counts, n_a: Counts, n_b: Counts, n: Counts) -> Values:
    """How much oftener the rule holds than it fails, also called Ganascia's index; nan where n_a = 0."""
    return (2 * n_ab - n_a) / n_a


@measure("(P(AB) - P(A, not B)) / P(B)", -INF, 1, "Aze & Kodratoff (2002), EGC")
def least_contradiction(n_ab: Counts, n_a: Counts, n_b: Counts, n: Counts) -> Values:
    """Cases for less cases against the rule, per basket with the consequent; -inf or nan where n_b = 0."""
    return (2 * n_ab - n_a) / n_b


@measure("1 - P(A, not B) / P(AB)", -INF, 1, "Vaillant, Lenca & Lallich (2004), DS")
def example_rate(n_ab: Counts, n_a: Counts, n_b: Counts, n: Counts) -> Values:
    """One less the cases against each case for the rule; -inf where n_ab = 0 < n_a, nan where n_a = 0."""
    return (2 * n_ab - n_a) / n_ab


@measure("P(AB) / P(A, not B)", 0, INF, "Sebag & Schoenauer (1988), EKAW")
def sebag_schoenauer(n_ab: Counts, n_a: Counts, n_b: Counts, n: Counts) -> Values:
    """Cases for the rule per case against it; inf where it never fails, nan where n_a = 0."""
    return n_ab / (n_a - n_ab)


@measure("(n_ab + 1) / (n_a + 2)", 0, 1, "Clark & Boswell (1991), EWSL")
def laplace(n_ab: Counts, n_a: Counts, n_b: Counts, n: Counts) -> Values:
    """Confidence drawn to a half, the more the fewer baskets hold the antecedent."""
    return (n_ab + 1) / (n_a + 2)


@measure("P(AB) P(B | A)", 0, 1, "Ochin, Kumar & Joshi (2016), IJCA 133")
def rule_power_factor(n_ab: Counts, n_a: Counts, n_b: Counts, n: Counts) -> Values:
    """Confidence weighted by support; nan where n_a = 0."""
    return (n_ab * n_ab) / (n * n_a)


@measure("P(A, not B)", 0, 1, "Ralambondrainy (1991), INRIA", small_is_strong=True)
def ralambondrainy(n_ab: Counts, n_a: Counts, n_b: Counts, n: Counts) -> Values:
    """Share of the baskets that speak against the rule: low is better."""
    return (n_a - n_ab) / n


@measure("P(AB) / (P(A) P(B)) - 1", -1, INF, "Bernard & Charron (1996), MISH 135", symmetric=True)
def varying_rates_liaison(n_ab: Counts, n_a: Counts, n_b: Counts, n: Counts) -> Values:
    """Lift with 0 for chance; nan where a side never occurs."""
    return surplus(n_ab, n_a, n_b, n) / (n_a * n_b)


@measure(
    "(n_ab - lowest) / (highest - lowest)",
    0,
    1,
    "McNicholas, Murphy & O'Regan (2008), CSDA 52",
    symmetric=True,
)
def standardized_lift(n_ab: Counts, n_a: Counts, n_b: Counts, n: Counts) -> Values:
    """Where lift lies between its bounds max(n_a + n_b - n, 1) and min(n_a, n_b); nan where these are equal."""
    lowest, highest = np.maximum(n_a + n_b - n, 1), np.minimum(n_a, n_b)
    return np.where(highest > lowest, np.maximum(n_ab - lowest, 0) / (highest - lowest), np.nan)


@measure("2 P(AB) / (P(A) + P(B))", 0, 1, "Dice (1945), Ecology 26", symmetric=True)
def dice(n_ab: Counts, n_a: Counts, n_b: Counts, n: Counts) -> Values:
    """Harmonic mean of the confidences of both directions; nan where neither side occurs."""
    return (2 * n_ab) / (n_a + n_b)


@measure("P(B | A) - P(B | not A)", -1, 1, "Hofmann & Wilhelm (2001), Computational Statistics 16")
def confidence_difference(n_ab: Counts, n_a: Counts, n_b: Counts, n: Counts) -> Values:
    """How much oftener the consequent stands with than without the antecedent; nan where n_a = 0 or n_a = n."""
    return surplus(n_ab, n_a, n_b, n) / (n_a * (n - n_a))


@measure("P(A | B) / P(A | not B)", 0, INF, "Jeffreys (1935), Proceedings of the Cambridge Society 31")
def bayes_factor(n_ab: Counts, n_a: Counts, n_b: Counts, n: Counts) -> Values:
    """What the antecedent multiplies the odds of the consequent by; inf over 0, nan at 0 / 0."""
    return (n_ab * (n - n_b)) / (n_b * (n_a - n_ab))


@measure("1 - P(A, not B) / (P(A) P(not B))", -INF, 1, "Loevinger (1947), Psychological Monographs 61")
def loevinger(n_ab: Counts, n_a: Counts, n_b: Counts, n: Counts) -> Values:
    """One less the failures relative to chance, 1 - 1 / conviction; nan where n_a = 0 or n_b = n."""
    return surplus(n_ab, n_a, n_b, n) / (n_a * (n - n_b))


@measure("sqrt(P(AB)) (P(B | A) - P(B))", -4 / 27, 0.3850, "Kloesgen (1996), Advances in Knowledge Discovery")
def klosgen(n_ab: Counts, n_a: Counts, n_b: Counts, n: Counts) -> Values:
    """Added value weighted by the root of support; nan where n_a = 0."""
    return np.sqrt(n_ab / n) * (surplus(n_ab, n_a, n_b, n) / (n_a * n))


@measure(
    "2 P(A) P(not A) (P(B | A) - P(B | not A))^2",
    0,
    0.5,
    "Breiman et al. (1984), CART; Bayardo & Agrawal (1999)",
)
def gini(n_ab: Counts, n_a: Counts, n_b: Counts, n: Counts) -> Values:
    """Fall of the Gini impurity of the consequent by a split at the antecedent; nan where n_a = 0 or n_a = n."""
    gap = surplus(n_ab, n_a, n_b, n) / n
    return 2 * gap * gap / (n_a * (n - n_a))


@measure(
    "log10 of the Laplace confidences of A -> B over not A -> B", -INF, INF, "MacLennan, Tang & Crivat (2009)"
)
def importance(n_ab: Counts, n_a: Counts, n_b: Counts, n: Counts) -> Values:
    """Whether the consequent is likelier with (above 0) or without the antecedent."""
    return log_ratio((n_ab + 1) * (n - n_a + 2), (n_a + 2) * (n_b - n_ab + 1)) / np.log(10.0)


@measure(
    "agreement / its chance * (chance of disagreement / disagreement)",
    0,
    INF,
    "Aggarwal & Yu (1998), PODS",
    symmetric=True,
)
def collective_strength(n_ab: Counts, n_a: Counts, n_b: Counts, n: Counts) -> Values:
    """Agreement of both sides against chance; 1 is chance, inf where they never differ, nan where both are constant."""
    agree, differ = n - n_a - n_b + 2 * n_ab, n_a + n_b - 2 * n_ab
    return (agree / (n_a * n_b + (n - n_a) * (n - n_b))) * ((n_a * (n - n_b) + n_b * (n - n_a)) / differ)


@measure(
    "share of wrong guesses of either side that the other one saves",
    0,
    1,
    "Goodman & Kruskal (1954), JASA 49",
    symmetric=True,
)
def goodman_kruskal(n_ab: Counts, n_a: Counts, n_b: Counts, n: Counts) -> Values:
    """Symmetric lambda; nan where both sides are constant."""
    only_a, only_b, neither = n_a - n_ab, n_b - n_ab, n - n_a - n_b + n_ab
    guessed = np.maximum(n_a, n - n_a) + np.maximum(n_b, n - n_b)
    told = np.maximum(n_ab, only_a) + np.maximum(only_b, neither) + np.maximum(n_ab, only_b)
    return (told + np.maximum(only_a, neither) - guessed) / (2 * n - guessed)


@measure("share of wrong guesses of B that A saves", 0, 1, "Goodman & Kruskal (1954), JASA 49")
def predictive_association(n_ab: Counts, n_a: Counts, n_b: Counts, n: Counts) -> Values:
    """Asymmetric lambda; nan where the consequent is constant."""
    only_a, only_b, neither = n_a - n_ab, n_b - n_ab, n - n_a - n_b + n_ab
    guessed = np.maximum(n_b, n - n_b)
    return (np.maximum(n_ab, only_a) + np.maximum(only_b, neither) - guessed) / (n - guessed)


__all__ = ["Measure", *MEASURES, "MEASURES"]
