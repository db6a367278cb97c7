"""A fitted churn model taken apart: what it reads, which columns belong together, and how it answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.pipeline import Pipeline

from crmintel._frames import open_frame
from crmintel._validation import as_numbers, check_names
from crmintel.churn.inputs import ChurnInputs
from crmintel.churn.targeting import ProfitClassifier
from crmintel.exceptions import ColumnError, InputError, InputTypeError


@dataclass(frozen=True, slots=True)
class OpenedModel:
    """The chance to leave as a function of numbers, whose columns are grouped by the input they come from."""

    classifier: Any
    read: Callable[[Any], NDArray[np.float64]]
    inputs: dict[str, NDArray[np.int64]]
    texts: tuple[str, ...]

    def chance(self, numbers: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the chance to leave of each row."""
        return np.asarray(self.classifier.predict_proba(numbers))[:, 1]

    def shown(self, X: Any, numbers: NDArray[np.float64]) -> dict[str, NDArray[Any]]:
        """Return the values of each input as people know them: numbers, or the words of a frame."""
        table = open_frame(X, "X") if self.texts else None
        return {
            name: table.values(name).astype(object)
            if table is not None and name in self.texts
            else numbers[:, columns[0]]
            for name, columns in self.inputs.items()
        }


def open_model(model: Any) -> OpenedModel:
    """Return the parts of a fitted pipeline of `make_churn_pipeline`, or of a classifier of arrays of numbers."""
    if isinstance(model, ProfitClassifier):
        model = model.classifier_
    if not hasattr(model, "predict_proba"):
        raise InputTypeError(
            f"model must be a fitted churn model with predict_proba, got {type(model).__name__}."
        )
    if not (isinstance(model, Pipeline) and isinstance(model[0], ChurnInputs)):
        names = getattr(model, "feature_names_in_", None)
        width = int(model.n_features_in_)
        columns = [f"x{j}" for j in range(width)] if names is None else [str(name) for name in names]
        return OpenedModel(
            model, lambda X: _array(X, width), {n: np.array([j]) for j, n in enumerate(columns)}, ()
        )
    reader = model[0]
    names = list(reader.columns_)
    texts: tuple[str, ...] = ()
    owner = np.arange(len(names))
    if reader.kind_ == "frame" and reader.texts_:
        names, texts = [*reader.numbers_, *reader.texts_], tuple(reader.texts_)
        # the columns of a text column are told by a prefix that no category can be mistaken for
        encoded = reader.encoder_.get_feature_names_out([f"{j}|" for j in range(len(texts))])
        of_text = [len(reader.numbers_) + int(name.split("|", 1)[0]) for name in encoded]
        owner = np.array([*range(len(reader.numbers_)), *of_text])
    inputs = {name: np.flatnonzero(owner == j) for j, name in enumerate(names)}
    return OpenedModel(model[1:], lambda X: np.asarray(reader.transform(X)), inputs, texts)


def group_inputs(inputs: dict[str, NDArray[np.int64]], groups: Any) -> dict[str, NDArray[np.int64]]:
    """Return the columns of each group, and of each input that no group names."""
    if groups is None:
        return inputs
    if not isinstance(groups, Mapping):
        raise InputTypeError(
            f"groups must be a dict from a name to a list of inputs, got {type(groups).__name__}."
        )
    members: dict[str, Sequence[str]] = {
        name: check_names(value, f"groups[{name!r}]") for name, value in groups.items()
    }
    named = [name for each in members.values() for name in each]
    unknown = sorted(set(named) - set(inputs))
    if unknown:
        raise ColumnError(f"groups name {unknown}, which are no inputs of the model; it has {list(inputs)}.")
    twice = sorted({name for name in named if named.count(name) > 1})
    if twice or not all(members.values()):
        raise InputError(
            f"each group needs inputs, and an input one group at most; {twice or 'a group is empty'}."
        )
    alone = {name: columns for name, columns in inputs.items() if name not in named}
    taken = sorted(set(members) & set(alone))
    if taken:
        raise InputError(f"groups must not be called like inputs that stand alone: {taken}.")
    return {name: np.concatenate([inputs[each] for each in value]) for name, value in members.items()} | alone


def _array(X: Any, width: int) -> NDArray[np.float64]:
    values = as_numbers(X, "X")
    if values.ndim != 2 or values.shape[1] != width:
        raise InputError(f"X must have {width} columns, got shape {values.shape}.")
    return values
