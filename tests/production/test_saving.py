"""Saved models: they answer to the same bit, and a file can do nothing but hold one."""

from __future__ import annotations

import datetime as dt
import io
import json
import pickle
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.validation import check_is_fitted

import crmintel as ci
from crmintel import load_model, save_model
from crmintel.exceptions import InputTypeError, SavedModelError
from crmintel.production import saving
from tests.test_estimators import CASES

METHODS = ("transform", "predict", "log_likelihood", "recommend")
SAVED = [
    "BehaviourFeatures", "BetaDiscreteWeibull", "BetaGeoBetaBinomial", "BetaGeoCNBD", "BetaGeoNBD",
    "CoPurchaseRecommender", "CorrelatedSpend", "CustomerKMeans", "CustomerSummary", "GammaGamma", "LifetimeValue",
    "LogNormalSpend", "ModifiedBetaGeoCNBD", "ModifiedBetaGeoNBD", "NBD", "ParetoNBD", "PopularityRecommender",
    "RFMScorer", "RepeatPurchaseRecommender", "SeasonalModel", "ShiftedBetaGeometric", "ValueQuadrants", "ValueTiers",
]  # fmt: skip
# their results are tables of their own, which pickle keeps
NOT_SAVED = {
    "AssociationRules": "itemsets_",
    "FrequentItemsets": "itemsets_",
    "FrequentSequences": "patterns_",
    "HighUtilityItemsets": "itemsets_",
    "LogCleaner": "report_",
    "NextItem": "patterns_",
    "RuleRecommender": "rules_",
}


@pytest.fixture(scope="module")
def log():
    simulated, _ = ci.datasets.make_transactions(150, random_state=0)
    ages = {"id": simulated.customers, "age": np.arange(len(simulated)) % 60}
    return simulated.with_customers(ages, customer="id")


@pytest.fixture
def model():
    return ci.BetaGeoNBD.from_params(r=0.243, alpha=4.414, a=0.793, b=2.426, unit="week")


def saved(model) -> str:
    file = io.StringIO()
    save_model(model, file)
    return file.getvalue()


def again(model):
    return load_model(io.StringIO(saved(model)))


def changed(text: str, change, *, sign: bool = True) -> io.StringIO:
    """Return the saved model with one thing changed, signed anew unless that is what is tested."""
    document = json.loads(text)
    change(document)
    if sign:
        document["sha256"] = saving._checksum(document["model"])
    return io.StringIO(json.dumps(document))


def same(one, other) -> bool:
    return pickle.dumps(one) == pickle.dumps(other)


@pytest.mark.parametrize("name", SAVED)
def test_a_loaded_model_answers_to_the_same_bit(name, log):
    estimator, prepare = CASES[name]
    X = log if prepare is None else prepare(log)
    fitted = clone(estimator).fit(X)
    loaded = again(fitted)
    check_is_fitted(loaded)
    assert type(loaded) is type(fitted)
    assert repr(loaded) == repr(fitted)
    assert vars(loaded).keys() == vars(fitted).keys()
    asked = [method for method in METHODS if hasattr(fitted, method)]
    assert asked
    for method in asked:
        assert same(np.asarray(getattr(loaded, method)(X)), np.asarray(getattr(fitted, method)(X))), method
    assert saved(loaded) == saved(fitted)
    assert saved(again(clone(fitted))) == saved(clone(fitted)), "one that is not fitted"


@pytest.mark.parametrize("kind", [ci.KPrototypes, ci.GowerMedoids])
@pytest.mark.parametrize("frame", [pd.DataFrame, dict])
def test_clusters_of_categories_answer_to_the_same_bit(kind, frame):
    rng = np.random.default_rng(0)
    X = frame({
        "spend": rng.normal(size=60),
        "channel": rng.choice(np.array(["web", "shop", None], dtype=object), 60),
        "member": rng.random(60) < 0.5,
        "children": rng.integers(0, 3, 60),
    })  # fmt: skip
    fitted = kind(4, categorical=["channel", "member", "children"], random_state=0).fit(X)
    loaded = again(fitted)
    assert vars(loaded).keys() == vars(fitted).keys()
    assert np.array_equal(fitted.predict(X), fitted.labels_)
    assert same(loaded.predict(X), fitted.predict(X))
    strange = frame({**X, "channel": ["phone"] * 60})
    assert same(loaded.predict(strange), fitted.predict(strange))
    assert saved(loaded) == saved(fitted)


