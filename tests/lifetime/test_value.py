"""Historic, current and potential value."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.metrics import r2_score
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline

from crmintel import (
    NBD,
    BetaGeoBetaBinomial,
    BetaGeoNBD,
    CorrelatedSpend,
    CustomerSummary,
    GammaGamma,
    LifetimeValue,
    LogNormalSpend,
    ModifiedBetaGeoNBD,
    ParetoNBD,
    ShiftedBetaGeometric,
    ValueQuadrants,
)
from crmintel.datasets import make_transactions
from crmintel.exceptions import ColumnError, DataWarning, InputError, InputTypeError, UnitError


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


def test_a_negative_margin_is_named(rows):
    with pytest.warns(DataWarning, match=r"margin=-0\.2 is negative: every sale loses money"):
        value = LifetimeValue(margin=-0.2).fit(rows)
    assert (value.predict(rows) <= 0).all()
    assert value.predict(rows) == pytest.approx(-0.2 * LifetimeValue().fit(rows).predict(rows))


PURCHASES = [BetaGeoNBD, ModifiedBetaGeoNBD, ParetoNBD, NBD, BetaGeoBetaBinomial]


@pytest.mark.parametrize("spend", [GammaGamma, LogNormalSpend, CorrelatedSpend])
@pytest.mark.parametrize("transactions", PURCHASES)
def test_every_model_of_purchases_with_every_model_of_spend(log, transactions, spend):
    collapse = "week" if transactions is BetaGeoBetaBinomial else "day"
    rows = CustomerSummary(unit="week", collapse=collapse, extra=("spend", "spend_last_year")).fit_transform(
        log
    )
    params = {"discount_rate": 0.1, "margin": 0.5}
    year = LifetimeValue(transactions(), spend(), horizon="52W", **params).fit(rows)
    values = year.transform(rows)
    assert np.isfinite(values).all()
    assert (values[:, 2] >= 0).all()
    longer = LifetimeValue(transactions(), spend(), horizon=520, **params).fit(rows).predict(rows)
    endless = LifetimeValue(transactions(), spend(), horizon=np.inf, **params).fit(rows).predict(rows)
    assert (values[:, 2] <= longer).all()
    assert (longer <= endless * (1 + 1e-9)).all()
    quadrants = ValueQuadrants().fit(values)
    assert quadrants.table(values)["customers"].sum() == len(rows)


def test_an_endless_horizon_needs_a_discount(rows):
    with pytest.raises(InputError, match=r"horizon=inf needs discount_rate > 0"):
        LifetimeValue(horizon=np.inf).fit(rows)


def test_infinite_spend_never_becomes_nan(rows):
    value = LifetimeValue(horizon="26W").fit(rows)
    value.spend_ = GammaGamma.from_params(p=1.0, q=0.5, v=1.0)
    value.transactions_ = BetaGeoNBD.from_params(r=0.5, alpha=6, a=0.8, b=2.5, unit="week")
    gone = np.array([[500, 1.0, 4000.0, 3.0], [0, 0.0, 5.0, 0.0]])
    assert value.predict(gone).tolist()[1] == np.inf
    assert not np.isnan(value.set_params(margin=0.0).predict(gone)).any()


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"transactions": ShiftedBetaGeometric()}, "margin x payment x discounted_expected_renewals"),
        ({"transactions": GammaGamma()}, "must be a model of repeat purchases such as BetaGeoNBD"),
        ({"transactions": "BetaGeoNBD"}, "got 'BetaGeoNBD'"),
        ({"spend": 30.0}, "spend must be a model of spend such as GammaGamma.*got 30.0"),
        ({"spend": BetaGeoNBD()}, "spend must be a model of spend"),  # purchases are no money
        ({"spend": GammaGamma}, "spend must be a model of spend"),
        ({"transactions": BetaGeoNBD}, "transactions must be a model of repeat purchases"),
    ],
)
def test_models_that_cannot_answer(rows, params, message):
    with pytest.raises(InputTypeError, match=message):
        LifetimeValue(**params).fit(rows)


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
    [
        {"margin": -1.1},
        {"margin": 1.1},
        {"retention_cost": -1},
        {"discount_rate": -0.1},
        {"discount_rate": 10},
        {"horizon": 0},
        {"horizon": np.nan},
    ],
)
def test_wrong_parameters_fail_in_fit(rows, params):
    with pytest.raises(InputError, match=next(iter(params))):
        LifetimeValue(**params).fit(rows)
