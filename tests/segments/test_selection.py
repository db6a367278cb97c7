"""Silhouettes and the choice of k: against scikit-learn, planted clusters, noise, bad input."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import cdist
from sklearn.cluster import DBSCAN, HDBSCAN, BisectingKMeans
from sklearn.metrics import silhouette_samples
from sklearn.mixture import GaussianMixture

import crmintel as ci
from crmintel.exceptions import InputError, InputTypeError
from crmintel.segments._stability import Reference, cluster_jaccard, log_spread, prediction_strength


def blobs(rng, n, k, d, distance):
    """Rows of k normal clusters whose centres stand at least ``distance`` apart."""
    while True:
        centres = rng.uniform(-1, 1, (k, d)) * 1.8 * distance
        apart = np.linalg.norm(centres[:, None] - centres[None], axis=2) + np.eye(k) * 1e9
        if apart.min() > distance:
            labels = rng.integers(0, k, n)
            return centres[labels] + rng.normal(size=(n, d)), labels


@settings(deadline=None, max_examples=50)
@given(st.integers(3, 150), st.integers(2, 6), st.integers(1, 5), st.integers(0, 10_000))
def test_silhouettes_are_scikit_learns(n, k, d, seed):
    rng = np.random.default_rng(seed)
    X, labels = rng.normal(size=(n, d)).round(1), rng.integers(0, k, n)
    if not 2 <= np.unique(labels).size < n:
        return
    found = ci.silhouette(X, labels)
    # scikit-learn's distances are differences of squares: right to the root of the rounding where points coincide
    assert found.samples == pytest.approx(silhouette_samples(X, labels), abs=1e-6)
    assert found.samples == pytest.approx(
        silhouette_samples(cdist(X, X), labels, metric="precomputed"), abs=1e-12
    )
    assert found.value == pytest.approx(found.samples.mean())
    assert np.array_equal(found.samples, ci.silhouette(X, labels, n_jobs=2).samples)


def test_the_interval_of_a_sample_covers():
    rng = np.random.default_rng(0)
    X, labels = blobs(rng, 3000, 3, 2, 3)
    truth = ci.silhouette(X, labels).value
    inside = 0
    for seed in range(200):
        found = ci.silhouette(X, labels, n_samples=200, random_state=seed)
        inside += found.low <= truth <= found.high
        assert found.rows.size == 200
    assert 0.84 < inside / 200 < 0.96


def test_silhouettes_of_odd_segments():
    assert ci.silhouette([[0.0], [0.0], [9.0]], ["a", "a", "b"]).samples.tolist() == [1.0, 1.0, 0.0]
    assert ci.silhouette([[1.0]] * 4, [0, 0, 1, 1]).samples.tolist() == [0.0] * 4
    assert ci.silhouette([[0.0], [1.0], [5.0]], [0, None, 1]).rows.tolist() == [0, 2]
    with pytest.raises(InputError, match="compares 2 or more"):
        ci.silhouette([[0.0], [1.0]], [0, 0])
    with pytest.raises(InputError, match="'x0' of X must be finite, not NaN"):
        ci.silhouette([[np.nan], [1.0]], [0, 1])


@pytest.mark.parametrize(("distance", "k"), [(3.5, 3), (4.0, 5), (6.0, 6)])
def test_planted_clusters_are_found(distance, k):
    X, labels = blobs(np.random.default_rng(k), 900, k, 3, distance)
    selection = ci.ClusterSelection(k=range(2, 9), n_splits=0, n_bootstrap=0, random_state=0).fit(X)
    assert selection.best_k_ == k
    assert np.mean(ci.align_labels(labels, selection.labels_) == labels) > 0.9
    assert np.array_equal(selection.predict(X), selection.labels_)


def test_noise_is_one_segment():
    rng = np.random.default_rng(1)
    for X in (rng.normal(size=(500, 3)), rng.random((400, 2)), rng.standard_t(5, (600, 4))):
        selection = ci.ClusterSelection(k=range(2, 7), n_splits=0, n_bootstrap=0, random_state=0).fit(X)
        assert selection.best_k_ == 1
        assert selection.best_estimator_ is None
        assert not selection.predict(X).any()


def test_a_number_no_better_than_featureless_data_is_not_chosen():
    """Five groups like the spots of a die: two clusters are a plateau of the gap, and no better than chance."""
    centres = np.array([[0.0, 0.0], [6.0, 0.0], [0.0, 6.0], [6.0, 6.0], [3.0, 3.0]])
    for seed in (0, 1):
        rng = np.random.default_rng(seed)
        X = centres[rng.integers(0, 5, 250)] + 0.7 * rng.normal(size=(250, 2))
        found = ci.ClusterSelection(k=range(2, 8), n_splits=0, n_bootstrap=0, random_state=seed).fit(X)
        assert found.best_k_ == 5
        assert found.table_["gap_pvalue"][1] > 0.05


def test_a_heap_in_the_middle_is_no_cluster():
    few = {"n_splits": 0, "n_bootstrap": 0}
    rng = np.random.default_rng(0)
    heap = rng.normal(size=(300, 2))
    grid = {"eps": [0.1, 0.2, 0.3, 0.5]}
    found = ci.ClusterSelection(DBSCAN(), param_grid=grid, random_state=0, **few).fit(heap)
    assert max(found.table_["k"]) > 1
    assert found.best_k_ == 1
    apart = heap + 9.0 * rng.integers(0, 3, (300, 1))
    assert ci.ClusterSelection(DBSCAN(), param_grid=grid, random_state=0, **few).fit(apart).best_k_ == 3


def test_settings_that_cannot_be_are_told():
    X = np.random.default_rng(0).normal(size=(15, 2))
    with pytest.raises(InputError, match=r"X has 15 customers. Write k=range\(2, 8\)"):
        ci.ClusterSelection().fit(X)
    with pytest.raises(InputError, match="X has 1 customers; to compare"):
        ci.ClusterSelection().fit(X[:1])
    with pytest.raises(InputTypeError, match=r"pass DBSCAN\(\), not the class"):
        ci.ClusterSelection(DBSCAN).fit(X)
    with pytest.raises(InputError, match=r"'radius', which is no parameter of DBSCAN; it has .*eps"):
        ci.ClusterSelection(DBSCAN(), param_grid={"radius": [1.0]}).fit(X)


@pytest.mark.slow
@pytest.mark.parametrize("noise", ["normal", "correlated", "uniform", "t5"])
def test_noise_is_one_segment_in_95_of_100_runs(noise):
    rng = np.random.default_rng(2)
    ones = 0
    for seed in range(100):
        n, d = int(rng.integers(200, 1500)), int(rng.integers(2, 6))
        X = rng.random((n, d)) if noise == "uniform" else rng.normal(size=(n, d))
        if noise == "correlated":
            X = X @ rng.normal(size=(d, d))
        if noise == "t5":
            X = rng.standard_t(5, (n, d))
        found = ci.ClusterSelection(k=range(2, 9), n_splits=0, n_bootstrap=0, random_state=seed).fit(X)
        ones += found.best_k_ == 1
    assert ones >= 95


@pytest.mark.slow
@pytest.mark.parametrize("distance", [3.5, 4.0, 5.0, 7.0])
def test_planted_clusters_over_a_grid(distance):
    rng = np.random.default_rng(3)
    hits = 0
    for seed in range(20):
        k = int(rng.integers(2, 8))
        X, _ = blobs(rng, 1000, k, int(rng.integers(2, 6)), distance)
        found = ci.ClusterSelection(k=range(2, 10), n_splits=0, n_bootstrap=0, random_state=seed).fit(X)
        hits += found.best_k_ == k
    assert hits >= 18


@pytest.mark.parametrize(
    "criterion", ["silhouette", "calinski_harabasz", "davies_bouldin", "prediction_strength", "jaccard"]
)
def test_every_criterion_finds_clear_clusters(criterion):
    X, _ = blobs(np.random.default_rng(4), 600, 4, 2, 9)
    selection = ci.ClusterSelection(
        k=range(2, 7), criterion=criterion, n_references=5, n_bootstrap=5, random_state=0
    ).fit(X)
    assert selection.best_k_ == 4
    row = selection.best_index_
    assert selection.table_["prediction_strength"][row] > 0.95
    assert selection.jaccard_[row].min() > 0.95
    assert selection.table_["jaccard"][row + 1] < 0.8


def test_stability_tells_real_from_cut_clusters():
    rng = np.random.default_rng(5)
    X = rng.normal(size=(800, 2))

    def fit(rows, source):
        return ci.CustomerKMeans(4, random_state=int(source.integers(2**31))).fit(rows).labels_

    strength, error = prediction_strength(X, fit, rng, 4)
    assert strength < 0.7
    assert 0 < error < 0.2
    assert cluster_jaccard(X, fit(X, rng), fit, rng, 10).min() < 0.7


def test_the_reference_is_as_wide_as_the_data():
    rng = np.random.default_rng(6)
    X = rng.normal(size=(5000, 2)) @ [[3.0, 2.0], [0.0, 0.5]]
    drawn = Reference(X).draw(rng)
    axes = np.linalg.svd(X - X.mean(axis=0), full_matrices=False)[2]
    for each in (X, drawn):
        turned = (each - X.mean(axis=0)) @ axes.T
        assert np.ptp(turned, axis=0) == pytest.approx(
            np.ptp((X - X.mean(axis=0)) @ axes.T, axis=0), rel=0.01
        )
    labels = rng.integers(0, 3, 5000)
    slow = sum(((X[labels == c] - X[labels == c].mean(axis=0)) ** 2).sum() for c in range(3))
    assert log_spread(X, labels) == pytest.approx(np.log(slow))


def test_other_clusterers():
    X, _ = blobs(np.random.default_rng(7), 200, 3, 2, 9)
    few = {"criterion": "silhouette", "n_references": 3, "n_splits": 0, "n_bootstrap": 0, "random_state": 0}
    for estimator in (GaussianMixture(), BisectingKMeans(n_init=3)):
        selection = ci.ClusterSelection(estimator, k=[2, 3, 4], **few).fit(X)
        assert selection.best_k_ == 3
        assert type(selection.best_estimator_) is type(estimator)
    grid = {"min_cluster_size": [20, 30]}
    selection = ci.ClusterSelection(HDBSCAN(copy=True), param_grid=grid, **few).fit(X)
    assert selection.best_k_ == 3
    assert selection.params_[1:] == [{"min_cluster_size": 20}, {"min_cluster_size": 30}]


def test_the_same_seed_gives_the_same_table():
    X = np.random.default_rng(8).normal(size=(300, 2))
    first, second = (ci.ClusterSelection(k=[2, 3], random_state=3, n_references=4).fit(X) for _ in range(2))
    for name, column in first.table_.items():
        assert np.array_equal(column, second.table_[name], equal_nan=True)
    assert first.to_frame("pandas").shape == (3, len(first.table_))


def test_the_order_of_the_settings_does_not_matter():
    X, _ = blobs(np.random.default_rng(1), 180, 3, 2, 7)
    few = {"n_splits": 0, "n_bootstrap": 0, "random_state": 0}
    for k in ([2, 3, 4, 5, 6, 7, 8], [8, 7, 6, 5, 4, 3, 2]):
        assert ci.ClusterSelection(k=k, **few).fit(X).best_k_ == 3


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"k": [2, 60]}, "n / 2 = 50"),
        ({"k": []}, "must hold numbers from 2"),
        ({"criterion": "elbow"}, "criterion must be one of"),
        ({"criterion": "jaccard", "n_bootstrap": 0}, "needs more than 0 resamples"),
        ({"estimator": HDBSCAN(copy=True)}, "param_grid"),
        ({"n_references": 1}, "n_references must be >= 3"),
    ],
)
def test_bad_input(options, message):
    X = np.random.default_rng(9).normal(size=(100, 2))
    with pytest.raises(InputError, match=message):
        ci.ClusterSelection(**options).fit(X)
    with pytest.raises(InputError, match="'x0' of X is NaN throughout"):
        ci.ClusterSelection().fit(np.full((50, 2), np.nan))


def test_the_silhouette_of_a_sample_has_an_error_and_of_all_none():
    X, _ = blobs(np.random.default_rng(0), 300, 2, 2, 4)
    settings = {"k": [2], "n_splits": 0, "n_bootstrap": 0, "random_state": 0}
    assert ci.ClusterSelection(**settings).fit(X).table_["silhouette_error"][1] == 0.0
    sampled = ci.ClusterSelection(max_rows=100, **settings).fit(X).table_
    assert 0.0 < sampled["silhouette_error"][1] < 0.2


@pytest.mark.parametrize(("k", "instead"), [(5, 6), (np.int64(5), 6), (1, 11), (2.5, 11), (None, 11)])
def test_one_number_of_clusters_is_none_to_compare(k, instead):
    with pytest.raises(
        InputTypeError, match=rf"k must be the numbers of clusters.*write k=range\(2, {instead}\)"
    ):
        ci.ClusterSelection(k=k).fit(np.arange(40.0).reshape(20, 2))
