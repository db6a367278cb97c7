"""Customers by number of repeat purchases: how many there are, and how many a model expects."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from crmintel._validation import check_number
from crmintel.features.rows import unit_of
from crmintel.lifetime._histories import check_same_unit, read_histories, read_weights
from crmintel.lifetime._newcomers import Newcomers
from crmintel.lifetime.tracking import named_models
from crmintel.plots._axes import axes_for


class PurchaseCountDisplay:
    """How many customers have made 0, 1, 2, ... repeat purchases: actual, and expected by one model or several.

    Use `from_estimator` to make one.

    Parameters
    ----------
    data : dict of ndarray
        ``count`` (the last stands for that many and more), ``actual`` customers, and those expected by each model under
        its name.

    Attributes
    ----------
    data : dict of ndarray
        The numbers shown.
    ax_, figure_
        The axes and the figure, after `plot`.

    References
    ----------
    Fader, P. S., Hardie, B. G. S. & Lee, K. L. (2005). "Counting your customers" the easy way. Marketing Science 24(2),
    275-284, figure 2.

    Examples
    --------
    >>> from crmintel import BetaGeoNBD
    >>> from crmintel.plots.counts import PurchaseCountDisplay
    >>> model = BetaGeoNBD.from_params(r=0.243, alpha=4.414, a=0.793, b=2.426)
    >>> rows = model.sample(1_000, T=39, random_state=0)
    >>> display = PurchaseCountDisplay.from_estimator(model, rows, max_count=3)
    >>> display.data["actual"].tolist(), display.data["BetaGeoNBD"].round().tolist()
    ([590.0, 185.0, 90.0, 135.0], [574.0, 199.0, 85.0, 141.0])
    """

    def __init__(self, data: dict[str, NDArray[Any]]) -> None:
        self.data = data

    @classmethod
    def from_estimator(
        cls, models: Any, X: Any, *, max_count: int = 7, sample_weight: ArrayLike | None = None
    ) -> Self:
        """Count the customers and sum the models' chances, each customer over its own time T.

        Parameters
        ----------
        models : fitted model or dict
            A model of repeat purchases, or several by name.
        X : CustomerRows, frame or array
            ``frequency, recency, T``, and the covariates that the models know.
        max_count : int, default=7
            Customers with this many repeat purchases or more stand together.
        sample_weight : array of shape (n_customers,), optional
            How many customers share each row.

        Raises
        ------
        UnitError
            If the unit of time of ``X`` is not that of a model.
        """
        top = int(check_number(max_count, "max_count", low=1, integer=True))
        named = named_models(models)
        histories = read_histories(X)
        weights = read_weights(sample_weight, len(histories))
        together = np.minimum(histories.x, top).astype(np.int64)
        counts = np.arange(top + 1)
        data: dict[str, NDArray[Any]] = {
            "count": counts.astype(np.float64),
            "actual": np.bincount(together, weights, top + 1),
        }
        for name, model in named.items():
            check_same_unit(unit_of(X), model.unit_, f"{name} was fitted in")
            newcomers, expected = Newcomers(model), np.zeros(top)
            ages, customers = newcomers.by_age(X, weights)
            for age, of_age in zip(ages.tolist(), customers.T, strict=True):
                chances = newcomers.ask("purchase_count_pmf", age, counts[:-1])
                expected += (of_age[:, None] * chances).sum(axis=0)
            data[name] = np.append(expected, weights.sum() - expected.sum())
        return cls(data)

    def plot(self, ax: Any = None) -> Self:
        """Draw bars side by side.

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
        counts = self.data["count"]
        shown = [name for name in self.data if name != "count"]
        width = 0.8 / len(shown)
        for place, name in enumerate(shown):
            style = {"color": "black"} if name == "actual" else {}
            ax.bar(
                counts + (place - (len(shown) - 1) / 2) * width, self.data[name], width, label=name, **style
            )
        labels = [f"{count:g}" for count in counts[:-1]] + [f"{counts[-1]:g}+"]
        ax.set(xlabel="repeat purchases", ylabel="customers", xticks=counts, xticklabels=labels)
        ax.legend()
        self.ax_, self.figure_ = ax, ax.figure
        return self
