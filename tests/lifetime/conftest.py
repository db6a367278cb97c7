"""The CDNOW sample as the papers use it, through the library's own path."""

from __future__ import annotations

import numpy as np
import pyarrow.parquet as pq
import pytest

from crmintel import CustomerSummary, TransactionLog


@pytest.fixture(scope="session")
def cdnow(shared_data):
    """(calibration log, holdout log) of the 1/10 sample: 39 weeks to 1997-09-30, then 39 weeks."""
    table = pq.read_table(shared_data / "transactions" / "cdnow_sample.parquet")
    log = TransactionLog.from_frame(
        table, customer="customer_id", time="date", amount="amount", end="1998-06-30"
    )
    return log.split("1997-09-30")


@pytest.fixture(scope="session")
def cdnow_rows(cdnow):
    return CustomerSummary(unit="week", extra=("spend", "spend_last_year")).fit_transform(cdnow[0])


@pytest.fixture(scope="session")
def cdnow_holdout(cdnow):
    """Purchase days of each calibration customer in the holdout period."""
    past, future = cdnow
    assert np.array_equal(past.customers, future.customers)
    return future.purchases()
