"""Durations that may be cut off: how they are checked, and how long they could be watched."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from crmintel._frames import open_frame
from crmintel._validation import check_vector, raise_if_any
from crmintel.churn._outcomes import check_outcome
from crmintel.exceptions import InputError


def check_durations(duration: Any, event: Any) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Return durations (at least one, none below 0) and whether each ended with the customer leaving."""
    lasted = check_vector(duration, "duration", low=0.0, min_length=1)
    return lasted, check_outcome(event, "event", n=lasted.size) == 1


def check_segments(segment: Any, n: int) -> tuple[NDArray[np.int32], list[Any]]:
    """Return the code of each of ``n`` customers' segment, and the segments, sorted."""
    code, labels = open_frame({"segment": segment}, "segment").ids("segment")
    if code.size != n:
        raise InputError(f"segment has {code.size} values, expected {n}: one per row.")
    raise_if_any(
        code < 0, code, "segment", "must not be missing; give those customers a segment of their own"
    )
    return code, labels.tolist()


def check_train(
    train: Any, lasted: NDArray[np.float64], left: NDArray[np.bool_]
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Return the customers who tell how long customers were watched: ``train``, or the given ones."""
    if train is None:
        return lasted, left
    if not isinstance(train, tuple) or len(train) != 2:
        raise InputError("train must be a pair (duration, event) of other customers, or None.")
    return check_durations(*train)


def chance_watched(
    train: tuple[NDArray[np.float64], NDArray[np.bool_]], until: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the chance that a customer is watched longer than ``until``: Kaplan-Meier of the ends of observation.

    Customers who leave at the moment at which others are cut off count as gone before.
    """
    time, place = np.unique(train[0], return_inverse=True)
    left = np.bincount(place, train[1])
    cut = np.bincount(place, ~train[1])
    at_risk = np.cumsum((left + cut)[::-1])[::-1] - left
    share = np.divide(cut, at_risk, out=np.zeros_like(at_risk), where=cut > 0)
    watched = np.concatenate([[1.0], np.cumprod(1.0 - share)])
    return watched[np.searchsorted(time, until, side="right")]
