"""pymc-marketing's fitted models and customer frames taken over. pymc-marketing itself is not needed.

Written to the documented names of its ``clv`` module: models hold ``fit_result`` (``idata.posterior``), draws of each
parameter by chain and draw.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from crmintel._validation import as_numbers
from crmintel.exceptions import ColumnError, InputError, InputTypeError
from crmintel.features.rows import CustomerRows, note_unit, unit_of
from crmintel.interop._summaries import pandas_for, read_summary, summary_columns
from crmintel.lifetime.bgbb import BetaGeoBetaBinomial
from crmintel.lifetime.bgnbd import BetaGeoNBD
from crmintel.lifetime.contract import BetaDiscreteWeibull, ShiftedBetaGeometric
from crmintel.lifetime.gammagamma import GammaGamma
from crmintel.lifetime.mbgnbd import ModifiedBetaGeoNBD
from crmintel.lifetime.paretonbd import ParetoNBD

_KINDS: dict[str, tuple[Any, tuple[str, ...]]] = {
    "BetaGeoModel": (BetaGeoNBD, ("r", "alpha", "a", "b")),
    "ModifiedBetaGeoModel": (ModifiedBetaGeoNBD, ("r", "alpha", "a", "b")),
    "ParetoNBDModel": (ParetoNBD, ("r", "alpha", "s", "beta")),
    "BetaGeoBetaBinomModel": (BetaGeoBetaBinomial, ("alpha", "beta", "gamma", "delta")),
    "GammaGammaModel": (GammaGamma, ("p", "q", "v")),
    "GammaGammaModelIndividual": (GammaGamma, ("p", "q", "v")),
    "ShiftedBetaGeoModel": (ShiftedBetaGeometric, ("alpha", "beta")),
    "ShiftedBetaGeoModelIndividual": (ShiftedBetaGeometric, ("alpha", "beta")),
    "BetaDiscreteWeibullModel": (BetaDiscreteWeibull, ("alpha", "beta", "c")),
}
_TIMELESS = (GammaGamma, ShiftedBetaGeometric, BetaDiscreteWeibull)


def from_pymc_marketing(
    fitted: Any, *, kind: str | None = None, unit: str | None = None, horizon: float | str = 1.0
) -> Any:
    """Return the model here that has the posterior means of a fitted pymc-marketing model, ready to be asked.

    With more than one draw the posterior covariance becomes ``covariance_``, so that `predict_interval` carries what
    is not known of the parameters.

    Parameters
    ----------
    fitted : model of pymc_marketing.clv, or mapping
        A fitted model; or its ``fit_result``, or a dict of draws or means by parameter, together with ``kind``.
    kind : str, optional
        Name of the class, such as ``"BetaGeoModel"``, where ``fitted`` is no model.
    unit : str, optional
        Unit of time that it was fitted in, which it does not know; needed for horizons such as ``"52W"``.
    horizon : float or str, default=1.0
        How far `predict` of a purchase model looks.

    Returns
    -------
    BetaGeoNBD, ModifiedBetaGeoNBD, ParetoNBD, BetaGeoBetaBinomial, GammaGamma, ShiftedBetaGeometric \
