"""The churn pipeline: what it reads, what it refuses, and how well it ranks on real customers."""

from __future__ import annotations

import pickle
import warnings

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.metrics import average_precision_score, brier_score_loss, roc_auc_score
from sklearn.model_selection import GridSearchCV, StratifiedGroupKFold, StratifiedKFold, cross_val_predict
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import FeatureUnion, make_pipeline
from sklearn.svm import LinearSVC

import crmintel as ci
from crmintel.churn.inputs import ChurnInputs
from crmintel.churn.model import ChurnClassifier
from crmintel.exceptions import ColumnError, DataWarning, InputError, InputTypeError

pd = pytest.importorskip("pandas")


@pytest.fixture(scope="module")
def learned():
    """A simulated base: snapshots of its first part, and the customers at the end of it."""
    log, _ = ci.datasets.make_transactions(400, random_state=3)
    past, future = log.split("2024-09-30")
    return past, future, *ci.churn_snapshots(past, "90D", step="60D")


def customers(n=200, seed=0):
    """Rows under contract: numbers with holes, truth values and text; who pays monthly leaves."""
    rng = np.random.default_rng(seed)
    contract = rng.choice(["monthly", "one year", "two years"], n)
    rows = pd.DataFrame(
        {
            "months": rng.integers(1, 72, n),
            "charges": np.where(rng.random(n) < 0.1, np.nan, rng.gamma(3.0, 20.0, n)),
            "paperless": rng.random(n) < 0.5,
            "contract": contract,
            "payment": np.where(rng.random(n) < 0.1, None, rng.choice(["card", "cheque"], n)),
        }
    )
    return rows, (rng.random(n) < np.where(contract == "monthly", 0.7, 0.1)).astype(int)


def in_library(rows, library):
    if library == "polars":
        return pytest.importorskip("polars").from_pandas(rows)
    if library == "pyarrow":
        return pytest.importorskip("pyarrow").Table.from_pandas(rows)
    if library == "dict":
        return {name: rows[name].to_numpy() for name in rows}
    return rows


# -- a log ----------------------------------------------------------------------------------------------------


def test_it_ranks_later_customers_better_than_recency(learned):
    past, future, snapshots, labels = learned
    y = ci.churn_labels(past, future, "60D")
    probability = ci.make_churn_pipeline().fit(snapshots, labels).predict_proba(past)[:, 1]
    assert probability.shape == (len(past),)
    assert roc_auc_score(y, probability) > max(0.8, roc_auc_score(y, past.time_since_last()))


def test_the_pipeline_passes_through_scikit_learn(learned):
    _, _, snapshots, labels = learned
    chosen = np.random.default_rng(0).permutation(len(snapshots))[:500]
    snapshots, labels = snapshots[chosen], labels[chosen]
    model = ci.make_churn_pipeline(LogisticRegression(max_iter=500), calibration="none")
    folds = cross_val_predict(model, snapshots, labels, cv=3, method="predict_proba")
    assert folds.shape == (500, 2)
    np.testing.assert_allclose(folds.sum(axis=1), 1.0)
    search = GridSearchCV(model, {"classifier__classifier__C": [0.01, 1.0]}, scoring="roc_auc", cv=3)
    assert search.fit(snapshots, labels).best_score_ > 0.7
    fitted = clone(model).fit(snapshots, labels)
    assert fitted.classes_.tolist() == [0, 1]
    again = pickle.loads(pickle.dumps(fitted))
    np.testing.assert_array_equal(again.predict_proba(snapshots), fitted.predict_proba(snapshots))
    assert set(fitted.predict(snapshots)) <= {0, 1}


def test_the_same_seed_gives_the_same_bits(learned):
    past, _, snapshots, labels = learned
    first, second = (ci.make_churn_pipeline().fit(snapshots, labels).predict_proba(past) for _ in range(2))
    np.testing.assert_array_equal(first, second)


