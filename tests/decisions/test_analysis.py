"""CustomerBaseAnalysis: the whole path on simulated and real logs, what it leaves out, and what it refuses."""

from __future__ import annotations

import pickle
import warnings

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression

import crmintel as ci
from crmintel.decisions.report import describe
from crmintel.exceptions import DataWarning

ALL_COLUMNS = [
    "customer", "segment", "tier", "historic_value", "current_value", "potential_value", "quadrant",
    "probability_alive", "expected_purchases", "churn_risk", "offer", "action",
]  # fmt: skip


@pytest.fixture(scope="module")
def log():
    return ci.datasets.make_transactions(n_customers=600, random_state=3)[0]


@pytest.fixture(scope="module")
def quick():
    """An analysis whose churn model is fast."""
    churn = ci.make_churn_pipeline(LogisticRegression(), calibration="none")
    return ci.CustomerBaseAnalysis(horizon="8W", churn=churn, margin=0.3, min_support=0.01)


@pytest.fixture(scope="module")
def fitted(quick, log):
    return clone(quick).fit(log)


def without(log, *columns):
    frame = log.to_frame()
    roles = {name: name for name in ("amount", "item", "basket") if name in frame and name not in columns}
    return ci.TransactionLog.from_frame(frame, customer="customer", time="time", end=log.end, **roles)


def test_one_row_per_customer_with_every_column(fitted, log):
    table = fitted.transform(log)
    assert list(table.columns) == ALL_COLUMNS
    assert table.columns["customer"].tolist() == log.customers.tolist()
    assert fitted.notes_ == []


def test_columns_are_those_of_the_parts_called_by_hand(fitted, log):
    """The facade adds nothing: refit on everything, decide at the end of the log."""
    table = fitted.transform(log).columns
    rows = ci.CustomerSummary(unit="week", extra=("spend", "spend_last_year")).fit_transform(log)
    value = ci.LifetimeValue(horizon=8.0, margin=0.3).fit(rows)
    assert table["potential_value"] == pytest.approx(value.predict(rows), rel=1e-9)
    assert table["historic_value"] == pytest.approx(0.3 * log.spend(), rel=1e-12)
    assert table["tier"].tolist() == ci.ValueTiers().fit_predict(log).tolist()
    churn = ci.make_churn_pipeline(LogisticRegression(), calibration="none")
    churn.fit(*ci.churn_snapshots(log, "8W"))
    assert table["churn_risk"] == pytest.approx(churn.predict_proba(log)[:, 1], rel=1e-9)


def test_validation_sees_nothing_of_the_holdout(quick, log):
    """Changing every line after the cut-off changes the actual values, and no forecast."""
    analysis = clone(quick).fit(log)
    cutoff = analysis.validation_["value"]["cutoff"]
    frame = log.to_frame()
    later = frame["time"].astype("datetime64[D]") > np.datetime64(cutoff)
    frame["amount"] = np.where(later, frame["amount"] * 3, frame["amount"])
    other = ci.TransactionLog.from_frame(
        frame, customer="customer", time="time", amount="amount", item="item", basket="basket", end=log.end
    )
    changed = clone(quick).fit(other).validation_
    assert changed["churn"]["model"] == analysis.validation_["churn"]["model"]
    before, after = (v["value"]["spend"]["model"] for v in (analysis.validation_, changed))
    assert after["total_ratio"] == pytest.approx(before["total_ratio"] / 3, rel=1e-9)
    assert changed["value"]["purchases"] == analysis.validation_["value"]["purchases"]


def test_validation_stands_beside_naive_baselines(fitted):
    value, churn = fitted.validation_["value"], fitted.validation_["churn"]
    assert value["days"] == churn["days"] == 56
    assert value["cutoff"] == churn["as_of"]
    assert value["purchases"]["model"]["rmse"] < value["purchases"]["naive"]["rmse"]
    assert f"rmse {value['purchases']['model']['rmse']:.4g} against" in value["verdict"]
    assert value["is_better"] == ("is better than every baseline" in value["verdict"])
    assert churn["model"]["brier"] < churn["naive"]["brier"]
    assert 0.5 < churn["model"]["auc"] <= 1


