"""A small log with known spend, for the tests of this folder."""

from __future__ import annotations

import numpy as np

import crmintel as ci


def tiny_log() -> tuple[ci.TransactionLog, np.ndarray]:
    """Return four customers, a to d, and their spend."""
    log = ci.TransactionLog.from_arrays(
        customer=["a", "a", "b", "c", "d", "d", "d"],
        time=np.array(
            [
                "2024-01-01",
                "2024-01-09",
                "2024-01-03",
                "2024-01-05",
                "2024-01-02",
                "2024-01-02",
                "2024-01-31",
            ],
            dtype="datetime64[D]",
        ),
        amount=[10.0, 20.0, 5.0, 200.0, 7.0, 8.0, 9.0],
    )
    return log, np.array([30.0, 5.0, 200.0, 24.0])
