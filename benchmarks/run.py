"""Measure problems beside their rivals and write one CSV a problem into benchmarks/results.

All libraries of a problem take turns in one run, each time in a process of its own, after their answers were found
to be the same. What counts is CPU time (user and system, all threads): it depends least on what else the machine does.
"""

from __future__ import annotations

import argparse
import csv
import datetime
import importlib.metadata
import json
import os
import platform
import re
import statistics
import subprocess
import sys
from pathlib import Path

from benchmarks.problems import PROBLEMS, Problem

RESULTS = Path(__file__).with_name("results")
DISTRIBUTIONS = {
    "sklearn": "scikit-learn",
    "efficient_apriori": "efficient-apriori",
    "emp": "EMP-py",
    "faiss": "faiss-cpu",
    "pymc_marketing": "pymc-marketing",
}


def machine() -> str:
    """Name the processor, its cores and the memory."""
    model = platform.processor() or platform.machine()
    if Path("/proc/cpuinfo").exists():
        found = re.search(r"^model name\s*:\s*(.+)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
        model = found.group(1) if found else model
    gib = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return f"{model}, {os.cpu_count()} cores, {gib:.0f} GiB"


def version(library: str) -> str:
    """Return the version of an adapter's library."""
    name = library.partition(":")[0]
    return importlib.metadata.version(DISTRIBUTIONS.get(name, name))


def in_a_process(*arguments: str) -> str:
    """Run `benchmarks.measure` and return what it prints; its errors are ours."""
    command = [sys.executable, "-m", "benchmarks.measure", *arguments]
    return subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout


def run(problem: Problem, repeats: int) -> list[dict[str, object]]:
    """Check the answers, then let the libraries take turns; return one row a library, medians over the turns."""
    in_a_process(problem.name, "check")
    libraries = ("crmintel", *problem.rivals)
    cells: dict[str, list[dict[str, float]]] = {library: [] for library in libraries}
    for _ in range(repeats):
        for library in libraries:
            cells[library].append(json.loads(in_a_process(problem.name, library)))
    about = {
        "repeats": repeats,
        "date": datetime.date.today().isoformat(),
        "machine": machine(),
        "python": platform.python_version(),
        **{name: importlib.metadata.version(name) for name in ("numpy", "numba")},
    }
    return [
        {
            "problem": problem.name,
            "library": library,
            "version": version(library),
            **{
                key: float(f"{statistics.median(cell[key] for cell in cells[library]):.4g}")
                for key in cells[library][0]
            },
            **about,
        }
        for library in libraries
    ]


def write(rows: list[dict[str, object]]) -> Path:
    """Write the rows of one problem over its last results."""
    slug = re.sub(r"[^a-z0-9]+", "-", str(rows[0]["problem"]).lower()).strip("-")
    path = RESULTS / f"{slug}.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, rows[0], lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    return path


def main() -> None:
    """Read the command line and measure."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "pattern", nargs="?", default="", help="only the problems whose name contains this text"
    )
    parser.add_argument("--repeats", type=int, default=3, help="turns of each library (default: 3)")
    parser.add_argument("--list", action="store_true", help="print the names of the problems and stop")
    options = parser.parse_args()
    chosen = [problem for name, problem in PROBLEMS.items() if options.pattern.lower() in name.lower()]
    if not chosen:
        parser.error(f"no problem has {options.pattern!r} in its name; --list prints them")
    failed = []
    for problem in chosen:
        if options.list:
            print(problem.name)
            continue
        try:
            rows = run(problem, options.repeats)
        except subprocess.CalledProcessError:
            failed.append(problem.name)
            continue
        write(rows)
        for row in rows:
            print(
                f"{problem.name}: {row['library']} {row['cpu_s']} s CPU, {row['wall_s']} s wall, {row['peak_mib']} MiB",
                flush=True,
            )
    if failed:
        sys.exit(f"not measured, see the errors above: {', '.join(failed)}")


if __name__ == "__main__":
    main()
