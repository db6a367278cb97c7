"""The public names: each exists, is typed in the stub, and is documented as numpydoc wants it."""

from __future__ import annotations

import ast
import importlib
import inspect
import re
from collections.abc import Callable
from operator import attrgetter
from pathlib import Path

import pytest

import crmintel
import crmintel.datasets

STUB = Path(crmintel.__file__).with_name("__init__.pyi")
OBJECTS = {name: getattr(crmintel, name) for name in crmintel.__all__ if name != "__version__"}
DOCUMENTED = {
    **{name: obj for name, obj in OBJECTS.items() if not inspect.ismodule(obj)},
    **{f"datasets.{name}": getattr(crmintel.datasets, name) for name in crmintel.datasets.__all__},
}
CLASSES = {name: obj for name, obj in DOCUMENTED.items() if inspect.isclass(obj)}


def sections(text: str) -> dict[str, str]:
    """Split a docstring at its underlined headings."""
    parts = re.split(r"^([A-Z][A-Za-z ]+)\n-{3,}\n", inspect.cleandoc(text), flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def parameters_of(obj: Callable[..., object]) -> set[str]:
    signature = inspect.signature(obj)
    return {name for name in signature.parameters if name not in ("self", "args", "kwargs")}


def documented_parameters(section: str) -> set[str]:
    heads = re.findall(r"^([^\s:][^:\n]*?)(?:\s*:.*)?$", section, flags=re.MULTILINE)
    return {name.strip().lstrip("*") for head in heads for name in head.split(",")}


def stub_names(path: Path) -> list[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return [
        alias.asname or alias.name
        for node in tree.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    ]


def test_the_stub_is_the_list_of_public_names():
    assert sorted([*stub_names(STUB), "__version__"]) == sorted(crmintel.__all__)
    assert len(set(crmintel.__all__)) == len(crmintel.__all__)
    assert not [name for name in stub_names(STUB) if name.startswith("_")]


def test_the_stub_is_sorted_by_module():
    modules = [
        "." * node.level + (node.module or "")
        for node in ast.parse(STUB.read_text(encoding="utf-8")).body
        if isinstance(node, ast.ImportFrom)
    ]
    assert modules == sorted(modules)


def test_datasets_exports_are_sorted():
    assert crmintel.datasets.__all__ == sorted(crmintel.datasets.__all__)


def test_dir_lists_the_public_names():
    assert set(crmintel.__all__) - {"__version__"} <= set(dir(crmintel))


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="Customers"):
        attrgetter("Customers")(crmintel)


@pytest.mark.parametrize("name", OBJECTS)
def test_a_public_name_lives_where_the_stub_says(name):
    obj = OBJECTS[name]
    home = obj.__name__ if inspect.ismodule(obj) else obj.__module__
    assert home.split(".")[0] == "crmintel"
    assert inspect.ismodule(obj) or getattr(importlib.import_module(home), name) is obj


@pytest.mark.parametrize("name", DOCUMENTED)
def test_a_public_name_is_documented(name):
    obj = DOCUMENTED[name]
    text = obj.__doc__ or ""
    assert len(text.strip().splitlines()[0]) > 10, "the first line says what it is"
    found = sections(text)
    # logs are made by from_frame and results by estimators: users read their attributes, not their constructor
    is_result = inspect.isclass(obj) and not hasattr(obj, "fit") and "Attributes" in found
    needed = set() if is_result and "Parameters" not in found else parameters_of(obj)
    wanted = {"Examples"}
    if needed:
        wanted.add("Parameters")
    if not inspect.isclass(obj):
        wanted.add("Returns")
    assert not wanted - found.keys(), f"missing sections: {sorted(wanted - found.keys())}"
    assert ">>>" in found["Examples"]
    undocumented = needed - documented_parameters(found.get("Parameters", ""))
    assert not undocumented, f"parameters without a word: {sorted(undocumented)}"


@pytest.mark.parametrize("name", CLASSES)
def test_every_public_method_is_documented(name):
    own = {
        key: value.fget if isinstance(value, property) else getattr(value, "__func__", value)
        for key, value in vars(CLASSES[name]).items()
        if not key.startswith("_") and (inspect.isroutine(value) or isinstance(value, property))
    }
    silent = [key for key, value in own.items() if not (getattr(value, "__doc__", None) or "").strip()]
    assert not silent, f"methods without a docstring: {silent}"


@pytest.mark.parametrize("name", CLASSES)
def test_what_is_learned_is_documented(name):
    """A fitted attribute that the source sets is named in the docstring's Attributes."""
    cls = CLASSES[name]
    source = inspect.getsource(cls)
    learned = set(re.findall(r"self\.([a-z]\w*[a-z0-9]_)(?:: [^=\n]+)?(?:, self\.\w+)* = ", source))
    described = documented_parameters(sections(cls.__doc__ or "").get("Attributes", ""))
    assert not learned - described, f"fitted attributes without a word: {sorted(learned - described)}"


def test_the_version_is_the_same_everywhere():
    root = STUB.parents[1]
    version = re.escape(crmintel.__version__)
    assert re.search(
        rf"^version: {version}$", (root / "CITATION.cff").read_text(encoding="utf-8"), re.MULTILINE
    )
    assert re.search(rf"^## {version}", (root / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)
