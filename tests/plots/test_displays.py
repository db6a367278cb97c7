"""What every display promises."""

from __future__ import annotations

import inspect
from pathlib import Path

import pytest

from crmintel import plots

REFERENCE = Path(__file__).resolve().parents[2] / "docs" / "reference" / "index.rst"


@pytest.mark.parametrize("name", plots.__all__)
def test_a_display_is_made_by_a_class_method_has_its_data_and_draws_where_it_is_told(name):
    display = getattr(plots, name)
    makers = [key for key, value in vars(display).items() if isinstance(value, classmethod)]
    assert makers
    assert all(key.startswith("from_") for key in makers)
    assert next(iter(inspect.signature(display).parameters)) == "data"
    assert inspect.signature(display.plot).parameters["ax"].default is None
    for section in ("Parameters", "Attributes", "Examples"):
        assert f"{section}\n---" in inspect.getdoc(display)
    assert f"{display.__module__.removeprefix('crmintel.')}.{name}" in REFERENCE.read_text(encoding="utf-8")


def test_the_names_are_sorted():
    assert plots.__all__ == sorted(plots.__all__)