def test_a_profile_says_the_same_and_rules_say_what_saves_them():
    X, y = {"spend": np.arange(60.0)}, np.repeat(["a", "b"], 30)
    fitted = ci.SegmentProfile().fit(X, y)
    loaded = again(fitted)
    assert loaded.sentences_ == fitted.sentences_
    assert loaded.to_frame()["others"].tolist() == fitted.to_frame()["others"].tolist()
    with pytest.raises(
        InputTypeError, match=r"DecisionTreeClassifier is none .* joblib and pickle save others"
    ):
        saved(ci.SegmentRules().fit(X, y))


@pytest.mark.parametrize(("name", "attribute"), NOT_SAVED.items())
def test_what_cannot_be_saved_says_where(name, attribute, log):
    estimator, prepare = CASES[name]
    with pytest.raises(InputTypeError, match=rf"\.{attribute} is .* pickle can"):
        saved(clone(estimator).fit(log if prepare is None else prepare(log)))


@pytest.mark.parametrize("kind", [ci.BetaGeoNBD, ci.ParetoNBD])
def test_every_answer_of_a_purchase_model(kind, log):
    rows = ci.CustomerSummary(unit="week").fit_transform(log)
    fitted = kind(horizon="13W").fit(rows)
    loaded = again(fitted)
    for ask in (
        lambda m: m.predict_interval(rows, level=0.8),
        lambda m: m.purchase_count_pmf(rows, n=[0, 1, 5]),
        lambda m: m.discounted_expected_transactions(rows, rate=0.002),
        lambda m: m.next_purchase_quantile(rows, 0.3),
        lambda m: m.sample(50, 30.0, random_state=1),
    ):
        assert same(np.asarray(ask(loaded)), np.asarray(ask(fitted)))


def test_floats_are_exact_also_where_they_are_not_finite():
    hard = [0.1, 1 / 3, 5e-324, 1.7976931348623157e308, -0.0, np.inf, -np.inf, np.nan]
    model = ci.CustomerKMeans(n_clusters=2, init=np.array([hard, hard[::-1]]))
    model.inertia_, model.labels_ = float("inf"), np.array(hard * 200)  # long ones are bytes
    loaded = again(model)
    assert same(loaded.init, model.init)
    assert same(loaded.labels_, model.labels_)
    assert loaded.inertia_ == np.inf


@pytest.mark.parametrize(
    "value",
    [
        np.array([], dtype=np.int64),
        np.array([[True], [False]]),
        np.array(["ö", "\ud800", ""], dtype=object),
        np.array(["a", None, 1, 2.5, np.nan], dtype=object),
        np.array(["2024-01-05", "NaT"], dtype="datetime64[D]"),
        np.array([2**64 - 1], dtype=np.uint64),
        np.array([1.5], dtype=">f8"),
        np.arange(6.0).reshape(2, 3)[:, ::-1],
        np.longdouble(1) / 3,
        np.float64(0.1),
        np.datetime64("2024-01-05"),
        np.timedelta64(90, "D"),
        dt.timedelta(days=-1, microseconds=1),
        [1, (2.0, None), {"k": [True]}],
        2**70,
        {1: 0.5, "a": -1, 2.5: None, None: (), (1, "b"): []},
    ],
    ids=str,
)
def test_values_of_every_kind(value):
    model = ci.ValueTiers()
    model.labels_ = value
    loaded = again(model).labels_
    assert type(loaded) is type(value)
    assert getattr(loaded, "dtype", None) == getattr(value, "dtype", None)
    assert repr(getattr(loaded, "tolist", lambda: loaded)()) == repr(
        getattr(value, "tolist", lambda: value)()
    )


def test_a_limit_of_the_model_survives():
    with pytest.warns(ci.exceptions.FitWarning):
        model = ci.BetaGeoNBD().fit([[5, 9.9, 10], [4, 19.5, 20], [9, 29.9, 30], [2, 9.8, 10]])
    loaded = again(model)
    assert loaded.b_ == model.b_
    assert loaded.params_ == model.params_


def test_pipelines_and_nested_models(log, tmp_path):
    value = ci.LifetimeValue(transactions=ci.ParetoNBD(), horizon="1Y", discount_rate=0.1)
    summary = ci.CustomerSummary(unit="week", extra=("spend", "spend_last_year"))
    pipeline = make_pipeline(summary, value, memory=None).fit(log)
    save_model(pipeline, tmp_path / "value.json")
    loaded = load_model(str(tmp_path / "value.json"))
    assert same(loaded.predict(log), pipeline.predict(log))
    assert same(np.asarray(loaded.transform(log)), np.asarray(pipeline.transform(log)))
    assert loaded[-1].transactions_.aic_ == pipeline[-1].transactions_.aic_
    loaded.fit(log)


