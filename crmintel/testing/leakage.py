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

    Attributes of customers (`TransactionLog.with_customers`) stay as they are: whether those were known at the date
    only their owner can say.

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
        Naming the change that was seen, the columns and the number of customers.
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
        _compare(found, wanted, change)


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


def _compare(found: Mapping[str, NDArray[Any]], wanted: Mapping[str, NDArray[Any]], change: str) -> None:
    seen = f"the features see the future: when the later lines are {change},"
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
