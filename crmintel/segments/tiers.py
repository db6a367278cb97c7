"""Value tiers: the few customers who make the sales, and the many who do not."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from itertools import accumulate, pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from crmintel._validation import check_choice, check_number, exact
from crmintel.exceptions import InputError, InputTypeError
from crmintel.segments._money import ceil_of, money_of, total_of, warn_of_negative

TIERS = ("vip", "major", "ordinary", "small")
_ROUNDING = 1e-12  # relative; 0.7 + 0.1 is just below 0.8, and reaches 80 % all the same


class ValueTiers(BaseEstimator):
    """Customers in tiers by falling spend: the first 1 % are vip, the next 4 % major, 15 % ordinary, the rest small.

    Parameters
    ----------
    shares : sequence of float, default=(0.01, 0.04, 0.15, 0.80)
        Share of the customers in each tier, or of the money (``by``), best tier first; they sum to 1.
    by : {"customers", "money"}, default="customers"
        What is shared out. By money, shares of .8, .15 and .05 are the classes A, B and C of an ABC analysis.
    thresholds : sequence of float or None, default=None
        Falling amounts of money, one fewer than tiers: who exceeds the first is in the best tier. They take the place
        of ``shares`` and ``by``, which do nothing then.
    labels : sequence of str or None, default=None
        Names of the tiers. None is ``vip, major, ordinary, small``, for four tiers only.

    Attributes
    ----------
    edges_ : ndarray of shape (n_tiers - 1,)
        Money that a customer has to *exceed* to be in each tier but the last, best tier first.
    labels_ : ndarray of shape (n_tiers,)
        Names of the tiers.
    table_ : dict of ndarray
        One row per tier of the customers of ``fit``: ``tier, customers, customer_share, money, money_share``.
        The shares are those of the net money; NaN where it does not sum to more than 0.

    See Also
    --------
    crmintel.top_share : The share of the money that the best customers make.
    crmintel.plots.tiers.ValueTiersDisplay : Draws the table.

    Notes
    -----
    *By customers.* Of n customers the first tiers hold the best ``ceil(n * cumulative share)``, counted with the
    decimals as written. Customers with equal money are in the same tier: a group of equals across a border falls to
    the lower tier, so the order of the rows never matters and no tier grows beyond its share from above.

    *By money.* A customer is in the tier whose cumulative share of the net money is not yet reached by those who spent
    more than he did. So the customer with whom the best reach 80 % is the last of tier A, together with all who spent
    the same, and A always makes 80 % or more.

    Customers with no money, or less, are always in the last tier. Where returns make customers negative, the shares of
    the others in the net money sum to more than 1; where these negative amounts exceed 10 % of the total, `fit` warns.

    References
    ----------
    H. F. Dickie, "ABC inventory analysis shoots for dollars, not pennies", Factory Management and Maintenance 109(7),
    1951: classes by cumulative share of the money.

    J. Curry and A. Curry, "The Customer Marketing Method", 2000: the customer pyramid of top 1 %, big 4 %,
    medium 15 % and small 80 %.

    Examples
    --------
    >>> import crmintel as ci
    >>> money = [900.0, 80.0, 70.0, 20.0, 10.0, 5.0, 5.0, 2.0, 1.0, 0.0]
    >>> tiers = ci.ValueTiers(shares=(0.1, 0.2, 0.7), labels=("gold", "silver", "base")).fit(money)
    >>> tiers.predict(money)[:4].tolist()
    ['gold', 'silver', 'silver', 'base']
    >>> tiers.table_["money_share"].round(2).tolist()
    [0.82, 0.14, 0.04]
    >>> tiers.predict([1000.0, 20.5]).tolist()
    ['gold', 'silver']
    >>> ci.ValueTiers((0.8, 0.15, 0.05), by="money", labels=("A", "B", "C")).fit(money).table_["customers"].tolist()
    [1, 2, 7]
    >>> ci.ValueTiers(thresholds=(100, 10), labels=("gold", "silver", "base")).fit(money).table_["customers"].tolist()
    [1, 3, 6]
    """

    def __init__(
        self,
        shares: Sequence[float] = (0.01, 0.04, 0.15, 0.80),
        *,
        by: str = "customers",
        thresholds: Sequence[float] | None = None,
        labels: Sequence[str] | None = None,
    ) -> None:
        self.shares = shares
        self.by = by
        self.thresholds = thresholds
        self.labels = labels

    def fit(self, X: Any, y: Any = None) -> ValueTiers:
        """Learn the money that separates the tiers.

        Parameters
        ----------
        X : TransactionLog or array-like of shape (n_customers,) or (n_customers, 1)
            Money of each customer; of a log its ``spend()``.
        y : None
            Ignored.

        Returns
        -------
        ValueTiers
            The fitted estimator.

        Raises
        ------
        InputError
            If an amount is missing or infinite, the shares, thresholds or labels do not fit, or money is to be shared
            out that does not sum to more than 0.

        Warns
        -----
        DataWarning
            If negative amounts exceed 10 % of the total: shares of it mislead.
        """
        check_choice(self.by, "by", ("customers", "money"))
        amounts = None if self.thresholds is None else _falling(self.thresholds)
        borders = self._borders() if amounts is None else []
        labels = self._names(len(borders if amounts is None else amounts) + 1)
        money = money_of(X)
        total = total_of(np.sort(money))
        if amounts is not None:
            edges = np.array(amounts, dtype=np.float64)
        elif self.by == "money":
            edges = _edges_by_money(money, [float(border) for border in borders], total)
        else:
            edges = _edges_by_customers(money, borders)
        self.edges_: NDArray[np.float64] = edges
        self.labels_ = labels

        tier = self._tier_of(money)
        customers = np.bincount(tier, minlength=labels.size)
        sums = np.bincount(tier, weights=money, minlength=labels.size)
        warn_of_negative(money, total)
        self.table_ = {
            "tier": labels,
            "customers": customers,
            "customer_share": customers / money.size,
            "money": sums,
            "money_share": sums / total if total > 0.0 else np.full(labels.size, np.nan),
        }
        return self

    def predict(self, X: Any) -> NDArray[np.str_]:
        """Return the tier of each customer by the learned ``edges_``.

        Parameters
        ----------
        X : TransactionLog or array-like of shape (n_customers,) or (n_customers, 1)
            Money of each customer, new ones or those of ``fit``.

        Returns
        -------
        ndarray of str, shape (n_customers,)
            Names of the tiers.
        """
        check_is_fitted(self)
        return self.labels_[self._tier_of(money_of(X))]

    def fit_predict(self, X: Any, y: Any = None) -> NDArray[np.str_]:
        """Fit and return the tier of each customer; the parameters are those of ``fit``."""
        return self.fit(X).predict(X)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.one_d_array = True
        tags.input_tags.two_d_array = False
        tags.requires_fit = True
        return tags

    def _tier_of(self, money: NDArray[np.float64]) -> NDArray[np.int64]:
        return np.sum(money[:, None] <= self.edges_, axis=1)

    def _borders(self) -> list[Fraction]:
        """Return the cumulative shares before the last."""
        if isinstance(self.shares, str) or not _is_sized(self.shares) or len(self.shares) < 2:
            raise InputError(f"shares must be two or more shares of the {self.by}, got {self.shares!r}.")
        for i, share in enumerate(self.shares):
            check_number(share, f"shares[{i}]", low=0.0, high=1.0)
        shares = [exact(share) for share in self.shares]
        if abs(float(sum(shares)) - 1.0) > 1e-9:
            raise InputError(f"shares must sum to 1, {tuple(self.shares)!r} sum to {float(sum(shares))}.")
        return list(accumulate(shares))[:-1]

    def _names(self, n: int) -> NDArray[np.str_]:
        if self.labels is None:
            if n != len(TIERS):
                raise InputError(
                    f"there are {n} tiers, but the names are made for four ({', '.join(TIERS)}); "
                    "name yours with labels=(...)."
                )
            return np.array(TIERS)
        if not _is_sized(self.labels):
            raise InputTypeError(f"labels must be {n} names, got {self.labels!r}.")
        names = [self.labels] if isinstance(self.labels, str) else list(self.labels)
        if not all(isinstance(name, str) for name in names):
            raise InputTypeError(f"labels must be text, got {self.labels!r}.")
        if len(names) != n or len(set(names)) != n:
            raise InputError(f"labels must be {n} different names, one per tier; got {self.labels!r}.")
        return np.array(names)


def _falling(thresholds: Any) -> list[float]:
    if isinstance(thresholds, str) or not _is_sized(thresholds) or len(thresholds) < 1:
        raise InputError(f"thresholds must be one or more falling amounts of money, got {thresholds!r}.")
    amounts = [check_number(amount, f"thresholds[{i}]", low=0.0) for i, amount in enumerate(thresholds)]
    for i, (above, below) in enumerate(pairwise(amounts), 1):
        if above <= below:
            raise InputError(
                f"thresholds must fall, the best tier first: thresholds[{i}]={below:g} is not below {above:g}."
            )
    return amounts


def _edges_by_customers(money: NDArray[np.float64], borders: list[Fraction]) -> NDArray[np.float64]:
    falling = np.sort(money)[::-1]
    ranks = [ceil_of(border, money.size) for border in borders]
    edges = np.array([falling[rank] if rank < money.size else 0.0 for rank in ranks], dtype=np.float64)
    return np.maximum(edges, 0.0)


def _edges_by_money(money: NDArray[np.float64], borders: list[float], total: float) -> NDArray[np.float64]:
    if total <= 0.0:
        raise InputError(
            f"money must sum to more than 0 to be shared out, it sums to {total:g}; use thresholds=, or by='customers'."
        )
    amounts, at = np.unique(money, return_inverse=True)
    falling = amounts[::-1]
    made = np.cumsum(np.bincount(at, weights=money)[::-1])  # by all with so much or more
    made_above = np.concatenate([[0.0], made[:-1]])
    edges = np.zeros(len(borders))
    for i, border in enumerate(borders):
        outside = falling[made_above >= border * total * (1.0 - _ROUNDING)]
        edges[i] = outside[0] if outside.size else 0.0
    return np.maximum(edges, 0.0)


def _is_sized(values: Any) -> bool:
    return np.iterable(values) and hasattr(values, "__len__")
