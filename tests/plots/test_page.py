"""The how-to page on pictures: every display stands in its table, with a constructor that it has."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

from crmintel import plots

PAGE = Path(__file__).resolve().parents[2] / "docs" / "howto" / "pictures.md"


def test_the_table_has_every_display_and_its_constructors():
    text = PAGE.read_text(encoding="utf-8")
    listed = re.findall(r"^\| .* \| `(\w+)` \| `(\w+)\(.*\)` \|$", text, flags=re.MULTILINE)
    has = {
        (name, constructor)
        for name in plots.__all__
        for constructor, _ in inspect.getmembers(getattr(plots, name), inspect.ismethod)
        if constructor.startswith("from_")
    }
    assert sorted(listed) == sorted(has)
    run = re.findall(r"(\w+Display)\.from_|plots\.(\w+Display)[,)]", text.split("## One picture")[1])
    assert {one or other for one, other in run} == set(plots.__all__)
