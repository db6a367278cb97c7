"""What scikit-learn and its dependencies give only in part: generators, threads, and which frames are wanted."""

from __future__ import annotations

import numbers
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import numpy as np
from sklearn.utils._set_output import _get_output_config
from threadpoolctl import threadpool_limits

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


def output_library(transformer: Any) -> str | None:
    """Return the library whose frames ``set_output`` has asked of a transformer; None for arrays."""
    library: str = _get_output_config("transform", transformer)["dense"]
    return None if library == "default" else library


def few_rows_one_thread(n_rows: int) -> AbstractContextManager[Any]:
    """Return a context in which OpenMP keeps to one thread, if the rows are too few to share.

    2,400 rows boosted take 0.17 s of CPU on one thread and 0.83 s on two of a busy machine, 100,000 rows 1.6 s and
    12 s: threads that wait for each other spin.
    """
    return threadpool_limits(1, user_api="openmp") if n_rows < 100_000 else nullcontext()
