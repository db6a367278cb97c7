"""Which model fits a customer base, or none: likelihoods, frequencies, regularity, spend and cohorts in one look."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import chi2
from sklearn.base import clone

from crmintel._frames import is_frame, open_frame
from crmintel._progress import progress
from crmintel._validation import check_number
from crmintel.exceptions import ColumnError, DataWarning, FitWarning, InputError, InputTypeError
from crmintel.features.rows import CustomerRows, named_columns
from crmintel.features.summary import CustomerSummary
from crmintel.lifetime._answers import PurchaseAnswers
from crmintel.lifetime._cohorts import cohort_drift
from crmintel.lifetime._frequency_fit import frequency_fit
from crmintel.lifetime._histories import Histories, Vector, read_histories
from crmintel.lifetime._regularity import Regularity, regularity
from crmintel.lifetime._spend import SpendModel, read_spend
from crmintel.lifetime._verdict import judge, owed_to_whole_days
from crmintel.lifetime.bgbb import BetaGeoBetaBinomial
from crmintel.lifetime.bgnbd import BetaGeoNBD
from crmintel.lifetime.cnbd import BetaGeoCNBD
from crmintel.lifetime.comparison_table import ModelComparison
from crmintel.lifetime.correlated import CorrelatedSpend
from crmintel.lifetime.gammagamma import GammaGamma
from crmintel.lifetime.lognormal import LogNormalSpend
from crmintel.lifetime.mbgnbd import ModifiedBetaGeoNBD
from crmintel.lifetime.nbd import NBD
from crmintel.lifetime.paretonbd import ParetoNBD
from crmintel.transactions.log import TransactionLog

_ALIVE = 1.0 - 1e-6  # P(alive) of everybody: the model sees nobody leave


def compare_models(
    X: Any, models: Any = None, *, spend: Any = None, n_cohorts: int = 4, verbose: bool | int = 0
) -> ModelComparison:
    """Fit models of purchases and of spend, see how well they fit, and say which to use, or to use none.

    The models are compared by likelihood (AIC, BIC), and the best is then asked what its likelihood hides: does it
    expect the frequencies that are there, are purchases at random, are later customers like earlier ones, does spend go
    with frequency, did the fit run to a limit? A good fit of the past is needed, not enough: `backtest` looks at the
    future.

    Parameters
    ----------
    X : TransactionLog or rows
        Of a log a `CustomerSummary` by week is made (of calendar weeks for `BetaGeoBetaBinomial`). Rows have
        ``frequency, recency, T``, for spend ``monetary_value``, and for the test of regularity ``sum_log_gaps``.
    models : sequence of estimators, or dict of str to estimator, default=None
        Models of repeat purchases. None is `BetaGeoNBD`, `ModifiedBetaGeoNBD`, `ParetoNBD`, `NBD` and, where the gaps
        between purchases are known, `BetaGeoCNBD`.
    spend : sequence of estimators, or dict of str to estimator, default=None
        Models of spend; none where it is empty or ``X`` has no money. None is `GammaGamma`, `LogNormalSpend` and
        `CorrelatedSpend`.
    n_cohorts : int, default=4
        At most 100 cohorts by time since the first purchase, of about equal size; fewer where they would be small.
    verbose : bool or int, default=0
        Draw a progress bar.

    Returns
    -------
    ModelComparison
        Print it, or read its ``verdict``.

    Raises
    ------
    InputError
        If `BetaGeoBetaBinomial` is to be compared with models of other data, or ``X`` is no history.

    See Also
    --------
    backtest : How well a model foretells what it has not seen.

    References
    ----------
    .. [1] Schmittlein, D. C., Morrison, D. G. & Colombo, R. (1987). Counting your customers: who are they and what will
       they do next? Management Science 33(1), 1-24.
    .. [2] Platzer, M. & Reutterer, T. (2016). Ticking away the moments: timing regularity helps to better predict
       customer activity. Marketing Science 35(5), 779-799.
    .. [3] Cohen, J. (1988). Statistical power analysis for the behavioral sciences, chapter 7: w of 0.1 is a small
       difference of distributions, 0.3 a medium one, 0.5 a large one.

    Examples
    --------
    >>> import crmintel as ci
    >>> log, _ = ci.datasets.make_transactions(2_000, weeks=78, random_state=0)
    >>> result = ci.compare_models(log)
    >>> result.recommended, result.best in ("BetaGeoNBD", "ModifiedBetaGeoNBD", "ParetoNBD")
    (True, True)
    >>> 0.9 < result.regularity.k < 1.1  # bought at random
    True
    """
    regular = (BetaGeoCNBD,) if isinstance(X, TransactionLog) or _has(X, "sum_log_gaps") else ()
    usual = (BetaGeoNBD, ModifiedBetaGeoNBD, ParetoNBD, *regular, NBD)
    fitters = _named(models, usual, PurchaseAnswers, "models")
    if not fitters:
        raise InputError("models is empty; give a model of repeat purchases, or None for the usual ones.")
    spenders = _named(spend, (GammaGamma, LogNormalSpend, CorrelatedSpend), SpendModel, "spend")
    check_number(n_cohorts, "n_cohorts", low=1, high=100, integer=True)
    discrete = [name for name, model in fitters.items() if isinstance(model, BetaGeoBetaBinomial)]
    if discrete and len(discrete) < len(fitters):
        raise InputError(
            f"{discrete} count opportunities, the others time: their likelihoods are of other data. Compare them with "
            "backtest, or in two calls."
        )
    rows = _rows(X, bool(discrete))
    h = read_histories(rows)
    named = [*fitters.items(), *(spenders.items() if _has_money(rows) else ())]
    fitted, notes = {}, {}
    for name, model in progress(named, verbose=verbose, label="models"):
        fitted[name], notes[name] = _fit(model, rows)
    purchases = {name: model for name, model in fitted.items() if name in fitters}
    spending = {name: model for name, model in fitted.items() if name in spenders}
    table, fits = _purchase_table(purchases, notes, h)
    found = _regularity(rows, h, next(iter(purchases.values())).unit_)
    best = _best(table, purchases, found)
    n_parameters = int(table["parameters"][table["model"] == best][0])
    drift = cohort_drift(purchases[best], h, _taker(rows), n_parameters, int(n_cohorts))
    result = ModelComparison(
        models=table,
        frequencies=fits,
        regularity=found,
        spend=_spend_table(spending, notes, rows),
        independence=_independence(spending),
        cohorts=drift,
        fitted=fitted,
        best=best,
        best_spend=_best_spend(spending),
        n_customers=len(h),
        n_repeat=int(np.count_nonzero(h.x)),
        library=open_frame(X).library if is_frame(X) else getattr(X, "library", None),
    )
    return judge(result)


def _named(given: Any, usual: tuple[type, ...], kind: type, what: str) -> dict[str, Any]:
    """Return estimators by name; those of a sequence have the name of their class."""
    if given is None:
        return {each.__name__: each() for each in usual}
    if isinstance(given, Mapping):
        named = dict(given)
    elif isinstance(given, list | tuple):
        named = {type(model).__name__: model for model in given}
        if len(named) < len(given):
            raise InputError(
                f"{what} holds two models of one class; name them: {what}={{'name': model, ...}}."
            )
    else:
        raise InputTypeError(f"{what} must be a list of models or a dict of them by name, got {given!r:.80}.")
    for name, model in named.items():
        if not isinstance(name, str):
            raise InputTypeError(f"names of {what} must be text, got {name!r}.")
        if not isinstance(model, kind):
            wanted = (
                "repeat purchases such as BetaGeoNBD()"
                if kind is PurchaseAnswers
                else "spend such as GammaGamma()"
            )
            raise InputTypeError(f"{what} must hold models of {wanted}, got {model!r:.80} for {name!r}.")
    return named


def _rows(X: Any, discrete: bool) -> Any:
    if not isinstance(X, TransactionLog):
        return X
    collapse = "week" if discrete else "day"
    return CustomerSummary(unit="week", collapse=collapse, extra=("sum_log_gaps",)).fit_transform(X)


def _taker(rows: Any) -> Callable[[NDArray[np.bool_]], Any]:
    if isinstance(rows, CustomerRows):
        return lambda mask: rows[mask]
    names = open_frame(rows).names if is_frame(rows) else None
    if isinstance(rows, Mapping):
        names = list(rows)
    if names is None:
        return lambda mask: np.asarray(rows)[mask]
    columns = named_columns(rows, names)
    return lambda mask: CustomerRows(np.column_stack([each[mask] for each in columns.values()]), names)


def _has(rows: Any, name: str) -> bool:
    try:
        named_columns(rows, (name,))
    except ColumnError:
        return False
    return True


def _has_money(rows: Any) -> bool:
    return _has(rows, "monetary_value") and bool((read_spend(rows)[1] > 0).any())


def _fit(model: Any, rows: Any) -> tuple[Any, str]:
    """Fit a clone; what it warns of is its note."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", FitWarning)
        warnings.simplefilter("ignore", DataWarning)
        fitted = clone(model).fit(rows)
    told = [str(each.message) for each in caught if issubclass(each.category, FitWarning)]
    return fitted, " ".join(told)


