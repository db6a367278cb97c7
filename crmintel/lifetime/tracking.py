"""Week by week: the repeat purchases of the whole base, actual and expected."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.validation import check_is_fitted

from crmintel.exceptions import InputError, InputTypeError, UnitError
from crmintel.features.summary import CustomerSummary
from crmintel.lifetime._answers import PurchaseAnswers
from crmintel.lifetime._histories import Vector, check_same_unit
from crmintel.lifetime._newcomers import Newcomers, dated, needed_extras
from crmintel.transactions.calendar import as_date, in_days, unit_name
from crmintel.transactions.log import TransactionLog
from crmintel.transactions.reader import check_log


def track_purchases(
    models: Any, log: TransactionLog, *, ends: Any = "1W", cutoff: Any = None, summary: Any = None
) -> dict[str, NDArray[Any]]:
    """Count the repeat purchases of each period, and what models expect of customers who begin when these did.

    By the end of a period a customer who began at b has made E[X(end - b)] repeat purchases, whatever came of them;
    the sum over all who have begun, less that of the period before, is expected of the period.

    Parameters
    ----------
    models : fitted model or dict
        A model of repeat purchases, or several by name.
    log : TransactionLog
        With the periods that the models have seen and those that they have not.
    ends : str, timedelta or sequence of dates, default="1W"
        The last days of the periods, or how many whole days a period has. Periods of equal length are laid so that
        one ends at the cutoff; the first may then be shorter, and days after the last whole one do not count.
    cutoff : date, optional
        Last day that the models have seen. Customers who began later are left out.
    summary : CustomerSummary, optional
        How the rows were made that the models were fitted on. None: by the day, in the unit of the models, with the
        covariates that they know.

    Returns
    -------
    dict of ndarray
        ``end``, the last day of each period; ``customers`` who have begun by then; ``actual`` repeat purchases in
        the period; and those expected by each model, under its name (a single model: that of its class).

    Raises
    ------
    UnitError
        If the models' unit of time is not that of ``summary``.
    DateRangeError
        If a date lies before the start of the log.
    InputError
        If ``ends`` are no whole days in increasing order.

    References
    ----------
    Fader, P. S., Hardie, B. G. S. & Lee, K. L. (2005). "Counting your customers" the easy way. Marketing Science 24(2),
    275-284, figures 4 and 5.

    Examples
    --------
    >>> import crmintel as ci
    >>> from crmintel.lifetime.tracking import track_purchases
    >>> log, _ = ci.datasets.make_transactions(500, weeks=52, random_state=0)
    >>> model = ci.BetaGeoNBD().fit(ci.CustomerSummary(unit="week").fit_transform(log.until("2023-09-30")))
    >>> track = track_purchases(model, log, cutoff="2023-09-30", ends="13W")
    >>> track["end"].astype(str).tolist()
    ['2023-04-01', '2023-07-01', '2023-09-30', '2023-12-30']
    >>> track["actual"].tolist(), track["BetaGeoNBD"].round().tolist()
    ([222.0, 384.0, 297.0, 261.0], [238.0, 383.0, 278.0, 224.0])
    """
    check_log(log)
    named = named_models(models)
    summary = summary_for(named, summary)
    last_days = _last_days(log, ends, cutoff)
    known = log if cutoff is None else log[np.isin(log.customers, log.until(cutoff).customers)]
    newcomers = {name: Newcomers(dated(model)) for name, model in named.items()}
    customers, bought, born = [], [], []
    for day in last_days:
        rows = summary.fit_transform(known.until(day))
        customers.append(len(rows))
        bought.append(rows[:, 0].sum())
        born.append({name: each.by_age(rows) for name, each in newcomers.items()})
    track: dict[str, NDArray[Any]] = {
        "end": last_days,
        "customers": np.array(customers),
        "actual": np.diff(bought, prepend=0.0),
    }
    for name, each in newcomers.items():
        track[name] = np.diff(_expected(each, [histogram[name] for histogram in born]), prepend=0.0)
    return track


def named_models(models: Any) -> dict[str, PurchaseAnswers]:
    """Return models of repeat purchases by name; a single one has the name of its class."""
    named = dict(models) if isinstance(models, Mapping) else {type(models).__name__: models}
    if not named:
        raise InputError("models is empty; give a fitted model of repeat purchases, or several by name.")
    for name, model in named.items():
        if not isinstance(model, PurchaseAnswers):
            raise InputTypeError(
                f"models must be a model of repeat purchases such as BetaGeoNBD, or a dict of them by name; got "
                f"{type(model).__name__} for {name!r}."
            )
        check_is_fitted(model)
        if name in ("end", "customers", "actual"):
            raise InputError(f"a model cannot be called {name!r} here; that column holds something else.")
    return named


def one_model(model: Any) -> PurchaseAnswers:
    """Return a fitted model of repeat purchases, or say what it is instead."""
    (checked,) = named_models({type(model).__name__: model}).values()
    return checked


def summary_for(named: Mapping[str, PurchaseAnswers], summary: Any = None) -> CustomerSummary:
    """Return what makes rows for these models: the user's own, or by the day in their unit of time."""
    units = {model.unit_ for model in named.values()}
    if summary is None:
        if units == {None}:
            raise UnitError(
                "the models do not know their unit of time; set summary=CustomerSummary(unit=...) to what they were "
                "fitted on."
            )
        unit = min(unit for unit in units if unit is not None)
        summary = CustomerSummary(unit=unit, extra=needed_extras(named.values()))
    if not isinstance(summary, CustomerSummary):
        raise InputTypeError(f"summary must be a CustomerSummary, got {type(summary).__name__}.")
    for name, model in named.items():
        check_same_unit(unit_name(summary.unit), model.unit_, f"{name} was fitted in")
    return summary


def _last_days(log: TransactionLog, ends: Any, cutoff: Any) -> NDArray[np.datetime64]:
    first, end = log.start.astype("datetime64[D]"), log.end.astype("datetime64[D]")
    if np.iterable(ends) and not isinstance(ends, str):
        days = np.array([as_date(day, "ends", log.timezone).astype("datetime64[D]") for day in ends])
        if not days.size or (np.diff(days) <= np.timedelta64(0, "D")).any() or days[-1] > end:
            raise InputError(f"ends must be increasing dates until the end of the log ({end}), got {ends!r}.")
        return days
    width = in_days(ends, "ends")
    if width < 1.0 or width != np.floor(width):
        raise InputError(f"ends must be whole days, at least one, such as '1W'; got {ends!r}.")
    step = np.timedelta64(int(width), "D")
    anchor = first - np.timedelta64(1, "D")
    if cutoff is not None:
        anchor += (as_date(cutoff, "cutoff", log.timezone).astype("datetime64[D]") - anchor) % step
    days = np.arange(anchor, end + np.timedelta64(1, "D"), step)
    days = days[days >= first]
    if not days.size:
        raise InputError(f"the log ({first} to {end}) is shorter than one period of {ends!r}.")
    return days


def _expected(newcomers: Newcomers, born: list[tuple[Vector, NDArray[np.float64]]]) -> list[float]:
    """Return the repeat purchases that customers of these kinds and ages are expected to have made, in all."""
    every_age = np.unique(np.concatenate([ages for ages, _ in born]))
    curves = np.column_stack([newcomers.ask("expected_purchases", age) for age in every_age.tolist()])
    return [
        float((counts * curves[: len(counts), np.searchsorted(every_age, ages)]).sum())
        for ages, counts in born
    ]
