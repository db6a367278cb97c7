"""Interest measures of a rule A -> B, each a pure function of its four counts.

Every function takes ``n_ab``, ``n_a``, ``n_b`` and ``n``: how many baskets hold both sides, the antecedent, the
consequent, and how many there are; numbers or arrays that broadcast, by position or keyword. Sums and differences
of counts are exact in integers (n < 2**31), so that results are right to a few units in the last place; only
`fisher_p` and `chi_squared_p`, which are sums of many terms, are right to about 1e-12.

Where a formula divides by zero, a limit that exists is given (``inf``), what is undefined (0 / 0) is ``nan``; the
docstrings name these cases. `MEASURES` lists all by name with formula, range and reference.

Examples
--------
>>> from crmintel import measures
>>> float(measures.lift(n_ab=12, n_a=19, n_b=327, n=9835))
18.99...
>>> measures.MEASURES["lift"].formula
'P(AB) / (P(A) P(B))'
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import chdtrc

from crmintel.exceptions import InputError, InputTypeError
from crmintel.kernels.hypergeometric import upper_tail

Counts = NDArray[np.int64]
Values = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Measure:
    """One interest measure: its function of the counts, how it is written, where it lies, and who proposed it."""

    name: str
    function: Callable[..., Any]
    formula: str
    range: tuple[float, float]
    reference: str
    small_is_strong: bool = False

    def __call__(self, n_ab: ArrayLike, n_a: ArrayLike, n_b: ArrayLike, n: ArrayLike) -> Any:
        """Return the measure of these counts."""
        return self.function(n_ab, n_a, n_b, n)


MEASURES: dict[str, Measure] = {}
"""All measures by name."""


def _measure(formula: str, low: float, high: float, reference: str, *, small_is_strong: bool = False) -> Any:
    """Register a function of four int64 arrays; let it take whatever broadcasts and give floats for numbers."""

    def register(function: Callable[[Counts, Counts, Counts, Counts], Values]) -> Callable[..., Any]:
        @wraps(function)
        def checked(n_ab: ArrayLike, n_a: ArrayLike, n_b: ArrayLike, n: ArrayLike) -> Any:
            counts = _check_counts(n_ab, n_a, n_b, n)
            with np.errstate(divide="ignore", invalid="ignore"):
                return function(*counts)[()]

        name = function.__name__
        MEASURES[name] = Measure(name, checked, formula, (low, high), reference, small_is_strong)
        return checked

    return register


def _check_counts(*counts: ArrayLike) -> list[Counts]:
    names = ("n_ab", "n_a", "n_b", "n")
    arrays = []
    for name, count in zip(names, counts, strict=True):
        array = np.asarray(count)
        if array.dtype.kind == "f" and np.all(np.floor(array) == array):
            array = array.astype(np.int64)
        if array.dtype.kind not in "iu":
            raise InputTypeError(f"{name} must hold counts (whole numbers), got {count!r:.80}.")
        arrays.append(array.astype(np.int64))
    try:
        n_ab, n_a, n_b, n = np.broadcast_arrays(*arrays)
    except ValueError:
        shapes = ", ".join(f"{name} {array.shape}" for name, array in zip(names, arrays, strict=True))
        raise InputError(f"the counts do not broadcast: {shapes}.") from None
    for bad, rule in (
        ((n < 1) | (n > 2**31 - 1), "n must lie in 1 .. 2**31 - 1"),
        ((n_ab < 0) | (n_ab > np.minimum(n_a, n_b)), "n_ab must lie between 0 and min(n_a, n_b)"),
        (np.maximum(n_a, n_b) > n, "n_a and n_b must be at most n"),
        (n_a + n_b - n_ab > n, "n_a + n_b - n_ab (baskets with either side) must be at most n"),
    ):
        if np.any(bad):
            k = np.unravel_index(np.argmax(bad), np.shape(bad))
            raise InputError(f"{rule}; got n_ab={n_ab[k]}, n_a={n_a[k]}, n_b={n_b[k]}, n={n[k]}.")
    return [n_ab, n_a, n_b, n]


_AGRAWAL = "Agrawal, Imielinski & Swami (1993), SIGMOD"
_BRIN = "Brin, Motwani, Ullman & Tsur (1997), SIGMOD"
_WU = "Wu, Chen & Han (2010), Data Mining and Knowledge Discovery 21"
_TAN = "Tan, Kumar & Srivastava (2004), Information Systems 29"
_INF = float("inf")


@_measure("P(AB)", 0, 1, _AGRAWAL)
def support(n_ab: Counts, n_a: Counts, n_b: Counts, n: Counts) -> Values:
    """Share of the baskets that hold both sides."""
    return n_ab / n


@_measure("P(A)", 0, 1, _AGRAWAL)
def coverage(n_ab: Counts, n_a: Counts, n_b: Counts, n: Counts) -> Values:
    """Share of the baskets the rule speaks about."""
    return n_a / n


@_measure("P(B)", 0, 1, _AGRAWAL)
def prevalence(n_ab: Counts, n_a: Counts, n_b: Counts, n: Counts) -> Values:
    """Share of the baskets that hold the consequent."""
    return n_b / n


@_measure("P(B | A)", 0, 1, _AGRAWAL)
def confidence(n_ab: Counts, n_a: Counts, n_b: Counts, n: Counts) -> Values:
    """Share of the baskets with the antecedent that hold the consequent too; nan where n_a = 0."""
    return n_ab / n_a


@_measure("P(AB) / (P(A) P(B))", 0, _INF, _BRIN)
def lift(n_ab: Counts, n_a: Counts, n_b: Counts, n: Counts) -> Values:
    """How much oftener than by chance both sides stand together; 1 is chance. nan where a side never occurs."""
    return (n_ab * n) / (n_a * n_b)


@_measure("P(AB) - P(A) P(B)", -0.25, 0.25, "Piatetsky-Shapiro (1991), Knowledge Discovery in Databases")
def leverage(n_ab: Counts, n_a: Counts, n_b: Counts, n: Counts) -> Values:
    """Share of the baskets in which both sides stand together beyond chance."""
    return _surplus(n_ab, n_a, n_b, n) / (n * n)


@_measure("P(B | A) - P(B)", -1, 1, "Lavrac, Flach & Zupan (1999), ILP")
def added_value(n_ab: Counts, n_a: Counts, n_b: Counts, n: Counts) -> Values:
    """How much the antecedent raises the share of the consequent; nan where n_a = 0."""
    return _surplus(n_ab, n_a, n_b, n) / (n_a * n)


@_measure("P(A) P(not B) / P(A, not B)", 0, _INF, _BRIN)
def conviction(n_ab: Counts, n_a: Counts, n_b: Counts, n: Counts) -> Values:
    """How much rarer than by chance the rule fails; inf for a rule that never fails, nan where n_a = 0."""
    failures = n_a - n_ab
    value = (n_a * (n - n_b)) / (n * failures)
    return np.where(failures == 0, np.where(n_a == 0, np.nan, np.inf), value)


@_measure("P(AB) / sqrt(P(A) P(B))", 0, 1, _WU)
def cosine(n_ab: Counts, n_a: Counts, n_b: Counts, n: Counts) -> Values:
    """Cosine between the columns of the two sides; nan where a side never occurs."""
    return n_ab / np.sqrt(n_a * n_b)


@_measure("P(AB) / P(A or B)", 0, 1, "Jaccard (1901), Bulletin de la Societe Vaudoise 37")
def jaccard(n_ab: Counts, n_a: Counts, n_b: Counts, n: Counts) -> Values:
    """Share of the baskets with either side that hold both; nan where neither occurs."""
    return n_ab / (n_a + n_b - n_ab)


@_measure("(P(A | B) + P(B | A)) / 2", 0, 1, _WU)
def kulczynski(n_ab: Counts, n_a: Counts, n_b: Counts, n: Counts) -> Values:
    """Mean of the confidences of both directions; nan where a side never occurs."""
    return (n_ab * (n_a + n_b)) / (2 * n_a * n_b)


@_measure("|P(A) - P(B)| / P(A or B)", 0, 1, _WU)
def imbalance_ratio(n_ab: Counts, n_a: Counts, n_b: Counts, n: Counts) -> Values:
    """How unequally often the two sides occur; nan where neither does."""
    return np.abs(n_a - n_b) / (n_a + n_b - n_ab)


@_measure("min(P(A | B), P(B | A))", 0, 1, "Omiecinski (2003), IEEE TKDE 15")
def all_confidence(n_ab: Counts, n_a: Counts, n_b: Counts, n: Counts) -> Values:
    """The lesser confidence of both directions; nan where neither side occurs."""
    return n_ab / np.maximum(n_a, n_b)


@_measure("max(P(A | B), P(B | A))", 0, 1, _TAN)
def max_confidence(n_ab: Counts, n_a: Counts, n_b: Counts, n: Counts) -> Values:
    """The greater confidence of both directions; nan where a side never occurs."""
    return n_ab / np.minimum(n_a, n_b)


@_measure("(P(B | A) - P(B)) / (1 - P(B)), or / P(B) if negative", -1, 1, "Shortliffe & Buchanan (1975)")
def certainty(n_ab: Counts, n_a: Counts, n_b: Counts, n: Counts) -> Values:
    """Change of belief in the consequent, relative to the largest possible; 0 at independence, nan where n_a = 0."""
    surplus = _surplus(n_ab, n_a, n_b, n)
    value = surplus / (n_a * np.where(surplus > 0, n - n_b, n_b))
    return np.where((surplus == 0) & (n_a > 0), 0.0, value)


@_measure("P(AB) P(not A, not B) / (P(A, not B) P(not A, B))", 0, _INF, _TAN)
def odds_ratio(n_ab: Counts, n_a: Counts, n_b: Counts, n: Counts) -> Values:
    """Odds of the consequent with the antecedent over those without; inf over 0, nan at 0 / 0."""
    only_a, only_b = n_a - n_ab, n_b - n_ab
    return (n_ab * (n - n_a - only_b)) / (only_a * only_b)


@_measure("P(B | A) / P(B | not A)", 0, _INF, "Sistrom & Garvan (2004), Radiology 230")
def relative_risk(n_ab: Counts, n_a: Counts, n_b: Counts, n: Counts) -> Values:
    """Share of the consequent with the antecedent over that without; inf over 0, nan at 0 / 0."""
    return (n_ab * (n - n_a)) / (n_a * (n_b - n_ab))


@_measure("(P(AB) - P(A) P(B)) / sqrt(P(A) P(B) P(not A) P(not B))", -1, 1, _TAN)
def phi(n_ab: Counts, n_a: Counts, n_b: Counts, n: Counts) -> Values:
    """Correlation of the columns of both sides; nan where a side stands in no basket or in all."""
    return _surplus(n_ab, n_a, n_b, n) / (np.sqrt(n_a * n_b) * np.sqrt((n - n_a) * (n - n_b)))


@_measure("leverage / max(P(AB) P(not A), P(A) (P(B) - P(AB)))", -1, 1, "Zhang (2000), PAKDD")
def zhang(n_ab: Counts, n_a: Counts, n_b: Counts, n: Counts) -> Values:
    """Association from -1 (never together) to 1 (always); 0 where the formula is 0 / 0."""
    scale = np.maximum(n_ab * (n - n_a), n_a * (n_b - n_ab))
    return np.where(scale == 0, 0.0, _surplus(n_ab, n_a, n_b, n) / scale)


@_measure("(OR - 1) / (OR + 1)", -1, 1, "Yule (1900), Philosophical Transactions A 194")
def yule_q(n_ab: Counts, n_a: Counts, n_b: Counts, n: Counts) -> Values:
    """The odds ratio brought to -1 .. 1; nan where it is 0 / 0."""
    only_a, only_b = n_a - n_ab, n_b - n_ab
    both, either = n_ab * (n - n_a - only_b), only_a * only_b
    return (both - either) / (both + either)


@_measure(
    "(sqrt(OR) - 1) / (sqrt(OR) + 1)", -1, 1, "Yule (1912), Journal of the Royal Statistical Society 75"
)
def yule_y(n_ab: Counts, n_a: Counts, n_b: Counts, n: Counts) -> Values:
    """Coefficient of colligation; nan where the odds ratio is 0 / 0."""
    only_a, only_b = n_a - n_ab, n_b - n_ab
    both, either = n_ab * (n - n_a - only_b), only_a * only_b
    return (both - either) / (np.sqrt(both) + np.sqrt(either)) ** 2


@_measure("(observed - chance agreement) / (1 - chance agreement)", -1, 1, "Cohen (1960), EPM 20")
def kappa(n_ab: Counts, n_a: Counts, n_b: Counts, n: Counts) -> Values:
    """Agreement of both sides beyond chance; nan where both stand in no basket or in all."""
    return 2 * _surplus(n_ab, n_a, n_b, n) / (n_a * (n - n_b) + n_b * (n - n_a))


@_measure("n phi^2", 0, _INF, "Pearson (1900); Brin, Motwani & Silverstein (1997), SIGMOD")
def chi_squared(n_ab: Counts, n_a: Counts, n_b: Counts, n: Counts) -> Values:
    """Pearson's statistic of independence, without correction; nan where a side stands in no basket or in all."""
    surplus = _surplus(n_ab, n_a, n_b, n)
    return n * (surplus / (n_a * n_b)) * (surplus / ((n - n_a) * (n - n_b)))


@_measure("P(chi2(1) >= chi_squared)", 0, 1, "Pearson (1900)", small_is_strong=True)
def chi_squared_p(n_ab: Counts, n_a: Counts, n_b: Counts, n: Counts) -> Values:
    """Asymptotic p-value of `chi_squared`, two-sided; nan where that is."""
    return np.asarray(chdtrc(1, chi_squared(n_ab, n_a, n_b, n)))


@_measure("P(N_AB >= n_ab), N_AB hypergeometric", 0, 1, "Fisher (1935); Webb (2007)", small_is_strong=True)
def fisher_p(n_ab: Counts, n_a: Counts, n_b: Counts, n: Counts) -> Values:
    """Exact one-sided p-value: how likely chance puts both sides together this often or oftener."""
    vectors = [np.ascontiguousarray(count.ravel()) for count in (n_ab, n_a, n_b, n)]
    return upper_tail(*vectors).reshape(n_ab.shape)


def _surplus(n_ab: Counts, n_a: Counts, n_b: Counts, n: Counts) -> Counts:
    """Leverage times n**2, exact."""
    return n * n_ab - n_a * n_b