def test_other_features_can_be_set(learned):
    past, _, snapshots, labels = learned
    model = ci.make_churn_pipeline(GaussianNB(), calibration="none")
    model.set_params(inputs__features=ci.BehaviourFeatures(windows=["26W"]))
    model.fit(snapshots, labels)
    assert "purchases_182d" in model[0].get_feature_names_out()
    assert model[0].features is not model[0].features_
    assert model[:1].set_output(transform="pandas").transform(past).shape[1] == len(model[0].columns_)


@pytest.mark.parametrize(
    "classifier",
    [LogisticRegression(max_iter=500), RandomForestClassifier(20, random_state=0), LinearSVC()],
    ids=str,
)
def test_any_classifier_takes_the_missing_values(learned, classifier):
    past, _, snapshots, labels = learned
    probability = ci.make_churn_pipeline(classifier).fit(snapshots, labels).predict_proba(past)
    assert np.isfinite(probability).all()


def test_lightgbm_by_its_interface_alone(learned):
    lightgbm = pytest.importorskip("lightgbm")
    past, future, snapshots, labels = learned
    trees = lightgbm.LGBMClassifier(n_estimators=50, n_jobs=1, verbose=-1, random_state=0)
    model = ci.make_churn_pipeline(trees).fit(snapshots, labels)
    assert model[1].calibration_ in ("sigmoid", "isotonic")
    probability = model.predict_proba(past)[:, 1]
    assert roc_auc_score(ci.churn_labels(past, future, "60D"), probability) > 0.75
    again = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(again.predict_proba(past)[:, 1], probability)


# -- a frame of customers, an array -----------------------------------------------------------------------------


@pytest.mark.parametrize("library", ["polars", "pyarrow", "dict"])
def test_frames_of_all_libraries_give_the_same(library):
    rows, y = customers()
    model = ci.make_churn_pipeline(LogisticRegression())
    wanted = model.fit(rows, y).predict_proba(rows)
    frame = in_library(rows, library)
    np.testing.assert_array_equal(model.fit(frame, y).predict_proba(frame), wanted)


def test_frames_are_read_by_name():
    rows, y = customers()
    model = ci.make_churn_pipeline(LogisticRegression()).fit(rows, y)
    wanted = model.predict_proba(rows)
    shuffled = rows[rows.columns[::-1]].assign(note="new")
    np.testing.assert_array_equal(model.predict_proba(shuffled), wanted)
    with pytest.raises(ColumnError, match=r"X lacks \['months'\].*it has"):
        model.predict_proba(rows.drop(columns="months"))


def test_encoding_of_a_frame():
    rows, _ = customers()
    encoded = ChurnInputs().set_output(transform="pandas").fit_transform(rows)
    assert encoded.columns.tolist() == [
        "months", "charges", "paperless", "contract_monthly", "contract_one year", "contract_two years",
        "payment_card", "payment_cheque", "payment_missing",
    ]  # fmt: skip
    for column in ("months", "charges", "paperless"):
        np.testing.assert_array_equal(encoded[column], rows[column].astype(float))
    for column, value in (("contract", "one year"), ("payment", "card")):
        np.testing.assert_array_equal(encoded[f"{column}_{value}"] == 1, rows[column] == value)
    np.testing.assert_array_equal(encoded["payment_missing"] == 1, rows["payment"].isna())


def test_unseen_and_rare_categories():
    rows, _ = customers()
    rows["shop"] = [f"shop {i % 40}" for i in range(len(rows))]
    inputs = ChurnInputs(max_categories=5).fit(rows)
    shops = [i for i, name in enumerate(inputs.columns_) if name.startswith("shop_")]
    assert len(shops) == 5
    new = rows.head(3).assign(contract="three years", shop="shop 99", payment=None)
    values = inputs.set_output(transform="pandas").transform(new)
    assert (values.filter(like="contract") == 0).all(axis=None)
    assert (values["shop_infrequent_sklearn"] == 1).all()
    assert (values["payment_missing"] == 1).all()


