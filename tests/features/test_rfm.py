"""RFMScorer: the published scores of the R package rfm, logs and rows, learned edges, bad input."""

from __future__ import annotations

import pickle
from itertools import combinations, product

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.cluster import KMeans
from sklearn.exceptions import NotFittedError

import crmintel as ci
from crmintel.exceptions import ColumnError, InputError, InputTypeError
from crmintel.features._breaks import kmeans_cuts
from crmintel.features.rfm import RFMScorer
from crmintel.features.rfm_segments import RFM_SEGMENTS, RFM_SEGMENTS_11

COLUMNS = ["time_since_last", "n_purchases", "spend"]


@pytest.fixture(scope="module")
def orders(shared_data):
    return pd.read_csv(shared_data / "transactions" / "rfm_data_orders.csv.gz", parse_dates=["order_date"])


@pytest.fixture(scope="module")
def rows(orders):
    grouped = orders.groupby("customer_id")
    return pd.DataFrame(
        {
            "time_since_last": (pd.Timestamp("2006-12-31") - grouped["order_date"].max()).dt.days,
            "n_purchases": grouped["order_date"].size(),
            "spend": grouped["revenue"].sum(),
        }
    )


def some_rows(n: int = 200, seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    values = {"time_since_last": rng.integers(0, 400, n), "n_purchases": rng.geometric(0.3, n)}
    return pd.DataFrame(values | {"spend": rng.gamma(2.0, 50.0, n)})


def test_rfm_data_orders_cut_points_of_the_r_package(rows):
    edges = RFMScorer().fit(rows).edges_
    np.testing.assert_allclose(edges["time_since_last"], [114, 180, 296.4, 481], rtol=1e-12)
    np.testing.assert_array_equal(edges["n_purchases"], [3, 4, 5, 7])
    np.testing.assert_allclose(edges["spend"], [254.8, 381, 505.4, 665], rtol=1e-12)


@pytest.mark.parametrize(
    ("customer", "values", "score", "segment"),
    [
        ("Abbey O'Reilly", (205, 6, 472), 343, "Potential Loyalist"),
        ("Add Senger", (140, 3, 340), 412, "New Customers"),
        ("Aden Lesch", (194, 4, 405), 323, "Loyal Customers"),
        ("Aden Murphy", (98, 7, 596), 544, "Potential Loyalist"),
        ("Admiral Senger", (132, 5, 448), 433, "Potential Loyalist"),
    ],
)
def test_rfm_data_orders_scores_of_the_r_package(rows, customer, values, score, segment):
    scorer = RFMScorer().fit(rows)
    row = rows.loc[[customer]]
    assert row.to_numpy().tolist() == [list(values)]
    assert scorer.transform(row)[0, 3] == score
    assert scorer.predict(row)[0] == segment


def test_rfm_data_orders_segment_sizes_of_the_r_package(rows):
    # rfm::rfm_segment_summary, with customers and revenue
    published = {
        "About To Sleep": (102, 23449),
        "At Risk": (28, 22227),
        "Can't Lose Them": (47, 32446),
        "Champions": (35, 31646),
        "Lost": (148, 35324),
        "Loyal Customers": (170, 76562),
        "Need Attention": (10, 4562),
        "New Customers": (104, 28837),
        "Potential Loyalist": (342, 204856),
        "Promising": (9, 4249),
    }
    scorer = RFMScorer().fit(rows)
    ours = scorer.predict(rows)
    # the R package compares x < quantile + 1: whole numbers up to the next one above a cut point are below it
    scorer.edges_ = {name: np.ceil(edges) for name, edges in scorer.edges_.items()}
    theirs = scorer.predict(rows)
    segments = rows.groupby(theirs)["spend"].agg(["size", "sum"])
    assert {name: (int(row["size"]), int(row["sum"])) for name, row in segments.iterrows()} == published
    assert np.sum(ours != theirs) == 2  # spends of 255 and recencies of 297 days, past 254.8 and 296.4


def test_a_log_gives_the_scores_of_its_rows(orders):
    log = ci.TransactionLog.from_frame(
        orders, customer="customer_id", time="order_date", amount="revenue", end="2006-12-31"
    )
    frame = pd.DataFrame(
        {COLUMNS[0]: log.time_since_last(), COLUMNS[1]: log.purchases(), COLUMNS[2]: log.spend()}
    )
    scorer = RFMScorer().fit(log)
    np.testing.assert_array_equal(scorer.transform(log), RFMScorer().fit_transform(frame))
    np.testing.assert_array_equal(scorer.predict(log), scorer.predict(frame))


def test_next_month_is_scored_on_the_learned_scale(orders):
    log = ci.TransactionLog.from_frame(orders, customer="customer_id", time="order_date", amount="revenue")
    past = log.until("2006-06-30")
    scorer = RFMScorer().fit(past)
    edges = {name: values.copy() for name, values in scorer.edges_.items()}
    later = scorer.transform(log)
    assert len(later) == log.n_customers
    for name, values in edges.items():
        np.testing.assert_array_equal(scorer.edges_[name], values)
    assert later[:, 1].mean() > scorer.transform(past)[:, 1].mean()  # everybody has bought more often by then


def test_a_customer_with_returns_only_is_scored_lowest():
    log = ci.TransactionLog.from_arrays(
        customer=["a", "b", "b", "c"],
        time=np.array(["2024-01-09", "2024-01-01", "2024-01-02", "2024-01-05"], dtype="datetime64[D]"),
        amount=[-5.0, 10.0, 30.0, 20.0],
        quantity=[-1.0, 1.0, 1.0, 1.0],
    )
    scores = RFMScorer(n_bins=2).fit_transform(log)
    assert scores[0].tolist() == [1, 1, 1, 111]
    assert RFMScorer(n_bins=2).fit(log).edges_["time_since_last"].tolist() == [5.5]


@given(
    st.lists(
        st.tuples(st.integers(0, 500), st.integers(1, 20), st.integers(-50, 500)), min_size=1, max_size=50
    ),
    st.integers(2, 9),
)
def test_scores_are_monotone_and_follow_r_type_7(values, n_bins):
    array = np.array(values, dtype=float)
    scorer = RFMScorer(n_bins=n_bins).fit(array)
    scores = scorer.transform(array)
    assert scores[:, :3].min() >= 1
    assert scores[:, :3].max() <= n_bins
    np.testing.assert_array_equal(scores[:, 3], scores[:, 0] * 100 + scores[:, 1] * 10 + scores[:, 2])
    for column, (name, sign) in enumerate(zip(COLUMNS, (-1, 1, 1), strict=True)):
        order = np.argsort(sign * array[:, column], kind="stable")
        assert np.all(np.diff(scores[order, column]) >= 0)
        expected = np.quantile(array[:, column], np.arange(1, n_bins) / n_bins)
        np.testing.assert_allclose(scorer.edges_[name], expected, atol=1e-9)


@pytest.mark.parametrize("n", [1, 10])
def test_customers_all_alike_share_one_score(n):
    scorer = RFMScorer()
    scores = scorer.fit_transform(np.tile([30.0, 2.0, 50.0], (n, 1)))
    assert scores.tolist() == [[5, 1, 1, 511]] * n
    assert set(scorer.predict(np.tile([30.0, 2.0, 50.0], (n, 1)))) == {"New Customers"}


def test_a_customer_on_a_cut_point_belongs_to_the_bin_below():
    # 996 values: the quantiles lie on data points, where binary shares of n would slip past
    array = np.column_stack([np.arange(996.0), np.arange(996.0) + 1, np.arange(996.0)])
    scorer = RFMScorer().fit(array)
    np.testing.assert_array_equal(scorer.edges_["spend"], [199, 398, 597, 796])
    assert scorer.transform(array[[199, 200]])[:, 2].tolist() == [1, 2]


def test_every_container_gives_the_same():
    frame = some_rows()
    expected = RFMScorer().fit_transform(frame)
    other_order = frame[["spend", "time_since_last", "n_purchases"]].assign(segment="x")
    frozen = frame.to_numpy(dtype=float)
    frozen.flags.writeable = False
    containers = [other_order, pl.from_pandas(frame), pl.from_pandas(frame).to_arrow()]
    containers += [dict(frame.items()), frozen, frame.to_numpy().tolist(), np.asfortranarray(frozen)]
    for container in containers:
        np.testing.assert_array_equal(RFMScorer().fit_transform(container), expected)


def test_scikit_learn_manners():
    frame = some_rows()
    scorer = RFMScorer().set_output(transform="pandas")
    out = scorer.fit_transform(frame)
    assert out.columns.tolist() == ["recency_score", "frequency_score", "monetary_score", "rfm_score"]
    again = pickle.loads(pickle.dumps(scorer))
    np.testing.assert_array_equal(again.predict(frame), scorer.predict(frame))
    assert clone(scorer).get_params() == {"n_bins": 5, "cuts": "quantile", "segments": None, "weights": None}
    with pytest.raises(NotFittedError):
        RFMScorer().transform(frame)


@given(st.lists(st.integers(-20, 20), min_size=1, max_size=11), st.integers(2, 5))
def test_kmeans_cuts_are_the_optimum(values, n_bins):
    x = np.array(values, dtype=float)

    def squares(cuts):
        groups = np.searchsorted(cuts, x)
        return sum(((x[groups == g] - x[groups == g].mean()) ** 2).sum() for g in np.unique(groups))

    cuts = kmeans_cuts(x, n_bins)
    assert cuts.size == n_bins - 1
    assert np.isin(cuts, x).all()
    different = np.unique(x)
    every = [c for size in range(min(n_bins, different.size + 1)) for c in combinations(different, size)]
    assert squares(cuts) == pytest.approx(min(squares(np.array(c)) for c in every), abs=1e-9)


def test_kmeans_cuts_do_no_worse_than_many_starts_and_do_not_mind_level_or_unit():
    spend = np.random.default_rng(0).lognormal(4.0, 1.0, 3000)
    cuts = kmeans_cuts(spend, 5)
    groups = np.searchsorted(cuts, spend)
    ours = sum(((spend[groups == g] - spend[groups == g].mean()) ** 2).sum() for g in range(5))
    theirs = KMeans(5, n_init=20, tol=0, random_state=0).fit(spend[:, None]).inertia_
    assert ours <= theirs * (1 + 1e-12)
    assert ours == pytest.approx(theirs, rel=1e-4)
    np.testing.assert_allclose(kmeans_cuts(spend * 1e-6 + 3.0, 5), cuts * 1e-6 + 3.0)


def test_kmeans_gives_the_customers_far_above_a_score_of_their_own():
    rows = np.column_stack([np.arange(100.0), np.arange(100.0), np.append(np.arange(97.0), [900, 910, 920])])
    scores = RFMScorer(n_bins=2, cuts="kmeans").fit_transform(rows)
    assert np.sum(scores[:, 2] == 2) == 3
    assert np.sum(scores[:, 1] == 2) == 50


def test_fixed_cuts_and_the_rest_by_quantiles():
    frame = some_rows()
    scorer = RFMScorer(cuts={"time_since_last": [30, 60, 90, 180]}).fit(frame)
    days = [0, 30, 31, 60, 180, 181]
    later = pd.DataFrame({"time_since_last": days, "n_purchases": 1, "spend": 1.0})
    assert scorer.transform(later)[:, 0].tolist() == [5, 5, 4, 4, 2, 1]
    np.testing.assert_array_equal(scorer.edges_["spend"], RFMScorer().fit(frame).edges_["spend"])


def test_weights_rank_customers():
    frame = some_rows()
    scores = RFMScorer().fit_transform(frame)
    weighted = RFMScorer(weights=[1, 1, 2]).fit_transform(frame)
    np.testing.assert_array_equal(weighted[:, :3], scores[:, :3])
    np.testing.assert_allclose(weighted[:, 3], scores[:, :3] @ [0.25, 0.25, 0.5])
    np.testing.assert_array_equal(
        RFMScorer(weights=[1, 1, 2]).fit_predict(frame), RFMScorer().fit_predict(frame)
    )


def test_the_eleven_segments_name_each_triple_once():
    scores = [score for each in RFM_SEGMENTS_11.values() for score in each]
    assert sorted(scores) == [100 * r + 10 * f + m for r, f, m in product(range(1, 6), repeat=3)]
    assert len(RFM_SEGMENTS_11) == 11
    frame = some_rows()
    scorer = RFMScorer(segments=RFM_SEGMENTS_11)
    names = scorer.fit_predict(frame)
    for name, score in zip(names, scorer.transform(frame)[:, 3], strict=True):
        assert score in RFM_SEGMENTS_11[name]


def test_segments_can_be_edited():
    frame = some_rows()
    mine = {"Whales": ((1, 5), (1, 5), (5, 5)), **RFM_SEGMENTS}
    segment = RFMScorer(segments=mine).fit_predict(frame)
    money = RFMScorer().fit_transform(frame)[:, 2]
    np.testing.assert_array_equal(segment == "Whales", money == 5)
    few = RFMScorer(n_bins=2, segments={"Best": ((2, 2), (2, 2), (2, 2))}).fit_predict(frame)
    assert set(few) == {"Best", "Others"}


def test_the_rows_of_customer_summary_are_refused(orders):
    log = ci.TransactionLog.from_frame(orders, customer="customer_id", time="order_date", amount="revenue")
    summary = ci.CustomerSummary().fit_transform(log)
    with pytest.raises(
        InputTypeError, match=r"first to the last purchase.*time since the last one: pass the log"
    ):
        RFMScorer().fit(summary)


@pytest.mark.parametrize(
    ("X", "error", "message"),
    [
        (
            pd.DataFrame({"recency": [1.0], "frequency": [1], "spend": [2]}),
            ColumnError,
            "X lacks .'time_since_last', 'n_p",
        ),
        (np.ones((3, 2)), InputError, r"3 columns time_since_last, n_purchases, spend; got shape \(3, 2\)"),
        (np.ones(3), InputError, "got shape"),
        (np.empty((0, 3)), InputError, "at least 1"),
        (None, InputError, "got shape"),
        ("text", InputTypeError, "X must hold numbers"),
        ([[1.0, np.nan, 2.0]], InputError, "n_purchases must be finite.*row 0"),
        ([[np.inf, 1.0, 2.0]], InputError, "time_since_last must be finite"),
        ([[-1.0, 1.0, 2.0]], InputError, "time_since_last must be >= 0"),
        ([["a", "b", "c"]], InputTypeError, "X must hold numbers"),
    ],
)
def test_wrong_rows_are_named(X, error, message):
    with pytest.raises(error, match=message):
        RFMScorer().fit(X)


@pytest.mark.parametrize(
    ("parameters", "error", "message"),
    [
        ({"cuts": "deciles"}, InputError, "cuts must be one of 'quantile', 'kmeans'; got 'deciles'"),
        (
            {"cuts": {"recency": [1, 2, 3, 4]}},
            ColumnError,
            "cuts names .'recency'.; the columns are time_since",
        ),
        ({"cuts": {"spend": [10, 20, 30]}}, InputError, "must be 4 rising points for n_bins=5"),
        ({"cuts": {"spend": [10, 20, 20, 30]}}, InputError, "must be 4 rising points.*got .10.0, 20.0, 20.0"),
        ({"cuts": {"spend": [10, 20, np.nan, 30]}}, InputError, "spend.* must be finite"),
        ({"weights": [1, 1]}, InputError, "weights must be three, of recency, frequency and money; got 2"),
        ({"weights": [1, -1, 1]}, InputError, "must be >= 0"),
        ({"weights": [0, 0, 0]}, InputError, "must not all be 0"),
        ({"segments": {"Best": [555, 556]}}, InputError, "holds 556, which is not three scores within 1 to"),
        ({"segments": {"Best": []}}, InputError, "list of scores such as 555; got"),
        ({"segments": {"Best": ["555"]}}, InputError, "list of scores such as 555; got"),
        ({"segments": {"Best": 555}}, InputError, "list of scores such as 555; got 555"),
        ({"segments": {5: [555]}}, InputTypeError, "must have text as names"),
        ({"n_bins": 1}, InputError, "n_bins must be >= 2 and <= 9"),
        ({"n_bins": 10}, InputError, "n_bins must be >= 2 and <= 9"),
        ({"n_bins": 2.5}, InputTypeError, "whole number"),
        ({"segments": ["Best"]}, InputTypeError, "segments must map names"),
        ({"segments": {}}, InputTypeError, "segments must map names"),
        ({"segments": {"Best": (5, 5, 5)}}, InputError, "holds 5, which is not three"),
        ({"segments": {"Best": ((5, 4), (1, 5), (1, 5))}}, InputError, "recency goes from 5 to 4"),
        ({"segments": {"Best": ((1, 5), (1, 6), (1, 5))}}, InputError, "frequency goes from 1 to 6"),
    ],
)
def test_wrong_parameters_are_named(parameters, error, message):
    with pytest.raises(error, match=message):
        RFMScorer(**parameters).fit(some_rows())


def test_other_bins_need_their_own_segments():
    with pytest.raises(
        InputError,
        match=r"made for n_bins=5, not 3: pass segments={name: \(recency, frequency, money\)} with",
    ):
        RFMScorer(n_bins=3).fit(some_rows()).predict(some_rows())
