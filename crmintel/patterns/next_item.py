"""What next: the item that most often followed what a customer did last."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, clone
from sklearn.utils.validation import check_is_fitted

from crmintel._validation import check_flag, check_number
from crmintel.exceptions import CapacityError, InputError, InputTypeError, UnitError
from crmintel.kernels.next_item import score_followers
from crmintel.kernels.sequences import STATE_SIZE
from crmintel.patterns._recommending import are_among
from crmintel.patterns._sequence_search import Bounds, elements_of, first_places, in_ticks, item_counts
from crmintel.patterns._sequence_trie import PatternTrie
from crmintel.patterns.recommendations import Recommendations
from crmintel.patterns.sequences import FrequentSequences
from crmintel.transactions.sequences import Sequences, as_sequences

_MOST_CELLS = 1 << 28  # of the answer: 3 GiB of codes and scores, and 2 GiB of labels
_BLOCK_CELLS = 1 << 22  # scores of all items that are held at a time


class NextItem(BaseEstimator):
    """Recommend the next item from sequential patterns, backing off from long contexts to short ones.

    A pattern that ends with an element of one item is a context and what followed it. A history is in a context if
    it holds it under the miner's bounds of time and a next element that came at once would be in reach: with
    ``max_gap=1`` on steps 0, 1, 2, ... it has to end with it, without bounds it has to hold it anywhere. A ``min_gap``
    holds within the context; what comes next may have to wait for it.

    The score of an item is the share of the customers with a context who went on to the item, averaged over the
    longest contexts of the history that any pattern leads on to the item from, times ``discount`` for every item by
    which these are shorter than the history's longest context ("stupid back-off" [1]_). The shortest context is the
    empty one: the share of all customers who have the item.

    Parameters
    ----------
    miner : FrequentSequences, default=None
        Finds the patterns; None is ``FrequentSequences(max_length=2)``, contexts of one item. Its ``max_length`` less
        one is the longest context. Longer ones are for click paths, with ``max_gap``: on 2,452 customers of groceries
        with 53 receipts each, two items at a support of 0.01 take 2 s, three even at 0.1 take 45 s, and without
        ``max_length`` mining does not end.
    discount : float, default=0.1
        In (0, 1]. On the clicks of MSNBC, 0.1 has the next page among the first five in 79 % of the sessions, and
        the 0.4 of the paper, where texts are scored, in 78 %.
    exclude_owned : bool, default=True
        Never recommend what the history holds already. Set it to False for pages, songs and repeat purchases.

    Attributes
    ----------
    miner_ : FrequentSequences
        Fitted.
    items_ : ndarray
        Labels of all items.
    popularity_ : ndarray of float64 of shape (n_items,)
        Share of the sequences that hold each item.
    dated_ : bool
        Whether the times are dates, and not plain numbers.

    References
    ----------
    .. [1] Brants, T., Popat, A. C., Xu, P., Och, F. J., Dean, J. (2007). Large language models in machine
       translation. EMNLP-CoNLL, 858-867.

    Examples
    --------
    >>> from crmintel import FrequentSequences, NextItem
    >>> clicks = [["home", "search", "cart"], ["home", "search", "cart"], ["home", "news"], ["news", "home"]]
    >>> model = NextItem(FrequentSequences(min_support=1, max_gap=1), exclude_owned=False).fit(clicks)
    >>> items, scores = model.recommend([["news", "home", "search"], ["terms"]], n=2)
    >>> items
    array([['cart', 'home'],
           ['home', 'cart']], dtype=object)
    >>> scores
    array([[1.  , 0.01],
           [1.  , 0.5 ]])
    """

    def __init__(
        self, miner: FrequentSequences | None = None, *, discount: float = 0.1, exclude_owned: bool = True
    ) -> None:
        self.miner = miner
        self.discount = discount
        self.exclude_owned = exclude_owned

    def fit(self, X: Any, y: Any = None) -> Self:
        """Mine the sequences.

        Parameters
        ----------
        X : Sequences, log, or list of lists
        y : None
            Ignored.
        """
        self._check_discount()
        self._check_exclusion()
        if not isinstance(self.miner, FrequentSequences | None):
            raise InputTypeError(f"miner must be a FrequentSequences, got {type(self.miner).__name__}.")
        miner = FrequentSequences(max_length=2) if self.miner is None else clone(self.miner)
        if miner.target != "all":
            raise InputError(
                f"contexts need the count of every start of a pattern; set target='all' on the miner, not "
                f"{miner.target!r}."
            )
        sequences = as_sequences(X)
        self.miner_ = miner.fit(sequences)
        self.items_ = sequences.labels
        self.popularity_ = item_counts(sequences) / len(sequences)
        self.dated_ = sequences.times.dtype.kind == "M"
        return self

    def recommend(
        self, X: Any, n: int = 3, *, items: Any = None, exclude_owned: bool | None = None
    ) -> Recommendations:
        """Return the ``n`` best next items for each history, at its last element.

        Parameters
        ----------
        X : Sequences, log, or list of lists
            Items that were not there when the model was fitted are left out; an empty history gets the most popular.
        n : int, default=3
        items : array-like, default=None
            Only these items are recommended; unknown ones are left out. None is all.
        exclude_owned : bool, default=None
            None is the parameter of the model.

        Returns
        -------
        items : ndarray of object of shape (n_rows, n)
            Item labels, the best first, ties in the order of the items; None where there are fewer than ``n``.
        scores : ndarray of float64 of shape (n_rows, n)
            nan where there is no item.

            Both as `Recommendations`, which has ``to_frame()`` too.

        Raises
        ------
        CapacityError
            If ``n_rows * n`` is beyond 2**28.
        """
        check_is_fitted(self, "miner_")
        n = int(check_number(n, "n", low=1, integer=True))
        histories = as_sequences(X)
        if len(histories) * n > _MOST_CELLS:
            raise CapacityError(
                f"n={n:,} items for each of {len(histories):,} rows are more than {_MOST_CELLS:,}. Lower n (there are "
                f"{self.items_.size:,} items), or recommend for fewer rows at a time."
            )
        if histories.n_elements and (histories.times.dtype.kind == "M") != self.dated_:
            kinds = ("plain numbers", "dates")
            raise UnitError(
                f"the times of these histories are {kinds[not self.dated_]}, those of the fitted ones "
                f"{kinds[self.dated_]}; give both the same, e.g. Sequences.from_lists(histories, times=...)."
            )
        offered = np.ones(self.items_.size, dtype=bool) if items is None else are_among(self.items_, items)
        exclude = (
            self._check_exclusion() if exclude_owned is None else check_flag(exclude_owned, "exclude_owned")
        )
        codes = np.full((len(histories), n), -1, dtype=np.int64)
        found = np.full((len(histories), n), np.nan)
        step = max(1, _BLOCK_CELLS // max(1, self.items_.size))
        for low in range(0, len(histories), step):
            block = histories[low : low + step]
            scores = self._scores(block)
            scores[:, ~offered] = 0.0
            if exclude:
                known = block.with_labels(self.items_)
                rows = np.repeat(known.owners(), np.diff(known.element_offsets))
                scores[rows, known.items] = 0.0
            best = np.argsort(-scores, axis=1, kind="stable")[:, :n]
            values = np.take_along_axis(scores, best, axis=1)
            codes[low : low + step, : best.shape[1]] = np.where(values > 0, best, -1)
            found[low : low + step, : best.shape[1]] = np.where(values > 0, values, np.nan)
        labels = np.concatenate([self.items_.astype(object), [None]])[codes]  # at -1 stands nothing
        return Recommendations._of(labels, found, histories)

    def predict(self, X: Any) -> NDArray[Any]:
        """Return the best next item for each history, None where there is none."""
        return self.recommend(X, n=1)[0][:, 0]

    def _check_exclusion(self) -> bool:
        return check_flag(self.exclude_owned, "exclude_owned")

    def _check_discount(self) -> float:
        return check_number(self.discount, "discount", low=0.0, strict_low=True, high=1.0)

    def _scores(self, histories: Sequences) -> NDArray[np.float64]:
        """Return the score of every item for every history."""
        bounds = self.miner_._bounds(histories) if histories.n_elements else Bounds()
        trie = self.miner_.patterns_.trie
        score = np.tile(self.popularity_[trie.items], (len(histories), 1))
        level = np.zeros(score.shape, dtype=np.int32)
        if trie.parent.size:
            contexts = _follow(trie, bounds, histories, histories.with_labels(self.items_), level, score)
            score /= np.maximum(np.take_along_axis(contexts, level, axis=1), 1)
        longest = level.max(axis=1, initial=0)
        scores = self.popularity_ * self._check_discount() ** longest[:, None]
        scores[:, trie.items] = score * self._check_discount() ** (longest[:, None] - level)
        return scores

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False
        return tags


def _follow(
    trie: PatternTrie,
    bounds: Bounds,
    histories: Sequences,
    known: Sequences,
    level: NDArray[np.int32],
    score: NDArray[np.float64],
) -> NDArray[np.int32]:
    """Lead the histories along the tree, see `score_followers`; return how many contexts of each length they are in."""
    n_items, n_patterns = trie.items.size, trie.parent.size
    elements, source = elements_of(known, trie.items, bounds)
    filled = np.diff(histories.offsets) > 0
    now = np.zeros(len(histories))
    now[filled] = in_ticks(histories.times[histories.offsets[1:][filled] - 1])
    length = np.ones(n_patterns, dtype=np.int32)
    for here in trie.levels():
        length[here] += length[trie.parent[here]]
    roots = np.flatnonzero(trie.parent < 0)  # one for each item, in their order
    child_first = np.searchsorted(np.sort(trie.parent), np.arange(n_patterns + 1))
    item_begin, item_end, item_places = first_places(elements, n_items, every=bounds.every_place)
    begin, end = np.zeros(n_patterns, dtype=np.int64), np.zeros(n_patterns, dtype=np.int64)
    begin[roots], end[roots] = item_begin[:-1], item_end
    # At most as many places on the stack for each item of a pattern as find_extensions can list at a time.
    n_entries = elements.entries.size
    places = np.zeros(n_entries * (1 + 2 * int(length.max())) + 1, dtype=np.int32)
    places[:n_entries] = item_places
    starts = np.empty(0)
    if bounds.max_span < np.inf:
        starts = np.zeros(places.size)
        starts[:n_entries] = elements.low[elements.element[item_places]]
    stack = np.zeros(n_patterns, dtype=np.int64)
    stack[: roots.size] = roots
    contexts = np.zeros((len(histories), int(length.max()) + 1), dtype=np.int32)
    above = np.where(trie.parent < 0, 1, trie.counts[trie.parent])
    score_followers(
        **elements.kernel_arguments(bounds),
        owner=known.owners()[source],
        now=now,
        code=trie.code,
        children=np.argsort(trie.parent, kind="stable"),
        child_first=child_first,
        length=length,
        share=trie.counts / above,
        begin=begin,
        end=end,
        places=places,
        starts=starts,
        stack=stack,
        n_stack=roots.size,
        tally=np.zeros(2 * n_items, dtype=np.int32),
        room=np.zeros(2 * n_items, dtype=np.int64),
        seen=np.zeros(2 * n_items, dtype=np.int64),
        touched=np.empty(2 * n_items, dtype=np.int32),
        pairs=np.empty((3, 2 * n_entries + 2), dtype=np.int32),
        state=np.zeros(STATE_SIZE, dtype=np.int64),
        marked=np.full(len(histories), -1, dtype=np.int64),
        contexts=contexts,
        level=level,
        score=score,
    )
    return contexts
