"""The likelihood of regular buyers (BG/CNBD-k and its modified form), with gradient and Hessian."""

from __future__ import annotations

from typing import ClassVar, TypeVar

import numpy as np
from numpy.typing import NDArray

from crmintel.lifetime._betageometric import BetaGeometricLikelihood
from crmintel.lifetime._count_sums import rule_below, staying_terms
from crmintel.lifetime._histories import Histories, Vector
from crmintel.lifetime._likelihood import NOBODY_LEAVES, UNSEEN
from crmintel.lifetime._mle import Optimum
from crmintel.lifetime._model import Estimate
from crmintel.lifetime._stages import log_stage_weights
from crmintel.lifetime.nbd import NBDLikelihood

_CHUNK = 1 << 13  # rows whose tables stay in the cache
_BENT = ([0, 0, 1, 3], [0, 1, 1, 3])  # log-parameters by which the terms of a silence have second derivatives

L = TypeVar("L", bound=NBDLikelihood)


class StagesLikelihood(NBDLikelihood):
    """Regular buyers who never leave: x purchases are k x stages, and fewer than k more have passed since.

    Attributes
    ----------
    k : int
        Stages from one purchase to the next.
    """

    k: ClassVar[int] = 1

    def __init__(self, h: Histories, weights: Vector, penalty: float) -> None:
        super().__init__(Histories(self.k * h.x, h.t_x, h.T), weights, penalty)

    def terms(self, theta: Vector) -> tuple[float, Vector, NDArray[np.float64]]:
        """Those of the stages until the last purchase, and the silence after it."""
        value, slope, bend = super().terms(theta)
        silence, slope_of_silence, bend_of_silence = silence_terms(self.k, self.h, self.weights, theta)
        return value + silence, slope + slope_of_silence, bend + bend_of_silence


class ErlangLikelihood(BetaGeometricLikelihood):
    """Mean negative log-likelihood by log-parameters; see `with_stages` for how a model gets its k."""

    k: ClassVar[int] = 1

    def __init__(self, h: Histories, weights: Vector, penalty: float) -> None:
        # the rate is learned from stages, the chance to leave from purchases
        NBDLikelihood.__init__(self, Histories(self.k * h.x, h.t_x, h.T), weights, penalty)
        again = np.flatnonzero(h.x > 0)
        # who has not bought again differs by T alone
        once = np.bincount(self.T_codes, weights * (h.x == 0), self.T.size)
        T = np.flatnonzero(once)
        nothing = np.zeros(T.size)
        self.silent = Histories(
            np.append(self.h.x[again], nothing),
            np.append(h.t_x[again], nothing),
            np.append(h.T[again], self.T[T]),
        )
        self.counts: Vector = np.append(weights[again], once[T])
        chances = np.append(h.x[again], nothing) + self.at_start
        self.before = np.maximum(chances, 1.0) - 1.0
        self.had_any = chances > 0
        j, more_than = rule_below(h.x, weights)
        self.chance = np.concatenate([np.arange(self.at_start), j + self.at_start])
        self.had_chance = np.concatenate([np.full(self.at_start, self.total), more_than])

    def terms(self, theta: Vector) -> tuple[float, Vector, NDArray[np.float64]]:
        """Those of the stages, the chances not to leave before the last purchase, and the silence after it."""
        a, b = np.exp(theta[2:])
        gradient, hessian = np.zeros(4), np.zeros((4, 4))
        value, gradient[:2], hessian[:2, :2] = NBDLikelihood.terms(self, theta[:2])
        stays, gradient[2:], hessian[2:, 2:] = staying_terms(a, b, self.chance, self.had_chance)
        log_leave = np.where(self.had_any, theta[2] - np.log(b + self.before), -np.inf)
        share = b / (b + self.before)
        silence, slope, bend = silence_terms(self.k, self.silent, self.counts, theta, log_leave, share)
        return value + stays + silence, gradient + slope, hessian + bend

    def nested(self, best: Optimum, tol: float, max_iter: int) -> Estimate | None:
        a, b = np.exp(best.theta[2:])
        if self.penalty > 0.0 or a / (a + b) > 1e-3:
            return None
        purchases = Histories(self.h.x / self.k, self.h.t_x, self.h.T)
        forever = with_stages(StagesLikelihood, self.k)(purchases, self.weights, 0.0)
        found = forever.minimise(best.theta[:2], tol, max_iter)
        if (found.value - best.value) * self.total > UNSEEN:
            return None
        r, alpha = np.exp(found.theta).tolist()
        params = {"r": r, "alpha": alpha, **self.staying}
        return self.estimate(found, params, NOBODY_LEAVES.format("a -> 0, b -> inf"))


