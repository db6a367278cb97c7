"""What every estimator of customers promises, as checks that any estimator can be put through.

They complement scikit-learn's own checks, which need an ``X`` of numbers.
"""

from __future__ import annotations

import importlib.util
import pickle
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.base import BaseEstimator, clone
from sklearn.exceptions import NotFittedError
from sklearn.utils import get_tags

from crmintel._frames import is_frame, open_frame
from crmintel.testing._rebuild import columns_of, log_of
from crmintel.transactions.log import TransactionLog

METHODS = ("transform", "predict", "predict_proba", "log_likelihood")


@dataclass(frozen=True)
class Case:
    """An estimator, the log it is checked on, how X is made of a log and y of X, and how equal equal is."""

    estimator: BaseEstimator
    log: TransactionLog
    prepare: Callable[[TransactionLog], Any]
    rtol: float
    target: Callable[[Any], Any] | None = None

    @property
    def X(self) -> Any:
        """The estimator's input for the whole log."""
        return self.prepare(self.log)

    def fit(self, X: Any = None) -> BaseEstimator:
        """Fit a clone."""
        return self.refit(clone(self.estimator), self.X if X is None else X)

    def refit(self, estimator: BaseEstimator, X: Any) -> BaseEstimator:
        """Return what ``fit`` returns."""
        return estimator.fit(X) if self.target is None else estimator.fit(X, self.target(X))


def check_customer_estimator(
    estimator: BaseEstimator,
    log: TransactionLog,
    *,
    prepare: Callable[[TransactionLog], Any] | None = None,
    target: Callable[[Any], Any] | None = None,
    rtol: float = 1e-12,
    expected_failed_checks: Mapping[str, str] | None = None,
) -> None:
    """Put an estimator through every check of `CHECKS`.

    Parameters
    ----------
    estimator : estimator
        Not fitted; clones of it are.
    log : TransactionLog
        With at least a few dozen customers.
    prepare : callable, optional
        Makes the estimator's ``X`` of a log, e.g. ``CustomerSummary().fit_transform``; by default ``X`` is the log.
    target : callable, optional
        Makes the ``y`` that ``fit`` needs of ``X``; by default it gets none.
    rtol : float, default=1e-12
        Tolerance where the order of sums may differ (row order, subsets); all else must be equal to the bit.
    expected_failed_checks : dict of str to str, optional
        Name of a check and the reason why it must fail. That it passes is then an error.

    Raises
    ------
    AssertionError
        Naming the estimator and the check.

    Examples
    --------
    >>> import crmintel as ci
    >>> log, _ = ci.datasets.make_transactions(60, random_state=0)
    >>> ci.testing.check_customer_estimator(ci.CustomerSummary(unit="week"), log)
    """
    case = Case(estimator, log, prepare or (lambda log: log), rtol, target)
    expected = dict(expected_failed_checks or {})
    unknown = sorted(set(expected) - set(CHECKS))
    if unknown:
        raise ValueError(f"expected_failed_checks names no checks: {unknown}; the checks are {list(CHECKS)}.")
    for name, check in CHECKS.items():
        where = f"{type(estimator).__name__}: {name}"
        try:
            check(case)
        except Exception as error:
            if name not in expected:
                raise AssertionError(f"{where}: {error}") from error
        else:
            assert name not in expected, f"{where} passes, but was expected to fail: {expected[name]}"


# -- the checks ------------------------------------------------------------------------------------------------


def check_parameters(case: Case) -> None:
    """The constructor stores what it is given; clone and set_params give it back."""
    parameters = case.estimator.get_params(deep=False)
    again = clone(case.estimator)
    assert repr(again) == repr(case.estimator)
    again.set_params(**parameters)
    for name, value in parameters.items():
        assert getattr(again, name) is value, f"set_params changed {name}"
    assert not [name for name in vars(again) if name.endswith("_")], "something is learned before fit"


def check_fit_returns_self(case: Case) -> None:
    """``fit`` returns the estimator, with its parameters as they were."""
    estimator = clone(case.estimator)
    before = repr(estimator.get_params())
    assert case.refit(estimator, case.X) is estimator
    assert repr(estimator.get_params()) == before, "fit changed the parameters"


def check_not_fitted(case: Case) -> None:
    """Answers before ``fit`` are refused, unless the tags say that nothing is learned."""
    if not get_tags(case.estimator).requires_fit:
        return
    for method in _methods(case.estimator):
        try:
            getattr(clone(case.estimator), method)(case.X)
        except NotFittedError:
            continue
        raise AssertionError(f"{method} answers before fit")


def check_input_unchanged(case: Case) -> None:
    """Neither ``fit`` nor an answer writes to the input."""
    X = case.X
    before = pickle.dumps(X)
    _answers(case.fit(X), X)
    assert pickle.dumps(X) == before, "the input was written to"


def check_idempotent(case: Case) -> None:
    """A second ``fit`` on the same input forgets the first and learns the same."""
    X = case.X
    estimator = case.fit(X)
    first = _answers(estimator, X)
    _compare(_answers(case.refit(estimator, X), X), first)
    case.refit(estimator, case.prepare(case.log[::2]))
    _compare(_answers(case.refit(estimator, X), X), first)


def check_fit_transform(case: Case) -> None:
    """``fit_transform`` and ``fit_predict`` equal the two calls."""
    X = case.X
    for method in ("transform", "predict"):
        both = f"fit_{method}"
        if hasattr(case.estimator, both) and hasattr(case.estimator, method):
            y = () if case.target is None else (case.target(X),)
            together = getattr(clone(case.estimator), both)(X, *y)
            apart = getattr(case.fit(X), method)(X)
            _compare({method: _plain(together, X)}, {method: _plain(apart, X)})


