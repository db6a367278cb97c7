"""empulse, with the values and costs that are our defaults."""

from __future__ import annotations

from typing import Any

from empulse.metrics import empc_score

from benchmarks.rivals import Entry


def _profit(problem: Any) -> float:
    return float(empc_score(*problem, clv=200.0, incentive_cost=10.0, contact_cost=1.0))


TASKS = {"profit": Entry(_profit)}
