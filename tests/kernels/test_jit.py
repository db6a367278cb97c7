"""The disk cache of compiled kernels: never stale, never in the way.

Each test works on a copy of the package that holds two kernels in two files, one inlining the other.
"""

from __future__ import annotations

import ast
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import crmintel.kernels

KERNELS = Path(crmintel.kernels.__file__).parent
HELPER = """
from crmintel.kernels._jit import helper

@helper
def scale(x):
    return {factor} * x
"""
CALLER = """
from crmintel.kernels._jit import kernel
from crmintel.kernels.helper import scale

@kernel
def total(values):
    s = 0.0
    for i in range(values.size):
        s += scale(values[i])
    return s
"""
PROGRAM = """
import numpy as np
from crmintel.kernels.caller import total
print(total(np.arange(6.0)))
stats = getattr(total, "stats", None)
print(sum(stats.cache_hits.values()) if stats else -1)
"""


class House:
    """A copy of the package with two kernels, run in processes of its own."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.kernels = root / "crmintel" / "kernels"
        self.cache = self.kernels / "__pycache__"

    def build(self) -> None:
        self.kernels.mkdir(parents=True)
        (self.root / "crmintel" / "__init__.py").touch()
        (self.kernels / "__init__.py").touch()
        shutil.copy(KERNELS / "_jit.py", self.kernels)
        (self.kernels / "caller.py").write_text(CALLER)
        self.edit(2.0)

    def edit(self, factor: float) -> None:
        (self.kernels / "helper.py").write_text(HELPER.format(factor=factor))

    def start(self, prelude: str = "", **environment: str) -> subprocess.Popen[str]:
        inherited = {k: v for k, v in os.environ.items() if not k.startswith(("NUMBA_", "CRMINTEL_"))}
        return subprocess.Popen(
            [sys.executable, "-c", prelude + PROGRAM],
            cwd=self.root,
            env={**inherited, "PYTHONPATH": str(self.root), **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, prelude: str = "", **environment: str) -> tuple[float, int]:
        """Return the kernel's answer and how many signatures came from the cache."""
        return result(self.start(prelude, **environment))

    def files(self) -> list[Path]:
        return sorted(self.cache.glob("*.nbc")) + sorted(self.cache.glob("*.nbi"))


def result(process: subprocess.Popen[str]) -> tuple[float, int]:
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    assert err == ""
    answer, hits = out.split()
    return float(answer), int(hits)


@pytest.fixture
def house(tmp_path):
    """A house in which nothing has run."""
    house = House(tmp_path / "house")
    house.build()
    return house


@pytest.fixture(scope="module")
def used(tmp_path_factory):
    house = House(tmp_path_factory.mktemp("used") / "house")
    house.build()
    assert house.run() == (30.0, 0)
    return house


@pytest.fixture
def warm(used, tmp_path):
    """A house in which one process has run."""
    return House(Path(shutil.copytree(used.root, tmp_path / "warm")))


def test_the_second_process_compiles_nothing(warm):
    assert warm.run() == (30.0, 1)


def test_an_edited_helper_in_another_file_is_seen(warm):
    stamps = os.stat(warm.kernels / "helper.py")
    warm.edit(3.0)
    os.utime(warm.kernels / "helper.py", ns=(stamps.st_atime_ns, stamps.st_mtime_ns))
    for bytecode in warm.cache.glob("*.pyc"):  # same size, same time: Python itself would keep the old one
        bytecode.unlink()
    assert warm.run() == (45.0, 0)
    assert warm.run() == (45.0, 1)
    warm.edit(2.0)
    assert warm.run()[0] == 30.0


def test_an_added_kernel_file_makes_the_cache_stale(warm):
    (warm.kernels / "later.py").write_text("")
    assert warm.run() == (30.0, 0)


@pytest.mark.parametrize("keep", [0, 33, -1])
def test_a_cut_cache_file_is_compiled_again(warm, keep):
    for file in warm.files():
        content = file.read_bytes()
        file.write_bytes(content[: keep if keep >= 0 else len(content) - 1])
    assert warm.run() == (30.0, 0)
    assert warm.run() == (30.0, 1)


def test_a_flipped_bit_anywhere_in_a_cache_file_is_a_miss(warm):
    for file in warm.files():
        content = bytearray(file.read_bytes())
        content[len(content) // 2] ^= 1
        file.write_bytes(bytes(content))
    assert warm.run() == (30.0, 0)


def test_garbage_and_folders_in_the_place_of_cache_files_do_no_harm(warm):
    for file in warm.files():
        file.write_bytes(os.urandom(500))
    assert warm.run() == (30.0, 0)
    for file in warm.files():
        file.unlink()
        file.mkdir()
    assert warm.run() == (30.0, 0)


def test_code_of_older_sources_under_a_current_name_is_a_miss(warm):
    """A process killed while it replaces its files must not leave a mixture that loads."""
    old = {file: file.read_bytes() for file in warm.files()}
    warm.edit(3.0)
    assert warm.run() == (45.0, 0)
    for file, content in old.items():
        file.write_bytes(content)
    assert warm.run() == (45.0, 0)


def test_a_process_killed_while_it_writes_leaves_nothing_that_loads(house):
    kill = "import os; os.replace = lambda *paths: os._exit(9)\n"
    process = house.start(kill)
    process.communicate(timeout=120)
    assert process.returncode == 9
    assert house.run() == (30.0, 0)


def test_a_full_disk_costs_the_cache_only(house):
    full = (
        "import resource, signal\nsignal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "import numba\nresource.setrlimit(resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))\n"
        "import sys\nsys.dont_write_bytecode = True\n"
    )
    if sys.platform == "win32":
        pytest.skip("file size limits are a matter of POSIX")
    assert house.run(full) == (30.0, 0)
    assert house.run() == (30.0, 0)


