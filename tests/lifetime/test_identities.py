"""What must hold in every model of purchases: sums, limits, monotony, and smaller models inside the larger ones."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crmintel import (
    NBD,
    BetaGeoBetaBinomial,
    BetaGeoCNBD,
    BetaGeoNBD,
    ModifiedBetaGeoCNBD,
    ModifiedBetaGeoNBD,
    ParetoNBD,
    SeasonalModel,
    SeasonalProfile,
)
from crmintel.features.rows import CustomerRows

BG = {"r": 0.6, "alpha": 5.0, "a": 0.9, "b": 2.5}
MODELS = [
    NBD.from_params(r=0.6, alpha=5.0),
    BetaGeoNBD.from_params(**BG),
    ModifiedBetaGeoNBD.from_params(**BG),
    ParetoNBD.from_params(r=0.6, alpha=5.0, s=0.7, beta=10.0),
    BetaGeoBetaBinomial.from_params(alpha=1.2, beta=0.8, gamma=0.7, delta=4.0),
    BetaGeoCNBD.from_params(**BG, k=3),
    ModifiedBetaGeoCNBD.from_params(**BG, k=3),
    BetaGeoNBD.from_params(
        **BG, purchase_coefficients={"z": 0.5}, dropout_coefficients={"a.z": 0.3, "b.z": -0.2}
    ),
]
NAMES = [*(type(model).__name__ for model in MODELS[:-1]), "BetaGeoNBD with covariates"]
HISTORIES = [[0, 0, 0], [0, 0, 20], [3, 10, 20], [14, 18, 20], [19, 20, 20]]
every_model = pytest.mark.parametrize("model", MODELS, ids=NAMES)


def rows_for(model, histories=HISTORIES):
    """The histories, with the covariate that a model asks for."""
    if not getattr(model, "dropout_coefficients_", None):
        return np.array(histories, dtype=float)
    rows = np.column_stack([histories, np.linspace(-1.0, 1.0, len(histories))])
    return CustomerRows(rows, ("frequency", "recency", "T", "z"))


@every_model
@pytest.mark.parametrize("horizon", [1, 7])
def test_chances_sum_to_one_with_the_expectation_as_mean(model, horizon):
    rows, n = rows_for(model), np.arange(2000)
    pmf = model.purchase_count_pmf(rows, horizon, n)
    assert (pmf >= 0).all()
    assert pmf.sum(axis=1) == pytest.approx(1.0, abs=1e-12)
    assert pmf @ n == pytest.approx(model.expected_purchases(rows, horizon), rel=1e-9)
    assert pmf[:, 0] == pytest.approx(model.probability_no_purchase(rows, horizon), abs=1e-13)


@every_model
def test_the_more_recent_the_likelier_alive(model):
    for x in (1, 4, 12):
        recent = rows_for(model, [[x, t_x, 40] for t_x in range(x, 41)])
        if isinstance(recent, CustomerRows):
            recent[:, 3] = 0.5
        alive = model.probability_alive(recent)
        assert (np.diff(alive) >= -1e-14).all()
        assert ((alive >= 0) & (alive <= 1)).all()


@every_model
def test_discounted_purchases_are_the_limit_of_finite_sums(model):
    """Every purchase is discounted by something between the ends of its step; opportunities are steps of their own."""
    rows, rate = rows_for(model), 0.2
    whole = isinstance(model, BetaGeoBetaBinomial)
    steps = np.arange(0.0, 151.0) if whole else np.linspace(0.0, 100.0, 201)
    curve = np.array([model.expected_purchases(rows, t) for t in steps])
    early, late = (np.exp(-rate * side) @ np.diff(curve, axis=0) for side in (steps[:-1], steps[1:]))
    endless = model.discounted_expected_transactions(rows, rate)
    if whole:
        assert endless == pytest.approx(late, rel=1e-10)
    else:
        assert (late <= endless * (1 + 1e-10)).all()
        assert (endless <= early * (1 + 1e-7)).all()  # what comes after the last step
        assert endless == pytest.approx(np.sqrt(early * late), rel=2e-3)
    finite = [model.discounted_expected_transactions(rows, rate, horizon) for horizon in (10, 40, 160)]
    assert (np.diff([*finite, endless * (1 + 1e-12)], axis=0) >= 0).all()
    assert finite[-1] == pytest.approx(endless, rel=1e-10)


@given(r=st.floats(0.05, 20.0), alpha=st.floats(0.05, 20.0), x=st.integers(0, 30), t=st.floats(0.1, 100.0))
@settings(max_examples=40, deadline=None)
@pytest.mark.parametrize(
    ("model", "staying"),
    [
        (BetaGeoNBD, {"a": 0.0, "b": np.inf}),
        (ModifiedBetaGeoNBD, {"a": 0.0, "b": np.inf}),
        (ParetoNBD, {"s": 0.0, "beta": np.inf}),
    ],
)
def test_without_dropout_every_model_is_the_nbd(model, staying, r, alpha, x, t):
    large = model.from_params(**dict.fromkeys(model._parameters, 1.0))
    large._set_parameters({"r": r, "alpha": alpha, **staying})
    small, row = NBD.from_params(r=r, alpha=alpha), [[x, 15.0 if x else 0.0, 20.0]]
    for ask in (
        lambda m: m.log_likelihood(row),
        lambda m: m.probability_alive(row, t),
        lambda m: m.expected_purchases(row, t),
        lambda m: m.probability_no_purchase(row, t),
        lambda m: m.purchase_count_pmf(row, t, [0, 1, 4]),
        lambda m: m.discounted_expected_transactions(row, 0.05),
    ):
        assert ask(large) == pytest.approx(ask(small), rel=1e-9, abs=1e-14)


@pytest.mark.parametrize("model", [BetaGeoNBD, ModifiedBetaGeoNBD])
def test_little_dropout_is_nearly_none(model):
    near, limit = model.from_params(r=0.6, alpha=5.0, a=1e-9, b=3.0), NBD.from_params(r=0.6, alpha=5.0)
    rows = [[0, 0, 20], [3, 19, 20]]
    assert near.log_likelihood(rows) == pytest.approx(limit.log_likelihood(rows), rel=1e-7)
    assert near.expected_purchases(rows, 10) == pytest.approx(limit.expected_purchases(rows, 10), rel=1e-7)


def test_a_seasons_chances_sum_to_one_and_weights_are_repeated_rows():
    profile = SeasonalProfile([0.7, 0.7, 0.8, 0.9, 1.0, 1.0, 0.8, 0.8, 1.0, 1.1, 1.4, 2.2])
    drawn = np.asarray(BetaGeoNBD.from_params(r=0.8, alpha=60.0, a=0.6, b=3.0).sample(600, 700.0, 0))
    drawn = np.column_stack([np.ceil(drawn), np.full(600, 19_296.0)])
    rows = CustomerRows(drawn, ("frequency", "recency", "T", "as_of"), "day")
    counts = np.random.default_rng(1).integers(0, 3, 600)
    weighted = SeasonalModel(None, profile).fit(rows, sample_weight=counts)
    repeated = SeasonalModel(None, profile).fit(
        CustomerRows(np.repeat(drawn, counts, axis=0), rows.columns, "day")
    )
    assert weighted.model_.params_ == pytest.approx(repeated.model_.params_, rel=1e-8)
    n = np.arange(500)
    pmf = weighted.purchase_count_pmf(rows[:8], 90, n)
    assert pmf.sum(axis=1) == pytest.approx(1.0, abs=1e-12)
    assert pmf @ n == pytest.approx(weighted.expected_purchases(rows[:8], 90), rel=1e-9)
