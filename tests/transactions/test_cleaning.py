"""Cleaning: every row and every cent is accounted for, and each return undoes the purchase it belongs to."""

from __future__ import annotations

import pickle
import time
from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone

from crmintel import CustomerSummary, LogCleaner, TransactionLog
from crmintel.exceptions import DataWarning, DateRangeError, InputError, InputTypeError
from tests.oracles import log as oracle

LATEST = "2030-01-01"


def log_of(rows, end=None, keep=()):
    """A log from dicts; a row without a time of day is a day of January 2024."""
    columns = {name: [row[name] for row in rows] for name in rows[0]}
    columns["time"] = [datetime(2024, 1, t) if isinstance(t, int) else t for t in columns["time"]]
    kept = {}
    for name in keep:
        kept[name] = np.empty(len(rows), dtype=object)
        kept[name][:] = columns.pop(name)
    return TransactionLog.from_arrays(**columns, keep=kept, end=end)


def bought(*amounts, **more):
    """One customer's lines of one item on the days 1, 2, ..."""
    return log_of([{"customer": "ann", "time": k + 1, "amount": a, **more} for k, a in enumerate(amounts)])


def cleaned(log, latest=LATEST, **parameters):
    cleaner = LogCleaner(latest=latest, **parameters)
    return cleaner.fit_transform(log), cleaner.report_


def amounts(log):
    return log.lines.amount.tolist()


# -- returns, by hand ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("lines", "left"),
    [
        ([30, 10, -30], [10]),  # the whole purchase
        ([30, 10, 30, -30], [30, 10]),  # the latest of two equal ones
        ([30, 50, -30], [50]),  # the equal one, though a later one could take it
        ([30, 50, -20], [30, 30]),  # none is equal: the latest, in part
        ([30, 50, -60], [20]),  # more than the latest: the rest of the one before
        ([10, 30, -10, -30, 5], [5]),  # two returns, two purchases
        ([30, -10, -10, -10, 7], [7]),  # a purchase that comes back in parts
        ([100, -30, 50, -70, 1], [50, 1]),  # 70 equals no purchase, not even what is left of the first
        ([0.1, 0.2, 0.3, -0.3, 1], [0.1, 0.2, 1]),
        ([0.3, -0.1, -0.2, 1], [1]),  # rounding leaves no crumb of a purchase
    ],
    ids=str,
)
def test_match_by_hand(lines, left):
    log, report = cleaned(bought(*lines))
    assert amounts(log) == pytest.approx(left)
    assert sum(amounts(log)) == pytest.approx(sum(lines))
    assert report.rows_kept + report.rows.get("matched return", 0) == len(lines)
    assert "unmatched return" not in report.rows


def test_a_partial_return_shrinks_all_that_belongs_to_the_purchase():
    rows = [
        {"customer": 1, "time": 1, "amount": 50.0, "quantity": 5.0, "cost": 20.0, "discount": 10.0},
        {"customer": 1, "time": 2, "amount": -20.0, "quantity": -2.0, "cost": -8.0, "discount": -4.0},
    ]
    log, report = cleaned(log_of(rows))
    lines = log.lines
    assert [lines.amount[0], lines.quantity[0], lines.cost[0], lines.discount[0]] == pytest.approx(
        [30, 3, 12, 6]
    )
    assert (report.n_reduced, report.rows) == (1, {"matched return": 1})


@pytest.mark.parametrize("returns", ["match", "net"])
def test_large_amounts_lose_no_money(returns):
    """A purchase of a billion that came back but for half a unit leaves half a unit."""
    log, report = cleaned(bought(1e9, -999_999_999.5, 1.0), returns=returns)
    assert amounts(log) == [0.5, 1.0]
    assert report.money_in == 1.5


@settings(max_examples=200, deadline=None)
@given(st.lists(st.decimals("-1e9", "1e9", places=2).map(float), min_size=2, max_size=12), st.booleans())
def test_money_adds_up_to_the_last_place(lines, match):
    lines = [1e9, *lines]
    try:
        _, report = cleaned(bought(*lines), returns="match" if match else "net", duplicates="keep")
    except InputError:  # everything came back
        return
    assert report.money_in == pytest.approx(sum(lines), abs=1e-12 * np.abs(lines).sum())