def test_an_array_passes_through():
    X = np.array([[1.0, np.nan], [2.0, 5.0], [3.0, 4.0], [9.0, np.nan]] * 20)
    y = np.tile([0, 0, 0, 1], 20)
    np.testing.assert_array_equal(ChurnInputs().fit_transform(X), X)
    assert ci.make_churn_pipeline(LogisticRegression()).fit(X, y).predict_proba(X)[3, 1] > 0.5
    assert ChurnInputs().fit_transform([[1, 2], [3, 4]]).dtype == np.float64


def test_a_column_without_values_or_without_variation_does_no_harm():
    rows, y = customers()
    plain = ci.make_churn_pipeline(random_state=1)
    wanted = clone(plain).fit(rows, y).predict_proba(rows)
    got = (
        clone(plain)
        .fit(rows.assign(nothing=np.nan, same="x"), y)
        .predict_proba(rows.assign(nothing=3.0, same="x"))
    )
    np.testing.assert_allclose(got, wanted, atol=1e-12)


@pytest.mark.parametrize(
    "classifier", [None, RandomForestClassifier(20, random_state=0)], ids=["default", "forest"]
)
def test_the_order_of_the_customers_does_not_matter(classifier):
    rows, y = customers(300)
    order = np.random.default_rng(0).permutation(300)
    wanted = ci.make_churn_pipeline(classifier).fit(rows, y).predict_proba(rows)
    got = ci.make_churn_pipeline(classifier).fit(rows.iloc[order], y[order]).predict_proba(rows)
    np.testing.assert_allclose(got, wanted, rtol=0, atol=1e-12)


def test_few_cases_keep_the_curves_stiff():
    """Eight knots a column suit a bend that many customers show, and not the noise of few."""
    rng = np.random.default_rng(0)
    for n, knots in ((200, 0), (4000, 8)):
        X = rng.normal(size=(n, 10))
        y = rng.random(n) < 1 / (1 + np.exp(2.0 - (0.5 * X[:, 0] if knots == 0 else 2.0 * np.abs(X[:, 0]))))
        assert ci.make_churn_pipeline().fit(X, y)[1].model_.bend_[0] == knots


def test_the_input_is_left_as_it_was():
    rows, y = customers()
    before = rows.copy(deep=True)
    ci.make_churn_pipeline(LogisticRegression()).fit(rows, y).predict_proba(rows)
    pd.testing.assert_frame_equal(rows, before)


# -- labels and calibration -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "words", [("No", "Yes"), (False, True), (0.0, 1.0), (np.int8(0), np.int8(1))], ids=lambda w: repr(w[1])
)
def test_churn_is_the_second_class(words):
    rows, y = customers()
    model = ci.make_churn_pipeline(LogisticRegression())
    wanted = model.fit(rows, y).predict_proba(rows)
    labels = np.array(words)[y]
    for given in (labels, pd.Series(labels), labels.tolist(), labels.astype(object)):
        model.fit(rows, given)
        np.testing.assert_array_equal(model.predict_proba(rows), wanted)
        assert model.classes_.tolist() == list(words)
        np.testing.assert_array_equal(model.predict(rows) == words[1], wanted[:, 1] > 0.5)


def test_calibration_is_chosen_by_the_rarer_class():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(4000, 1))
    for share, method in ((0.1, "sigmoid"), (0.5, "isotonic")):
        model = ChurnClassifier(GaussianNB()).fit(X, np.arange(4000) < share * 4000)
        assert (model.calibration_, model.calibration) == (method, "auto")


def test_calibrated_probabilities_mean_what_they_say():
    rng = np.random.default_rng(1)
    X = rng.normal(size=(6000, 1)) @ np.ones(
        (1, 8)
    )  # eight copies: naive Bayes counts the evidence eight times
    truth = 1 / (1 + np.exp(1 - X[:, 0]))
    y = (rng.random(6000) < truth).astype(int)
    off = {
        method: np.abs(
            ci.make_churn_pipeline(GaussianNB(), method).fit(X, y).predict_proba(X)[:, 1] - truth
        ).mean()
        for method in ("none", "sigmoid", "isotonic", "auto")
    }
    assert off["none"] > 0.2
    assert off["sigmoid"] < 0.08
    assert off["isotonic"] == off["auto"] < 0.02