def test_without_items_there_is_no_offer_and_a_note(quick, log):
    analysis = clone(quick).fit(without(log, "item"))
    table = analysis.transform(without(log, "item"))
    assert "offer" not in table.columns
    assert "tier" in table.columns
    assert analysis.notes_ == ["the log has no items: no offers"]


def test_without_amounts_there_is_no_money_and_a_note(quick, log):
    bare = without(log, "amount", "item")
    analysis = clone(quick).fit(bare)
    table = analysis.transform(bare)
    assert list(table.columns) == [
        "customer", "probability_alive", "expected_purchases", "churn_risk", "action",
    ]  # fmt: skip
    assert analysis.notes_[0] == "the log has no amounts: no tiers, value or quadrants"
    assert "spend" not in analysis.validation_["value"]


def test_a_log_without_any_bought_item_or_money_is_still_decided_on(quick, log, tmp_path):
    frame = log.to_frame()
    frame["item"] = np.full(log.n_lines, None)
    frame["amount"] = np.zeros(log.n_lines)
    empty = ci.TransactionLog.from_frame(
        frame, customer="customer", time="time", amount="amount", item="item"
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # no spend to model: said in the notes
        analysis = clone(quick).fit(empty)
        table = analysis.transform(empty)
    assert len(table) == len(empty)
    assert "no line of the log is a purchase with an item: no offers" in analysis.notes_
    assert "What to do" in describe(analysis, empty, table)


def test_a_forecast_that_is_no_better_than_naive_ones_is_noted_and_reported(quick, fitted, log, monkeypatch):
    verdict = (
        "BetaGeoNBD is not shown to be better than every baseline: rmse 0.52 against 0.52 of 'own_rate'."
    )
    measured = {**fitted.validation_["value"], "is_better": False, "verdict": verdict}
    monkeypatch.setattr("crmintel.decisions.analysis.validate_value", lambda *_: measured)
    analysis = clone(quick).fit(log)
    assert analysis.notes_ == [verdict]
    text = describe(analysis, log, analysis.transform(log))
    assert " ".join(text.split()).count(verdict) == 1


def test_where_most_bought_once_bg_nbd_takes_them_for_alive_and_says_so(quick, log):
    keep = log.owners() % 3 == 0  # of the other two thirds the first line only
    keep[log.starts] = True
    frame = {name: values[keep] for name, values in log.to_frame().items()}
    once = ci.TransactionLog.from_frame(frame, customer="customer", time="time", amount="amount", end=log.end)
    notes, tables = {}, {}
    for model in (ci.BetaGeoNBD(), ci.ModifiedBetaGeoNBD()):
        value = ci.LifetimeValue(horizon="8W", transactions=model)
        analysis = clone(quick).set_params(value=value).fit(once)
        notes[type(model)] = [note for note in analysis.notes_ if note.startswith("BG/NBD takes all")]
        tables[type(model)] = analysis.transform(once).columns["probability_alive"]
    lone = once.purchases() == 1
    assert f"all {lone.sum():,} who bought once" in notes[ci.BetaGeoNBD][0]
    assert (tables[ci.BetaGeoNBD][lone] == 1.0).all()
    assert notes[ci.ModifiedBetaGeoNBD] == []
    assert (tables[ci.ModifiedBetaGeoNBD][lone] < 1.0).all()


def test_rules_of_baskets_are_of_positive_association(fitted):
    assert (fitted.rules_.lift > 1).all()


def test_offers_are_those_of_the_recommender_that_foretells_best(fitted, quick, log):
    offers, _ = ci.RuleRecommender().fit(log).recommend(log, n=1)
    assert fitted.transform(log).columns["offer"].tolist() == offers[:, 0].tolist()
    other = clone(quick).set_params(recommender=ci.CoPurchaseRecommender(), n_offers=2).fit(log)
    offers, _ = ci.CoPurchaseRecommender().fit(log).recommend(log, n=2)
    table = other.transform(log).columns
    assert [table["offer_1"].tolist(), table["offer_2"].tolist()] == offers.T.tolist()


def test_offers_are_validated_beside_popularity(fitted, log):
    result = ci.evaluate_recommender(ci.RuleRecommender(), log, horizon="8W", k=1, n_bootstrap=2)
    offers = fitted.validation_["offers"]
    assert offers["model"]["hit_rate"] == result.value("hit_rate")["RuleRecommender"]
    assert offers["naive"]["hit_rate"] == result.value("hit_rate")["popularity"]
    assert offers["model"]["low"] <= offers["model"]["hit_rate"] <= offers["model"]["high"]
    assert (offers["days"], offers["n_customers"]) == (56, result.n_buyers)
    assert offers["cutoff"] == fitted.validation_["value"]["cutoff"]


def test_rules_of_the_future_are_not_validated_with(quick, log):
    rules = ci.RuleRecommender().fit(log).rules_
    with pytest.warns(DataWarning, match="offers is not validated: .*holds a RuleSet"):
        analysis = clone(quick).set_params(recommender=ci.RuleRecommender(rules)).fit(log)
    assert "offers" not in analysis.validation_
    assert analysis.recommender_.rules_ is rules


def test_offers_without_anything_bought_together(quick, log):
    analysis = clone(quick).set_params(min_confidence=1.0).fit(log)
    table = analysis.transform(log)
    assert len(analysis.rules_) == 0
    assert any(offer is not None for offer in table.columns["offer"])
    assert analysis.notes_[0].startswith("nothing is bought together")
    assert "Bought together" not in describe(analysis, log, table)


def test_what_the_log_is_too_short_for_is_left_out_aloud(quick, log):
    short = log.until(log.start + np.timedelta64(80, "D"))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        analysis = clone(quick).fit(short)
    assert "churn" not in analysis.validation_
    assert "churn_risk" not in analysis.transform(short).columns
    for reason in ("churn is not validated: ", "there is no churn risk: "):
        assert any(note.startswith(reason) for note in analysis.notes_)
        assert any(str(w.message).startswith(reason) and w.category is DataWarning for w in caught)


def test_new_customers_are_decided_on_by_what_was_learned(fitted, log):
    some = log[5:25]
    part, whole = fitted.transform(some).columns, fitted.transform(log).columns
    for name in ("segment", "tier", "quadrant", "churn_risk", "offer"):
        assert part[name].tolist() == whole[name][5:25].tolist(), name
    # answers between shared exact values are promised to 1e-12, and who shares depends on who is asked about
    np.testing.assert_allclose(part["potential_value"], whole["potential_value"][5:25], rtol=1e-12)


def test_fit_is_idempotent_and_pickles(fitted, quick, log):
    again = clone(quick).fit(log).transform(log)
    kept = pickle.loads(pickle.dumps(fitted)).transform(log)
    for name, values in fitted.transform(log).columns.items():
        assert again.columns[name].tolist() == values.tolist(), name
        assert kept.columns[name].tolist() == values.tolist(), name


def test_offers_are_new_to_the_customer(fitted, log):
    offers = fitted.transform(log).columns["offer"]
    owned = log.baskets().by_customer(len(log)).to_lists()
    assert any(offer is not None for offer in offers)
    assert not any(offer in items for offer, items in zip(offers, owned, strict=True))


def test_report_is_one_readable_page(fitted, log):
    text = describe(fitted, log, fitted.transform(log))
    for part in (
        "Golden customers",
        "Tiers",
        "Quadrants",
        "Bought together",
        "Held-out test of offers",
        "What to do",
    ):
        assert part in text
    assert max(map(len, text.splitlines())) <= 140


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"horizon": "10Y"}, r"horizon='10Y' is 3652.5 days, the log covers"),
        ({"horizon": 0}, "horizon must be > 0"),
        ({"horizon": "soon"}, "horizon must be a number, a timedelta or text like"),
        ({"n_offers": 0}, "n_offers must be >= 1"),
        ({"margin": -1.0}, "margin must be >= 0"),
        ({"margin": 30.0}, "margin must be"),
        ({"min_support": 2.0}, "min_support must be"),
    ],
)
def test_mistakes_are_named(quick, log, parameters, message):
    with pytest.raises(ValueError, match=message):
        clone(quick).set_params(**parameters).fit(log)


def test_a_frame_is_refused_with_the_way_out(quick, log):
    with pytest.raises(TypeError, match="must be a TransactionLog, got dict; make one with"):
        clone(quick).fit(log.to_frame())
