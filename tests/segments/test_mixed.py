"""KPrototypes against exhaustion, k-means, and its own invariants."""

from __future__ import annotations

import pickle
import warnings

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.cluster import KMeans

from crmintel import KPrototypes
from crmintel.exceptions import ColumnError, FitWarning, InputError, InputTypeError
from tests.oracles.mixed import mixed_cost, mixed_optimum


def customers(n: int, seed: int = 0) -> tuple[pd.DataFrame, np.ndarray]:
    """Four planted kinds of customers in three numbers and two categories."""
    rng = np.random.default_rng(seed)
    kind = rng.integers(0, 4, n)
    spend = np.array([0.0, 0.0, 4.0, 4.0])[kind] + rng.normal(size=n)
    visits = np.array([0.0, 4.0, 0.0, 4.0])[kind] + rng.normal(size=n)
    channel = np.where(rng.random(n) < 0.9, np.array(["web", "shop", "web", "phone"])[kind], "mail")
    city = rng.choice(["Bonn", "Kiel"], n)
    frame = {"spend": spend, "channel": channel, "visits": visits, "city": city, "age": rng.normal(size=n)}
    return pd.DataFrame(frame), kind


def quietly(model: KPrototypes, X: object, **fit: object) -> KPrototypes:
    """Fit without the warning on fewer distinct rows than clusters."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FitWarning)
        return model.fit(X, **fit)


@settings(max_examples=25, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(-4, 4), st.sampled_from("abc"), st.sampled_from("xy")), min_size=3, max_size=7
    ),
    st.sampled_from([0.5, 3.0]),
)
def test_nothing_beats_the_exhaustive_optimum(rows, gamma):
    numbers, words = [[float(row[0])] for row in rows], [list(row[1:]) for row in rows]
    X = np.array([[*a, *b] for a, b in zip(numbers, words, strict=True)], dtype=object)
    model = quietly(KPrototypes(2, gamma=gamma, categorical=[1, 2], n_init=5, random_state=0), X)
    best = mixed_optimum(numbers, words, 2, gamma)
    assert model.cost_ >= best - 1e-9
    # what the labels cost at the best prototypes is no more
    assert mixed_cost(numbers, words, model.labels_.tolist(), gamma) <= model.cost_ + 1e-9


@pytest.mark.parametrize("seed", range(10))
def test_many_starts_find_the_exhaustive_optimum(seed):
    X, _ = customers(9, seed)
    model = KPrototypes(2, gamma=1.0, n_init=100, random_state=0).fit(X)
    numbers, words = X[model.numeric_].to_numpy().tolist(), X[model.categorical_].to_numpy().tolist()
    assert model.cost_ == pytest.approx(mixed_optimum(numbers, words, 2, 1.0), rel=1e-9)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**31), st.integers(1, 5))
def test_the_answer_is_a_fixed_point(seed, k):
    X, _ = customers(80, seed)
    model = KPrototypes(k, n_init=2, random_state=seed).fit(X)
    numbers, words = X[model.numeric_].to_numpy(), X[model.categorical_].to_numpy()
    distance = ((numbers[:, None] - model.cluster_centers_) ** 2).sum(axis=2) + model.gamma_ * (
        words[:, None] != model.cluster_modes_
    ).sum(axis=2)
    np.testing.assert_array_equal(model.labels_, distance.argmin(axis=1))
    np.testing.assert_array_equal(model.predict(X), model.labels_)
    assert model.cost_ == pytest.approx(distance.min(axis=1).sum())
    for c in range(k):
        own = model.labels_ == c
        np.testing.assert_allclose(model.cluster_centers_[c], numbers[own].mean(axis=0), atol=1e-12)
        for j, mode in enumerate(model.cluster_modes_[c]):
            assert (words[own, j] == mode).sum() == pd.Series(words[own, j]).value_counts().max()


def test_without_categories_it_is_k_means():
    X = customers(2000)[0][["spend", "visits", "age"]].to_numpy()
    model = KPrototypes(4, random_state=0).fit(X)
    assert model.cost_ == pytest.approx(
        KMeans(4, n_init=10, tol=0.0, random_state=0).fit(X).inertia_, rel=1e-6
    )
    assert model.cluster_modes_.shape == (4, 0)


def test_without_numbers_it_is_k_modes():
    X = {"channel": ["web", "web", "shop", "shop"] * 5, "city": ["Bonn", "Bonn", "Kiel", "Kiel"] * 5}
    model = KPrototypes(2, random_state=0).fit(X)
    assert model.cost_ == 0.0
    assert model.gamma_ == 1.0
    assert sorted(map(tuple, model.cluster_modes_.tolist())) == [("shop", "Kiel"), ("web", "Bonn")]


def test_planted_kinds_are_found():
    X, kind = customers(20_000)  # more than starts are drawn from
    model = KPrototypes(4, random_state=0).fit(X)
    assert pd.crosstab(kind, model.labels_).to_numpy().max(axis=1).sum() > 0.93 * len(X)


def test_gamma_is_half_the_mean_standard_deviation():
    X, _ = customers(300)
    model = KPrototypes(2, random_state=0).fit(X)
    assert model.gamma_ == pytest.approx(0.5 * X[["spend", "visits", "age"]].std(ddof=0).mean())
    constant = X.assign(spend=1.0, visits=2.0, age=3.0)
    assert KPrototypes(2, random_state=0).fit(constant).gamma_ == 1.0
    tenths = {"a": np.full(1000, 0.1), "b": ["x", "y"] * 500}  # whose mean is not 0.1 in binary
    assert KPrototypes(2, random_state=0).fit(tenths).gamma_ == 1.0
    times = np.random.default_rng(0).integers(0, 4, len(X))
    weighted = KPrototypes(2, random_state=0).fit(X, sample_weight=times)
    repeated = KPrototypes(2, random_state=0).fit(X.loc[np.repeat(X.index, times)])
    assert weighted.gamma_ == pytest.approx(repeated.gamma_, rel=1e-12)


def test_weights_are_replication():
    X, _ = customers(300)
    times = np.random.default_rng(0).integers(0, 4, 300)
    weighted = KPrototypes(3, gamma=0.7, n_init=20, random_state=0).fit(X, sample_weight=times)
    repeated = KPrototypes(3, gamma=0.7, n_init=20, random_state=0).fit(X.loc[np.repeat(X.index, times)])
    assert weighted.cost_ == pytest.approx(repeated.cost_, rel=1e-3)


def test_missing_categories_are_one_and_unseen_ones_match_nothing():
    X = pd.DataFrame(
        {"spend": [0.0, 0.1, 0.0, 9.0, 9.1, 9.0], "channel": ["web", "web", "web", None, None, None]}
    )
    model = KPrototypes(2, gamma=1.0, random_state=0).fit(X)
    modes = {mode for (mode,) in model.cluster_modes_.tolist()}
    assert modes == {"web", None}
    assert model.cost_ == pytest.approx(2 * 0.1**2 * 2 / 3)
    new = pd.DataFrame({"spend": [4.0, 5.0], "channel": ["phone", "phone"]})
    assert model.predict(new).tolist() == [model.labels_[0], model.labels_[5]]


def test_every_library_and_shape_gives_the_same():
    X, _ = customers(300)
    reference = KPrototypes(3, random_state=0).fit(X)
    array = X.to_numpy(dtype=object)
    frames = (
        pl.from_pandas(X),
        pa.Table.from_pandas(X),
        {name: X[name].to_numpy() for name in X},
        X.astype({"city": "category"}),
    )
    for same in frames:
        assert KPrototypes(3, random_state=0).fit(same).cost_ == reference.cost_
    for categorical in ([1, 3], [-4, -2], ["x1", "x3"], None):
        for rows in (array, array.tolist()):
            assert KPrototypes(3, categorical=categorical, random_state=0).fit(rows).cost_ == reference.cost_
    assert reference.to_frame("polars").columns == list(X)
    again = pickle.loads(pickle.dumps(reference))
    np.testing.assert_array_equal(again.predict(pl.from_pandas(X)), reference.labels_)


def test_codes_of_categories_can_be_numbers():
    X = np.column_stack([customers(200)[0]["spend"], np.arange(200) % 3])
    model = KPrototypes(3, categorical=[1], gamma=100.0, random_state=0).fit(X)
    assert sorted(model.cluster_modes_[:, 0].tolist()) == [0, 1, 2]
    assert KPrototypes(3, random_state=0).fit(X).categorical_ == []


def test_threads_change_no_bit():
    X, _ = customers(30_000)
    fits = [KPrototypes(5, n_init=1, random_state=1, n_jobs=jobs).fit(X) for jobs in (1, 2, 3)]
    for other in fits[1:]:
        assert other.cost_ == fits[0].cost_
        assert other.cluster_centers_.tobytes() == fits[0].cluster_centers_.tobytes()


def test_fewer_distinct_customers_than_clusters_warns():
    X = {"spend": [1.0, 1.0, 2.0, 2.0], "channel": ["web"] * 4}
    with pytest.warns(FitWarning, match="only 2 of n_clusters=3"):
        assert KPrototypes(3, random_state=0).fit(X).cost_ == 0.0


@pytest.mark.parametrize(
    ("X", "parameters", "error", "message"),
    [
        (
            {"a": [1.0, np.nan, 2.0]},
            {},
            InputError,
            "column 'a' of X must be finite, not NaN; .* 1 of 3 rows",
        ),
        ({"a": [1.0, np.inf, 2.0]}, {}, InputError, "column 'a' of X must be finite"),
        ({"a": [1.0, 2.0]}, {}, InputError, "n_clusters=3 needs as many customers or more; X has 2"),
        ({"a": []}, {}, InputError, "X has 0 rows"),
        ([1.0, 2.0, 3.0], {}, InputError, r"X must be two-dimensional .*, got shape \(3,\)"),
        (7.0, {}, InputError, r"two-dimensional .*, got shape \(\)"),
        ([[1.0], [2.0, 3.0], [1.0]], {}, (InputError, InputTypeError), "different lengths|two-dimensional"),
        ({"a": [1.0, 2.0, 3.0]}, {"categorical": ["b"]}, ColumnError, r"names the column 'b'; X has \['a'\]"),
        ({"a": [1.0, 2.0, 3.0]}, {"categorical": [4]}, ColumnError, "names the column 4"),
        ({"a": [1.0, 2.0, 3.0]}, {"categorical": "a"}, InputTypeError, r"write \['a'\]"),
        ({"a": [1.5, 2.0, 3.0]}, {"categorical": ["a"]}, InputError, "fractional"),
        ({"a": [1.0, 2.0, 3.0]}, {"gamma": -1.0}, InputError, "gamma must be >= 0"),
        ({"a": [1.0, 2.0, 3.0]}, {"n_clusters": 0}, InputError, "n_clusters must be >= 1"),
        ({"a": [1.0, 2.0, 3.0]}, {"n_init": 0}, InputError, "n_init must be >= 1"),
        ({"a": [1.0, 2.0, 3.0]}, {"max_iter": 0}, InputError, "max_iter must be >= 1"),
        (
            {"a": [1.0, 2.0, 3.0], "b": ["x", "2", "3"]},
            {"categorical": []},
            InputTypeError,
            "'x', not a number",
        ),
    ],
)
def test_mistakes_are_named(X, parameters, error, message):
    with pytest.raises(error, match=message):
        KPrototypes(**{"n_clusters": 3, **parameters}).fit(X)


def test_mistakes_in_predict_and_weights_are_named():
    X, _ = customers(50)
    model = KPrototypes(3, random_state=0).fit(X)
    with pytest.raises(ColumnError, match=r"X has the columns \['spend'\], fit saw"):
        model.predict(X[["spend"]])
    with pytest.raises(InputError, match="column 'age' of X is NaN throughout"):
        model.predict(X.assign(age=np.nan))
    with pytest.raises(InputError, match=r"n_clusters=3 needs .* X has 50, 2 of positive weight"):
        clone(model).fit(X, sample_weight=np.r_[1.0, 1.0, np.zeros(48)])
