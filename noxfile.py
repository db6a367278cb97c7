"""The project's commands, each in an environment of its own; `nox -l` lists them."""

from __future__ import annotations

import tomllib
from pathlib import Path

import nox

PYPROJECT = tomllib.loads(Path("pyproject.toml").read_text(encoding="utf-8"))
PYTHONS = ["3.11", "3.12", "3.13"]
KERNEL_TESTS = ["tests/kernels", "tests/patterns", "tests/segments", "tests/lifetime", "tests/features"]

nox.options.default_venv_backend = "venv"
nox.options.sessions = ["lint", "types", "tests"]


@nox.session(python=PYTHONS)
def tests(session: nox.Session) -> None:
    """Run the tests, then the docstring examples again on the warm kernel cache."""
    session.install("-e", ".[dev,lifetimes]")
    session.run("pytest", *session.posargs)
    session.run("pytest", "crmintel", "tests/kernels")


def lowest_versions() -> list[str]:
    """Return the oldest versions that pyproject.toml promises to work with, as pins."""
    extras = PYPROJECT["project"]["optional-dependencies"]
    promised = PYPROJECT["project"]["dependencies"] + extras["io"] + extras["plot"] + extras["progress"]
    promised += [requirement for requirement in extras["dev"] if requirement.startswith(("pandas", "polars"))]
    return [requirement.replace(">=", "==") for requirement in promised]


@nox.session(python=PYTHONS[0])
def lowest(session: nox.Session) -> None:
    """Run the tests against the oldest versions that pyproject.toml promises to work with."""
    # old scikit-learn and matplotlib trip over what newer versions of these two warn of
    session.install("-e", ".[dev,lifetimes]", *lowest_versions(), "pytest<9", "pyparsing<3.3")
    session.run("pytest", *session.posargs)


@nox.session(python=PYTHONS[0])
def nojit(session: nox.Session) -> None:
    """Run what calls kernels as plain Python, where a debugger and a coverage report can see in."""
    session.install("-e", ".[dev,lifetimes]")
    session.run("pytest", *KERNEL_TESTS, *session.posargs, env={"NUMBA_DISABLE_JIT": "1"})


@nox.session(python=PYTHONS[0])
def boundscheck(session: nox.Session) -> None:
    """Run what calls kernels with every array index checked."""
    session.install("-e", ".[dev,lifetimes]")
    checked = {"NUMBA_BOUNDSCHECK": "1", "CRMINTEL_CACHE": "0"}
    session.run("pytest", *KERNEL_TESTS, *session.posargs, env=checked)


@nox.session(python=PYTHONS[0])
def slow(session: nox.Session) -> None:
    """Run the proofs that take minutes."""
    session.install("-e", ".[dev,lifetimes]")
    session.run("pytest", "-m", "slow", *session.posargs)


@nox.session(python=PYTHONS[0])
def lint(session: nox.Session) -> None:
    """Check style and format."""
    session.install("ruff>=0.9")
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")


@nox.session(python=PYTHONS[0])
def types(session: nox.Session) -> None:
    """Check the types."""
    session.install("-e", ".[dev]")
    session.run("mypy")


@nox.session(python=PYTHONS[0])
def docs(session: nox.Session) -> None:
    """Build the documentation; a warning is an error."""
    session.install("-e", ".[docs]")
    session.run("sphinx-build", "-W", "--keep-going", "-b", "html", "docs", "docs/_build/html")


@nox.session(python=PYTHONS[0])
def bench(session: nox.Session) -> None:
    """Measure every problem against its rivals and write the tables of the benchmarks page."""
    session.install("-e", ".[bench]")
    session.run("python", "-m", "benchmarks.run", *session.posargs)
    session.run("python", "-m", "benchmarks.compare")
