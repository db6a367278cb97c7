"""Wrong inputs of the lifetime models: each names what is wrong, where, and the way out."""

from __future__ import annotations

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.exceptions import NotFittedError

from crmintel import BetaGeoNBD, GammaGamma, LifetimeValue, ValueQuadrants
from crmintel.exceptions import ColumnError, InputError, InputTypeError, UnitError
from crmintel.features.rows import CustomerRows

GOOD = np.array([[0, 0, 10.0], [2, 5, 10], [1, 3, 8], [4, 9, 10], [0, 0, 3], [3, 2, 9]])


def changed(row, column, value):
    rows = GOOD.copy()
    rows[row, column] = value
    return rows


@pytest.mark.parametrize(
    ("X", "message"),
    [
        (changed(1, 1, 10.5), r"recency must not exceed T .*1 of 6 rows.*row 1 \(10.5\)"),
        (changed(1, 1, 0), "recency must be > 0 where frequency > 0.*row 1"),
        (changed(0, 1, 2), "recency must be 0 where frequency is 0.*row 0"),
        (changed(0, 2, -1), "T must be >= 0.*row 0"),
        (changed(3, 0, 1.5), "frequency must hold whole numbers.*row 3"),
        (changed(3, 0, -1), "frequency must be >= 0.*row 3"),
        (changed(3, 0, 1e18), "frequency must be <= 1,000,000.*row 3"),
        (changed(2, 1, np.nan), "recency must be finite.*row 2"),
        (changed(2, 2, np.inf), "T must be finite.*row 2"),
        (GOOD[:0], "frequency has 0 values, at least 1"),
        (GOOD[:1], "X has one customer"),
        (GOOD[0], "two-dimensional"),
        (np.float64(3), "two-dimensional"),
        (GOOD[:, :2], "lacks .*recency"),
    ],
)
def test_impossible_histories(X, message):
    with pytest.raises(InputError, match=message):
        BetaGeoNBD().fit(X)


@pytest.mark.parametrize("X", [None, "text", [["a", "b", "c"]], {"frequency": [1]}])
def test_things_that_are_no_rows(X):
    with pytest.raises((InputError, InputTypeError)):
        BetaGeoNBD().fit(X)


@pytest.mark.parametrize(
    ("weight", "message"),
    [
        ([1, 1], "sample_weight has 2 values, expected 6"),
        ([1, 1, 1, 1, 1, -1], "sample_weight must be >= 0"),
        ([0] * 6, "sample_weight is 0 everywhere"),
        ([1, 1, 1, 1, 1, np.nan], "sample_weight must be finite"),
    ],
)
def test_wrong_weights(weight, message):
    with pytest.raises(InputError, match=message):
        BetaGeoNBD().fit(GOOD, sample_weight=weight)


@pytest.mark.parametrize(
    ("params", "kind", "message"),
    [
        ({"penalty": -1}, InputError, "penalty"),
        ({"penalty": "1"}, InputTypeError, "penalty"),
        ({"max_iter": 0}, InputError, "max_iter"),
        ({"tol": 0}, InputError, "tol"),
        ({"tol": 1.0}, InputError, "tol must be > 0.0 and < 1.0"),
        ({"horizon": "x"}, InputError, "horizon must be a number, a timedelta or text"),
        ({"horizon": 0}, InputError, "horizon"),
        ({"unit": "fortnight"}, UnitError, "unit must be one of"),
    ],
)
def test_wrong_parameters(params, kind, message):
    with pytest.raises(kind, match=message):
        BetaGeoNBD(**params).fit(GOOD)


@pytest.mark.parametrize("horizon", [0, -1, np.nan, np.inf, None, "soon", "52W", True])
def test_wrong_horizons_of_the_constructor(horizon):
    model = BetaGeoNBD.from_params(r=1, alpha=1, a=1, b=1, horizon=horizon)
    with pytest.raises((InputError, InputTypeError), match="horizon"):
        model.predict(GOOD)


