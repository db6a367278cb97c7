"""What scikit-learn and joblib give only in part: random generators of any kind, and how many threads to use."""

from __future__ import annotations

import numbers
from typing import Any

import numpy as np

from crmintel.exceptions import InputError, InputTypeError


def as_generator(random_state: Any) -> np.random.Generator:
    """Return a Generator for None, a whole number, a ``Generator`` (used as it is) or a ``RandomState`` (drawn from).

    scikit-learn's ``check_random_state`` refuses a ``Generator``.
    """
    if isinstance(random_state, np.random.Generator):
        return random_state
    if isinstance(random_state, np.random.RandomState):
        return np.random.default_rng(random_state.randint(0, 2**32, size=4, dtype=np.uint32))
    whole = isinstance(random_state, numbers.Integral) and not isinstance(random_state, bool | np.bool_)
    if random_state is None or whole:
        if whole and random_state < 0:
            raise InputError(f"random_state must be >= 0, got {random_state}.")
        return np.random.default_rng(random_state)
    raise InputTypeError(
        f"random_state must be None, a whole number, a numpy Generator or RandomState; got {random_state!r}."
    )


def thread_count(n_jobs: Any) -> int:
    """Return the number of threads that ``n_jobs`` asks for: None is 1, -1 all cores, as in scikit-learn."""
    whole = isinstance(n_jobs, numbers.Integral) and not isinstance(n_jobs, bool | np.bool_)
    if n_jobs is not None and (not whole or n_jobs == 0):
        raise InputError(
            f"n_jobs must be None or a whole number other than 0 (-1 is all cores), got {n_jobs!r}."
        )
    from joblib import effective_n_jobs

    return int(effective_n_jobs(n_jobs))
