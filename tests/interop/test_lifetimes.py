"""Fitters and frames of lifetimes taken over: the same answers, where lifetimes has them."""

from __future__ import annotations

import subprocess
import sys
import warnings
from importlib.metadata import distribution

import numpy as np
import pandas as pd
import pytest

import crmintel as ci
from crmintel.exceptions import ColumnError, InputError, InputTypeError, MissingExtraError, UnitError
from crmintel.interop.lifetimes import from_lifetimes, rows_from_summary, to_summary_frame

pytestmark = pytest.mark.filterwarnings("ignore")  # lifetimes warns wherever it goes


@pytest.fixture(scope="module")
def lifetimes():
    pytest.importorskip("lifetimes", exc_type=ImportError)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import lifetimes

    return lifetimes


def data(name):
    return pd.read_csv(str(distribution("lifetimes").locate_file(f"lifetimes/datasets/{name}.csv")))


@pytest.fixture(scope="module")
def cdnow(lifetimes):
    names = {"x": "frequency", "t_x": "recency", "zbar": "monetary_value"}
    return data("cdnow_customers_summary_with_transactions").rename(columns=names).set_index("ID")


@pytest.fixture(scope="module")
def shops(lifetimes, cdnow):
    kinds = (lifetimes.BetaGeoFitter, lifetimes.ModifiedBetaGeoFitter, lifetimes.ParetoNBDFitter)
    return {kind.__name__: kind().fit(cdnow.frequency, cdnow.recency, cdnow["T"]) for kind in kinds}


OURS = {
    "BetaGeoFitter": ci.BetaGeoNBD,
    "ModifiedBetaGeoFitter": ci.ModifiedBetaGeoNBD,
    "ParetoNBDFitter": ci.ParetoNBD,
}


@pytest.mark.parametrize("name", OURS)
def test_an_adopted_model_answers_as_the_fitter_does(name, shops, cdnow):
    fitter = shops[name]
    model = from_lifetimes(fitter, unit="week", horizon="39W")
    assert type(model) is OURS[name]
    assert model.params_ == pytest.approx(dict(fitter.params_), rel=0)
    rows = rows_from_summary(cdnow, unit="week")
    x, t_x, T = cdnow.frequency, cdnow.recency, cdnow["T"]
    theirs = fitter.conditional_expected_number_of_purchases_up_to_time(39.0, x, t_x, T)
    np.testing.assert_allclose(model.predict(rows), theirs, rtol=1e-9)
    np.testing.assert_allclose(
        model.probability_alive(rows), fitter.conditional_probability_alive(x, t_x, T), rtol=1e-9
    )
    new = fitter.expected_number_of_purchases_up_to_time(39.0)
    assert model.expected_purchases(horizon="39W") == pytest.approx(float(new), rel=1e-9)
    assert not hasattr(model, "covariance_")
    assert model.message_ == f"parameters of lifetimes' {name}"


@pytest.mark.parametrize("name", OURS)
def test_a_fit_here_is_at_least_as_good(name, shops, cdnow):
    adopted = from_lifetimes(shops[name])
    rows = rows_from_summary(shops[name].data)
    fitted = OURS[name]().fit(rows, sample_weight=rows[:, -1])
    assert rows.columns == ("frequency", "recency", "T", "weights")
    assert fitted.log_likelihood_ >= adopted.log_likelihood(rows).sum() - 1e-9
    assert fitted.params_ == pytest.approx(adopted.params_, rel=0.02)


def test_donations_and_their_weights(lifetimes):
    frame = data("donations")
    rows = rows_from_summary(frame, unit="year")
    assert rows.columns == ("frequency", "recency", "T", "weights")
    columns = (frame.frequency, frame.recency, frame.periods, frame.weights)
    fitter = lifetimes.BetaGeoBetaBinomFitter().fit(*columns)
    model = from_lifetimes(fitter, unit="year", horizon=5)
    theirs = fitter.conditional_expected_number_of_purchases_up_to_time(5, *columns[:3])
    np.testing.assert_allclose(model.predict(rows), theirs, rtol=1e-7)  # theirs has a floor of 1e-15
    alive = fitter.conditional_probability_alive(0, *columns[:3])
    np.testing.assert_allclose(model.probability_alive(rows), alive, rtol=1e-7)
    again = rows_from_summary(fitter.data)
    np.testing.assert_array_equal(again, rows)
    fitted = ci.BetaGeoBetaBinomial().fit(rows, sample_weight=rows[:, -1])
    assert fitted.log_likelihood_ == pytest.approx(-33225.58, abs=0.01)
    assert fitted.params_ == pytest.approx(model.params_, rel=0.01)
    old = frame.rename(columns={"periods": "n_periods", "weights": "n_custs"})
    np.testing.assert_array_equal(rows_from_summary(old), rows)


def test_spend_and_value(lifetimes, cdnow):
    again = cdnow[cdnow.frequency > 0]
    fitter = lifetimes.GammaGammaFitter(penalizer_coef=0.001).fit(again.frequency, again.monetary_value)
    model = from_lifetimes(fitter)
    assert type(model) is ci.GammaGamma
    assert model.message_ == "parameters of lifetimes' GammaGammaFitter, fitted with penalizer_coef=0.001"
    rows = rows_from_summary(cdnow)
    theirs = fitter.conditional_expected_average_profit(cdnow.frequency, cdnow.monetary_value)
    np.testing.assert_allclose(model.predict(rows), theirs, rtol=1e-12)


