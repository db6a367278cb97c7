"""Which items a segment buys more often than other customers."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse
from scipy.stats import false_discovery_control, hypergeom

from crmintel._frames import build_frame
from crmintel._validation import check_number
from crmintel.exceptions import InputError
from crmintel.segments._labels import as_labels, codes_of, segment_names
from crmintel.transactions.baskets import as_baskets
from crmintel.transactions.log import TransactionLog


@dataclass(frozen=True, slots=True)
class ItemAffinity:
    """Items that segments over-buy, by segment and falling lift; made by `over_represented`.

    Attributes
    ----------
    segment, item : ndarray of shape (n,)
        Who buys what.
    customers : ndarray of int64, shape (n,)
        Customers of the segment who bought it.
    share, others : ndarray of float64, shape (n,)
        Share of the segment's customers, and of all other customers, who bought it.
    lift : ndarray of float64, shape (n,)
        ``share / others``; inf where nobody else did.
    pvalue : ndarray of float64, shape (n,)
        Chance of at least as many buyers in the segment if segment and purchase were independent, adjusted for the
        number of pairs tested.
    segments : list
        All segments that were compared, sorted by name; one that over-buys nothing stands in none of the above.

    Examples
    --------
    >>> import crmintel as ci
    >>> bought = [["wine", "bread"]] * 10 + [["bread"]] * 10
    >>> found = ci.over_represented(ci.Baskets.from_lists(bought), ["gold"] * 10 + ["base"] * 10)
    >>> found.segment.tolist(), found.item.tolist(), found.share.tolist(), found.others.tolist()
    (['gold'], ['wine'], [1.0], [0.0])
    """

    segment: NDArray[Any]
    item: NDArray[Any]
    customers: NDArray[np.int64]
    share: NDArray[np.float64]
    others: NDArray[np.float64]
    lift: NDArray[np.float64]
    pvalue: NDArray[np.float64]
    segments: list[Any] = field(default_factory=list, repr=False)
    library: str | None = field(default=None, repr=False)

    def __len__(self) -> int:
        return self.segment.size

    def of(self, segment: Any) -> list[Any]:
        """Return the items of one segment, the highest lift first; none if it over-buys nothing."""
        if segment not in self.segments:
            raise InputError(f"{segment!r} is none of the segments {self.segments}.")
        return self.item[self.segment == segment].tolist()

    def to_frame(self) -> Any:
        """Return one row per segment and item, in the library of the log."""
        names = ("segment", "item", "customers", "share", "others", "lift", "pvalue")
        return build_frame({name: getattr(self, name) for name in names}, self.library)


def over_represented(
    X: Any, labels: ArrayLike, *, min_customers: int = 5, false_discoveries: float = 0.05
) -> ItemAffinity:
    """Find the items that customers of a segment buy more often than all others.

    Parameters
    ----------
    X : TransactionLog, or Baskets, matrix or frame with one row per customer
        What each customer has bought; of a log its items, returns aside.
    labels : array-like of shape (n_customers,)
        Segment of each customer; None for one who is in none, and is left out.
    min_customers : int, default=5
        Buyers in the segment that an item must have to be tested.
    false_discoveries : float, default=0.05
        Share of the items listed that may be there by chance, on average.

    Returns
    -------
    ItemAffinity

    Raises
    ------
    InputError
        If the lengths differ or there are fewer than two segments.

    Notes
    -----
    One-sided exact tests of Fisher, with the false discovery rate of Benjamini and Hochberg over all pairs of a
    segment and an item that could have ``min_customers`` buyers: both are as large. Those that do not have them count
    as tested without success, for that a pair has many buyers is what the test is about.

    References
    ----------
    Benjamini, Y. & Hochberg, Y. (1995). Controlling the false discovery rate. JRSS B 57, 289-300.

    Examples
    --------
    >>> import crmintel as ci
    >>> bought = [["wine", "bread"]] * 10 + [["bread"]] * 9 + [["wine"]]
    >>> found = ci.over_represented(ci.Baskets.from_lists(bought), ["gold"] * 10 + ["base"] * 10)
    >>> found.of("gold"), found.lift.tolist()
    (['wine'], [10.0])
    """
    check_number(min_customers, "min_customers", low=1, integer=True)
    check_number(false_discoveries, "false_discoveries", low=0.0, high=1.0, strict_low=True)
    library = getattr(X, "library", None)
    bought = X.baskets().by_customer(len(X)) if isinstance(X, TransactionLog) else as_baskets(X)
    named = as_labels(labels, "labels", n=bought.shape[0])
    segments = segment_names(named)
    if len(segments) < 2:
        raise InputError(f"labels holds the segments {segments}; at least 2 are needed to compare.")
    codes = codes_of(named, segments)
    inside = np.flatnonzero(codes < len(segments))
    shape = (len(segments), bought.shape[0])
    members = sparse.csr_array((np.ones(inside.size), (codes[inside], inside)), shape=shape)
    buyers = (members @ sparse.csr_array(bought.matrix, dtype=np.float64)).toarray().astype(np.int64)
    sizes = np.bincount(codes[inside], minlength=len(segments))
    everybody = buyers.sum(axis=0)

    row, column = np.nonzero(buyers >= min_customers)
    count, size, total = buyers[row, column], sizes[row], everybody[column]
    share, others = count / size, (total - count) / (inside.size - size)
    pvalue = hypergeom.sf(count - 1, inside.size, total, size)
    tested = int(np.count_nonzero(sizes >= min_customers) * np.count_nonzero(everybody >= min_customers))
    pvalue = np.concatenate([np.minimum(pvalue, 1.0), np.ones(tested - pvalue.size)])
    pvalue = false_discovery_control(pvalue)[: count.size] if tested else pvalue
    with np.errstate(divide="ignore"):
        lift = np.where(share > 0.0, share / others, 0.0)
    keep = np.flatnonzero((pvalue <= false_discoveries) & (share > others))
    keep = keep[np.lexsort((column[keep], pvalue[keep], -lift[keep], row[keep]))]
    return ItemAffinity(
        np.array(segments)[row[keep]],
        bought.items[column[keep]],
        count[keep],
        share[keep],
        others[keep],
        lift[keep],
        pvalue[keep],
        segments,
        library,
    )
