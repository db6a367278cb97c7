"""What goes with what is owned: items that are bought by the same baskets, or the same customers."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from crmintel._validation import check_choice, check_number
from crmintel.exceptions import CapacityError
from crmintel.kernels.recommending import score_by_neighbours
from crmintel.patterns._labels import code_of
from crmintel.patterns._recommending import (
    ItemRecommender,
    Ranking,
    best_candidates,
    buyers_of,
    latest,
    need_fitted,
    owned_items,
)
from crmintel.transactions.baskets import Baskets
from crmintel.transactions.log import TransactionLog

SIMILARITIES = ("cosine", "jaccard", "lift", "conditional", "count")
_MOST_NEIGHBOURS = 1 << 28  # 3 GiB


class CoPurchaseRecommender(ItemRecommender):
    """Recommend the items most similar to those owned: item-to-item collaborative filtering.

    Two items are similar where many buyers of the one bought the other. Of each item the ``n_neighbors`` most similar
    are kept; an item's score is its similarity summed over the items owned. No matrix of all pairs is built.

    Parameters
    ----------
    similarity : {"cosine", "jaccard", "lift", "conditional", "count"}, default="cosine"
        Of items i and j with ``n_i`` and ``n_j`` buyers of ``n``, and ``n_ij`` who bought both: ``n_ij / sqrt(n_i
        n_j)``; ``n_ij / (n_i + n_j - n_ij)``; ``n n_ij / (n_i n_j)``; ``n_ij / n_i`` with i owned; ``n_ij``.
    n_neighbors : int, default=100
    shrinkage : float, default=0.0
        Similarities are multiplied by ``n_ij / (n_ij + shrinkage)``, so that few buyers prove little.
    level : {"customer", "basket"}, default="customer"
        Who buys in a log: each customer with all that was ever bought, or each basket. Other ``X`` are taken row by
        row.
    window : number or str, default=None
        Only purchases in this many days (or text such as "13W") up to the end of the log teach what goes together,
        which follows a season; None is all. What is owned is owned in any case.
    margins : mapping or array-like of shape (n_items,), default=None
        Margin of each item that its score is multiplied by. A mapping (or pandas Series) goes by label, an array by
        the order of ``items_``. Every item that may be offered needs one, not negative; where it is 0 the item is not
        recommended.
    fallback : recommender, default=None
        Fills the places that no neighbour takes, e.g. ``PopularityRecommender()``; `fit` fits a clone of it. None
        leaves them empty: None and nan.
    n_jobs : int, default=None
        Threads; None is 1, -1 all cores. The answer is the same for any number.

    Attributes
    ----------
    items_ : ndarray of shape (n_items,)
        Labels of the items.
    similarities_ : scipy.sparse.csr_array of float64 of shape (n_items, n_items)
        Row i holds the neighbours of item i.
    fallback_ : recommender
        Fitted, where there is a ``fallback``.

    References
    ----------
    .. [1] Sarwar, B., Karypis, G., Konstan, J., Riedl, J. (2001). Item-based collaborative filtering recommendation
       algorithms. WWW '01, 285-295.
    .. [2] Linden, G., Smith, B., York, J. (2003). Amazon.com recommendations: item-to-item collaborative filtering.
       IEEE Internet Computing 7(1), 76-80.

    Examples
    --------
    >>> from crmintel import CoPurchaseRecommender
    >>> baskets = [["milk", "bread"], ["milk", "bread"], ["milk"], ["tea", "bread"]]
    >>> recommender = CoPurchaseRecommender(similarity="jaccard").fit(baskets)
    >>> items, scores = recommender.recommend([["tea"], ["milk"]], n=2)
    >>> items
    array([['bread', None],
           ['bread', None]], dtype=object)
    >>> scores.round(3)
    array([[0.333,   nan],
           [0.5  ,   nan]])
    """

    def __init__(
        self,
        similarity: str = "cosine",
        n_neighbors: int = 100,
        *,
        shrinkage: float = 0.0,
        level: str = "customer",
        window: Any = None,
        margins: Any = None,
        fallback: Any = None,
        n_jobs: int | None = None,
    ) -> None:
        self.similarity = similarity
        self.n_neighbors = n_neighbors
        self.shrinkage = shrinkage
        self.level = level
        self.window = window
        self.margins = margins
        self.fallback = fallback
        self.n_jobs = n_jobs

    def fit(self, X: Any, y: Any = None) -> Self:
        """Find the neighbours of every item.

        Parameters
        ----------
        X : log, Baskets, sparse matrix, boolean frame or array, or list of lists
            A ``window`` needs a log: only that has dates.
        y : None
            Ignored.

        Raises
        ------
        CapacityError
            If ``n_items * n_neighbors`` is beyond 2**28.
        """
        check_choice(self.similarity, "similarity", SIMILARITIES)
        n_neighbors = int(check_number(self.n_neighbors, "n_neighbors", low=1, integer=True))
        shrinkage = check_number(self.shrinkage, "shrinkage", low=0.0)
        seen = X if self.window is None else latest(X, self.window)
        baskets = buyers_of(seen, self.level)
        self.items_ = baskets.items
        self.similarities_ = _nearest(baskets, self.similarity, n_neighbors, shrinkage, self.n_jobs)
        self._check_margins()
        self._fit_fallback(X)
        return self

    def similar_items(self, item: Any, n: int = 10) -> tuple[NDArray[Any], NDArray[np.float64]]:
        """Return the neighbours of an item, the most similar first.

        Parameters
        ----------
        item : label
        n : int, default=10

        Returns
        -------
        items : ndarray of shape (n_found,)
            At most ``n_neighbors``.
        similarities : ndarray of float64 of shape (n_found,)

        Raises
        ------
        InputError
            If the item is not known.
        """
        n = int(check_number(n, "n", low=1, integer=True))
        row = self.similarities_[[code_of(item, self._known_items())]]
        best = np.argsort(-row.data, kind="stable")[:n]
        return self.items_[row.indices[best]], row.data[best]

    def _known_items(self) -> NDArray[Any]:
        need_fitted(self)
        return self.items_

    def _rank(
        self, X: TransactionLog | Baskets, n: int, worth: NDArray[np.float64], exclude_owned: bool
    ) -> Ranking:
        n_items = self.items_.size
        neighbour = self.similarities_.indices
        weight = self.similarities_.data * worth[neighbour]
        offered = weight > 0.0
        owned = owned_items(X, self.items_)
        fixed = {
            "indices": owned.indices, "skip": owned.indices, "neighbour": neighbour[offered].astype(np.int32),
            "weight": weight[offered], "first": np.append(0, np.cumsum(offered))[self.similarities_.indptr],
            "scale": np.ones(n_items), "jaccard": False, "shrinkage": 0.0,
        }  # fmt: skip

        def arguments(rows: slice) -> dict[str, Any]:
            indptr = owned.indptr[rows.start : rows.stop + 1]
            skip_first = indptr if exclude_owned else np.zeros_like(indptr)
            return {**fixed, "indptr": indptr, "skip_first": skip_first, "value": np.zeros(n_items)}

        return best_candidates(score_by_neighbours, arguments, len(owned), n_items, n, self.n_jobs)


def _nearest(baskets: Baskets, similarity: str, n_neighbors: int, shrinkage: float, n_jobs: Any) -> Any:
    """Return the neighbours of each item: its members are its buyers, and they add what is in their baskets."""
    n_baskets, n_items = baskets.shape
    n_kept = min(n_neighbors, max(n_items - 1, 1))
    if n_items * n_kept > _MOST_NEIGHBOURS:
        raise CapacityError(
            f"n_neighbors={n_neighbors:,} of {n_items:,} items are more than {_MOST_NEIGHBOURS:,} similarities. "
            "Lower n_neighbors."
        )
    buyers = baskets.matrix.tocsc()
    buyer_first = buyers.indptr.astype(np.int64)
    bought = np.maximum(np.diff(buyer_first), 1).astype(np.float64)
    # What depends on the item itself alone changes no order among its neighbours: it is divided out in the end.
    scale, divisor = {
        "count": (np.ones(n_items), np.ones(n_items)),
        "cosine": (1.0 / np.sqrt(bought), np.sqrt(bought)),
        "jaccard": (bought, np.ones(n_items)),
        "lift": (1.0 / bought, bought / max(n_baskets, 1)),
        "conditional": (np.ones(n_items), bought),
    }[similarity]
    fixed = {
        "indices": buyers.indices.astype(np.int32), "first": baskets.indptr, "neighbour": baskets.indices,
        "weight": np.ones(baskets.indices.size), "skip": np.arange(n_items, dtype=np.int32), "scale": scale,
        "jaccard": similarity == "jaccard", "shrinkage": float(shrinkage),
    }  # fmt: skip

    def arguments(rows: slice) -> dict[str, Any]:
        bounds = slice(rows.start, rows.stop + 1)
        skip_first = np.arange(rows.start, rows.stop + 1)
        return {**fixed, "indptr": buyer_first[bounds], "skip_first": skip_first, "value": np.zeros(n_items)}

    found, values = best_candidates(score_by_neighbours, arguments, n_items, n_items, n_kept, n_jobs)
    values /= divisor[:, None]
    kept = found >= 0
    offsets = np.append(0, np.cumsum(kept.sum(axis=1)))
    similarities = sparse.csr_array((values[kept], found[kept], offsets), shape=(n_items, n_items))
    similarities.sort_indices()
    return similarities
