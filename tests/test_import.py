"""Importing crmintel: nothing heavy, nothing printed, no warning, with and without docstrings."""

from __future__ import annotations

import json
import subprocess
import sys

HEAVY = [
    "matplotlib",
    "numba",
    "pandas",
    "polars",
    "pyarrow",
    "scipy",
    "sklearn",
    "lifetimes",
    "narwhals",
    "tqdm",
]
EVERY_MODULE = """
import importlib, pkgutil, crmintel
for module in pkgutil.walk_packages(crmintel.__path__, "crmintel."):
    if module.name != "crmintel.__main__":  # which runs the command
        importlib.import_module(module.name)
for name in crmintel.__all__:
    getattr(crmintel, name)
"""


def run(code: str, *flags: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, *flags, "-c", code], capture_output=True, text=True, timeout=300)


def test_import_loads_nothing_heavy():
    code = f"import json, sys, crmintel; print(json.dumps(sorted(set({HEAVY!r}) & set(sys.modules))))"
    assert json.loads(run(code).stdout) == []


def test_asking_for_the_names_loads_nothing_heavy():
    code = f"import json, sys, crmintel; dir(crmintel); print(json.dumps(sorted(set({HEAVY!r}) & set(sys.modules))))"
    assert json.loads(run(code).stdout) == []


def test_import_costs_next_to_nothing():
    # 0.1 s is promised, 0.02 s is usual; the bound here only catches an import that has become eager
    code = "import time, numpy; t = time.process_time(); import crmintel; print(time.process_time() - t)"
    assert min(float(run(code).stdout) for _ in range(3)) < 0.3


def test_every_module_imports_in_silence():
    done = run(EVERY_MODULE, "-W", "error")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_every_module_imports_without_docstrings_and_asserts():
    done = run(EVERY_MODULE, "-OO")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
