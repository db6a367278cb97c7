"""mlxtend's frames in and out: itemsets and rules as pandas frames of frozensets. mlxtend itself is not needed.

One-hot frames need no door: every estimator of baskets takes boolean frames as they are.
"""

from __future__ import annotations

from collections.abc import Collection
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from crmintel._frames import Table, open_frame
from crmintel._validation import check_number, check_vector
from crmintel.exceptions import CapacityError, InputError, InputTypeError, MissingExtraError
from crmintel.patterns._found import Flat
from crmintel.patterns.itemset_table import Itemsets
from crmintel.patterns.ruleset import RuleSet
from crmintel.transactions.baskets import as_baskets

_MOST_CELLS = 1 << 30  # of a one-hot frame: a gigabyte

_RULE_COLUMNS = {
    "antecedent support": "coverage",
    "consequent support": "prevalence",
    "support": "support",
    "confidence": "confidence",
    "lift": "lift",
    "representativity": None,  # 1 where no value of the baskets is missing, as here
    "leverage": "leverage",
    "conviction": "conviction",
    "zhangs_metric": "zhang",
    "jaccard": "jaccard",
    "certainty": "certainty",
    "kulczynski": "kulczynski",
}


def to_one_hot(baskets: Any) -> Any:
    """Return baskets as the one-hot frame that mlxtend's miners read.

    Parameters
    ----------
    baskets : Baskets, or what estimators of baskets take

    Returns
    -------
    pandas.DataFrame of bool
        One row per basket, one column per item, named as the items are.

    Raises
    ------
    CapacityError
        If it would have more than 2**30 cells.

    Examples
    --------
    >>> from crmintel.interop.mlxtend import to_one_hot
    >>> to_one_hot([["milk", "tea"], ["tea"]])
        milk   tea
    0   True  True
    1  False  True
    """
    read = as_baskets(baskets)
    n, n_items = read.shape
    if n * n_items > _MOST_CELLS:
        raise CapacityError(
            f"{n:,} baskets x {n_items:,} items do not fit into a dense frame; Baskets keep what was bought only."
        )
    pandas = _pandas()
    names = pandas.Index(read.items.tolist(), tupleize_cols=False)
    return pandas.DataFrame(read.matrix.astype(bool).toarray(order="F"), columns=names)


def to_itemsets_frame(itemsets: Itemsets) -> Any:
    """Return itemsets in the form of ``fpgrowth(..., use_colnames=True)``.

    Parameters
    ----------
    itemsets : Itemsets

    Returns
    -------
    pandas.DataFrame
        ``support`` (a share) and ``itemsets`` (frozensets), in the order of ``itemsets``.

    Examples
    --------
    >>> from crmintel import FrequentItemsets
    >>> from crmintel.interop.mlxtend import to_itemsets_frame
    >>> to_itemsets_frame(FrequentItemsets(2).fit([["tea", "cup"], ["tea"]]).itemsets_).to_dict("records")
    [{'support': 1.0, 'itemsets': frozenset({'tea'})}]
    """
    if not isinstance(itemsets, Itemsets):
        raise InputTypeError(
            f"itemsets must be Itemsets, got {type(itemsets).__name__}; fit gives them as itemsets_."
        )
    sets = _frozensets(itemsets.items, itemsets.offsets, itemsets.labels)
    return _pandas().DataFrame({"support": itemsets.support, "itemsets": sets})


def from_itemsets(frame: Any, n_baskets: int) -> Itemsets:
    """Read a frame of itemsets as mlxtend's miners return it.

    Parameters
    ----------
    frame : frame
        With the columns ``support`` and ``itemsets``.
    n_baskets : int
        Number of baskets it was mined from, which the frame does not say.

    Returns
    -------
    Itemsets
        In the order of the rows; `AssociationRules` makes rules of them.

    Raises
    ------
    ColumnError
        If a column is not there.
    InputError
        If a support is no whole number of baskets, or an itemset stands twice.

    Examples
    --------
    >>> from crmintel import AssociationRules
    >>> from crmintel.interop.mlxtend import from_itemsets
    >>> mined = {"support": [0.75, 0.5, 0.5], "itemsets": [{"tea"}, {"cup"}, {"tea", "cup"}]}
    >>> AssociationRules(min_value=0.6).fit(from_itemsets(mined, n_baskets=4)).rules_
    RuleSet(2 rules over 2 items, from 4 baskets)
      cup -> tea  (count 2, confidence 1.000, lift 1.33)
      tea -> cup  (count 2, confidence 0.667, lift 1.33)
    """
    table = open_frame(frame)
    n = int(check_number(n_baskets, "n_baskets", low=1, high=2**31 - 1, integer=True))
    counts = _counts(table, "support", n)
    sets = _read_sets(table, "itemsets")
    if len(set(sets)) < len(sets):
        twice = next(each for k, each in enumerate(sets) if each in sets[:k])
        raise InputError(
            f"the itemset {sorted(map(str, twice))} stands in more than one row; drop_duplicates first."
        )
    matrix, labels = _matrix(sets)
    known = set(sets)
    is_closed = all(each - {item} in known for each in sets if len(each) > 1 for item in each)
    flat = Flat(
        matrix.indices.astype(np.int32), matrix.indptr.astype(np.int64), counts.astype(np.int32), "mlxtend"
    )
    return Itemsets(flat, labels, n, table.library, downward_closed=is_closed)


