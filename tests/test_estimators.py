"""Every public estimator keeps what an estimator of customers promises."""

from __future__ import annotations

import inspect
import pkgutil
from importlib import import_module

import numpy as np
import pytest
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.utils import estimator_checks
from sklearn.utils.validation import check_is_fitted

import crmintel as ci
from crmintel.features.rows import CustomerRows
from crmintel.testing import CHECKS, all_estimators, check_customer_estimator
from crmintel.testing.checks import Case

ESTIMATORS = all_estimators()
SUMMARY = ci.CustomerSummary(unit="week", extra=("spend", "spend_last_year"))


def rows(log):
    return SUMMARY.fit_transform(log)


def spaced_rows(log):
    return ci.CustomerSummary(unit="week", extra=("sum_log_gaps",)).fit_transform(log)


def current_and_potential(log):
    values = make_pipeline(SUMMARY, ci.LifetimeValue(horizon=13)).fit_transform(log)
    return values[:, 1:]


def itemsets():
    return ci.FrequentItemsets(min_support=0.02)


def contracts(log):
    """Silence for 8 weeks taken for the end of a contract that runs by the month."""
    recency, T = rows(log)[:, 1:3].T
    gone = T - recency > 8
    months = np.where(gone, recency, T) // 4 + gone
    return CustomerRows(np.column_stack([months, gone]), ("duration", "churned"))


def tiers_twice(log):
    """Fixed tiers of the spend before and after the middle of 2023, as two columns."""
    last_half = log.spend_since(np.full(len(log), np.datetime64("2023-07-01")))
    tiers = ci.ValueTiers().fit(np.geomspace(1, 1000, 50))
    return np.column_stack([tiers.predict(log.spend() - last_half), tiers.predict(last_half)])


def rows_and_habit(log):
    """Numbers, and a last column of codes."""
    values = rows(log)
    return np.column_stack([values, np.minimum(values[:, 0], 3)])


def heavy_or_light(X):
    return np.where(X[:, 0] > 1, "heavy", "light")


