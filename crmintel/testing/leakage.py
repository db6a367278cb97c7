"""A check that features of customers do not look into the future."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone

from crmintel._frames import is_frame, open_frame
from crmintel.exceptions import DateRangeError, InputTypeError
from crmintel.testing._rebuild import columns_of, log_of
from crmintel.transactions.calendar import as_date, last_microsecond
from crmintel.transactions.lines import NUMBER_FIELDS
from crmintel.transactions.log import TransactionLog
from crmintel.transactions.reader import check_log


def assert_no_leakage(transformer: Any, log: TransactionLog, date: Any, *, random_state: int = 0) -> None:
    """Check that nothing after ``date`` changes what ``transformer`` says of the customers at ``date``.

    The lines after the date are left out, dealt anew among the customers, and changed in numbers and times. Each time
    the transformer is fitted and asked on the log as it stood on the date, ``log.until(date)``. No bit of the answers
    may differ. A log shares its lines with what it was cut from, so a transformer that reads ``log.lines`` past
    ``log.stops`` does see the future, and is found out.

    Only the log can be changed here, not what else a transformer reads: totals taken from a frame of the whole time are
    the same whatever the log says. So the customers are renamed, too, in the same order. What follows from the log
    stays as it is; what is looked up elsewhere by the customer's id no longer fits, and is named. What is taken from
    elsewhere by position, or is the same number for all, cannot be seen: compute features from the log that is given.

    Attributes of customers (`TransactionLog.with_customers`) stay as they are, and go along with a new name: whether
    those were known at the date only their owner can say.

    Parameters
    ----------
    transformer : transformer or callable
        With ``fit`` and ``transform`` (or ``predict_proba`` or ``predict``); a clone is used. Or a function from a log
        to an array or frame with one row per customer.
    log : TransactionLog
        With lines on both sides of the date.
    date : date
        Last day that may be seen.
    random_state : int, default=0
        Of the changes.

    Raises
    ------
    AssertionError
        Naming the change that was seen, or what was looked up outside the log; the columns and the number of customers.
    DateRangeError
        If the log has no line after the date.
    InputTypeError
        If the transformer is neither a transformer nor a function.

    Examples
    --------
    >>> import crmintel as ci
    >>> log, _ = ci.datasets.make_transactions(100, random_state=0)
    >>> ci.testing.assert_no_leakage(ci.BehaviourFeatures(), log, "2023-12-31")
    >>> peek = lambda past: past.lines.amount[past.stops % len(past.lines)]  # the line behind a history's last
    >>> ci.testing.assert_no_leakage(peek, log, "2023-12-31")
    Traceback (most recent call last):
    ...
    AssertionError: the features see the future: ... later lines ...
    >>> totals = dict(zip(log.customers, log.spend()))  # of the whole log, by customer
    >>> ci.testing.assert_no_leakage(lambda past: [totals.get(who, 0.0) for who in past.customers], log, "2023-12-31")
    Traceback (most recent call last):
    ...
    AssertionError: the features do not come from the log alone: ... these columns change (customers): ...
    """
    check_log(log, "log")
    if isinstance(transformer, type) or not (hasattr(transformer, "fit") or callable(transformer)):
        raise InputTypeError(
            "transformer must be a transformer such as BehaviourFeatures(), or a function of a log; got "
            f"{transformer!r}."
        )
    wanted = _answers(transformer, log.until(date))
    cut = last_microsecond(as_date(date, "date", log.timezone))
    columns = columns_of(log)
    late = columns["time"].view(np.int64) > cut
    if not late.any():
        raise DateRangeError(f"the log has no line after {date} (it ends {log.end}); choose an earlier date.")
    for change, changed in _changes(columns, late, np.random.default_rng(random_state)).items():
        found = _answers(transformer, log_of(changed, log).until(date))
        _compare(found, wanted, f"the features see the future: when the later lines are {change},")
    _check_lookups(transformer, wanted, columns, log, date)


def _check_lookups(
    transformer: Any,
    wanted: Mapping[str, NDArray[Any]],
    columns: Mapping[str, NDArray[Any]],
    log: TransactionLog,
    date: Any,
) -> None:
    """Check that customers of another name are answered alike; columns that hold the ids themselves are left out."""
    seen = (
        "the features do not come from the log alone: when the customers are renamed, what is looked up by their ids "
        "elsewhere, and may hold the future, no longer fits (put what was known at the date into the log by "
        "with_customers);"
    )
    past = log.until(date).customers
    renamed = {**columns, "customer": _renamed(columns["customer"], log.customers)}
    again = log_of(renamed, log, customers=_renamed(log.customers, log.customers)).until(date)
    try:
        found = _answers(transformer, again)
    except Exception as error:
        raise AssertionError(f"{seen} it ends with {type(error).__name__}: {error}.") from error
    ids = [name for name, values in wanted.items() if np.array_equal(values, past)]
    others = [{name: each[name] for name in each if name not in ids} for each in (found, wanted)]
    _compare(others[0], others[1], seen)


def _renamed(ids: NDArray[Any], of: NDArray[Any]) -> NDArray[Any]:
    """Return other ids in the same order."""
    if ids.dtype.kind not in "iu":
        return np.array([f"renamed {each}" for each in ids.tolist()], dtype=object)
    low, high = int(of.min()), int(of.max())
    shift = high - low + 1
    return ids + (shift if high + shift <= np.iinfo(ids.dtype).max else -shift)


def _changes(
    columns: Mapping[str, NDArray[Any]], late: NDArray[np.bool_], rng: np.random.Generator
) -> dict[str, dict[str, NDArray[Any]]]:
    """Return columns in which only later lines differ, by what was done to them."""
    dealt = {name: values.copy() for name, values in columns.items()}
    other = {name: values.copy() for name, values in columns.items()}
    order = rng.permutation(np.flatnonzero(late))
    for name, values in columns.items():
        if name != "time":
            dealt[name][late] = values[order]
    for name in NUMBER_FIELDS:
        if name in other:
            other[name][late] = 3.0 * other[name][late] + rng.integers(1, 100, order.size)
    other["time"][late] = columns["time"][late].max()
    return {
        "left out": {name: values[~late] for name, values in columns.items()},
        "dealt to other customers": dealt,
        "changed in numbers and times": other,
    }


def _answers(transformer: Any, past: TransactionLog) -> dict[str, NDArray[Any]]:
    """Return the answers for ``past`` column by column."""
    if not hasattr(transformer, "fit"):
        answer = transformer(past)
    else:
        fitted = clone(transformer).fit(past)
        verb = next(v for v in ("transform", "predict_proba", "predict") if hasattr(fitted, v))
        answer = getattr(fitted, verb)(past)
    if is_frame(answer) or isinstance(answer, Mapping):
        table = open_frame(answer)
        return {name: table.values(name) for name in table.names}
    names = getattr(answer, "columns", None)
    values = np.asarray(answer)
    values = values[:, None] if values.ndim == 1 else values
    names = names or [f"column {j}" for j in range(values.shape[1])]
    return {name: np.ascontiguousarray(values[:, j]) for j, name in enumerate(names)}


def _compare(found: Mapping[str, NDArray[Any]], wanted: Mapping[str, NDArray[Any]], seen: str) -> None:
    assert list(found) == list(wanted), f"{seen} the columns are {list(found)} and not {list(wanted)}."
    differ = {}
    for name, values in wanted.items():
        shapes = found[name].shape, values.shape
        assert shapes[0] == shapes[1], f"{seen} there are {shapes[0]} rows and not {shapes[1]}."
        same = found[name] == values
        if values.dtype.kind == "f":
            same |= np.isnan(values) & np.isnan(found[name])
        if not same.all():
            differ[name] = int((~same).sum())
    assert not differ, f"{seen} these columns change (customers): {differ}."
