"""How the models of repeat purchases are fitted: starts, a sample first, limits, and the names of the results."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from crmintel.lifetime._count_sums import rule_below
from crmintel.lifetime._histories import Histories, Vector
from crmintel.lifetime._mle import Optimum, minimise
from crmintel.lifetime._model import Estimate

ALIKE = 1e4  # customers whose rates or chances vary by less than 1 % are alike
_LARGEST = 1e6  # shape of a chance, at the edge of the search
_CHANCE = 10.0  # log-likelihood by which the worse end on a sample may be the better one on all customers
_SAME = 0.01  # ends closer by log-parameter are one
UNSEEN = 1e-3  # log-likelihood that does not tell a model from a smaller one
NOBODY_LEAVES = (
    "no customer is seen to leave ({}: the NBD model), so P(alive) is 1 for everybody and "
    "the model cannot tell who is gone. Watch longer, check that recency is the time of the last purchase, "
    "or set penalty > 0"
)
SAME_RATE = "all customers buy at the same rate (only r / alpha is known)"


def same_chance(
    first: float, second: float, *, alike: str, always: str, never: str, either: str = ""
) -> list[str]:
    """Say which limit a chance ~ Beta(first, second) has run to, if any; ``either`` is that it is 1 or 0."""
    if min(first, second) > ALIKE:
        return [alike]
    if first / (first + second) > 1.0 - 1.0 / ALIKE:
        return [always]
    if first / (first + second) < 1.0 / ALIKE:
        return [never]
    if either and max(first, second) < 1.0 / ALIKE:
        return [either]
    return [alike] if max(first, second) > _LARGEST else []


def _rank(found: Optimum) -> tuple[float, bool]:
    return round(found.value, 12), not found.converged


class Likelihood(ABC):
    """Mean negative log-likelihood by log-parameters, with gradient and Hessian.

    A model names its parameters ``names`` (``r`` and ``alpha`` first), those of them that are ``times``, the values
    ``staying`` of the others with which nobody leaves, the guesses ``starts``, how many of them to try even where the
    first leads to a good end (its ``basins``), and the size of the ``sample`` from which a large fit starts; it gives
    ``start``, ``terms``, ``limit`` and, if it has one, the ``nested`` model.
    """

    names: ClassVar[tuple[str, ...]]
    times: ClassVar[tuple[str, ...]] = ("alpha",)
    staying: ClassVar[dict[str, float]]
    starts: ClassVar[tuple[tuple[float, ...], ...]]
    basins: ClassVar[int] = 1
    sample: ClassVar[int] = 50_000

    def __init__(self, h: Histories, weights: Vector, penalty: float) -> None:
        self.h, self.weights, self.penalty = h, weights, penalty
        self.total = float(weights.sum())
        # einsum, not @: BLAS wakes every core for a sum that one has done by then
        self.purchases = float(np.einsum("i,i", weights, h.x))
        self.time = float(np.einsum("i,i", weights, h.T))
        self.j, self.more_than = rule_below(h.x, weights)
        is_time = np.isin(self.names, self.times)
        self.mean_time = self.time / self.total if self.time > 0 else 1.0
        self.centre = np.where(is_time, np.log(self.mean_time), 0.0)
        self.low = self.centre - np.where(is_time, 25.0, 16.0)
        # At limits shapes grow for ever; cut off here, 1e-6 a customer is lost at the most where x is below 100 or so.
        self.high = self.centre + np.where(is_time, 25.0, np.where(np.isin(self.names, "r"), 18.0, 20.0))

    @classmethod
    def maximise(
        cls, h: Histories, weights: Vector, *, penalty: float, tol: float, max_iter: int
    ) -> Estimate:
        """Find the best parameters, from a sample where there are many customers, from other starts on doubt."""
        likelihood = cls(h, weights, penalty)
        if likelihood.purchases == 0.0 and penalty == 0.0:
            return likelihood.nothing_bought()
        end = (tol, max_iter)
        starts = [likelihood.start(guess) for guess in cls.starts]
        first, others = starts[: cls.basins], starts[cls.basins :]
        if len(h) > 4 * cls.sample:
            every = np.arange(0, len(h), len(h) // cls.sample)
            some = cls(h[every], weights[every], penalty)
            if some.purchases > 0.0:
                first = some._promising(first, *end)
        found = [likelihood.minimise(start, *end) for start in first]
        best = min(found, key=_rank)
        if not best.converged or likelihood.limit(best) is not None:
            best = min([best, *(likelihood.minimise(start, *end) for start in others)], key=_rank)
        nested = likelihood.nested(best, tol, max_iter)
        if nested is not None:
            return nested
        return likelihood.estimate(best, likelihood.natural(best), likelihood.limit(best))

    def _promising(self, starts: list[Vector], tol: float, max_iter: int) -> list[Vector]:
        """Where searches on a sample end, but for the ends that are worse than chance explains."""
        best, *others = sorted((self.minimise(start, tol, max_iter) for start in starts), key=_rank)
        margin = _CHANCE / self.total
        return [best.theta] + [
            other.theta
            for other in others
            if other.value < best.value + margin and np.abs(other.theta - best.theta).max() > _SAME
        ]

    def minimise(self: Self, start: Vector, tol: float, max_iter: int) -> Optimum:
        """Search from one start."""
        return minimise(self, start, low=self.low, high=self.high, tol=tol, max_iter=max_iter)

    def __call__(self, theta: Vector) -> tuple[float, Vector, NDArray[np.float64]]:
        value, gradient, hessian = self.terms(theta)
        off = theta - self.centre
        value -= self.penalty / 2.0 * float(off @ off)
        gradient -= self.penalty * off
        hessian -= self.penalty * np.eye(theta.size)
        return -value / self.total, -gradient / self.total, -hessian / self.total

    @abstractmethod
    def start(self, guess: tuple[float, ...]) -> Vector:
        """Log-parameters for a guess."""

    @abstractmethod
    def terms(self, theta: Vector) -> tuple[float, Vector, NDArray[np.float64]]:
        """Total log-likelihood, its gradient and its Hessian."""

    @abstractmethod
    def limit(self, found: Optimum) -> str | None:
        """Say which limit of the model an estimate has run to, or None."""

    def nested(self, best: Optimum, tol: float, max_iter: int) -> Estimate | None:
        """The fit of a smaller model where it is as good as ``best``, or ``best`` and how little it gains, or None."""
        return None

    def natural(self, found: Optimum) -> dict[str, float]:
        """The parameters by name."""
        return dict(zip(self.names, np.exp(found.theta).tolist(), strict=True))

    def alpha_of(self, r: float, stretch: float) -> float:
        """The alpha at which customers buy as often as these did, times ``stretch``."""
        return r * stretch * max(self.time / max(self.purchases, 1.0), 1e-300)

    def hardly_buying(self) -> dict[str, float]:
        """The parameters of purchases with which nobody buys."""
        return {"r": 1e-12, "alpha": self.mean_time}

    def nothing_bought(self) -> Estimate:
        """The limit for a base without any repeat purchase: nobody buys, and nothing else can be said."""
        params = {**self.hardly_buying(), **self.staying}
        theta = np.log([*self.hardly_buying().values()])
        message = (
            "not identified: no customer has bought again, so neither the purchase rate nor leaving can be "
            "estimated. The expected purchases are 0 and P(alive) is 1. Watch longer, or set penalty > 0"
        )
        nothing = Optimum(theta, 0.0, np.zeros(2), np.eye(2), np.zeros(2, dtype=bool), 0, False, message)
        return self.estimate(nothing, params, message)

    def described(self, found: Optimum, reasons: list[str]) -> str | None:
        """Put the reasons for a limit into one sentence, the edge of the search among them."""
        if not found.free.all() and not reasons:
            names = np.array(self.names)[~found.free].tolist()
            reasons = [f"{names} ran to the edge of what numbers can hold"]
        if not reasons:
            return None
        return f"the best fit is a limit of the model: {'; '.join(reasons)}. More data or penalty > 0 would settle it"

    def estimate(self, found: Optimum, params: dict[str, float], limit: str | None) -> Estimate:
        """Name the results of a search, in natural parameters."""
        values = np.array(list(params.values()))[: found.theta.size]
        covariance = np.zeros((len(params), len(params)))
        size = values.size
        covariance[:size, :size] = found.inverse_hessian() * np.outer(values, values) / self.total
        off = found.theta - self.centre[:size]
        total = -found.value * self.total + self.penalty / 2.0 * float(off @ off)
        return Estimate(params, covariance, total, int(found.free.sum()), found, limit)
