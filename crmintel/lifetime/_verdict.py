"""Whether to use what fits best: the rules behind the verdict of `compare_models`.

Tests alone would forbid every model on a large base, where any difference is certain; so what counts is the size of a
difference, once it is certain at 1 %.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
from scipy.stats import chi2

from crmintel.lifetime._regularity import Regularity
from crmintel.lifetime.comparison_table import ModelComparison
from crmintel.lifetime.nbd import NBD

CERTAIN = 0.01
FEWEST_BUYERS = 50  # below, the standard error of a purchase rate is above 14 %
SMALL, MEDIUM = 0.1, 0.3  # Cohen's w
REGULAR = 1.5  # Platzer & Reutterer (2016): gains begin about here
DRIFT, BROKEN = 1.25, 2.0  # factors between the cohorts' actual over expected frequency
UNLIKE = 0.05  # of the spend expected of those whose spend has not been seen
FAR = 0.1  # Kolmogorov's distance of spend


def owed_to_whole_days(model: Any, found: Regularity | None) -> bool:
    """Whether a model of regular buyers hears regularity that is gone once gaps are known to be whole days.

    The likelihood of Erlang gaps takes time as exact: on the Complete Journey (a purchase a week) it is 8,359 higher
    at k = 2, where `regularity` finds k = 1.09.
    """
    return bool(getattr(model, "k_", 1) > 1 and found is not None and found.k < REGULAR)


def judge(result: ModelComparison) -> ModelComparison:
    """Return the comparison with its reasons and cautions."""
    return replace(result, reasons=tuple(_reasons(result)), cautions=tuple(_cautions(result)))


def _reasons(result: ModelComparison) -> Iterator[str]:
    """What speaks against any model."""
    row = result.models["model"] == result.best
    if result.n_repeat < FEWEST_BUYERS:
        yield (
            f"only {result.n_repeat:,} of {result.n_customers:,} customers have bought again, fewer than "
            f"{FEWEST_BUYERS}: watch longer"
        )
        return
    if not result.models["converged"][row][0]:
        yield f"the fit of {result.best} did not converge ({result.models['note'][row][0]})"
    blind = _blind(result)
    if blind and (result.best in blind or type(result.fitted[result.best]) is NBD):
        yield (
            "no customer is seen to leave: with P(alive) = 1 for everybody the fit is as good, so that silence tells "
            "nothing about who is gone. Watch longer, look for dates that are no purchases, or rank customers by the "
            "time since their last purchase"
        )
    fit = result.frequencies[result.best]
    if fit.misfit >= MEDIUM and not fit.p_value > CERTAIN:
        yield (
            f"{result.best}, the best, does not expect the frequencies that are there (w = {fit.misfit:.2f}, from "
            f"{MEDIUM} on the difference is no longer small)"
        )
    spread = _spread(result)
    if spread >= BROKEN:
        yield (
            f"cohorts differ by a factor of {spread:.1f} in purchases over what one model expects of them: fit them "
            "apart, look for what changed, or for a log that begins in the middle of histories"
        )


def _cautions(result: ModelComparison) -> Iterator[str]:
    """What to mind when using the best."""
    if result.n_repeat < FEWEST_BUYERS:
        return
    fit = result.frequencies[result.best]
    if SMALL <= fit.misfit < MEDIUM and fit.p_value <= CERTAIN:
        yield f"frequencies are not quite as expected (w = {fit.misfit:.2f})"
    found = result.regularity
    if found is not None and found.p_value <= CERTAIN:
        if found.k >= REGULAR and getattr(result.fitted[result.best], "k_", 1) == 1:
            yield (
                f"customers buy regularly (k = {found.k:.2f}), so that silence says more than {result.best} hears: see "
                "whether ModifiedBetaGeoCNBD or BetaGeoCNBD fits better"
            )
        elif found.k <= 1.0 / REGULAR:
            yield f"customers buy in bursts (k = {found.k:.2f}), so that the models see leaving in a mere pause"
    blind = _blind(result)
    if blind and not (result.best in blind or type(result.fitted[result.best]) is NBD):
        yield (
            f"{', '.join(blind)} see no customer leave, P(alive) is as good as 1 for everybody; what {result.best} "
            "says of who is gone rests on how it differs from them"
        )
    for name in result.models["model"]:
        if found is not None and owed_to_whole_days(result.fitted[name], found):
            yield (
                f"{name} takes the whole days of short gaps for regularity (k = {result.fitted[name].k_}, without that "
                f"{found.k:.2f}): its likelihood does not count"
            )
    spread = _spread(result)
    if DRIFT <= spread < BROKEN and result.cohorts is not None:
        ratios = ", ".join(f"{ratio:.2f}" for ratio in result.cohorts.ratio)
        yield f"cohorts drift (actual over expected frequency, oldest first: {ratios})"
    yield from _spend_cautions(result)


def _spend_cautions(result: ModelComparison) -> Iterator[str]:
    if not result.spend:
        return
    if result.best_spend is None:
        yield "no spend model has a finite mean: add LogNormalSpend, or model the largest customers apart"
        return
    row = result.spend["model"] == result.best_spend
    distance = float(result.spend["distance"][row][0])
    if distance >= FAR:
        yield f"spend is not distributed as {result.best_spend} expects (distance {distance:.2f})"
    p_value, slope = result.independence.get("p_value"), result.independence.get("slope", 0.0)
    if p_value is not None and p_value <= CERTAIN and result.best_spend != "CorrelatedSpend":
        yield f"spend goes with frequency (slope {slope:+.2f}), which {result.best_spend} does not know"
    means = dict(zip(result.spend["model"], result.spend["population_mean"], strict=True))
    plain, bound = means.get("GammaGamma", np.inf), means.get("CorrelatedSpend", np.inf)
    if result.best_spend == "CorrelatedSpend" and abs(bound / plain - 1.0) > UNLIKE and np.isfinite(plain):
        yield (
            f"of customers without a repeat purchase CorrelatedSpend expects {bound:,.2f} a purchase, GammaGamma "
            f"{plain:,.2f}: no spend of theirs was seen, so look at those who came back (backtest)"
        )


def _blind(result: ModelComparison) -> list[str]:
    """The models that let customers leave and fit, but for chance, no better than nobody leaving."""
    table = result.models
    if not table["nobody_leaves"].any():
        return []
    staying = table["log_likelihood"][table["nobody_leaves"]].max()
    as_good = chi2.sf(2.0 * (table["log_likelihood"] - staying), 2) > CERTAIN
    return [name for name in table["model"][as_good].tolist() if type(result.fitted[name]) is not NBD]


def _spread(result: ModelComparison) -> float:
    drift = result.cohorts
    if (
        drift is None
        or drift.p_value > CERTAIN
        or not np.isfinite(drift.ratio).all()
        or (drift.ratio <= 0).any()
    ):
        return 1.0
    return float(drift.ratio.max() / drift.ratio.min())
