"""Who fell: the customers to look at before they are gone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from crmintel._frames import build_frame
from crmintel._validation import check_vector
from crmintel.exceptions import InputError, InputTypeError
from crmintel.segments._labels import as_labels, codes_of, segment_names


@dataclass(frozen=True, slots=True)
class Fall:
    """One customer who fell: from where to where (None: away), over how many tiers, and the money at stake."""

    customer: Any
    before: Any
    after: Any
    tiers: int
    money: float


@dataclass(frozen=True, slots=True)
class EarlyWarning:
    """Customers who fell a tier or stayed away, the most money at stake first; made by `early_warning`.

    ``len`` is how many, iteration gives each as a `Fall`.

    Attributes
    ----------
    customers : ndarray of shape (n,)
        Their ids.
    before, after : ndarray of shape (n,)
        Their segments; None after for those who stayed away.
    tiers : ndarray of int64, shape (n,)
        How many tiers they fell; staying away is one below the last.
    money : ndarray of float64, shape (n,)
        Money at stake; NaN where it was not given.

    Examples
    --------
    >>> import crmintel as ci
    >>> warning = ci.early_warning(["ann", "bob"], ["gold", "gold"], ["base", "gold"], order=["gold", "base"])
    >>> len(warning), warning.customers.tolist()
    (1, ['ann'])
    >>> warning
    EarlyWarning(1 customers who fell)
    """

    customers: NDArray[Any]
    before: NDArray[Any]
    after: NDArray[Any]
    tiers: NDArray[np.int64]
    money: NDArray[np.float64]
    library: str | None = field(default=None, repr=False)

    def __len__(self) -> int:
        return self.customers.size

    def __repr__(self) -> str:
        stake = "" if np.isnan(self.money).any() else f", {self.money.sum():,.2f} at stake"
        return f"EarlyWarning({len(self):,} customers who fell{stake})"

    def __iter__(self) -> Iterator[Fall]:
        columns = (self.customers, self.before, self.after, self.tiers, self.money)
        return (Fall(*row) for row in zip(*(column.tolist() for column in columns), strict=True))

    def to_frame(self) -> Any:
        """Return one row per customer: ``customer, before, after, tiers, money``."""
        text = [
            np.array(["absent" if label is None else str(label) for label in column])
            for column in (self.before, self.after)
        ]
        return build_frame(
            {
                "customer": self.customers,
                "before": text[0],
                "after": text[1],
                "tiers": self.tiers,
                "money": self.money,
            },
            self.library,
        )


def early_warning(
    customers: ArrayLike,
    before: ArrayLike,
    after: ArrayLike,
    *,
    order: Sequence[Any],
    money: ArrayLike | None = None,
    library: str | None = None,
) -> EarlyWarning:
    """List the customers who are in a lower tier than before, or in none.

    Parameters
    ----------
    customers : array-like of shape (n_customers,)
        Their ids, such as ``log.customers``.
    before, after : array-like of shape (n_customers,)
        Tier of each customer at two dates; None for one who is absent.
    order : sequence
        The tiers, best first.
    money : array-like of shape (n_customers,), optional
        What each customer is at stake with, such as the spend before; sorts the list.
    library : {"pandas", "polars", "pyarrow"} or None, default=None
        Kind of frame that ``to_frame`` returns.

    Returns
    -------
    EarlyWarning
        Sorted by falling money, then by tiers fallen, then in the order given.

    Raises
    ------
    InputError
        If lengths differ or a tier is not in ``order``.

    Examples
    --------
    >>> import crmintel as ci
    >>> warning = ci.early_warning(
    ...     ["ann", "bob", "cid"], ["gold", "gold", "base"], ["base", "gold", None],
    ...     order=["gold", "base"], money=[90.0, 80.0, 10.0],
    ... )
    >>> [(fall.customer, fall.before, fall.after) for fall in warning]
    [('ann', 'gold', 'base'), ('cid', 'base', None)]
    """
    try:
        ids = np.asarray(customers)
    except ValueError:
        raise InputTypeError(
            "customers must be one id per customer, got rows of different lengths."
        ) from None
    if ids.ndim != 1:
        raise InputError(f"customers must be one id per customer, got shape {ids.shape}.")
    old, new = as_labels(before, "before", n=ids.size), as_labels(after, "after", n=ids.size)
    names = segment_names(old, new, order=order)
    was, now = codes_of(old, names), codes_of(new, names)
    stake = np.full(ids.size, np.nan) if money is None else check_vector(money, "money", n=ids.size)
    fell = np.flatnonzero((now > was) & (was < len(names)))
    tiers = (now - was)[fell]
    worst_first = fell[np.lexsort((fell, -tiers, -np.nan_to_num(stake[fell])))]
    return EarlyWarning(
        ids[worst_first],
        old[worst_first],
        new[worst_first],
        (now - was)[worst_first],
        stake[worst_first],
        library,
    )
