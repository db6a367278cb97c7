"""Turn benchmarks/results into the table of docs/benchmarks.md: `python -m benchmarks.compare`."""

from __future__ import annotations

import csv
import re
import statistics
from pathlib import Path

from benchmarks.problems import PROBLEMS
from benchmarks.run import RESULTS
from benchmarks.startup import PATH as STARTUP

PAGE = Path(__file__).resolve().parents[1] / "docs" / "benchmarks.md"
MANY = 4  # problems of one task, from which on they get a table of their own
BEGIN, END = "<!-- measured: begin -->", "<!-- measured: end -->"


def measured() -> dict[str, list[dict[str, str]]]:
    """Return the rows of each problem that has been measured, in the order of the problems."""
    found = {}
    for path in RESULTS.glob("*.csv"):
        with path.open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        found[rows[0]["problem"]] = rows
    return {name: found[name] for name in PROBLEMS if name in found}


def tables(results: dict[str, list[dict[str, str]]]) -> str:
    """Return Markdown: a line a library where a task has few problems, a line a problem where it has many."""
    tasks: dict[str, list[str]] = {}
    for name in results:
        tasks.setdefault(PROBLEMS[name].task, []).append(name)
    few = [name for names in tasks.values() if len(names) < MANY for name in names]
    parts = [long_table({name: results[name] for name in few})]
    parts += [
        f"## {task.capitalize()}\n\n" + wide_table({name: results[name] for name in names})
        for task, names in tasks.items()
        if len(names) >= MANY
    ]
    about = sorted({(row["date"], row["machine"], row["python"], row["numpy"], row["numba"])
                    for rows in results.values() for row in rows})  # fmt: skip
    notes = [
        f"Measured {date} on {machine}; Python {python}, numpy {numpy}, numba {numba}."
        for date, machine, python, numpy, numba in about
    ]
    return "\n\n".join([*parts, "\n".join(notes)])


def long_table(results: dict[str, list[dict[str, str]]]) -> str:
    """Return one line a library, its CPU time also as a multiple of ours."""
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
    return "\n".join(lines)


def wide_table(results: dict[str, list[dict[str, str]]]) -> str:
    """Return one line a problem: our CPU time, that of the rivals as multiples of it, and all peaks of memory."""
    rivals = list(dict.fromkeys(row["library"] for rows in results.values() for row in rows[1:]))
    versions = {row["library"]: row["version"] for rows in results.values() for row in rows}
    heads = [f"{rival} {versions[rival]}" for rival in rivals]
    lines = [
        "| problem | crmintel, CPU s | "
        + " | ".join([*heads, "best of them"])
        + " | peak MiB: crmintel, least of them |",
        "|---|--:|" + "--:|" * (len(rivals) + 2),
    ]
    ratios: dict[str, list[float]] = {}
    for name, rows in results.items():
        ours = float(rows[0]["cpu_s"])
        times = {row["library"]: float(row["cpu_s"]) / ours for row in rows[1:]}
        times["best"] = min(times.values())
        for rival, ratio in times.items():
            ratios.setdefault(rival, []).append(ratio)
        cells = [f"{times[rival]:.1f}" if rival in times else "" for rival in (*rivals, "best")]
        peaks = [float(row["peak_mib"]) for row in rows]
        title = name.partition(", ")[2]
        lines.append(f"| {title} | {ours:.3g} | {' | '.join(cells)} | {peaks[0]:.0f}, {min(peaks[1:]):.0f} |")
    means = [f"**{statistics.geometric_mean(ratios[rival]):.1f}**" for rival in (*rivals, "best")]
    lines.append(f"| geometric mean | | {' | '.join(means)} | |")
    return "\n".join(lines)


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
    measures = f"{tables(measured())}\n\n## First use\n\n{startup_table()}"
    block = f"{BEGIN}\n{measures}\n{END}"
    PAGE.write_text(re.sub(f"{BEGIN}.*?{END}", lambda _: block, page, flags=re.DOTALL), encoding="utf-8")


if __name__ == "__main__":
    main()
