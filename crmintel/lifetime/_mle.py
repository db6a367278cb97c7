"""Newton's method for likelihoods of a few log-parameters: safe at saddles, inside bounds, honest about the end."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float64]
Objective = Callable[[Vector], tuple[float, Vector, Vector]]

_LONGEST_STEP = 2.0  # a factor of e^2 in a parameter
_SHORTEST_STEP = 1e-8
_ROUNDING = 1e-13  # of a mean over a million customers; a stricter rule ends in endless shortening
_GOOD_ENOUGH = 1e-6  # gradient at which rounding, not the search, has stopped the progress


@dataclass(frozen=True, slots=True)
class Optimum:
    """Where the search ended.

    Attributes
    ----------
    theta, gradient, hessian : ndarray
        The point and the derivatives of the objective there.
    value : float
        The objective.
    free : ndarray of bool
        False for parameters that are held at a bound.
    n_iter : int
        Newton steps taken.
    converged : bool
        Whether the gradient of the free parameters vanishes.
    message : str
        The reason for stopping.
    """

    theta: Vector
    value: float
    gradient: Vector
    hessian: Vector
    free: NDArray[np.bool_]
    n_iter: int
    converged: bool
    message: str

    @property
    def gradient_norm(self) -> float:
        """Largest component of the gradient among the free parameters."""
        return float(np.abs(self.gradient[self.free]).max(initial=0.0))

    @property
    def condition_number(self) -> float:
        """Ratio of the largest to the smallest curvature among the free parameters; inf where one is flat."""
        values = np.linalg.eigvalsh(self.hessian[np.ix_(self.free, self.free)])
        return float(values.max(initial=0.0) / values[0]) if values.size and values[0] > 0.0 else np.inf

    def inverse_hessian(self) -> Vector:
        """Inverse Hessian of the free parameters; zero rows and columns for those held at a bound."""
        inverse = np.zeros_like(self.hessian)
        block = np.ix_(self.free, self.free)
        values, vectors = np.linalg.eigh(self.hessian[block])
        # A direction along which the likelihood is flat to rounding gets a huge but finite variance.
        values = np.maximum(values, 1e-14 * np.abs(values).max(initial=0.0))
        inverse[block] = (vectors / values) @ vectors.T
        return (inverse + inverse.T) / 2.0


def minimise(
    objective: Objective, start: Vector, *, low: Vector, high: Vector, tol: float, max_iter: int
) -> Optimum:
    """Minimise ``objective`` (value, gradient, Hessian) over the box ``low <= theta <= high``.

    Steps use the absolute eigenvalues of the Hessian, so that saddles repel; they are shortened until the
    objective falls.
    """
    theta = np.clip(start, low, high)
    value, gradient, hessian = objective(theta)
    message, converged, n_iter = f"no convergence in max_iter={max_iter} steps", False, 0
    for n_iter in range(max_iter + 1):
        free = ~(((theta <= low) & (gradient > 0)) | ((theta >= high) & (gradient < 0)))
        norm = np.abs(gradient[free]).max(initial=0.0)
        if norm < tol:
            message, converged = "the gradient vanishes", True
            break
        if n_iter == max_iter:
            break
        step = np.zeros_like(theta)
        step[free] = _newton_step(gradient[free], hessian[np.ix_(free, free)])
        length, found = 1.0, None
        while found is None and length > _SHORTEST_STEP:
            candidate = np.clip(theta + length * step, low, high)
            trial = objective(candidate)
            if trial[0] <= value + 1e-4 * (gradient @ (candidate - theta)) + _ROUNDING * abs(value):
                found = candidate
            length *= 0.4
        if found is None:
            converged = bool(norm < _GOOD_ENOUGH)
            message = "no further progress within rounding" if converged else "no descent along the step"
            break
        theta, (value, gradient, hessian) = found, trial
    return Optimum(theta, float(value), gradient, hessian, free, n_iter, converged, message)


def _newton_step(gradient: Vector, hessian: Vector) -> Vector:
    values, vectors = np.linalg.eigh(hessian)
    values = np.abs(values)
    values = np.maximum(values, max(1e-10 * values.max(), 1e-300))
    step = -(vectors / values) @ (vectors.T @ gradient)
    return step * min(1.0, _LONGEST_STEP / max(float(np.abs(step).max()), 1e-300))