def test_what_rounding_left_is_booked():
    _, report = cleaned(bought(0.3, -0.1, -0.2, 1.0))
    assert 0.0 < abs(report.money["matched return"]) < 1e-15
    assert report.money_in == 0.3 - 0.1 - 0.2 + 1.0
    assert "-0.00" not in repr(report)


def test_a_return_before_its_purchase_is_unmatched():
    log, report = cleaned(bought(-30.0, 30.0, 5.0))
    assert amounts(log) == [30.0, 5.0]
    assert (report.rows, report.money) == ({"unmatched return": 1}, {"unmatched return": -30.0})


def test_what_no_purchase_can_take_is_unmatched():
    log, report = cleaned(bought(30.0, -50.0, 7.0))
    assert amounts(log) == [7.0]
    assert report.rows == {"matched return": 1, "unmatched return": 1}
    assert report.money == {"matched return": 0.0, "unmatched return": -20.0}
    assert report.money_in == pytest.approx(-13.0)


def test_match_keeps_to_the_item_and_net_does_not():
    rows = [
        {"customer": 1, "time": 1, "amount": 30.0, "item": "tea"},
        {"customer": 1, "time": 2, "amount": 30.0, "item": "cup"},
        {"customer": 1, "time": 3, "amount": -30.0, "item": "tea"},
        {"customer": 2, "time": 1, "amount": 30.0, "item": "tea"},
        {"customer": 1, "time": 4, "amount": -10.0, "item": "pot"},
    ]
    log, report = cleaned(log_of(rows))
    assert log.lines.item.expand().tolist() == ["cup", "tea"]
    assert report.rows == {"matched return": 2, "unmatched return": 1}
    log, report = cleaned(log_of(rows), returns="net")
    assert list(zip(log.lines.item.expand().tolist(), amounts(log))) == [("tea", 20.0), ("tea", 30.0)]
    assert (report.rows, report.n_reduced) == ({"matched return": 3}, 1)


def test_drop_and_keep():
    log, report = cleaned(bought(30.0, -30.0, 5.0), returns="drop")
    assert (amounts(log), report.rows, report.money) == ([30.0, 5.0], {"return": 1}, {"return": -30.0})
    log, report = cleaned(bought(30.0, -30.0, 5.0), returns="keep")
    assert (amounts(log), report.rows) == ([30.0, -30.0, 5.0], {})


def test_at_one_moment_the_purchase_comes_first():
    """Day stamps: the row order of a purchase and its return on one day means nothing."""
    rows = [{"customer": 1, "time": 3, "amount": a} for a in (-30.0, 30.0, 5.0)]
    for order in ([0, 1, 2], [1, 0, 2], [2, 1, 0]):
        log, report = cleaned(log_of([rows[k] for k in order]))
        assert (amounts(log), report.rows) == ([5.0], {"matched return": 2})


@pytest.mark.parametrize(
    ("amount", "quantity", "kept", "reasons"),
    [
        (-30.0, -1.0, [], {"matched return": 2}),
        (-30.0, 1.0, [], {"matched return": 2}),
        (0.0, -1.0, [30.0], {"unmatched return": 1}),
        (30.0, -1.0, [30.0], {"unmatched return": 1}),
    ],
)
def test_a_return_is_known_by_amount_or_quantity(amount, quantity, kept, reasons):
    """A negative quantity with an amount that is not negative undoes nothing: what it cost is not known."""
    rows = [
        {"customer": 1, "time": 1, "amount": 30.0, "quantity": 1.0},
        {"customer": 1, "time": 2, "amount": amount, "quantity": quantity},
        {"customer": 1, "time": 3, "amount": 5.0, "quantity": 1.0},
    ]
    log, report = cleaned(log_of(rows))
    assert (amounts(log), report.rows) == ([*kept, 5.0], reasons)
    assert report.money_in == pytest.approx(35.0 + amount)


def test_a_return_of_nothing_takes_no_gift():
    rows = [
        {"customer": 1, "time": 1, "amount": 0.0, "quantity": 1.0},
        {"customer": 1, "time": 2, "amount": 0.0, "quantity": -1.0},
    ]
    log, report = cleaned(log_of(rows))
    assert (log.lines.quantity.tolist(), report.rows) == ([1.0], {"unmatched return": 1})


