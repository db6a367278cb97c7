"""Simulated transaction logs that come with the truth behind them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crmintel._compat import as_generator
from crmintel._validation import check_choice, check_number
from crmintel.exceptions import InputError, InputTypeError
from crmintel.transactions.calendar import as_date
from crmintel.transactions.log import TransactionLog

PROCESSES: dict[str, dict[str, float]] = {
    "bgnbd": {"r": 0.55, "alpha": 5.0, "a": 0.8, "b": 2.5},
    "paretonbd": {"r": 0.55, "alpha": 5.0, "s": 0.6, "beta": 11.5},
}
SPEND: dict[str, float] = {"p": 6.25, "q": 3.74, "v": 15.44}
GROUP = 5  # items that are bought together
_DAYS = 7  # in a week, the unit of the parameters

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class SimulatedTruth:
    """What `make_transactions` drew, one value per customer in the order of the log.

    Attributes
    ----------
    process : str
        ``"bgnbd"`` or ``"paretonbd"``.
    params, spend_params : dict
        Parameters of purchases (per week) and of spend.
    purchase_rate : ndarray
        Purchases per week while a customer.
    dropout : ndarray
        Chance to leave after a repeat purchase (BG/NBD), or leaving rate per week (Pareto/NBD).
    alive : ndarray of bool
        Whether still a customer at the end.
    mean_spend : ndarray
        Expected money per purchase.
    item_groups : dict
        Group of each item; items of one group are bought together.
    """

    process: str
    params: dict[str, float]
    spend_params: dict[str, float]
    purchase_rate: Floats
    dropout: Floats
    alive: NDArray[np.bool_]
    mean_spend: Floats
    item_groups: dict[str, int]

    def __repr__(self) -> str:
        return (
            f"SimulatedTruth({self.process!r}, {self.params}, {self.spend_params}, {self.alive.size:,} customers, "
            f"{np.count_nonzero(self.alive):,} alive, {len(self.item_groups):,} items)"
        )


def make_transactions(
    n_customers: int = 1000,
    *,
    process: str = "bgnbd",
    params: dict[str, float] | None = None,
    spend_params: dict[str, float] | None = None,
    start: Any = "2023-01-02",
    weeks: int = 104,
    n_items: int = 50,
    random_state: Any = None,
) -> tuple[TransactionLog, SimulatedTruth]:
    """Simulate the log of a customer base: who buys when (in whole days), what, and for how much.

    Customers come in over the first quarter of the time. Purchases follow the BG/NBD or Pareto/NBD model, money the
    Gamma-Gamma model. A basket holds items of the customer's favourite group, some of another group, and popular
    items, so that association rules exist.

    Parameters
    ----------
    n_customers : int, default=1000
        Customers, each with a first purchase.
    process : {"bgnbd", "paretonbd"}, default="bgnbd"
        How customers buy and leave.
    params : dict, optional
        ``r, alpha, a, b`` or ``r, alpha, s, beta``, per week.
    spend_params : dict, optional
        ``p, q, v`` of the Gamma-Gamma model.
    start : date, default="2023-01-02"
        First day.
    weeks : int, default=104
        Length of the log.
    n_items : int, default=50
        Size of the assortment; 0 makes a log without items and baskets.
    random_state : int, Generator, RandomState or None

    Returns
    -------
    log : TransactionLog
        Customers 1 to ``n_customers``; columns amount, item and basket.
    truth : SimulatedTruth
        What the numbers came from, in the order of ``log.customers``: ``process``, ``params``, ``spend_params``,
        ``purchase_rate``, ``dropout``, ``alive``, ``mean_spend``, ``item_groups``.

    Examples
    --------
    >>> from crmintel.datasets import make_transactions
    >>> log, truth = make_transactions(200, weeks=52, random_state=0)
    >>> len(log) == truth.alive.size == 200
    True
    """
    n = int(check_number(n_customers, "n_customers", low=1, integer=True))
    weeks = int(check_number(weeks, "weeks", low=1, integer=True))
    n_items = int(check_number(n_items, "n_items", low=0, integer=True))
    check_choice(process, "process", tuple(PROCESSES))
    params = _complete(params, "params", PROCESSES[process])
    spend_params = _complete(spend_params, "spend_params", SPEND)
    first_day = as_date(start, "start").astype("datetime64[D]")
    rng = as_generator(random_state)

    begin = rng.integers(0, max(weeks * _DAYS // 4, 1), n)
    last = weeks * _DAYS - 1
    rate = rng.gamma(params["r"], 1.0 / params["alpha"], n)
    buy = _bgnbd if process == "bgnbd" else _paretonbd
    who, when, dropout, alive = buy(params, rate, (last - begin) / _DAYS, rng)
    # A purchase belongs to the day it ends on, so that a repeat purchase never falls on the first day.
    who = np.concatenate([np.arange(n), who])
    day = np.concatenate([begin, begin[who[n:]] + np.maximum(np.ceil(when * _DAYS), 1).astype(np.int64)])
    order = np.lexsort((day, who))
    who, day = who[order], day[order]

    mean_spend = spend_params["p"] / rng.gamma(spend_params["q"], 1.0 / spend_params["v"], n)
    amount = rng.gamma(spend_params["p"], mean_spend[who] / spend_params["p"])
    columns: dict[str, Any] = {}
    line = np.arange(who.size)
    groups: dict[str, int] = {}
    if n_items:
        line, item = _fill_baskets(who, n, n_items, rng)
        names = np.array([f"item {i:0{len(str(n_items - 1))}d}" for i in range(n_items)], dtype=object)
        groups = {name: i // GROUP for i, name in enumerate(names)}
        price = rng.gamma(4.0, size=line.size)
        amount = amount[line] * price / np.bincount(line, weights=price)[line]
        columns = {"item": names[item], "basket": line}
    log = TransactionLog.from_arrays(
        customer=who[line] + 1,
        time=first_day + day[line].astype("timedelta64[D]"),
        amount=amount,
        end=first_day + np.timedelta64(last, "D"),
        **columns,
    )
    truth = SimulatedTruth(process, params, spend_params, rate, dropout, alive, mean_spend, groups)
    return log, truth


def _complete(given: dict[str, float] | None, name: str, default: dict[str, float]) -> dict[str, float]:
    if given is None:
        return dict(default)
    if not isinstance(given, dict):
        raise InputTypeError(f"{name} must be a dict of {list(default)}, got {type(given).__name__}.")
    if set(given) != set(default):
        raise InputError(f"{name} must give exactly {list(default)}, got {sorted(given)}.")
    return {key: check_number(given[key], f"{name}[{key!r}]", low=0.0, strict_low=True) for key in default}


def _bgnbd(
    params: dict[str, float], rate: Floats, T: Floats, rng: np.random.Generator
) -> tuple[NDArray[np.int64], Floats, Floats, NDArray[np.bool_]]:
    leave = rng.beta(params["a"], params["b"], rate.size)
    alive = np.ones(rate.size, dtype=bool)
    clock, active = np.zeros(rate.size), np.flatnonzero(rate > 0)
    who, when = [active[:0]], [clock[:0]]
    while active.size:
        clock[active] += rng.exponential(size=active.size) / rate[active]
        active = active[clock[active] <= T[active]]
        who.append(active)
        when.append(clock[active])
        gone = rng.random(active.size) < leave[active]
        alive[active[gone]] = False
        active = active[~gone]
    return np.concatenate(who), np.concatenate(when), leave, alive


def _paretonbd(
    params: dict[str, float], rate: Floats, T: Floats, rng: np.random.Generator
) -> tuple[NDArray[np.int64], Floats, Floats, NDArray[np.bool_]]:
    leave = rng.gamma(params["s"], 1.0 / params["beta"], rate.size)
    lifetime = rng.exponential(size=rate.size) / np.maximum(leave, np.finfo(float).tiny)
    watched = np.minimum(lifetime, T)
    who = np.repeat(np.arange(rate.size), rng.poisson(rate * watched))
    return who, rng.random(who.size) * watched[who], leave, lifetime > T


def _fill_baskets(
    who: NDArray[np.int64], n_customers: int, n_items: int, rng: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the purchase and the item of each line, distinct within a basket."""
    n_groups = -(-n_items // GROUP)
    popularity = 1.0 / (1.0 + np.arange(n_groups))
    popularity /= popularity.sum()
    favourite = rng.choice(n_groups, n_customers, p=popularity)
    other = rng.choice(n_groups, who.size, p=popularity)
    group = np.where(rng.random(who.size) < 0.7, favourite[who], other)
    purchases = np.arange(who.size)
    # Each item of the group with chance 0.6, and about one item of the whole assortment; none: the group's first.
    member = rng.random((who.size, GROUP)) < 0.6
    member[~member.any(axis=1), 0] = True
    rows, offset = np.nonzero(member)
    extra = np.repeat(purchases, rng.poisson(1.0, who.size))
    line = np.concatenate([rows, extra])
    item = np.concatenate(
        [group[rows] * GROUP + offset, (rng.random(extra.size) ** 2 * n_items).astype(np.int64)]
    )
    item = np.where(item < n_items, item, group[line] * GROUP)
    pairs = np.unique(line * n_items + item)
    return pairs // n_items, pairs % n_items