def test_frames_chosen_by_set_output_are_kept(log):
    loaded = again(ci.CustomerSummary().set_output(transform="pandas").fit(log))
    assert list(loaded.transform(log).columns) == ["frequency", "recency", "T", "monetary_value"]


@pytest.mark.parametrize("kind", [str, Path])
def test_paths_and_file_objects(kind, model, tmp_path):
    path = kind(tmp_path / "model.json")
    save_model(model, path)
    with open(path, "rb") as file:
        assert load_model(file).params_ == model.params_
    with open(path, encoding="utf-8") as file:
        assert load_model(file).params_ == model.params_
    file = io.BytesIO()
    save_model(model, file)
    assert file.getvalue() == Path(path).read_bytes()


def test_a_file_is_replaced_whole_or_not_at_all(model, tmp_path, monkeypatch):
    path = tmp_path / "model.json"
    save_model(model, path)
    before = path.read_bytes()

    def fail(_):
        raise OSError("disk full")

    monkeypatch.setattr(saving.os, "fsync", fail)
    with pytest.raises(OSError, match="disk full"):
        save_model(ci.NBD.from_params(r=1.0, alpha=1.0), path)
    assert path.read_bytes() == before
    monkeypatch.undo()
    path_of_bad = tmp_path / "bad.json"
    with pytest.raises(InputTypeError):
        save_model(make_pipeline(StandardScaler()), path_of_bad)
    assert sorted(each.name for each in tmp_path.iterdir()) == ["model.json"]


def test_reformatting_is_no_damage(model):
    loaded = load_model(io.StringIO(json.dumps(json.loads(saved(model)), indent=7, sort_keys=True)))
    assert loaded.params_ == model.params_


