"""What the first use costs: the import, and each estimator's kernels compiled cold and read back warm.

Every figure is CPU time of a process of its own, modules imported and (but for TransactionLog and all together) the
log's own kernels in place; cold means an empty kernel cache, warm the cache that the cold
process has left. `python -m benchmarks.startup` writes benchmarks/results/startup/startup.csv.
"""

from __future__ import annotations

import csv
import datetime
import os
import statistics
import subprocess
import sys
import tempfile

from benchmarks.run import RESULTS, machine
from crmintel._warmup import STEPS

PATH = RESULTS / "startup" / "startup.csv"
IMPORT = "import time, numpy; t = time.process_time(); import crmintel; print(time.process_time() - t)"
STEP = """
import time
import crmintel
from crmintel._warmup import STEPS, _log, warmup
for name in crmintel.__all__:
    getattr(crmintel, name)
if {name!r} not in ("TransactionLog", "warmup()"):
    _log()
step = STEPS.get({name!r}, warmup)
t = time.process_time()
step()
print(time.process_time() - t)
"""


def seconds(code: str, cache: str) -> float:
    """Run code in a process of its own and return the CPU time that it prints."""
    environment = {**os.environ, "NUMBA_CACHE_DIR": cache}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, stdout=subprocess.PIPE, text=True, check=True
    )
    return float(done.stdout)


def rows(repeats: int = 3) -> list[dict[str, object]]:
    """Measure the import and every step, the warm ones as a median; the cold one once."""
    about = {"date": datetime.date.today().isoformat(), "machine": machine()}
    imported = statistics.median(seconds(IMPORT, "") for _ in range(repeats))
    found: list[dict[str, object]] = [
        {"step": "import crmintel", "cold_s": round(imported, 3), "warm_s": "", **about}
    ]
    for name in (*STEPS, "warmup()"):
        with tempfile.TemporaryDirectory() as cache:
            code = STEP.format(name=name)
            cold = seconds(code, cache)
            warm = statistics.median(seconds(code, cache) for _ in range(repeats))
        found.append({"step": name, "cold_s": round(cold, 3), "warm_s": round(warm, 3), **about})
        print(f"{name}: {cold:.2f} s cold, {warm:.2f} s warm", flush=True)
    return found


def main() -> None:
    """Measure and write."""
    PATH.parent.mkdir(exist_ok=True)
    measured = rows()
    with PATH.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, measured[0], lineterminator="\n")
        writer.writeheader()
        writer.writerows(measured)


if __name__ == "__main__":
    main()
