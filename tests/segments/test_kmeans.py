"""CustomerKMeans against scikit-learn, exact arithmetic, exhaustion and its own invariants."""

from __future__ import annotations

import pickle
import warnings

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from crmintel import CustomerKMeans
from crmintel.exceptions import FitWarning, InputError, InputTypeError
from crmintel.features.rows import CustomerRows
from tests.oracles.kmeans import kmeans_optimum, lloyd

tables = hnp.arrays(
    np.float64,
    st.tuples(st.integers(5, 60), st.integers(1, 4)),
    elements=st.integers(-50, 50).map(lambda v: v / 4),
)


def customers(n: int, d: int, seed: int = 0) -> np.ndarray:
    """Log-spend-like columns in a few overlapping groups."""
    rng = np.random.default_rng(seed)
    centre = rng.normal(0.0, 1.5, (6, d))[rng.integers(0, 6, n)]
    return centre + rng.gamma(2.0, 0.5, (n, d)) * rng.normal(1.0, 0.5, (n, d))


def quietly(model: CustomerKMeans, X: np.ndarray, **fit: object) -> CustomerKMeans:
    """Fit without the warning on fewer distinct rows than clusters."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FitWarning)
        return model.fit(X, **fit)


@parametrize_with_checks([CustomerKMeans(n_clusters=3, random_state=0)])
def test_scikit_learn_contract(estimator, check):
    check(estimator)


@pytest.mark.parametrize(
    ("n", "d", "k"), [(3000, 3, 8), (3000, 8, 10), (500, 2, 50), (5000, 12, 5), (40, 30, 4)]
)
@pytest.mark.parametrize("tol", [1e-4, 0.0])
def test_same_start_gives_scikit_learns_fixed_point(n, d, k, tol):
    X = customers(n, d, seed=n + d)
    start = X[:k]
    ours = CustomerKMeans(k, init=start, tol=tol).fit(X)
    theirs = KMeans(k, init=start, n_init=1, tol=tol).fit(X)
    assert ours.inertia_ == pytest.approx(theirs.inertia_, rel=1e-9)
    np.testing.assert_array_equal(ours.labels_, theirs.labels_)
    np.testing.assert_allclose(ours.cluster_centers_, theirs.cluster_centers_, atol=1e-9)
    assert ours.n_iter_ == theirs.n_iter_


def test_same_start_with_weights_gives_scikit_learns_fixed_point():
    X, weight = customers(3000, 3, seed=5), np.random.default_rng(1).exponential(1.0, 3000)
    ours = CustomerKMeans(6, init=X[:6], tol=0.0).fit(X, sample_weight=weight)
    theirs = KMeans(6, init=X[:6], n_init=1, tol=0.0).fit(X, sample_weight=weight)
    assert ours.inertia_ == pytest.approx(theirs.inertia_, rel=1e-9)
    np.testing.assert_array_equal(ours.labels_, theirs.labels_)


def test_exact_arithmetic_agrees_step_by_step():
    rng = np.random.default_rng(3)
    points = rng.integers(-20, 20, (40, 2)) / 8
    start = points[:3]
    for steps in (1, 2, 3, 50):
        labels, centres = lloyd(points.tolist(), start.tolist(), steps)
        model = CustomerKMeans(3, init=start, max_iter=steps, tol=0.0).fit(points)
        np.testing.assert_allclose(model.cluster_centers_, np.array(centres, dtype=float), atol=1e-12)
        if steps == 50:
            assert model.labels_.tolist() == labels


@settings(max_examples=25, deadline=None)
@given(hnp.arrays(np.float64, st.tuples(st.integers(3, 6), st.integers(1, 2)), elements=st.integers(-9, 9)))
def test_no_start_beats_the_exhaustive_optimum_and_its_centres_keep_it(X):
    best, labels = kmeans_optimum(X.tolist(), 3)
    assert (
        quietly(CustomerKMeans(3, n_init=30, random_state=0), X).inertia_ >= float(best) * (1 - 1e-9) - 1e-12
    )
    parts = np.unique(labels)
    optimum = np.array([X[np.array(labels) == part].mean(axis=0) for part in parts])
    model = quietly(CustomerKMeans(parts.size, init=optimum), X)
    assert model.inertia_ == pytest.approx(float(best), rel=1e-9, abs=1e-12)


@settings(max_examples=60, deadline=None)
@given(tables, st.integers(1, 5), st.integers(0, 2**31))
def test_invariants(X, k, seed):
    start = np.random.default_rng(seed).permutation(X)[:k]
    inertia_of_start = np.sum(np.min(((X[:, None] - start) ** 2).sum(axis=2), axis=1))
    model = quietly(CustomerKMeans(k, init=start, tol=0.0), X)
    # never above the start; labels are those of the nearest final centre
    assert model.inertia_ <= inertia_of_start * (1 + 1e-12) + 1e-12
    squared = ((X[:, None] - model.cluster_centers_) ** 2).sum(axis=2)
    np.testing.assert_allclose(squared[np.arange(len(X)), model.labels_], squared.min(axis=1), atol=1e-12)
    np.testing.assert_array_equal(model.predict(X), model.labels_)
    assert model.inertia_ == pytest.approx(squared.min(axis=1).sum(), rel=1e-12, abs=1e-12)
    assert -model.score(X) == model.inertia_
    np.testing.assert_allclose(model.transform(X) ** 2, squared, atol=1e-9)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**31), st.integers(20, 200), st.integers(1, 5))
def test_row_order_and_replication_change_nothing(seed, n, k):
    rng = np.random.default_rng(seed)
    X, times = rng.normal(size=(n, 3)), rng.integers(0, 4, n)
    times[:k] = np.maximum(times[:k], 1)
    start = X[:k]
    weighted = CustomerKMeans(k, init=start).fit(X, sample_weight=times)
    order = rng.permutation(n)
    shuffled = CustomerKMeans(k, init=start).fit(X[order], sample_weight=times[order])
    np.testing.assert_allclose(shuffled.cluster_centers_, weighted.cluster_centers_, rtol=0, atol=1e-12)
    np.testing.assert_array_equal(shuffled.labels_, weighted.labels_[order])
    plain = CustomerKMeans(k, init=start, tol=0.0).fit(np.repeat(X, times, axis=0))
    weighted = CustomerKMeans(k, init=start, tol=0.0).fit(X, sample_weight=times)
    np.testing.assert_allclose(plain.cluster_centers_, weighted.cluster_centers_, rtol=0, atol=1e-12)
    assert plain.inertia_ == pytest.approx(weighted.inertia_, rel=1e-12, abs=1e-12)


@pytest.mark.parametrize("init", ["k-means++", "random"])
def test_threads_change_no_bit(init):
    X = customers(60_000, 4)
    fits = [CustomerKMeans(7, init=init, n_init=2, random_state=3, n_jobs=jobs).fit(X) for jobs in (1, 2, 5)]
    for other in fits[1:]:
        assert other.cluster_centers_.tobytes() == fits[0].cluster_centers_.tobytes()
        assert other.inertia_ == fits[0].inertia_
        np.testing.assert_array_equal(other.labels_, fits[0].labels_)
        np.testing.assert_array_equal(other.predict(X), fits[0].labels_)


def test_labels_follow_a_relocated_centre():
    # scikit-learn #34074: after a relocation its labels are not those of the nearest centres
    X, start = np.array([[1.0], [2.0], [3.0]]), np.array([[4.0], [0.0], [1.0]])
    for max_iter in (1, 2, 10):
        model = CustomerKMeans(3, init=start, max_iter=max_iter).fit(X)
        nearest = np.abs(X - model.cluster_centers_.T).argmin(axis=1)
        np.testing.assert_array_equal(model.labels_, nearest)
    assert model.inertia_ == 0.0


def test_empty_clusters_take_the_farthest_customers():
    X = np.concatenate([customers(500, 2), [[60.0, 60.0], [-80.0, 5.0]]])
    start = np.array([[0.0, 0.0], [1e6, 1e6], [1e6, 2e6]])
    model = CustomerKMeans(3, init=start).fit(X)
    assert np.bincount(model.labels_, minlength=3).min() >= 1
    assert model.labels_[-1] != model.labels_[-2]
    theirs = KMeans(3, init=start, n_init=1).fit(X)
    assert model.inertia_ == pytest.approx(theirs.inertia_, rel=1e-9)


def test_fewer_distinct_rows_than_clusters_warns():
    X = np.repeat([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [5.0, 5.0]], 10, axis=0)
    with pytest.warns(FitWarning, match="only 4 of n_clusters=6"):
        model = CustomerKMeans(6, random_state=0).fit(X)
    assert model.inertia_ == 0.0
    np.testing.assert_array_equal(model.predict(X), model.labels_)


def test_constant_columns_and_one_customer():
    X = np.column_stack([customers(100, 1)[:, 0], np.full(100, 7.0)])
    model = CustomerKMeans(2, random_state=0).fit(X)
    np.testing.assert_array_equal(model.cluster_centers_[:, 1], 7.0)
    one = CustomerKMeans(1).fit([[3.0, 4.0]])
    assert one.cluster_centers_.tolist() == [[3.0, 4.0]]
    assert one.inertia_ == 0.0
    with pytest.warns(FitWarning, match="only 1 of"):
        assert CustomerKMeans(2).fit(np.ones((10, 2))).inertia_ == 0.0


def test_far_offset_and_outlier_lose_no_digits():
    X = customers(4000, 3)
    near = CustomerKMeans(5, init=X[:5]).fit(X)
    far = CustomerKMeans(5, init=X[:5] + 1e8).fit(X + 1e8)
    assert far.inertia_ == pytest.approx(near.inertia_, rel=1e-7)
    assert np.mean(far.labels_ != near.labels_) < 1e-3
    # the outlier leaves the cluster it starts in; what it leaves behind must not remember it
    Y, start = np.concatenate([X, [[1e13, 0.0, 0.0]]]), np.array([[0.0, 0, 0], [1.0, 1, 1], [5e12, 0, 0]])
    model = CustomerKMeans(3, init=start, tol=0.0).fit(Y)
    own = [X[model.labels_[:-1] == c].mean(axis=0) for c in (0, 1)]
    np.testing.assert_allclose(model.cluster_centers_[:2], own, atol=1e-2)


def test_zero_weight_customers_are_labelled_but_do_not_count():
    X = np.concatenate([customers(300, 2), [[1e3, 1e3]]])
    weight = np.r_[np.ones(300), 0.0]
    model = CustomerKMeans(3, init=X[:3]).fit(X, sample_weight=weight)
    without = CustomerKMeans(3, init=X[:3]).fit(X[:-1])
    np.testing.assert_array_equal(model.cluster_centers_, without.cluster_centers_)
    assert model.labels_.size == 301
    np.testing.assert_array_equal(model.predict(X), model.labels_)


def test_weights_of_any_size_keep_the_means_exact():
    rng = np.random.default_rng(0)
    X, weight = customers(200, 2), 10.0 ** rng.integers(-12, 13, 200)
    model = CustomerKMeans(4, init=X[:4], tol=0.0).fit(X, sample_weight=weight)
    for c in range(4):
        own = model.labels_ == c
        mean = np.average(X[own], axis=0, weights=weight[own])
        np.testing.assert_allclose(model.cluster_centers_[c], mean, rtol=1e-9, atol=1e-9)


def test_planted_segments_are_found_and_seeding_is_as_good_as_scikit_learns():
    rng = np.random.default_rng(8)
    truth = rng.integers(0, 5, 5000)
    X = np.array([[0, 0], [9, 0], [0, 9], [9, 9], [20, 20]])[truth] + rng.normal(size=(5000, 2))
    model = CustomerKMeans(5, n_init=5, random_state=0).fit(X)
    found = pd.crosstab(truth, model.labels_).to_numpy()
    assert found.max(axis=1).sum() > 4990
    Y = customers(4000, 3)
    ours = np.median([CustomerKMeans(8, random_state=s).fit(Y).inertia_ for s in range(20)])
    theirs = np.median([KMeans(8, n_init=1, random_state=s).fit(Y).inertia_ for s in range(20)])
    assert ours <= theirs * 1.03


def test_mall_and_wholesale_published_inertias(shared_data):
    mall = pd.read_csv(next((shared_data / "attributes").glob("mall*")))
    X = mall.filter(regex="(?i)income|score").to_numpy(dtype=float)
    for k, inertia in ((4, 73679.8), (5, 44448.46), (6, 37233.8)):
        model = CustomerKMeans(k, n_init=50, random_state=0).fit(X)
        assert model.inertia_ == pytest.approx(inertia, rel=1e-5)
    sizes = CustomerKMeans(5, n_init=50, random_state=0).fit(X).labels_
    assert sorted(np.bincount(sizes)) == [22, 23, 35, 39, 81]


def test_wholesale_inertias(shared_data):
    spend = pd.read_csv(shared_data / "attributes" / "wholesale.csv")
    X = StandardScaler().fit_transform(np.log1p(spend.iloc[:, 2:].to_numpy(dtype=float)))
    for k, inertia in zip(range(2, 7), (1844.06, 1553.34, 1386.86, 1266.15, 1174.18), strict=True):
        model = CustomerKMeans(k, n_init=100, tol=0.0, random_state=0).fit(X)
        assert inertia * (1 - 1e-4) <= model.inertia_ <= inertia + 0.006  # of k = 6 there is a better one yet
        if k == 2:
            assert sorted(np.bincount(model.labels_)) == [188, 252]
            assert adjusted_rand_score(spend["Channel"], model.labels_) == pytest.approx(0.5135, abs=1e-3)


def test_starts_on_a_coreset_are_as_good_and_end_where_no_customer_wants_to_move():
    X = customers(140_000, 3, seed=2)
    X[::20_000] *= 400.0  # a handful of customers who hold most of the inertia
    model = CustomerKMeans(8, n_init=3, random_state=0).fit(X)
    assert model.inertia_ <= KMeans(8, n_init=3, random_state=0).fit(X).inertia_ * 1.001
    np.testing.assert_array_equal(model.predict(X), model.labels_)
    again = CustomerKMeans(8, init=model.cluster_centers_).fit(X)
    assert again.inertia_ == pytest.approx(model.inertia_, rel=1e-4)
    threads = CustomerKMeans(8, n_init=3, random_state=0, n_jobs=2).fit(X)
    assert threads.cluster_centers_.tobytes() == model.cluster_centers_.tobytes()


def test_partial_fit_keeps_exact_means_of_all_taken_in():
    X, weight = customers(900, 3) + 1e6, np.random.default_rng(0).exponential(1.0, 900)
    model = CustomerKMeans(4, init=X[:4])
    given_to = []
    for first in range(0, 900, 300):
        part = slice(first, first + 300)
        before = X[:4] if first == 0 else model.cluster_centers_
        given_to.append(((X[part, None] - before) ** 2).sum(axis=2).argmin(axis=1))
        model.partial_fit(X[part], sample_weight=weight[part])
        np.testing.assert_array_equal(model.labels_, model.predict(X[part]))
    own = np.concatenate(given_to)
    for c in range(4):
        mean = np.average(X[own == c], axis=0, weights=weight[own == c])
        np.testing.assert_allclose(model.cluster_centers_[c], mean, rtol=1e-14)
    np.testing.assert_allclose(model.counts_, np.bincount(own, weight))


def test_partial_fit_goes_on_from_a_fit_and_takes_any_number_of_customers():
    X = customers(500, 2)
    model = CustomerKMeans(5, random_state=0).fit(X)
    centres, counts = model.cluster_centers_, model.counts_
    assert counts.sum() == 500
    label = model.predict(X[:1])[0]
    model.partial_fit(X[:1])
    moved = centres[label] + (X[0] - centres[label]) / (counts[label] + 1.0)
    np.testing.assert_allclose(model.cluster_centers_[label], moved)
    with pytest.raises(InputError, match="n_clusters=5 needs as many customers"):
        CustomerKMeans(5).partial_fit(X[:2])


@pytest.mark.parametrize(
    "random_state", [0, np.random.default_rng(0), np.random.RandomState(0), np.int64(4)], ids=str
)
def test_any_random_state(random_state):
    X = customers(300, 2)
    assert CustomerKMeans(3, random_state=random_state).fit(X).inertia_ > 0
    repeat = [CustomerKMeans(3, random_state=7).fit(X).inertia_ for _ in range(2)]
    assert repeat[0] == repeat[1]


def test_callable_init_and_given_centres():
    X = customers(300, 2)

    def first(X, n_clusters, random_state):
        assert isinstance(random_state, np.random.RandomState)
        return X[:n_clusters]

    called = CustomerKMeans(3, init=first, n_init=2, random_state=0).fit(X)
    given_centres = CustomerKMeans(3, init=X[:3].tolist()).fit(X)
    np.testing.assert_array_equal(called.cluster_centers_, given_centres.cluster_centers_)
    with pytest.warns(FitWarning, match="one is made"):
        CustomerKMeans(3, init=X[:3], n_init=4).fit(X)


def test_any_input_of_numbers_gives_the_same():
    X = customers(400, 3)
    reference = CustomerKMeans(3, random_state=0).fit(X)
    frozen = X.copy()
    frozen.flags.writeable = False
    frame = pd.DataFrame(X, columns=["a", "b", "c"])
    for same in (X.tolist(), frozen, np.asfortranarray(X), X[::-1][::-1], frame, pl.from_pandas(frame)):
        model = CustomerKMeans(3, random_state=0).fit(same)
        assert model.cluster_centers_.tobytes() == reference.cluster_centers_.tobytes()
    assert model.feature_names_in_.tolist() == ["a", "b", "c"]
    single = CustomerKMeans(3, init=X[:3]).fit(X.astype(np.float32))
    assert single.inertia_ == pytest.approx(CustomerKMeans(3, init=X[:3]).fit(X).inertia_, rel=1e-4)


def test_scikit_learn_manners():
    X = pd.DataFrame(customers(300, 3), columns=["a", "b", "c"])
    model = make_pipeline(StandardScaler(), CustomerKMeans(3, random_state=0))
    model.set_output(transform="pandas")
    assert model.fit_transform(X).columns.tolist() == [
        "customerkmeans0",
        "customerkmeans1",
        "customerkmeans2",
    ]
    search = GridSearchCV(model, {"customerkmeans__n_clusters": [2, 3]}, cv=2).fit(X)
    assert search.best_params_["customerkmeans__n_clusters"] in (2, 3)
    again = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(again.predict(X), model.predict(X))


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"n_clusters": 0}, "n_clusters must be >= 1, got 0"),
        ({"n_clusters": 2.5}, "n_clusters must be a whole number"),
        ({"n_clusters": 500}, "n_clusters=500 needs as many customers"),
        ({"init": "kmeans++"}, "init must be one of 'k-means\\+\\+', 'random'"),
        ({"init": np.zeros((2, 2))}, r"init has shape \(2, 2\), expected .* = \(3, 2\)"),
        ({"init": [[0.0, 0.0], [1.0, np.nan], [2.0, 2.0]]}, "init must be finite: 1 of 3"),
        ({"init": None}, r"init has shape \(\), expected"),
        ({"init": [["a", "b"]] * 3}, "init must be 'k-means\\+\\+', 'random', a callable or centres"),
        ({"n_init": "many"}, "n_init must be one of 'auto'"),
        ({"n_init": 0}, "n_init must be >= 1"),
        ({"max_iter": 0}, "max_iter must be >= 1"),
        ({"tol": -1.0}, "tol must be >= 0"),
        ({"tol": float("nan")}, "tol must be >= 0.0 and finite"),
        ({"random_state": "seed"}, "random_state must be None, a whole number"),
        ({"random_state": -1}, "random_state must be >= 0"),
        ({"n_jobs": 0}, "n_jobs must be None or a whole number other than 0"),
    ],
)
def test_a_wrong_parameter_is_named_with_its_bounds(parameters, message):
    with pytest.raises((InputError, InputTypeError), match=message):
        CustomerKMeans(**{"n_clusters": 3, **parameters}).fit(customers(50, 2))


def test_wrong_rows_are_named():
    X = customers(50, 2)
    X[7, 1] = np.nan
    with pytest.raises(InputError, match=r"column 1 of X must be finite.*1 of 50 rows.*row 7"):
        CustomerKMeans(2).fit(X)
    frame = pd.DataFrame(X, columns=["spend", "visits"])
    with pytest.raises(InputError, match="column 'visits' of X"):
        CustomerKMeans(2).fit(frame)
    with pytest.raises(InputError, match=r"column 'visits' of X .* fill or drop the missing values"):
        CustomerKMeans(2).fit(CustomerRows(X, ("spend", "visits")))
    X[:, 1] = np.nan
    with pytest.raises(InputError, match=r"column 'visits' of X .* leave the column out or impute it"):
        CustomerKMeans(2).fit(CustomerRows(X, ("spend", "visits")))
    with pytest.raises(InputTypeError, match="X must hold numbers, got rows of different lengths"):
        CustomerKMeans(2).fit([[1.0, 2.0], [3.0]])
    fitted = CustomerKMeans(2, random_state=0).fit(customers(50, 2))
    with pytest.raises(InputError, match="column 1 of X must be finite, and inf is no missing value"):
        fitted.predict([[0.0, np.inf]])
    with pytest.raises(ValueError, match="3 features"):
        fitted.predict(customers(5, 3))
    with pytest.raises(InputError, match="overflow"):
        CustomerKMeans(1).fit([[1e200, 1.0], [-1e200, 1.0]])


@pytest.mark.parametrize(
    ("X", "message"),
    [
        (pl.LazyFrame({"a": [1.0, 2.0]}), "X is lazy.*collect"),
        (pd.DataFrame({"a": pd.to_datetime(["2020-01-01", "2020-01-02"])}), "'a' has dtype datetime"),
        (pd.DataFrame({"a": ["x", "y"]}), "'a' has dtype|row 0 of 'a' is 'x', not a number"),
        ({"a": [1.0, 2.0]}, "X is a dict; pass a frame or an array"),
    ],
)
def test_columns_that_are_no_numbers_are_named(X, message):
    with pytest.raises(InputTypeError, match=message):
        CustomerKMeans(2).fit(X)


def test_columns_at_both_ends_of_the_float_range():
    tiny = CustomerKMeans(2, random_state=0).fit([[0.0, 1.0], [5e-324, 2.0], [5e-324, 9.0]])
    assert tiny.inertia_ == pytest.approx(0.5)
    large = CustomerKMeans(2, random_state=0).fit([[1e149], [-1e149], [0.9e149]])
    assert np.bincount(large.labels_).tolist() in ([1, 2], [2, 1])


@pytest.mark.parametrize(
    ("weight", "message"),
    [
        (np.full(50, -1.0), "sample_weight must be >= 0"),
        (np.ones(49), "sample_weight has 49 values, expected 50"),
        (np.full(50, np.nan), "sample_weight must be finite"),
        (np.zeros(50), "every sample_weight is zero"),
        (np.r_[1.0, np.zeros(49)], "1 of positive weight"),
    ],
)
def test_wrong_weights_are_named(weight, message):
    with pytest.raises(InputError, match=message):
        CustomerKMeans(2).fit(customers(50, 2), sample_weight=weight)


def test_the_fit_leaves_its_input_and_parameters_alone():
    X, start = customers(100, 2), customers(3, 2, seed=9)
    before, start_before = X.copy(), start.copy()
    model = CustomerKMeans(3, init=start).fit(X)
    np.testing.assert_array_equal(X, before)
    np.testing.assert_array_equal(start, start_before)
    assert model.init is start
