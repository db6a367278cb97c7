"""Value quadrants: what to do with a customer, by current and potential value."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from crmintel._frames import build_frame, is_frame, open_frame
from crmintel._validation import as_numbers, check_number, check_vector
from crmintel.exceptions import ColumnError, InputError, InputTypeError
from crmintel.features.rows import named_columns

QUADRANTS = ("cultivate", "develop", "maintain", "abandon")
_BY_POSITION = {2: (0, 1), 3: (1, 2)}  # current, potential | historic, current, potential
_EDGES: dict[str, Any] = {"median": np.median, "mean": np.mean}


class ValueQuadrants(BaseEstimator):
    """Sort customers into four groups by current and potential value, each with its strategy.

    ============ ================ ===============================================================
    group        current, future  what to do
    ============ ================ ===============================================================
    cultivate    high, high       the best customers: keep them by every effort of the relationship
    develop      low, high        more is to be had from them: cross-sell, win a larger share
    maintain     high, low        loyal but grown up: keep at low cost, do not upsell
    abandon      low, low         save cost; no offers beyond what runs by itself
    ============ ================ ===============================================================

    High means above the edge, which is learned in `fit` and kept, so that next month's customers are judged alike.

    Parameters
    ----------
    current_edge, potential_edge : {"median", "mean"} or float, default="median"
        Where high begins; a number is money.

    Attributes
    ----------
    current_edge_, potential_edge_ : float
        The edges in money.
    n_features_in_ : int
        Number of columns of ``X``.

    References
    ----------
    Verhoef, P. C. & Donkers, B. (2001). Predicting customer potential value: an application in the insurance
    industry. Decision Support Systems 32(2), 189-199.

    Examples
    --------
    >>> from crmintel import ValueQuadrants
    >>> values = [[100.0, 80.0], [0.0, 90.0], [120.0, 5.0], [10.0, 2.0]]  # current, potential
    >>> ValueQuadrants().fit(values).predict(values).tolist()
    ['cultivate', 'develop', 'maintain', 'abandon']
    """

    def __init__(self, current_edge: str | float = "median", potential_edge: str | float = "median") -> None:
        self.current_edge = current_edge
        self.potential_edge = potential_edge

    def fit(self, X: Any, y: Any = None) -> Self:
        """Learn the edges.

        Parameters
        ----------
        X : rows
            Two columns ``current, potential``, the three of `LifetimeValue`, or a frame or dict of arrays that has
            both by name.
        y : ignored

        Returns
        -------
        self
        """
        current, potential = _read(X)
        self.current_edge_ = _edge(self.current_edge, "current_edge", current)
        self.potential_edge_ = _edge(self.potential_edge, "potential_edge", potential)
        self.n_features_in_ = len(X) if isinstance(X, Mapping) else int(np.shape(X)[1])
        return self

    def predict(self, X: Any) -> NDArray[np.object_]:
        """Return the name of each customer's quadrant."""
        check_is_fitted(self)
        current, potential = _read(X)
        return self._names(current, potential)

    def fit_predict(self, X: Any, y: Any = None) -> NDArray[np.object_]:
        """Learn the edges and return the quadrants of the same customers."""
        return self.fit(X).predict(X)

    def table(self, X: Any) -> Any:
        """Return the customers and the money at stake per quadrant.

        Returns
        -------
        frame or dict of arrays
            ``quadrant``, ``customers``, ``share`` of customers, and the sums ``current`` and ``potential``; a frame of
            the library of ``X``, a dict of arrays where ``X`` is an array.
        """
        check_is_fitted(self)
        current, potential = _read(X)
        names = self._names(current, potential)
        masks = [names == quadrant for quadrant in QUADRANTS]
        customers = np.array([np.count_nonzero(mask) for mask in masks])
        columns = {
            "quadrant": np.array(QUADRANTS, dtype=object),
            "customers": customers,
            "share": customers / names.size,
            "current": np.array([current[mask].sum() for mask in masks]),
            "potential": np.array([potential[mask].sum() for mask in masks]),
        }
        return build_frame(columns, open_frame(X).library if is_frame(X) else None)

    def _names(self, current: NDArray[np.float64], potential: NDArray[np.float64]) -> NDArray[np.object_]:
        rich, promising = current > self.current_edge_, potential > self.potential_edge_
        names = np.where(
            promising, np.where(rich, "cultivate", "develop"), np.where(rich, "maintain", "abandon")
        )
        return names.astype(object)


def _read(X: Any) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    if isinstance(X, Mapping) or is_frame(X) or getattr(X, "columns", None) is not None:
        pair: Any = named_columns(X, ("current", "potential")).values()
    else:
        array = as_numbers(X, "X")
        if array.ndim != 2:
            raise InputError(f"X must be two-dimensional (customers x columns), got shape {array.shape}.")
        if array.shape[1] not in _BY_POSITION:
            raise ColumnError(
                f"X has {array.shape[1]} columns; give current, potential, or LifetimeValue's historic, current, "
                "potential."
            )
        pair = (array[:, position] for position in _BY_POSITION[array.shape[1]])
    current, potential = (
        check_vector(v, name, min_length=1) for v, name in zip(pair, ("current", "potential"), strict=True)
    )
    return current, potential


def _edge(edge: Any, name: str, values: NDArray[np.float64]) -> float:
    if isinstance(edge, str):
        if edge not in _EDGES:
            raise InputError(
                f"{name} must be one of {', '.join(map(repr, _EDGES))} or a number; got {edge!r}."
            )
        return float(_EDGES[edge](values))
    if edge is None:
        raise InputTypeError(f"{name} must be one of {', '.join(map(repr, _EDGES))} or a number; got None.")
    return check_number(edge, name)
