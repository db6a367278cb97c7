"""The decision table: one row per customer, one column per answer."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from crmintel._frames import build_frame
from crmintel.exceptions import InputError, InputTypeError
from crmintel.transactions.log import TransactionLog
from crmintel.transactions.reader import check_log


class DecisionTable:
    """Align answers about the customers of a log in one table, in the log's order.

    Parameters
    ----------
    log : TransactionLog
        Its customers are the rows.
    **columns : array-like or fitted estimator
        Each name becomes a column. An array has one value per customer; rows with named columns (`CustomerRows`)
        become one column each, ``name_column``; a pair ``(items, scores)`` as recommenders give it becomes ``name_1,
        name_2, ...`` (``name`` where there is one). A fitted estimator is asked about the log: for the probability of
        its last class (classifiers), for one item (recommenders), or for its prediction.

    Attributes
    ----------
    columns : dict of str to ndarray of shape (n_customers,)
        ``customer`` first, then the columns in the order given.

    Raises
    ------
    InputError
        If an array does not have one value per customer, or two columns get the same name.

    Examples
    --------
    >>> import crmintel as ci
    >>> log = ci.TransactionLog.from_arrays(
    ...     customer=["ann", "bob"], time=["2024-01-05", "2024-01-09"], amount=[30.0, 12.5]
    ... )
    >>> table = ci.DecisionTable(log, tier=["vip", "small"], spend=log.spend())
    >>> table
    DecisionTable(2 customers: customer, tier, spend)
    >>> table.columns["tier"].tolist()
    ['vip', 'small']
    """

    def __init__(self, log: TransactionLog, **columns: Any) -> None:
        check_log(log, "log")
        self.columns: dict[str, NDArray[Any]] = {"customer": log.customers}
        self._library = log.library
        for name, answer in columns.items():
            for column, values in _answers(log, name, answer).items():
                if column in self.columns:
                    raise InputError(f"two columns are called {column!r}; rename one of the arguments.")
                self.columns[column] = _aligned(values, column, len(log))

    def __len__(self) -> int:
        return len(self.columns["customer"])

    def __repr__(self) -> str:
        return f"DecisionTable({len(self):,} customers: {', '.join(self.columns)})"

    def to_frame(self) -> Any:
        """Return the table as a frame of the library the log came from (a dict of arrays for arrays).

        Returns
        -------
        frame
        """
        return build_frame(self.columns, self._library)


def _answers(log: TransactionLog, name: str, answer: Any) -> dict[str, Any]:
    if isinstance(answer, type):
        raise InputTypeError(f"{name} is the class {answer.__name__}; give a fitted estimator or an array.")
    if hasattr(answer, "predict_proba"):
        return {name: answer.predict_proba(log)[:, -1]}
    if hasattr(answer, "recommend"):
        answer = answer.recommend(log, n=1)
    elif hasattr(answer, "predict"):
        answer = answer.predict(log)
    if isinstance(answer, tuple) and len(answer) == 2:
        items = np.asarray(answer[0])
        if items.ndim == 2:
            if items.shape[1] == 1:
                return {name: items[:, 0]}
            return {f"{name}_{rank + 1}": items[:, rank] for rank in range(items.shape[1])}
    named = getattr(answer, "columns", None)
    if named is not None and np.ndim(answer) == 2:
        values = np.asarray(answer)
        return {f"{name}_{column}": values[:, i] for i, column in enumerate(named)}
    return {name: answer}


def _aligned(values: Any, name: str, n: int) -> NDArray[Any]:
    array = np.asarray(values)
    if array.ndim != 1 or array.size != n:
        raise InputError(
            f"the column {name!r} has shape {array.shape}; the log has {n} customers, so {n} values are needed."
        )
    return array.astype(object) if array.dtype.kind in "US" else array
