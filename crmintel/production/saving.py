"""Models as files: JSON with exact floats, a schema version and a checksum. Nothing in a file is ever executed.

One file holds everything, so that no part of a model can be lost: arrays stand in it as numbers, long ones as base64 of
their bytes. `crmintel.production._plain` says what values may be in it.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
from pathlib import Path
from typing import Any

from sklearn.base import BaseEstimator

from crmintel._version import __version__
from crmintel.exceptions import InputTypeError, SavedModelError
from crmintel.production._files import written_whole
from crmintel.production._plain import estimator_of, plain_estimator

FORMAT = "crmintel model"
SCHEMA = 1


def save_model(model: BaseEstimator, file: Any) -> None:
    """Save an estimator, fitted or not, as JSON text that `load_model` reads.

    The loaded model answers to the same bit. Estimators inside estimators are saved with them, and so are pipelines
    whose steps are all crmintel's.

    Parameters
    ----------
    model : estimator
        Any estimator of crmintel whose parameters and attributes are numbers, text, arrays, lists, dicts or such
        estimators: all models of lifetime value, `CustomerSummary`, `CustomerKMeans`, `RFMScorer`, `ValueTiers`, ...
    file : str, Path or file object
        Where to. A path is written whole or not at all: a file that was there stays until the new one is complete.

    Returns
    -------
    None

    Raises
    ------
    InputTypeError
        If the model, or something in it, is of a kind that a saved model cannot hold; the message says where it is.

    See Also
    --------
    load_model : The way back.

    Examples
    --------
    >>> import io
    >>> from crmintel import BetaGeoNBD, load_model, save_model
    >>> model = BetaGeoNBD.from_params(r=0.243, alpha=4.414, a=0.793, b=2.426, unit="week")
    >>> file = io.StringIO()
    >>> save_model(model, file)
    >>> load_model(io.StringIO(file.getvalue())).params_ == model.params_
    True
    """
    content = plain_estimator(model)
    document = {
        "format": FORMAT,
        "schema": SCHEMA,
        "version": __version__,
        "sha256": _checksum(content),
        "model": content,
    }
    text = json.dumps(document, indent=1, allow_nan=False) + "\n"
    if isinstance(file, str | os.PathLike):
        with written_whole(Path(file)) as path, path.open("xb") as out:
            out.write(text.encode())
            out.flush()
            os.fsync(out.fileno())
    elif isinstance(file, io.TextIOBase):
        file.write(text)
    elif hasattr(file, "write"):
        file.write(text.encode())
    else:
        raise InputTypeError(f"file must be a path or a file object that is open for writing, got {file!r}.")


def load_model(file: Any) -> Any:
    """Load a model that `save_model` has saved.

    Only estimators of crmintel are made, with data for attributes: a file cannot name other classes or run anything.

    Parameters
    ----------
    file : str, Path or file object
        Where from.

    Returns
    -------
    estimator
        It answers as the saved one did, to the same bit.

    Raises
    ------
    SavedModelError
        If the file is no saved model, was damaged or changed, or holds something that this version does not know.

    See Also
    --------
    save_model : Makes such files.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from crmintel import ParetoNBD, load_model, save_model
    >>> model = ParetoNBD.from_params(r=0.553, alpha=10.58, s=0.606, beta=11.67, unit="week")
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save_model(model, Path(folder) / "model.json")
    ...     again = load_model(Path(folder) / "model.json")
    >>> bool(again.expected_purchases(horizon="52W") == model.expected_purchases(horizon="52W"))
    True
    """
    if isinstance(file, str | os.PathLike):
        where, raw = f"{os.fspath(file)}", Path(file).read_bytes()
    elif hasattr(file, "read"):
        read = file.read()
        where, raw = "the file", read.encode() if isinstance(read, str) else read
    else:
        raise InputTypeError(f"file must be a path or a file object that is open for reading, got {file!r}.")
    try:
        document = json.loads(raw.decode(), parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise SavedModelError(
            f"{where} is no saved model: it is not JSON ({error}). save_model makes such files."
        ) from None
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise SavedModelError(f"{where} is no saved model: it does not say that it is a {FORMAT!r}.")
    schema, version = document.get("schema"), document.get("version")
    if schema != SCHEMA or isinstance(schema, bool):
        raise SavedModelError(
            f"{where} has schema {schema!r}, saved by crmintel {version}; this is crmintel {__version__}, which reads "
            f"schema {SCHEMA}. Load it with the version that saved it, or a newer one."
        )
    if set(document) != {"format", "schema", "version", "sha256", "model"}:
        raise SavedModelError(
            f"{where} has the parts {sorted(document)}, which is not what a saved model has."
        )
    try:
        if document["sha256"] != _checksum(document["model"]):
            raise SavedModelError("its checksum does not fit: it was damaged or changed after it was saved")
        return estimator_of(document["model"])
    except (SavedModelError, RecursionError) as error:
        raise SavedModelError(f"{where} cannot be loaded, saved by crmintel {version}: {error}.") from None


def _checksum(content: Any) -> str:
    """Return the SHA-256 of the content, however its text is laid out."""
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")
