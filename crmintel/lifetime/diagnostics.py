"""How far predictions were from what customers then did."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import rankdata

from crmintel._validation import check_vector
from crmintel.features.rows import unit_of
from crmintel.lifetime._histories import Vector, read_histories
from crmintel.transactions.calendar import duration


def holdout_errors(expected: ArrayLike, actual: ArrayLike) -> dict[str, float]:
    """Compare predictions with what happened in a holdout period, customer by customer.

    Parameters
    ----------
    expected, actual : array of shape (n_customers,)
        Purchases, or money.

    Returns
    -------
    dict
        ``n`` customers; ``mae`` and ``rmse``, mean absolute and root mean squared error; ``bias``, mean of expected
        less actual; ``total_ratio``, sum of expected over sum of actual (nan if nothing happened); ``spearman``, rank
        correlation (nan if one side does not vary); ``top_decile_capture``, the share of the actual total that came
        from the tenth of customers with the highest predictions (ties share; nan if nothing happened).

    Examples
    --------
    >>> from crmintel.lifetime.diagnostics import holdout_errors
    >>> errors = holdout_errors([1.0, 0.5, 0.2], [2, 0, 0])
    >>> round(errors["mae"], 3), round(errors["bias"], 3)
    (0.567, -0.1)
    """
    expected = check_vector(expected, "expected", min_length=1)
    actual = check_vector(actual, "actual", n=expected.size)
    error = expected - actual
    total = float(actual.sum())
    return {
        "n": float(expected.size),
        "mae": float(np.abs(error).mean()),
        "rmse": float(np.sqrt(np.mean(error**2))),
        "bias": float(error.mean()),
        "total_ratio": float(expected.sum()) / total if total else np.nan,
        "spearman": _rank_correlation(expected, actual),
        "top_decile_capture": _captured(expected, actual, 0.1) / total if total else np.nan,
    }


def past_rate(X: Any, horizon: float | str) -> Vector:
    """Return the naive forecast: every customer goes on buying at its own past rate, frequency / T.

    Parameters
    ----------
    X : rows
        ``frequency, recency, T``. A customer with T = 0 is expected to buy nothing.
    horizon : float or str
        A number in the unit of the rows, or text like ``"52W"`` where ``X`` carries its unit.

    Returns
    -------
    ndarray of shape (n_customers,)
    """
    histories = read_histories(X)
    t = duration(horizon, unit_of(X))
    return t * histories.x / np.where(histories.T > 0, histories.T, 1.0)


def _rank_correlation(expected: Vector, actual: Vector) -> float:
    a, b = (rank - rank.mean() for rank in (rankdata(expected), rankdata(actual)))
    spread = np.sqrt((a @ a) * (b @ b))
    return float(a @ b / spread) if spread > 0 else np.nan


def _captured(expected: Vector, actual: Vector, share: float) -> float:
    """Actual total of the top ``share`` by ``expected``; customers tied at the edge count by their mean."""
    size = share * expected.size
    edge = np.partition(expected, expected.size - int(np.ceil(size)))[expected.size - int(np.ceil(size))]
    above, tied = expected > edge, expected == edge
    room = size - np.count_nonzero(above)
    return float(actual[above].sum() + room * actual[tied].mean())