def test_every_cut_and_every_changed_digit_is_seen(model):
    text = saved(model)
    for cut in range(0, len(text) - 2, 7):
        with pytest.raises(SavedModelError):
            load_model(io.StringIO(text[:cut]))
    assert "0.793" in text
    with pytest.raises(SavedModelError, match="checksum"):
        load_model(io.StringIO(text.replace("0.793", "0.794")))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda d: d.update(schema=2, version="9.9"), "schema 2, saved by crmintel 9.9"),
        (lambda d: d.update(schema="1"), "schema '1'"),
        (lambda d: d.update(schema=True), "schema True"),
        (lambda d: d.update(format="other"), "no saved model"),
        (lambda d: d.update(more=1), "parts"),
        (lambda d: d["model"].update(estimator="Popen"), "'Popen' is none"),
        (lambda d: d["model"].update(estimator="datasets"), "'datasets' is none"),
        (lambda d: d["model"].update(estimator="TransactionLog"), "'TransactionLog' is none"),
        (lambda d: d["model"].update(estimator="__version__"), "is none"),
        (lambda d: d["model"].update(estimator=["BetaGeoNBD"]), "is none"),
        (lambda d: d["model"].update(estimator="subprocess.Popen"), "is none"),
        (lambda d: d["model"].pop("fitted"), "exactly the parts"),
        (lambda d: d["model"]["params"].update(gamma=1), r"no parameters \['gamma'\]"),
        (lambda d: d["model"].update(params=[]), "objects"),
        (lambda d: d["model"]["fitted"].update(predict=1), r"\['predict'\] are no names"),
        (lambda d: d["model"]["fitted"].update(__class__=1), "no names"),
        (lambda d: d["model"]["fitted"].update(__dict__=1), "no names"),
        (lambda d: d["model"]["fitted"].update(r_={"code": "1"}), r"\['code'\]"),
        (lambda d: d["model"]["fitted"].update(r_={"float": "1e999"}), r"\['float'\]"),
        (lambda d: d["model"]["fitted"].update(r_={"float": ["inf"]}), "fit"),
        (lambda d: d["model"]["fitted"].update(r_={"tuple": 1}), "fit"),
        (lambda d: d["model"]["fitted"].update(r_={"dict": 1}), "fit"),
        (lambda d: d["model"]["fitted"].update(r_={"pairs": [[[], 1]]}), "fit"),
        (lambda d: d["model"]["fitted"].update(r_={"timedelta": 7}), "fit"),
        (lambda d: d["model"]["fitted"].update(r_={"timedelta": [10**10, 0, 0]}), "fit"),
        (lambda d: d["model"]["fitted"].update(r_={"array": [1], "dtype": "i4,i4", "shape": [1]}), "dtype"),
        (lambda d: d["model"]["fitted"].update(r_={"array": [1], "dtype": "<f8", "shape": [2]}), "fit"),
        (lambda d: d["model"]["fitted"].update(r_={"array": ["x"], "dtype": "<f8", "shape": [1]}), "fit"),
        (lambda d: d["model"]["fitted"].update(r_={"bytes": "AAA", "dtype": "<f8", "shape": [1]}), "fit"),
        (lambda d: d["model"]["fitted"].update(r_={"bytes": "AAAA", "dtype": "|O", "shape": [1]}), "objects"),
        (lambda d: d["model"]["fitted"].update(r_={"bytes": "", "dtype": "<f8", "shape": [10**15]}), "fit"),
        (lambda d: d["model"]["fitted"].update(r_={"csr": [[1.0], [5], [0, 1]], "shape": [1, 2]}), "fit"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_not_known_is_refused(change, message, model):
    with pytest.raises(SavedModelError, match=message):
        load_model(changed(saved(model), change))


@pytest.mark.parametrize(
    "content", [b"", b"\x80\x04N.", b"[1, 2]", b"null", b'{"a": NaN}', b"\xff\xfe", b"[" * 100_000], ids=str
)
def test_what_is_no_saved_model_is_refused(content):
    with pytest.raises(SavedModelError, match="is no saved model"):
        load_model(io.BytesIO(content))


def test_a_pickle_is_never_opened(tmp_path, model):
    class Trap:
        def __reduce__(self):
            return (tmp_path / "sprung").touch, ()

    path = tmp_path / "model.json"
    path.write_bytes(pickle.dumps(Trap()))
    with pytest.raises(SavedModelError, match=r"model\.json is no saved model"):
        load_model(path)
    assert not (tmp_path / "sprung").exists()


def test_the_caches_of_a_pipeline_stay_where_they_are(log):
    pipeline = make_pipeline(ci.CustomerSummary(), ci.GammaGamma())

    def cache(document):
        document["model"]["params"]["memory"] = "/anywhere"

    with pytest.raises(SavedModelError, match="memory"):
        load_model(changed(saved(pipeline), cache))


@pytest.mark.parametrize(
    ("thing", "message"),
    [
        (None, "an estimator of crmintel, got None"),
        (ci.BetaGeoNBD, "got <class"),
        ({"r": 1.0}, "got {'r'"),
        (StandardScaler(), "StandardScaler is none of crmintel's"),
        (make_pipeline(ci.CustomerSummary(), StandardScaler()), "StandardScaler is none"),
        (ci.BetaGeoNBD(penalty=1j), r"BetaGeoNBD\.penalty is builtins\.complex"),
    ],
    ids=str,
)
def test_only_our_estimators_are_saved(thing, message):
    with pytest.raises(InputTypeError, match=message):
        save_model(thing, io.StringIO())


def test_subclasses_and_attributes_of_ones_own_are_refused(model):
    class Mine(ci.BetaGeoNBD):
        pass

    with pytest.raises(InputTypeError, match="Mine is none"):
        saved(Mine())
    model.note = "mine"
    with pytest.raises(InputTypeError, match=r"BetaGeoNBD\.note"):
        saved(model)


@pytest.mark.parametrize("file", [None, 3, ["model.json"]])
def test_what_is_no_file(file, model):
    with pytest.raises(InputTypeError, match="file must be a path"):
        save_model(model, file)
    with pytest.raises(InputTypeError, match="file must be a path"):
        load_model(file)


def test_a_missing_file_is_a_missing_file(tmp_path, model):
    with pytest.raises(FileNotFoundError, match=r"no such folder to write to: .*nowhere'"):
        save_model(model, tmp_path / "nowhere" / "model.json")
    with pytest.raises(FileNotFoundError):
        load_model(tmp_path / "nowhere.json")


def test_covariates_are_saved(log):
    rows = ci.CustomerSummary(unit="week", extra=("age",)).fit_transform(log)
    fitted = ci.BetaGeoNBD(horizon=13, purchase_covariates=("age",), penalty=1.0).fit(rows)
    assert same(again(fitted).predict(rows), fitted.predict(rows))