# An estimator as it is checked, and how its X is made of a log (None: X is the log).
CASES = {
    "AssociationRules": (ci.AssociationRules(itemsets(), min_value=0.1), ci.TransactionLog.baskets),
    "BehaviourFeatures": (ci.BehaviourFeatures(), None),
    "BetaDiscreteWeibull": (ci.BetaDiscreteWeibull(horizon=6, penalty=1.0), contracts),
    "BetaGeoBetaBinomial": (
        ci.BetaGeoBetaBinomial(horizon=13),
        ci.CustomerSummary(unit="week", collapse="week").fit_transform,
    ),
    "BetaGeoCNBD": (ci.BetaGeoCNBD(horizon=13), spaced_rows),
    "BetaGeoNBD": (ci.BetaGeoNBD(horizon=13), rows),
    "ClusterSelection": (
        ci.ClusterSelection(k=range(2, 4), n_splits=1, n_bootstrap=2, random_state=0),
        rows,
    ),
    "CoPurchaseRecommender": (ci.CoPurchaseRecommender(), None),
    "CustomerBaseAnalysis": (ci.CustomerBaseAnalysis(), None),
    "CustomerKMeans": (ci.CustomerKMeans(n_clusters=3, random_state=0), rows),
    "CustomerOutliers": (ci.CustomerOutliers(random_state=0), rows),
    "CustomerSummary": (ci.CustomerSummary(unit="week", extra=("spend", "sum_log_gaps")), None),
    "FrequentItemsets": (itemsets(), ci.TransactionLog.baskets),
    "FrequentSequences": (ci.FrequentSequences(min_support=0.1), lambda log: log.sequences()),
    "CorrelatedSpend": (ci.CorrelatedSpend(), rows),
    "GowerMedoids": (ci.GowerMedoids(3, categorical=[-1], random_state=0), rows_and_habit),
    "GammaGamma": (ci.GammaGamma(), rows),
    "GoldenCustomers": (ci.GoldenCustomers(min_periods=2), None),
    "HazardModel": (ci.HazardModel(horizon=6), rows),
    "HeavyHalf": (ci.HeavyHalf(), None),
    "HighUtilityItemsets": (ci.HighUtilityItemsets(top_k=20), None),
    "KPrototypes": (ci.KPrototypes(3, categorical=[-1], random_state=0), rows_and_habit),
    "LifetimeValue": (ci.LifetimeValue(horizon=13), rows),
    "LoyaltyIndex": (ci.LoyaltyIndex(unit="week"), None),
    "LogCleaner": (ci.LogCleaner(), None),
    "LogNormalSpend": (ci.LogNormalSpend(), rows),
    "NBD": (ci.NBD(horizon=13), rows),
    "ModifiedBetaGeoCNBD": (ci.ModifiedBetaGeoCNBD(horizon=13, k=2), rows),
    "ModifiedBetaGeoNBD": (ci.ModifiedBetaGeoNBD(horizon=13), rows),
    "ParetoNBD": (ci.ParetoNBD(horizon=13), rows),
    "PopularityRecommender": (ci.PopularityRecommender(half_life="8W"), None),
    "NextItem": (ci.NextItem(ci.FrequentSequences(min_support=0.1)), lambda log: log.sequences()),
    "ProfitClassifier": (ci.ProfitClassifier(LogisticRegression(), clv=60.0, incentive=2.0), rows),
    "RFMScorer": (ci.RFMScorer(), None),
    "RepeatPurchaseRecommender": (ci.RepeatPurchaseRecommender(), None),
    "RuleRecommender": (
        ci.RuleRecommender(ci.AssociationRules(itemsets(), min_value=0.1)),
        ci.TransactionLog.baskets,
    ),
    "SatisfactionLoyalty": (ci.SatisfactionLoyalty(random_state=0), lambda log: rows(log)[:, :1]),
    "SegmentMigration": (ci.SegmentMigration(order=ci.ValueTiers().fit([1.0]).labels_), tiers_twice),
    "SegmentProfile": (ci.SegmentProfile(), rows),
    "SegmentRules": (ci.SegmentRules(), rows),
    "SeasonalModel": (
        ci.SeasonalModel(ci.BetaGeoNBD(), ci.SeasonalProfile(np.linspace(0.5, 1.5, 12)), horizon="13W"),
        ci.CustomerSummary(unit="week", extra=("as_of",)).fit_transform,
    ),
    "ShiftedBetaGeometric": (ci.ShiftedBetaGeometric(horizon=6), contracts),
    "ValueQuadrants": (ci.ValueQuadrants(), current_and_potential),
    "ValueTiers": (ci.ValueTiers(), None),
}
# The y of those that need one, made of X.
TARGETS = {
    "HazardModel": lambda X: np.column_stack([1 + X[:, 2] // 20, X[:, 2] - X[:, 1] > 8]),
    "ProfitClassifier": lambda X: X[:, 0] > 1,
    "SatisfactionLoyalty": lambda X: X[:, 0] > 1,
    "SegmentRules": heavy_or_light,
    "SegmentProfile": heavy_or_light,
}
SLOW = {"CustomerBaseAnalysis"}  # half a minute: it validates and refits every part at each fit


@pytest.fixture(scope="module")
def log():
    simulated, _ = ci.datasets.make_transactions(150, random_state=0)
    ages = {"id": simulated.customers, "age": np.arange(len(simulated)) % 60}
    return simulated.with_customers(ages, customer="id")


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.slow if name in SLOW else ()) for name in ESTIMATORS]
)
def test_the_promises_of_an_estimator_of_customers(name, log):
    estimator, prepare = CASES[name]
    check_customer_estimator(
        estimator,
        log,
        prepare=prepare,
        target=TARGETS.get(name),
    )


@pytest.mark.parametrize("name", ESTIMATORS)
@pytest.mark.parametrize(
    "check",
    [
        estimator_checks.check_no_attributes_set_in_init,
        estimator_checks.check_get_params_invariance,
        estimator_checks.check_set_params,
        estimator_checks.check_estimator_repr,
        estimator_checks.check_estimator_tags_renamed,
        estimator_checks.check_valid_tag_types,
        estimator_checks.check_estimator_cloneable,
    ],
    ids=lambda check: check.__name__,
)
def test_scikit_learns_checks_that_need_no_data(name, check):
    """The checks that feed X are for estimators of plain numbers: tests/segments runs them all on CustomerKMeans."""
    check(name, CASES[name][0])


@pytest.mark.parametrize("name", ESTIMATORS)
def test_a_shared_default_cannot_leak(name):
    """No default is an object that two estimators could share and one of them change."""
    for parameter in inspect.signature(ESTIMATORS[name]).parameters.values():
        assert isinstance(parameter.default, str | int | float | tuple | range | None) or (
            parameter.default is parameter.empty
        ), parameter


