"""One rule of a `RuleSet`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from crmintel.patterns import measures


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule: the labels of both sides, and in how many of ``n`` baskets both, the first and the second stand."""

    antecedent: tuple[Any, ...]
    consequent: tuple[Any, ...]
    n_ab: int
    n_a: int
    n_b: int
    n: int = field(repr=False)

    @property
    def support(self) -> float:
        """Share of the baskets that hold both sides."""
        return float(measures.support(self.n_ab, self.n_a, self.n_b, self.n))

    @property
    def confidence(self) -> float:
        """Share of the baskets with the antecedent that hold the consequent."""
        return float(measures.confidence(self.n_ab, self.n_a, self.n_b, self.n))

    @property
    def lift(self) -> float:
        """How many times as often as in any basket the consequent stands beside the antecedent."""
        return float(measures.lift(self.n_ab, self.n_a, self.n_b, self.n))
