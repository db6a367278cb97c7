"""Historic, current and potential value."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.metrics import r2_score
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline

from crmintel import BetaGeoNBD, CustomerSummary, GammaGamma, LifetimeValue
from crmintel.datasets import make_transactions
from crmintel.exceptions import ColumnError, InputError, InputTypeError, UnitError


@pytest.fixture(scope="module")
def log():
    return make_transactions(800, weeks=80, random_state=0)[0]


@pytest.fixture(scope="module")
def rows(log):
    return CustomerSummary(unit="week", extra=("spend", "spend_last_year")).fit_transform(log)


def test_the_three_values(rows, log):
    value = LifetimeValue(horizon="26W", margin=0.3).fit(rows)
    out = value.transform(rows)
    assert out.columns == ("historic", "current", "potential")
    assert out[:, 0] == pytest.approx(0.3 * log.spend())
    assert (out[:, 1] <= out[:, 0] + 1e-9).all()
    expected = BetaGeoNBD().fit(rows).expected_purchases(rows, 26) * GammaGamma().fit(rows).predict(rows)
    assert value.predict(rows) == pytest.approx(0.3 * expected, rel=1e-12)
    assert np.array_equal(out[:, 2], value.predict(rows))
    assert (value.predict(rows) >= 0).all()


def test_discounting_uses_exact_periods(rows):
    base = LifetimeValue(horizon="1Y").fit(rows).predict(rows)
    half = LifetimeValue(horizon="1Y", discount_rate=0.5).fit(rows).predict(rows)
    assert (half < base).all()
    assert (half > base / 1.5).all()
    early = LifetimeValue(horizon="1D", discount_rate=0.5).fit(rows).predict(rows)
    assert early == pytest.approx(LifetimeValue(horizon="1D").fit(rows).predict(rows), rel=2e-3)


@pytest.mark.parametrize("unit", ["hour", "day", "month", "quarter", "year"])
def test_the_unit_does_not_matter(log, rows, unit):
    other = CustomerSummary(unit=unit).fit_transform(log)
    params = {"horizon": "52W", "discount_rate": 0.12}
    assert LifetimeValue(**params).fit(other).predict(other) == pytest.approx(
        LifetimeValue(**params).fit(rows).predict(rows), rel=1e-6
    )


def test_retention_cost_is_taken_off(rows):
    free = LifetimeValue(margin=0.5).fit(rows).predict(rows)
    assert LifetimeValue(margin=0.5, retention_cost=3.0).fit(rows).predict(rows) == pytest.approx(free - 3.0)


def test_an_unknown_unit(rows):
    plain = np.asarray(rows)[:, :4]
    with pytest.raises(UnitError, match="unit of the rows is not known"):
        LifetimeValue().fit(plain)
    with pytest.raises(UnitError, match=r"discount_rate=0\.1 is per year"):
        LifetimeValue(horizon=52, discount_rate=0.1).fit(plain)
    known = LifetimeValue(BetaGeoNBD(unit="week"), discount_rate=0.1).fit(plain).predict(plain)
    assert known == pytest.approx(LifetimeValue(discount_rate=0.1).fit(rows).predict(rows), rel=1e-9)


def test_without_the_spend_columns_only_the_potential(rows):
    plain = np.asarray(rows)[:, :4]
    value = LifetimeValue(horizon=13).fit(plain)
    assert value.predict(plain).shape == (800,)
    with pytest.raises(ColumnError, match=r"CustomerSummary\(extra=\('spend', 'spend_last_year'\)\)"):
        value.transform(plain)


def test_sub_models_are_cloned_and_set_output_works(rows):
    buys, spends = BetaGeoNBD(penalty=0.5), GammaGamma()
    value = LifetimeValue(buys, spends, horizon=13).fit(rows)
    assert not hasattr(buys, "r_")
    assert value.transactions_.penalty == 0.5
    assert isinstance(value.spend_, GammaGamma)
    assert value.unit_ == "week"
    assert clone(value).get_params()["transactions__penalty"] == 0.5
    frame = clone(value).set_output(transform="pandas").fit(rows).transform(rows)
    assert frame.columns.tolist() == ["historic", "current", "potential"]


def test_in_a_pipeline_on_the_log(log, rows):
    summary = CustomerSummary(unit="week", extra=("spend", "spend_last_year"))
    pipeline = make_pipeline(summary, LifetimeValue(horizon=13, margin=0.3)).fit(log)
    assert pipeline.predict(log) == pytest.approx(
        LifetimeValue(horizon=13, margin=0.3).fit(rows).predict(rows)
    )


def test_the_score_is_r2_and_searches_choose_by_it(log, rows):
    past, future = log.split("2023-12-31")
    earned = future.spend()
    value = LifetimeValue(horizon="26W").fit(rows)
    assert value.score(rows, value.predict(rows)) == 1.0
    assert value.score(rows, earned) == pytest.approx(r2_score(earned, value.predict(rows)))
    search = GridSearchCV(
        make_pipeline(CustomerSummary(unit="week"), LifetimeValue(horizon="26W")),
        {"lifetimevalue__margin": [0.01, 1.0]},
        cv=3,
    ).fit(past, earned)
    assert search.best_params_ == {"lifetimevalue__margin": 1.0}
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()


def test_what_cannot_be_scored(rows):
    value = LifetimeValue(horizon="26W").fit(rows)
    with pytest.raises(InputTypeError, match="score needs y"):
        value.score(rows, None)
    with pytest.raises(InputError, match="y has 1 values"):
        value.score(rows, [1.0])
    value.spend_ = GammaGamma.from_params(p=1.0, q=0.5, v=1.0)
    with pytest.raises(InputError, match="the prediction must be finite"):
        value.score(rows, np.ones(len(rows)))


@pytest.mark.parametrize(
    "params",
    [{"margin": -0.1}, {"retention_cost": -1}, {"discount_rate": -0.1}, {"horizon": 0}, {"horizon": np.nan}],
)
def test_wrong_parameters_fail_in_fit(rows, params):
    with pytest.raises(InputError, match=next(iter(params))):
        LifetimeValue(**params).fit(rows)
