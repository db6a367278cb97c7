"""What regular buyers can be asked: the answers of the beta-geometric family with k stages to a purchase."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from scipy.special import betaln, gammaln

from crmintel._validation import check_number, check_vector, raise_if_any
from crmintel.exceptions import ColumnError, InputError
from crmintel.features.rows import named_columns
from crmintel.kernels.ids import factorize_integers
from crmintel.lifetime._cnbd_likelihood import ErlangLikelihood, with_stages
from crmintel.lifetime._count_sums import log_rising, log_staying
from crmintel.lifetime._histories import Histories, Vector, coded, read_histories
from crmintel.lifetime._model import Estimate, PurchaseModel
from crmintel.lifetime._stages import at_least, exactly, log_silence, purchases_while_alive, stages_passed

MOST_REGULAR = 12  # as in the paper: clockwork, to the eye
_HIGHEST_K = 100
_HALVINGS = 60
GAPS = "sum_log_gaps"


@dataclass(frozen=True, slots=True)
class SpacedHistories(Histories):
    """Histories that may know the sum of the logarithms of the gaps between purchases."""

    log_gaps: Vector | None = None

    def __getitem__(self, rows: Any) -> SpacedHistories:
        gaps = None if self.log_gaps is None else self.log_gaps[rows]
        return SpacedHistories(self.x[rows], self.t_x[rows], self.T[rows], log_gaps=gaps)


class ErlangModel(PurchaseModel):
    """Base of the models of regular buyers. A model names its ``_likelihood``, which says how often they may leave."""

    _parameters = ("r", "alpha", "a", "b")
    _likelihood: ClassVar[type[ErlangLikelihood]]

    def __init__(
        self,
        horizon: float | str = 1.0,
        *,
        k: int | str = "auto",
        penalty: float = 0.0,
        unit: str | None = None,
        tol: float = 1e-9,
        max_iter: int = 200,
    ) -> None:
        super().__init__(horizon, penalty=penalty, unit=unit, tol=tol, max_iter=max_iter)
        self.k = k

    @classmethod
    def from_params(
        cls, *, unit: str | None = None, horizon: float | str = 1.0, k: int = 1, **params: float
    ) -> Self:
        """Return a ready model with known parameters.

        Parameters
        ----------
        unit : str, optional
            Unit of time of the parameters, needed for horizons such as ``"52W"``.
        horizon : float or str, default=1.0
            As in the constructor.
        k : int, default=1
            Regularity; 1 is the model of random purchases.
        **params : float
            Every other parameter of the model by name, each > 0.

        Returns
        -------
        model
            Usable like a fitted one; it has no ``covariance_``.
        """
        model = super().from_params(unit=unit, horizon=horizon, **params)
        model.k = model.k_ = _checked(k)
        return model

    def _maximise(self, histories: Histories, weights: Vector) -> Estimate:
        tried = self._candidates(histories)
        self.log_likelihood_by_k_: dict[int, float] = {}
        best: Estimate | None = None
        for k in tried:
            estimate = with_stages(self._likelihood, k).maximise(
                histories, weights, penalty=self.penalty_, tol=self.tol, max_iter=self.max_iter
            )
            spacing = float(np.einsum("i,i", weights, _spacing(k, histories)))
            estimate = replace(
                estimate,
                log_likelihood=estimate.log_likelihood + spacing,
                n_free=estimate.n_free + (len(tried) > 1),
            )
            self.log_likelihood_by_k_[k] = estimate.log_likelihood
            if best is not None and estimate.log_likelihood <= best.log_likelihood:
                break
            best, self.k_ = estimate, k
        assert best is not None
        return best

    def _objective(self, histories: Histories, weights: Vector) -> ErlangLikelihood:
        return with_stages(self._likelihood, self.k_)(histories, weights, self.penalty_)

    def _candidates(self, h: Histories) -> range:
        if self.k != "auto":
            k = _checked(self.k)
            return range(k, k + 1)
        if not isinstance(h, SpacedHistories) or h.log_gaps is None:
            raise ColumnError(
                f"k='auto' compares how regular purchases are, for which X lacks {GAPS!r}. Make X with "
                f"CustomerSummary(extra=({GAPS!r},)), or set k to a whole number."
            )
        return range(1, MOST_REGULAR + 1)

    def _read(self, X: Any) -> Histories:
        h = read_histories(X)
        try:
            gaps = named_columns(X, (GAPS,))[GAPS]
        except ColumnError:
            return SpacedHistories(h.x, h.t_x, h.T)
        gaps = check_vector(gaps, GAPS)
        some = np.maximum(h.x, 1.0)
        most = h.x * np.log(np.where(h.x > 0, h.t_x, 1.0) / some)
        rule = "must be at most frequency x log(recency / frequency), that of equal gaps"
        raise_if_any(gaps > most + 1e-6 * some, gaps, GAPS, f"{rule}; is it in another unit than recency?")
        raise_if_any((h.x == 0) & (gaps != 0), gaps, GAPS, "must be 0 where frequency is 0")
        return SpacedHistories(h.x, h.t_x, h.T, log_gaps=gaps)

    def _plausible_models(self) -> list[Self]:
        models = list(super()._plausible_models())
        for model in models:
            model.k_ = self.k_
        return models

    # -- formulas ---------------------------------------------------------------------------------------------

    def _chances(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        """How often a customer with x purchases after the first could have left."""
        return x + self._likelihood.at_start

    def _shape(self, h: Histories) -> Vector:
        """Shape of the rate after the last purchase."""
        return self.r_ + self.k_ * h.x

    def _silence(self, h: Histories) -> Vector:
        return np.asarray(log_silence(self.k_, self._shape(h), (h.T - h.t_x) / (self.alpha_ + h.T)))

    def _log_likelihood(self, h: Histories) -> Vector:
        stages = self.k_ * h.x
        times = -self.r_ * np.log1p(h.T / self.alpha_) - stages * np.log(self.alpha_ + h.T)
        stays = log_staying(self.a_, self.b_, self._chances(h.x))
        buys = log_rising(self.r_, stages) + times + _spacing(self.k_, h)
        return buys + stays + np.logaddexp(self._silence(h), self._log_leave(h))

    def _log_leave(self, h: Histories) -> Vector:
        if self.a_ == 0.0:
            return np.full(len(h), -np.inf)
        chances = self._chances(h.x)
        leave = np.log(self.a_) - np.log(self.b_ + np.maximum(chances, 1.0) - 1.0)
        silence = self._shape(h) * np.log1p((h.T - h.t_x) / (self.alpha_ + h.t_x))
        return np.where(chances > 0, silence + leave, -np.inf)

    def _alive(self, h: Histories) -> Vector:
        with np.errstate(over="ignore"):
            return 1.0 / (1.0 + np.exp(self._log_leave(h) - self._silence(h)))

    def _alive_after(self, h: Histories, t: float | Vector) -> Vector:
        return np.maximum(1.0 - self._purchases(h, t, leaving=True), 0.0)  # rounding

    def _expected(self, h: Histories, t: float | Vector) -> Vector:
        return self._purchases(h, t)

    def _purchases(self, h: Histories, t: float | Vector, *, leaving: bool = False) -> Vector:
        """Purchases of a live customer; those that are the last, if ``leaving``.

        By the stages passed they depend on x and T only; ``t`` must be the same for the same x and T.
        """
        x_codes, x = coded(h.x)
        T_codes, _ = coded(h.T)
        of, labels = factorize_integers(T_codes.astype(np.int64) * x.size + x_codes)
        x, z = x[labels % x.size], np.empty(labels.size)
        z[of] = t / (self.alpha_ + h.T)
        R, b = self.r_ + self.k_ * x, self.b_ + self._chances(x)
        return self._over_stages(h, purchases_while_alive(self.k_, R, z, self.a_, b, leaving=leaving)[:, of])

    def _over_stages(self, h: Histories, table: NDArray[np.float64]) -> Vector:
        """Average over the stages that may have passed since the last purchase."""
        passed = stages_passed(self.k_, self._shape(h), (h.T - h.t_x) / (self.alpha_ + h.T))
        return np.asarray(np.einsum("jn,jn->n", passed, table))

    def _waiting(self, h: Histories, t: float | Vector) -> Vector:
        later = log_silence(self.k_, self._shape(h), (h.T + t - h.t_x) / (self.alpha_ + h.T + t))
        log_chance = later - self._silence(h) - self._shape(h) * np.log1p(t / (self.alpha_ + h.T))
        return np.exp(np.minimum(log_chance, 0.0))

    def _waiting_quantile(self, h: Histories, q: Vector) -> Vector:
        with np.errstate(over="ignore"):  # who hardly ever buys waits for longer than numbers reach: inf
            low = (self.alpha_ + h.T) * np.expm1(-np.log1p(-q) / self._shape(h))  # one stage takes that long
        high = low.copy()
        rows = np.flatnonzero((low > 0) & np.isfinite(low))
        while rows.size:
            low[rows] = high[rows]
            high[rows] *= 2.0
            rows = rows[1.0 - self._waiting(h[rows], high[rows]) < q[rows]]
        rows = np.flatnonzero(np.isfinite(high) & (high > low))
        for _ in range(_HALVINGS):
            middle = (low[rows] + high[rows]) / 2.0
            before = 1.0 - self._waiting(h[rows], middle) < q[rows]
            low[rows] = np.where(before, middle, low[rows])
            high[rows] = np.where(before, high[rows], middle)
        return high

    def _pmf(self, h: Histories, t: float, n: Vector) -> NDArray[np.float64]:
        R, z = self._shape(h)[:, None], (t / (self.alpha_ + h.T))[:, None]
        passed = stages_passed(self.k_, R[:, 0], (h.T - h.t_x) / (self.alpha_ + h.T))
        # n purchases in t: none of the n drop-out chances taken ...
        count = np.einsum("jn,jnc->nc", passed, exactly(self.k_, R, z, n))
        table = np.exp(self._log_stay(h.x[:, None], n)) * count
        # ... or the n-th taken, after the stages of at least n purchases came up in t.
        if self.a_ > 0.0:
            last = np.maximum(n, 1.0)
            tail = np.einsum("jn,jnc->nc", passed, at_least(self.k_, R, z / (1.0 + z), last))
            leave = self.a_ / (self.a_ + self.b_ + self._chances(h.x)[:, None] + last - 1.0)
            table += np.where(n > 0, leave * np.exp(self._log_stay(h.x[:, None], last - 1.0)) * tail, 0.0)
        return table

    def _at_least(self, h: Histories, t: float | Vector, n: Vector) -> Vector:
        z = t / (self.alpha_ + h.T)
        tail = self._over_stages(h, at_least(self.k_, self._shape(h), z / (1.0 + z), n))
        # the stages of n purchases come up in t, and the first n - 1 drop-out chances are not taken.
        return np.exp(self._log_stay(h.x, n - 1.0)) * tail

    def _log_stay(self, x: NDArray[np.float64], n: Vector) -> NDArray[np.float64]:
        """Log of E[(1 - p)^n] over Beta(a, b + chances)."""
        if self.a_ == 0.0:
            return np.zeros(np.broadcast_shapes(x.shape, n.shape))
        b = self.b_ + self._chances(x)
        return betaln(self.a_, b + n) - betaln(self.a_, b)

    def _simulate(self, h: Histories, rng: np.random.Generator) -> tuple[Vector, Vector]:
        rate = rng.gamma(self.r_, 1.0 / self.alpha_, len(h))
        leave = np.zeros(len(h)) if self.a_ == 0.0 else rng.beta(self.a_, self.b_, len(h))
        x, t_x, clock = np.zeros(len(h)), np.zeros(len(h)), np.zeros(len(h))
        stays = rng.random(len(h)) >= leave if self._likelihood.at_start else True
        active = np.flatnonzero((rate > 0.0) & stays)
        while active.size:
            with np.errstate(over="ignore"):  # who hardly ever buys: inf
                clock[active] += rng.gamma(self.k_, size=active.size) / rate[active]
            active = active[clock[active] <= h.T[active]]
            x[active] += 1.0
            t_x[active] = clock[active]
            active = active[rng.random(active.size) >= leave[active]]
        return x, t_x

    def _time_scale(self, h: Histories) -> Vector:
        """The mean gap, where it is short: discounting follows the first waves of regular purchases."""
        return (self.alpha_ + h.T) * np.minimum(1.0, self.k_ / self._shape(h))


def _checked(k: Any) -> int:
    if isinstance(k, str):
        raise InputError(f"k must be 'auto' or a whole number from 1 to {_HIGHEST_K}, got {k!r}.")
    return int(check_number(k, "k", low=1, high=_HIGHEST_K, integer=True))


def _spacing(k: int, h: Histories) -> Vector:
    """What the likelihood knows of the gaps between purchases; nothing where only their sum, recency, is known."""
    if k == 1 or not isinstance(h, SpacedHistories) or h.log_gaps is None:
        return np.zeros(len(h))
    return (k - 1.0) * h.log_gaps - h.x * gammaln(k)