def test_no_writable_place_at_all_costs_the_cache_only(house):
    house.cache.touch()  # a file where the folder should be: for root, too, nothing can be written there
    nowhere = {"HOME": os.devnull, "XDG_CACHE_HOME": os.devnull, "PYTHONDONTWRITEBYTECODE": "1"}
    assert house.run(**nowhere) == (30.0, 0)
    assert house.run(NUMBA_CACHE_DIR=os.devnull, **nowhere) == (30.0, 0)


def test_the_cache_can_be_moved(house, tmp_path):
    elsewhere = str(tmp_path / "elsewhere")
    assert house.run(NUMBA_CACHE_DIR=elsewhere) == (30.0, 0)
    assert house.run(NUMBA_CACHE_DIR=elsewhere) == (30.0, 1)
    assert house.files() == []


def test_the_switch_turns_the_cache_off(house):
    assert house.run(CRMINTEL_CACHE="0") == (30.0, 0)
    assert house.files() == []
    house.run()
    assert house.run(CRMINTEL_CACHE="0") == (30.0, 0)


def test_without_the_jit_kernels_are_plain_python(house):
    assert house.run(NUMBA_DISABLE_JIT="1") == (30.0, -1)
    assert house.files() == []


def test_unchecked_code_never_stands_in_for_checked_code(house):
    house.run()
    assert house.run(NUMBA_BOUNDSCHECK="1") == (30.0, 0)
    assert house.run(NUMBA_BOUNDSCHECK="1") == (30.0, 1)


def test_processes_that_start_cold_together_all_get_the_answer(house):
    crowd = [house.start() for _ in range(4)]
    assert [result(process)[0] for process in crowd] == [30.0] * 4
    assert house.run() == (30.0, 1)


def test_code_for_another_signature_is_never_taken(house):
    other = "import numpy as np; from crmintel.kernels.caller import total; total(np.arange(6))\n"
    assert house.run(other) == (30.0, 0)
    one, two = house.files()[:2]
    content = one.read_bytes()
    one.write_bytes(two.read_bytes())
    two.write_bytes(content)
    assert house.run() == (30.0, 0)


@pytest.mark.parametrize(
    "first", ["", "from crmintel.kernels.caller import total; import numpy; total(numpy.ones(3))\n"]
)
def test_a_helper_is_refused_to_python_before_and_after_its_compilation(house, first):
    """There is no entry to jump to: without the refusal, the process crashes."""
    call = (
        "from crmintel.kernels.helper import scale\ntry:\n    scale(1.0)\n"
        "except TypeError as error:\n    assert 'scale is a helper' in str(error)\nelse:\n    raise AssertionError\n"
    )
    assert house.run(first + call)[0] == 30.0


@pytest.mark.parametrize("switch", ["enable", "disable"])
def test_the_collector_of_garbage_is_left_as_it_was(house, switch):
    program = (
        f"import gc; gc.{switch}(); was_on = gc.isenabled()\n"
        "import numpy\nfrom concurrent.futures import ThreadPoolExecutor\n"
        "from crmintel.kernels.caller import total\n"
        "with ThreadPoolExecutor(4) as pool:\n"
        "    list(pool.map(total, [numpy.ones(3), numpy.ones(3, int), numpy.ones(3, 'i4'), numpy.ones(3, 'f4')]))\n"
        "try:\n    total('text')\nexcept Exception:\n    pass\nelse:\n    raise AssertionError\n"
        "assert gc.isenabled() == was_on\n"
    )
    assert house.run(program)[0] == 30.0


def test_no_kernel_calls_itself_even_through_others():
    calls: dict[str, set[str]] = {}
    for module in sorted(KERNELS.glob("*.py")):
        for node in ast.parse(module.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.FunctionDef) and {"kernel", "allocating_kernel", "helper"} & {
                *map(ast.unparse, node.decorator_list)
            }:
                called = {
                    n.func.id
                    for n in ast.walk(node)
                    if isinstance(n, ast.Call) and isinstance(n.func, ast.Name)
                }
                calls[node.name] = calls.get(node.name, set()) | called
    assert calls
    calls = {name: called & calls.keys() for name, called in calls.items()}
    while leaves := {name for name, called in calls.items() if not called}:
        calls = {name: called - leaves for name, called in calls.items() if name not in leaves}
    assert not calls, f"recursion among {sorted(calls)}: cached, it crashes the second process (numba #6061)"


def test_the_jit_is_set_up_in_one_place():
    for module in sorted(KERNELS.glob("*.py")):
        tree = ast.parse(module.read_text(encoding="utf-8"))
        keywords = {k.arg for n in ast.walk(tree) if isinstance(n, ast.Call) for k in n.keywords}
        names = {n.id for n in ast.walk(tree) if isinstance(n, ast.Name)}
        names |= {n.attr for n in ast.walk(tree) if isinstance(n, ast.Attribute)}
        assert not keywords & {"parallel", "fastmath", "cache"}, module.name
        assert not names & {"prange", "jit", "vectorize", "guvectorize"}, module.name
        assert module.name == "_jit.py" or "njit" not in names, module.name
