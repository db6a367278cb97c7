"""Would the forecast have held? Models fitted on the past of earlier dates, judged by what customers then did."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crmintel._compat import as_generator
from crmintel._progress import progress
from crmintel._validation import check_choice, check_names, check_number
from crmintel.exceptions import DateRangeError, InputError, UnitError
from crmintel.lifetime._baselines import BASELINES
from crmintel.lifetime._forecast_errors import ForecastErrors, resampled
from crmintel.lifetime._forecasts import Forecast, foretell, log_estimator, rows_unit, target_of
from crmintel.lifetime._histories import Vector
from crmintel.lifetime._holdout import Holdout, Target
from crmintel.lifetime.backtest_table import TRACKING, Backtest, error_table
from crmintel.transactions.calendar import as_date, in_days, names_unit
from crmintel.transactions.log import TransactionLog
from crmintel.transactions.reader import check_log

_MOST_CUTOFFS = 4


def backtest(
    estimator: Any,
    log: TransactionLog,
    *,
    cutoffs: Any = None,
    horizon: Any = "13W",
    target: str | None = None,
    baselines: Any = None,
    level: float = 0.9,
    n_bootstrap: int = 500,
    random_state: Any = None,
    verbose: bool | int = 0,
) -> Backtest:
    """Fit on the log up to earlier dates, foretell the days after each, and compare with what customers then did.

    At each cutoff the estimator is cloned and fitted on the customers and lines known by then, never on later ones.
    Naive forecasts stand beside it: a model that is no better than they are is not worth its trouble.

    Parameters
    ----------
    estimator : estimator
        A model of repeat purchases or a `LifetimeValue` (a `CustomerSummary` by week is put in front), a pipeline of
        `CustomerSummary` and one of them, or anything with ``fit(log)`` and ``predict(log)``. The models are asked for
        ``horizon``, whatever their own; anything else predicts as it stands.
    log : TransactionLog
    cutoffs : date or sequence of dates, default=None
        Last day that is known, of each fold. None: the latest after which the horizon fits into the log, and one
        horizon earlier each while half of the log lies before, at most 4. For rows in weeks or months of the calendar
        choose the last day of one.
    horizon : str, timedelta or number, default="13W"
        Text such as ``"13W"`` or a timedelta. A number is days, and refused where the rows of a model count another
        unit: as ``horizon`` of the model it would be a number of these.
    target : {"purchases", "money"}, default=None
        What is foretold. None: what the estimator predicts, money for `LifetimeValue`. With ``"purchases"`` the
        purchase model inside it is judged. The money of a `LifetimeValue` is profit: margin x net sales, discounted,
        less the retention cost; of other estimators it is net sales.
    baselines : sequence of str, or dict of str to estimator, default=None
        None is all of ``"own_rate"`` (everybody goes on at the rate since the first purchase), ``"last_period"``
        (everybody does the same as in as many days before, first purchases left out), ``"average"`` (everybody does
        what all then did on average) and ``"recency_rule"`` (the own rate for those who bought in as many days before,
        nothing for the others). In a dict other estimators stand under their names, and naive ones as ``name: name``.
    level : float, default=0.9
        Of the intervals: of the estimates, and of ``predict_interval`` whose coverage is counted.
    n_bootstrap : int, default=500
        Resamples of the customers; one customer's cutoffs stay together, and all forecasts see the same customers.
    random_state : int, Generator or RandomState, default=None
        Draws the resamples.
    verbose : bool or int, default=0
        Draw a progress bar.

    Returns
    -------
    Backtest
        Per forecast, cutoff and overall (the mean over the cutoffs): ``mae``, ``rmse``, ``bias`` (mean of expected less
        actual), ``total_ratio`` (expected over actual total), ``spearman`` (rank correlation), ``top_decile_capture``
        (share of the actual total that came from the tenth of customers with the highest forecast), ``coverage`` (share
        of customers within their interval; purchase models only), and the weekly tracking errors of all customers
        together, ``tracking_incremental`` (mean absolute error of a week over the mean week) and
        ``tracking_cumulative`` (mean absolute error of the total so far over the final one). What cannot be had is nan.

    Raises
    ------
    UnitError
        If ``horizon`` is a number and the rows do not count days.
    DateRangeError
        If a cutoff lies outside the log, or the horizon reaches beyond its end: what has not been watched is no truth.
    InputError
        If it is not said what the estimator predicts, or the log cannot tell it.

    See Also
    --------
    compare_models : Which model fits, or none.

    References
    ----------
    .. [1] Tashman, L. J. (2000). Out-of-sample tests of forecasting accuracy: an analysis and review. International
       Journal of Forecasting 16(4), 437-450.
    .. [2] Wübben, M. & von Wangenheim, F. (2008). Instant customer base analysis: managerial heuristics often "get it
       right". Journal of Marketing 72(3), 82-93.

    Examples
    --------
    >>> import crmintel as ci
    >>> from sklearn.pipeline import make_pipeline
    >>> log, _ = ci.datasets.make_transactions(400, weeks=80, random_state=0)
    >>> value = make_pipeline(ci.CustomerSummary(unit="week"), ci.LifetimeValue(margin=0.3))
    >>> result = ci.backtest(value, log, cutoffs=["2023-12-31", "2024-03-31"], horizon="13W", random_state=0)
    >>> result.target, result.n_customers
    ('money', (400, 400))
    >>> result.value("rmse")["LifetimeValue"] < result.value("rmse")["last_period"]
    True
    """
    check_log(log, "log")
    days = round(check_number(in_days(horizon, "horizon"), "horizon", low=1, high=1e6))
    check_number(level, "level", low=0.0, high=1.0, strict_low=True, strict_high=True)
    n_bootstrap = int(check_number(n_bootstrap, "n_bootstrap", low=1, integer=True))
    reads_log = log_estimator(estimator)
    unit = rows_unit(reads_log)
    if not names_unit(horizon) and unit not in (None, "day"):
        raise UnitError(
            f"horizon={horizon!r} would be days here and {unit}s in the model; write '{days} days' or '{days} {unit}s'."
        )
    truth = target_of(reads_log, target)
    if truth.name == "money":
        log.lines.need("amount", "a target of money")
    main = type(reads_log[-1] if hasattr(reads_log, "steps") else reads_log).__name__
    forecasters = {main: reads_log, **_baselines(baselines, main)}
    names = tuple(forecasters)
    folds = [Holdout.of(log, date, days) for date in _dates(cutoffs, log, days)]
    rng = as_generator(random_state)
    jobs = [(fold, name) for name in names for fold in folds]
    found: dict[str, list[Forecast]] = {name: [] for name in names}
    for fold, name in progress(jobs, verbose=verbose, label="backtest"):
        found[name].append(_forecast(forecasters[name], fold, truth, level))
    actual = [truth.actual(fold.future, fold.cutoff, days) for fold in folds]
    errors = [
        [
            ForecastErrors(each.expected, deeds, each.interval)
            for each, deeds in zip(found[name], actual, strict=True)
        ]
        for name in names
    ]
    value = np.array([[each(np.ones(each.actual.size)) for each in of_cutoffs] for of_cutoffs in errors])
    draws = resampled(errors, [fold.customers for fold in folds], len(log), n_bootstrap, rng)
    tracking, missed = _tracked(names, folds, found, truth)
    dates = tuple(fold.cutoff for fold in folds)
    return Backtest(
        names=names, target=truth.name, cutoffs=dates, horizon=days,
        n_customers=tuple(len(fold.past) for fold in folds), level=float(level),
        columns=error_table(names, dates, value, draws, missed, level),
        predictions=_predictions(folds, actual, found), tracking=tracking, library=log.library,
    )  # fmt: skip


def _forecast(forecaster: Any, fold: Holdout, truth: Target, level: float) -> Forecast:
    if not isinstance(forecaster, str):
        return foretell(forecaster, fold, truth, level)
    expected = truth.of_naive(fold.past, fold.days, BASELINES[forecaster])
    share = np.array(fold.ends) / fold.days  # naive forecasts go on evenly
    return Forecast(expected, truth.total(expected) * share)


def _baselines(baselines: Any, main: str) -> dict[str, Any]:
    """Return naive forecasts (as their own names) and other estimators by name."""
    if not isinstance(baselines, Mapping):
        names = list(BASELINES) if baselines is None else check_names(baselines, "baselines")
        baselines = {name: name for name in names}
    found = {}
    for name, baseline in baselines.items():
        if name == main:
            raise InputError(f"a baseline cannot be called {name!r}: that is the estimator's name here.")
        if isinstance(baseline, str):
            found[name] = check_choice(baseline, "a baseline", tuple(BASELINES))
        else:
            found[name] = log_estimator(baseline, f"the baseline {name!r}")
    return found


def _dates(cutoffs: Any, log: TransactionLog, days: int) -> list[np.datetime64]:
    first, end = log.start.astype("datetime64[D]"), log.end.astype("datetime64[D]")
    last = end - np.timedelta64(days, "D")
    if last < first:
        raise DateRangeError(
            f"the horizon of {days} days leaves no past: the log covers {log.start} to {log.end}; choose a shorter "
            "horizon."
        )
    if cutoffs is None:
        middle = first + (end - first) // 2
        wanted = [last - np.timedelta64(k * days, "D") for k in range(_MOST_CUTOFFS)]
        return sorted(date for k, date in enumerate(wanted) if k == 0 or date >= middle)
    several = cutoffs if np.ndim(cutoffs) > 0 else [cutoffs]
    dates = [as_date(date, "cutoffs", log.timezone) for date in several]
    if not dates or len(set(dates)) < len(dates):
        raise InputError(f"cutoffs must hold different dates, at least one; got {cutoffs!r}.")
    for date in dates:
        if date.dtype != np.dtype("datetime64[D]"):
            raise DateRangeError(f"the cutoff {date} has a time of day; the past ends with whole days.")
        if date < first or date > last:
            raise DateRangeError(
                f"the cutoff {date} with {days} days after it does not lie within the log ({log.start} to {log.end}); "
                f"choose cutoffs from {first} to {last}, or a shorter horizon."
            )
    return sorted(dates)


def _tracked(
    names: tuple[str, ...], folds: list[Holdout], found: dict[str, list[Forecast]], truth: Target
) -> tuple[dict[str, NDArray[Any]], NDArray[np.float64]]:
    """Return the totals by the end of each week, and the two tracking errors by forecast and cutoff."""
    missed = np.full((len(names), len(folds), len(TRACKING)), np.nan)
    parts: dict[str, list[Any]] = {"cutoff": [], "end": [], "actual": [], **{name: [] for name in names}}
    for at, fold in enumerate(folds):
        ends = fold.ends
        actual = np.array([truth.total(truth.actual(fold.future, fold.cutoff, end)) for end in ends])
        parts["cutoff"].append(np.full(len(ends), fold.cutoff))
        parts["end"].append(fold.cutoff + np.array(ends, dtype="timedelta64[D]"))
        parts["actual"].append(actual)
        weeks = np.diff(actual, prepend=0.0)
        for row, name in enumerate(names):
            curve = found[name][at].cumulative
            parts[name].append(np.full(len(ends), np.nan) if curve is None else curve)
            if curve is not None and actual[-1] > 0:
                incremental = np.abs(np.diff(curve, prepend=0.0) - weeks).mean() / weeks.mean()
                missed[row, at] = incremental, np.abs(curve - actual).mean() / actual[-1]
    return {name: np.concatenate(values) for name, values in parts.items()}, missed


def _predictions(
    folds: list[Holdout], actual: list[Vector], found: dict[str, list[Forecast]]
) -> dict[str, NDArray[Any]]:
    return {
        "customer": np.concatenate([fold.past.customers for fold in folds]),
        "cutoff": np.concatenate([np.full(len(fold.past), fold.cutoff) for fold in folds]),
        "actual": np.concatenate(actual),
        **{name: np.concatenate([each.expected for each in each_fold]) for name, each_fold in found.items()},
    }
