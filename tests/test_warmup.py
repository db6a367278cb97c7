"""After a warm-up nothing is left to compile, and every kernel has one signature."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

PROGRAM = """
import importlib, json, pkgutil
import numpy as np
import crmintel as ci
import crmintel.kernels
from crmintel.kernels._jit import compiled_kernels

def signatures():
    return {f"{k.py_func.__module__}.{k.py_func.__name__}": len(k.signatures) for k in compiled_kernels()}

def misses():
    return sum(sum(k.stats.cache_misses.values()) for k in compiled_kernels())

for module in pkgutil.iter_modules(crmintel.kernels.__path__):
    importlib.import_module(f"crmintel.kernels.{module.name}")
ci.warmup()
after_warmup, missed = signatures(), misses()
from crmintel._warmup import STEPS
for step in STEPS.values():
    step()
print(json.dumps({"missed": missed, "kernels": after_warmup, "later": signatures()}))
"""


@pytest.fixture(scope="module")
def processes(tmp_path_factory):
    """What a process with a cold cache and the next one with a warm cache report."""
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path_factory.mktemp("cache"))}
    run = [sys.executable, "-W", "error", "-c", PROGRAM]
    reports = []
    for _ in range(2):
        done = subprocess.run(run, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        reports.append(json.loads(done.stdout))
    return reports


def test_every_kernel_is_compiled_for_one_signature(processes):
    cold, warm = processes
    assert len(cold["kernels"]) > 5
    assert {name: n for name, n in cold["kernels"].items() if n != 1} == {}
    assert {
        name: n for name, n in warm["kernels"].items() if n > 1
    } == {}  # 0: it is inlined in what was loaded


def test_fits_after_the_warmup_compile_nothing(processes):
    for process in processes:
        assert process["later"] == process["kernels"]


def test_the_second_process_compiles_nothing(processes):
    cold, warm = processes
    assert cold["missed"] > 5
    assert warm["missed"] == 0