def test_a_log_of_quantities_only():
    rows = [{"customer": 1, "time": k + 1, "quantity": q} for k, q in enumerate([5.0, 2.0, -2.0, -1.0, -9.0])]
    log, report = cleaned(log_of(rows[:4]))
    assert log.lines.quantity.tolist() == [4.0]
    assert (report.rows, report.money, report.n_reduced) == (
        {"matched return": 3},
        {"matched return": 0.0},
        1,
    )
    assert (report.money_in, report.money_kept) == (0.0, 0.0)
    with pytest.raises(InputError, match="no line of 5 is left"):
        cleaned(log_of(rows))


def test_many_returns_of_one_customer_take_linear_time():
    """A till's anonymous account: 3e5 lines, 1e5 of them returns that equal no purchase."""
    n = 300_000
    amount = np.where(np.arange(n) % 3 == 2, -0.37, 10.0 + np.arange(n) % 1000)
    days = np.datetime64("2020-01-01T00:00", "m") + np.arange(n)
    log = TransactionLog.from_arrays(customer=np.zeros(n, int), time=days, amount=amount)
    cleaned(log[:1].until("2020-01-02"))  # compiles
    for how in ("match", "net"):
        started = time.process_time()
        clean, report = cleaned(log, returns=how)
        assert time.process_time() - started < 5
        assert clean.spend()[0] == pytest.approx(amount.sum(), rel=1e-9)
        assert report.rows == {"matched return": 100_000}


# -- returns, duplicates and money against their definitions ----------------------------------------------------

LINE = st.fixed_dictionaries(
    {
        "customer": st.integers(0, 2),
        "time": st.integers(1, 6),
        "amount": st.integers(-4, 4).map(lambda k: k * 2.5),
        "quantity": st.sampled_from([-1.0, 1.0, 2.0]),
        "item": st.sampled_from(["tea", "cup", None]),
    }
)
LOGS = st.lists(LINE, min_size=1, max_size=30)


@settings(max_examples=300, deadline=None)
@given(LOGS, st.sampled_from(["match", "net"]), st.sampled_from([("quantity",), ("amount",), ()]))
def test_returns_equal_the_slow_twin(rows, how, without):
    rows = [{name: value for name, value in row.items() if name not in without} for row in rows]
    measure = "quantity" if "amount" in without else "amount"
    stay, unmatched = oracle.undo_returns(rows, how)
    if not stay:
        with pytest.raises(InputError, match="is left after cleaning"):
            cleaned(log_of(rows), returns=how, duplicates="keep")
        return
    log, report = cleaned(log_of(rows), returns=how, duplicates="keep")
    found = sorted(
        zip(
            log.customers[log.owners()].tolist(),
            log.lines.time.tolist(),
            map(str, log.lines.item.expand().tolist()),
            log.lines.numbers(measure).tolist(),
        )
    )
    epoch = [int(np.datetime64(datetime(2024, 1, row["time"]), "us").astype(int)) for row in rows]
    wanted = sorted(
        (rows[k]["customer"], epoch[k], str(rows[k]["item"]), float(left)) for k, left in stay.items()
    )
    assert [line[:3] for line in found] == [line[:3] for line in wanted]
    assert [line[3] for line in found] == pytest.approx([line[3] for line in wanted], abs=1e-9)
    assert report.rows.get("unmatched return", 0) == len(unmatched)


@settings(max_examples=200, deadline=None)
@given(LOGS, st.lists(st.sampled_from([None, 1, "1", np.nan, True, ("a",)]), min_size=30, max_size=30))
def test_duplicates_equal_their_definition(rows, notes):
    rows = [{**row, "note": note} for row, note in zip(rows, notes)] * 2
    log, report = cleaned(log_of(rows, keep=["note"]), returns="keep")
    stay = oracle.without_duplicates([{**row, "note": repr(row["note"])} for row in rows])
    assert report.rows.get("duplicate", 0) == len(rows) - len(stay)
    assert log.n_lines == len(stay)
    kept = zip(log.customers[log.owners()].tolist(), amounts(log), map(repr, log.lines.kept["note"]))
    assert sorted(kept) == sorted((row["customer"], row["amount"], row["note"]) for row in stay)


