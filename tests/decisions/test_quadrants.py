"""Value quadrants."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from crmintel import ValueQuadrants
from crmintel.exceptions import ColumnError, InputError, InputTypeError
from crmintel.features.rows import CustomerRows

VALUES = np.array([[100.0, 80.0], [0.0, 90.0], [120.0, 5.0], [10.0, 2.0]])
NAMES = ["cultivate", "develop", "maintain", "abandon"]


def test_each_quadrant():
    model = ValueQuadrants().fit(VALUES)
    assert model.predict(VALUES).tolist() == NAMES
    assert (model.current_edge_, model.potential_edge_) == (55.0, 42.5)
    assert model.predict([[55.0, 42.5]]).tolist() == ["abandon"]


def test_edges_are_kept_for_next_month():
    model = ValueQuadrants(current_edge=50, potential_edge="mean").fit(VALUES)
    assert (model.current_edge_, model.potential_edge_) == (50.0, VALUES[:, 1].mean())
    assert model.predict(VALUES * 1000).tolist() == ["cultivate", "develop", "cultivate", "cultivate"]


def test_input_by_name_and_by_position():
    three = np.column_stack([np.full(4, 1e6), VALUES])
    frame = pd.DataFrame(VALUES[:, ::-1], columns=["potential", "current"])
    rows = CustomerRows(three, ("historic", "current", "potential"))
    for X in (three, frame, rows, VALUES.tolist()):
        assert ValueQuadrants().fit_predict(X).tolist() == NAMES


def test_the_table_adds_up():
    table = ValueQuadrants().fit(VALUES).table(pd.DataFrame(VALUES, columns=["current", "potential"]))
    assert isinstance(table, pd.DataFrame)
    assert table["quadrant"].tolist() == NAMES
    assert table["customers"].sum() == 4
    assert table["share"].sum() == pytest.approx(1)
    assert table["current"].sum() == pytest.approx(VALUES[:, 0].sum())
    assert table["potential"].sum() == pytest.approx(VALUES[:, 1].sum())
    assert isinstance(ValueQuadrants().fit(VALUES).table(VALUES), dict)


@pytest.mark.parametrize(
    ("X", "kind", "message"),
    [
        (VALUES[:, 0], InputError, "two-dimensional"),
        (np.zeros((3, 5)), ColumnError, "X has 5 columns"),
        (np.array([[1.0, np.nan]]), InputError, "potential must be finite.*row 0"),
        (VALUES[:0], InputError, "at least 1"),
        (pd.DataFrame({"current": [1.0]}), ColumnError, "potential"),
        ([["a", "b"]], InputTypeError, "must hold numbers"),
        ([[1.0, 2.0], [3.0]], InputTypeError, "X must hold numbers, got rows of different lengths"),
    ],
)
def test_wrong_inputs(X, kind, message):
    with pytest.raises(kind, match=message):
        ValueQuadrants().fit(X)


@pytest.mark.parametrize("edge", ["mode", None, np.nan, [1]])
def test_wrong_edges(edge):
    with pytest.raises((InputError, InputTypeError), match="current_edge"):
        ValueQuadrants(current_edge=edge).fit(VALUES)


def test_a_dict_of_arrays_is_read_by_name():
    named = {"potential": VALUES[:, 1], "current": VALUES[:, 0]}
    model = ValueQuadrants().fit(named)
    assert model.n_features_in_ == 2
    assert model.predict(named).tolist() == ValueQuadrants().fit_predict(VALUES).tolist()
    assert isinstance(model.table(named), dict)
