"""Held-out evaluation of recommenders: against definitions, by hand, and on real baskets."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import BaseEstimator, clone
from sklearn.metrics import ndcg_score

import crmintel as ci
from crmintel import (
    AssociationRules,
    CoPurchaseRecommender,
    FrequentItemsets,
    PopularityRecommender,
    RepeatPurchaseRecommender,
    RuleRecommender,
    TransactionLog,
    evaluate_recommender,
)
from crmintel.exceptions import DateRangeError, InputError, InputTypeError
from crmintel.patterns._ranking_metrics import METRICS, ranking_metrics
from tests.oracles.recommending import ranking_metrics_slow


class Fixed(BaseEstimator):
    """Recommends the same list to everybody, whatever it was fitted on; no child of ours."""

    def __init__(self, ranked=("a", "b", "c")):
        self.ranked = ranked

    def fit(self, X, y=None):
        self.last_day_ = X.end
        return self

    def recommend(self, X, n, *, exclude_owned=True):
        padded = [*self.ranked, *[None] * n][:n]
        return np.array([padded] * len(X), dtype=object), np.zeros((len(X), n))


def small_log():
    return TransactionLog.from_arrays(
        customer=["ann", "ann", "bob", "cid", "ann", "ann", "bob", "eve", "ann"],
        item=["a", "b", "b", "c", "b", "c", "d", "a", "d"],
        time=[
            f"2024-{day}"
            for day in ["01-01", "01-02", "01-03", "01-04", "02-01", "02-02", "02-03", "02-04", "03-20"]
        ],
        end="2024-03-31",
    )


@pytest.fixture(scope="module")
def log():
    return ci.datasets.make_transactions(300, weeks=52, n_items=30, random_state=0)[0]


@given(
    lists=st.lists(st.permutations(range(8)), min_size=1, max_size=5),
    relevant=st.sets(st.integers(0, 9), min_size=1),
    k=st.integers(1, 8),
)
@settings(deadline=None)
def test_measures_equal_their_definitions(lists, relevant, k):
    hits = np.isin(np.array(lists), list(relevant))
    found = ranking_metrics(hits, np.full(len(lists), len(relevant)), (k,))
    for row, ranked in enumerate(lists):
        expected = ranking_metrics_slow(ranked, relevant, k)
        assert found[row, :, 0] == pytest.approx([expected[name] for name in METRICS])


def test_ndcg_is_that_of_scikit_learn():
    rng = np.random.default_rng(0)
    relevance = rng.random((50, 12)) < 0.3
    relevance = relevance[relevance.any(axis=1)]
    scores = rng.random(relevance.shape)
    hits = np.take_along_axis(relevance, np.argsort(-scores, axis=1), axis=1)
    for k in (1, 5, 12):
        ours = ranking_metrics(hits, relevance.sum(axis=1), (k,))[:, METRICS.index("ndcg"), 0].mean()
        assert ours == pytest.approx(ndcg_score(relevance, scores, k=k))


@pytest.mark.parametrize(
    ("task", "n_buyers", "recall"),
    [
        # after January, within four weeks: ann bought b (again) and c (new), bob d (new, unknown to the past)
        ("new", 2, (1.0 + 0.0) / 2),
        ("repeat", 1, 1.0),
        ("any", 2, (1.0 + 0.0) / 2),
    ],
)
def test_counted_by_hand(task, n_buyers, recall):
    result = evaluate_recommender(
        {"fixed": Fixed()}, small_log(), cutoffs="2024-01-31", horizon="4W", k=3, task=task, n_bootstrap=50
    )
    assert result.n_customers == 3  # eve is seen first after the cutoff
    assert result.n_buyers == n_buyers
    assert result.value("recall")["fixed"] == pytest.approx(recall)
    assert result.value("coverage")["fixed"] == 1.0
    assert result.value("filled")["fixed"] == 1.0
    assert result.names == (("fixed", "popularity") if task == "new" else ("fixed", "popularity", "repeat"))
    place = {"new": 3, "repeat": 2, "any": 2}[task]
    assert result.value("mrr")["fixed"] == pytest.approx(1 / place / n_buyers)


@pytest.mark.parametrize("task", ["new", "repeat", "any"])
def test_equal_to_the_slow_twin(log, task):
    date, days = log.end.astype("datetime64[D]") - np.timedelta64(60, "D"), 28
    result = evaluate_recommender(
        {"together": CoPurchaseRecommender()},
        log,
        cutoffs=date,
        horizon=days,
        k=(2, 5),
        task=task,
        n_bootstrap=20,
    )
    past, future = log.split(date)
    owned = past.baskets().by_customer(len(past)).to_lists()
    soon = future.until(date + np.timedelta64(days, "D"))
    bought = dict(zip(soon.customers.tolist(), soon.baskets().by_customer(len(soon)).to_lists(), strict=True))
    model = CoPurchaseRecommender().fit(past)
    items, _ = model.recommend(past, 5, exclude_owned=task == "new")
    values = []
    for row, customer in enumerate(past.customers.tolist()):
        later, before = set(bought.get(customer, [])), set(owned[row])
        relevant = {"new": later - before, "repeat": later & before, "any": later}[task]
        if relevant:
            values.append([ranking_metrics_slow(items[row].tolist(), relevant, k) for k in (2, 5)])
    assert result.n_buyers == len(values)
    for at, k in enumerate((2, 5)):
        for metric in METRICS:
            mean = np.mean([pair[at][metric] for pair in values])
            assert result.value(metric, k)["together"] == pytest.approx(mean)


def test_nobody_sees_the_future(log):
    class Spy(Fixed):
        seen = []

        def fit(self, X, y=None):
            self.seen.append((str(X.end), X.lines.time[X.line_numbers()].max().astype("datetime64[us]")))
            return self

    dates = [log.end.astype("datetime64[D]") - np.timedelta64(days, "D") for days in (90, 40)]
    evaluate_recommender(Spy(), log, cutoffs=dates, horizon=28, task="any", n_bootstrap=2)
    assert [end for end, _ in Spy.seen] == [str(date) for date in dates]
    assert all(last < date + np.timedelta64(1, "D") for (_, last), date in zip(Spy.seen, dates, strict=True))


def test_nothing_of_the_future_is_within_reach():
    """Not even through the lines and labels that the parts of a log share."""

    class Detector(Fixed):
        def fit(self, X, y=None):
            labels = (X.lines.item.values, X.baskets().items, X.sequences().labels)
            self.seen.append((len(X.lines), set(X.customers), *map(set, labels)))
            return self

    Detector.seen = []
    evaluate_recommender(Detector(), small_log(), cutoffs="2024-01-31", task="any", n_bootstrap=2)
    assert Detector.seen == [(4, {"ann", "bob", "cid"}, *[{"a", "b", "c"}] * 3)]
    margins = {"a": 1.0, "b": 1.0, "c": 1.0}  # of what was sold by then
    result = evaluate_recommender(
        CoPurchaseRecommender(margins=margins), small_log(), cutoffs="2024-01-31", task="any", n_bootstrap=2
    )
    assert result.n_buyers == 2


def test_a_fallback_knows_no_more_of_the_future(log):
    fitted = AssociationRules(FrequentItemsets(0.01), min_value=0.05).fit(log)
    for hidden in (
        CoPurchaseRecommender(fallback=RuleRecommender(fitted.rules_)),
        RuleRecommender(fallback=CoPurchaseRecommender(fallback=RuleRecommender(fitted.rules_))),
    ):
        with pytest.raises(InputError, match="holds a RuleSet"):
            evaluate_recommender(hidden, log, task="any")
    anew = CoPurchaseRecommender(fallback=RuleRecommender(clone(fitted)))
    hidden = CoPurchaseRecommender(fallback=RuleRecommender(fitted))  # rules of all the log
    both = evaluate_recommender({"anew": anew, "hidden": hidden}, log, task="any", n_bootstrap=2)
    assert both.value("recall", 10)["anew"] == both.value("recall", 10)["hidden"]


def test_what_only_fits_and_recommends_is_enough(log):
    class Plain:
        def fit(self, X, y=None):
            return self

        def recommend(self, X, n, *, exclude_owned=True):
            return np.full((len(X), n), None, dtype=object), np.full((len(X), n), np.nan)

    result = evaluate_recommender(Plain(), log, task="any", n_bootstrap=2)
    assert result.value("recall", 10)["Plain"] == 0.0


def test_dates_of_any_collection(log):
    pandas = pytest.importorskip("pandas")
    polars = pytest.importorskip("polars")
    days = [log.end.astype("datetime64[D]") - np.timedelta64(back, "D") for back in (90, 40)]
    dates = pandas.DatetimeIndex([str(day) for day in days])
    for cutoffs in (dates, dates.to_series(), polars.from_pandas(dates.to_series()), np.array(days)):
        result = evaluate_recommender(
            Fixed(), log, cutoffs=cutoffs, k=pandas.Series([2, 4]), task="any", n_bootstrap=2
        )
        assert [str(cutoff)[:10] for cutoff in result.cutoffs] == [str(day) for day in days]
        assert result.k == (2, 4)


def test_the_estimator_itself_stays_unfitted(log):
    recommender = CoPurchaseRecommender()
    evaluate_recommender(recommender, log, n_bootstrap=2, task="any")
    assert not hasattr(recommender, "items_")


def test_rules_that_may_know_the_future_are_refused(log):
    fitted = AssociationRules(FrequentItemsets(0.01), min_value=0.05).fit(log)
    with pytest.raises(InputError, match="holds a RuleSet"):
        evaluate_recommender(RuleRecommender(fitted.rules_), log, task="any")
    result = evaluate_recommender(RuleRecommender(fitted), log, task="any", n_bootstrap=2)  # fitted anew
    assert result.n_buyers > 0


def test_folds_are_pooled_and_a_customer_is_resampled_whole(log):
    end = log.end.astype("datetime64[D]")
    dates = [end - np.timedelta64(days, "D") for days in (84, 28)]
    arguments = {"horizon": 28, "k": 3, "task": "any", "n_bootstrap": 200, "random_state": 0}
    both = evaluate_recommender(CoPurchaseRecommender(), log, cutoffs=dates, **arguments)
    apart = [evaluate_recommender(CoPurchaseRecommender(), log, cutoffs=date, **arguments) for date in dates]
    n = [result.n_buyers for result in apart]
    assert both.n_buyers == sum(n)
    pooled = np.average([result.value("ndcg")["CoPurchaseRecommender"] for result in apart], weights=n)
    assert both.value("ndcg")["CoPurchaseRecommender"] == pytest.approx(pooled)
    frame = both.to_frame("pandas")
    rates = frame[~frame.metric.isin(["coverage", "filled"])]
    assert (rates.low <= rates.value).all()
    assert (rates.value <= rates.high).all()
    base = rates[rates.recommender == "repeat"]
    assert (base.difference == 0).all()
    assert (base.difference_high == 0).all()
    assert frame[frame.metric == "coverage"].low.isna().all()
    again = evaluate_recommender(CoPurchaseRecommender(), log, cutoffs=dates, **arguments).to_frame("pandas")
    assert frame.equals(again)


def test_intervals_have_the_width_that_theory_gives(log):
    result = evaluate_recommender(CoPurchaseRecommender(), log, horizon="8W", k=3, task="any", random_state=0)
    frame = result.to_frame("pandas").set_index(["recommender", "metric"])
    row = frame.loc[("popularity", "hit_rate")]
    width = 2 * 1.96 * np.sqrt(row.value * (1 - row.value) / result.n_buyers)
    assert row.high - row.low == pytest.approx(width, rel=0.15)


def test_lift_is_the_value_over_that_of_the_baseline(log):
    result = evaluate_recommender(
        {"together": CoPurchaseRecommender(), "popularity": PopularityRecommender(window="8W")},
        log, task="any", baseline="popularity", n_bootstrap=2,
    )  # fmt: skip
    assert result.names == ("together", "popularity", "repeat")
    value, lift = result.value("recall", 5), result.lift("recall", 5)
    assert lift == pytest.approx({name: value[name] / value["popularity"] for name in value})
    assert "popularity" in repr(result)
    with pytest.raises(InputError, match="metric must be one of"):
        result.lift("auc")
    with pytest.raises(InputError, match="k must be one of 1, 5, 10"):
        result.lift("ndcg", 7)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"task": "old"}, "task must be one of"),
        ({"k": 0}, "k must be >= 1"),
        ({"k": ()}, "k must hold"),
        ({"k": (3, 3)}, "k must hold"),
        ({"k": "10"}, "k must be a whole number"),
        ({"horizon": 0}, "horizon must be"),
        ({"level": 1.0}, "level must be"),
        ({"n_bootstrap": 0}, "n_bootstrap must be"),
        ({"baseline": "best"}, "baseline must be one of"),
        ({"cutoffs": []}, "cutoffs must hold"),
        ({"cutoffs": "soon"}, "cutoffs must be a date"),
        ({"random_state": -1}, "random_state"),
    ],
)
def test_wrong_arguments(log, arguments, message):
    with pytest.raises((InputError, InputTypeError), match=message):
        evaluate_recommender(CoPurchaseRecommender(), log, **arguments)


def test_what_cannot_be_evaluated(log):
    with pytest.raises(DateRangeError, match="reach beyond the end of the log"):
        evaluate_recommender(CoPurchaseRecommender(), log, cutoffs=log.end - np.timedelta64(5, "D"))
    with pytest.raises(DateRangeError):
        evaluate_recommender(CoPurchaseRecommender(), log, cutoffs="1999-01-01")
    with pytest.raises(DateRangeError, match="the horizon of 2800 days leaves no past"):
        evaluate_recommender(CoPurchaseRecommender(), log, horizon="400W")
    with pytest.raises(InputTypeError, match="names as keys, got the key 1"):
        evaluate_recommender({1: CoPurchaseRecommender()}, log)
    with pytest.raises(InputTypeError, match="must be a TransactionLog"):
        evaluate_recommender(CoPurchaseRecommender(), [["a"]])
    with pytest.raises(InputTypeError, match="go in as a dict"):
        evaluate_recommender([CoPurchaseRecommender()], log)
    for wrong in (CoPurchaseRecommender, "popularity", {"a": None}, {"a": ci.CustomerSummary()}):
        with pytest.raises(InputTypeError, match="must be a recommender"):
            evaluate_recommender(wrong, log)
    with pytest.raises(InputError, match="nobody bought a repeat item in the 3 days"):
        evaluate_recommender(Fixed(), small_log(), cutoffs="2024-03-10", horizon=3, task="repeat")

    class Short(Fixed):
        def recommend(self, X, n, *, exclude_owned=True):
            return np.array([["a"]] * len(X), dtype=object), np.zeros((len(X), 1))

    with pytest.raises(InputError, match=r"gave items of shape \(3, 1\), expected \(3, 10\)"):
        evaluate_recommender(Short(), small_log(), cutoffs="2024-01-31")


@pytest.mark.slow
def test_cross_selling_beats_popularity_on_complete_journey():
    """New product types of 2,464 households: the intervals of both lifts lie above 1."""
    transactions = ci.datasets.load_complete_journey()
    products = ci.datasets.load_complete_journey("products")[["product_id", "product_type"]]
    log = TransactionLog.from_frame(
        transactions.merge(products, on="product_id", how="left"), customer="household_id",
        time="transaction_timestamp", amount="sales_value", item="product_type", basket="basket_id",
    )  # fmt: skip
    recommenders = {"rules": RuleRecommender(), "together": CoPurchaseRecommender()}
    result = evaluate_recommender(
        recommenders, log, cutoffs=["2017-09-10", "2017-10-22", "2017-12-03"], k=(5, 10), random_state=0
    )
    frame = result.to_frame("pandas").set_index(["recommender", "metric", "k"])
    for name in recommenders:
        assert frame.loc[(name, "ndcg", 10), "lift_low"] > 1.0
    repeats = evaluate_recommender(RepeatPurchaseRecommender(), log, task="repeat", random_state=0)
    assert repeats.lift("ndcg")["popularity"] < 0.75
