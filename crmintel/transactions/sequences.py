"""Sequences: what each customer bought, time after time, as ragged arrays with labels."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from crmintel._cells import read_only
from crmintel._frames import build_frame, open_frame
from crmintel.exceptions import InputTypeError
from crmintel.transactions.elements import gather_ragged, join_elements, nested_elements, read_times
from crmintel.transactions.incidence import check_labels, refuse_missing
from crmintel.transactions.selection import check_key, match_labels

_STATE = ("offsets", "element_offsets", "items", "times", "labels", "customers", "library")


class Sequences:
    """Histories as rows: one sequence per customer, its elements in the order of time; frozen.

    An element is the *set* of items bought at one time. ``len(sequences)`` counts sequences (empty ones too),
    ``sequences[mask]`` and ``sequences[indices]`` select them. Made by ``log.sequences()``, `from_frame` or
    `from_lists`.

    Attributes
    ----------
    items : ndarray of int32
        Item codes of element ``e``, rising: ``items[element_offsets[e]:element_offsets[e + 1]]``.
    element_offsets : ndarray of int64 of shape (n_elements + 1,)
    offsets : ndarray of int64 of shape (n_sequences + 1,)
        Sequence ``i`` has the elements ``offsets[i]`` to ``offsets[i + 1] - 1``.
    times : ndarray of datetime64[us] or float64, shape (n_elements,)
        Rising within a sequence: instants, or plain numbers such as steps.
    labels : ndarray
        The items that the codes stand for.
    customers : ndarray of shape (n_sequences,)
        Whose sequence it is: the id of a customer, of a session, or a number.
    library : str or None
        Frame library they came from, that of results' ``to_frame``.

    Examples
    --------
    >>> from crmintel import Sequences
    >>> sequences = Sequences.from_lists([[["milk", "bread"], ["tea"]], [["tea"], ["milk"], ["tea"]]])
    >>> sequences
    Sequences(2 sequences, 5 elements, 3 items, 2.50 elements a sequence)
    >>> sequences[:1].to_lists()
    [[['bread', 'milk'], ['tea']]]
    """

    __slots__ = ("customers", "element_offsets", "items", "labels", "library", "offsets", "times")

    items: NDArray[np.int32]
    element_offsets: NDArray[np.int64]
    offsets: NDArray[np.int64]
    times: NDArray[Any]
    labels: NDArray[Any]
    customers: NDArray[Any]
    library: str | None

    def __init__(self) -> None:
        raise InputTypeError(
            "Sequences are made by log.sequences(), Sequences.from_frame(frame, sequence=..., time=..., item=...) "
            "or Sequences.from_lists([[['a', 'b'], ['c']], ...])."
        )

    @classmethod
    def _of(cls, *state: Any) -> Self:
        return _restore(cls, *state)

    @classmethod
    def from_lines(
        cls,
        owners: NDArray[np.int64],
        times: NDArray[Any],
        codes: NDArray[np.int32],
        *,
        labels: NDArray[Any],
        customers: NDArray[Any],
        library: str | None = None,
    ) -> Self:
        """Join lines, in any order, to elements: what one owner has at one time is one set.

        Parameters
        ----------
        owners : ndarray of int64 of shape (n_lines,)
            Position of each line's sequence in ``customers``.
        times : ndarray of datetime64[us] or float64
        codes : ndarray of int32
            Items, as positions in ``labels``.
        labels, customers, library
            As the attributes.
        """
        flat = join_elements(owners, times, codes, customers.size)
        return cls._of(*flat, labels, customers, library)

    @classmethod
    def from_frame(cls, frame: Any, *, sequence: str, item: str, time: str | None = None) -> Self:
        """Read a long frame with one row per item: of a customer's purchases, or of a session's clicks.

        Parameters
        ----------
        frame : pandas, polars or pyarrow frame, or dict of arrays
        sequence, item : str
            Names of the columns of the customer or session, and of the item or page.
        time : str, optional
            Dates, datetimes (of a zone: by its clock) or numbers within 2**53, in any row order; items of one
            sequence at one time are one element. Without it the rows of a sequence are its steps 0, 1, 2, ... in
            their order.

        Returns
        -------
        Sequences
            In the order of the sorted ids, which are kept as ``customers``.

        Raises
        ------
        InputError
            If an id, an item or a time is missing; the message says in how many rows.
        InputTypeError
            If times are no times, e.g. durations, or items have mixed types.

        Examples
        --------
        >>> from crmintel import Sequences
        >>> clicks = {"session": [7, 9, 7, 7], "page": ["home", "home", "search", "cart"]}
        >>> Sequences.from_frame(clicks, sequence="session", item="page").to_lists()
        [[['home'], ['search'], ['cart']], [['home']]]
        """
        table = open_frame(frame)
        owners, customers = table.ids(sequence, "sequence")
        codes, labels = table.ids(item, "item")
        for name, found in ((sequence, owners), (item, codes)):
            refuse_missing(found, name)
        times = read_times(table, time, owners)
        return cls.from_lines(
            owners.astype(np.int64), times, codes, labels=labels, customers=customers, library=table.library
        )

    @classmethod
    def from_lists(
        cls,
        sequences: Iterable[Iterable[Any]],
        *,
        times: Sequence[ArrayLike] | None = None,
        customers: ArrayLike | None = None,
    ) -> Self:
        """Read one list of elements per sequence; an element is a collection of items, or one item.

        Parameters
        ----------
        sequences : iterable of iterables
            Empty sequences stay and count; empty elements are left out, but take their time.
        times : sequence of array-likes of numbers or datetimes, optional
            One list of times per sequence; elements are put in their order and those of one time merge. By default
            an element's place, 0, 1, 2, ...
        customers : array-like of shape (n_sequences,), optional
            Ids; by default the numbers of the sequences.

        Raises
        ------
        InputTypeError
            If a sequence is a text, a set or no collection, or items have mixed types.
        InputError
            If an item or a time is missing, or the times do not fit the elements.
        """
        owners, moments, flat = nested_elements(sequences, times)
        n = len(owners)
        codes, labels = open_frame({"item": flat}).ids("item")
        refuse_missing(codes, "item")
        ids = np.arange(n) if customers is None else check_labels(customers, "customers", n).copy()
        rows = np.repeat(np.arange(n), owners)
        return cls.from_lines(rows, moments, codes, labels=labels, customers=ids)

    @property
    def shape(self) -> tuple[int]:
        """``(n_sequences,)``."""
        return (len(self),)

    @property
    def n_elements(self) -> int:
        """Number of elements of all sequences."""
        return self.times.size

    def __len__(self) -> int:
        return self.offsets.size - 1

    def __getitem__(self, key: Any) -> Self:
        key = check_key(key, len(self), "sequences", " By id: sequences[sequences.customers == id].")
        offsets, elements = gather_ragged(self.offsets, np.arange(len(self))[key])
        element_offsets, places = gather_ragged(self.element_offsets, elements)
        return self._of(
            offsets,
            element_offsets,
            self.items[places],
            self.times[elements],
            self.labels,
            self.customers[key],
            self.library,
        )

    def owners(self) -> NDArray[np.int64]:
        """Return, for each element, the position of its sequence."""
        return np.repeat(np.arange(len(self)), np.diff(self.offsets))

    def with_labels(self, labels: NDArray[Any]) -> Self:
        """Return the same sequences over the items ``labels``; other items are left out.

        Raises
        ------
        InputTypeError
            If no item is among ``labels`` and these have another type, e.g. 1 and "1".
        """
        if labels is self.labels or (
            labels.dtype == self.labels.dtype and np.array_equal(labels, self.labels)
        ):
            return self
        codes = match_labels(self.labels, labels).astype(np.int32)[self.items]
        known = codes >= 0
        element = np.repeat(np.arange(self.n_elements), np.diff(self.element_offsets))[known]
        return type(self).from_lines(
            self.owners()[element],
            self.times[element],
            codes[known],
            labels=labels,
            customers=self.customers,
            library=self.library,
        )

    def to_lists(self) -> list[list[list[Any]]]:
        """Return the labels, element by element, of each sequence."""
        labels = self.labels[self.items].tolist()
        bounds, ends = self.element_offsets.tolist(), self.offsets.tolist()
        elements = [labels[low:high] for low, high in pairwise(bounds)]
        return [elements[low:high] for low, high in pairwise(ends)]

    def to_frame(self, library: str | None = None) -> Any:
        """Return the columns ``customer``, ``time`` and ``item``, one row per item of an element.

        Parameters
        ----------
        library : {"pandas", "polars", "pyarrow"}, default=None
            None: the library the sequences came from, or a dict of arrays where they came from none.
        """
        element = np.repeat(np.arange(self.n_elements), np.diff(self.element_offsets))
        columns = {
            "customer": self.customers[self.owners()[element]],
            "time": self.times[element],
            "item": self.labels[self.items],
        }
        return build_frame(columns, library or self.library)

    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError(f"Sequences are frozen: {name} cannot be set; make new ones.")

    def __reduce__(self) -> Any:
        return _restore, (type(self), *(getattr(self, name) for name in _STATE))

    def __repr__(self) -> str:
        n = len(self)
        mean = self.n_elements / n if n else 0.0
        return (
            f"Sequences({n:,} sequences, {self.n_elements:,} elements, {self.labels.size:,} items, "
            f"{mean:.2f} elements a sequence)"
        )


def as_sequences(X: Any) -> Sequences:
    """Return ``X`` as `Sequences`.

    Parameters
    ----------
    X : Sequences, object with a ``sequences()`` method (a log), or list of lists

    Raises
    ------
    InputTypeError
        If it is none of these.
    """
    if isinstance(X, Sequences):
        return X
    if callable(getattr(X, "sequences", None)):
        return as_sequences(X.sequences())
    if isinstance(X, list | tuple):
        return Sequences.from_lists(X)
    raise InputTypeError(
        f"X must be Sequences, a log, or a list of sequences such as [[['a', 'b'], ['c']]]; got {type(X).__name__}. "
        "A long table is read by Sequences.from_frame(frame, sequence=..., time=..., item=...)."
    )


def _restore(cls: Any, *state: Any) -> Any:
    # Kernels have one signature, which a read-only array is not part of: only labels and ids are made read-only.
    offsets, element_offsets, items, times, labels, customers, library = state
    sequences = object.__new__(cls)
    put = object.__setattr__
    put(sequences, "offsets", np.require(offsets, np.int64, ["C", "W"]))
    put(sequences, "element_offsets", np.require(element_offsets, np.int64, ["C", "W"]))
    put(sequences, "items", np.require(items, np.int32, ["C", "W"]))
    put(sequences, "times", times)
    put(sequences, "labels", read_only(labels))
    put(sequences, "customers", read_only(customers))
    put(sequences, "library", library)
    return sequences