def check_row_order(case: Case) -> None:
    """The order of the rows from which the log was read does not matter."""
    shuffled = _rebuilt(case.log, None, shuffle=True)
    X = case.X
    _compare(
        _answers(case.fit(case.prepare(shuffled)), case.prepare(shuffled)),
        _answers(case.fit(X), X),
        case.rtol,
    )


def check_subset(case: Case) -> None:
    """A customer's answer depends on no other customer in the call."""
    X = case.X
    estimator = case.fit(X)
    whole = _answers(estimator, X)
    half = len(X) // 2
    for positions in (np.arange(half), np.arange(half, len(X))[::-1], np.array([0])):
        part = _answers(estimator, X[positions])
        _compare(part, {name: values[positions] for name, values in whole.items()}, case.rtol)


def check_pickle(case: Case) -> None:
    """A fitted estimator answers the same after pickling."""
    X = case.X
    estimator = case.fit(X)
    _compare(_answers(pickle.loads(pickle.dumps(estimator)), X), _answers(estimator, X))


def check_set_output(case: Case) -> None:
    """``set_output`` gives frames with the values of the array and the names of ``get_feature_names_out``."""
    if not all(
        hasattr(case.estimator, name) for name in ("set_output", "get_feature_names_out", "transform")
    ):
        return
    X = case.X
    plain = case.fit(X).transform(X)
    if not isinstance(plain, np.ndarray):
        return
    for library in _installed("pandas", "polars"):
        estimator = case.fit(X)
        frame = open_frame(estimator.set_output(transform=library).transform(X))
        assert frame.library == library, f"set_output(transform={library!r}) gave {frame.library}"
        assert frame.names == list(estimator.get_feature_names_out())
        for column, name in enumerate(frame.names):
            _compare({name: frame.values(name)}, {name: np.asarray(plain)[:, column]})


def check_libraries(case: Case) -> None:
    """A log read from pandas, polars, pyarrow or arrays gives the same answers to the bit."""
    X = case.prepare(_rebuilt(case.log, None))
    wanted = _answers(case.fit(X), X)
    for library in _installed("pandas", "polars", "pyarrow"):
        X = case.prepare(_rebuilt(case.log, library))
        _compare(_answers(case.fit(X), X), wanted)


CHECKS: dict[str, Callable[[Case], None]] = {
    check.__name__.removeprefix("check_"): check
    for check in (
        check_parameters,
        check_fit_returns_self,
        check_not_fitted,
        check_input_unchanged,
        check_idempotent,
        check_fit_transform,
        check_row_order,
        check_subset,
        check_pickle,
        check_set_output,
        check_libraries,
    )
}


# -- what they are made of -------------------------------------------------------------------------------------


def _methods(estimator: BaseEstimator) -> list[str]:
    return [name for name in METHODS if hasattr(estimator, name)]


def _answers(estimator: BaseEstimator, X: Any) -> dict[str, NDArray[Any]]:
    """Return the answers of every method, one row per sample of ``X``."""
    return {method: _plain(getattr(estimator, method)(X), X) for method in _methods(estimator)}


def _plain(result: Any, X: Any) -> NDArray[Any]:
    """Return any result as an array with one row per sample of ``X``."""
    if isinstance(result, TransactionLog):
        money = dict(
            zip(result.customers.tolist(), zip(result.spend().tolist(), result.purchases().tolist()))
        )
        return np.array([money.get(customer, (np.nan, np.nan)) for customer in X.customers.tolist()])
    if sparse.issparse(result):
        return result.toarray()
    if hasattr(result, "to_frame") and not isinstance(result, np.ndarray):
        result = result.to_frame()
    if isinstance(result, Mapping) or is_frame(result):
        table = open_frame(result)
        return np.array([table.values(name).astype(object) for name in table.names], dtype=object).T
    return np.asarray(result)


def _compare(
    found: Mapping[str, NDArray[Any]], wanted: Mapping[str, NDArray[Any]], rtol: float = 0.0
) -> None:
    assert found.keys() == wanted.keys()
    for name, values in wanted.items():
        assert found[name].shape == values.shape, f"{name} has shape {found[name].shape}, not {values.shape}"
        for a, b in _columns(found[name], values):
            if b.dtype.kind == "f":
                scale = np.abs(b[np.isfinite(b)]).max(initial=0.0)
                np.testing.assert_allclose(a, b, rtol=rtol, atol=rtol * scale, err_msg=name)
            else:
                np.testing.assert_array_equal(a, b, err_msg=name)


def _columns(found: NDArray[Any], wanted: NDArray[Any]) -> Iterator[tuple[NDArray[Any], NDArray[Any]]]:
    """Pair the columns, numbers as floats even where they stand among text."""
    for a, b in zip(np.atleast_2d(found.T), np.atleast_2d(wanted.T)):
        try:
            yield a.astype(np.float64), b.astype(np.float64)
        except (TypeError, ValueError):
            yield _text(a), _text(b)


def _text(values: NDArray[Any]) -> NDArray[Any]:
    return np.array(["missing" if v is None or v != v else str(v) for v in values.tolist()])


def _installed(*libraries: str) -> list[str]:
    return [library for library in libraries if importlib.util.find_spec(library) is not None]


def _rebuilt(log: TransactionLog, library: str | None, shuffle: bool = False) -> TransactionLog:
    """Return the log read anew from a frame of ``library``, its rows in another order on request."""
    columns = columns_of(log)
    if shuffle:
        order = np.random.default_rng(0).permutation(log.n_lines)
        columns = {name: values[order] for name, values in columns.items()}
    return log_of(columns, log, library)
