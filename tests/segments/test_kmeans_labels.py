"""Every assignment of CustomerKMeans against plain comparisons in double precision, on data made to be hard."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crmintel import CustomerKMeans
from crmintel.exceptions import FitWarning, InputError
from crmintel.segments._blocks import Threads, build_blocks
from crmintel.segments._lloyd import Partition
from crmintel.segments._nearest import nearest


def plain_labels(points: np.ndarray, centres: np.ndarray) -> np.ndarray:
    """Squared differences summed over the columns in order, lowest index on ties."""
    squared = np.zeros((len(points), len(centres)))
    for j in range(points.shape[1]):
        squared += (points[:, j, None] - centres[:, j]) ** 2
    return squared.argmin(axis=1)


def hard_rows(kind: str, n: int, d: int, rng: np.random.Generator) -> np.ndarray:
    X = rng.normal(size=(n, d)) + 3.0 * rng.integers(0, 3, (n, 1))
    if kind == "lattice":
        return np.round(X)
    if kind == "duplicates":
        return X[rng.integers(0, 7, n)]
    if kind == "offset":
        return X + 1e9
    if kind == "denormal":
        return X * 1e-310
    if kind == "squares are denormal":
        return X * 1e-161
    if kind == "huge":
        return X * 1e100
    if kind == "beyond single precision":
        return X * 1e25
    if kind == "one far out":
        X[rng.integers(n)] = 1e7
    if kind == "tight groups far apart":
        X = X * 1e-6 + 1e4 * rng.integers(0, 2, (n, 1))
    if kind == "single":
        X = X.astype(np.float32).astype(np.float64)
    if kind == "columns of different size":
        X *= 10.0 ** rng.integers(-12, 12, d)
    return X


KINDS = (
    *(
        "plain",
        "lattice",
        "duplicates",
        "offset",
        "denormal",
        "squares are denormal",
        "huge",
        "beyond single precision",
        "one far out",
    ),
    *("tight groups far apart", "single", "columns of different size"),
)


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=8, deadline=None)
@given(
    n=st.sampled_from([40, 64, 300, 2000]),
    d=st.integers(1, 17),
    k=st.sampled_from([2, 3, 5, 9, 16, 17, 36]),
    weighted=st.booleans(),
    seed=st.integers(0, 2**31),
)
def test_every_assignment_is_that_of_comparing_everything(kind, n, d, k, weighted, seed):
    rng = np.random.default_rng(seed)
    X = hard_rows(kind, n, d, rng)
    weight = np.full(n, 0.3)
    if weighted and n > 2 * k:
        weight = np.where(rng.random(n) < 0.1, 0.0, rng.exponential(1.0, n))
    blocks = build_blocks(X, weight)
    points = blocks.points.transpose(0, 2, 1).reshape(-1, d)
    counts = blocks.weights.ravel() > 0.0
    with Threads(1) as threads:
        start = points[rng.choice(np.flatnonzero(counts), k, replace=k > counts.sum())]
        partition = Partition(blocks, start, threads)
        for step in range(12):
            partition.assign()
            labels = partition.labels.ravel()
            np.testing.assert_array_equal(labels[counts], plain_labels(points[counts], partition.centres))
            if step == 0:
                partition.tally()
            members = np.bincount(labels[counts], minlength=k)
            np.testing.assert_array_equal(partition.members.sum(axis=0), members)
            partition.move_centres()


@pytest.mark.parametrize("kind", KINDS)
def test_labels_of_rows_are_those_of_comparing_everything(kind):
    rng = np.random.default_rng(5)
    for d, k in ((1, 2), (3, 7), (5, 1), (8, 30)):
        X = hard_rows(kind, 700, d, rng)
        centres = X[rng.choice(700, k, replace=False)]
        with Threads(1) as threads:
            labels, squared = nearest(X, centres, threads)
        np.testing.assert_array_equal(labels, plain_labels(X, centres))
        np.testing.assert_allclose(squared, ((X - centres[labels]) ** 2).sum(axis=1), rtol=1e-14)


def test_points_between_two_centres_go_to_the_first():
    X = np.repeat([[0.0, 1.0], [2.0, 1.0], [-2.0, 1.0]], 100, axis=0)
    with Threads(1) as threads:
        labels, _ = nearest(X, np.array([[-1.0, 1.0], [1.0, 1.0]]), threads)
    assert labels.tolist() == [0] * 100 + [1] * 100 + [0] * 100


@pytest.mark.parametrize("d", [3, 9])
def test_threads_change_no_bit(d):
    rng = np.random.default_rng(d)
    X = rng.normal(size=(60_000, d)) + 2.0 * rng.integers(0, 4, (60_000, 1))
    one, two = (CustomerKMeans(9, init=X[:9], n_jobs=n_jobs).fit(X) for n_jobs in (1, 2))
    np.testing.assert_array_equal(one.cluster_centers_, two.cluster_centers_)
    np.testing.assert_array_equal(one.labels_, two.labels_)
    assert one.inertia_ == two.inertia_


def test_a_centre_that_jumps_far_leaves_the_labels_right():
    X = np.random.default_rng(1).uniform(0.0, 30.0, (20_000, 2))
    near = X[X[:, 0] < 3.0][:9]
    fits = [CustomerKMeans(10, init=np.r_[near, [[far, 0.0]]], tol=0).fit(X) for far in (1e3, 1e16)]
    assert fits[1].inertia_ == pytest.approx(fits[0].inertia_, rel=1e-12)


@pytest.mark.parametrize("init", ["given", "k-means++"])
def test_fewer_distinct_rows_than_clusters_end_soon(init):
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(6, 2))
    X = rows[rng.integers(0, 6, 2000)]
    with pytest.warns(FitWarning, match="only 6 of n_clusters=7"):
        model = CustomerKMeans(7, init=X[:7] if init == "given" else init, random_state=0).fit(X)
    assert model.n_iter_ <= 5
    assert model.inertia_ == pytest.approx(0.0, abs=1e-25)


def test_heavy_customers_with_large_values():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(1000, 2)) * 1e149
    X[:500] += 5e149
    light, heavy = (
        CustomerKMeans(4, n_init=3, random_state=0).fit(X, sample_weight=np.full(1000, weight))
        for weight in (1.0, 1024.0)
    )
    np.testing.assert_array_equal(light.labels_, heavy.labels_)


def test_centres_whose_squares_overflow_are_refused():
    with pytest.raises(InputError, match=r"init holds values beyond 1e\+150"):
        CustomerKMeans(2, init=[[1e155, 0.0], [0.0, 1.0]]).fit(np.eye(2))
