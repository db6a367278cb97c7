"""Displays: optional (matplotlib), each with its numbers in a public ``data``."""

from crmintel.plots.holdout import CalibrationHoldoutDisplay as CalibrationHoldoutDisplay
from crmintel.plots.lorenz import LorenzDisplay as LorenzDisplay
from crmintel.plots.tiers import ValueTiersDisplay as ValueTiersDisplay

__all__ = ["CalibrationHoldoutDisplay", "LorenzDisplay", "ValueTiersDisplay"]
