"""The README: its Python runs, its commands and links exist."""

from __future__ import annotations

import re
from pathlib import Path

from tests.pages import run_page

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_readme_runs():
    assert run_page(ROOT / "README.md") > 0


def test_the_readme_names_only_commands_that_exist():
    targets = set(
        re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), flags=re.MULTILINE)
    )
    named = set(re.findall(r"\bmake ([a-z]+)", README))
    assert {"demo", "test"} <= named <= targets


def test_the_readme_links_to_files_that_exist():
    links = re.findall(r"\]\((?!https?:|#)([^)#]+)", README)
    assert links
    assert [link for link in links if not (ROOT / link).exists()] == []
