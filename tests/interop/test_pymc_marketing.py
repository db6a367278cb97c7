"""Models and frames of pymc-marketing taken over, as doubles with the structure that its documentation gives."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import crmintel as ci
from crmintel.exceptions import ColumnError, InputError, InputTypeError
from crmintel.interop.pymc_marketing import from_pymc_marketing, rows_from_summary, to_summary_frame

PARAMS = {
    "BetaGeoModel": (ci.BetaGeoNBD, {"r": 0.243, "alpha": 4.414, "a": 0.793, "b": 2.426}),
    "ModifiedBetaGeoModel": (ci.ModifiedBetaGeoNBD, {"r": 0.525, "alpha": 6.183, "a": 0.891, "b": 1.614}),
    "ParetoNBDModel": (ci.ParetoNBD, {"r": 0.553, "alpha": 10.58, "s": 0.606, "beta": 11.67}),
    "BetaGeoBetaBinomModel": (
        ci.BetaGeoBetaBinomial,
        {"alpha": 1.204, "beta": 0.75, "gamma": 0.657, "delta": 2.783},
    ),
    "GammaGammaModel": (ci.GammaGamma, {"p": 6.25, "q": 3.74, "v": 15.44}),
    "GammaGammaModelIndividual": (ci.GammaGamma, {"p": 6.25, "q": 3.74, "v": 15.44}),
    "ShiftedBetaGeoModel": (ci.ShiftedBetaGeometric, {"alpha": 0.668, "beta": 3.806}),
    "ShiftedBetaGeoModelIndividual": (ci.ShiftedBetaGeometric, {"alpha": 0.668, "beta": 3.806}),
    "BetaDiscreteWeibullModel": (ci.BetaDiscreteWeibull, {"alpha": 0.259, "beta": 1.723, "c": 1.584}),
}


class Draws:
    """As much of a DataArray as is needed: it becomes an array, of shape (chain, draw)."""

    def __init__(self, values):
        self._values = np.asarray(values, dtype=np.float64)

    def __array__(self, dtype=None, copy=None):
        return self._values


class Dataset:
    """As much of a Dataset: variables by name, with others beside them."""

    def __init__(self, **variables):
        self._variables = {**variables, "phi_dropout": Draws(np.ones((2, 5)))}

    def __getitem__(self, name):
        return self._variables[name]


class Fitted:
    """A model after fit."""

    def __init__(self, posterior):
        self._posterior = posterior

    @property
    def fit_result(self):
        return self._posterior


class WithInferenceData:
    """A model that has idata and no fit_result."""

    def __init__(self, posterior):
        self.idata = type("InferenceData", (), {"posterior": posterior})()


def fitted(name, posterior, base=Fitted):
    return type(name, (base,), {})(posterior)


def posterior_of(params, shape, spread=0.05):
    rng = np.random.default_rng(0)
    return Dataset(**{key: Draws(v * (1 + spread * rng.standard_normal(shape))) for key, v in params.items()})


@pytest.mark.parametrize("base", [Fitted, WithInferenceData])
@pytest.mark.parametrize("name", PARAMS)
def test_posterior_means_become_a_model(name, base):
    kind, params = PARAMS[name]
    posterior = posterior_of(params, (2, 500))
    model = from_pymc_marketing(fitted(name, posterior, base))
    assert type(model) is kind
    draws = np.stack([np.asarray(posterior[key]).ravel() for key in params])
    assert list(model.params_.values()) == pytest.approx(draws.mean(axis=1), rel=1e-12)
    assert list(model.params_) == list(kind.from_params(**params).params_), "the order of covariance_"
    np.testing.assert_allclose(model.covariance_, np.cov(draws))
    assert model.message_ == f"means of 1,000 draws of pymc-marketing's {name}"


@pytest.mark.parametrize("shape", [(1, 1), (), (1,), (1, 1, 1)])
def test_a_map_fit_has_one_draw(shape):
    _, params = PARAMS["BetaGeoModel"]
    model = from_pymc_marketing(
        fitted("BetaGeoModel", posterior_of(params, shape, 0.0)), unit="W", horizon="39W"
    )
    assert model.params_ == pytest.approx(params)
    assert not hasattr(model, "covariance_")
    assert model.unit_ == "week"
    assert model.predict([[2, 30.43, 38.86]]) == pytest.approx(1.226, abs=5e-4)


def test_intervals_carry_the_posterior():
    _, params = PARAMS["BetaGeoModel"]
    rows = [[20, 30.0, 38.0], [2, 30.43, 38.86]]
    sure = from_pymc_marketing(params, kind="BetaGeoModel").predict_interval(rows, 39)
    unsure = from_pymc_marketing(
        fitted("BetaGeoModel", posterior_of(params, (4, 100), 0.2))
    ).predict_interval(rows, 39)
    assert np.diff(unsure[0]) > np.diff(sure[0])


def test_draws_and_means_in_a_dict():
    kind, params = PARAMS["ParetoNBDModel"]
    model = from_pymc_marketing(params, kind="ParetoNBDModel", unit="week")
    assert type(model) is kind
    assert model.params_ == params
    draws = {key: np.full((2, 3), value) for key, value in params.items()}
    assert from_pymc_marketing(draws, kind="ParetoNBDModel").params_ == pytest.approx(params)


class Unfitted:
    @property
    def fit_result(self):
        raise RuntimeError("The model hasn't been fit yet, call .fit() first")


def test_what_cannot_be_taken_over():
    _, params = PARAMS["BetaGeoModel"]
    with pytest.raises(InputError, match="has not been fitted"):
        from_pymc_marketing(type("BetaGeoModel", (Unfitted,), {})())
    with pytest.raises(InputError, match="has not been fitted"):
        from_pymc_marketing(type("BetaGeoModel", (), {"idata": None})())
    for thing in (None, params, ci.NBD()):
        with pytest.raises(InputTypeError, match="one of pymc-marketing's BetaGeoModel"):
            from_pymc_marketing(thing)
    with pytest.raises(InputError, match="kind must be one of"):
        from_pymc_marketing(params, kind="BetaGeo")
    with pytest.raises(InputError, match="kind must be one of"):
        from_pymc_marketing(params, kind=["BetaGeoModel"])
    with pytest.raises(ColumnError, match=r"needs 's'; there is \['a', 'alpha', 'b', 'r'\]"):
        from_pymc_marketing(params, kind="ParetoNBDModel")
    by_customer = {**params, "alpha": np.ones((2, 5, 7))}
    with pytest.raises(InputError, match="covariates"):
        from_pymc_marketing(by_customer, kind="BetaGeoModel")
    with pytest.raises(InputError, match="same number of draws"):
        from_pymc_marketing({**params, "r": [0.2, 0.3]}, kind="BetaGeoModel")
    with pytest.raises(InputError, match="same number of draws"):
        from_pymc_marketing({name: [] for name in params}, kind="BetaGeoModel")
    with pytest.raises(InputTypeError, match="r must hold numbers"):
        from_pymc_marketing({**params, "r": "0.2"}, kind="BetaGeoModel")
    with pytest.raises(InputError, match="r must be > 0"):
        from_pymc_marketing({**params, "r": [np.nan]}, kind="BetaGeoModel")


def test_frames_go_there_and_back():
    frame = pd.DataFrame(
        {"customer_id": ["a", "b"], "frequency": [2.0, 0.0], "recency": [30.43, 0.0], "T": [38.86, 10.0],
         "monetary_value": [22.5, 0.0]}
    )  # fmt: skip
    rows = rows_from_summary(frame, unit="week")
    assert rows.columns == ("frequency", "recency", "T", "monetary_value")
    pd.testing.assert_frame_equal(to_summary_frame(rows, frame["customer_id"]), frame, check_dtype=False)
    assert to_summary_frame(rows)["customer_id"].tolist() == [0, 1]
    with pytest.raises(ColumnError, match="lacks T"):
        rows_from_summary(frame.drop(columns="T"))
