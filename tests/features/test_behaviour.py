"""Behaviour features against their plain-Python twin, and what they must not see."""

from __future__ import annotations

import pickle
import time
from datetime import date, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone

import crmintel as ci
from crmintel.exceptions import ColumnError, InputError, InputTypeError
from tests.oracles import behaviour as oracle

WINDOWS = (7, 20, 45)
FIELDS = ("amount", "quantity", "discount", "item", "category")
START = date(2024, 1, 1)
DAYS = 120


@st.composite
def tables(draw, fields=None):
    """Lines as dicts, in any order: whole money (sums are exact), some returns, some lines without an item."""
    chosen = draw(st.sets(st.sampled_from(FIELDS))) if fields is None else set(fields)
    values = {
        "amount": st.integers(-3, 20).map(float),
        "quantity": st.integers(-1, 3).map(float),
        "discount": st.sampled_from([0.0, 0.0, 1.0, -2.0]),
        "item": st.sampled_from(["a", "b", "c", "d", None]),
        "category": st.sampled_from(["x", "y", None]),
    }
    line = st.fixed_dictionaries(
        {
            "customer": st.integers(0, 4),
            "day": st.integers(0, DAYS - 1).map(lambda n: START + timedelta(days=n)),
            "hour": st.integers(0, 23),
            **{name: values[name] for name in sorted(chosen)},
        }
    )
    return draw(st.lists(line, min_size=1, max_size=60))


def to_log(lines, end=START + timedelta(days=DAYS - 1)):
    stamps = [np.datetime64(line["day"], "h") + np.timedelta64(line["hour"], "h") for line in lines]
    columns = {
        name: np.array([line[name] for line in lines], dtype=None if name in FIELDS[:3] else object)
        for name in FIELDS
        if name in lines[0]
    }
    return ci.TransactionLog.from_arrays(
        customer=[line["customer"] for line in lines], time=np.array(stamps), end=end, **columns
    )


def expected(lines, samples, windows=WINDOWS):
    """Rows of the oracle for (customer, as-of day) pairs."""
    has_hours = any(line["hour"] for line in lines)
    rows = [
        oracle.features([line for line in lines if line["customer"] == who], as_of, windows, has_hours)
        for who, as_of in samples
    ]
    return list(rows[0]), np.array([[row[name] for name in rows[0]] for row in rows])


def random_log(seed=0, n=3000, customers=150):
    rng = np.random.default_rng(seed)
    return ci.TransactionLog.from_arrays(
        customer=rng.integers(0, customers, n),
        time=np.datetime64("2023-01-01T00", "h") + rng.integers(0, 24 * 500, n),
        amount=rng.normal(20.0, 15.0, n),
        quantity=rng.integers(1, 5, n),
        discount=np.where(rng.random(n) < 0.3, 1.5, 0.0),
        item=rng.integers(0, 80, n),
        category=rng.integers(0, 9, n),
        end="2024-06-30",
    )


