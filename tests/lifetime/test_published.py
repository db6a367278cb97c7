"""Published numbers, from the raw log through the library's own path."""

from __future__ import annotations

import csv

import numpy as np
import pytest

from crmintel import BetaGeoNBD, CustomerSummary, GammaGamma, LifetimeValue
from crmintel.exceptions import FitWarning
from crmintel.lifetime.diagnostics import holdout_errors, past_rate

HARDIE = {"r": 0.243, "alpha": 4.414, "a": 0.793, "b": 2.426}


@pytest.fixture(scope="module")
def model(cdnow_rows):
    return BetaGeoNBD(horizon=39).fit(cdnow_rows)


def test_cdnow_bgnbd_matches_fader_hardie_lee_2005_table_2(model):
    assert [model.r_, model.alpha_, model.a_, model.b_] == pytest.approx(
        [0.2426, 4.4136, 0.7929, 2.4259], abs=5e-5
    )
    assert model.log_likelihood_ == pytest.approx(-9582.43, abs=5e-3)
    assert model.converged_
    assert model.gradient_norm_ < 1e-9
    assert model.unit_ == "week"


def test_cdnow_summary_file_gives_the_optimum_of_50_digit_arithmetic(shared_data):
    path = shared_data / "transactions" / "cdnow_customers_summary_with_transactions.csv"
    with path.open(newline="") as file:
        rows = [[float(line[k]) for k in ("x", "t_x", "T", "zbar")] for line in csv.DictReader(file)]
    model, spend = BetaGeoNBD().fit(np.array(rows)), GammaGamma().fit(np.array(rows))
    assert list(model.params_.values()) == pytest.approx(
        [0.2425929, 4.4135316, 0.7928861, 2.4257534], rel=1e-6
    )
    assert model.log_likelihood_ == pytest.approx(-9582.42556, abs=1e-5)
    assert list(spend.params_.values()) == pytest.approx([6.248803, 3.744588, 15.447748], rel=1e-6)
    assert spend.log_likelihood_ == pytest.approx(-4055.92324, abs=1e-5)


def test_cdnow_gammagamma_matches_fader_hardie_2013(cdnow_rows):
    spend = GammaGamma().fit(cdnow_rows)
    assert [spend.p_, spend.q_, spend.v_] == pytest.approx([6.2496, 3.7442, 15.4435], abs=5e-4)
    assert spend.log_likelihood_ == pytest.approx(-4055.9177, abs=1e-3)
    assert spend.n_used_ == 946
    assert spend.population_mean_ == pytest.approx(35.17, abs=5e-3)


def test_gammagamma_predictions_of_fader_hardie_2013():
    spend = GammaGamma.from_params(p=6.25, q=3.74, v=15.44)
    assert spend.predict(np.array([[2, 22.35], [0, 0.0]])) == pytest.approx([24.66, 35.22], abs=5e-3)


def test_hardies_predictions():
    model = BetaGeoNBD.from_params(**HARDIE, unit="week")
    assert model.expected_purchases([[2, 30.43, 38.86]], 39)[0] == pytest.approx(1.226, abs=5e-4)
    assert model.expected_purchases([[26, 30.857, 31]], 52)[0] == pytest.approx(25.7566, abs=5e-4)
    assert model.probability_alive([[26, 30.857, 31]])[0] == pytest.approx(0.96885, abs=5e-6)


def test_expected_purchases_of_a_new_customer_match_hardies_sheet(model):
    times = [0.1429, 1, 3, 31.8571, 32, 78, 52]
    expected = [0.0078, 0.0532, 0.1506, 1.0405, 1.0437, 1.8576, 1.4440]
    assert [model.expected_purchases(None, t) for t in times] == pytest.approx(expected, abs=5e-4)


def test_the_increasing_frequency_paradox(model):
    rows = [[x, 20, 39] for x in (10, 15, 20, 25)]
    expected = [0.3475, 0.04283, 0.00416, 0.000358]
    assert model.expected_purchases(rows, 52) == pytest.approx(expected, rel=2e-3)


def test_holdout_by_calibration_frequency_matches_the_btyd_walkthrough(model, cdnow_rows, cdnow_holdout):
    group = np.minimum(cdnow_rows[:, 0], 7).astype(int)
    size = np.bincount(group)
    assert size.tolist() == [1411, 439, 214, 100, 62, 38, 29, 64]
    actual = np.bincount(group, weights=cdnow_holdout) / size
    assert actual == pytest.approx([0.2367, 0.6970, 1.3925, 1.56, 2.5323, 2.9474, 3.8621, 6.3594], abs=5e-5)
    expected = np.bincount(group, weights=model.predict(cdnow_rows)) / size
    assert expected == pytest.approx(
        [0.2251, 0.5231, 1.0441, 1.5203, 2.1638, 2.6538, 3.5040, 6.1570], abs=6e-4
    )


def test_the_model_beats_the_past_rate_on_the_holdout(model, cdnow_rows, cdnow_holdout):
    assert cdnow_holdout.sum() == 1882
    errors = holdout_errors(model.predict(cdnow_rows), cdnow_holdout)
    naive = holdout_errors(past_rate(cdnow_rows, "39W"), cdnow_holdout)
    assert errors["rmse"] < 0.9 * naive["rmse"]
    assert errors["mae"] < naive["mae"]
    assert abs(errors["total_ratio"] - 1) < 0.15


def test_cdnow_in_days_weeks_and_months_has_one_value(cdnow):
    values = []
    for unit in ("day", "week", "month"):
        rows = CustomerSummary(unit=unit).fit_transform(cdnow[0])
        values.append(LifetimeValue(horizon="52W", discount_rate=0.15).fit(rows).predict(rows))
    assert values[0] == pytest.approx(values[1], rel=1e-6)
    assert values[2] == pytest.approx(values[1], rel=1e-6)


def test_online_retail_has_no_visible_dropout(shared_data):
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    from crmintel import TransactionLog

    table = pq.read_table(shared_data / "transactions" / "online_retail.parquet")
    sold = pc.and_(pc.greater(table["Quantity"], 0), pc.greater(table["UnitPrice"], 0))
    table = table.filter(pc.and_(sold, pc.is_valid(table["CustomerID"])))
    money = pc.multiply(pc.cast(table["Quantity"], "float64"), table["UnitPrice"])
    table = table.append_column("money", money).select(["CustomerID", "InvoiceDate", "money"])
    log = TransactionLog.from_frame(table, customer="CustomerID", time="InvoiceDate", amount="money")
    rows = CustomerSummary(unit="week").fit_transform(log.until("2011-08-31"))
    assert rows.shape[0] == 3317
    with pytest.warns(FitWarning, match="no customer is seen to leave"):
        model = BetaGeoNBD().fit(rows)
    assert model.log_likelihood_ == pytest.approx(-21755.348, abs=1e-3)
    assert [model.r_, model.alpha_] == pytest.approx([0.72264, 9.42454], abs=1e-5)
    assert (model.a_, model.b_) == (0.0, np.inf)
    assert model.converged_
    assert (model.probability_alive(rows) == 1.0).all()
    assert np.isfinite(model.covariance_).all()
    assert np.isfinite(model.expected_purchases(rows, 10)).all()
    assert np.isfinite(model.predict_interval(rows[:50], 10)).all()
    assert model.purchase_count_pmf(None, 10, np.arange(200)).sum() == pytest.approx(1.0, abs=1e-12)
    assert np.isfinite(model.sample(10, 39.0, random_state=0)).all()
    assert GammaGamma().fit(rows).log_likelihood_ == pytest.approx(-12924.638, abs=1e-2)
