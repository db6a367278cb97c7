"""Estimators as plain values that JSON can hold, and back: only known classes, only data, to the same bit.

==============================  ==========================================================
None, bool, int, text           as they are
float                           as it is (JSON writes the shortest text that reads back to the same bits); what is not
                                finite as ``{"float": "inf"}``
timedelta                       ``{"timedelta": [days, seconds, microseconds]}``
list, tuple, dict               ``[...]``, ``{"tuple": [...]}``, ``{"dict": {...}}``; ``{"pairs": [[key, value], ...]}``
                                where not all keys are text
array, numpy's numbers          ``{"array": [...], "dtype": ..., "shape": ...}``, long ones ``{"bytes": base64, ...}``
CSR matrix                      ``{"csr": [data, indices, indptr], "shape": ...}``
estimator                       ``{"estimator": class, "params": {...}, "fitted": {...}}``
==============================  ==========================================================
"""

from __future__ import annotations

import base64
import datetime as dt
import inspect
import math
import re
from typing import Any

import numpy as np
from scipy.sparse import csr_array
from sklearn.base import BaseEstimator
from sklearn.pipeline import Pipeline

from crmintel.exceptions import InputError, InputTypeError, SavedModelError
from crmintel.lifetime.season import SeasonalProfile

_LEARNED = re.compile(r"[A-Za-z]\w*_")
# What scikit-learn's mixins keep: the number of columns that transform gives, and the frames that set_output chose.
_OF_MIXINS = {"_n_features_out", "_sklearn_output_config"}
_NOT_FINITE = {"inf": math.inf, "-inf": -math.inf, "nan": math.nan}
_INLINE = 1_000  # elements that stand in the text as numbers
_KINDS = "biufcUmM"


# -- to plain values ------------------------------------------------------------------------------------------------


def plain_estimator(model: Any) -> dict[str, Any]:
    """Return class, parameters and learned attributes of an estimator as plain values."""
    name = type(model).__name__
    if isinstance(model, type) or not isinstance(model, BaseEstimator):
        raise InputTypeError(f"a saved model is an estimator of crmintel, got {model!r}.")
    if _find_class(name) is not type(model):
        raise InputTypeError(
            f"{name} is none of crmintel's estimators; only those, and pipelines of them, are saved as JSON. joblib "
            "and pickle save others."
        )
    params = model.get_params(deep=False)
    learned = {key: value for key, value in vars(model).items() if key not in params}
    strange = [key for key in learned if not _is_learned(key)]
    if strange:
        raise InputTypeError(
            f"{name}.{strange[0]} is neither a parameter nor a learned value, which is all that a saved model holds; "
            "joblib and pickle can save it."
        )
    return {
        "estimator": name,
        "params": {key: _plain(value, f"{name}.{key}") for key, value in _saved(model, params).items()},
        "fitted": {key: _plain(value, f"{name}.{key}") for key, value in learned.items()},
    }


def _saved(model: BaseEstimator, params: dict[str, Any]) -> dict[str, Any]:
    if isinstance(
        model, Pipeline
    ):  # where it caches is no part of a model, and what it takes differs by version
        return {key: value for key, value in params.items() if key != "memory" and value is not None}
    return params


def _plain(value: Any, where: str) -> Any:
    kind = type(value)
    if value is None or kind in (bool, int, str):
        return value
    if kind is float:
        return value if math.isfinite(value) else {"float": repr(value)}
    if kind is dt.timedelta:
        return {"timedelta": [value.days, value.seconds, value.microseconds]}
    if kind is list:
        return [_plain(each, f"{where}[{i}]") for i, each in enumerate(value)]
    if kind is tuple:
        return {"tuple": [_plain(each, f"{where}[{i}]") for i, each in enumerate(value)]}
    if kind is dict and all(type(key) is str for key in value):
        return {"dict": {key: _plain(each, f"{where}[{key!r}]") for key, each in value.items()}}
    if kind is dict:
        return {
            "pairs": [[_plain(key, where), _plain(each, f"{where}[{key!r}]")] for key, each in value.items()]
        }
    if kind is np.ndarray or isinstance(value, np.generic):
        return _plain_array(np.asarray(value), where)
    if kind is csr_array:
        parts = [_plain_array(part, where) for part in (value.data, value.indices, value.indptr)]
        return {"csr": parts, "shape": list(value.shape)}
    if kind is SeasonalProfile:
        return {"season": value.period, "index": _plain_array(value.index, where)}
    if isinstance(value, BaseEstimator):
        return plain_estimator(value)
    raise InputTypeError(
        f"{where} is {kind.__module__}.{kind.__qualname__}, which a saved model cannot hold; joblib and pickle can."
    )


