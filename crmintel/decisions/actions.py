"""From the columns of a decision table to what to do, in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

# (quadrant, at risk) -> action. The quadrants are those of ValueQuadrants.
ACTIONS: dict[tuple[str, bool], str] = {
    ("cultivate", False): "reward and keep close",
    ("cultivate", True): "win back in person",
    ("develop", False): "offer more",
    ("develop", True): "reactivate with an offer",
    ("maintain", False): "keep at low cost",
    ("maintain", True): "remind at low cost",
    ("abandon", False): "no spending beyond routine",
    ("abandon", True): "let go",
}


def next_actions(columns: Mapping[str, NDArray[Any]]) -> NDArray[Any]:
    """Return one action per customer.

    Parameters
    ----------
    columns : mapping of str to ndarray of shape (n_customers,)
        ``churn_risk``, or else one less ``probability_alive``, tells who is at risk: above one half, but where most
        leave above the mean risk, and where few do above twice the mean. ``quadrant`` tells what to do about it;
        without quadrants there is only "keep" and "win back".

    Returns
    -------
    ndarray of str, shape (n_customers,)
    """
    risk = columns["churn_risk"] if "churn_risk" in columns else 1.0 - columns["probability_alive"]
    mean = float(risk.mean())
    at_risk = risk > np.clip(0.5, mean, 2.0 * mean)
    if "quadrant" not in columns:
        return np.where(at_risk, "win back", "keep").astype(object)
    pairs = zip(columns["quadrant"].tolist(), at_risk.tolist())
    return np.array([ACTIONS[pair] for pair in pairs], dtype=object)
