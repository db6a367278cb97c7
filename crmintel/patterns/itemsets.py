"""Frequent itemsets: what stands together in many baskets."""

from __future__ import annotations

from typing import Any, Self

from numpy.typing import NDArray
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from crmintel._compat import thread_count
from crmintel._validation import check_choice, check_number
from crmintel.exceptions import InputError
from crmintel.patterns._mining import mine, support_count
from crmintel.patterns.itemset_table import Itemsets
from crmintel.transactions.baskets import as_baskets

ALGORITHMS = ("auto", "fpgrowth", "projection", "bitset")


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
