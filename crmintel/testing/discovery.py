"""The list of all public estimators."""

from __future__ import annotations

import inspect

from sklearn.base import BaseEstimator


def all_estimators() -> dict[str, type[BaseEstimator]]:
    """Return every estimator class that `crmintel` exports, by name.

    Returns
    -------
    dict of str to type
        Sorted by name.

    Examples
    --------
    >>> from crmintel.testing import all_estimators
    >>> all_estimators()["CustomerSummary"]
    <class 'crmintel.features.summary.CustomerSummary'>
    """
    import crmintel

    public = {name: getattr(crmintel, name) for name in sorted(dir(crmintel)) if not name.startswith("_")}
    return {
        name: obj for name, obj in public.items() if inspect.isclass(obj) and issubclass(obj, BaseEstimator)
    }
