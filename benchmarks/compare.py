"""Turn benchmarks/results into the table of docs/benchmarks.md: `python -m benchmarks.compare`."""

from __future__ import annotations

import csv
import re
from pathlib import Path

from benchmarks.problems import PROBLEMS
from benchmarks.run import RESULTS

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


def main() -> None:
    """Write the table between the marks of the page."""
    page = PAGE.read_text(encoding="utf-8")
    block = f"{BEGIN}\n{table(measured())}\n{END}"
    PAGE.write_text(re.sub(f"{BEGIN}.*?{END}", lambda _: block, page, flags=re.DOTALL), encoding="utf-8")


if __name__ == "__main__":
    main()
