"""Cross-validation of samples that are customers at dates: nobody on both sides, and no future in the past."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import BaseCrossValidator

from crmintel._compat import as_generator
from crmintel._validation import check_number
from crmintel.exceptions import InputError, InputTypeError
from crmintel.transactions.calendar import in_days
from crmintel.transactions.log import TransactionLog


class GroupTimeSeriesSplit(BaseCrossValidator):
    """Train on earlier dates and some customers, test on later dates and the others.

    Each test fold is one of the last ``n_splits`` as-of dates with a random part of the customers; its training part
    has the other customers, at dates so much earlier that the horizons of their labels end by the as-of date of the
    fold. A shuffled fold of snapshots has the same customer, and the same Christmas, on both sides.

    Parameters
    ----------
    n_splits : int, default=3
        Folds: each of the last as-of dates in turn.
    horizon : number or str, optional
        Horizon (and gap) of the labels, e.g. ``"90D"``: training dates lie at least this far before the test date. None
        takes any earlier date, which is right only if the dates are a horizon apart, as `churn_snapshots` makes them
        without ``step``.
    test_share : float, default=0.5
        Share of the customers on the side of the test.
    random_state : int, RandomState, Generator or None, default=0
        Draws the customers of each fold.

    See Also
    --------
    churn_snapshots : Makes such samples.

    References
    ----------
    Roberts et al. (2017), "Cross-validation strategies for data with temporal, spatial, hierarchical, or phylogenetic
    structure", Ecography 40(8).

    Examples
    --------
    >>> import crmintel as ci
    >>> from sklearn.model_selection import cross_val_score
    >>> log, _ = ci.datasets.make_transactions(400, random_state=0)
    >>> snapshots, labels = ci.churn_snapshots(log, horizon="90D")
    >>> folds = ci.GroupTimeSeriesSplit(n_splits=2, horizon="90D")
    >>> scores = cross_val_score(ci.make_churn_pipeline(), snapshots, labels, cv=folds, scoring="roc_auc")
    >>> len(scores), bool(scores.min() > 0.7)
    (2, True)
    """

    def __init__(
        self, n_splits: int = 3, *, horizon: Any = None, test_share: float = 0.5, random_state: Any = 0
    ) -> None:
        self.n_splits = n_splits
        self.horizon = horizon
        self.test_share = test_share
        self.random_state = random_state

    def split(
        self, X: TransactionLog, y: Any = None, groups: Any = None
    ) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
        """Give the positions of training and test samples, fold by fold from the earliest date.

        Parameters
        ----------
        X : TransactionLog
            Of snapshots, as from `churn_snapshots`.
        y : None
            Ignored.
        groups : array-like of shape (n_samples,), optional
            Who belongs together (a household, a company), in place of ``X.customers``.

        Yields
        ------
        train, test : ndarray of int64
            Positions, rising.

        Raises
        ------
        InputTypeError
            If X is no log, or groups are of mixed types.
        InputError
            If there are too few as-of dates or customers for the folds, or a parameter is out of bounds.
        """
        n_splits = self.get_n_splits()
        share = check_number(
            self.test_share, "test_share", low=0.0, high=1.0, strict_low=True, strict_high=True
        )
        ahead = 1.0 if self.horizon is None else in_days(self.horizon, "horizon")
        check_number(ahead, "horizon", low=0.0, strict_low=True)
        if not isinstance(X, TransactionLog):
            raise InputTypeError(
                f"X must be a log of snapshots, got {type(X).__name__}; churn_snapshots makes one. For rows of "
                "customers without dates take sklearn.model_selection.StratifiedGroupKFold."
            )
        who = np.asarray(X.customers if groups is None else groups)
        if who.shape != (len(X),):
            raise InputError(f"groups must name one group per sample ({len(X)}), got shape {who.shape}.")
        try:
            _, owner = np.unique(who, return_inverse=True)
        except TypeError:
            raise InputTypeError("groups must be of one type, without None.") from None
        n_groups = int(owner.max(initial=-1)) + 1
        n_test = round(share * n_groups)
        if not 0 < n_test < n_groups:
            raise InputError(
                f"test_share={self.test_share!r} of {n_groups} customers leaves a side without any; at least one must "
                "be on each."
            )
        day = X.as_of.astype(np.int64)
        dates = np.unique(day)
        usable = dates[dates - dates[:1] >= ahead] if dates.size else dates
        if usable.size < n_splits:
            raise InputError(
                f"n_splits={n_splits} needs as many as-of dates that lie {ahead:g} days or more after the first, but "
                f"of the {dates.size} dates of X {usable.size} do; take fewer splits, or a smaller step in "
                "churn_snapshots."
            )
        rng = as_generator(self.random_state)
        for date in usable[-n_splits:]:
            tested = np.zeros(n_groups, dtype=bool)
            tested[rng.permutation(n_groups)[:n_test]] = True
            train = np.flatnonzero((day + ahead <= date) & ~tested[owner])
            test = np.flatnonzero((day == date) & tested[owner])
            if train.size == 0 or test.size == 0:
                raise InputError(
                    f"at the as-of date {np.datetime64(int(date), 'D')} no sample is left "
                    f"{'to train on' if train.size == 0 else 'to test'}: customers are {n_groups}, test_share is "
                    f"{self.test_share!r}; take another share or more customers."
                )
            yield train, test

    def get_n_splits(self, X: Any = None, y: Any = None, groups: Any = None) -> int:
        """Return the number of folds.

        Parameters
        ----------
        X, y, groups : None
            Ignored.

        Returns
        -------
        int
        """
        return int(check_number(self.n_splits, "n_splits", low=1, integer=True))
