"""How much a customer base, or each segment of it, is going to buy or bring, and how sure that is."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import betainc, gammainc, gammaincinv

from crmintel._cells import is_missing
from crmintel._frames import build_frame, open_frame
from crmintel.exceptions import InputError
from crmintel.lifetime._histories import Vector
from crmintel.lifetime._intervals import outcome_interval

_PRINTED = 20  # groups
_NO_EXCESS = 1e-6  # variance by mean above 1: below it a total is as good as Poisson distributed


@dataclass(frozen=True, slots=True, repr=False)
class PurchaseTotals:
    """Purchases of each group of customers within a horizon; numbers where there are no groups.

    Attributes
    ----------
    groups : ndarray or None
        Labels of the groups, sorted.
    n_customers : ndarray of int
    expected : ndarray
        Expected total.
    low, high : ndarray
        Ends of the interval for the total that will come.
    process_std : ndarray
        Standard deviation because customers buy and leave at random.
    parameter_std : ndarray
        Standard deviation because the parameters are estimated; 0 where they are known.

    Examples
    --------
    >>> from crmintel import BetaGeoNBD
    >>> model = BetaGeoNBD.from_params(r=0.243, alpha=4.414, a=0.793, b=2.426)
    >>> rows = model.sample(1_000, T=39, random_state=0)
    >>> total = model.predict_total(rows, horizon=39)
    >>> total.low < total.expected < total.high
    True
    >>> print(model.predict_total(rows, horizon=39, groups=rows[:, 0] > 0))
    PurchaseTotals(1,000 customers)
             n_customers       expected            low           high    process_std  parameter_std
      False          590          114.8           93.0          137.0           13.4            0.0
      True           410          582.0          514.0          653.0           42.5            0.0
    """

    groups: Any
    n_customers: Any
    expected: Any
    low: Any
    high: Any
    process_std: Any
    parameter_std: Any

    def to_frame(self, library: str | None = None) -> Any:
        """Return one row per group as a frame of ``library`` ("pandas", "polars", "pyarrow"); None: a dict."""
        names = [field.name for field in fields(self) if field.name != "groups" or self.groups is not None]
        return build_frame({name: np.atleast_1d(getattr(self, name)) for name in names}, library)

    def __repr__(self) -> str:
        columns = self.to_frame()
        labels = ["total"] if self.groups is None else list(map(str, columns.pop("groups")))
        people = columns.pop("n_customers").tolist()
        width = max([len("total"), *map(len, labels)])
        lines = [
            f"{type(self).__name__}({sum(people):,} customers)",
            f"  {'':{width}}  n_customers  " + "  ".join(f"{name:>13}" for name in columns),
        ]
        for label, n, *numbers in list(zip(labels, people, *columns.values(), strict=True))[:_PRINTED]:
            cells = "  ".join(f"{number:>13,.1f}" for number in numbers)
            lines.append(f"  {label:{width}}  {n:>11,}  {cells}")
        if len(labels) > _PRINTED:
            lines.append(f"  ... and {len(labels) - _PRINTED:,} more groups")
        return "\n".join(lines)


@dataclass(frozen=True, slots=True, repr=False)
class ValueTotals(PurchaseTotals):
    """Value of each group of customers within the horizon, in money; numbers where there are no groups.

    Attributes
    ----------
    groups : ndarray or None
        Labels of the groups, sorted.
    n_customers : ndarray of int
    expected : ndarray
        Expected total: the sum of ``predict``.
    low, high : ndarray
        Ends of the interval for the total that will come.
    process_std : ndarray
        Standard deviation because customers buy, spend and leave at random.
    parameter_std : ndarray
        Standard deviation because the parameters are estimated.

    Examples
    --------
    >>> import crmintel as ci
    >>> log, _ = ci.datasets.make_transactions(500, weeks=104, random_state=0)
    >>> rows = ci.CustomerSummary(unit="week").fit_transform(log)
    >>> total = ci.LifetimeValue(horizon="26W", margin=0.3).fit(rows).predict_total(rows)
    >>> total.low < total.expected < total.high
    True
    """


def codes_of(groups: ArrayLike | None, n: int) -> tuple[NDArray[np.intp], NDArray[Any] | None]:
    """Return each customer's group as a number, and the labels; one group without labels for None."""
    if groups is None:
        return np.zeros(n, dtype=np.intp), None
    values = open_frame({"groups": groups}, "groups").values("groups")
    if values.size != n:
        raise InputError(f"groups must hold one label per row of X ({n}), got {values.size}.")
    missing = _missing(values)
    if missing.any():
        raise InputError(f"groups holds {missing.sum()} missing labels; name them or drop the rows.")
    try:
        labels, codes = np.unique(values, return_inverse=True)
    except TypeError:
        raise InputError("groups must hold labels of one kind, that can be sorted; e.g. all text.") from None
    return codes, labels


def _missing(values: NDArray[Any]) -> NDArray[np.bool_]:
    if values.dtype.kind in "fM":
        return np.isnan(values)
    absent = map(is_missing, values.tolist()) if values.dtype == object else ()
    return np.fromiter(absent, dtype=np.bool_)


def total_interval(mean: Vector, variance: Vector, level: float) -> NDArray[np.float64]:
    """Return the interval of counts with these means and variances: negative binomial, Poisson if they vary less."""
    excess = np.maximum(variance - mean, 0.0)
    spread = excess > _NO_EXCESS * mean
    size = np.divide(mean * mean, excess, out=np.ones_like(mean), where=spread)
    share = np.divide(excess, mean + excess, out=np.zeros_like(mean), where=spread)

    def at_least(rows: NDArray[np.int64], n: Vector) -> Vector:
        binomial = betainc(n, size[rows], share[rows])
        return np.where(spread[rows], binomial, gammainc(n, mean[rows]))

    return outcome_interval(mean.size, level, at_least)


def sales_interval(nobody: Vector, mean: Vector, variance: Vector, level: float) -> NDArray[np.float64]:
    """Return the interval of sales with these means and variances: 0 with the chance ``nobody``, else gamma."""
    some = 1.0 - nobody
    finite = np.isfinite(variance) & np.isfinite(mean)
    with np.errstate(divide="ignore", invalid="ignore"):
        middle = mean / some
        scale = np.maximum((variance + mean**2) / mean - middle, _NO_EXCESS * _NO_EXCESS * middle)
        shape = middle / scale
    ends = []
    for chance, endless in (((1.0 - level) / 2.0, 0.0), ((1.0 + level) / 2.0, np.inf)):
        with np.errstate(divide="ignore", invalid="ignore"):
            end = gammaincinv(shape, np.maximum(chance - nobody, 0.0) / some) * scale
        ends.append(np.where(chance <= nobody, 0.0, np.where(finite, end, endless)))
    return np.column_stack(ends)