def to_rules_frame(rules: RuleSet) -> Any:
    """Return rules in the form of ``association_rules``.

    Parameters
    ----------
    rules : RuleSet

    Returns
    -------
    pandas.DataFrame
        mlxtend's fourteen columns, with its values but for one: ``certainty`` of a rule below chance is the
        published measure (Berzal et al. 2002), which mlxtend 0.25 misses.

    Examples
    --------
    >>> from crmintel import AssociationRules, FrequentItemsets
    >>> from crmintel.interop.mlxtend import to_rules_frame
    >>> rules = AssociationRules(FrequentItemsets(1)).fit([["tea", "cup"], ["tea"], ["gin"]]).rules_
    >>> frame = to_rules_frame(rules)
    >>> [set(items) for items in frame["antecedents"]]
    [{'cup'}, {'tea'}]
    >>> frame[["confidence", "lift", "zhangs_metric"]]
       confidence  lift  zhangs_metric
    0         1.0   1.5            0.5
    1         0.5   1.5            1.0
    """
    if not isinstance(rules, RuleSet):
        raise InputTypeError(
            f"rules must be a RuleSet, got {type(rules).__name__}; AssociationRules has rules_."
        )
    columns = {
        name: _frozensets(side.indices, side.indptr, rules.items)
        for name, side in (("antecedents", rules.antecedents), ("consequents", rules.consequents))
    }
    for name, measure in _RULE_COLUMNS.items():
        columns[name] = np.ones(len(rules)) if measure is None else np.asarray(getattr(rules, measure))
    # 0 / 0 where a side stands in all baskets: mlxtend writes 0
    for name in ("zhangs_metric", "certainty"):
        columns[name] = np.nan_to_num(columns[name], nan=0.0)
    return _pandas().DataFrame(columns)


def from_rules(frame: Any, n_baskets: int) -> RuleSet:
    """Read a frame of rules as ``association_rules`` returns it.

    Parameters
    ----------
    frame : frame
        With the columns ``antecedents``, ``consequents``, ``antecedent support``, ``consequent support`` and
        ``support``; other columns are not needed, since every measure follows from the counts.
    n_baskets : int
        Number of baskets the itemsets were mined from.

    Returns
    -------
    RuleSet
        In the order of the rows.

    Raises
    ------
    ColumnError
        If a column is not there.
    InputError
        If a support is missing (``support_only=True`` leaves them out) or no whole number of baskets.

    Examples
    --------
    >>> from crmintel.interop.mlxtend import from_rules
    >>> frame = {
    ...     "antecedents": [{"cup"}], "consequents": [{"tea"}], "antecedent support": [0.5],
    ...     "consequent support": [0.75], "support": [0.5],
    ... }
    >>> from_rules(frame, n_baskets=4).sort("fisher_p")[0]
    Rule(antecedent=('cup',), consequent=('tea',), n_ab=2, n_a=2, n_b=3)
    """
    table = open_frame(frame)
    n = int(check_number(n_baskets, "n_baskets", low=1, high=2**31 - 1, integer=True))
    n_ab, n_a, n_b = (
        _counts(table, name, n) for name in ("support", "antecedent support", "consequent support")
    )
    sides = [_read_sets(table, name) for name in ("antecedents", "consequents")]
    both, labels = _matrix([*sides[0], *sides[1]])
    at = len(sides[0])
    return RuleSet(
        both[:at], both[at:], n_ab=n_ab, n_a=n_a, n_b=n_b, n=n, items=labels, library=table.library
    )


def _pandas() -> Any:
    try:
        import pandas
    except ImportError:
        raise MissingExtraError(
            "mlxtend's frames are those of pandas, which is not installed: pip install pandas"
        ) from None
    return pandas


def _frozensets(codes: NDArray[Any], offsets: NDArray[Any], labels: NDArray[Any]) -> NDArray[Any]:
    items, bounds = labels[codes].tolist(), offsets.tolist()
    sets = np.empty(len(bounds) - 1, dtype=object)
    sets[:] = [frozenset(items[low:high]) for low, high in pairwise(bounds)]
    return sets


def _counts(table: Table, name: str, n: int) -> NDArray[np.int64]:
    """Return a column of shares as counts of ``n`` baskets."""
    shares = check_vector(table.numbers(name), repr(name), low=0.0, high=1.0)
    counts = np.rint(shares * n)
    off = np.abs(shares * n - counts) > 1e-6
    if off.any():
        row = int(np.argmax(off))
        raise InputError(
            f"row {row} of {name!r} is {shares[row]}, which of n_baskets={n:,} baskets are {shares[row] * n:.4f}, no "
            "whole number: give the number of rows of the one-hot frame it was mined from."
        )
    return counts.astype(np.int64)


def _read_sets(table: Table, name: str) -> list[frozenset[Any]]:
    values = table.values(name).tolist()
    for row, value in enumerate(values):
        if isinstance(value, str) or not isinstance(value, Collection):
            raise InputTypeError(f"row {row} of {name!r} must be a set of items, got {value!r:.80}.")
    return [frozenset(value) for value in values]


def _matrix(sets: list[frozenset[Any]]) -> tuple[Any, NDArray[Any]]:
    """Return sets as the rows of a boolean CSR matrix with rising indices, and the labels of its columns."""
    flat = np.fromiter((item for each in sets for item in each), dtype=object)
    codes, labels = open_frame({"items": flat}).ids("items")
    if (codes < 0).any():
        raise InputError("an item is missing (None or NaN); drop those rows first.")
    offsets = np.concatenate([[0], np.cumsum([len(each) for each in sets], dtype=np.int64)])
    matrix = sparse.csr_array(
        (np.ones(codes.size, dtype=bool), codes, offsets), shape=(len(sets), labels.size)
    )
    matrix.sort_indices()
    return matrix, labels
