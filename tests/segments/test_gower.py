"""Gower's distance against its formula; medoids against exhaustion."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crmintel import GowerMedoids, gower_distances
from crmintel.exceptions import CapacityError, ColumnError, FitWarning, InputError
from tests.oracles.mixed import gower, medoid_optimum

cells = st.tuples(
    st.none() | st.integers(-5, 5),
    st.none() | st.sampled_from("abc"),
    st.integers(0, 3),
    st.sampled_from("xy"),
)


def columns(rows):
    a, b, c, d = zip(*rows, strict=True)
    numbers = np.array([np.nan if x is None else float(x) for x in a])
    return {"a": numbers, "b": np.array(b, dtype=object), "c": np.array(c, dtype=float), "d": np.array(d)}


@settings(max_examples=60, deadline=None)
@given(st.lists(cells, min_size=1, max_size=8), st.lists(cells, min_size=1, max_size=4))
def test_distances_follow_the_formula(rows, others):
    known = [[row[j] for row in rows if row[j] is not None] for j in (0, 2)]
    ranges = [float(max(each) - min(each)) if each else 0.0 for each in known]
    # a column without a range tells two customers apart by their distance in its own units
    widths = [ranges[0] or 1.0, None, ranges[1] or 1.0, None]
    for Y, right in ((None, rows), (columns(others), others)):
        expected = [[gower(list(a), list(b), widths) for b in right] for a in rows]
        found = gower_distances(columns(rows), Y, categorical=["b", "d"])
        np.testing.assert_allclose(found, np.array(expected, dtype=float), atol=1e-12)


def test_distances_in_parts_are_the_same():
    X = np.random.default_rng(0).normal(size=(1500, 2))  # more cells than are computed at a time
    width = np.ptp(X, axis=0)
    np.testing.assert_allclose(gower_distances(X), (np.abs(X[:, None] - X) / width).mean(axis=2), atol=1e-12)


def test_unknown_together_is_nan_and_refused_by_medoids():
    X = {"a": [1.0, np.nan, 2.0], "b": [np.nan, 3.0, 4.0]}
    assert np.isnan(gower_distances(X)[0, 1])
    with pytest.raises(InputError, match="row 0 has no column known in common"):
        GowerMedoids(2).fit(X)


@settings(max_examples=30, deadline=None)
@given(st.lists(cells, min_size=4, max_size=9), st.integers(1, 3))
def test_no_swap_makes_medoids_better(rows, k):
    X = columns(rows)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FitWarning)
        model = GowerMedoids(k, categorical=["b", "d"], n_init=10, random_state=0).fit(X)
    D = gower_distances(X, categorical=["b", "d"])
    assert model.inertia_ == pytest.approx(D[model.medoid_indices_].min(axis=0).sum())
    assert model.inertia_ >= medoid_optimum(D.tolist(), k) - 1e-9
    for z in range(k):
        for x in range(len(rows)):
            swapped = model.medoid_indices_.copy()
            swapped[z] = x
            assert D[swapped].min(axis=0).sum() >= model.inertia_ - 1e-9
    np.testing.assert_array_equal(model.predict(X), model.labels_)


@pytest.mark.parametrize("seed", range(10))
def test_many_starts_find_the_best_medoids(seed):
    X = np.random.default_rng(seed).normal(size=(14, 2))
    model = GowerMedoids(3, n_init=30, random_state=0).fit(X)
    assert model.inertia_ == pytest.approx(medoid_optimum(gower_distances(X).tolist(), 3), rel=1e-9)


def test_planted_kinds_are_found_in_any_library():
    rng = np.random.default_rng(1)
    kind = rng.integers(0, 3, 300)
    X = pd.DataFrame(
        {"age": 20.0 * kind + rng.normal(0, 3, 300), "channel": np.array(["web", "shop", "mail"])[kind]}
    )
    model = GowerMedoids(3, random_state=0).fit(X)
    assert pd.crosstab(kind, model.labels_).to_numpy().max(axis=1).sum() == 300
    np.testing.assert_array_equal(
        GowerMedoids(3, random_state=0).fit(pl.from_pandas(X)).labels_, model.labels_
    )


def test_two_unseen_categories_are_not_the_same():
    X = {"city": ["Bonn", "Kiel"]}
    assert gower_distances(X, {"city": ["Ulm", "Bonn"]}).tolist() == [[1.0, 0.0], [1.0, 1.0]]


def test_mistakes_are_named():
    X = np.random.default_rng(0).normal(size=(20, 2))
    with pytest.raises(InputError, match="n_clusters=30 needs as many customers"):
        GowerMedoids(30).fit(X)
    with pytest.raises(InputError, match="n_clusters must be >= 1"):
        GowerMedoids(0).fit(X)
    with pytest.raises(CapacityError, match="the largest n is 20000"):
        GowerMedoids(2).fit(np.zeros((20_001, 1)))
    with pytest.raises(ColumnError, match="fit saw"):
        gower_distances(X, X[:, :1])
    with pytest.raises(InputError, match="column 'x0' of X must be finite"):
        gower_distances([[np.inf, 1.0]])
    with pytest.raises(InputError, match="X has 0 rows"):
        gower_distances(np.empty((0, 2)))
    with pytest.warns(FitWarning, match="only 1 of n_clusters=2"):
        assert GowerMedoids(2, random_state=0).fit(np.ones((5, 2))).inertia_ == 0.0
