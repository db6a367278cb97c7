"""Frequent itemsets: what stands together in many baskets."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from crmintel._compat import thread_count
from crmintel._frames import build_frame
from crmintel._validation import check_choice, check_number
from crmintel.exceptions import CapacityError, InputError
from crmintel.kernels.itemsets import expand, find_members, itemset_offsets
from crmintel.patterns._mining import Trie, mine, support_count
from crmintel.transactions.baskets import Baskets, as_baskets

ALGORITHMS = ("auto", "fpgrowth", "projection", "bitset")
_MOST_MEMBERS = 1 << 28  # entries of a membership matrix: 1.3 GiB when done


@dataclass(frozen=True, slots=True)
class Itemset:
    """One itemset: the labels of its items, and how many baskets hold them all."""

    items: tuple[Any, ...]
    count: int


class Itemsets:
    """Frequent itemsets as flat arrays; ``len`` is how many, iteration gives their ``.items`` and ``.count``.

    They stand in the order of the search: first those of the most frequent item alone, then all whose rarest item
    is the second one, and so on, each behind the itemset it extends. `find` and the arrays do not depend on it.

    Attributes
    ----------
    items : ndarray of int32
        Item codes of all itemsets, rising within each: itemset ``k`` is ``items[offsets[k]:offsets[k + 1]]``.
        Written out of a prefix tree of 12 bytes an itemset when first asked for.
    offsets : ndarray of int64 of shape (n_itemsets + 1,)
    counts : ndarray of int32 of shape (n_itemsets,)
        Baskets that hold the whole itemset.
    labels : ndarray
        The items that the codes stand for.
    n_baskets : int

    Examples
    --------
    >>> from crmintel import FrequentItemsets
    >>> found = FrequentItemsets(min_support=2).fit([["milk", "bread"], ["milk", "bread"], ["milk"]]).itemsets_
    >>> found
    Itemsets(3 itemsets of up to 2 items, in 3 baskets)
    >>> [(itemset.items, itemset.count) for itemset in found]
    [(('milk',), 3), (('bread',), 2), (('bread', 'milk'), 2)]
    """

    __slots__ = ("_items", "_offsets", "_trie", "labels", "library", "n_baskets")

    def __init__(self, trie: Trie, labels: NDArray[Any], n_baskets: int, library: str | None) -> None:
        self._trie, self.labels, self.n_baskets, self.library = trie, labels, n_baskets, library
        self._items: NDArray[np.int32] | None = None
        self._offsets: NDArray[np.int64] | None = None

    def __len__(self) -> int:
        return self._trie.count.size

    @property
    def counts(self) -> NDArray[np.int32]:
        """How many baskets hold each itemset."""
        return self._trie.count

    @property
    def support(self) -> NDArray[np.float64]:
        """Share of the baskets that hold each itemset."""
        return self._trie.count / self.n_baskets

    @property
    def lengths(self) -> NDArray[np.int64]:
        """Number of items of each itemset."""
        return np.diff(self.offsets)

    @property
    def offsets(self) -> NDArray[np.int64]:
        """Where each itemset starts in `items`."""
        if self._offsets is None:
            self._offsets = np.empty(len(self) + 1, dtype=np.int64)
            itemset_offsets(parent=self._trie.parent, offsets=self._offsets)
        return self._offsets

    @property
    def items(self) -> NDArray[np.int32]:
        """Item codes of all itemsets, one behind the other."""
        if self._items is None:
            self._items = np.empty(self.offsets[-1], dtype=np.int32)
            expand(parent=self._trie.parent, item=self._trie.item, offsets=self.offsets, items=self._items)
        return self._items

    def __getitem__(self, k: int) -> Itemset:
        number = int(
            check_number(k, "the number of an itemset", low=-len(self), high=len(self) - 1, integer=True)
        )
        low = self.offsets[:-1][number]
        codes = self.items[low : low + self.lengths[number]]
        return Itemset(tuple(self.labels[codes].tolist()), int(self.counts[number]))

    def __iter__(self) -> Iterator[Itemset]:
        labels, bounds = self.labels[self.items].tolist(), self.offsets.tolist()
        for k, count in enumerate(self.counts.tolist()):
            yield Itemset(tuple(labels[bounds[k] : bounds[k + 1]]), count)

    def names(self) -> NDArray[Any]:
        """Return every itemset as text, e.g. ``"bread, milk"``."""
        text = np.empty(len(self), dtype=object)
        text[:] = [", ".join(map(str, itemset.items)) for itemset in self]
        return text

    def to_frame(self, library: str | None = None) -> Any:
        """Return the columns ``items`` (as text), ``length``, ``count`` and ``support``.

        Parameters
        ----------
        library : {"pandas", "polars", "pyarrow"}, default=None
            None: the library the baskets came from, or a dict of arrays where they came from none.
        """
        columns = {
            "items": self.names(),
            "length": self.lengths,
            "count": self.counts,
            "support": self.support,
        }
        return build_frame(columns, library or self.library)

    def members(self, baskets: Baskets) -> Any:
        """Return which of ``baskets`` hold which itemset: a boolean CSR matrix, baskets x itemsets.

        Raises
        ------
        CapacityError
            If the matrix would hold more than 2**28 entries.
        """
        baskets = baskets.with_items(self.labels)
        parent, item = self._trie.parent, self._trie.item
        columns = baskets.matrix.tocsc()
        offsets = np.zeros(len(self) + 1, dtype=np.int64)
        likely = int(self.counts.sum(dtype=np.int64)) * len(baskets) // self.n_baskets
        rows = np.empty(min(likely, _MOST_MEMBERS) + len(baskets), dtype=np.int32)
        done = 0
        while True:
            done = find_members(
                start=done, parent=parent, item=item,
                indptr=baskets.indptr,
                indices=baskets.indices,
                column_start=columns.indptr.astype(np.int64), column_rows=columns.indices.astype(np.int32),
                offsets=offsets, rows=rows,
            )  # fmt: skip
            if done == len(self):
                break
            if rows.size > _MOST_MEMBERS:
                raise CapacityError(
                    f"{len(baskets):,} baskets hold {len(self):,} itemsets more than {_MOST_MEMBERS:,} times. Raise "
                    "min_support, set max_length, or transform fewer baskets at a time."
                )
            rows = np.concatenate([rows, np.empty(rows.size + len(baskets), dtype=np.int32)])
        rows = rows[: offsets[-1]]
        shape = (len(baskets), len(self))
        return sparse.csc_array((np.ones(rows.size, dtype=bool), rows, offsets), shape=shape).tocsr()

    def __repr__(self) -> str:
        longest = int(self.lengths.max(initial=0))
        return f"Itemsets({len(self):,} itemsets of up to {longest} items, in {self.n_baskets:,} baskets)"


class FrequentItemsets(TransformerMixin, BaseEstimator):
    """Find every set of items that stands together in at least ``min_support`` baskets.

    Parameters
    ----------
    min_support : int or float, default=0.01
        An int is a count of baskets (at least 1), a float in (0, 1] a share of them; a share is turned into the
        smallest count that reaches it exactly, as the decimal number that is printed.
    target : {"all"}, default="all"
        Which frequent itemsets.
    max_length : int, default=None
        Largest number of items in an itemset.
    algorithm : {"auto", "fpgrowth", "projection", "bitset"}, default="auto"
        ``fpgrowth`` mines prefix trees [1]_; ``projection`` copies the conditional databases as rows [2]_;
        ``bitset`` holds them as columns of bits [3]_; ``auto`` takes rows or bits for each conditional database by
        estimated cost. All find the same itemsets.
    max_itemsets : int, default=20_000_000
        More than these are not stored: `CapacityError`.
    n_jobs : int, default=None
        Threads; None is 1, -1 all processors. The result does not depend on it.
    verbose : bool or int, default=0
        Draw a progress bar.

    Attributes
    ----------
    itemsets_ : Itemsets
    min_count_ : int
        ``min_support`` as a count of baskets.
    algorithm_ : str
        What was used; ``auto`` tells where it went: ``projection``, ``bitset`` or ``projection+bitset``.

    Raises
    ------
    InputError
        If there are no baskets, or a parameter is out of its bounds.
    CapacityError
        If more than ``max_itemsets`` are frequent.

    References
    ----------
    .. [1] Han, J., Pei, J., Yin, Y. (2000). Mining frequent patterns without candidate generation. SIGMOD.
    .. [2] Uno, T., Kiyomi, M., Arimura, H. (2004). LCM ver. 2: efficient mining algorithms for frequent/closed/
       maximal itemsets. FIMI.
    .. [3] Zaki, M. J. (2000). Scalable algorithms for association mining. IEEE TKDE 12(3), 372-390.

    Examples
    --------
    >>> from crmintel import FrequentItemsets
    >>> miner = FrequentItemsets(min_support=0.5).fit([["milk", "bread"], ["milk", "bread", "tea"], ["milk"]])
    >>> miner.itemsets_.to_frame()["items"]
    array(['milk', 'bread', 'bread, milk'], dtype=object)
    >>> miner.transform([["milk", "tea"]]).toarray()
    array([[ True, False, False]])
    """

    def __init__(
        self,
        min_support: float = 0.01,
        target: str = "all",
        max_length: int | None = None,
        algorithm: str = "auto",
        *,
        max_itemsets: int = 20_000_000,
        n_jobs: int | None = None,
        verbose: bool | int = 0,
    ) -> None:
        self.min_support = min_support
        self.target = target
        self.max_length = max_length
        self.algorithm = algorithm
        self.max_itemsets = max_itemsets
        self.n_jobs = n_jobs
        self.verbose = verbose

    def fit(self, X: Any, y: Any = None) -> Self:
        """Mine the baskets.

        Parameters
        ----------
        X : Baskets, log, sparse matrix, boolean frame or array, or list of lists
        y : None
            Ignored.
        """
        check_choice(self.target, "target", ("all",))
        check_choice(self.algorithm, "algorithm", ALGORITHMS)
        limit = int(check_number(self.max_itemsets, "max_itemsets", low=1, high=2**31 - 2, integer=True))
        if self.max_length is not None:
            check_number(self.max_length, "max_length", low=1, integer=True)
        n_threads = thread_count(self.n_jobs)
        baskets = as_baskets(X)
        if len(baskets) == 0:
            raise InputError("there are no baskets to mine; got 0 rows.")
        min_count = support_count(self.min_support, len(baskets))
        trie = mine(
            baskets,
            min_count=min_count,
            max_length=self.max_length,
            algorithm=self.algorithm,
            n_threads=n_threads,
            max_itemsets=limit,
            verbose=self.verbose,
        )
        self.min_count_ = min_count
        self.algorithm_ = trie.algorithm
        self.itemsets_ = Itemsets(trie, baskets.items, len(baskets), baskets.library)
        return self

    def transform(self, X: Any) -> Any:
        """Return which baskets hold which itemset.

        Parameters
        ----------
        X : as in `fit`; items that were not there are left out.

        Returns
        -------
        scipy.sparse.csr_array of bool of shape (n_baskets, n_itemsets)

        Raises
        ------
        CapacityError
            If it would hold more than 2**28 entries; transform fewer baskets at a time.
        """
        check_is_fitted(self, "itemsets_")
        return self.itemsets_.members(as_baskets(X))

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[Any]:
        """Return every itemset as text: the columns of `transform`."""
        check_is_fitted(self, "itemsets_")
        return self.itemsets_.names()

    def set_output(self, *, transform: str | None = None) -> Self:
        """Accept any setting and keep to CSR: a frame of all itemsets would be dense."""
        return self

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False
        tags.input_tags.sparse = True
        return tags
