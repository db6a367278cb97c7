"""Real data from installed packages, and simulators that return the truth too."""

from crmintel.datasets.baskets import make_baskets
from crmintel.datasets.cdnow import load_cdnow
from crmintel.datasets.complete_journey import load_complete_journey
from crmintel.datasets.simulate import make_transactions
from crmintel.datasets.telco import load_telco_churn

__all__ = ["load_cdnow", "load_complete_journey", "load_telco_churn", "make_baskets", "make_transactions"]
