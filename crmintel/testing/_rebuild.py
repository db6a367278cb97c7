"""A log taken apart into plain columns, and read anew from them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from numpy.typing import NDArray

from crmintel._frames import build_frame
from crmintel.transactions.lines import LABEL_FIELDS, NUMBER_FIELDS
from crmintel.transactions.log import TransactionLog


def columns_of(log: TransactionLog) -> dict[str, NDArray[Any]]:
    """Return every column of the lines, with the customers' ids."""
    return {"customer": log.customers[log.owners()], **log.compact().lines.columns()}


def log_of(
    columns: Mapping[str, NDArray[Any]],
    log: TransactionLog,
    library: str | None = None,
    customers: NDArray[Any] | None = None,
) -> TransactionLog:
    """Read a log from a frame of ``library``, with the end of ``log`` and its attributes, or those of ``customers``."""
    roles = {name: name for name in (*NUMBER_FIELDS, *LABEL_FIELDS) if name in columns}
    keep = [name for name in columns if name not in roles and name not in ("customer", "time")]
    again = TransactionLog.from_frame(
        build_frame(dict(columns), library), customer="customer", time="time", keep=keep, end=log.end, **roles
    )
    if log.attributes:
        named = log.customers if customers is None else customers
        again = again.with_customers({"customer": named, **log.attributes}, customer="customer")
    return again
