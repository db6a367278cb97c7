"""Displays: optional (matplotlib), each with its numbers in a public ``data``."""

from crmintel.plots.alive import AliveHistoryDisplay as AliveHistoryDisplay
from crmintel.plots.bridge import RevenueBridgeDisplay as RevenueBridgeDisplay
from crmintel.plots.calibration import ChurnCalibrationDisplay as ChurnCalibrationDisplay
from crmintel.plots.cohorts import CohortDisplay as CohortDisplay
from crmintel.plots.counts import PurchaseCountDisplay as PurchaseCountDisplay
from crmintel.plots.gain import GainDisplay as GainDisplay
from crmintel.plots.heterogeneity import HeterogeneityDisplay as HeterogeneityDisplay
from crmintel.plots.holdout import CalibrationHoldoutDisplay as CalibrationHoldoutDisplay
from crmintel.plots.isovalue import IsoValueDisplay as IsoValueDisplay
from crmintel.plots.lorenz import LorenzDisplay as LorenzDisplay
from crmintel.plots.migration import MigrationMatrixDisplay as MigrationMatrixDisplay
from crmintel.plots.profile import SegmentProfileDisplay as SegmentProfileDisplay
from crmintel.plots.profit import ProfitCurveDisplay as ProfitCurveDisplay
from crmintel.plots.reasons import ReasonsDisplay as ReasonsDisplay
from crmintel.plots.recency import FrequencyRecencyDisplay as FrequencyRecencyDisplay
from crmintel.plots.rfm import RFMHeatmapDisplay as RFMHeatmapDisplay
from crmintel.plots.rule_graph import RuleGraphDisplay as RuleGraphDisplay
from crmintel.plots.rule_matrix import RuleMatrixDisplay as RuleMatrixDisplay
from crmintel.plots.rules import RuleScatterDisplay as RuleScatterDisplay
from crmintel.plots.sankey import MigrationSankeyDisplay as MigrationSankeyDisplay
from crmintel.plots.satisfaction import SatisfactionDisplay as SatisfactionDisplay
from crmintel.plots.selection import ClusterSelectionDisplay as ClusterSelectionDisplay
from crmintel.plots.silhouette import SilhouetteDisplay as SilhouetteDisplay
from crmintel.plots.survival import SurvivalDisplay as SurvivalDisplay
from crmintel.plots.tiers import ValueTiersDisplay as ValueTiersDisplay
from crmintel.plots.tracking import TrackingDisplay as TrackingDisplay
from crmintel.plots.treemap import SegmentTreemapDisplay as SegmentTreemapDisplay

__all__ = [
    "AliveHistoryDisplay",
    "CalibrationHoldoutDisplay",
    "ChurnCalibrationDisplay",
    "ClusterSelectionDisplay",
    "CohortDisplay",
    "FrequencyRecencyDisplay",
    "GainDisplay",
    "HeterogeneityDisplay",
    "IsoValueDisplay",
    "LorenzDisplay",
    "MigrationMatrixDisplay",
    "MigrationSankeyDisplay",
    "ProfitCurveDisplay",
    "PurchaseCountDisplay",
    "RFMHeatmapDisplay",
    "ReasonsDisplay",
    "RevenueBridgeDisplay",
    "RuleGraphDisplay",
    "RuleMatrixDisplay",
    "RuleScatterDisplay",
    "SatisfactionDisplay",
    "SegmentProfileDisplay",
    "SegmentTreemapDisplay",
    "SilhouetteDisplay",
    "SurvivalDisplay",
    "TrackingDisplay",
    "ValueTiersDisplay",
]
