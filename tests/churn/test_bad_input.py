"""Whatever churn functions are given, they answer, or say in the library's words what is wrong."""

from __future__ import annotations

import inspect

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

import crmintel as ci
from crmintel import exceptions
from crmintel.exceptions import ColumnError, DateRangeError, InputError, InputTypeError

pd = pytest.importorskip("pandas")

N = 60
CLEAR = tuple(
    each for each in vars(exceptions).values() if inspect.isclass(each) and issubclass(each, Exception)
)


def logistic(**options):
    return ci.make_churn_pipeline(LogisticRegression(), "none", **options)


@pytest.fixture(scope="module")
def right():
    """Arguments that every function below takes."""
    rng = np.random.default_rng(0)
    y = (rng.random(N) < 0.4).astype(int)
    frame = pd.DataFrame(rng.normal(size=(N, 3)), columns=list("abc")).assign(plan=rng.choice(["u", "v"], N))
    duration = rng.integers(1, 20, N).astype(float)
    duration[0], y[0] = 20.0, 0  # somebody is watched longer than the last who leaves
    return {
        "y": y, "event": y, "score": rng.random(N), "risk": rng.random(N), "duration": duration, "X": frame,
        "background": frame, "before": frame, "now": frame, "survival": -np.sort(-rng.random((N, 3))),
        "times": [2, 5, 8], "segment": rng.choice(["u", "v"], N), "target": np.column_stack([duration, y]),
        "clv": rng.gamma(2.0, 100.0, N), "incentive": 10.0, "contact": 1.0, "numbers": rng.normal(size=(N, 2)),
        "fitted": logistic().fit(frame, y),
    }  # fmt: skip


def _hazard(numbers, target):
    return ci.HazardModel(LogisticRegression(), horizon=5).fit(numbers, target).expected_remaining(numbers)


