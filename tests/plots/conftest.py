"""CDNOW, and models with the parameters of the papers."""

from __future__ import annotations

import pytest

import crmintel as ci

BG = {"r": 0.2426, "alpha": 4.4136, "a": 0.7929, "b": 2.4259}
PARETO = {"r": 0.5533, "alpha": 10.578, "s": 0.6062, "beta": 11.669}


@pytest.fixture(scope="session")
def bg():
    return ci.BetaGeoNBD.from_params(unit="week", **BG)


@pytest.fixture(scope="session")
def pareto():
    return ci.ParetoNBD.from_params(unit="week", **PARETO)


@pytest.fixture(scope="session")
def cdnow():
    orders = ci.datasets.load_cdnow()
    return ci.TransactionLog.from_frame(orders, customer="customer_id", time="date", amount="amount")


@pytest.fixture(scope="session")
def rows(cdnow):
    return ci.CustomerSummary(unit="week").fit_transform(cdnow.until("1997-09-30"))


@pytest.fixture
def agg():
    pytest.importorskip("matplotlib").use("agg")
    from matplotlib import pyplot as plt

    yield plt
    plt.close("all")
