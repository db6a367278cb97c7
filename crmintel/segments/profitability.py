"""Customer profitability when cost is known: who pays for whom, who is over-served and who under-served."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from crmintel._frames import build_frame
from crmintel._validation import check_number, check_vector
from crmintel.kernels.runs import sum_runs
from crmintel.transactions.log import TransactionLog
from crmintel.transactions.reader import check_log


@dataclass(frozen=True, slots=True)
class CustomerProfitability:
    """What each customer brings and costs, in the order of the log; made by `customer_profitability`.

    Attributes
    ----------
    customers : ndarray of shape (n_customers,)
        Their ids.
    revenue, margin, service_cost, profit : ndarray of float64, shape (n_customers,)
        Net money; the same less the cost of the goods; the cost to serve; and what is left.
    service : ndarray of str, shape (n_customers,)
        ``over-served``, ``under-served`` or ``balanced``; all balanced where no cost to serve was given.

    Examples
    --------
    >>> import crmintel as ci
    >>> log = ci.TransactionLog.from_arrays(
    ...     customer=["ann", "bob"], time=["2024-01-05", "2024-01-09"], amount=[100.0, 100.0], cost=[60.0, 60.0]
    ... )
    >>> result = ci.customer_profitability(log, service_cost=[5.0, 55.0])
    >>> result.profit.tolist(), result.service.tolist()
    ([35.0, -15.0], ['under-served', 'balanced'])
    >>> result
    CustomerProfitability(2 customers, profit 20.00)
      balanced            1 customers: margin 40.00, cost to serve 55.00
      under-served        1 customers: margin 40.00, cost to serve 5.00
    """

    customers: NDArray[Any]
    revenue: NDArray[np.float64]
    margin: NDArray[np.float64]
    service_cost: NDArray[np.float64]
    profit: NDArray[np.float64]
    service: NDArray[np.str_]
    library: str | None = field(default=None, repr=False)

    def __len__(self) -> int:
        return self.customers.size

    def __repr__(self) -> str:
        head = f"CustomerProfitability({len(self):,} customers, profit {self.profit.sum():,.2f})"
        lines = []
        for kind in np.unique(self.service):
            here = self.service == kind
            lines.append(
                f"  {kind:12}{here.sum():9,} customers: margin {self.margin[here].sum():,.2f}, "
                f"cost to serve {self.service_cost[here].sum():,.2f}"
            )
        return "\n".join([head, *lines])

    def whale_curve(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the cumulative profit, the most profitable customers first.

        Returns
        -------
        customers : ndarray of shape (n_customers + 1,)
            Share of the customers, from 0 to 1.
        profit : ndarray of shape (n_customers + 1,)
            Their profit together, in money. Where it rises above its end, customers after that point cost more than
            they bring.

        References
        ----------
        Kaplan, R. S. & Narayanan, V. G. (2001). Measuring and managing customer profitability. Journal of Cost
        Management 15(5), 5-15.
        """
        falling = np.sort(self.profit)[::-1]
        return np.arange(len(self) + 1) / max(len(self), 1), np.concatenate([[0.0], np.cumsum(falling)])

    def to_frame(self) -> Any:
        """Return one row per customer, in the library of the log."""
        names = ("revenue", "margin", "service_cost", "profit", "service")
        return build_frame(
            {"customer": self.customers, **{name: getattr(self, name) for name in names}}, self.library
        )


def customer_profitability(
    log: TransactionLog, service_cost: ArrayLike | None = None, *, ratio: float = 2.0
) -> CustomerProfitability:
    """Compute each customer's profit, and set what they cost to serve against the margin they bring.

    Parameters
    ----------
    log : TransactionLog
        With amounts and cost of the goods.
    service_cost : array-like of shape (n_customers,), optional
        Cost to serve each customer in the order of the log (visits, calls, delivery, discounts given), >= 0.
    ratio : float, default=2.0
        A customer is over-served from this many times the service per margin of all customers on, and under-served
        up to its reciprocal.

    Returns
    -------
    CustomerProfitability

    Raises
    ------
    ColumnError
        If the log has no amounts or no cost.
    InputError
        If a cost to serve is negative or missing.

    Notes
    -----
    A customer without margin who costs something is over-served; one who brings a margin and costs nothing is
    under-served. Both words compare with the average of these customers; what service is right they do not know.

    References
    ----------
    Kaplan, R. S. & Narayanan, V. G. (2001). Measuring and managing customer profitability. Journal of Cost Management
    15(5), 5-15.

    Examples
    --------
    >>> import crmintel as ci
    >>> log = ci.TransactionLog.from_arrays(
    ...     customer=["ann", "bob"], time=["2024-01-05", "2024-01-09"], amount=[100.0, 80.0], cost=[60.0, 90.0]
    ... )
    >>> ci.customer_profitability(log).profit.tolist()
    [40.0, -10.0]
    """
    check_log(log, "log")
    ratio = check_number(ratio, "ratio", low=1.0, strict_low=True)
    revenue = log.spend()
    goods = np.empty(len(log))
    sum_runs(log.starts, log.stops, log.lines.need("cost", "customer_profitability"), goods)
    margin = revenue - goods
    n = len(log)
    service = (
        np.zeros(n) if service_cost is None else check_vector(service_cost, "service_cost", n=n, low=0.0)
    )
    # service per margin, against that of all: cross-multiplied, for a margin may be 0
    all_margin, all_service = margin[margin > 0.0].sum(), service.sum()
    over = service * all_margin > ratio * np.maximum(margin, 0.0) * all_service
    under = (margin > 0.0) & (service * all_margin * ratio < margin * all_service)
    words = np.select([over, under], ["over-served", "under-served"], "balanced")
    return CustomerProfitability(
        log.customers, revenue, margin, service, margin - service, words, log.library
    )
