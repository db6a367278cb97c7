"""Items and the categories they belong to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from crmintel._frames import open_frame
from crmintel.exceptions import InputError, InputTypeError
from crmintel.transactions.incidence import csr_of_pairs


def read_categories(categories: Any, item: str | None = None, category: str | None = None) -> dict[Any, Any]:
    """Return the category of each item that has one, from a mapping or two columns of a frame.

    Raises
    ------
    InputTypeError
        If it is neither, or labels have mixed types.
    InputError
        If an item stands in two categories.
    """
    if (item is None) != (category is None):
        raise InputError(
            "a frame needs the names of both columns: roll_up(frame, item=..., category=...); a mapping "
            "{item: category} needs none."
        )
    if item is not None and category is not None:
        table = open_frame(categories, "categories")
    elif isinstance(categories, Mapping):
        item, category = "item", "category"
        table = open_frame({item: _objects(categories.keys()), category: _objects(categories.values())})
    else:
        raise InputTypeError(
            f"categories must be a mapping {{item: category}}, or a frame with item= and category=; got "
            f"{type(categories).__name__}."
        )
    rows, items = table.ids(item)
    columns, names = table.ids(category)
    known = (rows >= 0) & (columns >= 0)
    pairs = np.unique(np.column_stack([rows[known], columns[known]]), axis=0)
    twice = np.flatnonzero(pairs[1:, 0] == pairs[:-1, 0])
    if twice.size:
        label = items[pairs[twice[0], 0]]
        both = names[pairs[twice[0] : twice[0] + 2, 1]].tolist()
        raise InputError(
            f"{twice.size} items stand in two categories, e.g. {label!r} in {both}; keep one each."
        )
    return dict(zip(items[pairs[:, 0]].tolist(), names[pairs[:, 1]].tolist(), strict=True))


def roll_up(
    matrix: Any, items: NDArray[Any], category: Mapping[Any, Any], *, missing: str, keep_items: bool
) -> tuple[Any, NDArray[Any]]:
    """Return baskets over the categories of ``items`` (behind the items if ``keep_items``) as CSR, and the labels.

    Raises
    ------
    InputError
        If an item has no category and ``missing`` is "raise", or a category is called like an item that is kept.
    """
    codes, names = _categories_of(items, category, "drop" if keep_items and missing == "keep" else missing)
    columns = codes[matrix.indices]
    inside = columns >= 0
    rows = np.repeat(np.arange(matrix.shape[0]), np.diff(matrix.indptr))
    rolled = csr_of_pairs(rows[inside], columns[inside], (matrix.shape[0], names.size))
    if not keep_items:
        return rolled, names
    return sparse.hstack([matrix, rolled], format="csr"), _join_labels(items, names)


def _categories_of(
    items: NDArray[Any], category: Mapping[Any, Any], missing: str
) -> tuple[NDArray[np.int32], NDArray[Any]]:
    """Return the code of each item's category (-1: none) and the sorted names of those that are there.

    An item without one is an error, keeps its own label or gets -1, as ``missing`` ("raise", "keep", "drop") says.
    """
    labels = items.tolist()
    orphans = [label for label in labels if label not in category]
    if orphans and missing == "raise":
        hint = ""
        if len(orphans) == len(labels) and category:
            hint = f" The categories know items like {next(iter(category))!r}."
        raise InputError(
            f"{len(orphans)} of {len(labels)} items have no category, e.g. {orphans[:3]}.{hint} Give them one, or "
            "missing='keep' (they stand for themselves) or 'drop'."
        )
    own = {label: label for label in orphans} if missing == "keep" else {}
    return open_frame({"category": _objects({**own, **category}.get(label) for label in labels)}).ids(
        "category"
    )


def _join_labels(items: NDArray[Any], names: NDArray[Any]) -> NDArray[Any]:
    """Return the labels of both levels; one that stands in both is an error."""
    both = _objects([*items.tolist(), *names.tolist()])
    codes, distinct = open_frame({"items and categories": both}).ids("items and categories")
    if distinct.size < both.size:
        twice = distinct[np.argmax(np.bincount(codes) > 1)]
        raise InputError(
            f"{both.size - distinct.size} categories are called like an item, e.g. {twice!r}: on one bill they could "
            "not be told apart. Name them otherwise, e.g. {item: f'any {category}' for ...}."
        )
    return both if both.dtype == distinct.dtype else both.astype(distinct.dtype)


def holds_ancestor(sets: Any, items: NDArray[Any], category: Mapping[Any, Any]) -> NDArray[np.bool_]:
    """Return which sets hold an item together with a category above it: what they say of both is trivial.

    Parameters
    ----------
    sets : sparse matrix of shape (n_sets, n_items)
        E.g. both sides of rules, ``rules.antecedents + rules.consequents``.
    items : ndarray of shape (n_items,)
        Labels of the columns.
    category : mapping
        From item to category; categories may stand in others again.

    Returns
    -------
    ndarray of bool of shape (n_sets,)

    Raises
    ------
    InputError
        If the categories run in a circle.
    """
    place = {label: code for code, label in enumerate(items.tolist())}
    below, above = [], []
    for label, code in place.items():
        seen, step = {label}, label
        while step in category:
            step = category[step]
            if step in seen:
                raise InputError(f"the categories run in a circle: {step!r} stands above itself.")
            seen.add(step)
            if step in place:
                below.append(code)
                above.append(place[step])
    shape = (items.size, items.size)
    ancestors = sparse.csr_array((np.ones(len(below), dtype=np.int32), (below, above)), shape=shape)
    held = sparse.csr_array(sets, dtype=np.int32)
    return np.asarray((held @ ancestors).multiply(held).sum(axis=1)).ravel() > 0


def _objects(labels: Any) -> NDArray[Any]:
    return np.array([*labels, None], dtype=object)[:-1]
