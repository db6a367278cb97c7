"""Would it have sold? Recommenders fitted on the past, judged by what was bought after, against simple ones."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crmintel._compat import as_generator
from crmintel._frames import build_frame
from crmintel._progress import progress
from crmintel._validation import check_choice, check_number
from crmintel.exceptions import DateRangeError, InputError, InputTypeError
from crmintel.patterns._held_out import Fold
from crmintel.patterns._ranking_metrics import METRICS
from crmintel.patterns._recommending import check_recommender
from crmintel.patterns.baselines import PopularityRecommender, RepeatPurchaseRecommender
from crmintel.transactions.calendar import as_date, in_days
from crmintel.transactions.log import TransactionLog
from crmintel.transactions.reader import check_log

TASKS = ("new", "repeat", "any")
_COLUMNS = (
    "value",
    "low",
    "high",
    "lift",
    "lift_low",
    "lift_high",
    "difference",
    "difference_low",
    "difference_high",
)


@dataclass(frozen=True, slots=True, repr=False)
class RecommenderEvaluation:
    """How recommenders did on held-out purchases, see `evaluate_recommender`.

    Attributes
    ----------
    names : tuple of str
        The recommenders, the baselines last.
    baseline : str
        The one that lifts and differences compare with.
    task : str
    k : tuple of int
    cutoffs : tuple of numpy.datetime64
        Last day that the recommenders knew, of each fold.
    horizon : int
        Days after it that were looked at.
    n_customers : int
        Customers with a history, summed over the folds.
    n_buyers : int
        Those of them who then bought an item that counts in the task; rates are means over these.
    columns : dict of str to ndarray
        The table of `to_frame`.

    Examples
    --------
    >>> import crmintel as ci
    >>> log, _ = ci.datasets.make_transactions(200, n_items=20, random_state=0)
    >>> result = ci.evaluate_recommender(ci.CoPurchaseRecommender(), log, horizon="8W", k=3, random_state=0)
    >>> result.names, result.baseline, sorted(result.lift("recall"))
    (('CoPurchaseRecommender', 'popularity'), 'popularity', ['CoPurchaseRecommender', 'popularity'])
    """

    names: tuple[str, ...]
    baseline: str
    task: str
    k: tuple[int, ...]
    cutoffs: tuple[np.datetime64, ...]
    horizon: int
    n_customers: int
    n_buyers: int
    columns: dict[str, NDArray[Any]]
    library: str | None

    def to_frame(self, library: str | None = None) -> Any:
        """Return one row for each recommender, metric and k.

        Parameters
        ----------
        library : {"pandas", "polars", "pyarrow"}, default=None
            None: that of the log, or a dict of arrays where it came from none.

        Returns
        -------
        frame
            Columns ``recommender``, ``metric``, ``k``, ``value`` with its interval ``low`` and ``high``, ``lift``
            (value over that of the baseline) and ``difference`` (less it), each with ``_low`` and ``_high``.
            ``coverage`` and ``filled`` have no interval: nan.
        """
        return build_frame(self.columns, library or self.library)

    def lift(self, metric: str = "ndcg", k: int | None = None) -> dict[str, float]:
        """Return each recommender's value over that of the baseline: 1.2 is 20 % better.

        Parameters
        ----------
        metric : str, default="ndcg"
        k : int, default=None
            None is the largest.
        """
        return self._column("lift", metric, k)

    def value(self, metric: str = "ndcg", k: int | None = None) -> dict[str, float]:
        """Return each recommender's value.

        Parameters
        ----------
        metric : str, default="ndcg"
        k : int, default=None
            None is the largest.
        """
        return self._column("value", metric, k)

    def _column(self, column: str, metric: str, k: int | None) -> dict[str, float]:
        check_choice(metric, "metric", tuple(dict.fromkeys(self.columns["metric"].tolist())))
        k = max(self.k) if k is None else check_choice(k, "k", self.k)
        rows = (self.columns["metric"] == metric) & (self.columns["k"] == k)
        names, values = self.columns["recommender"][rows], self.columns[column][rows]
        return dict(zip(names.tolist(), values.tolist(), strict=True))

    def __repr__(self) -> str:
        days = ", ".join(str(cutoff) for cutoff in self.cutoffs)
        k = max(self.k)
        width = max(map(len, self.names))
        lines = [
            f"RecommenderEvaluation({self.task} items in the {self.horizon} days after {days}: {self.n_buyers:,} of "
            f"{self.n_customers:,} customers bought some)",
            f"  {'':{width}}  " + "  ".join(f"{f'{metric}@{k}':>12}" for metric in (*METRICS, "coverage")),
        ]
        for name in self.names:
            values = (self.value(metric, k)[name] for metric in (*METRICS, "coverage"))
            lines.append(f"  {name:{width}}  " + "  ".join(f"{value:12.4f}" for value in values))
        return "\n".join(lines)


def evaluate_recommender(
    recommenders: Any,
    log: TransactionLog,
    *,
    cutoffs: Any = None,
    horizon: Any = "4W",
    k: Any = (1, 5, 10),
    task: str = "new",
    baseline: str | None = None,
    level: float = 0.95,
    n_bootstrap: int = 1000,
    random_state: Any = None,
    verbose: bool | int = 0,
) -> RecommenderEvaluation:
    """Fit recommenders on the log up to a date and judge them by what was bought after it.

    The baselines ``"popularity"`` (`PopularityRecommender`) and, unless new items are asked for, ``"repeat"``
    (`RepeatPurchaseRecommender`) are always judged beside, unless the names are taken.

    Parameters
    ----------
    recommenders : recommender, or dict of str to recommender
        Cloned and fitted on the past of each cutoff; anything with ``fit(log)`` and ``recommend(log, n,
        exclude_owned=...)``.
    log : TransactionLog
        With items.
    cutoffs : date or sequence of dates, default=None
        Last day that is known, of each fold; None is the latest after which the horizon fits into the log.
    horizon : number or str, default="4W"
        Days after the cutoff that are looked at, or text such as "8W".
    k : int or sequence of int, default=(1, 5, 10)
        Lengths of the list.
    task : {"new", "repeat", "any"}, default="new"
        What counts: items the customer had never bought (what is owned is then not recommended), items bought
        before, or both.
    baseline : str, default=None
        Name of the recommender to compare with; None is ``"popularity"`` for new items, ``"repeat"`` otherwise.
    level : float, default=0.95
        Of the intervals.
    n_bootstrap : int, default=1000
        Resamples of the customers; one customer's folds stay together, and all recommenders see the same ones.
    random_state : int, Generator or RandomState, default=None
        Draws the resamples.
    verbose : bool or int, default=0
        Draw a progress bar.

    Returns
    -------
    RecommenderEvaluation
        Per recommender and k, as means over the customers who then bought at least one item that counts:
        ``hit_rate`` (share with a hit among the first k), ``precision`` (hits / k), ``recall`` (hits / items that
        count), ``ndcg``, ``mrr`` (1 / place of the first hit); over all customers: ``coverage`` (items recommended to
        somebody / items ever bought) and ``filled`` (share of the k places with an item). Customers who bought
        nothing that counts are in ``n_customers``, not in ``n_buyers``.

    Raises
    ------
    DateRangeError
        If a cutoff lies outside the log, or the horizon reaches beyond its end.
    InputError
        If nobody bought an item that counts, or a recommender holds rules that may know the future.

    References
    ----------
    .. [1] Ji, Y., Sun, A., Zhang, J., Li, C. (2023). A critical study on data leakage in recommender system offline
       evaluation. ACM Transactions on Information Systems 41(3): why one date splits all customers.
    .. [2] Field, C. A., Welsh, A. H. (2007). Bootstrapping clustered data. Journal of the Royal Statistical Society B
       69(3), 369-390.

    Examples
    --------
    >>> import crmintel as ci
    >>> log, _ = ci.datasets.make_transactions(200, n_items=20, random_state=0)
    >>> items = {"together": ci.CoPurchaseRecommender()}
    >>> result = ci.evaluate_recommender(items, log, horizon="8W", k=(1, 3), task="any", random_state=0)
    >>> result.names, result.baseline, len(result.to_frame()["value"])
    (('together', 'popularity', 'repeat'), 'repeat', 42)
    """
    check_log(log, "log")
    check_choice(task, "task", TASKS)
    ks = _lengths(k)
    days = round(check_number(in_days(horizon, "horizon"), "horizon", low=1, high=1e6))
    check_number(level, "level", low=0.0, high=1.0, strict_low=True, strict_high=True)
    n_bootstrap = int(check_number(n_bootstrap, "n_bootstrap", low=1, integer=True))
    named = _with_baselines(recommenders, task)
    compare = check_choice(
        ("popularity" if task == "new" else "repeat") if baseline is None else baseline,
        "baseline",
        tuple(named),
    )
    rng = as_generator(random_state)
    dates = _cutoffs(cutoffs, log, days)
    jobs = [(date, name) for date in dates for name in named]
    folds = {date: Fold.of(log, date, days, task) for date in dates}
    n_buyers = sum(int((fold.n_relevant > 0).sum()) for fold in folds.values())
    if n_buyers == 0:
        raise InputError(
            f"nobody bought {'an item' if task == 'any' else f'a {task} item'} in the {days} days after "
            f"{', '.join(map(str, dates))}; choose other cutoffs or a longer horizon."
        )
    shape = (len(named), len(METRICS), len(ks))
    sums, whole = np.zeros((len(log), *shape)), np.zeros((len(named), 2, len(ks)))
    for date, name in progress(jobs, verbose=verbose, label="recommenders"):
        fold, at = folds[date], list(named).index(name)
        values, overall = fold.judge(named[name], ks, exclude_owned=task == "new")
        sums[fold.customers, at] += values
        whole[at] += overall / len(dates)
    n_folds = np.zeros(len(log))
    for fold in folds.values():
        n_folds[fold.customers] += fold.n_relevant > 0
    estimates = _estimates(sums, n_folds, list(named).index(compare), n_bootstrap, level, rng)
    return RecommenderEvaluation(
        names=tuple(named), baseline=compare, task=task, k=ks, cutoffs=tuple(dates), horizon=days,
        n_customers=sum(fold.customers.size for fold in folds.values()), n_buyers=n_buyers,
        columns=_table(tuple(named), ks, estimates, whole, list(named).index(compare)), library=log.library,
    )  # fmt: skip


def _estimates(
    sums: NDArray[np.float64],
    n_folds: NDArray[np.float64],
    base: int,
    n_bootstrap: int,
    level: float,
    rng: np.random.Generator,
) -> dict[str, NDArray[np.float64]]:
    """Return every column of `_COLUMNS`, of shape (recommenders, metrics, cutoffs)."""
    judged = n_folds > 0
    shape = sums.shape[1:]
    totals, n_folds = sums[judged].reshape(-1, int(np.prod(shape))), n_folds[judged]
    means = np.empty((n_bootstrap, *shape))
    for b in range(n_bootstrap):
        weight = np.bincount(rng.integers(0, n_folds.size, n_folds.size), minlength=n_folds.size)
        means[b] = ((weight @ totals) / (weight @ n_folds)).reshape(shape)
    value = (totals.sum(axis=0) / n_folds.sum()).reshape(shape)
    with np.errstate(divide="ignore", invalid="ignore"):  # a baseline that never hits
        estimates = {
            "value": (value, means),
            "lift": (value / value[base], means / means[:, [base]]),
            "difference": (value - value[base], means - means[:, [base]]),
        }
    columns = {}
    for name, (estimate, resampled) in estimates.items():
        prefix = "" if name == "value" else f"{name}_"
        columns[name] = estimate
        for side, share in (("low", (1 - level) / 2), ("high", (1 + level) / 2)):
            columns[prefix + side] = np.quantile(resampled, share, axis=0, method="inverted_cdf")
    return columns


def _table(
    names: tuple[str, ...],
    ks: tuple[int, ...],
    estimates: dict[str, NDArray[np.float64]],
    whole: NDArray[np.float64],
    base: int,
) -> dict[str, NDArray[Any]]:
    metrics = (*METRICS, "coverage", "filled")
    shape = (len(names), len(metrics), len(ks))
    with np.errstate(divide="ignore", invalid="ignore"):
        overall = {"value": whole, "lift": whole / whole[base], "difference": whole - whole[base]}
    labels = np.meshgrid(np.array(names, dtype=object), np.array(metrics, dtype=object), ks, indexing="ij")
    columns: dict[str, NDArray[Any]] = dict(
        zip(("recommender", "metric", "k"), (each.ravel() for each in labels), strict=True)
    )
    for name in _COLUMNS:
        values = np.full(shape, np.nan)
        values[:, : len(METRICS)] = estimates[name]
        values[:, len(METRICS) :] = overall.get(name, np.nan)
        columns[name] = values.ravel()
    return columns


def _lengths(k: Any) -> tuple[int, ...]:
    ks = k if np.ndim(k) > 0 else [k]
    lengths = tuple(int(check_number(each, "k", low=1, integer=True)) for each in ks)
    if not lengths or len(set(lengths)) < len(lengths):
        raise InputError(f"k must hold different lengths of the list, at least one; got {k!r}.")
    return lengths


def _cutoffs(cutoffs: Any, log: TransactionLog, days: int) -> list[np.datetime64]:
    end = log.end.astype("datetime64[D]")
    if cutoffs is None:
        last = end - np.timedelta64(days, "D")
        if last < log.start.astype("datetime64[D]"):
            raise DateRangeError(
                f"the horizon of {days} days leaves no past: the log covers {log.start}..{log.end}; choose a shorter "
                "one."
            )
        return [last]
    several = np.ndim(cutoffs) > 0
    dates = [as_date(date, "cutoffs", log.timezone) for date in (cutoffs if several else [cutoffs])]
    if not dates or len(set(dates)) < len(dates):
        raise InputError(f"cutoffs must hold different dates, at least one; got {cutoffs!r}.")
    late = next(
        (date for date in dates if date.astype("datetime64[D]") + np.timedelta64(days, "D") > end), None
    )
    if late is not None:
        raise DateRangeError(
            f"the {days} days after {late} reach beyond the end of the log ({log.end}); choose an earlier cutoff or a "
            "shorter horizon."
        )
    return dates


def _with_baselines(recommenders: Any, task: str) -> dict[str, Any]:
    """Return the recommenders by name, and the baselines whose names are free."""
    if isinstance(recommenders, list | tuple):
        raise InputTypeError("several recommenders go in as a dict, each under its name; got a list.")
    named = (
        dict(recommenders)
        if isinstance(recommenders, Mapping)
        else {type(recommenders).__name__: recommenders}
    )
    for name, recommender in named.items():
        if not isinstance(name, str):
            raise InputTypeError(f"recommenders must be a dict with names as keys, got the key {name!r:.80}.")
        check_recommender(recommender, name if isinstance(recommenders, Mapping) else "recommenders")
    named.setdefault("popularity", PopularityRecommender())
    if task != "new":
        named.setdefault("repeat", RepeatPurchaseRecommender())
    return named