def test_wrong_arguments_of_the_verbs():
    model = BetaGeoNBD.from_params(r=1, alpha=1, a=1, b=1)
    for call, message in [
        (lambda: model.expected_purchases(GOOD, -1), "horizon must be >= 0"),
        (lambda: model.probability_alive(GOOD, after=-1), "after must be >= 0"),
        (lambda: model.purchase_count_pmf(GOOD, 1, 1.5), "n must hold whole numbers"),
        (lambda: model.purchase_count_pmf(GOOD, 1, -1), "n must be >= 0"),
        (lambda: model.next_purchase_quantile(GOOD, 1.0), "q must be >= 0.0 and < 1.0"),
        (lambda: model.discounted_expected_transactions(GOOD, 0.0), "rate=0 needs a finite horizon"),
        (lambda: model.discounted_expected_transactions(GOOD, -0.1), "rate must be >= 0"),
        (lambda: model.predict_interval(GOOD, 1, level=1.0), "level must be > 0.0 and < 1.0"),
        (lambda: model.sample(-1, 3.0), "n must be >= 0"),
        (lambda: model.sample(2, [1.0, 2.0, 3.0]), "T has 3 values, expected 2"),
        (lambda: model.sample(2, np.inf), "T must be >= 0"),
    ]:
        with pytest.raises(InputError, match=message):
            call()


def test_lists_of_different_lengths():
    model, ragged = BetaGeoNBD.from_params(r=1, alpha=1, a=1, b=1), [[1], [1, 2]]
    for call in (
        lambda: model.predict(ragged),
        lambda: model.purchase_count_pmf(GOOD, 1, ragged),
        lambda: model.sample(2, ragged),
    ):
        with pytest.raises(InputTypeError, match="rows of different lengths"):
            call()


@pytest.mark.parametrize("seed", [True, "1", 1.5])
def test_what_is_no_random_state(seed):
    with pytest.raises(InputTypeError, match="random_state must be"):
        BetaGeoNBD.from_params(r=1, alpha=1, a=1, b=1).sample(3, 3.0, random_state=seed)


@pytest.mark.parametrize(
    "params", [{"r": 1}, {"r": 0, "alpha": 1, "a": 1, "b": 1}, {"r": -1, "alpha": 1, "a": 1, "b": 1}]
)
def test_wrong_known_parameters(params):
    with pytest.raises(InputError):
        BetaGeoNBD.from_params(**params)


def test_units_must_agree():
    weeks = CustomerRows(GOOD, ("frequency", "recency", "T"), "week")
    days = CustomerRows(GOOD, ("frequency", "recency", "T"), "day")
    model = BetaGeoNBD(penalty=1.0).fit(weeks)
    with pytest.raises(UnitError, match="count time in days, the model was fitted in weeks"):
        model.predict(days)
    with pytest.raises(UnitError, match="count time in days, unit= says weeks"):
        BetaGeoNBD(unit="week").fit(days)
    assert model.predict(GOOD) == pytest.approx(model.predict(weeks))
    assert BetaGeoNBD(unit="W", penalty=1.0).fit(GOOD).unit_ == "week"
    with pytest.raises(UnitError, match="unit of the rows is not known"):
        BetaGeoNBD(penalty=1.0).fit(GOOD).expected_purchases(GOOD, "52W")


def test_unfitted():
    for call in (
        BetaGeoNBD().predict,
        GammaGamma().predict,
        LifetimeValue().predict,
        ValueQuadrants().predict,
    ):
        with pytest.raises(NotFittedError):
            call(GOOD)


def test_frames_lists_and_awkward_arrays_give_the_same():
    names = ["frequency", "recency", "T"]
    expected = BetaGeoNBD(penalty=1.0).fit(GOOD).params_
    shuffled = pd.DataFrame(GOOD, columns=names)[["T", "recency", "frequency"]]
    read_only = GOOD.copy()
    read_only.flags.writeable = False
    for X in (
        shuffled,
        pl.from_pandas(shuffled),
        dict(zip(names, GOOD.T, strict=True)),
        GOOD.tolist(),
        np.asfortranarray(GOOD),
        np.repeat(GOOD, 2, axis=0)[::2],
        read_only,
        GOOD.astype(object),
        GOOD.astype(np.int32),
    ):
        assert BetaGeoNBD(penalty=1.0).fit(X).params_ == pytest.approx(expected, rel=1e-12)
    with pytest.raises(ColumnError, match=r"lacks \['T'\]"):
        BetaGeoNBD().fit(shuffled.drop(columns="T"))
