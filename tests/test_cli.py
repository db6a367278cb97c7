"""The command: files in, a page and a table out; mistakes end with status 2 and one line."""

from __future__ import annotations

import csv
import subprocess
import sys

import numpy as np
import pyarrow.csv
import pyarrow.parquet
import pytest

import crmintel as ci
from crmintel.cli import main


@pytest.fixture(scope="module")
def lines(tmp_path_factory):
    """A CSV of a simulated shop whose ids have leading zeros."""
    folder = tmp_path_factory.mktemp("shop")
    log, _ = ci.datasets.make_transactions(n_customers=300, random_state=5)
    frame = log.to_frame()
    with open(folder / "lines.csv", "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["who", "when", "paid", "what", "receipt"])
        for c, t, a, i, b in zip(
            *(frame[n] for n in ("customer", "time", "amount", "item", "basket")), strict=True
        ):
            writer.writerow([f"{int(c):06d}", str(t)[:10], f"{a:.2f}", i, b])
    return folder / "lines.csv"


ROLES = ["--customer", "who", "--time", "when"]


def test_csv_in_page_and_parquet_out(lines, tmp_path, capsys):
    out = tmp_path / "customers.parquet"
    arguments = [*ROLES, "--amount", "paid", "--item", "what", "--basket", "receipt", "--horizon", "8W"]
    assert main(["analyze", str(lines), *arguments, "--out", str(out)]) == 0
    page = capsys.readouterr().out
    for part in ("Cleaning", "Golden customers", "Tiers", "Quadrants", "Bought together", "What to do"):
        assert part in page
    table = pyarrow.parquet.read_table(out)
    assert table.num_rows == 300
    assert table["customer"][0].as_py() == "000000" or len(table["customer"][0].as_py()) == 6
    assert set(table.column_names) >= {"segment", "tier", "potential_value", "churn_risk", "offer", "action"}
    assert np.isfinite(table["potential_value"].to_numpy()).all()


def test_without_items_and_amounts_it_says_so(lines, tmp_path, capsys):
    out = tmp_path / "customers.csv"
    assert main(["analyze", str(lines), *ROLES, "--horizon", "8W", "--out", str(out)]) == 0
    page = capsys.readouterr().out
    assert "Note: the log has no amounts: no tiers, value or quadrants" in page
    assert "Note: the log has no items: no offers" in page
    assert "offer" not in pyarrow.csv.read_csv(out).column_names


def test_parquet_in(lines, tmp_path, capsys):
    parquet = tmp_path / "lines.parquet"
    pyarrow.parquet.write_table(pyarrow.csv.read_csv(lines), parquet)
    assert main(["analyze", str(parquet), *ROLES, "--amount", "paid", "--horizon", "8W"]) == 0
    assert "300 customers" in capsys.readouterr().out


def test_time_format(tmp_path, capsys):
    rows = ["c,t,a"] + [
        f"{i % 40},{1 + (7 * i) % 28:02d}/{1 + i % 12:02d}/2023,{i % 9 + 1}.50" for i in range(600)
    ]
    (tmp_path / "days.csv").write_text("\n".join(rows), encoding="utf-8")
    arguments = ["analyze", str(tmp_path / "days.csv"), "--customer", "c", "--time", "t", "--amount", "a"]
    assert main(arguments) == 2
    said = capsys.readouterr().err
    assert "is no ISO date" in said
    assert "--time-format" in said
    assert main([*arguments, "--time-format", "%d/%m/%Y", "--horizon", "8W"]) == 0
    assert "2023-01-01..2023-12-" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            ["--customer", "nobody"],
            "no column customer='nobody'; it has ['who', 'when', 'paid', 'what', 'receipt']",
        ),
        (["--item", "price"], "no column item='price'; it has ['who', 'when', 'paid', 'what', 'receipt']"),
        (["--amount", "what"], "of 'what' is"),
        (["--margin", "30"], "margin must be >= 0.0 and <= 1.0, got 30.0"),
        (["--sep", ";"], "it has ['who,when,paid,what,receipt']"),
        (["--time-format", "%d/%m/%Y"], "line 2: the time '"),
        (["--horizon", "soon"], "horizon must be a number, a timedelta or text"),
        (["--out", "nowhere/table.parquet"], "there is no folder nowhere"),
        (["--out", "table.xlsx"], "--out must end in .parquet or .csv"),
        (["--end", "1990-01-01"], "end=1990-01-01 lies before the first line (2023-01-02)"),
    ],
)
def test_mistakes_end_with_one_line(lines, capsys, change, message):
    assert main(["analyze", str(lines), *ROLES, *change]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert "Traceback" not in error


def test_a_day_that_does_not_exist_is_no_other_day(tmp_path, capsys):
    (tmp_path / "days.csv").write_text("c,t\n1,28/02/2024\n1,31/02/2024\n", encoding="utf-8")
    arguments = ["analyze", str(tmp_path / "days.csv"), "--customer", "c", "--time", "t"]
    assert main([*arguments, "--time-format", "%d/%m/%Y"]) == 2
    assert "line 3: the time '31/02/2024' does not fit" in capsys.readouterr().err


def test_blank_ids_are_missing_and_equal_rows_differ_by_any_column(tmp_path, capsys):
    rng = np.random.default_rng(0)
    days = np.datetime64("2023-01-01") + rng.integers(0, 300, 500)
    # "basket" is not named as the basket, and tells lines apart all the same
    rows = ["Kunde;Tag;Betrag;basket"]
    rows += [f"{'' if i % 10 == 0 else i % 50};{day};{i % 7 + 1},50;{i}" for i, day in enumerate(days)]
    rows += ["7;2023-05-05;9,99;1", "7;2023-05-05;9,99;2", "7;2023-05-05;9,99;2"]
    (tmp_path / "shop.csv").write_text("\n".join(rows), encoding="latin1")
    arguments = ["--customer", "Kunde", "--time", "Tag", "--amount", "Betrag", "--sep", ";", "--decimal", ","]
    assert (
        main(["analyze", str(tmp_path / "shop.csv"), *arguments, "--horizon", "56", "--encoding", "latin1"])
        == 0
    )
    page = capsys.readouterr().out
    assert "- missing customer           50 rows" in page
    assert "- duplicate                   1 rows" in page
    assert "TransactionLog(45 customers" in page


def test_missing_and_unreadable_files(tmp_path, capsys):
    assert main(["analyze", str(tmp_path / "gone.csv"), *ROLES]) == 2
    assert "there is no file" in capsys.readouterr().err
    broken = tmp_path / "broken.parquet"
    broken.write_bytes(b"PAR1 this is none")
    assert main(["analyze", str(broken), *ROLES]) == 2
    assert "cannot be read" in capsys.readouterr().err
    (tmp_path / "notes.txt").write_text("x")
    assert main(["analyze", str(tmp_path / "notes.txt"), *ROLES]) == 2
    assert "is none of .csv" in capsys.readouterr().err


def test_help_and_version_run_as_a_module():
    for arguments, text in (
        (["--version"], f"crmintel {ci.__version__}"),
        (["analyze", "--help"], "--time-format"),
    ):
        done = subprocess.run(
            [sys.executable, "-m", "crmintel", *arguments],
            capture_output=True,
            text=True,
            check=True,
            timeout=120,
        )
        assert text in done.stdout


def test_demo_on_the_complete_journey(capsys, tmp_path):
    out = tmp_path / "customers.parquet"
    assert main(["demo", "--out", str(out)]) == 0
    page = capsys.readouterr().out
    assert "2,469 customers" in page
    assert "1,469,307 rows" in page
    assert "the top 20 % 54.6%; Gini 0.52" in page  # ORACLES: .5457 and .52472 over 2,469 households
    table = pyarrow.parquet.read_table(out)
    assert table.num_rows == 2469
    assert all(table[name].null_count == 0 for name in table.column_names if name != "offer")
