"""The whole path as one estimator: validate on later dates, refit on everything, decide at the end of the log."""

from __future__ import annotations

import warnings
from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin, clone
from sklearn.exceptions import NotFittedError
from sklearn.utils.validation import check_is_fitted

from crmintel._progress import progress
from crmintel._validation import check_number
from crmintel.churn.labels import churn_snapshots
from crmintel.churn.model import make_churn_pipeline
from crmintel.decisions.actions import next_actions
from crmintel.decisions.movement import recent_tiers
from crmintel.decisions.quadrants import ValueQuadrants
from crmintel.decisions.table import DecisionTable
from crmintel.decisions.validation import purchase_model, validate_churn, validate_offers, validate_value
from crmintel.exceptions import DataWarning, DateRangeError, InputError
from crmintel.features.rfm import RFMScorer
from crmintel.features.summary import CustomerSummary
from crmintel.lifetime.bgnbd import BetaGeoNBD
from crmintel.lifetime.value import LifetimeValue
from crmintel.patterns.itemsets import FrequentItemsets
from crmintel.patterns.recommender import RuleRecommender
from crmintel.patterns.rules import AssociationRules
from crmintel.segments.tiers import ValueTiers
from crmintel.transactions.calendar import in_days
from crmintel.transactions.log import TransactionLog
from crmintel.transactions.reader import LogReader, check_log