def test_duplicates_with_kept_columns_of_any_type():
    rows = [
        {"customer": 1, "time": 1, "amount": 5.0, "note": note}
        for note in (1, "1", 1.0, None, "None", 1, {}, {})
    ]
    log, report = cleaned(log_of(rows, keep=["note"]))
    assert [repr(note) for note in log.lines.kept["note"]] == ["1", "'1'", "1.0", "None", "'None'", "{}"]
    assert report.rows == {"duplicate": 2}
    assert log.n_lines == 6


def test_zero_and_minus_zero_are_one_amount():
    _, report = cleaned(bought(0.0))
    assert report.rows == {}
    rows = [{"customer": 1, "time": 1, "amount": a} for a in (0.0, -0.0)]
    assert cleaned(log_of(rows))[1].rows == {"duplicate": 1}


@pytest.mark.filterwarnings("ignore:.*are set aside")
@settings(max_examples=300, deadline=None)
@given(
    LOGS,
    st.sampled_from(["match", "net", "drop", "keep"]),
    st.sampled_from(["drop", "keep"]),
    st.sampled_from(["drop", "keep"]),
    st.integers(1, 6),
    st.integers(1, 6),
    st.booleans(),
)
def test_rows_and_money_add_up(rows, returns, duplicates, zero, earliest, latest, holes):
    if holes:
        rows = [{**rows[0], "customer": None}, *rows]
    log = log_of(rows)
    cleaner = LogCleaner(
        returns, duplicates, zero, earliest=f"2024-01-0{earliest}", latest=f"2024-01-0{max(earliest, latest)}"
    )
    try:
        clean = cleaner.fit_transform(log)
    except InputError:  # nothing is left; test_wrong_parameters reads the message
        return
    report = cleaner.report_
    assert report.rows_in == len(rows)
    assert report.money_in == pytest.approx(sum(row["amount"] for row in rows), abs=1e-9)
    assert report.rows_kept == clean.n_lines
    assert report.money_kept == pytest.approx(clean.spend().sum(), abs=1e-9)
    assert report.n_customers_left_out == len(log) - len(clean)
    if returns != "keep":
        assert (clean.lines.amount >= 0).all()
        assert (clean.lines.quantity > 0).all()
    assert (clean.stops > clean.starts).all()
    # cleaning again finds nothing more
    again = clone(cleaner).fit(clean).report_
    assert (again.rows, again.n_reduced) == ({}, 0)


@settings(max_examples=200, deadline=None)
@given(LOGS, st.sampled_from(["match", "net"]), st.randoms(use_true_random=False))
def test_the_order_of_the_rows_does_not_matter(rows, returns, random):
    shuffled = rows[:]
    random.shuffle(shuffled)
    results = []
    for some in (rows, shuffled):
        cleaner = LogCleaner(returns=returns, latest=LATEST)
        try:
            log = cleaner.fit_transform(log_of(some))
            lines = zip(log.lines.time.tolist(), map(str, log.lines.item.expand()), amounts(log))
            results.append((sorted(lines), cleaner.report_))
        except InputError:
            results.append(None)
    if results[0] is None:
        assert results[1] is None
    else:
        assert results[0][0] == results[1][0]
        assert results[0][1].rows == results[1][1].rows


@pytest.mark.parametrize("returned", [-30.0, -10.0], ids=["whole", "part"])
@pytest.mark.parametrize("more", ["quantity", "cost", "discount", "basket", "category", "note"])
@pytest.mark.parametrize("returns", ["match", "net"])
def test_purchases_that_tie_are_told_apart_by_all_columns(returned, more, returns):
    values = {"basket": ("b1", "b2"), "category": ("c1", "c2"), "note": (None, "n2")}.get(more, (1.0, 5.0))
    rows = [{"customer": 1, "time": 1, "amount": 30.0, "item": "tea", more: value} for value in values]
    rows.append({**rows[0], "time": 2, "amount": returned})
    results = []
    for order in ([0, 1, 2], [1, 0, 2], [2, 1, 0]):
        keep = ["note"] if more == "note" else ()
        lines = cleaned(log_of([rows[k] for k in order], keep=keep), returns=returns)[0].lines
        results.append(sorted(zip(lines.amount.tolist(), map(str, lines.columns()[more].tolist()))))
    assert results[0] == results[1] == results[2]


