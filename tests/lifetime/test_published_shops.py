"""The remaining published numbers: the whole of CDNOW, the clothes shop of CLVTools, and Online Retail."""

from __future__ import annotations

import numpy as np
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from crmintel import (
    BetaGeoNBD,
    CustomerSummary,
    GammaGamma,
    ModifiedBetaGeoNBD,
    ParetoNBD,
    TransactionLog,
)
from crmintel.exceptions import FitWarning

SUMMARY = CustomerSummary(unit="week")


def bic(model, n):
    return len(model.params_) * np.log(n) - 2 * model.log_likelihood_


def test_the_cdnow_sample_is_that_of_the_papers(cdnow, cdnow_rows, cdnow_holdout):
    x, _, T = np.asarray(cdnow_rows)[:, :3].T
    assert (len(x), x.sum(), (x == 0).sum(), cdnow_holdout.sum()) == (2357, 2457, 1411, 1882)
    assert T.max() == pytest.approx(38.857, abs=5e-4)


def test_cdnow_mbgnbd_from_the_log(cdnow_rows):
    model = ModifiedBetaGeoNBD().fit(cdnow_rows)
    assert list(model.params_.values()) == pytest.approx([0.5248, 6.1831, 0.8914, 1.6140], abs=5e-5)
    assert model.log_likelihood_ == pytest.approx(-9582.136, abs=1e-3)


# -- the whole of CDNOW ------------------------------------------------------------------------------------------


def test_cdnow_master(shared_data):
    table = pq.read_table(shared_data / "transactions" / "cdnow_master.parquet")
    assert table.num_rows == 69_659
    log = TransactionLog.from_frame(
        table, customer="customer_id", time="date", amount="amount", end="1998-06-30"
    )
    past, future = log.split("1997-09-30")
    rows = SUMMARY.fit_transform(past)
    assert (len(rows), (rows[:, 0] == 0).sum(), future.purchases().sum()) == (23_570, 14_119, 19_684)
    model, spend = BetaGeoNBD().fit(rows), GammaGamma()
    assert list(model.params_.values()) == pytest.approx([0.2516, 4.7889, 0.7234, 2.1611], abs=5e-5)
    assert model.log_likelihood_ == pytest.approx(-95368.444, abs=1e-3)
    with pytest.warns(match="mean spend is not positive"):
        spend.fit(rows)
    assert list(spend.params_.values()) == pytest.approx([6.2754, 3.6244, 14.9837], rel=2e-5)
    assert spend.log_likelihood_ == pytest.approx(-40763.476, abs=1e-3)
    assert spend.n_used_ == 9_450


# -- apparelTrans ------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def apparel(shared_data):
    table = pq.read_table(shared_data / "transactions" / "apparel_trans.parquet")
    return TransactionLog.from_frame(table, customer="Id", time="Date", amount="Price").split("2006-12-31")


def test_apparel_is_that_of_the_vignette(apparel):
    past, future = apparel
    rows = np.asarray(CustomerSummary(unit="week", extra=("spend",)).fit_transform(past))
    assert (len(past), len(past) + rows[:, 0].sum(), (rows[:, 0] == 0).sum()) == (600, 1866, 213)
    assert rows[:, -1].sum() == pytest.approx(75_657.73, abs=5e-3)
    assert future.lines.amount.sum() == pytest.approx(75_657.73 + 48_699.17, abs=5e-3)  # all that is known
    model = ParetoNBD().fit(rows[:, :3])
    assert bic(model, 600) == pytest.approx(11_721.783, abs=1e-3)


def test_apparel_by_other_models(apparel):
    rows = SUMMARY.fit_transform(apparel[0])
    model, spend = BetaGeoNBD().fit(rows), GammaGamma().fit(rows)
    assert list(model.params_.values()) == pytest.approx([0.6073, 20.957, 1.2756, 8.861], rel=1e-4)
    assert model.log_likelihood_ == pytest.approx(-5857.020, abs=1e-3)
    assert list(spend.params_.values()) == pytest.approx([3.099, 5.654, 56.504], rel=2e-4)
    assert spend.log_likelihood_ == pytest.approx(-1670.663, abs=1e-3)
    assert spend.n_used_ == 387


def test_the_value_of_apparels_customers_as_the_vignette_prints_it(apparel):
    past, _ = apparel
    rows = SUMMARY.fit_transform(past)
    ids = past.customers.tolist()
    some = np.asarray(rows)[[ids.index("1"), ids.index("10"), int(np.argmax(rows[:, 0] == 0))]]
    money = GammaGamma().fit(rows).predict(some[:, [0, 3]])
    assert money == pytest.approx([88.64634, 41.21027, 37.62791], rel=1e-4)
    discounted = ParetoNBD().fit(rows).discounted_expected_transactions(some, np.log(1.1))
    assert money * discounted == pytest.approx([41.455992, 9.259868, 1.006694], rel=1e-4)


# -- Online Retail -----------------------------------------------------------------------------------------------


def test_online_retail(shared_data):
    table = pq.read_table(shared_data / "transactions" / "online_retail.parquet")
    sold = pc.and_(pc.greater(table["Quantity"], 0), pc.greater(table["UnitPrice"], 0))
    table = table.filter(pc.and_(sold, pc.is_valid(table["CustomerID"])))
    money = pc.multiply(pc.cast(table["Quantity"], "float64"), table["UnitPrice"])
    assert (table.num_rows, len(pc.unique(table["CustomerID"]))) == (397_884, 4_338)
    assert pc.sum(money).as_py() == pytest.approx(8_911_407.90, abs=5e-3)
    table = table.append_column("money", money).select(["CustomerID", "InvoiceDate", "money"])
    log = TransactionLog.from_frame(table, customer="CustomerID", time="InvoiceDate", amount="money")
    past, future = log.split("2011-08-31")
    rows = SUMMARY.fit_transform(past)
    x = rows[:, 0]
    assert (len(x), x.sum(), (x == 0).sum(), future.purchases().sum()) == (3317, 7050, 1427, 4806)
    with pytest.warns(FitWarning, match="no customer is seen to leave"):
        model = ModifiedBetaGeoNBD().fit(rows)
    assert (model.a_, model.b_) == (0.0, np.inf)
    assert model.log_likelihood_ == pytest.approx(-21755.348, abs=1e-3)
    spend = GammaGamma().fit(rows)
    assert list(spend.params_.values()) == pytest.approx([2.395, 3.302, 396.43], rel=2e-4)
    assert spend.n_used_ == 1_890
