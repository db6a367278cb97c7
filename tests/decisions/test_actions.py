"""What to do: who is at risk in bases that hardly leave, that leave by halves and that mostly leave."""

from __future__ import annotations

import numpy as np
import pytest

from crmintel.decisions.actions import ACTIONS, next_actions
from crmintel.decisions.quadrants import QUADRANTS


@pytest.mark.parametrize(
    ("risk", "border"),
    [
        ([0.01, 0.02, 0.05, 0.12, 0.05], 0.1),  # hardly anybody leaves: twice the mean
        ([0.1, 0.3, 0.5, 0.6, 0.5], 0.5),  # one half
        ([0.4, 0.85, 0.9, 0.95, 0.9], 0.8),  # most leave: the mean
        ([0.7, 0.7, 0.7, 0.7, 0.7], 0.7),  # nobody more than others
    ],
)
def test_the_border_of_risk(risk, border):
    risk = np.array(risk)
    expected = np.where(risk > border + 1e-12, "win back", "keep").tolist()
    assert next_actions({"churn_risk": risk}).tolist() == expected
    assert next_actions({"probability_alive": 1.0 - risk}).tolist() == expected


def test_where_most_leave_not_everybody_is_at_risk():
    risk = np.random.default_rng(0).beta(8.0, 1.2, 2_357)  # mean .87, as of the customers of CDNOW
    assert (risk > 0.5).mean() > 0.95
    assert 0.3 < (next_actions({"churn_risk": risk}) == "win back").mean() < 0.7


def test_every_quadrant_has_an_action_at_risk_and_not():
    columns = {"churn_risk": np.tile([0.1, 0.9], 4), "quadrant": np.repeat(np.array(QUADRANTS, object), 2)}
    pairs = [(quadrant, at_risk) for quadrant in QUADRANTS for at_risk in (False, True)]
    assert next_actions(columns).tolist() == [ACTIONS[pair] for pair in pairs]
