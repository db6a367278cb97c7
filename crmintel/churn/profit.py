"""What a churn score is worth: the profit of keeping those who would leave, with each customer's own value."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import betainc

from crmintel._validation import as_numbers, check_number, check_vector, exact
from crmintel.churn._outcomes import check_outcome
from crmintel.exceptions import InputError, InputTypeError
from crmintel.kernels.curves import upper_hull


@dataclass(frozen=True, slots=True)
class Campaign:
    """Cumulated over customers from the highest score: how many, what they cost, and what acceptance gains.

    With acceptance ``g`` the first ``count[i]`` customers bring ``g * gain[i] - cost[i]``. Position 0 is nobody.
    """

    count: NDArray[np.float64]
    gain: NDArray[np.float64]
    cost: NDArray[np.float64]
    n: int


def expected_maximum_profit(
    y: ArrayLike,
    score: ArrayLike,
    clv: ArrayLike = 200.0,
    *,
    incentive: ArrayLike = 10.0,
    contact: ArrayLike = 1.0,
    accept: Any = (6.0, 14.0),
    capacity: float | None = None,
    budget: float | None = None,
) -> float:
    """Return the profit per customer of a retention campaign that contacts the best number of customers.

    Whoever is contacted costs ``contact``. A customer who would have left accepts the incentive with chance g, which
    saves the customer's value for the cost of the incentive; one who would have stayed takes it for nothing. For each
    g the campaign stops where its profit is highest; the measure is the mean over what g may be.

    Parameters
    ----------
    y : array-like of shape (n_customers,)
        1 for customers who left, 0 for the others.
    score : array-like of shape (n_customers,)
        The higher, the sooner contacted. Customers with the same score are contacted together.
    clv : float or array-like of shape (n_customers,), default=200.0
        Value of a customer who stays: one for all, or each customer's own.
    incentive, contact : float or array-like of shape (n_customers,), default=10.0 and 1.0
        Costs in the same money.
    accept : (float, float) or float, default=(6.0, 14.0)
        Parameters of the beta distribution of g, whose mean is .3; or g itself.
    capacity : float, optional
        Customers that can be contacted: a whole number, or a share below 1.
    budget : float, optional
        Money that can be spent if everybody accepts.

    Returns
    -------
    float
        Profit per customer of the base, >= 0: nobody need be contacted.

    Raises
    ------
    InputError
        If lengths differ, a value is missing, ``y`` is not 0 or 1, a cost is negative or a parameter out of bounds.

    See Also
    --------
    profit_curve : The profit of every number of customers.
    ProfitClassifier : Whom to contact.

    Notes
    -----
    With one value for all and no limit this is EMPC (Verbraken et al.); with values of their own it is the measure of
    instance-dependent churn (Janssens et al.). Both are computed from the convex hull of the cumulated gains over the
    cumulated costs, in the time of a sort.

    References
    ----------
    Verbraken, T., Verbeke, W. & Baesens, B. (2013). A novel profit maximizing metric for measuring classification
    performance of customer churn prediction models. IEEE TKDE 25(5), 961-973.
    Janssens, B., Bogaert, M., Bague, A. & Van den Poel, D. (2024). B2Boost: instance-dependent profit-driven modelling
    of B2B churn. Annals of Operations Research 341, 267-293.

    Examples
    --------
    >>> import crmintel as ci
    >>> y, score = [1, 0, 1, 0, 0], [0.9, 0.8, 0.6, 0.3, 0.1]
    >>> round(ci.expected_maximum_profit(y, score), 1)
    20.2
    >>> round(ci.expected_maximum_profit(y, score, clv=[500, 20, 80, 30, 10]), 1)
    31.0
    """
    campaign = read_campaign(y, score, clv, incentive, contact, capacity, budget, best_only=True)
    hull = np.empty(campaign.count.size, dtype=np.int64)
    hull = hull[: upper_hull(campaign.cost, campaign.gain, hull)]
    gain, cost = campaign.gain[hull], campaign.cost[hull]
    if not isinstance(accept, tuple | list):
        g = check_number(accept, "accept", low=0.0, high=1.0)
        return max(0.0, float(np.max(g * gain - cost))) / campaign.n
    chance, mean = _acceptance(accept, gain, cost)
    return max(0.0, float(gain @ mean - cost @ chance)) / campaign.n


@dataclass(frozen=True, slots=True)
class ProfitCurve:
    """Profit of a campaign by the share of customers contacted, the highest scores first; made by `profit_curve`.

    Attributes
    ----------
    share : ndarray of float64, shape (n_points,)
        Share of the customers contacted, from 0; one point for each different score.
    profit : ndarray of float64, shape (n_points,)
        Expected profit per customer of the base.
    best_share, best_profit : float
        Where the profit is highest; the smallest such share.

    Examples
    --------
    >>> import crmintel as ci
    >>> curve = ci.profit_curve([1, 0, 1, 0], [0.9, 0.4, 0.8, 0.1], accept=0.5)
    >>> curve.share.tolist(), curve.profit.tolist(), curve.best_share
    ([0.0, 0.25, 0.5, 0.75, 1.0], [0.0, 23.5, 47.0, 44.25, 41.5], 0.5)
    """

    share: NDArray[np.float64]
    profit: NDArray[np.float64]

    @property
    def best_share(self) -> float:
        """Share of the customers to contact."""
        return float(self.share[int(np.argmax(self.profit))])

    @property
    def best_profit(self) -> float:
        """Profit per customer there."""
        return float(self.profit.max())


def profit_curve(
    y: ArrayLike,
    score: ArrayLike,
    clv: ArrayLike = 200.0,
    *,
    incentive: ArrayLike = 10.0,
    contact: ArrayLike = 1.0,
    accept: Any = (6.0, 14.0),
    capacity: float | None = None,
    budget: float | None = None,
) -> ProfitCurve:
    """Return the expected profit of contacting the customers with the highest scores, for every number of them.

    Parameters
    ----------
    y, score, clv, incentive, contact, accept, capacity, budget
        As in `expected_maximum_profit`; of ``accept`` only the mean counts.

    Returns
    -------
    ProfitCurve

    Raises
    ------
    InputError
        As `expected_maximum_profit`.

    Examples
    --------
    >>> import crmintel as ci
    >>> ci.profit_curve([1, 0, 1, 0], [0.9, 0.4, 0.8, 0.1], accept=0.5).best_profit
    47.0
    """
    campaign = read_campaign(y, score, clv, incentive, contact, capacity, budget)
    g = mean_acceptance(accept)
    return ProfitCurve(campaign.count / campaign.n, (g * campaign.gain - campaign.cost) / campaign.n)


def mean_acceptance(accept: Any) -> float:
    """Return the mean of g, given as itself or as the parameters of a beta distribution."""
    if not isinstance(accept, tuple | list):
        return check_number(accept, "accept", low=0.0, high=1.0)
    a, b = _beta(accept)
    return a / (a + b)


def check_capacity(capacity: Any, n: int) -> int:
    """Return how many of ``n`` customers can be contacted: a whole number, or a share below 1 as it is written."""
    most = check_number(capacity, "capacity", low=0.0, strict_low=True)
    if 1.0 < most != np.floor(most):
        raise InputError(
            f"capacity must be a whole number of customers or a share below 1, got {capacity!r}."
        )
    return min(n, int(exact(most) * n if most < 1.0 else most))


def per_customer(value: Any, name: str, n: int, low: float | None = None) -> NDArray[np.float64]:
    """Return one number for each of ``n`` customers, of one for all or of as many."""
    return np.broadcast_to(_one_or_each(value, name, n, low), n)


def _one_or_each(value: Any, name: str, n: int, low: float | None = None) -> Any:
    numbers = as_numbers(value, name)
    if numbers.ndim == 0:
        return check_number(value, name, low=low)
    return check_vector(numbers, name, n=n, low=low)


def read_campaign(
    y: Any,
    score: Any,
    clv: Any,
    incentive: Any,
    contact: Any,
    capacity: Any,
    budget: Any,
    best_only: bool = False,
) -> Campaign:
    """Check the arguments of `expected_maximum_profit` and cumulate from the highest score.

    With ``best_only`` positions may be missing at which no campaign is best.
    """
    left = check_outcome(y)
    n = left.size
    values = check_vector(score, "score", n=n)
    value = _one_or_each(clv, "clv", n)
    gift = _one_or_each(incentive, "incentive", n, low=0.0)
    call = _one_or_each(contact, "contact", n, low=0.0)
    limited = capacity is not None or budget is not None
    if best_only and not limited and np.ndim(gift) == np.ndim(call) == 0:
        return _campaign_of_churners(left == 1, values, value, gift, call)
    order = np.argsort(-values)
    falling, left = values[order], left[order]
    ends = np.append(
        np.flatnonzero(falling[1:] != falling[:-1]), n - 1
    )  # last customer of each different score
    count = ends + 1.0
    churners = np.cumsum(left)[ends]

    def summed(each: Any, whom: Any, number: NDArray[np.float64]) -> NDArray[np.float64]:
        """Cumulate ``each`` over ``whom`` (1 or 0 for each customer), ``number`` of whom have come."""
        return each * number if np.ndim(each) == 0 else np.cumsum(each[order] * whom)[ends]

    gain = summed(value - gift, left, churners)
    cost = summed(call, 1.0, count) + summed(gift, 1.0 - left if np.ndim(gift) else None, count - churners)
    spent = summed(call + gift, 1.0, count)
    count, gain, cost, spent = (np.concatenate([[0.0], column]) for column in (count, gain, cost, spent))
    at_most = count.size
    if capacity is not None:
        at_most = min(at_most, int(np.searchsorted(count, check_capacity(capacity, n), side="right")))
    if budget is not None:
        money = check_number(budget, "budget", low=0.0)
        # ten calls at 0.10 cost 1.00, though their sum in binary may lie beside it
        at_most = min(at_most, int(np.searchsorted(spent, money * (1.0 + 1e-12), side="right")))
    return Campaign(count[:at_most], gain[:at_most], cost[:at_most], n)


def _campaign_of_churners(
    left: NDArray[np.bool_], values: NDArray[np.float64], value: Any, gift: float, call: float
) -> Campaign:
    """Positions behind the last churner of each score: where costs are alike no other is best, and sorting is less."""
    churners, stayers = -values[left], np.sort(-values[~left])
    if np.ndim(value) == 0:
        churners = np.sort(churners)
    else:
        order = np.argsort(churners)
        churners, value = churners[order], value[left][order]
    ends = np.append(np.flatnonzero(churners[1:] != churners[:-1]), churners.size - 1)[: churners.size]
    saved, given_away = ends + 1.0, np.searchsorted(stayers, churners[ends], side="right").astype(np.float64)
    gain = (value - gift) * saved if np.ndim(value) == 0 else np.cumsum(value - gift)[ends]
    cost = call * (saved + given_away) + gift * given_away
    count, gain, cost = (np.concatenate([[0.0], column]) for column in (saved + given_away, gain, cost))
    return Campaign(count, gain, cost, left.size)


def _acceptance(
    accept: Any, gain: NDArray[np.float64], cost: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Chance that g makes each point of the hull the best, and the integral of g over that range."""
    a, b = _beta(accept)
    turns = np.concatenate([[0.0], np.clip(np.diff(cost) / np.diff(gain), 0.0, 1.0), [1.0]])
    return np.diff(betainc(a, b, turns)), np.diff(betainc(a + 1.0, b, turns)) * a / (a + b)


def _beta(accept: Any) -> tuple[float, float]:
    if len(accept) != 2:
        raise InputTypeError(
            f"accept must be a chance or the two parameters of a beta distribution, got {accept!r}."
        )
    a, b = (check_number(each, f"accept[{i}]", low=0.0, strict_low=True) for i, each in enumerate(accept))
    return a, b
