"""Whether the data need the larger of two models, one of which is a special case of the other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from scipy.special import chdtrc
from sklearn.utils.validation import check_is_fitted

from crmintel.exceptions import InputError, InputTypeError
from crmintel.lifetime._contract_model import ContractModel
from crmintel.lifetime._model import PurchaseModel

_DROPOUT = ({"a", "b"}, {"s", "beta"})  # parameters that a model without dropout lacks
_ROUNDING = 1e-6


@dataclass(frozen=True, slots=True)
class LikelihoodRatio:
    """Result of a likelihood-ratio test.

    Attributes
    ----------
    statistic : float
        Twice the difference of the log-likelihoods.
    df : int
        How many parameters the larger model has more.
    boundary : bool
        Whether the smaller model lies at the edge of the larger one.
    p_value : float
        Chance of a statistic like this, or a larger one, if the smaller model is true.

    Examples
    --------
    >>> from crmintel import BetaDiscreteWeibull, ShiftedBetaGeometric, likelihood_ratio_test
    >>> active = [1000, 869, 743, 653, 593, 551, 517, 491]
    >>> models = [kind().fit_cohorts(active) for kind in (ShiftedBetaGeometric, BetaDiscreteWeibull)]
    >>> likelihood_ratio_test(*models).p_value < 0.01
    True
    """

    statistic: float
    df: int
    boundary: bool
    p_value: float


def likelihood_ratio_test(smaller: Any, larger: Any) -> LikelihoodRatio:
    """Test a model against a larger one of which it is a special case.

    Parameters
    ----------
    smaller, larger : fitted models
        Fitted to the same rows and weights, without penalty: a model with fewer covariates and the same with more,
        `NBD` and a model with dropout, `ShiftedBetaGeometric` and `BetaDiscreteWeibull`.

    Returns
    -------
    LikelihoodRatio

    Raises
    ------
    InputTypeError
        If one is no such model.
    InputError
        If one is not a special case of the other, has a penalty, or they were fitted to different rows.

    Notes
    -----
    Where nobody leaves, as in `NBD`, the chance to leave is 0: the edge of what is possible. Half of all samples would
    then ask for less than no dropout and give a statistic near 0, so the p-value is the mean of those of chi-square
    with ``df`` - 1 and with ``df`` degrees of freedom. How chances differ has no meaning there, so that the test errs
    on the side of the smaller model.

    References
    ----------
    Self, S. G. & Liang, K.-Y. (1987). Asymptotic properties of maximum likelihood estimators and likelihood ratio tests
    under nonstandard conditions. Journal of the American Statistical Association 82(398), 605-610.

    Examples
    --------
    >>> from crmintel import NBD, BetaGeoNBD, likelihood_ratio_test
    >>> rows = BetaGeoNBD.from_params(r=0.5, alpha=6, a=0.8, b=2.5).sample(2_000, T=52, random_state=0)
    >>> test = likelihood_ratio_test(NBD().fit(rows), BetaGeoNBD().fit(rows))
    >>> test.df, test.p_value < 0.01
    (2, True)
    """
    for model in (smaller, larger):
        if not isinstance(model, PurchaseModel | ContractModel):
            raise InputTypeError(
                f"the test compares fitted models of purchases or contracts, got {model!r:.80}."
            )
        check_is_fitted(model)
        if not hasattr(model, "log_likelihood_"):
            raise InputError(
                f"{type(model).__name__} has known parameters; the test compares models fitted to rows."
            )
        if getattr(model, "penalty_", model.penalty) != 0:
            raise InputError(f"{type(model).__name__} was fitted with a penalty; the test needs penalty=0.")
    few, many = set(smaller.params_), set(larger.params_)
    more = many - few
    plain = {name for name in more if "." not in name}
    same_kind = type(smaller) is type(larger) and not plain
    boundary = type(smaller).__name__ == "NBD" and plain in _DROPOUT
    longer_lives = plain == {"c"} and more == plain
    if not few < many or not (same_kind or boundary or longer_lives):
        way_out = "the smaller one stands first" if many < few else "compare other models by aic_"
        raise InputError(
            f"{type(smaller).__name__} with {sorted(few)} is no special case of {type(larger).__name__} with "
            f"{sorted(many)}; {way_out}."
        )
    if getattr(smaller, "unit_", None) != getattr(larger, "unit_", None):
        raise InputError(
            f"the models count time in {smaller.unit_}s and {larger.unit_}s; fit both to the same rows."
        )
    gain = larger.log_likelihood_ - smaller.log_likelihood_
    if gain < -_ROUNDING * abs(smaller.log_likelihood_):
        raise InputError(
            f"the larger model has the smaller log-likelihood ({larger.log_likelihood_:.6g} against "
            f"{smaller.log_likelihood_:.6g}); fit both to the same rows and weights."
        )
    statistic, df = 2.0 * max(gain, 0.0), len(more)
    p_value = _tail(df, statistic)
    if boundary:
        p_value = (_tail(df - 1, statistic) + p_value) / 2.0
    return LikelihoodRatio(statistic, df, boundary, p_value)


def _tail(df: int, statistic: float) -> float:
    return float(chdtrc(df, statistic))
