"""Displays: optional (matplotlib), each with its numbers in a public ``data``."""

from crmintel.plots.alive import AliveHistoryDisplay as AliveHistoryDisplay
from crmintel.plots.counts import PurchaseCountDisplay as PurchaseCountDisplay
from crmintel.plots.heterogeneity import HeterogeneityDisplay as HeterogeneityDisplay
from crmintel.plots.holdout import CalibrationHoldoutDisplay as CalibrationHoldoutDisplay
from crmintel.plots.isovalue import IsoValueDisplay as IsoValueDisplay
from crmintel.plots.lorenz import LorenzDisplay as LorenzDisplay
from crmintel.plots.recency import FrequencyRecencyDisplay as FrequencyRecencyDisplay
from crmintel.plots.rule_graph import RuleGraphDisplay as RuleGraphDisplay
from crmintel.plots.rule_matrix import RuleMatrixDisplay as RuleMatrixDisplay
from crmintel.plots.rules import RuleScatterDisplay as RuleScatterDisplay
from crmintel.plots.tiers import ValueTiersDisplay as ValueTiersDisplay
from crmintel.plots.tracking import TrackingDisplay as TrackingDisplay

__all__ = [
    "AliveHistoryDisplay",
    "CalibrationHoldoutDisplay",
    "FrequencyRecencyDisplay",
    "HeterogeneityDisplay",
    "IsoValueDisplay",
    "LorenzDisplay",
    "PurchaseCountDisplay",
    "RuleGraphDisplay",
    "RuleMatrixDisplay",
    "RuleScatterDisplay",
    "TrackingDisplay",
    "ValueTiersDisplay",
]