def test_a_subclass_and_a_file_are_taken_over_too(lifetimes, shops, tmp_path):
    class Mine(lifetimes.ModifiedBetaGeoFitter):
        pass

    fitter = Mine()
    fitter.params_ = shops["ModifiedBetaGeoFitter"].params_
    assert type(from_lifetimes(fitter)) is ci.ModifiedBetaGeoNBD
    shops["BetaGeoFitter"].save_model(str(tmp_path / "model.pkl"))
    loaded = lifetimes.BetaGeoFitter()
    loaded.load_model(str(tmp_path / "model.pkl"))
    adopted = from_lifetimes(loaded, unit="week")
    ci.save_model(adopted, tmp_path / "model.json")
    assert ci.load_model(tmp_path / "model.json").params_ == dict(shops["BetaGeoFitter"].params_)


def test_summaries_go_there_and_back(lifetimes, cdnow):
    rows = rows_from_summary(cdnow, unit="week")
    assert rows.columns == ("frequency", "recency", "T", "monetary_value")
    assert rows.unit == "week"
    frame = to_summary_frame(rows, cdnow.index)
    assert frame.index.name == "customer_id"
    columns = ["frequency", "recency", "T", "monetary_value"]
    pd.testing.assert_frame_equal(
        frame.reset_index(drop=True), cdnow[columns].reset_index(drop=True), check_dtype=False
    )
    fitter = lifetimes.BetaGeoFitter().fit(frame["frequency"], frame["recency"], frame["T"])
    assert fitter.params_["r"] == pytest.approx(0.2426, abs=1e-4)
    again = rows_from_summary(frame)
    np.testing.assert_array_equal(again, rows)
    assert again.unit == "week"
    with pytest.raises(UnitError, match="in weeks, unit= says days"):
        rows_from_summary(frame, unit="day")
    with pytest.raises(UnitError):
        ci.BetaGeoNBD(unit="day").fit(rows)


def test_the_calibration_columns_of_a_split(cdnow):
    names = {name: f"{name}_cal" for name in ("frequency", "recency", "T", "monetary_value")}
    split = cdnow.rename(columns=names).assign(frequency_holdout=1.0, duration_holdout=39.0)
    np.testing.assert_array_equal(rows_from_summary(split), rows_from_summary(cdnow))


def test_a_summary_here_is_theirs(lifetimes):
    log, _ = ci.datasets.make_transactions(60, random_state=0)
    rows = ci.CustomerSummary(extra=("spend",)).fit_transform(log)
    frame = to_summary_frame(rows, log.customers)
    assert list(frame.columns) == ["frequency", "recency", "T", "monetary_value", "spend"]
    lines = pd.DataFrame(log.to_frame())
    from lifetimes.utils import summary_data_from_transaction_data

    theirs = summary_data_from_transaction_data(
        lines, "customer", "time", "amount", observation_period_end=pd.Timestamp(log.end)
    )
    np.testing.assert_allclose(frame[theirs.columns], theirs, rtol=1e-12)
    assert list(frame.index) == list(theirs.index)


class BetaGeoFitter:
    """A fitter as it is before fit."""


def test_what_is_no_fitted_fitter():
    with pytest.raises(InputError, match="has not been fitted"):
        from_lifetimes(BetaGeoFitter())
    for thing in (None, {"r": 1.0}, ci.NBD()):
        with pytest.raises(InputTypeError, match="one of lifetimes' BetaGeoFitter"):
            from_lifetimes(thing)
    fitter = BetaGeoFitter()
    fitter.params_ = {"r": np.nan, "alpha": 1.0, "a": 1.0, "b": 1.0}
    with pytest.raises(InputError, match="r must be > 0"):
        from_lifetimes(fitter)
    fitter.params_ = {"r": "1.0", "alpha": 1.0, "a": 1.0, "b": 1.0}
    with pytest.raises(InputTypeError, match="r must be a number"):
        from_lifetimes(fitter)
    fitter.params_ = {"r": 1.0}
    with pytest.raises(InputError, match="exactly the parameters"):
        from_lifetimes(fitter)


def test_frames_that_lack_something():
    with pytest.raises(ColumnError, match="lacks T or T_cal or n_periods or periods"):
        rows_from_summary({"frequency": [1], "recency": [1.0]})
    with pytest.raises(InputTypeError, match="must be a pandas"):
        rows_from_summary([[1, 2, 3]])
    with pytest.raises(UnitError):
        rows_from_summary({"frequency": [1], "recency": [1.0], "T": [2.0]}, unit="fortnight")
    with pytest.raises(InputTypeError, match="'often', not a number"):
        rows_from_summary({"frequency": ["often"], "recency": [1.0], "T": [2.0]})
    with pytest.raises(InputError, match=r"customers has shape \(2,\)"):
        to_summary_frame([[1, 2, 3]], customers=[1, 2])
    with pytest.raises(InputError, match="two-dimensional"):
        to_summary_frame([1, 2, 3])
    with pytest.raises(ColumnError, match="5 columns without names"):
        to_summary_frame(np.zeros((1, 5)))
    missing = rows_from_summary({"frequency": [1, 2], "recency": [1.0, None], "T": [2.0, 3.0]})
    with pytest.raises(InputError, match="recency must be finite"):
        ci.BetaGeoNBD().fit(missing)


def test_without_pandas(monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(MissingExtraError, match="pip install pandas"):
        to_summary_frame([[1, 2, 3]])


def test_lifetimes_is_never_imported():
    code = (
        "import sys, crmintel; crmintel.interop.lifetimes.from_lifetimes; print('lifetimes' in sys.modules)"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "False"