def _purchase_table(
    models: dict[str, Any], notes: dict[str, str], h: Histories
) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
    rows, fits = [], {}
    for name, model in models.items():
        free = round((model.aic_ + 2.0 * model.log_likelihood_) / 2.0)
        fit = fits[name] = frequency_fit(model, h.x, h.T, free)
        alive = model._alive(h)
        rows.append(
            {
                "model": name,
                "parameters": free,
                "log_likelihood": model.log_likelihood_,
                "aic": model.aic_,
                "bic": free * np.log(len(h)) - 2.0 * model.log_likelihood_,
                "chi_square": fit.chi_square,
                "p_value": fit.p_value,
                "misfit": fit.misfit,
                "alive": float(alive.mean()),
                "nobody_leaves": bool((alive >= _ALIVE).all()),
                "converged": bool(model.converged_),
                "note": notes[name],
            }
        )
    columns = {key: np.array([row[key] for row in rows]) for key in rows[0]}
    for key in ("model", "note"):
        columns[key] = columns[key].astype(object)
    return columns, fits


def _best(table: dict[str, NDArray[Any]], models: dict[str, Any], found: Regularity | None) -> str:
    """The lowest AIC among models that do not owe it to whole days."""
    by_days = np.array([owed_to_whole_days(models[name], found) for name in table["model"]])
    aic = table["aic"] if by_days.all() else np.where(by_days, np.inf, table["aic"])
    return str(table["model"][int(np.argmin(aic))])


