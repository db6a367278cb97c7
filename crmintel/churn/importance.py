"""Which inputs a churn model lives on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.metrics import average_precision_score, brier_score_loss, roc_auc_score

from crmintel._compat import as_generator
from crmintel._frames import build_frame
from crmintel._progress import progress
from crmintel._validation import check_choice, check_number
from crmintel.churn._opened import group_inputs, open_model
from crmintel.exceptions import InputError

_MEASURES = {
    "roc_auc": roc_auc_score,
    "average_precision": average_precision_score,
    "brier": lambda y, chance: -brier_score_loss(y, chance),
}


@dataclass(frozen=True, slots=True)
class GroupImportance:
    """How much worse a model answers without an input or a group of them; made by `churn_importance`.

    Attributes
    ----------
    names : tuple of str
        Inputs and groups, the most important first.
    importance : ndarray of float64, shape (n_names,)
        Mean fall of the measure when their values are exchanged between customers.
    standard_error : ndarray of float64, shape (n_names,)
        Of that mean over the exchanges drawn.
    measure : str
        What falls.
    value : float
        The measure with all inputs as they are (of "brier" its negative).

    Examples
    --------
    >>> import numpy as np
    >>> import crmintel as ci
    >>> from sklearn.linear_model import LogisticRegression
    >>> X = np.random.default_rng(0).normal(size=(300, 2))
    >>> y = X[:, 0] > 0
    >>> found = ci.churn_importance(LogisticRegression().fit(X, y), X, y)
    >>> found.names, found.importance.round(1).tolist()
    (('x0', 'x1'), [0.5, 0.0])
    """

    names: tuple[str, ...]
    importance: NDArray[np.float64]
    standard_error: NDArray[np.float64]
    measure: str
    value: float

    def to_frame(self, library: str | None = None) -> Any:
        """Return one row per name as a frame of ``library`` (pandas, polars, pyarrow), or as a dict."""
        columns = {
            "name": np.array(self.names, dtype=object),
            "importance": self.importance,
            "standard_error": self.standard_error,
        }
        return build_frame(columns, library)


def churn_importance(
    model: Any,
    X: Any,
    y: ArrayLike,
    *,
    groups: Mapping[str, Sequence[str]] | None = None,
    measure: str = "roc_auc",
    n_repeats: int = 10,
    random_state: Any = None,
    verbose: bool | int = 0,
) -> GroupImportance:
    """Exchange each input between customers, and see how much worse a fitted model ranks those who leave.

    An input that says what another one says too is missed by nobody when it alone is exchanged: tenure and total
    charges each look unimportant beside the other. Put such inputs into one group; its columns move together. A text
    column is one input, whatever number of 0/1 columns it becomes.

    The model answers for all of X ``n_repeats`` times for each input. With 19 inputs, 3,500 customers and 10 repeats
    that takes a minute or two with the default of `make_churn_pipeline`, and a second with a logistic regression;
    groups, fewer repeats or a sample of the customers shorten it.

    Parameters
    ----------
    model : Pipeline or classifier
        Fitted: from `make_churn_pipeline`, a `ProfitClassifier`, or any classifier of arrays of numbers.
    X : as the model takes it
        Customers that the model has not learned from: otherwise what it has learned by heart counts as well.
    y : array-like of shape (n_samples,)
        Who left, with the values of the model's ``classes_``.
    groups : dict of lists of str, optional
        Inputs by name of the group; inputs in no group stand alone.
    measure : {"roc_auc", "average_precision", "brier"}, default="roc_auc"
    n_repeats : int, default=10
        Exchanges drawn for each.
    random_state : int, RandomState, Generator or None, default=None
    verbose : bool or int, default=0
        Whether to show progress (needs tqdm).

    Returns
    -------
    GroupImportance

    Raises
    ------
    InputError
        If y has one class only or other values, or groups overlap.
    ColumnError
        If a group names something that is no input.

    References
    ----------
    Breiman, L. (2001). Random forests. Machine Learning 45, 5-32.
    Au, Q., Herbinger, J., Stachl, C., Bischl, B. & Casalicchio, G. (2022). Grouped feature importance and combined
    features effect plot. Data Mining and Knowledge Discovery 36, 1401-1450.

    Examples
    --------
    >>> import crmintel as ci
    >>> from sklearn.linear_model import LogisticRegression
    >>> customers = {"months": list(range(100)), "contract": ["monthly", "yearly"] * 50}
    >>> left = [month % 2 == 0 for month in range(100)]
    >>> model = ci.make_churn_pipeline(LogisticRegression(), calibration="none").fit(customers, left)
    >>> ci.churn_importance(model, customers, left, random_state=0).names
    ('contract', 'months')
    """
    score = _MEASURES[check_choice(measure, "measure", tuple(_MEASURES))]
    repeats = int(check_number(n_repeats, "n_repeats", low=2, integer=True))
    opened = open_model(model)
    numbers = opened.read(X)
    left = _left(y, model, len(numbers))
    rng = as_generator(random_state)
    value = float(score(left, opened.chance(numbers)))
    members = group_inputs(opened.inputs, groups)
    falls = np.empty((len(members), repeats))
    steps = progress(members.values(), verbose=verbose, label="inputs", total=len(members))
    for j, columns in enumerate(steps):
        exchanged = numbers.copy()
        for k in range(repeats):
            exchanged[:, columns] = numbers[rng.permutation(len(numbers))][:, columns]
            falls[j, k] = value - score(left, opened.chance(exchanged))
    mean, error = falls.mean(axis=1), falls.std(axis=1, ddof=1) / np.sqrt(repeats)
    order = np.argsort(-mean, kind="stable")
    names = list(members)
    return GroupImportance(tuple(names[j] for j in order), mean[order], error[order], measure, value)


def _left(y: Any, model: Any, n: int) -> NDArray[np.bool_]:
    labels, classes = np.asarray(y), np.asarray(model.classes_)
    if labels.shape != (n,):
        raise InputError(f"y must hold one label per row of X ({n}), got shape {labels.shape}.")
    left = labels == classes[-1]
    if not np.isin(labels, classes).all() or left.all() or not left.any():
        raise InputError(
            f"y must hold both {classes.tolist()} and nothing else, got {sorted(map(repr, set(labels.tolist())))[:5]}."
        )
    return left
