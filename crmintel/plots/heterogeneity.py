"""How customers differ: the distribution of their rates, of their chances to leave, or of what they spend."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy.stats import beta, gamma, invgamma, lognorm
from sklearn.utils.validation import check_is_fitted

from crmintel._validation import check_choice, check_number
from crmintel.exceptions import InputTypeError
from crmintel.lifetime.bgbb import BetaGeoBetaBinomial
from crmintel.plots._axes import axes_for

_SHOWN = 0.99  # of the customers; the rest is a long tail


class HeterogeneityDisplay:
    """The distribution over customers that a fitted model has learned.

    Use `from_estimator` to make one.

    Parameters
    ----------
    data : dict of ndarray
        ``x``, the ``density`` there and the ``share`` of customers up to there; the ``mean`` (one value).
    label : str
        What ``x`` is.

    Attributes
    ----------
    data : dict of ndarray
        The numbers shown.
    ax_, figure_
        The axes and the figure, after `plot`.

    Examples
    --------
    >>> from crmintel import BetaGeoNBD
    >>> from crmintel.plots.heterogeneity import HeterogeneityDisplay
    >>> model = BetaGeoNBD.from_params(r=0.243, alpha=4.414, a=0.793, b=2.426, unit="week")
    >>> display = HeterogeneityDisplay.from_estimator(model, of="leaving")
    >>> display.label, display.data["mean"].round(3).tolist()  # 0.793 / (0.793 + 2.426)
    ('chance to leave after a purchase', [0.246])
    """

    def __init__(self, data: dict[str, NDArray[np.float64]], *, label: str = "") -> None:
        self.data = data
        self.label = label

    @classmethod
    def from_estimator(cls, model: Any, *, of: str | None = None, n_points: int = 300) -> Self:
        """Evaluate the density of a fitted model.

        Parameters
        ----------
        model : fitted model of purchases, contracts or spend
        of : {"purchases", "leaving", "spend"}, optional
            How often customers buy while they stay, how they leave, or their mean spend per purchase; None: the first
            that the model knows.
        n_points : int, default=300
            Number of points.

        Raises
        ------
        InputError
            If the model has no such distribution: nobody leaves.
        InputTypeError
            If it is no such model.
        """
        n = int(check_number(n_points, "n_points", low=2, integer=True))
        known = _distributions(model)
        if of is None:
            of = next(iter(known))
        label, distribution, top = known[check_choice(of, "of", tuple(known))]
        x = np.linspace(0.0, distribution.ppf(_SHOWN) if top is None else top, n + 2)[1:-1]
        mean = np.atleast_1d(distribution.mean())
        data = {"x": x, "density": distribution.pdf(x), "share": distribution.cdf(x), "mean": mean}
        return cls(data, label=label)

    def plot(self, ax: Any = None) -> Self:
        """Draw the density, and a line at the mean where it is within the picture.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            None makes a new figure.

        Raises
        ------
        MissingExtraError
            If matplotlib is not installed.
        """
        ax = axes_for(ax, self)
        ax.plot(self.data["x"], self.data["density"], label="density")
        (mean,) = self.data["mean"]
        if mean <= self.data["x"][-1]:
            ax.axvline(mean, color="grey", linewidth=0.8, linestyle="--", label=f"mean {mean:.3g}")
        ax.set(xlabel=self.label, ylabel="density over customers", ylim=(0.0, None))
        ax.legend()
        self.ax_, self.figure_ = ax, ax.figure
        return self


def _distributions(model: Any) -> dict[str, tuple[str, Any, float | None]]:
    """Return label, distribution and end of the picture of all that ``model`` says on how customers differ."""
    model = getattr(model, "model_", model)  # of a seasonal model, in an average part of the year
    if not hasattr(type(model), "from_params"):
        raise InputTypeError(
            f"model must be a model of purchases, contracts or spend, got {type(model).__name__}; "
            "BetaGeoNBD().fit(rows) makes one."
        )
    check_is_fitted(model)
    values = model.params_
    spend = "mean spend per purchase" + (" of who has not bought again" if "slope" in values else "")
    if "q" in values:  # purchases are gamma(p, nu), and nu is gamma(q, v)
        return {"spend": (spend, invgamma(values["q"], scale=values["p"] * values["v"]), None)}
    if "sigma" in values:
        return {"spend": (spend, lognorm(values["sigma"], scale=np.exp(values["mu"])), None)}
    per_unit = f" per {model.unit_}" if getattr(model, "unit_", None) else " per unit of time"
    if any("." in name for name in values):
        per_unit += ", covariates 0"
    known: dict[str, tuple[str, Any, float | None]] = {}
    if isinstance(model, BetaGeoBetaBinomial):
        bought = beta(values["alpha"], values["beta"])
        known["purchases"] = ("chance to buy at an opportunity", bought, 1.0)
        if values["gamma"] > 0.0:
            left = beta(values["gamma"], values["delta"])
            known["leaving"] = ("chance to leave before an opportunity", left, 1.0)
        return known
    if "r" in values:
        stages = getattr(model, "k_", 1)  # of each gap between purchases
        bought = gamma(values["r"], scale=1.0 / (stages * values["alpha"]))
        known["purchases"] = (f"purchases{per_unit}", bought, None)
    if values.get("a", 0.0) > 0.0:
        known["leaving"] = ("chance to leave after a purchase", beta(values["a"], values["b"]), 1.0)
    elif values.get("s", 0.0) > 0.0:
        left = gamma(values["s"], scale=1.0 / values["beta"])
        known["leaving"] = (f"leaving rate{per_unit}", left, None)
    elif "r" not in values:
        left = beta(values["alpha"], values["beta"])
        known["leaving"] = ("chance to leave at the first renewal", left, 1.0)
    return known