@settings(max_examples=150, deadline=None)
@given(tables())
def test_every_feature_equals_its_definition(lines):
    log = to_log(lines)
    model = ci.BehaviourFeatures(WINDOWS)
    rows = model.fit_transform(log)
    names, wanted = expected(
        lines, [(who, START + timedelta(days=DAYS - 1)) for who in log.customers.tolist()]
    )
    assert sorted(names) == sorted(model.get_feature_names_out())
    order = [names.index(name) for name in model.get_feature_names_out()]
    np.testing.assert_allclose(rows, wanted[:, order], rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("windows", [(1, 2, 3), (5, 10, 31, 77, 400)], ids=str)
def test_every_edge_of_a_window_equals_its_definition(windows):
    """Purchases on most days: on the first and last day of each window, and on the days beside them."""
    rng = np.random.default_rng(2)
    lines = [
        {
            "customer": who,
            "day": START + timedelta(days=n),
            "hour": 12,
            "amount": 1.0,
            "item": int(rng.integers(5)),
        }
        for who in range(20)
        for n in np.flatnonzero(rng.random(DAYS) < 0.7).tolist()
    ]
    log = to_log(lines)
    names, wanted = expected(lines, [(who, START + timedelta(days=DAYS - 1)) for who in range(20)], windows)
    model = ci.BehaviourFeatures(windows).fit(log)
    order = [names.index(name) for name in model.get_feature_names_out()]
    np.testing.assert_allclose(model.transform(log), wanted[:, order], rtol=1e-12, atol=1e-12)


@settings(max_examples=60, deadline=None)
@given(tables(fields=FIELDS), st.lists(st.integers(0, DAYS - 1), min_size=1, max_size=4, unique=True))
def test_every_snapshot_equals_its_definition(lines, offsets):
    first = min(line["day"] for line in lines)
    dates = sorted({max(START + timedelta(days=n), first) for n in offsets})
    snapshots = to_log(lines).snapshots(dates)
    model = ci.BehaviourFeatures(WINDOWS).fit(snapshots)
    samples = list(zip(snapshots.customers.tolist(), snapshots.as_of.tolist()))
    names, wanted = expected(lines, samples)
    order = [names.index(name) for name in model.get_feature_names_out()]
    np.testing.assert_allclose(model.transform(snapshots), wanted[:, order], rtol=1e-12, atol=1e-12)


@settings(max_examples=60, deadline=None)
@given(tables(fields=FIELDS), st.randoms(use_true_random=False))
def test_the_order_of_the_input_does_not_matter(lines, random):
    shuffled = list(lines)
    random.shuffle(shuffled)
    model = ci.BehaviourFeatures(WINDOWS)
    np.testing.assert_array_equal(model.fit_transform(to_log(lines)), model.fit_transform(to_log(shuffled)))


@settings(max_examples=40, deadline=None)
@given(tables(fields=FIELDS), st.sampled_from([2.0, 64.0, 0.125]))
def test_a_change_of_currency_scales_money_and_nothing_else(lines, rate):
    model = ci.BehaviourFeatures(WINDOWS).fit(to_log(lines))
    is_money = np.array([name.startswith("spend") for name in model.columns_])
    exchanged = [{**line, "amount": line["amount"] * rate} for line in lines]
    factor = np.where(is_money, rate, 1.0)
    np.testing.assert_array_equal(model.transform(to_log(exchanged)), model.transform(to_log(lines)) * factor)


def test_windows_in_any_unit_are_days():
    log = random_log()
    weeks = ci.BehaviourFeatures(["13W", "1W"]).fit(log)
    days = ci.BehaviourFeatures([7, 91.0]).fit(log)
    assert weeks.columns_ == days.columns_
    assert weeks.windows_.tolist() == [7, 91]
    np.testing.assert_array_equal(weeks.transform(log), days.transform(log))


def test_snapshot_rows_are_the_rows_of_the_log_until_that_date():
    log = random_log()
    dates = ["2023-06-30", "2023-12-31", "2024-05-15"]
    model = ci.BehaviourFeatures().fit(log)
    parts = [model.transform(log.until(day)) for day in dates]
    np.testing.assert_array_equal(model.transform(log.snapshots(dates)), np.concatenate(parts))


@pytest.mark.parametrize("day", ["2023-03-31", "2023-12-31", "2024-04-01T13:00"])
def test_no_line_after_the_as_of_day_changes_a_bit(day):
    """Permute, change, add and drop the later lines in every way: the features stay as they are."""
    log = random_log()
    lines = log.to_frame()
    cut = np.datetime64(day) + (np.timedelta64(1, "D") if "T" not in day else np.timedelta64(1, "s"))
    rng = np.random.default_rng(1)
    late = np.flatnonzero(lines["time"] >= cut)
    changed = {name: values.copy() for name, values in lines.items()}
    for name in ("amount", "quantity", "discount", "item", "category", "customer"):
        changed[name][late] = rng.permutation(changed[name][late])
    changed["amount"][late] *= rng.normal(size=late.size)
    # the first appearance of an item may be among the later lines, so none is invented
    changed["time"][late] += np.timedelta64(11, "m")
    kept = np.concatenate([np.flatnonzero(lines["time"] < cut), rng.choice(late, late.size // 2)])
    changed = {name: values[kept] for name, values in changed.items()}
    other = ci.TransactionLog.from_arrays(**changed, end="2024-07-31")
    model = ci.BehaviourFeatures().fit(log)
    past, past_of_other = log.until(day), other.until(day)
    np.testing.assert_array_equal(past.customers, past_of_other.customers)
    assert model.transform(past).tobytes() == model.transform(past_of_other).tobytes()


def test_a_subset_of_customers_has_their_rows():
    log = random_log()
    model = ci.BehaviourFeatures().fit(log)
    rows = model.transform(log)
    chosen = np.array([7, 3, 3, 100])
    np.testing.assert_array_equal(model.transform(log[chosen]), rows[chosen])
    assert model.transform(log[:0]).shape == (0, rows.shape[1])


def test_an_empty_history_counts_nothing_and_is_nan_elsewhere():
    _, future = random_log(n=400, customers=300).split("2023-12-31")
    quiet = future[future.stops == future.starts]
    rows = ci.BehaviourFeatures().set_output(transform="pandas").fit_transform(quiet)
    undefined = [c for c in rows if c.startswith(("trend", "acceleration", "category_shift"))] + [
        "time_since_last", "tenure", "mean_gap", "sd_gap", "overdue_ratio", "spend_per_purchase", "discount_share",
        "return_share", "night_share", "morning_share", "afternoon_share", "evening_share", "monday_share",
        "tuesday_share", "wednesday_share", "thursday_share", "friday_share", "saturday_share", "sunday_share",
    ]  # fmt: skip
    assert len(rows) > 0
    assert rows[undefined].isna().all(axis=None)
    assert (rows.drop(columns=undefined) == 0).all(axis=None)


def test_optional_columns_are_learned_in_fit():
    log = random_log()
    lines = log.to_frame()
    bare = ci.TransactionLog.from_arrays(customer=lines["customer"], time=lines["time"], end="2024-06-30")
    model = ci.BehaviourFeatures().fit(bare)
    assert model.fields_ == ()
    assert not any(name.startswith(("spend", "items", "categ", "disc", "return")) for name in model.columns_)
    np.testing.assert_array_equal(  # fields that fit did not see are not used: not even to tell returns
        model.transform(log), model.transform(bare)
    )
    with pytest.raises(ColumnError, match=r"amount.*from_frame"):
        ci.BehaviourFeatures().fit(log).transform(bare)


@settings(max_examples=60, deadline=None)
@given(tables(fields=("amount",)), st.data())
def test_shares_of_kept_columns_equal_their_definition(lines, data):
    """Of the lines bought, returns left out, the share where the column is a number other than 0."""
    values = data.draw(
        st.lists(st.sampled_from([0.0, 0.0, 1.5, -2.0, np.nan]), min_size=len(lines), max_size=len(lines))
    )
    log = ci.TransactionLog.from_arrays(
        customer=[line["customer"] for line in lines],
        time=np.array([np.datetime64(line["day"]) for line in lines]),
        amount=np.array([line["amount"] for line in lines]),
        end=START + timedelta(days=DAYS - 1),
        keep={"coupon": np.array(values), "card": np.array([v == 1.5 for v in values])},
    )
    model = ci.BehaviourFeatures([7], shares=["coupon", "card"]).set_output(transform="pandas").fit(log)
    rows = model.transform(log)
    for i, who in enumerate(log.customers.tolist()):
        bought = [v for line, v in zip(lines, values) if line["customer"] == who and line["amount"] >= 0]
        marked = sum(v != 0 and not np.isnan(v) for v in bought)
        wanted = [marked / len(bought), bought.count(1.5) / len(bought)] if bought else [np.nan, np.nan]
        np.testing.assert_array_equal(rows.loc[i, ["coupon_share", "card_share"]].to_numpy(float), wanted)


def test_shares_that_cannot_be():
    log = ci.TransactionLog.from_arrays(
        customer=["ann"], time=["2024-01-01"], keep={"coupon": np.array([1.0]), "shop": np.array(["north"])}
    )
    assert ci.BehaviourFeatures(shares=["coupon"]).fit(log).columns_[-8] == "coupon_share"
    with pytest.raises(ColumnError, match=r"shares names 'till'.*it keeps \['coupon', 'shop'\]"):
        ci.BehaviourFeatures(shares=["till"]).fit(log)
    with pytest.raises(InputTypeError, match="shares needs number columns, but 'shop' holds"):
        ci.BehaviourFeatures(shares=["shop"]).fit(log)
    for shares in ("coupon", None, 3, [4], ["coupon", "coupon"], ["monday"], ["discount"]):
        with pytest.raises((InputError, InputTypeError), match=r"^shares"):
            ci.BehaviourFeatures(shares=shares).fit(log)


def test_output_follows_set_output_and_survives_clone_and_pickle():
    log = random_log()
    for library in ("pandas", "polars"):
        model = ci.BehaviourFeatures(["30D"]).set_output(transform=library).fit(log)
        frame = model.transform(log)
        assert type(frame).__module__.startswith(library)
        assert list(frame.columns) == model.get_feature_names_out().tolist()
    rows = clone(model).set_output(transform="default").fit(log).transform(log)
    assert rows.dtype == np.float64
    assert rows.columns == model.columns_
    assert rows.unit == "day"
    again = pickle.loads(pickle.dumps(model.set_output(transform="default")))
    np.testing.assert_array_equal(again.transform(log), rows)


@pytest.mark.parametrize(
    ("windows", "error", "says"),
    [
        ("90D", InputError, "list of lengths"),
        (90, InputError, "list of lengths"),
        ([0], InputError, "windows must be >= 1"),
        (["0.2D"], InputError, "windows must be >= 1"),
        ([-3], InputError, "windows must be >= 0"),
        ([float("nan")], InputError, "windows"),
        ([1e12], InputError, "<= 1000000"),
        (["90X"], InputError, "one of second"),
        ([None], InputTypeError, "windows must be a number"),
        (["4W", 28], InputError, "windows must differ"),
    ],
)
def test_windows_that_cannot_be(windows, error, says):
    with pytest.raises(error, match=says):
        ci.BehaviourFeatures(windows).fit(random_log())


@pytest.mark.parametrize("X", [None, np.ones((3, 2)), "log", [[1, 2]]], ids=str)
def test_other_things_than_a_log(X):
    with pytest.raises(InputTypeError, match="must be a TransactionLog"):
        ci.BehaviourFeatures().fit(X)


@pytest.mark.slow
def test_a_year_of_shopping_at_twelve_dates_takes_seconds():
    frame = ci.datasets.load_complete_journey()
    log = ci.TransactionLog.from_frame(
        frame, customer="household_id", time="transaction_timestamp", amount="sales_value", item="product_id"
    )
    snapshots = log.snapshots([f"2017-{month:02d}-28" for month in range(1, 13)])
    model = ci.BehaviourFeatures().fit(snapshots)
    model.transform(snapshots[:10])
    started = time.process_time()
    model.transform(snapshots)
    assert time.process_time() - started < 2.0
