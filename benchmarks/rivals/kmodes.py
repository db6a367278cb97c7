"""kmodes: k-prototypes after Huang, in Python."""

from __future__ import annotations

from typing import Any

import numpy as np
from kmodes.kprototypes import KPrototypes

from benchmarks.rivals import Entry


def _prepare(problem: Any) -> Any:
    numbers, words = problem
    return np.concatenate([numbers.astype(object), words], axis=1)


def _kprototypes(rows: Any) -> KPrototypes:
    return KPrototypes(8, init="Huang", n_init=1, random_state=0).fit(rows, categorical=[4, 5, 6, 7])


TASKS = {"kprototypes": Entry(_kprototypes, prepare=_prepare, answer=lambda model: float(model.cost_))}
