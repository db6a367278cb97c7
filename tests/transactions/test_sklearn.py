"""A log goes through scikit-learn as rows do: splits, folds and pipelines cut customers, never purchases."""

from __future__ import annotations

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import GridSearchCV, KFold, cross_val_predict, cross_val_score, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.utils import resample, shuffle

from crmintel import CustomerSummary, LogCleaner


class PurchaseRate(RegressorMixin, BaseEstimator):
    """Predicts purchases from those of the past; reads the log itself."""

    def __init__(self, weight=1.0):
        self.weight = weight

    def fit(self, X, y):
        assert len(X) == len(y)
        self.slope_ = self.weight * np.sum(y) / X.purchases().sum()
        return self

    def predict(self, X):
        return self.slope_ * X.purchases()


@pytest.fixture(scope="module")
def halves(log):
    past, future = log.split("2023-06-30")
    return past, future.purchases()


def test_train_test_split_cuts_customers(halves):
    past, y = halves
    train, test, y_train, y_test = train_test_split(past, y, test_size=0.25, random_state=0)
    assert len(train) + len(test) == len(past)
    assert not set(train.customers) & set(test.customers)
    assert train.n_lines + test.n_lines == past.n_lines
    assert train.lines is past.lines
    positions = np.searchsorted(past.customers, test.customers)
    assert y[positions].tolist() == y_test.tolist()
    assert (len(y_train), len(y_test)) == (len(train), len(test))


def test_cross_validation(halves):
    past, y = halves
    folds = KFold(5, shuffle=True, random_state=1)
    found = cross_val_score(PurchaseRate(), past, y, cv=folds)
    by_hand = [
        PurchaseRate().fit(past[a], y[a]).score(past[b], y[b]) for a, b in folds.split(np.zeros(len(past)))
    ]
    np.testing.assert_allclose(found, by_hand)
    assert cross_val_predict(PurchaseRate(), past, y, cv=folds).shape == y.shape


def test_grid_search_over_a_pipeline_that_starts_with_a_log(halves):
    past, y = halves
    search = GridSearchCV(
        make_pipeline(CustomerSummary(), LinearRegression()),
        {"customersummary__unit": ["day", "week"], "customersummary__extra": [(), ("spend", "sum_log_gaps")]},
        cv=3,
    ).fit(past, y)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    assert search.best_estimator_.predict(past[:7]).shape == (7,)


def test_grid_search_over_an_estimator_that_reads_the_log(halves):
    past, y = halves
    search = GridSearchCV(PurchaseRate(), {"weight": [0.5, 1.0]}, cv=3).fit(past, y)
    assert search.best_params_ == {"weight": 1.0}


def test_resample_and_shuffle(log):
    drawn = resample(log, n_samples=40, random_state=3)
    assert len(drawn) == 40
    assert len(set(drawn.customers)) < 40
    positions = np.searchsorted(log.customers, drawn.customers)
    np.testing.assert_array_equal(drawn.spend(), log.spend()[positions])
    assert sorted(shuffle(log, random_state=0).customers) == log.customers.tolist()


def test_a_cleaned_log_goes_on(log):
    rows = CustomerSummary().fit_transform(LogCleaner().fit_transform(log))
    assert rows.shape[1] == 4
    pipeline = make_pipeline(LogCleaner(), CustomerSummary())
    np.testing.assert_array_equal(pipeline.fit_transform(log), rows)


@pytest.mark.parametrize(("library", "kind"), [("pandas", pd.DataFrame), ("polars", pl.DataFrame)])
def test_set_output(log, library, kind):
    model = CustomerSummary(extra=("spend",)).set_output(transform=library)
    rows = model.fit_transform(log)
    assert isinstance(rows, kind)
    assert list(rows.columns) == ["frequency", "recency", "T", "monetary_value", "spend"]
    np.testing.assert_array_equal(np.asarray(rows), CustomerSummary(extra=("spend",)).fit_transform(log))
    # the whole pipeline, with a log in front
    pipeline = make_pipeline(LogCleaner(), CustomerSummary()).set_output(transform=library)
    assert isinstance(pipeline.fit_transform(log), kind)