def test_few_churners_get_fewer_folds():
    rows, _ = customers(30)
    y = np.zeros(30, int)
    y[:3] = 1
    assert ci.make_churn_pipeline(LogisticRegression()).fit(rows, y).predict_proba(rows).shape == (30, 2)
    y[1:3] = 0
    with pytest.raises(InputError, match=r"2 customers of each class.*calibration='none'"):
        ci.make_churn_pipeline(LogisticRegression()).fit(rows, y)
    ci.make_churn_pipeline(LogisticRegression(), calibration="none").fit(rows, y)


# -- what cannot be ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("y", "says"),
    [
        (np.zeros(200), r"one class only \(\{0.0\}\)"),
        (np.ones(200, bool), "one class only"),
        (np.arange(200), "write y =="),
        (np.array(["stay", "churn"] * 100), "write y =="),
        (np.array(["Yes", "yes", "No", "no"] * 50), "write y =="),
        (np.array([0.0, np.nan] * 100), "write y =="),
        (np.array([0, None] * 100, dtype=object), "write y =="),
        (np.tile([0, 1], 50), r"one label per customer \(200\), got shape \(100,\)"),
        (np.zeros((200, 2)), "one label per customer"),
        (None, "one label per customer"),
        (1, "one label per customer"),
    ],
    ids=str,
)
def test_labels_that_cannot_be(y, says):
    rows, _ = customers()
    with pytest.raises(InputError, match=says):
        ci.make_churn_pipeline().fit(rows, y)


@pytest.mark.parametrize(
    ("X", "error", "says"),
    [
        (None, InputError, "two-dimensional"),
        ("log", InputTypeError, "a TransactionLog, a frame of customer rows, or an array"),
        (3.0, InputError, "two-dimensional"),
        (np.ones(200), InputError, "two-dimensional"),
        (np.array([["a", "b"]] * 200), InputTypeError, "Mixed columns need a frame"),
        (np.full((200, 2), np.inf), InputError, "must not be infinite"),
        (np.ones((200, 0)), InputError, "no columns"),
        (
            pd.DataFrame({"a": np.r_[np.inf, np.ones(199)]}),
            InputError,
            "'a' of X must not be infinite.*row 0",
        ),
        (pd.DataFrame({"since": pd.date_range("2024", periods=200)}), InputTypeError, "'since' holds dates"),
        (pd.DataFrame(index=range(200)), InputError, "no columns|no rows"),
        (pd.DataFrame({"a": []}), InputError, "no rows"),
        (pd.DataFrame({"a": [1, "1"] * 100}), InputTypeError, "mixed types"),
    ],
    ids=str,
)
def test_rows_that_cannot_be(X, error, says):
    with pytest.raises(error, match=says):
        ci.make_churn_pipeline().fit(X, np.tile([0, 1], 100))


def test_the_kind_of_input_stays(learned):
    past, _, snapshots, labels = learned
    rows, y = customers()
    of_log = ci.make_churn_pipeline(GaussianNB(), calibration="none").fit(snapshots, labels)
    of_rows = clone(of_log).fit(rows, y)
    of_array = clone(of_log).fit(rows[["months", "paperless"]].to_numpy(float), y)
    with pytest.raises(InputTypeError, match=r"X is a frame of customer rows .* fit saw a log"):
        of_log.predict_proba(rows)
    with pytest.raises(InputTypeError, match=r"X is a log \(TransactionLog\), but fit saw a frame"):
        of_rows.predict_proba(past)
    with pytest.raises(InputError, match="X has 3 columns, but fit saw 2"):
        of_array.predict_proba(np.ones((2, 3)))
    with pytest.raises(InputTypeError, match="'months' held numbers in fit and holds text"):
        of_rows.predict_proba(rows.assign(months="many"))
    with pytest.raises(InputTypeError, match="'contract' held text in fit and holds numbers"):
        of_rows.predict_proba(rows.assign(contract=1))


