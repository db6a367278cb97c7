"""What is known of customers beside their purchases: covariates, read, checked and standardised."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crmintel._validation import check_names, check_vector
from crmintel.exceptions import InputError
from crmintel.features.rows import named_columns
from crmintel.lifetime._histories import COLUMNS, Vector
from crmintel.lifetime._intervals import plausible_parameters

_ROUNDING = 1e-10  # of a column's largest value: less of a standard deviation is none
_SMALLEST = 1e-100  # standard deviation of which the square is a number
_DEPENDENT = 1e-9  # eigenvalue of the correlations at which a combination of columns is constant


def covariate_names(value: Any, name: str) -> list[str]:
    """Return the names of covariates in a parameter, checked."""
    names = check_names(value, name)
    history = [each for each in names if each in COLUMNS]
    if history:
        raise InputError(
            f"{name} names {history}, which the model explains; covariates are other columns of X."
        )
    return names


def read_covariates(X: Any, *groups: Sequence[str]) -> tuple[NDArray[np.float64], ...]:
    """Return one matrix for each group of names: those columns of ``X`` side by side, each number finite."""
    columns = named_columns(X, [name for names in groups for name in names])
    checked = {name: check_vector(values, name, min_length=1) for name, values in columns.items()}
    out = []
    for names in groups:
        matrix = np.empty((next(iter(checked.values())).size, len(names)))
        for k, name in enumerate(names):
            matrix[:, k] = checked[name]
        out.append(matrix)
    return tuple(out)


def plausible_coefficients(
    base: Vector, coefficients: Vector, covariance: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return equally weighted points as `plausible_parameters` does, where coefficients follow the parameters.

    Coefficients move by their own errors, and the parameters with them as far as they are correlated; what is left of
    the parameters moves alone. So the points do not depend on the scales of the covariates, nor on where these are 0.
    """
    size = base.size
    scale = np.where(np.isfinite(base) & (base > 0.0), base, 1.0)
    both, own = covariance[:size, size:] / scale[:, None], covariance[size:, size:]
    errors = np.sqrt(np.diag(own))
    moving, errors = errors > 0.0, errors[errors > 0.0]
    correlation = own[np.ix_(moving, moving)] / np.outer(errors, errors)
    follows = (both[:, moving] / errors) @ np.linalg.pinv(correlation, hermitian=True)
    left = covariance[:size, :size] - (follows @ correlation @ follows.T) * np.outer(scale, scale)
    free = (np.diag(covariance)[:size] > 0.0) & (np.diag(left) > 0.0)
    n = int(free.sum()) + errors.size
    left = np.where(np.outer(free, free), left, 0.0) * (n / max(int(free.sum()), 1))
    alone = plausible_parameters(base, left)
    values, vectors = np.linalg.eigh(correlation)
    steps = (vectors * np.sqrt(np.maximum(values, 0.0) * n)).T
    steps = np.concatenate([steps, -steps])
    moved = np.zeros((len(steps), coefficients.size))
    moved[:, moving] = steps * errors
    with_them = np.column_stack([base * np.exp(steps @ follows.T), coefficients + moved])
    points = np.column_stack([alone, np.tile(coefficients, (len(alone), 1))])
    return np.concatenate([points, with_them]) if free.any() else with_them if errors.size else points


@dataclass(frozen=True, slots=True)
class Scales:
    """Weighted means, standard deviations and spreads (largest less smallest value, in standard deviations)."""

    names: tuple[str, ...]
    mean: Vector
    deviation: Vector
    spread: Vector

    @classmethod
    def of(cls, matrix: NDArray[np.float64], weights: Vector, names: Sequence[str], role: str) -> Scales:
        """Measure the columns, and refuse those whose effect cannot be told from that of others.

        Raises
        ------
        InputError
            If a column is constant, or a combination of columns is.
        """
        used = matrix[weights > 0]
        largest = np.maximum(np.abs(used).max(axis=0), np.finfo(np.float64).tiny)
        share = weights[weights > 0] / weights.sum()
        mean = share @ (used / largest)
        off = used / largest - mean
        deviation = np.sqrt(share @ off**2)
        for name, sd, size, value in zip(names, deviation, deviation * largest, used[0], strict=True):
            if sd <= _ROUNDING:
                raise InputError(
                    f"{role} names {name!r}, which is {value:g} for every customer: its effect cannot be told from "
                    "the rate of all. Leave it out."
                )
            if not _SMALLEST < size < 1.0 / _SMALLEST:
                raise InputError(
                    f"{role} names {name!r}, whose values differ by about {size:.0e}: rescale it."
                )
        off /= deviation
        values, vectors = np.linalg.eigh(off.T @ (off * share[:, None]))
        if values.size and values[0] < _DEPENDENT:
            together = [name for name, part in zip(names, vectors[:, 0], strict=True) if abs(part) > 1e-3]
            raise InputError(
                f"{role} names {together}, of which one can be computed from the others for every customer, so that "
                "their effects cannot be told apart. Leave one out (of the 0/1 columns of a category, too)."
            )
        return cls(tuple(names), mean * largest, deviation * largest, np.ptp(off, axis=0))

    def standard(self, matrix: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the columns with mean 0 and standard deviation 1."""
        return (matrix - self.mean) / self.deviation
