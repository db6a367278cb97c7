"""Likelihoods of models whose parameters depend on what is known of a customer."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray

from crmintel.exceptions import InputError
from crmintel.lifetime._covariates import Scales
from crmintel.lifetime._histories import Histories, Vector
from crmintel.lifetime._likelihood import NOBODY_LEAVES, UNSEEN, Likelihood
from crmintel.lifetime._mle import Optimum, minimise
from crmintel.lifetime._model import Estimate

_BLOCK = 4096  # customers whose derivatives are held at once
_STRONGEST = 25.0  # log of the ratio of two parameters, by one standard deviation
_ENDLESS = 10.0  # standard error of the log of the ratio between the customers who differ most
_FARTHEST = 600.0  # exponents that a parameter can bear

RowTerms = tuple[Vector, NDArray[np.float64], NDArray[np.float64]]


class Effect(NamedTuple):
    """A customer's logarithm of the parameter ``on`` is the base's, plus ``sign`` times coefficients @ covariates.

    The coefficients stand in ``params_`` as ``label`` and the covariate's name; those labelled "purchase" belong to
    the purchase covariates, others to the dropout covariates.
    """

    label: str
    on: str
    sign: float


class RowLikelihood(Likelihood):
    """A likelihood that can also be had row by row, each with its own parameters."""

    effects: ClassVar[tuple[Effect, ...]]
    smaller: ClassVar[type[RowLikelihood] | None] = None  # the model in which nobody leaves
    unseen: ClassVar[str] = ""  # where the parameters of dropout go then

    @classmethod
    @abstractmethod
    def row_terms(cls, h: Histories, params: Sequence[Any]) -> RowTerms:
        """Log-likelihood of each row, its gradient and the upper triangle of its Hessian, by log-parameters.

        Parameters
        ----------
        h : Histories
        params : sequence
            A number for the first parameter, vectors with one value per row for the others.

        Returns
        -------
        value : ndarray of shape (n,)
        gradient : ndarray of shape (n_params, n)
        hessian : ndarray of shape (n_params, n_params, n)
        """


class CovariateLikelihood:
    """Mean negative log-likelihood by log-parameters and coefficients, with gradient and Hessian.

    Covariates are standardised, so that the parameters are those of the average customer, and neither the search nor
    the penalty depends on their scale. A row's derivatives by its own parameters lead to the others by the chain rule.

    Parameters
    ----------
    kind : type of RowLikelihood
    h : Histories
        With covariates.
    weights : ndarray of shape (n,)
    penalty : float
    purchase, dropout : Scales
        Of the two matrices of covariates.
    """

    def __init__(
        self,
        kind: type[RowLikelihood],
        h: Histories,
        weights: Vector,
        penalty: float,
        purchase: Scales,
        dropout: Scales,
    ) -> None:
        self.kind, self.h, self.weights, self.penalty = kind, h, weights, penalty
        self.scales = {effect: purchase if effect.label == "purchase" else dropout for effect in kind.effects}
        self.base = kind(Histories(h.x, h.t_x, h.T), weights, penalty)
        self.total = self.base.total
        self.names = [*kind.names]
        self.places = [[k] for k in range(len(kind.names))]  # of what each parameter is made of, in theta
        ones = np.ones((len(h), 1))
        self.designs = [ones] * len(kind.names)
        for effect, scales in self.scales.items():
            k, size = kind.names.index(effect.on), len(scales.names)
            self.places[k] = [k, *range(len(self.names), len(self.names) + size)]
            self.names += [f"{effect.label}.{name}" for name in scales.names]
            matrix = h.purchase if effect.label == "purchase" else h.dropout
            if matrix is not None:
                self.designs[k] = np.column_stack([ones, effect.sign * scales.standard(matrix)])
        more = np.zeros(len(self.names) - len(kind.names))
        self.centre = np.concatenate([self.base.centre, more])
        self.low = np.concatenate([self.base.low, more - _STRONGEST])
        self.high = np.concatenate([self.base.high, more + _STRONGEST])

    def __call__(self, theta: Vector) -> tuple[float, Vector, NDArray[np.float64]]:
        value, gradient, hessian = 0.0, np.zeros(theta.size), np.zeros((theta.size, theta.size))
        for first in range(0, len(self.h), _BLOCK):
            rows = slice(first, first + _BLOCK)
            w, designs = self.weights[rows], [design[rows] for design in self.designs]
            own = [np.exp(D @ theta[at]) for D, at in zip(designs, self.places, strict=True)]
            each, slope, bend = self.kind.row_terms(self.h[rows], [np.exp(theta[0]), *own[1:]])
            value += float(w @ each)
            for i, at in enumerate(self.places):
                gradient[at] += designs[i].T @ (w * slope[i])
                for j in range(i, len(self.places)):
                    block = (designs[i] * (w * bend[i, j])[:, None]).T @ designs[j]
                    hessian[np.ix_(at, self.places[j])] += block
        for i, at in enumerate(self.places):
            for later in self.places[i + 1 :]:
                hessian[np.ix_(later, at)] = hessian[np.ix_(at, later)].T
        off = theta - self.centre
        value -= self.penalty / 2.0 * float(off @ off)
        gradient -= self.penalty * off
        hessian -= self.penalty * np.eye(theta.size)
        return -value / self.total, -gradient / self.total, -hessian / self.total

    def minimise(self, start: Vector, tol: float, max_iter: int) -> Optimum:
        """Search from log-parameters, and coefficients where they are known."""
        theta = self.centre.copy()
        theta[: start.size] = start
        return minimise(self, theta, low=self.low, high=self.high, tol=tol, max_iter=max_iter)

    def limit(self, found: Optimum) -> str | None:
        """Say which limit of the model an estimate has run to, or None."""
        size = len(self.kind.names)
        base = replace(found, theta=found.theta[:size], free=found.free[:size])
        names = np.array(self.names)[self.endless(found)].tolist()
        if names:
            return self.base.described(base, [f"the data give no number for the effect of {names}"])
        return self.base.limit(base)

    def endless(self, found: Optimum) -> NDArray[np.bool_]:
        """Which of the coefficients are not identified: at the edge, or with an error beyond all reason."""
        size = len(self.kind.names)
        spread = np.concatenate([np.zeros(size), *(scales.spread for scales in self.scales.values())])
        errors = np.sqrt(np.diag(found.inverse_hessian()) / self.total)
        return (errors * spread > _ENDLESS) | (~found.free & (spread > 0.0))

    def estimate(self, found: Optimum, limit: str | None) -> Estimate:
        """Name the results of a search, in natural parameters and coefficients per unit of the covariates."""
        found = replace(found, free=found.free & ~self.endless(found))
        jacobian = np.eye(found.theta.size)
        for effect, scales in self.scales.items():
            k, *coefficients = self.places[self.kind.names.index(effect.on)]
            jacobian[k, coefficients] = -effect.sign * scales.mean / scales.deviation
            jacobian[coefficients, coefficients] = 1.0 / scales.deviation
        values = jacobian @ found.theta
        logs = values[: len(self.kind.names)]
        if np.abs(logs).max() > _FARTHEST:
            raise InputError(
                f"the parameters {list(self.kind.names)} are those of a customer whose covariates are all 0, and so "
                "far from the customers of X that they are no numbers any more. Subtract from each covariate its mean."
            )
        values[: logs.size] = np.exp(logs)
        jacobian[: logs.size] *= values[: logs.size, None]
        covariance = jacobian @ found.inverse_hessian() @ jacobian.T / self.total
        off = found.theta - self.centre
        total = -found.value * self.total + self.penalty / 2.0 * float(off @ off)
        params = dict(zip(self.names, values.tolist(), strict=True))
        return Estimate(params, (covariance + covariance.T) / 2.0, total, int(found.free.sum()), found, limit)


def maximise(
    kind: type[RowLikelihood],
    h: Histories,
    weights: Vector,
    purchase: Scales,
    dropout: Scales,
    *,
    penalty: float,
    tol: float,
    max_iter: int,
) -> Estimate:
    """Find the best parameters and coefficients, from the fit without covariates, from other starts on doubt."""
    full, end = CovariateLikelihood(kind, h, weights, penalty, purchase, dropout), (tol, max_iter)
    plain = kind.maximise(full.base.h, full.base.weights, penalty=penalty, tol=tol, max_iter=max_iter)
    if full.base.purchases == 0.0 and penalty == 0.0:
        return _widened(plain, full.names)
    guesses = [full.base.start(guess) for guess in kind.starts]
    start = plain.optimum.theta if plain.optimum.theta.size == len(kind.names) else guesses[0]
    if len(h) > 4 * kind.sample:
        every = np.arange(0, len(h), len(h) // kind.sample)
        some = CovariateLikelihood(kind, h[every], weights[every], penalty, purchase, dropout)
        start = some.minimise(start, *end).theta
    best = full.minimise(start, *end)
    limit = full.limit(best)
    if not best.converged or limit is not None:
        best = min(
            [best, *(full.minimise(guess, *end) for guess in guesses)], key=lambda o: round(o.value, 12)
        )
        limit = full.limit(best)
    if limit is not None and kind.smaller is not None and penalty == 0.0:
        smaller = CovariateLikelihood(kind.smaller, h, weights, penalty, purchase, dropout)
        found = smaller.minimise(best.theta[: len(kind.smaller.names)], *end)
        if (found.value - best.value) * full.total <= UNSEEN:
            stays = smaller.estimate(found, NOBODY_LEAVES.format(kind.unseen))
            return _widened(replace(stays, params={**stays.params, **kind.staying}), full.names)
    return full.estimate(best, limit)


def _widened(estimate: Estimate, names: Sequence[str]) -> Estimate:
    """Return the estimate of a smaller model with all ``names``: coefficients that it lacks are 0."""
    covariance = np.zeros((len(names), len(names)))
    known = [names.index(name) for name in estimate.params][: len(estimate.covariance)]
    covariance[np.ix_(known, known)] = estimate.covariance
    params = {name: estimate.params.get(name, 0.0) for name in names}
    return replace(estimate, params=params, covariance=covariance)