# -- dates -----------------------------------------------------------------------------------------------------


def dated(*days, end=None):
    rows = [{"customer": k, "time": datetime.fromisoformat(day), "amount": 1.0} for k, day in enumerate(days)]
    return log_of(rows, end)


def test_impossible_and_future_dates():
    log, report = cleaned(dated("1899-12-31", "2024-01-05", "2024-03-01", "2099-12-31"))
    assert report.rows == {"impossible date": 1, "future date": 1}
    assert (str(log.start), str(log.end)) == ("2024-01-05", "2024-03-01")
    log, report = cleaned(dated("1979-12-31", "1980-01-01"))
    assert report.rows == {"impossible date": 1}
    assert cleaned(dated("1950-01-01", "2024-01-05"), earliest="1900-01-01")[1].rows == {}


def test_latest_is_a_whole_day_or_a_moment():
    log = dated("2024-01-05", "2024-01-07T15:00")
    assert LogCleaner(latest="2024-01-07").fit(log).report_.rows == {}
    assert LogCleaner(latest="2024-01-07T14:59").fit(log).report_.rows == {"future date": 1}


def test_today_ends_where_it_ends_last():
    today = datetime.now(UTC).replace(tzinfo=None)
    rows = [
        {"customer": k, "time": today + timedelta(hours=h), "amount": 1.0}
        for k, h in enumerate((-50, 0, 13, 60))
    ]
    cleaner = LogCleaner()
    assert len(cleaner.fit_transform(log_of(rows))) == 3
    assert cleaner.report_.rows == {"future date": 1}


def test_an_end_that_was_named_stays():
    log, _ = cleaned(dated("2024-01-05", "2024-03-01", end="2024-06-30"), latest="2024-12-31")
    assert str(log.end) == "2024-06-30"


def test_leaving_out_returns_does_not_change_the_window():
    """The shop was open on the day of the first and the last return: T must not shrink."""
    rows = [
        {"customer": 1, "time": 1, "amount": -9.0},
        {"customer": 1, "time": 3, "amount": 50.0},
        {"customer": 1, "time": 20, "amount": -9.0},
    ]
    for returns in ("match", "drop"):
        log, _ = cleaned(log_of(rows), returns=returns)
        assert (str(log.start), str(log.end)) == ("2024-01-01", "2024-01-20")
        assert CustomerSummary().fit_transform(log)[0, 2] == 17


# -- the rest --------------------------------------------------------------------------------------------------


def test_zero_amounts_on_request():
    log, report = cleaned(bought(5.0, 0.0, 3.0), zero="drop")
    assert (amounts(log), report.rows) == ([5.0, 3.0], {"zero amount": 1})
    assert cleaned(bought(5.0, 0.0))[1].rows == {}


def test_rows_that_were_set_aside_are_in_the_report():
    with pytest.warns(DataWarning, match="set aside"):
        log = log_of([{"customer": c, "time": 1, "amount": 4.0} for c in ("ann", None, "bob")])
    _, report = cleaned(log)
    assert (report.rows_in, report.money_in) == (3, 12.0)
    assert report.rows == {"missing customer": 1}


def test_everything_but_the_lines_comes_along():
    log = log_of(
        [{"customer": c, "time": t, "amount": a} for c, t, a in [(1, 1, 5.0), (2, 1, -5.0), (3, 2, 5.0)]]
    ).with_customers({"id": [1, 2, 3], "age": [10, 20, 30]}, customer="id")
    clean, report = cleaned(log)
    assert clean.customers.tolist() == [1, 3]
    assert clean.attributes["age"].tolist() == [10, 30]
    assert report.n_customers_left_out == 1


def test_a_slice_of_a_log_is_cleaned_alone():
    log = log_of([{"customer": c, "time": t, "amount": 5.0} for c in (1, 2, 3) for t in (1, 1, 2)])
    clean, report = cleaned(log[[2, 0]])
    assert clean.customers.tolist() == [3, 1]
    assert (report.rows_in, report.rows_kept) == (6, 4)


