"""The check for leaks passes what is sound, and finds each kind of planted leak."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.pipeline import make_pipeline

import crmintel as ci
from crmintel.exceptions import DateRangeError, InputTypeError
from crmintel.testing import assert_no_leakage
from crmintel.testing._rebuild import columns_of, log_of

DATE = "2023-09-30"


@pytest.fixture(scope="module")
def log():
    return ci.datasets.make_transactions(120, n_items=6, random_state=0)[0]


@pytest.mark.parametrize(
    "transformer",
    [
        ci.BehaviourFeatures(),
        ci.CustomerSummary(unit="week"),
        ci.RFMScorer(),
        make_pipeline(ci.CustomerSummary(unit="week"), ci.BetaGeoNBD(horizon=13)),
        lambda past: past.spend(),
        lambda past: {"spend": past.spend(), "who": past.customers},
    ],
    ids=["behaviour", "summary", "rfm", "pipeline", "function", "dict"],
)
def test_sound_features_pass(log, transformer):
    assert_no_leakage(transformer, log, DATE)


class SpendOfTheWholeLog(TransformerMixin, BaseEstimator):
    """A planted leak: it reads past the end of each history."""

    def fit(self, X, y=None):
        return self

    def transform(self, X):
        ends = np.append(X.starts[1:], len(X.lines))
        totals = np.append(0.0, np.cumsum(X.lines.amount))
        return np.column_stack([X.spend(), totals[ends] - totals[X.starts]])


class ScaledByTheFuture(SpendOfTheWholeLog):
    """Each customer's past, in units of what all spend before and after."""

    def transform(self, X):
        return X.spend()[:, None] / X.lines.amount.sum()


def test_a_planted_leak_is_found(log):
    with pytest.raises(
        AssertionError, match=r"left out, these columns change \(customers\): \{'column 1': \d+\}"
    ):
        assert_no_leakage(SpendOfTheWholeLog(), log, DATE)
    with pytest.raises(AssertionError, match="see the future"):
        assert_no_leakage(ScaledByTheFuture(), log, DATE)
    with pytest.raises(AssertionError, match="'later'"):
        assert_no_leakage(lambda past: {"past": past.spend(), "later": past.lines.time[past.stops - 1] * 0
                                        + past.lines.time.max()}, log, DATE)  # fmt: skip


def test_a_leak_in_the_columns_is_found(log):
    """One column for each item that occurs, among them those first sold later."""

    def one_column_per_month(past):
        months = np.unique(past.lines.time // (30 * 86_400_000_000))
        return {str(month): past.spend() for month in months.tolist()}

    with pytest.raises(AssertionError, match="the columns are"):
        assert_no_leakage(one_column_per_month, log, DATE)


def test_what_is_looked_up_outside_the_log_is_found(log):
    pd = pytest.importorskip("pandas")
    whole = pd.Series(log.spend(), index=log.customers)
    with pytest.raises(AssertionError, match=r"do not come from the log alone: .* \{'ever': \d+\}"):
        assert_no_leakage(
            lambda past: {"spend": past.spend(), "ever": whole.reindex(past.customers).to_numpy()}, log, DATE
        )
    with pytest.raises(AssertionError, match=r"do not come from the log alone: .* it ends with KeyError"):
        assert_no_leakage(lambda past: whole.loc[past.customers].to_numpy(), log, DATE)
    who = np.array([f"c{each:05d}" for each in log.customers[log.owners()]])
    words = log_of({**columns_of(log), "customer": who}, log)
    by_word = pd.Series(words.spend(), index=words.customers)
    with pytest.raises(AssertionError, match="do not come from the log alone"):
        assert_no_leakage(
            lambda past: by_word.reindex(past.customers, fill_value=0.0).to_numpy(), words, DATE
        )


def test_attributes_of_the_log_may_be_features(log):
    age = np.arange(len(log)) % 70
    known = log.with_customers({"customer": log.customers, "age": age}, customer="customer")
    assert_no_leakage(lambda past: {"age": past.attributes["age"], "spend": past.spend()}, known, DATE)
    assert_no_leakage(
        lambda past: past.lines.time[past.starts], known, DATE
    )  # the first purchase does not change


def test_what_cannot_be_checked(log):
    with pytest.raises(DateRangeError, match="no line after"):
        assert_no_leakage(ci.BehaviourFeatures(), log, log.end)
    with pytest.raises(InputTypeError, match="log must be a TransactionLog"):
        assert_no_leakage(ci.BehaviourFeatures(), None, DATE)
    for transformer in (None, "spend", ci.BehaviourFeatures):
        with pytest.raises(InputTypeError, match="transformer must be a transformer such as"):
            assert_no_leakage(transformer, log, DATE)


@pytest.mark.slow
def test_complete_journey():
    log = ci.TransactionLog.from_frame(
        ci.datasets.load_complete_journey(),
        customer="household_id", time="transaction_timestamp", amount="sales_value", quantity="quantity",
        item="product_id", discount="retail_disc",
    )  # fmt: skip
    assert_no_leakage(ci.BehaviourFeatures(), log, "2017-08-31")
