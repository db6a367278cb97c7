"""Why this customer: what each input adds to the chance of leaving, in sentences."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

from crmintel._cells import is_missing
from crmintel._compat import as_generator
from crmintel._frames import build_frame
from crmintel._progress import progress
from crmintel._validation import check_choice, check_number
from crmintel.churn._opened import OpenedModel, open_model
from crmintel.churn.model import ChurnClassifier
from crmintel.exceptions import InputError

_ROWS_AT_ONCE = 200_000  # rows answered in one call: a few hundred MB with fifty columns


@dataclass(frozen=True, slots=True)
class ChurnReasons:
    """What each input adds to the chance that a customer leaves; made by `churn_reasons`.

    Attributes
    ----------
    names : tuple of str
        Inputs of the model.
    contributions : ndarray of float64, shape (n_customers, n_names)
        Each customer's sum up to their answer less ``base``.
    standard_error : ndarray of float64, shape (n_customers, n_names)
        Of the contributions that were sampled; 0 where they are exact.
    chance : ndarray of float64, shape (n_customers,)
        Chance to leave.
    base : float
        Mean answer for the customers compared with.
    unit : {"probability", "log-odds"}
        Unit of contributions and base.
    values, typical : dict
        By input: each customer's value, and the median or the most frequent word of those compared with.

    Examples
    --------
    >>> import numpy as np
    >>> import crmintel as ci
    >>> from sklearn.linear_model import LogisticRegression
    >>> X = np.random.default_rng(0).normal(size=(300, 2))
    >>> model = LogisticRegression().fit(X, X[:, 0] > 0)
    >>> ci.churn_reasons(model, [[0.5, 0.0]], X).sentences(0, n=1)
    ['Leaves with a chance of 93 %.', 'x0 is 0.5 (typical -0.132), which multiplies the odds of leaving by 25.2.']
    """

    names: tuple[str, ...]
    contributions: NDArray[np.float64]
    standard_error: NDArray[np.float64] = field(repr=False)
    chance: NDArray[np.float64]
    base: float
    unit: str
    values: dict[str, NDArray[Any]] = field(repr=False)
    typical: dict[str, Any] = field(repr=False)

    def sentences(self, row: int, n: int = 3, labels: Mapping[str, str] | None = None) -> list[str]:
        """Say in words why one customer leaves or stays.

        Parameters
        ----------
        row : int
            Which customer.
        n : int, default=3
            Inputs named at most, the strongest first.
        labels : dict of str, optional
            What to call inputs.

        Returns
        -------
        list of str
            The chance, and then one sentence for each input.
        """
        row = int(check_number(row, "row", low=0, high=len(self.chance) - 1, integer=True))
        most = int(check_number(n, "n", low=1, integer=True))
        called = {} if labels is None else labels
        said = [f"Leaves with a chance of {100 * self.chance[row]:.0f} %."]
        for j in np.argsort(-np.abs(self.contributions[row]), kind="stable")[:most]:
            name, adds = self.names[j], float(self.contributions[row, j])
            if adds == 0.0:
                break
            value, usual = _said(self.values[name][row]), _said(self.typical[name])
            beside = "as is typical" if value == usual else f"typical {usual}"
            effect = (
                f"multiplies the odds of leaving by {np.exp(adds):.3g}"
                if self.unit == "log-odds"
                else f"{'adds' if adds > 0 else 'takes'} {abs(100 * adds):.1f} points "
                f"{'to' if adds > 0 else 'off'} the chance"
            )
            said.append(f"{called.get(name, name)} is {value} ({beside}), which {effect}.")
        return said

    def to_frame(self, library: str | None = None) -> Any:
        """Return one row per customer, the chance and one contribution per input, as a frame or a dict.

        Parameters
        ----------
        library : {"pandas", "polars", "pyarrow"}, optional
            None gives a dict of arrays.
        """
        return build_frame(
            {"chance": self.chance, **dict(zip(self.names, self.contributions.T, strict=True))}, library
        )


def churn_reasons(
    model: Any,
    X: Any,
    background: Any,
    *,
    method: str = "auto",
    n_samples: int = 50,
    random_state: Any = 0,
    verbose: bool | int = 0,
) -> ChurnReasons:
    """Share the difference between a customer's chance to leave and the mean chance out among the inputs.

    The shares are Shapley values: what an input changes when its value takes the place of that of a customer drawn from
    ``background``, on average over the orders in which inputs are replaced. They say what moved the *score*. Whether
    changing the input would keep the customer is another question, which only an experiment answers.

    Parameters
    ----------
    model : Pipeline or classifier
        Fitted: from `make_churn_pipeline`, a `ProfitClassifier`, or any classifier of arrays of numbers.
    X : as the model takes it
        Customers to explain.
    background : as the model takes it
        Customers to compare with, e.g. those the model has learned from.
    method : {"auto", "linear", "sampling"}, default="auto"
        "linear" is exact, in log-odds, for logistic regression without calibration; "sampling" serves any model, in
        points of probability, and costs ``n_samples`` times the number of inputs answers for each customer. "auto" is
        exact where that is possible.
    n_samples : int, default=50
        Pairs of an order and a background customer that are drawn; each is used forwards and backwards.
    random_state : int, RandomState, Generator or None, default=0
        Of the sampling.
    verbose : bool or int, default=0
        Whether to show progress (needs tqdm).

    Returns
    -------
    ChurnReasons

    Raises
    ------
    InputError
        If there is nobody to compare with, or ``method="linear"`` does not fit the model.

    References
    ----------
    Shapley, L. S. (1953). A value for n-person games. Contributions to the Theory of Games II, 307-317.
    Castro, J., Gómez, D. & Tejada, J. (2009). Polynomial calculation of the Shapley value based on sampling. Computers
    & Operations Research 36(5), 1726-1730.
    Štrumbelj, E. & Kononenko, I. (2014). Explaining prediction models and individual predictions with feature
    contributions. Knowledge and Information Systems 41, 647-665.

    Examples
    --------
    >>> import crmintel as ci
    >>> from sklearn.linear_model import LogisticRegression
    >>> customers = {"months": list(range(100)), "contract": ["monthly", "yearly"] * 50}
    >>> left = [month < 50 for month in range(100)]
    >>> model = ci.make_churn_pipeline(LogisticRegression(), calibration="none").fit(customers, left)
    >>> reasons = ci.churn_reasons(model, {"months": [3.0], "contract": ["yearly"]}, customers)
    >>> print(reasons.sentences(0, n=1)[1])
    months is 3 (typical 49.5), which multiplies the odds of leaving by 331.
    """
    check_choice(method, "method", ("auto", "linear", "sampling"))
    samples = int(check_number(n_samples, "n_samples", low=2, integer=True))
    opened = open_model(model)
    numbers, others = opened.read(X), opened.read(background)
    if len(others) == 0:
        raise InputError("background has no customers; give those that the model has learned from.")
    chain = None if method == "sampling" else _logistic_chain(opened.classifier, numbers.shape[1])
    if chain is None and method == "linear":
        raise InputError(
            "method='linear' needs a logistic regression without calibration "
            "(make_churn_pipeline(LogisticRegression(), calibration='none')); 'sampling' serves any model."
        )
    chance = opened.chance(numbers) if len(numbers) else np.empty(0)
    if chain is not None:
        contributions, base = _linear(chain, opened, numbers, others)
        error = np.zeros_like(contributions)
    else:
        contributions, error, base = _sampled(
            opened, numbers, others, samples, as_generator(random_state), verbose
        )
    typical = {name: _typical(values) for name, values in opened.shown(background, others).items()}
    return ChurnReasons(
        tuple(opened.inputs),
        contributions,
        error,
        chance,
        base,
        "probability" if chain is None else "log-odds",
        opened.shown(X, numbers),
        typical,
    )


def _logistic_chain(classifier: Any, n_columns: int) -> tuple[list[Any], LogisticRegression] | None:
    """Return the steps before a logistic regression and itself, if each step keeps columns apart and none drops one."""
    steps = [step for _, step in classifier.steps] if isinstance(classifier, Pipeline) else [classifier]
    last = steps.pop()
    if isinstance(last, ChurnClassifier):
        last = last.model_
    if isinstance(last, Pipeline):
        steps += [step for _, step in last.steps[:-1]]
        last = last[-1]
    apart = all(
        isinstance(step, StandardScaler) or (isinstance(step, SimpleImputer) and not step.add_indicator)
        for step in steps
    )
    if not apart or not isinstance(last, LogisticRegression) or last.coef_.shape[1] != n_columns:
        return None
    return steps, last


def _linear(
    chain: tuple[list[Any], LogisticRegression],
    opened: OpenedModel,
    numbers: NDArray[np.float64],
    others: NDArray[np.float64],
) -> tuple[NDArray[np.float64], float]:
    steps, logistic = chain
    for step in steps:
        numbers, others = step.transform(numbers), step.transform(others)
    weight = logistic.coef_[0]
    middle = others.mean(axis=0)
    parts = (numbers - middle) * weight
    contributions = np.column_stack([parts[:, columns].sum(axis=1) for columns in opened.inputs.values()])
    return contributions, float(middle @ weight + logistic.intercept_[0])


def _sampled(
    opened: OpenedModel,
    numbers: NDArray[np.float64],
    others: NDArray[np.float64],
    samples: int,
    rng: np.random.Generator,
    verbose: bool | int,
) -> tuple[NDArray[np.float64], NDArray[np.float64], float]:
    members = np.zeros((len(opened.inputs), numbers.shape[1]), dtype=bool)
    for member, columns in zip(members, opened.inputs.values(), strict=True):
        member[columns] = True
    drawn = others[rng.choice(len(others), samples, replace=samples > len(others))]
    order = rng.permuted(np.tile(np.arange(len(members)), (samples, 1)), axis=1)
    mean, error = np.empty((2, len(numbers), len(members)))
    at_once = max(1, _ROWS_AT_ONCE // (samples * (len(members) + 1)))
    blocks = range(0, len(numbers), at_once)
    for begin in progress(blocks, verbose=verbose, label="customers", total=len(blocks)):
        some = numbers[begin : begin + at_once]
        pairs = np.repeat(some, samples, axis=0), np.tile(drawn, (len(some), 1))
        forth, back = (
            _moves(opened, *pairs, members, np.tile(each, (len(some), 1))) for each in (order, order[:, ::-1])
        )
        share = (0.5 * (forth + back)).reshape(len(some), samples, len(members))
        mean[begin : begin + at_once] = share.mean(axis=1)
        error[begin : begin + at_once] = share.std(axis=1, ddof=1) / np.sqrt(samples)
    return mean, error, float(opened.chance(drawn).mean())


def _moves(
    opened: OpenedModel,
    numbers: NDArray[np.float64],
    others: NDArray[np.float64],
    members: NDArray[np.bool_],
    order: NDArray[np.int64],
) -> NDArray[np.float64]:
    """Return by how much each input moves the chance when, in ``order``, they replace those of the other customer."""
    steps = [others]
    for each in order.T:
        steps.append(np.where(members[each], numbers, steps[-1]))
    chance = opened.chance(np.concatenate(steps)).reshape(len(steps), len(numbers))
    moved = np.empty(order.shape)
    np.put_along_axis(moved, order, np.diff(chance, axis=0).T, axis=1)
    return moved


def _typical(values: NDArray[Any]) -> Any:
    if values.dtype.kind == "f":
        known = values[~np.isnan(values)]
        return float(np.median(known)) if known.size else np.nan
    words = [value for value in values.tolist() if not is_missing(value)]
    return Counter(words).most_common(1)[0][0] if words else None


def _said(value: Any) -> str:
    if is_missing(value):
        return "not known"
    if not isinstance(value, float):  # numpy's float64 is one
        return str(value)
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"
