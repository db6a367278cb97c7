"""Drift: are the customers to be scored still like those the model has learned from?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import chi2

from crmintel._frames import build_frame, open_frame
from crmintel._validation import check_flag, check_number
from crmintel.churn.inputs import ChurnInputs
from crmintel.churn.separation import separation
from crmintel.exceptions import ColumnError, InputError
from crmintel.transactions.log import TransactionLog

_MOST_SAID = 5  # new categories of a column; `DriftTable.new` and `to_frame` have all


@dataclass(frozen=True, slots=True)
class DriftTable:
    """How far each column has moved from the data of the fit, the farthest first.

    Attributes
    ----------
    column : list of str
        Names.
    psi : ndarray
        Population stability index: sum of ``(q - p) log(q / p)`` over the bins of the column.
    chance : ndarray
        The psi that samples of these sizes from one population exceed in one of 1,000 cases.
    missing_before, missing_now : ndarray
        Shares of missing values.
    new : list of tuple
        Categories that the fit did not see.
    limit : float
        From which psi on a column counts as drifted.
    auc, auc_low, auc_high : float
        How well trees tell the sides apart by all columns together, as area under the ROC curve on rows held out, and
        its 95 % interval: .5 where nothing has moved. It also sees what no single column shows, such as two columns
        that no longer go together. NaN below 10 rows of a side, and without ``together``.
    library : str or None
        Of the frame that `to_frame` gives.

    Examples
    --------
    >>> import numpy as np
    >>> import crmintel as ci
    >>> table = ci.check_drift({"age": np.arange(100) % 50}, {"age": np.arange(100) % 50 + 20})
    >>> table.drifted
    ['age']
    """

    column: list[str]
    psi: NDArray[np.float64]
    chance: NDArray[np.float64]
    missing_before: NDArray[np.float64]
    missing_now: NDArray[np.float64]
    new: list[tuple[str, ...]]
    limit: float
    auc: float
    auc_low: float
    auc_high: float
    library: str | None = None

    def __len__(self) -> int:
        return len(self.column)

    @property
    def drifted(self) -> list[str]:
        """Columns whose psi is above ``limit`` and beyond chance."""
        moved = (self.psi > self.limit) & (self.psi > self.chance)
        return [name for name, is_moved in zip(self.column, moved) if is_moved]

    def __str__(self) -> str:
        lines = [
            f"{len(self.drifted)} of {len(self)} columns have drifted (psi above {self.limit:g} and beyond chance)"
        ]
        if not np.isnan(self.auc):
            lines.append(
                f"all columns together tell the sides apart with an AUC of {self.auc:.2f} "
                f"({self.auc_low:.2f} to {self.auc_high:.2f}; 0.5 is chance)"
            )
        for name in self.drifted:
            i = self.column.index(name)
            new = f"; new: {_said(self.new[i])}" if self.new[i] else ""
            lines.append(
                f"  {name}: psi {self.psi[i]:.2f} (chance {self.chance[i]:.2f}), "
                f"missing {self.missing_before[i]:.1%} -> {self.missing_now[i]:.1%}{new}"
            )
        lines += [
            f"  {name} has new categories: {_said(new)}"
            for name, new in zip(self.column, self.new)
            if new and name not in self.drifted
        ]
        return "\n".join(lines)

    def to_frame(self) -> Any:
        """Return one row per column, in the library of the data now (a dict for arrays).

        Returns
        -------
        frame
        """
        columns = {
            "column": np.array(self.column, dtype=object),
            "psi": self.psi,
            "chance": self.chance,
            "missing_before": self.missing_before,
            "missing_now": self.missing_now,
            "new": np.array([", ".join(new) for new in self.new], dtype=object),
        }
        return build_frame(columns, self.library)


def check_drift(
    before: Any, now: Any, *, features: Any = None, bins: int = 10, limit: float = 0.2, together: bool = True
) -> DriftTable:
    """Compare the customers to be scored with those of the fit, column by column.

    Numbers are cut at the quantiles of ``before``, categories are their own bins; missing values and new categories are
    bins, too. A bin that is empty on a side counts as half a customer. The index grows with small samples even where
    nothing moves: ``chance`` says how far. Then trees learn which side a row is from, by all columns at once, and are
    asked about rows held out (of at most 20,000 rows a side).

    Parameters
    ----------
    before, now : TransactionLog, frame, dict of arrays, or array of shape (n_samples, n_columns)
        What the model was fitted on, and what it shall score: of one kind. Logs are compared by their features.
    features : transformer, default=None
        What a log becomes; None is `BehaviourFeatures`.
    bins : int, default=10
        Of a number column; equal quantiles count once.
    limit : float, default=0.2
        A psi below 0.1 is commonly called stable, one above 0.2 or 0.25 a shift.
    together : bool, default=True
        Whether trees try to tell the sides apart; all else takes a fraction of the time.

    Returns
    -------
    DriftTable

    Raises
    ------
    ColumnError
        If ``now`` lacks a column.
    InputError
        If a side has no rows, or a parameter is out of bounds.
    InputTypeError
        If the sides are of different kinds.

    References
    ----------
    Siddiqi (2006), "Credit Risk Scorecards". Yurdakul (2018), "Statistical Properties of Population Stability Index":
    without drift ``psi / (1 / n + 1 / m)`` is chi-squared with one degree less than bins.
    Lopez-Paz and Oquab (2017), "Revisiting Classifier Two-Sample Tests", ICLR.

    Examples
    --------
    >>> import numpy as np
    >>> import crmintel as ci
    >>> rng = np.random.default_rng(0)
    >>> before = {"tenure": rng.exponential(20, 2000), "plan": rng.choice(["a", "b"], 2000)}
    >>> now = {"tenure": rng.exponential(20, 500), "plan": rng.choice(["a", "c"], 500)}
    >>> print(ci.check_drift(before, now))
    1 of 2 columns have drifted (psi above 0.2 and beyond chance)
    all columns together tell the sides apart with an AUC of 0.87 (0.85 to ...; 0.5 is chance)
      plan: psi 6.71 (chance 0.03), missing 0.0% -> 0.0%; new: c
    """
    bins = int(check_number(bins, "bins", low=2, high=1000, integer=True))
    limit = check_number(limit, "limit", low=0.0)
    inputs = ChurnInputs(features).fit(before)
    numbers = inputs.transform(before), inputs.transform(now)  # the same kind and columns, or a clear error
    sizes = [len(rows) for rows in numbers]
    if min(sizes) == 0:
        raise InputError(f"before has {sizes[0]} rows and now {sizes[1]}; both sides need at least one.")
    names = list(inputs.columns_)
    library = None
    texts: list[str] = []
    if inputs.kind_ == "frame":
        texts, names = inputs.texts_, list(inputs.numbers_)
        library = open_frame(now, "now").library
    elif isinstance(now, TransactionLog):
        library = now.library
    rows = []
    for j, name in enumerate(names):
        codes = _number_bins(numbers[0][:, j], numbers[1][:, j], bins)
        missing = [float(np.isnan(side[:, j]).mean()) for side in numbers]
        rows.append((name, *_psi(*codes), *missing, ()))
    for name in texts:
        words = [_words(side, name) for side in (before, now)]
        bin_of = np.unique(np.concatenate(words), return_inverse=True)[1]
        missing = [float((side == "").mean()) for side in words]
        new = tuple(word for word in np.setdiff1d(words[1], words[0]).tolist() if word)
        rows.append((name, *_psi(bin_of[: sizes[0]], bin_of[sizes[0] :]), *missing, new))
    rows.sort(key=lambda row: -row[1])
    column, psi, chance, missing_before, missing_now, new_words = zip(*rows)
    apart = np.nan, np.nan, np.nan
    if check_flag(together, "together"):
        who = (before.customers, now.customers) if inputs.kind_ == "log" else None
        apart = separation(np.asarray(numbers[0]), np.asarray(numbers[1]), who)
    return DriftTable(
        list(column), np.array(psi), np.array(chance), np.array(missing_before), np.array(missing_now),
        list(new_words), limit, *apart, library,
    )  # fmt: skip


def _said(words: tuple[str, ...]) -> str:
    more = f" and {len(words) - _MOST_SAID:,} more" if len(words) > _MOST_SAID else ""
    return ", ".join(words[:_MOST_SAID]) + more


def _words(frame: Any, name: str) -> NDArray[Any]:
    """Return a text column, "" where a value is missing."""
    table = open_frame(frame)
    if name not in table.names:
        raise ColumnError(f"now lacks {name!r}; it has {table.names}.")
    codes, labels = table.ids(name)  # code -1, where the value is missing, is the last word
    return np.array([*map(str, labels.tolist()), ""])[codes]


def _number_bins(
    before: NDArray[np.float64], now: NDArray[np.float64], bins: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the bin of each value; 0 is the missing one."""
    seen = before[~np.isnan(before)]
    if seen.size == 0:
        return np.zeros(before.size, np.int64), (~np.isnan(now)).astype(np.int64)
    edges = np.unique(np.quantile(seen, np.linspace(0.0, 1.0, bins + 1)[:-1], method="inverted_cdf"))
    codes = [np.where(np.isnan(v), 0, 1 + np.searchsorted(edges, v, side="right")) for v in (before, now)]
    return codes[0], codes[1]


def _psi(before: NDArray[np.int64], now: NDArray[np.int64]) -> tuple[float, float]:
    """Return the index and what chance alone reaches."""
    n_bins = int(max(before.max(), now.max())) + 1
    counts = np.array(
        [np.bincount(before, minlength=n_bins), np.bincount(now, minlength=n_bins)], dtype=np.float64
    )
    counts = counts[:, counts.any(axis=0)]
    p, q = np.maximum(counts, 0.5) / counts.sum(axis=1, keepdims=True)
    chance = float(chi2.ppf(0.999, max(1, p.size - 1)) * (1 / before.size + 1 / now.size))
    return float(((q - p) * np.log(q / p)).sum()), chance
