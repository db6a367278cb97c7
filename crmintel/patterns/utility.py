"""High-utility itemsets: which products, bought together, bring the money."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator

from crmintel._frames import build_frame
from crmintel._validation import check_number, exact
from crmintel.exceptions import InputError
from crmintel.patterns._profits import read_profits
from crmintel.patterns._utility_search import search_itemsets
from crmintel.transactions.grouping import MILLIONTHS

_NEITHER = 100  # best itemsets where neither min_utility nor top_k is given


@dataclass(frozen=True, slots=True)
class UtilityItemset:
    """One itemset: its labels, the money they brought in the baskets that hold them all, and how many those are."""

    items: tuple[Any, ...]
    utility: float
    count: int


class UtilityItemsets:
    """High-utility itemsets as flat arrays, the largest utility first.

    ``len`` is how many, iteration gives their ``.items``, ``.utility`` and ``.count``. Of equal ones the shorter
    stands first, then the one that the search met first, which depends on the baskets alone.

    Attributes
    ----------
    items : ndarray of int32
        Item codes, rising within each: itemset ``k`` is ``items[offsets[k]:offsets[k + 1]]``.
    offsets : ndarray of int64 of shape (n_itemsets + 1,)
    utilities : ndarray of float64 of shape (n_itemsets,)
        Money that the items of the itemset brought in the baskets that hold the whole itemset.
    counts : ndarray of int64 of shape (n_itemsets,)
        Those baskets.
    labels : ndarray
        The items that the codes stand for.
    n_baskets : int
    total_utility : float
        Money of all baskets.

    Examples
    --------
    >>> from crmintel import HighUtilityItemsets
    >>> found = HighUtilityItemsets(min_utility=9).fit([{"tea": 5, "cup": 4}, {"tea": 5}, {"cup": 1}]).itemsets_
    >>> found
    UtilityItemsets(2 itemsets of up to 2 items, in 3 baskets worth 15.00)
    >>> [(itemset.items, itemset.utility, itemset.count) for itemset in found]
    [(('tea',), 10.0, 2), (('cup', 'tea'), 9.0, 1)]
    """

    __slots__ = (
        "counts",
        "items",
        "labels",
        "library",
        "n_baskets",
        "offsets",
        "total_utility",
        "utilities",
    )

    def __init__(
        self,
        items: NDArray[np.int32],
        offsets: NDArray[np.int64],
        utilities: NDArray[np.float64],
        counts: NDArray[np.int64],
        *,
        labels: NDArray[Any],
        n_baskets: int,
        total_utility: float,
        library: str | None = None,
    ) -> None:
        self.items, self.offsets, self.utilities, self.counts = items, offsets, utilities, counts
        self.labels, self.n_baskets, self.total_utility, self.library = (
            labels,
            n_baskets,
            total_utility,
            library,
        )

    def __len__(self) -> int:
        return self.utilities.size

    @property
    def lengths(self) -> NDArray[np.int64]:
        """Number of items of each itemset."""
        return np.diff(self.offsets)

    @property
    def support(self) -> NDArray[np.float64]:
        """Share of the baskets that hold each itemset."""
        return self.counts / self.n_baskets

    def __getitem__(self, k: int) -> UtilityItemset:
        at = check_number(
            k, "the number of an itemset", low=-len(self), high=len(self) - 1, integer=True
        ) % len(self)
        codes = self.items[self.offsets[int(at)] : self.offsets[int(at) + 1]]
        return UtilityItemset(
            tuple(self.labels[codes].tolist()), float(self.utilities[int(at)]), int(self.counts[int(at)])
        )

    def __iter__(self) -> Iterator[UtilityItemset]:
        labels, bounds = self.labels[self.items].tolist(), self.offsets.tolist()
        for k, (utility, count) in enumerate(zip(self.utilities.tolist(), self.counts.tolist(), strict=True)):
            yield UtilityItemset(tuple(labels[bounds[k] : bounds[k + 1]]), utility, count)

    def names(self) -> NDArray[Any]:
        """Return every itemset as text, e.g. ``"bread, milk"``."""
        text = np.empty(len(self), dtype=object)
        text[:] = [", ".join(map(str, itemset.items)) for itemset in self]
        return text

    def to_frame(self, library: str | None = None) -> Any:
        """Return the columns ``items`` (as text), ``length``, ``count``, ``utility`` and its ``share`` of all money.

        The shares are nan where gains and losses cancel to nothing.

        Parameters
        ----------
        library : {"pandas", "polars", "pyarrow"}, default=None
            None: the library the baskets came from, or a dict of arrays where they came from none.
        """
        columns = {
            "items": self.names(),
            "length": self.lengths,
            "count": self.counts,
            "utility": self.utilities,
            "share": self.utilities / (self.total_utility or np.nan),
        }
        return build_frame(columns, library or self.library)

    def __repr__(self) -> str:
        longest = int(self.lengths.max(initial=0))
        return (
            f"UtilityItemsets({len(self):,} itemsets of up to {longest} items, in {self.n_baskets:,} baskets worth "
            f"{self.total_utility:,.2f})"
        )


class HighUtilityItemsets(BaseEstimator):
    """Find every set of items that brings at least ``min_utility`` in the baskets that hold all of it.

    Frequent itemsets count baskets; these count money: a rare set of dear items can bring more than bread and milk.
    The search is EFIM's [1]_: bounds on what any larger itemset can bring, over projected databases in which equal
    baskets are merged. Items may bring losses (negative utilities, [2]_).

    Return lines of a log are in no basket, as in `TransactionLog.baskets`: run `LogCleaner` first, which takes what was
    given back out of the purchases. Without it the itemsets' money counts what was returned as sold.

    Money is counted in whole millionths: sums are exact in any order, and ``min_utility`` means the decimal number
    that is printed.

    Parameters
    ----------
    min_utility : float, default=None
        In money, whether int or float; above 0. For a share of all sales give ``0.001 * log.spend().sum()``, of a
        cleaned log, since ``spend`` counts returns. None leaves the bound to ``top_k``.
    top_k : int, default=None
        Only the best itemsets, this many; of equal ones the shorter. None is all, or 100 if
        ``min_utility`` is None too.
    max_length : int, default=None
        Largest number of items in an itemset.
    max_itemsets : int, default=20_000_000
        More than these are not stored: `CapacityError`.
    verbose : bool or int, default=0
        Draw a progress bar.

    Attributes
    ----------
    itemsets_ : UtilityItemsets
        The largest utility first.

    Raises
    ------
    InputError
        If there are no baskets, a utility is missing or infinite, or a parameter is out of its bounds.
    CapacityError
        If more than ``max_itemsets`` reach the bound, or they hold more than 2**28 items in total.

    Warns
    -----
    DataWarning
        If a log has return lines; the message counts them and their money.

    References
    ----------
    .. [1] Zida, S., Fournier-Viger, P., Lin, J. C.-W., Wu, C.-W., Tseng, V. S. (2017). EFIM: a fast and memory
       efficient algorithm for high-utility itemset mining. Knowledge and Information Systems 51, 595-625.
    .. [2] Lin, J. C.-W., Fournier-Viger, P., Gan, W. (2016). FHN: an efficient algorithm for mining high-utility
       itemsets with negative unit profits. Knowledge-Based Systems 111, 283-298.

    Examples
    --------
    >>> import crmintel as ci
    >>> log = ci.TransactionLog.from_arrays(
    ...     customer=[1, 1, 2, 2, 3], time=["2024-01-05"] * 5, item=["wine", "cheese", "wine", "cheese", "bread"],
    ...     amount=[12.0, 8.0, 15.0, 6.0, 2.0], cost=[7.0, 5.0, 9.0, 4.0, 1.0],
    ... )
    >>> [(found.items, found.utility) for found in ci.HighUtilityItemsets(min_utility=10).fit(log).itemsets_]
    [(('cheese', 'wine'), 16.0), (('wine',), 11.0)]
    """

    def __init__(
        self,
        min_utility: float | None = None,
        top_k: int | None = None,
        max_length: int | None = None,
        *,
        max_itemsets: int = 20_000_000,
        verbose: bool | int = 0,
    ) -> None:
        self.min_utility = min_utility
        self.top_k = top_k
        self.max_length = max_length
        self.max_itemsets = max_itemsets
        self.verbose = verbose

    def fit(self, X: Any, y: Any = None, *, utilities: Any = None) -> Self:
        """Mine the baskets.

        Parameters
        ----------
        X : log, Baskets, list of dicts, sparse matrix, array or frame of numbers
            A log brings the amount of each item in each basket, less its cost where the log has costs. A list holds
            ``{item: money}`` for each basket. Of a matrix or frame (baskets x items) the entries other than 0 are in
            the basket, and are its utilities. A long table of lines is no such frame: its columns would be taken
            for products. `TransactionLog.from_frame` reads it.
        y : None
            Ignored.
        utilities : sparse matrix or array of shape (n_baskets, n_items), default=None
            For Baskets: what each item brought in each basket, e.g. quantity times unit profit; 0 where it is not
            stored.
        """
        threshold = 1
        if self.min_utility is not None:
            check_number(self.min_utility, "min_utility", low=0.0, strict_low=True)
            money = exact(self.min_utility) * MILLIONTHS
            threshold = min(-(-money.numerator // money.denominator), 2**62)
        top_k = _NEITHER if self.min_utility is None and self.top_k is None else self.top_k
        limit = int(check_number(self.max_itemsets, "max_itemsets", low=1, high=2**31 - 2, integer=True))
        if top_k is not None:
            top_k = int(check_number(top_k, "top_k", low=1, high=limit, integer=True))
        if self.max_length is not None:
            check_number(self.max_length, "max_length", low=1, high=2**31 - 1, integer=True)
        profits = read_profits(X, utilities)
        if len(profits.baskets) == 0:
            raise InputError("there are no baskets to mine; got 0 rows.")
        items, offsets, worth, counts = search_itemsets(
            profits,
            threshold=threshold,
            top_k=top_k,
            max_length=self.max_length,
            max_itemsets=limit,
            verbose=self.verbose,
        )
        self.itemsets_ = UtilityItemsets(
            items,
            offsets,
            worth / MILLIONTHS,
            counts,
            labels=profits.baskets.items,
            n_baskets=len(profits.baskets),
            total_utility=int(profits.utilities.sum()) / MILLIONTHS,
            library=profits.baskets.library,
        )
        return self

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False
        tags.input_tags.sparse = True
        return tags
