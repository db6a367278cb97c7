"""Names for RFM scores from 1 to 5: two tables that the field knows, as data to copy and edit."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crmintel.exceptions import InputError, InputTypeError

OTHERS = "Others"

# Name: lowest and highest score of recency, frequency and money (the table of the R package rfm).
RFM_SEGMENTS: dict[str, tuple[tuple[int, int], tuple[int, int], tuple[int, int]]] = {
    "Champions": ((5, 5), (5, 5), (5, 5)),
    "Potential Loyalist": ((3, 5), (3, 5), (2, 5)),
    "Loyal Customers": ((2, 4), (2, 4), (2, 4)),
    "Promising": ((3, 4), (1, 3), (3, 5)),
    "New Customers": ((4, 5), (1, 3), (1, 5)),
    "Can't Lose Them": ((1, 2), (3, 4), (4, 5)),
    "At Risk": ((1, 2), (2, 5), (4, 5)),
    "Need Attention": ((1, 3), (3, 5), (3, 5)),
    "About To Sleep": ((2, 3), (1, 3), (1, 4)),
    "Lost": ((1, 1), (1, 5), (1, 5)),
}

# Name: the scores themselves, read as one number. Each of the 125 has one name.
# fmt: off
RFM_SEGMENTS_11: dict[str, tuple[int, ...]] = {
    "Champions": (555, 554, 544, 545, 454, 455, 445),
    "Loyal Customers": (543, 444, 435, 355, 354, 345, 344, 335),
    "Potential Loyalist": (
        553, 551, 552, 541, 542, 533, 532, 531, 452, 451, 442, 441,
        431, 453, 433, 432, 423, 353, 352, 351, 342, 341, 333, 323,
    ),
    "New Customers": (512, 511, 422, 421, 412, 411, 311),
    "Promising": (525, 524, 523, 522, 521, 515, 514, 513, 425, 424, 413, 414, 415, 315, 314, 313),
    "Need Attention": (535, 534, 443, 434, 343, 334, 325, 324),
    "About To Sleep": (331, 321, 312, 221, 213),
    "At Risk": (
        255, 254, 245, 244, 253, 252, 243, 242, 235, 234, 225,
        224, 153, 152, 145, 143, 142, 135, 134, 133, 125, 124,
    ),
    "Can't Lose Them": (155, 154, 144, 214, 215, 115, 114, 113),
    "Hibernating": (332, 322, 231, 241, 251, 233, 232, 223, 222, 132, 123, 122, 212, 211),
    "Lost": (111, 112, 121, 131, 141, 151),
}
# fmt: on


def name_table(segments: Any, n_bins: int) -> tuple[NDArray[np.str_], NDArray[np.int64]]:
    """Return the names, "Others" last, and the name of every triple of scores as (n_bins, n_bins, n_bins) positions.

    The first name that fits is taken.
    """
    if not isinstance(segments, Mapping) or not segments:
        raise InputTypeError(
            "segments must map names to three (low, high) pairs of scores, or to a list of scores such as 555; got "
            f"{type(segments).__name__}."
        )
    names = list(segments)
    if not all(isinstance(name, str) for name in names):
        raise InputTypeError(f"segments must have text as names, got {names!r}.")
    table = np.full((n_bins,) * 3, len(names))
    for i in reversed(range(len(names))):
        for r, f, m in _triples(names[i], segments[names[i]], n_bins):
            table[r - 1, f - 1, m - 1] = i
    return np.array([*names, OTHERS]), table


def _triples(name: str, rule: Any, n_bins: int) -> Any:
    """Return the scores of one name."""
    shape = np.asarray(rule, dtype=object).shape
    if shape == (3, 2):
        for what, (low, high) in zip(("recency", "frequency", "money"), rule, strict=True):
            if not 1 <= low <= high <= n_bins:
                raise InputError(
                    f"segments[{name!r}]: {what} goes from {low} to {high}, which is not within 1 to n_bins={n_bins}."
                )
        return product(*(range(int(low), int(high) + 1) for low, high in rule))
    scores = list(rule) if len(shape) == 1 else []
    triples = [(*divmod(int(s) // 10, 10), int(s) % 10) for s in scores if isinstance(s, int | np.integer)]
    if not triples or len(triples) < len(scores):
        raise InputError(
            f"segments[{name!r}] must be three (low, high) pairs: recency, frequency and money; or a list of scores "
            f"such as 555; got {rule!r}."
        )
    for score, triple in zip(scores, triples, strict=True):
        if not all(1 <= digit <= n_bins for digit in triple):
            raise InputError(
                f"segments[{name!r}] holds {score}, which is not three scores within 1 to n_bins={n_bins}."
            )
    return triples