def _plain_array(array: np.ndarray, where: str) -> dict[str, Any]:
    form: dict[str, Any] = {"dtype": array.dtype.str, "shape": list(array.shape)}
    if array.dtype.kind == "O":
        return {"array": [_plain(each, where) for each in array.ravel().tolist()], **form}
    if array.dtype.kind not in _KINDS:
        raise InputTypeError(f"{where} has dtype {array.dtype}, which a saved model cannot hold.")
    if array.size <= _INLINE and array.dtype.kind in "biufU" and array.dtype != np.longdouble:
        return {"array": [_plain(each, where) for each in array.ravel().tolist()], **form}
    return {"bytes": base64.b64encode(np.ascontiguousarray(array).tobytes()).decode(), **form}


# -- and back ---------------------------------------------------------------------------------------------------


def estimator_of(content: Any) -> BaseEstimator:
    """Return the estimator that plain values describe; refuse whatever is not known."""
    if not isinstance(content, dict) or set(content) != {"estimator", "params", "fitted"}:
        raise SavedModelError(
            "an estimator in it does not have exactly the parts estimator, params and fitted"
        )
    name, params, fitted = content["estimator"], content["params"], content["fitted"]
    found = _find_class(name) if isinstance(name, str) else None
    if found is None:
        raise SavedModelError(f"{name!r} is none of this version's estimators")
    if not isinstance(params, dict) or not isinstance(fitted, dict):
        raise SavedModelError(f"params and fitted of {name} must be objects")
    known = set(inspect.signature(found.__init__).parameters) - {"self", "memory"}
    if not set(params) <= known:
        raise SavedModelError(
            f"{name} has no parameters {sorted(set(params) - known)}; it has {sorted(known)}"
        )
    strange = sorted(key for key in fitted if not _is_learned(key) or hasattr(found, key))
    if strange:
        raise SavedModelError(f"{strange} are no names of what {name} learns")
    try:
        model = found(**{key: _value(each) for key, each in params.items()})
    except (InputError, InputTypeError, TypeError, ValueError) as error:
        raise SavedModelError(f"the parameters of {name} are refused: {error}") from None
    for key, each in fitted.items():
        setattr(model, key, _value(each))
    return model


def _value(content: Any) -> Any:
    if isinstance(content, list):
        return [_value(each) for each in content]
    if not isinstance(content, dict):
        return content
    if "estimator" in content:
        return estimator_of(content)
    try:
        return _tagged(content, set(content))
    except SavedModelError:
        raise
    except (TypeError, ValueError, KeyError, OverflowError, MemoryError) as error:
        raise SavedModelError(
            f"a value in it does not fit its description by {sorted(content)}: {error}"
        ) from None


def _tagged(content: dict[str, Any], keys: set[str]) -> Any:
    if keys == {"float"}:
        return _NOT_FINITE[content["float"]]
    if keys == {"timedelta"}:
        return dt.timedelta(*content["timedelta"])
    if keys == {"tuple"}:
        return tuple(_value(each) for each in content["tuple"])
    if keys == {"dict"}:
        return {key: _value(each) for key, each in dict(content["dict"]).items()}
    if keys == {"pairs"}:
        return {_value(key): _value(each) for key, each in content["pairs"]}
    if keys in ({"array", "dtype", "shape"}, {"bytes", "dtype", "shape"}):
        return _array(content)
    if keys == {"csr", "shape"}:
        matrix = csr_array(tuple(_value(part) for part in content["csr"]), shape=tuple(content["shape"]))
        matrix.check_format(full_check=True)
        return matrix
    if keys == {"season", "index"}:
        return SeasonalProfile(_value(content["index"]), content["season"])
    raise SavedModelError(f"it holds a value described by {sorted(keys)}, which this version does not know")


def _array(content: dict[str, Any]) -> Any:
    dtype = np.dtype(content["dtype"]) if isinstance(content["dtype"], str) else None
    shape = tuple(content["shape"])
    if dtype is None or (dtype.kind not in _KINDS + "O"):
        raise ValueError(f"dtype {content['dtype']!r}")
    if "bytes" in content:
        if dtype.kind == "O":
            raise ValueError("objects are no bytes")
        array = np.frombuffer(base64.b64decode(content["bytes"], validate=True), dtype).copy()
    else:
        values = _value(content["array"])
        array = np.empty(len(values), dtype=dtype)
        for i, value in enumerate(values):
            array[i] = value
    # an array of no dimension is one of numpy's numbers
    return array.reshape(shape)[()] if shape == () else array.reshape(shape)


def _find_class(name: str) -> type[BaseEstimator] | None:
    """Return the public estimator of that name. There is no other way to name a class."""
    import crmintel

    found = Pipeline if name == "Pipeline" else getattr(crmintel, name) if name in dir(crmintel) else None
    return found if inspect.isclass(found) and issubclass(found, BaseEstimator) else None


def _is_learned(key: str) -> bool:
    return key in _OF_MIXINS or _LEARNED.fullmatch(key) is not None
