"""Simulated baskets that come with the patterns behind them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crmintel._compat import as_generator
from crmintel._validation import check_number
from crmintel.kernels.quest import fill_baskets
from crmintel.transactions.baskets import Baskets
from crmintel.transactions.incidence import csr_of_pairs

# Patterns drawn at a time; a different number would give other baskets for the same seed.
_BLOCK = 1 << 16

# Patterns that always lost all their items would never fill a basket.
_MOST_CORRUPT = 0.95


@dataclass(frozen=True, slots=True)
class BasketTruth:
    """What `make_baskets` drew its baskets from.

    Attributes
    ----------
    patterns : list of ndarray
        Item codes of each pattern.
    weights : ndarray
        Chance of each pattern to be the next one put into a basket.
    corruption : ndarray
        Level of each pattern: its items are dropped one by one as long as a uniform number stays below it.
    """

    patterns: list[NDArray[np.int32]]
    weights: NDArray[np.float64]
    corruption: NDArray[np.float64]

    def __repr__(self) -> str:
        return f"BasketTruth({len(self.patterns):,} patterns)"


def make_baskets(
    n_baskets: int = 10_000,
    n_items: int = 1_000,
    *,
    mean_size: float = 10.0,
    mean_pattern: float = 4.0,
    n_patterns: int = 2_000,
    correlation: float = 0.5,
    corruption: float = 0.5,
    random_state: Any = None,
) -> tuple[Baskets, BasketTruth]:
    """Simulate baskets as the IBM Quest generator does: T10I4 is ``mean_size=10, mean_pattern=4``.

    Parameters
    ----------
    n_baskets : int, default=10_000
    n_items : int, default=1_000
        Size of the assortment; not every item need be bought.
    mean_size : float, default=10.0
        Mean of the Poisson sizes that baskets are filled up to.
    mean_pattern : float, default=4.0
        Mean of the Poisson sizes of the patterns (what is often bought together).
    n_patterns : int, default=2_000
    correlation : float, default=0.5
        Mean share of a pattern's items that are taken from the pattern before (exponential, at most 1).
    corruption : float, default=0.5
        Mean of the patterns' corruption levels (normal with variance 0.1, brought to 0 .. 0.95).
    random_state : int, Generator, RandomState or None

    Returns
    -------
    baskets : Baskets
        Of ``n_baskets`` rows over the items 0 to ``n_items - 1``.
    truth : BasketTruth
        The patterns, their weights and corruption levels.

    References
    ----------
    .. [1] Agrawal, R., Srikant, R. (1994). Fast algorithms for mining association rules. VLDB, 487-499.

    Examples
    --------
    >>> from crmintel.datasets import make_baskets
    >>> baskets, truth = make_baskets(500, 100, n_patterns=20, random_state=0)
    >>> len(baskets), len(truth.patterns)
    (500, 20)
    """
    n = int(check_number(n_baskets, "n_baskets", low=1, integer=True))
    n_items = int(check_number(n_items, "n_items", low=1, integer=True))
    n_patterns = int(check_number(n_patterns, "n_patterns", low=1, integer=True))
    check_number(mean_size, "mean_size", low=0.0, strict_low=True)
    check_number(mean_pattern, "mean_pattern", low=0.0, strict_low=True)
    check_number(correlation, "correlation", low=0.0, high=1.0)
    check_number(corruption, "corruption", low=0.0, high=1.0)
    rng = as_generator(random_state)
    patterns = _draw_patterns(rng, n_items, n_patterns, mean_pattern, correlation)
    weights = rng.exponential(size=n_patterns)
    weights /= weights.sum()
    levels = np.clip(rng.normal(corruption, np.sqrt(0.1), size=n_patterns), 0.0, _MOST_CORRUPT)
    sizes = np.maximum(rng.poisson(mean_size, size=n), 1)
    rows, columns = _fill(rng, patterns, weights, levels, sizes)
    baskets = Baskets(csr_of_pairs(rows, columns, (n, n_items)), np.arange(n_items))
    return baskets, BasketTruth(patterns, weights, levels)


def _draw_patterns(
    rng: np.random.Generator, n_items: int, n_patterns: int, mean_pattern: float, correlation: float
) -> list[NDArray[np.int32]]:
    sizes = np.clip(rng.poisson(mean_pattern, size=n_patterns), 1, n_items)
    shares = np.minimum(rng.exponential(correlation, size=n_patterns), 1.0)
    popularity = rng.exponential(size=n_items)
    popularity /= popularity.sum()
    patterns: list[NDArray[np.int32]] = []
    before = np.empty(0, dtype=np.int32)
    for size, share in zip(sizes.tolist(), shares.tolist(), strict=True):
        n_old = min(round(share * size), before.size)
        old = rng.choice(before, size=n_old, replace=False)
        new = rng.choice(n_items, size=size, replace=False, p=popularity)
        before = np.concatenate([old, new[~np.isin(new, old)][: size - n_old]]).astype(np.int32)
        patterns.append(before)
    return patterns


def _fill(
    rng: np.random.Generator,
    patterns: list[NDArray[np.int32]],
    weights: NDArray[np.float64],
    levels: NDArray[np.float64],
    sizes: NDArray[np.int64],
) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    lengths = np.array([pattern.size for pattern in patterns])
    items, offsets = np.concatenate(patterns), np.concatenate([[0], np.cumsum(lengths)])
    state = np.zeros(2, dtype=np.int64)
    rows, columns = [], []
    while state[0] < sizes.size:
        picks = rng.choice(lengths.size, size=_BLOCK, p=weights)
        # Items are dropped until a uniform number reaches the level: geometric, cut off at the pattern's length.
        with np.errstate(divide="ignore"):
            drops = np.floor(rng.exponential(size=_BLOCK) / -np.log(levels[picks]))
        n_drops = np.minimum(drops, lengths[picks]).astype(np.int64)
        pairs = np.empty((2, int((lengths[picks] - n_drops).sum())), dtype=np.int32)
        n = fill_baskets(
            patterns=items, offsets=offsets, picks=picks, n_drops=n_drops, draws=rng.random(n_drops.sum()),
            coins=rng.integers(0, 2, size=_BLOCK), sizes=sizes, state=state,
            scratch=np.empty(lengths.max(), dtype=np.int32), rows=pairs[0], columns=pairs[1],
        )  # fmt: skip
        rows.append(pairs[0, :n])
        columns.append(pairs[1, :n])
    return np.concatenate(rows), np.concatenate(columns)
