"""What estimators that read a log have in common."""

from __future__ import annotations

from typing import Any

from crmintel.exceptions import InputTypeError
from crmintel.transactions.log import TransactionLog


def check_log(X: Any, name: str = "X") -> TransactionLog:
    """Return ``X`` if it is a log, else say what it is and how to make one."""
    if not isinstance(X, TransactionLog):
        raise InputTypeError(
            f"{name} must be a TransactionLog, got {type(X).__name__}; make one with TransactionLog.from_frame."
        )
    return X


class LogReader:
    """Mixin of estimators whose ``X`` is a log: scikit-learn must not feed them arrays."""

    def __sklearn_tags__(self) -> Any:
        # the estimator that this is mixed into has them
        tags = super().__sklearn_tags__()  # type: ignore[misc]
        tags.input_tags.two_d_array = False
        return tags