class CustomerBaseAnalysis(LogReader, TransformerMixin, BaseEstimator):
    """Turn a log into one row per customer: segment, tier, value, churn risk, next offer, what to do.

    ``fit`` first measures the value and the churn model on later dates that were held out, then refits both on the
    whole log; ``transform`` decides at the end of a log. What a log cannot answer is left out and said so: without
    amounts there is no money (no tiers, value, quadrants), without items no offer.

    Parameters
    ----------
    horizon : str or float, default="13W"
        How far ahead value and churn look; a number counts days. A customer churns who does not buy within it.
    margin : float, default=1.0
        Share of sales that is profit.
    discount_rate : float, default=0.0
        Effective rate per year at which later money counts less.
    min_support : float or int, default=0.005
        Smallest share (int: number) of baskets that hold the items of one of ``rules_``.
    min_confidence : float, default=0.2
        Smallest confidence of one of ``rules_``.
    n_offers : int, default=1
        Offers per customer.
    value, churn, segments, tiers, rules, recommender : estimator, optional
        Take the place of ``LifetimeValue``, ``make_churn_pipeline()``, ``RFMScorer()``, ``ValueTiers()``,
        ``AssociationRules`` and ``RuleRecommender()``; they are cloned. A ``value`` keeps its own horizon, margin and
        rate.
    random_state : int, default=0
        Seed of the churn model.
    verbose : bool or int, default=0
        Whether to show the steps.

    Attributes
    ----------
    validation_ : dict
        ``"value"``: errors of expected purchases and spend on held-out dates, beside each customer's past rate, and the
        ``verdict`` of `backtest`; `notes_` has it where ``is_better`` is False.
        ``"churn"``: AUC, Brier score and top-decile lift at an as-of date after all training labels end, beside
        recency and the base rate. ``"offers"``: how often customers then bought what would have been offered, beside
        the offer of what most have bought. A part that the log is too short for is left out, and `notes_` says so.
    notes_ : list of str
        What was left out, and why; and what to mind: forecasts that are not better than naive ones, and one-time
        buyers that all pass for alive.
    segments_, tiers_, value_, quadrants_, churn_, recommender_ : fitted estimators
        ``None`` where left out; ``value_`` reads the rows of ``summary_``.
    tier_history_ : SegmentHistory or None
        Tiers by the spend of the last ``horizon`` and of the one before it, measured by the tiers of the earlier:
        ``tier_history_.migration()`` is who moved where, with the money, and ``tier_history_.early_warning()`` lists
        who fell or stayed away. None without money, or where the log is shorter than two horizons.
    rules_ : RuleSet or None
        What stands on one bill together: the rules of baskets with lift above 1. Offers come from ``recommender_``,
        whose rules of customers tell better what a customer will buy for the first time.
    summary_ : CustomerSummary
    purchases_ : estimator
        The purchase model: that of ``value_``, or alone where there is no money.
    has_money_, has_items_ : bool
        What the log holds.

    Examples
    --------
    >>> import crmintel as ci
    >>> log, truth = ci.datasets.make_transactions(n_customers=400, random_state=1)
    >>> analysis = ci.CustomerBaseAnalysis(horizon="8W").fit(log)
    >>> table = analysis.transform(log)
    >>> len(table)
    400
    """

    def __init__(
        self,
        horizon: str | float = "13W",
        *,
        margin: float = 1.0,
        discount_rate: float = 0.0,
        min_support: float = 0.005,
        min_confidence: float = 0.2,
        n_offers: int = 1,
        value: Any = None,
        churn: Any = None,
        segments: Any = None,
        tiers: Any = None,
        rules: Any = None,
        recommender: Any = None,
        random_state: int = 0,
        verbose: bool | int = 0,
    ) -> None:
        self.horizon = horizon
        self.margin = margin
        self.discount_rate = discount_rate
        self.min_support = min_support
        self.min_confidence = min_confidence
        self.n_offers = n_offers
        self.value = value
        self.churn = churn
        self.segments = segments
        self.tiers = tiers
        self.rules = rules
        self.recommender = recommender
        self.random_state = random_state
        self.verbose = verbose

    def fit(self, X: TransactionLog, y: Any = None) -> Self:
        """Validate on held-out later dates, then fit every part on the whole log.

        Parameters
        ----------
        X : TransactionLog
        y : None
            Ignored.

        Returns
        -------
        CustomerBaseAnalysis

        Raises
        ------
        DateRangeError
            If the horizon is longer than the log.
        """
        log = check_log(X)
        days = check_number(in_days(self.horizon, "horizon"), "horizon", low=0.0, strict_low=True)
        check_number(self.n_offers, "n_offers", low=1, integer=True)
        check_number(self.margin, "margin", low=0.0, high=1.0)
        check_number(self.discount_rate, "discount_rate", low=0.0)
        is_share = isinstance(self.min_support, float | np.floating)
        check_number(
            self.min_support, "min_support", low=0.0, high=1.0 if is_share else None, strict_low=True
        )
        check_number(self.min_confidence, "min_confidence", low=0.0, high=1.0)
        observed = int((log.end - log.start).astype("timedelta64[D]").astype(int)) + 1
        if days >= observed:
            raise DateRangeError(
                f"horizon={self.horizon!r} is {days:g} days, the log covers {observed} ({log.start}..{log.end}); "
                "choose a horizon shorter than the log."
            )
        self.notes_: list[str] = []
        self.validation_: dict[str, Any] = {}
        has_money = log.lines.amount is not None
        self.has_money_, self.has_items_ = has_money, log.lines.item is not None
        if not has_money:
            self.notes_.append("the log has no amounts: no tiers, value or quadrants")
        steps: list[tuple[str, Any]] = [
            ("value on held-out dates", lambda: self._validate_value(log, days)),
            (
                "churn on held-out dates",
                lambda: self._try("churn", lambda: validate_churn(self._churn(), log, days)),
            ),
            ("offers on held-out dates", lambda: self._validate_offers(log, days)),
            ("value", lambda: self._fit_value(log)),
            ("segments and tiers", lambda: self._fit_groups(log)),
            ("moves between tiers", lambda: self._fit_moves(log, days)),
            ("churn", lambda: self._fit_churn(log, days)),
            ("offers", lambda: self._fit_offers(log)),
        ]
        for _, step in progress(steps, verbose=self.verbose, label="customer base analysis"):
            step()
        return self

    def transform(self, X: TransactionLog) -> DecisionTable:
        """Decide at the end of the log.

        Parameters
        ----------
        X : TransactionLog

        Returns
        -------
        DecisionTable
            One row per customer, with these columns as far as the log has what they need:

            ``customer``
                The id.
            ``segment``, ``tier``
                Name by recency, frequency and money (`RFMScorer`); by share of sales (`ValueTiers`).
            ``historic_value``, ``current_value``
                Margin x net sales: of all time, and of the last 365 days. Money of the log.
            ``potential_value``
                Margin x expected sales of the horizon after the end of the log, discounted.
            ``quadrant``
                What current and potential value together suggest (`ValueQuadrants`).
            ``probability_alive``, ``expected_purchases``
                Whether the customer still is one; purchases in the horizon (days with a purchase). To the BG/NBD, the
                default, every customer who bought once is one for certain; `ModifiedBetaGeoNBD` doubts that.
            ``churn_risk``
                Probability of no purchase within the horizon.
            ``offer``
                The item to offer next, None where there is none (``offer_1, offer_2, ...`` for several).
            ``action``
                What to do, from quadrant and risk.
        """
        check_is_fitted(self)
        log = check_log(X)
        columns: dict[str, Any] = {}
        if self.segments_ is not None:
            columns["segment"] = self.segments_.predict(log)
        rows = self.summary_.transform(log)
        if self.tiers_ is not None:
            columns["tier"] = self.tiers_.predict(log)
        if self.value_ is not None and self.quadrants_ is not None:
            values = self.value_.transform(rows)
            columns["historic_value"], columns["current_value"], columns["potential_value"] = np.asarray(
                values
            ).T
            columns["quadrant"] = self.quadrants_.predict(values)
        columns["probability_alive"] = self.purchases_.probability_alive(rows)
        columns["expected_purchases"] = self.purchases_.expected_purchases(rows, horizon=self._span())
        if self.churn_ is not None:
            columns["churn_risk"] = self.churn_.predict_proba(log)[:, -1]
        if self.recommender_ is not None:
            columns["offer"] = self.recommender_.recommend(log, n=self.n_offers)
        table = DecisionTable(log, **columns)
        return DecisionTable(log, **{**columns, "action": next_actions(table.columns)})

    def fit_transform(self, X: TransactionLog, y: Any = None, **fit_params: Any) -> DecisionTable:
        """Fit on the log and decide at its end.

        Parameters
        ----------
        X : TransactionLog
        y : None
            Ignored.
        **fit_params : dict
            Ignored.

        Returns
        -------
        DecisionTable
        """
        return self.fit(X).transform(X)

    def _span(self) -> str:
        return f"{in_days(self.horizon, 'horizon'):g}D"

    def _value(self) -> Any:
        if self.value is not None:
            return clone(self.value)
        return LifetimeValue(horizon=self._span(), margin=self.margin, discount_rate=self.discount_rate)

    def _churn(self) -> Any:
        return (
            make_churn_pipeline(random_state=self.random_state) if self.churn is None else clone(self.churn)
        )

    def _try(self, part: str, measure: Any) -> None:
        try:
            self.validation_[part] = measure()
        except (InputError, NotFittedError) as reason:
            self._leave_out(f"{part} is not validated", reason)

    def _validate_value(self, log: TransactionLog, days: float) -> None:
        self._try("value", lambda: validate_value(self._value(), log, days))
        measured = self.validation_.get("value", {"is_better": True})
        if not measured["is_better"]:
            self.notes_.append(measured["verdict"])

    def _leave_out(self, what: str, reason: Exception) -> None:
        note = f"{what}: {reason}"
        self.notes_.append(note)
        warnings.warn(note, DataWarning, stacklevel=2)

    def _fit_value(self, log: TransactionLog) -> None:
        extra = ("spend", "spend_last_year") if self.has_money_ else ()
        self.summary_ = CustomerSummary(unit="week", extra=extra).fit(log)
        rows = self.summary_.transform(log)
        self.value_ = self.quadrants_ = None
        value = self._value()
        if self.has_money_:
            try:
                self.value_ = value.fit(rows)
                self.quadrants_ = ValueQuadrants().fit(self.value_.transform(rows))
                self.purchases_ = self.value_.transactions_
            except InputError as reason:
                self.value_ = self.quadrants_ = None
                self._leave_out("there is no value and no quadrant", reason)
        if self.value_ is None:
            self.purchases_ = purchase_model(value).fit(rows)
        once = int((rows[:, 0] == 0).sum())
        if type(self.purchases_) is BetaGeoNBD and 2 * once > len(log):
            self.notes_.append(
                f"BG/NBD takes all {once:,} who bought once for alive, however long ago; "
                "value=LifetimeValue(transactions=ModifiedBetaGeoNBD(), ...) doubts that"
            )

    def _fit_groups(self, log: TransactionLog) -> None:
        self.segments_ = self.tiers_ = None
        if self.has_money_:
            self.segments_ = (RFMScorer() if self.segments is None else clone(self.segments)).fit(log)
            self.tiers_ = self._tiers().fit(log)

    def _tiers(self) -> Any:
        return ValueTiers() if self.tiers is None else clone(self.tiers)

    def _fit_moves(self, log: TransactionLog, days: float) -> None:
        self.tier_history_ = None
        if self.has_money_:
            try:
                self.tier_history_ = recent_tiers(self._tiers(), log, days)
            except InputError as reason:
                self._leave_out("who moved between tiers is not known", reason)

    def _fit_churn(self, log: TransactionLog, days: float) -> None:
        self.churn_ = None
        try:
            self.churn_ = self._churn().fit(*churn_snapshots(log, days))
        except InputError as reason:
            self._leave_out("there is no churn risk", reason)

    def _recommender(self) -> Any:
        return RuleRecommender() if self.recommender is None else clone(self.recommender)

    def _validate_offers(self, log: TransactionLog, days: float) -> None:
        if self.has_items_:
            self._try("offers", lambda: validate_offers(self._recommender(), log, days, int(self.n_offers)))

    def _fit_offers(self, log: TransactionLog) -> None:
        self.rules_ = self.recommender_ = None
        if not self.has_items_:
            self.notes_.append("the log has no items: no offers")
            return
        baskets = log.baskets()
        if len(baskets) == 0:
            self.notes_.append("no line of the log is a purchase with an item: no offers")
            return
        self.recommender_ = self._recommender().fit(log)
        found = (self._rules() if self.rules is None else clone(self.rules)).fit(baskets).rules_
        # at lower lift those who have the one buy the other less than all do
        self.rules_ = found[found.lift > 1.0]
        if len(self.rules_) == 0:
            self.notes_.append(
                f"nothing is bought together: no rule of lift above 1 among the {len(found):,} of "
                f"min_support={self.min_support} and min_confidence={self.min_confidence}"
            )

    def _rules(self) -> AssociationRules:
        return AssociationRules(
            FrequentItemsets(min_support=self.min_support, max_length=3), min_value=self.min_confidence
        )
