"""Simulated logs: seeded, inside their window, and from the parameters they say."""

from __future__ import annotations

import numpy as np
import pytest

from crmintel import BetaGeoNBD, CustomerSummary, GammaGamma
from crmintel.datasets import make_transactions
from crmintel.exceptions import InputError, InputTypeError


@pytest.mark.parametrize("process", ["bgnbd", "paretonbd"])
def test_a_seed_gives_one_log(process):
    (log, truth), (again, _) = (
        make_transactions(150, process=process, weeks=40, random_state=3) for _ in range(2)
    )
    assert len(log) == 150
    assert np.array_equal(log.customers, np.arange(1, 151))
    assert np.array_equal(log.spend(), again.spend())
    assert str(log.start) >= "2023-01-02"
    assert str(log.end) == "2023-10-08"
    assert truth.process == process
    assert (
        truth.purchase_rate.shape
        == truth.dropout.shape
        == truth.alive.shape
        == truth.mean_spend.shape
        == (150,)
    )
    assert make_transactions(150, process=process, weeks=40, random_state=4)[0].n_lines != log.n_lines


def test_the_truth_is_recovered():
    log, truth = make_transactions(15_000, n_items=0, weeks=104, random_state=0)
    rows = CustomerSummary(unit="week").fit_transform(log)
    model, spend = BetaGeoNBD().fit(rows), GammaGamma().fit(rows)
    assert list(model.params_.values()) == pytest.approx(list(truth.params.values()), rel=0.15)
    assert spend.population_mean_ == pytest.approx(6.25 * 15.44 / 2.74, rel=0.05)
    alive = model.probability_alive(rows)
    assert alive.mean() == pytest.approx(truth.alive.mean(), abs=0.02)
    assert alive[truth.alive].mean() > alive[~truth.alive].mean() + 0.2
    assert np.corrcoef(spend.predict(rows), truth.mean_spend)[0, 1] > 0.6


def test_customers_leave_under_pareto_nbd_too():
    log, truth = make_transactions(5_000, process="paretonbd", n_items=0, random_state=1)
    silent = log.time_since_last()
    assert (
        silent[truth.alive & (log.purchases() > 5)].mean()
        < silent[~truth.alive & (log.purchases() > 5)].mean()
    )


def test_items_of_a_group_are_bought_together():
    log, truth = make_transactions(400, n_items=20, random_state=2)
    matrix = log.baskets().matrix.astype(float)
    items = [str(item) for item in log.baskets().items]
    share = np.asarray(matrix.mean(axis=0)).ravel()
    lift = (matrix.T @ matrix).toarray() / matrix.shape[0] / np.outer(share, share)
    group = np.array([truth.item_groups[item] for item in items])
    same = (group[:, None] == group) & ~np.eye(len(items), dtype=bool)
    assert lift[same].mean() > 1.5 * lift[group[:, None] != group].mean()


@pytest.mark.parametrize("n_items", [1, 3, 7])
def test_small_assortments(n_items):
    log, truth = make_transactions(50, n_items=n_items, random_state=0)
    assert set(map(str, log.baskets().items)) <= set(truth.item_groups)


@pytest.mark.parametrize(
    ("params", "kind", "message"),
    [
        ({"n_customers": 0}, InputError, "n_customers"),
        ({"weeks": 1.5}, InputTypeError, "weeks"),
        ({"n_items": -1}, InputError, "n_items"),
        ({"process": "nbd"}, InputError, "process must be one of"),
        ({"params": {"r": 1}}, InputError, "params must give exactly"),
        ({"params": [1, 2]}, InputTypeError, "params must be a dict"),
        ({"spend_params": {"p": 1, "q": 0, "v": 1}}, InputError, "spend_params"),
        ({"start": "soon"}, InputError, "start must be a date"),
        ({"random_state": True}, InputTypeError, "random_state must be"),
    ],
)
def test_wrong_parameters(params, kind, message):
    with pytest.raises(kind, match=message):
        make_transactions(**params)


def test_the_truth_shows_itself_in_a_line():
    truth = make_transactions(500, random_state=0)[1]
    assert "500 customers" in repr(truth)
    assert len(repr(truth)) < 250