@pytest.mark.parametrize(
    ("arguments", "error", "says"),
    [
        ({"classifier": LogisticRegression}, InputTypeError, "such as LogisticRegression"),
        ({"classifier": LinearRegression()}, InputTypeError, "must be a scikit-learn classifier"),
        ({"classifier": "logistic"}, InputTypeError, "must be a scikit-learn classifier"),
        ({"classifier": LinearSVC(), "calibration": "none"}, InputError, "no predict_proba"),
        ({"calibration": "platt"}, InputError, "calibration must be one of"),
        ({"calibration": None}, InputError, "calibration must be one of"),
    ],
    ids=str,
)
def test_parameters_that_cannot_be(arguments, error, says):
    rows, y = customers()
    with pytest.raises(error, match=says):
        ci.make_churn_pipeline(**arguments).fit(rows, y)


def test_an_unfitted_pipeline_says_so():
    rows, _ = customers()
    with pytest.raises(ValueError, match="not fitted"):
        ci.make_churn_pipeline(DummyClassifier()).predict_proba(rows)


# -- real customers -------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def telco():
    frame = ci.datasets.load_telco_churn()
    return frame.drop(columns="churn"), (frame["churn"] == "Yes").to_numpy()


def test_telco_out_of_fold(telco):
    rows, y = telco
    folds = StratifiedKFold(5, shuffle=True, random_state=0)
    model = ci.make_churn_pipeline(LogisticRegression(max_iter=1000))
    probability = cross_val_predict(model, rows, y, cv=folds, method="predict_proba")[:, 1]
    assert roc_auc_score(y, probability) > 0.842
    assert brier_score_loss(y, probability) < 0.1360
    assert ci.top_decile_lift(y, probability) > 2.7


def published(path, name):
    """Rows, who left, and which rows are the same: each set as its owners publish it."""
    label, drop = {"mlc": ("churn", []), "bank_churn_modelling": ("Exited", ["CustomerId"]),
                   "iranian": ("Churn", [])}[name]  # fmt: skip
    rows = pd.read_csv(next((path / "churn").glob(f"{name}*.csv.gz")))
    same = rows.groupby(list(rows.columns)).ngroup().to_numpy()
    return rows.drop(columns=[label, *drop]), rows[label].isin([1, "yes"]).to_numpy(), same


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "auc", "average_precision", "brier"),
    [
        ("telco", 0.8452, 0.6524, 0.1354),
        ("mlc", 0.9238, 0.8808, 0.0339),
        ("bank_churn_modelling", 0.8620, 0.6985, 0.1030),
        ("iranian", 0.9874, 0.9489, 0.0296),
    ],
)
def test_as_good_as_the_better_of_curves_and_trees(shared_data, telco, name, auc, average_precision, brier):
    """Without tuning, within .002 of the better of logistic regression and gradient boosting on the same folds.

    But for Iranian, where the same rows are kept on one side here, and were not there.
    """
    rows, y, same = (*telco, None) if name == "telco" else published(shared_data, name)
    if name == "iranian":
        folds = list(StratifiedGroupKFold(5, shuffle=True, random_state=0).split(rows, y, same))
    else:
        folds = list(StratifiedKFold(5, shuffle=True, random_state=0).split(rows, y))
    probability = cross_val_predict(ci.make_churn_pipeline(), rows, y, cv=folds, method="predict_proba")[:, 1]
    assert roc_auc_score(y, probability) > auc - 0.002
    assert average_precision_score(y, probability) > average_precision - 0.002
    assert brier_score_loss(y, probability) < brier + 0.002
    groups = np.array_split(np.argsort(probability, kind="stable"), 10)
    assert np.mean([abs(y[g].mean() - probability[g].mean()) for g in groups]) < 0.03


