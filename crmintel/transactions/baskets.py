"""Baskets: which items were bought together, as a binary CSR matrix with labels."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import pairwise
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse

from crmintel._frames import is_frame, open_frame
from crmintel._validation import check_choice, check_number
from crmintel.exceptions import CapacityError, InputError, InputTypeError
from crmintel.transactions.hierarchy import read_categories, roll_up
from crmintel.transactions.incidence import (
    binary_csr,
    check_labels,
    check_owners,
    csr_of_pairs,
    read_one_hot,
    refuse_missing,
    refuse_repeats,
)
from crmintel.transactions.selection import check_key, match_labels

_STATE = ("indptr", "indices", "items", "ids", "customers", "library")


class Baskets:
    """Baskets as the rows of a binary matrix, items as its labelled columns; frozen.

    ``len(baskets)`` counts baskets (empty ones too), ``baskets[mask]`` and ``baskets[indices]`` select them.

    Parameters
    ----------
    matrix : sparse matrix or array of shape (n_baskets, n_items)
        Booleans, or 0 and 1; entries stored twice merge.
    items : array-like of shape (n_items,), default=None
        Distinct labels of one type; None numbers the columns.
    ids : array-like of shape (n_baskets,), default=None
        The baskets' own ids, e.g. receipt numbers.
    customers : array-like of int of shape (n_baskets,), default=None
        Position of each basket's owner in the log it came from.
    library : str, default=None
        Frame library they came from, that of results' ``to_frame``.

    Attributes
    ----------
    items, ids, customers, library
        As above; the last three may be None.
    indptr : ndarray of int64 of shape (n_baskets + 1,)
    indices : ndarray of int32
        Item codes of basket ``i``, rising: ``indices[indptr[i]:indptr[i + 1]]``.
    matrix : scipy.sparse.csr_array of shape (n_baskets, n_items)
        The same as a matrix of int32 ones, so that ``matrix.T @ matrix`` counts without wrapping.

    Raises
    ------
    InputError
        If a value is neither 0 nor 1, a label is missing or stands twice, or lengths do not fit.
    InputTypeError
        If the labels have mixed types.

    Examples
    --------
    >>> from crmintel import Baskets
    >>> baskets = Baskets.from_lists([["milk", "bread"], ["milk", "milk"], []])
    >>> baskets
    Baskets(3 baskets, 2 items, 1.00 items a basket)
    >>> baskets[:2].to_lists()
    [['bread', 'milk'], ['milk']]
    """

    __slots__ = ("customers", "ids", "indices", "indptr", "items", "library")

    items: NDArray[Any]
    ids: NDArray[Any] | None
    customers: NDArray[np.int64] | None
    indptr: NDArray[np.int64]
    indices: NDArray[np.int32]
    library: str | None

    def __init__(
        self,
        matrix: Any,
        items: ArrayLike | None = None,
        *,
        ids: ArrayLike | None = None,
        customers: ArrayLike | None = None,
        library: str | None = None,
    ) -> None:
        csr = binary_csr(matrix)
        n_baskets, n_items = csr.shape
        if csr.nnz > np.iinfo(np.int32).max:
            raise CapacityError(f"{csr.nnz:,} entries are more than 2**31 - 1; split the baskets.")
        labels = np.arange(n_items) if items is None else check_labels(items, "items", n_items)
        if items is not None:
            refuse_repeats(labels, "items")
        self._put(
            csr.indptr.copy(),
            csr.indices.copy(),
            labels.copy(),
            None if ids is None else check_labels(ids, "ids", n_baskets).copy(),
            None if customers is None else check_owners(customers, n_baskets),
            library,
        )

    def _put(self, indptr: Any, indices: Any, *labels: Any) -> None:
        # Kernels have one signature, which a read-only array is not part of: only labels are made read-only.
        arrays = (np.require(indptr, np.int64, ["C", "W"]), np.require(indices, np.int32, ["C", "W"]))
        for name, value in zip(_STATE, (*arrays, *map(_frozen, labels)), strict=True):
            object.__setattr__(self, name, value)

    @classmethod
    def _of(cls, csr: Any, *state: Any) -> Self:
        """Wrap a canonical CSR matrix without checking it again."""
        return _restore(cls, csr.indptr, csr.indices, *state)

    @classmethod
    def from_frame(cls, frame: Any, *, basket: str, item: str) -> Self:
        """Read a long frame with one row per basket and item.

        Parameters
        ----------
        frame : pandas, polars or pyarrow frame, or dict of arrays
        basket, item : str
            Names of the columns; rows that repeat a pair merge.

        Returns
        -------
        Baskets
            In the order of the sorted basket ids, which are kept as ``ids``.

        Raises
        ------
        InputError
            If an id is missing; the message says in how many rows.

        Examples
        --------
        >>> from crmintel import Baskets
        >>> Baskets.from_frame({"receipt": [7, 7, 9], "sku": ["a", "b", "a"]}, basket="receipt", item="sku").ids
        array([7, 9])
        """
        table = open_frame(frame)
        rows, ids = table.ids(basket, "basket")
        columns, items = table.ids(item, "item")
        for name, codes in ((basket, rows), (item, columns)):
            refuse_missing(codes, name)
        return cls._of(csr_of_pairs(rows, columns, (ids.size, items.size)), items, ids, None, table.library)

    @classmethod
    def from_lists(cls, baskets: Iterable[Iterable[Any]]) -> Self:
        """Read one collection of items per basket; repeats merge, empty baskets stay and count.

        Raises
        ------
        InputTypeError
            If a basket is a text (``"milk"`` is not a basket of four letters), a mapping or no collection, or items
            have mixed types.
        InputError
            If an item is missing (None, NaN).
        """
        if isinstance(baskets, str | bytes) or not isinstance(baskets, Iterable):
            raise InputTypeError(f"baskets must be a list of lists of items, got {baskets!r:.80}.")
        lengths: list[int] = []
        flat: list[Any] = []
        for number, basket in enumerate(baskets):
            if isinstance(basket, str | bytes):
                raise InputTypeError(
                    f"basket {number} is the text {basket!r:.80}, not a list of items; {_mend_texts(baskets, basket)}."
                )
            if not isinstance(basket, Iterable) or getattr(basket, "ndim", 1) == 0:
                raise InputTypeError(f"basket {number} must be a list of items, got {basket!r:.80}.")
            if isinstance(basket, Mapping):
                raise InputTypeError(
                    f"basket {number} is the mapping {basket!r:.80}, not a list of items. Write list(basket) if its "
                    "keys are the items; a long table is read by Baskets.from_frame(frame, basket=..., item=...)."
                )
            before = len(flat)
            flat.extend(basket)
            lengths.append(len(flat) - before)
        values = np.fromiter(flat, dtype=object, count=len(flat))
        codes, items = open_frame({"items": values}).ids("items")
        rows = np.repeat(np.arange(len(lengths), dtype=np.int32), lengths)
        if (codes < 0).any():
            raise InputError(
                f"{int((codes < 0).sum())} of {codes.size} items are missing (None, NaN), the first in basket "
                f"{rows[np.argmax(codes < 0)]}; drop or fill them first."
            )
        return cls._of(csr_of_pairs(rows, codes, (len(lengths), items.size)), items, None, None, None)

    @property
    def matrix(self) -> Any:
        """The baskets as a CSR matrix of int32 ones, a copy at each call."""
        ones = np.ones(self.indices.size, dtype=np.int32)
        return sparse.csr_array((ones, self.indices, self.indptr), shape=self.shape, copy=True)

    @property
    def shape(self) -> tuple[int, int]:
        """``(n_baskets, n_items)``."""
        return self.indptr.size - 1, self.items.size

    def __len__(self) -> int:
        return self.indptr.size - 1

    def __getitem__(self, key: Any) -> Self:
        key = check_key(key, len(self), "baskets")
        ids = None if self.ids is None else self.ids[key]
        customers = None if self.customers is None else self.customers[key]
        return self._of(self.matrix[key], self.items, ids, customers, self.library)

    def to_lists(self) -> list[list[Any]]:
        """Return the labels of each basket."""
        labels = self.items[self.indices].tolist()
        bounds = self.indptr.tolist()
        return [labels[low:high] for low, high in pairwise(bounds)]

    def by_customer(self, n_customers: int) -> Self:
        """Return one basket per customer: the union of everything that customer bought.

        Parameters
        ----------
        n_customers : int
            Number of customers; those without a basket get an empty one.

        Raises
        ------
        InputError
            If the baskets do not know their owners.
        """
        if self.customers is None:
            raise InputError(
                "these baskets have no owners: make them with log.baskets(), or give customers=."
            )
        lowest = int(self.customers.max(initial=-1)) + 1
        n = int(check_number(n_customers, "n_customers", low=lowest, integer=True))
        rows = np.repeat(self.customers, np.diff(self.indptr))
        csr = csr_of_pairs(rows, self.indices, (n, self.items.size))
        return self._of(csr, self.items, None, np.arange(n), self.library)

    def roll_up(
        self,
        categories: Any,
        *,
        item: str | None = None,
        category: str | None = None,
        missing: str = "raise",
        keep_items: bool = False,
    ) -> Self:
        """Return the baskets over categories in place of items, or beside them.

        Parameters
        ----------
        categories : mapping or frame
            ``{item: category}``, or a frame whose columns ``item`` and ``category`` name. Items that are in no basket
            do not matter.
        item, category : str, default=None
            Columns of the frame.
        missing : {"raise", "keep", "drop"}, default="raise"
            Items without a category are an error, stand for themselves, or are left out.
        keep_items : bool, default=False
            Keep the items and put the categories behind them, so that rules across levels can be found [1]_. Sets
            that hold an item and its own category say nothing new: `AssociationRules` leaves them out if it is given
            the ``categories`` too.

        Returns
        -------
        Baskets

        Raises
        ------
        InputError
            If an item has two categories, or none; with ``keep_items`` if a category is called like an item.

        References
        ----------
        .. [1] Srikant, R., Agrawal, R. (1995). Mining generalized association rules. VLDB, 407-419.

        Examples
        --------
        >>> from crmintel import Baskets
        >>> baskets = Baskets.from_lists([["ale", "chips"], ["stout", "chips"]])
        >>> baskets.roll_up({"ale": "beer", "stout": "beer", "chips": "snack"}).to_lists()
        [['beer', 'snack'], ['beer', 'snack']]
        >>> baskets.roll_up({"ale": "beer", "stout": "beer"}, missing="drop", keep_items=True).to_lists()
        [['ale', 'chips', 'beer'], ['chips', 'stout', 'beer']]
        """
        check_choice(missing, "missing", ("raise", "keep", "drop"))
        known = read_categories(categories, item, category)
        csr, names = roll_up(self.matrix, self.items, known, missing=missing, keep_items=keep_items)
        return self._of(csr, names, self.ids, self.customers, self.library)

    def with_items(self, items: NDArray[Any]) -> Self:
        """Return the same baskets over the columns ``items``; other items are left out.

        Raises
        ------
        InputTypeError
            If no item is among ``items`` and the labels have another type, e.g. 1 and "1".
        """
        if items is self.items or (items.dtype == self.items.dtype and np.array_equal(items, self.items)):
            return self
        codes = match_labels(self.items, items)
        columns = codes[self.indices]
        known = columns >= 0
        rows = np.repeat(np.arange(len(self)), np.diff(self.indptr))
        csr = csr_of_pairs(rows[known], columns[known], (len(self), items.size))
        return self._of(csr, items, self.ids, self.customers, self.library)

    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError(f"Baskets are frozen: {name} cannot be set; make new ones.")

    def __reduce__(self) -> Any:
        return _restore, (type(self), *(getattr(self, name) for name in _STATE))

    def __repr__(self) -> str:
        n, p = self.shape
        mean = self.indices.size / n if n else 0.0
        return f"Baskets({n:,} baskets, {p:,} items, {mean:.2f} items a basket)"


def as_baskets(X: Any) -> Baskets:
    """Return ``X`` as `Baskets`.

    Parameters
    ----------
    X : Baskets, object with a ``baskets()`` method (a log), sparse matrix, boolean frame or array, list of lists

    Raises
    ------
    InputTypeError
        If it is none of these.
    InputError
        If a frame or array is not one-hot.
    """
    if isinstance(X, Baskets):
        return X
    if callable(getattr(X, "baskets", None)):
        return as_baskets(X.baskets())
    if sparse.issparse(X) or isinstance(X, np.ndarray):
        return Baskets(X)
    if is_frame(X):
        csr, items, library = read_one_hot(X)
        return Baskets(csr, items, library=library)
    if isinstance(X, list | tuple):
        return Baskets.from_lists(X)
    listing = next((name for name in ("to_list", "to_pylist") if hasattr(X, name)), None)  # of a series
    way_out = "" if listing is None else f" A column of lists is read by Baskets.from_lists(X.{listing}())."
    raise InputTypeError(
        f"X must be Baskets, a log, a sparse matrix, a boolean frame or array, or a list of lists; got "
        f"{type(X).__name__}.{way_out}"
    )


def _mend_texts(baskets: Any, text: Any) -> str:
    """Say what to write in place of texts that stand for baskets."""
    mark = next((mark for mark in (",", ";", "|") if isinstance(text, str) and mark in text), None)
    if mark is not None:
        return f"split it: [text.split({mark!r}) for text in baskets]"
    if isinstance(baskets, list | tuple) and all(isinstance(each, str | bytes) for each in baskets):
        whole = f"[{list(baskets)!r}]" if len(baskets) <= 5 else "[items]"
        return (
            f"write {whole} for one basket of these items, or [[item] for item in items] for one basket each"
        )
    return f"write [{text!r:.80}]"


def _frozen(labels: Any) -> Any:
    if not isinstance(labels, np.ndarray):
        return labels
    view = labels.view()
    view.flags.writeable = False
    return view


def _restore(cls: Any, *state: Any) -> Any:
    baskets = object.__new__(cls)
    baskets._put(*state)
    return baskets
