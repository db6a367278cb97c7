"""Displays: optional (matplotlib), each with its numbers in a public ``data``."""

from crmintel.plots.holdout import CalibrationHoldoutDisplay as CalibrationHoldoutDisplay
from crmintel.plots.lorenz import LorenzDisplay as LorenzDisplay
from crmintel.plots.rule_graph import RuleGraphDisplay as RuleGraphDisplay
from crmintel.plots.rule_matrix import RuleMatrixDisplay as RuleMatrixDisplay
from crmintel.plots.rules import RuleScatterDisplay as RuleScatterDisplay
from crmintel.plots.tiers import ValueTiersDisplay as ValueTiersDisplay

__all__ = [
    "CalibrationHoldoutDisplay",
    "LorenzDisplay",
    "RuleGraphDisplay",
    "RuleMatrixDisplay",
    "RuleScatterDisplay",
    "ValueTiersDisplay",
]
