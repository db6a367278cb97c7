"""Turn benchmarks/results into the table of docs/benchmarks.md: `python -m benchmarks.compare`."""

from __future__ import annotations

import csv
import re
from pathlib import Path

from benchmarks.problems import PROBLEMS
from benchmarks.run import RESULTS
from benchmarks.startup import PATH as STARTUP

PAGE = Path(__file__).resolve().parents[1] / "docs" / "benchmarks.md"
BEGIN, END = "<!-- measured: begin -->", "<!-- measured: end -->"


def measured() -> dict[str, list[dict[str, str]]]:
    """Return the rows of each problem that has been measured, in the order of the problems."""
    found = {}
    for path in RESULTS.glob("*.csv"):
        with path.open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        found[rows[0]["problem"]] = rows
    return {name: found[name] for name in PROBLEMS if name in found}


def table(results: dict[str, list[dict[str, str]]]) -> str:
    """Return Markdown: one line a library, its CPU time also as a multiple of ours."""
    lines = [
        "| problem | library | CPU s | wall s | peak MiB | CPU, crmintel = 1 |",
        "|---|---|--:|--:|--:|--:|",
    ]
    for name, rows in results.items():
        ours = float(rows[0]["cpu_s"])
        for row in rows:
            spent, wall, peak = (float(row[key]) for key in ("cpu_s", "wall_s", "peak_mib"))
            label = f"{row['library']} {row['version']}"
            ratio = spent / ours if ours else float("nan")
            lines.append(f"| {name} | {label} | {spent:.3g} | {wall:.3g} | {peak:.0f} | {ratio:.1f} |")
    about = sorted({(row["date"], row["machine"], row["python"], row["numpy"], row["numba"])
                    for rows in results.values() for row in rows})  # fmt: skip
    notes = [
        f"Measured {date} on {machine}; Python {python}, numpy {numpy}, numba {numba}."
        for date, machine, python, numpy, numba in about
    ]
    return "\n".join([*lines, "", *notes])


def startup_table() -> str:
    """Return Markdown: what the first use of each part costs, kernels compiled and kernels read from the cache."""
    with STARTUP.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    lines = ["| first use of | CPU s, nothing cached | CPU s, kernels cached |", "|---|--:|--:|"]
    lines += [f"| {row['step']} | {row['cold_s']} | {row['warm_s']} |" for row in rows]
    return "\n".join([*lines, "", f"Measured {rows[0]['date']} on {rows[0]['machine']}."])


def main() -> None:
    """Write the tables between the marks of the page."""
    page = PAGE.read_text(encoding="utf-8")
    tables = f"{table(measured())}\n\n## First use\n\n{startup_table()}"
    block = f"{BEGIN}\n{tables}\n{END}"
    PAGE.write_text(re.sub(f"{BEGIN}.*?{END}", lambda _: block, page, flags=re.DOTALL), encoding="utf-8")


if __name__ == "__main__":
    main()
