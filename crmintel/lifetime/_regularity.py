"""Do customers buy at random, or more regularly, or in bursts? The shape of the gaps between purchases."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import digamma, ndtr

from crmintel.lifetime._histories import Vector
from crmintel.transactions.calendar import UNIT_DAYS

_SAMPLE = 20_000
_FEWEST = 10
_LOW, _HIGH = 0.1, 10.0
_MOST_GAPS, _LONGEST = (
    200,
    1000,
)  # customers beyond are left out where time goes in steps: their sums take seconds


@dataclass(frozen=True, slots=True)
class Regularity:
    """The shape k of gamma distributed gaps: 1 at random, above regular, below in bursts.

    Attributes
    ----------
    k, low, high : float
        The estimate and its 95 % interval.
    p_value : float
        Of purchases at random, two-sided.
    n_customers : int
        Customers with at least 3 purchases that the estimate rests on.
    """

    k: float
    low: float
    high: float
    p_value: float
    n_customers: int


def regularity(x: Vector, t_x: Vector, sum_log_gaps: Vector, unit: str | None) -> Regularity | None:
    """Estimate k from the gaps of customers with x >= 2; None where hardly any has as many.

    Given their sum t_x, gamma gaps of one customer are shares of it with a symmetric Dirichlet distribution, which does
    not depend on the purchase rate: customers may differ in that as they like. The interval and the test take customers
    as independent, and nothing else for granted (sandwich variance).

    References
    ----------
    Wheat, R. D. & Morrison, D. G. (1990). Estimating purchase regularity with two interpurchase times. Journal of
    Marketing Research 27(1), 87-93.
    """
    steps = _steps(t_x, unit)
    usable = (x >= 2) if steps is None else (x >= 2) & (x <= _MOST_GAPS) & (steps <= _LONGEST)
    chosen = np.flatnonzero(usable)
    chosen = chosen[:: max(1, chosen.size // _SAMPLE)]
    if chosen.size < _FEWEST:
        return None
    gaps, span = x[chosen], t_x[chosen]
    shares = sum_log_gaps[chosen] - gaps * np.log(span)

    def scores(k: float) -> Vector:
        if steps is None:
            return shares - gaps * (digamma(k) - digamma(gaps * k))
        return shares - _expected_log_shares(gaps, steps[chosen], k)

    if scores(_LOW).sum() < 0 or scores(_HIGH).sum() > 0:
        k = _LOW if scores(_LOW).sum() < 0 else _HIGH
    else:
        total = brentq(
            lambda u: float(scores(float(np.exp(u))).sum()), np.log(_LOW), np.log(_HIGH), xtol=1e-5
        )
        k = float(np.exp(total))
    slope = float((scores(k * 1.001) - scores(k / 1.001)).sum()) / (2.0 * np.log(1.001))  # by log k
    spread = np.sqrt(float((scores(k) ** 2).sum())) / max(abs(slope), 1e-300)
    at_random = scores(1.0)
    z = float(at_random.sum()) / max(np.sqrt(float((at_random**2).sum())), 1e-300)
    low, high = k * np.exp(-1.96 * spread), k * np.exp(1.96 * spread)
    return Regularity(k, float(low), float(high), float(2.0 * ndtr(-abs(z))), chosen.size)


def _steps(t_x: Vector, unit: str | None) -> NDArray[np.int64] | None:
    """Return t_x in the steps that time takes: the unit of the rows, or days; None where it takes none."""
    for scale in (1.0, UNIT_DAYS[unit] if unit is not None else 1.0):
        steps = np.round(t_x * scale)
        if np.allclose(t_x * scale, steps, rtol=0.0, atol=1e-6):
            return steps.astype(np.int64)
    return None


def _expected_log_shares(x: Vector, steps: NDArray[np.int64], k: float) -> Vector:
    """E[sum of log(gap / t_x)] of x whole gaps >= 1 with sum ``steps``, each set of gaps as likely as prod gap^(k - 1).

    Dates are whole days and the purchases of a day are one, which makes random purchases look regular where gaps are
    short: at 10 days on average the formula for exact times finds k = 1.3. This is the gamma distribution on whole
    numbers; at k = 1 it is exact.
    """
    top = int(steps.max())
    gap = np.arange(top + 1.0)
    # the factor exp(-gap k / mean) cancels, since the sum is given; it keeps the digits
    power = (k - 1.0) * np.log(np.maximum(gap, 1.0)) - gap * (k * x.sum() / steps.sum())
    chance = np.exp(power - power[1:].max())
    chance[0] = 0.0
    weighted = np.zeros(top + 1)
    weighted[1:] = chance[1:] * np.log(gap[1:])
    expected = np.empty(x.size)
    others = chance  # chances of the sum of all gaps but one
    for n in range(2, int(x.max()) + 1):
        together = np.convolve(chance, others)[: top + 1]
        who = x == n
        if who.any():
            total = steps[who]
            mass = together[total]
            mean_log = np.convolve(weighted, others)[: top + 1][total] / np.where(mass > 0, mass, 1.0)
            # below what numbers hold all gaps are as good as equal
            expected[who] = n * (np.where(mass > 0, mean_log, np.log(total / n)) - np.log(total))
        others = together / together.max()
    return expected