def test_purchase_models_join_the_features(learned):
    past, _, snapshots, labels = learned
    alive = make_pipeline(ci.CustomerSummary(unit="week"), ci.BetaGeoNBD(horizon=13))
    model = ci.make_churn_pipeline(LogisticRegression(max_iter=500), "none")
    features = FeatureUnion([("behaviour", ci.BehaviourFeatures()), ("alive", alive)])
    model.set_params(inputs__features=features).fit(snapshots, labels)
    assert any("p_alive" in name for name in model[0].columns_)
    assert model.predict_proba(past).shape == (len(past), 2)


@pytest.mark.slow
@pytest.mark.parametrize(("horizon", "auc_of_recency", "gain"), [("30D", 0.83, 0.05), ("90D", 0.88, 0.02)])
def test_complete_journey_at_a_later_date(horizon, auc_of_recency, gain):
    """Trained on dates whose horizons end before the as-of date, against ranking by days since the last purchase."""
    log = ci.TransactionLog.from_frame(
        ci.datasets.load_complete_journey(),
        customer="household_id", time="transaction_timestamp", amount="sales_value", item="product_id",
    )  # fmt: skip
    past, future = log.split(np.datetime64("2017-12-31") - int(horizon[:-1]))
    y = ci.churn_labels(past, future, horizon)
    model = ci.make_churn_pipeline().fit(*ci.churn_snapshots(past, horizon, step="30D"))
    probability = model.predict_proba(past)[:, 1]
    naive = roc_auc_score(y, past.time_since_last())
    assert naive < auc_of_recency
    assert roc_auc_score(y, probability) > naive + gain
    assert brier_score_loss(y, probability) < 0.85 * y.mean() * (1 - y.mean())


def _raw(n=400):
    rng = np.random.default_rng(0)
    total = pd.Series(rng.gamma(2.0, 500.0, n).round(2).astype(str))
    total[:4] = " "  # as in the published telco file
    return pd.DataFrame(
        {
            "customerID": [f"{k}-ABC" for k in rng.permutation(n)],
            "TotalCharges": total,
            "Contract": rng.choice(["Month-to-month", "One year", "Two year"], n),
            "SeniorCitizen": rng.choice(["0", "1"], n),
            "City": [f"city {k}" for k in rng.integers(0, 150, n)],
        }
    ), rng.random(n) < 0.3  # fmt: skip


@pytest.mark.parametrize("library", ["pandas", "polars", "dict"])
def test_numbers_and_ids_read_as_text_are_told_once(library):
    rows, left = _raw()
    if library == "polars":
        rows = pytest.importorskip("polars").DataFrame(rows.to_dict("list"))
    elif library == "dict":
        rows = {name: rows[name].to_numpy() for name in rows.columns}
    model = ci.make_churn_pipeline(LogisticRegression(max_iter=1000))
    with warnings.catch_warnings(record=True) as given:
        warnings.simplefilter("always")
        model.fit(rows, left).predict_proba(rows)
    said = [str(each.message) for each in given if each.category is DataWarning]
    assert len(said) == 1
    assert "'customerID' is text with 400 different values in 400 rows" in said[0]
    assert "'TotalCharges' is text that reads as numbers" in said[0]
    assert "pd.to_numeric(X['TotalCharges'], errors='coerce')" in said[0]
    assert not any(name in said[0] for name in ("Contract", "SeniorCitizen", "City"))


def test_the_way_out_of_strange_texts_is_silent():
    rows, left = _raw()
    rows["TotalCharges"] = pd.to_numeric(rows["TotalCharges"], errors="coerce")
    declared = rows.assign(customerID=rows["customerID"].astype("category"))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        logistic = LogisticRegression(max_iter=1000)
        ci.make_churn_pipeline(logistic, "none").fit(rows.drop(columns="customerID"), left)
        ci.make_churn_pipeline(logistic, "none").fit(declared, left)
        ChurnInputs().fit({"few": [f"name {k}" for k in range(49)]})
        ChurnInputs().fit({"mixed": ["12.5", "none", "13"] * 20, "gone": [None] * 60})
