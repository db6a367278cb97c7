"""The documentation: the Python of every page runs, and the reference has every public name."""

from __future__ import annotations

import inspect
from pathlib import Path

import pytest

import crmintel
import crmintel.datasets
from tests.pages import run_page

DOCS = Path(__file__).resolve().parents[1] / "docs"
PAGES = [page for page in sorted(DOCS.rglob("*.md")) if "_build" not in page.parts]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_page_runs(page):
    assert run_page(page) > 0 or page.stem in ("index", "rationale", "benchmarks")


def test_the_reference_has_every_public_name():
    listed = (DOCS / "reference" / "index.rst").read_text(encoding="utf-8").split()
    names = [
        name
        for name in crmintel.__all__
        if name != "__version__" and not inspect.ismodule(getattr(crmintel, name))
    ]
    names += [f"datasets.{name}" for name in crmintel.datasets.__all__]
    assert [name for name in names if name not in listed] == []


def test_a_failing_example_fails(tmp_path):
    page = tmp_path / "page.md"
    page.write_text(
        "```python\nx = 2\n```\n\n```python\n>>> x\n2\n>>> y = x + 1\n```\n\n```python\nassert y == 3\n```\n"
    )
    assert run_page(page) == 3
    page.write_text("```python\n>>> 1 + 1\n3\n```\n")
    with pytest.raises(AssertionError, match="Expected:\n    3"):
        run_page(page)
