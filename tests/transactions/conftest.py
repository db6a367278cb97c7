"""A small log to cut, slice and pickle, drawn once with a seed."""

from __future__ import annotations

import numpy as np
import pytest

from crmintel import TransactionLog


@pytest.fixture(scope="session")
def columns():
    rng = np.random.default_rng(7)
    n = 2_000
    return {
        "customer": rng.integers(100, 250, n),
        "time": np.datetime64("2023-01-01T00", "h") + rng.integers(0, 24 * 300, n),
        "amount": np.round(rng.gamma(2.0, 10.0, n), 2),
        "item": rng.integers(0, 30, n),
        "basket": rng.integers(0, 900, n),
    }


@pytest.fixture(scope="session")
def log(columns):
    return TransactionLog.from_arrays(**columns, end="2023-11-30")