def test_the_list_is_complete():
    """Every estimator class in the package is public, or belongs to a public one and says so here."""
    inside = {
        "BaselinePeriods": "the first step of HazardModel's classifier",
        "BetaGeometricModel": "the base of the beta-geometric purchase models",
        "CovariateModel": "the base of the purchase models with covariates",
        "ContractModel": "the base of the contract models",
        "ChurnClassifier": "made by make_churn_pipeline",
        "ChurnInputs": "made by make_churn_pipeline",
        "Curves": "made by make_churn_pipeline",
        "CurvesAndTrees": "made by make_churn_pipeline",
        "EmptyColumns": "made by make_churn_pipeline",
        "ErlangModel": "the base of the purchase models of regular buyers",
        "ItemRecommender": "the base of the recommenders",
        "PurchaseAnswers": "the verbs of the purchase models",
        "PurchaseModel": "the base of the purchase models",
        "SpendModel": "the base of the spend models",
        "UncertainAnswers": "the verbs of the purchase models that add up uncertainty",
    }
    found = set()
    for module in pkgutil.walk_packages(ci.__path__, "crmintel."):
        if module.name.split(".")[1] not in ("__main__", "cli", "plots", "testing"):
            classes = vars(import_module(module.name)).values()
            found |= {c.__name__ for c in classes if inspect.isclass(c) and issubclass(c, BaseEstimator)
                      and c.__module__.startswith("crmintel")}  # fmt: skip
    assert found - set(inside) == set(ESTIMATORS) == set(CASES)
    assert list(ESTIMATORS) == sorted(ESTIMATORS)


# -- the checks can fail ---------------------------------------------------------------------------------------


class Sound(TransformerMixin, BaseEstimator):
    """Customers' spend, as honest as can be; each of its children breaks one promise."""

    def __init__(self, factor=1.0):
        self.factor = factor

    def fit(self, X, y=None):
        self.mean_ = float(X.spend().mean())
        return self

    def transform(self, X):
        check_is_fitted(self)
        return self.factor * X.spend()[:, None]

    def get_feature_names_out(self, input_features=None):
        return np.array(["spend"], dtype=object)


class OverwritesParameters(Sound):
    def fit(self, X, y=None):
        self.factor = 2.0
        return super().fit(X)


class ReturnsNothing(Sound):
    def fit(self, X, y=None):
        super().fit(X)


class AnswersUnfitted(Sound):
    def transform(self, X):
        return X.spend()[:, None]


class WritesToItsInput(Sound):
    def transform(self, X):
        X.lines.amount[0] += 1.0
        return super().transform(X)


class RemembersTheLastFit(Sound):
    def fit(self, X, y=None):
        self.seen_ = getattr(self, "seen_", 0) + 1
        return super().fit(X)

    def transform(self, X):
        return super().transform(X) + self.seen_


class SeesRowOrder(Sound):
    def transform(self, X):
        return super().transform(X) * X.lines.amount[0]


class LooksAtTheOthers(Sound):
    def transform(self, X):
        spend = super().transform(X)
        return spend / spend.sum()


class CannotBePickled(Sound):
    def fit(self, X, y=None):
        self.rule_ = lambda spend: spend
        return super().fit(X)


class NamesTooMuch(Sound):
    def get_feature_names_out(self, input_features=None):
        return np.array(["spend", "more"], dtype=object)


class DependsOnTheLibrary(Sound):
    def transform(self, X):
        return super().transform(X) + (X.library == "polars")


class FitTransformDiffers(Sound):
    def fit_transform(self, X, y=None):
        return self.fit(X).transform(X) + 1.0


class LearnsInInit(Sound):
    def __init__(self, factor=1.0):
        self.factor = factor
        self.mean_ = 0.0


BROKEN = {
    OverwritesParameters: "fit_returns_self",
    ReturnsNothing: "fit_returns_self",
    AnswersUnfitted: "not_fitted",
    WritesToItsInput: "input_unchanged",
    RemembersTheLastFit: "idempotent",
    SeesRowOrder: "row_order",
    LooksAtTheOthers: "subset",
    CannotBePickled: "pickle",
    NamesTooMuch: "set_output",
    DependsOnTheLibrary: "libraries",
    FitTransformDiffers: "fit_transform",
    LearnsInInit: "parameters",
}


def test_a_sound_estimator_passes(log):
    check_customer_estimator(Sound(), log)


@pytest.mark.parametrize("kind", BROKEN)
def test_each_check_finds_what_it_looks_for(kind, log):
    with pytest.raises(AssertionError, match=f"{kind.__name__}: "):
        check_customer_estimator(kind(), log[:40].compact())
    failing = {}
    for name, check in CHECKS.items():
        try:
            check(Case(kind(), log[:40].compact(), lambda log: log, 1e-12))
        except Exception as error:
            failing[name] = error
    assert BROKEN[kind] in failing


def test_a_failure_that_is_expected_must_happen(log):
    check_customer_estimator(
        FitTransformDiffers(), log, expected_failed_checks={"fit_transform": "the point of this class"}
    )
    with pytest.raises(AssertionError, match="Sound: pickle passes, but was expected to fail: no reason"):
        check_customer_estimator(Sound(), log, expected_failed_checks={"pickle": "no reason"})
    with pytest.raises(ValueError, match=r"names no checks: \['pickles'\]"):
        check_customer_estimator(Sound(), log, expected_failed_checks={"pickles": "a typo"})
