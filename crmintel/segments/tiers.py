"""Value tiers: the few customers who make the sales, and the many who do not."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from crmintel._validation import check_number, exact
from crmintel.exceptions import InputError, InputTypeError
from crmintel.segments._money import ceil_of, money_of, total_of

TIERS = ("vip", "major", "ordinary", "small")


class ValueTiers(BaseEstimator):
    """Customers in tiers by falling spend: the first 1 % are vip, the next 4 % major, 15 % ordinary, the rest small.

    Parameters
    ----------
    shares : sequence of float, default=(0.01, 0.04, 0.15, 0.80)
        Share of the customers in each tier, best tier first; they sum to 1.
    labels : sequence of str or None, default=None
        Names of the tiers. None is ``vip, major, ordinary, small``, for four shares only.

    Attributes
    ----------
    edges_ : ndarray of shape (n_tiers - 1,)
        Money that a customer has to *exceed* to be in each tier but the last, best tier first.
    labels_ : ndarray of shape (n_tiers,)
        Names of the tiers.
    table_ : dict of ndarray
        One row per tier of the customers of ``fit``: ``tier, customers, customer_share, money, money_share``.
        The shares of money are NaN where the money does not sum to more than 0.

    See Also
    --------
    crmintel.top_share : The share of the money that the best customers make.
    crmintel.plots.tiers.ValueTiersDisplay : Draws the table.

    Notes
    -----
    Of n customers the first tiers hold the best ``ceil(n * cumulative share)``, counted with the decimals as
    written. Customers with equal money are in the same tier: a group of equals across a border falls to the lower
    tier, so the order of the rows never matters and no tier grows beyond its share from above. Customers with no
    money, or less, are always in the last tier.

    References
    ----------
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
    """

    def __init__(
        self, shares: Sequence[float] = (0.01, 0.04, 0.15, 0.80), *, labels: Sequence[str] | None = None
    ) -> None:
        self.shares = shares
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
            If an amount is missing or infinite, or the shares or labels do not fit.
        """
        borders, labels = self._borders(), self._names()
        money = money_of(X)
        falling = np.sort(money)[::-1]
        ranks = [ceil_of(border, money.size) for border in borders]
        edges = np.array([falling[rank] if rank < money.size else 0.0 for rank in ranks], dtype=np.float64)
        self.edges_: NDArray[np.float64] = np.maximum(edges, 0.0)
        self.labels_ = labels

        tier = self._tier_of(money)
        customers = np.bincount(tier, minlength=labels.size)
        sums = np.bincount(tier, weights=money, minlength=labels.size)
        total = total_of(sums)
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

    def _borders(self) -> list[Any]:
        """Return the cumulative shares before the last."""
        if isinstance(self.shares, str) or not _is_sized(self.shares) or len(self.shares) < 2:
            raise InputError(f"shares must be two or more shares of the customers, got {self.shares!r}.")
        for i, share in enumerate(self.shares):
            check_number(share, f"shares[{i}]", low=0.0, high=1.0)
        shares = [exact(share) for share in self.shares]
        if abs(float(sum(shares)) - 1.0) > 1e-9:
            raise InputError(f"shares must sum to 1, {tuple(self.shares)!r} sum to {float(sum(shares))}.")
        return [sum(shares[: i + 1]) for i in range(len(shares) - 1)]

    def _names(self) -> NDArray[np.str_]:
        if self.labels is None:
            if len(self.shares) != len(TIERS):
                raise InputError(
                    f"shares has {len(self.shares)} tiers, but the names are made for four ({', '.join(TIERS)}); "
                    "name yours with labels=(...)."
                )
            return np.array(TIERS)
        if not _is_sized(self.labels):
            raise InputTypeError(f"labels must be {len(self.shares)} names, got {self.labels!r}.")
        names = [self.labels] if isinstance(self.labels, str) else list(self.labels)
        if not all(isinstance(name, str) for name in names):
            raise InputTypeError(f"labels must be text, got {self.labels!r}.")
        if len(names) != len(self.shares) or len(set(names)) != len(names):
            raise InputError(
                f"labels must be {len(self.shares)} different names, one per share; got {self.labels!r}."
            )
        return np.array(names)


def _is_sized(values: Any) -> bool:
    return np.iterable(values) and hasattr(values, "__len__")