def test_the_report_prints_pickles_and_is_a_frame():
    _, report = cleaned(bought(30.0, -30.0, 5.0, 5.0))
    assert "matched return" in repr(report)
    assert "input " in repr(report)
    assert pickle.loads(pickle.dumps(report)) == report
    assert report.to_frame()["rows"].tolist() == [4, 2, 2]
    frame = pd.DataFrame({"c": [1, 1], "t": pd.to_datetime(["2024-01-01"] * 2), "a": [1.0, 1.0]})
    log = TransactionLog.from_frame(frame, customer="c", time="t", amount="a")
    found = LogCleaner().fit(log).report_.to_frame()
    assert found.columns.tolist() == ["reason", "rows", "money"]
    assert found["money"].tolist() == [2.0, 1.0, 1.0]


def test_the_log_is_not_changed():
    log = bought(30.0, -10.0, 5.0)
    before = pickle.dumps(log)
    cleaned(log)
    cleaned(log, returns="net")
    assert pickle.dumps(log) == before


@pytest.mark.parametrize(
    ("parameters", "error", "message"),
    [
        (
            {"returns": "undo"},
            InputError,
            "returns must be one of 'match', 'net', 'drop', 'keep'; got 'undo'",
        ),
        ({"duplicates": True}, InputError, "duplicates must be one of 'drop', 'keep'; got True"),
        ({"zero": None}, InputError, "zero must be one of"),
        ({"latest": "tomorrow"}, InputError, "latest must be a date such as"),
        ({"earliest": 1980}, InputTypeError, "earliest must be a date.*1980"),
        (
            {"earliest": "2025-01-01", "latest": "2024-01-01"},
            DateRangeError,
            "latest=2024-01-01 lies before earliest",
        ),
        (
            {"earliest": "2029-01-01", "latest": "2029-02-01"},
            InputError,
            "no line of 2 is left.*impossible date",
        ),
    ],
)
def test_wrong_parameters(parameters, error, message):
    with pytest.raises(error, match=message):
        LogCleaner(**parameters).fit(bought(5.0, 6.0))


def test_it_cleans_logs_only():
    with pytest.raises(InputTypeError, match="must be a TransactionLog, got list"):
        LogCleaner().fit([1])
    _, future = log_of([{"customer": c, "time": c, "amount": 1.0} for c in (1, 9)]).split("2024-01-05")
    with pytest.raises(InputError, match="no line"):
        LogCleaner().fit(future)


# -- real data -------------------------------------------------------------------------------------------------


def test_online_retail(shared_data):
    """541,909 lines; the numbers were counted with pandas from the file, returns by the slow rule beside."""
    table = pq.read_table(shared_data / "transactions" / "online_retail.parquet")
    names = {name.lower(): name for name in table.column_names}
    frame = table.to_pandas()
    frame["money"] = frame[names["quantity"]] * frame[names.get("unitprice", "UnitPrice")]
    customer = names["customerid"]
    with pytest.warns(DataWarning, match=r"missing customer \(135,080\)"):
        log = TransactionLog.from_frame(
            frame, customer=customer, time=names["invoicedate"], amount="money", quantity=names["quantity"],
            item=names["stockcode"], basket=names["invoiceno"],
        )  # fmt: skip
    assert (log.n_lines, len(log)) == (406_829, 4_372)
    started = time.process_time()
    clean, report = cleaned(log)
    assert time.process_time() - started < 20
    assert report.rows_in == 541_909
    assert report.money_in == pytest.approx(frame["money"].sum(), rel=1e-9)
    seen = [
        customer,
        names["invoicedate"],
        names["quantity"],
        names["stockcode"],
        names["invoiceno"],
        "money",
    ]
    assert report.rows["duplicate"] == frame[frame[customer].notna()].duplicated(seen).sum() == 5_227
    assert (clean.lines.amount >= 0).all()
    assert (clean.lines.quantity > 0).all()
    kept, dropped = cleaned(log, returns="drop", zero="drop", duplicates="keep")
    assert (kept.n_lines, len(kept)) == (397_884, 4_338)
    assert kept.spend().sum() == pytest.approx(8_911_407.90, abs=0.01)
    assert dropped.rows["return"] == 8_905
    assert str(clean.end) == str(log.end) == "2011-12-09"
