"""The backtest: nothing of the future leaks, errors and naive forecasts equal their slow twins, wrong input."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import BaseEstimator
from sklearn.pipeline import make_pipeline

import crmintel as ci
from crmintel.datasets import make_transactions
from crmintel.exceptions import ColumnError, DateRangeError, InputError, InputTypeError, UnitError
from crmintel.lifetime._forecast_errors import METRICS, ForecastErrors
from crmintel.lifetime.diagnostics import holdout_errors
from tests.oracles import forecasts as oracle

CUTOFFS = ("2023-12-31", "2024-03-31")
DAYS = 91


@pytest.fixture(scope="module")
def log():
    return make_transactions(250, weeks=80, random_state=0)[0]


@pytest.fixture(scope="module")
def result(log):
    return ci.backtest(ci.BetaGeoNBD(), log, cutoffs=CUTOFFS, n_bootstrap=60, random_state=0)


@pytest.fixture(scope="module")
def value_result(log):
    value = ci.LifetimeValue(margin=0.3, discount_rate=0.2, retention_cost=0.5)
    return ci.backtest(value, log, cutoffs=CUTOFFS, n_bootstrap=20, random_state=0)


class Oracle(BaseEstimator):
    """Foretells from a table of the future, and remembers which logs it was shown."""

    def __init__(self, truth=None, times=1.0, seen=None):
        self.truth = truth
        self.times = times
        self.seen = seen

    def __sklearn_clone__(self):
        return self

    def fit(self, X, y=None):
        if self.seen is not None:
            self.seen.append(X)
        return self

    def predict(self, X):
        return self.times * self.truth[str(X.end)]


def truths(log):
    return {str(np.datetime64(day)): actual(log, day) for day in CUTOFFS}


def actual(log, cutoff):
    until = str(np.datetime64(cutoff) + np.timedelta64(DAYS, "D"))
    return log.until(until).split(cutoff)[1].purchases().astype(float)


# -- the errors ------------------------------------------------------------------------------------------------


@given(
    rows=st.lists(
        st.tuples(st.sampled_from([0.0, 0.5, 1.0, 2.5, 7.0]), st.integers(0, 4), st.integers(0, 3)),
        min_size=3,
        max_size=60,
    ).filter(lambda rows: sum(row[2] for row in rows) > 0)
)
@settings(max_examples=150, deadline=None)
def test_weights_are_repeated_rows(rows):
    expected, deeds, weights = (np.array(column, dtype=float) for column in zip(*rows, strict=True))
    found = dict(zip(METRICS, ForecastErrors(expected, deeds)(weights), strict=True))
    truth = oracle.errors(expected, deeds, weights.astype(int))
    for name, value in truth.items():
        assert found[name] == pytest.approx(value, rel=1e-9, abs=1e-12, nan_ok=True), name
    assert np.isnan(found["coverage"])


def test_the_errors_are_those_of_holdout_errors(result, log):
    one = result.predictions["cutoff"] == np.datetime64(CUTOFFS[0])
    for name in result.names:
        truth = holdout_errors(result.predictions[name][one], result.predictions["actual"][one])
        for metric in ("mae", "rmse", "bias", "total_ratio", "spearman", "top_decile_capture"):
            value = result.value(metric, CUTOFFS[0])[name]
            assert value == pytest.approx(truth[metric], rel=1e-12, nan_ok=True)


def test_overall_is_the_mean_over_the_cutoffs(result):
    for metric in METRICS:
        means = np.mean([list(result.value(metric, day).values()) for day in CUTOFFS], axis=0)
        assert list(result.value(metric).values()) == pytest.approx(means.tolist(), nan_ok=True)


def test_differences_are_paired(result):
    table = result.columns
    rmse = (table["metric"] == "rmse") & (table["cutoff"] == "overall")
    value = table["value"][rmse]
    assert table["difference"][rmse] == pytest.approx(value[0] - value)
    assert (table["low"][rmse] < value).all()
    assert (value < table["high"][rmse]).all()
    assert table["difference_high"][rmse][0] == table["difference_low"][rmse][0] == 0.0
    paired = (table["difference_high"] - table["difference_low"])[rmse][1:]
    apart = (table["high"] - table["low"])[rmse]
    assert (paired < apart[0] + apart[1:]).all()


def test_the_bootstrap_has_the_spread_of_a_mean(log):
    found = ci.backtest(
        ci.NBD(), log, cutoffs=CUTOFFS[0], baselines=[], n_bootstrap=2000, random_state=1, level=0.9
    )
    error = np.abs(found.predictions["NBD"] - found.predictions["actual"])
    mae = found.columns["metric"] == "mae"
    width = (found.columns["high"] - found.columns["low"])[mae][0]
    assert width == pytest.approx(2 * 1.645 * error.std() / np.sqrt(error.size), rel=0.1)


# -- nothing leaks ---------------------------------------------------------------------------------------------


def test_the_past_holds_no_later_line(log):
    seen = []
    ci.backtest(Oracle(truths(log), seen=seen), log, cutoffs=CUTOFFS, target="purchases", n_bootstrap=2)
    assert [str(past.end) for past in seen] == list(CUTOFFS)
    for past in seen:
        assert past.lines.time.max() <= np.datetime64(past.end + np.timedelta64(1, "D"), "us").astype(
            np.int64
        )
        assert past.n_lines == len(past.lines)


def test_what_comes_later_changes_no_forecast(log, result):
    lines = log.compact().lines
    time = lines.time.astype("datetime64[us]")
    late = time > np.datetime64("2024-04-01")
    other = ci.TransactionLog.from_arrays(
        customer=log.customers[log.compact().owners()],
        time=np.where(late, np.datetime64("2024-05-05T12:00", "us"), time),
        amount=np.where(late, 1000.0 * lines.amount, lines.amount),
        end=str(log.end),
    )
    again = ci.backtest(ci.BetaGeoNBD(), other, cutoffs=CUTOFFS, n_bootstrap=2)
    for name in result.names:
        assert np.array_equal(again.predictions[name], result.predictions[name])
    assert not np.array_equal(again.predictions["actual"], result.predictions["actual"])


def test_the_estimator_itself_is_not_fitted(log):
    model = ci.BetaGeoNBD()
    value = make_pipeline(ci.CustomerSummary(unit="week"), ci.LifetimeValue(model, horizon="1Y"))
    ci.backtest(value, log, cutoffs=CUTOFFS[0], n_bootstrap=2)
    assert not hasattr(model, "r_")
    assert not hasattr(value[-1], "transactions_")
    assert value[-1].horizon == "1Y"


# -- what is foretold, and what happened -----------------------------------------------------------------------


def test_actual_purchases_and_naive_forecasts_by_hand(log, result):
    for cutoff in CUTOFFS:
        rows = result.predictions["cutoff"] == np.datetime64(cutoff)
        past = log.until(cutoff)
        assert np.array_equal(result.predictions["customer"][rows], past.customers)
        assert np.array_equal(result.predictions["actual"][rows], actual(log, cutoff))
        for name, expected in oracle.naive(past, DAYS, oracle.days_with_purchase).items():
            assert result.predictions[name][rows] == pytest.approx(np.array(expected), rel=1e-12)


def test_the_model_is_asked_for_the_horizon(log, result):
    rows = result.predictions["cutoff"] == np.datetime64(CUTOFFS[0])
    summary = ci.CustomerSummary(unit="week").fit_transform(log.until(CUTOFFS[0]))
    model = ci.BetaGeoNBD().fit(summary)
    assert result.predictions["BetaGeoNBD"][rows] == pytest.approx(
        model.expected_purchases(summary, 13), rel=1e-9
    )
    bounds = model.predict_interval(summary, 13, 0.9)
    deeds = actual(log, CUTOFFS[0])
    inside = (bounds[:, 0] <= deeds) & (deeds <= bounds[:, 1])
    assert result.value("coverage", CUTOFFS[0])["BetaGeoNBD"] == pytest.approx(inside.mean())
    assert np.isnan(result.value("coverage")["own_rate"])


def test_the_money_of_a_value_is_discounted_profit(log, value_result):
    rate = np.log(1.2) / 365.25
    rows = value_result.predictions["cutoff"] == np.datetime64(CUTOFFS[1])
    after = int(np.datetime64(CUTOFFS[1]).astype(np.int64))
    past = log.until(CUTOFFS[1])
    whole = log[np.isin(log.customers, past.customers)]
    profit = [0.3 * oracle.spend(h, after, after + DAYS, rate) - 0.5 for h in oracle.histories(whole)]
    assert value_result.predictions["actual"][rows] == pytest.approx(np.array(profit), rel=1e-12)
    summary = ci.CustomerSummary(unit="week").fit_transform(past)
    value = ci.LifetimeValue(horizon=13, margin=0.3, discount_rate=0.2, retention_cost=0.5).fit(summary)
    assert value_result.predictions["LifetimeValue"][rows] == pytest.approx(value.predict(summary), rel=1e-9)
    share = (1 - np.exp(-rate * DAYS)) / (rate * DAYS)
    for name, sales in oracle.naive(past, DAYS, oracle.spend).items():
        expected = 0.3 * share * np.array(sales) - 0.5
        assert value_result.predictions[name][rows] == pytest.approx(expected, rel=1e-12)


def test_tracking_week_by_week(log, result, value_result):
    rows = result.tracking["cutoff"] == np.datetime64(CUTOFFS[1])
    assert result.tracking["end"][rows][[0, 1, -1]].astype(str).tolist() == [
        "2024-04-07",
        "2024-04-14",
        "2024-06-30",
    ]
    own = log[np.isin(log.customers, log.until(CUTOFFS[1]).customers)]
    after = int(np.datetime64(CUTOFFS[1]).astype(np.int64))
    totals = [
        sum(oracle.days_with_purchase(h, after, after + 7 * k) for h in oracle.histories(own))
        for k in range(1, 14)
    ]
    assert result.tracking["actual"][rows].tolist() == totals
    curve = result.tracking["BetaGeoNBD"][rows]
    assert (np.diff(curve) > 0).all()
    predicted = result.predictions["BetaGeoNBD"][result.predictions["cutoff"] == np.datetime64(CUTOFFS[1])]
    assert curve[-1] == pytest.approx(predicted.sum())
    missed = np.abs(curve - totals).mean() / totals[-1]
    assert result.value("tracking_cumulative", CUTOFFS[1])["BetaGeoNBD"] == pytest.approx(missed)
    weeks = np.diff(totals, prepend=0)
    missed = np.abs(np.diff(curve, prepend=0) - weeks).mean() / np.mean(weeks)
    assert result.value("tracking_incremental", CUTOFFS[1])["BetaGeoNBD"] == pytest.approx(missed)
    assert (np.diff(value_result.tracking["LifetimeValue"][rows]) > 0).all()
    last = value_result.predictions["cutoff"] == np.datetime64(CUTOFFS[1])
    profit = value_result.predictions["LifetimeValue"][last] + 0.5
    assert value_result.tracking["LifetimeValue"][rows][-1] == pytest.approx(profit.sum())


def test_targets(log):
    few = {"cutoffs": CUTOFFS[0], "n_bootstrap": 2}
    inner = ci.backtest(ci.LifetimeValue(), log, target="purchases", **few)
    assert inner.target == "purchases"
    alone = ci.backtest(ci.BetaGeoNBD(), log, **few)
    assert inner.value("rmse")["LifetimeValue"] == alone.value("rmse")["BetaGeoNBD"]
    sales = log.until("2024-03-31").split(CUTOFFS[0])[1].spend()
    money = ci.backtest(Oracle({CUTOFFS[0]: sales}), log, target="money", **few)
    assert money.predictions["actual"] == pytest.approx(sales, rel=1e-12, abs=1e-12)


@pytest.mark.filterwarnings("ignore::crmintel.exceptions.FitWarning")  # a small base
def test_calendar_weeks_count_weeks(log):
    result = ci.backtest(ci.BetaGeoBetaBinomial(), log, cutoffs=CUTOFFS[1], n_bootstrap=2)  # a Sunday
    owners, weeks = [], []
    for i, history in enumerate(oracle.histories(log)):
        after = int(np.datetime64(CUTOFFS[1]).astype(np.int64))
        found = {(day + 3) // 7 for day, amount in history if amount >= 0 and after < day <= after + DAYS}
        owners.append(i)
        weeks.append(len(found))
    assert result.predictions["actual"].tolist() == weeks
    assert np.isfinite(result.value("rmse")["BetaGeoBetaBinomial"])


@pytest.mark.filterwarnings("ignore::crmintel.exceptions.FitWarning")  # a small base
@pytest.mark.parametrize("target", ["purchases", "money"])
def test_calendar_months_come_whole(log, target):
    summary = ci.CustomerSummary(unit="month", collapse="month")
    pipeline = make_pipeline(summary, ci.LifetimeValue(ci.BetaGeoBetaBinomial()))
    asked = {"cutoffs": CUTOFFS[1], "horizon": "3M", "target": target, "n_bootstrap": 2}
    result = ci.backtest(pipeline, log, **asked)
    rows = summary.fit_transform(log.until(CUTOFFS[1]))
    value = ci.LifetimeValue(ci.BetaGeoBetaBinomial(), horizon=3).fit(rows)
    expected = value.predict(rows) if target == "money" else value.transactions_.expected_purchases(rows, 3)
    assert result.predictions["LifetimeValue"] == pytest.approx(expected)
    assert np.isnan(result.value("tracking_cumulative")["LifetimeValue"])
    if target == "purchases":
        assert result.predictions["actual"].max() <= 3


@pytest.mark.filterwarnings("ignore::crmintel.exceptions.FitWarning")  # a small base
def test_other_models_as_baselines(log):
    others = {"by chance": ci.NBD(), "own_rate": "own_rate"}
    result = ci.backtest(ci.ParetoNBD(), log, cutoffs=CUTOFFS[0], baselines=others, n_bootstrap=5)
    assert result.names == ("ParetoNBD", "by chance", "own_rate")
    assert result.value("coverage")["by chance"] > 0.5
    alone = ci.backtest(ci.ParetoNBD(), log, cutoffs=CUTOFFS[0], baselines=[], n_bootstrap=5)
    assert "without a baseline" in alone.verdict


# -- the result ------------------------------------------------------------------------------------------------


def test_the_verdict(log):
    run = {"log": log, "cutoffs": CUTOFFS, "target": "purchases", "n_bootstrap": 40, "random_state": 0}
    perfect = ci.backtest(Oracle(truths(log)), **run)
    assert perfect.value("rmse")["Oracle"] == 0.0
    assert perfect.value("spearman")["Oracle"] == pytest.approx(1.0)
    assert perfect.verdict.startswith("Oracle is better than every baseline: rmse 0 against")
    absurd = ci.backtest(Oracle(truths(log), times=20.0), **run)
    assert absurd.verdict.startswith("Do not use Oracle here, a naive forecast is better")
    assert absurd.verdict in repr(absurd)
    same = Oracle(
        {
            day: oracle.naive(log.until(day), DAYS, oracle.days_with_purchase)["recency_rule"]
            for day in CUTOFFS
        }
    )
    same.truth = {day: np.array(values) for day, values in same.truth.items()}
    assert "is not shown to be better than every baseline" in ci.backtest(same, **run).verdict


def test_default_cutoffs_roll_back_through_the_second_half(log):
    result = ci.backtest(ci.NBD(), log, horizon="8W", n_bootstrap=2)
    end = log.end.astype("datetime64[D]")
    assert [int((end - day).astype(int)) for day in result.cutoffs] == [224, 168, 112, 56]
    short = ci.backtest(ci.NBD(), log, horizon="52W", n_bootstrap=2)
    assert [int((end - day).astype(int)) for day in short.cutoffs] == [364]


def test_frames_repr_and_pickle(result):
    pandas, polars = result.to_frame("pandas"), result.to_frame("polars")
    assert pandas.shape == polars.shape == (5 * 3 * 9, 9)
    assert pandas.columns.tolist()[:4] == ["forecast", "cutoff", "metric", "value"]
    text = repr(result)
    assert text.startswith(
        "Backtest(purchases in the 91 days after 2023-12-31, 2024-03-31: 250, 250 customers)"
    )
    assert "recency_rule" in text
    assert repr(pickle.loads(pickle.dumps(result))) == text


def test_the_same_seed_gives_the_same_table(log, result):
    again = ci.backtest(ci.BetaGeoNBD(), log, cutoffs=CUTOFFS[::-1], n_bootstrap=60, random_state=0)
    for name, column in result.columns.items():
        assert np.array_equal(again.columns[name], column, equal_nan=column.dtype.kind == "f"), name


def test_the_cdnow_holdout(cdnow, cdnow_rows):
    past, future = cdnow
    log = past._view(stops=future.stops, end=future.end)
    result = ci.backtest(
        ci.BetaGeoNBD(),
        log,
        cutoffs="1997-09-30",
        horizon="273D",
        baselines=["own_rate"],
        n_bootstrap=100,
        random_state=0,
    )
    assert result.predictions["actual"].sum() == future.purchases().sum()
    expected = ci.BetaGeoNBD().fit(cdnow_rows).expected_purchases(cdnow_rows, 39).sum()
    assert result.value("total_ratio")["BetaGeoNBD"] == pytest.approx(expected / future.purchases().sum())
    assert result.verdict.startswith("BetaGeoNBD is better than every baseline")


# -- wrong input -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("params", "error", "message"),
    [
        (
            {"cutoffs": "2024-06-01"},
            DateRangeError,
            r"with 91 days after it.*choose cutoffs from .* to 2024-04-14",
        ),
        ({"cutoffs": "2020-01-01"}, DateRangeError, "does not lie within the log"),
        ({"cutoffs": "2024-01-01 12:00"}, DateRangeError, "has a time of day"),
        ({"cutoffs": []}, InputError, "cutoffs must hold different dates"),
        ({"cutoffs": ["2024-01-01", "2024-01-01"]}, InputError, "cutoffs must hold different dates"),
        ({"cutoffs": "soon"}, InputError, "cutoffs must be a date"),
        ({"cutoffs": None, "horizon": "3Y"}, DateRangeError, "leaves no past"),
        ({"horizon": 0}, InputError, "horizon must be >= 1"),
        (
            {"horizon": 39},
            UnitError,
            "horizon=39 would be days here and weeks in the model; write '39 days' or '39 w",
        ),
        ({"horizon": "30m"}, InputError, "may mean minutes or months"),
        ({"target": "profit"}, InputError, "target must be one of 'purchases', 'money'"),
        ({"target": "money"}, InputError, r"BetaGeoNBD predicts purchases, no money.*LifetimeValue"),
        ({"baselines": ["magic"]}, InputError, "a baseline must be one of 'own_rate'"),
        ({"baselines": "own_rate"}, InputError, r"write baselines=\['own_rate'\]"),
        ({"baselines": {"BetaGeoNBD": ci.NBD()}}, InputError, "that is the estimator's name"),
        ({"baselines": {"other": 3}}, InputTypeError, "the baseline 'other' must be an estimator"),
        ({"level": 1.0}, InputError, "level must be"),
        ({"n_bootstrap": 0}, InputError, "n_bootstrap must be >= 1"),
        ({"estimator": object()}, InputTypeError, r"estimator must be an estimator with fit\(log\)"),
        ({"estimator": ci.ShiftedBetaGeometric()}, InputTypeError, "reads contracts, which are not in a log"),
        ({"estimator": ci.RFMScorer()}, InputError, "does not say what it predicts; set target="),
    ],
)
def test_wrong_parameters(log, params, error, message):
    asked = {"estimator": ci.BetaGeoNBD(), "cutoffs": CUTOFFS[0], "n_bootstrap": 2, **params}
    with pytest.raises(error, match=message):
        ci.backtest(log=log, **asked)


def test_wrong_logs(log):
    with pytest.raises(InputTypeError, match="log must be a TransactionLog"):
        ci.backtest(ci.BetaGeoNBD(), np.ones((3, 3)))
    mute = ci.TransactionLog.from_arrays(customer=[1, 1, 2], time=["2024-01-01", "2024-03-01", "2024-06-01"])
    with pytest.raises(ColumnError, match="amount"):
        ci.backtest(ci.LifetimeValue(), mute, horizon="30D")
    with pytest.raises(InputError, match="expected 250: one per row"):
        ci.backtest(
            Oracle({CUTOFFS[0]: np.ones(3)}), log, cutoffs=CUTOFFS[0], target="purchases", n_bootstrap=2
        )


def test_wrong_questions_to_the_result(result):
    with pytest.raises(InputError, match="metric must be one of"):
        result.value("auc")
    with pytest.raises(InputError, match="cutoff must be one of '2023-12-31'"):
        result.value("rmse", "2020-01-01")
