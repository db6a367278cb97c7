"""Frequent itemsets: what stands together in many baskets."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from crmintel._compat import thread_count
from crmintel._validation import check_choice, check_number, check_weights, exact
from crmintel.exceptions import CapacityError, InputError
from crmintel.patterns._mining import support_count
from crmintel.patterns._request import Request, item_codes
from crmintel.patterns.itemset_table import Itemsets
from crmintel.transactions.baskets import Baskets, as_baskets

ALGORITHMS = ("auto", "fpgrowth", "projection", "bitset")
# Relative room for the rounding of sums of fractions: three weights of 0.1 reach 0.3.
_ROUNDING = 1e-12

TARGETS = ("all", "closed", "maximal", "generators")


# scikit-learn has no types, so mypy does not know its keyword of classes
class FrequentItemsets(TransformerMixin, BaseEstimator, auto_wrap_output_keys=None):  # type: ignore[call-arg]
    """Find every set of items that stands together in at least ``min_support`` baskets.

    Parameters
    ----------
    min_support : int or float, default=0.01
        An int is a count of baskets (at least 1), a float in (0, 1] a share of them; a share is turned into the
        smallest count that reaches it exactly, as the decimal number that is printed or the quotient that it is.
    target : {"all", "closed", "maximal", "generators"}, default="all"
        Which frequent itemsets: all; those without a superset in the same baskets; those without a frequent
        superset; those without a subset in the same baskets (the empty set is in all of them).
    max_length : int, default=None
        Largest number of items in an itemset.
    algorithm : {"auto", "fpgrowth", "projection", "bitset"}, default="auto"
        How all itemsets are found; the other targets have their own. ``fpgrowth`` mines prefix trees [1]_;
        ``projection`` copies the conditional databases as rows [2]_ (unless these are more than half full);
        ``bitset`` holds them as columns of bits [3]_;
        ``auto`` takes rows or bits for each conditional database by estimated cost. All find the same itemsets.
    min_length : int, default=1
        Smallest number of items in an itemset.
    top_k : int, default=None
        Keep only the k itemsets of highest count, none below ``min_support``. Among equal counts shorter ones come
        first, then those whose items come first in the order of the labels.
    include : list of items, default=None
        Items that every itemset must hold.
    exclude : list of items, default=None
        Items that are left out of the baskets before they are mined.
    max_itemsets : int, default=20_000_000
        More than these are not stored: `CapacityError`.
    n_jobs : int, default=None
        Threads; None is 1, -1 all processors. The result does not depend on it.
    verbose : bool or int, default=0
        Draw a progress bar.

    Attributes
    ----------
    itemsets_ : Itemsets
    min_count_ : int or float
        ``min_support`` as a count of baskets, or as a sum of weights.
    algorithm_ : str
        What was used; ``auto`` tells where it went: ``projection``, ``bitset`` or ``projection+bitset``.

    Raises
    ------
    InputError
        If there are no baskets, an item of ``include`` or ``exclude`` is unknown, or a parameter is out of its
        bounds.
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
    >>> baskets = [["milk", "bread"], ["milk", "bread", "tea"], ["milk"]]
    >>> miner = FrequentItemsets(min_support=0.5).fit(baskets)
    >>> miner.itemsets_.to_frame()["items"]
    array(['milk', 'bread', 'bread, milk'], dtype=object)
    >>> miner.transform([["milk", "tea"]]).toarray()
    array([[ True, False, False]])
    >>> FrequentItemsets(min_support=1).count(baskets)
    7
    >>> sorted(FrequentItemsets(min_support=1, target="closed").fit(baskets).itemsets_.names())
    ['bread, milk', 'bread, milk, tea', 'milk']
    """

    def __init__(
        self,
        min_support: float = 0.01,
        target: str = "all",
        max_length: int | None = None,
        algorithm: str = "auto",
        *,
        min_length: int = 1,
        top_k: int | None = None,
        include: Sequence[Any] | None = None,
        exclude: Sequence[Any] | None = None,
        max_itemsets: int = 20_000_000,
        n_jobs: int | None = None,
        verbose: bool | int = 0,
    ) -> None:
        self.min_support = min_support
        self.target = target
        self.max_length = max_length
        self.algorithm = algorithm
        self.min_length = min_length
        self.top_k = top_k
        self.include = include
        self.exclude = exclude
        self.max_itemsets = max_itemsets
        self.n_jobs = n_jobs
        self.verbose = verbose

    def fit(self, X: Any, y: Any = None, sample_weight: ArrayLike | None = None) -> Self:
        """Mine the baskets.

        Parameters
        ----------
        X : Baskets, log, sparse matrix, boolean frame or array, or list of lists
        y : None
            Ignored.
        sample_weight : array-like of shape (n_baskets,), default=None
            How much each basket counts, not below 0; only with ``target="all"``. Counts of itemsets are then sums of
            weights (whole numbers where all weights are), and shares are shares of the total. Sums of fractions reach
            a threshold up to their rounding, a relative 1e-12.
            Weighted baskets are mined by ``fpgrowth``.
        """
        baskets, request, min_count, total = self._request(X, sample_weight)
        limit = self._limit()
        if self.top_k is None:
            found = request.mine(min_count, limit)
        else:
            k = int(check_number(self.top_k, "top_k", low=1, high=limit, integer=True))
            found = request.best(k, min_count, limit)
        self.min_count_ = min_count
        self.algorithm_ = found.algorithm
        self.itemsets_ = Itemsets(
            found, baskets.items, len(baskets), baskets.library,
            total=total,
            downward_closed=self.target == "all" and self.min_length == 1 and request.include.size == 0,
        )  # fmt: skip
        return self

    def count(self, X: Any, sample_weight: ArrayLike | None = None) -> int:
        """Return how many itemsets there are, without storing them; ``top_k`` is left aside.

        Parameters
        ----------
        X, sample_weight : as in `fit`
            Baskets with weights, and ``include`` with another target than all, are counted by mining: no more than
            ``max_itemsets``.

        Returns
        -------
        int
            Exact, however large.
        """
        return sum(self._lengths(X, sample_weight))

    def count_by_length(self, X: Any, sample_weight: ArrayLike | None = None) -> NDArray[np.int64]:
        """Return how many itemsets of 0, 1, 2, ... items there are, without storing them.

        Parameters
        ----------
        X, sample_weight : as in `count`

        Returns
        -------
        ndarray of int64 of shape (longest + 1,)

        Raises
        ------
        CapacityError
            If a number is larger than int64 can hold; `count` has no such bound.
        """
        lengths = self._lengths(X, sample_weight)
        most = max(lengths, default=0)
        if most > np.iinfo(np.int64).max:
            raise CapacityError(
                f"there are {most:,} itemsets of {lengths.index(most)} items, more than 2**63 - 1. "
                "count() gives their total; raise min_support or set max_length."
            )
        longest = max((length for length, n in enumerate(lengths) if n), default=0)
        return np.array(lengths[: longest + 1], dtype=np.int64)

    def _lengths(self, X: Any, sample_weight: ArrayLike | None) -> list[int]:
        _, request, min_count, _ = self._request(X, sample_weight)
        return request.lengths(min_count, self._limit())

    def _limit(self) -> int:
        return int(check_number(self.max_itemsets, "max_itemsets", low=1, high=2**31 - 2, integer=True))

    def _request(self, X: Any, sample_weight: ArrayLike | None) -> tuple[Baskets, Request, float, float]:
        """Return the baskets, what is asked of them, the count that is frequent, and what a share is of."""
        check_choice(self.target, "target", TARGETS)
        check_choice(self.algorithm, "algorithm", ALGORITHMS)
        min_length = int(check_number(self.min_length, "min_length", low=1, integer=True))
        if self.max_length is not None:
            check_number(self.max_length, "max_length", low=1, high=2**31 - 1, integer=True)
            if min_length > self.max_length:
                raise InputError(
                    f"min_length={min_length} is above max_length={self.max_length}: no itemset is left."
                )
        self._limit()
        n_threads = thread_count(self.n_jobs)
        baskets = as_baskets(X)
        if len(baskets) == 0:
            raise InputError("there are no baskets to mine; got 0 rows.")
        weights = None
        total: float = len(baskets)
        if sample_weight is None:
            min_count: float = support_count(self.min_support, len(baskets))
        else:
            weights = check_weights(sample_weight, len(baskets))
            if self.target != "all":
                raise InputError(
                    f"sample_weight goes with target='all', not {self.target!r}; which baskets hold an itemset does "
                    "not depend on their weights."
                )
            weights, total, min_count = _weigh(self.min_support, weights)
        request = Request.of(
            baskets,
            weights,
            item_codes(self.include, baskets.items, "include"),
            item_codes(self.exclude, baskets.items, "exclude"),
            target=self.target,
            min_length=min_length,
            max_length=self.max_length,
            algorithm=self.algorithm,
            n_threads=n_threads,
            verbose=self.verbose,
        )
        return baskets, request, min_count, total

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
        """Return every itemset as text: the columns of `transform`, no two alike.

        They are those of ``itemsets_.names()``, or all with labels in quotes where two of these would be the same,
        as with an item called "a, b".
        """
        check_is_fitted(self, "itemsets_")
        names = self.itemsets_.names()
        if len(set(names.tolist())) < names.size:
            names[:] = [", ".join(map(repr, itemset.items)) for itemset in self.itemsets_]
        return names

    def set_output(self, *, transform: str | None = None) -> Self:
        """Accept any setting and keep to CSR: a frame of all itemsets would be dense.

        For a sparse frame write ``pandas.DataFrame.sparse.from_spmatrix(miner.transform(baskets),
        columns=miner.get_feature_names_out())``.
        """
        return self

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False
        tags.input_tags.sparse = True
        return tags


def _weigh(min_support: Any, weights: NDArray[np.float64]) -> tuple[NDArray[Any], float, float]:
    """Return the weights (int64 if they are whole numbers), their sum, and the sum that is frequent."""
    total = float(weights.sum())
    if total == 0:
        raise InputError("sample_weight is 0 for all baskets; one at least must count.")
    if total <= 2**53 and np.all(weights == np.floor(weights)):
        return weights.astype(np.int64), int(total), support_count(min_support, int(total), "weight")
    least: Fraction | int = support_count(min_support, 1, "weight")
    if not isinstance(min_support, int | np.integer):
        least = exact(min_support) * Fraction(total)
    return weights, total, float(least) * (1 - _ROUNDING)