or BetaDiscreteWeibull

    Raises
    ------
    InputTypeError
        If it is no model of a known name.
    InputError
        If it has not been fitted, or a parameter is one for each customer or cohort (covariates, several cohorts).

    Examples
    --------
    >>> from crmintel.interop.pymc_marketing import from_pymc_marketing
    >>> means = {"r": 0.243, "alpha": 4.414, "a": 0.793, "b": 2.426}
    >>> model = from_pymc_marketing(means, kind="BetaGeoModel", unit="week")
    >>> model.expected_purchases([[2, 30.43, 38.86]], "39W").round(3)
    array([1.226])
    """
    if kind is None:
        kind = next((each.__name__ for each in type(fitted).__mro__ if each.__name__ in _KINDS), None)
        if kind is None:
            raise InputTypeError(
                f"fitted must be one of pymc-marketing's {', '.join(_KINDS)}, or their draws with kind= the name; got "
                f"{type(fitted).__name__}."
            )
        posterior = _posterior(fitted, kind)
    elif isinstance(kind, str) and kind in _KINDS:
        posterior = fitted
    else:
        raise InputError(f"kind must be one of {', '.join(_KINDS)}; got {kind!r}.")
    model_class, names = _KINDS[kind]
    draws = {name: _draws(posterior, name, kind) for name in names}
    sizes = {name: each.size for name, each in draws.items()}
    if len(set(sizes.values())) > 1 or 0 in sizes.values():
        raise InputError(f"each parameter needs the same number of draws, at least one; got {sizes}.")
    means = {name: float(each.mean()) for name, each in draws.items()}
    model = model_class.from_params(
        **means, **({} if model_class in _TIMELESS else {"unit": unit, "horizon": horizon})
    )
    n_draws = sizes[names[0]]
    if n_draws > 1:
        model.covariance_ = np.cov(np.stack(list(draws.values())))
    model.message_ = f"means of {n_draws:,} draws of pymc-marketing's {kind}"
    return model


def rows_from_summary(frame: Any, *, unit: str | None = None) -> CustomerRows:
    """Return a frame of pymc-marketing's ``rfm_summary`` as customer rows; ``customer_id`` is left out.

    Parameters
    ----------
    frame : frame or dict of arrays
        ``customer_id, frequency, recency, T``, ``monetary_value`` if it is there. Frames made with
        ``include_first_transaction=True`` lack ``T`` and are refused: their recency is another one.
    unit : str, optional
        Unit of time of ``recency`` and ``T``, which the frame does not say.

    Returns
    -------
    CustomerRows
        ``frequency, recency, T``, and ``monetary_value`` where the frame has it.

    Raises
    ------
    ColumnError
        If frequency, recency or T is missing.

    Examples
    --------
    >>> from crmintel.interop.pymc_marketing import rows_from_summary
    >>> frame = {"customer_id": ["a", "b"], "frequency": [2, 0], "recency": [30.43, 0], "T": [38.86, 10]}
    >>> rows_from_summary(frame, unit="week").shape
    (2, 3)
    """
    return read_summary(frame, unit)


def to_summary_frame(rows: Any, customers: ArrayLike | None = None) -> Any:
    """Return customer rows as the frame that pymc-marketing's models read.

    Parameters
    ----------
    rows : CustomerRows or array of shape (n_customers, 3 or 4)
        As `CustomerSummary` makes them.
    customers : array of shape (n_customers,), optional
        Their ids: ``log.customers``.

    Returns
    -------
    pandas.DataFrame
        Columns ``customer_id, frequency, recency, T, monetary_value`` and further ones of the rows.

    Raises
    ------
    InputError
        If there is not one id for each row.
    MissingExtraError
        Without pandas.

    Examples
    --------
    >>> from crmintel.interop.pymc_marketing import to_summary_frame
    >>> to_summary_frame([[2, 30.43, 38.86]], customers=[1516])
       customer_id  frequency  recency      T
    0         1516        2.0    30.43  38.86
    """
    columns, ids = summary_columns(rows, customers)
    frame = pandas_for("pymc-marketing's").DataFrame({"customer_id": ids, **columns})
    return note_unit(frame, unit_of(rows))


def _posterior(fitted: Any, kind: str) -> Any:
    try:
        found = getattr(fitted, "fit_result", None)
        found = fitted.idata.posterior if found is None else found
    except (AttributeError, RuntimeError):  # what idata.posterior and fit_result raise before fit
        found = None
    if found is None:
        raise InputError(f"the {kind} has not been fitted: it has no fit_result.")
    return found


def _draws(posterior: Any, name: str, kind: str) -> NDArray[np.float64]:
    """Return the draws of one parameter of all chains, or one value, as a vector."""
    try:
        found = posterior[name]
    except (KeyError, TypeError):
        there = sorted(map(str, posterior)) if isinstance(posterior, Mapping) else type(posterior).__name__
        raise ColumnError(f"the posterior of a {kind} needs {name!r}; there is {there}.") from None
    values = as_numbers(found, name)
    if int(np.prod(values.shape[2:], dtype=np.int64)) > 1:
        raise InputError(
            f"{name} has the shape {values.shape}, more than chains x draws: a model with covariates, or with several "
            "cohorts, is not taken over. Fit its rows here."
        )
    return values.ravel()
