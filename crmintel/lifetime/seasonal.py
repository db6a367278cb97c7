"""A model of purchases on seasonal time: customers who buy more in some parts of the year than in others."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import clone

from crmintel._validation import check_number, check_vector
from crmintel.exceptions import ColumnError, InputError, InputTypeError, UnitError
from crmintel.features.rows import CustomerRows, named_columns
from crmintel.lifetime._answers import PurchaseAnswers
from crmintel.lifetime._betageometric import BetaGeometricModel
from crmintel.lifetime._cnbd_model import ErlangModel
from crmintel.lifetime._histories import Histories, Vector, learned_unit, read_histories, remember_columns
from crmintel.lifetime.bgnbd import BetaGeoNBD
from crmintel.lifetime.nbd import NBD
from crmintel.lifetime.season import SeasonalProfile
from crmintel.transactions.calendar import UNIT_DAYS, as_date, duration

_ON_A_CLOCK = (NBD, BetaGeometricModel, ErlangModel)  # nothing but buying happens in their time
_SEASONS = 3.0  # years of discounting by the season; later it is averaged
_NODES = 6  # per stretch of even rate
_CUT_OFF = 50.0  # e^-50 of a purchase is left beyond this discounted age


@dataclass(frozen=True, slots=True)
class _SeasonalHistories(Histories):
    """Histories in seasonal time, and the days of the calendar on which they end."""

    inner: Histories | None = None
    end: Vector | None = None

    def __getitem__(self, rows: Any) -> _SeasonalHistories:
        assert self.inner is not None
        assert self.end is not None
        return _seasonal(self.inner[rows], self.end[rows])


def _seasonal(h: Histories, end: Vector) -> _SeasonalHistories:
    return _SeasonalHistories(h.x, h.t_x, h.T, h.purchase, h.dropout, inner=h, end=end)


class SeasonalModel(PurchaseAnswers):
    """A model of purchases that knows the season.

    Rates of buying go up and down by the year, for all customers alike. In the models where customers leave after a
    purchase, or never, this is the same as a clock that runs faster in the high season: recency and T are read on it,
    the model is fitted to them, and horizons are put on it from the day on which the histories end. Answers are in
    the calendar: ``"13W"`` are the 13 weeks to come, with their season.

    Parameters
    ----------
    model : estimator, optional
        `BetaGeoNBD` (None), `ModifiedBetaGeoNBD`, `NBD`, or `BetaGeoCNBD` and its modified form with a given k. It is
        cloned. `ParetoNBD` is refused: its customers leave by the calendar, not by the clock of their purchases.
    profile : SeasonalProfile
        The season, learned from a log or known.
    horizon : float or str, default=1.0
        How far `predict` and `transform` look: a number in the unit of the rows, or text like ``"52W"``; in place of
        the model's own.
    end : date, optional
        Last day of the histories, at which T ends. None: the column ``as_of`` of the rows tells it
        (``CustomerSummary(extra=("as_of",))``).

    Attributes
    ----------
    model_ : estimator
        The model fitted in seasonal time. Its parameters are those of an average part of the year, its log-likelihood
        is that of purchases in seasonal time.
    end_ : float
        Last day of the histories of the fit (the latest), from 1970-01-01: new customers are taken to begin then.
    unit_ : str
        Unit of time of the rows.
    n_features_in_ : int
        Number of columns of ``X``.
    feature_names_in_ : ndarray of str
        Their names, where they have names.

    See Also
    --------
    SeasonalProfile : The rates of each month or week.

    Notes
    -----
    `discounted_expected_transactions` follows the season for three years; what comes later is discounted as if spread
    evenly over its year.

    References
    ----------
    Cox, D. R. & Lewis, P. A. W. (1966). The statistical analysis of series of events. Methuen, section 3.2.

    Examples
    --------
    >>> import crmintel as ci
    >>> log, _ = ci.datasets.make_transactions(500, weeks=104, random_state=0)
    >>> rows = ci.CustomerSummary(unit="week", extra=("as_of",)).fit_transform(log)
    >>> gifts = ci.SeasonalProfile([0.8, 0.8, 0.9, 1, 1, 1, 0.9, 0.9, 1, 1, 1.2, 1.7])
    >>> model = ci.SeasonalModel(ci.BetaGeoNBD(), gifts, horizon="13W").fit(rows)
    >>> model.predict(rows).shape
    (500,)
    """

    def __init__(
        self,
        model: Any = None,
        profile: SeasonalProfile | None = None,
        horizon: float | str = 1.0,
        *,
        end: Any = None,
    ) -> None:
        self.model = model
        self.profile = profile
        self.horizon = horizon
        self.end = end

    def fit(self, X: Any, y: Any = None, sample_weight: ArrayLike | None = None) -> Self:
        """Fit the model in seasonal time.

        Parameters
        ----------
        X : CustomerRows, frame or array
            ``frequency, recency, T`` as `CustomerSummary` makes them, by days of the calendar (``collapse="day"``);
            ``as_of`` where ``end`` is not given; the model's covariates.
        y : ignored
        sample_weight : array of shape (n_customers,), optional
            How many customers share each history.

        Returns
        -------
        self

        Raises
        ------
        InputTypeError
            If the model is none that can be put on a clock, or there is no profile.
        UnitError
            If the unit of time of the rows is not known.
        """
        model = clone(BetaGeoNBD() if self.model is None else self.model)
        if not isinstance(model, _ON_A_CLOCK):
            raise InputTypeError(
                f"model={model!r} cannot be put on a seasonal clock: only models whose customers leave after a "
                "purchase or never can (BetaGeoNBD, ModifiedBetaGeoNBD, BetaGeoCNBD, ModifiedBetaGeoCNBD, NBD)."
            )
        if not isinstance(self.profile, SeasonalProfile):
            raise InputTypeError(
                f"profile must be a SeasonalProfile, got {self.profile!r}; learn one with "
                "SeasonalProfile.from_log(log), or give the rates: SeasonalProfile(index)."
            )
        if isinstance(model, ErlangModel) and model.k == "auto":
            raise InputError(
                "k='auto' reads the gaps between purchases in calendar time; choose k without the season first, "
                "then set it."
            )
        unit = learned_unit(X, model.unit)
        if unit is None:
            raise UnitError(
                "the season needs the unit of time of X; fit on CustomerSummary's output, or set unit= on the model."
            )
        check_number(duration(self.horizon, unit), "horizon", low=0.0, strict_low=True)
        rows, end = self._on_the_clock(X, unit, model)
        self.model_ = model.fit(rows, sample_weight=sample_weight)
        self.unit_, self.end_ = unit, float(end.max())
        remember_columns(self, X)
        return self

    # -- the calendar and the clock ---------------------------------------------------------------------------

    def _on_the_clock(self, X: Any, unit: str, model: Any) -> tuple[CustomerRows, Vector]:
        """Return the rows with recency and T in seasonal time, and the day on which each history ends."""
        h = read_histories(X)
        end, days = self._ends(X, len(h)), UNIT_DAYS[unit]
        assert self.profile is not None
        begin = self.profile.clock(end - h.T * days)
        t_x = self.profile.clock(end - (h.T - h.t_x) * days) - begin
        T = self.profile.clock(end) - begin
        t_x = np.where(h.x > 0, np.clip(t_x, 0.0, T), 0.0)  # rounding must not put a purchase after the end
        covariates = [*getattr(model, "purchase_covariates", ()), *getattr(model, "dropout_covariates", ())]
        names = list(dict.fromkeys(covariates))
        more = list(named_columns(X, names).values()) if names else []
        columns = np.column_stack([h.x, t_x / days, T / days, *more])
        return CustomerRows(columns, ("frequency", "recency", "T", *names), unit), end

    def _ends(self, X: Any, n: int) -> Vector:
        if self.end is not None:
            return np.full(n, float(as_date(self.end, "end").astype("datetime64[D]").astype(np.int64)))
        try:
            return check_vector(named_columns(X, ("as_of",))["as_of"], "as_of")
        except ColumnError:
            raise ColumnError(
                "the season needs the day on which T ends: make X with CustomerSummary(extra=('as_of',)), or set end=."
            ) from None

    def _span(self, h: Histories, t: float) -> float:
        """Seasonal time from the end of histories that end on one day to ``t`` later."""
        assert self.profile is not None
        end, days = _only_end(h), UNIT_DAYS[str(self.unit_)]
        now, then = self.profile.clock([end, end + t * days])
        return float(then - now) / days

    def _answer(self, X: Any, formula: Callable[[Histories], Any]) -> Any:
        def day_by_day(h: Histories) -> Any:
            assert isinstance(h, _SeasonalHistories)
            assert h.end is not None
            days, day = np.unique(h.end, return_inverse=True)
            if days.size == 1:
                return formula(h)
            answers = [(day == i, formula(h[day == i])) for i in range(days.size)]
            out = np.empty((len(h), *answers[0][1].shape[1:]))
            for rows, answer in answers:
                out[rows] = answer
            return out

        return super()._answer(X, day_by_day)

    def _read(self, X: Any) -> Histories:
        rows, end = self._on_the_clock(X, str(self.unit_), self.model_)
        return _seasonal(self.model_._read(rows), end)

    def _new_customer(self) -> Histories:
        return _seasonal(self.model_._new_customer(), np.array([self.end_]))

    def _plausible_models(self) -> Sequence[Self]:
        plausible = []
        for model in self.model_._plausible_models():
            plausible.append(copy.copy(self))
            plausible[-1].model_ = model
        return plausible

    # -- formulas ---------------------------------------------------------------------------------------------

    def _log_likelihood(self, h: Histories) -> Vector:
        return self.model_._log_likelihood(_inner(h))

    def _alive(self, h: Histories) -> Vector:
        return self.model_._alive(_inner(h))

    def _alive_after(self, h: Histories, t: float | Vector) -> Vector:
        return self.model_._alive_after(_inner(h), self._span(h, float(t)))

    def _expected(self, h: Histories, t: float | Vector) -> Vector:
        return self.model_._expected(_inner(h), self._span(h, float(t)))

    def _waiting(self, h: Histories, t: float) -> Vector:
        return self.model_._waiting(_inner(h), self._span(h, t))

    def _waiting_quantile(self, h: Histories, q: Vector) -> Vector:
        assert self.profile is not None
        end, days = _only_end(h), UNIT_DAYS[str(self.unit_)]
        wait = self.model_._waiting_quantile(_inner(h), q) * days
        return (
            np.where(np.isfinite(wait), self.profile.calendar(self.profile.clock(end) + wait) - end, wait)
            / days
        )

    def _pmf(self, h: Histories, t: float, n: Vector) -> NDArray[np.float64]:
        return self.model_._pmf(_inner(h), self._span(h, t), n)

    def _at_least(self, h: Histories, t: float | Vector, n: Vector) -> Vector:
        return self.model_._at_least(_inner(h), self._span(h, float(t)), n)

    def _discounted(self, h: Histories, rate: float, end: float) -> Vector:
        """By parts: stretch by stretch while the season is followed, then at once on a clock that runs evenly."""
        assert self.profile is not None
        now, days = _only_end(h), UNIT_DAYS[str(self.unit_)]
        end = min(end, _CUT_OFF / rate)
        near = min(end, _SEASONS * UNIT_DAYS["year"] / days)
        changes = self.profile.changes(now, now + near * days)
        edges = np.concatenate([[0.0], (changes - now) / days, [near]])
        nodes, weights = np.polynomial.legendre.leggauss(_NODES)
        middle, half = (edges[1:] + edges[:-1]) / 2.0, np.diff(edges) / 2.0
        u = (middle[:, None] + half[:, None] * nodes).ravel()
        mass = (half[:, None] * weights).ravel()
        total = np.exp(-rate * end) * self._expected(h, end)
        for t, weight in zip(u, mass, strict=True):
            total += weight * rate * np.exp(-rate * t) * self._expected(h, t)
        if end > near:
            year = now + near * days + np.arange(365.0)
            lead = float(np.mean(self.profile.clock(year) - year) - self.profile.clock(now) + now) / days
            span = np.log(end / near)
            nodes, weights = np.polynomial.legendre.leggauss(16 + 8 * int(np.ceil(span)))
            for node, weight in zip((nodes + 1.0) / 2.0, weights / 2.0, strict=True):
                t = near * np.exp(span * node)
                share = weight * span * t * rate * np.exp(-rate * t)
                total += share * self.model_._expected(_inner(h), t + lead)
        return total

    def _simulate(self, h: Histories, rng: np.random.Generator) -> tuple[Vector, Vector]:
        assert self.profile is not None
        days = UNIT_DAYS[str(self.unit_)]
        begin = self.profile.clock(self.end_ - h.T * days)
        T = (self.profile.clock(self.end_) - begin) / days
        x, t_x = self.model_._simulate(Histories(h.x, h.t_x, T), rng)
        last = self.profile.calendar(begin + t_x * days)
        return x, np.where(x > 0, np.clip(last - (self.end_ - h.T * days), 0.0, h.T * days) / days, 0.0)

    def _time_scale(self, h: Histories) -> Vector:
        return self.model_._time_scale(_inner(h))


def _inner(h: Histories) -> Histories:
    assert isinstance(h, _SeasonalHistories)
    assert h.inner is not None
    return h.inner


def _only_end(h: Histories) -> float:
    assert isinstance(h, _SeasonalHistories)
    assert h.end is not None
    return float(h.end[0])