FUNCTIONS = {
    "expected_maximum_profit": ci.expected_maximum_profit,
    "profit_curve": ci.profit_curve,
    "top_decile_lift": ci.top_decile_lift,
    "gain_table": ci.gain_table,
    "survival_curve": ci.survival_curve,
    "survival_by_segment": ci.survival_by_segment,
    "compare_survival": ci.compare_survival,
    "concordance_index": ci.concordance_index,
    "concordance_ipcw": ci.concordance_ipcw,
    "survival_brier_score": ci.survival_brier_score,
    "integrated_brier_score": ci.integrated_brier_score,
    "check_drift": lambda before, now: ci.check_drift(before, now, together=False),
    "churn_rules": lambda X, y: ci.churn_rules(X, y, min_customers=10),
    "churn_importance": lambda fitted, X, y: ci.churn_importance(fitted, X, y, n_repeats=2),
    "churn_reasons": lambda fitted, X, background: ci.churn_reasons(fitted, X, background),
    "make_churn_pipeline": lambda X, y: logistic().fit(X, y).predict_proba(X),
    "ProfitClassifier": lambda X, y, clv: ci.ProfitClassifier(logistic()).fit(X, y).predict(X, clv),
    "HazardModel": _hazard,
}
STRANGE = {
    "None": None,
    "text": "many",
    "nothing": [],
    "one": [1.0],
    "a number": np.array(1.0),
    "an object": object(),
    "a dict": {"other": [1]},
    "a missing value": np.where(np.arange(N) == 3, np.nan, 1.0),
    "infinity": np.where(np.arange(N) == 3, np.inf, 1.0),
    "below zero": -np.arange(1.0, N + 1),
    "beyond chances": np.linspace(-1.0, 2.0, N),
    "large": np.full(N, 1e300),
    "one class": np.zeros(N),
    "too short": np.ones(5),
    "three dimensions": np.ones((N, 2, 2)),
    "words": np.array(["a", "b"] * (N // 2)),
    "nones": np.full(N, None),
    "mixed": np.array([1, "a", None] * (N // 3), dtype=object),
    "complex": np.ones(N) + 1j,
    "dates": np.full(N, np.datetime64("2024-01-01")),
    "NA": pd.array([1, None] * (N // 2), dtype="Int64"),
}


@pytest.mark.filterwarnings("ignore::crmintel.exceptions.DataWarning")
@pytest.mark.parametrize("name", FUNCTIONS)
def test_strange_arguments(right, name):
    """Each argument in turn is each strange thing: an answer without a warning, or an error that names it."""
    function = FUNCTIONS[name]
    given = [each for each in inspect.signature(function).parameters if each in right]
    sound = {each: right[each] for each in given}
    function(**sound)
    for each in given:
        if each != "fitted":
            refused = [thing for thing in STRANGE.values() if not _answers(function, {**sound, each: thing})]
            assert len(refused) >= 8, each


def _answers(function, arguments):
    try:
        function(**arguments)
    except CLEAR:
        return False
    return True


@pytest.fixture(scope="module")
def log():
    return ci.datasets.make_transactions(80, random_state=0)[0]


def lonely(**columns):
    return ci.TransactionLog.from_arrays(customer=["ann"], time=["2024-01-01"], **columns)


@pytest.mark.parametrize(
    ("call", "error", "says"),
    [
        (lambda log: ci.churn_snapshots(lonely(), "30D"), DateRangeError, "need 60 days, but the log has 1"),
        (lambda log: ci.churn_snapshots(log, "9Y"), DateRangeError, "choose a shorter horizon"),
        (
            lambda log: ci.churn_labels(*log.split("2023-12-31"), "9Y"),
            DateRangeError,
            "choose a shorter horizon",
        ),
        (lambda log: log.split("2020-01-01"), DateRangeError, "before the start of the log"),
        (
            lambda log: ci.churn_labels(log.until("2023-06-30"), log[:3], "30D"),
            InputError,
            "the same customers",
        ),
        (lambda log: ci.churn_labels(None, log, "30D"), InputTypeError, "past must be a TransactionLog"),
        (lambda log: ci.churn_snapshots(log, "30D", step=0), InputError, "step must be"),
        (lambda log: ci.churn_snapshots(log, "30D", gap=-1), InputError, "gap must be"),
        (lambda log: ci.churn_snapshots(log, "0D"), InputError, "horizon must be"),
        (lambda log: ci.churn_snapshots(log, None), InputTypeError, "horizon must be"),
        (lambda log: ci.churn_snapshots(log, "30D", overdue=0), InputError, "overdue must be"),
        (lambda log: logistic().fit(log[:0], []), InputError, "one class only"),
        (
            lambda log: logistic().fit(*ci.churn_snapshots(lonely(end="2024-12-31"), "30D")),
            InputError,
            "one class only",
        ),
        (
            lambda log: ci.make_churn_pipeline().fit([[1.0], [2.0]], [0, 1]),
            InputError,
            "2 customers of each class",
        ),
        (
            lambda log: logistic().set_params(inputs__features="spend").fit(*ci.churn_snapshots(log, "60D")),
            InputTypeError,
            "features must be a transformer",
        ),
        (
            lambda log: ci.ProfitClassifier(LogisticRegression()).fit(np.ones((4, 1)), list("abab")),
            InputError,
            "y must be 0/1",
        ),
        (
            lambda log: ci.ProfitClassifier(LogisticRegression()).fit(np.ones((4, 1)), ["no", "Yes"] * 2),
            InputError,
            "both in the same case",
        ),
        (
            lambda log: ci.ProfitClassifier(LogisticRegression()).fit(np.ones((4, 1)), [0, 0, 0, 0]),
            InputError,
            "one class only",
        ),
        (
            lambda log: ci.survival_brier_score([1, 2, 3], [1, 1, 0], [[1.2], [0.5], [0.1]], [1]),
            InputError,
            "survival must hold chances",
        ),
    ],
    ids=lambda each: each if isinstance(each, str) else "",
)
def test_what_cannot_be(log, call, error, says):
    with pytest.raises(error, match=says):
        call(log)


def test_what_is_unusual_and_works(log):
    """A gap longer than the horizon, customers yet to come, only returns, a constant column, worthless customers."""
    snapshots, labels = ci.churn_snapshots(log, "30D", gap="60D")
    assert len(snapshots) == labels.size
    past, future = ci.TransactionLog.from_arrays(
        customer=["ann", "bob"], time=["2024-01-01", "2024-06-01"], end="2024-12-31"
    ).split("2024-03-01")
    assert (past.customers.tolist(), ci.churn_labels(past, future, "90D").tolist()) == (["ann"], [1])
    refunds = ci.TransactionLog.from_arrays(
        customer=["ann", "ann"], time=["2024-01-01", "2024-03-01"], amount=[5.0, -5.0], end="2024-06-30"
    )
    assert ci.churn_labels(*refunds.split("2024-02-01"), "90D").tolist() == [1]
    alike = ci.make_churn_pipeline().fit(np.ones((60, 2)), np.tile([0, 1], 30)).predict_proba([[1.0, 1.0]])
    assert alike == pytest.approx(np.full((1, 2), 0.5))
    assert ci.expected_maximum_profit([1, 0, 1], [3, 2, 1], clv=[-50.0, -1.0, -3.0]) == 0.0
    assert ci.expected_maximum_profit([1, 0, 1], [3, 2, 1], incentive=0.0, contact=0.0) > 0.0


@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin", "America/New_York"])
def test_days_are_those_of_the_time_zone(zone):
    times = pd.to_datetime(["2024-01-01 23:30", "2024-03-31 01:30"]).tz_localize(zone)
    frame = pd.DataFrame({"who": ["ann", "ann"], "time": times})
    log = ci.TransactionLog.from_frame(frame, customer="who", time="time", end="2024-06-30")
    assert ci.churn_labels(*log.split("2024-03-30"), "1D").tolist() == [0]
    assert ci.churn_labels(*log.split("2024-03-29"), "1D").tolist() == [1]
    with pytest.raises(ColumnError):
        ci.TransactionLog.from_frame(frame, customer="who", time="when")
