"""How itemset mining grows: baskets of the IBM Quest generator, ten times as many at each step.

Every figure is of a process of its own: CPU and wall time of mining from baskets that stand, and the peak of memory
over them. `python -m benchmarks.scale` writes benchmarks/results/scale/scale.csv and the picture of it.
"""

from __future__ import annotations

import csv
import datetime
import gc
import json
import subprocess
import sys
import time
from pathlib import Path

from benchmarks.measure import cpu, forget_peak, memory
from benchmarks.run import RESULTS, machine

PATH = RESULTS / "scale" / "scale.csv"
PICTURE = Path(__file__).resolve().parents[1] / "docs" / "_static" / "scale.svg"
SIZES = (10_000, 100_000, 1_000_000, 10_000_000)
SUPPORTS = (0.01, 0.002)


def mine(n_baskets: int, min_support: float) -> dict[str, float]:
    """Mine once, kernels compiled before."""
    import crmintel as ci

    ci.warmup()
    baskets = ci.datasets.make_baskets(n_baskets=n_baskets, n_items=870, random_state=0)[0]
    gc.collect()
    held = memory("VmRSS")
    forget_peak()
    wall, spent = time.perf_counter(), cpu()
    found = ci.FrequentItemsets(min_support=min_support).fit(baskets).itemsets_
    n_items = int(found.items.size)
    wall, spent = time.perf_counter() - wall, cpu() - spent
    return {
        "baskets": n_baskets,
        "entries": int(baskets.matrix.nnz),
        "min_support": min_support,
        "itemsets": len(found),
        "items": n_items,
        "cpu_s": float(f"{spent:.4g}"),
        "wall_s": float(f"{wall:.4g}"),
        "peak_mib": round(memory("VmHWM") - held),
    }


def draw(rows: list[dict[str, float]]) -> None:
    """Draw time over baskets, both logarithmic, with a line of slope one to hold it against."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    plt.rcParams.update({"svg.hashsalt": "crmintel", "font.size": 9})
    figure, axes = plt.subplots(figsize=(6.4, 3.8), layout="constrained")
    for min_support, color in zip(SUPPORTS, ("#1f6f8b", "#c8553d"), strict=True):
        points = [row for row in rows if row["min_support"] == min_support]
        x, y = [row["baskets"] for row in points], [row["cpu_s"] for row in points]
        axes.loglog(x, y, "o-", color=color, label=f"min_support={min_support}")
        axes.loglog(x, [y[-1] * n / x[-1] for n in x], ":", color=color, linewidth=0.8)
    axes.set(
        xlabel="baskets of ten items on average",
        ylabel="seconds of CPU time",
        title="Frequent itemsets; dotted: proportional to the number of baskets",
    )
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False)
    figure.savefig(PICTURE, metadata={"Date": None})


def main() -> None:
    """Measure each size and support in a process of its own, write and draw."""
    if len(sys.argv) == 3:
        print(json.dumps(mine(int(sys.argv[1]), float(sys.argv[2]))))
        return
    rows = []
    for min_support in SUPPORTS:
        for n_baskets in SIZES:
            command = [sys.executable, "-m", "benchmarks.scale", str(n_baskets), str(min_support)]
            done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
            about = {"date": datetime.date.today().isoformat(), "machine": machine()}
            rows.append({**json.loads(done.stdout), **about})
            print(rows[-1], flush=True)
    PATH.parent.mkdir(exist_ok=True)
    with PATH.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, rows[0], lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    draw(rows)


if __name__ == "__main__":
    main()
