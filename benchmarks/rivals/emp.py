"""EMP-py, the port of the authors' R package, with the values and costs that are our defaults."""

from __future__ import annotations

from typing import Any

from EMP.metrics import empChurn

from benchmarks.rivals import Entry


def _profit(problem: Any) -> float:
    left, score = problem
    return float(empChurn(score, left, alpha=6, beta=14, clv=200, d=10, f=1).EMP)


TASKS = {"profit": Entry(_profit)}
