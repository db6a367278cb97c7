"""DecisionTable: answers of every shape stand in the log's order, or the mistake is named."""

from __future__ import annotations

import numpy as np
import pandas as pd
import polars as pl
import pytest

from crmintel import DecisionTable, TransactionLog
from crmintel.decisions.actions import ACTIONS, next_actions
from crmintel.decisions.quadrants import QUADRANTS
from crmintel.features.rows import CustomerRows


@pytest.fixture
def log():
    return TransactionLog.from_arrays(
        customer=["bob", "ann", "cid"],
        time=["2024-01-05", "2024-01-09", "2024-02-01"],
        amount=[30.0, 12.5, 7.0],
    )


class Risk:
    def predict_proba(self, log):
        return np.column_stack([1 - log.spend() / 100, log.spend() / 100])


class Offer:
    def recommend(self, log, n):
        items = np.array([["tea"], ["cup"], [None]], dtype=object)
        return items[:, :n], np.ones((3, n))


class Tier:
    def predict(self, log):
        return np.where(log.spend() > 10, "major", "small")


def test_every_kind_of_answer_becomes_columns_in_log_order(log):
    table = DecisionTable(
        log,
        tier=Tier(),
        risk=Risk(),
        offer=Offer(),
        offers=(np.array([["a", "b"], ["c", "d"], ["e", None]], dtype=object), np.ones((3, 2))),
        value=CustomerRows([[1, 2], [3, 4], [5, 6]], ["current", "potential"]),
        plain=[7, 8, 9],
    )
    assert table.columns["customer"].tolist() == ["ann", "bob", "cid"]
    assert table.columns["tier"].tolist() == ["major", "major", "small"]
    assert table.columns["risk"] == pytest.approx([0.125, 0.3, 0.07])
    assert table.columns["offer"].tolist() == ["tea", "cup", None]
    assert table.columns["offers_1"].tolist() == ["a", "c", "e"]
    assert table.columns["offers_2"].tolist() == ["b", "d", None]
    assert table.columns["value_potential"].tolist() == [2, 4, 6]
    assert table.columns["plain"].tolist() == [7, 8, 9]
    assert len(table) == 3


@pytest.mark.parametrize(("library", "module"), [("pandas", pd), ("polars", pl)])
def test_frame_is_of_the_library_the_log_came_from(library, module):
    frame = module.DataFrame({"c": [2, 1], "t": ["2024-01-05", "2024-01-09"]})
    log = TransactionLog.from_frame(frame, customer="c", time="t")
    result = DecisionTable(log, offer=(np.array([["tea"], [None]], dtype=object), None)).to_frame()
    assert isinstance(result, module.DataFrame)
    assert list(result["customer"]) == [1, 2]
    assert result["offer"][0] == "tea"


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"tier": ["vip"]}, r"'tier' has shape \(1,\); the log has 3 customers"),
        ({"tier": "vip"}, r"'tier' has shape \(\)"),
        ({"x": np.ones((3, 2))}, r"'x' has shape \(3, 2\)"),
        ({"customer": [1, 2, 3]}, "two columns are called 'customer'"),
        ({"tier": Tier}, "the class Tier; give a fitted estimator"),
    ],
)
def test_mistakes_are_named(log, columns, message):
    with pytest.raises((ValueError, TypeError), match=message):
        DecisionTable(log, **columns)


def test_log_must_be_a_log():
    with pytest.raises(TypeError, match="log must be a TransactionLog, got list"):
        DecisionTable([1, 2])


def test_every_quadrant_has_its_two_actions():
    assert set(ACTIONS) == {(quadrant, risky) for quadrant in QUADRANTS for risky in (False, True)}
    quadrants = np.array(["cultivate", "abandon"], dtype=object)
    actions = next_actions({"quadrant": quadrants, "churn_risk": np.array([0.9, 0.1])})
    assert actions.tolist() == [ACTIONS["cultivate", True], ACTIONS["abandon", False]]


def test_without_churn_risk_the_probability_alive_decides():
    actions = next_actions({"probability_alive": np.array([0.9, 0.1])})
    assert actions.tolist() == ["keep", "win back"]


def test_in_a_base_that_hardly_leaves_twice_the_mean_risk_is_risky():
    risk = np.array([0.02, 0.02, 0.02, 0.3])
    assert next_actions({"churn_risk": risk}).tolist() == ["keep", "keep", "keep", "win back"]
