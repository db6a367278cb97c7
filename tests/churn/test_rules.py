"""Churn as rules: each says what its customers have in common, and together they are the tree."""

from __future__ import annotations

import numpy as np
import pytest

import crmintel as ci
from crmintel.exceptions import InputError

pd = pytest.importorskip("pandas")


def customers(n=2000, seed=0):
    rng = np.random.default_rng(seed)
    rows = pd.DataFrame(
        {
            "months": np.where(rng.random(n) < 0.1, np.nan, rng.integers(1, 72, n)),
            "plan": rng.choice(["monthly", "yearly"], n),
            "plan_b": rng.choice(["monthly", "none"], n),
        }
    )
    chance = np.where((rows["plan"] == "monthly") & (rows["months"] < 12), 0.8, 0.1)
    return rows, rng.random(n) < chance


def meets(rows, condition):
    """Read a rule as a person would."""
    met = np.ones(len(rows), dtype=bool)
    for part in condition.split(" and "):
        or_missing = part.endswith(" or missing)")
        part = part.strip("()").removesuffix(" or missing")
        words = part.split()
        if "is" in words:
            same = (rows[words[0]] == words[-1]).to_numpy()
            met &= ~same if "not" in words else same
            continue
        if words[1] == "<":
            inside = (float(words[0]) < rows[words[2]]) & (rows[words[2]] <= float(words[4]))
        else:
            value = float(words[2])
            inside = rows[words[0]] <= value if words[1] == "<=" else rows[words[0]] > value
        met &= inside.to_numpy() | (
            or_missing & rows[words[0] if words[1] != "<" else words[2]].isna().to_numpy()
        )
    return met


def test_every_customer_meets_one_rule_and_the_numbers_are_theirs():
    rows, left = customers()
    rules = ci.churn_rules(rows, left)
    met = np.array([meets(rows, condition) for condition in rules.conditions])
    np.testing.assert_array_equal(met.sum(axis=0), 1)
    np.testing.assert_array_equal(met.sum(axis=1), rules.customers)
    np.testing.assert_array_equal((met & left).sum(axis=1), rules.left)
    assert (np.diff(rules.share) <= 0).all()
    assert "plan is" in rules.conditions[0]
    assert "months <=" in rules.conditions[0]
    assert rules.share[0] > 0.7
    assert ((rules.low <= rules.share) & (rules.share <= rules.high)).all()
    assert str(rules).count("IF ") == len(rules) == len(rules.to_frame("pandas"))


def test_limits_are_kept():
    rows, left = customers()
    rules = ci.churn_rules(rows, left, max_rules=3, min_customers=400)
    assert len(rules) <= 3
    assert rules.customers.min() >= 400


def test_a_log_is_described_by_its_features():
    log, _ = ci.datasets.make_transactions(300, random_state=0)
    rules = ci.churn_rules(*ci.churn_snapshots(log, "90D"))
    assert any("time_since_last" in condition or "purchases" in condition for condition in rules.conditions)


def test_what_cannot_be():
    rows, left = customers(100)
    with pytest.raises(InputError, match="one class only"):
        ci.churn_rules(rows, np.zeros(100))
    with pytest.raises(InputError, match="choose at most 50"):
        ci.churn_rules(rows, left, min_customers=51)
    with pytest.raises(InputError, match="max_rules must be >= 2"):
        ci.churn_rules(rows, left, max_rules=1)
    with pytest.raises(InputError, match="write y =="):
        ci.churn_rules(rows, np.where(left, 1.0, np.nan))


def test_rows_of_one_value_make_one_rule():
    rules = ci.churn_rules({"same": np.ones(200)}, np.arange(200) < 20)
    assert (rules.conditions, rules.customers.tolist()) == (["always"], [200])
