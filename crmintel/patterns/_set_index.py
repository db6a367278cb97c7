"""Sets of items by their hash: the number of a set is one look-up away."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from crmintel.kernels.rules import hash_sets, index_sets


def item_keys(n_items: int, seed: int = 1969) -> NDArray[np.uint64]:
    """Return one random 64-bit key per item, always the same ones."""
    return np.random.default_rng(seed).integers(0, 2**64, size=n_items, dtype=np.uint64)


def csr_arrays(matrix: Any) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """Return writable int32 column codes and int64 offsets: kernels have one signature."""
    return matrix.indices.astype(np.int32), matrix.indptr.astype(np.int64)


def index_itemsets(
    items: NDArray[np.int32], offsets: NDArray[np.int64], n_items: int
) -> dict[str, NDArray[Any]]:
    """Return the keys, hashes and slots that kernels look itemsets up with."""
    keys = item_keys(n_items)
    hashes = np.zeros(offsets.size - 1, dtype=np.uint64)
    hash_sets(items=items, offsets=offsets, keys=keys, hashes=hashes)
    return {"keys": keys, "hashes": hashes, "slots": _slots(hashes)}


def index_rules(antecedents: Any, consequents: Any) -> dict[str, NDArray[Any]]:
    """Return the keys (others on the right than on the left), hashes and slots of rules."""
    keys, target_keys = (item_keys(antecedents.shape[1], seed) for seed in (1969, 1976))
    hashes = np.zeros(antecedents.shape[0], dtype=np.uint64)
    for side, side_keys in ((antecedents, keys), (consequents, target_keys)):
        items, offsets = csr_arrays(side)
        hash_sets(items=items, offsets=offsets, keys=side_keys, hashes=hashes)
    return {"keys": keys, "target_keys": target_keys, "hashes": hashes, "slots": _slots(hashes)}


def _slots(hashes: NDArray[np.uint64]) -> NDArray[np.int32]:
    """Return a table of set numbers, at most half full."""
    slots = np.full(1 << max(2, (2 * hashes.size).bit_length()), -1, dtype=np.int32)
    index_sets(hashes=hashes, slots=slots)
    return slots