def _regularity(rows: Any, h: Histories, unit: str | None) -> Regularity | None:
    if not _has(rows, "sum_log_gaps"):
        return None
    gaps = named_columns(rows, ("sum_log_gaps",))["sum_log_gaps"]
    return regularity(h.x, h.t_x, gaps, unit)


def _spend_table(models: dict[str, Any], notes: dict[str, str], rows: Any) -> dict[str, NDArray[Any]]:
    if not models:
        return {}
    x, m = read_spend(rows)
    used = (x > 0) & (m > 0)
    x, m = x[used], m[used]
    columns: dict[str, list[Any]] = {
        key: []
        for key in (
            "model",
            "parameters",
            "log_likelihood",
            "aic",
            "bic",
            "distance",
            "population_mean",
            "note",
        )
    }
    for name, model in models.items():
        free = round((model.aic_ + 2.0 * model.log_likelihood_) / 2.0)
        values = (
            name, free, model.log_likelihood_, model.aic_, free * np.log(x.size) - 2.0 * model.log_likelihood_,
            _distance(model._distribution(x, m)), model.population_mean_, notes[name],
        )  # fmt: skip
        for key, value in zip(columns, values, strict=True):
            columns[key].append(value)
    return {
        key: np.array(values, dtype=object if key in ("model", "note") else None)
        for key, values in columns.items()
    }


def _distance(chances: Vector) -> float:
    """Kolmogorov's distance of the chances P(spend <= the one seen) from the uniform distribution they should have."""
    ordered, n = np.sort(chances), chances.size
    return float(max((np.arange(1, n + 1) / n - ordered).max(), (ordered - np.arange(n) / n).max()))


def _independence(models: dict[str, Any]) -> dict[str, float]:
    """Correlation of frequency and mean spend, and the likelihood-ratio test of the slope between them."""
    found = next(iter(models.values()), None)
    if found is None:
        return {}
    out = {"correlation": found.correlation_, "correlation_pvalue": found.correlation_pvalue_}
    plain = next((model for model in models.values() if type(model) is GammaGamma), None)
    bound = next((model for model in models.values() if type(model) is CorrelatedSpend), None)
    if plain is not None and bound is not None:
        statistic = max(2.0 * (bound.log_likelihood_ - plain.log_likelihood_), 0.0)
        out |= {"slope": bound.slope_, "statistic": statistic, "p_value": float(chi2.sf(statistic, 1))}
    return out


def _best_spend(models: dict[str, Any]) -> str | None:
    """The model of lowest AIC among those with a finite mean."""
    finite = {name: model.aic_ for name, model in models.items() if np.isfinite(model.population_mean_)}
    return min(finite, key=lambda name: finite[name]) if finite else None
