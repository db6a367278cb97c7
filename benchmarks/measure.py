"""One cell of the table, in a process of its own: `python -m benchmarks.measure PROBLEM LIBRARY`."""

from __future__ import annotations

import gc
import json
import resource
import statistics
import sys
import time
from pathlib import Path

from benchmarks.problems import PROBLEMS
from benchmarks.rivals import entry

STATUS = Path("/proc/self/status")
SHORT, LONG = 1 / 3, 3.0  # seconds: calls are repeated for so long, and not begun again after so long


def memory(field: str) -> float:
    """Return a size that Linux keeps of this process, in MiB; NaN on other systems."""
    if not STATUS.exists():
        return float("nan")
    line = next(line for line in STATUS.read_text().splitlines() if line.startswith(field))
    return int(line.split()[1]) / 1024


def forget_peak() -> None:
    """Let the high-water mark of memory start again from here."""
    marks = Path("/proc/self/clear_refs")
    if marks.exists():
        marks.write_text("5")


def cpu() -> float:
    """Return seconds of user and system time of this process, its threads and its children."""
    spent = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in spent)


def measure(name: str, library: str) -> dict[str, float]:
    """Solve once to load and to compile, then by the clock: three times at least, or as often as fit into its time.

    Times are medians over the calls. Peak memory is what the process grows by over the data and the loaded libraries.
    """
    problem = PROBLEMS[name]
    how = entry(library, problem.task)
    data = how.prepare(problem.data())
    how.solve(data)
    gc.collect()
    held = memory("VmRSS")
    forget_peak()
    begin = time.perf_counter()
    walls: list[float] = []
    spent: list[float] = []
    while (elapsed := time.perf_counter() - begin) < SHORT or (len(walls) < 3 and elapsed < LONG):
        wall, used = time.perf_counter(), cpu()
        how.solve(data)
        walls.append(time.perf_counter() - wall)
        spent.append(cpu() - used)
    peak = memory("VmHWM") - held
    return {"cpu_s": statistics.median(spent), "wall_s": statistics.median(walls), "peak_mib": peak}


def check(name: str) -> None:
    """Raise an AssertionError if a rival's answer is not ours."""
    problem = PROBLEMS[name]
    data = problem.data()

    def answer(library: str) -> object:
        how = entry(library, problem.task)
        return how.answer(how.solve(how.prepare(data)))

    ours = answer("crmintel")
    for rival in problem.rivals:
        problem.same(ours, answer(rival))


if __name__ == "__main__":
    _, name, library = sys.argv
    if library == "check":
        check(name)
    else:
        print(json.dumps(measure(name, library)))
