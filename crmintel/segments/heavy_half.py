"""The heavy half: half of the users make most of the volume."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from crmintel.exceptions import InputError
from crmintel.segments._money import money_of, total_of, warn_of_negative

GROUPS = np.array(["heavy", "light", "non-user"])


class HeavyHalf(BaseEstimator):
    """Heavy users, light users and non-users: the users are divided at their median.

    Attributes
    ----------
    edge_ : float
        Median volume of the users, which a heavy user exceeds.
    table_ : dict of ndarray
        One row per group of the customers of ``fit``: ``group, customers, customer_share, volume, volume_share``.

    See Also
    --------
    ValueTiers : Tiers of any shares.
    top_share : The share of the money that the best customers make.

    Notes
    -----
    A user is who has a volume above 0. Customers at the median are light users, so that equals stay together; where
    many buy the same small number, fewer than half of the users are heavy.

    References
    ----------
    D. W. Twedt, "How important to marketing strategy is the 'heavy user'?", Journal of Marketing 28(1), 1964: of 18
    product classes the heavy half bought 74 to 91 per cent.

    Examples
    --------
    >>> import crmintel as ci
    >>> heavy = ci.HeavyHalf().fit([0, 0, 1, 2, 5, 12])
    >>> heavy.predict([0, 3, 4]).tolist()
    ['non-user', 'light', 'heavy']
    >>> heavy.table_["volume_share"].round(2).tolist()
    [0.85, 0.15, 0.0]
    """

    def fit(self, X: Any, y: Any = None) -> HeavyHalf:
        """Learn the median of the users.

        Parameters
        ----------
        X : TransactionLog or array-like of shape (n_customers,) or (n_customers, 1)
            Volume of each customer: money, units or purchases; of a log its ``spend()``.
        y : None
            Ignored.

        Returns
        -------
        HeavyHalf
            The fitted estimator.

        Raises
        ------
        InputError
            If a volume is missing or infinite, or there is no user.

        Warns
        -----
        DataWarning
            If negative volumes, which count as nothing, exceed 10 % of the total.
        """
        volume = money_of(X, "X (volume)")
        users = volume[volume > 0.0]
        if users.size == 0:
            raise InputError(f"none of the {volume.size} customers has a volume above 0: there is no user.")
        total = total_of(users, "volume")
        warn_of_negative(volume, total, "volume")
        self.edge_ = float(np.median(users))
        group = self._group_of(volume)
        customers = np.bincount(group, minlength=3)
        # what non-users returned is nobody's use
        sums = np.bincount(group, weights=np.maximum(volume, 0.0), minlength=3)
        self.table_ = {
            "group": GROUPS.copy(),
            "customers": customers,
            "customer_share": customers / volume.size,
            "volume": sums,
            "volume_share": sums / total,
        }
        return self

    def predict(self, X: Any) -> NDArray[np.str_]:
        """Return ``heavy``, ``light`` or ``non-user`` for each customer, by the learned ``edge_``.

        Parameters
        ----------
        X : TransactionLog or array-like of shape (n_customers,) or (n_customers, 1)
            As in `fit`; next month's, for example.

        Returns
        -------
        ndarray of str, shape (n_customers,)
        """
        check_is_fitted(self)
        return GROUPS[self._group_of(money_of(X, "X (volume)"))]

    def fit_predict(self, X: Any, y: Any = None) -> NDArray[np.str_]:
        """Fit and return the group of each customer; the parameters are those of ``fit``."""
        return self.fit(X).predict(X)

    def _group_of(self, volume: NDArray[np.float64]) -> NDArray[np.int64]:
        return np.where(volume > self.edge_, 0, np.where(volume > 0.0, 1, 2))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.one_d_array = True
        tags.input_tags.two_d_array = False
        tags.requires_fit = True
        return tags
