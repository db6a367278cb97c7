"""Is the last segment enough to tell where customers go next?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import chdtrc, xlogy

from crmintel.exceptions import InputError, InputTypeError
from crmintel.segments._labels import as_labels, codes_of, segment_names
from crmintel.segments.history import SegmentHistory


@dataclass(frozen=True, slots=True)
class MarkovTest:
    """Two likelihood-ratio tests of what a projection from transition shares takes for granted.

    Attributes
    ----------
    memory, memory_df, memory_pvalue : float, int, float
        Whether the segment before the last tells more about the next than the last alone does.
    change, change_df, change_pvalue : float, int, float
        Whether the transition shares differ from step to step.

    Examples
    --------
    >>> import crmintel as ci
    >>> june, july, august = [0, 0, 1, 1], [0, 1, 1, 0], [1, 1, 0, 0]
    >>> ci.markov_test([june, july, august]).memory_df
    2
    """

    memory: float
    memory_df: int
    memory_pvalue: float
    change: float
    change_df: int
    change_pvalue: float

    def __str__(self) -> str:
        memory = _verdict(
            self.memory,
            self.memory_df,
            self.memory_pvalue,
            "where customers go depends on more than their segment now",
            "their segment now is enough to tell where customers go, as far as these data can say",
        )
        change = _verdict(
            self.change,
            self.change_df,
            self.change_pvalue,
            "the transition shares change over time",
            "the transition shares are steady",
        )
        return f"Memory: {memory}. Change: {change}."


def markov_test(labels: SegmentHistory | Sequence[Any]) -> MarkovTest:
    """Test the Markov assumption on the segments of the same customers at three or more dates.

    Parameters
    ----------
    labels : SegmentHistory or sequence of array-like of shape (n_customers,)
        Segments at each date, in order; None where a customer is absent, which is a state like the others.

    Returns
    -------
    MarkovTest

    Raises
    ------
    InputError
        If there are fewer than three dates or the lengths differ.

    Notes
    -----
    Likelihood-ratio tests of a chain of order 1 against order 2, and of steady against changing transitions. The
    distribution of both is the chi-square in the limit of many customers; with less than five customers in most cells
    the p values are rough.

    References
    ----------
    Anderson, T. W. & Goodman, L. A. (1957). Statistical inference about Markov chains. Annals of Mathematical
    Statistics 28, 89-110.

    Examples
    --------
    >>> import numpy as np
    >>> import crmintel as ci
    >>> rng = np.random.default_rng(0)
    >>> first = rng.integers(0, 2, 500)
    >>> second = np.where(rng.random(500) < 0.8, first, 1 - first)
    >>> third = np.where(rng.random(500) < 0.8, second, 1 - second)
    >>> ci.markov_test([first, second, third]).memory_pvalue > 0.05
    True
    """
    if isinstance(labels, SegmentHistory):
        labels = labels.labels
    if isinstance(labels, str) or not np.iterable(labels):
        raise InputTypeError(f"labels must be a sequence of label arrays, one per date; got {labels!r}.")
    dates = list(labels)
    if len(dates) < 3:
        raise InputError(f"the test needs the segments at three or more dates, got {len(dates)}.")
    first = as_labels(dates[0], "labels[0]")
    columns = [first, *(as_labels(each, f"labels[{i}]", n=first.size) for i, each in enumerate(dates[1:], 1))]
    names = segment_names(*columns)
    codes = np.array([codes_of(each, names) for each in columns])
    k = len(names) + 1
    triples = np.zeros((k, k, k))
    np.add.at(triples, (codes[:-2].ravel(), codes[1:-1].ravel(), codes[2:].ravel()), 1.0)
    steps = np.zeros((len(codes) - 1, k, k))
    for t in range(len(codes) - 1):
        np.add.at(steps[t], (codes[t], codes[t + 1]), 1.0)
    # given the middle state j, the first and the third are independent; given the start i, step and end are
    memory = _independence(triples.transpose(1, 0, 2))
    change = _independence(steps.transpose(1, 0, 2))
    return MarkovTest(*memory, *change)


def _verdict(statistic: float, df: int, pvalue: float, rejected: str, kept: str) -> str:
    if df == 0:
        return "cannot be tested, for these customers make too few different moves"
    said = rejected if pvalue < 0.05 else kept
    return f"G = {statistic:.1f} on {df} degrees of freedom, p = {pvalue:.3g}: {said}"


def _independence(tables: NDArray[np.float64]) -> tuple[float, int, float]:
    """G test of rows against columns, added up over ``tables`` (n_tables, rows, columns)."""
    rows, columns = tables.sum(axis=2, keepdims=True), tables.sum(axis=1, keepdims=True)
    total = tables.sum(axis=(1, 2), keepdims=True)
    expected = np.divide(rows * columns, total, out=np.ones_like(tables), where=rows * columns > 0)
    statistic = max(0.0, 2.0 * float(xlogy(tables, tables / expected).sum()))
    free = ((rows > 0).sum(axis=1) - 1).clip(0) * ((columns > 0).sum(axis=2) - 1).clip(0)
    df = int(free.sum())
    return statistic, df, float(chdtrc(df, statistic)) if df else np.nan
