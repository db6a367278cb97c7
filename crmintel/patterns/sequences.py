"""Frequent sequences: what is bought after what, by many customers."""

from __future__ import annotations

import warnings
from datetime import timedelta
from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator

from crmintel._compat import thread_count
from crmintel._validation import check_choice, check_number
from crmintel.exceptions import DataWarning, InputError, UnitError
from crmintel.patterns._mining import support_count
from crmintel.patterns._sequence_closed import closed_patterns
from crmintel.patterns._sequence_search import Bounds, mine_patterns
from crmintel.patterns.sequence_table import SequencePatterns
from crmintel.transactions.calendar import MICROSECONDS_PER_DAY, UNIT_DAYS, duration, names_unit, unit_name
from crmintel.transactions.sequences import Sequences, as_sequences


class FrequentSequences(BaseEstimator):
    """Find every sequence of item sets that at least ``min_support`` customers bought in that order.

    A customer holds the pattern ``a, b -> c`` if one element of theirs has a and b, and a later one c; a customer
    counts once, however often. The bounds of time [2]_ hold between the elements that are matched: an element from
    time l to u (one time, or a window) is followed by one from l' to u' where ``l' > u``, ``l' - u >= min_gap`` and
    ``u' - l <= max_gap``, and from the start of the first element to the end of the last one ``max_span`` passes at
    most.

    Histories of a customer's years hold nearly everything before everything, and the number of patterns grows with
    every item of their length: start with ``max_length=2`` or ``3``, or a ``max_span``, and a high ``min_support``.

    Parameters
    ----------
    min_support : int or float, default=0.01
        An int is a count of sequences (at least 1), a float in (0, 1] a share of them, as in `FrequentItemsets`.
    max_gap : float, str or timedelta, default=None
        Largest gap between neighbouring elements of a pattern, itself allowed: a number in ``unit``, a timedelta, or
        text such as ``"45s"``, ``"30min"``, ``"12h"``, ``"2D"``, ``"2W"``, ``"3M"`` (months), ``"1Q"``, ``"1Y"``. On
        steps 0, 1, 2, ... 1 means that nothing stands between.
    window : float, str or timedelta, default=None
        Elements that lie within this count as one: what was bought from Monday to Wednesday in a window of 2 days.
    target : {"all", "closed"}, default="all"
        ``closed`` leaves out each pattern that is part of another pattern found with the same count [3]_.
    min_gap, max_span : float, str or timedelta, default=None
        Least gap, itself allowed, and largest time from first to last.
    max_length, max_elements, max_element_size : int, default=None
        Largest number of items in a pattern, of elements in a pattern, and of items in an element.
    unit : str, default=None
        What numbers above count where the times are dates: ``"day"`` (None), ``"week"``, ``"hour"``, ... On clicks
        ``max_gap=30`` is 30 days. Where the times are plain numbers they count those, and there is no unit.
    max_patterns : int, default=20_000_000
        More than these are not stored: `CapacityError`.
    n_jobs : int, default=None
        Threads; None is 1, -1 all processors. The result does not depend on it.
    verbose : bool or int, default=0
        Draw a progress bar.

    Attributes
    ----------
    patterns_ : SequencePatterns
    min_count_ : int
        ``min_support`` as a count of sequences.

    Raises
    ------
    InputError
        If there are no sequences, a parameter is out of its bounds, or no pattern could keep to all of them.
    UnitError
        If a bound names a unit of time and the times are plain numbers.
    CapacityError
        If more than ``max_patterns`` are frequent, or they hold more than 2**28 items in total.

    Warns
    -----
    DataWarning
        If ``max_gap`` or ``max_span`` is a bare number on dates and longer than every sequence: mostly a wrong unit.

    References
    ----------
    .. [1] Pei, J., Han, J., Mortazavi-Asl, B., Pinto, H., Chen, Q., Dayal, U., Hsu, M.-C. (2001). PrefixSpan: mining
       sequential patterns efficiently by prefix-projected pattern growth. ICDE, 215-224.
    .. [2] Srikant, R., Agrawal, R. (1996). Mining sequential patterns: generalizations and performance improvements.
       EDBT, 3-17. The gaps are closed here, as in Zaki's cSPADE; there the least gap is an open bound.
    .. [3] Wang, J., Han, J. (2004). BIDE: efficient mining of frequent closed sequences. ICDE, 79-90.

    Examples
    --------
    >>> from crmintel import FrequentSequences
    >>> clicks = [["home", "search", "cart"], ["home", "search"], ["home", "news", "search"]]
    >>> FrequentSequences(min_support=2).fit(clicks).patterns_.to_frame()["pattern"]
    array(['home', 'home -> search', 'search'], dtype=object)
    >>> FrequentSequences(min_support=3, max_gap=1).fit(clicks).patterns_.to_frame()["pattern"]
    array(['home', 'search'], dtype=object)
    """

    def __init__(
        self,
        min_support: float = 0.01,
        max_gap: float | str | timedelta | None = None,
        window: float | str | timedelta | None = None,
        target: str = "all",
        *,
        min_gap: float | str | timedelta | None = None,
        max_span: float | str | timedelta | None = None,
        max_length: int | None = None,
        max_elements: int | None = None,
        max_element_size: int | None = None,
        unit: str | None = None,
        max_patterns: int = 20_000_000,
        n_jobs: int | None = None,
        verbose: bool | int = 0,
    ) -> None:
        self.min_support = min_support
        self.max_gap = max_gap
        self.window = window
        self.target = target
        self.min_gap = min_gap
        self.max_span = max_span
        self.max_length = max_length
        self.max_elements = max_elements
        self.max_element_size = max_element_size
        self.unit = unit
        self.max_patterns = max_patterns
        self.n_jobs = n_jobs
        self.verbose = verbose

    def fit(self, X: Any, y: Any = None) -> Self:
        """Mine the sequences.

        Parameters
        ----------
        X : Sequences, log, or list of lists
            A log gives what each customer bought, basket after basket.
        y : None
            Ignored.
        """
        check_choice(self.target, "target", ("all", "closed"))
        limit = int(check_number(self.max_patterns, "max_patterns", low=1, high=2**31 - 2, integer=True))
        n_threads = thread_count(self.n_jobs)
        sequences = as_sequences(X)
        if len(sequences) == 0:
            raise InputError("there are no sequences to mine; got 0.")
        bounds = self._bounds(sequences)
        self._warn_of_idle_bounds(sequences, bounds)
        min_count = support_count(self.min_support, len(sequences), "sequences")
        trie = mine_patterns(
            sequences,
            bounds,
            min_count=min_count,
            n_threads=n_threads,
            max_patterns=limit,
            verbose=self.verbose,
        )
        chosen = None if self.target == "all" else closed_patterns(trie, gaps=bounds.max_gap < np.inf)
        self.min_count_ = min_count
        self.patterns_ = SequencePatterns(
            trie, sequences.labels, len(sequences), sequences.library, chosen=chosen
        )
        return self

    def _bounds(self, sequences: Sequences) -> Bounds:
        sizes: dict[str, Any] = {
            name: int(check_number(getattr(self, name), name, low=1, high=2**31 - 1, integer=True))
            for name in ("max_length", "max_elements", "max_element_size")
            if getattr(self, name) is not None
        }
        if self.unit is not None:
            ticks(0, "unit", sequences, self.unit)  # also where no bound is given
        given: dict[str, Any] = {
            name: ticks(getattr(self, name), name, sequences, self.unit)
            for name in ("min_gap", "max_gap", "window", "max_span")
            if getattr(self, name) is not None
        }
        for smaller, larger in (
            ("min_gap", "max_gap"),
            ("window", "max_gap"),
            ("min_gap", "max_span"),
            ("window", "max_span"),
        ):
            if given.get(smaller, 0.0) > given.get(larger, np.inf):
                raise InputError(
                    f"{smaller}={getattr(self, smaller)!r} must not be above {larger}={getattr(self, larger)!r}: no "
                    "pattern of two elements could keep to both."
                )
        return Bounds(**given, **sizes)

    def _warn_of_idle_bounds(self, sequences: Sequences, bounds: Bounds) -> None:
        """Warn of a bare number that, in the unit it counts, no sequence is long enough for: a wrong unit."""
        filled = np.diff(sequences.offsets) > 0
        if sequences.times.dtype.kind != "M" or not filled.any():
            return
        first, last = sequences.offsets[:-1][filled], sequences.offsets[1:][filled] - 1
        longest = int((sequences.times[last] - sequences.times[first]).astype(np.int64).max())
        for name in ("max_gap", "max_span"):
            value = getattr(self, name)
            if value is None or names_unit(value) or not 0 < longest < getattr(bounds, name):
                continue
            days = longest / MICROSECONDS_PER_DAY
            size = next((u for u in ("day", "hour", "minute") if days >= UNIT_DAYS[u]), "second")
            warnings.warn(
                f"{name}={value!r} counts {unit_name(self.unit or 'day')}s and bounds nothing: of "
                f"{int(filled.sum()):,} sequences the longest spans {days / UNIT_DAYS[size]:.3g} {size}s. Set unit=, "
                f"or give text such as '{value:g}min', or leave {name} out.",
                DataWarning,
                stacklevel=3,
            )

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False
        return tags


def ticks(value: Any, name: str, sequences: Sequences, unit: Any) -> float:
    """Return a length of time in what the times of ``sequences`` count: microseconds for dates."""
    if sequences.times.dtype.kind == "M":
        known = unit_name("day" if unit is None else unit)
        length = duration(value, known, name) * UNIT_DAYS[known] * MICROSECONDS_PER_DAY
        return float(np.rint(length))
    if unit is not None or names_unit(value):
        what = f"unit={unit!r}" if unit is not None else f"{name}={value!r}"
        raise UnitError(
            f"{what} names a unit of time, but the times of these sequences are plain numbers such as steps; give "
            f"{name} as a number of those, or dates as times."
        )
    return check_number(value, name, low=0.0)
