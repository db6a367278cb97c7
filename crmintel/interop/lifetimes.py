"""lifetimes' fitted models and summary frames taken over. lifetimes itself is not needed and never imported."""

from __future__ import annotations

from typing import Any

from numpy.typing import ArrayLike

from crmintel._validation import check_number
from crmintel.exceptions import InputError, InputTypeError
from crmintel.features.rows import CustomerRows, note_unit, unit_of
from crmintel.interop._summaries import pandas_for, read_summary, summary_columns
from crmintel.lifetime.bgbb import BetaGeoBetaBinomial
from crmintel.lifetime.bgnbd import BetaGeoNBD
from crmintel.lifetime.gammagamma import GammaGamma
from crmintel.lifetime.mbgnbd import ModifiedBetaGeoNBD
from crmintel.lifetime.paretonbd import ParetoNBD

_KINDS: dict[str, Any] = {
    "BetaGeoFitter": BetaGeoNBD,
    "ModifiedBetaGeoFitter": ModifiedBetaGeoNBD,
    "ParetoNBDFitter": ParetoNBD,
    "BetaGeoBetaBinomFitter": BetaGeoBetaBinomial,
    "GammaGammaFitter": GammaGamma,
}


def from_lifetimes(fitter: Any, *, unit: str | None = None, horizon: float | str = 1.0) -> Any:
    """Return the model here that has the parameters of a fitted lifetimes fitter, ready to be asked.

    It has no ``covariance_``: lifetimes' own ``variance_matrix_`` is not the inverse information, not even symmetric.
    Intervals then carry chance only. For both, fit again: ``rows_from_summary(fitter.data)``.

    Parameters
    ----------
    fitter : BetaGeoFitter, ModifiedBetaGeoFitter, ParetoNBDFitter, BetaGeoBetaBinomFitter or GammaGammaFitter
        Fitted, or loaded from a file that its ``save_model`` made.
    unit : str, optional
        Unit of time that the fitter was fitted in, which it does not know; needed for horizons such as ``"52W"``.
    horizon : float or str, default=1.0
        How far `predict` of the model looks; of no use to `GammaGamma`.

    Returns
    -------
    BetaGeoNBD, ModifiedBetaGeoNBD, ParetoNBD, BetaGeoBetaBinomial or GammaGamma
        ``message_`` says where the parameters come from, and with what ``penalizer_coef`` they were found.

    Raises
    ------
    InputTypeError
        If it is none of lifetimes' fitters.
    InputError
        If it has not been fitted.

    Examples
    --------
    >>> from crmintel.interop.lifetimes import from_lifetimes
    >>> class BetaGeoFitter:  # what a fitted one holds
    ...     params_ = {"r": 0.243, "alpha": 4.414, "a": 0.793, "b": 2.426}
    ...     penalizer_coef = 0.0
    >>> model = from_lifetimes(BetaGeoFitter(), unit="week")
    >>> model.expected_purchases([[2, 30.43, 38.86]], "39W").round(3)
    array([1.226])
    """
    name = next((each.__name__ for each in type(fitter).__mro__ if each.__name__ in _KINDS), None)
    if name is None:
        raise InputTypeError(f"fitter must be one of lifetimes' {', '.join(_KINDS)}; got {fitter!r}.")
    found = getattr(fitter, "params_", None)
    if found is None:
        raise InputError(f"the {name} has not been fitted: it has no params_.")
    params = {str(key): value for key, value in dict(found).items()}
    kind = _KINDS[name]
    model = kind.from_params(**params, **({} if kind is GammaGamma else {"unit": unit, "horizon": horizon}))
    penalty = check_number(getattr(fitter, "penalizer_coef", 0.0), "penalizer_coef", low=0.0)
    shrunk = f", fitted with penalizer_coef={penalty!r}" if penalty > 0.0 else ""
    model.message_ = f"parameters of lifetimes' {name}{shrunk}"
    return model


def rows_from_summary(frame: Any, *, unit: str | None = None) -> CustomerRows:
    """Return a summary frame of lifetimes as customer rows.

    Parameters
    ----------
    frame : frame or dict of arrays
        What ``summary_data_from_transaction_data`` makes, ``calibration_and_holdout_data`` (its calibration columns are
        read), or the ``data`` of a fitter; also of `BetaGeoBetaBinomFitter`, whose ``n_periods`` are ``T``.
    unit : str, optional
        Unit of time of ``recency`` and ``T``, which frames of lifetimes do not say; those of `to_summary_frame` do.

    Returns
    -------
    CustomerRows
        ``frequency, recency, T``, then ``monetary_value`` and ``weights`` where the frame has them. Weights (customers
        that share a row) are for ``fit(rows, sample_weight=rows[:, -1])``.

    Raises
    ------
    ColumnError
        If frequency, recency or T is missing.
    UnitError
        If the frame notes another unit.

    Examples
    --------
    >>> from crmintel.interop.lifetimes import rows_from_summary
    >>> rows = rows_from_summary({"frequency": [2, 0], "recency": [30.43, 0], "T": [38.86, 10]}, unit="W")
    >>> rows.columns, rows.unit
    (('frequency', 'recency', 'T'), 'week')
    """
    return read_summary(frame, unit)


def to_summary_frame(rows: Any, customers: ArrayLike | None = None) -> Any:
    """Return customer rows as the frame that lifetimes' functions read.

    Parameters
    ----------
    rows : CustomerRows or array of shape (n_customers, 3 or 4)
        As `CustomerSummary` makes them.
    customers : array of shape (n_customers,), optional
        Their ids: ``log.customers``.

    Returns
    -------
    pandas.DataFrame
        Columns ``frequency, recency, T, monetary_value`` and further ones of the rows; the ids are the index. The unit
        of the rows is noted in ``attrs["crmintel_unit"]``, which models here read.

    Raises
    ------
    InputError
        If there is not one id for each row.
    MissingExtraError
        Without pandas.

    Examples
    --------
    >>> from crmintel.interop.lifetimes import to_summary_frame
    >>> to_summary_frame([[2, 30.43, 38.86]], customers=[1516])
                 frequency  recency      T
    customer_id
    1516               2.0    30.43  38.86
    """
    columns, ids = summary_columns(rows, customers)
    pandas = pandas_for("lifetimes'")
    frame = pandas.DataFrame(columns, index=pandas.Index(ids, name="customer_id"))
    return note_unit(frame, unit_of(rows))