def with_stages(likelihood: type[L], k: int) -> type[L]:
    """Return the likelihood of buyers with k stages between purchases."""
    return type(f"{likelihood.__name__}{k}", (likelihood,), {"k": k})


def silence_terms(
    k: int,
    h: Histories,
    weights: Vector,
    theta: Vector,
    log_leave: Vector | None = None,
    share: Vector | None = None,
) -> tuple[float, Vector, NDArray[np.float64]]:
    """Return the weighted sum of log(sum_j g_j + e^u), with derivatives by the log-parameters.

    g_j = (R)_j / j! w^j, j < k, are the stage weights of the silence (see `log_stage_weights`), R = r + x and
    w = (T - t_x) / (alpha + T); u = -R log(1 - w) + log_leave are the odds that the last purchase was the last.

    Parameters
    ----------
    k : int
    h : Histories
        With stages as ``x``.
    weights : ndarray of shape (n,)
    theta : ndarray of shape (2,) or (4,)
        Logarithms of r, alpha (and a, b).
    log_leave, share : ndarray of shape (n,), optional
        log(a / (b + c - 1)) and b / (b + c - 1) after c chances to leave; None if nobody leaves.
    """
    gradient, hessian = np.zeros(theta.size), np.zeros((theta.size, theta.size))
    value = 0.0
    for first in range(0, len(h), _CHUNK):
        rows = slice(first, first + _CHUNK)
        leave = None if log_leave is None or share is None else (log_leave[rows], share[rows])
        logs, slopes, bends = _silences(k, h[rows], theta, leave)
        w = weights[rows]
        total = np.logaddexp.reduce(logs, axis=0)
        chance = np.exp(logs - total)
        value += float(np.einsum("i,i", w, total))
        mean = np.einsum("jn,ajn->an", chance, slopes)
        gradient += mean @ w
        chance *= w
        flat = slopes.reshape(theta.size, -1)
        hessian += (flat * chance.ravel()) @ flat.T - (mean * w) @ mean.T
        bent = bends.reshape(len(bends), -1) @ chance.ravel()
        for row, column, bend in zip(*_BENT, bent, strict=False):
            hessian[row, column] += bend
    hessian[1, 0] = hessian[0, 1]
    return value, gradient, hessian


def _silences(
    k: int, h: Histories, theta: Vector, leave: tuple[Vector, Vector] | None
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Logarithms of the terms of each silence, shape (j, n), their first derivatives, and the second of `_BENT`."""
    r, alpha = np.exp(theta[:2])
    shape = (k + (leave is not None), len(h))
    logs, slopes = np.empty(shape), np.zeros((theta.size, *shape))
    bends = np.zeros((3 + (leave is not None), *shape))
    R = r + h.x
    k_T, k_x = h.T / (alpha + h.T), h.t_x / (alpha + h.t_x)
    logs[:k] = log_stage_weights(k, R, (h.T - h.t_x) / (alpha + h.T))
    for j in range(1, k):
        step = r / (R + (j - 1.0))
        slopes[0, j] = slopes[0, j - 1] + step
        bends[0, j] = bends[0, j - 1] + step * (1.0 - step)
        slopes[1, j] = -j * (1.0 - k_T)
        bends[2, j] = -j * k_T * (1.0 - k_T)
    if leave is not None:
        log_leave, share = leave
        d = np.log1p(h.T / alpha) - np.log1p(h.t_x / alpha)
        logs[k] = R * d + log_leave
        slopes[:, k] = r * d, R * (k_x - k_T), np.ones(len(h)), -share
        bends[:, k] = (
            r * d,
            r * (k_x - k_T),
            R * (k_T * (1.0 - k_T) - k_x * (1.0 - k_x)),
            -share * (1.0 - share),
        )
    return logs, slopes, bends
