"""Sphinx configuration; the build reads nothing from the network."""

from __future__ import annotations

from typing import Any

import crmintel

project = "crmintel"
author = "crmintel developers"
copyright = "crmintel developers, BSD-3-Clause licence"
version = release = crmintel.__version__

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.mathjax",
    "numpydoc",
    "myst_nb",
    "sphinx_copybutton",
    "sphinx_design",
]
exclude_patterns = ["_build", "jupyter_execute", "Thumbs.db", ".DS_Store"]
templates_path = ["_templates"]

autosummary_generate = True
autodoc_typehints = "none"  # numpydoc says the types in words
numpydoc_show_class_members = False
numpydoc_class_members_toctree = False

myst_enable_extensions = ["colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 3
nb_execution_mode = "off"  # the tests run every example of these pages
copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True

html_static_path = ["_static"]
html_theme = "pydata_sphinx_theme"
html_title = f"crmintel {version}"
html_theme_options = {
    "show_toc_level": 2,
    "navigation_with_keys": False,
    "header_links_before_dropdown": 6,
    "secondary_sidebar_items": ["page-toc"],
}
html_sidebars = {"quickstart": [], "rationale": [], "benchmarks": []}


def skip_foreign_members(app: Any, what: str, name: str, obj: Any, skip: bool, options: Any) -> bool | None:
    """Leave out what scikit-learn's base classes bring: get_params, set_output, set_fit_request and the like."""
    function = getattr(obj, "fget", None) or obj
    home = getattr(function, "__module__", None) or "crmintel"
    return True if not home.startswith("crmintel") else None


def setup(app: Any) -> None:
    """Connect the hooks."""
    app.connect("autodoc-skip-member", skip_foreign_members)
