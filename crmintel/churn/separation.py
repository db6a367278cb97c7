"""Can two sides be told apart, all columns together? How well trees do it that learn from the other rows."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri
from scipy.stats import rankdata
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.pipeline import make_pipeline

from crmintel._compat import few_rows_one_thread
from crmintel.churn.folds import content_order, customer_folds
from crmintel.churn.preparation import EmptyColumns

MOST_ROWS = 20_000  # of a side: beyond it the interval is below .01 wide
_FOLDS = 5
_FEWEST_ROWS = 10  # of a side: two in each fold
_Z = float(ndtri(0.975))


def separation(
    before: NDArray[np.float64],
    now: NDArray[np.float64],
    customers: tuple[NDArray[Any], NDArray[Any]] | None = None,
) -> tuple[float, float, float]:
    """Return the area under the ROC curve on rows held out, and its 95 % interval; NaN where rows are too few.

    .5 is what chance gives. Where ``customers`` are given, nobody is on both sides of a fold: trees that have met a
    customer before would know the date by the customer.

    References
    ----------
    Lopez-Paz and Oquab (2017), "Revisiting Classifier Two-Sample Tests", ICLR.
    DeLong, DeLong and Clarke-Pearson (1988), "Comparing the Areas under Two or More Correlated Receiver Operating
    Characteristic Curves", Biometrics 44(3).
    """
    if min(len(before), len(now)) < _FEWEST_ROWS:
        return np.nan, np.nan, np.nan
    chosen = [
        order[_spread(order.size)]
        for order in (content_order(side, np.zeros(len(side))) for side in (before, now))
    ]
    X = np.concatenate([before[chosen[0]], now[chosen[1]]])
    is_now = np.arange(len(X)) >= chosen[0].size
    who = None if customers is None else np.concatenate([c[i] for c, i in zip(customers, chosen)])
    areas = []
    for train, test in customer_folds(is_now, who, n_folds=_FOLDS):
        trees = HistGradientBoostingClassifier(
            max_iter=50, max_leaf_nodes=8, early_stopping=False, random_state=0
        )
        if is_now[train].all() or not is_now[train].any() or min(np.bincount(is_now[test], minlength=2)) < 2:
            return np.nan, np.nan, np.nan
        with few_rows_one_thread(len(X)):
            fitted = make_pipeline(EmptyColumns(), trees).fit(X[train], is_now[train])
            areas.append(_area(is_now[test], fitted.decision_function(X[test])))
    area, variance = np.mean(areas, axis=0)
    reach = _Z * np.sqrt(variance / len(areas))
    return float(area), max(0.0, float(area - reach)), min(1.0, float(area + reach))


def _spread(n: int) -> NDArray[np.int64]:
    """Return at most `MOST_ROWS` of n positions, evenly spread."""
    return np.arange(n) if n <= MOST_ROWS else np.linspace(0, n - 1, MOST_ROWS).astype(np.int64)


def _area(positive: NDArray[np.bool_], score: NDArray[np.float64]) -> tuple[float, float]:
    """Return the area and its variance by the placements of each side among the other."""
    rank = rankdata(score)
    sides = [positive, ~positive]
    n = [int(side.sum()) for side in sides]
    above = [(rank[side] - rankdata(score[side])) / n[1 - k] for k, side in enumerate(sides)]
    return float(above[0].mean()), float(sum(np.var(a, ddof=1) / size for a, size in zip(above, n)))
