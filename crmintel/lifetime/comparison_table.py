"""How models fit a customer base, and which to use: the result of `compare_models`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crmintel._frames import build_frame
from crmintel._validation import check_choice
from crmintel.lifetime._cohorts import CohortDrift
from crmintel.lifetime._frequency_fit import FrequencyFit
from crmintel.lifetime._regularity import Regularity

_SHOWN = ("log_likelihood", "aic", "bic", "chi_square", "p_value", "misfit", "alive")
_SPEND_SHOWN = ("log_likelihood", "aic", "bic", "distance", "population_mean")


@dataclass(frozen=True, slots=True, repr=False)
class ModelComparison:
    """How models fit a customer base, and which to use, if any, see `compare_models`.

    Attributes
    ----------
    recommended : bool
        Whether the best model should be used at all.
    verdict : str
        The same in a sentence, with its reasons.
    reasons : tuple of str
        What speaks against using any model here.
    cautions : tuple of str
        What to mind when using the best one.
    best : str
        The model of purchases with the lowest AIC; one of regular buyers only where ``regularity`` finds them regular,
        too (its likelihood takes whole days for exact times).
    best_spend : str or None
        The model of spend with the lowest AIC among those of finite mean.
    models : dict of ndarray
        By model: ``parameters`` (free ones), ``log_likelihood``, ``aic``, ``bic``; ``chi_square`` of the histogram of
        frequencies, its ``p_value``, and ``misfit``, Cohen's w; ``alive``, the mean of P(alive); ``nobody_leaves``,
        whether that is 1 for everybody; ``converged``; ``note``, what the fit warned of.
    frequencies : dict of str to FrequencyFit
        By model: observed and expected customers by frequency.
    regularity : Regularity or None
        The shape ``k`` of gamma distributed gaps between purchases (1: at random, above: regular, below: in bursts)
        with its 95 % interval ``low`` to ``high`` and the p value of 1; None without gaps.
    spend : dict of ndarray
        By model of spend: ``parameters``, ``log_likelihood``, ``aic``, ``bic``, ``distance`` (the largest difference
        between the expected and the observed share of customers below a mean spend), ``population_mean``, ``note``.
    independence : dict of str to float
        ``correlation`` of frequency and mean spend with its p value, and ``slope``, ``statistic`` and ``p_value`` of
        the likelihood-ratio test of `GammaGamma` against `CorrelatedSpend`.
    cohorts : CohortDrift or None
        Actual and expected mean frequency by time since the first purchase, and the test of one model for all.
    fitted : dict of str to estimator
        The fitted models, of purchases and of spend.
    n_customers, n_repeat : int
        Customers, and those with a repeat purchase.

    Examples
    --------
    >>> import crmintel as ci
    >>> log, _ = ci.datasets.make_transactions(1_000, weeks=78, random_state=0)
    >>> result = ci.compare_models(log, [ci.BetaGeoNBD(), ci.NBD()], spend=[ci.GammaGamma()])
    >>> result.best, result.best_spend
    ('BetaGeoNBD', 'GammaGamma')
    >>> result.verdict.startswith("Use BetaGeoNBD with GammaGamma")
    True
    """

    models: dict[str, NDArray[Any]]
    frequencies: dict[str, FrequencyFit]
    regularity: Regularity | None
    spend: dict[str, NDArray[Any]]
    independence: dict[str, float]
    cohorts: CohortDrift | None
    fitted: dict[str, Any]
    best: str
    best_spend: str | None
    n_customers: int
    n_repeat: int
    library: str | None
    reasons: tuple[str, ...] = ()
    cautions: tuple[str, ...] = ()

    @property
    def recommended(self) -> bool:
        """Whether the best model should be used at all."""
        return not self.reasons

    @property
    def verdict(self) -> str:
        """Which model to use, or that none should be, with the reasons, in a sentence."""
        if self.reasons:
            besides = f" Besides: {'; '.join(self.cautions)}." if self.cautions else ""
            return f"Do not use these models here: {'; '.join(self.reasons)}.{besides}"
        advice = f"Use {self.best}" + (f" with {self.best_spend}" if self.best_spend else "")
        return f"{advice}, but mind: {'; '.join(self.cautions)}." if self.cautions else f"{advice}."

    def to_frame(self, library: str | None = None, *, of: str = "models") -> Any:
        """Return the table of the models of purchases, or of spend.

        Parameters
        ----------
        library : {"pandas", "polars", "pyarrow"}, default=None
            None: that of ``X``, or a dict of arrays where it came from none.
        of : {"models", "spend"}, default="models"

        Returns
        -------
        frame
        """
        check_choice(of, "of", ("models", "spend"))
        return build_frame(self.spend if of == "spend" else self.models, library or self.library)

    def __repr__(self) -> str:
        lines = [
            f"ModelComparison({self.n_customers:,} customers, {self.n_repeat:,} with a repeat purchase)",
            *_print(self.models, _SHOWN),
            *_print(self.spend, _SPEND_SHOWN),
        ]
        if self.regularity is not None:
            found = self.regularity
            lines.append(
                f"  gaps between purchases: k = {found.k:.2f} ({found.low:.2f} to {found.high:.2f}; at random: 1)"
            )
        if self.independence:
            slope = self.independence.get("slope")
            told = "" if slope is None else f", slope {slope:+.3f} (p = {self.independence['p_value']:.2g})"
            lines.append(f"  frequency and spend: correlation {self.independence['correlation']:+.3f}{told}")
        if self.cohorts is not None:
            ratios = ", ".join(f"{ratio:.2f}" for ratio in self.cohorts.ratio)
            lines.append(
                f"  cohorts, oldest first: actual over expected frequency {ratios} (p = {self.cohorts.p_value:.2g})"
            )
        return "\n".join([*lines, f"  {self.verdict}"])


def _print(columns: dict[str, NDArray[Any]], shown: tuple[str, ...]) -> list[str]:
    if not columns:
        return []
    names = columns["model"].tolist()
    width = max(map(len, names))
    head = f"  {'':{width}}  " + "  ".join(f"{key:>{max(11, len(key))}}" for key in shown)
    body = [
        f"  {name:{width}}  " + "  ".join(_cell(columns[key][at]).rjust(max(11, len(key))) for key in shown)
        for at, name in enumerate(names)
    ]
    return [head, *body]


def _cell(value: Any) -> str:
    return "-" if np.isnan(value) else f"{value:,.1f}" if abs(value) >= 1000 else f"{value:.4g}"
